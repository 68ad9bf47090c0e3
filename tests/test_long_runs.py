"""Runs that are written to disk while they go on, stopped early, and continued."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tvbo_lite import SimulationExperiment
from tvbo_lite.atomic import partial_name
from tvbo_lite.backends import native, sinks
from tvbo_lite.errors import SchemaError, SimulationError, UnsupportedError
from tvbo_lite.formats.lems.reader import read_file
from tvbo_lite.lems.recording import StoppedWarning
from tvbo_lite.results import ExperimentResult
from tvbo_lite.streams import Output, Store


@pytest.fixture(autouse=True)
def _hears_ctrl_c():
    """Also where a shell started the tests in the background, which ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


NETWORK = """
network:
  dynamics:
    cell:
      parameters: {tau: {distribution: {name: Uniform, domain: {lo: 8, hi: 12}, seed: 1}}}
      state_variables:
        v: {equation: (2 + xi)/tau, initial_value: 0}
        xi: {initial_value: 0, noise: {seed: 2}}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations:
    C: {dynamics: cell, size: 3, record: [v, spikes]}
    D: {dynamics: cell, size: 2, record: [xi, spikes]}
observations: {mean_v: {source: v, equation: mean(v), period: 10}}
integration: {step_size: 0.5, duration: 100, time_scale: ms}
"""
NODE = """
dynamics: {name: decay, parameters: {tau: 2}, state_variables: {x: {equation: -x/tau, initial_value: 1}}}
integration: {step_size: 0.1, duration: 10}
"""
ENDINGS = ("zarr", "nc")


@pytest.fixture
def experiment():
    return SimulationExperiment.from_string(NETWORK)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def same_spikes(one, other):
    assert one.keys() == other.keys()
    for name, item in one.items():
        assert np.array_equal(item.times, other[name].times)
        assert np.array_equal(item.index, other[name].index)
        assert (item.size, item.duration) == (other[name].size, other[name].duration)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_on_disk_is_what_memory_would_hold(tmp_path, experiment, ending):
    """Bit by bit: traces, times, names, units, places, spikes, observations."""
    held = experiment.run()
    path = tmp_path / "folder" / f"run.{ending}"
    stored = experiment.run(output=path)
    xr.testing.assert_identical(stored.data.load(), held.data)
    same_spikes(stored.events, held.events)
    assert len(held.spike_trains("C")) > 3
    xr.testing.assert_identical(stored.observations["mean_v"], held.observations["mean_v"])
    loaded = ExperimentResult.load(path)
    xr.testing.assert_identical(loaded.data, held.data)
    same_spikes(loaded.events, held.events)
    assert names(path.parent) == [path.name]
    assert stored.stored == path
    assert stored.stopped is None


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_node_is_written_by_its_variables(tmp_path, ending):
    """As its result in memory has them."""
    node = SimulationExperiment.from_string(NODE)
    stored = node.run(output=tmp_path / f"run.{ending}")
    xr.testing.assert_identical(stored.data.load(), node.run().data)


def test_a_store_is_a_data_set_of_xarray(tmp_path, experiment):
    """It opens without this package, and traces stay on disk until they are used."""
    path = tmp_path / "run.zarr"
    experiment.run(output=path)
    found = xr.open_zarr(path, chunks=None)
    assert found.traces.dims == ("time", "quantity")
    assert found.traces.sel(quantity="C[1]/v").shape == (201,)
    assert not found.traces.variable._in_memory
    assert not ExperimentResult.opened(path).data.variable._in_memory


def test_pieces_of_any_size_give_the_same(tmp_path, experiment, monkeypatch):
    """Rows and spikes that fill a piece many times, or never."""
    monkeypatch.setattr("tvbo_lite.streams.PIECE", 50)
    monkeypatch.setattr("tvbo_lite.streams.EVENTS", 3)
    monkeypatch.setattr("tvbo_lite.backends.sinks.BUFFER", 40)
    held = experiment.run()
    for ending in ENDINGS:
        stored = experiment.run(output=tmp_path / f"run.{ending}")
        xr.testing.assert_identical(stored.data.load(), held.data)
        same_spikes(stored.events, held.events)


