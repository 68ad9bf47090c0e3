"""The expression tree that every parser ends in and every writer and the compiler start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

ARITHMETIC = ("+", "-", "*", "/", "^")
COMPARISONS = ("lt", "gt", "leq", "geq", "eq", "neq")
LOGICAL = ("and", "or")
FUNCTIONS = (
    "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "sqrt",
    "ln", "log", "ceil", "abs", "factorial", "H", "random",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    name: str


class Leaf:
    """Base of leaves that other modules add, such as the compiler's places in memory."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Negate:
    """Unary minus. LEMS has it only directly after another operator; elsewhere ``-x`` is ``0 - x``."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """``op`` is one of `ARITHMETIC` (a number), `COMPARISONS` or `LOGICAL` (a truth value)."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """One of `FUNCTIONS`, of one argument."""

    function: str
    argument: Expr


@dataclass(frozen=True, slots=True)
class Select:
    """The first value whose condition holds; 0 where none does. A None condition always holds."""

    cases: tuple[tuple[Expr | None, Expr], ...]


Expr: TypeAlias = Number | Name | Leaf | Negate | Binary | Not | Call | Select


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct operands of a node."""
    match expr:
        case Negate(operand) | Not(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, argument):
            return (argument,)
        case Select(cases):
            return tuple(part for case in cases for part in case if part is not None)
        case _:
            return ()


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The node with each direct operand replaced by ``change(operand)``."""
    match expr:
        case Negate(operand):
            return Negate(change(operand))
        case Not(operand):
            return Not(change(operand))
        case Binary(op, left, right):
            return Binary(op, change(left), change(right))
        case Call(function, argument):
            return Call(function, change(argument))
        case Select(cases):
            return Select(tuple((None if c is None else change(c), change(v)) for c, v in cases))
        case _:
            return expr


def names(expr: Expr) -> Iterator[str]:
    """Every name in the expression, left to right, repeats included."""
    if isinstance(expr, Name):
        yield expr.name
    for child in children(expr):
        yield from names(child)


def height(expr: Expr) -> int:
    """How many operations wait for one another at most; 0 for a name or a number."""
    level, count = [expr], -1
    while level:
        level = [child for node in level for child in children(node)]
        count += 1
    return count


def is_boolean(expr: Expr) -> bool:
    """Whether the node yields a truth value."""
    return isinstance(expr, Not) or (isinstance(expr, Binary) and expr.op not in ARITHMETIC)


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """The expression with each name that ``values`` holds replaced."""
    if isinstance(expr, Name):
        return values.get(expr.name, expr)
    return rebuild(expr, lambda child: substitute(child, values))
