"""Many runs of the built-in engine in threads: compiled code releases the interpreter lock.

Models that differ in numbers only share machine code. What Python does, it does one run after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

from tvbo_lite.backends.native import n_rows, prepare, simulate, with_solver
from tvbo_lite.backends.sinks import common_interval
from tvbo_lite.compiler.engine import Kernel
from tvbo_lite.compiler.llvm import module
from tvbo_lite.compiler.methods import Rosenbrock, RungeKutta, load
from tvbo_lite.compiler.verify import verify
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

__all__ = ["Engine", "Ready", "in_threads", "shares_no_step", "usual_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that only has to be run."""

    plan: SimulationPlan
    program: Program
    kernel: Kernel
    n_rows: int  # after the first


@dataclass(slots=True)
class Engine:
    """Runs models and keeps their machine code for those that differ in numbers only; safe in threads.

    ``options`` are those of the built-in engine's integration.
    """

    options: Mapping[str, Any]
    lock: Lock = field(default_factory=Lock)
    kernels: dict[object, Kernel] = field(default_factory=dict)
    stopped: Event = field(default_factory=Event)  # set: runs in other threads end at their next report

    def ready(self, make: Callable[[], Model]) -> Ready:
        """The model that ``make`` gives, lowered and compiled; nothing else is made meanwhile."""
        with self.lock:
            model = self.linked(make())
            plan, program = prepare(model)
            return Ready(plan, program, self._kernel(program), n_rows(model.beyond, plan, program))

    def linked(self, model: Model) -> Model:
        """The model with all that it includes and the engine's options."""
        return with_solver(reader.link(model), self.options)

    def run(self, ready: Ready) -> NDArray[np.float64]:
        """The rows, shape ``(n_rows + 1, 1 + n_recorded)``: time (s), then what is recorded.

        Raises as `tvbo_lite.backends.native.run_model`, and `CancelledError` once the engine is stopped.
        """
        rows = simulate(ready.program, ready.kernel, ready.n_rows, self._go_on).rows
        return rows[:: common_interval(ready.plan, ready.program)]

    def _go_on(self, *_: int) -> None:
        if self.stopped.is_set():
            raise CancelledError

    def _kernel(self, program: Program) -> Kernel:
        """The program's machine code, made where no earlier one is the same."""
        verify(program)
        code = module(program)
        arrays = tuple((name, array.tobytes()) for name, array in code.arrays.items())
        key = (code.text, arrays, code.size)
        if key not in self.kernels:
            self.kernels[key] = Kernel(code, program.initialise.name)
        return self.kernels[key]


def in_threads(
    run: Callable[[Item], Result], items: Sequence[Item], threads: int | None, stopped: Event
) -> Generator[tuple[Item, Result]]:
    """Each item with what ``run`` gives for it, in their order.

    Where that raises, or whoever takes the results goes no further, ``stopped`` is set, items that have not
    begun are given up, and those that have are waited for.
    """
    with ThreadPoolExecutor(threads or usual_threads(), "tvbo_lite") as pool:
        running = [pool.submit(run, item) for item in items]
        try:
            for item, future in zip(items, running, strict=True):
                yield item, future.result()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


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
