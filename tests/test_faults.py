"""Real faults: a disk that is full, a folder that takes nothing, signals, a Java that hangs or dies, two runs at once."""

# ruff: noqa: E501  small models read better unbroken

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from java import needs_java

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import jlems
from tvbo_lite.backends.java import java_version
from tvbo_lite.cli import cli
from tvbo_lite.cli._failure import failure
from tvbo_lite.errors import BackendError, StoreError, UnsupportedError
from tvbo_lite.results import ExperimentResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

resource = pytest.importorskip("resource")

CELLS = """
network:
  dynamics: {cell: {parameters: {tau: TAU}, state_variables: {v: {equation: 1/tau, initial_value: 0}}, events: {spike: {condition: v >= 1, affect: v = 0}}}}
  populations: {C: {dynamics: cell, size: 20, record: RECORD}}
integration: {step_size: 0.5, duration: DURATION, time_scale: ms}
"""
NODE = """
dynamics: {name: n, parameters: {tau: 2}, state_variables: {x: {equation: -x/tau, initial_value: 1}}}
integration: {step_size: 0.01, duration: 50}
"""


def text(duration: str = "100", record: str = "[v, spikes]", tau: float = 10) -> str:
    return CELLS.replace("DURATION", duration).replace("RECORD", record).replace("TAU", str(tau))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e.yaml").write_text(text())
    Path("spikes.yaml").write_text(text("3000", "spikes"))
    Path("node.yaml").write_text(NODE)
    Path("endless.yaml").write_text(text("1e10", "{v: {every: 1 s}}"))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def content() -> dict[str, bytes]:
    """All files, hidden ones too."""
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


def hears_signals() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


PROGRAM = """
import signal, sys
from tvbo_lite.__main__ import main
try:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("begun", flush=True)
    main()
except KeyboardInterrupt:
    sys.exit(130)
"""


