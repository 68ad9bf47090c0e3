"""Events of equation dynamics: choices in what they change, set times, spikes that arrive, parameters."""

# ruff: noqa: E501  the YAML of small models reads better unbroken

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite.errors import InputError
from tvbo_lite.experiment import SimulationExperiment

CHOICES = """\
dynamics:
  name: osc
  parameters: {tau: 10, I: 12}
  state_variables:
    v: {equation: "(I - v)/tau", initial_value: 0}
    u: {equation: "-u/tau", initial_value: 1}
    n: {initial_value: 0}
  events:
    spike:
      condition: "Max(v, u) > top"
      parameters: {top: 5}
      affect: "v = Piecewise((1, u > 0.5), (0.5, n < 1.5), (0, True)); n = n + Min(1, 2*u + 0.2); u = Max(u, v)"
    kick: {event_type: preset_time, trigger_times: [3, 10, 10.02, 1], affect: "u = u + 0.25*sign(u - 0.9)"}
integration: {step_size: 0.1, duration: 40}
"""

SYNAPSE = """\
network:
  dynamics:
    cell:
      parameters: {tau: 10, I: 12}
      state_variables: {V: {equation: "(I - V + s)/tau", initial_value: 0}}
      events: {spike: {condition: "V > 5", affect: "V = Piecewise((1, I > 11), (0, True))"}}
      coupling_inputs: [s]
    syn:
      parameters: {E: 20, tau: 3}
      state_variables: {a: {equation: "-a/tau", initial_value: 0}}
      derived_variables: {I: {equation: "a*(E - V)"}}
      events: {arrives: {event_type: spike, affect: "a = a + weight*0.5"}}
  nodes: [{id: 0, dynamics: cell}, {id: 1, dynamics: cell, parameters: {I: 4}}]
  edges: [{source: 0, target: 1, weight: 2, delay: {value: 1, unit: ms}, coupling: syn}]
integration: {step_size: 0.1, duration: 40}
"""

UNITS = """\
dynamics:
  name: cell
  parameters: {tau: {value: 10, unit: ms}, I: {value: 12, unit: mV}}
  state_variables: {v: {equation: "(I - v)/tau", initial_value: 0, unit: mV}}
  events:
    fire: {condition: "v > top", parameters: {top: {value: 5, unit: mV}}, affect: "v = Min(0*I, I)"}
    set: {event_type: preset_time, trigger_times: [20], affect: "v = I/2 - I/4"}
integration: {step_size: 0.1, duration: 40}
"""


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def test_choices_see_what_was_set_before_them_in_the_same_event() -> None:
    """By hand: the assignments one after the other; set times once each, in steps of their own."""
    v, u, n, t, held, times = 0.0, 1.0, 0.0, 0.0, False, [1, 3, 10, 10.02]
    rows = [(v, u, n)]
    for _ in range(400):
        t += 1e-4
        v, u = v + 0.1 * (12 - v) / 10, u - 0.1 * u / 10
        if max(v, u) > 5 and not held:
            v = 1.0 if u > 0.5 else 0.5 if n < 1.5 else 0.0
            n += min(1, 2 * u + 0.2)
            u, held = max(u, v), True
        held = held and max(v, u) > 5
        if times and t >= times[0] * 1e-3:
            times.pop(0)
            u += 0.25 * np.sign(u - 0.9)
        rows.append((v, u, n))
    values = SimulationExperiment.from_string(CHOICES).run().recording.values
    assert np.allclose(values, rows, rtol=0, atol=1e-14)


@pytest.mark.parametrize("text", [CHOICES, SYNAPSE, UNITS], ids=["choices", "synapse", "units"])
def test_jlems_gives_the_same_numbers(text: str) -> None:
    """No printed value differs."""
    experiment = SimulationExperiment.from_string(text)
    ours, theirs = experiment.run().recording.values, experiment.run("neuroml").recording.values
    assert np.array_equal(ours.astype(np.float32), theirs.astype(np.float32))


def test_a_synapse_may_be_given_by_equations() -> None:
    """What happens at a spike, a current, and the membrane potential that it sees."""
    values = SimulationExperiment.from_string(SYNAPSE).run().recording.values[:, 1]
    alone = (
        SimulationExperiment.from_string(changed(SYNAPSE, "weight: 2", "weight: 0"))
        .run()
        .recording.values[:, 1]
    )
    spike = int(np.argmax(values != alone))
    assert 50 < spike < 70  # V(0) passes 5 at 10*ln(12/7) = 5.4 ms; the delay is 1 ms
    assert (values[spike : spike + 20] > alone[spike : spike + 20]).all()


def test_set_times_are_in_the_time_scale() -> None:
    """In s here; the event happens in the first step that reaches its time."""
    text = changed(UNITS, "duration: 40", "duration: 40, time_scale: ms")
    assert np.isclose(
        SimulationExperiment.from_string(text).run().recording.values[200:202].min(), 3e-3, rtol=0.02
    )
    late = changed(
        changed(UNITS, "trigger_times: [20]", "trigger_times: [0.02]"),
        "step_size: 0.1, duration: 40",
        "step_size: 0.0001, duration: 0.04, time_scale: s",
    )
    other = SimulationExperiment.from_string(late).run().recording.values
    assert np.allclose(
        SimulationExperiment.from_string(UNITS).run().recording.values, other, rtol=1e-9, atol=1e-12
    )


WRONG = [
    (CHOICES, "u > 0.5", "w > 0.5", "'w' is not declared"),
    (CHOICES, "{top: 5}", "{top: high}", "osc: spike: top is 'high'; expected a number"),
    (CHOICES, "v = Piecewise", "w = Piecewise", "'w' is no state variable and cannot be set"),
    (
        CHOICES,
        "trigger_times: [3, 10, 10.02, 1]",
        "condition: v > 1",
        "an event of type preset_time has no 'trigger_times'",
    ),
    (UNITS, "top: {value: 5, unit: mV}", "top: {value: 5, unit: ms}", "'.gt.' joins voltage and time"),
    (UNITS, "v = I/2 - I/4", "v = tau", "v is set to time; expected voltage"),
    (
        SYNAPSE,
        "a = a + weight*0.5",
        "a = Max(a, weight)",
        "Piecewise, Min, Max and sign are not supported in what a spike changes",
    ),
    (
        SYNAPSE,
        "events: {arrives",
        "events: {more: {event_type: spike, affect: a = 1}, arrives",
        "a second event of the type 'spike'",
    ),
    (SYNAPSE, "I: {equation: ", "J: {equation: ", "has a variable 'i'"),
]


@pytest.mark.parametrize(("text", "old", "new", "message"), WRONG, ids=[row[3][:40] for row in WRONG])
def test_what_is_wrong_is_named(text: str, old: str, new: str, message: str) -> None:
    """With the place of the event."""
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(changed(text, old, new), "e.yaml").model()
    assert message in str(caught.value)
