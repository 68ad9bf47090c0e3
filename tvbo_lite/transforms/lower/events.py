"""Events of equation dynamics: a condition that becomes true, what it changes, and the spike it sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.expr.tree import Binary, Expr, Name, Not, Number, is_boolean
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check.dimensions import same
from tvbo_lite.transforms.lower.context import listing
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tvbo_lite.schema.dynamics import Event, EventMap
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.equations import Equations

__all__ = ["SPIKE", "Events", "conditions"]

SPIKE = "spike"  # the port of cells, and the event that sends on it
NEVER = lems.OnCondition("t .lt. 0", lems.Action(events=(SPIKE,)))

_USED = ("condition", "affect")
_ASSIGNMENT = re.compile(r"\s*(?P<name>\w+)\s*=(?!=)(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Events:
    """``states`` remember of each event whether its condition holds already."""

    states: tuple[lems.StateVariable, ...] = ()
    conditions: tuple[lems.OnCondition, ...] = ()
    ports: tuple[str, ...] = ()


def conditions(equations: Equations, events: EventMap) -> Events:
    """The events in LEMS, where a condition fires at every step while it holds.

    So that an event happens once, when its condition becomes true, a state variable remembers. The event
    named ``spike``, or else the first, sends the spike. A cell that takes inputs needs a port even where
    it sends nothing: jLEMS connects inputs through it.
    """
    states: list[lems.StateVariable] = []
    found: list[lems.OnCondition] = []
    sender = SPIKE if SPIKE in events else next(iter(events), None)
    for name, event in events.items():
        path = (*equations.path, "events", name)
        test = _test(equations, event, name, path)
        if test is None:
            continue
        memory = equations.scope.fresh(f"{name}_holds")
        states.append(lems.StateVariable(memory))
        assignments = (lems.StateAssignment(memory, "1"), *_assignments(equations, event, name, path))
        action = lems.Action(assignments, (SPIKE,) if name == sender else ())
        first = Binary("and", test, Binary("lt", Name(memory), Number(0.5)))
        found.append(lems.OnCondition(equations.scope.text(first), action, equations.context.locate(path)))
        over = lems.Action((lems.StateAssignment(memory, "0"),))
        found.append(lems.OnCondition(equations.scope.text(Not(test)), over))
    if not events and equations.dynamics.coupling_inputs:
        found.append(NEVER)
    return Events(tuple(states), tuple(found), (SPIKE,) if found else ())


def _test(equations: Equations, event: Event, name: str, path: Path) -> Expr | None:
    context, what = equations.context, f"{equations.owner}: {name}"
    refuse_rest(event, _USED, path, what, context)
    if event.condition is None:
        return None
    here = (*path, "condition")
    tree = equations.scope.parse(event.condition.rhs, here, name)
    if tree is None:
        return None
    test = equations.derived.without_choice(equations.scope.bound(tree), here, name)
    if not is_boolean(test):
        context.report(here, f"{what}: the condition is a number", "a comparison, such as 'v > 0'")
        return None
    equations.scope.dimension(test, here, name)
    return test


def _assignments(equations: Equations, event: Event, name: str, path: Path) -> Iterator[lems.StateAssignment]:
    """``v = reset; u = u + d``: one after the other, each sees those before it."""
    if event.affect is None:
        return
    here, what, scope = (*path, "affect"), f"{equations.owner}: {name}", equations.scope
    for part in filter(str.strip, event.affect.rhs.split(";")):
        match = _ASSIGNMENT.fullmatch(part)
        if match is None:
            equations.context.report(here, f"{what}: '{part.strip()}' is no assignment", "'v = reset'")
            continue
        variable = match["name"]
        states = equations.dynamics.state_variables
        if variable not in states:
            message = f"{what}: '{variable}' is no state variable and cannot be set"
            equations.context.report(here, message, listing(states) or None, nearest(variable, states))
            continue
        tree = scope.parse(match["value"], here, name)
        if tree is None:
            continue
        value = equations.derived.without_choice(scope.bound(tree), here, name)
        powers = scope.dimension(value, here, name)
        if not same(powers, scope.known[variable]):
            message = f"{what}: {variable} is set to {scope.shown(powers)}"
            expected = scope.shown(scope.known[variable])
            equations.context.report(here, message, expected, kind=UnitError)
        yield lems.StateAssignment(variable, scope.text(value))
