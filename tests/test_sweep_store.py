"""Sweeps on disk: what is there when a sweep stops is there to go on from, and only for the same sweep."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import QIF, SPACE

from tvbo_lite import SimulationExperiment
from tvbo_lite.cli import cli
from tvbo_lite.errors import SimulationError, StoreError, UnsupportedError
from tvbo_lite.explore import run, store, work
from tvbo_lite.explore.work import Part

pytest.importorskip("zarr")


def read(text: str = QIF) -> SimulationExperiment:
    return SimulationExperiment.from_string(text)


def parts_run(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """A list to which every part is added that is run from now on."""
    seen: list[Part] = []
    original = work.Runner.traces

    def traces(runner: work.Runner, part: Part) -> work.Traces:
        seen.append(part)
        return original(runner, part)

    monkeypatch.setattr(work.Runner, "traces", traces)
    return seen


@pytest.mark.parametrize("mode", ["product", "zip"])
@pytest.mark.parametrize("options", [{}, {"method": "dopri5", "sampling_step_size": 1e-4}])
def test_a_store_holds_what_memory_would(tmp_path: Path, mode: str, options: dict[str, Any]) -> None:
    """To the last bit, with the same labels; it is read only where it is used."""
    space = SPACE if mode == "product" else {"eta": [-6.0, -5.0, 0.0], "J": [10.0, 15.0, 20.0]}
    expected = read().explore(space, mode, **options)
    kept = read().explore(space, mode, chunk=4, output=tmp_path / "new" / "sweep.zarr", **options)
    assert not kept.variable._in_memory
    xr.testing.assert_identical(kept, expected)
    assert kept.values.tobytes() == expected.values.tobytes()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sweep.zarr"]


def test_a_network_is_stored_too(tmp_path: Path) -> None:
    """Sets that run one by one are written some at a time."""
    text = """
network:
  dynamics:
    osc:
      parameters: {omega: 1.0}
      coupling_inputs: {c: {}}
      state_variables: {theta: {equation: omega + c, initial_value: 0.5}}
  nodes: [{id: 0, dynamics: osc}, {id: 1, dynamics: osc}]
  edges: [{source: 0, target: 1, weight: 0.5, coupling: k}]
  coupling:
    k: {parameters: {a: 2.0}, pre_expression: sin(x_j - x_i), post_expression: a*gx}
integration: {step_size: 0.05, duration: 5}
"""
    space = {"osc.omega": [0.5, 1.0], "k.a": [0.0, 2.0, 3.0]}
    kept = read(text).explore(space, output=tmp_path / "net.zarr")
    xr.testing.assert_identical(kept, read(text).explore(space))
    assert kept.dims == ("omega", "a", "time", "quantity")


KILLED = """
import os, signal, sys
import numpy as np
from tvbo_lite import SimulationExperiment
from tvbo_lite.explore.work import Runner

traces = Runner.traces

def stop(runner, part):
    if part.first == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return traces(runner, part)