def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """The program, which says when it has begun: before that a signal meets the interpreter alone."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **variables}, preexec_fn=hears_signals,  # noqa: PLW1509  no other threads are there
    )  # fmt: skip


def until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Waits for something that another process does."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- the disk ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The system refuses more, as it does where a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def experiment(duration: str = "100") -> SimulationExperiment:
    return SimulationExperiment.from_string(text(duration))


WRITERS: dict[str, Callable[[], object]] = {
    "tables": lambda: call("run", "e.yaml"),
    "events": lambda: call("run", "spikes.yaml"),
    "npz": lambda: experiment().run().save("r.npz"),
    "csv": lambda: experiment().run().save("r.csv"),
    "saved nc": lambda: experiment().run().save("saved.nc"),
    "zarr": lambda: experiment().run(output="r.zarr"),
    "nc": lambda: experiment().run(output="r.nc"),
    "state": lambda: experiment().run().state.save("end.state"),
    "figure": lambda: call("run", "e.yaml", "--out", "new", "--plot", "p.png"),
    "document": lambda: call("render", "e.yaml", "--to", "lems", "-o", "m.xml"),
    "documents": lambda: call("render", "e.yaml", "--to", "neuroml", "--folder", "m"),
    "hdf5": lambda: call("render", "e.yaml", "--to", "hdf5", "-o", "m.h5"),
    "sweep": lambda: call("explore", "node.yaml", "--set", "tau=1:4:4", "--out", "s.npz"),
}


@pytest.mark.parametrize("part", [0, 0.9])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_files(name: str, part: float) -> None:
    """Whenever it is full: the error names the file, the old ones are as before, and nothing else is left."""
    empty = content()
    WRITERS[name]()
    before = content()
    largest = max(len(data) for path, data in before.items() if path not in empty)
    with files_no_larger_than(int(part * largest)):
        try:
            result: object = WRITERS[name]()
        except OSError as error:
            told, status = f"{error.filename}: {error.strerror}", 2
        else:
            told, status = getattr(result, "stderr", ""), getattr(result, "exit_code", 0)
    assert status == 2
    assert re.search(r"[\w.]+: File too large", told)
    assert ".part" not in told
    assert content() == before


def test_a_full_disk_keeps_the_parts_of_a_sweep_that_are_there() -> None:
    """The same command goes on from them."""
    command = ("explore", "node.yaml", "--set", "tau=1:4:40", "--out", "s.zarr")
    with files_no_larger_than(3000):
        result = call(*command)
    assert result.exit_code == 2
    assert "the sweep cannot be written: File too large; what is there stays" in result.stderr
    assert call(*command).exit_code == 0


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a folder that takes nothing, also from root"
)
def test_a_folder_that_takes_nothing_is_told() -> None:
    """Whoever asks: /proc takes no files from root either."""
    for options in (("--out", "/proc"), ("--output", "/proc/run.zarr"), ("--output", "/proc/run.nc")):
        result = call("run", "e.yaml", *options)
        assert result.exit_code == 2
        assert re.search(r"error: .*/proc", result.stderr)
    with pytest.raises(StoreError, match="the sweep cannot be written"):
        SimulationExperiment.from_string(NODE).explore({"tau": [1.0, 2.0]}, output="/proc/sweep.zarr")


# ---- signals ----------------------------------------------------------------------------------------------

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda one: one.name)
def test_a_signal_ends_a_run_that_keeps_what_it_has(number: int) -> None:
    """Ctrl-C, and what a batch system sends before it kills."""
    process = started("run", "endless.yaml", "--output", "run.zarr", "--force")
    until(lambda: list(Path().glob(".run*.part.zarr")))
    time.sleep(0.5)
    process.send_signal(number)
    sent = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - sent < 30  # at its next row, and not by a limit of this test
    assert process.returncode == 130, out + err
    assert "what was recorded until then is kept" in err
    assert "wrote run.partial.zarr" in out
    assert ExperimentResult.load("run.partial.zarr").stopped


STIFF = """
dynamics:
  name: node
  parameters: {tau: 1.0e-9}
  state_variables: {x: {equation: (1 - x)/tau, initial_value: 0.0}}
integration: {method: dopri5, step_size: 1000, duration: 10000, time_scale: s}
"""


def test_a_signal_ends_a_run_that_comes_to_no_row() -> None:
    """A method that chooses its steps makes 10^12 of them before the second row; the first one is kept."""
    Path("stiff.yaml").write_text(STIFF)
    process = started("run", "stiff.yaml", "--output", "run.zarr")
    until(lambda: list(Path().glob(".run*.part.zarr")))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert "what was recorded until then is kept" in err
    assert ExperimentResult.load("run.partial.zarr").data.time.values.tolist() == [0.0]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda one: one.name)
def test_a_signal_at_any_time_leaves_whole_files_or_none(number: int) -> None:
    """While the program starts, reads, compiles, runs or writes: no traceback, and nothing half done."""
    Path("e.yaml").write_text(text("200000"))
    assert call("run", "e.yaml").exit_code == 0
    whole = content()
    for delay in (0.05, 0.3, 0.6, 1.0):
        process = started("run", "e.yaml")
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(delay)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode in (0, 130), out + err
        assert "Traceback" not in err
        left = {name: data for name, data in content().items() if ".partial." not in name}
        assert left == whole


def test_a_signal_that_another_error_hides_is_no_fault() -> None:
    """Python 3.11 wraps one that comes while a class is made."""
    hidden = RuntimeError("Error calling __set_name__")
    hidden.__cause__ = KeyboardInterrupt()
    assert (failure(hidden).exit_code, failure(hidden).message.strip()) == (130, "stopped")
    assert failure(RuntimeError("another")).exit_code == 70


@pytest.mark.parametrize("name", ["s.npz", "s.zarr"])
def test_a_signal_ends_a_sweep(name: str) -> None:
    """The sets that run end at their next report; what a store has stays."""
    text = NODE.replace("duration: 50", "duration: 50000")
    Path("node.yaml").write_text(text)
    process = started("explore", "node.yaml", "--set", "tau=1:4:4000", "--every", "10", "--out", name)
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert err.strip() == "stopped"
    assert name.endswith(".zarr") or not Path(name).exists()


# ---- Java -------------------------------------------------------------------------------------------------

LONG = """<Lems>
  <Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
  <Target component="sim"/>
  <izhikevichCell id="iz" v0="-70mV" thresh="30mV" a="0.02" b="0.2" c="-65" d="2"/>
  <network id="net"><population id="p" component="iz" size="1"/></network>
  <Simulation id="sim" length="1000s" step="0.01ms" target="net"><OutputFile id="o" fileName="v.dat"><OutputColumn id="v" quantity="p[0]/v"/></OutputFile></Simulation>
