"""Exponential Euler: each state moves as if its rate were a straight line in the state itself.

With the rate f and its slope b by the state at the start of a step,
``x += h * f * (exp(h * b) - 1) / (h * b)``. For ``f = a + b * x`` that is exact as long as a and b stay, so
that membranes and gates may move faster than the step is long (MacGregor 1987, Neural and Brain Modeling);
for other rates it is the exponential method of Rosenbrock and Euler with the diagonal of the Jacobian, of
first order (Hochbruck and Ostermann, Acta Numerica 19 (2010) 209).

The slope goes through derived variables and through those of the instances inside: a membrane potential is
seen by channels and synapses, whose currents it then adds up. The step is LEMS's own in all else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.block_code import BlockCode, Lowering
from tvbo_lite.compiler.held import HeldLowering
from tvbo_lite.compiler.memory import EXPOSURE
from tvbo_lite.compiler.methods import EXPONENTIAL
from tvbo_lite.compiler.reading import Many, Ranges, Scope, Simple
from tvbo_lite.compiler.schedule import climbed, is_inside
from tvbo_lite.compiler.selection import Targets, select_targets
from tvbo_lite.errors import ExpressionError, Location, Problem, UnsupportedError
from tvbo_lite.expr.derivative import derivative
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Number, Select, names
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.blocks import Block, Forest

__all__ = ["lower_exponential"]

ZERO, ONE = Number(0.0), Number(1.0)
SMALL = 1e-3  # below, the series of (exp(z) - 1) / z to the fourth power is nearer than the difference

State: TypeAlias = tuple[int, str]
"""A state: the number of its block, its name."""


def lower_exponential(
    forest: Forest, constants: Mapping[str, float], plan: SimulationPlan, beyond: Beyond
) -> ir.Program:
    """The program of a model's instances.

    Raises as `tvbo_lite.compiler.lower.lower`, and `UnsupportedError` for noise in a rate, samples and rows
    at other times than the steps.
    """
    _require(beyond)
    return _ExponentialLowering(forest, constants, plan, beyond.noise).program()


def _require(beyond: Beyond) -> None:
    found: list[tuple[str, Location]] = [
        (f"noise on the rate of '{noise.variable}'", noise.location)
        for noise in beyond.noise
        if not noise.held
    ]
    found += [(f"samples of '{item.variable}'", item.location) for item in beyond.samples]
    if beyond.solver.sampling is not None:
        found.append(("a sampling step", beyond.solver.location))
    if found:
        raise UnsupportedError(
            [Problem(f"the method '{EXPONENTIAL}' takes no {what}", location) for what, location in found]
        )


class _ExponentialLowering(HeldLowering):
    def block_code(self, block: Block) -> BlockCode:
        return ExponentialCode(self, block)


@dataclass(frozen=True, slots=True)
class _Received:
    """The slopes of the instances at the end of a path, which are kept under ``cell``."""

    targets: Targets
    cell: str


class ExponentialCode(BlockCode):
    """The code of one block's instances."""

    def __init__(self, lowering: Lowering, block: Block) -> None:
        super().__init__(lowering, block)
        self._found: dict[tuple[str, State], Expr] = {}
        self._of_rates: dict[str, Expr] = {}  # the slope of each state's rate by the state
        self._sent: dict[str, Expr] = {}
        self._received: dict[str, _Received] = {}
        self._leaves: dict[str, Simple | Many | Ranges] = {}

    # ---- slopes -----------------------------------------------------------------------------------

    def slope_of(self, expr: Expr, state: State) -> Expr:
        """d expr / d state, through all names that the expression reads; 0 where it has none."""
        total: Expr = ZERO
        for name in dict.fromkeys(names(expr)):
            inner = self.slope(name, state)
            if inner != ZERO:
                total = _sum(total, _product(_derivative(expr, name), inner))
        return total

    def slope(self, name: str, state: State) -> Expr:
        """d name / d state, in names of this block."""
        key = (name, state)
        if key not in self._found:
            self._found[key] = ZERO  # in a circle it is that of the step before which is read
            self._found[key] = self._slope(name, state)
        return self._found[key]

    def _slope(self, name: str, state: State) -> Expr:
        if (self.block.number, name) == state:
            return ONE
        if self.is_requirement(name):
            return self._outside(name, state)
        item = self._named.get(name)
        if item is None or name in self.variables.stateful:
            return ZERO
        if isinstance(item, m.ConditionalDerivedVariable):
            return self._chosen(item, state)
        if item.value is not None:
            return self.slope_of(parse(item.value), state)
        return self._inside(item, state)

    @cached_property
    def _named(self) -> dict[str, m.DerivedVariable | m.ConditionalDerivedVariable]:
        return {item.name: item for item in self.variables.derived}

    def _chosen(self, item: m.ConditionalDerivedVariable, state: State) -> Expr:
        cases = tuple(
            (None if one.condition is None else parse(one.condition), self.slope_of(parse(one.value), state))
            for one in item.cases
        )
        return ZERO if all(slope == ZERO for _, slope in cases) else Select(cases)

    def _outside(self, name: str, state: State) -> Expr:
        """1 where a requirement is the state of an instance around."""
        seen = climbed(self.memory, self.low.code, self.block, name)
        there = None if seen is None else (seen.block.number, seen.name.removeprefix(EXPOSURE))
        return ONE if there == state else ZERO

    def _inside(self, item: m.DerivedVariable, state: State) -> Expr:
        """What the instances at the end of a path add, if they are parts of this one."""
        assert item.select is not None  # noqa: S101  the caller has looked
        path, _, end = item.select.rpartition("/")
        targets = select_targets(self.block, path, item)
        if targets.multiply or not self._are_parts(targets):
            return ZERO
        parts = [(block, *self._end(block, end, state)) for block in targets.refs.blocks]
        if all(slope == ZERO for _, _, slope in parts):
            return ZERO
        cell = f"slope of {end} by {state[1]} of {state[0]}"
        for block, code, slope in parts:
            self.memory.own(block, cell)
            code._sent[cell] = slope  # noqa: SLF001  another block's code of this class
        name = f"{cell} at {path}"
        self._received[name] = _Received(targets, cell)
        return Name(name)

    def _end(self, block: Block, name: str, state: State) -> tuple[ExponentialCode, Expr]:
        code = self.low.code[block.number]
        assert isinstance(code, ExponentialCode)  # noqa: S101  as `block_code` makes them
        seen = self.memory.get(block, name)
        if seen is None or seen.is_parameter or not seen.name or seen.block is not block:
            return code, ZERO
        return code, code.slope(seen.name.removeprefix(EXPOSURE), state)

    def _are_parts(self, targets: Targets) -> bool:
        owners = np.repeat(np.arange(len(targets.starts) - 1), np.diff(targets.starts))
        return all(
            block is not self.block and is_inside(self.block, block, block, index, owners[positions])
            for block, positions, index in targets.refs.parts()
        )

    # ---- code -------------------------------------------------------------------------------------

    def declare(self) -> None:
        """As for LEMS's step; other blocks are told which slopes to work out."""
        super().declare()
        for item in self.dynamics.derivatives:
            state = (self.block.number, item.variable)
            self._of_rates[item.variable] = self.slope_of(parse(item.value), state)

    def _read(self, name: str) -> Simple | Many | Ranges:
        if name not in self._leaves:
            one = self._received[name]
            places = self.memory.own_places(one.targets.refs, one.cell)
            self._leaves[name] = self.leaves(one.targets, places)
        return self._leaves[name]

    def _derive(self, body: list[ir.Statement], scope: Scope) -> None:
        super()._derive(body, scope)
        for name in self._received:
            scope.known[name] = self._let(body, self._total(self._read(name), body))
        for cell, slope in self._sent.items():
            body.append(ir.Store(self.memory.own(self.block, cell), self.bound(slope, scope)))

    def _integrate(self, body: list[ir.Statement], scope: Scope) -> None:
        moved = []
        for item in self.dynamics.derivatives:
            rate = self.number(item.value, scope, item.location)
            slope = self._of_rates[item.variable]
            if slope != ZERO:
                rate = Binary("*", rate, self._mean(body, self.bound(slope, scope)))
            moved.append((item, self._let(body, rate)))
        for item, rate in moved:
            body.append(self._euler(item, rate))

    def _mean(self, body: list[ir.Statement], slope: Expr) -> Expr:
        """The mean of ``exp(slope * t)`` over a step."""
        exponent = Binary("*", Number(self.low.dt), slope)
        try:
            z = evaluate(exponent, {})
        except ExpressionError:
            return _mean_exponential(self._let(body, exponent))
        return Number(math.expm1(z) / z if z else 1.0)


def _mean_exponential(z: ir.Temp) -> Expr:
    """``(exp(z) - 1) / z``, near 0 by its series."""
    series: Expr = ONE
    for divisor in (4.0, 3.0, 2.0):
        series = Binary("+", ONE, Binary("*", Binary("/", z, Number(divisor)), series))
    near = Binary("lt", Call("abs", z), Number(SMALL))
    return Select(((near, series), (None, Binary("/", Binary("-", Call("exp", z), ONE), z))))


def _derivative(expr: Expr, name: str) -> Expr:
    """0 where an expression has none (random numbers, factorials): the state then moves by Euler's step."""
    try:
        return derivative(expr, name)
    except ExpressionError:
        return ZERO


def _sum(x: Expr, y: Expr) -> Expr:
    return y if x == ZERO else x if y == ZERO else Binary("+", x, y)


def _product(x: Expr, y: Expr) -> Expr:
    if ZERO in (x, y):
        return ZERO
    return y if x == ONE else x if y == ONE else Binary("*", x, y)