Runner.traces = stop
experiment = SimulationExperiment.from_string(sys.argv[1])
space = {"eta": np.linspace(-6.0, 0.0, 5), "J": [10.0, 15.0, 20.0]}
experiment.explore(space, chunk=2, threads=1, output=sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_a_killed_sweep_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed leaves whole parts; the same call runs the others, to the same bits."""
    folder = tmp_path / "sweep.zarr"
    done = subprocess.run([sys.executable, "-c", KILLED, QIF, str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    before = {file: file.stat().st_mtime_ns for file in (folder / "traces").iterdir() if file.name[0] != "."}
    assert len(before) == 4
    seen, ran = [], parts_run(monkeypatch)
    kept = read().explore(SPACE, output=folder, threads=1, progress=lambda *count: seen.append(count))
    assert [part.first for part in ran] == [6, 8, 9, 11, 12, 14]
    assert (seen[0], seen[-1]) == ((6, 15), (15, 15))
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    xr.testing.assert_identical(kept, read().explore(SPACE))


def test_what_is_complete_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads, chunks and how failures are told do not make it another sweep."""
    folder = tmp_path / "sweep.zarr"
    first = read().explore(SPACE, output=folder)
    ran = parts_run(monkeypatch)
    seen: list[tuple[int, int]] = []
    again = read().explore(
        SPACE, output=folder, threads=3, chunk=1, failures="nan", progress=lambda *n: seen.append(n)
    )
    assert (ran, seen) == ([], [(15, 15)])
    xr.testing.assert_identical(again, first)


def test_parts_stay_those_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``chunk`` says later, sets go on in the parts in which they began."""
    folder = tmp_path / "sweep.zarr"
    read().explore(SPACE, output=folder, chunk=6)
    for number in (1, 2):
        (folder / "traces" / f"{number}.0.0.0").unlink()
    ran = parts_run(monkeypatch)
    kept = read().explore(SPACE, output=folder, chunk=1, threads=1)
    assert ran == [Part(6, 6), Part(12, 3)]
    xr.testing.assert_identical(kept, read().explore(SPACE))


def test_a_part_is_there_if_all_its_times_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long traces are several Zarr chunks; where one is missing the part is run again."""
    monkeypatch.setattr(store, "CHUNK_VALUES", 1000)
    folder = tmp_path / "sweep.zarr"
    expected = read().explore(SPACE)
    read().explore(SPACE, output=folder, chunk=3)
    assert len(list((folder / "traces").glob("0.0.*"))) > 2
    (folder / "traces" / "2.0.1.0").unlink()
    (folder / "traces" / "2.0.1.0.ab12.partial").write_bytes(b"half of it")
    ran = parts_run(monkeypatch)
    xr.testing.assert_identical(read().explore(SPACE, output=folder), expected)
    assert ran == [Part(6, 3)]
    assert not list(folder.rglob("*.partial"))


def test_a_full_disk_leaves_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error tells what happened and what to do; the same call goes on when there is room."""
    from zarr.storage import _local

    folder, put = tmp_path / "sweep.zarr", _local._put
    written = []

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.parent.name == "traces" and path.name[0] != ".":
            written.append(path)
            if len(written) > 3:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return put(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(_local, "_put", full)
        with pytest.raises(StoreError, match=r"sweep\.zarr: .*No space left on device; .*goes on"):
            read().explore(SPACE, output=folder, chunk=2)
    ran = parts_run(monkeypatch)
    xr.testing.assert_identical(read().explore(SPACE, output=folder), read().explore(SPACE))
    assert 0 < len([part for part in ran if part.count == 2]) < 10


def test_no_store_remains_that_could_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even the labels can be written, nothing is there."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "write_labels", full)
    with pytest.raises(StoreError, match="No space left on device"):
        read().explore(SPACE, output=tmp_path / "sweep.zarr")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("chunk", [4, 6])
def test_two_processes_share_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """The one that comes second adds to what the first has made; chunks that differ are an error."""
    folder, write = tmp_path / "sweep.zarr", store.write_labels

    def late(*arguments: Any) -> None:
        monkeypatch.setattr(store, "write_labels", write)
        read().explore(SPACE, output=folder, chunk=4)
        write(*arguments)

    monkeypatch.setattr(store, "write_labels", late)
    if chunk == 4:
        kept = read().explore(SPACE, output=folder, chunk=chunk)
        xr.testing.assert_identical(kept, read().explore(SPACE))
    else:
        with pytest.raises(StoreError, match="in other chunks; the same call goes on"):
            read().explore(SPACE, output=folder, chunk=chunk)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.zarr"]


@pytest.mark.parametrize(
    ("text", "space", "options", "message"),
    [
        (QIF.replace("tau: 1.0", "tau: 2.0"), SPACE, {}, r"experiment is another: .*tau: 1.0.* there"),
        (QIF, {**SPACE, "J": [10.0, 15.0, 21.0]}, {}, "the values of dynamics.parameters.J are others"),
        (QIF, {"eta": SPACE["eta"]}, {}, r"over dynamics\.parameters\.eta, dynamics\.parameters\.J, not dyn"),
        (QIF, dict(reversed(SPACE.items())), {}, r"over dynamics\.parameters\.eta, .*not dynamics.param.*J"),
        (QIF, SPACE, {"sampling_step_size": 1e-4}, "option 'sampling_step_size' is None, not 0.0001"),
    ],
)
def test_another_sweep_is_refused(
    tmp_path: Path, text: str, space: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    """With what differs; the store stays as it is."""
    folder = tmp_path / "sweep.zarr"
    first = read().explore(SPACE, output=folder).load()
    with pytest.raises(StoreError, match=f"(?s)sweep.zarr: this is another sweep.*{message}"):
        read(text).explore(space, output=folder, **options)
    xr.testing.assert_identical(read().explore(SPACE, output=folder), first)


def test_another_version_and_mode_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both at once, each by name."""
    space = {"eta": [-5.0, -4.0], "J": [10.0, 15.0]}
    read().explore(space, output=tmp_path / "sweep.zarr")
    monkeypatch.setattr(run, "__version__", "9.0")
    with pytest.raises(StoreError, match=r"(?s)this is 9\.0.*its mode is 'product', not 'zip'"):
        read().explore(space, "zip", output=tmp_path / "sweep.zarr")


def test_a_file_that_the_experiment_names_counts(tmp_path: Path) -> None:
    """Samples from a file are part of the experiment, though its text does not hold them."""
    (tmp_path / "drive.txt").write_text("1\n2\n", encoding="utf-8")
    text = QIF + "stimulation: {target_var: eta, samples: {file: drive.txt, step_size: 2}}\n"
    file = tmp_path / "qif.yaml"
    file.write_text(text, encoding="utf-8")
    SimulationExperiment.from_file(file).explore({"J": [1.0]}, output=tmp_path / "sweep.zarr")
    (tmp_path / "drive.txt").write_text("1\n3\n", encoding="utf-8")
    with pytest.raises(StoreError, match="the files that the experiment names held other values"):
        SimulationExperiment.from_file(file).explore({"J": [1.0]}, output=tmp_path / "sweep.zarr")


def test_what_is_no_sweep_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a folder, another Zarr store, a place that cannot be written to: told before anything runs."""
    import zarr

    ran = parts_run(monkeypatch)
    file, folder, other = tmp_path / "file", tmp_path / "folder", tmp_path / "other.zarr"
    file.write_text("mine", encoding="utf-8")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    zarr.create_array(other / "traces", shape=(2,), dtype="f8")
    zarr.open_group(other, mode="a")
    for place in (file, folder, other):
        with pytest.raises(StoreError, match=f"{place.name}: this .*is no sweep; name another folder"):
            read().explore(SPACE, output=place)
    with pytest.raises(StoreError, match="file is a file, not a folder"):
        read().explore(SPACE, output=file / "sweep.zarr")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="you may not write to"):
        read().explore(SPACE, output=tmp_path / "sweep.zarr")
    assert file.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert ran == []


def test_options_are_checked_before_anything_is_made(tmp_path: Path) -> None:
    """An unknown one is refused by name, as without a store."""
    with pytest.raises(UnsupportedError, match="no option 'rel_toll'"):
        read().explore(SPACE, output=tmp_path / "sweep.zarr", rel_toll=1e-3)
    assert list(tmp_path.iterdir()) == []


def test_sets_that_fail_are_nan_on_disk(tmp_path: Path) -> None:
    """Also where the first part has no set that runs through; they are not run again."""
    text = QIF.replace("step_size: 0.01", "step_size: 0.5")
    space = {"eta": [1e6, 2e6, -5.0, 3e6, -4.0]}
    folder = tmp_path / "sweep.zarr"
    with pytest.raises(SimulationError, match=r"eta = 1000000\.0"):
        read(text).explore(space, output=folder, chunk=2, threads=1)
    kept = read(text).explore(space, output=folder, chunk=2, threads=1, failures="nan")
    xr.testing.assert_identical(kept, read(text).explore(space, failures="nan"))
    assert np.isnan(kept.values).all(axis=(1, 2)).tolist() == [True, True, False, True, False]
    with pytest.raises(StoreError, match="failures='nan'"):
        read(text).explore(space, output=folder)


def test_a_sweep_that_failed_goes_on_with_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been written before the error is kept, and is not run again."""
    text = QIF.replace("step_size: 0.01", "step_size: 0.5")
    space = {"eta": [-5.0, -4.0, -4.5, 1e6]}
    with pytest.raises(SimulationError):
        read(text).explore(space, output=tmp_path / "sweep.zarr", chunk=2, threads=1)
    ran = parts_run(monkeypatch)
    kept = read(text).explore(space, output=tmp_path / "sweep.zarr", failures="nan")
    assert ran == [Part(2, 2)]
    assert np.isnan(kept.values[3]).all()
    assert np.isfinite(kept.values[:3]).all()


def test_where_all_sets_fail_there_is_nothing(tmp_path: Path) -> None:
    """No set tells the times, so the first error is raised, and no store is made."""
    text = QIF.replace("step_size: 0.01", "step_size: 0.5")
    with pytest.raises(SimulationError, match=r"eta = 1000000\.0"):
        read(text).explore({"eta": [1e6, 2e6]}, output=tmp_path / "sweep.zarr", failures="nan")
    assert list(tmp_path.iterdir()) == []


def test_memory_is_no_limit_to_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result too large for memory is refused with a hint, and goes to a disk."""
    monkeypatch.setenv("TVBO_LITE_MEMORY", "100 kB")
    with pytest.raises(
        UnsupportedError,
        match=r"15 sets of 501 times need about 0\.00012 GB .*'output' writes them to a folder",
    ):
        read().explore(SPACE)
    assert read().explore(SPACE, output=tmp_path / "sweep.zarr").size == 15 * 501 * 2


def test_without_zarr_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store needs a package that is not always there."""
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'tvbo-lite\[zarr\]'"):
        read().explore(SPACE, output=tmp_path / "sweep.zarr")


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 40))
def test_parts_are_all_sets_in_order(shape: list[int], size: int) -> None:
    """Each part follows the one before and has no more sets than asked for, whatever the axes."""
    chunks = store._chunk_shape(tuple(shape), size)
    made = store.Store.__new__(store.Store)
    made.shape, made.chunks = tuple(shape), chunks
    parts = made.parts()
    assert [number for part in parts for number in part.sets] == list(range(int(np.prod(shape))))
    assert max(part.count for part in parts) <= size
    for part in parts:
        region = made._region(made._place(part))
        sets = np.arange(int(np.prod(shape))).reshape(shape)[region]
        assert sets.ravel().tolist() == list(part.sets)


def test_the_command_line_writes_a_store(tmp_path: Path) -> None:
    """The ending decides; what is there is gone on with, and another sweep is refused."""
    file, out = tmp_path / "qif.yaml", tmp_path / "sweep.zarr"
    file.write_text(QIF, encoding="utf-8")
    command = ["explore", str(file), "--set", "eta=-6:-4:3", "--output", str(out)]
    for _ in range(2):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, done.output
        assert "sweep.zarr: eta 3, time 501, variable 2" in done.stdout
    expected = read().explore({"eta": [-6.0, -5.0, -4.0]})
    with xr.open_zarr(out) as held:
        assert np.array_equal(held["traces"].values, expected.values)
        assert held.eta.attrs["path"] == "dynamics.parameters.eta"
    other = CliRunner().invoke(cli, [*command[:3], "eta=-6:-4:4", *command[4:]])
    assert other.exit_code == 2
    assert "the values of dynamics.parameters.eta are others" in other.output


def test_labels_of_a_store_leave_its_array_its_name() -> None:
    """A parameter that is called as the array of a store is, keeps its path."""
    (axis,) = read(QIF.replace("eta", "traces")).explore({"traces": [-5.0]}).dims[:1]
    assert axis == "dynamics.parameters.traces"
