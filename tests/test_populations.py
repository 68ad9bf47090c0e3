"""Populations, projections and inputs in YAML: each becomes just the LEMS elements that it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import InputError, ModelError, SchemaError
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.lems.model import Component, Model
from tvbo_lite.losses import Losses

DYNAMICS = """\
network:
  name: cortex
  dynamics:
    cell:
      iri: neuroml:iafCell
      parameters: {leakReversal: -60mV, thresh: -55mV, reset: -62mV, C: 1.0nF, leakConductance: 0.05uS}
    source: {iri: neuroml:spikeGenerator, parameters: {period: 20ms}}
    stim: {iri: neuroml:pulseGenerator, parameters: {delay: 5ms, duration: 40ms, amplitude: 0.4 nA}}
    ampa: {iri: neuroml:expOneSynapse, parameters: {gbase: 5nS, erev: 0mV, tauDecay: 3ms}}
    gap: {iri: neuroml:gapJunction, parameters: {conductance: 10pS}}
    silent: {iri: neuroml:silentSynapse}
    graded: {iri: neuroml:linearGradedSynapse, parameters: {conductance: 5pS}}
"""
POPULATIONS = """\
  populations:
    pyr: {dynamics: cell, size: 3}
    bask: {dynamics: cell, size: 2, positions: {0: {x: 0, y: 1.50, z: "2.0"}, 1: [10, 0, 0]}}
    drive: {dynamics: source, size: 1}
"""
RUN = "integration: {name: sim1, step_size: 0.05ms, duration: 50ms}\n"


def document(*members: str) -> str:
    return DYNAMICS + POPULATIONS + "".join(f"  {line}\n" for line in members) + RUN


def model(*members: str) -> Model:
    return SimulationExperiment.from_string(document(*members), "e.yaml").model()


def network(found: Model) -> Component:
    return next(item for item in found.components if item.tag == "network")


def element(text: str) -> Component:
    """The component that a piece of XML says."""
    return read_string(f"<Lems>{text}</Lems>").components[0]


def problems(*members: str, kind: type[InputError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        model(*members)
    assert all(problem.location.line for problem in caught.value.problems)
    return str(caught.value)


# ---- populations -----------------------------------------------------------------------------------


def test_a_population_is_its_element() -> None:
    """Size and positions stand in the document as they are written; the network has the name given."""
    found = network(model())
    assert found.id == "cortex"
    assert found.children[0] == element('<population id="pyr" component="cell" size="3"/>')
    assert found.children[1] == element(
        '<population id="bask" type="populationList" component="cell" size="2">'
        '<instance id="0"><location x="0" y="1.5" z="2.0"/></instance>'
        '<instance id="1"><location x="10" y="0" z="0"/></instance></population>'
    )


def test_positions_may_be_a_list_or_have_gaps() -> None:
    """A list numbers the instances from 0; a map names them; an instance may stand nowhere."""
    text = document().replace('{0: {x: 0, y: 1.50, z: "2.0"}, 1: [10, 0, 0]}', "{4: [1, 2, 3], 7: }")
    found = network(SimulationExperiment.from_string(text).model()).children[1]
    assert [item.id for item in found.children] == ["4", "7"]
    assert found.children[1].children == ()


def test_a_network_may_have_a_type_attributes_and_surroundings() -> None:
    """``iri``, ``parameters`` and ``within`` say what the network is, and in what it stands."""
    text = """\
component_types:
  slab:
    child: {network: network}
    parameters: {startTemperature: temperature}
    exposures: {temperature: temperature}
    derived_variables:
      temperature: {dimension: temperature, exposure: temperature, equation: startTemperature}
network:
  iri: neuroml:networkWithTemperature
  parameters: {temperature: 6.3 degC}
  within: {name: slice, iri: slab, parameters: {startTemperature: 22degC}}
  dynamics: {source: {iri: neuroml:spikeGenerator, parameters: {period: 20ms}}}
  populations: {p: {dynamics: source, size: 1}}
