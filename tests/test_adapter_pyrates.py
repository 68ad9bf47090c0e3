"""Scripts for PyRates: the same data frames, without PyRates."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from java import has_java

from tvbo_lite.adapters import pyrates
from tvbo_lite.adapters.pyrates import CircuitTemplate, integrate
from tvbo_lite.errors import ModelError, ReadError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.resources import folder

HERE = Path(__file__).parent / "pyrates"
MODELS = HERE / "models"
OWN: dict[str, Any] = json.loads((HERE / "own.json").read_text())
SHIPPED: dict[str, Any] = json.loads((HERE / "shipped.json").read_text())
RELATIVE = 1e-9  # of the largest value of a trace

needs_templates = pytest.mark.skipif(find_spec("model_templates") is None, reason="PyRates is not installed")


def pulses(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """The inputs of a case, a value for each step."""
    steps = np.arange(round(case["simulation_time"] / case["step_size"]))
    return {
        path: np.where((steps >= first) & (steps < end), value, 0.0)
        for path, (value, first, end) in case["inputs"].items()
    }


@cache
def run(name: str, path: str) -> pd.DataFrame:
    case = (OWN if name in OWN else SHIPPED)[name]
    return integrate(
        path,
        simulation_time=case["simulation_time"],
        step_size=case["step_size"],
        inputs=pulses(case),
        outputs=list(case["values"]),
        clear=True,
        verbose=False,
    )


def worst(frame: pd.DataFrame, case: dict[str, Any]) -> float:
    """The largest difference from PyRates, as a share of the largest value of its trace."""
    shares = []
    for path, values in case["values"].items():
        theirs = np.array([complex(*np.atleast_1d(value)) for value in values])
        ours = frame[path].to_numpy()[case["rows"]]
        shares.append(np.abs(ours - theirs).max() / max(np.abs(frame[path].to_numpy()).max(), 1e-300))
    return max(shares)


# ---- the numbers are PyRates' ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_circuits_give_what_pyrates_gives(name: str) -> None:
    """Several operators, edges with operators, delays, circuits in circuits, complex numbers."""
    assert worst(run(name, f"{MODELS}/{name}"), OWN[name]) < RELATIVE


@needs_templates
@pytest.mark.parametrize("name", SHIPPED)
def test_the_circuits_of_pyrates_give_what_pyrates_gives(name: str) -> None:
    """Every circuit that PyRates 1.2.3 ships and can run without discrete delays."""
    assert worst(run(name, name), SHIPPED[name]) < RELATIVE


@pytest.mark.slow
@pytest.mark.skipif(not has_java(), reason="no Java runtime")
@pytest.mark.parametrize("name", ["single", "filtered", "spread", "spinners"])
def test_jlems_gives_the_same_trace(name: str) -> None:
    """The LEMS that is rendered is what runs; no float32 value differs."""
    case = OWN[name]
    template = CircuitTemplate.from_yaml(f"{MODELS}/{name}")
    exp = template.experiment(case["simulation_time"], case["step_size"], pulses(case))
    ours, theirs = exp.run().recording, exp.run("neuroml").recording
    assert ours is not None
    assert theirs is not None
    for quantity in ours.quantities:
        same = ours.trace(quantity).astype(np.float32) == theirs.trace(quantity).astype(np.float32)
        assert same.all()


# ---- the frames are PyRates' -------------------------------------------------------------------------------


def test_the_index_is_time_from_zero_to_before_the_end() -> None:
    """As PyRates gives it; the unit is that of the template."""
    frame = run("pair", f"{MODELS}/pair")
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.to_numpy() == pytest.approx(np.linspace(0, 8, 800, endpoint=False))
    assert list(frame.columns) == list(OWN["pair"]["values"])


def pair(**options: Any) -> pd.DataFrame:
    given: dict[str, Any] = {"simulation_time": 1.0, "step_size": 0.01, "outputs": {"r": "a/cubic_op/r"}}
    return CircuitTemplate.from_yaml(f"{MODELS}/pair").run(**{**given, **options})


def test_outputs_name_the_columns() -> None:
    """A mapping gives its own names, in its order."""
    frame = pair(outputs={"second": "b/cubic_op/r", "first": "a/cubic_op/r"})
    assert list(frame.columns) == ["second", "first"]


def test_an_output_of_several_nodes_has_columns_of_several_levels() -> None:
    """``all`` is every node of a level that has the variable."""
    frame = pair(outputs={"r": "all/cubic_op/r"})
    assert list(frame.columns) == [("r", "a", "cubic_op/r"), ("r", "b", "cubic_op/r")]
    assert isinstance(frame.columns, pd.MultiIndex)


def test_sampling_and_cutoff_choose_rows() -> None:
    """Every fifth step, from half the time on."""
    every, some = pair(), pair(sampling_step_size=0.05, cutoff=0.5)
    assert some.index.to_numpy() == pytest.approx(np.arange(10) * 0.05 + 0.5)
    assert np.array_equal(some["r"].to_numpy(), every["r"].to_numpy()[50::5])


def test_a_variable_without_derivative_belongs_to_the_states_of_its_row() -> None:
    """``m`` is the sigmoid of ``r`` at the same time, where PyRates has no column for it at all."""
    frame = pair(outputs={"r": "a/cubic_op/r", "m": "a/rate_op/m"})
    r, m = frame["r"].to_numpy(), frame["m"].to_numpy()
    assert m == pytest.approx(2.0 / (1.0 + np.exp(-3.0 * (r - 0.4))), rel=1e-12)


def test_complex_variables_have_complex_columns() -> None:
    """PyRates needs ``float_precision="complex64"`` for that; here it only shortens the numbers."""
    options: dict[str, Any] = {"simulation_time": 0.1, "step_size": 0.01, "outputs": {"z": "p/spin_op/z"}}
    frame = integrate(f"{MODELS}/spinners", **options)
    assert frame["z"].dtype == np.complex128
    assert integrate(f"{MODELS}/spinners", **options, float_precision="float32")["z"].dtype == np.complex64


# ---- changed templates -------------------------------------------------------------------------------------


def test_update_var_changes_values_and_initial_values() -> None:
    """It returns the template, and leaves templates of the same name alone."""
    template = CircuitTemplate.from_yaml(f"{MODELS}/pair")
    assert template.update_var(node_vars={"a/cubic_op/tau": 1.0, "all/cubic_op/r": 0.7}) is template
    frame = template.run(0.02, 0.01, outputs={"a": "a/cubic_op/r", "b": "b/cubic_op/r"})
    assert frame.iloc[0].tolist() == [0.7, 0.7]
    assert frame["a"].iloc[1] != pair(simulation_time=0.02)["r"].iloc[1]
    assert pair(simulation_time=0.02)["r"].iloc[0] == 0.2


def test_update_var_takes_a_value_for_each_node() -> None:
    """An array as long as there are nodes."""
    template = CircuitTemplate.from_yaml(f"{MODELS}/pair")
    template.update_var(node_vars={"all/cubic_op/r": np.array([0.3, 0.4])})
    frame = template.run(0.02, 0.01, outputs={"r": "all/cubic_op/r"})
    assert frame.iloc[0].tolist() == [0.3, 0.4]


def test_update_var_changes_edges() -> None:
    """Without its edge the cell gets less."""
    template = CircuitTemplate.from_yaml(f"{MODELS}/twins")
    options: dict[str, Any] = {"simulation_time": 0.5, "step_size": 0.01, "outputs": {"r": "p/cubic_op/r"}}
    before = template.run(**options)["r"].iloc[-1]
    edge = ("p/rate_op/m", "p/cubic_op/r_in", {"weight": 0.0})
    template.update_var(edge_vars=[edge])
    assert template.edges[0][3]["weight"] == 0.0
    assert template.run(**options)["r"].iloc[-1] < before


def test_nodes_and_edges_can_be_looked_at() -> None:
    """By name, by path, and with ``all``."""
    nested = CircuitTemplate.from_yaml(f"{MODELS}/nested")
    assert nested.get_nodes(["all"]) == ["left/a", "left/b", "right/a", "right/b"]
    assert nested.get_nodes("all/a") == ["left/a", "right/a"]
    assert list(nested.circuits) == ["left", "right"]
    assert list(nested.circuits["left"].nodes) == ["a", "b"]
    assert nested.edges[0] == ("left/a/rate_op/m", "right/b/cubic_op/r_in", None, {"weight": 0.6})


def built() -> CircuitTemplate:
    """The circuit ``pair`` of the template file, built in Python."""
    cubic = pyrates.OperatorTemplate(
        "cubic_op",
        ["d/dt * r = (k*r_in + u - r)/tau - w/tau", "w' = (r - w)/tau_w"],
        {
            "r": "output(0.2)", "r_in": "input", "u": "input(0.5)", "tau": 2.0, "k": np.float64(0.5),
            "w": "variable(0.1)", "tau_w": 20,
        },
    )  # fmt: skip
    cell = pyrates.NodeTemplate("cell", [cubic, f"{MODELS}/rate_op"])
    slow = pyrates.NodeTemplate("slow_cell", {cubic: {"tau": 5.0, "w": 0.3}, f"{MODELS}/rate_op": None})
    edges: list[tuple[Any, ...]] = [
        ("b/rate_op/m", "a/cubic_op/r_in", f"{MODELS}/empty_edge", {"weight": -1.5}),
        ("b/cubic_op/w", "a/cubic_op/u", None, {"weight": 0.5}),
    ]
    circuit = CircuitTemplate("pair", nodes={"a": cell, "b": slow}, edges=edges)
    circuit.add_edges_from_matrix(
        "rate_op/m", "cubic_op/r_in", ["a", "b"], ["b"], weight=np.array([[2.0, 0.0]])
    )
    return circuit


def test_circuits_are_built_in_python() -> None:
    """Operators, nodes and circuits by the classes of PyRates' names, mixed with templates from files."""
    frame = built().run(8.0, 0.01, outputs=list(OWN["pair"]["values"]))
    assert worst(frame, OWN["pair"]) < RELATIVE
    outer = CircuitTemplate("outer", circuits={"one": built(), "two": f"{MODELS}/pair"})
    frame = outer.run(1.0, 0.01, outputs={"r": "all/a/cubic_op/r"})
    assert frame["r", "one", "a", "cubic_op/r"].to_numpy() == pytest.approx(
        frame["r", "two", "a", "cubic_op/r"].to_numpy(), rel=1e-12
    )


