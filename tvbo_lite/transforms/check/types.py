"""Rules about component types: what they declare, inherit and refer to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tvbo_lite.errors import InputError, Location, Problem, nearest
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.check.sites import (
    changes,
    declared_dynamics,
    derived_of,
    inside_of,
    variables_of,
)
from tvbo_lite.transforms.check.subject import Subject
from tvbo_lite.transforms.quantity import ANY
from tvbo_lite.transforms.resolve import GENERIC_TAG
from tvbo_lite.transforms.types import ResolvedType

_BUILDERS = """
Apply Assign ChildInstance Choose CoInstantiate DataDisplay DataWriter EventConnection EventRecord
EventWriter ForEach Gather GatherPairs If IncludePair MultiInstantiate Otherwise PairFilter
PairsEventConnection Record Run Tunnel When With
"""
BUILDERS = frozenset(_BUILDERS.split())
"""What a type's ``<Structure>`` or ``<Simulation>`` may hold, whether it can be run or not."""


def declared_once(subject: Subject) -> Iterator[Problem]:
    """No two component types share a name; jLEMS refuses them."""
    first: dict[str, m.ComponentType] = {}
    for kind in subject.model.component_types:
        other = first.setdefault(kind.name, kind)
        if other is not kind and subject.is_own(kind.location):
            what = f"component type '{kind.name}' is declared twice, first at {other.location}"
            yield Problem(what, kind.location)


def inheritance(subject: Subject) -> Iterator[Problem]:
    """A type extends one that exists, and not itself by way of others; a circle is told once."""
    circles = set()
    for kind in subject.declared:
        try:
            subject.resolver.types.get(kind.name)
        except InputError as error:
            for problem in error.problems:
                members = frozenset(problem.message.rpartition(": ")[2].split(" extends "))
                if len(members) == 1 or members not in circles:
                    yield problem
                circles.add(members)


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def location(self) -> Location: ...


def one_name_once(subject: Subject) -> Iterator[Problem]:
    """A type declares each of its parameters, variables, ports, children and regimes once."""
    for kind in subject.declared:
        for noun, items in _groups(kind):
            first: dict[str, Location] = {}
            for item in items:
                if item.name in first:
                    what = f"component type '{kind.name}' declares the {noun} '{item.name}' twice"
                    yield Problem(f"{what}, first on line {first[item.name].line}", item.location)
                first.setdefault(item.name, item.location)


def _groups(kind: m.ComponentType) -> Iterator[tuple[str, Sequence[_Named]]]:
    """What a type declares, in groups within which a name stands once.

    A state variable and a derived one may share a name: NeuroML's ``pinskyRinzelCA3Cell`` has it so.
    """
    dynamics = kind.dynamics or m.Dynamics()
    parameters: list[_Named] = [*kind.parameters, *kind.constants, *kind.derived_parameters]
    yield "parameter", [*parameters, *kind.properties]
    yield "state variable", dynamics.state_variables
    yield "derived variable", derived_of(dynamics)
    yield "event port", kind.event_ports
    yield "child", kind.children
    yield "exposure", kind.exposures
    yield "requirement", kind.requirements
    yield "regime", dynamics.regimes


def known_dimensions(subject: Subject) -> Iterator[Problem]:
    """Each dimension that a type or a unit names is declared."""
    known = subject.resolver.units.dimensions
    for name, item in _with_dimension(subject):
        if item.dimension not in known and item.dimension != ANY:
            what = f"unknown dimension '{item.dimension}' of '{name}'"
            yield Problem(what, item.location, None, nearest(item.dimension, known))


class _Dimensioned(Protocol):
    @property
    def dimension(self) -> str: ...
    @property
    def location(self) -> Location: ...


def _with_dimension(subject: Subject) -> Iterator[tuple[str, _Dimensioned]]:
    """All that names a dimension, with what it is called."""
    for unit in subject.model.units:
        if subject.is_own(unit.location):
            yield unit.symbol, unit
    for constant in subject.model.constants:
        if subject.is_own(constant.location):
            yield constant.symbol or constant.name, constant
    for kind in subject.declared:
        dynamics = kind.dynamics or m.Dynamics()
        found: list[m.Parameter | m.Constant | m.DerivedParameter | m.Property | m.Requirement | m.Exposure]
        found = [*kind.parameters, *kind.constants, *kind.derived_parameters, *kind.properties]
        for item in (*found, *kind.requirements, *kind.exposures):
            yield item.name, item
        inside = [variable for regime in dynamics.regimes for variable in inside_of(regime)]
        for variable in (*variables_of(dynamics), *inside):
            yield variable.name, variable