integration: {step_size: 1, duration: 50}
"""
    experiment = SimulationExperiment.from_string(text)
    outer = experiment.model().components[-2]
    assert (outer.tag, outer.id, outer.children[0].type) == ("slab", "slice", "networkWithTemperature")
    assert outer.children[0].attributes == {"temperature": "6.3 degC"}
    assert experiment.model().components[-1].attributes["target"] == "slice"


def test_other_parts_of_a_population_and_a_network_are_written_before_the_instances() -> None:
    """``components`` and ``parameters`` hold what has no key of its own."""
    text = document().replace(
        "pyr: {dynamics: cell, size: 3}",
        "pyr: {dynamics: cell, size: 3, components: {notes: {description: the cells},"
        " color: {iri: neuroml:property, anonymous: true, parameters: {tag: color, value: red}}}}",
    )
    found = network(SimulationExperiment.from_string(text).model()).children[0]
    assert found == element(
        '<population id="pyr" component="cell" size="3"><notes>the cells</notes>'
        '<property tag="color" value="red"/></population>'
    )


# ---- projections and inputs ------------------------------------------------------------------------

CHEMICAL = 'presynapticPopulation="pyr" postsynapticPopulation="bask" synapse="ampa"'
ENDS = 'presynapticPopulation="pyr" postsynapticPopulation="pyr"'
CASES = {
    "with and without weight and delay": (
        "p: {source: pyr, target: bask, synapse: ampa, connections: [[0, 1], [1, 0, 0.5], [2, 1, 2, 1ms]]}",
        (
            f'<projection id="p" {CHEMICAL}>'
            '<connection id="0" preCellId="../pyr[0]" postCellId="../bask/1/cell"/>'
            '<connectionWD id="1" preCellId="../pyr[1]" postCellId="../bask/0/cell" weight="0.5"'
            ' delay="0ms"/>'
            '<connectionWD id="2" preCellId="../pyr[2]" postCellId="../bask/1/cell" weight="2" delay="1ms"/>'
            "</projection>"
        ),
    ),
    "places on cells, ids and paths": (
        (
            "p: {source: pyr, target: bask, synapse: ampa, connections: [{pre: '../pyr[2]', post: 0, id: 7,"
            " post_segment: 3, post_fraction: 0.5, delay: 2ms}]}"
        ),
        (
            f'<projection id="p" {CHEMICAL}><connectionWD id="7" preCellId="../pyr[2]" weight="1" delay="2ms"'
            ' postCellId="../bask/0/cell" postSegmentId="3" postFractionAlong="0.5"/></projection>'
        ),
    ),
    "connections without ids": (
        "p: {source: pyr, target: bask, synapse: ampa, anonymous: true, connections: [[0, 1]]}",
        (
            f'<projection id="p" {CHEMICAL}>'
            '<connection preCellId="../pyr[0]" postCellId="../bask/1/cell"/></projection>'
        ),
    ),
    "a gap junction by index": (
        "p: {source: pyr, target: pyr, synapse: gap, connections: [[0, 1]]}",
        (
            f'<electricalProjection id="p" {ENDS}>'
            '<electricalConnection id="0" preCell="0" postCell="1" synapse="gap"/></electricalProjection>'
        ),
    ),
    "a gap junction with weight": (
        (
            "p: {source: pyr, target: pyr, synapse: gap, connections: [{pre: 0, post: 1, weight: .5,"
            " pre_segment: 1}]}"
        ),
        (
            f'<electricalProjection id="p" {ENDS}><electricalConnectionInstanceW id="0" preCell="../pyr[0]"'
            ' postCell="../pyr[1]" synapse="gap" weight="0.5" preSegment="1"/></electricalProjection>'
        ),
    ),
    "a graded synapse": (
        "p: {source: pyr, target: pyr, synapse: graded, pre_component: silent, connections: [[0, 2]]}",
        (
            f'<continuousProjection id="p" {ENDS}><continuousConnection id="0" preCell="0" postCell="2"'
            ' preComponent="silent" postComponent="graded"/></continuousProjection>'
        ),
    ),
    "a graded synapse onto listed cells, of its own": (
        (
            "p: {source: pyr, target: bask, synapse: graded, pre_component: graded, connections:"
            " [{pre: 0, post: 1, pre_component: silent}]}"
        ),
        (
            '<continuousProjection id="p" presynapticPopulation="pyr" postsynapticPopulation="bask">'
            '<continuousConnectionInstance id="0" preCell="../pyr[0]" postCell="../bask/1/cell"'
            ' preComponent="silent" postComponent="graded"/></continuousProjection>'
        ),
    ),
    "two single cells": (
        "p: {source: 'drive[0]', target: 'pyr[1]', synapse: ampa}",
        '<synapticConnection from="drive[0]" to="pyr[1]" synapse="ampa" destination="synapses"/>',
    ),
    "two single cells with weight": (
        "p: {source: 'drive[0]', target: 'pyr[1]', synapse: ampa, weight: 2, destination: synapses}",
        (
            '<synapticConnectionWD from="drive[0]" to="pyr[1]" synapse="ampa" weight="2" delay="0ms"'
            ' destination="synapses"/>'
        ),
    ),
}
INPUTS = {
    "one cell": (
        "i: {source: stim, target: 'pyr[1]'}",
        '<explicitInput target="pyr[1]" input="stim" destination="synapses"/>',
    ),
    "no destination": (
        "i: {source: stim, target: 'pyr[1]', destination: ''}",
        '<explicitInput target="pyr[1]" input="stim"/>',
    ),
    "some cells": (
        "i: {source: stim, population: bask, to: [1, {cell: 0, weight: 0.5, segment: 2, id: 9}]}",
        (
            '<inputList id="i" component="stim" population="bask">'
            '<input id="0" target="../bask/1/cell" destination="synapses"/>'
            '<inputW id="9" target="../bask/0/cell" destination="synapses" weight="0.5" segmentId="2"/>'
            "</inputList>"
        ),
    ),
    "all cells": (
        "i: {source: stim, population: bask}",
        (
            '<inputList id="i" component="stim" population="bask">'
            '<input id="0" target="../bask/0/cell" destination="synapses"/>'
            '<input id="1" target="../bask/1/cell" destination="synapses"/></inputList>'
        ),
    ),
}


@pytest.mark.parametrize(("text", "xml"), CASES.values(), ids=CASES)
def test_a_projection_is_its_element(text: str, xml: str) -> None:
    """The kind follows from the synapse, the connections' elements from what is said of them."""
    assert network(model("projections:", f"  {text}")).children[-1] == element(xml)


