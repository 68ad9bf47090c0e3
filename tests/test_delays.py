"""Delays of values: what is read is what was, at every stage of every method; what cannot be is said."""

# ruff: noqa: E501  the rows of tables and the YAML of small models read better unbroken

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import replace
from math import factorial, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scripts import interpreter
from test_pyrates_writer import run_templates

from tvbo_lite.backends import native
from tvbo_lite.compiler import ir, past, past_segments
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.compiler.verify import verify
from tvbo_lite.errors import (
    CompileError,
    InputError,
    ModelError,
    RenderError,
    SimulationError,
    UnsupportedError,
)
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems import reader
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.formats.numpy.writer import write as numpy_script
from tvbo_lite.formats.pyrates.writer import write as pyrates_templates
from tvbo_lite.lems.beyond import Beyond, Delay
from tvbo_lite.losses import Losses

ORDERS = {"euler": 1, "heun": 2, "midpoint": 2, "rk4": 4}
ADAPTIVE = ("bosh3", "dopri5", "rodas4")

# x' = -x(t - tau) with x = 1 until 0: a polynomial between any two multiples of tau.
LINEAR = """\
network:
  dynamics:
    one: {state_variables: {x: {equation: -c, initial_value: 1}}, coupling_inputs: [c]}
  nodes: [{id: 0, dynamics: one}]
  edges: [{source: 0, target: 0, delay: 1}]
integration: {step_size: 0.1, duration: 7, time_scale: s}
"""
# Wright's equation, x' = -a x(t - 1) (1 + x), and a second node that reads it after a longer delay
WRIGHT = """\
network:
  dynamics:
    one:
      parameters: {a: 1.4}
      state_variables: {x: {equation: -a*c*(1 + x), initial_value: 0.5}}
      coupling_inputs: [c]
  nodes: [{id: 0, dynamics: one}, {id: 1, dynamics: one, parameters: {a: 0.7}}]
  edges:
    - {source: 0, target: 0, delay: 1}
    - {source: 0, target: 1, delay: 1.5, weight: 2}
    - {source: 1, target: 1, weight: 0.5}
integration: {step_size: 0.1, duration: 8, time_scale: s}
"""
# delays of several lengths, derived variables, units, a threshold, values of both ends
MIXED = """\
network:
  dynamics:
    cell:
      parameters: {tau: {value: 5, unit: ms}, top: {value: 2, unit: mV}}
      state_variables:
        v: {equation: "(-v + s)/tau", unit: mV, initial_value: 1.5, history: 0.25}
        w: {equation: "(v - w)/tau", unit: mV, initial_value: 0}
      derived_variables:
        d: {equation: 2*v - w, unit: mV}
        late: {equation: s + w, unit: mV, history: 0.5}
      events: {spike: {condition: v > top, affect: v = 0.1*top}}
      coupling_inputs: {s: {unit: mV}}
  nodes:
    - {id: 0, dynamics: cell}
    - {id: 1, dynamics: cell, parameters: {v: 3}}
    - {id: 2, dynamics: cell, parameters: {top: 5}}
  coupling: {s: {parameters: {k: 0.5}, pre_expression: "2*x_j - k*x_i + w_j", incoming_states: [v, w]}}
  edges:
    - {source: 0, target: 1, weight: 0.9, delay: 1}
    - {source: 1, target: 0, weight: 0.7, delay: {value: 1.73, unit: ms}}
    - {source: 1, target: 2, weight: 0.4}
    - {source: 2, target: 2, weight: -0.3, delay: 0.2}
    - {source: 2, target: 0, weight: 1.5, delay: 2.5}
integration: {step_size: 0.1, duration: 12}
"""
# derived variables that depend on what their node receives
DERIVED = MIXED.replace("incoming_states: [v, w]", "incoming_states: [late, w], local_states: [v]")
DERIVED = DERIVED.replace("weight: 0.4}", "weight: 0.4, delay: 0.4}")


QUIET = MIXED.replace("      events: {spike: {condition: v > top, affect: v = 0.1*top}}\n", "")


def run(text: str, method: str = "euler", step: float | None = None, **options: Any) -> Any:
    """The recording of an experiment."""
    if step is not None:
        text = text.replace("step_size: 0.1", f"step_size: {step}")
    return SimulationExperiment.from_string(text).run(method=method, **options).recording


def exact(t: float, tau: float = 1.0) -> float:
    """The solution of `LINEAR`, by the method of steps."""
    return sum((-1) ** k * (t - (k - 1) * tau) ** k / factorial(k) for k in range(floor(t / tau) + 2))