def test_an_updated_template_is_another_one() -> None:
    """More edges in a copy leave the template as it was; ``in_place`` does not."""
    template = built()
    edge = (
        "a/cubic_op/r",
        "b/cubic_op/r_in",
        pyrates.EdgeTemplate("e", [f"{MODELS}/filter_op"]),
        {"filter_op/g": 2.0},
    )
    assert len(template.update_template(name="more", edges=[edge]).edges) == len(template.edges) + 1
    assert len(template.edges) == 3
    assert template.update_template(edges=[edge], in_place=True) is template
    assert template.edges[-1][2:] == ("e", {"weight": 1.0, "filter_op/g": 2.0})


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: CircuitTemplate("c", nodes={"p": 3}), ModelError, "3 is no node or edge template"),
        (lambda: CircuitTemplate("c", edges=[("a", "b")]), ModelError, "an edge of 2 parts"),
        (lambda: pyrates.OperatorTemplate("o", "x = 1", {"x": "outpt"}), ReadError, "found 'outpt'"),
        (lambda: pyrates.NodeTemplate("n", f"{MODELS}/cell"), ModelError, "is no operator template"),
    ],
)
def test_what_is_no_template_cannot_be_built(build: Any, error: type[Exception], message: str) -> None:
    """With what was found."""
    with pytest.raises(error, match=message):
        build()


