"""PyRates' spelling of equations: ``x' = ...``, ``d/dt * x = ...``, ``dx/dt = ...`` or ``m = ...``.

The right-hand side is SymPy's, as `tvbo_lite.expr.python` reads it, with NumPy's functions by the names
that PyRates gives them. Complex numbers stay in the tree as calls of `COMPLEX_FUNCTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from tvbo_lite.errors import ExpressionError, Problem, UnsupportedError
from tvbo_lite.expr import python
from tvbo_lite.expr.complex import COMPLEX_FUNCTIONS
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Number, Select

__all__ = ["Equation", "parse_equation", "parse_expression", "replaced"]

_NAME = r"[^\W\d]\w*"
_LEFT = re.compile(
    rf"\s*(?:d\s*/\s*dt\s*\*\s*(?P<product>{_NAME})|(?P<prime>{_NAME})\s*'|d(?P<quotient>{_NAME})\s*/\s*dt"
    rf"|(?P<value>{_NAME}))\s*=(?!=)"
)
_DELAYED = re.compile(rf"\b({_NAME})\(\s*t\s*-|\bpast\(\s*({_NAME})")
_BESIDE = r"-+=*/^<>=!.%@[]():, "  # what may stand beside a term that is replaced

_X = Name("x")
_ONE = Number(1.0)
_FUNCTIONS: dict[str, python.Function] = {
    "sigmoid": python.Function(("x",), Binary("/", _ONE, Binary("+", _ONE, Call("exp", Negate(_X))))),
    "absv": python.Function(("x",), Call("abs", _X)),
    "identity": python.Function(("x",), _X),
    "no_op": python.Function(("x",), _X),
    "maxi": python.Function(("x", "y"), Select(((Binary("gt", _X, Name("y")), _X), (None, Name("y"))))),
    "mini": python.Function(("x", "y"), Select(((Binary("lt", _X, Name("y")), _X), (None, Name("y"))))),
    **{name: python.Function(("x",), Call(name, _X)) for name in COMPLEX_FUNCTIONS},
}


@dataclass(frozen=True, slots=True)
class Equation:
    """``variable`` or, with ``derivative``, its rate of change, is ``value``."""

    variable: str
    derivative: bool
    value: Expr


def parse_equation(text: str, names: Collection[str]) -> Equation:
    """The equation in a text; ``names`` are those declared.

    Raises:
        ExpressionError: it is no equation, or names something undeclared.
        UnsupportedError: it reads a value of the past, ``x(t - d)``.
    """
    match = _LEFT.match(text)
    if match is None:
        expected = "x' = ..., d/dt * x = ..., or x = ..."
        raise ExpressionError(Problem(f"'{text}' is no equation that PyRates knows", expected=expected))
    kind = match.lastgroup or ""
    value = parse_expression(text[match.end() :], names)
    return Equation(match[kind], kind != "value", value)


def parse_expression(text: str, names: Collection[str]) -> Expr:
    """The tree of a right-hand side. Raises as `parse_equation`."""
    late = (match[1] or match[2] for match in _DELAYED.finditer(text))
    name = next((name for name in late if name in names), None)
    if name is not None:
        message = f"the value of '{name}' at an earlier time, in '{text.strip()}', is not supported yet"
        raise UnsupportedError(Problem(message))
    return python.parse(text, names, {k: v for k, v in _FUNCTIONS.items() if k not in names})


def replaced(text: str, old: str, new: str) -> str:
    """``text`` with each ``old`` that stands free replaced: beside it are operators, brackets or blanks.

    So PyRates' templates are derived from one another: ``replaced("r' = r_in - r", "r", "v")`` is
    ``"r' = r_in - v"``.
    """
    if not old:
        return text
    free = f"[^{re.escape(_BESIDE)}]"
    return re.sub(f"(?<!{free}){re.escape(old)}(?!{free})", lambda _: new, text)
