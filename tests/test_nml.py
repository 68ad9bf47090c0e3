"""NeuroML documents on their own: valid by the schema, and their networks run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from java import needs_java

from tvbo_lite.backends import native
from tvbo_lite.cli import cli
from tvbo_lite.cli._source import Wanted, read_model, read_source
from tvbo_lite.cli.validate import findings
from tvbo_lite.errors import InputError, ModelError, ReadError, UnitError
from tvbo_lite.formats.dat import read_dat
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.formats.neuroml.xsd import NAMESPACE, is_neuroml, schema_problems
from tvbo_lite.transforms.resolve import Resolver
from tvbo_lite.transforms.simulate import recorded_variables

HEAD = f'<neuroml xmlns="{NAMESPACE}" id="doc">'
IAF = '<iafCell id="iaf" leakReversal="-60mV" thresh="-55mV" reset="-62mV" C="1nF" leakConductance="0.05uS"/>'
FN = '<fitzHughNagumoCell id="fn" I="0.8"/>'
PULSE = '<pulseGenerator id="pulse" delay="1ms" duration="50ms" amplitude="0.5nA"/>'
NET = """<network id="{0}"><population id="pop" component="iaf" size="2"/>
<explicitInput target="pop[0]" input="pulse"/></network>"""


def document(*parts: str) -> str:
    return "\n".join((HEAD, *parts, "</neuroml>"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def examples() -> Path:
    jar.extract_examples("neuroml2")
    return Path("neuroml2", "examples")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["run", *arguments])
    return result.exit_code, result.stdout, result.stderr


TIMES = ("--duration", "20ms", "--step", "0.01ms")


# ---- validation ------------------------------------------------------------------------------


def test_the_examples_in_the_jar_are_valid(examples: Path) -> None:
    """By the schema and by all rules; one connects a population in a way that LEMS does not know."""
    wrong = {}
    for file in sorted(examples.iterdir()):
        found = findings(str(file))
        if found.errors or found.warnings:
            wrong[file.name] = found
    assert list(wrong) == ["InstanceBasedNet.xml"]
    assert len(wrong["InstanceBasedNet.xml"].errors) == 1


def test_the_schema_speaks_in_a_modeller_s_words() -> None:
    """No namespaces, no patterns of units, no facets; line and nearest name."""
    text = document(IAF.replace("-55mV", "-55 ms"), "<iafCel/>", PULSE.replace(" delay", " x='1' delay"))
    lines = [str(problem) for problem in schema_problems(text.encode(), "m.nml")]
    assert lines == [
        "m.nml:2: thresh='-55 ms' of <iafCell> is not valid; expected a number with a unit: V, mV",
        "m.nml:3: <iafCel> is not allowed here; did you mean 'iafCell'?",
    ]
    assert not any(word in line for line in lines for word in ("{", "facet", "http:", "xs:"))


def test_what_the_schema_tells_is_not_told_again() -> None:
    """A line that breaks the schema has that message alone; the others go through all rules."""
    Path("m.nml").write_text(document(IAF.replace(' thresh="-55mV"', ""), PULSE, NET.format("a"), FN, FN))
    lines = findings("m.nml").errors
    assert any("<iafCell> has no attribute 'thresh'" in line for line in lines)
    assert sum(line.startswith("m.nml:2: ") for line in lines) == 1
    assert any("id 'fn'" in line for line in lines)


def test_a_document_that_is_no_neuroml_is_refused() -> None:
    """The namespace is part of the schema."""
    with pytest.raises(ReadError, match="expected xmlns="):
        schema_problems(b"<neuroml/>", "m.nml")
    assert is_neuroml(b"<!-- not <Lems> --><neuroml/>")
    assert not is_neuroml(b"<Lems/>")


def test_a_neuroml_document_is_known_by_its_root() -> None:
    """Whatever its name; it is given the core types."""
    Path("m.xml").write_text(document(IAF))
    model, written = read_model("m.xml")
    assert Resolver(model).component("iaf", model.location).type.is_a("baseCell")
    assert written is None


def test_validation_does_not_import_libneuroml() -> None:
    """It takes seconds; only its folder is looked for."""
    Path("m.nml").write_text(document(IAF))
    code = (
        "import sys; from tvbo_lite.cli.validate import findings; print(*findings('m.nml'));"
        "print({'neuroml', 'pyneuroml'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[] []", "set()"]


# ---- runs ------------------------------------------------------------------------------------


def test_the_network_of_a_document_is_run() -> None:
    """Every cell's membrane potential goes to a file with the network's name."""
    Path("m.nml").write_text(document(IAF, PULSE, NET.format("net")))
    code, out, err = run("m.nml", *TIMES, "--out", "results")
    assert (code, err) == (0, "")
    assert "results/net.dat: 2001 rows x 3 columns" in out
    table = read_dat("results/net.dat")
    assert table[-1, 0] == pytest.approx(0.02, rel=1e-6)
    assert np.ptp(table[:, 1]) > 0
    assert np.ptp(table[:, 2]) == 0


def test_a_run_of_a_network_is_that_of_a_document_with_a_simulation(examples: Path) -> None:
    """There is no road of its own: the same model, run in the same way."""
    source = read_source(str(examples / "NML2_InstanceBasedNetwork.nml"), (), Wanted("50 ms", "0.01 ms"))
    assert [column.quantity for column in source.plan.files[0].columns] == [
        "iafCells/0/iaf/v",
        "iafCells/1/iaf/v",
        "iafCells/2/iaf/v",
    ]
    recording = source.run("native")
    again = native.run_model(source.written, search=(source.folder,))
    np.testing.assert_array_equal(recording.values, again.values)


@needs_java
def test_jlems_runs_the_same_network(examples: Path) -> None:
    """The document that includes the file is LEMS for any interpreter."""
    source = read_source(str(examples / "NML2_GapJunctionInstances.nml"), (), Wanted("20 ms", "0.01 ms"))
    ours, theirs = source.run("native"), source.run("jlems")
    np.testing.assert_array_equal(ours.values.astype(np.float32), theirs.values.astype(np.float32))


def test_one_of_several_networks_is_chosen() -> None:
    """They are named; a misspelt one is answered with the nearest."""
    Path("m.nml").write_text(document(IAF, PULSE, NET.format("first"), NET.format("second")))
    code, _, err = run("m.nml", *TIMES)
    assert code == 2
    assert "the document has 2 networks: 'first', 'second'; choose one with --network ID" in err
    assert "did you mean 'second'?" in run("m.nml", *TIMES, "--network", "secnd")[2]
    code, out, _ = run("m.nml", *TIMES, "--network", "second")
    assert code == 0
    assert "wrote second.dat" in out


def test_networks_of_included_files_do_not_count(examples: Path) -> None:
    """Where the document has one of its own; by name they can be run."""
    file = str(examples / "NML2_AnalogSynapsesHH.nml")
    assert "wrote o/net2.dat" in run(file, *TIMES, "--out", "o")[1]
    assert "wrote o/net1.dat" in run(file, *TIMES, "--out", "o", "--network", "net1")[1]


@pytest.mark.parametrize(
    ("duration", "step", "words"),
    [
        ("20", "0.01ms", "duration: '20' is a number without unit, not time"),
        ("20ms", "0.01mV", "step: '0.01mV' is voltage, not time"),
        ("20 msec", "1ms", "unknown unit 'msec'"),
        ("-20ms", "1ms", "'-20ms' is not a positive time"),
    ],
)
def test_times_are_quantities(duration: str, step: str, words: str) -> None:
    """With a unit of time, and positive."""
    Path("m.nml").write_text(document(IAF, PULSE, NET.format("net")))
    with pytest.raises(UnitError) as error:
        read_source("m.nml", (), Wanted(duration, step))
    assert words in str(error.value)


def test_both_times_are_needed_and_a_file_without_simulation() -> None:
    """Wrong use is told as such."""
    Path("m.nml").write_text(document(IAF))
    assert "both, --duration TIME and --step TIME" in run("m.nml", "--duration", "1ms")[2]
    assert "has no network" in run("m.nml", *TIMES)[2]
    assert "has a simulation of its own" in run("LEMS_NML2_Ex9_FN.xml", *TIMES)[2]
    assert "give --duration and --step" in run("m.nml")[2]


def test_a_network_with_problems_is_refused_with_all_of_them() -> None:
    """Before it is run."""
    Path("m.nml").write_text(
        document(IAF.replace("-55mV", "-55"), PULSE, NET.format("n").replace("pop[0]", "pop[5]"))
    )
    with pytest.raises(InputError, match="without unit"):
        read_source("m.nml", (), Wanted("1ms", "0.1ms"))
    Path("m.nml").write_text(document(IAF, PULSE, NET.format("n").replace("pop[0]", "pop[5]")))
    assert "there is no cell 5; 'pop' has 2 cells" in run("m.nml", *TIMES)[2]


def test_cells_without_potential_are_recorded_by_their_states() -> None:
    """``v`` or ``V`` where there is one."""
    types = Resolver(read_model("LEMS_NML2_Ex0_IaF.xml")[0]).types
    assert recorded_variables(types.get("iafCell")) == ("v",)
    assert recorded_variables(types.get("fitzHughNagumoCell")) == ("V",)
    assert recorded_variables(types.get("pinskyRinzelCA3Cell")) == ("v",)
    assert recorded_variables(types.get("spikeGenerator")) == ("tsince", "tnext")


def test_a_network_with_nothing_to_record_is_refused() -> None:
    """An empty population is no run."""
    Path("m.nml").write_text(
        document(IAF, PULSE, '<network id="n"><population id="p" component="iaf" size="0"/></network>')
    )
    with pytest.raises(ModelError, match="no cell with a variable to record"):
        read_source("m.nml", (), Wanted("1ms", "0.1ms"))