# ---- inputs ------------------------------------------------------------------------------------------------


def test_an_input_takes_the_place_of_the_own_value() -> None:
    """An array of the value itself changes nothing."""
    plain = integrate(f"{MODELS}/single", simulation_time=1.0, step_size=0.01, outputs=["p/cubic_op/r"])
    same = integrate(
        f"{MODELS}/single",
        simulation_time=1.0,
        step_size=0.01,
        outputs=["p/cubic_op/r"],
        inputs={"p/cubic_op/u": np.full(100, 0.5)},
    )
    assert np.array_equal(plain.to_numpy(), same.to_numpy())


def test_a_step_of_the_input_acts_in_its_step() -> None:
    """Euler by hand: the value of step ``n`` enters the state of row ``n + 1``."""
    u = np.zeros(10)
    u[4:7] = 1.0
    options: dict[str, Any] = {"simulation_time": 1.0, "step_size": 0.1}
    template = CircuitTemplate.from_yaml(f"{MODELS}/twins")
    ours = template.run(**options, outputs={"r": "p/relax_op/r"}, inputs={"p/relax_op/u": u})["r"]
    r = [0.2]
    for value in u[:-1]:
        r.append(r[-1] + 0.1 * (value - r[-1]) / 2.0)
    assert ours.to_numpy() == pytest.approx(r, rel=1e-14)


