"""What a document declares for itself: dimensions, units, constants and component types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import ModelError
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check import TYPE_RULES
from tvbo_lite.transforms.check.subject import Subject
from tvbo_lite.transforms.lower.type_specs import component_type
from tvbo_lite.transforms.quantity import ANY, UnitTable
from tvbo_lite.transforms.resolve import Resolver

if TYPE_CHECKING:
    from tvbo_lite.errors import Location
    from tvbo_lite.schema import Experiment
    from tvbo_lite.schema.component_types import ComponentTypeSpec
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["add_component_types", "assertions", "constants", "own_dimensions", "own_units", "with_own"]


def own_dimensions(experiment: Experiment) -> tuple[lems.Dimension, ...]:
    """The dimensions of the document."""
    return tuple(
        lems.Dimension(
            name, item.m, item.l, item.t, item.i, item.k, item.n, item.j, _at(experiment, "dimensions", name)
        )
        for name, item in experiment.dimensions.items()
    )


def own_units(experiment: Experiment) -> tuple[lems.Unit, ...]:
    """The units of the document."""
    return tuple(
        lems.Unit(
            symbol,
            item.dimension,
            item.power,
            float(item.scale),
            float(item.offset),
            _at(experiment, "units", symbol),
        )
        for symbol, item in experiment.units.items()
    )


def constants(experiment: Experiment) -> tuple[lems.Constant, ...]:
    """The constants of the document."""
    return tuple(
        lems.Constant(name, item.value, item.dimension, item.symbol, _at(experiment, "constants", name))
        for name, item in experiment.constants.items()
    )


def assertions(experiment: Experiment) -> tuple[lems.Assertion, ...]:
    """The claims of the document about dimensions."""
    where = experiment.locate(("assertions",))
    return tuple(lems.Assertion(item.dimension, item.matches, where) for item in experiment.assertions)


def with_own(units: UnitTable, experiment: Experiment) -> UnitTable:
    """The units and dimensions of the core files with those of the document."""
    if not (experiment.dimensions or experiment.units):
        return units
    known = (*_dimensions(units), *own_dimensions(experiment))
    return UnitTable(known, (*units.units.values(), *own_units(experiment)))


def add_component_types(context: Context, experiment: Experiment) -> None:
    """Make the document's own types known; what is wrong with them is reported."""
    made = {}
    for name, spec in experiment.component_types.items():
        path: Path = ("component_types", name)
        if name in context.types.core:
            context.report(path, f"NeuroML has a component type '{name}' itself", "another name")
            continue
        made[name] = component_type(context, name, spec, path)
        _check_values(context, spec, path)
    known = {*context.types.core.names(), *made}
    for name, declared in made.items():
        if declared.extends is not None and not context.among(
            declared.extends, known, ("component_types", name, "extends"), _unknown(declared)
        ):
            made[name] = replace(declared, extends=None)
    _break_circles(context, made)
    for declared in made.values():
        context.types.add(declared)
    if made:
        _check(context, experiment)


def _check_values(context: Context, spec: ComponentTypeSpec, path: Path) -> None:
    """The constants of a type are quantities of their dimensions."""
    for name, item in spec.constants.items():
        if item.dimension == ANY or item.dimension in context.units.dimensions:
            context.quantity(item.value, item.dimension, (*path, "constants", name, "value"), name)


def _unknown(declared: lems.ComponentType) -> str:
    return f"'{declared.name}' extends the unknown type '{declared.extends}'"


def _break_circles(context: Context, made: dict[str, lems.ComponentType]) -> None:
    """No type extends itself, by way of others or not."""
    for name in list(made):
        seen, at = {name}, made[name].extends
        while at in made and at not in seen:
            seen.add(at)
            at = made[at].extends
        if at == name:
            context.report(("component_types", name, "extends"), f"'{name}' extends itself", "another type")
            made[name] = replace(made[name], extends=None)


def _check(context: Context, experiment: Experiment) -> None:
    """The rules about component types, as for a LEMS file."""
    core = (context.types.core.get(name).declared for name in context.types.core.names())
    model = lems.Model(
        dimensions=_dimensions(context.units),
        units=tuple(context.units.units.values()),
        constants=constants(experiment),
        component_types=(*core, *context.types.own.values()),
    )
    subject = Subject(model, Resolver(model))
    for rule in TYPE_RULES:
        context.found += ((ModelError, problem) for problem in rule(subject))


def _dimensions(units: UnitTable) -> tuple[lems.Dimension, ...]:
    found = []
    for name, exponents in units.dimensions.items():
        m, l, t, i, k, n, j = map(int, exponents)  # noqa: E741  the LEMS attribute's own name
        found.append(lems.Dimension(name, m, l, t, i, k, n, j))
    return tuple(found)


def _at(experiment: Experiment, *path: str) -> Location:
    return experiment.locate(path)
