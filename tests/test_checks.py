"""The rules about models as functions: severities, no false alarms, what jLEMS says to the same."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from java import has_java

from tvbo_lite.backends import jlems, native
from tvbo_lite.cli import cli
from tvbo_lite.cli.validate import findings
from tvbo_lite.errors import BackendError, ExpressionError, InputError, ModelError, ReadError, UnitError
from tvbo_lite.formats.lems.reader import link_string, read_file, read_string
from tvbo_lite.formats.lems.vocabulary import ATTRIBUTES, LEAVES
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.formats.neuroml.xsd import schema_file
from tvbo_lite.transforms.check import ERRORS, WARNINGS, check, require
from tvbo_lite.transforms.check.attributes import METADATA, SCHEMA_ONLY
from tvbo_lite.transforms.resolve import Resolver
from tvbo_lite.transforms.types import TypeTable

CORE = '<Lems><Include file="NeuroML2CoreTypes.xml"/><Include file="PyNN.xml"/><Include file="Simulation.xml"/></Lems>'
HEAD = '<Include file="NeuroMLCoreDimensions.xml"/>'
ODD = {  # what the canonical examples have that nothing reads, or that contradicts itself
    "LEMS_NML2_Ex18_GHK.xml": "'experimentalTemp' is read by nothing",
    "LEMS_NML2_Ex21_CurrentBasedSynapses.xml": "'destination' is read by nothing",
    "LEMS_NML2_Ex25_MultiComp.xml": "multi-compartment cells are not supported",
    "LEMS_NML2_Ex26_Weights.xml": "size='3', but it lists 9 instances",
    "LEMS_NML2_Ex27_MultiSynapses.xml": "'destination' is read by nothing (and 4 more like it)",
}


def checked(text: str) -> tuple[list[str], list[str]]:
    found = check(link_string(f"<Lems>{HEAD}{text}</Lems>", "m.xml"))
    return list(map(str, found.errors)), list(map(str, found.warnings))


def dynamics(inside: str, before: str = "") -> str:
    return f'<ComponentType name="T"><Parameter name="tau" dimension="time"/>{before}<Dynamics><StateVariable name="v" dimension="voltage"/>{inside}</Dynamics></ComponentType>'


# ---- no false alarms -------------------------------------------------------------------------


@pytest.mark.parametrize("name", jar.example_names())
def test_the_canonical_examples_have_no_problems(name: str) -> None:
    """Five have a warning, each a true one: of the multi-compartment example, that this engine cannot run it."""
    found = findings(name)
    assert found.errors == []
    assert [ODD.get(name, "") in line for line in found.warnings] == ([True] if name in ODD else [])


def test_neuroml_s_own_types_keep_the_rules() -> None:
    """But for one, whose permeability is a voltage by its equation; jLEMS prints that too."""
    found = check(link_string(CORE), library=True)
    assert found.errors == ()
    assert {("channelDensityGHK2" in str(item), "'pOpen'" in str(item)) for item in found.warnings} == {
        (True, True)
    }


def test_the_types_of_the_library_are_not_looked_at_again() -> None:
    """A run pays for its own types only."""
    assert check(link_string(CORE)) == ((), ())


def test_the_attributes_of_the_schema_are_known() -> None:
    """What NeuroML's schema allows on an element beyond its LEMS type stands in a table: no more, no less."""
    types = TypeTable(link_string(CORE).component_types)
    extra = {}
    for tag, attributes in schema_attributes().items():
        if tag in types:
            known = METADATA | set(types.get(tag).attribute_names()) | {"extends"}
            extra[tag] = attributes - known
    wrong = {tag: names for tag, names in extra.items() if not names <= SCHEMA_ONLY.get(tag, frozenset())}
    assert wrong == {}


