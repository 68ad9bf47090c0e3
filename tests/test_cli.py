"""The command line as users meet it: output, files, messages and exit statuses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

import tvbo_lite
from tvbo_lite.adapters.neuroml import run_lems_example
from tvbo_lite.backends import native
from tvbo_lite.cli import COMMANDS, _console, _files, cli
from tvbo_lite.errors import BackendError
from tvbo_lite.formats import FORMATS
from tvbo_lite.formats.dat import read_dat, write_dat
from tvbo_lite.formats.lems.reader import link_string
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.lems.recording import Recording
from tvbo_lite.resources import folder

if TYPE_CHECKING:
    from click.testing import Result

EX9 = "LEMS_NML2_Ex9_FN.xml"
EX8 = "LEMS_NML2_Ex8_AdEx.xml"
IZHIKEVICH = folder("reference_examples") / "izhikevich" / "experiment.yaml"
CELL = '<izhikevichCell id="iz" v0="-60mV" thresh="30mV" a="0.02" b="0.2" c="-50" d="2"/>'
YAML = """
label: one cell
dynamics: {name: fn, iri: "neuroml:fitzHughNagumoCell", parameters: {I: {value: 0.8}}}
integration: {method: euler, step_size: 10, duration: 1000, time_scale: ms}
"""


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def output_file(name: str, label: str = "o") -> str:
    column = '<OutputColumn id="v" quantity="p[0]/v"/>'
    return f'<OutputFile id="{label}" fileName="{name}">{column}</OutputFile>'


def document(outputs: str = output_file("v.dat"), *, length: str = "2ms", cell: str = CELL) -> str:
    return f"""<Lems>
  <Target component="sim"/>
  <Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
  {cell}
  <network id="net"><population id="p" component="iz" size="1"/></network>
  <Simulation id="sim" length="{length}" step="0.01ms" target="net">
    {outputs}
  </Simulation>
</Lems>"""


def files() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file())


def assert_refused(result: Result, *words: str, status: int = 2) -> None:
    assert result.exit_code == status
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr


# ---- the pages -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_page_has_an_example(command: str) -> None:
    """``--help`` and ``-h`` show a line to copy, laid out as it was written."""
    for flag in ("--help", "-h"):
        result = call(*filter(None, [command]), flag)
        assert result.exit_code == 0
        assert re.search(rf"^ +tvbo-lite {command}", result.stdout, re.MULTILINE)


def test_the_examples_of_the_help_pages_parse() -> None:
    """No page shows an option or a command that does not exist."""
    pages = [call("--help").stdout, *(call(name, "--help").stdout for name in COMMANDS)]
    lines = [line.split()[1:] for page in pages for line in page.splitlines() if "  tvbo-lite " in line]
    assert len(lines) >= len(COMMANDS)
    context = cli.make_context("tvbo-lite", ["schema"])
    for name, *arguments in lines:
        command = cli.get_command(context, name)
        assert command is not None
        command.make_context(name, arguments, resilient_parsing=False)


def test_the_table_of_commands_agrees_with_their_pages() -> None:
    """Each command has the name of its row; the table's line is a sentence."""
    context = cli.make_context("tvbo-lite", ["schema"])
    for name, (_, text) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert text.endswith(".")


def test_the_version_is_the_package_s() -> None:
    """``--version`` prints name and version."""
    assert call("--version").stdout.split()[-1] == tvbo_lite.__version__


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    """The exit status is that of wrong usage."""
    assert_refused(call("rum"), "did you mean 'run'?")
    assert_refused(call("xyzzy"), "run, render, convert")


def test_an_unknown_option_is_wrong_usage() -> None:
    """Click's message, exit status 2."""
    assert_refused(call("run", EX9, "--outt", "x"), "--outt")


# ---- run -------------------------------------------------------------------------------------


def test_run_writes_what_the_recording_holds() -> None:
    """The file has every value of the run as float32; the summary tells its size and the times."""
    result = call("run", EX9, "--out", "here")
    assert result.exit_code == 0, result.output
    assert files() == ["here/results/ex9.dat"]
    recording = native.run_file(EX9)
    (file,) = recording.plan.tables()
    expected = recording.table(file).astype(np.float32)
    np.testing.assert_array_equal(read_dat("here/results/ex9.dat").astype(np.float32), expected)
    assert "here/results/ex9.dat: 20001 rows x 3 columns" in result.stdout
    assert re.search(r"simulated 200 s \(20000 steps\) in .* times real time", result.stdout)


