"""A sweep: which sets run together, in which threads, where the results go."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tvbo_lite import __version__
from tvbo_lite.backends.sets import in_threads, shares_no_step, usual_threads
from tvbo_lite.errors import NOWHERE, Problem, SimulationError, UnsupportedError, nearest
from tvbo_lite.explore.labels import Labels
from tvbo_lite.explore.work import Part, Runner, Traces, Work, check_times, parts_of
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.formats.yaml.writer import text_of
from tvbo_lite.lems.renamed import names_of
from tvbo_lite.memory import lacking
from tvbo_lite.progress import Progress, shown
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.transforms.recorded import units_of_model

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Progress", "Settings", "sweep"]

CHUNK = 128  # sets that are run together: their states stay in the nearest memory
CHUNK_VALUES = 1 << 25  # numbers that a chunk may record (256 MB), where its size is not given
STORED_VALUES = 1 << 22  # the same where chunks are those of a store (32 MB)
STORED_ALONE = 16  # sets that run one by one and are written together
FAILURES = ("raise", "nan")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sweep is run; none of it changes the result.

    ``threads`` at the same time, by default one for each core; at most ``chunk`` sets together; ``progress``
    is called with (sets done, sets in all), and True shows a bar; ``failures`` are ``raise``, or ``nan`` in
    place of the traces of a set whose values do not stay finite; results go to the folder ``output`` if
    there is one, else into memory; a Dask ``client`` has the runs done on its cluster.
    """

    threads: int | None = None
    chunk: int | None = None
    progress: Progress | bool | None = None
    failures: str = "raise"
    output: Path | None = None
    client: Any = None


