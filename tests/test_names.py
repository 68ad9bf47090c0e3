"""Names that LEMS cannot hold get names that it can, and the results have those that the modeller gave."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from java import needs_java

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends.jlems import run_model as run_jlems
from tvbo_lite.errors import RenderError
from tvbo_lite.lems.renamed import can_be_id
from tvbo_lite.losses import Losses, LossWarning
from tvbo_lite.transforms.check import check
from tvbo_lite.transforms.expand.names import with_lems_names

MASS = """\
dynamics:
  name: Wilson-Cowan (E/I)
  parameters: {τ_e: 10, tau_e: 4, w ee: 2, länge: 1}
  derived_parameters: {κ: {equation: länge/τ_e}}
  functions: {σ: {arguments: [ξ], equation: "1/(1 + exp(-ξ))"}}
  state_variables:
    E: {equation: -E*κ + σ(tau_e), initial_value: 0.5*τ_e}
    Δ: {equation: E - Δ, initial_value: 0}
  derived_variables: {"2x": {equation: 2*Δ, record: true}}
  events: {up: {condition: Δ > 3, affect: Δ = 0}}
observations: {double: {source: Δ, equation: 2*Δ}}
integration: {step_size: 0.1, duration: 10}
"""
OTHER = {
    "Wilson-Cowan (E/I)": "wc",
    "τ_e": "tau",
    "w ee": "w",
    "länge": "g",
    "κ": "kappa",
    "σ": "f",
    "ξ": "x",
}
OTHER |= {"Δ": "D", '"2x"': "x2", "phase θ": "phase", "θ": "theta", "k-1": "k", "α": "a", "my net": "net"}
NETWORK = """\
network:
  name: my net
  dynamics:
    phase θ:
      state_variables: {θ: {equation: 0.6 + c, initial_value: 0.3}}
      coupling_inputs: [c]
      output: θ
  nodes: [{id: 0, dynamics: phase θ}, {id: 1, dynamics: phase θ, parameters: {θ: 1}}]
  edges:
    - {source: 0, target: 1, coupling: k-1, source_var: θ, weight: 2}
    - {source: 1, target: 0, coupling: k-1}
  coupling: {k-1: {parameters: {α: 0.5}, pre_expression: sin(θ_j - θ_i), post_expression: α*gx}}
integration: {step_size: 0.1, duration: 5}
"""
CELLS = """\
network:
  dynamics:
    cell 1:
      iri: neuroml:iafCell
      parameters: {leakReversal: -50mV, thresh: -55mV, reset: -70mV, C: 0.2nF, leakConductance: 0.01uS}
    in/put: {iri: neuroml:pulseGenerator, parameters: {delay: 5 ms, duration: 10 ms, amplitude: 0.1 nA}}
    exc+: {iri: neuroml:expOneSynapse, parameters: {gbase: 5nS, erev: 0mV, tauDecay: 3ms}}
  populations: {Zelle №1: {dynamics: cell 1, size: 2, record: [v, spikes]}, b: {dynamics: cell 1, size: 1}}
  projections: {a→b: {source: Zelle №1, target: b, synapse: exc+, connections: [[0, 0], [1, 0]]}}
  inputs: {drive!: {source: in/put, population: Zelle №1, to: 0}}
