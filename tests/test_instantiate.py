"""The instance tree: what is made, in which order it is advanced, what is connected to what."""

# ruff: noqa: E501  the XML of small models reads better unbroken

import pytest

from tvbo_lite.errors import ModelError, TvboLiteError, UnsupportedError
from tvbo_lite.formats.lems.reader import link_string
from tvbo_lite.transforms.instances import walk
from tvbo_lite.transforms.instantiate import instantiate
from tvbo_lite.transforms.java_hash import java_hash_order
from tvbo_lite.transforms.resolve import Resolver

TYPES = """
<ComponentType name="Part"/>
<ComponentType name="Cell"><EventPort name="spike" direction="out"/><EventPort name="in" direction="in"/>
 <EventPort name="other" direction="in"/><Child name="zeta" type="Part"/><Child name="alpha" type="Part"/>
 <Children name="parts" type="Part"/><Attachments name="synapses" type="Syn"/><Attachments name="inputs" type="Syn"/>
 <Dynamics><StateVariable name="v" dimension="none"/><OnCondition test="v .gt. 1"><EventOut port="spike"/></OnCondition>
 <OnEvent port="in"><StateAssignment variable="v" value="0"/></OnEvent>
 <OnEvent port="other"><StateAssignment variable="v" value="0"/></OnEvent></Dynamics></ComponentType>
<ComponentType name="Syn"><Property name="weight" dimension="none" defaultValue="1"/><EventPort name="in" direction="in"/>
 <Dynamics><StateVariable name="g" dimension="none"/>
 <OnEvent port="in"><StateAssignment variable="g" value="g + weight"/></OnEvent></Dynamics></ComponentType>
<ComponentType name="Group"><ComponentReference name="component" type="Cell"/><Parameter name="size" dimension="none"/>
 <Structure><MultiInstantiate component="component" number="size"/></Structure></ComponentType>
<ComponentType name="Wire"><Path name="from"/><Path name="to"/><Text name="outPort"/><Text name="inPort"/>
 <Parameter name="wait" dimension="none"/>
 <Structure><With instance="from" as="a"/><With instance="to" as="b"/>
 <EventConnection from="a" to="b" sourcePort="outPort" targetPort="inPort" delay="wait"/></Structure></ComponentType>
<ComponentType name="Plug"><Path name="from"/><Path name="to"/><Text name="where"/><Parameter name="w" dimension="none"/>
 <ComponentReference name="synapse" type="Syn"/>
 <Structure><With instance="from" as="a"/><With instance="to" as="b"/>
 <EventConnection from="a" to="b" receiver="synapse" receiverContainer="where"><Assign property="weight" value="2*w"/>
 </EventConnection></Structure></ComponentType>
<ComponentType name="Net"><Children name="groups" type="Group"/><Children name="cells" type="Cell"/>
 <Children name="wires" type="Wire"/><Children name="plugs" type="Plug"/></ComponentType>
"""
THINGS = '<Cell id="c"/><Syn id="s"/>'


def tree(content, extra=""):
    text = f'<Lems>{TYPES}{extra}{THINGS}<Net id="net">{content}</Net></Lems>'
    resolver = Resolver(link_string(text, "model.xml"))
    target = resolver.component("net", resolver.model.location)
    assert resolver.problems == []
    return instantiate(target)


def paths(root):
    return [instance.path() for instance in walk(root)]


# ---- what is made, and its order -----------------------------------------------------------------------------


def test_groups_in_document_order_and_their_members_by_index():
    root = tree('<Group id="q" component="c" size="2"/><Group id="a" component="c" size="1"/>')
    assert paths(root) == ["q[0]", "q[1]", "q", "a[0]", "a", "net"]


def test_children_come_before_lists_and_single_ones_in_hash_order():
    root = tree('<Cell id="x"><zeta/><Part id="p2"/><alpha/><Part id="p1"/></Cell>')
    first, second = java_hash_order(["zeta", "alpha"])
    assert paths(root) == [f"x/{first}", f"x/{second}", "x/p2", "x/p1", "x", "net"]


def test_members_of_a_group_know_their_index():
    root = tree('<Group id="q" component="c" size="3"/>')
    assert [root.descend(f"q[{k}]").values["index"] for k in range(3)] == [0.0, 1.0, 2.0]


def test_consolidated_instances():
    """The root, members of a group, attachments and their single children are; members of a list are not."""
    root = tree(
        '<Cell id="x"><zeta/></Cell><Group id="q" component="c" size="1"/><Plug id="1" from="x" to="q[0]" where="synapses" synapse="s" w="1"/>'
    )
    flags = {instance.path(): instance.consolidated for instance in walk(root)}
    assert flags == {
        "x/zeta": False,
        "x": False,
        "q[0]/synapses:s:0": True,
        "q[0]": True,
        "q": False,
        "1": False,
        "net": True,
    }


@pytest.mark.parametrize("size", ["0", "2.4", "1.6"])
def test_the_number_of_members_is_rounded(size):
    root = tree(f'<Group id="q" component="c" size="{size}"/>')
    assert len(root.descend("q").lists.get("", [])) == round(float(size))


