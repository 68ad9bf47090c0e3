"""What the code of a block reads: expressions with their names bound, and values at the ends of paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.blocks import Block
from tvbo_lite.compiler.memory import Memory
from tvbo_lite.compiler.selection import is_regular, select_targets
from tvbo_lite.compiler.variables import CLOCK, Variables
from tvbo_lite.errors import ExpressionError, Location, Problem, nearest
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Expr, Name, Number, is_boolean, rebuild
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.instances import Instance

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
        return name in self.constants or name in self.block.instances[0].component.parameters

    def value(self, text: str, scope: Scope, location: Location) -> ir.Value:
        """A LEMS expression or condition with its names replaced by what they mean here."""
        try:
            return self._bind(parse(text), scope)
        except ExpressionError as error:
            placed = [
                p if p.location.file else Problem(p.message, location, p.expected, p.hint)
                for p in error.problems
            ]
            raise ExpressionError(placed) from None

    def _bind(self, expr: Expr, scope: Scope) -> Expr:
        if isinstance(expr, Name):
            return self.name(expr.name, scope)
        return rebuild(expr, partial(self._bind, scope=scope))

    def name(self, name: str, scope: Scope) -> ir.Value:
        if name in self.constants:
            return self.constants[name]
        if name in self.block.instances[0].component.parameters:
            return self.memory.parameter(self.block, name)
        if name in scope.known:
            return scope.known[name]
        if self.variables.knows(name):
            return self.memory.own(self.block, name)
        known = [*self.variables.stateful, *self.variables.derived_names(), *self.variables.requirements]
        known += [*self.block.instances[0].component.parameters, CLOCK]
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

    def each(self, targets: Sequence[Instance], name: str) -> ir.Value:
        """The value of ``get(name)`` of the instances ``targets[k]``."""
        fail = self.block.instances[0].component.fail
        return self.memory.reach(self.block, self.memory.places(targets, name, fail))

    def selected(self, item: m.DerivedVariable) -> Simple | Many:
        """What a path reads, as code of this block. Places are found for each instance, then generalised."""
        assert item.select is not None  # noqa: S101  the callers have checked
        path, _, name = item.select.rpartition("/")
        instances = self.block.instances
        if is_regular(instances[0], path):
            instances = instances[:2]  # by their shape, the others' targets lie at the same distances
        found = [select_targets(instance, path, item) for instance in instances]
        fail = self.block.instances[0].component.fail
        columns = [self.memory.places(targets.instances, name, fail) for targets in found]
        rows = [list(row) for row in zip(*columns, strict=True)]
        if found[0].simple:
            return Simple(self.memory.reach(self.block, rows[0]))
        values = [self.memory.reach(self.block, row) for row in rows]
        return Many(values, found[0].multiply, _run(values) if len(values) > UNROLL else None)


@dataclass(frozen=True, slots=True)
class Simple:
    """A path to one instance."""

    value: ir.Value


@dataclass(frozen=True, slots=True)
class Many:
    """A path to the members of a list, whose values are added or multiplied."""

    values: Sequence[ir.Value]
    multiply: bool
    run: tuple[int, int] | None  # offset and stride, where the values stand one after the other


def _run(values: Sequence[ir.Value]) -> tuple[int, int] | None:
    first = values[0]
    if not isinstance(first, ir.Load):
        return None
    for j, value in enumerate(values):
        if not isinstance(value, ir.Load) or (value.offset, value.stride) != (first.offset + j, first.stride):
            return None
    return first.offset, first.stride
