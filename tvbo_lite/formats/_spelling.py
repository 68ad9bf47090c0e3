"""Expressions as program text, for scripts: each language says how it spells what they differ in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tvbo_lite.errors import RenderError
from tvbo_lite.expr.tree import LOGICAL, Binary, Call, Expr, Negate, Not, Number, Select

__all__ = ["Spelling", "number"]

_RANK = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
_NOT, _COMPARISON, _SIGN, _ATOM = 3, 4, 7, 9
_SIGNS = {"lt": "<", "gt": ">", "leq": "<=", "geq": ">=", "eq": "==", "neq": "!=", "^": "**"}


def number(value: float) -> str:
    """A number as Python reads it back to the last bit."""
    if not math.isfinite(value):
        return f'float("{value}")'
    whole = value == int(value) and abs(value) < 1e6
    return str(int(value)) if whole else repr(value)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a language with Python's precedence writes an expression.

    ``leaf`` spells names and other leaves, ``functions`` those of LEMS, ``choice`` a condition and two
    values. ``both``, ``either`` and ``no`` are the logical signs; ``tight`` ones bind more tightly than
    comparisons, which then stand in brackets.
    """

    leaf: Callable[[Expr], str]
    functions: Mapping[str, str]
    choice: Callable[[str, str, str], str]
    both: str = "and"
    either: str = "or"
    no: str = "not "
    tight: bool = False
    number: Callable[[float], str] = number

    def text(self, expr: Expr) -> str:
        """The text. Raises `RenderError` for a function that the language has no word for."""
        return self._text(expr)[0]

    def _text(self, expr: Expr) -> tuple[str, int]:
        """The text, and how tightly its loosest operator binds."""
        match expr:
            case Number(value):
                return self.number(value), _SIGN if value < 0 else _ATOM
            case Negate(operand):
                return f"-{self._inside(operand, _SIGN)}", _SIGN
            case Not(operand):
                return f"{self.no}{self._inside(operand, _ATOM if self.tight else _NOT)}", _NOT
            case Call(function, argument):
                if function not in self.functions:
                    msg = f"there is no word for the function '{function}'"
                    raise RenderError(msg)
                word, given = self.functions[function], self.text(argument)
                return (word.format(given) if "{" in word else f"{word}({given})"), _ATOM
            case Binary():
                return self._binary(expr)
            case Select(cases):
                return self._select(cases), _ATOM
            case _:
                return self.leaf(expr), _ATOM

    def _binary(self, expr: Binary) -> tuple[str, int]:
        op = expr.op
        if op in LOGICAL:
            least = _ATOM if self.tight else _RANK[op]
            left, right = self._inside(expr.left, least), self._inside(expr.right, least)
            return f"{left} {self.both if op == 'and' else self.either} {right}", _RANK[op]
        sign = _SIGNS.get(op, op)
        if op not in _RANK:
            left, right = self._inside(expr.left, _COMPARISON + 1), self._inside(expr.right, _COMPARISON + 1)
            return f"{left} {sign} {right}", _COMPARISON
        rank = _RANK[op]
        left = self._inside(expr.left, rank + (op == "^"))
        right = self._inside(expr.right, rank if op == "^" else rank + 1)
        blank = "" if op == "^" else " "
        return f"{left}{blank}{sign}{blank}{right}", rank

    def _select(self, cases: tuple[tuple[Expr | None, Expr], ...]) -> str:
        """Nested choices; 0 where no condition holds."""
        last = "0"
        rest = list(cases)
        if rest and rest[-1][0] is None:
            last = self.text(rest.pop()[1])
        for test, value in reversed(rest):
            assert test is not None  # noqa: S101  only the last case may be without a test
            last = self.choice(self.text(test), self.text(value), last)
        return last

    def _inside(self, expr: Expr, least: int) -> str:
        text, rank = self._text(expr)
        return text if rank >= least else f"({text})"
