"""Dynamics by equations become a component type: names, units, time, choices, events."""

# ruff: noqa: E501  the rows of tables and the YAML of small models read better unbroken

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tvbo_lite.errors import ExpressionError, InputError, ModelError, UnitError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.lems.model import ComponentType, Model

CELL = """\
dynamics:
  name: adex
  parameters:
    C: {value: 200, unit: pF}
    gL: {value: 10, unit: nS}
    EL: {value: -70, unit: mV}
    VT: {value: -50, unit: mV}
    D: {value: 2, unit: mV}
    a: {value: 2, unit: nS}
    tauw: {value: 30, unit: ms}
    b: {value: 50, unit: pA}
    Vr: {value: -58, unit: mV}
    I: {value: 500, unit: pA}
    on: {value: 10, unit: ms}
  derived_parameters:
    taum: {equation: C/gL}
  functions:
    up: {arguments: [x], equation: "exp(Min(x, 5))"}
  derived_variables:
    twice: {equation: "2*vv", record: true}
    drive: {equation: "Piecewise((I, (t > on) & ~(t > 5*on)))", unit: pA}
    vv: {equation: "Max(v, -2*EL)", unit: mV}
  state_variables:
    v: {equation: "(-(v - EL) + D*up((v - VT)/D))/taum + (drive - w + Iin)/C", initial_value: -65, unit: mV}
    w: {equation: "(a*(v - EL) - w)/tauw", unit: pA, initial_value: 0}
    n: {initial_value: 0}
  coupling_inputs: [Iin]
  events:
    spike: {condition: "v > 0", affect: "v = Vr; w = w + b; n = n + 1"}
integration: {step_size: 0.05, duration: 100}
"""

PLAIN = """\
dynamics:
  name: osc
  parameters: {k: 2.0, I: 0.5}
  state_variables:
    x: {equation: "-k*x + I*t"}
    y: {equation: "x - y", initial_value: 1.0}
integration: {step_size: 0.5, duration: 2, time_scale: ms}
"""


@cache
def lowered(text: str) -> Model:
    return SimulationExperiment.from_string(text, "e.yaml").model()


def kind(text: str) -> ComponentType:
    (found,) = lowered(text).component_types
    return found


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def rates(text: str) -> dict[str, str]:
    dynamics = kind(text).dynamics
    assert dynamics is not None
    return {item.variable: item.value for item in dynamics.derivatives}


# ---- time and units ------------------------------------------------------------------------------------


def test_rates_without_units_are_per_unit_of_the_time_scale_and_t_is_in_seconds() -> None:
    """The derivative is divided by 1 ms; ``t`` becomes a number of seconds."""
    assert rates(PLAIN) == {
        "x": "(0 - k * x + I * t / SEC) / MSEC",
        "y": "(x - y) / MSEC",
    }
    assert [(item.name, item.value) for item in kind(PLAIN).constants] == [("SEC", "1 s"), ("MSEC", "1 ms")]


@pytest.mark.parametrize(("scale", "seconds"), [("ms", 1e-3), ("s", 1.0), ("us", 1e-6)])
def test_the_numbers_follow_from_the_time_scale(scale: str, seconds: float) -> None:
    """Forward Euler by hand, with t at the end of each step, in seconds."""
    result = SimulationExperiment.from_string(changed(PLAIN, "time_scale: ms", f"time_scale: {scale}")).run()
    x, y, rows = 0.1, 1.0, [(0.1, 1.0)]
    for step in range(1, 5):
        t = step * 0.5 * seconds
        x, y = x + 0.5 * (-2 * x + 0.5 * t), y + 0.5 * (x - y)
        rows.append((x, y))
    assert np.allclose(result.recording.values, rows, rtol=1e-12)


def test_rates_with_units_are_taken_as_they_are() -> None:
    """A current over a capacitance is a voltage per time already; the clock is a time."""
    assert rates(CELL)["w"] == "(a * (v - EL) - w) / tauw"
    assert kind(CELL).constants == ()


def test_a_number_without_unit_may_change_by_rates_with_units_or_without() -> None:
    """A gate with rates in per_ms, and a counter in numbers, both in a cell with units."""
    gate = changed(CELL, "n: {initial_value: 0}", "n: {equation: '(1 - n)/tauw'}\n    k: {equation: '-k'}")
    gate = changed(gate, "; n = n + 1", "")
    assert (rates(gate)["n"], rates(gate)["k"]) == ("(1 - n) / tauw", "0 - k / MSEC")


