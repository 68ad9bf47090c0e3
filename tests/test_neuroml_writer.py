"""NeuroML documents written from LEMS models: valid by the schema, and the same to every simulator."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment, formats
from tvbo_lite.backends import jlems, native
from tvbo_lite.backends.java import find_java
from tvbo_lite.errors import BackendError, Location, RenderError, UnsupportedError
from tvbo_lite.formats import Files
from tvbo_lite.formats.files import write_files
from tvbo_lite.formats.lems.core import without_core
from tvbo_lite.formats.lems.reader import link, link_string, read_file, read_string
from tvbo_lite.formats.neuroml import grammar, jar
from tvbo_lite.formats.neuroml.form import formed
from tvbo_lite.formats.neuroml.xsd import schema_problems
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond, Noise, Solver
from tvbo_lite.lems.recording import Recording
from tvbo_lite.losses import Losses

CORE = '<Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>'
IAF = 'leakReversal="-60mV" thresh="-55mV" reset="-62mV" C="1nF" leakConductance="0.05uS"'
PULSE = '<pulseGenerator id="{}" delay="1ms" duration="50ms" amplitude="0.5nA"/>'
RATE = '<ComponentType name="myRate" extends="baseVoltageDepRate"/>'

FOLDER = Path(__file__).parents[2] / "shared" / "tvbo_examples"
PUBLISHED = sorted(set(FOLDER.glob("*.yaml")) - {FOLDER / "LEMS_Export.yaml"})  # it has no simulation

# What NeuroML documents cannot hold of the canonical examples: the rest of each stands in them.
LOST = {
    "Ex1_HH": ["hhpointcell"],
    "Ex3_Net": ["hhcell_1", "hhcell_2"],
    "Ex4_KS": ["k_vh", "hhcell_1"],
    "Ex6_NMDA": ["nmdaSyn1"],
    "Ex7_STP": ["stpSynDep", "stpSynDepFac"],
    "Ex11_STDP": ["stdpSyn"],
    "Ex17_Tissue": ["hhcell"],
    "Ex27_MultiSynapses": ["block"],
}


def short(name: str) -> str:
    return name.removeprefix("LEMS_NML2_").removesuffix(".xml")


def rendered(model: m.Model, **options: str) -> tuple[Files, Losses]:
    losses = Losses()
    found = formats.render(model, "neuroml", losses=losses, **options)
    assert isinstance(found, Files)
    return found, losses


def document(*parts: str, target: str = "") -> m.Model:
    """A linked model with NeuroML's core types, and what is given."""
    head = f'<Target component="{target}"/>' if target else ""
    return link_string(f"<Lems>{head}{CORE}{''.join(parts)}</Lems>", "m.xml")


def named(losses: Losses) -> list[str]:
    """The ids of what was lost."""
    return [loss.what.split("'")[1] for loss in losses]


def values(model: m.Model) -> Recording | str:
    """All traces of a model; or why the engine does not run it."""
    try:
        return native.run_linked(model)
    except UnsupportedError as error:
        return error.problems[0].message


# ---- the canonical examples --------------------------------------------------------------------


@pytest.mark.parametrize("name", jar.example_names(), ids=short)
def test_an_example_as_neuroml_is_valid_and_gives_equal_values(name: str, tmp_path: Path) -> None:
    """Every document is valid by the schema, every component is there, no value differs in any bit."""
    model = read_file(name)
    found, losses = rendered(model)
    assert named(losses) == LOST.get(short(name), [])
    for file, text in found.items():
        if file.endswith(".nml"):
            assert schema_problems(text.encode(), file) == []
    write_files(tmp_path, found)
    again = read_file(tmp_path / found.main)
    assert {item.id for item in without_core(again).components} == {
        item.id for item in without_core(model).components
    }
    ours, theirs = values(again), values(model)
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    assert ours.quantities == theirs.quantities
    np.testing.assert_array_equal(ours.values, theirs.values)
    assert {name: list(map(list, pair)) for name, pair in ours.events.items()} == {
        name: list(map(list, pair)) for name, pair in theirs.events.items()
    }


