"""Dynamics as LEMS components: of NeuroML core types, or of types of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes
from tvbo_lite.transforms.lower.context import CORE, Context, Path, listing
from tvbo_lite.transforms.lower.equations import Lowering, has_equations
from tvbo_lite.transforms.lower.inputs import coupling_parts
from tvbo_lite.transforms.lower.own_types import given_parameters, is_own, type_of
from tvbo_lite.transforms.lower.parts import inner_parts
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.slots import Host, Way, containers, host_for, inserted, slots_of, way_to
from tvbo_lite.transforms.lower.spikes import spike_times
from tvbo_lite.transforms.resolve import GENERIC_TAG, NOTED

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Lowered", "child_component", "is_input", "lower_component"]

_USED = ("iri", "parameters", "components", "events", "element", "anonymous", "unread", "prototype")
_INPUTS = ("basePointCurrent", "basePointCurrentDL")
_SYNAPSES = ("baseSynapse", "baseSynapseDL", "baseChannelPopulation")
# what the id of a component ends in that refers to another: by the type of the slot it stands in
_SUFFIXES = {"baseChannelPopulation": "_channels", "baseChannelDensity": "_all"}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A component, the standalone components (ion channels) that it refers to, in order, and the ids of
    current inputs among these that each instance receives. ``way``: where in the parent it belongs.
    """

    component: lems.Component
    standalone: tuple[lems.Component, ...] = ()
    inputs: tuple[str, ...] = ()
    way: Way | None = ()

    def all(self) -> tuple[lems.Component, ...]:
        """Everything that stands at the top of the document, what is referred to first."""
        return (*self.standalone, self.component)


def is_input(kind: ResolvedType) -> bool:
    """Whether the type gives a current by itself, and is no synapse."""
    return any(map(kind.is_a, _INPUTS)) and not any(map(kind.is_a, _SYNAPSES))


def lower_component(
    context: Lowering, dynamics: Dynamics, kind: ResolvedType, given: Given, *, name: str, path: Path
) -> Lowered:
    """A standalone component ``name`` with the parameters ``given``."""
    frame = _named_frame(context, dynamics, kind, name, path)
    return _filled(context, dynamics, kind, given, frame=frame, path=path, around=())


def child_component(
    context: Lowering, child: Dynamics, name: str, parent: ResolvedType, path: Path
) -> lems.Component | None:
    """A part ``name`` of something that is no dynamics itself, such as the network; None, and a problem."""
    found = _child(context, child, name, (parent,), path)
    return found.component if found is not None else None


def _named_frame(
    context: Context, dynamics: Dynamics, kind: ResolvedType, name: str, path: Path
) -> lems.Component:
    """``<izhikevichCell id="name"/>``; by another name of its element ``<cell id="name" type="..."/>``."""
    tag = dynamics.element or kind.name
    known = tag == GENERIC_TAG or tag in context.types or kind.is_a(tag)
    if not known and "components" not in path:
        context.among(tag, kind.lineage, (*path, "element"), f"{name}: a {kind.name} is no '{tag}'")
    typed = None if tag == kind.name else kind.name
    return lems.Component(tag, None if dynamics.anonymous else name, typed)


def _filled(
    context: Lowering,
    dynamics: Dynamics,
    kind: ResolvedType,
    given: Given,
    *,
    frame: lems.Component,
    path: Path,
    around: tuple[ResolvedType, ...],
) -> Lowered:
    """``frame`` with the attributes and children of ``dynamics``."""
    owner = frame.id or frame.tag
    if not (is_own(context, dynamics) and has_equations(dynamics)):
        refuse_rest(dynamics, _USED, path, owner, context)
        frame = replace(frame, children=spike_times(context, dynamics, kind, path, owner))
    inside = (kind, *around)
    lowered = [
        _child(context, child, name, inside, (*path, "components", name))
        for name, child in dynamics.components.items()
    ]
    there = [part for part in lowered if part is not None]
    own, parts = inner_parts(context, kind, given, path, owner)
    texts = attributes(context, kind, own, path, owner, complete=dynamics.prototype is None)
    texts |= _unread(context, dynamics, kind, path, owner)
    if dynamics.prototype is not None:
        message = f"{owner}: there is no '{dynamics.prototype}' to take values from"
        context.among(dynamics.prototype, context.names, (*path, "prototype"), message)
        frame = replace(frame, extends=dynamics.prototype)
    component = replace(frame, attributes=texts, location=context.locate(path))
    for part in there:
        if part.way is not None:
            component = inserted(component, part.way, part.component)
    for way, piece in parts:
        component = inserted(component, way, piece)
    for outlet in coupling_parts(context, path):
        component = inserted(component, (), outlet)
    flat = bool(parts) or any(part.way for part in there)  # else the component is written out in full
    for way in containers(context, kind) if flat else ():
        component = inserted(component, way)
    return Lowered(
        component,
        tuple(item for part in there for item in (part.standalone if part.way is not None else part.all())),
        tuple(name for part in there for name in part.inputs),
    )


