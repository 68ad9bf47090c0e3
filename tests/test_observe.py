"""Observations of a run: selections, expressions, reductions over nodes, coarser times."""

# ruff: noqa: E501  the YAML of small models reads better unbroken

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tvbo_lite.errors import InputError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.results import ExperimentResult

TEXT = """\
dynamics:
  name: osc
  parameters: {tau: {value: 5, unit: ms}}
  state_variables:
    v: {equation: -v/tau, initial_value: 1, unit: mV}
    n: {equation: "0.1*n", initial_value: 2}
network:
  nodes: [{id: 0}, {id: 1, parameters: {v: 3}}, {id: 2, parameters: {tau: 9}}]
observations:
  all_v: {source: v, unit: mV}
  one: {source: "osc_pop[1]/v"}
  cell: {source: "osc_pop[0]"}
  average: {source: [v], equation: mean(v), unit: mV}
  coarse: {source: [v], period: 2, unit: uV}
  twice: {source: [average, n], equation: "f(a*average) + max(n) - t*0", parameters: {a: 2}, functions: {f: {arguments: [x], equation: 2*x}}, period: 1}
  high: {source: v, equation: "Piecewise((v, (v > 0.001) & ~(v > 0.002)), (0, True))"}
  later: {source: [coarse, twice]}
integration: {step_size: 0.5, duration: 10}
"""


@cache
def result() -> ExperimentResult:
    return SimulationExperiment.from_string(TEXT).run()


def traces(name: str) -> np.ndarray:
    data = result().data
    return data.values[:, [str(one).endswith(f"/{name}") for one in data.coords["quantity"].values]]


def test_a_selection_holds_the_traces_of_a_variable_a_node_or_a_population() -> None:
    """In their units, or in the one that is asked for."""
    found = result().observations
    assert np.allclose(found["all_v"].values, traces("v") * 1e3, rtol=1e-12)
    assert set(found["all_v"].coords["units"].values) == {"mV"}
    assert list(found["one"].coords["quantity"].values) == ["osc_pop[1]/v"]
    assert list(found["cell"].coords["quantity"].values) == ["osc_pop[0]/v", "osc_pop[0]/n"]
    assert list(found["cell"].coords["units"].values) == ["V", "1"]


def test_a_mean_is_over_the_nodes() -> None:
    """One value for each time, named after the observation."""
    found = result().observations["average"]
    assert np.allclose(found.values[:, 0], traces("v").mean(axis=1) * 1e3, rtol=1e-12)
    assert list(found.coords["quantity"].values) == ["average"]


def test_a_period_leaves_out_times() -> None:
    """In units of the time scale, from the start on."""
    found = result().observations["coarse"]
    assert np.allclose(found.time.values, np.arange(6) * 2e-3)
    assert np.allclose(found.values, traces("v")[::4] * 1e6, rtol=1e-12)


def test_an_equation_may_use_observations_constants_functions_and_the_time() -> None:
    """Whatever it is computed from, in any order of declaration."""
    found = result().observations["twice"]
    wanted = 4 * traces("v").mean(axis=1) * 1e3 + traces("n").max(axis=1)
    assert np.allclose(found.values[:, 0], wanted[::2], rtol=1e-12)


def test_an_equation_chooses_for_each_node() -> None:
    """The columns are named after the nodes."""
    found, v = result().observations["high"], traces("v")
    assert np.array_equal(found.values, np.where((v > 0.001) & (v <= 0.002), v, 0))
    assert str(found.coords["quantity"].values[1]).endswith("/high")


def test_sources_at_different_times_meet_where_both_have_values() -> None:
    """Every 2 ms and every 1 ms: every 2 ms."""
    found = result().observations["later"]
    assert found.sizes == {"time": 6, "quantity": 4}


def test_a_result_without_observations_has_none() -> None:
    """The mapping is empty."""
    text = TEXT[: TEXT.index("observations:")] + TEXT[TEXT.index("integration:") :]
    assert SimulationExperiment.from_string(text).run().observations == {}


WRONG = [
    (
        "source: v, unit: mV",
        "source: w, unit: mV",
        "observations.all_v.source[0]: observation all_v: 'w' is not recorded",
    ),
    ("source: v, unit: mV", "unit: mV", "observation all_v has no source"),
    ("source: v, unit: mV", "source: v, unit: mQ", "observation all_v: unknown unit 'mQ'"),
    ("source: v, unit: mV", "source: v, iri: bold", "observation all_v: 'iri' is not supported yet"),
    ("mean(v)", "mean(w)", "unknown function 'mean'"),
    ("mean(v)", "mean(v) + w", "'w' is not declared"),
    ("period: 2,", "period: 2.3,", "the period is 4.6 steps; expected a whole number of steps"),
    ("parameters: {a: 2}", "parameters: {a: b}", "observation twice: a is 'b'"),
    ("source: [v], equation", "source: [twice, v], equation", "observations in a circle"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[row[2][:40] for row in WRONG])
def test_what_is_wrong_is_named_before_the_run(old: str, new: str, message: str) -> None:
    """With its place."""
    assert old in TEXT
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(TEXT.replace(old, new, 1), "e.yaml").model()
    assert message in str(caught.value)
