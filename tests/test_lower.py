"""Lowering: an experiment in YAML becomes the LEMS model that it means, or says what is wrong with it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tvbo_lite.errors import InputError, ModelError, UnitError, UnsupportedError
from tvbo_lite.formats.lems.reader import link, read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.lems.model import Component, Include, Model
from tvbo_lite.resources import folder
from tvbo_lite.schema.load import load
from tvbo_lite.transforms.lower import lower
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from tvbo_lite.schema import Experiment

CORE = ("Cells.xml", "Networks.xml", "Inputs.xml", "Simulation.xml", "PyNN.xml")

NETWORK = """\
label: Two cells
network:
  dynamics:
    iz:
      iri: neuroml:izhikevichCell
      parameters:
        v0: {value: -70, unit: mV}
        thresh: {value: 30, unit: mV}
        a: 0.02
        b: 0.2
        c: -50
        d: 2
    pulse:
      iri: neuroml:pulseGeneratorDL
      parameters:
        delay: {value: 22, unit: ms}
        duration: {value: 2, unit: s}
        amplitude: 15
  nodes:
    - {id: 0, dynamics: iz}
    - {id: 4, dynamics: iz}
    - {id: 7, dynamics: pulse}
  edges:
    - {source: 7, target: 0}
    - {source: 7, target: 4}
integration: {step_size: 0.1, duration: 100}
"""

CELL = """\
label: One cell
dynamics:
  name: hh
  iri: neuroml:pointCellCondBased
  parameters:
    C: {value: 10, unit: pF}
    v0: {value: -65, unit: mV}
    thresh: {value: -20, unit: mV}
  components:
    leak:
      iri: neuroml:ionChannelPassive
      parameters:
        conductance: {value: 10, unit: pS}
        number: 300
        erev: {value: -54.3, unit: mV}
    na:
      iri: neuroml:ionChannelHH
      parameters:
        conductance: {value: 10, unit: pS}
        number: 120000
        erev: {value: 50, unit: mV}
      modes:
        h:
          iri: neuroml:gateHHrates
          parameters: {instances: 1}
          modes:
            forwardRate:
              iri: neuroml:HHExpRate
              parameters:
                rate: {value: 0.07, unit: per_ms}
                midpoint: {value: -65, unit: mV}
                scale: {value: -20, unit: mV}
            reverseRate:
              iri: neuroml:HHSigmoidRate
              parameters:
                rate: {value: 1, unit: per_ms}
                midpoint: {value: -35, unit: mV}
                scale: {value: 10, unit: mV}
