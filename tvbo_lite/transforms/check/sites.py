"""Where a component type's dynamics holds expressions, and what each of them stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tvbo_lite.errors import Location
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.types import ResolvedType

Derived: TypeAlias = m.DerivedVariable | m.ConditionalDerivedVariable
Variable: TypeAlias = m.StateVariable | Derived


@dataclass(frozen=True, slots=True)
class Site:
    """An expression: what it gives, its text and place; the variable it changes, if it does.

    ``names`` are the variables of the regime around it. ``in_regime`` ones are not checked by jLEMS.
    """

    what: str
    text: str
    location: Location
    variable: str | None = None
    rate: bool = False
    condition: bool = False
    in_regime: bool = False
    names: tuple[Variable, ...] = ()


def changes(kind: ResolvedType) -> Iterator[Site]:
    """The rates, assignments and conditions of the dynamics that a type itself declares."""
    dynamics = kind.declared.dynamics
    if dynamics is None:
        return
    yield from _derivatives(dynamics.derivatives)
    yield from _handlers(dynamics.on_start, dynamics.on_condition, dynamics.on_event)
    for regime in dynamics.regimes:
        inside = inside_of(regime)
        for site in _in_regime(regime):
            yield Site(
                f"{site.what} in regime '{regime.name}'",
                site.text,
                site.location,
                site.variable,
                site.rate,
                site.condition,
                in_regime=True,
                names=inside,
            )


def derived(kind: ResolvedType) -> Iterator[Site]:
    """The derived variables, cases and derived parameters that a type itself declares."""
    for parameter in kind.declared.derived_parameters:
        if parameter.value is not None:
            yield Site(f"derived parameter '{parameter.name}'", parameter.value, parameter.location)
    dynamics = declared_dynamics(kind)
    yield from _computed(dynamics.derived)
    for conditional in dynamics.conditional:
        for case in conditional.cases:
            what = f"conditional derived variable '{conditional.name}'"
            if case.condition is not None:
                yield Site(f"the condition of {what}", case.condition, case.location, condition=True)
            yield Site(what, case.value, case.location)
    for regime in dynamics.regimes:
        inside = inside_of(regime)
        for site in _computed(regime.derived):
            yield Site(site.what, site.text, site.location, in_regime=True, names=inside)


def declared_dynamics(kind: ResolvedType) -> m.Dynamics:
    """The dynamics that a type itself declares; empty where it declares none."""
    return kind.declared.dynamics or m.Dynamics()


def derived_of(dynamics: m.Dynamics) -> list[Derived]:
    """The derived variables, conditional ones last."""
    return [*dynamics.derived, *dynamics.conditional]


def variables_of(dynamics: m.Dynamics) -> list[Variable]:
    """The state variables and the derived ones."""
    return [*dynamics.state_variables, *derived_of(dynamics)]


def inside_of(regime: m.Regime) -> tuple[Variable, ...]:
    """The variables that a regime declares."""
    found: list[Variable] = [*regime.state_variables, *regime.derived]
    return tuple(found)


def _computed(variables: Iterable[m.DerivedVariable]) -> Iterator[Site]:
    for item in variables:
        if item.value is not None:
            yield Site(f"derived variable '{item.name}'", item.value, item.location)


def _derivatives(derivatives: Iterable[m.TimeDerivative]) -> Iterator[Site]:
    for item in derivatives:
        what = f"the time derivative of '{item.variable}'"
        yield Site(what, item.value, item.location, item.variable, rate=True)


def _in_regime(regime: m.Regime) -> Iterator[Site]:
    yield from _derivatives(regime.derivatives)
    yield from _handlers(regime.on_entry, regime.on_condition, regime.on_event)


def _handlers(
    first: Iterable[m.Action], conditions: Iterable[m.OnCondition], events: Iterable[m.OnEvent]
) -> Iterator[Site]:
    for action in first:
        yield from _assignments(action)
    for condition in conditions:
        yield Site("the test of <OnCondition>", condition.test, condition.location, condition=True)
        yield from _assignments(condition.action)
    for event in events:
        yield from _assignments(event.action)


def _assignments(action: m.Action) -> Iterator[Site]:
    for item in action.assignments:
        yield Site(f"what is assigned to '{item.variable}'", item.value, item.location, item.variable)
