"""Instances to a program that integrates them by a method of `tvbo_lite.compiler.methods`.

All states that have a rate lie side by side in memory, those with noise first, and so do their rates:
a method works on whole stretches. LEMS's own Euler step does not come here (`tvbo_lite.compiler.lower`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.block_code import BlockCode
from tvbo_lite.compiler.driver import Parts
from tvbo_lite.compiler.driver_adaptive import adaptive
from tvbo_lite.compiler.driver_fixed import fixed, stochastic
from tvbo_lite.compiler.lower import DEFAULT_SEED, ModelLowering
from tvbo_lite.compiler.methods import NOISY, Method, Rosenbrock, RungeKutta, Stochastic, load
from tvbo_lite.compiler.samples import Table, place
from tvbo_lite.compiler.schedule import Schedule
from tvbo_lite.compiler.staged import RATE, STRENGTH, StagedCode
from tvbo_lite.compiler.switches import times
from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.expr.tree import Number, names
from tvbo_lite.lems.beyond import Beyond, Noise, Samples
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.blocks import Block, Forest
from tvbo_lite.transforms.variables import CLOCK

__all__ = ["lower_for", "method_of"]

MAX_DENSE = 400  # states of a method that solves linear systems
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
    method = load(beyond.solver.method)
    noisy = any(not noise.held for noise in beyond.noise)
    if noisy and not isinstance(method, Stochastic):
        if method.name not in NOISY:
            what = f"the method '{method.name}' cannot integrate noise"
            expected = f"one of {', '.join(sorted({*NOISY, *NOISY.values()}))}"
            raise UnsupportedError(Problem(what, expected=expected))
        method = load(NOISY[method.name])
    plain = method.name == "euler" and not beyond.noise and not beyond.samples
    return None if plain else method


def lower_for(
    forest: Forest, constants: Mapping[str, float], plan: SimulationPlan, beyond: Beyond, method: Method
) -> ir.Program:
    """The program of a model's instances for a method.

    Raises `ModelError`, `ExpressionError` or `UnsupportedError` with the place in the user's file.
    """
    return _Solving(forest, constants, plan, beyond, method).program()


@dataclass(frozen=True, slots=True)
class _Grid:
    """``dt`` seconds between rows, ``substeps`` steps for each."""

    step: float
    rows: float
    substeps: int


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
        super().__init__(forest, constants, plan)
        self.root = forest.root
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

    # ---- checks -------------------------------------------------------------------------------------------

    def _check(self) -> None:
        problems = [p for block in self.forest.blocks for p in self.staged[block.number].problems()]
        if problems:
            unique = {(problem.message, problem.location): problem for problem in problems}
            raise UnsupportedError(list(unique.values()))
        for item in (*self.beyond.noise, *self.beyond.samples):
            self._check_target(item)

    def _check_target(self, item: Noise | Samples) -> None:
        blocks = [block for block in self.forest.blocks if block.kind.is_a(item.type)]
        what = "noise" if isinstance(item, Noise) else "samples"
        if not blocks:
            kinds = {block.kind.name for block in self.forest.blocks}
            message = f"{what}: no instance has the type '{item.type}'"
            raise ModelError(Problem(message, item.location, hint=nearest(item.type, kinds)))
        for block in blocks:
            known = self._possible(self.staged[block.number], item)
            if item.variable not in known:
                message = f"{what}: '{item.variable}' of '{block.kind.name}' cannot have any"
                expected = f"one of {', '.join(known)}" if known else None
                raise ModelError(
                    Problem(message, item.location, expected, nearest(item.variable, known))
                )

    def _possible(self, code: StagedCode, item: Noise | Samples) -> tuple[str, ...]:
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
        passes = self.schedule.run(self.forest.blocks)
        for block in self.forest.blocks:
            self.staged[block.number].settle()
        parts = self._parts(states, passes, records)
        handlers = [handler for block in self.forest.blocks for handler in self.code[block.number].handlers()]
        starts = [self.code[block.number].start() for block in self.forest.blocks]
        begin, step, length = self._driven(parts)
        initialise = replace(starts[-1], body=(*starts[-1].body, *begin))
        events, ports = self.record_events(), self.all_ports(handlers)
        grid = self._grid()
        return ir.Program(
            dt=grid.rows,
            memory=self.memory.start_values(),
            cells=self.memory.cells,
            tables=self.memory.tables,
            functions=[*handlers, *parts.functions, *starts[:-1], initialise],
            ports=ports,
            fans=self.fans,
            step=ir.Function("step", self.root, step),
            initialise=initialise,
            records=records,
            checked=tuple(self.memory.checked.values()),
            events=events,
            seed=DEFAULT_SEED if self.plan.seed is None else self.plan.seed,
            own_time=True,
            step_length=length,
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
        return _Grid(step, count * step, count)

    @property
    def is_adaptive(self) -> bool:
        """Whether the method chooses its steps."""
        return isinstance(self.method, Rosenbrock) or bool(
            isinstance(self.method, RungeKutta) and self.method.error
        )

    def _states(self) -> tuple[int, int, int]:
        """Memory of the states: the first place, how many, how many of them have noise."""
        pairs = [(block, name) for block in self.forest.blocks for name in self.staged[block.number].integrated()]
        noisy = [pair for pair in pairs if self.noise_on(*pair) is not None]
        ordered = [*noisy, *(pair for pair in pairs if pair not in noisy)]
        first = self.memory.size
        for prefix, some in (("", ordered), (RATE, ordered), (STRENGTH, noisy)):
            for block, name in some:
                self.memory.cell(block, prefix + name)
        count = sum(block.size for block, _ in ordered)
        self.ordered = ordered
        if isinstance(self.method, Rosenbrock) and count > MAX_DENSE:
            what = f"the method '{self.method.name}' solves systems of equations, and there are {count} states"
            hint = "use 'dopri5', or a fixed step"
            raise UnsupportedError(Problem(what, expected=f"at most {MAX_DENSE}", hint=hint))
        return first, count, sum(block.size for block, _ in noisy)

    def _parts(self, states: tuple[int, int, int], passes: int, records: tuple[int, ...]) -> Parts:
        first, count, noisy = states
        root = self.staged[self.root.number]
        rates = tuple(s for number in range(passes) for s in root.rates(number))
        for when in ("now", "kept"):
            for block in self.forest.blocks:
                for number in range(len(self.staged[block.number].tests)):
                    self.memory.own(block, f"test {number} {when}")
        tests = sum(block.size * len(self.staged[block.number].tests) for block in self.forest.blocks)
        functions = {"rates": rates, "conditions": root.conditions(), "watch": root.watch()}
        scale = np.concatenate([np.full(b.size, self._unit(b, n)) for b, n in self.ordered] or [np.zeros(0)])
        breaks = sorted({time for time in self._breaks() if math.isfinite(time) and time > 0})
        return Parts(
            lowering=self,
            root=self.root,
            first=first,
            count=count,
            noisy=noisy,
            scale=self.memory.stretch(scale),
            draws=tuple(self._draws()),
            held=tuple(self._held()),
            breaks=self.memory.stretch(np.array([*breaks, math.inf])),
            n_breaks=len(breaks),
            tests=tests,
            now=self.memory.size - 0,
            functions=[ir.Function(name, self.root, body) for name, body in functions.items() if body],
            flag=self.flag,
            changes=self.changes,
            active=self.active,
            queue=any(np.any(w.delays > 0) for b in self.forest.blocks for w in b.wires.values()),
            derives=self._derives(records),
            moves_with_time=any(_reads_time(s) for s in ir.statements(rates)),
        )
