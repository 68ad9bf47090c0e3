"""What the backends of other simulators share: a document that stands alone, a folder, what comes back.

The document holds all that the model includes, but NeuroML's core types, and writes one table with the
recorded quantities. What a simulator cannot record is a loss, and is not in the recording.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.backends._alone import TABLE, event_name, standing_alone
from tvbo_lite.backends._job import Job, job_of
from tvbo_lite.backends._process import Output, run
from tvbo_lite.backends._refused import Rule, check_refused
from tvbo_lite.backends._time import require_time
from tvbo_lite.errors import BackendError, ReadError, SimulationError
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems import model as m
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.lems.recording import Recording
from tvbo_lite.limits import TIMEOUT
from tvbo_lite.losses import Losses, LossWarning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]

__all__ = ["TABLE", "Simulator", "Workspace"]

MAIN = "model.xml"


# ---- the run -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Workspace:
    """A folder of its own for one job of one simulator, which must end before ``deadline``."""

    simulator: str
    job: Job
    folder: Path
    timeout: float
    deadline: float
    log: logging.Logger
    losses: Losses = field(default_factory=Losses)
    timings: dict[str, float] = field(default_factory=dict)  # s

    def write(self, quantities: Sequence[str], *, includes: bool = True, more_steps: int = 0) -> Path:
        """Write the job's document with these quantities; where it is."""
        main = self.folder / MAIN
        text = standing_alone(self.job, quantities, includes=includes, more_steps=more_steps)
        main.write_text(text, encoding="utf-8")
        return main

    def run(self, stage: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> Output:
        """Run a program in the folder. Raises `BackendError` where the time is over."""
        left = max(0.0, self.deadline - monotonic())
        output = run(command, self.folder, left, self.log, variables)
        self.timings[stage] = self.timings.get(stage, 0.0) + output.seconds
        if output.code is None:
            plan = self.job.plan
            msg = (
                f"{self.simulator} did not finish {self.job.name} within {self.timeout:g} s and was stopped; "
                f"give it a longer timeout, or simulate less than {plan.length:g} s ({plan.n_steps} steps)"
            )
            raise BackendError(msg)
        return output

    def fail(self, what: str, words: Sequence[str]) -> BackendError:
        """The error that says what did not work, in the program's own words."""
        text = "\n  ".join(words).replace(f"{self.folder}/", "")
        return BackendError(f"{self.simulator}: {what} {self.job.name}:\n  {text}")

    def lose(self, quantity: str, reason: str) -> None:
        """Notes that a quantity is not recorded."""
        self.losses.add(f"quantity '{quantity}'", reason)


@dataclass(frozen=True, slots=True)
class Simulator:
    """A backend: ``name`` in messages, what is ``refused``, and ``record``, which runs it in a folder.

    ``record`` is given the quantities to record; it gives, for each one that was recorded, the number of
    its column in the file `TABLE` (0 is the time).
    """

    name: str
    record: Callable[[Workspace, tuple[str, ...]], dict[str, int]]
    refused: tuple[Rule, ...]

    def run_file(
        self,
        path: str | Path,
        *,
        plan: SimulationPlan | None = None,
        search: Sequence[Path] = (),
        timeout: float | None = None,
        losses: Losses | None = None,
    ) -> Recording:
        """Run a LEMS file, or the canonical example of that name; nothing is written to its folder.

        Args:
            path: the main LEMS file.
            plan: what to record; read from the file if not given.
            search: folders in which includes are looked for after the file's own.
            timeout: s, for all stages together; by default `tvbo_lite.limits.TIMEOUT`.
            losses: gets the quantities that cannot be recorded. Without it, a `LossWarning` tells them.

        Returns:
            The recorded quantities, SI, at the times of the plan; ``timings`` has the seconds of each stage
            and ``simulate``, the simulator's own figure.

        Raises:
            InputError: the model is wrong, or beyond what can be handed to the simulator.
            BackendError: a program is missing or failed (the message has its words), or the time was over.
            SimulationError: a value became NaN or infinite.
        """
        return self._run(job_of(str(path), reader.read_file(path, search), plan), timeout, losses)

    def run_model(
        self,
        model: m.Model,
        *,
        plan: SimulationPlan | None = None,
        folder: str | Path | None = None,
        search: Sequence[Path] = (),
        timeout: float | None = None,
        losses: Losses | None = None,
    ) -> Recording:
        """Run a model; its includes are found from ``folder`` and ``search``. Else as `run_file`."""
        places = (*([Path(folder)] if folder is not None else []), *search)
        name = model.location.file or "the model"
        return self._run(job_of(name, reader.link(model, places), plan), timeout, losses)

    def _run(self, job: Job, timeout: float | None, losses: Losses | None) -> Recording:
        timeout = TIMEOUT.value() if timeout is None else timeout
        check_refused(job, self.name, self.refused)
        require_time(self.name, job.plan, timeout)
        with _workspace(self.name, job, timeout) as space:
            for beyond in job.model.beyond.items():  # the method, if one was chosen
                space.losses.add(*beyond)
            recorded = self.record(space, job.plan.quantities())
            recording = _collected(space, recorded)
        for loss in space.losses:
            if losses is None:
                warnings.warn(f"{self.name}: {loss}", LossWarning, stacklevel=3)
            else:
                losses.add(loss.what, loss.reason, loss.where)
        return recording


@contextmanager
def _workspace(simulator: str, job: Job, timeout: float) -> Iterator[Workspace]:
    log = logging.getLogger(f"tvbo_lite.{simulator.lower()}")
    prefix = f"tvbo_lite_{simulator.lower()}_"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        yield Workspace(simulator, job, Path(name), timeout, monotonic() + timeout, log)


# ---- what comes back ---------------------------------------------------------------------------


def _collected(space: Workspace, recorded: Mapping[str, int]) -> Recording:
    import numpy as np

    plan = space.job.plan
    try:
        table, events = _table(space, recorded), _read_events(space)
    except (ReadError, ValueError, IndexError) as error:  # it was stopped while it wrote
        raise space.fail("left files that cannot be read for", [str(error)]) from error
    _check_finite(table, tuple(recorded), plan.step)
    time: Array = np.arange(len(table), dtype=np.float64) * plan.step  # the printed times have few digits
    kept = _reduced(plan, frozenset(recorded))
    units = {quantity: space.job.units.get(quantity, "") for quantity in recorded}
    return Recording(kept, time, table, tuple(recorded), events, space.timings, units)


def _table(space: Workspace, recorded: Mapping[str, int]) -> Array:
    """The recorded columns of the table, one row for each step and the start."""
    from tvbo_lite.formats.dat import read_dat

    plan = space.job.plan
    table = read_dat(space.folder / TABLE)
    rows, last = plan.n_steps + 1, max(recorded.values(), default=0)
    if table.ndim != 2 or len(table) != rows or table.shape[1] <= last:
        expected = f"{rows} rows and {1 + last} columns"
        raise ValueError(f"a table of shape {table.shape} where {expected} were expected")
    step = (table[-1, 0] - table[0, 0]) / plan.n_steps
    if abs(step / plan.step - 1) > 1e-4:
        raise ValueError(f"a table with a step of {step:g} s where {plan.step:g} s were asked for")
    return table[:, list(recorded.values())].copy()


def _check_finite(table: Array, quantities: tuple[str, ...], step: float) -> None:
    """Raises `SimulationError` for the first value that is not finite, as the built-in engine does."""
    import numpy as np

    rows, columns = np.nonzero(~np.isfinite(table))
    if len(rows):
        instance, _, variable = quantities[columns[0]].rpartition("/")
        raise SimulationError(variable, instance, float(rows[0] * step), float(table[rows[0], columns[0]]))


def _reduced(plan: SimulationPlan, recorded: frozenset[str]) -> SimulationPlan:
    """The plan without what was not recorded."""
    displays = (
        replace(one, lines=tuple(line for line in one.lines if line.quantity in recorded))
        for one in plan.displays
    )
    files = (
        replace(one, columns=tuple(column for column in one.columns if column.quantity in recorded))
        for one in plan.files
    )
    return replace(
        plan,
        displays=tuple(one for one in displays if one.lines),
        files=tuple(one for one in files if one.columns),
    )


def _read_events(space: Workspace) -> dict[str, tuple[Array, tuple[str, ...]]]:
    from tvbo_lite.formats.dat import read_events

    found = {}
    for number, file in enumerate(space.job.plan.event_files):
        path = space.folder / event_name(number)
        if not path.is_file():
            space.losses.add(f"event file '{file.id}'", f"{space.simulator} wrote no events")
            continue
        times, numbers = read_events(path, "TIME_ID")
        ids = tuple(file.selections[int(float(k))].id for k in numbers)
        found[file.id] = (times, ids)
    return found
