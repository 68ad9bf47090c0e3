"""Parameters of single nodes: they stand in place of those of the dynamics."""

# ruff: noqa: E501  the YAML of small models reads better unbroken

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite.errors import InputError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.transforms.check import check

CELLS = """\
network:
  dynamics:
    iz:
      iri: neuroml:izhikevich2007Cell
      parameters: {v0: -60 mV, C: {value: 100, unit: pF}, k: 0.7 nS_per_mV, vr: -60 mV, vt: -40 mV, vpeak: 35 mV, a: 0.03 per_ms, b: -2 nS, c: -50 mV, d: 100 pA, pulse_delay: 5 ms, pulse_duration: 50 ms, I_amp: 100 pA}
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 2 nS, erev: 0 mV, tauDecay: 3 ms}}
    gap: {iri: neuroml:gapJunction, parameters: {conductance: 100 pS}}
  nodes:
    - {id: 0, dynamics: iz}
    - {id: 3, dynamics: iz, parameters: {C: 150, I_amp: 200 pA}}
    - {id: 4, dynamics: iz}
    - {id: 7, dynamics: iz, parameters: {vt: {value: -0.045, unit: V}}, record: false}
  edges:
    - {source: 0, target: 3, coupling: syn, weight: 3, delay: 1 ms}
    - {source: 3, target: 7, coupling: gap}
    - {source: 7, target: 4, coupling: syn}
integration: {step_size: 0.02, duration: 60}
"""

EQUATIONS = """\
network:
  dynamics:
    lif:
      parameters: {tau: {value: 10, unit: ms}, E: {value: -60, unit: mV}, R: {value: 10, unit: Mohm}, I: {value: 2, unit: nA}, top: {value: -50, unit: mV}}
      state_variables: {v: {equation: "(E - v + R*(I + s))/tau", unit: mV, initial_value: -60}}
      events: {spike: {condition: v > top, affect: v = E}}
      coupling_inputs: [s]
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 2 nS, erev: 0 mV, tauDecay: 3 ms}}
    gap: {iri: neuroml:gapJunction, parameters: {conductance: 100 pS}}
    graded: {iri: neuroml:linearGradedSynapse, parameters: {conductance: 50 pS}}
    pulse: {iri: neuroml:pulseGenerator, parameters: {delay: 5 ms, duration: 20 ms, amplitude: 1 nA}}
  nodes:
    - {id: 0, dynamics: lif}
    - {id: 1, dynamics: lif, parameters: {tau: 20, v: -55}}
    - {id: 2, dynamics: lif, parameters: {I: 500 pA}, record: false}
    - {id: 3, dynamics: lif}
    - {id: 4, dynamics: pulse}
  edges:
    - {source: 0, target: 1, coupling: syn}
    - {source: 1, target: 2, coupling: gap}
    - {source: 2, target: 3, coupling: graded}
    - {source: 4, target: 2}
    - {source: 4, target: 3, weight: 2}
integration: {step_size: 0.02, duration: 60}
"""


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize("text", [CELLS, EQUATIONS], ids=["cells", "equations"])
def test_jlems_gives_the_same_numbers(text: str) -> None:
    """No printed value differs; the model passes all checks."""
    experiment = SimulationExperiment.from_string(text)
    ours, theirs = experiment.run().recording, experiment.run("neuroml").recording
    assert ours.quantities == theirs.quantities
    assert np.array_equal(ours.values.astype(np.float32), theirs.values.astype(np.float32))
    assert check(link(experiment.model()))[0] == ()


def test_a_neuroml_cell_gets_a_component_and_a_population_of_its_own() -> None:
    """Those of the others keep their names; a number without unit is in that of the dynamics."""
    model = SimulationExperiment.from_string(CELLS).model()
    found = {item.id: item for item in model.components}
    assert [item.id for item in found["net1"].children if item.tag == "population"] == [
        "iz_pop",
        "iz_3_pop",
        "iz_7_pop",
    ]
    assert found["iz_3"].attributes["C"] == "150 pF"
    assert found["iz_3_pulse"].attributes["amplitude"] == "200 pA"
    assert (found["iz_7"].attributes["vt"], found["iz"].attributes["vt"]) == ("-0.045 V", "-40 mV")
    run = SimulationExperiment.from_string(CELLS).run()
    assert run.recording.quantities == ("iz_pop[0]/v", "iz_pop[1]/v", "iz_3_pop[0]/v")


def test_a_node_by_equations_keeps_its_place_in_the_population() -> None:
    """Quantities are named as if all were alike; the name of a variable sets its initial value."""
    recording = SimulationExperiment.from_string(EQUATIONS).run().recording
    assert recording.quantities == ("lif_pop[0]/v", "lif_pop[1]/v", "lif_pop[3]/v")
    assert np.allclose(recording.values[0], [-0.060, -0.055, -0.060])
    alone = changed(
        EQUATIONS[: EQUATIONS.index("  edges:")] + EQUATIONS[EQUATIONS.index("integration:") :],
        "    - {id: 4, dynamics: pulse}\n",
        "",
    )
    values = SimulationExperiment.from_string(alone).run().recording.values
    assert np.isclose(values[1, 1], -0.055 + 0.02 * (-0.060 + 0.055 + 0.020) / 20)


def test_a_placed_node_by_equations_has_a_population_of_its_own() -> None:
    """NeuroML's lists of cells in space have one component."""
    text = changed(EQUATIONS, "{id: 1, dynamics: lif,", "{id: 1, dynamics: lif, position: {x: 1},")
    quantities = SimulationExperiment.from_string(text).run().recording.quantities
    assert quantities == ("lif_pop/0/lif/v", "lif_pop/1/lif/v", "lif_1_pop/0/lif_1/v")


WRONG = [
    (CELLS, "C: 150", "K: 150", "iz_3: izhikevich2007Cell has no attribute 'K'"),
    (CELLS, "C: 150", "C: {value: 150, unit: mV}", "iz_3: C: '150 mV' is voltage, not capacitance"),
    (EQUATIONS, "tau: 20", "tua: 20", "lif_1: lif has no attribute 'tua'"),
]


@pytest.mark.parametrize(("text", "old", "new", "message"), WRONG, ids=[row[3][:40] for row in WRONG])
def test_what_is_wrong_is_named(text: str, old: str, new: str, message: str) -> None:
    """With the place of the node's parameter."""
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(changed(text, old, new), "e.yaml").model()
    assert message in str(caught.value)
    assert "network.nodes[1].parameters" in str(caught.value)