def test_run_without_out_writes_beside_a_file_and_here_for_an_example() -> None:
    """Output goes to the folder of FILE; a canonical example has none."""
    Path("models").mkdir()
    Path("models/m.xml").write_text(document(output_file("deep/er/v.dat")))
    assert call("run", "models/m.xml").exit_code == 0
    assert call("run", EX9).exit_code == 0
    assert files() == ["models/deep/er/v.dat", "models/m.xml", "results/ex9.dat"]


def test_run_of_a_file_with_displays_only_writes_them_all() -> None:
    """``auto.dat`` has time and a column for each display line."""
    line = '<Line id="{}" quantity="p[0]/{}" scale="1" timeScale="1ms"/>'
    lines = line.format("v", "v") + line.format("U", "U")
    display = (
        f'<Display id="d" title="D" timeScale="1ms" xmin="0" xmax="2" ymin="0" ymax="1">{lines}</Display>'
    )
    Path("m.xml").write_text(document(display))
    assert call("run", "m.xml").exit_code == 0
    assert read_dat("auto.dat").shape == (201, 3)


def test_run_of_a_file_without_any_output_says_so() -> None:
    """Nothing is written, which is noted on stderr."""
    Path("m.xml").write_text(document(""))
    result = call("run", "m.xml")
    assert result.exit_code == 0
    assert "no file was written" in result.stderr
    assert files() == ["m.xml"]


def test_run_of_a_yaml_experiment_gives_its_files() -> None:
    """YAML and LEMS are run alike."""
    Path("fn.yaml").write_text(YAML)
    result = call("run", "fn.yaml", "--out", "o")
    assert result.exit_code == 0, result.output
    written = [name for name in files() if name.endswith(".dat")]
    assert written
    assert all(read_dat(name).shape[0] == 101 for name in written)


def test_run_with_plot_draws_a_figure() -> None:
    """The format follows the name, in either case."""
    result = call("run", EX9, "--plot", "figures/a.SVG")
    assert result.exit_code == 0, result.output
    assert "<svg" in Path("figures/a.SVG").read_text()
    assert "wrote figures/a.SVG" in result.stdout


def test_run_with_jlems_gives_the_same_files() -> None:
    """Both backends write the same values under the same names."""
    assert call("run", EX8, "--out", "ours").exit_code == 0
    assert call("run", EX8, "--backend", "jlems", "--out", "theirs").exit_code == 0
    ours, theirs = sorted(Path("ours").rglob("*.dat")), sorted(Path("theirs").rglob("*.dat"))
    assert len(ours) == len(theirs) == 4
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(read_dat(mine).astype(np.float32), read_dat(other).astype(np.float32))


def test_includes_are_found_in_the_folders_given() -> None:
    """``-I`` adds a folder to those in which an include is looked for."""
    Path("lib").mkdir()
    Path("lib/cell.xml").write_text(f'<Lems><Include file="Cells.xml"/>{CELL}</Lems>')
    Path("m.xml").write_text(document(cell='<Include file="cell.xml"/>'))
    assert_refused(call("run", "m.xml"), "m.xml:", "include 'cell.xml' is not found")
    assert call("run", "m.xml", "-I", "lib").exit_code == 0
    assert call("validate", "m.xml", "-I", "lib").exit_code == 0
    assert_refused(call("run", "m.xml", "-I", "nowhere"), "nowhere")


REFUSED = {
    "/tmp/v.dat": "absolute",
    "../v.dat": "leads out",
    "a/../../v.dat": "leads out",
    "a\\..\\..\\v.dat": "leads out",
    "C:\\v.dat": "absolute",
    "C:v.dat": "absolute",
    "\\\\host\\share\\v.dat": "absolute",
    ".": "names no file",
}