def test_initial_values_are_parameters_in_the_unit_of_the_variable() -> None:
    """0.1 where none is given."""
    (component,) = [item for item in lowered(CELL).components if item.id == "adex"]
    assert component.attributes["v_initial"] == "-65 mV"
    assert lowered(PLAIN).components[0].attributes["x_initial"] == "0.1"


def test_dimensions_follow_from_units_and_equations() -> None:
    """Derived parameters and variables without a unit have the dimension of their expression."""
    assert [(item.name, item.dimension) for item in kind(CELL).derived_parameters] == [("taum", "time")]
    exposed = {item.name: item.dimension for item in kind(CELL).exposures}
    assert exposed == {"w": "current", "n": "none", "twice": "voltage", "drive": "current", "vv": "voltage"}


def test_a_dimension_without_a_name_is_declared() -> None:
    """LEMS wants a name for each dimension that a variable has."""
    model = lowered(changed(CELL, "2*vv", "2*vv*vv"))
    (found,) = model.dimensions
    assert found.exponents == (2, 4, -6, -2, 0, 0, 0)
    assert read_string(write(model)) == model


# ---- variables --------------------------------------------------------------------------------------


def test_variables_are_computed_after_those_they_need() -> None:
    """Whatever needs a choice is a conditional variable too: jLEMS computes those last, in their order."""
    dynamics = kind(CELL).dynamics
    assert dynamics is not None
    assert [item.name for item in dynamics.derived] == ["Iin"]
    order = [item.name for item in dynamics.conditional]
    assert order.index("vv") < order.index("twice")
    twice = next(item for item in dynamics.conditional if item.name == "twice")
    assert [(case.condition, case.value) for case in twice.cases] == [(None, "2 * vv")]


def test_a_derived_variable_does_not_lag_behind_a_choice() -> None:
    """``d`` is twice ``c`` in every row, whichever is declared first."""
    text = """\
dynamics:
  name: m
  derived_variables:
    d: {equation: 2*c, record: true}
    c: {equation: "Max(x, 3)", record: true}
  state_variables: {x: {equation: "1", initial_value: 0}}
integration: {step_size: 1, duration: 6}
"""
    values = SimulationExperiment.from_string(text).run().recording.values
    assert np.array_equal(values[:, 1], 2 * values[:, 2])
    assert values[-1, 2] == 5.0


def test_cases_are_a_choice() -> None:
    """The older way to write Piecewise."""
    cases = "drive: {conditional: true, unit: pA, cases: [{condition: t < on, equation: I}, {equation: 0}]}"
    text = changed(CELL, 'drive: {equation: "Piecewise((I, (t > on) & ~(t > 5*on)))", unit: pA}', cases)
    dynamics = kind(text).dynamics
    assert dynamics is not None
    drive = next(item for item in dynamics.conditional if item.name == "drive")
    assert [(case.condition, case.value) for case in drive.cases] == [("t .lt. on", "I"), (None, "0")]


@pytest.mark.parametrize(
    ("state", "base"),
    [
        ("v: {equation: '-v/T', unit: mV}", "baseCellMembPot"),
        ("V: {equation: '-V'}", "baseCellMembPotDL"),
        ("v: {equation: '-v'}", "baseCell"),
        ("x: {equation: '-x'}", "baseCell"),
    ],
)
def test_the_base_type_follows_from_the_membrane_potential(state: str, base: str) -> None:
    """``v`` with a unit of voltage, ``V`` without one; others are cells without a potential."""
    text = f"dynamics: {{name: m, parameters: {{T: {{value: 1, unit: ms}}}}, state_variables: {{{state}}}}}\n"
    assert kind(text + "integration: {step_size: 1, duration: 6}").extends == base


def test_a_type_does_not_take_the_name_of_a_core_type() -> None:
    """The component keeps the name of the dynamics."""
    model = lowered(changed(PLAIN, "name: osc", "name: cell"))
    assert (model.component_types[0].name, model.components[0].id) == ("cell_type", "cell")


def test_recorded_are_all_states_and_what_asks_for_it_in_the_declared_order() -> None:
    """``record: false`` leaves a state out, ``record: true`` takes a derived variable in."""
    text = changed(CELL, "unit: pA, initial_value: 0", "unit: pA, initial_value: 0, record: false")
    columns = lowered(text).components[-1].children[0].children
    assert [item.attributes["quantity"] for item in columns] == [
        "adex_pop[0]/v", "adex_pop[0]/n", "adex_pop[0]/twice",
    ]  # fmt: skip


