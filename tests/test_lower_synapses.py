"""Edges with a coupling: synapses by events, gap junctions, graded synapses; spike sources; inputs."""

# ruff: noqa: E501  the YAML of small models reads better unbroken

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tvbo_lite.errors import InputError, ModelError, UnitError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.lems.model import Component, Model

NETWORK = """\
network:
  dynamics:
    iaf:
      iri: neuroml:iafCell
      parameters: {leakConductance: {value: 0.2, unit: nS}, leakReversal: {value: -70, unit: mV}, thresh: {value: -55, unit: mV}, reset: {value: -70, unit: mV}, C: {value: 3.2, unit: pF}}
    pulse: {iri: neuroml:pulseGenerator, parameters: {delay: {value: 5, unit: ms}, duration: {value: 20, unit: ms}, amplitude: {value: 0.0064, unit: nA}}}
    noise: {iri: neuroml:spikeGeneratorPoisson, parameters: {averageRate: {value: 200, unit: Hz}}}
    tick: {iri: neuroml:spikeGenerator, parameters: {period: {value: 7, unit: ms}}}
    set:
      iri: neuroml:spikeArray
      events: {late: {event_type: preset_time, trigger_times: [30]}, early: {event_type: preset_time, trigger_times: [20, 5.5]}}
    slow: {iri: neuroml:alphaSynapse, parameters: {gbase: {value: 0.01, unit: nS}, erev: {value: 0, unit: mV}, tau: {value: 2, unit: ms}}}
  nodes:
    - {id: 0, dynamics: iaf}
    - {id: 1, dynamics: iaf}
    - {id: 2, dynamics: iaf}
    - {id: 10, dynamics: pulse}
    - {id: 20, dynamics: noise}
    - {id: 21, dynamics: tick}
    - {id: 22, dynamics: set}
  edges:
    - {source: 10, target: 0, weight: 2}
    - {source: 10, target: 1}
    - {source: 0, target: 1, coupling: gapJunction, parameters: {conductance: {value: 10, unit: pS}}}
    - {source: 1, target: 2, coupling: gapJunction, parameters: {conductance: {value: 10, unit: pS}, weight: 0.5}}
    - {source: 0, target: 2, coupling: linearGradedSynapse, parameters: {conductance: {value: 2, unit: pS}}}
    - {source: 20, target: 0, coupling: slow}
    - {source: 20, target: 1, coupling: slow}
    - {source: 20, target: 1, coupling: slow, parameters: {gbase: {value: 0.02, unit: nS}}, delay: {value: 3, unit: ms}}
    - {source: 21, target: 2, coupling: slow, parameters: {weight: 0.5}}
    - {source: 22, target: 2, coupling: slow}
integration: {step_size: 0.05, duration: 60, parameters: {seed: 5}}
"""
PLACED = NETWORK.replace("{id: 0, dynamics: iaf}", "{id: 0, dynamics: iaf, position: {x: 1, y: 2.5}}")


@cache
def lowered(text: str) -> Model:
    return SimulationExperiment.from_string(text, "e.yaml").model()


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def network(text: str, tag: str) -> list[Component]:
    found = next(item for item in lowered(text).components if item.id == "net1")
    return [item for item in found.children if item.tag == tag]


def found(text: str, name: str) -> Component:
    return next(item for item in lowered(text).components if item.id == name)


# ---- populations -------------------------------------------------------------------------------------


def test_spike_sources_are_populations_and_record_nothing() -> None:
    """They are members like cells, in the order of the nodes."""
    sizes = {item.id: item.attributes["size"] for item in network(NETWORK, "population")}
    assert sizes == {"iaf_pop": "3", "noise_pop": "2", "tick_pop": "1", "set_pop": "1"}
    assert len(lowered(NETWORK).components[-1].children) == 1


def test_a_random_source_has_an_instance_for_each_target() -> None:
    """The Poisson source goes to two cells, to one of them through two synapses: two generators."""
    projections = network(NETWORK, "projection")
    ends = [
        (item.attributes["preCellId"], item.attributes["postCellId"])
        for projection in projections
        for item in projection.children
    ]
    assert ends[:3] == [
        ("../noise_pop[0]", "../iaf_pop[0]"),
        ("../noise_pop[1]", "../iaf_pop[1]"),
        ("../noise_pop[1]", "../iaf_pop[1]"),
    ]


def test_spike_times_are_sorted_and_in_the_units_of_the_time_scale() -> None:
    """All events of a spike array make one list."""
    spikes = found(NETWORK, "set").children
    assert [item.attributes["time"] for item in spikes] == ["5.5 ms", "20 ms", "30 ms"]
    assert {item.tag for item in spikes} == {"spike"}