def test_files_that_leave_the_output_folder_are_refused_all_at_once() -> None:
    """Each is named with its line and the reason; nothing is run and nothing written."""
    tags = [output_file(name, f"o{k}") for k, name in enumerate(REFUSED)]
    Path("m.xml").write_text(document("\n".join(tags)))
    result = call("run", "m.xml", "--out", "o")
    assert_refused(result)
    lines = result.stderr.splitlines()
    assert len(lines) == len(REFUSED)
    for number, (name, reason) in enumerate(REFUSED.items()):
        assert lines[number].startswith(f"error: m.xml:{7 + number}: output file '{name}'")
        assert reason in lines[number]
    assert files() == ["m.xml"]


def test_an_output_may_not_overwrite_the_model_nor_another_output() -> None:
    """What the run would destroy is refused before it starts."""
    text = document(output_file("m.xml", "a") + output_file("v.dat", "b") + output_file("./v.dat", "c"))
    Path("m.xml").write_text(text)
    Path("f").write_text("a file")
    Path("d/v.dat").mkdir(parents=True)
    result = call("run", "m.xml")
    assert_refused(result, "would overwrite the model", "'b' is written to the same file")
    assert Path("m.xml").read_text() == text
    Path("n.xml").write_text(document())
    assert_refused(call("run", "n.xml", "--out", "f/g"), "f is a file, not a folder")
    assert_refused(call("run", "n.xml", "--out", "d"), "exists and is not a file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told_before_the_run() -> None:
    """The message names the folder."""
    Path("m.xml").write_text(document())
    Path("o").mkdir(mode=0o500)
    assert_refused(call("run", "m.xml", "--out", "o"), "you may not write to o")


def test_misspelt_names_are_answered_with_the_nearest() -> None:
    """Examples, backends and figures."""
    assert_refused(call("run", "LEMS_NML2_Ex9_FM.xml"), f"did you mean '{EX9}'?")
    assert_refused(call("run", EX9, "--backend", "jlms"), "did you mean 'jlems'?")
    assert_refused(call("run", EX9, "--plot", "a.pngg"), "did you mean '.png'?")
    assert_refused(call("run", EX9, "--plot", "a"), "has no ending")
    assert files() == []


def test_fast_is_refused_where_there_is_no_such_mode() -> None:
    """jLEMS has one speed."""
    assert_refused(call("run", EX9, "--backend", "jlems", "--fast"), "--fast")


def test_run_of_a_file_with_nothing_to_run_points_to_validate() -> None:
    """A NeuroML file of cells has no simulation."""
    jar.extract_examples(".")
    assert_refused(call("run", "examples/NML2_AbstractCells.nml"), "nothing to run", "tvbo-lite validate")


def test_a_model_with_problems_is_refused_with_all_of_them() -> None:
    """One line for each problem, each with the file and its line."""
    cell = '<izhikevichCell id="iz" v0="-60mV" thresh="30" a="0.02" b="0.2mV" d="2"/>'
    Path("m.xml").write_text(document(cell=cell))
    result = call("run", "m.xml")
    assert_refused(result, "thresh", "'c'")
    assert all(line.startswith("error: m.xml:4: ") for line in result.stderr.splitlines())
    assert len(result.stderr.splitlines()) == 3
    assert files() == ["m.xml"]


def test_a_run_that_diverges_leaves_no_file() -> None:
    """The message names variable and time; an older result stays."""
    text = document(cell='<fitzHughNagumoCell id="iz" I="0.8"/>', length="1000s")
    Path("m.xml").write_text(text.replace("0.01ms", "10s").replace("p[0]/v", "p[0]/V"))
    Path("v.dat").write_text("old")
    assert_refused(call("run", "m.xml"), "the run was stopped", "p[0]")
    assert Path("v.dat").read_text() == "old"
    assert files() == ["m.xml", "v.dat"]


def test_a_native_run_ends_when_its_time_is_over() -> None:
    """Nothing is written then."""
    Path("m.xml").write_text(document(length="20s"))
    result = call("run", "m.xml", "--timeout", "0.001")
    assert_refused(result, "stopped after 0.001 s", "--timeout")
    assert files() == ["m.xml"]


def test_event_files_are_written_in_both_orders() -> None:
    """Ids and float32 times, as jLEMS writes them; none where the backend recorded no events."""
    event = '<EventOutputFile id="{0}" fileName="{0}.spikes" format="{1}">{2}</EventOutputFile>'
    selection = '<EventSelection id="k" select="p[0]" eventPort="spike"/>'
    text = document(event.format("a", "ID_TIME", selection) + event.format("b", "TIME_ID", selection))
    model = link_string(text)
    recording = native.run_linked(model)
    times = np.array([1e-5, 0.0123])
    fake = Recording(
        recording.plan,
        recording.time,
        recording.values,
        (),
        {"a": (times, ("k", "n")), "b": (times, ("k", "n"))},
    )
    first, second = (_files.Output(file, Path(file.path)) for file in recording.plan.event_files)
    written = _files.write_outputs((first, second), fake)
    assert written == [(first, "2 events"), (second, "2 events")]
    assert Path("a.spikes").read_text() == "k\t1.0E-5\nn\t0.0123\n"
    assert Path("b.spikes").read_text() == "1.0E-5\tk\n0.0123\tn\n"
    none = Recording(recording.plan, recording.time, recording.values, ())
    assert _files.write_outputs((first, second), none) == []
    assert not _files.is_there(first, none)


@pytest.mark.parametrize("backend", ["native", "jlems"])
def test_an_event_file_without_selections_is_written_empty(backend: str) -> None:
    """As jLEMS does by itself."""
    empty = '<EventOutputFile id="e" fileName="e.spikes" format="ID_TIME"/>'
    Path("m.xml").write_text(document(output_file("v.dat") + empty))
    result = call("run", "m.xml", "--backend", backend)
    assert "wrote e.spikes: 0 events" in result.stdout
    assert Path("e.spikes").read_bytes() == b""


def test_a_column_that_a_backend_could_not_record_is_nan() -> None:
    """The other columns keep their places."""
    Path("m.xml").write_text(document())
    recording = native.run_file("m.xml")
    less = replace(recording, values=recording.values[:, :0], quantities=())
    (file,) = recording.plan.files
    ((_, content),) = _files.write_outputs([_files.Output(file, Path("v.dat"))], less)
    assert content == "201 rows x 2 columns"
    table = read_dat("v.dat")
    assert np.isnan(table[:, 1]).all()
    assert table[-1, 0] == 0.002


def test_an_unknown_format_of_an_event_file_is_refused() -> None:
    """Before the run, with the nearest one."""
    selection = '<EventSelection id="k" select="p[0]" eventPort="spike"/>'
    tag = f'<EventOutputFile id="e" fileName="e.txt" format="ID_TIMES">{selection}</EventOutputFile>'
    Path("m.xml").write_text(document(tag))
    assert_refused(call("run", "m.xml"), "m.xml:7", "ID_TIMES", "did you mean 'ID_TIME'?")


# ---- render, schema, examples ----------------------------------------------------------------


def test_render_shows_what_runs() -> None:
    """The text runs to the same values as the experiment."""
    Path("fn.yaml").write_text(YAML)
    result = call("render", "fn.yaml", "--to", "lems", "-o", "out/fn.xml")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert call("render", "fn.yaml").stdout == Path("out/fn.xml").read_text()
    call("run", "fn.yaml", "--out", "a")
    call("run", "out/fn.xml", "--out", "b")
    one, two = sorted(Path("a").rglob("*.dat")), sorted(Path("b").rglob("*.dat"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_render_shows_a_lems_file_with_its_includes_named() -> None:
    """A document goes through the model and comes back."""
    result = call("render", EX9)
    assert result.exit_code == 0
    assert '<Include file="Cells.xml"/>' in result.stdout


def test_a_misspelt_format_is_answered_with_the_nearest() -> None:
    """Even before the file is looked at; nothing is written."""
    assert_refused(call("render", "none.yaml", "--to", "lms", "-o", "x"), "did you mean 'lems'?")
    assert files() == []


def test_convert_takes_the_format_from_the_name() -> None:
    """LEMS to YAML and back gives the model that it was; several files go to a folder."""
    assert call("convert", EX9, "fn.yaml").stderr == "wrote fn.yaml\n"
    assert call("convert", "fn.yaml", "fn.xml").exit_code == 0
    assert call("render", "fn.yaml").stdout == Path("fn.xml").read_text()
    assert call("convert", "fn.yaml", "documents", "--to", "neuroml").exit_code == 0
    assert {path.name for path in Path("documents").iterdir()} >= {"LEMS_net1.xml", "net1.net.nml"}


def test_convert_needs_to_know_the_format() -> None:
    """A script may be for one simulator or another."""
    Path("fn.yaml").write_text(YAML)
    assert_refused(call("convert", "fn.yaml", "fn.py"), "fn.py: the name does not tell the format", "brian2")
    assert call("convert", "fn.yaml", "fn.py", "--to", "numpy").exit_code == 0
    assert not Path("fn.txt").exists()


def test_formats_are_listed_with_what_they_lose() -> None:
    """A line each, as in the table."""
    lines = call("formats").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(FORMATS)
    assert "events and resets" in lines[-1]


def test_a_failed_render_leaves_the_old_file() -> None:
    """OUT is replaced whole or not at all."""
    Path("bad.yaml").write_text("label: 1\ndynamic: {}\n")
    Path("out.xml").write_text("old")
    assert_refused(call("render", "bad.yaml", "-o", "out.xml"), "bad.yaml:2", "did you mean 'dynamics'?")
    assert Path("out.xml").read_text() == "old"
    assert files() == ["bad.yaml", "out.xml"]


def test_writing_where_nothing_can_be_written_is_one_message() -> None:
    """The system's words and the file's name."""
    Path("d").mkdir()
    Path("f").write_text("")
    assert_refused(call("schema", "--write", "d"), "error: d: Is a directory")
    assert_refused(call("schema", "--write", "f/x"), "error: f")


def test_schema_prints_and_writes_the_shipped_one() -> None:
    """Both ways give the same text."""
    shipped = (folder("schemas") / "experiment.schema.json").read_text(encoding="utf-8")
    assert call("schema").stdout == shipped
    assert call("schema", "--write", "s.json").exit_code == 0
    assert Path("s.json").read_text(encoding="utf-8") == shipped


def test_examples_lists_each_with_its_title() -> None:
    """Every name can be given to ``run``."""
    lines = call("examples").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(jar.example_names())
    assert any(line.endswith("Ex9: FitzHugh-Nagumo cell model in LEMS") for line in lines)


def test_examples_are_extracted() -> None:
    """With what they include."""
    result = call("examples", "--extract", "ex")
    assert result.exit_code == 0
    assert Path("ex/LEMSexamples", EX9).is_file()
    assert str(len(list(Path("ex").rglob("*.*ml")))) in result.stdout


# ---- validate --------------------------------------------------------------------------------


def test_validate_of_good_files_counts_them() -> None:
    """YAML, LEMS and NeuroML files may be mixed."""
    jar.extract_examples(".")
    nml = "examples/NML2_AbstractCells.nml"
    result = call("validate", IZHIKEVICH, EX9, f"LEMSexamples/{EX8}", nml)
    assert result.exit_code == 0, result.output
    assert result.stdout == "4 files, no problems\n"
    assert call("validate", EX9).stdout == "1 file, no problems\n"


def test_validate_lists_all_problems_of_all_files() -> None:
    """Each once, on its own line, with file and line; components that nothing uses count too."""
    unused = '<izhikevichCell id="u" v0="1" thresh="30mV" a="0.02" b="0.2" c="-50" d="2"/><iafCel id="w"/>'
    Path("m.xml").write_text(document(cell=CELL + unused))
    Path("bad.yaml").write_text("label: 1\ndynamic: {}\n")
    Path("broken.xml").write_text("<Lems>\n<a>\n</Lems>")
    result = call("validate", "m.xml", "bad.yaml", EX9, "broken.xml", "missing.yaml")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert len(lines) == len(set(lines))
    assert [line.split(":")[0] for line in lines[:2]] == ["m.xml", "m.xml"]
    assert "v0" in result.stdout
    assert "did you mean 'iafCell'?" in result.stdout
    assert any(line.startswith("bad.yaml:2") for line in lines)
    assert any(line.startswith("broken.xml:3") for line in lines)
    assert any(line.startswith("missing.yaml: ") for line in lines)
    assert f"{len(lines)} problems in 4 of 5 files" in result.stderr


def test_validate_finds_what_only_lowering_can() -> None:
    """A recorded quantity that does not exist; nothing is compiled for it."""
    Path("m.xml").write_text(document(output_file("v.dat").replace("p[0]/v", "p[0]/w")))
    script = (
        "import sys; from tvbo_lite.cli import cli\n"
        "try: cli(['validate', 'm.xml'])\n"
        "except SystemExit as end: print(end.code, 'llvmlite' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "p[0]/w" in found.stdout
    assert found.stdout.endswith("2 False\n")


# ---- compare ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """jLEMS's own output files of Ex9, without folders."""
    place = tmp_path_factory.mktemp("reference")
    for name, table in run_lems_example(EX9).items():
        write_dat(place / name, table)
    return place


def test_compare_with_jlems_shows_each_trace() -> None:
    """Errors, correlation, float32 values that differ, spikes; the times of both; exit status 0."""
    result = call("compare", EX8, "--plot", "a.png")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for word in ("max error", "RMSE", "correlation", "differing", "spikes", "shift", "verdict"):
        assert word in lines[0]
    spiking = next(line for line in lines if line.startswith("adExPop4[0]/v "))
    assert spiking.endswith("identical")
    assert "1 / 1" in spiking
    assert "8 of 8 traces pass" in result.stdout
    assert re.search(r"^native: .*simulating", result.stdout, re.MULTILINE)
    assert re.search(r"^jlems: .*simulating", result.stdout, re.MULTILINE)
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_compare_with_earlier_results(reference: Path) -> None:
    """A folder of files, with or without the folders that the document names."""
    result = call("compare", EX9, "--reference", reference)
    assert result.exit_code == 0, result.output
    assert "2 of 2 traces pass, 2 of them identical" in result.stdout


def test_compare_beyond_the_tolerance_exits_with_1(reference: Path, tmp_path: Path) -> None:
    """The verdict stands in the trace's row; the other traces pass; a wider tolerance lets it pass."""
    table = read_dat(reference / "ex9.dat")
    table[100, 1] += 1e-3
    write_dat(tmp_path / "wrong" / "ex9.dat", table)
    result = call("compare", EX9, "--reference", "wrong", "--plot", "a.svg")
    assert result.exit_code == 1
    assert "FAIL" in result.stdout
    assert "1 of 2 traces pass" in result.stdout
    assert "1 / 20001" in result.stdout
    assert Path("a.svg").is_file()
    assert call("compare", EX9, "--reference", "wrong", "--tolerance", "0.01").exit_code == 0


def test_compare_with_a_folder_that_does_not_fit() -> None:
    """Missing files, bad files and other lengths are errors, not failures."""
    Path("empty").mkdir()
    assert_refused(call("compare", EX9, "--reference", "empty"), "empty: there is no results/ex9.dat")
    Path("text").mkdir()
    Path("text/ex9.dat").write_text("0 1\n1 x\n")
    assert_refused(call("compare", EX9, "--reference", "text"), "text/ex9.dat:2: 'x' is not a number")
    write_dat("short/ex9.dat", np.zeros((3, 3)))
    assert_refused(call("compare", EX9, "--reference", "short"), "3 times, ours 20001")
    assert_refused(call("compare", EX9, "--reference", "jlms"), "did you mean 'jlems'?")


SPIKES = """<EventOutputFile id="s" fileName="s.spikes" format="TIME_ID">
      <EventSelection id="k" select="p[0]" eventPort="spike"/></EventOutputFile>"""
FIRING = CELL.replace('thresh="30mV"', 'thresh="-70mV"')


def test_event_files_are_compared_with_those_of_an_earlier_run(tmp_path: Path) -> None:
    """Line by line; a missing file is an error, an event of another time fails and is shown."""
    Path("m.xml").write_text(document(output_file("v.dat") + SPIKES, cell=FIRING))
    assert call("run", "m.xml", "--out", "earlier").exit_code == 0
    result = call("compare", "m.xml", "--reference", "earlier")
    assert result.exit_code == 0, result.output
    assert re.search(r"^events s .* identical$", result.stdout, re.MULTILINE)
    assert "1 of 1 event files pass" in result.stdout
    file = tmp_path / "earlier" / "s.spikes"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(["0.0\tk", *lines[1:]]))
    result = call("compare", "m.xml", "--reference", "earlier")
    assert result.exit_code == 1
    assert "s: line 1 is 'k' at 0 s in the reference" in result.stdout
    file.unlink()
    assert_refused(call("compare", "m.xml", "--reference", "earlier"), "earlier: there is no s.spikes")


def test_compare_all_gives_a_row_for_each_example() -> None:
    """Ex25 runs in neither: its row says so, the reasons follow, and it is no failure."""
    result = call("compare", "--all", "--only", "Ex*[59]_[FM]*", "--markdown", "pages/a.md")
    assert result.exit_code == 0, result.output
    header, first, second, *rest = result.stdout.splitlines()
    assert header.split()[:6] == ["model", "traces", "values", "differing", "worst/range", "spikes"]
    assert re.fullmatch(rf"{EX9} +2 +40002 +0 +0 +- +- +[\d.]+ s +[\d.]+ s +[\d.]+  identical", first)
    assert re.match(r"LEMS_NML2_Ex25_MultiComp\.xml .* not run", second)
    assert any("multi-compartment cells are not supported" in line for line in rest)
    assert "1 of 2 models agree, 1 of them identical as float32; 1 can be run by neither" in rest
    assert "0 of 40002 values differ, in 2 traces; 0 events" in rest
    page = Path("pages/a.md").read_text()
    assert f"| {EX9} | 2 | 40002 | 0 | 0 |" in page
    assert "tvbo-lite compare --all --only 'Ex*[59]_[FM]*' --markdown pages/a.md" in page
    for word in ("jNeuroML 0", "Java ", "Python 3", "llvmlite 0", "cores"):
        assert word in page


def test_compare_of_several_files_fails_if_one_does() -> None:
    """A row each; what was wrong with a file is told below, and the others are still compared."""
    Path("m.xml").write_text(document(output_file("v.dat") + SPIKES, cell=FIRING))
    Path("wrong.xml").write_text(document(cell=CELL.replace('a="0.02"', 'a="x"')))
    result = call("compare", "m.xml", "wrong.xml", "absent.xml")
    assert result.exit_code == 1
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:4]}
    assert re.search(r" (\d+) equal .* identical$", rows["m.xml"])
    assert rows["wrong.xml"].endswith("FAIL")
    assert rows["absent.xml"].endswith("FAIL")
    assert "wrong.xml: ours: wrong.xml:4" in result.stdout
    assert "1 of 3 models agree, 1 of them identical as float32; 2 fail" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a FILE, or --all"),
        (["--all", EX9], "--all takes no FILE"),
        ([EX9, "--only", "Ex9*"], "--only goes with --all"),
        ([EX9, "--markdown", "a.md"], "--markdown is for several files"),
        (["--all", "--plot", "a.png"], "--plot is for one FILE"),
        (["--all", "--reference", "."], "a folder as --reference is for one FILE"),
        (["--all", "--only", "Ex9_F"], "did you mean 'Ex9_FN'?"),
    ],
)
def test_options_of_compare_that_do_not_go_together_are_refused(arguments: list[str], message: str) -> None:
    """Before anything runs, with what would be right."""
    assert_refused(call("compare", *arguments), message)


