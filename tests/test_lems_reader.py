"""Reading LEMS and NeuroML: places in messages, refused documents, includes."""

# ruff: noqa: E501  the XML of small models reads better unbroken

import pytest

from tvbo_lite.errors import Location, ReadError
from tvbo_lite.formats.lems import sources
from tvbo_lite.formats.lems.reader import link, link_string, read_file, read_string
from tvbo_lite.formats.neuroml import jar

TYPE = '<ComponentType name="{0}"/>'


def problems(text):
    with pytest.raises(ReadError) as error:
        read_string(text, "model.xml")
    return error.value.problems


# ---- what is read ----------------------------------------------------------------------------------------


def test_the_parts_of_a_document():
    model = read_string(
        """<Lems description="d"><Target component="sim" reportFile="r.txt"/><Include file="Cells.xml"/>
        <Dimension name="voltage" m="1" l="2" t="-3" i="-1"/><Unit symbol="mV" dimension="voltage" power="-3"/>
        <Constant name="R" dimension="none" value="8.3"/>
        <ComponentType name="A" extends="B" description="x"><Parameter name="p" dimension="voltage"/></ComponentType>
        <A id="a" p="3mV"><child type="C" x="1"/>some words</A></Lems>"""
    )
    assert (model.target, model.report_file) == ("sim", "r.txt")
    assert [include.file for include in model.includes] == ["Cells.xml"]
    assert model.dimensions[0].exponents == (1, 2, -3, -1, 0, 0, 0)
    assert (model.units[0].symbol, model.units[0].power) == ("mV", -3)
    assert model.constants[0].value == "8.3"
    assert model.component_types[0].parameters[0].dimension == "voltage"
    component = model.components[0]
    assert (component.tag, component.id, dict(component.attributes)) == ("A", "a", {"p": "3mV"})
    assert (component.children[0].tag, component.children[0].type) == ("child", "C")


def test_namespaces_comments_and_prose_are_skipped():
    model = read_string(
        """<?xml version="1.0"?><!-- c --><Lems xmlns="http://www.neuroml.org/lems/0.7.6"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"><?pi x?>
        <notes>n</notes><annotation><x/></annotation><Assertion dimension="d" matches="m"/>
        <ComponentType name="A"><About>a</About><Meta><x/></Meta></ComponentType><A id="a"/></Lems>"""
    )
    assert [component.id for component in model.components] == ["a"]


def test_neuroml_documents_are_read_too():
    model = read_string('<neuroml id="x"><include href="cell.nml"/><iafCell id="c"/></neuroml>')
    assert [include.file for include in model.includes] == ["cell.nml"]
    assert model.components[0].tag == "iafCell"


def test_locations_are_lines_of_the_file():
    model = read_string('<Lems>\n\n<ComponentType name="A"/>\n<A id="a"/></Lems>', "model.xml")
    assert str(model.component_types[0].location) == "model.xml:3"
    assert str(model.components[0].location) == "model.xml:4"


# ---- what is wrong ------------------------------------------------------------------------------------------


def test_all_problems_of_a_file_are_told_at_once():
    found = problems(
        """<Lems><ComponentType name="A">
        <Parametre name="p"/>
        <Parameter dimension="none"/>
        <Dynamics><StateVariabel name="x"/>
        <DerivedVariable name="d" value="1" select="x"/></Dynamics></ComponentType>
        <Unit symbol="u" power="three"/></Lems>"""
    )
    assert [problem.location.line for problem in found] == [2, 3, 4, 5, 6]
    texts = [str(problem) for problem in found]
    assert (
        "model.xml:2: <Parametre> is not known inside <ComponentType>; did you mean 'Parameter'?" in texts[0]
    )
    assert "<Parameter> has no attribute 'name' (found: dimension)" in texts[1]
    assert "did you mean 'StateVariable'?" in texts[2]
    assert "either 'value' or 'select'" in texts[3]
    assert "power='three' is not a number" in texts[4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not well-formed"),
        ("<Lems>", "not well-formed"),
        ("<Lems><a></b></Lems>", "not well-formed"),
        ("<Lems a='1' a='2'/>", "not well-formed"),
        ("<Lems>&nbsp;</Lems>", "not well-formed"),
        ("no xml", "not well-formed"),
        ("<sbml/>", "the root element is <sbml>; expected <Lems> or <neuroml>"),
        ("<Lems><Target/></Lems>", "<Target> has no attribute 'component'"),
        ("<Lems><Include href='x'/></Lems>", "<Include> has no attribute 'file' (found: href)"),
        (
            '<Lems><ComponentType name="A"><Dynamics/><Dynamics/></ComponentType></Lems>',
            "more than one <Dynamics>",
        ),
    ],
)
def test_faults_are_told_with_their_place(text, message):
    found = problems(text)
    assert message in str(found[0])
    assert str(found[0]).startswith("model.xml:")


