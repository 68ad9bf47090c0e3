"""Trees in the SymPy-like spelling that `tvbo_lite.expr.python` reads back as the same trees."""

from __future__ import annotations

import math

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.tree import ARITHMETIC, LOGICAL, Binary, Call, Expr, Name, Negate, Not, Number, Select

__all__ = ["write"]

_SIGNS = {"lt": "<", "gt": ">", "leq": "<=", "geq": ">=", "eq": "==", "neq": "!="}
_WORDS = {"or": "|", "and": "&", "^": "**"}
_RANK = {"or": 5, "and": 6, "+": 7, "-": 7, "*": 8, "/": 8, "^": 10}
_COMPARISON, _SIGN, _ATOM = 4, 9, 11
_TIGHT = ("*", "/", "^")


def write(expr: Expr) -> str:
    """The text of an expression or condition, with the few brackets that it needs.

    Raises `ExpressionError` for a number that is not finite, and for leaves of other modules.
    """
    return _text(expr)[0]


def _text(expr: Expr) -> tuple[str, int]:
    """The text, and how tightly its loosest operator binds."""
    match expr:
        case Number(value):
            return _number(value), _SIGN if value < 0 else _ATOM
        case Name(name):
            return name, _ATOM
        case Negate(operand):
            return f"-{_inside(operand, _SIGN + 1)}", _SIGN
        case Not(operand):
            return f"~{_inside(operand, _SIGN + 1)}", _SIGN
        case Call(function, argument):
            return f"{function}({write(argument)})", _ATOM
        case Binary():
            return _binary(expr)
        case Select(cases):
            pairs = ", ".join(
                f"({write(value)}, {'True' if test is None else write(test)})" for test, value in cases
            )
            return f"Piecewise({pairs})", _ATOM
        case _:
            msg = f"an expression cannot hold {type(expr).__name__.lower()}"
            raise ExpressionError(msg)


def _binary(expr: Binary) -> tuple[str, int]:
    op = expr.op
    if op in _SIGNS:
        left, right = (_inside(side, _COMPARISON + 1) for side in (expr.left, expr.right))
        return f"{left} {_SIGNS[op]} {right}", _COMPARISON
    rank = _RANK[op]
    left, right = _inside(expr.left, rank + (op == "^")), _inside(expr.right, rank + 1)
    if op in LOGICAL or op not in ARITHMETIC:
        left, right = (_inside(side, _ATOM) for side in (expr.left, expr.right))
    blank = "" if op in _TIGHT else " "
    return f"{left}{blank}{_WORDS.get(op, op)}{blank}{right}", rank


def _inside(expr: Expr, least: int) -> str:
    text, rank = _text(expr)
    return text if rank >= least else f"({text})"


def _number(value: float) -> str:
    if not math.isfinite(value):
        msg = f"an expression cannot hold the number {value}"
        raise ExpressionError(msg)
    if value == math.pi:
        return "pi"
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text
