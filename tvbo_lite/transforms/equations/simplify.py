"""Smaller expressions of the same value: what is a number becomes one, ``1 * x`` becomes ``x``."""

from __future__ import annotations

from collections.abc import Mapping

from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Number, Select, children, rebuild
from tvbo_lite.transforms.equations.system import leaves

__all__ = ["has_random", "simplified"]


def simplified(expr: Expr, known: Mapping[str, float] | None = None) -> Expr:
    """The expression with operations on numbers done, and those left out that change no value.

    Choices that depend on names in ``known`` alone are made.
    """
    inner = rebuild(expr, lambda child: simplified(child, known))
    match inner:
        case Binary("+", Number(0.0), x) | Binary("+", x, Number(0.0)) | Binary("-", x, Number(0.0)):
            return x
        case Binary("*", Number(1.0), x) | Binary("*", x, Number(1.0)) | Binary("/", x, Number(1.0)):
            return x
        case Binary("^", x, Number(1.0)):
            return x
        case Binary("-", Number(0.0), x) if not isinstance(x, Number):
            return Negate(x)
        case Select(cases):
            return _select(cases, known or {})
        case Binary(op, Number(), Number()) if op in "+-*/^":
            return Number(evaluate(inner, {}))
        case Negate(Number(value)):
            return Number(-value)
        case Call(function, Number()) if function != "random":
            return Number(evaluate(inner, {}))
        case _:
            return inner


def _select(cases: tuple[tuple[Expr | None, Expr], ...], known: Mapping[str, float]) -> Expr:
    """Without the cases that never hold, or that come after one that always does."""
    kept: list[tuple[Expr | None, Expr]] = []
    for test, value in cases:
        fixed = None if test is None else _truth(test, known)
        if fixed is False:
            continue
        always = test is None or fixed is True
        kept.append((None if always else test, value))
        if always:
            break
    if len(kept) == 2 and _opposite(kept[0][0], kept[1][0]):
        kept[1] = (None, kept[1][1])
    if not kept:
        return Number(0.0)
    return kept[0][1] if kept[0][0] is None else Select(tuple(kept))


def _opposite(one: Expr | None, other: Expr | None) -> bool:
    """Whether two conditions say ``x == y`` and ``x != y``; of other pairs NaN may fulfil neither."""
    match one, other:
        case Binary("eq", a, b), Binary("neq", c, d):
            return (a, b) == (c, d)
        case Binary("neq", a, b), Binary("eq", c, d):
            return (a, b) == (c, d)
        case _:
            return False


def _truth(test: Expr, known: Mapping[str, float]) -> bool | None:
    """Whether a condition holds; None where it depends on what is not known."""
    if has_random(test) or not all(isinstance(leaf, Name) and leaf.name in known for leaf in leaves(test)):
        return None
    return bool(evaluate(test, known))


def has_random(expr: Expr) -> bool:
    """Whether a random number is drawn."""
    return (isinstance(expr, Call) and expr.function == "random") or any(map(has_random, children(expr)))
