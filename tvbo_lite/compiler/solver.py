"""Instances to a program that integrates them by a method of `tvbo_lite.compiler.methods`.

All states that have a rate lie side by side in memory, those with noise first, and so do their rates:
a method works on whole stretches. LEMS's own Euler step does not come here (`tvbo_lite.compiler.lower`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.block_code import BlockCode
from tvbo_lite.compiler.driver import Parts, Stream
from tvbo_lite.compiler.driver_adaptive import adaptive
from tvbo_lite.compiler.driver_fixed import begin, fixed, repeated, stochastic
from tvbo_lite.compiler.lower import DEFAULT_SEED, ModelLowering
from tvbo_lite.compiler.methods import NOISY, Method, Rosenbrock, RungeKutta, Stochastic, load
from tvbo_lite.compiler.past import Past, States
from tvbo_lite.compiler.past_grid import Grid
from tvbo_lite.compiler.past_segments import Segments
from tvbo_lite.compiler.pieces import Body
from tvbo_lite.compiler.samples import Table, place
from tvbo_lite.compiler.schedule import Schedule
from tvbo_lite.compiler.staged import RATE, STRENGTH, StagedCode
from tvbo_lite.compiler.switches import times
from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.expr.tree import Expr, children, names
from tvbo_lite.lems.beyond import Beyond, Delay, Noise, Samples, Solver
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.blocks import Block, Forest
from tvbo_lite.transforms.variables import CLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["lower_for", "method_of"]

MAX_DENSE = 400  # states of a method that solves linear systems
SOLID = 20_000  # steps from row to row at most: between rows a run hears nobody
JUST_AFTER = 1.0 + 2.0**-51  # a time times this is after it, however it was rounded
FEW = 12  # states: the code of more is not worth a copy for each stage
WHOLE = 1e-6  # how far the ratio of sampling time and step may be from a whole number

# In what unit people write a quantity of a dimension, in SI: absolute tolerances are meant in it.
UNITS = {
    "voltage": 1e-3, "current": 1e-9, "conductance": 1e-9, "time": 1e-3, "charge": 1e-12, "length": 1e-6,
    "capacitance": 1e-9, "per_time": 1e3, "specificCapacitance": 1e-2, "currentDensity": 1e-2,
    "conductanceDensity": 1.0, "concentration": 1.0,
}  # fmt: skip


def method_of(beyond: Beyond) -> Method | None:
    """The method that a model's solver and noise ask for; None for LEMS's own Euler step.

    Raises:
        UnsupportedError: there is no such method, or it has no form with noise.
    """
    method = _loaded(beyond.solver)
    noisy = any(not noise.held for noise in beyond.noise)
    if noisy and not isinstance(method, Stochastic):
        if method.name not in NOISY:
            what = f"the method '{method.name}' cannot integrate noise"
            expected = f"one of {', '.join(sorted({*NOISY, *NOISY.values()}))}"
            raise UnsupportedError(Problem(what, beyond.solver.location, expected))
        method = load(NOISY[method.name])
    plain = method.name == "euler" and not (beyond.noise or beyond.samples or beyond.delays)
    return None if plain else method


def _loaded(solver: Solver) -> Method:
    try:
        return load(solver.method)
    except UnsupportedError as error:
        raise UnsupportedError([replace(p, location=solver.location) for p in error.problems]) from None


def lower_for(
    forest: Forest, constants: Mapping[str, float], plan: SimulationPlan, beyond: Beyond, method: Method
) -> ir.Program:
    """The program of a model's instances for a method.

    Raises `ModelError`, `ExpressionError` or `UnsupportedError` with the place in the user's file.
    """
    return _Solving(forest, constants, plan, beyond, method).program()


@dataclass(frozen=True, slots=True)
class _Grid:
    """``rows`` seconds between rows, ``substeps`` steps for each; every ``apart``-th row is a result."""

    step: float
    rows: float
    substeps: int
    apart: int = 1


class _Solving(ModelLowering):
    lagging = False

    def __init__(
        self,
        forest: Forest,
        constants: Mapping[str, float],
        plan: SimulationPlan,
        beyond: Beyond,
        method: Method,
    ) -> None:
        self.beyond, self.method = beyond, method
        self.tables: dict[tuple[int, str], Table] = {}
        self.delays: dict[tuple[int, str], Delay | None] = {}
        super().__init__(forest, constants, plan)
        self.root = forest.root
        self.past = self._past()
        self.staged = {number: code for number, code in self.code.items() if isinstance(code, StagedCode)}
        self.schedule = Schedule(self.memory, self.staged)  # type: ignore[arg-type]
        self._check()

    def block_code(self, block: Block) -> BlockCode:
        return StagedCode(self, block)

    # ---- what the blocks ask -------------------------------------------------------------------------

    def noise_on(self, block: Block, variable: str) -> Noise | None:
        """The noise on a variable; of two for the same type the last counts."""
        fits = [n for n in self.beyond.noise if n.variable == variable and block.kind.is_a(n.type)]
        return fits[-1] if fits else None

    def table_of(self, block: Block, variable: str) -> Table | None:
        """The samples that give a variable."""
        key = (block.number, variable)
        if key not in self.tables:
            fits = [s for s in self.beyond.samples if s.variable == variable and block.kind.is_a(s.type)]
            if not fits:
                return None
            self.tables[key] = place(self.memory, fits[-1], block)
        return self.tables[key]

    def delay_on(self, block: Block, variable: str) -> Delay | None:
        """The delay with which a variable is read."""
        key = (block.number, variable)
        if key not in self.delays:
            fits = [d for d in self.beyond.delays if d.variable == variable and block.kind.is_a(d.type)]
            self.delays[key] = fits[-1] if fits else None
        return self.delays[key]

    def _past(self) -> Past:
        """How the past is kept."""
        if not self.beyond.delays:
            return Past(self, self.root)
        if self.is_adaptive and not isinstance(self.method, Stochastic):
            return Segments(self, self.root, self.method)
        return Grid(self, self.root, self.plan.step, self.method)

    # ---- checks -------------------------------------------------------------------------------------------

    def _check(self) -> None:
        problems = [p for block in self.forest.blocks for p in self.staged[block.number].problems()]
        if problems:
            unique = {(problem.message, problem.location): problem for problem in problems}
            raise UnsupportedError(list(unique.values()))
        for noise in self.beyond.noise:
            self._check_target(noise)
        for samples in self.beyond.samples:
            self._check_target(samples)
        for delay in self.beyond.delays:
            self._check_target(delay)

    def _check_target(self, item: Noise | Samples | Delay) -> None:
        blocks = [block for block in self.forest.blocks if block.kind.is_a(item.type)]
        what = {Noise: "noise", Samples: "samples", Delay: "delay"}[type(item)]
        if not blocks:
            kinds = {block.kind.name for block in self.forest.blocks}
            message = f"{what}: no instance has the type '{item.type}'"
            raise ModelError(Problem(message, item.location, hint=nearest(item.type, kinds)))
        for block in blocks:
            known = self._possible(self.staged[block.number], item)
            if item.variable not in known:
                message = f"{what}: '{item.variable}' of '{block.kind.name}' cannot have any"
                expected = f"one of {', '.join(known)}" if known else None
                raise ModelError(Problem(message, item.location, expected, nearest(item.variable, known)))

    def _possible(self, code: StagedCode, item: Noise | Samples | Delay) -> tuple[str, ...]:
        if isinstance(item, Delay):
            derived = code.dynamics.derived
            return tuple(one.name for one in derived if one.select is not None)
        if isinstance(item, Samples):
            return tuple(one.name for one in code.variables.derived)
        states = tuple(one.name for one in code.dynamics.state_variables)
        if item.held:
            return tuple(name for name in states if name not in code.integrated())
        return code.integrated()

    # ---- the program ------------------------------------------------------------------------------------

    def program(self) -> ir.Program:
        states = self._states()
        scalars = [ir.Load(self.root, self.memory.constant(0.0), 0) for _ in range(3)]
        self.flag, self.changes, self.active = scalars
        records = self.records(self.plan.quantities())
        for block in self.forest.blocks:
            self.staged[block.number].declare()
        self.past.settle(States(states[0], states[1], states[0] + states[1]))
        passes = self.schedule.run(self.forest.blocks)
        for block in self.forest.blocks:
            self.staged[block.number].settle()
            passes = max(passes, 1 + self.staged[block.number].last_pass())
        parts = self._parts(states, passes, records)
        handlers = [handler for block in self.forest.blocks for handler in self.code[block.number].handlers()]
        starts = [self.code[block.number].start() for block in self.forest.blocks]
        opening, step, own_steps = self._driven(parts)
        initialise = replace(starts[-1], body=(*starts[-1].body, *opening))
        events, ports = self.record_events(), self.all_ports(handlers)
        grid = self._grid()
        return ir.Program(
            dt=grid.rows,
            memory=self.memory.start_values(),
            cells=self.memory.cells,
            tables=self.memory.tables,
            functions=[*handlers, *self.functions, *starts[:-1], initialise],
            ports=ports,
            fans=self.fans,
            step=ir.Function("step", self.root, tuple(step)),
            initialise=initialise,
            records=records,
            checked=tuple(self.memory.checked.values()),
            events=events,
            seed=DEFAULT_SEED if self.plan.seed is None else self.plan.seed,
            own_time=True,
            own_steps=own_steps,
            apart=grid.apart,
        )

    def _grid(self) -> _Grid:
        """The distance of rows, and the steps in between. Raises `ModelError` where they do not fit."""
        step, rows = self.plan.step, self.beyond.solver.sampling
        if rows is None:
            return _Grid(step, step, 1)
        if self.is_adaptive:
            return _Grid(step, rows, 1)
        count = round(rows / step)
        if count < 1 or abs(rows / step - count) > WHOLE * count:
            what = f"the sampling step of {rows:g} s is not a multiple of the step of {step:g} s"
            raise ModelError(Problem(what))
        steps = next(steps for steps in range(min(count, SOLID), 0, -1) if count % steps == 0)
        return _Grid(step, steps * step, steps, count // steps)

    @property
    def is_adaptive(self) -> bool:
        """Whether the method chooses its steps."""
        return isinstance(self.method, Rosenbrock) or bool(
            isinstance(self.method, RungeKutta) and self.method.error
        )

    def delay_grid(self) -> float | None:
        return None if self.is_adaptive else self.dt

    def _states(self) -> tuple[int, int, int]:
        """Memory of the states: the first place, how many, how many of them have noise."""
        pairs = [
            (block, name) for block in self.forest.blocks for name in self.staged[block.number].integrated()
        ]
        noisy = [pair for pair in pairs if self.noise_on(*pair) is not None]
        ordered = [*noisy, *(pair for pair in pairs if pair not in noisy)]
        first = self.memory.size
        for prefix, some in (("", ordered), (RATE, ordered), (STRENGTH, noisy)):
            for block, name in some:
                self.memory.cell(block, prefix + name)
        count = sum(block.size for block, _ in ordered)
        self.ordered = ordered
        if isinstance(self.method, Rosenbrock) and count > MAX_DENSE:
            what = (
                f"the method '{self.method.name}' solves systems of equations, and there are {count} states"
            )
            hint = "use 'dopri5', or a fixed step"
            raise UnsupportedError(Problem(what, expected=f"at most {MAX_DENSE}", hint=hint))
        return first, count, sum(block.size for block, _ in noisy)

    def _parts(self, states: tuple[int, int, int], passes: int, records: tuple[int, ...]) -> Parts:
        first, count, noisy = states
        root, memory = self.staged[self.root.number], self.memory
        clock = ir.Load(self.root, memory.constant(0.0), 0)
        tests = self._tests()
        bodies = {
            "rates": tuple(s for number in range(passes) for s in root.rates(number)),
            "conditions": root.conditions(),
            "watch": root.watch(),
            "draw": (*self._held(clock), *root.draw()),
        }
        apart = count > FEW
        self.functions = [
            ir.Function(name, self.root, body, apart=apart) for name, body in bodies.items() if body
        ]
        breaks = sorted({time * JUST_AFTER for time in self._breaks() if 0 < time < math.inf})
        scale = [np.full(block.size, self._unit(block, name)) for block, name in self.ordered]
        grid = self._grid()
        return Parts(
            maker=self,
            root=self.root,
            solver=self.beyond.solver,
            dt=grid.step,
            row_dt=grid.rows,
            substeps=grid.substeps,
            first=first,
            count=count,
            noisy=noisy,
            scale=memory.stretch(np.concatenate([*scale, np.zeros(0)])),
            breaks=memory.stretch(np.array([*breaks, math.inf])),
            n_breaks=len(breaks),
            tests=tests,
            functions=tuple(function.name for function in self.functions),
            streams=tuple(self._streams()),
            flag=self.flag,
            changes=self.changes,
            active=self.active,
            clock=clock,
            queue=any(
                np.any(w.delays > 0) for b in self.forest.blocks for lots in b.wires.values() for w in lots
            ),
            derives=self._derives(records),
            moves_with_time=any(map(_reads_time, ir.statements(bodies["rates"]))),
            past=self.past,
        )

    def _tests(self) -> tuple[int, int, int]:
        """Memory for what is watched: its values side by side, and those of the last time."""
        firsts = []
        for when in ("now", "kept"):
            firsts.append(self.memory.size)
            for block in self.forest.blocks:
                for number in range(len(self.staged[block.number].tests)):
                    self.memory.own(block, f"test {number} {when}")
        return firsts[1] - firsts[0], firsts[0], firsts[1]

    def _driven(self, parts: Parts) -> tuple[Body, Body, ir.OwnSteps | None]:
        """What is done at the start and for a row; what a method that chooses its steps tells of them."""
        method = self.method
        held = [item for item in self.beyond.noise if item.held]
        if self.is_adaptive and held:
            what = (
                f"the method '{method.name}' chooses its steps, and '{held[0].variable}' is drawn each step"
            )
            hint = "use a method with a fixed step, such as 'euler' or 'rk4'"
            raise UnsupportedError(Problem(what, held[0].location, hint=hint))
        if isinstance(method, Rosenbrock) or (isinstance(method, RungeKutta) and method.error):
            end = self.plan.n_steps * self.plan.step
            if not parts.count:  # there is nothing to solve for
                return adaptive(parts, _dopri5(), end)
            return adaptive(parts, method, end)
        step = stochastic(parts, method) if isinstance(method, Stochastic) else fixed(parts, method)
        return begin(parts), repeated(parts, step), None

    # ---- random numbers -------------------------------------------------------------------------------

    def _streams(self) -> Iterator[Stream]:
        """The noise of each variable, with a number that no other has."""
        at = 0
        for number, (block, name) in enumerate(self.ordered):
            noise = self.noise_on(block, name)
            if noise is not None:
                yield Stream(at, block.size, noise.seed, number)
                at += block.size

    def _held(self, clock: ir.Load) -> Iterator[ir.Statement]:
        number = len(self.ordered)
        for block in self.forest.blocks:
            for name in self.staged[block.number].held():
                noise = self.noise_on(block, name)
                assert noise is not None  # noqa: S101  that is what held() tells
                cell = self.memory.cell(block, name)
                yield ir.Normal(cell.offset, cell.size, noise.seed, number, clock)
                number += 1

    # ---- times, units, what is recorded -----------------------------------------------------------------

    def _breaks(self) -> Iterator[float]:
        """Times at which something is foreseen to change at once."""
        for block in self.forest.blocks:
            code = self.staged[block.number]
            for expr in dict.fromkeys(code.foreseen_times()):
                yield from times(expr, self._values(block, expr), block.size)
        yield from (time for item in self.beyond.samples for time in item.times)
        yield from self.past.kinks()

    def _values(self, block: Block, expr: Expr) -> dict[str, NDArray[np.float64] | float]:
        found: dict[str, NDArray[np.float64] | float] = {}
        for name in names(expr):
            if name in self.constants:
                found[name] = self.constants[name].value
            elif name in block.component.parameters:
                found[name] = block.parameter(name)
            else:
                found[name] = block.values[name]
        return found

    def _unit(self, block: Block, name: str) -> float:
        declared = [*block.kind.dynamics.state_variables]
        declared += [item for regime in block.kind.dynamics.regimes for item in regime.state_variables]
        dimension = next((item.dimension for item in declared if item.name == name), "none")
        return UNITS.get(dimension, 1.0)

    def _derives(self, records: tuple[int, ...]) -> bool:
        """Whether a recorded quantity is worked out from the states and the time."""
        for record in records:
            for cell in self.memory.cells:
                if cell.offset <= record < cell.offset + cell.size:
                    node = self.staged[cell.block.number].node(cell.name)
                    if node is not None or cell.name == CLOCK:
                        return True
        return False


def _dopri5() -> RungeKutta:
    method = load("dopri5")
    assert isinstance(method, RungeKutta)  # noqa: S101  its table says so
    return method


def _reads_time(statement: ir.Statement) -> bool:
    if isinstance(statement, ir.Sample | ir.Recall):
        return True
    values = [getattr(statement, name, None) for name in ("value", "condition")]
    return any(_has_time(value) for value in values if value is not None)


def _has_time(value: ir.Value) -> bool:
    if isinstance(value, ir.Load):
        return value.offset == ir.TIME
    return any(map(_has_time, children(value)))
