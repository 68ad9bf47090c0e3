"""How spikes reach many targets: delays that end in one step, the queue's order, sorted rows, ranges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.compiler import delivery, ir
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.compiler.lower import ModelLowering
from tvbo_lite.formats.lems import reader

NETWORK = """
network:
  dynamics:
    cell:
      coupling_inputs: {{pulses: {{}}}}
      state_variables: {{v: {{equation: 0.4 + {k} - v + pulses, initial_value: 0.1}}}}
      events: {{spike: {{condition: v > 0.6, affect: v = 0}}}}
  populations: {{A: {{dynamics: cell, size: 30, record: [v, spikes]}}}}
  projections:
    AA: {{source: A, target: A, rule: {{type: fixed_probability, probability: 0.3, seed: 4, delay: {delay},
      weight: {{distribution: {{name: Uniform, domain: {{lo: -0.1, hi: 0.3}}}}}}}}}}
integration: {{step_size: {step}, duration: 12, time_scale: ms{method}}}
"""
DRAWN = "{{distribution: {{name: Uniform, domain: {{lo: {lo}, hi: {hi}}}, seed: {seed}}}, unit: ms}}"


def prepared(delay, step=0.1, method=""):
    text = NETWORK.format(delay=delay, step=step, method=method, k=0.5)
    return native.prepare(reader.link(SimulationExperiment.from_string(text).model()))


def run_of(plan, program, threads=1):
    return native.simulate(program, native.compile_program(program), plan.n_steps, threads=threads)


@settings(max_examples=15, deadline=None)
@given(
    lo=st.floats(0.25, 1.0),
    wide=st.floats(0.01, 3.0),
    seed=st.integers(1, 99),
    step=st.sampled_from([0.1, 0.25]),
)
def test_delays_that_end_in_one_step_are_one_event(lo, wide, seed, step):
    """A queue of few entries brings every event in the step in which its own delay ends."""
    delay = DRAWN.format(lo=lo, hi=lo + wide, seed=seed)
    plan, grouped = prepared(delay, step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelLowering, "delay_grid", lambda _: None)
        _, single = prepared(delay, step)
    (few,), (many,) = (program.fans for program in (grouped, single))
    assert len(few.targets.index) == len(many.targets.index)
    assert len(few.targets.starts) <= len(many.targets.starts)
    one, other = run_of(plan, grouped), run_of(plan, single)
    assert len(one.events) > 10
    assert np.array_equal(one.events, other.events)
    assert np.allclose(one.rows, other.rows, rtol=1e-12, atol=1e-15)


def test_delays_of_whole_steps_stay_as_they_are():
    """Where rounding decides in which step a delay ends, it still does."""
    plan, program = prepared("0.3 ms")
    (port,) = (port for port in program.ports if port.delayed)
    assert np.all(port.delayed.delays == 0.3e-3)
    assert np.array_equal(run_of(plan, program).rows, interpret(program, plan.n_steps).rows)


def test_a_method_that_chooses_its_steps_keeps_all_delays():
    """It delivers each event at its own time."""
    _, program = prepared(DRAWN.format(lo=0.5, hi=2, seed=1), method=", method: dopri5")
    (port,) = (port for port in program.ports if port.delayed)
    assert len(np.unique(port.delayed.delays)) == len(port.delayed.delays) > 200


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(1, 99), hi=st.floats(0.2, 6.0))
def test_the_queue_is_in_order(seed, hi):
    """Events that are queued anywhere are delivered by their times, equal ones as they came."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelLowering, "delay_grid", lambda _: None)
        plan, program = prepared(DRAWN.format(lo=0.1, hi=hi, seed=seed))
    run, judged = run_of(plan, program), interpret(program, plan.n_steps)
    assert np.array_equal(run.rows, judged.rows)
    assert [tuple(event) for event in run.events.tolist()] == judged.events


@settings(max_examples=60, deadline=None)
@given(data=st.data(), sources=st.integers(1, 12), size=st.integers(1, 40), at_once=st.integers(1, 9))
def test_rows_are_sorted_and_divided(data, sources, size, at_once):
    """Each row's targets in ascending order, equal ones as they were; ranges begin where targets do."""
    lengths = np.array(data.draw(st.lists(st.integers(0, 9), min_size=sources, max_size=sources)))
    count = int(lengths.sum())
    index = np.array(
        data.draw(st.lists(st.integers(0, size - 1), min_size=count, max_size=count)), dtype=np.int64
    )
    starts = np.concatenate(([0], np.cumsum(lengths)))
    weights = np.arange(count, dtype=float)
    zeros = np.zeros(count)
    fan = ir.Fan("fan", ir.Targets(starts, ("on",), zeros.astype(np.int64), index, zeros, weights))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "AT_ONCE", at_once)
        ordered = delivery.sorted_rows(fan)
        begins = delivery.Delivery({}, {"fan": size}, 4).begins(ordered).reshape(sources, 5)
    edges = np.arange(5) * size // 4
    for k in range(sources):
        mine = slice(starts[k], starts[k + 1])
        order = np.argsort(index[mine], kind="stable")
        assert np.array_equal(ordered.targets.index[mine], index[mine][order])
        assert np.array_equal(ordered.targets.weights[mine], weights[mine][order])
        row = ordered.targets.index[mine]
        assert begins[k].tolist() == [starts[k] + int(np.sum(row < edge)) for edge in edges]
