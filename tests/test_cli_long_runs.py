"""``tvbo-lite run``: stores, states, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from tvbo_lite.cli import cli
from tvbo_lite.formats.dat import read_dat
from tvbo_lite.lems.state import State
from tvbo_lite.results import ExperimentResult

if TYPE_CHECKING:
    from click.testing import Result

TEXT = """
network:
  dynamics:
    cell:
      parameters: {tau: 10}
      state_variables: {v: {equation: 1/tau, initial_value: 0}}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations:
    C: {dynamics: cell, size: 2, record: [v, spikes]}
integration: {step_size: 0.5, duration: DURATION, time_scale: ms}
"""


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def _hears_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, duration in (("half", "40"), ("whole", "80"), ("endless", "1e8")):
        Path(f"{name}.yaml").write_text(TEXT.replace("DURATION", duration))


@pytest.mark.parametrize("ending", ["zarr", "nc"])
def test_a_store_in_place_of_the_files(ending: str) -> None:
    """It holds the same, and no other file is written."""
    assert call("run", "half.yaml").exit_code == 0
    result = call("run", "half.yaml", "--output", f"run.{ending}", "--out", "elsewhere")
    assert result.exit_code == 0, result.stderr
    assert f"wrote run.{ending}" in result.stdout
    assert not Path("elsewhere").exists()
    table, loaded = read_dat("results/cell.dat"), ExperimentResult.load(f"run.{ending}")
    assert np.array_equal(table[:, 1:].astype(np.float32), loaded.data.values.astype(np.float32))
    assert len(loaded.spike_trains("C")) == 8


def test_a_state_goes_on_in_another_process() -> None:
    """Half and half are the whole."""
    assert call("run", "whole.yaml", "--output", "whole.zarr").exit_code == 0
    first = call("run", "half.yaml", "--output", "a.zarr", "--save-state", "end.state")
    assert "wrote end.state: the state at 0.04 s" in first.stdout
    assert call("run", "half.yaml", "--output", "b.zarr", "--from-state", "end.state").exit_code == 0
    whole, one, two = (ExperimentResult.load(f"{name}.zarr") for name in ("whole", "a", "b"))
    assert np.array_equal(np.concatenate([one.data, two.data]), whole.data)
    times = [result.spike_trains("C").times for result in (one, two)]
    assert np.array_equal(np.concatenate(times), whole.spike_trains("C").times)
    assert State.load("end.state").time == pytest.approx(0.04)


def test_what_is_wrong_with_the_options_is_told_before_the_run() -> None:
    """Endless runs would never come to it."""
    Path("bad.state").write_text("no state")
    adaptive = Path("endless.yaml").read_text().replace("time_scale: ms", "time_scale: ms, method: dopri5")
    Path("adaptive.yaml").write_text(adaptive)
    for arguments, words in (
        (("--output", "run.zar"), "did you mean '.zarr'"),
        (("--from-state", "bad.state"), "bad.state: the file holds no state"),
        (("--from-state", "none.state"), "none.state: there is no such file"),
        (("--output", "run.zarr", "--backend", "jlems"), "--output is an option of the native backend"),
        (("--output", "run.zarr", "--plot", "a.png"), "--plot draws what is in memory"),
        (("--output", "half.yaml/run.zarr"), "half.yaml"),
    ):
        result = call("run", "endless.yaml", *arguments)
        assert result.exit_code == 2
        assert words in result.stderr
    refused = call("run", "adaptive.yaml", "--output", "run.zarr", "--save-state", "end.state")
    assert refused.exit_code == 2
    assert "the method 'dopri5' chooses its steps" in refused.stderr
    assert sorted(path.name for path in Path().iterdir()) == [
        "adaptive.yaml", "bad.state", "endless.yaml", "half.yaml", "whole.yaml",
    ]  # fmt: skip


def _interrupted(command: list[str], patience: float, *, stored: bool) -> str:
    """What is said of Ctrl-C when the store is there, else after so many seconds."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509  no other threads are there
    )  # fmt: skip
    begun = time.monotonic()
    while stored and not list(Path().glob(".run*.part.zarr")) and time.monotonic() < begun + 60:
        time.sleep(0.05)
    time.sleep(0.5 if stored else patience)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    return err


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("output", [("--output", "run.zarr"), ()])
def test_ctrl_c_keeps_what_was_recorded(output: tuple[str, ...]) -> None:
    """Under names that say so; the exit status is that of Ctrl-C."""
    text = TEXT.replace("DURATION", "1e10").replace("[v, spikes]", "{v: {every: 1 s}}")
    Path("endless.yaml").write_text(text)
    command = [sys.executable, "-m", "tvbo_lite", "run", "endless.yaml", *output, "--save-state", "end.state"]
    for patience in (4, 12, 36):
        err = _interrupted(command, patience, stored=bool(output))
        if err != "\nstopped\n":  # which is said where the run has not begun
            break
    assert "what was recorded until then is kept" in err
    assert "Traceback" not in err
    state = State.load("end.state")
    if output:
        found = ExperimentResult.load("run.partial.zarr")
        assert found.stopped == state.time
        times = found.data.time.values
    else:
        times = read_dat("results/cell_1000ms.partial.dat")[:, 0]
    assert state.time - 1 < times[-1] <= state.time * (1 + 1e-6)
    left = {path.name for path in Path().iterdir()}
    assert left - {"half.yaml", "whole.yaml", "endless.yaml", "end.state"} == {
        output[1].replace(".", ".partial.") if output else "results"
    }
