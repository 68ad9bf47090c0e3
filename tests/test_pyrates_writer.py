"""PyRates templates: PyRates runs them as their comment says, with the traces of the built-in engine.

PyRates 1.2.3 runs in an environment of its own, whose Python the environment variable
``TVBO_LITE_PYRATES_PYTHON`` names: ``python -m venv pyrates && pyrates/bin/pip install pyrates==1.2.3``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from scripts import RATES, differences, interpreter, model, native_run, run
from test_couplings import ALL as COUPLED

from tvbo_lite.errors import RenderError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.formats.pyrates.inputs import Input, input_of
from tvbo_lite.formats.pyrates.writer import write
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations.system import Across, Group, Parameter

AGREEMENT = 1e-9  # of a trace's range
RUNS = {
    "Ex9_FN.yaml": "40 s",
    "LEMS_NML2_Ex9_FN.xml": "40 s",
    "qif": "30 ms",
    "qif_sfa": "30 ms",
    "izhikevich_mean_field": "60 ms",
    "two coupled rates": None,
}


def run_templates(python: str, text: str, folder: Path) -> dict[str, np.ndarray]:
    """The traces of the templates, run by the lines that stand in their comment."""
    (folder / "model.yaml").write_text(text)
    lines = [line[3:] for line in text.splitlines() if line.startswith("#: ")]
    saved = "np.savez('traces.npz', **{name: traces[name].values for name in traces})"
    run([python, "-c", "\n".join([*lines, "import numpy as np", saved])], folder)
    with np.load(folder / "traces.npz") as traces:
        return dict(traces)


@pytest.mark.parametrize("name", RUNS)
def test_pyrates_gives_what_the_engine_gives(name: str, tmp_path: Path) -> None:
    """PyRates loads the file, runs it by Euler's method, and has the traces of the native run."""
    python = interpreter("TVBO_LITE_PYRATES_PYTHON", "pyrates")
    found = model(name, RUNS[name])
    losses = Losses()
    traces = run_templates(python, write(found, losses), tmp_path)
    worst = differences(native_run(found), traces)
    assert {quantity: value for quantity, value in worst.items() if not value <= AGREEMENT} == {}
    assert len(losses) == 0


def test_an_input_in_time_needs_no_events(tmp_path: Path) -> None:
    """What conditions on the time alone set is an equation, so generators drive nodes."""
    python = interpreter("TVBO_LITE_PYRATES_PYTHON", "pyrates")
    cells = model("LEMS_NML2_Ex2_Izh.xml", "21 ms")  # before the first spike
    traces = run_templates(python, write(cells, Losses()), tmp_path)
    ours = native_run(cells).trace("izpopTonic[0]/v")[:-1]
    theirs = traces["izpopTonic[0]/v"].ravel()
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-9 * np.ptp(ours))


def test_it_is_yaml_of_three_kinds_of_templates() -> None:
    """Operators with equations and variables, nodes of operators, one circuit with edges."""
    text = write(link(SimulationExperiment.from_string(RATES, "rates.yaml").model()), Losses())
    document = yaml.safe_load(text.partition("---")[2])
    kinds = [item["base"] for item in document.values()]
    assert set(kinds) == {"OperatorTemplate", "NodeTemplate", "CircuitTemplate"}
    assert kinds[-1] == "CircuitTemplate"
    assert document["circuit"]["edges"]
    for item in document.values():
        for value in item.get("variables", {}).values():
            assert isinstance(value, float | str)


def test_spikes_are_a_loss() -> None:
    """PyRates has no events: a reset is told by its condition and its place."""
    losses = Losses()
    write(model("LEMS_NML2_Ex2_Izh.xml"), losses)
    found = [loss for loss in losses if "v .gt. thresh" in loss.what]
    assert found
    assert all(loss.where.line and "no events" in loss.reason for loss in found)


def test_regimes_are_a_loss() -> None:
    """Of a cell with regimes the equations at the start are kept, which is told."""
    losses = Losses()
    write(model("LEMS_NML2_Ex0_IaF.xml"), losses)
    found = [loss for loss in losses if "regimes of" in loss.what]
    assert found
    assert all("integrating" in loss.reason and loss.where.line for loss in found)


