"""Sweeps: each set's traces are those of a run of its own, whatever else runs beside it."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from sweeps import QIF

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import population, sets
from tvbo_lite.backends.native import prepare
from tvbo_lite.cli import cli
from tvbo_lite.errors import ModelError, SimulationError, UnsupportedError
from tvbo_lite.explore.space import with_value

ROOT = Path(__file__).parents[1]

CELL = """
dynamics:
  name: cell
  parameters:
    g: {value: 10, unit: nS}
    C: {value: 200, unit: pF}
    E: {value: -70, unit: mV}
    rate: {equation: g / C, unit: per_ms}
  state_variables:
    v: {equation: rate * (E - v), unit: mV, initial_value: -50}
integration: {step_size: 0.1, duration: 20, time_scale: ms}
"""

PAIR = """
network:
  dynamics:
    osc:
      parameters: {omega: 1.0}
      coupling_inputs: {c: {}}
      state_variables: {theta: {equation: omega + c, initial_value: 0.5}}
  nodes: [{id: 0, dynamics: osc}, {id: 1, dynamics: osc, parameters: {theta: 1.0}}]
  edges: [{source: 0, target: 1, weight: 0.5, coupling: k}]
  coupling:
    k: {parameters: {a: 2.0}, pre_expression: sin(x_j - x_i), post_expression: a*gx}
integration: {step_size: 0.05, duration: 5}
"""


def read(text: str) -> SimulationExperiment:
    return SimulationExperiment.from_string(text)


def one_by_one(text: str, path: tuple[str, ...], values: Any, **options: Any) -> np.ndarray:
    """The traces of runs of their own."""
    runs = [with_value(read(text), path, value).run(**options) for value in values]
    return np.stack([run.data.values for run in runs])


ETA = ("dynamics", "parameters", "eta")


@pytest.mark.parametrize("method", ["euler", "heun", "rk4", "dopri5", "rodas4"])
def test_each_set_is_a_run_of_its_own(method: str) -> None:
    """To the last bit, also where the method chooses its steps: these runs share none."""
    values = [-6.0, -5.5, -4.0, 1.0, 2.0]
    swept = read(QIF).explore({"eta": values}, method=method)
    assert np.array_equal(swept.values, one_by_one(QIF, ETA, values, method=method))


@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (2, 3), (3, 100), (2, None)])
def test_threads_and_chunks_change_nothing(threads: int, chunk: int | None) -> None:
    """The same bits for any number of threads and sets in a chunk."""
    space = {"eta": np.linspace(-6, 0, 5), "J": [10.0, 15.0, 20.0]}
    first = read(QIF).explore(space, chunk=4)
    assert np.array_equal(first.values, read(QIF).explore(space, threads=threads, chunk=chunk).values)


def test_all_chunks_share_one_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is lowered once, and once more for the values of all sets, however many chunks there are."""
    lowered: list[object] = []

    def counted(model: Any) -> Any:
        lowered.append(model)
        return prepare(model)

    monkeypatch.setattr(population, "prepare", counted)
    monkeypatch.setattr(sets, "prepare", counted)
    swept = read(QIF).explore({"eta": np.linspace(-6, 0, 20)}, chunk=3)
    assert len(lowered) == 2
    monkeypatch.setattr(population.Population, "_places", lambda *_: None)
    assert np.array_equal(swept.values, read(QIF).explore({"eta": np.linspace(-6, 0, 20)}, chunk=3).values)
    assert len(lowered) > 8


def test_what_only_some_sets_differ_in_differs() -> None:
    """A parameter that follows may be alike in the sets by which the code is made, and not in others."""
    text = QIF.replace("J: 15.0", "J: 15.0, k: {equation: (eta + 6)*(eta + 4)}")
    text = text.replace("J*r*tau", "(J + k)*r*tau")
    values = [-6.0, -4.0, -5.0, 0.0]
    swept = read(text).explore({"eta": values}, chunk=2)
    assert np.array_equal(swept.values, one_by_one(text, ETA, values))


def test_dimensions_of_a_product() -> None:
    """One for each name, then time and variable; coordinates carry unit and path."""
    swept = read(CELL).explore({"dynamics.parameters.g": [5, 10], "cell.v": [-60.0, -50.0, -40.0]})
    assert swept.dims == ("g", "v", "time", "variable")
    assert swept.sizes == {"g": 2, "v": 3, "time": 201, "variable": 1}
    assert swept.g.attrs == {"units": "nS", "path": "dynamics.parameters.g"}
    assert swept.v.attrs == {"units": "mV", "path": "dynamics.state_variables.v.initial_value"}
    assert swept.units.values.tolist() == ["V"]
    assert np.array_equal(swept.sel(g=5).values[:, 0, 0], np.array([-60, -50, -40]) * 1e-3)