@pytest.mark.skipif(not PUBLISHED, reason="the published experiments are not here")
@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_published_experiment_as_neuroml_is_valid_and_gives_equal_values(
    path: Path, tmp_path: Path
) -> None:
    """From YAML it is the same: what is rendered is what runs."""
    model = link(SimulationExperiment.from_file(path).model())
    found, _ = rendered(model)
    for file, text in found.items():
        if file.endswith(".nml"):
            assert schema_problems(text.encode(), file) == []
    write_files(tmp_path, found)
    ours, theirs = values(read_file(tmp_path / found.main)), values(model)
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    np.testing.assert_array_equal(ours.values, theirs.values)


@pytest.mark.slow
@pytest.mark.parametrize(
    "example", ["Ex4_KS", "Ex5_DetCell", "Ex7_STP", "Ex10_Q10", "Ex12_Net2", "Ex24_FractionalConductance"]
)
def test_jlems_runs_the_documents_alike(example: str, tmp_path: Path) -> None:
    """NeuroML's own interpreter follows their includes and prints the same numbers."""
    try:
        find_java()
    except BackendError:
        pytest.skip("no Java runtime")
    name = f"LEMS_NML2_{example}.xml"
    found, _ = rendered(read_file(name))
    write_files(tmp_path, found)
    ours, theirs = jlems.run_file(tmp_path / found.main), jlems.run_file(name)
    assert ours.quantities == theirs.quantities
    np.testing.assert_array_equal(ours.values, theirs.values)


# ---- documents ---------------------------------------------------------------------------------


def test_each_thing_has_the_file_of_its_kind() -> None:
    """Cells, channels and synapses one each; inputs with their network; the simulation in LEMS."""
    found, _ = rendered(read_file("LEMS_NML2_Ex5_DetCell.xml"))
    assert list(found) == [
        "passiveChan.channel.nml", "naChan.channel.nml", "kChan.channel.nml", "hhcell.cell.nml",
        "net1.net.nml", "LEMS_net1.xml",
    ]  # fmt: skip
    includes = {file: [item.file for item in read_string(text).includes] for file, text in found.items()}
    assert includes["hhcell.cell.nml"] == list(found)[:3]
    assert includes["net1.net.nml"] == ["hhcell.cell.nml"]
    assert includes["LEMS_net1.xml"] == ["Cells.xml", "Networks.xml", "Simulation.xml", "net1.net.nml"]
    main, network = read_string(found["LEMS_net1.xml"]), read_string(found["net1.net.nml"])
    assert (main.target, main.report_file) == ("sim1", "report.ex5.txt")
    assert [item.tag for item in main.components] == ["Simulation"]
    assert [item.tag for item in network.components] == ["pulseGenerator", "network"]
    assert list(rendered(read_file("LEMS_NML2_Ex5_DetCell.xml"), name="x")[0])[-1] == "LEMS_x.xml"


def test_what_two_networks_share_has_a_file_of_its_own() -> None:
    """So has what no network uses; each is included by those that refer to it, or by the main file."""
    cell = f'<iafCell id="iaf" {IAF}/>'
    net = (
        '<network id="{0}"><population id="p" component="iaf" size="1"/>'
        '<explicitInput target="p[0]" input="both"/><explicitInput target="p[0]" input="in{0}"/></network>'
    )
    pulses = "".join(map(PULSE.format, ("both", "ina", "inb", "none")))
    simulation = '<Simulation id="s" target="a" length="1ms" step="0.1ms"/>'
    found, losses = rendered(document(cell, pulses, net.format("a"), net.format("b"), simulation, target="s"))
    assert len(losses) == 0
    assert sorted(found) == ["LEMS_a.xml", "a.net.nml", "b.net.nml", "both.nml", "iaf.cell.nml", "none.nml"]
    includes = {file: [item.file for item in read_string(text).includes] for file, text in found.items()}
    assert includes["a.net.nml"] == includes["b.net.nml"] == ["iaf.cell.nml", "both.nml"]
    assert sorted(includes["LEMS_a.xml"][3:]) == ["a.net.nml", "b.net.nml", "none.nml"]
    found, _ = rendered(document(cell, pulses, net.format("a")))
    assert list(found) == ["iaf.cell.nml", "a.net.nml"]


