"""The derivative of an expression, as an expression."""

from __future__ import annotations

from collections.abc import Callable

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.tree import ARITHMETIC, Binary, Call, Expr, Name, Negate, Number, Select

__all__ = ["derivative"]

ZERO, ONE, TWO = Number(0.0), Number(1.0), Number(2.0)


def derivative(expr: Expr, name: str) -> Expr:
    """d expr / d name. Steps (``H``, ``ceil``, conditions) count as flat: their jumps have no derivative.

    Raises `ExpressionError` for what has none anywhere: truth values, ``factorial``, ``random``.
    """
    match expr:
        case Number():
            return ZERO
        case Name(other):
            return ONE if other == name else ZERO
        case Negate(operand):
            return _minus(ZERO, derivative(operand, name))
        case Binary(op, left, right) if op in ARITHMETIC:
            return _BINARY[op](left, right, derivative(left, name), derivative(right, name))
        case Call(function, argument) if function in _FUNCTIONS:
            inner = derivative(argument, name)
            return ZERO if inner == ZERO else _times(_FUNCTIONS[function](argument), inner)
        case Select(cases):
            found = tuple((test, derivative(value, name)) for test, value in cases)
            return ZERO if all(value == ZERO for _, value in found) else Select(found)
        case _:
            msg = f"{expr} has no derivative"
            raise ExpressionError(msg)


def _plus(x: Expr, y: Expr) -> Expr:
    return y if x == ZERO else x if y == ZERO else Binary("+", x, y)


def _minus(x: Expr, y: Expr) -> Expr:
    return x if y == ZERO else Negate(y) if x == ZERO else Binary("-", x, y)


def _times(x: Expr, y: Expr) -> Expr:
    if ZERO in (x, y):
        return ZERO
    return y if x == ONE else x if y == ONE else Binary("*", x, y)


def _over(x: Expr, y: Expr) -> Expr:
    return ZERO if x == ZERO else Binary("/", x, y)


def _product(x: Expr, y: Expr, dx: Expr, dy: Expr) -> Expr:
    return _plus(_times(dx, y), _times(x, dy))


def _quotient(x: Expr, y: Expr, dx: Expr, dy: Expr) -> Expr:
    return _minus(_over(dx, y), _over(_times(x, dy), _times(y, y)))


def _power(x: Expr, y: Expr, dx: Expr, dy: Expr) -> Expr:
    outer = _times(_times(y, Binary("^", x, _minus(y, ONE))), dx)
    if isinstance(y, Number):
        outer = _times(_times(y, Binary("^", x, Number(y.value - 1.0))), dx)
    return _plus(outer, _times(_times(Binary("^", x, y), Call("ln", x)), dy))


_BINARY: dict[str, Callable[[Expr, Expr, Expr, Expr], Expr]] = {
    "+": lambda _x, _y, dx, dy: _plus(dx, dy),
    "-": lambda _x, _y, dx, dy: _minus(dx, dy),
    "*": _product,
    "/": _quotient,
    "^": _power,
}

_FUNCTIONS: dict[str, Callable[[Expr], Expr]] = {
    "sin": lambda x: Call("cos", x),
    "cos": lambda x: Negate(Call("sin", x)),
    "tan": lambda x: Binary("+", ONE, Binary("^", Call("tan", x), TWO)),
    "sinh": lambda x: Call("cosh", x),
    "cosh": lambda x: Call("sinh", x),
    "tanh": lambda x: Binary("-", ONE, Binary("^", Call("tanh", x), TWO)),
    "exp": lambda x: Call("exp", x),
    "sqrt": lambda x: Binary("/", ONE, Binary("*", TWO, Call("sqrt", x))),
    "ln": lambda x: Binary("/", ONE, x),
    "log": lambda x: Binary("/", ONE, x),
    "abs": lambda x: Select(((Binary("lt", x, ZERO), Number(-1.0)), (None, ONE))),
    "ceil": lambda _: ZERO,
    "H": lambda _: ZERO,
}
