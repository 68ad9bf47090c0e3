"""The SI units of recorded quantities, from the dimensions that the component types declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from tvbo_lite.errors import TvboLiteError, UnitError
from tvbo_lite.lems import model as m
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.instances import Finder, Instance
from tvbo_lite.transforms.instantiate import instantiate
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.transforms.resolve import Resolver
from tvbo_lite.transforms.types import ResolvedType
from tvbo_lite.units import dimension_of, si_symbol

__all__ = ["recorded_units", "units_of_model"]

CLOCK = "t"


class _Declared(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> str: ...


def recorded_units(root: Instance, quantities: Iterable[str], table: UnitTable) -> dict[str, str]:
    """For each quantity (``pop[0]/v``) its SI unit as LEMS spells it: ``V``, ``S_per_m2``, ``1``.

    The unit is empty where the path leads to no declared variable, or its dimension has no name.
    """
    found, find = {}, Finder(root)
    for quantity in quantities:
        path, _, name = quantity.rpartition("/")
        instance = _at(find, path)
        dimension = _dimension(instance, name) if instance else None
        found[quantity] = _symbol(dimension, table) if dimension else ""
    return found


def units_of_model(model: m.Model, plan: SimulationPlan) -> dict[str, str]:
    """The same from a linked model; empty where it cannot be made into instances."""
    try:
        resolver = Resolver(model)
        target = resolver.component(plan.target, model.location, "the simulation's target")
        return recorded_units(instantiate(target), plan.quantities(), resolver.units)
    except TvboLiteError:
        return {}


def _at(find: Finder, path: str) -> Instance | None:
    """The instance at a path, where there is one."""
    try:
        return find(path)
    except TvboLiteError:
        return None


def _dimension(instance: Instance, name: str) -> str | None:
    """The dimension of what the instance shows under a name: its own, else that of one around it."""
    at: Instance | None = instance
    while at is not None:
        for declared, dimension in _variables(at.component.type):
            if declared == name:
                return dimension
        at = at.parent
    return None


def _variables(kind: ResolvedType) -> Iterator[tuple[str, str]]:
    """All that a type declares with a dimension, by name; what others see comes first."""
    dynamics = kind.dynamics
    groups: tuple[Iterable[_Declared], ...] = (
        kind.exposures.values(),
        dynamics.state_variables,
        dynamics.derived,
        dynamics.conditional,
        *(regime.state_variables for regime in dynamics.regimes),
        *(regime.derived for regime in dynamics.regimes),
        kind.parameters.values(),
        kind.derived_parameters.values(),
        kind.constants.values(),
        kind.properties,
        kind.requirements.values(),
    )
    yield CLOCK, "time"
    for group in groups:
        for item in group:
            yield item.name, item.dimension


def _symbol(dimension: str, table: UnitTable) -> str:
    """The SI unit of a dimension of the model, by its exponents; empty where they have no name."""
    try:
        exponents = table.exponents(dimension)
    except UnitError:
        return ""
    if exponents is None:  # any dimension fits
        return ""
    mass, length, time, current, temperature, amount, light = exponents
    name = dimension_of((mass, length, time, current, temperature, amount, light))
    return si_symbol(name) if name else ""