def test_buffers_do_not_grow_with_the_run(tmp_path):
    """What waits in memory is as large for an hour as for a second."""
    sizes = set()
    for duration in (1.0, 3600.0):
        model = read_file("LEMS_NML2_Ex2_Izh.xml")
        plan, program = native.prepare(model)
        plan = plan.__class__(plan.id, plan.target, duration, plan.step, plan.displays, plan.files)
        session = sinks.Session(program, native.compile_program(program))
        job = sinks.Job(session, plan, {}, plan.n_steps)
        store = Store(tmp_path / "run.zarr", sinks._layout(job, Output(tmp_path / "run.zarr")))
        sink = sinks.OnDisk(job, store)
        waiting = [sink.buffer.nbytes, *(table.waiting.nbytes for table in store.tables)]
        sizes.add(tuple(waiting))
        assert sum(waiting) < 10e6
        store.discard()
        session.close()
    assert len(sizes) == 1
    assert names(tmp_path) == []


# ---- what goes wrong ------------------------------------------------------------------------------------


def interrupt(done: int, total: int) -> None:
    if 20 < done < total:
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_what_was_recorded(experiment):
    """The result is the beginning of the whole one, says when it ended, and a warning tells it."""
    whole = experiment.run()
    with pytest.warns(
        StoppedWarning, match=r"stopped at 0\.0\d+ s of 0\.1 s; the result holds what was recorded"
    ):
        part = experiment.run(progress=interrupt)
    n = len(part.data.time)
    assert 20 < n < len(whole.data.time)
    xr.testing.assert_identical(part.data, whole.data[:n])
    assert part.stopped == part.data.time.values[-1]
    assert whole.stopped is None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    rest = experiment.run(initial_state=part.state, duration=0.1 - part.stopped)
    assert np.array_equal(np.concatenate([part.data, rest.data]), whole.data)


@pytest.mark.parametrize("ending", ENDINGS)
def test_ctrl_c_keeps_a_partial_file(tmp_path, experiment, ending):
    """Under a name that says so; an older result stays as it is."""
    path = tmp_path / f"run.{ending}"
    whole = experiment.run(output=path)
    with pytest.warns(StoppedWarning, match=f"run.partial.{ending} holds what was recorded"):
        part = experiment.run(output=path, progress=interrupt)
    assert set(names(tmp_path)) == {f"run.{ending}", f"run.partial.{ending}"}
    n = len(part.data.time)
    assert 20 < n < 201
    xr.testing.assert_identical(part.data.load(), whole.data[:n].load())
    loaded = ExperimentResult.load(partial_name(path))
    assert loaded.stopped == part.stopped == part.data.time.values[-1]
    assert loaded.spike_trains("C").duration == pytest.approx(part.stopped)
    assert len(ExperimentResult.load(path).data.time) == 201


def test_a_second_ctrl_c_is_raised(experiment):
    """For those who do not want to wait."""
    asked = []

    def twice(done: int, total: int) -> None:
        asked.append(done)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        experiment.run(progress=twice)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_somebody_elses_handler_stays(experiment):
    """A program that handles the signal itself goes on doing so."""
    seen = []
    mine = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        assert experiment.run(progress=interrupt).stopped is None
    finally:
        signal.signal(signal.SIGINT, mine)
    assert seen


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("when", ["Store.add", "Store.finish", "_Train.__init__"])
def test_a_full_disk_leaves_the_old_result(tmp_path, experiment, monkeypatch, when, ending):
    """And nothing else; the error is the system's."""
    path = tmp_path / f"run.{ending}"
    experiment.run(output=path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"tvbo_lite.streams.{when}", full)
    with pytest.raises(OSError, match="No space left"):
        experiment.run(output=path)
    assert names(tmp_path) == [path.name]
    assert len(ExperimentResult.load(path).data.time) == 201


def test_a_folder_that_cannot_be_written_is_told_before_the_run(tmp_path, experiment):
    """Not after its first hour."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"):
        experiment.run(output=tmp_path / "file" / "run.zarr", progress=lambda *_: pytest.fail("it ran"))


def test_a_value_that_becomes_infinite_keeps_what_was_before(tmp_path):
    """The error's note names the file."""
    grows = SimulationExperiment.from_string("""
dynamics: {name: grows, state_variables: {x: {equation: x**2, initial_value: 1}}}
integration: {step_size: 0.1, duration: 10}
""")
    with pytest.raises(SimulationError) as caught:
        grows.run(output=tmp_path / "run.zarr")
    assert "run.partial.zarr" in "".join(caught.value.__notes__)
    part = ExperimentResult.load(tmp_path / "run.partial.zarr")
    assert np.isfinite(part.data).all()
    assert len(part.data.time) > 10
    assert names(tmp_path) == ["run.partial.zarr"]


