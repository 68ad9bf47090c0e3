"""The variables of a component type's instances: which there are, who changes them, who sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import names
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.java_hash import java_hash_order
from tvbo_lite.transforms.types import ResolvedType

CLOCK = "t"

Derived: TypeAlias = m.DerivedVariable | m.ConditionalDerivedVariable


@dataclass(frozen=True, slots=True)
class Variables:
    """What the dynamics of a type says about each name.

    ``stateful`` names keep their value from step to step; ``derived`` ones are worked out anew in
    each step, in this order; ``outside`` are those that events or regimes change after the exposures
    have been copied; ``exposed`` maps an exposure to the variable behind it.
    """

    stateful: frozenset[str]
    derived: tuple[Derived, ...]
    requirements: tuple[str, ...]
    outside: frozenset[str]
    exposed: dict[str, str | None]
    late: frozenset[str]

    def knows(self, name: str) -> bool:
        """Whether the instance has a variable of that name (parameters apart)."""
        return (
            name == CLOCK
            or name in self.stateful
            or name in self.requirements
            or name in self.derived_names()
        )

    def derived_names(self) -> frozenset[str]:
        return frozenset(item.name for item in self.derived)


def analyse(
    kind: ResolvedType,
    assigned: tuple[str, ...],
    occupancies: tuple[str, ...] = (),
    *,
    consolidated: bool = True,
) -> Variables:
    """The variables of a type.

    ``assigned`` are names that its instances got from an ``Assign``; ``occupancies`` those that a
    kinetic scheme of the parent changes. ``consolidated`` instances lose some exposures in jLEMS.
    """
    dynamics = kind.dynamics
    paths = [item for item in dynamics.derived if item.select is not None]
    values = [item for item in dynamics.derived if item.select is None]
    derived: tuple[Derived, ...] = (*paths, *values, *dynamics.conditional)
    outside = frozenset(_changed_outside(dynamics)) | frozenset(occupancies)
    stateful = {item.name for item in dynamics.state_variables}
    stateful |= {item.variable for item in dynamics.derivatives}
    stateful |= {assignment.variable for action in dynamics.actions() for assignment in action.assignments}
    stateful |= outside | {prop.name for prop in kind.properties} | set(assigned)
    exposed = _exposures(kind, frozenset(stateful) | {item.name for item in derived})
    return Variables(
        stateful=frozenset(stateful),
        derived=derived,
        requirements=tuple(kind.requirements),
        outside=outside,
        exposed=_kept_exposures(exposed) if consolidated else exposed,
        late=frozenset(_read_before_written(derived)),
    )


def _changed_outside(dynamics: m.Dynamics) -> Iterator[str]:
    for item in dynamics.on_event:
        yield from (assignment.variable for assignment in item.action.assignments)
    for regime in dynamics.regimes:
        yield from (item.variable for item in regime.derivatives)
        yield from (item.name for item in regime.derived)
        for action in regime.actions():
            yield from (assignment.variable for assignment in action.assignments)


def _exposures(kind: ResolvedType, known: frozenset[str]) -> dict[str, str | None]:
    """Exposure to variable: by the variable's ``exposure`` attribute, else the variable of that name."""
    dynamics = kind.dynamics
    items: tuple[m.StateVariable | Derived, ...]
    items = (*dynamics.state_variables, *dynamics.derived, *dynamics.conditional)
    linked = {item.exposure: item.name for item in items if item.exposure is not None}
    exposed: dict[str, str | None] = {}
    for name in kind.exposures:
        exposed[name] = linked.get(name, name if name in known else None)
    return exposed


def _kept_exposures(exposed: dict[str, str | None]) -> dict[str, str | None]:
    """What jLEMS leaves of them in a consolidated instance.

    It forgets those linked to nothing, and takes the two names of a link for one another, after which
    both read 0.
    """
    kept: dict[str, str | None] = {}
    for exposure, variable in exposed.items():
        if variable is not None:
            kept[exposure] = kept[variable] = variable if variable == exposure else None
    return kept


def _read_before_written(
    derived: tuple[Derived, ...],
) -> Iterator[str]:
    """Derived variables that another reads before they are worked out: it sees the last step's value."""
    pending = {item.name for item in derived}
    for item in derived:
        for text in texts(item):
            yield from (name for name in names(parse(text)) if name in pending)
        pending.discard(item.name)


def texts(item: Derived) -> Iterator[str]:
    """The expressions of a derived variable."""
    if isinstance(item, m.DerivedVariable):
        if item.value is not None:
            yield item.value
        return
    for case in item.cases:
        if case.condition is not None:
            yield case.condition
        yield case.value


def initial_regime(dynamics: m.Dynamics) -> int:
    """The regime marked ``initial``, else jLEMS's first one, in HashMap order."""
    marked = [number for number, regime in enumerate(dynamics.regimes) if regime.initial]
    if marked:
        return marked[-1]
    first = java_hash_order(regime.name for regime in dynamics.regimes)[0]
    return next(number for number, regime in enumerate(dynamics.regimes) if regime.name == first)
