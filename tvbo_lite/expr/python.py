"""The SymPy-like spelling of expressions, in which people write equations.

The precedence is Python's; from the loosest: ``or``, ``and``, ``not``, comparisons, ``|``, ``&``,
``+ -``, ``* /``, unary ``- + ~``, and ``**`` or ``^``, which goes from right to left: ``-x**2`` is
``-(x**2)`` and ``2**3**2`` is 512. LEMS's words (``.gt.``, ``.and.``) stand at the place of their
Python counterparts. ``a < b < c`` is ``a < b and b < c``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import NoReturn, TypeAlias

from tvbo_lite import limits
from tvbo_lite.errors import ExpressionError, Location, Problem, nearest
from tvbo_lite.expr.lems import check_height, check_length
from tvbo_lite.expr.tree import (
    FUNCTIONS,
    LOGICAL,
    Binary,
    Call,
    Expr,
    Name,
    Negate,
    Not,
    Number,
    Select,
    children,
    is_boolean,
    substitute,
)

__all__ = ["Function", "parse"]


_TRUE = Binary("eq", Number(0.0), Number(0.0))
_FALSE = Binary("neq", Number(0.0), Number(0.0))
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|\.(?P<word>lt|gt|leq|geq|eq|neq|and|or|not)\."
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<symbol>\*\*|<=|>=|==|!=|//|[-+*/^()<>,&|~=%\[\]])"
    r")"
)
_KEYWORDS = {"and": "and", "or": "or", "not": "not"}
_COMPARE = {"<": "lt", ">": "gt", "<=": "leq", ">=": "geq", "==": "eq", "!=": "neq"}
# operator -> (how tightly it binds, operation of the tree)
_INFIX: dict[str, tuple[int, str]] = {
    "or": (1, "or"),
    "and": (2, "and"),
    **{sign: (4, op) for sign, op in _COMPARE.items()},
    **{op: (4, op) for op in _COMPARE.values()},
    "|": (5, "or"),
    "&": (6, "and"),
    "+": (7, "+"),
    "-": (7, "-"),
    "*": (8, "*"),
    "/": (8, "/"),
    "**": (10, "^"),
    "^": (10, "^"),
}
_NOT, _COMPARISON, _SIGN, _POWER = 3, 4, 9, 10
_REPLACED = {"//": "no whole-number division is known", "%": "no remainder is known", "=": "use '=='"}
_CONSTANTS: dict[str, Expr] = {
    "pi": Number(math.pi),
    "True": _TRUE,
    "False": _FALSE,
    "true": _TRUE,
    "false": _FALSE,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a model declares: its arguments' names, and its value in terms of them."""

    arguments: tuple[str, ...]
    value: Expr


_Token: TypeAlias = tuple[str, str, int]  # kind, text, position


def parse(
    text: str, names: Collection[str] | None = None, functions: Mapping[str, Function] | None = None
) -> Expr:
    """The tree of an expression; ``names`` are those declared (None: any), which win over built-in names.

    Calls of ``functions`` are replaced by their values. Raises `ExpressionError` that shows the text and
    the place of the first fault, with the nearest known name.
    """
    check_length(text)
    expr = _Parser(text, names, functions or {}).whole()
    most = limits.EXPRESSION_SIZE
    if _is_larger(expr, most.value()):
        what = f"with its functions filled in, the expression has over {most} operations: {text[:60]}..."
        raise ExpressionError(Problem(what, hint=most.more))
    check_height(expr, text)
    return expr


def _is_larger(expr: Expr, most: float) -> bool:
    """Whether the tree has more than so many nodes; they are counted no further than that."""
    count, waiting = 0, [expr]
    while waiting and count <= most:
        count += 1
        waiting.extend(children(waiting.pop()))
    return count > most


