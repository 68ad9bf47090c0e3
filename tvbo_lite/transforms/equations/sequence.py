"""Where in a step each expression is read, and where variables change."""

from __future__ import annotations

from collections.abc import Iterator

from tvbo_lite.expr.tree import Expr
from tvbo_lite.transforms.equations.system import (
    Across,
    Group,
    Outer,
    Regime,
    System,
    Total,
    leaves,
)

__all__ = [
    "ATTACHED", "EVENT", "NEVER", "Place", "changed_in", "changed_names", "defined_at", "first_change",
    "outer_places", "readings", "seen_outside",
]  # fmt: skip

Place = tuple[int, int, int]  # part, stage (attached groups, definitions, rates, rules, regimes), number
ATTACHED, _DEFINE, _RATES, _RULES, _REGIMES = range(5)
EVENT: Place = (1_000_000, 0, 0)  # at any time
NEVER: Place = (2_000_000, 0, 0)


def readings(group: Group) -> Iterator[tuple[Place, Expr]]:
    """Every expression of a group's steps and event handlers, with the place at which it is read."""
    for p, part in enumerate(group.parts):
        yield from (((p, _DEFINE, -2), expr) for expr in part.read_by_schemes())
        for i, item in enumerate(part.definitions):
            yield (p, _DEFINE, i), item.value
        for stage, expr in part.read_in_step():
            yield (p, _RATES + stage, 0), expr
        for expr in part.read_by_events():
            yield EVENT, expr


def defined_at(group: Group) -> dict[str, Place]:
    return {
        item.name: (p, _DEFINE, i)
        for p, part in enumerate(group.parts)
        for i, item in enumerate(part.definitions)
    }


def first_change(group: Group, name: str, after: Place) -> Place:
    """The first place after ``after`` at which a state may change, events apart."""
    for p, part in enumerate(group.parts):
        places = [
            ((p, _DEFINE, -1), [name for scheme in part.schemes for name in scheme.states]),
            ((p, _RATES, 1), [item.name for item in part.rates]),
            ((p, _RULES, -1), [item.name for rule in part.rules for item in rule.deed.assignments]),
            ((p, _REGIMES, -1), [name for regime in part.regimes for name in changed_in(regime)]),
        ]
        for place, changed in places:
            if name in changed and place > after:
                return place
    return NEVER


def changed_in(regime: Regime) -> Iterator[str]:
    yield from (item.name for item in regime.definitions)
    yield from (item.name for item in (*regime.rates, *regime.entry))
    for rule in regime.rules:
        yield from (item.name for item in rule.deed.assignments)


def seen_outside(system: System) -> set[tuple[str, str]]:
    """Variables that other groups read, or that are recorded, as (group, name)."""
    seen = {(record.group, record.name) for record in system.records}
    for group in system.groups.values():
        for _, expr in readings(group):
            for leaf in leaves(expr):
                seen |= set(outer_places(group, leaf))
    return seen


def outer_places(group: Group, leaf: Expr) -> Iterator[tuple[str, str]]:
    if isinstance(leaf, Outer):
        at: Group | None = group
        for _ in range(leaf.depth):
            at = at.host if at else None
        if at is not None:
            yield at.name, leaf.name
    elif isinstance(leaf, Total):
        yield from zip(leaf.groups, leaf.variables, strict=True)
    elif isinstance(leaf, Across):
        yield leaf.group, leaf.name


def changed_names(group: Group) -> Iterator[str]:
    for part in group.parts:
        yield from (item.name for item in part.rates)
        yield from (name for scheme in part.schemes for name in scheme.states)
        for deed in part.deeds():
            yield from (item.name for item in deed.assignments)
        for regime in part.regimes:
            yield from changed_in(regime)
        if part.regimes:
            yield part.regime_name
