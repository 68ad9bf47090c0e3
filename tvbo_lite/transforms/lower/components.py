"""Dynamics that are NeuroML core types (``iri: neuroml:<Type>``) as LEMS components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import attributes
from tvbo_lite.transforms.lower.context import Context, Path, listing
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Parameter
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Lowered", "core_type", "lower_component"]

PREFIX = "neuroml:"
_USED = ("iri", "parameters", "components")

# A component that does not fit a child slot itself may be inserted through one that refers to it:
# slot's type -> (type of the component that fills it, its reference, what its id ends in).
_INSERTIONS = {"baseChannelPopulation": ("channelPopulation", "ionChannel", "_channels")}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A component, and the standalone components (ion channels) that it refers to, in order."""

    component: lems.Component
    standalone: tuple[lems.Component, ...] = ()


def core_type(context: Context, dynamics: Dynamics, path: Path, what: str) -> ResolvedType | None:
    """The core type that ``iri`` names; None, and a problem, where it names none."""
    iri = dynamics.iri or ""
    if not iri:
        message = f"{what}: dynamics given by equations are not supported here yet"
        context.unsupported(path, message, "name a core type: 'iri: neuroml:<Type>'")
        return None
    here = (*path, "iri")
    if iri.startswith("extends:"):
        context.unsupported(here, f"{what}: a type derived by '{iri}' is not supported yet")
        return None
    if not iri.startswith(PREFIX):
        context.report(here, f"{what}: 'iri: {iri}' names no component type", "neuroml:<Type>")
        return None
    return context.type(iri.removeprefix(PREFIX), here, what)


def lower_component(
    context: Context, dynamics: Dynamics, name: str, path: Path, extra: Mapping[str, Parameter] | None = None
) -> Lowered | None:
    """A standalone component ``name``; parameters in ``extra`` override those of the dynamics."""
    kind = core_type(context, dynamics, path, name)
    if kind is None:
        return None
    parameters = {**dynamics.parameters, **(extra or {})}
    return _lower(context, dynamics, kind, parameters, lems.Component(kind.name, name), path)


def _lower(
    context: Context,
    dynamics: Dynamics,
    kind: ResolvedType,
    parameters: Mapping[str, Parameter],
    frame: lems.Component,
    path: Path,
) -> Lowered:
    owner = str(path[-1]) if path else kind.name
    refuse_rest(dynamics, _USED, path, owner, context)
    children: list[lems.Component] = []
    standalone: list[lems.Component] = []
    for name, child in dynamics.components.items():
        lowered = _child(context, child, name, kind, (*path, "components", name))
        if lowered is not None:
            children.append(lowered.component)
            standalone += lowered.standalone
    texts = attributes(context, kind, parameters, path, owner)
    filled = replace(
        frame, attributes=texts, children=tuple(children), location=context.locate(path)
    )
    return Lowered(filled, tuple(standalone))


def _child(context: Context, child: Dynamics, name: str, parent: ResolvedType, path: Path) -> Lowered | None:
    kind = core_type(context, child, path, name)
    if kind is None:
        return None
    slot = parent.child_slots.get(name)
    if slot is not None and not slot.many:
        if not kind.is_a(slot.type):
            context.report(path, f"'{name}' of {parent.name} is a {kind.name}", f"a {slot.type}")
            return None
        typed = None if kind.name == slot.type else kind.name
        return _lower(context, child, kind, child.parameters, lems.Component(name, type=typed), path)
    if any(slot.many and kind.is_a(slot.type) for slot in parent.child_slots.values()):
        frame = lems.Component(kind.name, context.name(name, path, "a component"))
        return _lower(context, child, kind, child.parameters, frame, path)
    return _inserted(context, child, name, kind, parent, path)


def _inserted(
    context: Context, child: Dynamics, name: str, kind: ResolvedType, parent: ResolvedType, path: Path
) -> Lowered | None:
    """A channel in a cell: the channel stands alone, and a channel population in the cell refers to it."""
    for slot in parent.child_slots.values():
        if slot.type not in _INSERTIONS or not slot.many:
            continue
        tag, reference, suffix = _INSERTIONS[slot.type]
        place = context.types.get(tag)
        wanted = place.references[reference].type
        if wanted is None or not kind.is_a(wanted):
            continue
        own = {key: value for key, value in child.parameters.items() if key in kind.attribute_names()}
        moved = {key: value for key, value in child.parameters.items() if key not in own}
        frame = lems.Component(kind.name, context.name(name, path, "a channel"))
        channel = _lower(context, child, kind, own, frame, path)
        texts = _insertion(context, place, reference, name, moved, path)
        inserted = lems.Component(tag, name + suffix, attributes=texts, location=context.locate(path))
        return Lowered(inserted, (*channel.standalone, channel.component))
    slots = [slot.type for slot in parent.child_slots.values() if slot.name not in ("notes", "annotation")]
    message = f"'{name}' ({kind.name}) has no place in {parent.name}"
    context.report(path, message, listing(slots) or "no components")
    return None


def _insertion(
    context: Context,
    place: ResolvedType,
    reference: str,
    channel: str,
    moved: Mapping[str, Parameter],
    path: Path,
) -> dict[str, str]:
    bare = replace(place, references={k: v for k, v in place.references.items() if k != reference})
    texts = attributes(context, bare, moved, path, str(path[-1]))
    return dict(sorted({**texts, reference: channel}.items()))