integration: {step_size: 0.1, duration: 40}
"""


def read(text: str) -> SimulationExperiment:
    return SimulationExperiment.from_string(text)


def renamed(text: str) -> str:
    for old, new in OTHER.items():
        text = text.replace(old, new)
    return text


def test_the_same_model_by_other_names_gives_the_same_numbers() -> None:
    """Greek letters, spaces and signs in names change no value; results have the names that were given."""
    result, plain = read(MASS).run(), read(renamed(MASS)).run()
    assert list(result.data["variable"].values) == ["E", "Δ", "2x"]
    assert np.array_equal(result.data.values, plain.data.values)
    assert np.array_equal(result.observations["double"].values, plain.observations["double"].values)


def test_each_name_is_told_with_its_place_and_its_new_name() -> None:
    """A name is spelt out; one that is taken gets a number; the map is given in full."""
    losses = Losses()
    read(MASS).render(losses=losses)
    told = {loss.what: (loss.reason.rpartition("is ")[2], loss.where.line) for loss in losses}
    assert told == {
        "the name 'Wilson-Cowan (E/I)'": ("'Wilson_Cowan_E_I'", 2),
        "the name 'τ_e'": ("'tau_e_2'", 3),
        "the name 'w ee'": ("'w_ee'", 3),
        "the name 'länge'": ("'lange'", 3),
        "the name 'κ'": ("'kappa'", 4),
        "the name 'σ'": ("'sigma'", 5),
        "the name 'ξ'": ("'xi'", 5),
        "the name 'Δ'": ("'Delta'", 8),
        "the name '2x'": ("'_2x'", 9),
    }
    with pytest.raises(RenderError, match="the name 'w ee'"):
        read(MASS).render(strict=True)
    with warnings.catch_warnings(record=True) as given_warnings:
        warnings.simplefilter("always", LossWarning)
        read(MASS).render("numpy")
    assert len(given_warnings) == len(told)


def test_names_are_followed_through_nodes_edges_and_couplings() -> None:
    """Edges, overrides and coupling expressions use the new names; quantities show the given ones."""
    result = read(NETWORK).run()
    plain = read(renamed(NETWORK)).run()
    assert list(result.data.quantity.values) == ["phase θ_pop[0]/θ", "phase θ_pop[1]/θ"]
    assert np.array_equal(result.data.values, plain.data.values)


@needs_java
def test_renamed_networks_run_in_jlems() -> None:
    """NeuroML cells, synapses, inputs and populations with odd names render to LEMS that jLEMS runs."""
    experiment = read(CELLS)
    ours, theirs = experiment.run(), experiment.run("neuroml")
    assert list(ours.data.quantity.values) == ["Zelle №1[0]/v", "Zelle №1[1]/v", "b[0]/v"]
    assert list(theirs.data.quantity.values) == list(ours.data.quantity.values)
    assert np.array_equal(ours.data.values.astype(np.float32), theirs.data.values.astype(np.float32))
    assert list(ours.events) == ["Zelle №1"]
    assert len(ours.spike_trains("Zelle №1")) > 0
    assert run_jlems(experiment.model()).quantities[0] == "Zelle_No1[0]/v"


def test_a_check_tells_new_names() -> None:
    """`validate` and `run` of the command line show the map as warnings."""
    from tvbo_lite.formats.lems.reader import link

    found = check(link(read(CELLS).model()))
    assert not found.errors
    assert [str(one).partition(": names in")[0].rpartition(": ")[2] for one in found.warnings] == [
        "the name 'cell 1'",
        "the name 'in/put'",
        "the name 'exc+'",
        "the name 'Zelle №1'",
        "the name 'a→b'",
        "the name 'drive!'",
    ]


def test_problems_are_still_placed_in_the_users_text() -> None:
    """A message about a renamed thing has the line where it stands."""
    with pytest.raises(Exception, match=r"<string>:7: dynamics.state_variables.E.equation: .*'sigmma'"):
        read(MASS.replace("+ σ(", "+ sigmma(")).model()


def test_names_that_lems_can_hold_stay() -> None:
    """An experiment without such names is not touched, and nothing is told."""
    experiment = read(renamed(MASS))
    same, told = with_lems_names(experiment)
    assert same is experiment
    assert told == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        experiment.render()


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=5, unique=True))
def test_any_names_become_names_of_their_own(names: list[str]) -> None:
    """Whatever the names are, the new ones are ids, differ from each other and from those that stay."""
    dynamics = {"state_variables": {name: {"equation": "1"} for name in names}}
    experiment, told = with_lems_names(SimulationExperiment.from_data({"dynamics": dynamics}))
    assert experiment.dynamics is not None
    found = list(experiment.dynamics.state_variables)
    assert len(set(found)) == len(names)
    assert all(map(can_be_id, found))
    assert {item.old for item in told} == {name for name in names if not can_be_id(name)}
    assert [item.name for item in experiment.dynamics.state_variables.values()] == found


def test_a_sweep_may_be_over_renamed_things() -> None:
    """Axes and traces of a sweep have the names that were given, and sets run together."""
    swept = read(MASS).explore({"τ_e": [5, 10], "Δ": [0, 1]})
    assert swept.dims == ("τ_e", "Δ", "time", "variable")
    assert list(swept["variable"].values) == ["E", "Δ", "2x"]
    other = read(renamed(MASS)).explore({"tau": [5, 10], "D": [0, 1]})
    assert np.array_equal(swept.values, other.values)
