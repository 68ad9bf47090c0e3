"""Exponential Euler: exact for straight lines, through other instances too; of first order for the rest."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.errors import SimulationError, UnsupportedError
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems.beyond import Beyond, Noise, Samples, Solver

METHOD = "exponential_euler"

# A membrane with two passive channels, each a population of its own, and a synapse without spikes.
PASSIVE = """<ionChannelPassive id="p" conductance="10pS"/><ionChannelPassive id="q" conductance="20pS"/>
<pointCellCondBased id="cell" C="10pF" v0="-20mV" thresh="100mV">
 <channelPopulation id="one" ionChannel="p" number="300" erev="-70mV"/>
 <channelPopulation id="two" ionChannel="q" number="{number}" erev="-10mV"/></pointCellCondBased>
<network id="net"><population id="pop" component="cell" size="3"/></network>"""

GATE = """dynamics:
  name: gate
  parameters: {{a: 3, b: 5}}
  derived_variables: {{in: {{equation: a*(1 - x)}}, out: {{equation: b*x}}}}
  state_variables: {{x: {{equation: in - out, initial_value: 0.9}}}}
integration: {{method: exponential_euler, step_size: {step}, duration: {duration}, time_scale: s}}
"""


def model(body, columns, step, length):
    listed = "".join(f'<OutputColumn id="c{n}" quantity="{q}"/>' for n, q in enumerate(columns))
    linked = reader.link_string(f"""<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Channels.xml"/>
    <Include file="Synapses.xml"/><Include file="Inputs.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>{body}
    <Simulation id="sim" length="{length}" step="{step}" target="net"><OutputFile id="f" fileName="o.dat">{listed}</OutputFile>
    </Simulation></Lems>""")
    return replace(linked, beyond=Beyond(Solver(METHOD)))


def scalar(equation, step, start=1.0, duration=1.0, method=METHOD, **more):
    data = {
        "dynamics": {
            "name": "one",
            "state_variables": {"x": {"equation": equation, "initial_value": start}},
            **more,
        },
        "integration": {"method": method, "step_size": step, "duration": duration, "time_scale": "s"},
    }
    return SimulationExperiment.from_data(data).run().data.values[:, 0]


@pytest.mark.parametrize("step", [0.01, 0.25, 2.0])
def test_a_rate_that_is_a_straight_line_is_exact(step):
    """However long the step is, through derived variables."""
    found = SimulationExperiment.from_string(GATE.format(step=step, duration=4)).run().data
    exact = 3 / 8 + (0.9 - 3 / 8) * np.exp(-8 * found.time.values)
    np.testing.assert_allclose(found.values[:, 0], exact, rtol=1e-12)


@pytest.mark.parametrize("number", [100, 0])
def test_a_membrane_sees_the_slopes_of_its_channels(number):
    """Currents of two lists of channels are straight lines in v: exact in steps of several time constants."""
    body = PASSIVE.format(number=number)
    run = native.run_linked(model(body, ["pop[0]/v", "pop[2]/v"], "20ms", "100ms"))
    g, h = 3e-9, number * 20e-12
    rest = (g * -70e-3 + h * -10e-3) / (g + h)
    exact = rest + (-20e-3 - rest) * np.exp(-(g + h) / 10e-12 * run.time)
    np.testing.assert_allclose(run.values, np.transpose([exact, exact]), rtol=1e-12)


@pytest.mark.parametrize(
    ("equation", "start", "factor"), [("-x**3", 1.0, 4), ("exp(-x)", 0.0, 4), ("sin(3*x) + cos(2*t)", 0.3, 2)]
)
def test_other_rates_are_of_first_order(equation, start, factor):
    """Half the step, half the error; a quarter where a rate depends on nothing but its state."""
    exact = scalar(equation, 0.0005, start, method="rk4")[-1]
    errors = [abs(scalar(equation, step, start)[-1] - exact) for step in (0.05, 0.025, 0.0125)]
    ratios = [one / other for one, other in pairwise(errors)]
    np.testing.assert_allclose(ratios, factor, rtol=0.15)


def test_a_rate_without_the_state_moves_by_eulers_step():
    """To the last bit."""
    assert np.array_equal(scalar("2 + t", 0.1), scalar("2 + t", 0.1, method="euler"))


def test_choices_have_the_slope_of_the_case_that_holds():
    """Below 0.5 twice as fast, both exactly."""
    found = scalar("Piecewise((-x, x > 0.5), (-2*x, True))", 0.1, duration=2)
    exact = [1.0]
    for _ in range(20):
        exact.append(exact[-1] * np.exp(-0.1 if exact[-1] > 0.5 else -0.2))
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_a_slope_of_nearly_0_loses_nothing():
    """Where exp(z) - 1 would cancel, the series is taken: both agree where they meet."""
    for rate in (1e-12, 9.99e-3, 1.001e-2, 0.5):
        more = {"parameters": {"r": {"value": [rate, 2 * rate], "heterogeneous": True}}}
        data = {
            "network": {
                "dynamics": {
                    "c": {**more, "state_variables": {"x": {"equation": "1 - r*x", "initial_value": 0}}}
                },
                "populations": {"P": {"dynamics": "c", "size": 2, "record": ["x"]}},
            },
            "integration": {"method": METHOD, "step_size": 0.1, "duration": 1, "time_scale": "s"},
        }
        found = SimulationExperiment.from_data(data).run().data.values[-1]
        rates = np.array([rate, 2 * rate])
        np.testing.assert_allclose(found, -np.expm1(-rates) / rates, rtol=1e-12)


def test_the_method_holds_where_eulers_does_not():
    """NeuroML's Hodgkin-Huxley cell fires in steps of 0.2 ms, within its reversal potentials."""
    linked = reader.read_file("LEMS_NML2_Ex1_HH.xml")
    coarse = replace(native.prepare(linked)[0], step=2e-4)
    with pytest.raises(SimulationError):
        native.run_linked(linked, plan=coarse)
    v = native.run_linked(linked, plan=coarse, method=METHOD).values[:, 0]
    assert -0.08 < v.min() < v.max() < 0.05
    assert ((v[1:] > 0) & (v[:-1] <= 0)).sum() >= 3


