"""Everything that can be wrong with a LEMS model, each rule a small function in a table.

An *error* is what contradicts the model itself, most of it refused by jLEMS too. A *warning* is what
jLEMS runs, but what was hardly meant: an attribute that nothing reads, derived variables in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from tvbo_lite.errors import InputError, ModelError, Problem
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.check import attributes, circles, components, dimensions, names, networks, types
from tvbo_lite.transforms.check.subject import Subject
from tvbo_lite.transforms.resolve import Resolver

__all__ = ["ERRORS", "WARNINGS", "Findings", "check", "require"]

Rule: TypeAlias = Callable[[Subject], Iterator[Problem]]


class Findings(NamedTuple):
    """What is wrong with a model, and what is odd, each in the order of files and lines."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


ERRORS: tuple[Rule, ...] = (
    types.declared_once,
    types.inheritance,
    types.one_name_once,
    types.known_dimensions,
    types.known_types,
    types.fixed_parameters,
    types.known_exposures,
    types.changed_variables,
    types.declared_ports,
    types.known_regimes,
    types.kinetic_schemes,
    types.known_builders,
    names.readable_expressions,
    names.declared_names,
    dimensions.equations,
    components.resolved,
    components.unique_ids,
    attributes.misspelt,
    networks.population_sizes,
    networks.connected_cells,
    networks.recorded_quantities,
)
WARNINGS: tuple[Rule, ...] = (
    circles.derived_variables,
    dimensions.derived_variables,
    dimensions.regimes,
    dimensions.exposures,
    components.unique_siblings,
    components.fitting_references,  # jLEMS runs a population of any component
    attributes.unread,
    networks.listed_instances,
)


def check(model: m.Model, resolver: Resolver | None = None, *, library: bool = False) -> Findings:
    """All that the rules find in a linked model.

    NeuroML's own component types are left out unless ``library`` is given; a test checks them.
    """
    subject = Subject(model, resolver or Resolver(model), library=library)
    return Findings(_found(ERRORS, subject), _found(WARNINGS, subject))


def require(model: m.Model, resolver: Resolver | None = None) -> tuple[Problem, ...]:
    """The warnings about a linked model. Raises `ModelError` with all errors, if there are any."""
    errors, warnings = check(model, resolver)
    if errors:
        raise ModelError(errors)
    return warnings


def _found(rules: Sequence[Rule], subject: Subject) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    for rule in rules:
        try:
            problems += rule(subject)
        except InputError as error:  # what a rule looks up is wrong itself
            problems += error.problems
    once = dict.fromkeys(problems)
    return tuple(sorted(once, key=lambda item: (item.location.file or "", item.location.line or 0)))