def test_nodes_with_a_position_are_listed_one_by_one() -> None:
    """A population list, whose members have paths of another form."""
    (cells, *_) = network(PLACED, "population")
    assert (cells.type, len(cells.children)) == ("populationList", 3)
    assert cells.children[0].children[0].attributes == {"x": "1", "y": "2.5", "z": "0"}
    columns = lowered(PLACED).components[-1].children[0].children
    assert columns[1].attributes["quantity"] == "iaf_pop/1/iaf/v"


# ---- connections ---------------------------------------------------------------------------------------


def test_edges_with_the_same_ends_and_synapse_are_one_projection() -> None:
    """Without weight and delay a connection, with one of them a connectionWD with both."""
    projections = network(NETWORK, "projection")
    assert [(p.attributes["synapse"], [c.tag for c in p.children]) for p in projections] == [
        ("slow", ["connection", "connection"]),
        ("slow_1", ["connectionWD"]),
        ("slow", ["connectionWD"]),
        ("slow", ["connection"]),
    ]
    strengths = [
        (c.attributes.get("weight"), c.attributes.get("delay")) for p in projections for c in p.children
    ]
    assert strengths == [(None, None), (None, None), ("1", "3 ms"), ("0.5", "0 ms"), (None, None)]


def test_parameters_of_an_edge_make_a_synapse_of_its_own() -> None:
    """What the edge does not say is that of the named synapse."""
    assert found(NETWORK, "slow_1").attributes == {"erev": "0 mV", "gbase": "0.02 nS", "tau": "2 ms"}


def test_edges_with_equal_synapses_share_a_component() -> None:
    """Both gap junctions are one component; their weights belong to the connections."""
    (junctions,) = network(NETWORK, "electricalProjection")
    assert {item.attributes["synapse"] for item in junctions.children} == {"gapJunction_1"}
    assert [item.tag for item in junctions.children] == [
        "electricalConnection",
        "electricalConnectionInstanceW",
    ]


def test_a_graded_synapse_has_a_silent_one_at_its_other_end() -> None:
    """LEMS needs a component at either end of a continuous connection."""
    (projection,) = network(NETWORK, "continuousProjection")
    texts = projection.children[0].attributes
    assert (texts["preComponent"], texts["postComponent"]) == ("silent", "linearGradedSynapse_1")
    assert found(NETWORK, "silent").tag == "silentSynapse"


def test_an_input_with_a_weight_is_an_input_list() -> None:
    """An explicit input cannot have one."""
    (inputs,) = network(NETWORK, "inputList")
    assert (inputs.children[0].tag, inputs.children[0].attributes["weight"]) == ("inputW", "2")
    assert len(network(NETWORK, "explicitInput")) == 1


# ---- cells with a membrane -------------------------------------------------------------------------------

CHANNEL = "{iri: neuroml:ionChannelPassive, parameters: {conductance: {value: 10, unit: pS}, %s}}"
CELL = f"""\
dynamics:
  name: granule
  iri: neuroml:cell
  parameters:
    diameter: 10
    length: {{value: 0.02, unit: mm}}
    specificCapacitance: {{value: 1.0, unit: uF_per_cm2}}
    initMembPotential: {{value: -65, unit: mV}}
    spikeThresh: {{value: 0, unit: mV}}
    network_temperature: {{value: 32, unit: degC}}
  components:
    leak: {CHANNEL % "condDensity: {value: 0.3, unit: mS_per_cm2}, erev: {value: -60, unit: mV}, ion: non_specific"}
    few: {CHANNEL % "number: 20, erev: {value: -70, unit: mV}"}
    ca: {CHANNEL % "permeability: {value: 1e-9, unit: m_per_s}, ion: ca"}
    pool:
      iri: neuroml:decayingPoolConcentrationModel
      parameters: {{ion: ca, restingConc: {{value: 7e-11, unit: mol_per_cm3}}, decayConstant: {{value: 10, unit: ms}}, shellThickness: {{value: 8e-6, unit: cm}}, initialConcentration: {{value: 7e-11, unit: mol_per_cm3}}, initialExtConcentration: {{value: 2e-6, unit: mol_per_cm3}}}}
    clamp: {{iri: neuroml:pulseGenerator, parameters: {{delay: {{value: 1, unit: ms}}, duration: {{value: 2, unit: ms}}, amplitude: {{value: 0.01, unit: nA}}}}}}
integration: {{step_size: 0.01, duration: 5}}
"""