def _unread(
    context: Context, dynamics: Dynamics, kind: ResolvedType, path: Path, owner: str
) -> dict[str, str]:
    """The attributes that no one reads."""
    for name in set(dynamics.unread).intersection(kind.attribute_names()):
        message = f"{owner}: {kind.name} does read '{name}'"
        context.report((*path, "unread", name), message, "it belongs to the 'parameters'")
    return dynamics.unread


def _child(
    context: Lowering, child: Dynamics, name: str, around: tuple[ResolvedType, ...], path: Path
) -> Lowered | None:
    """A component inside another, whose type is the first of ``around``."""
    parent = around[0]
    slot = parent.child_slots.get(name)
    if name in NOTED and name not in context.types and slot is None and not child.iri:
        return Lowered(_remark(context, child, name, path, anonymous=True))
    base = slot.type if slot else next((s.type for s in parent.child_slots.values() if s.many), None)
    default = _default(context, parent, name)
    kind = type_of(context, child, path, name, around=around, base=base, default=default)
    if kind is None:
        return None
    given = given_parameters(context, child, path)
    bare = not child.iri and kind.name == name and (slot is None or slot.many or name in NOTED)
    if child.element or child.anonymous or bare:
        frame = _placed_frame(context, child, kind, name, parent=parent, path=path)
        return _filled(context, child, kind, given, frame=frame, path=path, around=around)
    if slot is not None and not slot.many:
        if not kind.is_a(slot.type):
            context.report(path, f"'{name}' of {parent.name} is a {kind.name}", f"a {slot.type}")
            return None
        typed = None if kind.name == slot.type else kind.name
        frame = lems.Component(name, type=typed)
        return _filled(context, child, kind, given, frame=frame, path=path, around=around)
    way = way_to(context, parent, kind)
    if way != () and any(not s.many and kind.is_a(s.type) for s in parent.child_slots.values()):
        frame = lems.Component(kind.name, context.name(name, path, "a component"))
        return _filled(context, child, kind, given, frame=frame, path=path, around=around)
    if way is not None:
        frame, given = _member(context, child, kind, given, parent=parent, path=path)
        return replace(_filled(context, child, kind, given, frame=frame, path=path, around=around), way=way)
    if is_input(kind) and any(kind.is_a(item.type) for item in parent.attachments):
        frame = lems.Component(kind.name, context.name(name, path, "an input"))
        found = _filled(context, child, kind, given, frame=frame, path=path, around=())
        return replace(found, inputs=(*found.inputs, name), way=None)
    host = host_for(context, parent, kind, set(given))
    if host is not None:
        return _inserted(context, child, kind, given, host=host, path=path, around=around)
    slots = dict.fromkeys(s.type for _, s in slots_of(context, parent))
    message = f"'{name}' ({kind.name}) has no place in {parent.name}"
    context.report(path, message, listing(slots) or "no components")
    return None


