"""LEMS to YAML and back: an experiment that a person would have written, and an equal model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import run_file
from tvbo_lite.errors import ModelError, ReadError, UnsupportedError
from tvbo_lite.formats.lems.normal import normal_form
from tvbo_lite.formats.lems.reader import link_string, read_file
from tvbo_lite.formats.lems.writer import document
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.losses import Losses, LossWarning
from tvbo_lite.schema import Integrator
from tvbo_lite.schema.json_schema import experiment_json_schema
from tvbo_lite.transforms.lower.context import Context, OwnTypes
from tvbo_lite.transforms.lower.type_specs import component_type
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = jar.example_names()
VALIDATOR = Draft202012Validator(experiment_json_schema())

POINT = (
    '<iafCell id="iaf" leakReversal="-60mV" thresh="-55mV" reset="-62mV" C="1.0nF" leakConductance="0.05uS"/>'
)
HEAD = (
    '<Lems><Target component="sim1"/><Include file="NeuroML2CoreTypes.xml"/><Include file="Simulation.xml"/>'
)
CELL = '<iafTauCell id="iaf" leakReversal="-50mV" thresh="-55mV" reset="-70mV" tau="30ms"/>'
NET = '<network id="net1"><population id="pop" component="iaf" size="2"/></network>'
RUN = '<Simulation id="sim1" length="10ms" step="0.1ms" target="net1">{}</Simulation></Lems>'


def there_and_back(text: str) -> SimulationExperiment:
    """The experiment of a LEMS text, after it gave an equal model both directly and through YAML."""
    experiment = SimulationExperiment.from_lems(link_string(text))
    again = SimulationExperiment.from_string(experiment.to_yaml())
    assert again == experiment
    assert normal_form(again.model()) == normal_form(link_string(text))
    return experiment


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name[10:-4])
def test_a_canonical_example_survives(name: str) -> None:
    """LEMS to YAML to LEMS gives an equal model, and nothing is lost, for every canonical example."""
    losses = Losses()
    experiment = SimulationExperiment.from_lems(name, losses=losses)
    again = SimulationExperiment.from_string(experiment.to_yaml())
    assert again == experiment
    assert normal_form(again.model()) == normal_form(read_file(name))
    assert not losses


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name[10:-4])
def test_the_text_follows_the_json_schema(name: str) -> None:
    """Editors that know the JSON Schema of the dialect find nothing wrong in the text."""
    document = read_text(SimulationExperiment.from_lems(name).to_yaml())
    assert [error.message for error in VALIDATOR.iter_errors(document.data)] == []


NEUROML = ("FullNeuroML", "FullCell", "SegmentConnections", "SynapseTypes", "InhomogeneousParams", "Inputs")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with NeuroML's example files."""
    folder = tmp_path_factory.mktemp("jar")
    jar.extract_examples(folder)
    return folder / "examples"


@pytest.mark.parametrize("name", NEUROML)
def test_a_neuroml_file_survives(name: str, files: Path) -> None:
    """A NeuroML file without simulation gives equal components, once something is said to run."""
    file = files / f"NML2_{name}.nml"
    experiment = SimulationExperiment.from_string(SimulationExperiment.from_lems(file).to_yaml())
    assert experiment.integration is None
    assert experiment.network is not None
    run = {"name": "run", "step_size": "0.1ms", "duration": "1ms"}
    if not experiment.network.name:  # a document of components alone
        run["target"] = next(iter(experiment.network.dynamics))
    timed = experiment.model_copy(update={"integration": Integrator.model_validate(run)})
    found = normal_form(timed.model()).components
    assert tuple(item for item in found if item.id != "run") == normal_form(read_file(file)).components


PLAIN = """<Lems><Target component="run"/>
  <Dimension name="time" t="1"/><Dimension name="time" t="1"/>
  <Unit symbol="ms" dimension="time" power="-3"/>
  <ComponentType name="Clock"><Parameter name="period" dimension="time"/><Exposure name="x"/>
    <Dynamics><StateVariable name="x" exposure="x"/><TimeDerivative variable="x" value="1 / period"/>
    </Dynamics>
  </ComponentType>
  <ComponentType name="Simulation"><ComponentReference name="target" type="Component"/>
    <Simulation><Run component="target" variable="t" increment="step" total="length"/></Simulation>
  </ComponentType>
  <Component id="clock" type="Clock" period="3ms"/>
  <Simulation id="run" target="clock"><Meta for="jlems" method="rk4"><Note size="1"/></Meta></Simulation>
</Lems>"""


