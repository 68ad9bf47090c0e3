"""Everything that can be wrong with a LEMS model, each rule a small function in a table.

An *error* is what contradicts the model itself, most of it refused by jLEMS too. A *warning* is what
jLEMS runs, but what was hardly meant: an attribute that nothing reads, derived variables in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from tvbo_lite.errors import ExpressionError, InputError, ModelError, Problem, UnitError
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


# What holds of a component type by itself, whatever model it stands in.
TYPE_RULES: tuple[Rule, ...] = (
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
)
ERRORS: tuple[Rule, ...] = (
    types.declared_once,
    types.inheritance,
    *TYPE_RULES,
    components.resolved,
    components.unique_ids,
    attributes.misspelt,
    networks.population_sizes,
    networks.connected_cells,
    networks.recorded_quantities,
)
WARNINGS: tuple[Rule, ...] = (
    names.renamed,
    circles.derived_variables,
    dimensions.derived_variables,
    dimensions.regimes,
    dimensions.exposures,
    components.unique_siblings,
    components.fitting_references,  # jLEMS runs a population of any component
    attributes.unread,
    networks.listed_instances,
)
# The class of error that a rule's findings are; a model that contradicts itself if not named here.
KINDS: dict[Rule, type[InputError]] = {
    types.known_dimensions: UnitError,
    names.readable_expressions: ExpressionError,
    names.declared_names: ExpressionError,
    dimensions.equations: UnitError,
}


def check(model: m.Model, resolver: Resolver | None = None, *, library: bool = False) -> Findings:
    """All that the rules find in a linked model.

    NeuroML's own component types are left out unless ``library`` is given; a test checks them.
    """
    subject = Subject(model, resolver or Resolver(model), library=library)
    return Findings(tuple(_found(ERRORS, subject)), tuple(_found(WARNINGS, subject)))


def require(model: m.Model, resolver: Resolver | None = None) -> tuple[Problem, ...]:
    """The warnings about a linked model.

    Raises:
        InputError: with all errors, if there are any: an `ExpressionError` where all are about expressions,
            a `UnitError` where all are about dimensions and units, else a `ModelError`.
    """
    subject = Subject(model, resolver or Resolver(model))
    errors = _found(ERRORS, subject)
    if errors:
        kinds = set(errors.values())
        raise (kinds.pop() if len(kinds) == 1 else ModelError)(errors)
    return tuple(_found(WARNINGS, subject))


def _found(rules: Sequence[Rule], subject: Subject) -> dict[Problem, type[InputError]]:
    """What the rules find, each once, in the order of files and lines; and which class of error it is."""
    found: dict[Problem, type[InputError]] = {}
    for rule in rules:
        try:
            for problem in rule(subject):
                found.setdefault(problem, KINDS.get(rule, ModelError))
        except InputError as error:  # what a rule looks up is wrong itself
            for problem in error.problems:
                found.setdefault(problem, type(error))
    places = {problem: (problem.location.file or "", problem.location.line or 0) for problem in found}
    return {problem: found[problem] for problem in sorted(found, key=places.__getitem__)}
