"""Couplings by equations between nodes: what they mean, against Euler by hand and against jLEMS."""

# ruff: noqa: E501  the rows of tables and the YAML of small models read better unbroken

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tvbo_lite.errors import InputError, ModelError, UnitError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import link, read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.lems.recording import Recording
from tvbo_lite.transforms.check import check
from tvbo_lite.transforms.expand import expand
from tvbo_lite.transforms.lower.context import Context, OwnTypes
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.transforms.types import TypeTable

RATES = """\
network:
  dynamics:
    osc:
      parameters: {k: 0.5}
      state_variables:
        x: {equation: "c - k*x", initial_value: 1}
        y: {equation: "x - y + d*0.1 + t", initial_value: 0.5}
      derived_variables:
        r: {equation: "Max(tanh(2*y + k), 0)", record: true}
      coupling_inputs: [c, d]
    relay:
      state_variables: {z: {equation: "-z + q", initial_value: 2}}
      coupling_inputs: [q, unused]
  nodes:
    - {id: 0, dynamics: osc}
    - {id: 1, dynamics: osc, parameters: {k: 0.25, x: 3}}
    - {id: 2, dynamics: osc}
    - {id: 5, dynamics: relay}
  coupling:
    c:
      parameters: {a: 0.5, g: 2}
      pre_expression: "g*x_j - x_i"
      post_expression: "a*gx + 0.1*tanh(y_i)"
      incoming_states: [x]
  edges:
    - {source: 0, target: 1, weight: 0.1, target_var: c}
    - {source: 1, target: 0, weight: 0.2, coupling: c}
    - {source: 2, target: 0, weight: 0.3, coupling: c}
    - {source: 2, target: 2, weight: -0.3, coupling: c}
    - {source: 0, target: 2, weight: 0.7, source_var: r, target_var: d}
    - {source: 2, target: 0, weight: 0.4, source_var: r, target_var: d}
    - {source: 2, target: 5, weight: 0.4, source_var: r_out, target_var: q}
    - {source: 5, target: 5, weight: -0.2, source_var: z, target_var: q}
integration: {step_size: 0.1, duration: 5}
"""

UNITS = """\
network:
  dynamics:
    pop:
      parameters: {tau: {value: 10, unit: ms}, I: {value: 1, unit: nA}, R: {value: 5, unit: Mohm}}
      state_variables:
        v: {equation: "(-v + R*(I + s))/tau", unit: mV, initial_value: 1}
      coupling_inputs: [s]
  nodes: [{id: 0, dynamics: pop}, {id: 1, dynamics: pop, parameters: {I: 2}}, {id: 2, dynamics: pop}]
  edges:
    - {source: 0, target: 1, weight: {value: 3, unit: nS}, source_var: v}
    - {source: 1, target: 0, weight: {value: 2, unit: nS}, source_var: v}
    - {source: 2, target: 0, weight: {value: 2, unit: nS}, source_var: v}
integration: {step_size: 0.1, duration: 5}
"""

# source: the depressing and facilitating synapse of Tsodyks, Pawelzik and Markram (1998), as a node
RELAY = """\
network:
  dynamics:
    synapse:
      parameters: {tau_D: 200, tau_F: 600, U0: 0.2}
      state_variables:
        x: {equation: "(1 - x)/tau_D - u*x*r_in", initial_value: 1}
        u: {equation: "(U0 - u)/tau_F + U0*(1 - u)*r_in", initial_value: 0.2}
      derived_variables: {r_eff: {equation: "r_in*x*u", record: true}}
      coupling_inputs: [r_in]
      output: [r_eff]
    rate:
      parameters: {tau: 10, I: 0}
      state_variables: {r: {equation: "(-r + I + r_in)/tau", initial_value: 0}}
      coupling_inputs: [r_in]
  nodes:
    - {id: 0, dynamics: rate, parameters: {I: 5}}
    - {id: 1, dynamics: synapse}
    - {id: 2, dynamics: rate}
  edges:
    - {source: 0, target: 1, weight: 1, source_var: r_out, target_var: r_in}
    - {source: 1, target: 2, weight: 0.33}
integration: {step_size: 0.1, duration: 5}
"""

