"""Expressions of the distance between two cells: probabilities, weights and delays.

Names stand for the distance ``d``, for the parameters of the rule, and for units: ``exp(-d/(200*um))``.
All is computed in SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import ExpressionError, UnitError, nearest
from tvbo_lite.expr import python
from tvbo_lite.expr.plain import without_choices
from tvbo_lite.expr.tree import Call, Select, children, names
from tvbo_lite.transforms.check.dimensions import MismatchError, of_expression, same
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.quantity import si_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.expr.tree import Expr
    from tvbo_lite.schema import Parameter
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["DISTANCE", "Constants", "Formula", "constants_of", "formula"]

DISTANCE = "d"

Exponents = tuple[float, ...]
Constants = dict[str, tuple[float, Exponents]]
"""The parameters of a rule by name: the value in SI units, and the exponents of its dimension."""


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression with the values of its constants, in SI units."""

    expr: Expr
    constants: Mapping[str, float]

    @property
    def uses_distance(self) -> bool:
        return DISTANCE in names(self.expr)

    def of(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value for each distance (m)."""
        import numpy as np

        from tvbo_lite.expr.arrays import evaluate

        known: dict[str, NDArray[np.float64]] = {name: np.array(one) for name, one in self.constants.items()}
        return np.broadcast_to(evaluate(self.expr, {**known, DISTANCE: distances}), distances.shape)


def constants_of(
    context: Context, parameters: Mapping[str, Parameter], used: Collection[str], path: Path, what: str
) -> Constants:
    """The values of the parameters of a rule; what is wrong, and what is not ``used``, is reported."""
    found: Constants = {}
    for name, item in parameters.items():
        here = (*path, name)
        if name not in used:
            context.report(here, f"{what}: no expression uses '{name}'", hint=nearest(name, used))
        refuse_rest(item, ("value", "unit"), here, f"{what}: {name}", context)
        if name == DISTANCE:
            context.report(here, f"{what}: '{DISTANCE}' is the distance", "another name")
            continue
        try:
            found[name] = context.units.parse(f"{item.value}{f' {item.unit}' if item.unit else ''}")
        except UnitError as error:
            context.report(here, f"{what}: {name}: {error}", kind=UnitError)
    return found


def formula(
    context: Context, text: str, dimension: str, path: Path, *, constants: Constants, what: str
) -> Formula | None:
    """The formula that a text means; None, and a problem, where it is wrong or not of the dimension."""
    units = {
        symbol: (si_value(1.0, unit), context.exponents(unit.dimension))
        for symbol, unit in context.units.units.items()
        if not unit.offset
    }
    known: Constants = {**units, **constants, DISTANCE: (0.0, context.exponents("length"))}
    try:
        expr = python.parse(text, known)
        _refuse_random(expr)
    except ExpressionError as error:
        for problem in error.problems:
            found = replace(problem, message=f"{what}: {problem.message}")
            context.report(path, found.message, found.expected, found.hint, ExpressionError)
        return None
    wanted = context.exponents(dimension)
    try:
        found_exponents = _dimension(context, expr, {name: item[1] for name, item in known.items()})
    except MismatchError as error:
        context.report(path, f"{what}: {error}", kind=UnitError)
        return None
    if not same(found_exponents, wanted):
        expected = "a number without unit" if dimension == "none" else f"{dimension}"
        message = f"{what}: '{text}' is {_shown(context, found_exponents)}"
        context.report(path, message, expected, kind=UnitError)
        return None
    used = set(names(expr)) - {DISTANCE}
    return Formula(expr, {name: known[name][0] for name in used})


def _refuse_random(expr: Expr) -> None:
    if isinstance(expr, Call) and expr.function == "random":
        msg = "random() in an expression of the distance; draw from a 'distribution'"
        raise ExpressionError(msg)
    for child in children(expr):
        _refuse_random(child)


def _dimension(context: Context, expr: Expr, known: dict[str, Exponents | None]) -> Exponents | None:
    """The dimension; that of a choice is that of the first of its values whose dimension can be told."""

    def choice(item: Select) -> str:
        kinds = [of_expression(value, known, shown) for _, value in item.cases]
        for test, _ in item.cases:
            if test is not None:
                of_expression(test, known, shown)
        first = next((kind for kind in kinds if kind is not None), None)
        for kind in kinds:
            if not same(kind, first):
                msg = f"a choice between {shown(first)} and {shown(kind)}"
                raise MismatchError(msg)
        name = f" choice {len(known)}"
        known[name] = first
        return name

    def shown(exponents: Exponents | None) -> str:
        return _shown(context, exponents)

    return of_expression(without_choices(expr, choice), known, shown)


def _shown(context: Context, exponents: Exponents | None) -> str:
    return "unknown" if exponents is None else context.units.name(tuple(round(one) for one in exponents))
