"""Which derived variables a group may keep as equations, and which have to be set at their turn in a step.

Brian 2 works a subexpression out wherever it is read. jLEMS works it out once, at its place in a step; where
its inputs change between that place and a reader, it has to be a variable that is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from tvbo_lite.expr.tree import Expr
from tvbo_lite.transforms.equations.sequence import NEVER, Place, defined_at, first_change, readings
from tvbo_lite.transforms.equations.system import Assignment, Group, names_read

__all__ = ["everything", "set_in_turn"]


def set_in_turn(group: Group) -> set[str]:
    """The definitions that must be set; ``group.stored`` are always among them."""
    defined = defined_at(group)
    values = {item.name: item.value for item in group.definitions()}
    kept = set(group.stored)
    for name in sorted(defined, key=lambda one: defined[one], reverse=True):
        last = max(_readers(group, name, kept, defined), default=defined[name])
        if _changes(group, name, kept, defined, values) <= last:
            kept.add(name)
    return kept


def _readers(group: Group, name: str, kept: set[str], defined: dict[str, Place]) -> list[Place]:
    """Where a definition is worked out, those that use it included."""
    at = {place: one for one, place in defined.items()}
    found = []
    for place, expr in readings(group):
        if name in names_read(expr):
            found.append(place)
            if place in at and at[place] not in kept:
                found += _readers(group, at[place], kept, defined)
    return found


def _changes(
    group: Group, name: str, kept: set[str], defined: dict[str, Place], values: dict[str, Expr]
) -> Place:
    """The first place after its own at which one of its inputs changes."""
    own, soonest = defined[name], NEVER
    waiting, seen = [name], {name}
    while waiting:
        for one in set(names_read(values[waiting.pop()])) - seen:
            seen.add(one)
            if one in group.states:
                soonest = min(soonest, first_change(group, one, own))
            elif one in defined:
                if defined[one] > own:
                    soonest = min(soonest, defined[one])
                waiting.append(one)
    return soonest


def everything(group: Group) -> Iterator[tuple[str | None, bool, Expr]]:
    """All expressions, each with its variable (None for a condition) and whether it is its rate."""
    for part in group.parts:
        rates, plain = list(part.rates), [Assignment(item.name, item.value) for item in part.definitions]
        tests = [rule.test for rule in part.rules]
        for regime in part.regimes:
            rates += regime.rates
            plain += [*(Assignment(item.name, item.value) for item in regime.definitions), *regime.entry]
            tests += [rule.test for rule in regime.rules]
        plain += [item for deed in part.deeds() for item in deed.assignments]
        yield from ((item.name, True, item.value) for item in rates)
        yield from ((item.name, False, item.value) for item in plain)
        yield from ((None, False, test) for test in tests)