# synapses and couplings by equations on one input, and a synapse that is given by equations
MIXED = """\
network:
  dynamics:
    cell:
      parameters: {tau: {value: 10, unit: ms}, I: {value: 3, unit: nA}, R: {value: 5, unit: Mohm}}
      derived_parameters: {top: {equation: "R*I/1.5"}}
      state_variables: {v: {equation: "(-v + R*(I + s))/tau", unit: mV, initial_value: 1}}
      events: {spike: {condition: "v > top", affect: "v = 0*top"}}
      coupling_inputs: {s: {unit: nA}}
    syn:
      parameters: {g: {value: 5, unit: nS}, E: {value: 30, unit: mV}, tau: {value: 3, unit: ms}}
      state_variables: {a: {equation: "-a/tau", initial_value: 0}}
      derived_variables: {i: {equation: "g*a*(E - v)"}}
      events: {arrives: {event_type: spike, affect: "a = a + weight*0.5"}}
    pulse:
      iri: neuroml:pulseGenerator
      parameters: {delay: 5 ms, duration: 20 ms, amplitude: 1 nA}
  nodes: [{id: 0, dynamics: cell}, {id: 1, dynamics: cell, parameters: {I: 2}}, {id: 2, dynamics: pulse}]
  coupling:
    gap: {pre_expression: v_j - v_i, incoming_states: [v], delayed: false}
  edges:
    - {source: 0, target: 1, weight: 3, delay: {value: 1, unit: ms}, coupling: syn}
    - {source: 1, target: 0, coupling: syn}
    - {source: 0, target: 1, coupling: gap, weight: {value: 1, unit: nS}, delay: {value: 2, unit: ms}}
    - {source: 2, target: 0}
integration: {step_size: 0.1, duration: 50}
"""

ALL = {"rates": RATES, "units": UNITS, "relay": RELAY, "mixed": MIXED}


@cache
def recorded(text: str) -> Recording:
    return SimulationExperiment.from_string(text).run().recording


def columns(text: str) -> dict[str, np.ndarray]:
    found = recorded(text)
    return {name: found.values[:, number] for number, name in enumerate(found.quantities)}


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def problems(text: str, kind: type[InputError]) -> str:
    with pytest.raises(kind) as caught:
        SimulationExperiment.from_string(text, "e.yaml").model()
    assert type(caught.value) is kind
    return str(caught.value)


def test_every_term_sees_the_state_at_the_start_of_the_step() -> None:
    """Forward Euler by hand: pre, weight, sum, post; derived sources; self-coupling; an input of 0."""
    x, y, z = np.array([1, 3, 1.0]), np.full(3, 0.5), 2.0
    k = np.array([0.5, 0.25, 0.5])
    rows = [(*x, *y, z)]
    for step in range(1, 51):
        r = np.maximum(np.tanh(2 * y + k), 0)
        first = 0.2 * (2 * x[1] - x[0]) + 0.3 * (2 * x[2] - x[0])
        g = np.array([first, 0.1 * (2 * x[0] - x[1]), -0.3 * (2 * x[2] - x[2])])
        c = 0.5 * g + 0.1 * np.tanh(y)
        d, q = np.array([0.4 * r[2], 0, 0.7 * r[0]]), 0.4 * r[2] - 0.2 * z
        x, y = x + 0.1 * (c - k * x), y + 0.1 * (x - y + d * 0.1 + step * 1e-4)
        z += 0.1 * (-z + q)
        rows.append((*x, *y, z))
    found = columns(RATES)
    cells = ("osc_pop[0]", "osc_pop[1]", "osc_pop[2]")
    names = [f"{cell}/{name}" for name in ("x", "y") for cell in cells]
    ours = np.array([found[name] for name in [*names, "relay_pop[0]/z"]]).T
    assert np.allclose(ours, rows, rtol=0, atol=1e-14)


def slopes(state: np.ndarray, time: float) -> np.ndarray:
    """The equations of `RATES` as a function."""
    x, y, z = state[:3], state[3:6], state[6]
    r = np.maximum(np.tanh(2 * y + [0.5, 0.25, 0.5]), 0)
    first = 0.2 * (2 * x[1] - x[0]) + 0.3 * (2 * x[2] - x[0])
    g = np.array([first, 0.1 * (2 * x[0] - x[1]), -0.3 * (2 * x[2] - x[2])])
    c, d, q = 0.5 * g + 0.1 * np.tanh(y), np.array([0.4 * r[2], 0, 0.7 * r[0]]), 0.4 * r[2] - 0.2 * z
    return np.concatenate([c - np.array([0.5, 0.25, 0.5]) * x, x - y + d * 0.1 + time * 1e-3, [-z + q]])


