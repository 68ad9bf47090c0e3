"""Component types with what they inherit.

A type inherits parameters, derived parameters, constants, fixed values, requirements, exposures,
event ports, child slots and references; not its parent's structure, attachments, properties, texts
or paths (jLEMS does not pass these on). Its own dynamics replaces the parent's as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tvbo_lite.errors import NOWHERE, ModelError, Problem, nearest
from tvbo_lite.lems import model as m


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


@dataclass(frozen=True, slots=True)
class ResolvedType:
    """A component type as its components see it; ``lineage`` is its own name, then its ancestors'."""

    name: str
    lineage: tuple[str, ...]
    declared: m.ComponentType
    parameters: dict[str, m.Parameter]
    derived_parameters: dict[str, m.DerivedParameter]
    constants: dict[str, m.Constant]
    fixed: dict[str, str]
    properties: tuple[m.Property, ...]
    texts: tuple[str, ...]
    paths: tuple[str, ...]
    links: dict[str, m.Reference]
    references: dict[str, m.Reference]
    child_slots: dict[str, m.ChildSlot]
    attachments: tuple[m.Attachments, ...]
    requirements: dict[str, m.Requirement]
    exposures: dict[str, m.Exposure]
    event_ports: dict[str, m.EventPort]
    dynamics: m.Dynamics = field(default_factory=m.Dynamics)
    structure: tuple[m.Builder, ...] = ()
    simulation: tuple[m.Builder, ...] = ()

    def is_a(self, name: str) -> bool:
        """Whether the type is ``name`` or extends it."""
        return name in self.lineage

    def attribute_names(self) -> list[str]:
        """Every attribute that a component of this type may carry besides id, type and extends."""
        groups: tuple[Iterable[str], ...] = (
            self.parameters, self.declared_indices(), self.constants, self.texts, self.paths,
            self.links, self.references,
        )  # fmt: skip
        return [name for group in groups for name in group]

    def declared_indices(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.declared.index_parameters)


class TypeTable:
    """All component types of a model, resolved when first asked for."""

    def __init__(self, types: Iterable[m.ComponentType]) -> None:
        self._declared: dict[str, m.ComponentType] = {}
        for declared in types:
            self._declared.setdefault(declared.name, declared)
        self._resolved: dict[str, ResolvedType] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def names(self) -> tuple[str, ...]:
        return tuple(self._declared)

    def get(self, name: str) -> ResolvedType:
        """The type with what it inherits. Raises `ModelError` for an unknown type or a cycle."""
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name, ())
        return self._resolved[name]

    def _resolve(self, name: str, below: tuple[str, ...]) -> ResolvedType:
        declared = self._declared.get(name)
        heir = self._declared[below[-1]] if below else None
        if declared is None:
            what = f"unknown component type '{name}'" + (f", which '{heir.name}' extends" if heir else "")
            where = heir.location if heir else NOWHERE
            raise ModelError(Problem(what, where, None, nearest(name, self._declared)))
        if name in below:
            cycle = " extends ".join((*below[below.index(name) :], name))
            raise ModelError(Problem(f"component types extend one another: {cycle}", declared.location))
        if declared.extends is None:
            return _merge(declared, None)
        parent = self._resolved.get(declared.extends) or self._resolve(declared.extends, (*below, name))
        return _merge(declared, parent)


def _merge(own: m.ComponentType, parent: ResolvedType | None) -> ResolvedType:
    def inherit(mine: Iterable[_N], theirs: dict[str, _N] | None) -> dict[str, _N]:
        merged = {item.name: item for item in mine}
        for name, item in (theirs or {}).items():
            merged.setdefault(name, item)
        return merged

    p = parent
    return ResolvedType(
        name=own.name,
        lineage=(own.name, *(p.lineage if p else ())),
        declared=own,
        parameters=inherit(own.parameters, p.parameters if p else None),
        derived_parameters=inherit(own.derived_parameters, p.derived_parameters if p else None),
        constants=inherit(own.constants, p.constants if p else None),
        fixed={**(p.fixed if p else {}), **{item.parameter: item.value for item in own.fixed}},
        properties=own.properties,
        texts=own.texts,
        paths=own.paths,
        links=inherit(own.links, p.links if p else None),
        references=inherit(own.references, p.references if p else None),
        child_slots=inherit(own.children, p.child_slots if p else None),
        attachments=own.attachments,
        requirements=inherit(own.requirements, p.requirements if p else None),
        exposures=inherit(own.exposures, p.exposures if p else None),
        event_ports=inherit(own.event_ports, p.event_ports if p else None),
        dynamics=own.dynamics or (p.dynamics if p else m.Dynamics()),
        structure=own.structure,
        simulation=own.simulation or (p.simulation if p else ()),
    )
