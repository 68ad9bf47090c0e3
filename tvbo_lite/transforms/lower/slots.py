"""Where in a component another one belongs: the child slots of its type, and those further inside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.lems import model as lems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tvbo_lite.transforms.lower.context import Context
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["NOT_PARTS", "Host", "Way", "containers", "host_for", "inserted", "slots_of", "way_to"]

Way: TypeAlias = tuple[lems.ChildSlot, ...]
"""Slots of single children, from the outermost: ``biophysicalProperties``, ``membraneProperties``."""

NOT_PARTS = ("notes", "annotation", "property")
_INNER = ("biophysicalProperties", "biophysicalProperties2CaPools")  # what is inside these has no id
_DEEPEST = 4  # slots within slots


@dataclass(frozen=True, slots=True)
class Host:
    """A component that stands in the slot at ``way`` and refers to another by ``reference``."""

    way: Way
    kind: ResolvedType
    reference: str


def slots_of(context: Context, kind: ResolvedType, way: Way = ()) -> Iterator[tuple[Way, lems.ChildSlot]]:
    """The slots of a type, then those of its single children; each with the way to its owner."""
    parts = [slot for slot in kind.child_slots.values() if slot.name not in NOT_PARTS]
    for slot in parts:
        yield way, slot
    for slot in parts:
        if not slot.many and slot.type in context.types and len(way) < _DEEPEST:
            yield from slots_of(context, context.types.get(slot.type), (*way, slot))


def way_to(context: Context, parent: ResolvedType, kind: ResolvedType) -> Way | None:
    """The way to a list that takes components of the kind; () for one of the parent's own."""
    return next((way for way, s in slots_of(context, parent) if s.many and kind.is_a(s.type)), None)


def host_for(context: Context, parent: ResolvedType, kind: ResolvedType, given: set[str]) -> Host | None:
    """What stands in ``parent`` and refers to a component of the kind, as a channel density to a channel.

    Of several it is the one that the parameters ``given`` beside the kind's own fit best.
    """
    beside = given - set(kind.attribute_names())
    best, most = None, -100
    for way, slot in slots_of(context, parent):
        if not slot.many:
            continue
        for name in context.types.names():
            host = context.types.get(name)
            reference = _reference(host, kind) if host.is_a(slot.type) else None
            if reference is None or (name.startswith("base") and name == slot.type):
                continue
            fit = 2 * len(beside.intersection(host.attribute_names())) - len(set(host.parameters) - beside)
            fit -= sum(child not in NOT_PARTS for child in host.child_slots)
            if fit > most:
                best, most = Host(way, host, reference), fit
    return best


def _reference(host: ResolvedType, kind: ResolvedType) -> str | None:
    fitting = (name for name, item in host.references.items() if item.type and kind.is_a(item.type))
    return next(fitting, None)


def inserted(owner: lems.Component, way: Way, *parts: lems.Component) -> lems.Component:
    """``owner`` with components at the end of ``way``; what is missing on the way is made."""
    if not way:
        return replace(owner, children=(*owner.children, *parts))
    name = way[0].name
    there = [child for child in owner.children if child.tag == name]
    outermost = owner.tag not in _INNER
    new = lems.Component(name, f"{owner.id}_{name}" if outermost else None, location=owner.location)
    inner = inserted(there[0] if there else new, way[1:], *parts)
    children = [inner if child.tag == name else child for child in owner.children]
    return replace(owner, children=tuple(children if there else [*children, inner]))


def containers(context: Context, kind: ResolvedType) -> Iterator[Way]:
    """The containers without parameters that the type's own variables look into, so that they must exist."""
    for variable in kind.dynamics.derived:
        way: Way = ()
        at = kind
        for step in (variable.select or "").split("/")[:-1]:
            slot = at.child_slots.get(step)
            if slot is None or slot.many:
                break
            at = context.types.get(slot.type)
            if at.parameters or not at.child_slots:
                break
            way = (*way, slot)
        if way:
            yield way
