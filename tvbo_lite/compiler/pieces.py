"""Small pieces of code that integration methods and what they read of the past are put together of."""

from __future__ import annotations

from typing import Protocol

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.memory import Memory
from tvbo_lite.expr.tree import Binary, Call, Number, Select

Body = list[ir.Statement]

JUST_BEFORE = 1.0 - 2.0**-48  # a time times this is before it, and no two times of a grid are so near
INFINITY = Number(float("inf"))
ZERO, ONE = Number(0.0), Number(1.0)


class Maker(Protocol):
    """Makes temporaries and memory."""

    memory: Memory

    def temp(self) -> ir.Temp: ...


def plus(x: ir.Value, y: ir.Value) -> ir.Value:
    return Binary("+", x, y)


def minus(x: ir.Value, y: ir.Value) -> ir.Value:
    return Binary("-", x, y)


def times(x: ir.Value, y: ir.Value) -> ir.Value:
    return Binary("*", x, y)


def over(x: ir.Value, y: ir.Value) -> ir.Value:
    return Binary("/", x, y)


def below(x: ir.Value, y: ir.Value) -> ir.Value:
    return Binary("lt", x, y)


def at_most(x: ir.Value, y: ir.Value) -> ir.Value:
    return Binary("leq", x, y)


def size_of(x: ir.Value) -> ir.Value:
    return Call("abs", x)


def choose(condition: ir.Value, yes: ir.Value, no: ir.Value) -> ir.Value:
    return Select(((condition, yes), (None, no)))


def least(x: ir.Value, y: ir.Value) -> ir.Value:
    return choose(below(x, y), x, y)


def most(x: ir.Value, y: ir.Value) -> ir.Value:
    return choose(below(x, y), y, x)


def number(value: float) -> Number:
    return Number(float(value))
