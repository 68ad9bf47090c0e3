"""Components with their types: values in SI units, references, and every problem at once."""

# ruff: noqa: E501  the XML of small models reads better unbroken

import math

from tvbo_lite.errors import InputError, ModelError
from tvbo_lite.formats.lems.reader import link_string
from tvbo_lite.transforms.resolve import Resolver

HEAD = """<Include file="NeuroMLCoreDimensions.xml"/>
<ComponentType name="Gate"><Parameter name="rate" dimension="per_time"/></ComponentType>
<ComponentType name="FastGate" extends="Gate"><Fixed parameter="rate" value="1per_ms"/></ComponentType>
<ComponentType name="Cell"><Parameter name="v0" dimension="voltage"/><Parameter name="n" dimension="none"/>
<Constant name="MV" dimension="voltage" value="1mV"/>
<DerivedParameter name="ratio" dimension="none" value="v0/MV"/><DerivedParameter name="more" dimension="none" value="ratio + n"/>
<Text name="label"/><ComponentReference name="like" type="Cell"/><ComponentReference name="near" type="Gate" local="true"/>
<Child name="forward" type="Gate"/><Child name="back" type="Gate"/><Children name="gates" type="Gate"/></ComponentType>
<ComponentType name="BigCell" extends="Cell"><Fixed parameter="n" value="100"/></ComponentType>
"""


def resolver(text):
    return Resolver(link_string(f"<Lems>{HEAD}{text}</Lems>", "model.xml"))


def resolved(text, name="c"):
    found = resolver(text)
    component = found.component(name, found.model.location)
    assert found.problems == [], [str(problem) for problem in found.problems]
    return component


def problems(text, name="c"):
    found = resolver(text)
    try:
        found.component(name, found.model.location)
    except InputError as error:
        found.problems += error.problems
    return [str(problem) for problem in found.problems]


# ---- values ----------------------------------------------------------------------------------------------


def test_parameters_constants_and_derived_parameters_are_si_numbers():
    """A derived parameter sees the parameters, the constants and those derived before it."""
    cell = resolved('<Cell id="c" v0="-70mV" n="2"/>')
    assert cell.parameters == {"v0": -0.07, "n": 2.0, "MV": 0.001, "ratio": -70.0, "more": -68.0}


def test_a_fixed_parameter_need_not_be_given():
    assert resolved('<BigCell id="c" v0="1mV"/>').parameters["n"] == 100.0


def test_a_component_may_override_a_constant_of_its_type():
    assert resolved('<Cell id="c" v0="1mV" n="0" MV="10mV"/>').parameters["MV"] == 0.01


def test_extends_copies_values_but_not_children():
    text = '<Cell id="base" v0="1mV" n="3" label="x"><forward rate="1Hz"/></Cell><Cell id="c" extends="base" n="4"/>'
    cell = resolved(text)
    assert (cell.parameters["v0"], cell.parameters["n"], cell.text("label")) == (0.001, 4.0, "x")
    assert not list(cell.children())


def test_a_component_without_type_has_that_of_what_it_extends():
    assert resolved('<BigCell id="base" v0="1mV"/><Component id="c" extends="base"/>').type.name == "BigCell"


def test_the_type_may_be_an_attribute():
    assert resolved('<Component id="c" type="Cell" v0="1mV" n="0"/>').type.name == "Cell"


# ---- children and references ---------------------------------------------------------------------------------


def test_children_go_to_their_slot_or_list():
    text = """<Cell id="c" v0="1mV" n="0"><back rate="1Hz"/><Gate id="g" rate="2Hz"/>
    <forward type="FastGate"/><FastGate id="h"/></Cell>"""
    cell = resolved(text)
    assert list(cell.slots) == ["back", "forward"]
    assert cell.slots["forward"].type.name == "FastGate"
    assert [member.id for member in cell.lists["gates"]] == ["g", "h"]
    assert cell.slots["back"].parent is cell


def test_references_lead_to_top_level_components_or_siblings():
    text = """<Gate id="g" rate="9Hz"/><Cell id="o" v0="1mV" n="0"/>
    <Cell id="c" v0="1mV" n="0" like="o"><Gate id="g" rate="2Hz"/></Cell>"""
    cell = resolved(text)
    assert cell.references["like"].id == "o"


def test_a_component_is_resolved_once():
    found = resolver('<Cell id="c" v0="1mV" n="0"/>')
    first = found.component("c", found.model.location)
    assert found.component("c", found.model.location) is first


