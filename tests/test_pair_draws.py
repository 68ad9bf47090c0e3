"""What rules draw, some at a time: the same numbers as numpy gives at once, in little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.compiler import lower
from tvbo_lite.compiler.delivery import delivery
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems.rows import Column, Rows, parts_of
from tvbo_lite.lems.runs import Runs
from tvbo_lite.schema import Distribution
from tvbo_lite.transforms.arrays import AT_ONCE, starts_of
from tvbo_lite.transforms.expand.distributions import draw
from tvbo_lite.transforms.expand.streams import stream
from tvbo_lite.transforms.lower import pair_draws
from tvbo_lite.transforms.lower.context import Context

CELLS, DEGREE = 2000, 400
WEIGHT = 8  # bytes
BEYOND = 10  # bytes of a connection beyond its weight
ROOM = 4e6  # bytes of all else: cells, texts, arrays in work

NETWORK = f"""
network:
  dynamics:
    one:
      coupling_inputs: {{I: {{}}}}
      state_variables: {{v: {{equation: I - v, initial_value: 0}}}}
      events: &spikes {{spike: {{condition: v > 1, affect: v = 0}}}}
    two:
      coupling_inputs: {{I: {{}}}}
      state_variables: {{v: {{equation: I - 2*v, initial_value: 0}}}}
      events: *spikes
  populations: {{P: {{dynamics: one, size: {CELLS}}}, Q: {{dynamics: two, size: {CELLS}}}}}
  projections:
    PP: {{source: P, target: P, rule: {{RULE, {{weights}}}}}}
    PQ: {{source: P, target: Q, rule: {{RULE, {{weights}}}}}}
    QP: {{source: Q, target: P, rule: {{RULE, {{weights}}}}}}
