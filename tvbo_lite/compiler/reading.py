"""What the code of a block reads: expressions with their names bound, and values at the ends of paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.memory import Memory
from tvbo_lite.compiler.selection import Targets, select_targets
from tvbo_lite.errors import ExpressionError, Location, Problem, nearest
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Expr, Name, Number, is_boolean, rebuild
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.blocks import Block, Refs
from tvbo_lite.transforms.linear import WEIGHT
from tvbo_lite.transforms.variables import CLOCK, Variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNROLL = 8  # a longer list is reduced in a loop


@dataclass(slots=True)
class Scope:
    """What each name means at one point of a function: temporaries stand for what is already computed."""

    known: dict[str, ir.Value] = field(default_factory=dict)


class Reading:
    """Turns names and paths of one component type into places of the program's memory."""

    def __init__(self, block: Block, memory: Memory, constants: dict[str, Number]) -> None:
        self.block = block
        self.memory = memory
        self.constants = constants
        self.variables: Variables = memory.variables(block)

    def is_fixed(self, name: str) -> bool:
        """Whether a name stands for a number that no run changes."""
        return name in self.constants or name in self.block.component.parameters

    def is_requirement(self, name: str) -> bool:
        """Whether a name stands for what an instance around this one has."""
        own = name in self.variables.stateful or name in self.variables.derived_names()
        return name in self.variables.requirements and not own

    def value(self, text: str, scope: Scope, location: Location) -> ir.Value:
        """A LEMS expression or condition with its names replaced by what they mean here."""
        try:
            return self.bound(parse(text), scope)
        except ExpressionError as error:
            placed = [
                p if p.location.file else Problem(p.message, location, p.expected, p.hint)
                for p in error.problems
            ]
            raise ExpressionError(placed) from None

    def bound(self, expr: Expr, scope: Scope) -> Expr:
        if isinstance(expr, Name):
            return self.name(expr.name, scope)
        return rebuild(expr, partial(self.bound, scope=scope))

    def name(self, name: str, scope: Scope) -> ir.Value:
        if name in self.constants:
            return self.constants[name]
        if name in self.block.component.parameters:
            return self.memory.parameter(self.block, name)
        if name in scope.known:
            return scope.known[name]
        if name == WEIGHT and self.block.merged:
            return Number(1.0)  # the events carry it
        if self.variables.knows(name):
            return self.memory.own(self.block, name)
        known = [*self.variables.stateful, *self.variables.derived_names(), *self.variables.requirements]
        known += [*self.block.component.parameters, CLOCK]
        raise ExpressionError(
            Problem(
                f"'{name}' is not declared in component type '{self.block.kind.name}'",
                hint=nearest(name, known),
            )
        )

    def condition(self, text: str, scope: Scope, location: Location) -> ir.Value:
        value = self.value(text, scope, location)
        if not is_boolean(value):
            raise ExpressionError(
                Problem(f"'{text}' is not a condition", location, "a comparison, such as 'v .gt. 0'")
            )
        return value

    def number(self, text: str, scope: Scope, location: Location) -> ir.Value:
        value = self.value(text, scope, location)
        if is_boolean(value):
            raise ExpressionError(
                Problem(f"'{text}' is a condition", location, "an expression with a number as value")
            )
        return value

    # ---- paths to other instances ----------------------------------------------------------------

    def each(self, targets: Refs, name: str) -> ir.Value:
        """The value of ``get(name)`` of the instances ``targets[k]``."""
        return self.memory.reach(self.block, self.memory.places(targets, name, self.block.component.fail))

    def selected(self, item: m.DerivedVariable) -> Simple | Many | Ranges:
        """What a path reads, as code of this block."""
        assert item.select is not None  # noqa: S101  the callers have checked
        path, _, name = item.select.rpartition("/")
        found = select_targets(self.block, path, item)
        return self.leaves(found, self.memory.places(found.refs, name, self.block.component.fail))

    def leaves(self, found: Targets, places: NDArray[np.int64] | float) -> Simple | Many | Ranges:
        """The values at these places of the targets, as code of this block."""
        if found.simple:
            return Simple(self.memory.reach(self.block, places))
        counts = np.diff(found.starts)
        if counts.min() == counts.max() and counts[0] <= UNROLL:
            return Many(self._unrolled(places, int(counts[0])), found.multiply)
        if isinstance(places, float):
            places = np.full(len(found.refs), self.memory.constant(places))
        return Ranges(self._ranges(places, found), found.multiply)

    def _unrolled(self, places: NDArray[np.int64] | float, count: int) -> list[ir.Value]:
        if isinstance(places, float):
            return [Number(places)] * count
        return [self.memory.spread(self.block, places[j::count]) for j in range(count)]

    def _ranges(self, places: NDArray[np.int64], found: Targets) -> list[Range]:
        """The places of each instance as a few stretches of memory, or as entries of one table."""
        owners = np.repeat(np.arange(len(found.starts) - 1), np.diff(found.starts))
        ordered = np.all((np.diff(owners) > 0) | (np.diff(found.refs.block) >= 0))
        stretches = []
        for number in range(len(found.refs.blocks)) if ordered else ():
            chosen = np.flatnonzero(found.refs.block == number)
            stretch = _stretch(places[chosen], owners[chosen], len(found.starts) - 1)
            if stretch is None:
                break
            stretches.append(stretch)
        if ordered and len(stretches) == len(found.refs.blocks):
            return [Range(self.memory.index(first), self.memory.index(last)) for first, last in stretches]
        starts = found.starts
        table = self.memory.table(places)
        return [Range(self.memory.index(starts[:-1]), self.memory.index(starts[1:]), table)]


@dataclass(frozen=True, slots=True)
class Simple:
    """A path to one instance."""

    value: ir.Value


@dataclass(frozen=True, slots=True)
class Many:
    """A path to the members of a list, whose values are added or multiplied."""

    values: Sequence[ir.Value]
    multiply: bool


@dataclass(frozen=True, slots=True)
class Range:
    """Places ``first`` to ``last`` (excluded), or those that these entries of table ``through`` hold."""

    first: ir.Index
    last: ir.Index
    through: int | None = None


@dataclass(frozen=True, slots=True)
class Ranges:
    """A path to the members of a long list, or of one whose length differs: a loop over each range."""

    ranges: Sequence[Range]
    multiply: bool


def _stretch(
    places: NDArray[np.int64], owners: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """First place and the one after the last of each owner, None where they do not stand side by side."""
    lengths = np.bincount(owners, minlength=count)
    begin = np.concatenate(([0], np.cumsum(lengths)))[:-1]
    within = np.arange(len(places)) - begin[owners]
    first = np.zeros(count, np.int64)
    first[owners[within == 0]] = places[within == 0]
    if not np.array_equal(places, first[owners] + within):
        return None
    missing = lengths == 0
    if missing.any() and not missing.all():  # where there is nothing to read, the next one's place fits
        after = first + lengths
        known = np.flatnonzero(~missing)
        before = np.searchsorted(known, np.flatnonzero(missing)) - 1
        first[missing] = np.where(before >= 0, after[known[np.maximum(before, 0)]], first[known[0]])
    return first, first + lengths