</Lems>"""


def fake_java(folder: Path, script: str) -> str:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    return str(java)


def is_running(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_java_that_hangs_is_ended_by_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the setting, where a run says none; also where it has ended and left a child behind."""
    monkeypatch.setenv("TVBO_LITE_JAVA", fake_java(tmp_path, "sleep 1000"))
    monkeypatch.setenv("TVBO_LITE_TIMEOUT", "1 s")
    Path("m.xml").write_text(LONG)
    with pytest.raises(UnsupportedError, match=r"jLEMS cannot do 1e\+08 steps within 1 s"):
        jlems.run_file("m.xml")
    Path("m.xml").write_text(LONG.replace("1000s", "1s"))
    result = call("run", "m.xml", "--backend", "jlems")
    assert "jLEMS did not finish m.xml within 1 s and was stopped; give it a longer timeout" in result.stderr
    fake_java(tmp_path, "sleep 1000 &\necho it is all over")
    with pytest.raises(BackendError, match="it is all over"):
        jlems.run_file("m.xml")


def test_a_java_that_tells_no_version_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of agreement does without."""
    monkeypatch.setattr("tvbo_lite.backends.java.PATIENCE", 0.5)
    assert java_version(Path(fake_java(tmp_path, "sleep 1000"))) == ""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("number", SIGNALS, ids=lambda one: one.name)
def test_a_signal_ends_java_and_its_children(tmp_path: Path, number: int) -> None:
    """The whole group; nothing is left in the folder."""
    java = fake_java(tmp_path, f"sleep 1000 &\necho $$ $! > {tmp_path}/ids\nwait")
    Path("m.xml").write_text(LONG)
    before = content()
    process = started("run", "m.xml", "--backend", "jlems", TVBO_LITE_JAVA=java)
    until(lambda: Path("ids").exists() and len(Path("ids").read_text().split()) == 2)
    group = [int(one) for one in Path("ids").read_text().split()]
    assert all(map(is_running, group))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert err.strip() == "stopped"
    until(lambda: not any(map(is_running, group)))
    Path("ids").unlink()
    assert content() == before


@needs_java
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")
def test_a_java_that_is_killed_is_told() -> None:
    """By somebody else, or by the system, which does that where memory is short."""
    Path("m.xml").write_text(LONG)
    thread = threading.Thread(target=_kill_java)
    thread.start()
    with pytest.raises(
        BackendError, match=r"jLEMS could not run m\.xml:(.|\n)*It was killed \(SIGKILL\); the system"
    ):
        jlems.run_file("m.xml")
    thread.join()


def _kill_java() -> None:
    """The child of this process that runs jNeuroML, once it has begun."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and b"JNeuroML" in (folder / "cmdline").read_bytes():
                    time.sleep(0.5)
                    os.kill(int(folder.name), signal.SIGKILL)
                    return
        time.sleep(0.05)