def test_component_types_of_ones_own_stand_in_a_file_that_is_included() -> None:
    """With their dimensions, units, constants and assertions, and their components; that is no loss."""
    own = (
        '<Dimension name="mine" l="3"/><Unit symbol="m3x" dimension="mine"/>'
        '<Constant name="K" symbol="K" value="2"/><Assertion dimension="per_time" matches="1 / time"/>'
        f'<ComponentType name="myCell" extends="baseCell"/><myCell id="c"/><iafCell id="iaf" {IAF}/>'
        '<Simulation id="s" target="iaf" length="1ms" step="0.1ms"/>'
    )
    found, losses = rendered(document(own, target="s"))
    assert len(losses) == 0
    assert list(found) == ["iaf_types.xml", "iaf.cell.nml", "LEMS_iaf.xml"]
    types = read_string(found["iaf_types.xml"])
    assert types.dimensions[0].name == "mine"
    assert types.units[0].symbol == "m3x"
    assert types.constants[0].value == "2"
    assert types.assertions[0].matches == "1 / time"
    assert [item.name for item in types.component_types] == ["myCell"]
    assert [item.id for item in types.components] == ["c"]
    assert "iaf_types.xml" in [item.file for item in read_string(found["LEMS_iaf.xml"]).includes]


def test_without_a_simulation_there_is_no_lems_file(tmp_path: Path) -> None:
    """The network is the main file, without one the last of the others; they include the types they need."""
    cell = f'<iafCell id="iaf" {IAF}/>'
    net = '<network id="n"><population id="p" component="iaf" size="1"/></network>'
    assert rendered(document(cell, net))[0].main == "n.net.nml"
    assert rendered(document(cell, RATE))[0].main == "iaf.cell.nml"
    assert list(rendered(document(RATE))[0]) == ["model_types.xml"]
    rates = '<forwardRate type="myRate"/><reverseRate type="myRate"/>'
    gate = f'<gateHHrates id="m" instances="1">{rates}</gateHHrates>'
    found, losses = rendered(document(RATE, f'<ionChannelHH id="na" conductance="1pS">{gate}</ionChannelHH>'))
    assert (list(found), len(losses)) == (["model_types.xml", "na.channel.nml"], 0)
    write_files(tmp_path, found)
    again = read_file(tmp_path / "na.channel.nml")
    assert "myRate" in [kind.name for kind in again.component_types]
    with pytest.raises(RenderError, match="nothing to write"):
        rendered(document())


def test_names_that_differ_in_case_alone_get_different_files() -> None:
    """Some file systems do not tell ``a.cell.nml`` from ``A.cell.nml``."""
    found, _ = rendered(document(f'<iafCell id="a" {IAF}/><iafCell id="A" {IAF}/>'))
    assert list(found) == ["a.cell.nml", "A_.cell.nml"]


# ---- what the schema does not hold -------------------------------------------------------------


def test_a_loss_names_the_place_the_file_and_the_schema_s_reason() -> None:
    """What is lost to NeuroML stands in the file of types, as it was."""
    cell = f'\n<iafCell id="iaf" {IAF}/>\n<iafCell id="odd" {IAF.replace("1nF", "1e-9 F_per_m2")}/>'
    model = document(cell)
    found, losses = rendered(model)
    (loss,) = losses
    assert str(loss) == (
        "m.xml:3: <iafCell> 'odd': it stands in model_types.xml and in no NeuroML document, whose schema "
        "says: C='1e-9 F_per_m2' of <iafCell> is not valid; expected a number with a unit: F, uF, nF, pF"
    )
    assert list(found) == ["model_types.xml", "iaf.cell.nml"]
    assert read_string(found["model_types.xml"]).components == (without_core(model).components[1],)


