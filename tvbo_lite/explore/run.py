"""A sweep: each parameter set is run, as a row of one population or on its own, and all become one array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.backends.sets import Job, run_jobs, shares_no_step, usual_threads
from tvbo_lite.errors import ModelError, Problem, SimulationError, UnsupportedError, nearest
from tvbo_lite.explore.space import INITIAL, SweepAxis, points, with_value
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.lems.rows import Column
from tvbo_lite.transforms.lower.equations import initial_name
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.transforms.recorded import units_of_model
from tvbo_lite.transforms.sweep import Single, single, with_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.model import Model
    from tvbo_lite.lems.plan import SimulationPlan
    from tvbo_lite.schema import Experiment

__all__ = ["Progress", "Swept", "attribute", "sweep"]

CHUNK = 128  # sets that are run together: their states stay in the nearest memory
CHUNK_VALUES = 1 << 25  # numbers that a chunk may record (256 MB), where its size is not given
ROUNDING = 1e-9  # between times that count as the same
FAILURES = ("raise", "nan")
MAX_VALUES = 2_000_000_000  # numbers of the result, of 8 bytes each

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Swept:
    """``values``: shape ``(n_sets, n_times, n_quantities)``, SI; ``time`` in s. Filled set by set."""

    count: int
    time: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0, 0)))
    quantities: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def take(self, first: int, rows: NDArray[np.float64], quantities: tuple[str, ...]) -> None:
        """Keeps the rows of some sets, the quantities of each side by side; rows beyond the last are left."""
        with self.lock:
            if not self.quantities:
                self._make_room(rows, quantities)
        same = self.quantities == quantities and len(rows) == len(self.time)
        if not (same and np.allclose(rows[:, 0], self.time, rtol=ROUNDING, atol=0.0)):
            what = "the sets differ in their times or in what is recorded"
            raise ModelError(Problem(what, hint="'sampling_step_size' (s) gives all sets the same times"))
        found = rows[:, 1:].reshape(len(rows), -1, len(quantities))
        last = min(first + found.shape[1], self.count)
        self.values[first:last] = found.transpose(1, 0, 2)[: last - first]

    def _make_room(self, rows: NDArray[np.float64], quantities: tuple[str, ...]) -> None:
        total = self.count * len(rows) * len(quantities)
        if total > MAX_VALUES:
            what = f"{self.count} sets of {len(rows)} times are {8e-9 * total:.3g} GB"
            hint = "keep fewer times with 'sampling_step_size' (s), or fewer variables"
            raise UnsupportedError(Problem(what, expected=f"at most {8e-9 * MAX_VALUES:.3g} GB", hint=hint))
        self.time = rows[:, 0].copy()
        self.values = np.full((self.count, len(rows), len(quantities)), np.nan)
        self.quantities = quantities


@dataclass(slots=True)
class _Sweep:
    experiment: Experiment
    lower: Callable[[Any], Model]
    axes: tuple[SweepAxis, ...]
    index: NDArray[np.int64]  # (n_sets, n_axes)
    options: Mapping[str, Any]
    swept: Swept

    def values(self, number: int) -> list[float]:
        """The values of a set, one for each axis."""
        pairs = zip(self.axes, self.index[number], strict=True)
        return [axis.values[place].item() for axis, place in pairs]

    def model(self, number: int) -> Model:
        """The model of one set as it is in a run of its own."""
        experiment = self.experiment
        for axis, value in zip(self.axes, self.values(number), strict=True):
            experiment = with_value(experiment, axis.path, value)
        return self.lower(experiment)

    def columns(self, found: Single | None) -> dict[str, Column] | None:
        """The attributes that take the values of all sets; None where sets differ in more than attributes."""
        if found is None:
            return None
        columns = {}
        for axis, place in zip(self.axes, self.index.T, strict=True):
            name = attribute(axis)
            if name is None or name not in found.component.attributes:
                return None
            values = axis.values[place].astype(np.float64)
            columns[name] = Column(values, after=f" {axis.unit}" if axis.unit else "")
        return columns

    def describe(self, number: int) -> str:
        values = zip(self.axes, self.values(number), strict=True)
        return ", ".join(f"{axis.short} = {value!r}" for axis, value in values)


def attribute(axis: SweepAxis) -> str | None:
    """The attribute of the component of the only dynamics that an axis means."""
    match axis.path:
        case ("dynamics", "parameters", name):
            return str(name)
        case ("dynamics", "state_variables", name, last) if last == INITIAL:
            return initial_name(str(name))
        case _:
            return None


def sweep(
    experiment: Experiment,
    lower: Callable[[Any], Model],
    axes: tuple[SweepAxis, ...],
    mode: str = "product",
    *,
    threads: int | None = None,
    chunk: int | None = None,
    progress: Progress | None = None,
    failures: str = "raise",
    **options: Any,
) -> Swept:
    """Runs every parameter set with the built-in engine, in threads; ``lower`` gives an experiment's model.

    Args:
        experiment: what is run.
        lower: gives an experiment's model.
        axes: what differs, and the values.
        mode: ``product`` or ``zip``.
        threads: how many runs at the same time; by default one for each core.
        chunk: how many sets run together at most. Neither this nor ``threads`` changes the result.
        progress: is called with (sets done, sets in all).
        failures: ``raise``, or ``nan`` in place of the traces of a set whose values are not finite.
        options: of the integration, as `tvbo_lite.backends.native.run_linked`.

    Raises:
        SimulationError: a value became NaN or infinite; it names the set.
        UnsupportedError: the result would not fit into memory. Else as the runs do.
    """
    _, index = points(axes, mode)
    if failures not in FAILURES:
        what = f"'failures' is '{failures}'"
        raise UnsupportedError(
            Problem(what, expected=" or ".join(FAILURES), hint=nearest(failures, FAILURES))
        )
    swept = Swept(len(index))
    work = _Sweep(experiment, lower, axes, index, options, swept)
    first = work.model(0)
    found = single(first)
    columns = work.columns(found)
    job: Callable[..., Job] = partial(_alone, work)
    size = 1
    if found is not None and columns is not None:
        size = _size(work, first, len(found.variables), chunk, threads)
        job = partial(_together, work, first, found, columns)

    def report(number: int) -> None:
        if progress is not None:
            progress(min((number + 1) * size, len(index)), len(index))

    keep = failures == "nan"
    starts = range(0, len(index), size)
    settings: dict[str, Any] = {**options, "threads": threads, "keep_going": keep}
    failed = run_jobs([job(first=at, size=size) for at in starts], progress=report, **settings)
    failed = {starts[k]: error for k, error in failed.items()}
    if failed and size > 1:  # which of the chunk
        each = [number for at in failed for number in range(at, min(at + size, len(index)))]
        alone = run_jobs([job(first=number, size=1) for number in each], **settings)
        failed = {each[k]: error for k, error in alone.items()} or failed
    if failed and not (keep and swept.quantities):
        number, error = min(failed.items(), key=itemgetter(0))
        raise SimulationError(error.variable, f"({work.describe(number)})", error.time, error.value)
    linked = link(first)
    swept.units = units_of_model(linked, simulation_plan(linked))
    return swept


def _size(work: _Sweep, model: Model, variables: int, chunk: int | None, threads: int | None) -> int:
    """How many sets run together: as many as asked for, or what keeps all threads busy and memory small."""
    if shares_no_step(model, work.options):
        return 1
    count = len(work.index)
    if chunk is not None:
        return max(1, min(chunk, count))
    plan = simulation_plan(link(model))
    sampling = work.options.get("sampling_step_size")
    rows = plan.length / sampling if sampling else plan.n_steps
    room = int(CHUNK_VALUES / max(rows * variables, 1.0))
    return max(1, min(CHUNK, room, -(-count // (threads or usual_threads()))))


def _alone(work: _Sweep, *, first: int, size: int) -> Job:
    """A set in a run of its own: there ``size`` is 1."""

    def done(plan: SimulationPlan, rows: NDArray[np.float64]) -> None:
        work.swept.take(first, rows, plan.quantities())

    return Job(lambda: work.model(first), done)


def _together(
    work: _Sweep, model: Model, found: Single, columns: Mapping[str, Column], *, first: int, size: int
) -> Job:
    """Sets ``first`` and the following in one run; the last chunk is filled up, to share its code too."""
    rows = np.minimum(np.arange(first, first + size), len(work.index) - 1)

    def made() -> Model:
        mine = {name: Column(column.values[rows], after=column.after) for name, column in columns.items()}
        return with_columns(model, found, mine)

    quantities = tuple(f"{found.population}[0]/{name}" for name in found.variables)
    return Job(made, lambda _, values: work.swept.take(first, values, quantities))