def test_channels_go_where_their_parameters_belong() -> None:
    """A density, a population and a GHK density, told apart by ``condDensity``, ``number``, ``permeability``."""
    membrane = next(c for c in found(CELL, "granule").children if c.tag == "biophysicalProperties").children[
        0
    ]
    places = {
        item.attributes["ionChannel"]: item.tag
        for item in membrane.children
        if "ionChannel" in item.attributes
    }
    assert places == {"leak": "channelDensity", "few": "channelPopulation", "ca": "channelDensityGHK"}
    assert found(CELL, "leak").attributes == {"conductance": "10 pS"}


def test_a_concentration_model_stands_alone_and_a_species_refers_to_it() -> None:
    """``ion`` belongs to both."""
    inner = next(c for c in found(CELL, "granule").children if c.tag == "biophysicalProperties").children[1]
    (species,) = inner.children
    assert (species.tag, species.id, species.attributes["concentrationModel"]) == ("species", "ca", "pool")
    assert species.attributes["ion"] == found(CELL, "pool").attributes["ion"] == "ca"


def test_diameter_and_length_make_one_segment_in_micrometres() -> None:
    """A cylinder; without a length a sphere."""

    def ends(text: str) -> list[tuple[str, str]]:
        morphology = next(c for c in found(text, "granule").children if c.tag == "morphology")
        return [(p.attributes["y"], p.attributes["diameter"]) for p in morphology.children[0].children]

    assert ends(CELL) == [("0.0", "10.0"), ("20.0", "10.0")]
    assert ends(changed(CELL, "    length: {value: 0.02, unit: mm}\n", "")) == [
        ("0.0", "10.0"),
        ("0.0", "10.0"),
    ]


def test_a_current_source_inside_a_cell_is_an_input_of_each_instance() -> None:
    """It has no place in the cell itself."""
    (item,) = network(CELL, "explicitInput")
    assert (item.attributes["input"], item.attributes["target"]) == ("clamp", "granule_pop[0]")


def test_tissue_around_a_network_changes_its_temperature() -> None:
    """The simulation is about the tissue, and paths begin with the network."""
    tissue = "tissue_startTemperature: {value: 22, unit: degC}\n    tissue_endTemperature: {value: 16, unit: degC}\n    tissue_changeTime: {value: 2, unit: ms}"
    text = changed(CELL, "network_temperature: {value: 32, unit: degC}", tissue)
    simulation = lowered(text).components[-1]
    assert simulation.attributes["target"] == "tissue"
    assert simulation.children[0].children[0].attributes["quantity"] == "net1/granule_pop[0]/v"


# ---- what is wrong ----------------------------------------------------------------------------------------

FIRST = "{source: 20, target: 0, coupling: slow}"
WRONG: list[tuple[str, str, str, type[InputError], str]] = [
    (
        NETWORK,
        FIRST,
        "{source: 20, target: 0}",
        ModelError,
        "must start at an input, and node 20 is a spike source",
    ),
    (NETWORK, FIRST, "{source: 20, target: 0, coupling: slo}", ModelError, "did you mean 'slow'?"),
    (
        NETWORK,
        FIRST,
        "{source: 20, target: 0, coupling: expOneSynaps}",
        ModelError,
        "did you mean 'expOneSynapse'?",
    ),
    (
        NETWORK,
        FIRST,
        "{source: 20, target: 0, coupling: tick}",
        ModelError,
        "'tick' is a spikeGenerator, not a synapse",
    ),
    (
        NETWORK,
        FIRST,
        "{source: 10, target: 0, coupling: slow}",
        ModelError,
        "node 10 is an input, and 'slow' joins cells",
    ),
    (NETWORK, FIRST, "{source: 20, target: 21, coupling: slow}", ModelError, "takes no alphaSynapse"),
    (
        NETWORK,
        FIRST,
        "{source: 21, target: 0, coupling: gapJunction, parameters: {conductance: {value: 1, unit: pS}}}",
        ModelError,
        "the cell tick_pop[0] (spikeGenerator) takes no gapJunction",
    ),
    (
        NETWORK,
        FIRST,
        "{source: 20, target: 0, coupling: slow, parameters: {taau: 1}}",
        ModelError,
        "alphaSynapse has no attribute 'taau'",
    ),
    (NETWORK, "delay: {value: 3, unit: ms}", "delay: 3", UnitError, "'3' is a number without unit, not time"),
    (
        NETWORK,
        "weight: 0.5}}\n    - {source: 22",
        "weight: {value: 1, unit: nS}}}\n    - {source: 22",
        UnitError,
        "is conductance, not none",
    ),
    (
        NETWORK,
        "pS}, weight: 0.5}}",
        "pS}}, delay: {value: 1, unit: ms}}",
        ModelError,
        "a gapJunction acts without delay",
    ),
    (
        NETWORK,
        "{source: 10, target: 1}",
        "{source: 10, target: 1, delay: {value: 1, unit: ms}}",
        ModelError,
        "an input has no 'delay'",
    ),
    (
        NETWORK,
        "{source: 10, target: 1}",
        "{source: 10, target: 1, parameters: {segmentId: 0}}",
        ModelError,
        "'segmentId' is a place on a cell with a morphology",
    ),
    (
        NETWORK,
        "{id: 1, dynamics: iaf}",
        "{id: 1, dynamics: iafCel}",
        ModelError,
        "expected iaf, pulse, noise, tick, set, slow, pointCellCondBased",
    ),
    (
        NETWORK,
        "network:",
        "dynamics: {name: x, iri: neuroml:iafcel}\nnetwork:",
        ModelError,
        "there is no NeuroML type 'iafcel'; did you mean 'iafCell'?",
    ),
    (
        NETWORK,
        "{id: 10, dynamics: pulse}",
        "{id: 10, dynamics: pulse, position: {x: 1}}",
        ModelError,
        "an input has no place in space",
    ),
    (CELL, "diameter: 10", "diameter: -10", ModelError, "diameter is -10; expected a length above 0, in µm"),
    (CELL, "    diameter: 10\n", "", ModelError, "a length without a diameter"),
    (CELL, "unit: mm}", "unit: ms}", UnitError, "granule: length:"),
    (CELL, "spikeThresh", "spikeTresh", ModelError, "cell has no attribute 'spikeTresh'"),
    (CELL, "number: 20", "numbr: 20", ModelError, "ionChannelPassive has no attribute 'numbr'"),
    (
        CELL,
        "neuroml:pulseGenerator,",
        "neuroml:iafCell,",
        ModelError,
        "'clamp' (iafCell) has no place in cell",
    ),
]


