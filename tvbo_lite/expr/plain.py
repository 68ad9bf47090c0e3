"""Expressions in the few words that LEMS has for them: no choice, no ``not``, no leading minus.

A LEMS expression cannot choose (``Piecewise``, ``Min``, ``Max``, ``sign``); a conditional derived
variable can. So each choice is taken out of the expression and given a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from tvbo_lite.expr.tree import Binary, Expr, Name, Negate, Not, Number, Select, children, rebuild

__all__ = ["Choice", "branches", "has_choice", "plain", "signs_out", "without_choices"]

Choice = Callable[[Select], str]
"""Gives the name of a variable that has the value of a choice."""

_OPPOSITES = {
    "lt": "geq", "geq": "lt", "gt": "leq", "leq": "gt", "eq": "neq", "neq": "eq", "and": "or", "or": "and",
}  # fmt: skip


def without_choices(expr: Expr, choice: Choice) -> Expr:
    """The expression with every choice replaced by its name, the innermost first.

    ``choice`` is called with choices whose own values and conditions are free of choices.
    """
    inner = rebuild(expr, lambda child: without_choices(child, choice))
    return Name(choice(inner)) if isinstance(inner, Select) else inner


def has_choice(expr: Expr) -> bool:
    """Whether there is a choice anywhere in the expression."""
    return isinstance(expr, Select) or any(map(has_choice, children(expr)))


def branches(expr: Expr) -> Iterator[tuple[tuple[Expr, ...], Expr]]:
    """What an expression is in each way in which its choices can go: the tests, and the plain expression.

    All tests of exactly one branch hold, whatever the values are.
    """
    if isinstance(expr, Select):
        yield from _case(expr.cases)
        return
    for parts in product(*(tuple(branches(child)) for child in children(expr))):
        yield tuple(test for tests, _ in parts for test in tests), _joined(expr, [part for _, part in parts])


def _joined(expr: Expr, operands: list[Expr]) -> Expr:
    """The node with other operands."""
    left = iter(operands)
    return rebuild(expr, lambda _: next(left))


def _case(cases: tuple[tuple[Expr | None, Expr], ...]) -> Iterator[tuple[tuple[Expr, ...], Expr]]:
    """The first case, or where it does not hold one of the others; 0 where there is none."""
    if not cases:
        yield (), Number(0.0)
        return
    (test, value), rest = cases[0], cases[1:]
    if test is None:
        yield from branches(value)
        return
    for tests, holds in branches(test):
        for more, found in branches(value):
            yield (*tests, holds, *more), found
        for more, found in _case(rest):
            yield (*tests, Not(holds), *more), found


def plain(expr: Expr) -> Expr:
    """The same value without `Not`, and with `Negate` as a subtraction from 0."""
    return _subtracted(signs_out(expr))


def signs_out(expr: Expr) -> Expr:
    """Conditions without `Not`; each sign as far out as it goes without a change of value."""
    if isinstance(expr, Not):
        return signs_out(_opposite(expr.operand))
    match rebuild(expr, signs_out):
        case Binary("-", Number(0.0), right):
            return signs_out(Negate(right))
        case Negate(Negate(operand)):
            return operand
        case Negate(Number(value)):
            return Number(-value)
        case Binary(op, Negate(left), Negate(right)) if op in ("*", "/"):
            return Binary(op, left, right)
        case Binary(op, Negate(left), right) if op in ("*", "/"):
            return Negate(Binary(op, left, right))
        case Binary(op, left, Negate(right)) if op in ("*", "/"):
            return Negate(Binary(op, left, right))
        case Binary(op, left, right) if op in _SIGNED and _is_negative(right):
            return Binary(_SIGNED[op], left, _positive(right))
        case other:
            return other


_SIGNED = {"+": "-", "-": "+"}


def _is_negative(expr: Expr) -> bool:
    return isinstance(expr, Negate) or (isinstance(expr, Number) and expr.value < 0)


def _positive(expr: Expr) -> Expr:
    match expr:
        case Negate(operand):
            return operand
        case Number(value):
            return Number(-value)
        case _:
            return expr


def _opposite(expr: Expr) -> Expr:
    match expr:
        case Not(operand):
            return operand
        case Binary(op, left, right) if op in ("and", "or"):
            return Binary(_OPPOSITES[op], Not(left), Not(right))
        case Binary(op, left, right) if op in _OPPOSITES:
            return Binary(_OPPOSITES[op], left, right)
        case _:
            return expr


def _subtracted(expr: Expr) -> Expr:
    """``-x`` as ``0 - x``; the two differ only in the sign of zero."""
    inner = rebuild(expr, _subtracted)
    return Binary("-", Number(0.0), inner.operand) if isinstance(inner, Negate) else inner