def test_heuns_method_sees_all_couplings_at_each_stage() -> None:
    """By hand; where another method than Euler is asked for, the order of the nodes counts for nothing."""
    state = np.array([1, 3, 1, 0.5, 0.5, 0.5, 2.0])
    for step in range(50):
        first = slopes(state, 0.1 * step)
        state = state + 0.05 * (first + slopes(state + 0.1 * first, 0.1 * step + 0.1))
    found = columns(changed(RATES, "duration: 5}", "duration: 5, method: heun}"))
    names = [f"osc_pop[{cell}]/{name}" for name in "xy" for cell in range(3)]
    ours = [found[name][-1] for name in [*names, "relay_pop[0]/z"]]
    assert np.allclose(ours, state, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_jlems_gives_the_same_numbers(name: str) -> None:
    """No printed value differs."""
    theirs = SimulationExperiment.from_string(ALL[name]).run("neuroml").recording
    ours = recorded(ALL[name])
    assert ours.quantities == theirs.quantities
    assert np.count_nonzero(ours.values.astype(np.float32) != theirs.values.astype(np.float32)) == 0


@pytest.mark.parametrize("name", ALL)
def test_the_model_has_no_problems_and_survives_a_round_trip(name: str) -> None:
    """What is made passes all checks, and reading what is written gives it back."""
    model = SimulationExperiment.from_string(ALL[name]).model()
    assert read_string(write(model)) == model
    assert check(link(model)) == ((), ())


def test_the_order_of_the_nodes_does_not_matter() -> None:
    """Whether a source advances before its target or after makes no difference."""
    first = "    - {id: 0, dynamics: osc}\n"
    later = changed(RATES, first, "").replace("  coupling:\n", f"{first}  coupling:\n", 1)
    names = {"osc_pop[0]": "osc_pop[2]", "osc_pop[1]": "osc_pop[0]", "osc_pop[2]": "osc_pop[1]"}
    ours, others = columns(RATES), columns(later)
    for name, values in ours.items():
        cell, _, variable = name.partition("/")
        assert np.allclose(values[-1], others[f"{names.get(cell, cell)}/{variable}"][-1], rtol=1e-13)


def test_a_weight_may_carry_a_unit() -> None:
    """A conductance times a voltage is a current; without unit in the input, it has what comes in."""
    v = np.array([1.0, 1.0, 1.0])  # in mV; I in nA, R in Mohm, so that R*I is in mV
    current, weights = np.array([1.0, 2.0, 1.0]), np.array([[0, 2, 2], [3, 0, 0], [0, 0, 0]]) * 1e-3
    for _ in range(50):
        v = v + 0.1 * (-v + 5 * (current + weights @ v)) / 10
    found = columns(UNITS)
    ours = [found[f"{cell}/v"][-1] * 1e3 for cell in ("pop_pop[0]", "pop_pop[1]", "pop_pop[2]")]
    assert np.allclose(ours, v, rtol=1e-12)


def test_a_relay_passes_on_what_it_receives_in_the_same_step() -> None:
    """A variable that depends on an input may be read by nodes that come later."""
    r, x, u, s = 0.0, 1.0, 0.2, 0.0
    for _ in range(50):
        sent = r * x * u
        r, x, u, s = (
            r + 0.1 * (-r + 5) / 10,
            x + 0.1 * ((1 - x) / 200 - u * x * r),
            u + 0.1 * ((0.2 - u) / 600 + 0.2 * (1 - u) * r),
            s + 0.1 * (-s + 0.33 * sent) / 10,
        )
    assert np.isclose(columns(RELAY)["rate_pop[1]/r"][-1], s, rtol=1e-12)


def test_relays_in_a_circle_are_refused() -> None:
    """There each would have to know the other's value first."""
    text = changed(RELAY, "\n      output: [r_eff]", "")
    text = changed(
        text, "{source: 1, target: 2, weight: 0.33}", "{source: 1, target: 3, weight: 1, source_var: r_eff}"
    )
    text = changed(
        text,
        "    - {id: 2, dynamics: rate}\n",
        "    - {id: 2, dynamics: rate}\n    - {id: 3, dynamics: synapse}\n    - {id: 4, dynamics: again}\n",
    )
    text = changed(
        text,
        "    rate:\n",
        "    again: {derived_variables: {s: {equation: 2*c}}, coupling_inputs: [c]}\n    rate:\n",
    )
    text = changed(
        text,
        "integration:",
        "    - {source: 3, target: 4, source_var: r_eff}\n    - {source: 4, target: 1, source_var: s}\nintegration:",
    )
    found = problems(text, UnsupportedError)
    assert "depends at the same moment on what the node receives" in found
    assert "let no circle of nodes pass on what they receive" in found


def test_functions_and_constants_of_the_experiment_count_in_couplings() -> None:
    """``functions`` at the top, ``parameters`` of the network."""
    text = changed(RATES, "g*x_j - x_i", "f(G, x_j) - x_i").replace(", g: 2", "")
    text = "functions: {f: {arguments: [a, b], equation: a*b}}\n" + text
    text = changed(text, "network:\n", "network:\n  parameters: {G: 2}\n")
    assert np.array_equal(recorded(text).values, recorded(RATES).values)


def test_a_coupling_of_the_experiment_is_one_of_the_network() -> None:
    """``coupling`` beside ``network`` means the same."""
    start, end = RATES.index("  coupling:\n    c:\n"), RATES.index("  edges:\n")
    block = (
        RATES[start:end].replace("  coupling:\n    c:\n", "coupling:\n  name: c\n").replace("      ", "  ")
    )
    assert np.array_equal(recorded(RATES[:start] + RATES[end:] + block).values, recorded(RATES).values)


TVB = {
    "Linear": "gx*0.00390625",
    "Scaling": "gx*0.00390625",
    "Sigmoidal": "2/(1 + exp(-gx/230)) - 1",
}
KURAMOTO = """\
dynamics:
  name: phase
  parameters: {omega: 0.5}
  state_variables: {theta: {equation: omega + c, distribution: {domain: {lo: 0, hi: 6}}}}
  coupling_inputs: [c]
network:
  number_of_nodes: 3
  graph_generator: {type: Complete, parameters: {weight: 0.5}}
  coupling: {c: {iri: "tvbo:Kuramoto", parameters: {a: 2}}}
integration: {step_size: 0.1, duration: 5}
"""


def test_the_couplings_of_the_virtual_brain_are_known_by_name() -> None:
    """Kuramoto's oscillators, by hand: a/N times the sum of sines of differences."""
    found = columns(KURAMOTO)
    theta = np.array([values[0] for values in found.values()])
    for _ in range(50):
        sums = np.sin(theta[None, :] - theta[:, None]).sum(axis=1) * 0.5
        theta = theta + 0.1 * (0.5 + 2 * sums / 3)
    assert np.allclose([values[-1] for values in found.values()], theta, rtol=1e-12)


@pytest.mark.parametrize("name", TVB)
def test_known_couplings_are_their_expressions(name: str) -> None:
    """With the default parameters of The Virtual Brain."""
    text = changed(KURAMOTO, 'iri: "tvbo:Kuramoto", parameters: {a: 2}', f"iri: 'tvbo:{name}'")
    other = changed(text, f"iri: 'tvbo:{name}'", f"post_expression: '{TVB[name]}'")
    assert np.allclose(recorded(text).values, recorded(other).values, rtol=1e-12)


def test_names_with_and_without_ending_mean_the_same() -> None:
    """``x_j`` and ``x_i`` are the first variables read at the source and at the target."""
    text = changed(
        UNITS, "  edges:", "  coupling: {s: {pre_expression: v_j - v_i, incoming_states: [v]}}\n  edges:"
    )
    other = changed(text, "v_j - v_i", "x_j - x_i")
    third = changed(text, "{pre_expression: v_j - v_i, incoming_states: [v]}", "{pre_expression: v - v_i}")
    assert np.array_equal(recorded(text).values, recorded(other).values)
    assert np.array_equal(recorded(text).values, recorded(third.replace(", source_var: v", "")).values)


def test_the_variable_marked_for_coupling_is_read() -> None:
    """``coupling_variable`` counts where neither the edge nor the coupling says what is read."""
    text = changed(RATES, "      incoming_states: [x]\n", "")
    text = changed(text, "initial_value: 1}", "initial_value: 1, coupling_variable: true}")
    assert np.array_equal(recorded(text).values, recorded(RATES).values)


PLAIN = RATES.replace("g*x_j - x_i", "c: 1").replace("      incoming_states: [x]\n", "")
PLAIN = PLAIN.replace('      pre_expression: "c: 1"\n', "      label: 'c: 1'\n")
RANDOM = """\
dynamics:
  name: rate
  parameters: {k: {heterogeneous: true, distribution: {domain: {lo: 0.2, hi: 1}}}}
  state_variables: {x: {equation: "c - k*x", distribution: {name: Normal, parameters: {mean: 1, sd: 0.5}}}}
  coupling_inputs: [c]
network:
  number_of_nodes: 25
  graph_generator: {type: ErdosRenyi, seed: 5, directed: true, parameters: {p: 0.2, weight: {distribution: {domain: {lo: -1, hi: 1}}}}}
  coupling: {c: {pre_expression: tanh(x_j), post_expression: 0.5*gx}}
integration: {step_size: 0.1, duration: 5}
"""


def test_a_random_network_is_its_matrix_of_weights() -> None:
    """25 nodes, each with another number of edges: Euler's method with a matrix, and jLEMS."""
    experiment = SimulationExperiment.from_string(RANDOM)
    network = expand(
        experiment, Context(OwnTypes(TypeTable(())), UnitTable((), ()), experiment.locate)
    ).network
    assert network is not None
    weights = np.zeros((25, 25))
    for edge in network.edges:
        assert edge.weight is not None
        weights[edge.target, edge.source] = edge.weight.value
    k = np.array([node.parameters["k"].value for node in network.nodes])
    values = recorded(RANDOM).values
    x = values[0]
    for _ in range(50):
        x = x + 0.1 * (0.5 * weights @ np.tanh(x) - k * x)
    assert np.allclose(values[-1], x, rtol=0, atol=1e-13)
    theirs = experiment.run("neuroml").recording.values
    assert np.array_equal(values.astype(np.float32), theirs.astype(np.float32))


WRONG = [
    (RATES, "target_var: c}", "target_var: cc}", "e.yaml:26: network.edges[0].target_var: edge 0 to 1: 'osc' has no coupling input 'cc'"),
    (RATES, "source_var: r,", "source_var: rr,", "'osc' has no variable 'rr'"),
    (RATES, "incoming_states: [x]", "incoming_states: [w]", "'osc' has no variable 'w'"),
    (PLAIN, "c: 1", "c: 1", "nothing says which variable of 'osc' is read"),
    (RATES, ", target_var: q}\n    - {source: 5", "}\n    - {source: 5", "'relay' has several coupling inputs"),
    (RATES, "weight: 0.1,", "weight: heavy,", "weight"),
    (RATES, "weight: 0.1,", "weight: 0.1, parameters: {dealy: 1},", "a coupling has no 'dealy'"),
    (RATES, "    c:\n", "    osc:\n", "'osc' is the name of a coupling and of a dynamics"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "old", "new", "message"), WRONG, ids=[row[3][:40] for row in WRONG])
def test_what_is_wrong_is_named(text: str, old: str, new: str, message: str) -> None:
    """With the edge, its place and what there is."""
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(changed(text, old, new), "e.yaml").model()
    assert message in str(caught.value)


def test_a_coupling_that_no_edge_goes_through_is_named() -> None:
    """It would have no effect."""
    edge = "source: 0, target: 1, weight: {value: 3, unit: nS}, source_var: v"
    text = changed(UNITS, "  edges:\n", "  coupling: {one: {}, idle: {}}\n  edges:\n")
    text = text.replace("source_var: v}", "source_var: v, coupling: one}")
    assert edge in text
    assert "network.coupling.idle: no edge goes through the coupling 'idle'" in problems(text, ModelError)


def test_what_comes_in_has_the_dimension_of_the_input() -> None:
    """A voltage does not enter a current."""
    text = changed(UNITS, "coupling_inputs: [s]", "coupling_inputs: {s: {unit: nA}}").replace(
        ", unit: nS", ""
    )
    assert "pop: what comes in at 's' is voltage; expected current" in problems(text, UnitError)


LATER = [
    ("weight: 0.1,", "weight: 0.1, delay: -2,", "edge 0 to 1: the delay is -2; expected a time, 0 or more"),
    (
        "  coupling:\n    c:\n",
        "  coupling:\n    c:\n      iri: tvbo:Lineal\n",
        "there is no coupling 'tvbo:Lineal'",
    ),
    ("    relay:\n", "    relay:\n      iri: neuroml:izhikevichCell\n", "'relay' is not given by equations"),
]


@pytest.mark.parametrize(("old", "new", "message"), LATER, ids=[row[2][:40] for row in LATER])
def test_what_cannot_be_expressed_is_refused_by_name(old: str, new: str, message: str) -> None:
    """With its place, and what to do instead."""
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(changed(RATES, old, new), "e.yaml").model()
    assert message in str(caught.value)
