"""Real faults: a disk that is full, a folder that takes nothing, signals, a Java that hangs or dies, two runs at once."""

# ruff: noqa: E501  small models read better unbroken

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tvbo_lite import SimulationExperiment
from tvbo_lite.cli import cli

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


def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tvbo_lite", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
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
