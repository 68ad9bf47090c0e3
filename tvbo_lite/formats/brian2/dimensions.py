"""Physical dimensions of equations, as Brian 2 checks them: every term of one dimension, 0 with a unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tvbo_lite.expr.tree import ARITHMETIC, LOGICAL, Binary, Call, Expr, Leaf, Negate, Not, Number, Select

__all__ = ["NONE", "Mismatch", "Zero", "in_units", "product_text", "unit_text"]

Powers = tuple[float, ...]
NONE: Powers = (0,) * 7
TIME: Powers = (0, 0, 1, 0, 0, 0, 0)
_BASE = ("kilogram", "meter", "second", "amp", "kelvin", "mole", "candle")
# Exponents of mass, length, time, current, temperature, amount, light: the unit that people write.
_NAMED: dict[Powers, str] = {
    (1, 2, -3, -1, 0, 0, 0): "volt",
    (-1, -2, 3, 2, 0, 0, 0): "siemens",
    (-1, -2, 4, 2, 0, 0, 0): "farad",
    (1, 2, -3, -2, 0, 0, 0): "ohm",
    (0, 0, 1, 1, 0, 0, 0): "coulomb",
    (0, 0, -1, 0, 0, 0, 0): "hertz",
    (-1, -4, 3, 2, 0, 0, 0): "siemens/meter**2",
    (-1, -4, 4, 2, 0, 0, 0): "farad/meter**2",
    (0, -3, 0, 0, 0, 1, 0): "mole/meter**3",
    (0, -2, 0, 1, 0, 0, 0): "amp/meter**2",
    (-1, -2, 3, 1, 0, 0, 0): "volt**-1",
}
_OF_ANY = ("abs", "ceil", "random")


class Mismatch(Exception):  # noqa: N818  a finding, which makes the writer leave units out
    """Two terms of different dimensions, or one that cannot be told."""


@dataclass(frozen=True, slots=True)
class Zero(Leaf):
    """0 of some dimension."""

    powers: Powers


def unit_text(powers: Sequence[float] | None) -> str:
    """A unit in Brian's words: ``volt``, ``siemens/meter**2``; ``1`` for a plain number."""
    key = tuple(powers or NONE)
    if key == NONE:
        return "1"
    if key in _NAMED:
        return _NAMED[key]
    factors = [
        f"{unit}**{power:g}" if power != 1 else unit for unit, power in zip(_BASE, key, strict=True) if power
    ]
    return "*".join(factors)


def product_text(text: str, powers: Sequence[float] | None) -> str:
    """A number's text with its unit."""
    unit = unit_text(powers)
    return text if unit == "1" else f"{text}*{unit}"


def in_units(expr: Expr, wanted: Powers | None, known: Callable[[Expr], Powers]) -> Expr:
    """The expression with units on its zeros.

    ``wanted`` is its dimension (None for a condition), ``known`` gives that of a name or another leaf.
    Raises `Mismatch` where it has another one.
    """
    powers, found = _Reader(known).read(expr)
    if wanted is None:
        return found
    if powers is None:
        return Zero(wanted) if wanted != NONE else found
    _same(powers, wanted)
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    known: Callable[[Expr], Powers]

    def read(self, expr: Expr) -> tuple[Powers | None, Expr]:
        """The dimension (None for a 0, which has any) and the expression."""
        match expr:
            case Number(value):
                return (None if value == 0 else NONE), expr
            case Negate(operand):
                powers, found = self.read(operand)
                return powers, Negate(found)
            case Not(operand):
                return NONE, Not(self.read(operand)[1])
            case Binary(op, left, right):
                return self.binary(op, left, right)
            case Call(function, argument):
                return self.call(function, argument)
            case Select(cases):
                return self.select(cases)
            case _:
                return self.known(expr), expr

    def binary(self, op: str, left: Expr, right: Expr) -> tuple[Powers | None, Expr]:
        (a, x), (b, y) = self.read(left), self.read(right)
        if op in LOGICAL:
            return NONE, Binary(op, x, y)
        if op in ("*", "/"):
            sign = 1 if op == "*" else -1
            return tuple(p + sign * q for p, q in zip(a or NONE, b or NONE, strict=True)), Binary(op, x, y)
        if op == "^":
            _same(b or NONE, NONE)
            if a is None or a == NONE:
                return a, Binary(op, x, y)
            if not isinstance(y, Number):
                raise Mismatch
            return tuple(p * y.value for p in a), Binary(op, x, y)
        powers = _common(a, b)
        found = Binary(op, _scaled(a, x, powers), _scaled(b, y, powers))
        return (powers if op in ARITHMETIC else NONE), found

    def call(self, function: str, argument: Expr) -> tuple[Powers | None, Expr]:
        powers, found = self.read(argument)
        if function in _OF_ANY:
            return powers, Call(function, found)
        if function == "sqrt":
            return tuple(p / 2 for p in powers or NONE), Call(function, found)
        if function != "H":
            _same(powers or NONE, NONE)
        return NONE, Call(function, found)

    def select(self, cases: tuple[tuple[Expr | None, Expr], ...]) -> tuple[Powers | None, Expr]:
        read = [(None if test is None else self.read(test)[1], *self.read(value)) for test, value in cases]
        powers: Powers | None = None
        for _, one, _ in read:
            powers = _common(powers, one)
        if all(test is not None for test, _, _ in read) and powers not in (None, NONE):
            read.append((None, None, Number(0.0)))
        return powers, Select(tuple((test, _scaled(one, value, powers)) for test, one, value in read))


def _common(a: Powers | None, b: Powers | None) -> Powers | None:
    if a is not None and b is not None:
        _same(a, b)
    return b if a is None else a


def _scaled(powers: Powers | None, expr: Expr, wanted: Powers | None) -> Expr:
    return Zero(wanted) if powers is None and wanted not in (None, NONE) else expr


def _same(a: Powers, b: Powers) -> None:
    if any(abs(p - q) > 1e-9 for p, q in zip(a, b, strict=True)):
        raise Mismatch
