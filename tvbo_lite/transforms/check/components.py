"""Rules about components: they can be resolved, have ids of their own, and refer to what fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tvbo_lite.errors import Problem
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.check.subject import Subject
from tvbo_lite.transforms.resolve import NOTED

# What NeuroML's own types take beside the type that they name.
ALSO_FITS = {
    "baseCell": ("baseSpikeSource",),
    "population": ("basePopulation",),
    "basePointCurrent": ("basePointCurrentDL",),
}


def resolved(subject: Subject) -> Iterator[Problem]:
    """Types, parameters, units, children and references of components exist and fit."""
    _ = subject.components  # resolves them
    subject.resolver.constants()
    yield from subject.problems
    yield from subject.resolver.problems


def unique_ids(subject: Subject) -> Iterator[Problem]:
    """No two components of a model, included files too, have the same id; jLEMS refuses them."""
    first: dict[str, m.Component] = {}
    for component in subject.model.components:
        if component.id is None or component.tag in NOTED:
            continue
        other = first.setdefault(component.id, component)
        if other is not component:
            what = f"id '{component.id}' of <{component.tag}> is taken by <{other.tag}> at {other.location}"
            yield Problem(what, component.location, "an id of its own")


def unique_siblings(subject: Subject) -> Iterator[Problem]:
    """Members of one list have different ids; jLEMS finds only one of them."""
    for parent in subject.components:
        for name, members in parent.lists.items():
            if len({member.id or id(member) for member in members}) == len(members):
                continue
            by_id = defaultdict(list)
            for member in members:
                if member.id is not None:
                    by_id[member.id].append(member)
            for key, same in by_id.items():
                if len(same) > 1:
                    lines = f"first on line {same[0].component.location.line}"
                    what = f"{parent.describe()} has {len(same)} {name} with the id '{key}', {lines}"
                    yield Problem(what, same[1].component.location, "an id of its own for each")


def fitting_references(subject: Subject) -> Iterator[Problem]:
    """A reference leads to a component of the type that it is declared with, or of one that extends it."""
    types = subject.resolver.types
    for component in subject.components:
        for name, target in component.references.items():
            wanted = component.type.references[name].type
            fitting_types = (wanted or "", *ALSO_FITS.get(wanted or "", ()))
            if wanted is None or wanted not in types or any(map(target.type.is_a, fitting_types)):
                continue
            what = f"{component.describe()}: {name}='{target.id}' is a component of type {target.type.name}"
            fitting = [c.id for c in subject.model.components if c.id and _is_a(subject, c, wanted)]
            some = f" ({', '.join(fitting[:5])})" if fitting else ""
            yield Problem(what, component.component.location, f"one of type {wanted}{some}")


def _is_a(subject: Subject, component: m.Component, wanted: str) -> bool:
    name = component.type or component.tag
    return name in subject.resolver.types and subject.resolver.types.get(name).is_a(wanted)
