"""`SimulationExperiment`: reading, looking at, rendering, running."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tvbo_lite
from tvbo_lite import SimulationExperiment, backends
from tvbo_lite.errors import BackendError, InputError, ReadError, RenderError, SchemaError, UnitError
from tvbo_lite.formats import FORMATS, writer
from tvbo_lite.formats.lems.reader import link, read_string
from tvbo_lite.lems.recording import Recording
from tvbo_lite.resources import folder
from tvbo_lite.transforms.plan import simulation_plan

if TYPE_CHECKING:
    from pathlib import Path

    from tvbo_lite.lems.model import Model

EXAMPLE = folder("reference_examples") / "izhikevich" / "experiment.yaml"
CELL = """\
label: FitzHugh-Nagumo
dynamics:
  name: fn
  iri: neuroml:fitzHughNagumoCell
  parameters: {I: 0.8}
integration: {step_size: 0.01, duration: 200, time_scale: s}
"""


def test_the_content_has_the_names_of_the_dialect() -> None:
    """What stands in the file is found under the same name, maps in the order of the file."""
    exp = SimulationExperiment.from_file(EXAMPLE)
    assert exp.label == "NeuroML Ex2: Izhikevich"
    assert exp.network is not None
    assert list(exp.network.dynamics) == [
        "izBurst",
        "izTonic",
        "izMixed",
        "izClass1",
        "i0",
        "i1",
        "i2",
        "rg0",
    ]
    assert exp.network.dynamics["izBurst"].parameters["c"].value == -50
    assert [node.id for node in exp.network.nodes] == [0, 1, 2, 3, 10, 11, 12, 13]
    assert exp.integration is not None
    assert exp.integration.time_scale == "ms"


def test_a_file_and_its_text_give_the_same_experiment() -> None:
    """Where an experiment was read from is no part of what it says."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert SimulationExperiment.from_file(EXAMPLE) == SimulationExperiment.from_string(text)
    assert SimulationExperiment.from_file(str(EXAMPLE)) != SimulationExperiment.from_string(CELL)


def test_the_package_offers_the_class_by_its_own_name() -> None:
    """``from tvbo_lite import SimulationExperiment`` is the way in."""
    assert tvbo_lite.SimulationExperiment is SimulationExperiment


@pytest.mark.parametrize("source", [EXAMPLE.read_text(encoding="utf-8"), CELL], ids=["network", "cell"])
def test_the_rendered_text_is_the_model_that_runs(source: str) -> None:
    """Rendering and running start from one model; the text read again gives it back."""
    exp = SimulationExperiment.from_string(source)
    assert read_string(exp.render("lems")) == exp.model()
    assert exp.render() == exp.render("lems")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lem", r"there is no format 'lem'; did you mean 'lems'\?"),
        ("LEMS", r"did you mean 'lems'\?"),
        ("qqq", "there is no format 'qqq'; there is lems"),
    ],
)
def test_an_unknown_format_is_named_with_the_nearest_one(name: str, message: str) -> None:
    """The message says which formats there are."""
    with pytest.raises(RenderError, match=message):
        SimulationExperiment.from_string(CELL).render(name)


def test_every_row_of_the_table_of_formats_leads_to_a_function() -> None:
    """A writer that the table names exists."""
    for name, item in FORMATS.items():
        if item.writer:
            assert callable(writer(name))


def test_a_mistake_names_the_file_the_line_and_the_unit(tmp_path: Path) -> None:
    """A wrong unit is found when the model is asked for, in the words of the file."""
    path = tmp_path / "wrong.yaml"
    path.write_text(
        EXAMPLE.read_text(encoding="utf-8").replace("{value: 30, unit: mV}", "{value: 30, unit: ms}", 1)
    )
    exp = SimulationExperiment.from_file(path)
    with pytest.raises(UnitError, match=r"wrong\.yaml:\d+: .*thresh.*'30 ms' is time, not voltage"):
        exp.model()


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("label: ]", ReadError, "<string>:1: this is not valid YAML"),
        ("labl: x", SchemaError, "<string>:1: labl: 'labl' is not a key"),
        ("- 1", ReadError, "a list at its top level"),
    ],
)
def test_a_text_that_is_no_experiment_is_refused(text: str, kind: type[InputError], message: str) -> None:
    """Each layer of reading has its error class; all say the line."""
    with pytest.raises(kind) as caught:
        SimulationExperiment.from_string(text)
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error_of_this_package(tmp_path: Path) -> None:
    """Missing files, folders and other encodings are reported with the file's name."""
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("label: é".encode("latin-1"))
    for path, message in (
        (tmp_path / "none.yaml", r"none\.yaml: cannot be read: No such file"),
        (tmp_path, "cannot be read"),
        (latin, r"latin\.yaml: cannot be read: it is not UTF-8 text"),
    ):
        with pytest.raises(ReadError, match=message):
            SimulationExperiment.from_file(path)


def recorder(calls: list[object]) -> object:
    """A stand-in for `backends.run_model`: notes what it was given, returns zeros."""

    def run_model(model: Model, *, backend: str, **options: object) -> Recording:
        calls.append((model, backend, options))
        plan = simulation_plan(link(model))
        names = plan.quantities()
        shape = (plan.n_steps + 1, len(names))
        units = dict.fromkeys(names, "V")
        return Recording(plan, np.arange(shape[0]) * plan.step, np.zeros(shape), names, units=units)

    return run_model


def test_running_hands_the_model_to_the_chosen_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in engine is the default; options are the backend's own."""
    calls: list[object] = []
    monkeypatch.setattr(backends, "run_model", recorder(calls))
    exp = SimulationExperiment.from_string(CELL)
    exp.run()
    exp.run("neuroml", timeout=3)
    assert calls == [(exp.model(), "native", {}), (exp.model(), "neuroml", {"timeout": 3})]


def test_a_network_gives_quantities_and_a_single_cell_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dimensions, names and units of the result are those of the documentation."""
    monkeypatch.setattr(backends, "run_model", recorder([]))
    network = SimulationExperiment.from_file(EXAMPLE).run().integration.data
    assert network.dims == ("time", "quantity")
    assert network.shape == (40001, 4)
    assert network.coords["quantity"].values[0] == "izBurst_pop[0]/v"
    assert set(network.coords["units"].values) == {"V"}
    cell = SimulationExperiment.from_string(CELL).run()
    assert cell.integration.data.dims == ("time", "variable")
    assert list(cell.integration.data.coords["variable"].values) == ["V"]
    assert cell.recording is not None
    assert cell.recording.quantities == ("fn_pop[0]/V",)


def test_an_unknown_backend_is_named_with_the_nearest_one() -> None:
    """The message says which backends there are."""
    with pytest.raises(BackendError, match="did you mean 'neuroml'"):
        SimulationExperiment.from_string(CELL).run("neurml")


def test_rendering_loads_no_library_that_it_does_not_need() -> None:
    """Reading and rendering an experiment imports neither xarray nor matplotlib nor a compiler."""
    code = (
        "import sys; from tvbo_lite import SimulationExperiment as S;"
        f"S.from_file({str(EXAMPLE)!r}).render('lems');"
        "print(*{'xarray', 'matplotlib', 'llvmlite', 'pyneuroml', 'numpy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