class _Parser:
    """Precedence climbing: an operand, then all operators that bind tightly enough."""

    def __init__(self, text: str, names: Collection[str] | None, functions: Mapping[str, Function]) -> None:
        self.text = text
        self.names = names
        self.functions = functions
        self.depth, self.deepest = 0, limits.EXPRESSION_BRACKETS.value()
        self.place = 0
        self.words: dict[int, str] = {}  # what '.and.' or '.or.' joined, as long as it is without brackets
        self.tokens = self._tokens()

    def whole(self) -> Expr:
        expr = self.expression(0)
        kind, text, position = self.peek()
        if kind != "end":
            what = "')' without '('" if text == ")" else f"an operator is missing before '{text}'"
            self.fail(_REPLACED.get(text, what), position)
        return expr

    def expression(self, least: int) -> Expr:
        """An operand and all that binds to it at least as tightly as ``least``."""
        self.depth += 1
        if self.depth > self.deepest:
            self.fail(f"nested deeper than {self.deepest:.0f}", self.peek()[2])
        left = self.prefix()
        while True:
            kind, text, position = self.peek()
            binding, op = _INFIX.get(text, (-1, ""))
            if binding < least or kind != "operator":
                break
            self.place += 1
            left = self.infix(left, op, binding, position)
        self.depth -= 1
        return left

    def infix(self, left: Expr, op: str, binding: int, position: int) -> Expr:
        if binding == _COMPARISON:
            return self.comparison(left, op, position)
        right = self.expression(_SIGN if binding == _POWER else binding + 1)
        found = self.binary(op, left, right, position)
        if self.text[position - 1] == ".":
            for side in (left, right):
                if self.words.get(id(side), op) != op:
                    self.fail("'.and.' beside '.or.' can be read in two ways", position, "put brackets")
            self.words[id(found)] = op
        return found

    def comparison(self, left: Expr, op: str, position: int) -> Expr:
        """``a < b``, or a chain ``a < b < c``."""
        right = self.expression(_COMPARISON + 1)
        found = self.binary(op, left, right, position)
        _, text, then = self.peek()
        if self.peek()[0] == "operator" and _INFIX.get(text, (0, ""))[0] == _COMPARISON:
            self.place += 1
            return Binary("and", found, self.comparison(right, _INFIX[text][1], then))
        return found

    def binary(self, op: str, left: Expr, right: Expr, position: int) -> Expr:
        wants_truth = op in LOGICAL
        for side in (left, right):
            if is_boolean(side) != wants_truth:
                kind = "a condition" if wants_truth else "a number"
                hint = "put each comparison in brackets" if wants_truth else None
                self.fail(f"'{op}' needs {kind} on both sides", position, hint)
        return Binary(op, left, right)

    def prefix(self) -> Expr:
        kind, text, position = self.peek()
        self.place += 1
        if text in ("-", "+") and kind == "operator":
            operand = self.number(self.expression(_SIGN), position)
            return Negate(operand) if text == "-" else operand
        if text in ("~", "not") and kind == "operator":
            operand = self.expression(_SIGN if text == "~" else _NOT)
            if not is_boolean(operand):
                self.fail(f"'{text}' needs a condition", position)
            return Not(operand)
        if text == "(":
            inner = self.expression(0)
            self.expect(")", position)
            self.words.pop(id(inner), None)
            return inner
        if kind == "number":
            return Number(float(text))
        if kind == "name":
            return self.call(text, position) if self.peek()[1] == "(" else self.name(text, position)
        shown = f"an operand is missing before '{text}'" if text else "an operand is missing at the end"
        return self.fail(_REPLACED.get(text, shown), position)

    def name(self, text: str, position: int) -> Expr:
        if self.names is not None and text in self.names:
            return Name(text)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if self.names is None:
            return Name(text)
        if text in self.functions or text in FUNCTIONS or text in _BUILT_IN:
            self.fail(f"'{text}' is a function; its arguments are missing", position)
        hint = nearest(text, [*self.names, *_CONSTANTS])
        return self.fail(f"'{text}' is not declared", position, hint)

    def call(self, text: str, position: int) -> Expr:
        if text in self.functions:
            declared = self.functions[text]
            given = [self.number(value, position) for value in self.arguments(position)]
            self.counted(text, given, len(declared.arguments), position)
            return substitute(declared.value, dict(zip(declared.arguments, given, strict=True)))
        if self.names is not None and text in self.names:
            self.fail(f"'{text}' is a quantity, not a function", position, f"write {text}*(...)")
        if text == "Piecewise":
            return self.piecewise(position)
        if text not in _BUILT_IN:
            known = [*self.functions, *_BUILT_IN, "Piecewise"]
            self.fail(f"unknown function '{text}'", position, nearest(text, known))
        count, make = _BUILT_IN[text]
        given = self.arguments(position)
        if text not in _OF_CONDITIONS:
            given = [self.number(value, position) for value in given]
        elif not all(map(is_boolean, given)):
            self.fail(f"'{text}' needs conditions", position)
        self.counted(text, given, count, position)
        return make(*given)

    def counted(self, text: str, given: list[Expr], count: int | None, position: int) -> None:
        if not given or (count is not None and len(given) != count):
            wanted = "at least one" if count is None else str(count)
            self.fail(f"'{text}' takes {wanted} argument(s), not {len(given)}", position)

    def arguments(self, position: int) -> list[Expr]:
        """What stands between the brackets of a call, the opening one not yet taken."""
        self.place += 1
        found: list[Expr] = []
        while self.peek()[1] != ")":
            found.append(self.expression(0))
            if self.peek()[1] != ",":
                break
            self.place += 1
        self.expect(")", position)
        return found

    def piecewise(self, position: int) -> Expr:
        """``Piecewise((value, condition), ...)``; where no condition holds, the value is 0."""
        self.place += 1
        cases: list[tuple[Expr | None, Expr]] = []
        while self.peek()[1] != ")":
            start = self.peek()[2]
            if self.peek()[1] != "(":
                self.fail("Piecewise takes pairs '(value, condition)'", start)
            pair = self.arguments(start)
            if len(pair) != 2 or is_boolean(pair[0]) or not is_boolean(pair[1]):
                self.fail("Piecewise takes pairs '(value, condition)'", start)
            if pair[1] != _FALSE:
                cases.append((None if pair[1] == _TRUE else pair[1], pair[0]))
            if self.peek()[1] != ",":
                break
            self.place += 1
        self.expect(")", position)
        if not cases:
            self.fail("Piecewise has no case", position)
        return _select(cases)

    def number(self, expr: Expr, position: int) -> Expr:
        if is_boolean(expr):
            self.fail("a number is needed, not a condition", position)
        return expr

    def expect(self, text: str, opened: int) -> None:
        found = self.peek()
        self.place += 1
        if found[1] == text:
            return
        if found[0] == "end":
            self.fail("'(' is never closed", opened)
        self.fail(_REPLACED.get(found[1], f"'{text}' is missing before '{found[1]}'"), found[2])

    def peek(self) -> _Token:
        return self.tokens[min(self.place, len(self.tokens) - 1)]

    def _tokens(self) -> list[_Token]:
        found: list[_Token] = []
        position, end = 0, len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                at = position + len(self.text[position:]) - len(self.text[position:].lstrip())
                self.fail(f"cannot read '{self.text[at]}'", at)
            kind, position = match.lastgroup or "", match.end()
            text = match[kind]
            declared = self.names is not None and text in self.names
            if kind != "number" and (text in _INFIX or text in ("~", "not")):
                kind = "operator" if kind != "name" or (text in _KEYWORDS and not declared) else kind
            found.append((kind, text, match.start(match.lastgroup or "")))
        return [*found, ("end", "", end)]

    def fail(self, what: str, position: int, hint: str | None = None) -> NoReturn:
        start = max(0, position - 40)
        shown = self.text[start : position + 40].replace("\n", " ")
        caret = " " * (position - start) + "^"
        raise ExpressionError(
            Problem(f"{what} in expression:\n    {shown}\n    {caret}", Location(), None, hint)
        )