def assert_same_bits(text: str, rows: int, **solver: Any) -> None:
    """The compiled program gives what the interpreter gives."""
    model = reader.link(SimulationExperiment.from_string(text).model())
    program = native.prepare(native.with_solver(model, solver))[1]
    compiled = native.simulate(program, native.compile_program(program), rows).rows
    np.testing.assert_array_equal(compiled.view(np.int64), interpret(program, rows).rows.view(np.int64))


# ---- accuracy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ORDERS)
def test_a_method_keeps_its_order(method: str) -> None:
    """The known solution: the error falls by 2 to the power of the order with the step."""
    errors = [abs(run(LINEAR, method, step).values[-1, 0] - exact(7.0)) for step in (0.1, 0.05, 0.025)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - ORDERS[method]) < 0.25), orders


@pytest.mark.parametrize("method", ORDERS)
def test_a_nonlinear_equation_of_several_delays(method: str) -> None:
    """Against an adaptive method with small tolerances; stages between steps are read from a cubic."""
    wanted = run(WRIGHT, "dopri5", rel_tol=1e-12, abs_tol=1e-13).values[-1]
    errors = [np.abs(run(WRIGHT, method, step).values[-1] - wanted).max() for step in (0.05, 0.025, 0.0125)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > ORDERS[method] - 0.35), orders


@pytest.mark.parametrize(("method", "bound"), [("euler", 0.05), ("heun", 1e-3), ("rk4", 1e-4)])
def test_delays_between_steps(method: str, bound: float) -> None:
    """0.97 s is 9.7 steps: the value is interpolated, not rounded to a step."""
    found = run(LINEAR.replace("delay: 1", "delay: 0.97"), method)
    rounded = run(LINEAR, method).values[-1, 0]
    assert abs(found.values[-1, 0] - exact(7.0, 0.97)) < bound
    assert abs(rounded - exact(7.0, 0.97)) > bound


@pytest.mark.parametrize("method", ADAPTIVE)
@pytest.mark.parametrize("delay", ["1", "0.97"])
def test_methods_that_choose_their_steps(method: str, delay: str) -> None:
    """The error follows the tolerance, whether or not delays fit the rows."""
    for tolerance in (1e-5, 1e-8):
        found = run(
            LINEAR.replace("delay: 1", f"delay: {delay}"), method, rel_tol=tolerance, abs_tol=tolerance
        )
        wanted = [exact(t, float(delay)) for t in found.time]
        np.testing.assert_allclose(found.values[:, 0], wanted, atol=20 * tolerance)


def test_dense_output_is_used_at_its_full_order() -> None:
    """At a tolerance of 1e-12, dopri5 gives twelve digits of a nonlinear equation that rk4 gives too."""
    fine = run(WRIGHT, "rk4", 1 / 1024).values[-1]
    np.testing.assert_allclose(
        run(WRIGHT, "dopri5", rel_tol=1e-12, abs_tol=1e-13).values[-1], fine, rtol=1e-11
    )


