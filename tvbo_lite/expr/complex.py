"""Complex expressions as pairs of real ones: real part, imaginary part.

A tree may call `COMPLEX_FUNCTIONS`; what comes out of `parts` is real and holds none of them. Parts that
are known to be 0 stay 0, so that a real expression comes out as it went in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import NamedTuple

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Number, Select, rebuild

__all__ = ["COMPLEX_FUNCTIONS", "Parts", "parts"]

COMPLEX_FUNCTIONS = ("conj", "real", "imag")
MAX_POWER = 64

_ZERO, _ONE = Number(0.0), Number(1.0)


class Parts(NamedTuple):
    """The real and the imaginary part of a number."""

    real: Expr
    imag: Expr = _ZERO

    @property
    def is_real(self) -> bool:
        """Whether nothing is known of an imaginary part."""
        return self.imag == _ZERO


def parts(expr: Expr, names: Mapping[str, Parts]) -> Parts:
    """The parts of an expression; ``names`` are those of its complex names, all others are real.

    Raises `UnsupportedError` for a function of a complex number that is not known here, for a power with
    a complex or broken exponent, and for a comparison of complex numbers.
    """
    match expr:
        case Name(name):
            return names.get(name, Parts(expr))
        case Negate(operand):
            inner = parts(operand, names)
            return Parts(_minus(_ZERO, inner.real), _minus(_ZERO, inner.imag))
        case Binary("^", base, exponent):
            return _power(parts(base, names), parts(exponent, names))
        case Binary(op, left, right) if op in _ARITHMETIC:
            return _ARITHMETIC[op](parts(left, names), parts(right, names))
        case Call(function, argument):
            return _called(function, parts(argument, names))
        case Select(cases):
            return _selected(cases, names)
        case _:
            return Parts(rebuild(expr, lambda child: _real(parts(child, names), "a comparison")))


def _real(found: Parts, what: str) -> Expr:
    if not found.is_real:
        raise UnsupportedError(Problem(f"{what} of complex numbers is not supported"))
    return found.real


def _plus(x: Expr, y: Expr) -> Expr:
    if x == _ZERO:
        return y
    if y == _ZERO:
        return x
    return _minus(x, y.operand) if isinstance(y, Negate) else Binary("+", x, y)


def _minus(x: Expr, y: Expr) -> Expr:
    if y == _ZERO:
        return x
    if x == y:
        return _ZERO
    if x == _ZERO:
        return y.operand if isinstance(y, Negate) else Negate(y)
    return _plus(x, y.operand) if isinstance(y, Negate) else Binary("-", x, y)


def _times(x: Expr, y: Expr) -> Expr:
    if _ZERO in (x, y):
        return _ZERO
    if x == _ONE:
        return y
    if y == _ONE:
        return x
    if isinstance(x, Negate):
        return _minus(_ZERO, _times(x.operand, y))
    if isinstance(y, Negate):
        return _minus(_ZERO, _times(x, y.operand))
    return Binary("*", x, y)


def _over(x: Expr, y: Expr) -> Expr:
    return _ZERO if x == _ZERO else Binary("/", x, y)


def _square(x: Expr) -> Expr:
    return _ZERO if x == _ZERO else Binary("^", x, Number(2.0))


def _add(one: Parts, other: Parts) -> Parts:
    if one.is_real and other.is_real:
        return Parts(Binary("+", one.real, other.real))
    return Parts(_plus(one.real, other.real), _plus(one.imag, other.imag))


def _subtract(one: Parts, other: Parts) -> Parts:
    if one.is_real and other.is_real:
        return Parts(Binary("-", one.real, other.real))
    return Parts(_minus(one.real, other.real), _minus(one.imag, other.imag))


def _multiply(one: Parts, other: Parts) -> Parts:
    if one.is_real and other.is_real:
        return Parts(Binary("*", one.real, other.real))
    real = _minus(_times(one.real, other.real), _times(one.imag, other.imag))
    return Parts(real, _plus(_times(one.real, other.imag), _times(one.imag, other.real)))


def _divide(one: Parts, other: Parts) -> Parts:
    if other.is_real:
        return Parts(Binary("/", one.real, other.real), _over(one.imag, other.real))
    size = _plus(_square(other.real), _square(other.imag))
    above = _multiply(one, Parts(other.real, _minus(_ZERO, other.imag)))
    return Parts(_over(above.real, size), _over(above.imag, size))


_ARITHMETIC: dict[str, Callable[[Parts, Parts], Parts]] = {
    "+": _add, "-": _subtract, "*": _multiply, "/": _divide,
}  # fmt: skip


def _power(base: Parts, exponent: Parts) -> Parts:
    if base.is_real and exponent.is_real:
        match base.real, exponent.real:
            case Call("sqrt", argument), Number(2.0):  # the size of a complex number, squared
                return Parts(argument)
        return Parts(Binary("^", base.real, exponent.real))
    count = exponent.real.value if exponent.is_real and isinstance(exponent.real, Number) else 0.5
    if count != int(count) or not 0 <= count <= MAX_POWER:
        message = "a complex number to a power that is not a whole number"
        raise UnsupportedError(Problem(message, expected=f"an exponent from 0 to {MAX_POWER}"))
    return reduce(_multiply, [base] * int(count)) if count else Parts(_ONE)


def _size(z: Parts) -> Parts:
    return Parts(Call("sqrt", _plus(_square(z.real), _square(z.imag))))


def _exponential(z: Parts) -> Parts:
    size = Call("exp", z.real) if z.real != _ZERO else _ONE
    return Parts(_times(size, Call("cos", z.imag)), _times(size, Call("sin", z.imag)))


_OF_COMPLEX: dict[str, Callable[[Parts], Parts]] = {
    "conj": lambda z: Parts(z.real, _minus(_ZERO, z.imag)),
    "real": lambda z: Parts(z.real),
    "imag": lambda z: Parts(z.imag),
    "abs": _size,
    "exp": _exponential,
}


def _called(function: str, argument: Parts) -> Parts:
    if function in _OF_COMPLEX and (function in COMPLEX_FUNCTIONS or not argument.is_real):
        return _OF_COMPLEX[function](argument)
    return Parts(Call(function, _real(argument, f"the function '{function}'")))


def _selected(cases: tuple[tuple[Expr | None, Expr], ...], names: Mapping[str, Parts]) -> Parts:
    """A choice between complex numbers is one between real parts, and one between imaginary parts."""
    tests = [None if test is None else _real(parts(test, names), "a condition") for test, _ in cases]
    values = [parts(value, names) for _, value in cases]
    real = Select(tuple((test, value.real) for test, value in zip(tests, values, strict=True)))
    if all(value.is_real for value in values):
        return Parts(real)
    return Parts(real, Select(tuple((test, value.imag) for test, value in zip(tests, values, strict=True))))
