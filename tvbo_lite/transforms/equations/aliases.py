"""The same equations without second names for one value.

A second name stays where it holds the value of the step before, as a channel's copy of ``v`` does for its
gates.
"""

from __future__ import annotations

from dataclasses import replace

from tvbo_lite.expr.tree import Expr, Leaf, Name, rebuild
from tvbo_lite.transforms.equations.sequence import (
    EVENT,
    defined_at,
    first_change,
    outer_places,
    readings,
    seen_outside,
)
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Group,
    Outer,
    System,
    Total,
    names_read,
)
from tvbo_lite.transforms.equations.tidy import change_all, replaced

__all__ = ["without_aliases"]


def without_aliases(system: System, *, ordered: bool = True) -> None:
    """Takes out definitions that are another name for a variable of the same group.

    ``ordered`` leaves those that hold an older value where jLEMS's order lets that be seen; without it
    equations are taken to hold all at once.
    """
    if not ordered:
        _without_copies(system)
    outside = seen_outside(system)
    for group in system.groups.values():
        aliases = {item.name: item.value for item in group.definitions() if isinstance(item.value, Name)}
        for name in aliases:
            target = _current(group, name)
            if not ordered or _same_everywhere(group, name, target.name, outside):
                _drop(system, group, name, target)


def _without_copies(system: System) -> None:
    """What others see of a variable is the variable."""
    for group in system.groups.values():
        for part in group.parts:
            shown, part.shown = part.shown, []
            for item in shown:
                group.states.pop(item.name, None)
                _drop(system, group, item.name, Name(item.variable))


def _current(group: Group, name: str) -> Name:
    value = next(item.value for item in group.definitions() if item.name == name)
    assert isinstance(value, Name)  # noqa: S101  only aliases are asked for
    return value


def _same_everywhere(group: Group, name: str, target: str, outside: set[tuple[str, str]]) -> bool:
    """Whether every reader of a second name would find the same value under the first."""
    places = defined_at(group)
    own = places[name]
    readers = [place for place, expr in readings(group) if name in names_read(expr)]
    if target in group.parameters:
        return all(place > own for place in readers)
    if target in places:
        if places[target] < own:
            return not any(places[target] < place <= own for place in readers)
        unseen = (group.name, name) not in outside
        return unseen and all(own < place < places[target] for place in readers)
    if target == CLOCK:
        return all(own < place < EVENT for place in readers) and (group.name, name) not in outside
    until = first_change(group, target, own)
    handled = any(target == a.name for p in group.parts for d in p.handlers.values() for a in d.assignments)
    return not handled and (group.name, name) not in outside and all(own < place < until for place in readers)


def _drop(system: System, group: Group, name: str, target: Name) -> None:
    for part in group.parts:
        part.definitions = [item for item in part.definitions if item.name != name]
    change_all(group, lambda expr: replaced(expr, {name: target}))
    for other in system.groups.values():
        change_all(other, lambda expr, g=other: _redirected(g, expr, group.name, name, target.name))  # type: ignore[misc]
    system.records = tuple(
        replace(record, name=target.name) if (record.group, record.name) == (group.name, name) else record
        for record in system.records
    )


def _redirected(group: Group, expr: Expr, of: str, name: str, target: str) -> Expr:
    if isinstance(expr, Outer) and (of, name) in set(outer_places(group, expr)):
        return replace(expr, name=target)
    if isinstance(expr, Across) and (expr.group, expr.name) == (of, name):
        return replace(expr, name=target)
    if isinstance(expr, Total):
        pairs = zip(expr.groups, expr.variables, strict=True)
        return replace(expr, variables=tuple(target if pair == (of, name) else pair[1] for pair in pairs))
    if isinstance(expr, Leaf):
        return expr
    return rebuild(expr, lambda child: _redirected(group, child, of, name, target))