integration: {step_size: 0.01, duration: 3}
"""


@cache
def core() -> tuple[TypeTable, UnitTable]:
    model = link(Model(includes=tuple(map(Include, CORE))))
    return TypeTable(model.component_types), UnitTable(model.dimensions, model.units)


def experiment(text: str) -> Experiment:
    document = read_text(text, "e.yaml")
    return load(document.data, document.location)


def lowered(text: str) -> Model:
    return lower(experiment(text), *core())


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def problems(text: str, kind: type[InputError]) -> str:
    with pytest.raises(kind) as caught:
        lowered(text)
    assert type(caught.value) is kind
    assert all(problem.location.line for problem in caught.value.problems)
    return str(caught.value)


def found(model: Model, name: str) -> Component:
    return next(item for item in model.components if item.id == name)


def children(component: Component, tag: str) -> list[Component]:
    return [item for item in component.children if item.tag == tag]


# ---- the documented example --------------------------------------------------------------------

IZHIKEVICH = """\
<Lems>
  <Target component="sim_NeuroML_Ex2__Izhikevich"/>
  <Include file="Cells.xml"/>
  <Include file="Networks.xml"/>
  <Include file="Inputs.xml"/>
  <Include file="Simulation.xml"/>
  <izhikevichCell id="izBurst" a="0.02" b="0.2" c="-50" d="2" thresh="30 mV" v0="-70 mV"/>
  <izhikevichCell id="izTonic" a="0.02" b="0.2" c="-65" d="6" thresh="30 mV" v0="-70 mV"/>
  <izhikevichCell id="izMixed" a="0.02" b="0.2" c="-55" d="4" thresh="30 mV" v0="-70 mV"/>
  <izhikevichCell id="izClass1" a="0.02" b="-0.1" c="-55" d="6" thresh="30 mV" v0="-60 mV"/>
  <pulseGeneratorDL id="i0" amplitude="15.0" delay="22.0 ms" duration="2000.0 ms"/>
  <pulseGeneratorDL id="i1" amplitude="14.0" delay="20.0 ms" duration="2000.0 ms"/>
  <pulseGeneratorDL id="i2" amplitude="10.0" delay="20.0 ms" duration="2000.0 ms"/>
  <rampGeneratorDL id="rg0" baselineAmplitude="-32.0" delay="30.0 ms" duration="170.0 ms"
                   finishAmplitude="50.0" startAmplitude="-32.0"/>
  <network id="net1">
    <population id="izBurst_pop" component="izBurst" size="1"/>
    <population id="izTonic_pop" component="izTonic" size="1"/>
    <population id="izMixed_pop" component="izMixed" size="1"/>
    <population id="izClass1_pop" component="izClass1" size="1"/>
    <explicitInput target="izBurst_pop[0]" input="i0" destination="synapses"/>
    <explicitInput target="izTonic_pop[0]" input="i1" destination="synapses"/>
    <explicitInput target="izMixed_pop[0]" input="i2" destination="synapses"/>
    <explicitInput target="izClass1_pop[0]" input="rg0" destination="synapses"/>
  </network>
  <Simulation id="sim_NeuroML_Ex2__Izhikevich" length="200.0ms" step="0.005ms" target="net1">
    <OutputFile id="of0" fileName="results/izBurst.dat">
      <OutputColumn id="izBurst_pop_0_v" quantity="izBurst_pop[0]/v"/>
    </OutputFile>
    <OutputFile id="of1" fileName="results/izTonic.dat">
      <OutputColumn id="izTonic_pop_0_v" quantity="izTonic_pop[0]/v"/>
    </OutputFile>
    <OutputFile id="of2" fileName="results/izMixed.dat">
      <OutputColumn id="izMixed_pop_0_v" quantity="izMixed_pop[0]/v"/>
    </OutputFile>
    <OutputFile id="of3" fileName="results/izClass1.dat">
      <OutputColumn id="izClass1_pop_0_v" quantity="izClass1_pop[0]/v"/>
    </OutputFile>
  </Simulation>
</Lems>
"""


def plain(component: Component) -> tuple[object, ...]:
    """A component with its attributes in order; numbers count by their value, ``22 ms`` is ``22.0 ms``."""
    pairs = [(name, number(text)) for name, text in component.attributes.items()]
    return component.tag, component.id, component.type, pairs, [plain(item) for item in component.children]


def number(text: str) -> object:
    head, _, unit = text.partition(" ")
    try:
        return float(head), unit
    except ValueError:
        return text


def test_the_izhikevich_experiment_becomes_the_documented_document() -> None:
    """Same elements, ids, attribute names and order, and numerically equal values."""
    text = (folder("reference_examples") / "izhikevich" / "experiment.yaml").read_text()
    model, wanted = lowered(text), read_string(IZHIKEVICH)
    assert [plain(item) for item in model.components] == [plain(item) for item in wanted.components]
    assert (model.target, model.includes) == (wanted.target, wanted.includes)


def test_the_izhikevich_example_names_its_schema() -> None:
    """An editor finds the JSON Schema from the first line of the file."""
    path = folder("reference_examples") / "izhikevich" / "experiment.yaml"
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../schemas/experiment.schema.json"


@pytest.mark.parametrize("text", [NETWORK, CELL])
def test_what_is_rendered_is_what_runs(text: str) -> None:
    """The LEMS text of a lowered model, read again, is that model."""
    model = lowered(text)
    assert read_string(write(model)) == model


# ---- populations, inputs, recordings -------------------------------------------------------------


def test_nodes_that_share_a_dynamics_are_one_population_in_node_order() -> None:
    """Ids may have gaps; the population's indices have none."""
    model = lowered(NETWORK)
    network = found(model, "net1")
    assert [dict(item.attributes) for item in children(network, "population")] == [
        {"component": "iz", "size": "2"}
    ]
    targets = [item.attributes["target"] for item in children(network, "explicitInput")]
    assert targets == ["iz_pop[0]", "iz_pop[1]"]


