"""Rendering: the table of formats, texts and files, options, and the command line."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tvbo_lite import SimulationExperiment, formats
from tvbo_lite.backends import jlems, native
from tvbo_lite.backends.java import find_java
from tvbo_lite.cli import cli
from tvbo_lite.errors import BackendError, RenderError
from tvbo_lite.formats import FORMATS, Files, Format, Rendered, Stored, _jinja
from tvbo_lite.formats.files import write_files
from tvbo_lite.formats.lems.core import core_includes, without_core
from tvbo_lite.formats.lems.reader import link, read_file, read_string
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.resources import folder

EXAMPLE = folder("reference_examples") / "izhikevich" / "experiment.yaml"
EX1 = "LEMS_NML2_Ex1_HH.xml"  # a point cell, which the NeuroML schema does not know
EX5 = "LEMS_NML2_Ex5_DetCell.xml"  # its cell and network stand in an included NeuroML file
EX9 = "LEMS_NML2_Ex9_FN.xml"
EX10 = "LEMS_NML2_Ex10_Q10.xml"  # has a component type of its own


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["render", *arguments])


def files(where: str | Path = ".") -> list[str]:
    return sorted(str(path.relative_to(where)) for path in Path(where).rglob("*") if path.is_file())


@pytest.fixture
def experiment() -> SimulationExperiment:
    return SimulationExperiment.from_file(EXAMPLE)


# ---- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, item in FORMATS.items() if item.writer])
def test_every_writer_takes_a_model_and_losses(name: str) -> None:
    """Options are keywords with defaults, so that every format is called in one way."""
    first, second, *rest = inspect.signature(formats.writer(name)).parameters.values()
    assert (first.name, second.name) == ("model", "losses")
    for option in rest:
        assert option.kind is option.KEYWORD_ONLY
        assert option.default is not option.empty
    assert FORMATS[name].suffix.startswith(".")


@pytest.mark.parametrize("name", [name for name, item in FORMATS.items() if item.writer])
def test_every_format_renders_the_reference_experiment(
    name: str, experiment: SimulationExperiment, tmp_path: Path
) -> None:
    """Its four cells and their inputs have a form in every format; the same one each time."""

    def contents(rendered: Rendered) -> list[bytes]:
        if isinstance(rendered, str):
            return [rendered.encode()]
        if isinstance(rendered, Stored):
            rendered.write(tmp_path / "file")
            return [(tmp_path / "file").read_bytes()]
        return [text for item in rendered.values() for text in contents(item)]

    rendered = experiment.render(name, losses=Losses())
    found = contents(rendered)
    assert found
    assert found == contents(experiment.render(name, losses=Losses()))
    assert all(text.endswith(b"\n") for text in found) or isinstance(rendered, Stored)


def test_a_format_without_a_writer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And names a format that can be written."""
    monkeypatch.setitem(FORMATS, "lens", Format("lenses"))
    with pytest.raises(RenderError, match=r"lenses cannot be written yet; did you mean 'lems'\?"):
        formats.writer("lens")


def test_a_misspelt_option_is_answered_with_the_nearest(experiment: SimulationExperiment) -> None:
    """Before anything is written."""
    with pytest.raises(RenderError, match=r"LEMS XML has no option 'splt'; did you mean 'split'\?"):
        experiment.render("lems", splt=True)
    with pytest.raises(RenderError, match="LEMS XML has no option 'x'; it has split, name"):
        experiment.save("x.xml", x=1)
    assert files() == []


# ---- files -------------------------------------------------------------------------------------


def test_files_are_a_mapping_in_the_order_of_writing() -> None:
    """With one main file, which must be among them."""
    found = Files("b", {"b": "two", "a": "one"})
    assert (list(found), found["a"], len(found), found.main) == (["b", "a"], "one", 2, "b")
    with pytest.raises(RenderError, match="the main file 'c' is not among b, a"):
        Files("c", found)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "C:x", "a\0"])
def test_a_file_s_name_leads_nowhere_else(name: str) -> None:
    """What a model says never decides on a folder."""
    with pytest.raises(RenderError, match="cannot be the name of a file"):
        Files(name, {name: ""})


