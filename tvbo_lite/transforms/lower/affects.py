"""What an event changes: assignments one after the other, once for each way in which they choose."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.expr.plain import branches
from tvbo_lite.expr.tree import Expr, Name, substitute
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check.dimensions import same
from tvbo_lite.transforms.lower.context import listing
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tvbo_lite.schema.dynamics import Event
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.equations import Equations

__all__ = ["Affect", "affect", "parsed"]

_ASSIGNMENT = re.compile(r"\s*(?P<name>\w+)\s*=(?!=)(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Affect:
    """Assignments, and the tests under which they are made, all of which see what was before the event.

    ``values`` are the variables that were set so far, by what was before the event.
    """

    tests: tuple[Expr, ...] = ()
    assignments: tuple[lems.StateAssignment, ...] = ()
    values: Mapping[str, Expr] = field(default_factory=dict)


def affect(equations: Equations, event: Event, name: str, path: Path) -> list[Affect]:
    """``v = reset; u = u + d``: each sees those before it. More than one where a value chooses."""
    found = [Affect()]
    here = (*path, "affect")
    for variable, value in _assignments(equations, event, name, here):
        cases = list(branches(value))
        for _, plain in cases:
            _check(equations, variable, plain, name, here)
        found = [
            Affect(
                (*one.tests, *(substitute(test, one.values) for test in tests)),
                (*one.assignments, lems.StateAssignment(variable, equations.scope.text(plain))),
                {**one.values, variable: substitute(plain, one.values)},
            )
            for one in found
            for tests, plain in cases
        ]
    return found


def parsed(equations: Equations, event: Event, text: str, path: Path, name: str) -> Expr | None:
    """An expression of an event, whose own parameters are constants of the type."""
    scope, powers, values = equations.scope, {}, {}
    for key, item in event.parameters.items():
        place = (*path[:-1], "parameters", key)
        refuse_rest(item, ("value", "unit"), place, f"{equations.owner}: {name}: {key}", equations.context)
        what = f"{equations.owner}: {name}: {key}"
        dimension, powers[key] = equations.context.unit(item.unit, (*place, "unit"), what)
        if isinstance(item.value, bool) or not isinstance(item.value, int | float):
            equations.context.report(place, f"{what} is {item.value!r}", "a number")
            continue
        own = f"{name}_{key}"
        written = f"{item.value!r} {item.unit}" if item.unit else repr(item.value)
        scope.constants[own] = lems.Constant(own, written, dimension)
        scope.known[own] = powers[key]
        values[key] = Name(own)
    inside = replace(scope, known={**scope.known, **powers})
    tree = inside.parse(text, path, name)
    return None if tree is None else scope.bound(substitute(tree, values))


def _assignments(equations: Equations, event: Event, name: str, path: Path) -> Iterator[tuple[str, Expr]]:
    """The state variables that are set, each with its value."""
    context, what = equations.context, f"{equations.owner}: {name}"
    states = equations.dynamics.state_variables
    for part in filter(str.strip, event.affect.rhs.split(";") if event.affect else ()):
        match = _ASSIGNMENT.fullmatch(part)
        if match is None:
            context.report(path, f"{what}: '{part.strip()}' is no assignment", "'v = reset'")
            continue
        variable = match["name"]
        if variable not in states:
            message = f"{what}: '{variable}' is no state variable and cannot be set"
            context.report(path, message, listing(states) or None, nearest(variable, states))
            continue
        value = parsed(equations, event, match["value"], path, name)
        if value is not None:
            yield variable, value


def _check(equations: Equations, variable: str, value: Expr, name: str, path: Path) -> None:
    scope = equations.scope
    powers = scope.dimension(value, path, name)
    if not same(powers, scope.known[variable]):
        message = f"{equations.owner}: {name}: {variable} is set to {scope.shown(powers)}"
        equations.context.report(path, message, scope.shown(scope.known[variable]), kind=UnitError)
