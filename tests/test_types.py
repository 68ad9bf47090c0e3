"""Component types: what is inherited, and what is not."""

# ruff: noqa: E501  the XML of small models reads better unbroken

import pytest

from tvbo_lite.errors import ModelError
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.transforms.types import TypeTable

BASE = """<ComponentType name="Base"><Parameter name="p" dimension="none"/><Constant name="K" dimension="none" value="2"/>
<DerivedParameter name="dp" dimension="none" value="2*p"/><Text name="label"/><Path name="where"/>
<Property name="weight" dimension="none" defaultValue="1"/><Link name="link" type="Base"/>
<ComponentReference name="ref" type="Base"/><Child name="one" type="Base"/><Children name="many" type="Base"/>
<Attachments name="hooks" type="Base"/><Requirement name="v" dimension="none"/><Exposure name="x" dimension="none"/>
<EventPort name="in" direction="in"/><Dynamics><StateVariable name="x" dimension="none" exposure="x"/></Dynamics>
<Structure><ChildInstance component="ref"/></Structure><Simulation><Record quantity="where"/></Simulation></ComponentType>"""


def table(*types):
    return TypeTable(read_string(f"<Lems>{''.join(types)}</Lems>").component_types)


@pytest.fixture
def heir():
    return table(BASE, '<ComponentType name="Heir" extends="Base"/>').get("Heir")


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("parameters", "p"),
        ("derived_parameters", "dp"),
        ("constants", "K"),
        ("links", "link"),
        ("references", "ref"),
        ("child_slots", "one"),
        ("child_slots", "many"),
        ("requirements", "v"),
        ("exposures", "x"),
        ("event_ports", "in"),
    ],
)
def test_what_is_inherited(heir, group, name):
    assert name in getattr(heir, group)


@pytest.mark.parametrize("group", ["properties", "texts", "paths", "attachments", "structure"])
def test_what_is_not_inherited(heir, group):
    """jLEMS does not pass these on to a type that extends."""
    assert not getattr(heir, group)


def test_the_dynamics_and_the_simulation_are_inherited_as_a_whole(heir):
    assert [item.name for item in heir.dynamics.state_variables] == ["x"]
    assert heir.simulation[0].kind == "Record"


def test_own_dynamics_replace_the_inherited_ones():
    own = '<Dynamics><StateVariable name="y" dimension="none"/></Dynamics>'
    types = table(BASE, f'<ComponentType name="Heir" extends="Base">{own}</ComponentType>')
    assert [item.name for item in types.get("Heir").dynamics.state_variables] == ["y"]


def test_own_declarations_win_over_inherited_ones():
    own = '<Parameter name="p" dimension="voltage"/>'
    heir = table(BASE, f'<ComponentType name="Heir" extends="Base">{own}</ComponentType>').get("Heir")
    assert heir.parameters["p"].dimension == "voltage"


def test_fixed_values_pass_on_and_may_be_fixed_anew():
    types = table(
        BASE,
        '<ComponentType name="A" extends="Base"><Fixed parameter="p" value="3"/></ComponentType>',
        '<ComponentType name="B" extends="A"/>',
        '<ComponentType name="C" extends="A"><Fixed parameter="p" value="4"/></ComponentType>',
    )
    assert [types.get(name).fixed["p"] for name in "ABC"] == ["3", "3", "4"]


def test_the_lineage_goes_up_to_the_root():
    types = table(BASE, '<ComponentType name="A" extends="Base"/>', '<ComponentType name="B" extends="A"/>')
    assert types.get("B").lineage == ("B", "A", "Base")
    assert types.get("B").is_a("Base")
    assert not types.get("Base").is_a("A")


def test_a_type_may_be_declared_after_its_heir():
    types = table('<ComponentType name="A" extends="Base"/>', BASE)
    assert "p" in types.get("A").parameters


def test_the_first_declaration_of_a_name_counts():
    types = table(BASE, '<ComponentType name="Base"/>')
    assert "p" in types.get("Base").parameters


def test_an_unknown_type_is_reported_with_the_nearest_name():
    with pytest.raises(ModelError, match=r"unknown component type 'Bsae'; did you mean 'Base'\?"):
        table(BASE).get("Bsae")


def test_an_unknown_parent_is_reported_where_it_is_named():
    types = table(BASE, '\n<ComponentType name="A" extends="Bsae"/>')
    with pytest.raises(ModelError) as error:
        types.get("A")
    assert "unknown component type 'Bsae', which 'A' extends" in str(error.value)
    assert error.value.problems[0].location.line is not None


def test_types_that_extend_one_another_are_refused():
    names = ("A", "B", "C")
    circle = [f'<ComponentType name="{a}" extends="{b}"/>' for a, b in zip(names, "BCA", strict=True)]
    with pytest.raises(ModelError, match="extend one another: A extends B extends C extends A"):
        table(*circle).get("A")
    with pytest.raises(ModelError, match="A extends A"):
        table('<ComponentType name="A" extends="A"/>').get("A")


def test_a_long_line_of_types_is_followed():
    """Three hundred generations."""
    types = [BASE] + [
        f'<ComponentType name="T{n}" extends="{"Base" if n == 0 else f"T{n - 1}"}"/>' for n in range(300)
    ]
    assert "p" in table(*types).get("T299").parameters


def test_the_attributes_of_a_type():
    """All that its components may carry besides id, type and extends."""
    assert set(table(BASE).get("Base").attribute_names()) == {"p", "K", "label", "where", "link", "ref"}