# ---- events -------------------------------------------------------------------------------------------


def test_an_event_happens_once_when_its_condition_becomes_true() -> None:
    """Without a reset the condition holds for many steps, and LEMS alone would fire in each."""
    text = """\
dynamics:
  name: m
  state_variables: {x: {equation: "1", initial_value: 0}, n: {initial_value: 0}}
  events: {up: {condition: x > 2, affect: n = n + 1}}
integration: {step_size: 1, duration: 6}
"""
    assert list(SimulationExperiment.from_string(text).run().recording.values[:, 1]) == [0, 0, 0, 1, 1, 1, 1]


def test_the_event_named_spike_sends_the_spike() -> None:
    """One event sends: jLEMS mixes up two senders on one port."""
    text = changed(CELL, "  events:\n", "  events:\n    cap: {condition: 'w > b', affect: 'w = b'}\n")
    dynamics = kind(text).dynamics
    assert dynamics is not None
    assert [item.action.events for item in dynamics.on_condition] == [(), (), ("spike",), ()]


def test_a_cell_that_takes_inputs_and_never_spikes_has_a_port_all_the_same() -> None:
    """jLEMS connects explicit inputs through it."""
    text = changed(CELL, CELL[CELL.index("  events:") : CELL.index("integration:")], "")
    dynamics = kind(text).dynamics
    assert dynamics is not None
    assert [(item.test, item.action.events) for item in dynamics.on_condition] == [("t .lt. 0", ("spike",))]


# ---- parts of a component ----------------------------------------------------------------------------------

GATE = """\
dynamics:
  name: hh
  iri: neuroml:pointCellCondBased
  parameters:
    C: {value: 10, unit: pF}
    v0: {value: -65, unit: mV}
    thresh: {value: 20, unit: mV}
  components:
    na:
      iri: neuroml:ionChannelHH
      parameters: {conductance: {value: 10, unit: pS}, number: 10, erev: {value: 50, unit: mV}}
      components:
        m:
          iri: neuroml:gateHHratesTau
          parameters: {instances: 3}
          components:
            forwardRate:
              derived_variables: {r: {equation: "exp(v/VOLT_SCALE/10)/TIME_SCALE"}}
            reverseRate:
              iri: neuroml:back_rate
              derived_variables: {r: {equation: "2/TIME_SCALE"}}
            timeCourse:
              derived_variables: {t: {equation: "Piecewise((1/(alpha + beta), alpha > 0), (TIME_SCALE, True))"}}
integration: {step_size: 0.01, duration: 1}
"""


def test_a_rate_of_its_own_extends_the_type_of_its_slot_and_sees_what_is_around_it() -> None:
    """``v`` comes with the type, ``alpha`` and ``beta`` from the gate; the scales are 1 ms and 1 mV."""
    types = {item.name: item for item in lowered(GATE).component_types}
    assert {name: item.extends for name, item in types.items()} == {
        "na_m_forwardRate": "baseVoltageDepRate",
        "back_rate": "baseVoltageDepRate",
        "na_m_timeCourse": "baseVoltageDepTime",
    }
    scales = {item.name: item.value for item in types["na_m_forwardRate"].constants}
    assert scales == {"TIME_SCALE": "1 ms", "VOLT_SCALE": "1 mV"}
    wanted = [(item.name, item.dimension) for item in types["na_m_timeCourse"].requirements]
    assert wanted == [("alpha", "per_time"), ("beta", "per_time")]


def test_an_extended_type_has_what_its_parent_has_and_new_parameters() -> None:
    """LEMS does not pass attachments on: they are repeated, so that inputs still find their place."""
    text = """\
dynamics:
  name: mine
  iri: extends:fitzHughNagumoCell
  parameters: {I: 0.8, colour: 3}
integration: {step_size: 0.1, duration: 1}
"""
    found = kind(text)
    assert (found.name, found.extends) == ("mine", "fitzHughNagumoCell")
    assert [item.name for item in found.parameters] == ["colour"]
    assert found.dynamics is None


# ---- what is wrong ------------------------------------------------------------------------------------------