def test_the_example_that_runs_is_named_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how many are done; a pipe never sees it."""
    with _console.Stage(2) as stage:
        stage("one")
    assert stage.bar is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with _console.Stage(2) as stage:
        stage("one")
        stage("two [red]")
        assert stage.bar is not None
        (task,) = stage.bar.tasks
        assert (task.description, task.completed, task.total) == ("two [red]", 1, 2)
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_table_with_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rich; brackets in names are text, not markup."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    _console.table(("trace", "verdict"), [("p[0]/v", "FAIL"), ("[red]", "ok")])
    shown = capsys.readouterr().out
    assert "p[0]/v" in shown
    assert "[red]" in shown


# ---- progress --------------------------------------------------------------------------------


def test_progress_is_drawn_on_a_terminal_after_a_second_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe never sees it, a short run neither."""
    with _console.Watch() as watch:
        watch.begin -= 10
        watch(1, 2)
    assert watch.bar is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with _console.Watch() as watch:
        watch(1, 2)
        assert watch.bar is None
        watch.begin -= 10
        watch(1, 2)
        assert watch.bar is not None
        watch(2, 2)
    captured = capsys.readouterr()
    assert captured.out == ""


def test_a_run_that_ends_in_time_is_not_stopped() -> None:
    """The limit is looked at between pieces of a run, not after its end."""
    watch = _console.Watch(timeout=1)
    watch.begin -= 2
    watch(2, 2)
    with pytest.raises(BackendError, match="50 % of it done"):
        watch(1, 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.2, "200 ms"), (1.5, "1.5 s"), (2e-5, "20 us"), (1e-9, "0.001 us"), (0.99999, "1 s")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    """Three digits and a handy unit."""
    assert _console.duration(seconds) == text