LAUGHS = """<!DOCTYPE lolz [<!ENTITY l0 "lol">{}]><Lems><A id="a">&l9;</A></Lems>""".format(
    "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
)


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE Lems><Lems/>",
        '<!DOCTYPE Lems SYSTEM "http://127.0.0.1:1/x.dtd"><Lems/>',
        '<!DOCTYPE Lems [<!ENTITY e "x">]><Lems>&e;</Lems>',
        '<!DOCTYPE Lems [<!ENTITY e SYSTEM "file:///etc/passwd">]><Lems><A id="a">&e;</A></Lems>',
        '<!DOCTYPE Lems [<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;]><Lems/>',
        LAUGHS,
    ],
)
def test_doctypes_and_entities_are_refused(text):
    """No entity is expanded, no file of the reader's machine read, no address asked."""
    found = problems(text)
    assert "root:" not in str(found[0])
    assert "DOCTYPE" in str(found[0]) or "not well-formed" in str(found[0])


def test_text_that_is_not_utf8_is_a_read_error(tmp_path):
    (tmp_path / "m.xml").write_bytes(b"<Lems>\xff\xfe</Lems>")
    with pytest.raises(ReadError, match="not well-formed"):
        read_file(tmp_path / "m.xml")


def test_deeply_nested_documents_are_refused(tmp_path):
    """A million nested elements end in an error of ours."""
    depth = 100_000
    (tmp_path / "m.xml").write_text("<Lems>" + "<a>" * depth + "</a>" * depth + "</Lems>")
    with pytest.raises(ReadError):
        read_file(tmp_path / "m.xml")


# ---- files -----------------------------------------------------------------------------------------------------


def test_a_missing_file_is_told_with_the_nearest_example():
    with pytest.raises(ReadError, match=r"LEMS_NML2_Ex2_Iz\.xml: .*did you mean 'LEMS_NML2_Ex2_Izh\.xml'"):
        read_file("LEMS_NML2_Ex2_Iz.xml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ReadError, match="is a folder"):
        read_file(tmp_path)


def test_a_canonical_example_is_read_from_the_jar():
    model = read_file("LEMS_NML2_Ex0_IaF.xml")
    assert "iafTauCell" in {kind.name for kind in model.component_types}
    assert model.includes == ()


@pytest.fixture
def folder(tmp_path):
    """Writes named files and gives their folder."""

    def write(**files):
        for name, content in files.items():
            file = tmp_path / f"{name}.xml"
            file.write_text(f"<Lems>{content}</Lems>", encoding="utf-8")
        return tmp_path

    return write


def types_of(model):
    return [kind.name for kind in model.component_types]


def test_includes_come_before_what_the_document_declares(folder):
    place = folder(
        main=TYPE.format("M") + '<Include file="a.xml"/><Include file="b.xml"/>',
        a='<Include file="c.xml"/>' + TYPE.format("A"),
        b=TYPE.format("B"),
        c=TYPE.format("C"),
    )
    assert types_of(read_file(place / "main.xml")) == ["C", "A", "B", "M"]


def test_each_file_is_read_once(folder):
    """However it is spelt, and however often it is included."""
    include = '<Include file="c.xml"/><Include file="./c.xml"/>'
    place = folder(main=include + '<Include file="a.xml"/>', a=include, c=TYPE.format("C"))
    assert types_of(read_file(place / "main.xml")) == ["C"]


def test_files_may_include_one_another(folder):
    place = folder(
        main='<Include file="a.xml"/><Include file="main.xml"/>' + TYPE.format("M"),
        a='<Include file="b.xml"/>' + TYPE.format("A"),
        b='<Include file="a.xml"/><Include file="main.xml"/>' + TYPE.format("B"),
    )
    assert types_of(read_file(place / "main.xml")) == ["B", "A", "M"]


def test_an_include_is_found_beside_its_file_then_in_the_search_folders(folder, tmp_path):
    place = folder(main='<Include file="sub/a.xml"/><Include file="extra.xml"/>')
    for name, content in (("sub/a.xml", '<Include file="b.xml"/>'), ("sub/b.xml", TYPE.format("B"))):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(f"<Lems>{content}</Lems>")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "extra.xml").write_text(f"<Lems>{TYPE.format('E')}</Lems>")
    assert types_of(read_file(place / "main.xml", (tmp_path / "more",))) == ["B", "E"]


