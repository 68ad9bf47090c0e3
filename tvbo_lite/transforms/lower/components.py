"""Dynamics that are NeuroML core types (``iri: neuroml:<Type>``) as LEMS components."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes, placed
from tvbo_lite.transforms.lower.context import Context, Path, listing
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Lowered", "core_type", "lower_component"]

PREFIX = "neuroml:"
_USED = ("iri", "parameters", "components")

# A component that fits no child slot itself may be inserted through one that refers to it:
# slot's type -> (type of the component that fills it, its reference, what its id ends in).
_INSERTIONS = {"baseChannelPopulation": ("channelPopulation", "ionChannel", "_channels")}
_NOT_PARTS = ("notes", "annotation", "property")


@dataclass(frozen=True, slots=True)
class Lowered:
    """A component, and the standalone components (ion channels) that it refers to, in order."""

    component: lems.Component
    standalone: tuple[lems.Component, ...] = ()

    def all(self) -> tuple[lems.Component, ...]:
        """Everything that stands at the top of the document, what is referred to first."""
        return (*self.standalone, self.component)


def core_type(context: Context, dynamics: Dynamics, path: Path, what: str) -> ResolvedType | None:
    """The core type that ``iri`` names; None, and a problem, where it names none."""
    iri = dynamics.iri or ""
    if not iri:
        message = f"{what}: dynamics given by equations are not supported here yet"
        context.unsupported(path, message, "name a core type: 'iri: neuroml:<Type>'")
        return None
    here = (*path, "iri")
    if iri.startswith("extends:"):
        context.unsupported(here, f"{what}: a type derived by 'iri: {iri}' is not supported yet")
        return None
    if not iri.startswith(PREFIX):
        context.report(here, f"{what}: 'iri: {iri}' names no component type", f"{PREFIX}<Type>")
        return None
    return context.type(iri.removeprefix(PREFIX), here, what)


def lower_component(
    context: Context, dynamics: Dynamics, kind: ResolvedType, given: Given, *, name: str, path: Path
) -> Lowered:
    """A standalone component ``name`` with the parameters ``given``."""
    return _filled(context, dynamics, kind, given, frame=lems.Component(kind.name, name), path=path)


def _filled(
    context: Context,
    dynamics: Dynamics,
    kind: ResolvedType,
    given: Given,
    *,
    frame: lems.Component,
    path: Path,
) -> Lowered:
    """``frame`` with the attributes and children of ``dynamics``."""
    owner = frame.id or frame.tag
    refuse_rest(dynamics, _USED, path, owner, context)
    parts = [
        _child(context, child, name, kind, (*path, "components", name))
        for name, child in dynamics.components.items()
    ]
    there = [part for part in parts if part is not None]
    component = replace(
        frame,
        attributes=attributes(context, kind, given, path, owner),
        children=tuple(part.component for part in there),
        location=context.locate(path),
    )
    return Lowered(component, tuple(item for part in there for item in part.standalone))


def _child(context: Context, child: Dynamics, name: str, parent: ResolvedType, path: Path) -> Lowered | None:
    kind = core_type(context, child, path, name)
    if kind is None:
        return None
    given = placed(child.parameters, path)
    slot = parent.child_slots.get(name)
    if slot is not None and not slot.many:
        if not kind.is_a(slot.type):
            context.report(path, f"'{name}' of {parent.name} is a {kind.name}", f"a {slot.type}")
            return None
        typed = None if kind.name == slot.type else kind.name
        return _filled(context, child, kind, given, frame=lems.Component(name, type=typed), path=path)
    if any(slot.many and kind.is_a(slot.type) for slot in parent.child_slots.values()):
        frame = lems.Component(kind.name, context.name(name, path, "a component"))
        return _filled(context, child, kind, given, frame=frame, path=path)
    return _inserted(context, child, kind, given, parent=parent, path=path)


def _inserted(
    context: Context, child: Dynamics, kind: ResolvedType, given: Given, *, parent: ResolvedType, path: Path
) -> Lowered | None:
    """A channel in a cell: it stands alone, and a channel population in the cell refers to it.

    Parameters that the channel itself does not have (``number``, ``erev``) go to the population.
    """
    place = _place_for(context, kind, parent)
    if place is None:
        slots = (slot.type for slot in parent.child_slots.values() if slot.name not in _NOT_PARTS)
        message = f"'{path[-1]}' ({kind.name}) has no place in {parent.name}"
        context.report(path, message, listing(slots) or "no components")
        return None
    host, reference, suffix = place
    name = context.name(str(path[-1]), path, "a channel")
    moving = set(host.attribute_names()) - set(kind.attribute_names())
    moved = {key: item for key, item in given.items() if key in moving}
    own = {key: item for key, item in given.items() if key not in moving}
    channel = _filled(context, child, kind, own, frame=lems.Component(kind.name, name), path=path)
    rest = replace(host, references={k: v for k, v in host.references.items() if k != reference})
    texts = {**attributes(context, rest, moved, path, name), reference: name}
    where = context.locate(path)
    inserted = lems.Component(
        host.name, name + suffix, attributes=dict(sorted(texts.items())), location=where
    )
    return Lowered(inserted, channel.all())


def _place_for(
    context: Context, kind: ResolvedType, parent: ResolvedType
) -> tuple[ResolvedType, str, str] | None:
    for slot in parent.child_slots.values():
        if slot.many and slot.type in _INSERTIONS:
            name, reference, suffix = _INSERTIONS[slot.type]
            host = context.types.get(name)
            wanted = host.references[reference].type
            if wanted is not None and kind.is_a(wanted):
                return host, reference, suffix
    return None