class Kept(Protocol):
    """Where parts of a sweep are kept."""

    def parts(self) -> list[Part]:
        """All parts, in order."""

    def missing(self) -> list[Part]:
        """Those that are still to be run."""

    def take(self, part: Part, traces: Traces) -> None:
        """Keeps the traces of a part; may be called in several threads."""

    @property
    def size(self) -> int:
        """How many sets a part has at most."""

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is recorded; nothing as long as no set has been run."""

    def result(self) -> xr.DataArray:
        """All of it."""


@dataclass(slots=True)
class InMemory:
    """``values``: shape ``(n_sets, n_times, n_quantities)``, SI; ``time`` in s. Filled part by part."""

    count: int
    size: int
    labels: Labels
    time: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0, 0)))
    quantities: tuple[str, ...] = ()
    lock: Lock = field(default_factory=Lock)

    def parts(self) -> list[Part]:
        return list(parts_of(self.count, self.size))

    def missing(self) -> list[Part]:
        return self.parts()

    def take(self, part: Part, traces: Traces) -> None:
        """Sets that failed stay NaN."""
        if not traces.quantities:
            return
        with self.lock:
            if not self.quantities:
                self._make_room(traces)
        check_times(traces, self.time, self.quantities)
        self.values[part.first : part.first + part.count] = traces.values

    def _make_room(self, traces: Traces) -> None:
        shape = (self.count, len(traces.time), len(traces.quantities))
        lack = lacking(8.0 * math.prod(shape))
        if lack is not None:
            what = f"{self.count} sets of {len(traces.time)} times need {lack}"
            hint = "'output' writes them to a folder; 'sampling_step_size' (s) keeps fewer times"
            raise UnsupportedError(Problem(what, hint=hint))
        self.time = traces.time.copy()
        self.values = np.full(shape, np.nan)
        self.quantities = traces.quantities

    def result(self) -> xr.DataArray:
        return self.labels.labelled(self.values, self.time, self.quantities)


def sweep(work: Work, settings: Settings, dim: str, label: str | None) -> xr.DataArray:
    """Runs every parameter set with the built-in engine, and labels the traces.

    Args:
        work: what is run; its ``together`` and ``keep_going`` are worked out here.
        settings: how.
        dim: the dimension of what is recorded.
        label: the name of the whole.

    Raises:
        SimulationError: a value became NaN or infinite; it names the set.
        StoreError: ``output`` holds something else, or cannot be written.
        UnsupportedError: an unknown setting; the result would not fit into memory. Else as the runs do.
    """
    failures = settings.failures
    if failures not in FAILURES:
        problem = Problem(
            f"'failures' is '{failures}'", NOWHERE, " or ".join(FAILURES), nearest(failures, FAILURES)
        )
        raise UnsupportedError(problem)
    threads = _threads(settings)
    runner = Runner(replace(work, keep_going=failures == "nan"))
    model, found = runner.first()
    alone = shares_no_step(model, work.options) or found is None or runner.columns() is None
    kept = _kept(runner, settings, _size(runner, settings, threads, alone=alone), dim, label)
    runner.work = replace(runner.work, together=None if alone else kept.size)
    with shown(settings.progress, "sets") as progress:
        _run(runner, kept, settings, threads, progress)
    return kept.result()


def _threads(settings: Settings) -> int:
    if settings.client is None:
        return settings.threads or usual_threads()
    if settings.threads is not None:
        what = "'threads' are those of this process; on a cluster its workers have their own"
        raise UnsupportedError(Problem(what, hint="give either 'threads' or 'client'"))
    from tvbo_lite.explore.cluster import threads_of

    return threads_of(settings.client)


def _size(runner: Runner, settings: Settings, threads: int, *, alone: bool) -> int:
    """How many sets a part has at most: what keeps all threads busy and memory small."""
    count, stored = len(runner.index), settings.output is not None
    if alone and not stored:
        return 1
    if settings.chunk is not None:
        return max(1, min(settings.chunk, count))
    plan = simulation_plan(link(runner.first()[0]))
    sampling = runner.work.options.get("sampling_step_size")
    rows = plan.length / sampling if sampling else plan.n_steps
    room = int((STORED_VALUES if stored else CHUNK_VALUES) / max(rows * len(plan.quantities()), 1.0))
    usual = STORED_ALONE if alone else CHUNK
    return max(1, min(usual, room, -(-count // threads)))


def _kept(runner: Runner, settings: Settings, size: int, dim: str, label: str | None) -> Kept:
    work, (model, _) = runner.work, runner.first()
    linked = link(model)
    units = units_of_model(linked, simulation_plan(linked))
    labels = Labels(work.axes, work.mode, dim, label, units, names_of(model.renamed))
    if settings.output is None:
        return InMemory(len(runner.index), size, labels)
    from tvbo_lite.explore.store import Store, identity

    inputs = repr((linked.component_types, linked.beyond))
    mine = identity(__version__, text_of(work.experiment), inputs, labels, work.options)
    return Store(settings.output, mine, labels, runner.shape, size, work.keep_going)


def _run(runner: Runner, kept: Kept, settings: Settings, threads: int, progress: Progress | None) -> None:
    """Runs what is missing. Raises the error of the first set that fails, unless the others go on."""
    missing, total = kept.missing(), len(runner.index)
    done = total - sum(part.count for part in missing)
    failed: dict[int, SimulationError] = {}
    if progress is not None and done:
        progress(done, total)
    with closing(_runs(runner, kept, missing, settings, threads)) as runs:
        for part, errors in runs:
            failed.update(errors)
            if errors and not runner.work.keep_going:
                break
            done += part.count
            if progress is not None:
                progress(done, total)
    if failed and not (runner.work.keep_going and kept.quantities):
        raise runner.named(*min(failed.items(), key=itemgetter(0)))


def _runs(
    runner: Runner, kept: Kept, parts: Sequence[Part], settings: Settings, threads: int
) -> Generator[tuple[Part, Mapping[int, SimulationError]]]:
    """Each part and the errors of its sets, once its traces are kept."""

    def keep(part: Part, traces: Traces) -> Mapping[int, SimulationError]:
        if runner.work.keep_going or not traces.failed:
            kept.take(part, traces)
        return traces.failed

    if settings.client is None:
        stopped = runner.engine.stopped
        yield from in_threads(lambda part: keep(part, runner.traces(part)), parts, threads, stopped)
        return
    from tvbo_lite.explore.cluster import on_cluster

    with closing(on_cluster(settings.client, runner.work, parts, threads)) as results:
        for part, traces in results:
            yield part, keep(part, traces)
