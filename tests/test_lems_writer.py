"""The LEMS writer: every part of a model, safely and in the documented layout."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from jinja2 import UndefinedError
from lxml import etree

from tvbo_lite.errors import Location, ReadError, RenderError
from tvbo_lite.formats import _jinja
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.lems import model as m
from tvbo_lite.resources import folder

if TYPE_CHECKING:
    from pathlib import Path

ACTION = m.Action((m.StateAssignment("x", "0"), m.StateAssignment("y", "x + 1")), ("spike",), "rest")
DYNAMICS = m.Dynamics(
    simultaneous=True,
    state_variables=(m.StateVariable("x", "voltage", "x"), m.StateVariable("y")),
    derivatives=(m.TimeDerivative("x", "(a - x) / tau"),),
    derived=(
        m.DerivedVariable("total", "current", "total", select="inputs[*]/i", reduce="add", required=False),
        m.DerivedVariable("twice", value="2 * x"),
    ),
    conditional=(m.ConditionalDerivedVariable("s", "none", "s", (m.Case("1", "x .lt. a"), m.Case("0"))),),
    on_start=(m.Action((m.StateAssignment("x", "a"),)),),
    on_condition=(m.OnCondition("x .gt. a .and. y .leq. 1", ACTION),),
    on_event=(m.OnEvent("in", m.Action((m.StateAssignment("y", "y + w"),))),),
    regimes=(
        m.Regime(
            "rest",
            True,  # noqa: FBT003  the regime is the initial one
            (m.TimeDerivative("x", "0"),),
            (m.DerivedVariable("z", value="x"),),
            (m.Action((m.StateAssignment("x", "0"),)),),
            (m.OnCondition("t .gt. a", m.Action(transition="go")),),
            (m.OnEvent("in", m.Action(events=("spike",))),),
            (m.StateVariable("inner"),),
        ),
        m.Regime("go"),
    ),
    kinetic_schemes=(m.KineticScheme("k", "states", "q", "moves", "from", "to", "rf", "rr", "v", "dv"),),
)
CELL = m.ComponentType(
    "myCell",
    extends="baseCell",
    description="a < b",
    parameters=(m.Parameter("a", "voltage", "a threshold"), m.Parameter("tau", "time")),
    index_parameters=(m.Parameter("n"),),
    derived_parameters=(m.DerivedParameter("r", "1 / tau", "per_time"),),
    fixed=(m.Fixed("b", "2 mV"),),
    properties=(m.Property("w", "none", "1"), m.Property("u")),
    constants=(m.Constant("MS", "1 ms", "time"),),
    texts=("note",),
    paths=("where",),
    links=(m.Reference("from", "state"),),
    references=(m.Reference("synapse", "baseSynapse", local=True),),
    component_requirements=(m.Reference("population"),),
    instance_requirements=(m.Reference("peer", "gapJunction"),),
    children=(m.ChildSlot("rate", "baseRate"), m.ChildSlot("gates", "gate", many=True)),
    attachments=(m.Attachments("inputs", "basePointCurrent"),),
    requirements=(m.Requirement("v", "voltage"),),
    exposures=(m.Exposure("x", "voltage", "the state"),),
    event_ports=(m.EventPort("in", "in"), m.EventPort("spike", "out")),
    dynamics=DYNAMICS,
    structure=(
        m.Builder("With", {"instance": "where", "as": "a"}),
        m.Builder("Tunnel", {"name": "peer"}, (m.Builder("Assign", {"property": "w", "value": "n"}),)),
    ),
    simulation=(m.Builder("Record", {"quantity": "where"}),),
)
EVERYTHING = m.Model(
    target="sim",
    report_file="report.txt",
    includes=(m.Include("Cells.xml"), m.Include("Simulation.xml")),
    dimensions=(m.Dimension("voltage", m=1, l=2, t=-3, i=-1), m.Dimension("all", 1, 2, 3, 4, 5, 6, 7)),
    units=(m.Unit("mV", "voltage", -3), m.Unit("degC", "temperature", 0, 0.1, 273.15)),
    constants=(m.Constant("PI", "3.14159265358979"), m.Constant("F", "96485.3 C_per_mol", "charge_per_mole")),
    assertions=(m.Assertion("voltage", "current * resistance"),),
    component_types=(CELL, m.ComponentType("empty")),
    components=(
        m.Component("myCell", "c1", attributes={"tau": "10 ms", "a": "-50 mV"}, children=(
            m.Component("rate", None, "expRate", attributes={"scale": "1e-3"}),
            m.Component("gate", "g", extends="g0", children=(m.Component("rate", text="said\n  here"),)),
        )),
        m.Component("Component", "c2", "myCell"),
    ),
)  # fmt: skip


def tree(model: m.Model) -> etree._Element:
    return etree.fromstring(write(model))


@pytest.mark.parametrize(
    "model", [EVERYTHING, m.Model(), m.Model(target="x")], ids=["all", "empty", "target"]
)
def test_reading_what_was_written_gives_the_model_back(model: m.Model) -> None:
    """Nothing that a model can hold is lost on the way through XML."""
    assert read_string(write(model)) == model


def test_the_example_of_everything_leaves_no_field_at_its_default() -> None:
    """The model used above fills every field of every class, so the round trip proves something."""
    for item in (EVERYTHING, CELL, DYNAMICS, DYNAMICS.regimes[0], DYNAMICS.kinetic_schemes[0], ACTION):
        for field in fields(item):
            if field.name not in ("location", "description", "beyond", "renamed"):  # XML does not hold these
                assert getattr(item, field.name) != field.default, field.name


def test_prose_is_written_but_does_not_count_in_comparisons() -> None:
    """Descriptions and the text of notes reach the file, with their line breaks."""
    root = tree(EVERYTHING)
    assert root.find("ComponentType").get("description") == "a < b"
    assert root.find("ComponentType/Parameter").get("description") == "a threshold"
    assert root.find("myCell/gate/rate").text.split() == ["said", "here"]


def test_the_layout_is_that_of_the_documentation() -> None:
    """Target, includes and components stand apart by one blank line; nesting is indented by four."""
    cell = m.Component("izhikevichCell", "iz", attributes={"a": "0.02", "v0": "-70 mV"})
    network = m.Component(
        "network", "net1", children=(m.Component("population", "p", attributes={"size": "1"}),)
    )
    text = write(
        m.Model(
            "sim1", includes=(m.Include("Cells.xml"), m.Include("Inputs.xml")), components=(cell, network)
        )
    )
    assert text == (
        "<Lems>\n"
        '  <Target component="sim1"/>\n'
        "\n"
        '  <Include file="Cells.xml"/>\n'
        '  <Include file="Inputs.xml"/>\n'
        "\n"
        '    <izhikevichCell id="iz" a="0.02" v0="-70 mV"/>\n'
        "\n"
        '    <network id="net1">\n'
        '        <population id="p" size="1"/>\n'
        "    </network>\n"
        "</Lems>\n"
    )


def test_attributes_keep_the_order_of_the_mapping() -> None:
    """The order of a component's attributes is the model's, after id, type and extends."""
    item = m.Component("x", "i", "t", attributes={"zeta": "1", "alpha": "2"})
    assert list(tree(m.Model(components=(item,)))[0].attrib) == ["id", "type", "zeta", "alpha"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}",
        "{% raise %}",
        "{# gone #}",
        "a < b & c > \"d\" 'e'",
        "]]>",
        "<!-- -->",
        "&amp;",
        "tab\tline\nfeed\r",
        " µm ∂ 😀 ",
    ],
)
def test_a_text_is_data_whatever_it_looks_like(text: str) -> None:
    """No text of a model is read as a template or as markup; white space survives in attributes."""
    item = m.Component("x", text, attributes={"note": text}, children=(m.Component("notes", text=text),))
    found = tree(m.Model(components=(item,)))[0]
    assert found.get("id") == found.get("note") == text
    assert found[0].text.split() == text.split()


@pytest.mark.parametrize("sign", ["\0", "\x08", "\x1f", "\ufffe", "\ud800"])
def test_a_control_character_is_refused_with_its_place(sign: str) -> None:
    """XML cannot hold these, not even as a reference; the message names file, line and attribute."""
    item = m.Component("x", attributes={"note": f"a{sign}"}, location=Location("e.yaml", 7))
    with pytest.raises(RenderError, match=rf"e\.yaml:7: attribute 'note' of <x> .*U\+{ord(sign):04X}"):
        write(m.Model(components=(item,)))


@pytest.mark.parametrize("name", ["", "a b", "1a", "a>", "a/", 'a="1"', "p:q", "a\n", "-a"])
def test_a_name_that_xml_does_not_allow_is_refused(name: str) -> None:
    """Tags and attribute names cannot be escaped, so a bad one is an error, not broken XML."""
    for item in (m.Component(name), m.Component("x", attributes={name: "1"})):
        with pytest.raises(RenderError, match="cannot be the name"):
            write(m.Model(components=(item,)))


def test_a_name_may_use_letters_of_any_script() -> None:
    """Names such as τ are XML names."""
    assert tree(m.Model(components=(m.Component("x", attributes={"τ_m": "1"}),)))[0].get("τ_m") == "1"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (m.Model(components=(m.Component("Include"),)), "cannot be written as <Include>"),
        (m.Model(components=(m.Component("x", "i", attributes={"id": "j"}),)), "'id' of <x> is given twice"),
        (m.Model(report_file="r.txt"), "report file needs a target"),
    ],
)
def test_what_would_not_be_read_back_is_refused(model: m.Model, message: str) -> None:
    """A model that no LEMS text can express is an error, never a text that means something else."""
    with pytest.raises(RenderError, match=message):
        write(model)


def test_bottomless_nesting_is_refused() -> None:
    """Components nested hundreds deep give an error of this package, not an exhausted stack."""
    item = m.Component("x")
    for _ in range(600):
        item = m.Component("x", children=(item,))
    with pytest.raises(RenderError, match="nested more than 100"):
        write(m.Model(components=(item,)))


def test_writing_leaves_the_model_alone() -> None:
    """The writer reads the model and changes nothing in it."""
    before = replace(EVERYTHING)
    write(EVERYTHING)
    assert before == EVERYTHING


def test_ten_thousand_connections_are_written_in_seconds() -> None:
    """Each connection is one short line."""
    many = tuple(m.Component("connection", str(i), attributes={"from": f"p[{i}]"}) for i in range(10_000))
    text = write(m.Model(components=(m.Component("projection", "p", children=many),)))
    assert text.count("\n        <connection ") == 10_000


def test_a_template_that_asks_for_a_missing_value_is_an_error() -> None:
    """A variable that the writer did not prepare is never an empty string."""
    with pytest.raises(RenderError, match=r"lems\.xml\.j2.*undefined") as caught:
        _jinja.render("lems.xml.j2", {})
    assert isinstance(caught.value.__cause__, UndefinedError)


@pytest.mark.parametrize("name", ["none.xml.j2", "../pyproject.toml", "/etc/passwd"])
def test_templates_come_from_their_folder_only(name: str) -> None:
    """A template that is not in the shipped folder does not exist."""
    with pytest.raises(RenderError, match="template"):
        _jinja.render(name, {})


def test_every_template_is_in_the_table_of_the_readme_and_short() -> None:
    """The README names each template; none has more than 40 lines."""
    templates = folder("lems_templates")
    table = (templates / "README.md").read_text()
    for template in templates.glob("*.j2"):
        assert f"`{template.name}`" in table
        assert len(template.read_text().splitlines()) <= 40


def test_data_folders_are_found_in_the_package_first_then_beside_it(tmp_path: Path) -> None:
    """An installed wheel carries its data inside the package; a checkout has it beside the package."""
    package = tmp_path / "pkg"
    (tmp_path / "schemas").mkdir()
    assert folder("schemas", package) == tmp_path / "schemas"
    (package / "_data" / "schemas").mkdir(parents=True)
    assert folder("schemas", package) == package / "_data" / "schemas"


def test_a_missing_data_folder_is_reported_with_the_places_looked_in(tmp_path: Path) -> None:
    """A broken installation says what is missing and where it was sought."""
    with pytest.raises(ReadError, match=r"'schemas' is missing.*_data"):
        folder("schemas", tmp_path / "pkg")
    with pytest.raises(ReadError, match="no data folder 'secrets'"):
        folder("secrets")
