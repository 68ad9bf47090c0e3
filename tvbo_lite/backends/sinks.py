"""Where rows and events of a run go: into tables in memory, or to a store on disk, some rows of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite import __version__
from tvbo_lite.atomic import name_place
from tvbo_lite.backends.session import Progress, Rows, Session, record, stopped_by_ctrl_c
from tvbo_lite.errors import ModelError, Problem, UnsupportedError
from tvbo_lite.lems.recording import Recording, Traces
from tvbo_lite.lems.spikes import numbers_of, rounded
from tvbo_lite.streams import Layout, Output, Store, TableLayout
from tvbo_lite.units import symbol_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.backends._time import Forecast
    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.lems.plan import SimulationPlan

__all__ = ["Group", "Job", "common_interval", "groups_of", "in_memory", "on_disk"]

BUFFER = 1 << 18  # numbers that wait to be sorted into tables, 2 MB
WHOLE = 1e-6  # how far an interval may be from a whole number of rows


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Quantities that are recorded together: in every ``each``-th row, those in ``columns`` of it."""

    every: float | None  # s
    each: int
    quantities: tuple[str, ...]
    columns: NDArray[np.int64]

    def count(self, done: int, more: int, *, fresh: bool) -> int:
        """How many of ``more`` rows after row ``done`` are recorded; that at time 0 too if ``fresh``."""
        return (done + more) // self.each - done // self.each + fresh


def groups_of(plan: SimulationPlan, program: Program) -> list[Group]:
    """What is recorded of the rows of a program, the shortest interval first.

    Raises `ModelError` with all intervals that are not a whole number of rows.
    """
    dt = program.dt
    place = {name: 1 + number for number, name in enumerate(plan.quantities())}
    groups, problems = [], []
    for every, quantities in plan.intervals().items():
        each = program.apart if every is None else round(every / dt)
        if every is not None and (each < 1 or abs(every / dt - each) > WHOLE * each):
            what = f"recording every {every:g} s, in a run with a row every {dt:g} s"
            problems.append(Problem(what, expected="a whole number of rows"))
        columns = np.array([0, *(place[name] for name in quantities)], dtype=np.int64)
        groups.append(Group(every, max(each, 1), quantities, columns))
    if problems:
        raise ModelError(problems)
    return groups