def test_a_population_has_one_file_with_a_column_for_each_recorded_cell() -> None:
    """A node with ``record: false`` takes part but is not written."""
    model = lowered(changed(NETWORK, "{id: 0, dynamics: iz}", "{id: 0, dynamics: iz, record: false}"))
    (file,) = model.components[-1].children
    assert file.attributes == {"fileName": "results/iz.dat"}
    assert [(c.id, c.attributes["quantity"]) for c in file.children] == [("iz_pop_1_v", "iz_pop[1]/v")]


def test_the_potential_of_a_cell_without_dimensions_is_recorded_as_capital_v() -> None:
    """Which variable is recorded follows from the type's ancestry, not from its name."""
    text = "dynamics: {name: fn, iri: neuroml:fitzHughNagumoCell, parameters: {I: 0.8}}\n"
    model = lowered(text + "integration: {step_size: 0.01, duration: 200, time_scale: s}")
    assert model.components[-1].children[0].children[0].attributes == {"quantity": "fn_pop[0]/V"}
    assert model.components[-1].attributes["length"] == "200.0s"


def test_number_of_nodes_alone_makes_equal_cells() -> None:
    """Where no nodes are listed, the experiment's dynamics stands at each of them."""
    text = "dynamics: {name: fn, iri: neuroml:fitzHughNagumoCell, parameters: {I: 0.8}}\n"
    model = lowered(text + "network: {number_of_nodes: 3}\nintegration: {step_size: 1, duration: 2}")
    assert found(model, "net1").children[0].attributes["size"] == "3"
    assert len(model.components[-1].children[0].children) == 3


def test_a_node_may_name_a_core_type_and_bring_its_parameters() -> None:
    """A bare type becomes a component of its own, named after type and node."""
    node = "{id: 7, dynamics: pulseGeneratorDL, parameters: {delay: {value: 1, unit: ms}, "
    node += "duration: {value: 2, unit: ms}, amplitude: 3}}"
    model = lowered(changed(NETWORK, "{id: 7, dynamics: pulse}", node))
    own = found(model, "pulseGeneratorDL_7")
    assert own.attributes == {"amplitude": "3", "delay": "1 ms", "duration": "2 ms"}
    assert found(model, "net1").children[-1].attributes["input"] == "pulseGeneratorDL_7"


def test_parameters_on_the_node_of_an_input_override_those_of_its_dynamics() -> None:
    """Only the node with the parameters changes."""
    node = "{id: 7, dynamics: pulse, parameters: {amplitude: 3}}"
    model = lowered(changed(NETWORK, "{id: 7, dynamics: pulse}", node))
    assert found(model, "pulse_7").attributes["amplitude"] == "3"
    assert found(model, "pulse_7").attributes["delay"] == "22 ms"
    assert found(model, "pulse").attributes["amplitude"] == "15"


@pytest.mark.parametrize(
    ("label", "name"),
    [("NeuroML Ex2: Izhikevich", "sim_NeuroML_Ex2__Izhikevich"), ("α-β 7", "sim_____7"), ("ok", "sim_ok")],
)
def test_the_simulation_is_named_after_the_label(label: str, name: str) -> None:
    """Every sign that is neither an ASCII letter nor a digit becomes an underscore."""
    model = lowered(changed(NETWORK, "label: Two cells", f'label: "{label}"'))
    assert model.target == model.components[-1].id == name


def test_a_seed_reaches_the_simulation() -> None:
    """jLEMS reads the seed of its random numbers from there."""
    text = changed(NETWORK, "duration: 100}", "duration: 100, parameters: {seed: 7}}")
    assert lowered(text).components[-1].attributes["seed"] == "7"


def test_microseconds_are_declared_because_the_core_files_lack_them() -> None:
    """The model defines the unit that its simulation uses."""
    model = lowered(changed(NETWORK, "duration: 100}", "duration: 100, time_scale: us}"))
    assert [(unit.symbol, unit.power) for unit in model.units] == [("us", -6)]
    assert model.components[-1].attributes["step"] == "0.1us"
    assert lowered(NETWORK).units == ()


def test_the_file_of_a_type_that_the_usual_includes_lack_is_included() -> None:
    """PyNN's cells live in a file of their own."""
    names = ("cm", "i_offset", "tau_syn_E", "tau_syn_I", "v_init", "tau_m", "tau_refrac", "v_reset", "v_rest")
    values = ", ".join(f"{name}: 1" for name in (*names, "v_thresh", "e_rev_E", "e_rev_I"))
    text = f"dynamics: {{name: c, iri: neuroml:IF_cond_exp, parameters: {{{values}}}}}\n"
    model = lowered(text + "integration: {step_size: 1, duration: 2}")
    assert [item.file for item in model.includes][-1] == "PyNN.xml"
    assert "PyNN.xml" not in [item.file for item in lowered(NETWORK).includes]


