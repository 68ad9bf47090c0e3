"""A run of compiled code that can stop after any row and go on: in parts, in another process, with Ctrl-C.

`Session` is the run itself, `record` the loop around it: it asks for parts of about `PART` seconds, so that
progress can be told and Ctrl-C seen, and hands rows and events to a sink.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from tvbo_lite.backends._room import require_room
from tvbo_lite.compiler.ir import RANDOM, TIME
from tvbo_lite.compiler.memory import EXPOSURE
from tvbo_lite.compiler.team import team
from tvbo_lite.errors import Problem, SimulationError, StepError, UnsupportedError
from tvbo_lite.transforms.instances import Instance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.backends._time import Forecast
    from tvbo_lite.compiler.engine import Kernel
    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.lems.state import State

__all__ = ["Progress", "Rows", "Run", "Session", "Sink", "Stop", "record", "stopped_by_ctrl_c"]

PART = 0.05  # s; between two calls of compiled code progress is reported and Ctrl-C is seen
FIRST_STEPS = 100  # of a method that chooses them, before the first pause
GROWTH = 10.0  # how much longer the next part may be: the first is one row

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """``rows``: shape ``(n_rows, 1 + n_recorded)``, time in s, then the recorded values; ``events``:
    fields ``time`` (s) and ``recorder``, in the order in which they happened.
    """

    rows: NDArray[np.float64]
    events: NDArray[np.void]


class Sink(Protocol):
    """Takes what a run gives."""

    def room(self, count: int) -> NDArray[np.float64]:
        """An array for some of the next ``count`` rows, one at least."""
        ...

    def take(self, rows: NDArray[np.float64], events: NDArray[np.void]) -> None:
        """The next rows, the first of an array that `room` gave, and the events of the same steps."""
        ...


class Session:
    """A run, from its start (``is_fresh``) or a `State`. ``done`` counts the rows after the one at time 0,
    ``seconds`` what compiled code and the sinks of its rows took.

    Long loops are shared by ``threads`` threads, which changes no bit.

    `close` frees what it holds outside of Python's memory. Raises `SimulationError` where a value is not
    finite, `UnsupportedError` for a state of another model.
    """

    def __init__(
        self,
        program: Program,
        kernel: Kernel,
        state: State | None = None,
        *,
        method: str = "euler",
        threads: int = 1,
    ) -> None:
        self.program, self.kernel, self.method = program, kernel, method
        self._team = ExitStack()
        self._runner = self._team.enter_context(team(kernel, threads))
        self._steps = FIRST_STEPS
        self.is_fresh = state is None
        self.done, self.time = 0, 0.0
        begin = perf_counter()
        self.memory = start_memory(program, kernel.size)
        kernel.start(self.memory)
        try:
            if state is None:
                check(program, self.memory, 0.0)
                self.memory[TIME] = program.dt
            else:
                self._restore(state)
        except BaseException:
            self.close()
            raise
        self.first_events = kernel.take_events(self.memory)
        self.seconds = perf_counter() - begin

    @property
    def width(self) -> int:
        """The columns of a row: the time and what is recorded."""
        return 1 + len(self.program.records)

    def row(self) -> NDArray[np.float64]:
        """The time and the recorded values at this moment, shape ``(1, width)``."""
        import numpy as np

        return np.concatenate(([self.time], self.memory[list(self.program.records)]))[None]

    def run(self, rows: NDArray[np.float64]) -> NDArray[np.void]:
        """Goes on for as many rows as there are, and fills them; the events that were recorded meanwhile.

        ``done`` tells which rows are good: not all where a value is not finite, and where a method that
        chooses its steps pauses before it comes to the next row.
        """
        own, begin = self.program.own_steps, perf_counter()
        if own is not None:
            self.memory[own.left] = self._steps
        good = self._runner.run(self.memory, rows)
        self.done += good
        if own is not None and self.memory[own.halfway]:
            self._steps = _next(self._steps, perf_counter() - begin)
        elif good < len(rows):
            check(self.program, self.memory, float(rows[good, 0]))
        if good:
            self.time = float(rows[good - 1, 0])
        return self.kernel.take_events(self.memory)

    def advance(self, n_rows: int) -> Run:
        """The same with an array of its own."""
        rows = Rows(n_rows, self.width)
        record(self, n_rows, rows)
        return rows.run()

    def values(self, kind: str, name: str) -> NDArray[np.float64] | None:
        """A variable of all instances of a component type at this moment; None where it has no memory."""
        import numpy as np

        cells = [cell for cell in self.program.cells if cell.name == name and cell.block.kind.name == kind]
        parts = [self.memory[cell.offset : cell.offset + cell.size] for cell in cells]
        return np.concatenate(parts) if parts else None

    def close(self) -> None:
        """Frees the lists of events, recorded and to come, and sends the threads home."""
        self._team.close()
        self.kernel.release(self.memory)

    # ---- states -------------------------------------------------------------------------------------------

    def state(self) -> State:
        """All that the run remembers at this moment.

        Raises `UnsupportedError` for a method that chooses its steps.
        """
        import numpy as np

        from tvbo_lite.compiler.memorable import delayed_connections, memorable
        from tvbo_lite.lems.state import State

        self.require_fixed_steps()
        parts = memorable(self.program)
        waiting = self.kernel.waiting(self.memory)
        values = [self.memory[part.offset : part.offset + part.size] for part in parts]
        return State(
            time=self.time,
            rows=self.done,
            step=self.program.dt,
            method=self.method,
            names=tuple(part.name for part in parts),
            sizes=np.array([part.size for part in parts], dtype=np.int64),
            values=np.concatenate([*values, np.zeros(0)]),
            reserved=self.memory.view(np.int64)[[TIME, RANDOM]],
            due=waiting["due"].copy(),
            handler=waiting["handler"].copy(),
            index=waiting["index"].copy(),
            handlers=self.kernel.queued,
            connections=delayed_connections(self.program),
        )

    def _restore(self, state: State) -> None:
        """The memory of a state in place of what initialisation made of it."""
        import numpy as np

        from tvbo_lite.compiler.memorable import delayed_connections, memorable

        self.require_fixed_steps()
        parts = memorable(self.program)
        sizes = np.array([part.size for part in parts], dtype=np.int64)
        names = tuple(part.name for part in parts)
        state.require(names, sizes, self.program.dt, self.method, delayed_connections(self.program))
        ends = dict(zip(state.names, np.cumsum(state.sizes).tolist(), strict=True))
        for part in parts:
            end = ends[part.name]
            self.memory[part.offset : part.offset + part.size] = state.values[end - part.size : end]
        self.memory.view(np.int64)[[TIME, RANDOM]] = state.reserved
        waiting = self.kernel.waiting(self.memory)
        waiting = np.empty(len(state.due), waiting.dtype)
        numbers = np.array([self.kernel.queued.index(name) for name in state.handlers], dtype=np.int64)
        waiting["due"], waiting["index"] = state.due, state.index
        waiting["handler"] = numbers[state.handler] if len(state.handler) else state.handler
        self.kernel.restore(self.memory, waiting)
        self.kernel.take_events(self.memory)  # those of the initialisation are of time 0
        self.done, self.time = state.rows, state.time

    def require_fixed_steps(self) -> None:
        """Raises `UnsupportedError` for a method that chooses its steps."""
        if self.program.own_steps is not None:
            what = f"the method '{self.method}' chooses its steps, and the last one ends with the run"
            hint = "use a method with a fixed step, such as 'rk4', to keep a state and go on"
            raise UnsupportedError(Problem(what, hint=hint))


# ---- the loop -----------------------------------------------------------------------------------------


class Rows:
    """A sink that keeps all rows in memory: the engine writes them where they stay."""

    def __init__(self, n_rows: int, width: int) -> None:
        """Raises `UnsupportedError` where they would fill it."""
        import numpy as np

        require_room(0, n_rows, width - 1)
        self.rows, self.filled = np.empty((n_rows, width)), 0
        self.events: list[NDArray[np.void]] = []

    def room(self, count: int) -> NDArray[np.float64]:
        return self.rows[self.filled : self.filled + count]

    def take(self, rows: NDArray[np.float64], events: NDArray[np.void]) -> None:
        self.filled += len(rows)
        self.events.append(events)

    def add(self, rows: NDArray[np.float64]) -> None:
        """Some rows more, from elsewhere."""
        self.room(len(rows))[:] = rows
        self.filled += len(rows)

    def run(self) -> Run:
        import numpy as np

        return Run(self.rows[: self.filled], np.concatenate(self.events))


@dataclass(slots=True)
class Stop:
    """Whether somebody wants the run to end after the present part."""

    wanted: bool = field(default=False)


def record(
    session: Session,
    n_rows: int,
    sink: Sink,
    progress: Progress | None = None,
    stop: Stop | None = None,
    *,
    forecast: Forecast | None = None,
) -> bool:
    """Goes on for ``n_rows`` rows, part by part; ends after a part where ``stop`` is wanted. Whether that was
    before the last row.

    ``progress`` is called with (rows done, rows in all). Raises `UnsupportedError` where the ``forecast``
    says that the run would take too long.
    """
    done, size, untold = 0, 1, 0.0  # untold: seconds since the last row
    events = session.first_events
    session.first_events = events[:0]
    if len(events):
        sink.take(sink.room(1)[:0], events)
    while done < n_rows and not (stop is not None and stop.wanted):
        begin = perf_counter()
        rows = sink.room(min(size, n_rows - done))
        before = session.done
        try:
            events = session.run(rows)
        except SimulationError:
            sink.take(rows[: session.done - before], session.kernel.take_events(session.memory))
            raise
        rows = rows[: session.done - before]
        sink.take(rows, events)
        done += len(rows)
        if progress is not None:
            progress(done, n_rows)
        spent = perf_counter() - begin
        session.seconds += spent
        untold += spent
        if forecast is not None and len(rows):
            forecast = None if forecast.is_made(len(rows), untold, n_rows - done) else forecast
            untold = 0.0
        size = _next(len(rows), spent)
    return done < n_rows


def _next(count: int, seconds: float) -> int:
    """How many come next, where so many took so long."""
    return max(1, int(count * min(PART / max(seconds, 1e-9), GROWTH)))


@contextmanager
def stopped_by_ctrl_c() -> Iterator[Stop]:
    """While it is open Ctrl-C sets a sign instead of raising `KeyboardInterrupt`; the second one raises.

    In the main thread only, and where nobody else has asked for the signal. SIGTERM does the same where it
    usually raises `KeyboardInterrupt` too, as on the command line.
    """
    stop = Stop()
    usual = signal.default_int_handler
    main = threading.current_thread() is threading.main_thread()
    heard = [one for one in (signal.SIGINT, signal.SIGTERM) if main and signal.getsignal(one) is usual]

    def noted(number: int, frame: object) -> None:
        stop.wanted = True
        as_usual()

    def as_usual() -> None:
        for one in heard:
            signal.signal(one, usual)

    for one in heard:
        signal.signal(one, noted)
    try:
        yield stop
    finally:
        as_usual()


def start_memory(program: Program, size: int) -> NDArray[np.float64]:
    """The memory of ``size`` cells before initialisation; what the program does not know of is 0."""
    import numpy as np

    memory = np.zeros(size)
    memory[: len(program.memory)] = program.memory
    memory.view(np.int64)[RANDOM] = (program.seed ^ 0x5DEECE66D) & ((1 << 48) - 1)
    return memory


def check(program: Program, memory: NDArray[np.float64], time: float) -> None:
    """Raises `SimulationError` for the first watched or recorded value that is not finite."""
    import numpy as np

    own = program.own_steps
    if own is not None and not np.isfinite(memory[own.length]):
        raise _too_long(program, memory, float(memory[own.begin]))
    for cell in sorted(program.checked, key=lambda cell: cell.block.number):  # sources before their readers
        values = memory[cell.offset : cell.offset + cell.size]
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            k = int(bad[0])
            name = cell.name.removeprefix(EXPOSURE)
            raise SimulationError(name, Instance(cell.block, k).path(), time, float(values[k]))


def _too_long(program: Program, memory: NDArray[np.float64], time: float) -> StepError:
    """The variable with the largest value, at the ``time`` up to which the run came."""
    import numpy as np

    found = []
    for cell in program.checked:
        values = memory[cell.offset : cell.offset + cell.size]
        sizes = np.nan_to_num(np.abs(values), nan=np.inf)
        k = int(sizes.argmax())
        found.append((float(sizes[k]), cell, k, float(values[k])))
    _, cell, k, value = max(found, key=lambda item: item[0])
    return StepError(cell.name.removeprefix(EXPOSURE), Instance(cell.block, k).path(), time, value)