def test_core_types_are_found_whatever_folder_is_given(folder):
    place = folder(main='<Include file="../../NeuroML2CoreTypes/NeuroMLCoreDimensions.xml"/>')
    assert "mV" in {unit.symbol for unit in read_file(place / "main.xml").units}


def test_a_file_of_ones_own_goes_before_a_core_type(folder):
    place = folder(main='<Include file="Cells.xml"/>', Cells=TYPE.format("Mine"))
    assert types_of(read_file(place / "main.xml")) == ["Mine"]


def test_a_missing_include_is_told_with_its_line_and_the_nearest_name(folder):
    place = folder(main='\n\n<Include file="Cell.xml"/>')
    with pytest.raises(ReadError) as error:
        read_file(place / "main.xml", (place / "more",))
    text = str(error.value)
    assert "main.xml:3: include 'Cell.xml' is not found" in text
    assert "did you mean 'Cells.xml'?" in text


def test_a_missing_include_is_told_with_every_place_looked_in(folder):
    """Beside the including file, in each search folder, among the core types; a file there may be meant."""
    place = folder(main='<Include file="sub/cell.xml"/>', cell1="")
    with pytest.raises(ReadError) as error:
        read_file(place / "main.xml", (place / "more", place / "other"))
    tried = [
        f"there is no {where / 'sub' / 'cell.xml'}" for where in (place, place / "more", place / "other")
    ]
    assert ", ".join((*tried, "and NeuroML has no core type file of that name")) in str(error.value)
    with pytest.raises(ReadError, match="include 'x' is not found: NeuroML has no core type file"):
        link_string('<Lems><Include file="x"/></Lems>')
    place = folder(main='<Include file="cell2.xml"/>', cell="")
    with pytest.raises(ReadError, match=r"did you mean 'cell\.xml'"):
        read_file(place / "main.xml")
    with pytest.raises(ReadError, match=r"there is no jNeuroML:examples/x\.nml"):
        sources.included("x.nml", sources.InJar("examples/NML2_FullNeuroML.nml"), (), Location())


def test_a_fault_in_an_included_file_names_that_file(folder):
    place = folder(main='<Include file="a.xml"/>', a="\n<ComponentType/>")
    with pytest.raises(ReadError, match=r"a\.xml:2: <ComponentType> has no attribute 'name'"):
        read_file(place / "main.xml")


def test_a_text_may_include_from_a_folder(folder):
    place = folder(a=TYPE.format("A"))
    text = '<Lems><Include file="a.xml"/></Lems>'
    assert types_of(link_string(text, search=(place,))) == ["A"]
    assert types_of(link(read_string(text), (place,))) == ["A"]
    with pytest.raises(ReadError, match=r"'a\.xml' is not found"):
        link_string(text)


def test_every_canonical_example_and_core_type_file_is_read():
    for name in jar.example_names():
        assert read_file(name).components
    for name in jar.core_names():
        assert link_string(f'<Lems><Include file="{name}"/></Lems>') is not None