def test_what_follows_from_a_parameter_follows_in_each_set() -> None:
    """Derived parameters are those of the set, and quantities convert as in a run of one."""
    path = ("dynamics", "parameters", "g")
    assert np.array_equal(
        read(CELL).explore({"g": [3.3, 10.0, 0.7]}).values, one_by_one(CELL, path, [3.3, 10.0, 0.7])
    )


def test_values_may_have_units_of_their_own() -> None:
    """Texts mean what numbers in the experiment's unit mean, also where that stands in one text."""
    expected = read(CELL).explore({"E": [-70.0, -50.0]})
    found = read(CELL).explore({"E": ["-70", "-0.05 V"]})
    assert (found.E.values.tolist(), found.E.attrs["units"]) == ([-70, -50], "mV")
    assert np.array_equal(found.values, expected.values)
    joined = CELL.replace("E: {value: -70, unit: mV}", "E: -70 mV")
    again = read(joined).explore({"E": [-70.0, -50.0]})
    assert np.array_equal(again.values, expected.values)


def test_zip_goes_side_by_side() -> None:
    """Sets lie along one dimension, with the values of all axes on it."""
    swept = read(QIF).explore({"eta": [-5.0, -4.0], "r": [0.1, 0.2]}, "zip")
    assert swept.dims == ("set", "time", "variable")
    assert swept.eta.dims == swept.r.dims == ("set",)
    each = read(QIF).explore({"eta": [-5.0, -4.0], "r": [0.1, 0.2]})
    assert np.array_equal(swept.values[1], each.sel(eta=-4.0, r=0.2).values)


def test_a_step_size_is_a_run_of_its_own() -> None:
    """Settings of the integration may differ, where the times are the same."""
    step = ("integration", "step_size")
    text = QIF.replace("duration: 5", "duration: 5, parameters: {sampling_step_size: 0.1}")
    swept = read(text).explore({"integration.step_size": [0.01, 0.02]})
    assert swept.step_size.attrs["units"] == "ms"
    assert np.array_equal(swept.values, one_by_one(text, step, [0.01, 0.02]))
    with pytest.raises(ModelError, match="sampling_step_size"):
        read(QIF).explore({"integration.step_size": [0.01, 0.02]})
    with pytest.raises(ModelError, match="differ in their times"):
        read(QIF).explore({"integration.step_size": [0.01, 0.02], "integration.duration": [5, 10]}, "zip")


def test_a_stimulus_is_swept() -> None:
    """Its value and its times, which are in the time scale."""
    text = QIF + "stimulation: {target_var: eta, equation: 2.0, onset: 1, duration: 2}\n"
    path = ("stimulation", "stimulus", "equation")
    swept = read(text).explore({"stimulation.stimulus.equation": [0.0, 2.0, 6.0]})
    assert np.array_equal(swept.values, one_by_one(text, path, [0.0, 2.0, 6.0]))
    later = read(text).explore({"stimulation.stimulus.onset": [1.0, 3.0]})
    assert later.onset.attrs["units"] == "ms"
    assert np.array_equal(later.values[0], swept.values[1])
    assert not np.array_equal(later.values[1], swept.values[1])


def test_noise_is_that_of_a_single_run() -> None:
    """Each set draws the numbers that it draws alone."""
    text = QIF.replace(
        "initial_value: -2.0", "initial_value: -2.0, noise: {parameters: {sigma: 0.3}, seed: 3}"
    )
    values = [-6.0, -5.0, -4.0]
    swept = read(text).explore({"eta": values}, threads=2)
    assert np.array_equal(swept.values, one_by_one(text, ETA, values))


def test_a_network_runs_once_for_each_set() -> None:
    """Parameters of dynamics and couplings, by path or for short."""
    swept = read(PAIR).explore({"osc.omega": [0.5, 1.0], "k.a": [0.0, 2.0]})
    assert swept.dims == ("omega", "a", "time", "quantity")
    plain = read(PAIR).run().data
    assert np.array_equal(swept.sel(omega=1.0, a=2.0).values, plain.values)
    assert swept.quantity.values.tolist() == plain.quantity.values.tolist()
    assert not np.array_equal(swept.values[0], swept.values[1])


def test_progress_counts_sets() -> None:
    """Calls are in order and end with the number of all sets."""
    seen: list[tuple[int, int]] = []
    read(QIF).explore({"eta": np.linspace(-6, 0, 10)}, chunk=4, progress=lambda *done: seen.append(done))
    assert seen == [(4, 10), (8, 10), (10, 10)]


