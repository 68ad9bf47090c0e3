"""LEMS's spelling of expressions, with the precedence that jLEMS gives it.

From the tightest: unary minus, ``^``, ``/``, ``*``, ``-``, ``+``, the comparisons but ``.eq.``, then
``.eq.``, ``.and.`` and ``.or.``; operators of one level go left to right. So ``a*b/c`` is ``a*(b/c)``.
A ``-`` directly after another operator is unary; a leading one, or one after ``(``, is a subtraction
from 0: ``-x^2`` is ``0 - x^2``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tvbo_lite import limits
from tvbo_lite.errors import ExpressionError, Location, Problem, nearest
from tvbo_lite.expr.tree import (
    COMPARISONS,
    FUNCTIONS,
    LOGICAL,
    Binary,
    Call,
    Expr,
    Name,
    Negate,
    Number,
    height,
    is_boolean,
)

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("^",),
    ("/",),
    ("*",),
    ("-",),
    ("+",),
    ("lt", "gt", "leq", "geq", "neq"),
    ("eq", "and", "or"),
)
_WORDS = (*COMPARISONS, *LOGICAL)
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|\.(?P<word>" + "|".join(_WORDS) + r")\."
    r"|(?P<name>(?:[eE][+-](?=\d)|[^\W\d])(?:[eE][+-](?=\d)|[\w:](?<![eE])|[eE](?![+-]\d))*)"
    r"|(?P<symbol>[-+*/^()])"
    r")"
)


@lru_cache(maxsize=4096)
def parse(text: str) -> Expr:
    """The tree of a LEMS expression or condition.

    Raises `ExpressionError` that shows the text and the place of the first fault.
    """
    check_length(text)
    expr = _Parser(text).whole()
    check_height(expr, text)
    return expr


def check_length(text: str) -> None:
    """Raises `ExpressionError` for a text that is no expression of a person."""
    if len(text) > limits.EXPRESSION_LENGTH.value():
        what = f"an expression of {len(text)} characters: {text[:60]}..."
        expected = f"at most {limits.EXPRESSION_LENGTH}"
        raise ExpressionError(Problem(what, expected=expected, hint=limits.EXPRESSION_LENGTH.more))


def check_height(expr: Expr, text: str) -> None:
    """Raises `ExpressionError` for a tree so high that what walks through it would fill Python's stack."""
    if height(expr) > limits.EXPRESSION_HEIGHT.value():
        most = limits.EXPRESSION_HEIGHT
        msg = f"an expression in which more than {most} operations wait for one another: {text[:60]}..."
        raise ExpressionError(msg)