def common_interval(plan: SimulationPlan, program: Program) -> int:
    """The distance of the rows that hold all that is recorded, in rows of the run. Raises as `groups_of`."""
    return math.gcd(*(group.each for group in groups_of(plan, program)))


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run and kept: ``n_rows`` more rows; ``units`` are those of the recorded quantities."""

    session: Session
    plan: SimulationPlan
    units: Mapping[str, str]
    n_rows: int
    progress: Progress | None = None
    forecast: Forecast | None = None

    @property
    def groups(self) -> list[Group]:
        return groups_of(self.plan, self.session.program)

    def run(self, sink: _Sorted) -> float | None:
        """All rows, or those up to Ctrl-C; the time (s) at which that was."""
        session = self.session
        if session.is_fresh:
            first = sink.room(1)
            first[:] = session.row()
            sink.take(first, session.first_events[:0])
        with stopped_by_ctrl_c() as stop:
            early = record(session, self.n_rows, sink, self.progress, stop, forecast=self.forecast)
        return session.time if early else None


def in_memory(job: Job) -> Recording:
    """A run whose traces are kept in memory."""
    start, sink = rounded(job.session.time), InMemory(job)
    stopped = job.run(sink)
    first, *slower = sink.traces()
    return Recording(
        job.plan,
        first.time,
        first.values,
        first.quantities,
        sink.events_by_file(),
        units=job.units,
        every=first.every,
        slower=tuple(slower),
        start=start,
        stopped=stopped,
    )


def on_disk(job: Job, output: Output) -> Recording:
    """A run whose traces and events are written while it goes on; the recording has none of them.

    What was written up to Ctrl-C, or to any other reason but one of the disk or a refusal, is kept under
    another name.
    """
    session, start = job.session, rounded(job.session.time)
    store = Store(output.path, _layout(job, output))
    try:
        stopped = job.run(OnDisk(job, store))
        path = store.finish(rounded(session.time - start), stopped)
    except OSError as error:
        store.discard()
        name_place(error, output.path)
        raise
    except UnsupportedError:
        store.discard()
        raise
    except BaseException as error:
        _keep(store, session, start, error)
        raise
    nothing = np.zeros(0)
    return Recording(
        job.plan,
        nothing,
        nothing.reshape(0, 0),
        (),
        units=job.units,
        start=start,
        stopped=stopped,
        stored=path,
    )  # fmt: skip


def _keep(store: Store, session: Session, start: float, error: BaseException) -> None:
    """Finish what an error has cut short, and say so in a note of the error."""
    try:
        path = store.finish(rounded(session.time - start), session.time)
    except OSError:
        store.discard()
    else:
        error.add_note(f"what was recorded up to {session.time:g} s is in {path}")


def _layout(job: Job, output: Output) -> Layout:
    session = job.session
    tables = tuple(
        TableLayout(
            tuple(map(output.label, group.quantities)),
            tuple(symbol_of(job.units.get(name, "")) for name in group.quantities),
            group.count(session.done, job.n_rows, fresh=session.is_fresh),
        )
        for group in job.groups
    )
    trains = tuple(
        (output.called(file.id), tuple(sorted(set(numbers_of(file).values()))))
        for file in job.plan.event_files
    )
    attributes: dict[str, str | float] = {
        "backend": "native",
        "step": job.plan.step,
        "software": f"tvbo_lite {__version__}",
    }
    return Layout(output.name or job.plan.id, output.dim, tables, trains, attributes, rounded(session.time))


class _Sorted:
    """A sink that lets rows through to the tables of their groups; its memory does not grow with the run."""

    def __init__(self, job: Job) -> None:
        session = job.session
        self.groups = job.groups
        self.at = session.done + (not session.is_fresh)  # the number of the next row; that at time 0 is 0
        self.buffer = np.empty((max(1, BUFFER // session.width), session.width))

    def room(self, count: int) -> NDArray[np.float64]:
        return self.buffer[:count]

    def take(self, rows: NDArray[np.float64], events: NDArray[np.void]) -> None:
        for number, group in enumerate(self.groups):
            chosen = rows[-self.at % group.each :: group.each]
            if len(chosen):
                self.add(number, chosen[:, group.columns])
        self.at += len(rows)
        self.add_events(events)

    def add(self, number: int, rows: NDArray[np.float64]) -> None:
        """Some rows of a group."""
        raise NotImplementedError

    def add_events(self, events: NDArray[np.void]) -> None:
        """The events of the same steps."""
        raise NotImplementedError


class InMemory(_Sorted):
    """Tables in memory; where all rows of all quantities are wanted, the engine writes into them."""

    def __init__(self, job: Job) -> None:
        """Raises `UnsupportedError` where they would fill it."""
        super().__init__(job)
        self.plan, session = job.plan, job.session
        self.recorders = session.program.events
        self.direct = len(self.groups) == 1 and self.groups[0].each == 1
        self.tables = [
            Rows(group.count(session.done, job.n_rows, fresh=session.is_fresh), len(group.columns))
            for group in self.groups
        ]
        self.events: list[NDArray[np.void]] = []

    def room(self, count: int) -> NDArray[np.float64]:
        return self.tables[0].room(count) if self.direct else super().room(count)

    def take(self, rows: NDArray[np.float64], events: NDArray[np.void]) -> None:
        if not self.direct:
            super().take(rows, events)
            return
        self.tables[0].take(rows, events[:0])
        self.add_events(events)

    def add(self, number: int, rows: NDArray[np.float64]) -> None:
        self.tables[number].add(rows)

    def add_events(self, events: NDArray[np.void]) -> None:
        if len(events) or not self.events:
            self.events.append(events)

    def traces(self) -> list[Traces]:
        """What has been filled."""
        filled = [table.rows[: table.filled] for table in self.tables]
        return [
            Traces(group.every, rows[:, 0], rows[:, 1:], group.quantities)
            for group, rows in zip(self.groups, filled, strict=True)
        ]

    def events_by_file(self) -> dict[str, tuple[NDArray[np.float64], tuple[str, ...]]]:
        """For each event file, one without selections too, the times (s) and the selections' ids."""
        events = np.concatenate(self.events)
        by_file = {}
        for file in dict.fromkeys(file.id for file in self.plan.event_files):
            numbers = [n for n, (owner, _) in enumerate(self.recorders) if owner == file]
            mine = events[np.isin(events["recorder"], numbers)]
            ids = tuple(self.recorders[n][1] for n in mine["recorder"])
            by_file[file] = (mine["time"].copy(), ids)
        return by_file


class OnDisk(_Sorted):
    """Tables and spike trains of a store."""

    def __init__(self, job: Job, store: Store) -> None:
        super().__init__(job)
        self.store, recorders = store, job.session.program.events
        files = {file.id: number for number, file in enumerate(job.plan.event_files)}
        places = [numbers_of(file) for file in job.plan.event_files]
        self.file = np.array([files[owner] for owner, _ in recorders], dtype=np.int64)
        self.index = np.array([places[files[owner]][one] for owner, one in recorders], dtype=np.int64)

    def add(self, number: int, rows: NDArray[np.float64]) -> None:
        self.store.add(number, rows)

    def add_events(self, events: NDArray[np.void]) -> None:
        if not len(events):
            return
        files, index = self.file[events["recorder"]], self.index[events["recorder"]]
        for number in np.unique(files).tolist():
            mine = files == number
            self.store.add_events(number, events["time"][mine], index[mine])
