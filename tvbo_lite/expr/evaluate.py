"""The value of an expression for given numbers, in IEEE double arithmetic, operation by operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Not, Number, Select

_NAN = float("nan")
_INF = float("inf")
ALL_BITS_GONE = 34  # the factorial of 34 or more is 0 in 32 bits
INT_BITS = 32  # Java's int, in which jLEMS computes a factorial


def evaluate(expr: Expr, values: Mapping[str, float]) -> float:
    """The value (truth values as 1.0 and 0.0). Raises `ExpressionError` for an undeclared name."""
    match expr:
        case Number(value):
            return value
        case Name(name):
            if name not in values:
                msg = f"'{name}' is not declared"
                raise ExpressionError(msg)
            return values[name]
        case Negate(operand):
            return -evaluate(operand, values)
        case Not(operand):
            return float(not evaluate(operand, values))
        case Binary(op, left, right):
            return float(_BINARY[op](evaluate(left, values), evaluate(right, values)))
        case Call(function, argument):
            return call(function, evaluate(argument, values))
        case Select(cases):
            holds = (case for test, case in cases if test is None or evaluate(test, values))
            chosen = next(holds, None)
            return 0.0 if chosen is None else evaluate(chosen, values)
        case _:
            msg = f"{expr} has no value of its own"
            raise ExpressionError(msg)


def call(function: str, x: float) -> float:
    """One of the LEMS functions; a domain error gives NaN and an overflow infinity, as in Java."""
    if function not in _FUNCTIONS:
        msg = f"function '{function}' has no fixed value"
        raise ExpressionError(msg)
    try:
        return _FUNCTIONS[function](x)
    except ValueError:
        return _NAN
    except OverflowError:
        return -_INF if function == "sinh" and x < 0 else _INF


def _divide(x: float, y: float) -> float:
    if y == 0.0:
        return _NAN if x == 0.0 or math.isnan(x) else math.copysign(_INF, x) * math.copysign(1.0, y)
    return x / y


def _power(x: float, y: float) -> float:
    if y == 2.0:
        return x * x
    try:
        return math.pow(x, y)
    except OverflowError:
        return -_INF if x < 0 and y % 2 == 1 else _INF
    except ValueError:
        if x != 0.0:
            return _NAN
        return math.copysign(_INF, x) if y % 2 == 1 else _INF


def _factorial(x: float) -> float:
    if not 0 <= x < 2.0 ** (INT_BITS - 1) or x != math.floor(x):
        return _NAN
    product = 1
    for i in range(1, min(int(x), ALL_BITS_GONE) + 1):
        product = product * i % 2**INT_BITS
    return float(product - 2**INT_BITS if product >= 2 ** (INT_BITS - 1) else product)


def _step(x: float) -> float:
    return _NAN if math.isnan(x) else 0.5 * ((x > 0) - (x < 0) + 1.0)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else _NAN


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "ln": _log,
    "log": _log,
    "ceil": lambda x: math.copysign(math.ceil(x), x) if math.isfinite(x) else x,
    "abs": abs,
    "factorial": _factorial,
    "H": _step,
}

_BINARY: dict[str, Callable[[float, float], float]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": _divide,
    "^": _power,
    "lt": lambda x, y: x < y,
    "gt": lambda x, y: x > y,
    "leq": lambda x, y: x <= y,
    "geq": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "neq": lambda x, y: x != y,
    "and": lambda x, y: bool(x) and bool(y),
    "or": lambda x, y: bool(x) or bool(y),
}
