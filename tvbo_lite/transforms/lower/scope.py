"""What the expressions of a dynamics can name, and their way from text to LEMS text with a dimension."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import ExpressionError, UnitError
from tvbo_lite.expr import python
from tvbo_lite.expr.lems import write
from tvbo_lite.expr.plain import plain, signs_out, without_choices
from tvbo_lite.expr.tree import Binary, Expr, Name, Number, Select, names, substitute
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check.dimensions import MismatchError, of_expression, same
from tvbo_lite.transforms.quantity import NONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tvbo_lite.schema.values import FunctionMap
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["CLOCK", "Exponents", "Scope"]

CLOCK = "t"
TIME = (0, 0, 1, 0, 0, 0, 0)
Exponents = tuple[float, ...]

_SECOND = ("SEC", "1 s")
_SCALES = {"ms": ("MSEC", "1 ms"), "s": _SECOND, "us": ("USEC", "1e-06 s")}


@dataclass(slots=True)
class Scope:
    """The names of one dynamics. ``known`` has their dimensions, None where not worked out yet.

    ``plain_time``: nothing carries a unit, so that ``t`` is a number of seconds. ``outer`` are names that
    come from the parent component; those that are used gather in ``required``.
    """

    context: Context
    owner: str
    known: dict[str, Exponents | None]
    plain_time: bool = True
    outer: dict[str, str] = field(default_factory=dict)
    functions: dict[str, python.Function] = field(default_factory=dict)
    constants: dict[str, lems.Constant] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    implied: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name -> dimension, value if undeclared

    def add_functions(self, functions: FunctionMap, path: Path) -> None:
        """Functions may call those declared before them."""
        for name, item in functions.items():
            here = (*path, name)
            for argument in item.arguments:
                self.context.name(argument, (*here, "arguments", argument), "an argument")
            inside = Scope(
                self.context,
                f"{self.owner}: {name}",
                {**self.known, CLOCK: TIME, **dict.fromkeys(item.arguments)},
                outer=self.outer,
                functions=self.functions,
                implied=self.implied,
            )
            value = inside.parse(item.equation.rhs, (*here, "equation"), name)
            if value is not None:
                self.functions[name] = python.Function(tuple(item.arguments), value)

    def parse(self, text: str, path: Path, what: str) -> Expr | None:
        """The tree of an expression with its names declared; None, and a problem, where it is wrong."""
        declared = {*self.known, CLOCK, *self.outer, *self.implied}
        try:
            return python.parse(text, declared, self.functions)
        except ExpressionError as error:
            for problem in error.problems:
                found = replace(problem, message=f"{self.owner}: {what}: {problem.message}")
                self.context.report(path, found.message, found.expected, found.hint, ExpressionError)
            return None

    def bound(self, expr: Expr) -> Expr:
        """The expression as the component sees it: the clock as a number where time has no unit, names
        of the parent required, constants that are implied declared.
        """
        used = set(names(expr)) - self.known.keys()
        for name in sorted(used & self.outer.keys()):
            self.required[name] = self.outer[name]
            self.known[name] = self.context.exponents(self.outer[name])
        for name in sorted(used & self.implied.keys() - self.outer.keys()):
            dimension, value = self.implied[name]
            self.constants[name] = lems.Constant(name, value, dimension)
            self.known[name] = self.context.exponents(dimension)
        if CLOCK not in used:
            return expr
        if not self.plain_time:
            self.known[CLOCK] = TIME
            return expr
        clock = Binary("/", Name(CLOCK), Name(self.constant(*_SECOND)))
        return substitute(expr, {CLOCK: clock})

    def text(self, expr: Expr) -> str:
        """The LEMS text of an expression without choices."""
        return write(plain(expr))

    def dimension(self, expr: Expr, path: Path, what: str) -> Exponents | None:
        """The dimension of an expression without choices; None where it cannot be told."""
        known = {CLOCK: TIME, **self.known}
        try:
            return of_expression(signs_out(expr), known, self.shown)
        except MismatchError as error:
            self.context.report(path, f"{self.owner}: {what}: {error}", kind=UnitError)
            return None

    def shown(self, powers: Exponents | None) -> str:
        """What a message calls a dimension."""
        if powers is None:
            return "unknown"
        known = self.context.units.dimensions.items()
        letters = " ".join(
            f"{sign}={power:g}" for sign, power in zip("mltiknj", powers, strict=True) if power
        )
        return next((name for name, one in known if same(one, powers)), letters)

    def choices_out(self, expr: Expr, choice: Callable[[Select], str]) -> Expr:
        """The expression with its choices named by ``choice``; the outermost, if any, stays."""
        if isinstance(expr, Select):
            cases = tuple(
                (None if test is None else without_choices(test, choice), without_choices(value, choice))
                for test, value in expr.cases
            )
            return Select(cases)
        return without_choices(expr, choice)

    def constant(self, name: str, value: str) -> str:
        """The name of a constant time, declared here; not one that the dynamics uses for something else."""
        wanted = lems.Constant(name, value, "time")
        while name in {*self.known, *self.outer, *self.implied} and self.constants.get(name) != wanted:
            name += "_"
            wanted = replace(wanted, name=name)
        self.constants[name] = wanted
        self.known[name] = TIME
        return name

    def per_time_scale(self, expr: Expr) -> Expr:
        """The expression divided by 1 of the experiment's units of time."""
        return Binary("/", expr, Name(self.constant(*_SCALES[self.context.time_scale])))

    def fresh(self, name: str) -> str:
        """A name that nothing has yet, made from ``name``, and taken by this call."""
        while name in self.known or name in self.outer or name in self.implied or name == CLOCK:
            name += "_"
        self.known[name] = NONE
        return name


def is_zero(expr: Expr) -> bool:
    """Whether the expression is the number 0, which fits every dimension."""
    return isinstance(expr, Number) and expr.value == 0
