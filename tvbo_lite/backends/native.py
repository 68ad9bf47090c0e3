"""The built-in engine: a model compiled to machine code and run in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tvbo_lite.ahead import settle
from tvbo_lite.backends._room import numbers_in, require_room
from tvbo_lite.backends._time import Forecast
from tvbo_lite.backends.session import Progress, Rows, Run, Session, record
from tvbo_lite.collector import collector_paused
from tvbo_lite.compiler.lower import lower
from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond
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
    from tvbo_lite.compiler.engine import Kernel
    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.lems.plan import SimulationPlan
    from tvbo_lite.lems.state import State
    from tvbo_lite.streams import Output


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
    initial_state: State | None = None,
    keep_state: bool | None = None,
    output: Output | None = None,
    force: bool = False,
    **solver: Any,
) -> Recording:
    """Runs the simulation of a model that holds all it needs.

    ``solver`` replaces what the model says of its integration (`tvbo_lite.lems.beyond.Solver`):
    ``method="dopri5"``, ``rel_tol``, ``abs_tol``, ``sampling_step_size`` (s), ``max_step`` (s).
    ``fast`` trades the last bits for speed. ``threads`` share the work of a large network and change no bit
    of the results. ``progress`` is called with (steps done, steps in all).
    ``resolver`` is that of a model that has been checked already (`tvbo_lite.transforms.check.require`).

    A run from ``initial_state`` goes on from there for the length of the simulation; its first row is the
    one after the state's. ``keep_state`` asks for the state at the end (None: where there is one). With
    ``output`` rows and events are written to disk while it runs. Ctrl-C ends it early
    (`Recording.stopped`); the second one raises. A run that would take longer than a day
    (`tvbo_lite.limits.RUN_TIME`) is refused in its first second, unless ``force`` is given.

    Raises `InputError` with all that is wrong with the model, `UnsupportedError` for a state of another one
    and for a run that takes too much time or memory, `SimulationError` where a value becomes NaN or infinite,
    `OSError` where ``output`` cannot be written.
    """
    require_threads(threads)
    timings: dict[str, float] = {}
    begin = perf_counter()
    if output is not None:
        output.check()
    with collector_paused():
        tree = _tree(with_solver(model, solver), plan, resolver, recorded=output is None)
        program = tree.lowered()
        timings["lower"] = perf_counter() - begin
        kernel = compile_program(program, fast=fast, threads=threads)
        timings["compile"] = perf_counter() - begin - timings["lower"]
        settle()
    from tvbo_lite.backends.sinks import Job, in_memory, on_disk  # with numpy, after the compilation

    session = Session(program, kernel, initial_state, method=tree.beyond.solver.method, threads=threads)
    try:
        if keep_state:
            session.require_fixed_steps()
        forecast = None if force else Forecast(tree.plan.n_steps)
        job = Job(session, tree.plan, tree.units(), tree.n_rows(program), progress, forecast)
        recording = in_memory(job) if output is None else on_disk(job, output)
        timings["simulate"] = session.seconds
        keep = program.own_steps is None if keep_state is None else keep_state
        state = session.state() if keep else None
    finally:
        session.close()
    return replace(recording, timings=timings, state=state)


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
        if self.beyond.is_plain:
            return lower(self.forest, constants, self.plan)
        from tvbo_lite.compiler.integrate import lower_beyond  # slow to load

        return lower_beyond(self.forest, constants, self.plan, self.beyond)

    def units(self) -> dict[str, str]:
        return recorded_units(self.root, self.plan.quantities(), self.resolver.units)

    def n_rows(self, program: Program) -> int:
        return n_rows(self.beyond, self.plan, program)


def n_rows(beyond: Beyond, plan: SimulationPlan, program: Program) -> int:
    """The number of rows after the first: the steps, or those between which results are taken."""
    if beyond.solver.sampling is None:
        return plan.n_steps
    return int(plan.length / (program.dt * program.apart) + 1e-6) * program.apart


@collector_paused()
def _tree(
    model: m.Model, plan: SimulationPlan | None, resolver: Resolver | None = None, *, recorded: bool = False
) -> _Tree:
    """``recorded``: all rows of the run will be kept in memory."""
    if resolver is None:
        resolver = Resolver(model)
        require(model, resolver)
    plan = plan or simulation_plan(model, resolver)
    count = (
        plan.length / (model.beyond.solver.sampling or plan.step)
        if recorded and set(plan.intervals()) == {None}
        else 0
    )
    require_room(numbers_in(model.components), count, len(plan.quantities()))
    target = resolver.component(plan.target, model.location, "the simulation's target")
    forest = populate(target)
    check_limits(forest)
    return _Tree(resolver, plan, forest, model.beyond)


def compile_program(program: Program, *, fast: bool = False, threads: int = 1) -> Kernel:
    """Machine code of a program, checked first. Any number of threads can run what is for several."""
    from tvbo_lite.compiler.engine import Kernel
    from tvbo_lite.compiler.llvm import module
    from tvbo_lite.compiler.verify import verify

    verify(program)
    return Kernel(module(program, fast=fast, threads=threads), program.initialise.name, fast=fast)


def simulate(
    program: Program, kernel: Kernel, n_steps: int, progress: Progress | None = None, threads: int = 1
) -> Run:
    """Runs a compiled program from its start; the first row is that at time 0.

    Raises `SimulationError` where a value is not finite, `UnsupportedError` where it would take too long.
    """
    session = Session(program, kernel, threads=threads)
    try:
        rows = Rows(n_steps + 1, session.width)
        rows.add(session.row())
        record(session, n_steps, rows, progress, forecast=Forecast(n_steps))
    finally:
        session.close()
    return rows.run()


def open_session(model: m.Model, *, fast: bool = False, threads: int = 1) -> tuple[SimulationPlan, Session]:
    """A run of a model that goes on as often as wanted; the plan's length does not matter.

    Raises as `run_linked` does.
    """
    tree = _tree(reader.link(model), None)
    program = tree.lowered()
    kernel, method = compile_program(program, fast=fast, threads=threads), model.beyond.solver.method
    return tree.plan, Session(program, kernel, method=method, threads=threads)