def test_a_sweep_can_be_stopped() -> None:
    """What ``progress`` raises, or Ctrl-C meanwhile, ends the runs in all threads soon."""
    text = QIF.replace("duration: 5", "duration: 100000, parameters: {sampling_step_size: 10}")
    first: list[float] = []

    def stop(_done: int, _total: int) -> None:
        first.append(perf_counter())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(text).explore({"eta": np.linspace(-6, 0, 200)}, chunk=1, threads=2, progress=stop)
    assert perf_counter() - first[0] < 10
    assert len(first) == 1


def test_a_set_that_explodes_is_named() -> None:
    """The error tells the values; on demand the set's traces are NaN and the others as they are."""
    text = QIF.replace("step_size: 0.01", "step_size: 0.5")
    values = [-5.0, 1e6, -4.0]
    with pytest.raises(SimulationError, match=r"eta = 1000000\.0"):
        read(text).explore({"eta": values})
    swept = read(text).explore({"eta": values}, failures="nan")
    assert np.isnan(swept.values[1]).all()
    assert np.array_equal(swept.values[[0, 2]], one_by_one(text, ETA, [-5.0, -4.0]))


@pytest.mark.parametrize(
    ("space", "mode", "message"),
    [
        ({"etta": [1.0]}, "product", "there is no 'etta'.*did you mean 'eta'"),
        (
            {"dynamics.parameter.eta": [1.0]},
            "product",
            "dynamics has no 'parameter'.*did you mean 'parameters'",
        ),
        ({"dynamics.parameters.Jay": [1.0]}, "product", "dynamics.parameters has no 'Jay'"),
        ({"dynamics": [1.0]}, "product", "there is no 'dynamics'"),
        ({"dynamics.parameters": [1.0]}, "product", "is no number"),
        ({"integration.method": [1.0]}, "product", "is no number"),
        ({"dynamics.name": [1.0]}, "product", "is no number"),
        ({"network.number_of_nodes": [1.5]}, "product", "has no 'number_of_nodes'|is no number"),
        ({"eta": []}, "product", "no list of finite numbers"),
        ({"eta": [np.nan]}, "product", "no list of finite numbers"),
        ({"eta": ["x"]}, "product", "'eta': 'x' is no number; expected numbers$"),
        ({"eta": ["1 mV"]}, "product", "'1 mV' has a unit, and what it is for has none"),
        (
            {"integration.duration": ["1 mV"]},
            "product",
            "cannot be converted to 'ms'.*expected numbers in ms, or",
        ),
        ({"integration.duration": ["1 s", "1e999 s"]}, "product", "no list of finite numbers"),
        ({"eta": [1.0], "qif.eta": [2.0]}, "product", "given twice"),
        ({"eta": [1.0], "J": [1.0, 2.0]}, "zip", "different numbers of values"),
        ({"eta": [1.0]}, "produkt", "unknown mode 'produkt'.*did you mean 'product'"),
        ({}, "product", "nothing takes any values"),
    ],
)
def test_what_means_nothing_is_refused(space: dict[str, Any], mode: str, message: str) -> None:
    """Each error names what was found and what is near."""
    with pytest.raises(ModelError, match=message):
        read(QIF).explore(space, mode)


def test_an_unknown_option_is_refused() -> None:
    """The options are the engine's."""
    with pytest.raises(UnsupportedError, match="no option 'rel_toll'"):
        read(QIF).explore({"eta": [1.0]}, rel_toll=1e-3)
    with pytest.raises(UnsupportedError, match="'failures' is 'nann'"):
        read(QIF).explore({"eta": [1.0]}, failures="nann")


DECLARED = """
explorations:
  excitability:
    space:
      eta: {domain: {lo: -6, hi: -4, n: 3}}
      qif.tau: {domain: {lo: 1, hi: 100, n: 3, log_scale: true}}
  steps:
    mode: zip
    space:
      eta: {domain: {lo: 0, hi: 1, step: 0.25}}
      J: {explored_values: [1, 2, 3, 4, 5]}
  trials: {n_trials: 3, observations: [spread], space: {eta: {explored_values: [1]}}}
  wrong: {space: {etta: {explored_values: [1]}}}
"""