def known_types(subject: Subject) -> Iterator[Problem]:
    """Children, attachments and references are of types that exist."""
    types = subject.resolver.types
    for kind in subject.declared:
        slots: list[m.ChildSlot | m.Attachments | m.Reference]
        slots = [*kind.children, *kind.attachments, *kind.references]
        for item in slots:
            wanted = item.type
            if wanted and wanted != GENERIC_TAG and wanted not in types:
                what = f"'{item.name}' of component type '{kind.name}' is of the unknown type '{wanted}'"
                yield Problem(what, item.location, None, nearest(wanted, types.names()))


def fixed_parameters(subject: Subject) -> Iterator[Problem]:
    """What a type fixes is a parameter that it has."""
    for kind in subject.types:
        for item in kind.declared.fixed:
            if item.parameter not in kind.parameters:
                what = f"component type '{kind.name}' fixes '{item.parameter}', which is no parameter of it"
                yield Problem(what, item.location, None, nearest(item.parameter, kind.parameters))


def known_exposures(subject: Subject) -> Iterator[Problem]:
    """A variable is exposed as an exposure that its type has."""
    for kind in subject.types:
        for item in variables_of(declared_dynamics(kind)):
            if item.exposure is not None and item.exposure not in kind.exposures:
                what = f"'{item.name}' is exposed as '{item.exposure}', which is no exposure of"
                hint = nearest(item.exposure, kind.exposures)
                yield Problem(f"{what} component type '{kind.name}'", item.location, None, hint)


def changed_variables(subject: Subject) -> Iterator[Problem]:
    """Rates and assignments change state variables, or properties, of their type."""
    for kind in subject.types:
        dynamics = declared_dynamics(kind)
        states = {item.name for item in dynamics.state_variables}
        states |= {item.name for regime in dynamics.regimes for item in regime.state_variables}
        for site in changes(kind):
            if site.variable is not None and site.variable not in states:
                what = (
                    f"'{site.variable}' is changed, but is no state variable of component type '{kind.name}'"
                )
                yield Problem(what, site.location, None, nearest(site.variable, states))


def declared_ports(subject: Subject) -> Iterator[Problem]:
    """Events come in through ports of direction ``in`` and go out through ports of direction ``out``."""
    for kind in subject.types:
        dynamics = declared_dynamics(kind)
        handled = [(item.port, item.location) for item in dynamics.on_event]
        for regime in dynamics.regimes:
            handled += [(item.port, item.location) for item in regime.on_event]
        for port, location in handled:
            yield from _port(kind, port, "in", location)
        for action in dynamics.actions():
            for port in action.events:
                yield from _port(kind, port, "out", action.location)


def _port(kind: ResolvedType, name: str, direction: str, location: Location) -> Iterator[Problem]:
    port = kind.event_ports.get(name)
    if port is None:
        fitting = [item.name for item in kind.event_ports.values() if item.direction == direction]
        what = f"component type '{kind.name}' has no event port '{name}'"
        yield Problem(what, location, f"a port of direction '{direction}'", nearest(name, fitting))
    elif port.direction != direction:
        what = f"event port '{name}' of component type '{kind.name}' has the direction '{port.direction}'"
        yield Problem(what, location, f"direction '{direction}'")


def known_regimes(subject: Subject) -> Iterator[Problem]:
    """Transitions lead to regimes of the same dynamics."""
    for kind in subject.types:
        dynamics = declared_dynamics(kind)
        regimes = {regime.name for regime in dynamics.regimes}
        for action in dynamics.actions():
            if action.transition is not None and action.transition not in regimes:
                what = (
                    f"transition to the unknown regime '{action.transition}' in component type '{kind.name}'"
                )
                yield Problem(what, action.location, None, nearest(action.transition, regimes))


def kinetic_schemes(subject: Subject) -> Iterator[Problem]:
    """The states and transitions of a kinetic scheme are lists of children of its type."""
    for kind in subject.types:
        lists = [slot.name for slot in kind.child_slots.values() if slot.many]
        for scheme in declared_dynamics(kind).kinetic_schemes:
            for attribute, name in (("nodes", scheme.nodes), ("edges", scheme.edges)):
                if name not in lists:
                    what = f"kinetic scheme '{scheme.name}': {attribute}='{name}' is no <Children> of"
                    hint = nearest(name, lists)
                    yield Problem(f"{what} component type '{kind.name}'", scheme.location, None, hint)


def known_builders(subject: Subject) -> Iterator[Problem]:
    """What stands in a type's structure and simulation belongs to the language."""
    for kind in subject.declared:
        stack = [*kind.structure, *kind.simulation]
        for item in stack:  # grows meanwhile
            stack += item.children
            if item.kind not in BUILDERS:
                what = f"<{item.kind}> is not known in the structure of component type '{kind.name}'"
                yield Problem(what, item.location, None, nearest(item.kind, BUILDERS))