# ---- nested components ---------------------------------------------------------------------------


def test_a_channel_stands_alone_and_its_place_in_the_cell_takes_number_and_reversal_potential() -> None:
    """``number`` and ``erev`` belong to the channel population, ``conductance`` to the channel."""
    model = lowered(CELL)
    assert [item.id for item in model.components] == ["leak", "na", "hh", "net1", "sim_One_cell"]
    assert found(model, "leak").attributes == {"conductance": "10 pS"}
    leak, _ = found(model, "hh").children
    assert (leak.tag, leak.id) == ("channelPopulation", "leak_channels")
    assert leak.attributes == {"erev": "-54.3 mV", "ionChannel": "leak", "number": "300"}


def test_a_child_bears_the_name_of_its_slot_and_a_member_of_a_list_that_of_its_type() -> None:
    """``<forwardRate type="HHExpRate">`` inside ``<gateHHrates id="h">``."""
    (gate,) = found(lowered(CELL), "na").children
    assert (gate.tag, gate.id, gate.attributes) == ("gateHHrates", "h", {"instances": "1"})
    assert [(rate.tag, rate.id, rate.type) for rate in gate.children] == [
        ("forwardRate", None, "HHExpRate"),
        ("reverseRate", None, "HHSigmoidRate"),
    ]


def test_pulses_on_a_cell_become_generators_and_inputs() -> None:
    """``pulse_delay``, ``pulse_duration`` and ``I_amp``, also with ``_2``, are no attributes of the cell."""
    pulse = "    pulse_delay{0}: {{value: 1, unit: ms}}\n    pulse_duration{0}: {{value: 2, unit: ms}}\n"
    pulse += "    I_amp{0}: {{value: 0.08, unit: nA}}\n"
    model = lowered(changed(CELL, "  components:", pulse.format("") + pulse.format("_2") + "  components:"))
    assert "I_amp" not in found(model, "hh").attributes
    assert found(model, "hh_pulse_2").attributes == {
        "amplitude": "0.08 nA",
        "delay": "1 ms",
        "duration": "2 ms",
    }
    inputs = [item.attributes for item in children(found(model, "net1"), "explicitInput")]
    assert [(item["target"], item["input"]) for item in inputs] == [
        ("hh_pop[0]", "hh_pulse"),
        ("hh_pop[0]", "hh_pulse_2"),
    ]


def test_an_incomplete_pulse_is_an_error() -> None:
    """A pulse has a delay, a duration and an amplitude."""
    text = changed(CELL, "  components:", "    I_amp: {value: 0.08, unit: nA}\n  components:")
    message = problems(text, ModelError)
    assert "pulseGenerator needs 'delay'" in message
    assert "pulseGenerator needs 'duration'" in message


# ---- what is wrong, in the words of the person who wrote it ---------------------------------------------