@pytest.mark.parametrize(("text", "xml"), INPUTS.values(), ids=INPUTS)
def test_an_input_is_its_element(text: str, xml: str) -> None:
    """An input onto one cell is explicit, one onto cells of a population a list."""
    assert network(model("inputs:", f"  {text}")).children[-1] == element(xml)


def test_the_order_of_the_document_can_be_said() -> None:
    """``order`` names members and sections; what it leaves out follows in the usual order."""
    members = ("inputs: {i: {source: stim, target: 'pyr[1]'}}", "order: [drive, i, populations]")
    found = network(model(*members)).children
    assert [item.id or item.tag for item in found] == ["drive", "explicitInput", "pyr", "bask"]


def test_what_is_written_is_read_again() -> None:
    """The LEMS text of a network of populations gives the same model."""
    found = model(
        "projections:", "  " + CASES["a graded synapse"][0], "inputs:", "  " + INPUTS["all cells"][0]
    )
    text = write(found, Losses())
    assert isinstance(text, str)
    assert read_string(text) == found


# ---- running ---------------------------------------------------------------------------------------


def test_a_run_records_the_potential_of_every_cell() -> None:
    """Without recordings a population is recorded as nodes are; ``record: false`` leaves it out."""
    text = document("inputs: {i: {source: stim, population: bask, to: 0}}")
    text = text.replace("pyr: {dynamics: cell, size: 3}", "pyr: {dynamics: cell, size: 3, record: false}")
    data = SimulationExperiment.from_string(text).run().integration.data
    assert data.dims == ("time", "quantity")
    assert list(data.quantity.values) == ["bask/0/cell/v", "bask/1/cell/v"]
    assert float(data.sel(quantity="bask/0/cell/v").max()) > -0.056
    assert float(data.sel(quantity="bask/1/cell/v").max()) == -0.06


def test_populations_and_nodes_give_the_same_numbers() -> None:
    """The same network, written as nodes and edges, has the same traces."""
    nodes = """\
  nodes: [{id: 0, dynamics: cell}, {id: 1, dynamics: cell}, {id: 2, dynamics: stim}]
  edges:
    - {source: 2, target: 0}
    - {source: 0, target: 1, coupling: ampa, weight: 2, delay: {value: 1, unit: ms}}
"""
    groups = """\
  populations: {cells: {dynamics: cell, size: 2}}
  projections: {p: {source: cells, target: cells, synapse: ampa, connections: [[0, 1, 2, 1ms]]}}
  inputs: {i: {source: stim, target: "cells[0]"}}
"""
    one, two = (SimulationExperiment.from_string(DYNAMICS + text + RUN).run() for text in (nodes, groups))
    assert np.array_equal(one.integration.data.values, two.integration.data.values)
    assert np.ptp(two.integration.data.sel(quantity="cells[1]/v").values) > 0.0005


# ---- what is wrong ---------------------------------------------------------------------------------