def schema_attributes() -> dict[str, set[str]]:
    """The attributes of every element of the NeuroML schema."""
    space = "{http://www.w3.org/2001/XMLSchema}"
    root = ElementTree.parse(schema_file()).getroot()
    types = {item.get("name"): item for item in root.findall(f"{space}complexType")}

    def of(name: str | None) -> set[str]:
        item = types.get(name)
        if item is None:
            return set()
        own = {str(found.get("name")) for found in item.iter(f"{space}attribute") if found.get("name")}
        return own.union(*(of(base.get("base")) for base in item.iter(f"{space}extension")))

    found: dict[str, set[str]] = {}
    for element in root.iter(f"{space}element"):
        if element.get("name"):
            found.setdefault(str(element.get("name")), set()).update(of(element.get("type")))
    return found


def test_the_vocabulary_has_every_element_of_the_core_files() -> None:
    """Leaves are known elements; ``name`` is allowed on all that declare something."""
    assert ATTRIBUTES.keys() >= LEAVES
    assert all("description" in known for known in ATTRIBUTES.values())


# ---- rules -----------------------------------------------------------------------------------


def test_every_rule_says_what_it_holds() -> None:
    """Its docstring is the rule in words; no rule stands in the tables twice."""
    rules = [*ERRORS, *WARNINGS]
    assert all(rule.__doc__ for rule in rules)
    assert len(set(rules)) == len(rules)


def test_all_problems_are_told_at_once_in_order() -> None:
    """By line, errors and warnings apart."""
    text = dynamics(
        '\n<TimeDerivative variable="v" value="w / tau"/>\n<OnEvent port="in"/>\n<DerivedVariable name="d" dimension="none" value="d"/>\n<OnStart><StateAssignment variable="u" value="1"/></OnStart>'
    )
    errors, warnings = checked(text)
    assert [line.split(": ")[0] for line in errors] == ["m.xml:2", "m.xml:3", "m.xml:5"]
    assert len(warnings) == 1


def test_a_forward_reference_is_no_circle() -> None:
    """A derived variable may use one that is declared later: it sees the value of the step before."""
    text = dynamics(
        '<DerivedVariable name="a" dimension="none" value="b + 1"/><DerivedVariable name="b" dimension="none" value="2"/>'
    )
    assert checked(text) == ([], [])


def test_a_zero_has_any_dimension() -> None:
    """In assignments, comparisons, and after a leading minus."""
    inside = '<TimeDerivative variable="v" value="-v / tau"/><OnCondition test="v .gt. 0"><StateAssignment variable="v" value="0"/></OnCondition>'
    assert checked(dynamics(inside)) == ([], [])


def test_powers_and_roots_have_dimensions() -> None:
    """A constant power multiplies exponents; one that is no number is not judged."""
    for value in ("v^2 / (v * tau)", "sqrt(v^2) / tau", "abs(v) / tau", "v^n * v^(1 - n) / tau"):
        text = dynamics(
            f'<TimeDerivative variable="v" value="{value}"/>', '<Parameter name="n" dimension="none"/>'
        )
        assert checked(text) == ([], []), value


def test_a_type_sees_what_it_inherits() -> None:
    """Parameters, requirements and constants of its ancestors are declared names."""
    text = '<ComponentType name="P"><Parameter name="tau" dimension="time"/><Requirement name="i" dimension="none"/></ComponentType><ComponentType name="C" extends="P"><Dynamics><StateVariable name="x" dimension="none"/><TimeDerivative variable="x" value="i / tau"/></Dynamics></ComponentType>'
    assert checked(text) == ([], [])


def test_metadata_is_no_unknown_attribute() -> None:
    """Identifiers of ontologies, names and XML's own attributes may stand on any component."""
    text = '<ComponentType name="A"/><A id="a" metaid="m" neuroLexId="x" name="n" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="y"/>'
    assert checked(text) == ([], [])


def test_many_components_with_one_unknown_attribute_are_one_warning() -> None:
    """With their number."""
    cells = "".join(f'<A id="a{n}" weight="1"/>' for n in range(50))
    _, warnings = checked(f'<ComponentType name="A"/>{cells}')
    assert len(warnings) == 1
    assert "(and 49 more like it)" in warnings[0]