WRONG = [
    (
        ("neuroml:izhikevichCell", "neuroml:izhikevichcel"),
        ModelError,
        "e.yaml:5: network.dynamics.iz.iri: iz: there is no NeuroML type 'izhikevichcel'; did you mean 'izh",
    ),
    (
        ("neuroml:izhikevichCell", "izhikevichCell"),
        ModelError,
        "names no component type; expected neuroml:<Type>",
    ),
    (("        a: 0.02", "        aa: 0.02"), ModelError, "izhikevichCell has no attribute 'aa'"),
    (("thresh:", "treshold:"), ModelError, "no attribute 'treshold'; expected a, b, c, d"),
    (("thresh:", "treshold:"), ModelError, "did you mean 'thresh'?"),
    (
        ("        thresh: {value: 30, unit: mV}\n", ""),
        ModelError,
        "izhikevichCell needs 'thresh'; expected thresh: {value: ..., unit: V}",
    ),
    (("        d: 2\n", ""), ModelError, "izhikevichCell needs 'd'; expected d: {value: ...}"),
    (
        ("        d: 2\n", "        d: {label: two}\n"),
        ModelError,
        "iz: d has no value; expected a finite number",
    ),
    (("        d: 2\n", "        d: .inf\n"), ModelError, "iz: d has no value; expected a finite number"),
    (("30, unit: mV", "30, unit: ms"), UnitError, "e.yaml:8: network.dynamics.iz.parameters.thresh"),
    (("30, unit: mV", "30, unit: ms"), UnitError, "'30 ms' is time, not voltage (units of voltage: V, mV)"),
    (("30, unit: mV", "30, unit: mv"), UnitError, "unknown unit 'mv' in '30 mv'; did you mean 'mV'?"),
    (("30, unit: mV", "30"), UnitError, "'30' is a number without unit, not voltage"),
    (("        a: 0.02", "        a: {value: 1, unit: mV}"), UnitError, "'1 mV' is voltage, not none"),
    (("        a: 0.02", "        a: fast"), UnitError, "'fast' is not a number"),
    (
        ("{id: 0, dynamics: iz}", "{id: 0, dynamics: izz}"),
        ModelError,
        "node 0: 'izz' is neither in network.dynamics nor a NeuroML type; expected iz, pulse, pointCell",
    ),
    (
        ("{source: 7, target: 0}", "{source: 0, target: 4}"),
        ModelError,
        "must start at an input, and node 0 is a cell",
    ),
    (
        ("{source: 7, target: 0}", "{source: 7, target: 7}"),
        ModelError,
        "node 7 is an input itself; expected a cell",
    ),
    (
        ("neuroml:pulseGeneratorDL", "neuroml:rampGenerator"),
        ModelError,
        "rampGenerator has no attribute 'amplitude'",
    ),
    (
        ("network:\n", "network:\n  number_of_nodes: 9\n"),
        ModelError,
        "number_of_nodes is 9, but 3 nodes are listed",
    ),
    (("integration: {step_size: 0.1, duration: 100}", ""), ModelError, "nothing says how long to simulate"),
    (
        ("duration: 100}", "duration: 100, parameters: {seed: 1.5}}"),
        ModelError,
        "seed is 1.5; expected a whole number",
    ),
    (
        ("network:\n", "dynamics: {name: iz, iri: neuroml:izhikevichCell, parameters: {a: 1}}\nnetwork:\n"),
        ModelError,
        "the dynamics 'iz' is given twice, and differently",
    ),
    (
        (
            "network:\n",
            "dynamics: {name: other, iri: neuroml:izhikevichCell, parameters: {a: 1}}\nnetwork:\n",
        ),
        ModelError,
        "no node has the dynamics 'other'",
    ),
]


@pytest.mark.parametrize(("change", "kind", "message"), WRONG, ids=[message[:40] for _, _, message in WRONG])
def test_a_mistake_is_named_with_its_place(
    change: tuple[str, str], kind: type[InputError], message: str
) -> None:
    """Each broken rule has a message with file, line, what was found and what would be right."""
    text = changed(NETWORK, *change)
    if change[1] == "    i z:\n":
        text = text.replace("dynamics: iz}", "dynamics: i z}")
    assert message in problems(text, kind)


def test_an_input_with_dimensions_does_not_fit_a_cell_without() -> None:
    """Whether an input fits follows from the list in which the cell keeps its inputs."""
    text = changed(NETWORK, "neuroml:pulseGeneratorDL", "neuroml:pulseGenerator")
    message = problems(changed(text, "amplitude: 15", "amplitude: {value: 15, unit: nA}"), ModelError)
    assert (
        "the cell iz_pop[0] (izhikevichCell) takes no pulseGenerator; expected basePointCurrentDL" in message
    )


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    """One run shows everything there is to mend."""
    text = changed(NETWORK, "30, unit: mV", "30, unit: ms")
    text = changed(text, "amplitude: 15", "amplitud: 15")
    text = changed(text, "{id: 4, dynamics: iz}", "{id: 4, dynamics: none}")
    with pytest.raises(ModelError) as caught:
        lowered(text)
    lines = [problem.location.line for problem in caught.value.problems]
    assert lines == [8, 18, 21]


NESTED_WRONG = [
    (("neuroml:HHExpRate", "neuroml:gateHHrates"), "'forwardRate' of gateHHrates is a gateHHrates"),
    (("neuroml:gateHHrates", "neuroml:izhikevichCell"), "'h' (izhikevichCell) has no place in ionChannelHH"),
    (("        number: 300\n", ""), "channelPopulation needs 'number'"),
    (("        number: 300\n", "        numbr: 300\n"), "ionChannelPassive has no attribute 'numbr'"),
    (("midpoint: {value: -35, unit: mV}", "midpont: {value: -35, unit: mV}"), "did you mean 'midpoint'?"),
]