def test_an_input_may_change_in_each_step() -> None:
    """Noise, which no equation can hold, stands in a table; Euler by hand gives the same."""
    u = np.random.default_rng(3).normal(size=500)
    template = CircuitTemplate.from_yaml(f"{MODELS}/twins")
    outputs = {"r": "p/relax_op/r", "m": "p/rate_op/m", "q": "p/cubic_op/r"}
    frame = template.run(50.0, 0.1, outputs=outputs, inputs={"p/relax_op/u": u})
    r = [0.2]
    for value in u[:-1]:
        r.append(r[-1] + 0.1 * (value - r[-1]) / 2.0)
    assert frame["r"].to_numpy() == pytest.approx(r, rel=1e-12)
    m = 2.0 / (1.0 + np.exp(-3.0 * (frame["r"] + frame["q"] - 0.4)))
    assert frame["m"].to_numpy() == pytest.approx(m.to_numpy(), rel=1e-12)


# ---- solvers -----------------------------------------------------------------------------------------------


def relaxed(solver: str, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times, and ``r' = (u - r)/2`` from 0.2 on with a pulse of ``u`` from 2 to 5."""
    u = np.zeros(1000)
    u[200:500] = 1.0
    frame = CircuitTemplate.from_yaml(f"{MODELS}/twins").run(
        10.0, 0.01, outputs={"r": "p/relax_op/r"}, inputs={"p/relax_op/u": u}, solver=solver, **options
    )
    return frame.index.to_numpy(), frame["r"].to_numpy()


def exactly(t: np.ndarray, begin: float, end: float) -> np.ndarray:
    """The solution for a pulse from ``begin`` to ``end``."""
    first = 0.2 * np.exp(-begin / 2)
    second = 1.0 + (first - 1.0) * np.exp(-(end - begin) / 2)
    late = np.where(t < end, 1.0 + (first - 1.0) * np.exp(-(t - begin) / 2), second * np.exp(-(t - end) / 2))
    found: np.ndarray = np.where(t < begin, 0.2 * np.exp(-t / 2), late)
    return found


@pytest.mark.parametrize(("method", "error"), [("RK45", 1e-8), ("RK23", 1e-7), ("LSODA", 1e-7)])
def test_the_adaptive_solver_keeps_its_tolerance(method: str, error: float) -> None:
    """PyRates draws lines between the values of an input: a change lies in the middle of its line."""
    t, r = relaxed("scipy", method=method, rtol=1e-9, atol=1e-12, sampling_step_size=0.1)
    apart = 10.0 / 999
    assert t == pytest.approx(np.arange(100) * 0.1)
    assert np.abs(r - exactly(t, 199.5 * apart, 499.5 * apart)).max() < error


def test_the_adaptive_solver_has_the_tolerances_of_scipy() -> None:
    """Coarse ones, where nothing else is said."""
    t, r = relaxed("scipy")
    assert len(t) == 1000
    assert 1e-7 < np.abs(r - exactly(t, 199.5 * 10 / 999, 499.5 * 10 / 999)).max() < 1e-2


def test_heuns_method_is_of_second_order() -> None:
    """By hand, with one input for each step; PyRates 1.2.3 takes the second rate twice: first order."""
    t, r = relaxed("heun")
    expected = [0.2]
    for now in np.where((t > 1.995) & (t < 4.995), 1.0, 0.0)[:-1]:
        rate = (now - expected[-1]) / 2
        expected.append(expected[-1] + 0.01 * (rate + (now - expected[-1] - 0.01 * rate) / 2) / 2)
    assert r == pytest.approx(expected, rel=1e-12)


def test_an_input_adds_to_the_edges_of_its_variable() -> None:
    """With weight 1, as in PyRates."""
    without = pair()["r"].to_numpy()
    none = pair(inputs={"a/cubic_op/r_in": np.zeros(100)})["r"].to_numpy()
    some = pair(inputs={"a/cubic_op/r_in": np.ones((100, 1))})["r"].to_numpy()
    assert np.array_equal(without, none)
    assert (some[2:] > without[2:]).all()


def test_columns_of_an_input_go_to_the_nodes_in_their_order() -> None:
    """Shape ``(n_steps, n_nodes)``."""
    columns = np.column_stack([np.full(100, 0.5), np.full(100, 0.9)])
    outputs = {"r": "all/cubic_op/r"}
    both = pair(inputs={"all/cubic_op/u": columns}, outputs=outputs)
    one = pair(inputs={"b/cubic_op/u": columns[:, 1], "a/cubic_op/u": columns[:, 0]}, outputs=outputs)
    assert np.array_equal(both.to_numpy(), one.to_numpy())


# ---- what goes wrong ---------------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "output": ({"outputs": {"r": "a/cubic_op/rr"}}, ModelError, "there is no variable 'a/cubic_op/rr'.*mean"),
    "short input": ({"inputs": {"a/cubic_op/u": np.ones(9)}}, ModelError, "has 9 values, the run 100 steps"),
    "not finite": (
        {"inputs": {"a/cubic_op/u": np.full(100, np.nan)}},
        ModelError,
        r"is nan at \[0\], and .* 99 more",
    ),
    "no numbers": ({"inputs": {"a/cubic_op/u": "one"}}, ModelError, "'a/cubic_op/u' is no array of numbers"),
    "shape": ({"inputs": {"a/cubic_op/u": np.ones((100, 3))}}, ModelError, r"the shape \(100, 3\); expected"),
    "time": ({"simulation_time": 0.123}, ModelError, "simulation_time .* is 12.3 times step_size"),
    "sampling": ({"sampling_step_size": 0.015}, ModelError, "sampling_step_size .* is 1.5 times step_size"),
    "negative": ({"step_size": -1.0}, ModelError, "expected numbers above 0"),
    "solver": ({"solver": "eulr"}, UnsupportedError, "'eulr' is not supported; .*did you mean 'euler'"),
    "method": ({"solver": "scipy", "method": "RK54"}, UnsupportedError, "'RK54' is not .*mean 'RK45'"),
    "option": (
        {"sampling_stepsize": 1},
        UnsupportedError,
        "no option 'sampling_stepsize' here; did you mean",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_run_is_told(case: str) -> None:
    """Before anything runs, with what would be right."""
    options, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        pair(**options)


def test_a_wrong_update_changes_nothing() -> None:
    """All values are checked first."""
    template = CircuitTemplate.from_yaml(f"{MODELS}/pair")
    with pytest.raises(ModelError, match="'a/cubic_op/taau'; did you mean 'a/cubic_op/tau'"):
        template.update_var(node_vars={"a/cubic_op/k": 3.0, "a/cubic_op/taau": 1.0})
    with pytest.raises(ModelError, match="there is no edge from"):
        template.update_var(edge_vars=[("a/rate_op/m", "a/cubic_op/r_in", {"weight": 1.0})])
    assert template.run(0.1, 0.01)["a/cubic_op/r"].iloc[-1] == pair()["r"].iloc[9]


def test_templates_of_a_package_that_is_not_there_are_told() -> None:
    """With the way to get it."""
    if find_spec("model_templates") is not None:
        pytest.skip("PyRates is installed")
    with pytest.raises(ReadError, match="it comes with PyRates: 'pip install pyrates'"):
        integrate("model_templates.neural_mass_models.qif.qif", simulation_time=1.0, step_size=0.1)


def test_clearing_does_nothing() -> None:
    """The functions are there because scripts call them."""
    template = CircuitTemplate.from_yaml(f"{MODELS}/pair")
    pyrates.clear(template)
    pyrates.clear_frontend_caches()
    assert template.name == "pair"
    assert repr(template) == "<CircuitTemplate 'pair'>"


# ---- the experiments of the documentation ------------------------------------------------------------------


@needs_templates
@pytest.mark.parametrize(
    ("example", "path", "names"),
    [
        ("qif", "qif.qif/p/qif_op", ("r", "v")),
        ("qif_sfa", "qif.qif_sfa/p/qif_sfa_op", ("r", "v", "a", "x")),
        ("izhikevich_mean_field", "ik.ik_nodim/p/ik_nodim_op", ("r", "v", "u", "s")),
    ],
)
def test_the_examples_are_the_models_of_pyrates(example: str, path: str, names: tuple[str, ...]) -> None:
    """The experiment in YAML, its input as ``stimulation``, and the script give the same numbers."""
    exp = SimulationExperiment.from_file(folder("reference_examples") / example / "experiment.yaml")
    assert exp.integration is not None
    step, time = float(exp.integration.step_size), float(exp.integration.duration)
    steps = round(time / step)
    t = (np.arange(steps) + 0.5) * step
    drive = (
        np.where((t > 20) & (t < 80), 3.0, 0.0)
        if "qif" in example
        else np.where((t > 400) & (t < 600), 0, 0.15)
    )
    template, _, operator = path.partition("/")
    frame = integrate(
        f"model_templates.neural_mass_models.{template}",
        simulation_time=time,
        step_size=step,
        inputs={f"{operator}/I_ext": drive},
        outputs={name: f"{operator}/{name}" for name in names},
    )
    ours = exp.run().integration.data.sel(variable=list(names)).values[:-1]
    assert np.abs(ours - frame.to_numpy()).max() < RELATIVE
