"""What the rules look at: the model's own component types and components, each resolved once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from tvbo_lite.errors import InputError, Location, Problem
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.quantity import NONE
from tvbo_lite.transforms.resolve import ResolvedComponent, Resolver
from tvbo_lite.transforms.types import ResolvedType

LIBRARY = "jNeuroML:NeuroML2CoreTypes/"  # where NeuroML's core types come from
Exponents = tuple[float, ...]
Dimensions = dict[str, "Exponents | None"]
TIME: Exponents = (0, 0, 1, 0, 0, 0, 0)


class Subject:
    """A model under examination. ``declared`` holds its own types, ``types`` those that resolve."""

    def __init__(self, model: m.Model, resolver: Resolver, *, library: bool = False) -> None:
        self.model = model
        self.resolver = resolver
        self.library = library
        self.declared = [kind for kind in model.component_types if self.is_own(kind.location)]
        self.problems: list[Problem] = []  # of components that do not resolve

    def is_own(self, location: Location) -> bool:
        """Whether a place belongs to the model, not to NeuroML's core types."""
        return self.library or not (location.file or "").startswith(LIBRARY)

    @cached_property
    def types(self) -> list[ResolvedType]:
        """The model's own types with what they inherit; those that inherit nonsense are left out."""
        found = []
        for name in dict.fromkeys(kind.name for kind in self.declared):
            try:
                found.append(self.resolver.types.get(name))
            except InputError:
                continue  # a rule of its own tells
        return found

    @cached_property
    def components(self) -> list[ResolvedComponent]:
        """Every component of the model, those inside others too, parents first."""
        found: list[ResolvedComponent] = []
        for component in self.model.components:
            try:
                found += _with_all_below(self.resolver.top(component))
            except InputError as error:
                self.problems += error.problems
        return found

    @cached_property
    def constants(self) -> Dimensions:
        """The dimension of each global constant."""
        return {item.symbol: self.exponents(item.dimension) for item in self.model.constants if item.symbol}

    def exponents(self, dimension: str) -> Exponents | None:
        """A dimension's exponents; None for an unknown one and for ``*``."""
        try:
            return self.resolver.units.exponents(dimension)
        except InputError:
            return None

    def scope(self, kind: ResolvedType) -> Dimensions:
        """The names that an expression of a type may use, but its variables, with their dimensions."""
        known: Dimensions = {**self.constants, "t": TIME}
        for name in kind.declared_indices():
            known[name] = NONE
        given: list[m.Parameter | m.Constant | m.Requirement] = [*kind.parameters.values()]
        for item in (*given, *kind.constants.values(), *kind.requirements.values()):
            known[item.name] = self.exponents(item.dimension)
        for parameter in kind.derived_parameters.values():
            known[parameter.name] = self.known(parameter.dimension)
        for ancestor in kind.lineage:
            for prop in self.resolver.types.get(ancestor).properties:
                known.setdefault(prop.name, self.exponents(prop.dimension))
        return known

    def known(self, dimension: str) -> Exponents | None:
        """As `exponents`, but None for ``none``: what is derived may leave its dimension out."""
        return None if dimension == "none" else self.exponents(dimension)


def _with_all_below(component: ResolvedComponent) -> Iterator[ResolvedComponent]:
    stack = [component]
    while stack:
        at = stack.pop()
        yield at
        stack += reversed(list(at.children()))