def test_a_disk_that_is_full_at_an_error_leaves_nothing(tmp_path, experiment, monkeypatch):
    """The error is the first one."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Store, "finish", full)
    for ending in ENDINGS:
        with pytest.raises(ZeroDivisionError):
            experiment.run(output=tmp_path / f"run.{ending}", progress=fails)
    assert names(tmp_path) == []


def test_what_cannot_be_written_is_refused(tmp_path, experiment, monkeypatch):
    """Another ending, another backend, a library that is missing."""
    with pytest.raises(UnsupportedError, match=r"cannot write 'r\.zar' while .* did you mean '\.zarr'"):
        experiment.run(output=tmp_path / "r.zar")
    with pytest.raises(UnsupportedError, match="the backend 'jlems' cannot write while it runs"):
        experiment.run("jlems", output=tmp_path / "r.zarr")
    with pytest.raises(UnsupportedError, match="the backend 'jlems' has no option 'initial_state'; expected"):
        experiment.run("jlems", initial_state=None)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "h5netcdf", None)
        with pytest.raises(UnsupportedError, match=r"h5netcdf, which is not installed; .* or write a \.zarr"):
            experiment.run(output=tmp_path / "r.nc")
        patch.setitem(sys.modules, "zarr", None)
        with pytest.raises(
            UnsupportedError,
            match=r"the package zarr, which is not installed; pip install 'tvbo-lite\[zarr\]'",
        ):
            experiment.run(output=tmp_path / "r.zarr")
    assert names(tmp_path) == []


# ---- going on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [None, *ENDINGS])
def test_a_run_goes_on_from_a_state(tmp_path, experiment, ending):
    """Twice half the time is the whole, in every value and spike, in memory and on disk."""
    whole = experiment.run()
    first = experiment.run(duration="50 ms")
    second = experiment.run(
        initial_state=first.state, duration=0.05, **({"output": tmp_path / f"b.{ending}"} if ending else {})
    )
    joined = xr.concat([first.data, second.data], "time")
    assert np.array_equal(joined, whole.data)
    assert np.array_equal(joined.time, whole.data.time)
    for name, spikes in whole.events.items():
        one, other = first.spike_trains(name), second.spike_trains(name)
        assert np.array_equal(np.concatenate([one.times, other.times]), spikes.times)
        assert np.array_equal(np.concatenate([one.index, other.index]), spikes.index)
        assert (other.start, other.duration) == (0.05, 0.05)
        assert np.allclose((one.rates + other.rates) / 2, spikes.rates)
        assert other.rate(0.01)[0][0] == pytest.approx(0.055)


def test_a_loaded_result_has_no_state(tmp_path, experiment):
    """The message says what has one."""
    loaded = ExperimentResult.load(experiment.run().save(tmp_path / "r.npz"))
    with pytest.raises(UnsupportedError, match="has no state from which a run could go on"):
        loaded.state  # noqa: B018


@pytest.mark.parametrize("duration", [0, -1.0, float("inf"), "soon", "5 mV"])
def test_a_duration_is_a_time(experiment, duration):
    """In seconds, or with its unit."""
    with pytest.raises(SchemaError, match="the duration is"):
        experiment.run(duration=duration)


def test_no_warning_where_nothing_was_stopped(tmp_path, experiment):
    """Neither ours nor one of the libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ending in ENDINGS:
            experiment.run(output=tmp_path / f"run.{ending}").data.load()


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_that_lems_cannot_hold_are_the_experiment_s(tmp_path, ending):
    """On disk as in memory."""
    exp = SimulationExperiment.from_string(NETWORK.replace("C:", "C-ä:"))
    held, stored = exp.run(), exp.run(output=tmp_path / f"run.{ending}")
    xr.testing.assert_identical(stored.data.load(), held.data)
    same_spikes(stored.events, held.events)
    assert "C-ä" in stored.events