@pytest.mark.parametrize(
    "name",
    [
        "LEMS_NML2_Ex1_HH.xml",
        "LEMS_NML2_Ex5_DetCell.xml",
        "LEMS_NML2_Ex26_Weights.xml",
        "LEMS_NML2_Ex2_Izh.xml",
    ],
)
def test_the_compiled_program_is_that_of_the_interpreter(name):
    """To the last bit: channels, synapses, regimes."""
    linked = reader.read_file(name)
    program = native.prepare(replace(linked, beyond=Beyond(Solver(METHOD))))[1]
    compiled = native.simulate(program, native.compile_program(program), 60)
    judged = interpret(program, 60)
    assert np.array_equal(compiled.rows.view(np.int64), judged.rows.view(np.int64))


def test_numbers_drawn_in_each_step_are_as_with_eulers_method():
    """A held variable is no state that moves."""
    text = """
dynamics:
  name: noisy
  state_variables: {x: {equation: 3 - xi, initial_value: 0}, xi: {noise: {seed: 3}}}
integration: {method: %s, step_size: 0.1, duration: 5, time_scale: ms}
"""
    runs = [SimulationExperiment.from_string(text % method).run().data.values for method in (METHOD, "euler")]
    assert np.array_equal(*runs)


@pytest.mark.parametrize(
    ("beyond", "what"),
    [
        (Beyond(Solver(METHOD), noise=(Noise("one", "x"),)), "noise on the rate of 'x'"),
        (Beyond(Solver(METHOD), samples=(Samples("one", "x", (0.0,), ((1.0,),)),)), "samples of 'x'"),
        (Beyond(Solver(METHOD, sampling=0.1)), "a sampling step"),
    ],
)
def test_what_the_method_does_not_do_is_refused(beyond, what):
    """By name."""
    linked = model(PASSIVE.format(number=1), ["pop[0]/v"], "1ms", "2ms")
    with pytest.raises(UnsupportedError, match=f"exponential_euler' takes no {what}"):
        native.run_linked(replace(linked, beyond=beyond))