def test_what_is_beyond_lems_is_a_loss_in_xml() -> None:
    """The built-in engine's methods and noise: the documents are the same without them."""
    cell = f'<iafCell id="iaf" {IAF}/>'
    model = document(cell, '<Simulation id="s" target="iaf" length="1ms" step="0.1ms"/>', target="s")
    more = replace(
        model, beyond=Beyond(Solver("rk4"), (Noise("iafCell", "v", location=Location("e.yaml", 4)),))
    )
    found, losses = rendered(more)
    assert found == rendered(model)[0]
    assert [(loss.what, loss.where.line) for loss in losses] == [
        ("the integration method 'rk4' and its settings", None), ("the noise on 'v' of 'iafCell'", 4),
    ]  # fmt: skip
    told = Losses()
    assert formats.render(more, "lems", losses=told) == formats.render(model, "lems")
    assert told == losses


def test_a_name_that_is_no_neuroml_name_is_a_loss() -> None:
    """Neither is it the name of a file."""
    _, losses = rendered(document(f'<iafCell id="a/b" {IAF}/>'))
    assert named(losses) == ["a/b"]


# ---- form --------------------------------------------------------------------------------------


def form(text: str, kept: tuple[str, ...] = ()) -> m.Component:
    return formed(read_string(f"<Lems>{text}</Lems>").components[0], kept, Losses())


def test_children_stand_in_the_schema_s_order() -> None:
    """LEMS lets them stand in any; among equals theirs is kept."""
    inner = '<explicitInput id="1"/><population id="b"/><inputList/><population id="a"/><notes/>'
    found = form(f'<network id="n">{inner}</network>')
    assert [item.tag for item in found.children] == [
        "notes", "population", "population", "explicitInput", "inputList",
    ]  # fmt: skip
    assert [item.id for item in found.children][1:3] == ["b", "a"]


def test_an_element_has_the_name_that_the_schema_gives_it() -> None:
    """By its type, or by a place that takes that type."""
    found = form('<Component id="c" type="iafCell"/>')
    assert (found.tag, found.type) == ("iafCell", None)
    found = form('<ionChannelPassive id="c"/>')
    assert (found.tag, found.type) == ("ionChannel", "ionChannelPassive")
    found = form('<blockingPlasticSynapse id="s"><voltageConcDepBlockMechanism/></blockingPlasticSynapse>')
    block = found.children[0]
    assert (block.tag, block.type) == ("blockMechanism", "voltageConcDepBlockMechanism")
    assert form('<stdpSynapse id="s"/>').tag == "stdpSynapse"


def test_gates_of_different_kinds_are_all_written_as_gate() -> None:
    """The schema takes one kind of element there; one kind alone keeps its name."""
    one, two = '<gateHHrates id="m"/>', '<gateFractional id="n"/>'
    mixed = form(f'<ionChannelHH id="c">{one}{two}</ionChannelHH>').children
    assert [(item.tag, item.type) for item in mixed] == [("gate", "gateHHrates"), ("gate", "gateFractional")]
    assert form(f'<ionChannelHH id="c">{one}{one}</ionChannelHH>').children[0].tag == "gateHHrates"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1.mV", "1mV"), ("-55.mV", "-55mV"), ("+1 mV", "1 mV"), (" 1.50 mV ", "1.50 mV"),
        ("1e+3mV", "1e3mV"), ("1E-03 mV", "1e-3 mV"), (".5mV", ".5mV"), ("1", "1"), ("mV", "mV"), ("", ""),
    ],
)  # fmt: skip
def test_numbers_are_spelt_as_the_schema_wants_them(text: str, wanted: str) -> None:
    """Their value stays; what is no quantity stays as it is."""
    assert form(f'<iafCell id="{text}" thresh="{text}"/>').attributes["thresh"] == wanted
    assert form(f'<iafCell id="{text}" thresh="{text}"/>').id == text


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["{!r} mV", "{:e}mV", "{:+.3f} mV", " {:g}e+2 mV"]),
)
def test_a_number_keeps_its_value(value: float, spelling: str) -> None:
    """However it is spelt."""
    text = spelling.format(value)
    assume("e" not in f"{value:g}" or "e+2" not in spelling)
    found = form(f'<iafCell id="a" thresh="{text}"/>').attributes["thresh"]
    assert float(found.removesuffix("mV")) == float(text.removesuffix("mV"))
    assert re.fullmatch(r"-?([0-9]*(\.[0-9]+)?)([eE]-?[0-9]+)?\s*mV", found)  # the schema's pattern


