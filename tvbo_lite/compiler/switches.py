"""What in a type's equations changes at once: conditions, branches of a choice; and when that is foreseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tvbo_lite.errors import Location
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import COMPARISONS, Binary, Call, Expr, Name, Number, children, names
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.variables import CLOCK, Derived, texts

__all__ = ["Clocked", "clocked_assignments", "comparisons", "draws", "foreseen", "times"]


@dataclass(frozen=True, slots=True)
class Clocked:
    """A condition on the time alone that sets variables to functions of time: not an event, an equation."""

    condition: m.OnCondition
    assignment: m.StateAssignment


def clocked_assignments(
    dynamics: m.Dynamics, fixed: frozenset[str], moving: frozenset[str]
) -> dict[str, list[Clocked]]:
    """Variables that only conditions on the time set, each with what sets it, in order.

    A pulse or a sine of NeuroML is written so. ``fixed`` are names that never change; ``moving`` variables
    have derivatives.
    """
    found: dict[str, list[Clocked]] = {}
    others = set(moving)
    for action in _other_actions(dynamics):
        others |= {item.variable for item in action.assignments}
    allowed = fixed | {CLOCK}
    for condition in dynamics.on_condition:
        action = condition.action
        read = {*names(parse(condition.test))}
        read |= {name for item in action.assignments for name in names(parse(item.value))}
        if action.events or action.transition is not None or not read <= allowed:
            others |= {item.variable for item in action.assignments}
            continue
        for item in action.assignments:
            found.setdefault(item.variable, []).append(Clocked(condition, item))
    return {name: items for name, items in found.items() if name not in others}


def _other_actions(dynamics: m.Dynamics) -> Iterator[m.Action]:
    yield from (item.action for item in dynamics.on_event)
    for regime in dynamics.regimes:
        yield from regime.actions()


def comparisons(expr: Expr) -> Iterator[Expr]:
    """The comparisons in an expression, and the jumps of ``H``."""
    if isinstance(expr, Binary) and expr.op in COMPARISONS:
        yield expr
    if isinstance(expr, Call) and expr.function == "H":
        yield Binary("gt", expr.argument, Number(0.0))
    for child in children(expr):
        yield from comparisons(child)


def foreseen(comparison: Expr, fixed: frozenset[str]) -> Expr | None:
    """The time at which a comparison changes, as an expression of fixed names; None if that is not known."""
    if not isinstance(comparison, Binary):
        return None
    sides = (comparison.left, comparison.right)
    for one, other in (sides, sides[::-1]):
        if _is_fixed(other, fixed):
            return _solved(one, other, fixed)
    return None


def _is_fixed(expr: Expr, fixed: frozenset[str]) -> bool:
    return fixed.issuperset(names(expr)) and not draws(expr)


def _solved(side: Expr, value: Expr, fixed: frozenset[str]) -> Expr | None:
    """The time at which ``side`` has a value, where the time stands in it once, below simple operations."""
    if side == Name(CLOCK):
        return value
    if not isinstance(side, Binary) or side.op not in _UNDONE:
        return None
    by_left, by_right = _UNDONE[side.op]
    if _is_fixed(side.right, fixed):
        return _solved(side.left, Binary(by_left, value, side.right), fixed)
    if _is_fixed(side.left, fixed):
        swapped = by_right == side.op  # a - t = x: t = a - x
        found = Binary(by_right, side.left, value) if swapped else Binary(by_right, value, side.left)
        return _solved(side.right, found, fixed)
    return None


# What undoes an operation to get at its left side, and at its right side.
_UNDONE = {"+": ("-", "-"), "-": ("+", "-"), "*": ("/", "/"), "/": ("*", "/")}


def times(expr: Expr, values: Mapping[str, Iterable[float] | float], count: int) -> set[float]:
    """The values of an expression for ``count`` instances; names have a number for all, or one for each."""
    used = {name: values[name] for name in set(names(expr))}
    columns = {name: list(value) for name, value in used.items() if not isinstance(value, float)}
    same = {name: value for name, value in used.items() if isinstance(value, float)}
    if not columns:
        return {evaluate(expr, same)}
    rows = {tuple(column[k] for column in columns.values()) for k in range(count)}
    return {evaluate(expr, {**same, **dict(zip(columns, row, strict=True))}) for row in rows}


def draws(expr: Expr) -> bool:
    """Whether working out the value draws random numbers."""
    return (isinstance(expr, Call) and expr.function == "random") or any(map(draws, children(expr)))


def expressions(dynamics: m.Dynamics, derived: Iterable[Derived]) -> Iterator[tuple[str, Location]]:
    """Every expression that tells a rate or a derived variable, regimes included."""
    for item in derived:
        yield from ((text, item.location) for text in texts(item))
    for one in dynamics.derivatives:
        yield one.value, one.location
    for regime in dynamics.regimes:
        yield from ((item.value, item.location) for item in regime.derived if item.value is not None)
        yield from ((item.value, item.location) for item in regime.derivatives)
