"""The value of an expression for arrays of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.evaluate import call
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Not, Number, Select

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["evaluate", "is_exact"]


def evaluate(expr: Expr, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The value in IEEE arithmetic, broadcast over the arrays; a domain error is NaN.

    Raises `ExpressionError` for an undeclared name.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_value(expr, values), dtype=np.float64)


def is_exact(expr: Expr) -> bool:
    """Whether arrays get the bits that `tvbo_lite.expr.evaluate` gives, as IEEE 754 rounds them all."""
    match expr:
        case Number() | Name():
            return True
        case Negate(operand) | Call("sqrt" | "abs", operand):
            return is_exact(operand)
        case Binary("+" | "-" | "*" | "/", left, right):
            return is_exact(left) and is_exact(right)
        case Binary("^", left, Number(2.0)):
            return is_exact(left)
        case _:
            return False


def _value(expr: Expr, values: Mapping[str, NDArray[np.float64]]) -> Any:
    match expr:
        case Number(value):
            return np.float64(value)
        case Name(name) if name in values:
            return values[name]
        case Negate(operand):
            return -_value(operand, values)
        case Not(operand):
            return np.logical_not(_value(operand, values))
        case Binary(op, left, right):
            return _BINARY[op](_value(left, values), _value(right, values))
        case Call(function, argument):
            x = _value(argument, values)
            known = _FUNCTIONS.get(function)
            if known is not None:
                return known(x)
            return np.vectorize(lambda one: call(function, float(one)), otypes=[np.float64])(x)
        case Select(cases):
            found: Any = np.float64(0.0)
            for test, chosen in reversed(cases):
                inner = _value(chosen, values)
                found = inner if test is None else np.where(_value(test, values), inner, found)
            return found
        case _:
            msg = f"{expr} is not declared" if isinstance(expr, Name) else f"{expr} has no value of its own"
            raise ExpressionError(msg)


def _power(x: Any, y: Any) -> Any:
    return x * x if np.ndim(y) == 0 and y == 2.0 else np.power(x, y)


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "exp": np.exp, "sqrt": np.sqrt, "abs": np.abs, "ceil": np.ceil,
}  # fmt: skip

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": _power,
    "lt": np.less, "gt": np.greater, "leq": np.less_equal, "geq": np.greater_equal,
    "eq": np.equal, "neq": np.not_equal, "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip
