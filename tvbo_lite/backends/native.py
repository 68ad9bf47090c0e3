"""The built-in engine: a model compiled to machine code and run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tvbo_lite.backends._room import numbers_in, require_room
from tvbo_lite.compiler.ir import TIME
from tvbo_lite.compiler.lower import lower
from tvbo_lite.compiler.memory import EXPOSURE
from tvbo_lite.errors import ModelError, Problem, SimulationError, UnsupportedError, nearest
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond
from tvbo_lite.lems.collector import collector_paused
from tvbo_lite.lems.recording import Recording
from tvbo_lite.transforms.blocks import Forest
from tvbo_lite.transforms.check import require
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.instantiate import populate
from tvbo_lite.transforms.limits import check_limits
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.transforms.recorded import recorded_units
from tvbo_lite.transforms.resolve import Resolver

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.compiler.engine import Kernel
    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.compiler.team import Team
    from tvbo_lite.lems.plan import SimulationPlan

CHUNK = 0.05  # s; between two calls of compiled code progress is reported and Ctrl-C is seen
FIRST_CHUNK = 1000  # steps
GROWTH = 1000.0  # how much longer the next part may be

STEP = "the length of the step"

Progress = Callable[[int, int], None]


def run_file(name: str | Path, *, search: Sequence[Path] = (), **options: Any) -> Recording:
    """Runs a LEMS file, or the canonical example of that name; options as for `run_linked`."""
    return run_linked(reader.read_file(name, search), **options)


def run_model(model: m.Model, *, search: Sequence[Path] = (), **options: Any) -> Recording:
    """Runs a model whose includes are still to be followed; options as for `run_linked`."""
    return run_linked(reader.link(model, search), **options)


def run_linked(
    model: m.Model,
    *,
    fast: bool = False,
    threads: int = 1,
    progress: Progress | None = None,
    plan: SimulationPlan | None = None,
    resolver: Resolver | None = None,
    **solver: Any,
) -> Recording:
    """Runs the simulation of a model that holds all it needs.

    ``solver`` replaces what the model says of its integration (`tvbo_lite.lems.beyond.Solver`):
    ``method="dopri5"``, ``rel_tol``, ``abs_tol``, ``sampling_step_size`` (s), ``max_step`` (s).
    ``fast`` trades the last bits for speed. ``threads`` share the work of a large network and change no bit
    of the results. ``progress`` is called with (steps done, steps in all).
    ``resolver`` is that of a model that has been checked already (`tvbo_lite.transforms.check.require`).
    Raises `InputError` with all that is wrong with the model, `SimulationError` where a value becomes
    NaN or infinite.
    """
    require_threads(threads)
    timings: dict[str, float] = {}
    begin = perf_counter()
    tree = _tree(with_solver(model, solver), plan, resolver, recorded=True)
    plan, program = tree.plan, tree.lowered()
    timings["lower"] = perf_counter() - begin
    kernel = compile_program(program, fast=fast)
    timings["compile"] = perf_counter() - begin - timings["lower"]
    import numpy as np  # noqa: F401  loaded here, so that the time below is the run's alone

    begin = perf_counter()
    done = simulate(program, kernel, tree.n_rows(program), progress, threads)
    timings["simulate"] = perf_counter() - begin
    events = _events_by_file(program, plan, done.events)
    quantities = plan.quantities()
    units = recorded_units(tree.root, quantities, tree.resolver.units)
    return Recording(plan, done.rows[:, 0], done.rows[:, 1:], quantities, events, timings, units)


def with_solver(model: m.Model, options: Mapping[str, Any]) -> m.Model:
    """The model with some of its solver's settings replaced.

    Raises `UnsupportedError` for an unknown one, `ModelError` for one that is no number above 0.
    """
    known = {"method": "method", "rel_tol": "rel_tol", "abs_tol": "abs_tol", "max_step": "max_step"}
    known["sampling_step_size"] = "sampling"
    for name in options:
        if name not in known:
            what = f"the built-in engine has no option '{name}'"
            raise UnsupportedError(Problem(what, expected=", ".join(known), hint=nearest(name, known)))
        value = options[name]
        numeric = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
        if name != "method" and value is not None and not numeric:
            raise ModelError(Problem(f"the option '{name}' is {value!r}", expected="a number above 0"))
    given = {known[name]: value for name, value in options.items() if value is not None}
    if not given:
        return model
    return replace(model, beyond=replace(model.beyond, solver=replace(model.beyond.solver, **given)))


def require_threads(threads: object) -> None:
    """Raises `ModelError` where it is no number of threads."""
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise ModelError(Problem(f"the option 'threads' is {threads!r}", expected="a whole number from 1 on"))


def prepare(model: m.Model, plan: SimulationPlan | None = None) -> tuple[SimulationPlan, Program]:
    """The plan and the lowered program of a linked model. All problems of the model are raised at once."""
    tree = _tree(model, plan)
    return tree.plan, tree.lowered()


@dataclass(frozen=True, slots=True)
class _Tree:
    """The instances of a model, and what they are to be run for."""

    resolver: Resolver
    plan: SimulationPlan
    forest: Forest
    beyond: Beyond

    @property
    def root(self) -> Instance:
        return Instance(self.forest.root, 0)

    def lowered(self) -> Program:
        constants = self.resolver.constants()
        if self.beyond == Beyond():
            return lower(self.forest, constants, self.plan)
        from tvbo_lite.compiler.integrate import lower_beyond  # slow to load

        return lower_beyond(self.forest, constants, self.plan, self.beyond)

    def n_rows(self, program: Program) -> int:
        return n_rows(self.beyond, self.plan, program)


def n_rows(beyond: Beyond, plan: SimulationPlan, program: Program) -> int:
    """The number of rows after the first: the steps, or how often results are taken."""
    if beyond.solver.sampling is None:
        return plan.n_steps
    return int(plan.length / program.dt + 1e-6)


@collector_paused()
def _tree(
    model: m.Model, plan: SimulationPlan | None, resolver: Resolver | None = None, *, recorded: bool = False
) -> _Tree:
    """``recorded``: all rows of the run will be kept in memory."""
    if resolver is None:
        resolver = Resolver(model)
        require(model, resolver)
    plan = plan or simulation_plan(model, resolver)
    count = plan.length / (model.beyond.solver.sampling or plan.step) if recorded else 0
    require_room(numbers_in(model.components), count, len(plan.quantities()))
    target = resolver.component(plan.target, model.location, "the simulation's target")
    forest = populate(target)
    check_limits(forest)
    return _Tree(resolver, plan, forest, model.beyond)


def compile_program(program: Program, *, fast: bool = False) -> Kernel:
    """Machine code of a program, which is checked first."""
    from tvbo_lite.compiler.engine import Kernel
    from tvbo_lite.compiler.llvm import module
    from tvbo_lite.compiler.verify import verify

    verify(program)
    return Kernel(module(program, fast=fast), program.initialise.name, fast=fast)


@dataclass(frozen=True, slots=True)
class Run:
    """``rows``: shape ``(n_steps + 1, 1 + n_recorded)``, time in s, then the recorded values; ``events``:
    fields ``time`` (s) and ``recorder``, in the order in which they happened.
    """

    rows: NDArray[np.float64]
    events: NDArray[np.void]


def simulate(
    program: Program, kernel: Kernel, n_steps: int, progress: Progress | None = None, threads: int = 1
) -> Run:
    """Runs a compiled program from its start. Raises `SimulationError` where a value is not finite.

    Long loops are shared by ``threads`` threads, which changes no result.
    """
    import numpy as np

    from tvbo_lite.compiler.team import team

    memory = start_memory(program, kernel.size)
    _check_size(n_steps, 1 + len(program.records))
    rows = np.empty((n_steps + 1, 1 + len(program.records)))
    try:
        kernel.start(memory)
        rows[0, 0] = 0.0
        rows[0, 1:] = memory[list(program.records)]
        _check(program, memory, 0.0)
        memory[TIME] = program.dt
        events = [kernel.take_events(memory)]
        with team(kernel, threads) as runner:
            events += _steps(program, runner, memory, rows, progress)
    finally:
        kernel.release(memory)
    return Run(rows, np.concatenate(events))


def _check_size(n_steps: int, n_columns: int) -> None:
    """A run that would fill the memory is refused before it starts."""
    require_room(0, n_steps, n_columns - 1)


def _steps(
    program: Program,
    kernel: Kernel | Team,
    memory: NDArray[np.float64],
    rows: NDArray[np.float64],
    progress: Progress | None,
) -> Iterator[NDArray[np.void]]:
    """Fills the rows after the first, part by part; yields the events of each part."""
    done, chunk = 1, FIRST_CHUNK
    while done < len(rows):
        begin = perf_counter()
        part = rows[done : done + chunk]
        good = kernel.run(memory, part)
        if good < len(part):
            _check(program, memory, float(part[good, 0]))
        yield kernel.take_events(memory)
        done += len(part)
        if progress is not None:
            progress(done - 1, len(rows) - 1)
        chunk = max(1, int(chunk * min(CHUNK / max(perf_counter() - begin, 1e-9), GROWTH)))


class Session:
    """A run that goes on from where it stopped: `advance` as often as wanted. `close` frees its events.

    The plan's length does not matter. Raises as `run_linked` does.
    """

    def __init__(self, model: m.Model, *, fast: bool = False, threads: int = 1) -> None:
        require_threads(threads)
        self._threads = threads
        self.plan, self.program = prepare(reader.link(model))
        self._kernel = compile_program(self.program, fast=fast)
        self._memory = start_memory(self.program, self._kernel.size)
        self._kernel.start(self._memory)
        _check(self.program, self._memory, 0.0)
        self._memory[TIME] = self.program.dt
        self.events: NDArray[np.void] = self._kernel.take_events(self._memory)

    def advance(self, n_steps: int) -> Run:
        """Some more steps; ``rows`` has one for each of them."""
        import numpy as np

        _check_size(n_steps, 1 + len(self.program.records))
        rows = np.empty((n_steps + 1, 1 + len(self.program.records)))  # the first is not written
        from tvbo_lite.compiler.team import team

        with team(self._kernel, self._threads) as runner:
            events = [self.events, *_steps(self.program, runner, self._memory, rows, None)]
        self.events = events[0][:0]
        return Run(rows[1:], np.concatenate(events))

    def values(self, kind: str, name: str) -> NDArray[np.float64] | None:
        """A variable of all instances of a component type at this moment; None where it has no memory."""
        import numpy as np

        cells = [cell for cell in self.program.cells if cell.name == name and cell.block.kind.name == kind]
        parts = [self._memory[cell.offset : cell.offset + cell.size] for cell in cells]
        return np.concatenate(parts) if parts else None

    def close(self) -> None:
        """Frees what the run holds outside of its memory."""
        self._kernel.release(self._memory)


def start_memory(program: Program, size: int) -> NDArray[np.float64]:
    """The memory of ``size`` cells before initialisation; what the program does not know of is 0."""
    import numpy as np

    from tvbo_lite.compiler.ir import RANDOM

    memory = np.zeros(size)
    memory[: len(program.memory)] = program.memory
    memory.view(np.int64)[RANDOM] = (program.seed ^ 0x5DEECE66D) & ((1 << 48) - 1)
    return memory


def _events_by_file(
    program: Program, plan: SimulationPlan, events: NDArray[np.void]
) -> dict[str, tuple[NDArray[np.float64], tuple[str, ...]]]:
    """For each event file, one without selections too, the times (s) and the selections' ids."""
    import numpy as np

    by_file = {}
    for file in dict.fromkeys(file.id for file in plan.event_files):
        numbers = [n for n, (owner, _) in enumerate(program.events) if owner == file]
        mine = events[np.isin(events["recorder"], numbers)]
        ids = tuple(program.events[n][1] for n in mine["recorder"])
        by_file[file] = (mine["time"].copy(), ids)
    return by_file


def _check(program: Program, memory: NDArray[np.float64], time: float) -> None:
    """Raises `SimulationError` for the first watched or recorded value that is not finite."""
    import numpy as np

    length = program.step_length
    if length is not None and not np.isfinite(memory[length]):
        raise SimulationError(STEP, "the whole model", time, float(memory[length]))
    for cell in sorted(program.checked, key=lambda cell: cell.block.number):  # sources before their readers
        values = memory[cell.offset : cell.offset + cell.size]
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            k = int(bad[0])
            name = cell.name.removeprefix(EXPOSURE)
            raise SimulationError(name, cell.block.describe(k), time, float(values[k]))