# ---- meaning -------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**31))
def test_euler_reads_exactly_the_value_of_the_step(nodes: int, seed: int) -> None:
    """Networks with a delay of so many steps for each edge, against a loop over steps by hand."""
    rng = np.random.default_rng(seed)
    weight, steps, start = (
        rng.normal(size=(nodes, nodes)),
        rng.integers(0, 12, (nodes, nodes)),
        rng.random(nodes),
    )
    data = {
        "network": {
            "dynamics": {
                "n": {"state_variables": {"x": {"equation": "tanh(c) - x"}}, "coupling_inputs": ["c"]}
            },
            "nodes": [{"id": k, "dynamics": "n", "parameters": {"x": float(x)}} for k, x in enumerate(start)],
            "edges": [
                {"source": j, "target": i, "weight": float(weight[i, j]), "delay": 0.125 * int(steps[i, j])}
                for i in range(nodes)
                for j in range(nodes)
            ],
        },
        "integration": {"step_size": 0.125, "duration": 5},
    }
    found = SimulationExperiment.from_data(data).run().recording
    x = [start]
    for n in range(40):
        late = np.array([[x[max(n - steps[i, j], 0)][j] for j in range(nodes)] for i in range(nodes)])
        x.append(x[-1] + 0.125 * (np.tanh((weight * late).sum(axis=1)) - x[-1]))
    np.testing.assert_allclose(found.values, x, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("method", [*ORDERS, *ADAPTIVE])
def test_a_delay_of_0_is_no_delay(method: str) -> None:
    """And one that the coupling leaves out is none either."""
    none = WRIGHT.replace(", delay: 1.5", "").replace(", delay: 1", "")
    zero = WRIGHT.replace("delay: 1.5", "delay: 0").replace("delay: 1}", "delay: 0}")
    left_out = WRIGHT.replace("  edges:", "  coupling: {c: {delayed: false}}\n  edges:")
    wanted = run(none, method).values
    np.testing.assert_array_equal(run(zero, method).values, wanted)
    np.testing.assert_array_equal(run(left_out, method).values, wanted)


@pytest.mark.parametrize("method", [*ORDERS, *ADAPTIVE])
def test_before_the_start_there_was_the_initial_value_or_what_history_says(method: str) -> None:
    """In the first second x' is minus the history."""
    after = run(LINEAR, method).values[10, 0]
    assert abs(after - 0.0) < 1e-12
    given = run(LINEAR.replace("initial_value: 1", "initial_value: 1, history: -3"), method).values[10, 0]
    assert abs(given - 4.0) < (0.45 if method in ("euler", "heun", "midpoint", "rk4") else 1e-9)


def test_history_of_a_derived_variable() -> None:
    """It is read as it was, not worked out from the states that were: here it was 7."""
    text = LINEAR.replace(
        "coupling_inputs", "derived_variables: {y: {equation: 2*x, history: 7}}, coupling_inputs"
    )
    late = run(text.replace("delay: 1", "delay: 1, source_var: y"))
    assert abs(late.values[10, 0] - (1 - 7.0)) < 1e-12
    assert abs(late.values[11, 0] - (1 - 7.0 - 0.2)) < 1e-12


def test_what_depends_on_inputs_is_read_late() -> None:
    """A variable that passes on what its node receives may go round in a circle, if it takes time."""
    text = LINEAR.replace("coupling_inputs", "derived_variables: {y: {equation: x + c}}, coupling_inputs")
    found = run(text.replace("delay: 1", "delay: 0.3, weight: 0.5, source_var: y, target_var: c")).values[
        :, 0
    ]
    x, y = [1.0], [1.0] * 3  # at the start nothing has come in yet
    for n in range(70):
        y.append(x[-1] + 0.5 * y[n])
        x.append(x[-1] - 0.1 * 0.5 * y[n])
    np.testing.assert_allclose(found, x, rtol=1e-12)


@pytest.mark.parametrize("method", ["euler", "rk4", "dopri5"])
def test_the_past_of_a_jump_is_a_jump(method: str) -> None:
    """A node that is reset is seen by another as it was, the reset included."""
    text = """\
network:
  dynamics:
    saw: {state_variables: {x: {equation: 1.0}}, events: {reset: {condition: x > 1.05, affect: x = 0}}}
    sees: {state_variables: {y: {equation: "(c - y)*100"}}, coupling_inputs: [c]}
  nodes: [{id: 0, dynamics: saw, parameters: {x: 0}}, {id: 1, dynamics: sees, parameters: {y: 0}}]
  edges: [{source: 0, target: 1, delay: 2, source_var: x}]
integration: {step_size: 0.01, duration: 6, time_scale: s}
"""
    found = run(text, method)
    names = [quantity.rpartition("/")[2] for quantity in found.quantities]
    x, y = found.values[:, names.index("x")], found.values[:, names.index("y")]
    jump = int(np.argmax(np.diff(x) < -0.5))
    assert abs(y[jump + 200] - x[jump]) < 0.03  # just before the jump is seen, behind by 10 ms
    assert abs(y[jump + 215] - x[jump + 15]) < 0.03


def test_noise_arrives_late() -> None:
    """The target's change in a step is the noisy source of two steps before, to the last bit."""
    text = """\
network:
  dynamics:
    noisy: {state_variables: {x: {equation: -x, initial_value: 0, noise: {parameters: {sigma: 1}}}}}
    sum: {state_variables: {y: {equation: c, initial_value: 0}}, coupling_inputs: [c]}
  nodes: [{id: 0, dynamics: noisy}, {id: 1, dynamics: sum}]
  edges: [{source: 0, target: 1, delay: 0.25, source_var: x}]
integration: {step_size: 0.125, duration: 10}
"""
    for method in ("euler", "heun"):
        found = run(text, method)
        names = [quantity.rpartition("/")[2] for quantity in found.quantities]
        x, y = found.values[:, names.index("x")], found.values[:, names.index("y")]
        late = np.concatenate([[0.0, 0.0], x])[: len(x)]
        mean = late[:-1] if method == "euler" else (late[:-1] + late[1:]) / 2
        np.testing.assert_allclose(np.diff(y), 0.125 * mean, rtol=1e-12, atol=1e-15)
        assert np.std(x) > 0.1


def test_a_stimulus_begins_where_it_begins_without_delays() -> None:
    """A step of the Euler method takes the value that holds when the step begins."""
    text = """\
dynamics:
  name: sum
  parameters: {I: 0}
  state_variables: {x: {equation: I, initial_value: 0}}
  coupling_inputs: [c]
stimulation: {target_var: I, equation: 1.0, onset: 1, duration: 2}
network: {number_of_nodes: 2, edges: [{source: 0, target: 1, delay: 1}]}
integration: {step_size: 0.25, duration: 5}
"""
    late, plain = run(text).values, run(text.replace(", delay: 1", "")).values
    np.testing.assert_array_equal(late, plain)
    assert late[-1, 0] == 2.0


def test_a_delay_has_a_unit_or_the_time_scale() -> None:
    """As a number, as a text with a unit, or as both apart."""
    wanted = run(LINEAR).values
    for text in ("1000 ms", "{value: 1, unit: s}", "{value: 1000, unit: ms}"):
        np.testing.assert_array_equal(run(LINEAR.replace("delay: 1", f"delay: {text}")).values, wanted)
    none = run(LINEAR.replace(", delay: 1", "")).values
    np.testing.assert_array_equal(run(LINEAR.replace("delay: 1", "delay: 0 ms")).values, none)


def test_numbers_of_numpy_are_numbers() -> None:
    """Edges made from matrices: weights and delays are doubles of numpy."""
    data = yaml.safe_load(LINEAR)
    data["network"]["edges"][0] |= {"weight": np.ones(1)[0], "delay": np.ones(1)[0]}
    found = SimulationExperiment.from_data(data).run().recording
    np.testing.assert_array_equal(found.values, run(LINEAR).values)


def test_rules_give_their_edges_a_delay() -> None:
    """A graph generator, with one delay for all edges."""
    text = """\
network:
  dynamics: {n: {state_variables: {x: {equation: c - x, initial_value: 1}}, coupling_inputs: [c]}}
  nodes: [{id: 0, dynamics: n}, {id: 1, dynamics: n, parameters: {x: 3}}, {id: 2, dynamics: n}]
  graph_generator: {type: Cycle, directed: true, parameters: {delay: 1, weight: 0.5}}
integration: {step_size: 0.25, duration: 5}
"""
    x = [np.array([1.0, 3.0, 1.0])]
    for n in range(20):
        x.append(x[-1] + 0.25 * (0.5 * np.roll(x[max(n - 4, 0)], 1) - x[-1]))
    np.testing.assert_allclose(run(text).values, x, rtol=1e-12)


def test_a_long_run_turns_the_circle_often() -> None:
    """After thousands of turns the delay is still that of the first."""
    text = LINEAR.replace("equation: -c", "equation: -0.5*c - 0.2*x").replace("duration: 7", "duration: 400")
    for method in ("euler", "rk4"):
        found = run(text.replace("delay: 1", "delay: 0.3"), method).values[:, 0]
        assert abs(found[-1]) < 1e-30


# ---- the compiler ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [*ORDERS, "stochastic_heun"])
def test_the_interpreter_gives_the_same_bits(method: str) -> None:
    """Whole and broken steps, cubics and lines, histories, thresholds; noise."""
    noise = MIXED.replace("history: 0.25", "history: 0.25, noise: {parameters: {sigma: 0.1}}")
    assert_same_bits(noise if method == "stochastic_heun" else MIXED, 40, method=method)
    assert_same_bits(DERIVED, 20, method="heun")


@pytest.mark.parametrize("method", ADAPTIVE)
def test_the_interpreter_gives_the_same_bits_of_adaptive_methods(method: str, monkeypatch: Any) -> None:
    """Segments of dense output, found by bisection."""
    monkeypatch.setattr(past_segments, "MOST_ROWS", 40)
    assert_same_bits(MIXED, 12, method=method, rel_tol=1e-3, abs_tol=1e-3)


def broken(change: Callable[[ir.Statement], ir.Statement]) -> ir.Program:
    """A program with delays in which every statement is what ``change`` makes of it."""

    def changed(body: tuple[ir.Statement, ...]) -> tuple[ir.Statement, ...]:
        found = []
        for item in body:
            inner = replace(item, body=changed(item.body)) if isinstance(item, ir.Each | ir.While) else item
            found.append(change(inner))
        return tuple(found)

    program = native.prepare(reader.link(SimulationExperiment.from_string(LINEAR).model()))[1]
    functions = [replace(one, body=changed(one.body)) for one in program.functions]
    initialise = next(one for one in functions if one.name == program.initialise.name)
    step = replace(program.step, body=changed(program.step.body))
    return replace(program, functions=functions, initialise=initialise, step=step)


def test_the_compiler_checks_what_it_reads_of_the_past() -> None:
    """Rings lie in memory, have their values, and are read within one turn."""
    verify(broken(lambda item: item))
    far = ir.Ring(10**6, 5, 5)
    cases: dict[str, Callable[[ir.Statement], ir.Statement]] = {
        "are not all in the memory": lambda x: replace(x, ring=far) if isinstance(x, ir.Recall) else x,
        "is read at": lambda x: replace(x, start=ir.Affine(999)) if isinstance(x, ir.Recall) else x,
        "rows of 0 values": lambda x: (
            replace(x, ring=replace(x.ring, count=0)) if isinstance(x, ir.Remember) else x
        ),
        "there is no table 99": lambda x: replace(x, sources=99) if isinstance(x, ir.Remember) else x,
        "not set on every way": lambda x: replace(x, head=ir.Temp(999)) if isinstance(x, ir.Recall) else x,
    }
    for message, change in cases.items():
        with pytest.raises(CompileError, match=message):
            verify(broken(change))


# ---- what cannot be ----------------------------------------------------------------------------------------

REFUSED = [
    ("delay: 1", "delay: -1", ModelError, "<string>:5: .*edge 0 to 0: the delay is -1; expected a time, 0 or more"),
    ("delay: 1", "delay: {value: -1, unit: ms}", ModelError, "the delay is -1 ms; expected a time, 0 or more"),
    ("delay: 1", "delay: -1 ms", ModelError, "the delay is -1 ms; expected a time, 0 or more"),
    ("delay: 1", "delay: .nan", InputError, "<string>:5"),
    ("delay: 1", "delay: abc", InputError, "<string>:5: .*delay: 'abc' is not a number with a unit"),
    ("delay: 1", "delay: 3 mV", InputError, "'3 mV' is voltage, not time"),
    ("delay: 1", "delay: {value: 1, unit: mV}", InputError, "time"),
    ("delay: 1", "delay: 0.05", UnsupportedError, "0.05 s is shorter than the step; expected 0.1 s or more; take a shorter"),
    ("delay: 1", "delay: 1e9", UnsupportedError, "delays of up to 1e.09 s need 80 GB for the past; expected at most 0.8 GB"),
    ("initial_value: 1", "initial_value: 1, history: .nan", InputError, "<string>:3"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "error", "message"), REFUSED, ids=[row[1] for row in REFUSED])
def test_wrong_delays_are_told_with_their_place(
    old: str, new: str, error: type[Exception], message: str
) -> None:
    """Negative ones, no numbers, no times, shorter than a step, longer than the memory."""
    with pytest.raises(error, match=message):
        run(LINEAR.replace(old, new))


def test_of_many_delays_the_one_that_cannot_be_is_told() -> None:
    """The shortest of a coupling where it is too short, the longest where it is too long."""
    with pytest.raises(
        UnsupportedError, match=r"^<string>:\d+: network\.edges\[4\]\.delay: a delay of 1e-05 s"
    ) as caught:
        run(MIXED.replace("delay: 2.5", "delay: 0.01").replace("delay: 0.2", "delay: 0.02"))
    assert len(caught.value.problems) == 1
    with pytest.raises(
        UnsupportedError, match=r"^<string>:\d+: network\.edges\[1\]\.delay: delays of up to 1e\+09 s"
    ):
        run(WRIGHT.replace("delay: 1.5", "delay: 1e9"))


def test_methods_that_choose_their_steps_take_short_delays() -> None:
    """What is below a step of the others is none here; long ones cost nothing."""
    for delay in (0.001, 1e6):
        found = run(
            LINEAR.replace("delay: 1", f"delay: {delay}").replace("duration: 7", "duration: 1"), "dopri5"
        )
        np.testing.assert_allclose(
            found.values[-1, 0], exact(1.0, delay) if delay > 1 else np.exp(-1), atol=5e-4
        )


def test_adaptive_methods_keep_the_past_of_states_only() -> None:
    """With the reason, and a method that can."""
    with pytest.raises(
        UnsupportedError, match=r"the method 'dopri5' keeps the past of state variables only.*'rk4'"
    ):
        run(DERIVED, "dopri5")


def test_too_many_steps_within_a_delay(monkeypatch: Any) -> None:
    """A run is stopped before anything is read that is no longer kept."""
    monkeypatch.setattr(past_segments, "MOST_ROWS", 30)
    with pytest.raises(SimulationError, match="room for the 30 steps before, within 1 s became nan"):
        run(LINEAR, "dopri5", max_step=0.01)


def test_too_much_to_keep(monkeypatch: Any) -> None:
    """Also for adaptive methods."""
    monkeypatch.setattr(past, "MAX_PAST", 1000)
    with pytest.raises(UnsupportedError, match="for the past"):
        run(LINEAR, "dopri5")


def test_other_formats_lose_delays_and_say_so() -> None:
    """LEMS XML, scripts; jLEMS refuses."""
    experiment = SimulationExperiment.from_string(LINEAR)
    model = reader.link(experiment.model())
    losses = Losses()
    write(model, losses)
    assert any("the delay with which" in loss.what for loss in losses)
    with pytest.raises(UnsupportedError, match=r"network\.edges\[0\]\.delay: the delay with which"):
        experiment.run("jlems")


@pytest.mark.parametrize(
    "text", [QUIET, WRIGHT, LINEAR.replace("delay: 1", "delay: 0.97")], ids=["quiet", "wright", "broken"]
)
def test_a_numpy_script_has_delays(text: str, tmp_path: Path) -> None:
    """Its traces are those of the engine, histories and broken steps included; a second run is the same."""
    model, losses = reader.link(SimulationExperiment.from_string(text).model()), Losses()
    script = numpy_script(model, losses)
    (tmp_path / "script.py").write_text(script)
    space = runpy.run_path(str(tmp_path / "script.py"))
    space["main"]()
    traces, ours = space["main"](), native.run_linked(model)
    assert len(losses) == 0
    for quantity in ours.quantities:
        np.testing.assert_allclose(traces[quantity], ours.trace(quantity), rtol=1e-12, atol=1e-16)


def test_a_numpy_script_keeps_the_past_of_states_only() -> None:
    """Others are refused with their name."""
    model = reader.link(SimulationExperiment.from_string(DERIVED).model())
    with pytest.raises(RenderError, match=r"'late' of .* is read with a delay; expected a state variable"):
        numpy_script(model, Losses())


def test_templates_for_pyrates_have_delays() -> None:
    """On the edges that lead to a coupling's terms; what PyRates does otherwise is a loss."""
    model, losses = reader.link(SimulationExperiment.from_string(WRIGHT).model()), Losses()
    text = pyrates_templates(model, losses)
    assert [line.rpartition("{")[2] for line in text.splitlines() if "delay" in line] == [
        "weight: 1.0, delay: 1.0}]",
        "weight: 1.0, delay: 1.5}]",
    ]
    assert [loss.what for loss in losses] == ["the past before the start, and edges without delay"]


def test_pyrates_gives_what_the_engine_gives(tmp_path: Path) -> None:
    """From a past of 0, with whole steps on all edges."""
    python = interpreter("TVBO_LITE_PYRATES_PYTHON", "pyrates")
    text = WRIGHT.replace("initial_value: 0.5", "initial_value: 0.5, history: 0")
    model = reader.link(
        SimulationExperiment.from_string(text.replace("weight: 0.5}", "weight: 0.5, delay: 0.2}")).model()
    )
    traces = run_templates(python, pyrates_templates(model, Losses()), tmp_path)
    ours = native.run_linked(model)
    for quantity, trace in traces.items():
        np.testing.assert_allclose(trace.ravel(), ours.trace(quantity)[: trace.size], rtol=1e-12)


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        (Delay("nothing", "x_j", "delay"), "delay: no instance has the type 'nothing'"),
        (
            Delay("one_c_linear_one_x_late", "x_i", "delay"),
            "delay: 'x_i' of .* cannot have any; expected one of x_j",
        ),
    ],
)
def test_a_delay_of_nothing(delay: Delay, message: str) -> None:
    """A type or variable that is not there is told with the ones that are."""
    model = reader.link(SimulationExperiment.from_string(LINEAR).model())
    with pytest.raises(ModelError, match=message):
        native.run_linked(replace(model, beyond=Beyond(delays=(delay,))))