@pytest.mark.parametrize(
    ("text", "old", "new", "error", "message"), WRONG, ids=[row[4][:40] for row in WRONG]
)
def test_a_mistake_is_named_with_its_place(
    text: str, old: str, new: str, error: type[InputError], message: str
) -> None:
    """Each broken rule has a message with file, line, what was found and what would be right."""
    with pytest.raises(error) as caught:
        lowered(changed(text, old, new))
    assert message in str(caught.value)
    assert all(problem.location.line for problem in caught.value.problems)


LATER = [
    (
        "{id: 20, dynamics: noise}",
        "{id: 20, dynamics: slow}",
        "a alphaSynapse as a node is not supported yet",
    ),
    (FIRST, "{source: 20, target: 0, coupling: slow, source_var: v}", "'source_var' is not supported yet"),
    (
        "    slow: {iri: neuroml:alphaSynapse,",
        "    own: {iri: 'extends:baseSynapse', derived_variables: {i: {equation: 0*A, unit: nA}}, parameters: {A: {value: 1, unit: nA}}}\n    slow: {iri: neuroml:alphaSynapse, events: {a: {condition: 'v > 0'}},",
        "events on a alphaSynapse are not supported",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), LATER, ids=[row[2][:40] for row in LATER])
def test_what_cannot_be_expressed_yet_is_refused_by_name(old: str, new: str, message: str) -> None:
    """Nothing that an experiment says is left out in silence."""
    with pytest.raises(UnsupportedError) as caught:
        lowered(changed(NETWORK, old, new))
    assert message in str(caught.value)


def test_a_synapse_that_does_not_react_to_spikes_is_refused() -> None:
    """Equations cannot say yet what a spike does, so the synapse would be silent."""
    own = "    own: {iri: 'extends:baseSynapse', derived_variables: {i: {equation: A, unit: nA}}, parameters: {A: {value: 1, unit: nA}}}\n"
    text = changed(
        changed(NETWORK, "    slow:", own + "    slow:"), FIRST, "{source: 20, target: 0, coupling: own}"
    )
    with pytest.raises(UnsupportedError, match="a own does not react to spikes"):
        lowered(text)


@pytest.mark.parametrize("text", [NETWORK, PLACED, CELL], ids=["network", "placed", "cell"])
def test_what_is_rendered_is_what_runs(text: str) -> None:
    """The LEMS text of a lowered model, read again, is that model."""
    assert read_string(write(lowered(text))) == lowered(text)


@pytest.mark.parametrize("text", [NETWORK, PLACED, CELL], ids=["network", "placed", "cell"])
def test_jlems_gives_the_same_numbers(text: str) -> None:
    """No value that jLEMS prints differs, random sources included."""
    experiment = SimulationExperiment.from_string(text)
    ours, theirs = experiment.run().recording.values, experiment.run("neuroml").recording.values
    assert np.array_equal(ours.astype(np.float32), theirs.astype(np.float32))