def test_a_document_without_neuroml() -> None:
    """A LEMS document that declares all types itself survives, with its ``Simulation`` and remarks."""
    experiment = there_and_back(PLAIN)
    assert not experiment.core
    assert experiment.target == "run"
    assert experiment.integration is None


def test_two_meanings_of_a_name_are_refused() -> None:
    """What is declared twice alike is there once; declared twice and differently it is an error."""
    other = PLAIN.replace('<Dimension name="time" t="1"/>', '<Dimension name="time" t="2"/>', 1)
    with pytest.raises(UnsupportedError, match="the dimension 'time' is declared twice, and differently"):
        SimulationExperiment.from_lems(link_string(other))


@pytest.mark.parametrize("name", ["LEMS_NML2_Ex2_Izh", "LEMS_NML2_Ex9_FN", "LEMS_NML2_Ex12_Net2"])
def test_a_run_gives_the_same_numbers(name: str) -> None:
    """Every value recorded of the YAML experiment is that of the LEMS document."""
    experiment = SimulationExperiment.from_lems(name)
    again = SimulationExperiment.from_string(experiment.to_yaml()).run().recording
    expected = run_file(f"{name}.xml", "native")
    assert again.quantities == expected.quantities
    assert np.array_equal(again.values, expected.values)
    assert again.plan == expected.plan


def test_the_text_is_what_a_person_would_write() -> None:
    """Units stay, core types are named, populations, inputs and displays are short."""
    text = SimulationExperiment.from_lems("LEMS_NML2_Ex5_DetCell.xml").to_yaml()
    for line in (
        "label: NML2_Ex5_DetCell",
        "      parameters: {conductance: 10pS, species: na}",
        "              parameters: {rate: 1per_ms, midpoint: -40mV, scale: 10mV}",
        "                member: {parameters: {segment: 0}}",
        "    hhpop: {dynamics: hhcell, size: 1}",
        "integration: {name: sim1, step_size: 0.01ms, duration: 300ms, report: report.ex5.txt}",
        '    of0: {file: results/ex5_v.dat, columns: {v: "hhpop[0]/v"}}',
        '        spiking: {quantity: "hhpop[0]/spiking", scale: 0.1V, color: "#004040"}',
    ):
        assert line in text.splitlines()


def test_own_types_keep_their_equations() -> None:
    """A component type of the document's own is written with its constants and expressions as they are."""
    text = SimulationExperiment.from_lems("LEMS_NML2_Ex10_Q10.xml").to_yaml()
    assert "      rate: {value: 0.125per_ms, dimension: per_time}" in text.splitlines()
    assert "      r: {exposure: r, equation: rate * exp((v - midpoint)/scale)}" in text.splitlines()
    assert "            reverseRate: {iri: newExpRate}" in text.splitlines()


def test_comments_and_notes_are_descriptions() -> None:
    """A comment above an element, or behind it on its line, describes it; notes are a part of their own."""
    experiment = SimulationExperiment.from_lems("LEMS_NML2_Ex26_Weights.xml")
    assert experiment.description is not None
    assert experiment.description.startswith("Example showing new types of connections/inputs")
    assert experiment.network is not None
    dynamics = experiment.network.dynamics
    assert (dynamics["silent1"].description or "").startswith("Dummy synapse which emits no current.")
    assert dynamics["passiveChan"].components["notes"].description == "Leak conductance"


def test_comments_that_describe_nothing(tmp_path: Path) -> None:
    """Elements that were commented out, and headings with an empty line below, are no descriptions."""
    file = tmp_path / "model.xml"
    heading = "\n<!-- Cells -->\n\n"
    out = "\n<!-- <iafTauCell/> -->\n"
    file.write_text(HEAD + heading + CELL + out + NET + "<!-- how long -->" + RUN.format(""))
    experiment = SimulationExperiment.from_lems(file)
    assert experiment.network is not None
    assert experiment.network.dynamics["iaf"].description is None
    assert experiment.network.description == "how long"
    assert experiment.label == "model"


def test_a_network_without_a_simulation(files: Path) -> None:
    """The network of a NeuroML file is listed; how long to run is left to say."""
    experiment = SimulationExperiment.from_lems(files / "NML2_InstanceBasedNetwork.nml")
    assert experiment.integration is None
    assert experiment.network is not None
    assert experiment.network.name == "InstanceBasedNetwork"
    assert list(experiment.network.populations) == ["iafCells"]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    """A name that is neither a file nor an example is an error that names the nearest example."""
    with pytest.raises(ReadError, match=r"did you mean 'LEMS_NML2_Ex5_DetCell\.xml'"):
        SimulationExperiment.from_lems("LEMS_NML2_Ex5_DetCel.xml")


