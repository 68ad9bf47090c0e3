"""LEMS components in the form that the NeuroML schema asks for; their meaning stays what it is.

LEMS lets children stand in any order, names a component's type by its element or by the attribute
``type``, and reads ``1.ms`` as a number; the schema of NeuroML is stricter in all of these.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tvbo_lite.formats.neuroml.connections import as_projections
from tvbo_lite.formats.neuroml.grammar import DOCUMENT, Slot, attributes, content, enumerated
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses

__all__ = ["formed", "rank"]

_LAST = 10**6  # the rank of what the schema does not know
_NUMBER = re.compile(r"\s*([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?(\s*[A-Za-z]*\w*)\s*")


def formed(component: m.Component, kept: Collection[str], losses: Losses) -> m.Component:
    """A component of a document's top level in NeuroML's form, as far as it has one.

    An id where NeuroML has none is left out and noted in ``losses``, but for those in ``kept``.
    """
    return _formed((as_projections(component),), DOCUMENT, kept, losses)[0]


def rank(component: m.Component) -> int | None:
    """Where a formed component stands in a document; None where the schema knows no such element there."""
    slot = content(DOCUMENT).get(component.tag)
    return slot.rank if slot else None


def _formed(
    items: Iterable[m.Component], parent: str, kept: Collection[str], losses: Losses
) -> list[m.Component]:
    """The components inside an element of the schema's type ``parent``, named, filled and in order."""
    slots = content(parent)
    named = _one_of_a_choice([_named(item, slots) for item in items], slots)
    found = []
    for number, item in enumerate(named):
        kind = slots[item.tag].type if item.tag in slots else ""
        known = attributes(kind)
        own = _id(item, number, known, kept, losses)
        given = {name: _quantity(text, known.get(name, "")) for name, text in item.attributes.items()}
        inner = tuple(_formed(item.children, kind, kept, losses))
        found.append(replace(item, id=own, attributes=given, children=inner))
    return sorted(found, key=lambda item: slots[item.tag].rank if item.tag in slots else _LAST)


def _id(
    item: m.Component, number: int, known: Mapping[str, str], kept: Collection[str], losses: Losses
) -> str | None:
    """The component's id; its number where the schema wants one, none where it knows none."""
    if item.id is None:
        return str(number) if known.get("id") == "NonNegativeInteger" else None
    if not known or "id" in known or item.id in kept:
        return item.id
    if item.id != item.tag:  # a child that is alone in its place has that place's name anyway
        losses.add(f"id '{item.id}' of <{item.tag}>", "NeuroML gives this element no id", item.location)
    return None


def _named(item: m.Component, slots: dict[str, Slot]) -> m.Component:
    """Under the name that the schema has for it: ``<gate type="gateKS">`` or ``<gateKS>``, as it wants."""
    if item.tag in slots:
        return item
    kind = item.type or item.tag
    if kind in slots:
        return replace(item, tag=kind, type=None)
    tag = next((name for name, slot in slots.items() if kind in enumerated(slot.type)), None)
    return item if tag is None else replace(item, tag=tag, type=kind)


def _one_of_a_choice(items: list[m.Component], slots: dict[str, Slot]) -> list[m.Component]:
    """Where different elements exclude one another, all under a name that takes each of their types."""
    kinds: dict[int, dict[str, str]] = {}  # of each choice: the types of its elements, by tag
    for item in items:
        choice = slots[item.tag].choice if item.tag in slots else None
        if choice is not None:
            kinds.setdefault(choice, {})[item.tag] = item.type or item.tag
    common: dict[str, str] = {}
    for choice, found in kinds.items():
        takers = (name for name, slot in slots.items() if slot.choice == choice and _takes(slot, found))
        taker = next(takers, None)
        if taker and len(found) > 1:
            common |= dict.fromkeys(found, taker)
    return [_renamed(item, common.get(item.tag, item.tag)) for item in items]


def _takes(slot: Slot, kinds: dict[str, str]) -> bool:
    return enumerated(slot.type).issuperset(kinds.values())


def _renamed(item: m.Component, tag: str) -> m.Component:
    return item if tag == item.tag else replace(item, tag=tag, type=item.type or item.tag)


def _quantity(text: str, kind: str) -> str:
    """A quantity as the schema spells its number: no ``1.mV``, ``+1 mV`` or ``1e+3 mV``."""
    found = _NUMBER.fullmatch(text)
    if not kind.startswith("Nml2Quantity") or found is None:
        return text
    sign, whole, fraction, power, unit = found.groups()
    minus = "-" if sign == "-" else ""
    return minus + whole + (f".{fraction}" if fraction else "") + (f"e{int(power)}" if power else "") + unit