@pytest.mark.parametrize("name", jar.example_names(), ids=short)
def test_what_has_neuroml_s_form_keeps_it(name: str) -> None:
    """A second time nothing changes."""
    for component in without_core(read_file(name)).components:
        once = formed(component, (), Losses())
        losses = Losses()
        assert formed(once, (), losses) == once
        assert len(losses) == 0


def test_connections_get_numbers_where_they_have_none() -> None:
    """The schema wants an id; LEMS does not use it."""
    inner = '<projection id="p"><connection/><connection id="7"/></projection>'
    found = form(f'<network id="n">{inner}</network>').children[0]
    assert [item.id for item in found.children] == ["0", "7"]


def test_connections_that_neuroml_does_not_know_become_projections() -> None:
    """Neighbours with the same ends and synapse one; others, and those that say more, stay as they are."""
    plain = '<synapticConnectionWD from="{}" to="{}" synapse="s" weight="0.5" delay="1ms"{}/>'
    parts = [
        ("a[0]", "b[1]", ""),
        ("a[1]", "b/0/c", ""),
        ("b[0]", "a[0]", ""),
        ("a[0]", "b[0]", ' targetPort="x"'),
    ]
    text = "".join(plain.format(*part) for part in parts)
    found = form(f'<network id="n"><projection id="a_b_s"/>{text}</network>')
    assert [(item.tag, item.id) for item in found.children] == [
        ("projection", "a_b_s"), ("projection", "a_b_s_"), ("projection", "b_a_s"),
        ("synapticConnectionWD", None),
    ]  # fmt: skip
    new = found.children[1]
    assert list(new.attributes.values()) == ["a", "b", "s"]
    assert [(item.tag, item.id) for item in new.children] == [("connectionWD", "0"), ("connectionWD", "1")]
    assert dict(new.children[1].attributes) == {
        "preCellId": "../a[1]", "postCellId": "../b/0/c", "weight": "0.5", "delay": "1ms",
    }  # fmt: skip


def test_an_id_that_neuroml_does_not_know_is_lost_unless_it_is_used() -> None:
    """A recorded path may go through it; one that says what the element says is none."""
    text = '<blockingPlasticSynapse id="s"><blockMechanism type="x" id="b"/></blockingPlasticSynapse>'
    losses = Losses()
    component = read_string(f"<Lems>{text}</Lems>", "m.xml").components[0]
    assert formed(component, (), losses).children[0].id is None
    assert [str(loss) for loss in losses] == [
        "m.xml:1: id 'b' of <blockMechanism>: NeuroML gives this element no id"
    ]
    assert form(text, ("b",)).children[0].id == "b"
    assert form(text.replace('"b"', '"blockMechanism"')).children[0].id is None


def test_the_grammar_reads_what_the_schema_says() -> None:
    """Inherited elements first, groups and choices resolved, enumerations of types listed."""
    document = list(grammar.content(grammar.DOCUMENT))
    assert document[:3] == ["notes", "property", "annotation"]
    assert document.index("cell") < document.index("pulseGenerator") < document.index("network")
    gates = grammar.content("IonChannelHH")
    assert gates["gate"].rank == gates["gateHHrates"].rank
    assert gates["gate"].choice is not None
    assert grammar.enumerated("Population") == {"population", "populationList"}
    assert grammar.attributes("ConnectionWD")["delay"] == "Nml2Quantity_time"
    assert grammar.content("none") == grammar.attributes("none") == {}
    assert grammar.enumerated("IafCell") == frozenset()