@needs_java
def test_a_full_disk_of_jlems_is_told() -> None:
    """In its own words; Java hears of no limit before the table is that large."""
    Path("m.xml").write_text(LONG.replace("1000s", "1s"))
    with files_no_larger_than(50_000), pytest.raises(BackendError, match="Can't write to file"):
        jlems.run_file("m.xml")


# ---- two at once ------------------------------------------------------------------------------------------


def two_files(tau: float) -> str:
    """Cells that record v in one file and spikes in another, which both tell the tau."""
    return text("4000", "[v, spikes]", tau)


def test_two_runs_in_one_folder_do_not_mix() -> None:
    """Each of them writes the same two files; in the end both are of one run, whole."""
    kinds = {}
    for tau in (10.0, 13.0):
        Path("e.yaml").write_text(two_files(tau))
        assert call("run", "e.yaml", "--out", f"alone{tau}").exit_code == 0
        folder = Path(f"alone{tau}")
        kinds[tau] = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}
        Path(f"{tau}").mkdir()
        Path(f"{tau}/e.yaml").write_text(two_files(tau))
    assert len(kinds[10.0]) == 2
    processes = [started("run", f"{tau}/e.yaml", "--out", "both") for tau in (10.0, 13.0, 10.0)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    found = {str(path.relative_to("both")): path.read_bytes() for path in Path("both").rglob("*.*")}
    assert found in list(kinds.values())


def test_streams_and_runs_of_jlems_in_one_folder_do_not_mix() -> None:
    """Two threads and the same file: both end well, and what is there then is whole. While one takes the place
    of the other there may be no store to look at, for folders are not replaced at once.
    """
    with ThreadPoolExecutor(2) as pool:
        ways = ("run.zarr", "run.zarr", "run.nc", "run.nc")
        runs = [pool.submit(lambda way=way: experiment("20000").run(output=way)) for way in ways]
    whole = experiment("20000").run().data
    for run, path in zip(runs, ways, strict=True):
        assert np.array_equal(run.result().data, whole)
        assert np.array_equal(ExperimentResult.load(path).data, whole)
    assert not list(Path().glob(".*"))


@needs_java
def test_two_runs_of_jlems_have_folders_of_their_own() -> None:
    """Nothing is written to that of the file."""
    Path("m.xml").write_text(LONG.replace("1000s", "0.1s"))
    before = content()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(jlems.run_file, ["m.xml", "m.xml"])
    assert np.array_equal(one.values, other.values)
    assert len(one.values) == 10_001
    assert content() == before


# ---- what is on disk --------------------------------------------------------------------------------------


def test_there_is_no_cache_on_disk(tmp_path: Path) -> None:
    """A run writes what it is asked for: no file appears at home, among temporary files, or beside the model."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    before = content()
    process = started(
        "run", "e.yaml", "--out", "out",
        HOME=str(home), TMPDIR=str(temporary), XDG_CACHE_HOME=str(home), PYTHONDONTWRITEBYTECODE="1",
    )  # fmt: skip
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert {name for name in content() if name not in before} == {
        "out/results/cell.dat",
        "out/results/C.spikes",
    }
    assert not list(home.iterdir())
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("fault", ["cut", "garbage", "empty", "gone"])
def test_a_damaged_part_of_a_sweep_is_run_again(fault: str) -> None:
    """The files of a store are what a sweep knows of earlier runs; the rest of them stays."""
    node = SimulationExperiment.from_string(NODE)
    whole = node.explore({"tau": [1.0, 2.0, 3.0]}, output="s.zarr", chunk=1).load()
    part = next(path for path in sorted(Path("s.zarr/traces").iterdir()) if path.name[0].isdigit())
    data = part.read_bytes()
    if fault == "gone":
        part.unlink()
    else:
        part.write_bytes({"cut": data[: len(data) // 2], "garbage": b"?" * len(data), "empty": b""}[fault])
    again = node.explore({"tau": [1.0, 2.0, 3.0]}, output="s.zarr", chunk=1).load()
    assert np.array_equal(again, whole)