def _remark(context: Context, item: Dynamics, name: str, path: Path, *, anonymous: bool) -> lems.Component:
    """An element beside the model, such as ``Meta``: of no type, all of it texts."""
    typed = (item.iri or "").removeprefix(CORE)
    texts = {key: str(parameter.value) for key, parameter in item.parameters.items()}
    inner = (
        _remark(context, part, key, (*path, "components", key), anonymous=part.anonymous)
        for key, part in item.components.items()
    )
    return lems.Component(
        item.element or typed or name,
        None if anonymous else name,
        typed if item.element else None,
        attributes={**texts, **item.unread},
        children=tuple(inner),
        text=item.description,
        location=context.locate(path),
    )


def _default(context: Context, parent: ResolvedType, name: str) -> str | None:
    """The type of a part where only its name says it: of what fills a slot for one, or its own."""
    slot = parent.child_slots.get(name)
    if slot is not None and not slot.many:
        return slot.type
    kind = context.types.get(name) if name in context.types else None
    fits = kind and any(kind.is_a(item.type) for item in parent.child_slots.values())
    return name if fits or (kind and name in NOTED) else None


def _placed_frame(
    context: Context, child: Dynamics, kind: ResolvedType, name: str, *, parent: ResolvedType, path: Path
) -> lems.Component:
    """A child as its element is written; notes may stand anywhere. Where only its name says what it is,
    it has no id.
    """
    tag = child.element or kind.name
    slot = parent.child_slots.get(tag)
    wanted = [slot.type] if slot else [item.type for item in parent.child_slots.values()]
    if tag not in NOTED and not any(kind.is_a(base) for base in wanted):
        message = f"'{name}' ({kind.name}) has no place in {parent.name}"
        context.report(path, message, listing(dict.fromkeys(wanted)) or "no components")
    own = slot.type if slot and not slot.many else tag
    typed = None if kind.name == own else kind.name
    anonymous = child.anonymous or (not child.element and not child.iri)
    text = child.description if tag in NOTED else None
    return lems.Component(tag, None if anonymous else name, typed, text=text)


def _member(
    context: Context, child: Dynamics, kind: ResolvedType, given: Given, *, parent: ResolvedType, path: Path
) -> tuple[lems.Component, Given]:
    """A member of a list: ``<gateHHrates id="m"/>``, or by the name of the list itself.

    Its id may be a parameter of its own, beside a name for people.
    """
    name = str(path[-1])
    slot = parent.child_slots.get(name)
    if slot is not None and kind.is_a(slot.type):
        return lems.Component(name, type=kind.name), given
    number = given.get("id")
    if number is None or "id" in kind.attribute_names():
        identifier = name if name.isdecimal() else context.name(name, path, "a component")
        return lems.Component(kind.name, identifier), given
    rest = {key: item for key, item in given.items() if key != "id"}
    if "name" in kind.texts and "name" not in rest:
        label = number[0].model_copy(update={"value": name})
        rest["name"] = (label, path)
    return lems.Component(kind.name, str(number[0].value)), rest


def _inserted(
    context: Lowering,
    child: Dynamics,
    kind: ResolvedType,
    given: Given,
    *,
    host: Host,
    path: Path,
    around: tuple[ResolvedType, ...],
) -> Lowered:
    """A channel in a cell: it stands alone, and a channel population or density in the cell refers to it.

    Parameters of the place of insertion (``number``, ``erev``, ``condDensity``) go there.
    """
    name = context.name(str(path[-1]), path, "a component")
    theirs, mine = set(host.kind.attribute_names()), set(kind.attribute_names())
    moved = {key: item for key, item in given.items() if key in theirs}
    own = {key: item for key, item in given.items() if key in mine or key not in theirs}
    frame = lems.Component(kind.name, name)
    found = _filled(context, child, kind, own, frame=frame, path=path, around=around)
    references = {key: item for key, item in host.kind.references.items() if key != host.reference}
    rest = replace(host.kind, references=references)
    texts = {**attributes(context, rest, moved, path, name), host.reference: name}
    suffix = next((text for ancestor, text in _SUFFIXES.items() if host.kind.is_a(ancestor)), "_in")
    place = lems.Component(
        host.kind.name,
        texts.get("ion", name) if host.kind.is_a("species") else name + suffix,
        attributes=dict(sorted(texts.items())),
        location=context.locate(path),
    )
    return Lowered(place, found.all(), found.inputs, host.way)