def test_random_numbers_are_a_loss() -> None:
    """PyRates draws no random numbers in equations."""
    losses = Losses()
    write(model("LEMS_NML2_Ex14_PyNN.xml"), losses)
    assert len(losses) > 0


def test_names_that_pyrates_keeps_are_changed() -> None:
    """``E`` and ``I`` would mean something else to PyRates."""
    text = write(link(SimulationExperiment.from_string(RATES, "rates.yaml").model()), Losses())
    assert "E_var' = " in text
    assert "    E: " not in text


CIRCUITS = ("pair", "filtered", "spread", "twins", "nested")


def circuit(name: str, folder: Path) -> SimulationExperiment:
    """A circuit of PyRates templates as an experiment."""
    (folder / "models.yaml").write_bytes((Path(__file__).parent / "pyrates" / "models.yaml").read_bytes())
    return SimulationExperiment.from_pyrates(f"{folder}/models/{name}", step_size=0.01, duration=2)


@pytest.mark.parametrize("name", ["rates", "units", "relay"])
def test_couplings_by_equations_are_templates(name: str, tmp_path: Path) -> None:
    """PyRates has the traces of networks whose nodes have values of their own, which their terms read."""
    python = interpreter("TVBO_LITE_PYRATES_PYTHON", "pyrates")
    found = link(SimulationExperiment.from_string(COUPLED[name]).model())
    losses, ours = Losses(), native_run(found)
    traces = run_templates(python, write(found, losses), tmp_path)
    assert all("recording of" in loss.what for loss in losses)
    assert len(traces) + len(losses) == len(ours.quantities)
    for quantity, trace in traces.items():
        wanted = ours.trace(quantity)[: trace.size]
        np.testing.assert_allclose(trace.ravel(), wanted, rtol=0, atol=AGREEMENT * np.ptp(wanted))


def test_what_has_neither_an_edge_nor_a_value_is_an_error() -> None:
    """An input is never 0 because nothing was found for it."""
    source = Group("far", "a cell", "far", 1, None, (0,), attached=False)
    reader = Group("near", "a term", "near", 1, None, (0,), attached=False)
    groups = {"far": source, "near": reader}
    leaf = Across("x", "far", (0,))
    with pytest.raises(RenderError, match="'x' of a cell 'far', which others read"):
        input_of(leaf, reader, groups, {})
    source.parameters["x"] = Parameter("x", (3.0,), "none")
    assert input_of(leaf, reader, groups, {}) == Input(((),), (3.0,))
    assert input_of(leaf, reader, groups, {"far": {"x"}}) == Input(((("far", "x", 0),),), (0.0,))


def unfed(text: str) -> list[str]:
    """The inputs of a written file that no edge feeds at any node."""
    document = yaml.safe_load(text.partition("---")[2])
    edges = {tuple(edge[1].split("/")) for edge in document["circuit"].get("edges", [])}
    return [
        f"{node}/{operator}/{name}"
        for node, template in document["circuit"]["nodes"].items()
        for operator in document[template]["operators"]
        for name, value in document[operator]["variables"].items()
        if str(value).startswith("input") and (node, operator, name) not in edges
    ]


@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    """Templates read, and written again, give PyRates the traces of the built-in engine: no term is lost."""
    python = interpreter("TVBO_LITE_PYRATES_PYTHON", "pyrates")
    losses = Losses()
    found = link(circuit(name, tmp_path).model())
    traces = run_templates(python, write(found, losses), tmp_path)
    ours = native_run(found)
    told = {loss.what for loss in losses}
    assert all(what.startswith("the recording of") for what in told)
    missing = set(ours.quantities) - set(traces)
    assert {f"the recording of '{quantity}'" for quantity in missing} == told
    for quantity, trace in traces.items():
        wanted = ours.trace(quantity)[: trace.size]
        np.testing.assert_allclose(
            trace.ravel(), wanted, rtol=0, atol=AGREEMENT * np.ptp(wanted), err_msg=quantity
        )


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_input_is_fed_by_an_edge(name: str, tmp_path: Path) -> None:
    """What a term reads of its source is an edge where it changes, and a value where it does not."""
    text = write(link(circuit(name, tmp_path).model()), Losses())
    assert ("input(0.0)" in text) == (name != "twins")  # whose only node reads no other
    assert unfed(text) == []