WRONG: list[tuple[str, str, str, type[InputError], str]] = [
    (CELL, "drive - w + Iin)/C", "drive - w + Iin)/D", UnitError, "state_variables.v.equation: adex: v: '+' joins"),
    (CELL, "w = w + b", "w = w + D", UnitError, "adex: spike: '+' joins current and voltage"),
    (CELL, "v = Vr", "v = b", UnitError, "adex: spike: v is set to current; expected voltage"),
    (CELL, "w = w + b", "ww = b", ModelError, "'ww' is no state variable and cannot be set"),
    (CELL, "w = w + b", "drive = b", ModelError, "'drive' is no state variable"),
    (CELL, "w = w + b", "w + b", ModelError, "'w + b' is no assignment; expected 'v = reset'"),
    (CELL, '"v > 0"', '"n"', ModelError, "the condition is a number; expected a comparison"),
    (CELL, '"2*vv"', '"2*twice"', ModelError, "adex: variables in a circle: 'twice' needs 'twice'"),
    (CELL, "30, unit: ms}", "30, unit: msec}", UnitError, "unknown unit 'msec'; did you mean 'ms'?"),
    (CELL, "C/gL", "v/gL", ModelError, "taum is computed once and cannot use 'v', which changes"),
    (CELL, "up((v", "uup((v", ExpressionError, "adex: v: unknown function 'uup' in expression"),
    (CELL, "drive - w", "driv - w", ExpressionError, "'driv' is not declared"),
    (CELL, "drive - w", "driv - w", ExpressionError, "did you mean 'drive'?"),
    (CELL, "Max(v, -2*EL)", "Max(v, 3)", UnitError, "adex: vv: '.gt.' joins voltage and none"),
    (CELL, "    b: {", "    w: {", ModelError, "adex: 'w' is given twice, also in parameters"),
    (CELL, "    b: {", "    t: {", ModelError, "'t' is the time and cannot be the name of anything else"),
    (CELL, 'twice: {equation: "2*vv"', "twice: {unit: mV", ModelError, "twice has no value"),
    (CELL, "unit: pA}\n    vv", "unit: mV}\n    vv", UnitError, "drive is current; expected voltage"),
    (CELL, "name: adex", "name: adex\n  iri: extends:iafcell", ModelError, "did you mean 'iafCell'?"),
    (CELL, "name: adex", "name: adex\n  iri: neuroml:iafCell", ModelError, "iafCell needs 'leakConductance'"),
    (GATE, "derived_variables: {t: {", "derived_variables: {tt: {", ModelError, "a baseVoltageDepTime has a variable 't'"),
    (GATE, '"2/TIME_SCALE"', '"2*TIME_SCALE"', UnitError, "'r' has the dimension time; expected per_time"),
    (PLAIN, "integration:", "network: {dynamics: {a: {}}}\nintegration:", ModelError, "neither a type nor equations"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "old", "new", "error", "message"), WRONG, ids=[row[4][:40] for row in WRONG]
)
def test_a_mistake_is_named_with_its_place(
    text: str, old: str, new: str, error: type[InputError], message: str
) -> None:
    """Each broken rule has a message with file, line, what was found and what would be right."""
    with pytest.raises(error) as caught:
        lowered(changed(text, old, new))
    assert type(caught.value) is error
    assert message in str(caught.value)
    assert all(problem.location.line for problem in caught.value.problems)


LATER = [
    (
        "initial_value: -65",
        "noise: {intensity: 1, additive: false}, initial_value: -65",
        "adex: v: noise that depends on the state is not supported yet",
    ),
    ('"v > 0", ', '"v > 0", target_component: x, ', "spike: 'target_component' is not supported yet"),
    ('"v > 0", ', '"v > 0", event_type: vague, ', "spike: events of the type 'vague' are not supported"),
    ("[Iin]", "{Iin: {dimension: 2}}", "Iin: inputs of several components are not supported"),
]


@pytest.mark.parametrize(("old", "new", "message"), LATER, ids=[row[2][:40] for row in LATER])
def test_what_cannot_be_expressed_yet_is_refused_by_name(old: str, new: str, message: str) -> None:
    """Nothing that a dynamics says is left out in silence."""
    with pytest.raises(UnsupportedError) as caught:
        lowered(changed(CELL, old, new))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", [CELL, PLAIN, GATE])
def test_what_is_rendered_is_what_runs(text: str) -> None:
    """The LEMS text of a lowered model, read again, is that model."""
    assert read_string(write(lowered(text))) == lowered(text)


@pytest.mark.parametrize("text", [CELL, PLAIN, GATE])
def test_jlems_gives_the_same_numbers(text: str) -> None:
    """No value that jLEMS prints differs."""
    experiment = SimulationExperiment.from_string(text)
    ours, theirs = experiment.run().recording.values, experiment.run("neuroml").recording.values
    assert np.array_equal(ours.astype(np.float32), theirs.astype(np.float32))