# ---- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (PermissionError(13, "Permission denied", "x.dat"), 2, "error: x.dat: Permission denied"),
        (OSError("odd"), 2, "error: odd"),
        (MemoryError(), 2, "memory"),
        (ValueError("oops"), 70, "please report"),
        (BackendError("one:\n  more"), 2, "error: one:\n  more"),
    ],
)
def test_errors_become_one_message(
    error: BaseException, status: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, without traceback; with ``--debug`` the error comes through."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(native, "run_linked", fail)
    result = call("run", EX9)
    assert_refused(result, text, status=status)
    assert result.stdout == ""
    assert files() == []
    debugged = call("--debug", "run", EX9)
    assert debugged.exit_code != 0
    if isinstance(error, Exception):
        assert debugged.exception is error


def test_log_messages_go_to_stderr_when_asked_for() -> None:
    """jLEMS's own words, for instance."""
    Path("m.xml").write_text(document())
    script = [sys.executable, "-m", "tvbo_lite", "--log-level", "info", "run", "m.xml", "--backend", "jlems"]
    found = subprocess.run(script, capture_output=True, text=True, check=True)
    assert "INFO tvbo_lite.jlems: " in found.stderr
    assert_refused(call("--log-level", "loud", "schema"), "--log-level")


# ---- real processes --------------------------------------------------------------------------


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tvbo_lite", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_process_runs_and_ends_with_its_status() -> None:
    """Output is complete although the interpreter is not taken apart; statuses arrive."""
    with process("run", EX9, "--out", "o") as good:
        out, err = good.communicate(timeout=60)
    assert (good.returncode, err) == (0, "")
    assert out.endswith("times real time\n")
    assert read_dat("o/results/ex9.dat").shape == (20001, 3)
    with process("run", "none.xml") as bad:
        out, err = bad.communicate(timeout=60)
    assert (bad.returncode, out) == (2, "")
    assert err.startswith("error: none.xml: ")


def test_a_debug_run_shows_the_traceback() -> None:
    """The one way to see one."""
    with process("--debug", "run", "none.xml") as bad:
        _, err = bad.communicate(timeout=60)
    assert bad.returncode == 1
    assert "Traceback" in err


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_goes_away_ends_the_process_quietly() -> None:
    """As in ``tvbo-lite schema | head -1``."""
    with process("schema") as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        writing.stdout.close()
        err = writing.stderr.read()
    assert err == ""


HEAVY = (
    "numpy",
    "rich",
    "matplotlib",
    "xarray",
    "pydantic",
    "jinja2",
    "yaml",
    "lxml",
    "llvmlite",
    "logging",
    "scipy",
)


def loaded(*arguments: str) -> set[str]:
    """The heavy libraries that a command has loaded when it ends."""
    script = (
        "import sys; from tvbo_lite.cli import cli\n"
        f"try: cli({list(arguments)!r})\n"
        f"except SystemExit: print(); print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(found.stdout.splitlines()[-1].split())


def test_commands_load_only_what_they_need() -> None:
    """A page, a list or a schema loads nothing; a run neither plots nor validates YAML."""
    for arguments in (["--help"], ["--version"], ["run", "--help"], ["examples"], ["schema"]):
        assert loaded(*arguments) == set(), arguments
    assert loaded("run", EX9) <= {"numpy", "lxml", "llvmlite", "logging"}