# ---- built-in functions ----------------------------------------------------------------------


def _select(cases: list[tuple[Expr | None, Expr]]) -> Expr:
    """The cases up to the first that always holds; no choice at all where that is the first."""
    last = next((index for index, (test, _) in enumerate(cases) if test is None), len(cases))
    kept = cases[: last + 1]
    return kept[0][1] if kept[0][0] is None else Select(tuple(kept))


def _extreme(op: str) -> Callable[..., Expr]:
    def of_two(one: Expr, other: Expr) -> Expr:
        return Select(((Binary(op, one, other), one), (None, other)))

    return lambda *values: reduce(of_two, values)


def _compared(op: str) -> Callable[..., Expr]:
    return lambda one, other: Binary(op, one, other)


def _joined(op: str) -> Callable[..., Expr]:
    return lambda *values: reduce(lambda one, other: Binary(op, one, other), values)


def _called(name: str) -> Callable[..., Expr]:
    return lambda argument: Call(name, argument)


def _sign(value: Expr) -> Expr:
    zero = Number(0.0)
    positive, negative = Binary("gt", value, zero), Binary("lt", value, zero)
    return Select(((positive, Number(1.0)), (negative, Negate(Number(1.0))), (None, zero)))


def _floor(value: Expr) -> Expr:
    return Negate(Call("ceil", Negate(value)))


def _log10(value: Expr) -> Expr:
    return Binary("/", Call("ln", value), Call("ln", Number(10.0)))


# name -> (number of arguments, None for any from one on; what it means)
_BUILT_IN: dict[str, tuple[int | None, Callable[..., Expr]]] = {
    **{name: (1, _called(name)) for name in FUNCTIONS},
    "Abs": (1, _called("abs")),
    "ceiling": (1, _called("ceil")),
    "Heaviside": (1, _called("H")),
    "floor": (1, _floor),
    "log10": (1, _log10),
    "sign": (1, _sign),
    "Pow": (2, _compared("^")),
    **{name: (None, _extreme("lt")) for name in ("Min", "min")},
    **{name: (None, _extreme("gt")) for name in ("Max", "max")},
    "Eq": (2, _compared("eq")),
    "Ne": (2, _compared("neq")),
    "Lt": (2, _compared("lt")),
    "Le": (2, _compared("leq")),
    "Gt": (2, _compared("gt")),
    "Ge": (2, _compared("geq")),
    "And": (None, _joined("and")),
    "Or": (None, _joined("or")),
    "Not": (1, Not),
}
_OF_CONDITIONS = ("And", "Or", "Not")