def test_files_are_written_whole_and_the_main_one_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part remains beside them; what was there is replaced."""
    order: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda path, target: (order.append(Path(target).name), replace(path, target))[1]
    )
    Path("d").mkdir()
    Path("d", "b").write_text("old")
    found = write_files("d", Files("b", {"b": "two µ", "a": "one"}))
    assert found == (Path("d", "b"), Path("d", "a"))
    assert order == ["a", "b"]
    assert files("d") == ["a", "b"]
    assert Path("d", "b").read_text(encoding="utf-8") == "two µ"


def test_a_write_that_fails_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not half of a new one."""
    Path("a").write_text("old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_files(".", Files("a", {"a": "new"}))
    assert files() == ["a"]
    assert Path("a").read_text() == "old"


def test_only_templates_of_xml_escape_what_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a script ``a < b`` stays as it is; its writer quotes texts itself."""
    for name in ("a.xml.j2", "a.py.j2"):
        Path(name).write_text("{{ text }}")
    monkeypatch.setattr(_jinja, "folder", lambda _: tmp_path)
    _jinja._environment.cache_clear()
    try:
        found = [_jinja.render(name, {"text": "a < b\n"}) for name in ("a.xml.j2", "a.py.j2")]
    finally:
        _jinja._environment.cache_clear()
    assert found == ["a &lt; b&#10;", "a < b\n"]


# ---- experiments -------------------------------------------------------------------------------


def test_an_experiment_is_saved_as_a_file_or_a_folder(experiment: SimulationExperiment) -> None:
    """A single text under the name that is given, several into a folder of that name."""
    assert experiment.save("a.xml") == (Path("a.xml"),)
    assert Path("a.xml").read_text() == experiment.render("lems")
    found = experiment.save("out/iz", "neuroml", name="iz", strict=True)
    assert found[-1] == Path("out/iz/LEMS_iz.xml")
    assert {path.name for path in found} == set(files("out/iz"))


def test_a_name_without_a_known_ending_needs_a_format(experiment: SimulationExperiment) -> None:
    """Nothing is guessed."""
    with pytest.raises(
        RenderError, match=r"a\.py: the name does not tell the format; name one of lems, yaml"
    ):
        experiment.save("a.py")


def test_a_linked_model_is_rendered_as_its_own_part() -> None:
    """Core types are included again; with them the model is the one that was read."""
    model = read_file(EX5)
    own = without_core(model)
    assert [item.file for item in own.includes] == ["Cells.xml", "Networks.xml", "Simulation.xml"]
    assert core_includes(own) == ()
    again = link(own)
    assert (again.components, again.target) == (model.components, model.target)
    assert sorted(kind.name for kind in again.component_types) == sorted(
        kind.name for kind in model.component_types
    )
    document = read_string("<Lems><Unit symbol='x' dimension='none'/></Lems>")
    assert without_core(document) == document


# ---- LEMS in three files -----------------------------------------------------------------------


def test_three_files_include_each_other(experiment: SimulationExperiment) -> None:
    """Types, then components, then the simulation, which is the main one."""
    found = experiment.render("lems", split=True)
    assert isinstance(found, Files)
    assert list(found) == ["net1_types.xml", "net1_network.xml", "LEMS_net1.xml"]
    types, network, simulation = (read_string(text) for text in found.values())
    assert [item.file for item in network.includes] == ["net1_types.xml"]
    assert [item.file for item in simulation.includes] == ["net1_network.xml"]
    model = experiment.model()
    assert types.includes == model.includes
    assert (types.components, network.component_types) == ((), ())
    assert (*network.components, *simulation.components) == model.components
    assert simulation.target == model.target
    assert list(experiment.render("lems", split=True, name="iz")) == [
        "iz_types.xml", "iz_network.xml", "LEMS_iz.xml",
    ]  # fmt: skip


def test_what_cannot_be_run_is_not_split() -> None:
    """A model without target has no third file."""
    with pytest.raises(RenderError, match="only a model with a target and its simulation is split"):
        formats.render(m.Model(), "lems", split=True)


@pytest.mark.parametrize("name", [EX1, EX5, EX10])
def test_three_files_run_as_one_does(name: str) -> None:
    """The same values to the last bit."""
    model = read_file(name)
    found = formats.render(model, "lems", split=True)
    assert isinstance(found, Files)
    write_files("d", found)
    ours, theirs = native.run_linked(read_file(Path("d", found.main))), native.run_linked(model)
    assert ours.quantities == theirs.quantities
    np.testing.assert_array_equal(ours.values, theirs.values)


def test_jlems_runs_three_files_as_one() -> None:
    """All that they include is found beside them."""
    try:
        find_java()
    except BackendError:
        pytest.skip("no Java runtime")
    assert call(EX9, "--split", "--folder", "d").exit_code == 0
    (main,) = Path("d").glob("LEMS_*")
    ours, theirs = jlems.run_file(main), jlems.run_file(EX9)
    assert ours.quantities == theirs.quantities
    np.testing.assert_array_equal(ours.values, theirs.values)


# ---- the command line --------------------------------------------------------------------------


def test_the_help_names_every_format_that_can_be_written() -> None:
    """In the order of the table."""
    *names, last = (name for name, item in FORMATS.items() if item.writer)
    assert f"{', '.join(names)} or {last}." in " ".join(call("--help").stdout.split())


def test_losses_go_to_stderr_and_the_text_to_stdout() -> None:
    """What, where it stands, and why, one line each."""
    result = call(EX1, "--to", "neuroml", "--folder", "d")
    assert result.exit_code == 0
    assert result.stdout == ""
    lost, *wrote = result.stderr.splitlines()
    assert lost.startswith(f"lost: jNeuroML:LEMSexamples/{EX1}:")
    assert "<pointCellCondBased> 'hhpointcell': it stands in net1_types.xml" in lost
    assert wrote == [f"wrote {Path('d', name)}" for name in read_names(EX1)]


def read_names(name: str) -> list[str]:
    found = formats.render(read_file(name), "neuroml", losses=Losses())
    return list(found)


def test_strict_writes_nothing_where_something_is_lost() -> None:
    """Neither to a folder nor to stdout; exit status 2 and all losses."""
    result = call(EX1, "--to", "neuroml", "--folder", "d", "--strict")
    assert result.exit_code == 2
    assert "cannot hold all of this model" in result.stderr
    assert "<pointCellCondBased> 'hhpointcell'" in result.stderr
    assert (result.stdout, files()) == ("", [])
    assert call(EX9, "--to", "neuroml", "--folder", "d", "--strict").exit_code == 0


def test_several_files_need_a_folder() -> None:
    """Their names are told; one file may go to a folder too, under the name of the source."""
    result = call(EX9, "--to", "neuroml")
    assert result.exit_code == 2
    assert "give --folder DIR: fn1.cell.nml, net1.net.nml, LEMS_net1.xml" in result.stderr
    assert "give -o OUT for one file, or --folder DIR" in call(EX9, "-o", "x", "--folder", "d").stderr
    assert call(str(EXAMPLE), "--folder", "d").stderr == f"wrote {Path('d', 'experiment.xml')}\n"


def test_split_is_for_lems_alone() -> None:
    """Other formats say so."""
    assert "NeuroML 2 and LEMS files has no option 'split'" in call(EX9, "--to", "neuroml", "--split").stderr


def test_includes_are_found_in_the_folders_that_are_named() -> None:
    """``-I`` works as for a run."""
    jar.extract_examples("neuroml2")
    text = Path("neuroml2", "LEMSexamples", EX5).read_text().replace("../examples/", "")
    Path("m.xml").write_text(text)
    assert "NML2_SingleCompHHCell.nml' is not found" in call("m.xml", "--split", "--folder", "d").stderr
    assert files("neuroml2")
    found = call("m.xml", "--split", "--folder", "d", "-I", "neuroml2/examples")
    assert found.exit_code == 0, found.stderr
    assert len(files("d")) == 3
