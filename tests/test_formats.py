"""A format is one row of the table: with it, all that reads and writes knows the format."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from tvbo_lite.cli import cli
from tvbo_lite.errors import RenderError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats import FORMATS, Format, format_of, read, read_as
from tvbo_lite.formats.lems import reader, writer
from tvbo_lite.resources import folder

EXPERIMENT = """\
dynamics: {name: fn, iri: "neuroml:fitzHughNagumoCell", parameters: {I: 0.8}}
integration: {step_size: 0.01, duration: 2, time_scale: s}
"""


@pytest.fixture
def boxed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format of the test: LEMS in a box of JSON."""
    module = ModuleType("tvbo_lite.formats.boxed")
    module.read = lambda path, search: reader.read_string(
        json.loads(Path(path).read_text())["lems"], str(path)
    )
    module.write = lambda model, losses: json.dumps({"lems": writer.write(model, losses)})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    row = Format("boxed LEMS", "boxed:read", "boxed:write", ".box", linked=False, endings=(".box",))
    monkeypatch.setitem(FORMATS, "boxed", row)


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.output


def test_a_row_is_all_that_a_format_needs(boxed: None, tmp_path: Path) -> None:
    """A new format is written and read by its ending, checked, run, compared and translated on."""
    given, box, lems = (tmp_path / name for name in ("given.yaml", "a.box", "a.xml"))
    given.write_text(EXPERIMENT)
    assert SimulationExperiment.from_file(given).save(box) == (box,)
    assert (format_of(box), read_as(box)) == ("boxed", "boxed")
    assert "no problems" in run("validate", box)
    run("convert", box, lems)
    for file in (given, box, lems):
        run("run", file, "--out", tmp_path / file.suffix[1:])
    values = [next((tmp_path / name).rglob("*.dat")).read_text() for name in ("yaml", "box", "xml")]
    assert values[0] == values[1] == values[2]
    assert "ok " in run("compare", box) or "identical" in run("compare", box)
    assert "boxed LEMS" in run("formats")
    assert run("render", box, "--to", "yaml") == run("render", lems, "--to", "yaml")


@pytest.mark.parametrize("name", sorted(name for name, item in FORMATS.items() if item.endings))
def test_an_ending_means_the_same_when_written_and_when_read(name: str) -> None:
    """And is that of no other format."""
    for ending in FORMATS[name].endings:
        assert format_of(f"a{ending}") == read_as(f"a{ending.upper()}") == name
        assert [key for key, item in FORMATS.items() if ending in item.endings] == [name]


def test_each_format_that_is_read_gives_the_model(tmp_path: Path) -> None:
    """The experiment in YAML, and the LEMS document that it is written as, are read to equal models."""
    example = folder("reference_examples") / "qif" / "experiment.yaml"
    model = read(example)
    assert model == SimulationExperiment.from_file(example).model()
    SimulationExperiment.from_file(example).save(tmp_path / "q.xml")
    assert reader.link(model).components == read(tmp_path / "q.xml", "lems").components


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A format that is written only, and one that there is not, with the nearest name."""
    with pytest.raises(RenderError, match="Brian 2 script cannot be read yet; there is lems, yaml"):
        read(tmp_path / "a.py", "brian2")
    with pytest.raises(RenderError, match=r"no format 'lem'; did you mean 'lems'\?"):
        read(tmp_path / "a.py", "lem")