def test_require_raises_errors_and_gives_warnings() -> None:
    """What a run asks."""
    with pytest.raises(ExpressionError, match="'w' is not declared"):
        require(link_string(f'<Lems>{HEAD}{dynamics("""<TimeDerivative variable="v" value="w"/>""")}</Lems>'))
    (warning,) = require(link_string('<Lems><ComponentType name="A"/><A id="a" b="c"/></Lems>'))
    assert "'b' is read by nothing" in str(warning)


def test_the_error_of_a_model_is_of_the_class_that_all_its_problems_have() -> None:
    """Expressions, dimensions, or a model that contradicts itself; the last where several are found."""
    undeclared = '<TimeDerivative variable="v" value="w"/>'
    wrong_dimension = '<TimeDerivative variable="v" value="v"/>'
    for body, kind in (
        (dynamics(undeclared), ExpressionError),
        (dynamics(wrong_dimension), UnitError),
        (dynamics(undeclared) + '<B id="b"/><ComponentType name="B"/><B id="b"/>', ModelError),
    ):
        with pytest.raises(InputError) as caught:
            require(link_string(f"<Lems>{HEAD}{body}</Lems>"))
        assert type(caught.value) is kind


# ---- elements of the language, assertions ----------------------------------------------------


def test_a_misspelt_attribute_is_told_once() -> None:
    """Not as missing too, if it is the nearest to what is missing."""
    with pytest.raises(ReadError) as error:
        read_string('<Lems><ComponentType name="A"><Exposure nam="x"/></ComponentType></Lems>')
    assert [str(problem).partition(": ")[2] for problem in error.value.problems] == [
        "<Exposure> knows no attribute 'nam'; did you mean 'name'?"
    ]


def test_assertions_hold_for_the_dimensions_of_the_whole_document() -> None:
    """Those of included files too; a claim that is false is an error."""
    good = '<Assertion dimension="voltage" matches="current * resistance"/><Assertion dimension="per_time" matches="1 / time"/>'
    assert link_string(f"<Lems>{good}{HEAD}</Lems>")
    with pytest.raises(ReadError, match="does not hold"):
        link_string(f'<Lems>{HEAD}<Assertion dimension="voltage" matches="current + time"/></Lems>')
    with pytest.raises(ReadError, match="operand is missing"):
        link_string(f'<Lems>{HEAD}<Assertion dimension="voltage" matches="current *"/></Lems>')


def test_an_include_in_a_circle_is_read_once(tmp_path: Path) -> None:
    """As in jLEMS."""
    for one, other in (("a", "b"), ("b", "a")):
        text = f'<Lems><Include file="{other}.xml"/><ComponentType name="{one}"/></Lems>'
        (tmp_path / f"{one}.xml").write_text(text)
    assert check(read_file(tmp_path / "a.xml")) == ((), ())


# ---- what jLEMS says -------------------------------------------------------------------------

REFUSED = {
    "duplicate id": '<B id="b"/><B id="b"/>',
    "duplicate type": '<ComponentType name="B"/>',
    "unknown exposure": '<ComponentType name="C"><Dynamics><StateVariable name="x" dimension="none" exposure="y"/></Dynamics></ComponentType>',
    "dimension of a rate": dynamics('<TimeDerivative variable="v" value="v"/>'),
    "dimensions of a condition": dynamics('<OnCondition test="v .gt. tau"/>'),
    "undeclared name": dynamics('<TimeDerivative variable="v" value="w"/>'),
    "unknown dimension": '<ComponentType name="C"><Property name="p" dimension="volts"/></ComponentType>',
}
RUNS = {
    "a circle": dynamics('<DerivedVariable name="a" dimension="none" value="b"/><DerivedVariable name="b" dimension="none" value="a"/>'),
    "dimension of a derived variable": dynamics('<DerivedVariable name="a" dimension="voltage" value="tau"/>'),
    "unread attribute": '<B id="b" weight="3"/>',
}  # fmt: skip
WHOLE = """<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/>
<Include file="Simulation.xml"/><ComponentType name="B"/>
<fitzHughNagumoCell id="fn" I="0.8"/><network id="net"><population id="p" component="fn" size="1"/></network>{}
<Simulation id="sim" length="2s" step="1s" target="net"><OutputFile id="o" fileName="o.dat">
<OutputColumn id="v" quantity="p[0]/V"/></OutputFile></Simulation></Lems>"""