def test_components_may_refer_to_one_another():
    text = '<Cell id="c" v0="1mV" n="0" like="d"/><Cell id="d" v0="1mV" n="0" like="c"/>'
    cell = resolved(text)
    assert cell.references["like"].references["like"] is cell


def test_the_first_component_of_an_id_counts():
    """As in jLEMS, where a later one of the same id is not found by it."""
    assert resolved('<Cell id="c" v0="1mV" n="1"/><Cell id="c" v0="1mV" n="2"/>').parameters["n"] == 1.0


def test_global_constants_may_be_expressions_of_earlier_ones():
    found = resolver(
        '<Constant symbol="A" dimension="none" value="2"/><Constant symbol="B" dimension="none" value="A*3"/>'
    )
    assert found.constants() == {"A": 2.0, "B": 6.0}


# ---- what is wrong -------------------------------------------------------------------------------------------------


def test_a_missing_attribute_is_told_with_an_example():
    (text,) = problems('\n<Cell id="c" v_0="1mV" n="2"/>')
    assert text.startswith("model.xml:")
    assert "Cell 'c' has no attribute 'v0'; expected v0=\"<number> " in text
    assert "found instead: 'v_0'" in text


def test_a_wrong_dimension_is_told_with_fitting_units():
    (text,) = problems('<Cell id="c" v0="1nA" n="2"/>')
    assert "Cell 'c': v0: '1nA' is current, not voltage (units of voltage: " in text


def test_an_unknown_unit_is_told_with_the_nearest():
    (text,) = problems('<Cell id="c" v0="1mv" n="2"/>')
    assert "did you mean 'mV'?" in text


def test_an_unknown_type_is_told_with_the_nearest():
    (text,) = problems('<Cel id="c" v0="1mV" n="2"/>')
    assert "unknown component type 'Cel' of <Cel> 'c'; did you mean 'Cell'?" in text


def test_a_missing_component_is_told_with_the_nearest_id():
    (text,) = problems('<Cell id="cell1" v0="1mV" n="2"/>', "cell2")
    assert "component 'cell2' does not exist; did you mean 'cell1'?" in text


def test_a_dangling_reference_is_told():
    (text,) = problems('<Cell id="c" v0="1mV" n="2" like="x"/>')
    assert "like of Cell 'c': component 'x' does not exist" in text


def test_a_child_that_is_not_known_is_told():
    (text,) = problems('<Cell id="c" v0="1mV" n="2"><foward rate="1Hz"/></Cell>')
    assert "<foward> is not known inside Cell 'c'; did you mean 'forward'?" in text


def test_a_child_of_a_wrong_type_is_told():
    (text,) = problems('<Cell id="c" v0="1mV" n="2"><Cell id="d" v0="1mV" n="2"/></Cell>')
    assert "<Cell> (type Cell) has no place in Cell 'c'; expected Gate" in text


def test_a_derived_parameter_that_names_nothing_is_told_with_its_line():
    text = """<ComponentType name="Odd">
    <DerivedParameter name="d" dimension="none" value="2*q"/></ComponentType><Odd id="c"/>"""
    (told,) = problems(text)
    assert "'q' is not declared" in told
    assert told.startswith("model.xml:")


def test_all_problems_are_told_at_once():
    """Four faults in one component and its children, each with its line."""
    told = problems(
        """<Cell id="c" n="2mV" like="x">
        <forward rate="3"/>
        <Gate id="g"/></Cell>"""
    )
    assert len(told) == 5
    assert sum("has no attribute" in text for text in told) == 2
    assert sum("does not exist" in text for text in told) == 1
    assert sum("not per_time" in text for text in told) == 1


def test_a_value_that_is_wrong_is_not_a_number():
    """So that no later message follows from a made-up value."""
    found = resolver('<Cell id="c" v0="1nA" n="2"/>')
    assert math.isnan(found.component("c", found.model.location).parameters["v0"])


def test_components_that_extend_one_another_are_refused():
    told = problems('<Cell id="c" extends="d"/><Cell id="d" extends="c"/>')
    assert any("extend" in text for text in told)


def test_an_error_of_a_component_names_it_and_its_line():
    cell = resolved('<Cell id="c" v0="1mV" n="2"/>')
    error = cell.fail("is odd", "mend it")
    assert isinstance(error, ModelError)
    assert "Cell 'c': is odd; mend it" in str(error)