integration: {{step_size: 1, duration: 2, time_scale: ms}}
""".replace("{weights}", "delay: 1 ms, weight: {distribution: {name: Uniform, domain: {lo: 0, hi: 1}}}")


def generator(seed=1):
    return stream(seed, "pairs")


def network(rule, other="two"):
    text = NETWORK.replace("RULE", rule).replace("dynamics: two", f"dynamics: {other}")
    return SimulationExperiment.from_string(text)


def tables(model):
    projections = next(item for item in model.components if item.tag == "network").children
    return [part for item in projections for part in parts_of(item.children) if isinstance(part, Rows)]


# ---- numbers in ascending order ------------------------------------------------------------------------


def test_runs_are_read_like_the_array_that_they_stand_for():
    """Also where some numbers do not occur, and by part."""
    runs = Runs(np.array([0, 0, 2, 2, 5, 5]))
    array = [1, 1, 3, 3, 3]
    assert np.asarray(runs).tolist() == array
    assert len(runs) == 5
    assert [int(runs[place]) for place in range(5)] == array
    assert runs[np.array([4, 0])].tolist() == [3, 1]
    assert (runs.min(), runs.max()) == (1, 3)
    assert np.asarray(runs.shifted(2)).tolist() == [3, 3, 5, 5, 5]
    for first in range(5):
        for last in range(first + 1, 6):
            assert runs.part(slice(first, last)).tolist() == array[first:last]
    assert starts_of(runs, 7).tolist() == starts_of(np.array(array), 7).tolist()


def test_a_column_of_runs_has_the_texts_of_its_array():
    """One by one and as components."""
    runs = Runs(np.array([0, 1, 1, 3]))
    kept, plain = (Column(numbers, "../p[", "]") for numbers in (runs, np.asarray(runs)))
    assert [kept.text(row) for row in range(3)] == ["../p[0]", "../p[2]", "../p[2]"]
    assert kept.same(plain)
    rows = Rows("connection", 3, {"preCellId": kept})
    assert [one.attributes["preCellId"] for one in rows] == ["../p[0]", "../p[2]", "../p[2]"]


# ---- pairs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1e-4, 0.1, 0.33, 0.4, 0.95])
def test_the_gaps_between_pairs_are_numpys_geometric_numbers(p):
    """Of the same stream, to the bit."""
    rows, width = 700, 900
    pre, post = pair_draws.thinned(rows, width, p, generator())
    every = np.cumsum(generator().geometric(p, int(2 * rows * width * p) + 1000)) - 1
    every = every[every < rows * width]
    assert np.array_equal(np.asarray(pre) * width + post, every)


def test_a_probability_next_to_0_connects_nothing():
    """The first gap is longer than any table."""
    pre, post = pair_draws.thinned(10**6, 10**6, 1e-300, generator())
    assert len(pre) == len(post) == 0


@pytest.mark.parametrize(("size", "count"), [(5000, 100), (600, 250), (300, 299), (7, 7), (40, 0)])
def test_numbers_of_a_row_differ(size, count):
    """In ascending order, below the size; each number is as likely as the others."""
    found = pair_draws.drawn(900, size, count, generator(), multapses=False)
    assert found.shape == (900, count)
    assert (np.diff(found, axis=1) > 0).all()
    assert found.size == 0 or (found.min() >= 0 and found.max() < size)
    mean = (size - 1) / 2
    deviation = size / np.sqrt(12 * max(found.size, 1))
    assert found.size == 0 or abs(found.mean() - mean) < 4 * deviation


@pytest.mark.parametrize(("targets", "sources", "count"), [(3000, 500, 200), (200, 90_000, 60), (1, 5, 3)])
def test_pairs_by_target_are_sorted_by_source(targets, sources, count):
    """As a stable sort of all of them does it, though blocks of targets are sorted."""
    chosen = pair_draws.drawn(targets, sources, count, generator(), multapses=True)
    pre, post = pair_draws.by_source(chosen, sources)
    order = np.argsort(chosen.ravel(), kind="stable")
    assert np.array_equal(np.asarray(pre), chosen.ravel()[order])
    assert np.array_equal(post, np.repeat(np.arange(targets), count)[order])


# ---- numbers of their own --------------------------------------------------------------------------------

COUNT = 2 * AT_ONCE + 17
DRAWS = {
    "Uniform": ({"lo": -1.25, "hi": 0.7}, lambda rng: rng.uniform(-1.25, 0.7, COUNT)),
    "Normal": ({"mean": 0.3, "sd": 2.7}, lambda rng: rng.normal(0.3, 2.7, COUNT)),
    "LogNormal": ({"mu": 0.3, "sigma": 0.7}, lambda rng: rng.lognormal(0.3, 0.7, COUNT)),
    "Exponential": ({"mean": 0.7}, lambda rng: rng.exponential(0.7, COUNT)),
    "Gamma": ({"shape": 2.3, "scale": 0.7}, lambda rng: rng.gamma(2.3, 0.7, COUNT)),
    "Beta": ({"alpha": 2.3, "beta": 0.7}, lambda rng: rng.beta(2.3, 0.7, COUNT)),
    "Poisson": ({"mean": 3.5}, lambda rng: rng.poisson(3.5, COUNT)),
}


def drawn(**given):
    values = draw(Distribution.model_validate(given), "weight", COUNT, (), Context.__new__(Context))
    assert values is not None
    return values


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_drawn_in_parts_are_those_that_numpy_draws_at_once(name):
    """For every distribution; the rounding of a product and a sum is the only freedom."""
    parameters, at_once = DRAWS[name]
    given = {key: {"value": value} for key, value in parameters.items()}
    expected = at_once(stream(3, "weight"))
    np.testing.assert_allclose(drawn(name=name, parameters=given, seed=3), expected, rtol=1e-14, atol=1e-15)


def test_numbers_outside_the_domain_are_drawn_anew_when_all_are_drawn():
    """In their order, until all lie inside."""
    given = {"mean": {"value": 0.0}, "sd": {"value": 1.0}}
    found = drawn(name="Normal", parameters=given, domain={"lo": -0.5, "hi": 2}, seed=3)
    rng = stream(3, "weight")
    expected = rng.normal(0, 1, COUNT)
    while (outside := (expected < -0.5) | (expected > 2)).any():
        expected[outside] = rng.normal(0, 1, int(outside.sum()))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


# ---- memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (f"type: fixed_in_degree, degree: {DEGREE}", "two"),
        (f"type: fixed_out_degree, degree: {DEGREE}", "one"),
        ("type: fixed_probability, probability: 0.2", "two"),
    ],
)
def test_a_connection_takes_at_most_10_bytes_beyond_its_weight(rule, other):
    """Of the model and the engine together, at any moment from the experiment to the code; also between
    populations of the same cells.
    """
    exp, small = (network(text, other) for text in (rule, "type: one_to_one, self_connections: true"))
    native.prepare(reader.link(small.model()))  # all modules are loaded
    tracemalloc.start()
    try:
        model = exp.model()
        _, program = native.prepare(reader.link(model))
        delivery(program)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    count = sum(map(len, tables(model)))
    assert count == pytest.approx(3 * CELLS * DEGREE, rel=0.01)
    assert most < ROOM + (WEIGHT + BEYOND) * count


def test_the_engine_reads_the_tables_of_the_model():
    """Targets and weights are there once."""
    model = network("type: fixed_out_degree, degree: 30").model()
    _, program = native.prepare(reader.link(model))
    kept = {id(table.columns[name].numbers) for table in tables(model) for name in ("postCellId", "weight")}
    read = {id(array) for fan in program.fans for array in (fan.targets.index, fan.targets.weights)}
    assert len(kept) == 6
    assert kept == read


FIRING = """
network:
  dynamics:
    cell:
      coupling_inputs: {I: {}}
      state_variables: {v: {equation: 1.3 + I - v, initial_value: 0, record: true}}
      events: {spike: {condition: v > 1, affect: v = 0}}
  populations:
    P: {dynamics: cell, size: 90, record: [v, spikes]}
    Q: {dynamics: cell, size: 80, record: [v]}
  projections:
    one:
      source: P
      target: P
      rule: &rule
        type: fixed_probability
        probability: 0.5
        delay: 0.2 ms
        weight: {distribution: {name: Normal, parameters: {mean: 0, sd: 0.1}}}
    two: {source: P, target: P, rule: *rule}
    three: {source: P, target: Q, rule: *rule}
    four: {source: Q, target: P, rule: *rule}
integration: {step_size: 0.1, duration: 9, time_scale: ms}
"""


def test_long_lists_that_stay_apart_change_no_bit(monkeypatch):
    """A target adds what it gets in the same order, whether a spike is one entry of the queue or several."""
    runs = {}
    for long in (1, 10**6):
        monkeypatch.setattr(lower, "LONG", long)
        runs[long] = SimulationExperiment.from_string(FIRING).run()
    few, many = runs.values()
    assert sum(map(len, few.events.values())) > 90
    assert np.array_equal(few.data, many.data)