@pytest.mark.parametrize("size", ["-2", "1e12"])
def test_absurd_numbers_of_members_are_refused(size):
    with pytest.raises(ModelError, match="cannot make"):
        tree(f'<Group id="q" component="c" size="{size}"/>')


def test_a_component_that_holds_itself_is_refused():
    """A group that makes groups that make groups ends in an error of ours."""
    extra = """<ComponentType name="Loop"><ComponentReference name="component" type="Loop"/>
    <Structure><ChildInstance component="component"/></Structure></ComponentType><Loop id="l" component="l"/>
    <ComponentType name="Holder"><Children name="loops" type="Loop"/></ComponentType>"""
    text = f'<Lems>{TYPES}{extra}<Holder id="net"><Loop id="m" component="l"/></Holder></Lems>'
    resolver = Resolver(link_string(text))
    with pytest.raises(TvboLiteError):
        instantiate(resolver.component("net", resolver.model.location))


# ---- paths -----------------------------------------------------------------------------------------------------


def test_paths_lead_up_and_down():
    root = tree('<Cell id="x"><zeta/><Part id="p"/></Cell><Group id="q" component="c" size="2"/>')
    assert root.descend("q[1]").path() == "q[1]"
    assert root.descend("x/p").path() == "x/p"
    assert root.descend("x/zeta/../p").path() == "x/p"
    assert root.descend("") is root


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("q[2]", r"the indices are 0 to 1"),
        ("y", r"there is no 'y' here"),
        ("grup[0]", r"there is no 'grup' here"),
        ("q[-1]", r"there is no '\[-1\]'"),
        ("q[a]", r"there is no '\[a\]'"),
        ("../..", r"there is no '\.\.'"),
    ],
)
def test_a_path_that_leads_nowhere_is_explained(path, message):
    with pytest.raises(ModelError, match=message):
        tree('<Group id="q" component="c" size="2"/>').descend(path)


# ---- connections -------------------------------------------------------------------------------------------------


CELLS = '<Cell id="x"/><Cell id="y"/>'


def connections(root, source, port="spike"):
    return [
        (one.target.path(), one.port, one.delay) for one in root.descend(source).connections.get(port, [])
    ]


def test_a_wire_joins_the_first_ports():
    """Unless it names them: the only out port, and the first in port in hash order."""
    root = tree(CELLS + '<Wire id="1" from="x" to="y" wait="0"/>')
    assert connections(root, "x") == [("y", "other", 0.0)]


def test_a_wire_may_name_ports_and_a_delay():
    root = tree(CELLS + '<Wire id="1" from="x" to="y" outPort="spike" inPort="other" wait="2"/>')
    assert connections(root, "x") == [("y", "other", 2.0)]


def test_wires_keep_their_order():
    wires = "".join(f'<Wire id="{n}" from="x" to="{end}" wait="{n}"/>' for n, end in enumerate("yxy"))
    assert connections(tree(CELLS + wires), "x") == [
        ("y", "other", 0.0),
        ("x", "other", 1.0),
        ("y", "other", 2.0),
    ]


def test_a_plug_attaches_a_receiver_with_its_weight():
    plugs = "".join(
        f'<Plug id="{n}" from="x" to="y" where="{where}" synapse="s" w="{n}"/>'
        for n, where in enumerate(["synapses", "inputs", "synapses"])
    )
    root = tree(CELLS + plugs)
    assert [target for target, _, _ in connections(root, "x")] == [
        "y/synapses:s:0",
        "y/inputs:s:0",
        "y/synapses:s:1",
    ]
    assert [root.descend(f"y/synapses:s:{n}").values["weight"] for n in (0, 1)] == [0.0, 4.0]
    assert root.descend("y/inputs:s:0").values["weight"] == 2.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<Wire id="1" from="x" to="z" wait="0"/>', "there is no 'z' here"),
        ('<Wire id="1" from="x" wait="0"/>', "'to'"),
        ('<Plug id="1" from="x" to="y" synapse="s" w="1"/>', "no attachments '' .*synapses"),
        ('<Plug id="1" from="x" to="y" where="synapse" synapse="s" w="1"/>', "did you mean 'synapses'"),
    ],
)
def test_a_connection_that_cannot_be_made_is_explained(content, message):
    with pytest.raises(ModelError, match=message):
        tree(CELLS + content)


@pytest.mark.parametrize("kind", ["Gather", "Choose", "Withh"])
def test_structure_without_a_rule_is_refused_by_name(kind):
    extra = f'<ComponentType name="Odd"><Structure><{kind}/></Structure></ComponentType>'
    text = f'<Lems>{extra}<Odd id="net"/></Lems>'
    resolver = Resolver(link_string(text, "model.xml"))
    with pytest.raises(UnsupportedError, match=f"<{kind}> in the structure of 'Odd' is not supported"):
        instantiate(resolver.component("net", resolver.model.location))
