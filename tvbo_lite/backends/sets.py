"""Many runs of the built-in engine in threads: compiled code releases the interpreter lock.

Models that differ in numbers only share machine code. What Python does, it does one run after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING

from tvbo_lite.backends.native import n_rows, prepare, simulate, with_solver
from tvbo_lite.backends.sinks import common_interval
from tvbo_lite.compiler.engine import Kernel
from tvbo_lite.compiler.llvm import module
from tvbo_lite.compiler.methods import Rosenbrock, RungeKutta, load
from tvbo_lite.compiler.verify import verify
from tvbo_lite.errors import SimulationError
from tvbo_lite.formats.lems import reader
from tvbo_lite.transforms.sweep import draws

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.lems.model import Model
    from tvbo_lite.lems.plan import SimulationPlan

__all__ = ["Engine", "Job", "run_jobs", "shares_no_step", "usual_threads"]


@dataclass(frozen=True, slots=True)
class Job:
    """A model to run, made when its turn comes.

    ``done`` gets the plan and the rows, shape ``(n_rows, 1 + n_recorded)``: time (s), then what is recorded.
    """

    model: Callable[[], Model]
    done: Callable[[SimulationPlan, NDArray[np.float64]], None]


@dataclass(slots=True)
class Engine:
    """Runs jobs and keeps their machine code for those that differ in numbers only; safe in threads.

    ``options`` are those of the built-in engine's integration.
    """

    options: Mapping[str, Any]
    lock: Lock = field(default_factory=Lock)
    kernels: dict[object, Kernel] = field(default_factory=dict)
    stopped: Event = field(default_factory=Event)  # set: runs in other threads end at their next report

    def run(self, job: Job) -> None:
        """Raises as `tvbo_lite.backends.native.run_model`."""
        with self.lock:
            model = with_solver(reader.link(job.model()), self.options)
            plan, program = prepare(model)
            kernel = self.kernel(program)
        done = simulate(program, kernel, n_rows(model.beyond, plan, program), self._go_on)
        job.done(plan, done.rows[:: common_interval(plan, program.dt)])

    def _go_on(self, *_: int) -> None:
        if self.stopped.is_set():
            raise CancelledError

    def kernel(self, program: Program) -> Kernel:
        """The program's machine code, made where no earlier one is the same."""
        verify(program)
        code = module(program)
        arrays = tuple((name, array.tobytes()) for name, array in code.arrays.items())
        key = (code.text, arrays, code.size)
        if key not in self.kernels:
            self.kernels[key] = Kernel(code, program.initialise.name)
        return self.kernels[key]


def run_jobs(
    jobs: Sequence[Job],
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    keep_going: bool = False,
    **options: Any,
) -> dict[int, SimulationError]:
    """Runs all jobs; the result of none depends on ``threads`` or on the others.

    ``options`` are those of the built-in engine's integration; ``progress`` is called with the number of the
    job that has just been finished, in order. Returns, by number, the errors of jobs in which a value became
    NaN or infinite: of all with ``keep_going``, else of the first, and jobs that have not begun by then are
    given up. Other errors are raised, as `tvbo_lite.backends.native.run_model` raises them.
    """
    engine = Engine(options)
    failed: dict[int, SimulationError] = {}
    with ThreadPoolExecutor(threads or usual_threads(), "tvbo_lite") as pool:
        running = [pool.submit(engine.run, job) for job in jobs]
        try:
            for number, future in enumerate(running):
                try:
                    future.result()
                except SimulationError as error:
                    failed[number] = error
                    if not keep_going:
                        break
                if progress is not None:
                    progress(number)
        finally:
            engine.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
    return failed


def usual_threads() -> int:
    """One for each core."""
    return os.cpu_count() or 1


def shares_no_step(model: Model, options: Mapping[str, Any]) -> bool:
    """Whether instances in one run would not be what each is in a run of its own.

    A method that chooses its steps would choose them for all; noise and random numbers are drawn from streams
    that all instances share.
    """
    beyond = with_solver(model, options).beyond
    method = load(beyond.solver.method)
    adaptive = isinstance(method, Rosenbrock) or (isinstance(method, RungeKutta) and bool(method.error))
    return adaptive or bool(beyond.noise) or draws(model)