class _Parser:
    """Reads tokens into nested lists of operands and operators, then joins them level by level."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.place = 0
        self.depth, self.deepest = 0, limits.EXPRESSION_BRACKETS.value()

    def whole(self) -> Expr:
        expr = self.group(closing=False)
        if self.place < len(self.tokens):
            raise self.fault("')' without '('", self.tokens[self.place][2])
        return expr

    def group(self, *, closing: bool) -> Expr:
        """Operands and operators up to the closing bracket or the end, joined into one tree."""
        self.depth += 1
        if self.depth > self.deepest:
            raise self.fault(f"brackets nested deeper than {self.deepest:.0f}", self._position())
        items: list[Expr | str] = []
        while self.place < len(self.tokens) and self.tokens[self.place][1] != ")":
            items.append(self.item(items))
        if closing:
            if self.place >= len(self.tokens):
                raise self.fault("'(' is never closed", len(self.text))
            self.place += 1
        self.depth -= 1
        return self.join(items)

    def item(self, before: list[Expr | str]) -> Expr | str:
        kind, text, position = self.tokens[self.place]
        self.place += 1
        if kind in ("word", "symbol") and text != "(":
            return "unary" if text == "-" and before and isinstance(before[-1], str) else text
        if before and not isinstance(before[-1], str):
            raise self.fault(f"an operator is missing before '{text}'", position)
        if text == "(":
            return self.group(closing=True)
        if kind == "number":
            return Number(float(text))
        if self._next_is_bracket():
            return self.call(text, position)
        return Name(text)

    def call(self, function: str, position: int) -> Expr:
        if function not in FUNCTIONS:
            hint = nearest(function, FUNCTIONS)
            raise self.fault(f"unknown function '{function}'", position, hint)
        self.place += 1
        return Call(function, self.group(closing=True))

    def join(self, items: list[Expr | str]) -> Expr:
        if not items:
            raise self.fault("an operand is missing", self._position())
        items = self._join_unary(items)
        if items[0] in ("-", "+"):
            items.insert(0, Number(0.0))
        for level in _LEVELS:
            items = self._join_level(items, level)
        result = items[0]
        if len(items) != 1 or isinstance(result, str):
            raise self.fault("an operand is missing", self._position())
        return result

    def _join_unary(self, items: list[Expr | str]) -> list[Expr | str]:
        joined: list[Expr | str] = []
        for item in reversed(items):
            if item == "unary":
                if not joined or isinstance(joined[-1], str):
                    raise self.fault("an operand is missing after '-'", self._position())
                operand = joined.pop()
                joined.append(Negate(operand))  # type: ignore[arg-type]  # not a str: checked above
            else:
                joined.append(item)
        return joined[::-1]

    def _join_level(self, items: list[Expr | str], level: tuple[str, ...]) -> list[Expr | str]:
        if not any(item in level for item in items if isinstance(item, str)):
            return items
        joined: list[Expr | str] = []
        rest = iter(items)
        for item in rest:
            if not (isinstance(item, str) and item in level):
                joined.append(item)
                continue
            right = next(rest, None)
            left = joined.pop() if joined else None
            if left is None or right is None or isinstance(left, str) or isinstance(right, str):
                raise self.fault(f"an operand is missing beside '{_spelt(item)}'", self._position())
            joined.append(self._binary(item, left, right))
        return joined

    def _binary(self, op: str, left: Expr, right: Expr) -> Expr:
        wants_truth = op in LOGICAL
        for side in (left, right):
            if is_boolean(side) != wants_truth:
                kind = "a condition" if wants_truth else "a number"
                hint = "put each comparison in brackets" if op in ("and", "or", "eq") else None
                raise self.fault(f"'{_spelt(op)}' needs {kind} on both sides", self._position(), hint)
        return Binary(op, left, right)

    def _tokens(self) -> list[tuple[str, str, int]]:
        found = []
        position = 0
        end = len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                at = position + len(self.text[position:]) - len(self.text[position:].lstrip())
                raise self.fault(f"cannot read '{self.text[at]}'", at)
            kind = match.lastgroup or ""
            found.append((kind, match[kind], match.start(kind)))
            position = match.end()
        return found

    def _next_is_bracket(self) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place][1] == "("

    def _position(self) -> int:
        before = self.tokens[max(0, min(self.place, len(self.tokens)) - 1)] if self.tokens else None
        return before[2] if before else 0

    def fault(self, what: str, position: int, hint: str | None = None) -> ExpressionError:
        start = max(0, position - 40)
        shown = self.text[start : position + 40]
        caret = " " * (position - start) + "^"
        return ExpressionError(
            Problem(f"{what} in expression:\n    {shown}\n    {caret}", Location(), None, hint)
        )


def _spelt(op: str) -> str:
    return f".{op}." if op in _WORDS else op


# ---- writing --------------------------------------------------------------------------------

_RANK = {op: rank for rank, level in enumerate(_LEVELS) for op in level}


def write(expr: Expr) -> str:
    """LEMS text that `parse` reads back as the same tree.

    Raises `ExpressionError` for what LEMS expressions cannot hold: `Not`, `Select`, a negative
    number other than through subtraction.
    """
    match expr:
        case Number(value):
            return _number(value)
        case Name(name):
            return name
        case Call(function, argument):
            return f"{function}({write(argument)})"
        case Binary(op, left, right):
            return f"{_operand(left, op, left=True)} {_spelt(op)} {_operand(right, op, left=False)}"
        case Negate(operand):
            return f"(1 * -{_bracketed(operand)})"
        case _:
            msg = f"a LEMS expression cannot hold {type(expr).__name__.lower()}"
            raise ExpressionError(msg)


def _number(value: float) -> str:
    text = repr(value)
    text = text[:-2] if text.endswith(".0") else text
    return f"(0 - {text[1:]})" if value < 0 else text


def _operand(expr: Expr, parent: str, *, left: bool) -> str:
    if not isinstance(expr, Binary):
        return write(expr)
    inner, outer = _RANK[expr.op], _RANK[parent]
    binds = inner < outer or (inner == outer and left)
    return write(expr) if binds and not is_boolean(expr) else f"({write(expr)})"


def _bracketed(expr: Expr) -> str:
    return f"({write(expr)})" if isinstance(expr, Binary) else write(expr)