def test_what_no_short_form_says_stays_generic() -> None:
    """Unusual elements keep their generic form: an odd line in a display, a population with notes."""
    line = '<Line id="l" quantity="pop[0]/v" scale="1mV" color="#000000"/>'  # without time scale
    display = (
        f'<Display id="d" title="t" timeScale="1ms" xmin="0" xmax="1" ymin="0" ymax="1">{line}</Display>'
    )
    experiment = SimulationExperiment.from_lems(link_string(HEAD + CELL + NET + RUN.format(display)))
    assert experiment.target == "sim1"
    assert experiment.integration is None
    assert experiment.network is not None
    assert experiment.network.dynamics["sim1"].components["d"].components["l"].iri == "neuroml:Line"


def test_the_order_of_a_network_is_kept() -> None:
    """Inputs among the populations are listed in that order; usual orders say nothing."""
    pulse = '<pulseGeneratorDL id="p" delay="1ms" duration="2ms" amplitude="1"/>'
    izhikevich = '<izhikevichCell id="izh" v0="-70mV" a="0.02" b="0.2" c="-50" d="2" thresh="30mV"/>'
    first = '<population id="x" component="izh" size="1"/><explicitInput target="x[0]" input="p"/>'
    net = f'<network id="net1">{first}<population id="y" component="izh" size="1"/></network>'
    experiment = there_and_back(HEAD + pulse + izhikevich + net + RUN.format(""))
    assert experiment.network is not None
    assert experiment.network.order == ["x", "inputs", "y"]
    assert there_and_back(HEAD + CELL + NET + RUN.format("")).network.order == []  # type: ignore[union-attr]


def test_attribute_texts_stay_as_they_are() -> None:
    """Numbers that Python would write in another way are quoted, so that they come back as they were."""
    cell = '<izhikevichCell id="iaf" v0="-70 mV" a=".02" b="2e-1" c="-50.0" d="007" thresh="30mV"/>'
    text = there_and_back(HEAD + cell + NET + RUN.format("")).to_yaml()
    assert 'parameters: {v0: -70 mV, a: ".02", b: "2e-1", c: -50.0, d: "007", thresh: 30mV}' in text


def test_types_of_all_kinds_survive() -> None:
    """Regimes, conditions, structure and everything else that a type declares comes back."""
    own = """
    <Dimension name="flow" l="3" t="-1"/><Unit symbol="l_per_s" dimension="flow" power="-3"/>
    <Constant name="Faraday" symbol="F" dimension="none" value="96485"/>
    <ComponentType name="mine" extends="baseSpikingCell" description="My cell">
      <Parameter name="tau" dimension="time" description="Decay"/><IndexParameter name="k"/>
      <DerivedParameter name="half" dimension="time" value="tau / 2"/>
      <Property name="weight" dimension="none" defaultValue="1"/><Constant name="one" value="1"/>
      <Text name="note"/><Path name="where"/>
      <ComponentReference name="other" type="Component" local="true"/>
      <Child name="gate" type="gate"/><Children name="gates" type="gate"/>
      <Attachments name="synapses" type="basePointCurrent"/>
      <Requirement name="caConc" dimension="concentration"/>
      <Exposure name="x" dimension="none"/><Exposure name="y" dimension="none"/>
      <EventPort name="in" direction="in"/>
      <Dynamics>
        <StateVariable name="x" exposure="x"/><StateVariable name="z"/>
        <StateVariable name="late" dimension="time"/>
        <TimeDerivative variable="z" value="-z / tau"/><TimeDerivative variable="x" value="1 / tau"/>
        <DerivedVariable name="total" select="synapses[*]/i" reduce="add" dimension="current"
          required="false"/>
        <ConditionalDerivedVariable name="y" exposure="y">
          <Case condition="x .gt. 1" value="2"/><Case value="3"/>
        </ConditionalDerivedVariable>
        <OnStart><StateAssignment variable="x" value="0"/></OnStart>
        <OnCondition test="x .gt. 5">
          <StateAssignment variable="x" value="0"/><StateAssignment variable="x" value="x + 1"/>
          <EventOut port="spike"/>
        </OnCondition>
        <OnEvent port="in"><StateAssignment variable="z" value="z + weight"/></OnEvent>
        <Regime name="free" initial="true">
          <OnCondition test="x .gt. 4"><Transition regime="held"/></OnCondition>
        </Regime>
        <Regime name="held"><OnEntry><StateAssignment variable="late" value="t"/></OnEntry></Regime>
      </Dynamics>
      <Structure>
        <With instance="../a" as="b"><Tunnel name="q" endA="a" endB="b" componentA="other"/></With>
      </Structure>
    </ComponentType>"""
    model = link_string(HEAD + own + CELL + NET + RUN.format(""))
    experiment = SimulationExperiment.from_lems(model)
    again = SimulationExperiment.from_string(experiment.to_yaml())
    assert again == experiment
    assert again.component_types["mine"].parameters["tau"].description == "Decay"
    context = Context(OwnTypes(TypeTable(model.component_types)), UnitTable((), ()), again.locate)
    made = component_type(context, "mine", again.component_types["mine"], ("component_types", "mine"))
    assert made == model.component_types[-1]


