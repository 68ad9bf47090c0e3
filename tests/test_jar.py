"""The jNeuroML jar inside pyneuroml: its core types and canonical examples."""

import subprocess
import sys
import zipfile

import pytest

from tvbo_lite.errors import BackendError, ReadError
from tvbo_lite.formats.neuroml import jar


@pytest.fixture
def other_jar(tmp_path, monkeypatch):
    """A function that lets a file of the given bytes stand in for the jar."""

    def use(content):
        path = tmp_path / "jNeuroML-9.9.9-jar-with-dependencies.jar"
        path.write_bytes(content)
        monkeypatch.setattr(jar, "jar_path", lambda: path)
        caches = (jar.core_names, jar.example_names, jar._directory)
        for function in caches:
            function.cache_clear()
        cleanup.extend(caches)
        return path

    cleanup = []
    yield use
    for function in cleanup:
        function.cache_clear()


def test_every_member_read_equals_what_zipfile_reads():
    """The short-cut through the central directory gives the same bytes as a full zip reader."""
    folders = ("NeuroML2CoreTypes/", "LEMSexamples/", "examples/")
    with zipfile.ZipFile(jar.jar_path()) as archive:
        names = [name for name in archive.namelist() if name.startswith(folders) and not name.endswith("/")]
        for name in names:
            folder, _, rest = name.partition("/")
            content = jar.core_file(rest) if folder == "NeuroML2CoreTypes" else jar.example_file(name)
            assert content == archive.read(name), name
    assert len(names) == len(jar._directory()) - len(folders)


def test_core_types():
    assert {"Cells.xml", "Networks.xml", "Simulation.xml"} <= set(jar.core_names())
    cells = jar.core_file("Cells.xml")
    assert cells is not None
    assert b"izhikevichCell" in cells
    assert jar.core_file("Cell.xml") is None
    assert jar.core_file("../examples/NML2_Inputs.nml") is None


def test_examples_are_in_natural_order():
    names = jar.example_names()
    assert len(names) == 31
    assert [name.split("_")[2] for name in names[:6]] == ["Ex0", "Ex1", "Ex2", "Ex3", "Ex4", "Ex4a"]
    assert names[-1] == "LEMS_NML2_Ex27_MultiSynapses.xml"


@pytest.mark.parametrize(
    "name", ["LEMS_NML2_Ex2_Izh.xml", "LEMS_NML2_Ex2_Izh", "LEMSexamples/LEMS_NML2_Ex2_Izh.xml"]
)
def test_an_example_is_found_by_its_name(name):
    assert jar.find_example(name) == "LEMSexamples/LEMS_NML2_Ex2_Izh.xml"


def test_an_unknown_example_gives_the_nearest_name():
    with pytest.raises(ReadError, match=r"did you mean 'LEMS_NML2_Ex2_Izh\.xml'"):
        jar.find_example("LEMS_NML2_Ex2_Iz.xml")
    with pytest.raises(ReadError, match=r"did you mean 'examples/NML2_Inputs\.nml'"):
        jar.example_file("examples/NML2_Input.nml")


def test_only_examples_are_example_files():
    assert jar.has_example_file("examples/NML2_Inputs.nml")
    assert not jar.has_example_file("NeuroML2CoreTypes/Cells.xml")
    assert not jar.has_example_file("examples/../NeuroML2CoreTypes/Cells.xml")
    assert not jar.has_example_file("examples/")


def test_extracting_writes_both_folders_and_nothing_else(tmp_path):
    written = jar.extract_examples(tmp_path)
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert {path.parent.name for path in written} == {"LEMSexamples", "examples"}
    assert (tmp_path / "examples/NML2_Inputs.nml").read_bytes() == jar.example_file(
        "examples/NML2_Inputs.nml"
    )
    assert jar.extract_examples(tmp_path) == written  # again, over the old ones


def test_pyneuroml_is_not_imported():
    """Importing pyneuroml takes seconds; reading the core types must not do it, nor load zipfile."""
    code = (
        "import sys; from tvbo_lite.formats.neuroml import jar; jar.core_file('Cells.xml'); "
        "sys.exit('pyneuroml' in sys.modules or 'zipfile' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_pyneuroml_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(jar, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match="pip install pyneuroml"):
        jar.jar_path()


@pytest.mark.parametrize("content", [b"", b"not a jar", b"PK\5\6" + bytes(18)])
def test_a_broken_jar_is_named(other_jar, content):
    path = other_jar(content)
    with pytest.raises(BackendError, match="reinstall pyneuroml") as caught:
        jar.core_names()
    assert str(path) in str(caught.value)


def test_a_damaged_member_is_named(other_jar, tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("NeuroML2CoreTypes/Cells.xml", b"<Lems>intact</Lems>")
    other_jar(whole.read_bytes())
    assert jar.core_file("Cells.xml") == b"<Lems>intact</Lems>"
    other_jar(whole.read_bytes().replace(b"intact", b"broken"))
    with pytest.raises(BackendError, match=r"NeuroML2CoreTypes/Cells\.xml is damaged"):
        jar.core_file("Cells.xml")