MISTAKES = {
    "dynamics": (["projections: {}"], "pyr: {dynamics: cell", "pyr: {dynamics: cel", "did you mean 'cell'?"),
    "no size": (["inputs: {}"], "dynamics: cell, size: 3", "dynamics: cell", "population needs 'size'"),
}
WRONG = {
    "population": ("p: {source: pir, target: bask, synapse: ampa}", "no population 'pir'", "'pyr'"),
    "index": (
        "p: {source: pyr, target: bask, synapse: ampa, connections: [[0, 1], [3, 0]]}",
        "connections[1].pre: p: the population 'pyr' has no instance '3'; expected 0 to 2",
        "",
    ),
    "listed index": (
        "p: {source: pyr, target: bask, synapse: ampa, connections: [[0, 2]]}",
        "the population 'bask' has no instance '2'; expected 0, 1",
        "",
    ),
    "synapse": ("p: {source: pyr, target: bask, synapse: amp}", "no synapse 'amp'", "'ampa'"),
    "no synapse": ("p: {source: pyr, target: bask, synapse: stim}", "'stim' is a pulseGenerator", ""),
    "nothing": ("p: {source: pyr, target: bask}", "nothing says which synapse", ""),
    "onto a source": (
        "p: {source: pyr, target: drive, synapse: ampa, connections: [[0, 0]]}",
        "the cells of 'drive' (spikeGenerator) take no expOneSynapse",
        "",
    ),
    "delay": (
        "p: {source: pyr, target: pyr, synapse: gap, connections: [[0, 1, 1, 2 ms]]}",
        "a gapJunction acts without delay",
        "",
    ),
    "unit": (
        "p: {source: pyr, target: bask, synapse: ampa, connections: [[0, 1, 1, 2 mV]]}",
        "connections[0].delay: p: delay: '2 mV' is voltage, not time",
        "",
    ),
    "single": ("p: {source: 'pyr[9]', target: 'bask/0/cell', synapse: ampa}", "has no instance '9'", ""),
    "list between cells": (
        "p: {source: 'pyr[0]', target: 'pyr[1]', synapse: ampa, connections: [[0, 1]]}",
        "'connections' of a connection between two cells",
        "",
    ),
    "type": ("p: {source: pyr, target: bask, synapse: ampa, iri: neuroml:network}", "is no projection", ""),
}
WRONG_INPUTS = {
    "source": ("i: {source: stm, target: 'pyr[0]'}", "there is no input 'stm'", "'stim'"),
    "target": ("i: {source: stim, target: 'pyr[3]'}", "has no instance '3'", ""),
    "both": ("i: {source: stim, target: 'pyr[0]', population: pyr}", "either 'target' or 'population'", ""),
    "none": ("i: {source: stim}", "either 'target' or 'population'", ""),
    "index": ("i: {source: stim, population: pyr, to: [0, 5]}", "to[1].cell: i: the population 'pyr'", ""),
    "not for it": ("i: {source: stim, population: drive}", "take no pulseGenerator", ""),
}


@pytest.mark.parametrize(("text", "message", "hint"), WRONG.values(), ids=WRONG)
def test_a_wrong_projection_is_told_with_its_place(text: str, message: str, hint: str) -> None:
    """What does not fit is named, with its line and the nearest name."""
    found = problems("projections:", f"  {text}")
    assert message in found
    assert hint in found


@pytest.mark.parametrize(("text", "message", "hint"), WRONG_INPUTS.values(), ids=WRONG_INPUTS)
def test_a_wrong_input_is_told_with_its_place(text: str, message: str, hint: str) -> None:
    """What does not fit is named, with its line and the nearest name."""
    found = problems("inputs:", f"  {text}")
    assert message in found
    assert hint in found


@pytest.mark.parametrize(("members", "old", "new", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_population_is_told_with_its_place(
    members: list[str], old: str, new: str, message: str
) -> None:
    """A population names its cells, and says how many there are."""
    with pytest.raises(ModelError) as caught:
        SimulationExperiment.from_string(document(*members).replace(old, new)).model()
    assert message in str(caught.value)


def test_nodes_and_populations_are_not_mixed() -> None:
    """A network is given by nodes and edges, or by populations."""
    assert "'nodes' beside populations" in problems("nodes: [{id: 0, dynamics: cell}]")


def test_all_problems_are_told_at_once() -> None:
    """Mistakes in populations, projections and inputs come in one message, none of them twice."""
    text = document("projections: {p: {source: pyr, target: bask, synapse: amp}}", "order: [ppyr]")
    with pytest.raises(ModelError) as caught:
        SimulationExperiment.from_string(text.replace("dynamics: source", "dynamics: sauce")).model()
    assert [problem.location.line for problem in caught.value.problems] == [16, 17, 18]


def test_a_connection_list_that_is_too_long_is_refused() -> None:
    """A row has four values at most."""
    found = problems(
        "projections: {p: {source: pyr, target: bask, synapse: ampa, connections: [[0, 1, 1, 2 ms, 3]]}}",
        kind=SchemaError,
    )
    assert "found 5 values; expected at most 4: pre, post, weight, delay" in found