@pytest.mark.parametrize(
    ("change", "message"), NESTED_WRONG, ids=[message[:40] for _, message in NESTED_WRONG]
)
def test_a_mistake_in_a_nested_component_is_named_too(change: tuple[str, str], message: str) -> None:
    """Children are checked against their slot and their type like top components."""
    assert message in problems(changed(CELL, *change), ModelError)


LATER = [
    (
        ("duration: 100}", "duration: 100, transient_time: 5}"),
        "integration: 'transient_time' is not supported yet",
    ),
    (("duration: 100}", "duration: 100, parameters: {tol: 1}}"), "integration: tol is not supported yet"),
    (("target: 0}", "target: 0, source_var: v}"), "edge 7 to 0: 'pulse' is not given by equations"),
    (
        ("neuroml:pulseGeneratorDL", "neuroml:pulseGeneratorDL\n      output: [x]"),
        "pulse: 'output' is not supported",
    ),
]


@pytest.mark.parametrize(("change", "message"), LATER, ids=[message[:40] for _, message in LATER])
def test_what_cannot_be_expressed_yet_is_refused_by_name(change: tuple[str, str], message: str) -> None:
    """Nothing that an experiment says is left out in silence."""
    assert message in problems(changed(NETWORK, *change), UnsupportedError)


def test_the_temperature_that_a_cell_gives_is_that_of_the_network() -> None:
    """``network_temperature`` is no attribute of the cell."""
    text = changed(CELL, "  components:", "    network_temperature: {value: 32, unit: degC}\n  components:")
    network = found(lowered(text), "net1")
    assert (network.type, network.attributes) == ("networkWithTemperature", {"temperature": "32 degC"})


def test_prose_is_not_refused() -> None:
    """Labels, descriptions, references, symbols and domains need no expression in LEMS."""
    text = changed(NETWORK, "label: Two cells", "label: Two cells\ndescription: d\nreferences: [r]\nid: 3")
    text = changed(
        text,
        "        a: 0.02",
        "        a: {value: 0.02, label: l, description: d, symbol: a, domain: {lo: 0}}",
    )
    assert lowered(text) == lowered(NETWORK)


def test_components_know_their_line_in_the_experiment() -> None:
    """A later complaint about the model points at the line that the person wrote."""
    model = lowered(NETWORK)
    assert [str(found(model, name).location) for name in ("iz", "pulse")] == [
        "e.yaml:4: network.dynamics.iz",
        "e.yaml:13: network.dynamics.pulse",
    ]


CHANNEL = "c: {iri: neuroml:ionChannelPassive, parameters: {conductance: {value: 10, unit: pS}, number: 1, "
CHANNEL += "erev: {value: -54, unit: mV}}}"
MEMBRANE = "C: {value: 1, unit: pF}, v0: {value: 1, unit: mV}, thresh: {value: 1, unit: mV}"
TWO_CELLS = f"""\
network:
  dynamics:
    one: {{iri: neuroml:pointCellCondBased, parameters: {{{MEMBRANE}}}, components: {{{CHANNEL}}}}}
    two: {{iri: neuroml:pointCellCondBased, parameters: {{{MEMBRANE}}}, components: {{{CHANNEL}}}}}
  nodes: [{{id: 0, dynamics: one}}, {{id: 1, dynamics: two}}]
integration: {{step_size: 0.01, duration: 3}}
"""


def test_a_channel_that_two_cells_have_alike_is_written_once() -> None:
    """Both cells refer to the one component."""
    assert [item.id for item in lowered(TWO_CELLS).components][:3] == ["c", "one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        changed(TWO_CELLS, "value: 10", "value: 20"),
        TWO_CELLS.replace("one:", "net1:").replace("dynamics: one", "dynamics: net1"),
        TWO_CELLS.replace("two:", "sim_experiment:").replace("dynamics: two", "dynamics: sim_experiment"),
    ],
    ids=["channel", "network", "simulation"],
)
def test_two_different_components_cannot_have_one_name(text: str) -> None:
    """An id of a LEMS document names one component, made by the user or by lowering."""
    assert "two different components would be named" in problems(text, ModelError)