def test_a_document_declares_sweeps() -> None:
    """Ranges by number, by ratio and by step, values one by one; its mode counts."""
    experiment = read(QIF + DECLARED)
    swept = experiment.explore("excitability")
    assert swept.eta.values.tolist() == [-6, -5, -4]
    assert np.allclose(swept.tau.values, [1, 10, 100], rtol=1e-14)
    assert np.array_equal(
        swept.values, read(QIF).explore({"eta": [-6, -5, -4], "tau": swept.tau.values}).values
    )
    zipped = experiment.explore("steps")
    assert zipped.eta.values.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert zipped.J.dims == ("set",)


def test_values_of_a_document_have_their_unit() -> None:
    """They are converted to the unit of the parameter."""
    text = CELL + "explorations: {s: {space: {g: {explored_values: [0.005, 0.01], unit: uS}}}}\n"
    assert np.allclose(read(text).explore("s").g.values, [5, 10], rtol=1e-14)


def test_what_a_declared_sweep_cannot_do_is_refused_with_its_line() -> None:
    """Trials and observations by name; a name that means nothing at its line."""
    experiment = read(QIF + DECLARED)
    with pytest.raises(UnsupportedError, match=r"(?s)several trials.*observations"):
        experiment.explore("trials")
    with pytest.raises(ModelError, match=r"<string>:\d+: .*there is no 'etta'"):
        experiment.explore("wrong")
    with pytest.raises(ModelError, match="did you mean 'steps'"):
        experiment.explore("step")


def test_a_cell_of_neuroml_is_swept_too() -> None:
    """Attributes of a core type are columns as well."""
    text = """
dynamics:
  name: iz
  iri: neuroml:izhikevichCell
  parameters: {v0: -70 mV, a: 0.02, b: 0.2, c: -50, d: 2, thresh: 30 mV}
integration: {step_size: 0.05, duration: 20}
"""
    path = ("dynamics", "parameters", "a")
    assert np.array_equal(read(text).explore({"a": [0.02, 0.1]}).values, one_by_one(text, path, [0.02, 0.1]))


def test_the_reference_mean_field_keeps_its_states_apart() -> None:
    """Montbrió, Pazó & Roxin (2015), Fig. 2: with J = 15, eta = -5 the current step leaves the active state;
    far below and above there is one state only, whatever the step did.
    """
    experiment = SimulationExperiment.from_file(ROOT / "reference_examples/qif/experiment.yaml")
    swept = experiment.explore({"eta": [-8.0, -5.0, 0.0]}, sampling_step_size=1e-4)
    rate = swept.sel(variable="r")
    before, after = rate.isel(time=190).values, rate.isel(time=-1).values
    assert before[1] < 0.1 < 0.9 < after[1]
    assert max(before[0], after[0]) < 0.1
    assert min(before[2], after[2]) > 0.9


def test_the_command_line_writes_a_numpy_file(tmp_path: Path) -> None:
    """Ranges and lists; the arrays are those of ``explore``."""
    file, out = tmp_path / "qif.yaml", tmp_path / "sweep.npz"
    file.write_text(QIF + DECLARED, encoding="utf-8")
    done = call(
        "explore", file, "--set", "eta=-6:-4:3", "--set", "r=0.1,0.2", "--every", "0.001", "--out", out
    )
    assert done.exit_code == 0, done.output
    assert "eta 3, r 2, time 6, variable 2" in done.stdout
    expected = read(QIF).explore({"eta": [-6, -5, -4], "r": [0.1, 0.2]}, sampling_step_size=1e-3)
    with np.load(out) as held:
        assert held["dims"].tolist() == ["eta", "r", "time", "variable"]
        assert np.array_equal(held["values"], expected.values)
        assert held["eta"].tolist() == [-6, -5, -4]
    assert call("explore", file, "steps", "--out", out).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "a.npz"], "give either the NAME"),
        (["steps", "--out", "a.csv"], "has to end in .npz or .zarr"),
        (["--set", "eta=1:2", "--out", "a.npz"], "expected NAME=LOWEST"),
        (["--set", "eta=1,x", "--out", "a.npz"], "expected NAME=LOWEST"),
        (["--set", "eta=a:b:3", "--out", "a.npz"], "expected NAME=LOWEST"),
        (["--set", "eta=1 mV,2 mV", "--out", "a.npz"], "'1 mV' has a unit"),
        (["--set", "etta=1,2", "--out", "a.npz"], "did you mean 'eta'"),
    ],
)
def test_the_command_line_refuses(tmp_path: Path, arguments: list[str], message: str) -> None:
    """With a message and the exit status of a user's error."""
    file = tmp_path / "qif.yaml"
    file.write_text(QIF + DECLARED, encoding="utf-8")
    done = call("explore", file, *arguments)
    assert done.exit_code == 2
    assert message in done.output


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])