def test_two_components_with_one_id_are_refused() -> None:
    """YAML names components by their ids, so these must differ."""
    with pytest.raises(UnsupportedError, match="two components have the id 'iaf'"):
        SimulationExperiment.from_lems(link_string(HEAD + CELL + CELL + NET + RUN.format("")))


def test_a_component_that_takes_values_of_another() -> None:
    """What a component extends is its prototype, from which it has what it does not say."""
    heir = '<iafTauCell id="heir" extends="iaf" tau="10ms"/>'
    experiment = there_and_back(HEAD + CELL + heir + NET.replace('"iaf"', '"heir"') + RUN.format(""))
    assert experiment.network is not None
    assert experiment.network.dynamics["heir"].prototype == "iaf"
    wrong = experiment.to_yaml().replace("prototype: iaf", "prototype: iav")
    with pytest.raises(ModelError, match=r"there is no 'iav' to take values from.*did you mean 'iaf'"):
        SimulationExperiment.from_string(wrong).model()


def test_losses_are_told() -> None:
    """What YAML cannot say is given to the caller, or told as a warning."""
    heir = '<Component id="heir" extends="iaf"/>'
    model = link_string(HEAD + CELL + heir + NET + RUN.format(""))
    losses = Losses()
    SimulationExperiment.from_lems(model, losses=losses)
    assert [loss.what for loss in losses] == ["the element <Component> 'heir', of the type of 'iaf'"]
    with pytest.warns(LossWarning, match="YAML names the type of each component"):
        SimulationExperiment.from_lems(model)


def test_claims_and_unknown_attributes_are_kept() -> None:
    """Assertions about dimensions come back, and so do attributes that a type does not have."""
    claim = '<Assertion dimension="voltage" matches="current * resistance"/>'
    there_and_back(HEAD + claim + CELL.replace('id="iaf"', 'id="iaf" metaid="m1"') + NET + RUN.format(""))
    odd = NET.replace('size="2"', 'size="2" metaid="m2"')
    experiment = there_and_back(HEAD + CELL + odd + RUN.format(""))
    assert experiment.network is not None
    assert experiment.network.components["pop"].unread == {"metaid": "m2"}


def test_a_written_document_is_the_same_model() -> None:
    """The model of an experiment, written as LEMS and raised again, gives an equal experiment."""
    experiment = SimulationExperiment.from_lems("LEMS_NML2_Ex13_Instances")
    again = SimulationExperiment.from_lems(link_string(document(experiment.model())))
    assert again.network == experiment.network
    assert again.recordings == experiment.recordings


def test_large_tables_are_quick() -> None:
    """Ten thousand connections between a thousand placed cells become YAML rows within a few seconds."""
    cells = "".join(
        f'<instance id="{i}"><location x="{i / 8}" y="0" z="-1"/></instance>' for i in range(1000)
    )
    rows = "".join(
        f'<connectionWD id="{i}" preCellId="../a/{i % 1000}/iaf" postCellId="../a/{i // 10}/iaf" '
        f'weight="0.5" delay="{i % 7}ms"/>'
        for i in range(10_000)
    )
    synapse = '<expOneSynapse id="syn" gbase="5nS" erev="0mV" tauDecay="3ms"/>'
    ends = 'presynapticPopulation="a" postsynapticPopulation="a" synapse="syn"'
    population = f'<population id="a" component="iaf" type="populationList" size="1000">{cells}</population>'
    net = f'<network id="net1">{population}<projection id="p" {ends}>{rows}</projection></network>'
    model = link_string(HEAD + POINT + synapse + net + RUN.format(""))
    start = time.perf_counter()
    text = SimulationExperiment.from_lems(model).to_yaml()
    assert time.perf_counter() - start < 5
    assert "        - [7, 0, 0.5, 0ms]" in text.splitlines()
    assert "        - [0.125, 0, -1]" in text.splitlines()
    assert normal_form(SimulationExperiment.from_string(text).model()) == normal_form(model)