@pytest.mark.skipif(not has_java(), reason="no Java runtime")
@pytest.mark.parametrize("what", [*REFUSED, *RUNS])
def test_what_jlems_refuses_is_an_error_and_what_it_runs_a_warning(what: str) -> None:
    """Severities follow the reference interpreter."""
    text = WHOLE.format(REFUSED.get(what) or RUNS.get(what))
    found = check(link_string(text))
    if what in RUNS:
        assert jlems.run_text(text).values.shape == (3, 1)
        assert (len(found.errors), len(found.warnings)) == (0, 1)
        return
    with pytest.raises(BackendError):
        jlems.run_text(text)
    assert found.errors


# ---- the command line ------------------------------------------------------------------------


def test_warnings_do_not_fail_and_errors_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are printed; the summary counts them apart."""
    monkeypatch.chdir(tmp_path)
    Path("odd.xml").write_text('<Lems><ComponentType name="A"/>\n<A id="a" b="c"/></Lems>')
    result = CliRunner().invoke(cli, ["validate", "odd.xml"])
    assert result.exit_code == 0
    assert result.stdout.startswith("warning: odd.xml:2: A 'a': attribute 'b' is read by nothing")
    assert result.stdout.endswith("1 file, no problems, 1 warning\n")
    Path("bad.xml").write_text('<Lems><ComponentType name="A" extends="B"/></Lems>')
    result = CliRunner().invoke(cli, ["validate", "odd.xml", "bad.xml"])
    assert result.exit_code == 2
    assert "1 problem in 1 of 2 files, 1 warning" in result.stderr


def test_a_run_tells_warnings_once_on_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And refuses what validate calls an error."""
    monkeypatch.chdir(tmp_path)
    Path("m.xml").write_text(WHOLE.format(RUNS["unread attribute"]))
    result = CliRunner().invoke(cli, ["run", "m.xml"])
    assert result.exit_code == 0, result.output
    assert result.stderr.count("warning: m.xml:3: B 'b': attribute 'weight' is read by nothing") == 1
    Path("m.xml").write_text(WHOLE.format(REFUSED["duplicate id"]))
    result = CliRunner().invoke(cli, ["run", "m.xml"])
    assert result.exit_code == 2
    assert "error: m.xml:3: id 'b' of <B> is taken by <B> at m.xml:3" in result.stderr


def test_a_run_without_the_command_line_is_checked_too() -> None:
    """All problems at once, before anything is compiled; also where no instance would meet them."""
    body = dynamics('<TimeDerivative variable="v" value="w"/>') + '<B id="b" weight="2"/><B id="b"/>'
    with pytest.raises(ModelError) as caught:
        native.run_linked(link_string(WHOLE.format(body)))
    assert "'w' is not declared" in str(caught.value)
    assert "id 'b' of <B> is taken" in str(caught.value)


def test_a_run_resolves_and_checks_a_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line as from Python."""
    monkeypatch.chdir(tmp_path)
    Path("m.xml").write_text(WHOLE.format(""))
    made = []
    build = Resolver.__init__
    monkeypatch.setattr(Resolver, "__init__", lambda *given: (made.append(1), build(*given))[1])
    assert CliRunner().invoke(cli, ["run", "m.xml"]).exit_code == 0
    assert len(made) == 1
    native.run_file("m.xml")
    assert len(made) == 2
