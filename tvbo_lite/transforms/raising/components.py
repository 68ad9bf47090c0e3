"""Components of any type as the dialect's dynamics: type, parameters, and the components inside.

The inverse of `tvbo_lite.transforms.lower.components`: what a key and a type do not say (the name of the
element, a missing id) is said by ``element`` and ``anonymous``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.lems.renamed import can_be_id
from tvbo_lite.transforms.raising.texts import Labels, numbers, said
from tvbo_lite.transforms.resolve import NOTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tvbo_lite.lems import model as lems
    from tvbo_lite.transforms.raising.context import Context
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["parts", "standalone"]


def standalone(context: Context, item: lems.Component) -> dict[str, Any]:
    """A component at the top of the document."""
    kind = context.kind(item)
    name = item.type or item.tag
    head = said(iri=context.iri(name), element=item.tag if item.tag != name else None)
    return {**head, **said(anonymous=True if item.id is None else None), **_content(context, item, kind)}


def parts(
    context: Context, items: Iterable[lems.Component], parent: ResolvedType | None
) -> dict[str, dict[str, Any]]:
    """The components inside one of type ``parent``, by slot, id or, where they have neither, a label."""
    members = list(items)
    labels = Labels(item.id for item in members)
    found: dict[str, dict[str, Any]] = {}
    for item in members:
        name, data = _part(context, item, parent, labels, found)
        if name in found:
            message = f"two components inside one have the id '{name}'"
            raise UnsupportedError(Problem(message, item.location, "an id of its own for each"))
        found[name] = data
        labels.take(name)
    return found


def _part(
    context: Context,
    item: lems.Component,
    parent: ResolvedType | None,
    labels: Labels,
    taken: dict[str, dict[str, Any]],
) -> tuple[str, dict[str, Any]]:
    kind = context.kind(item, parent)
    slots = parent.child_slots if parent is not None else {}
    slot = slots.get(item.tag)
    content = _content(context, item, kind)
    by_slot = item.tag in NOTED or (slot is not None and not slot.many)
    if by_slot and item.id is None and item.tag not in taken:
        return item.tag, {**said(iri=context.iri(item.type) if item.type else None), **content}
    name = item.type or (kind.name if kind is not None else item.tag)
    head = said(iri=context.iri(name))
    usual = item.tag == name
    if item.id is None:
        if slot is not None and _fills(slot, item, kind) and item.tag not in taken:
            return item.tag, {**head, **content}
        label = labels.new(item.tag)
        if label == name and item.type is None and _fits(kind, parent):
            return label, content  # its name is its type, so it has no id
        return label, {**head, **said(element=None if usual else item.tag, anonymous=True), **content}
    plain = usual and item.id not in slots and item.id not in NOTED and _is_name(item.id)
    return item.id, {**head, **said(element=None if plain else item.tag), **content}


def _fills(slot: lems.ChildSlot, item: lems.Component, kind: ResolvedType | None) -> bool:
    """Whether an element without id has the name of the list in which it stands, and a type of its own."""
    return slot.many and kind is not None and kind.is_a(slot.type) and item.type not in (None, item.tag)


def _fits(kind: ResolvedType | None, parent: ResolvedType | None) -> bool:
    """Whether the parent has a place for components of the type."""
    slots = parent.child_slots.values() if parent is not None else ()
    return kind is not None and any(kind.is_a(slot.type) for slot in slots)


def _content(context: Context, item: lems.Component, kind: ResolvedType | None) -> dict[str, Any]:
    """Everything but the head of the element."""
    if item.extends is not None and kind is None:
        what = f"the element <{item.tag}> '{item.id}', of the type of '{item.extends}'"
        context.losses.add(what, "YAML names the type of each component", item.location)
    known = item.attributes if kind is None else kind.attribute_names()
    read = {name: text for name, text in item.attributes.items() if name in known}
    return said(
        description=item.text or context.about(item.location),
        prototype=item.extends,
        parameters=numbers(read),
        unread={name: text for name, text in item.attributes.items() if name not in known},
        components=parts(context, item.children, kind) if item.children else None,
    )


def _is_name(text: str) -> bool:
    return can_be_id(text) or (text.isascii() and text.isdecimal())
