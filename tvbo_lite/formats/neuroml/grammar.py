"""What the NeuroML schema says of form: which elements an element may hold, in which order, of which types.

Only the parts that the schema of NeuroML 2 uses are understood: types that extend others, sequences,
choices, groups and enumerations. Whether a document is valid is another matter: `xsd`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tvbo_lite.formats._xml import line_of, local_name, parse_bytes
from tvbo_lite.formats.neuroml.xsd import schema_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

__all__ = ["DOCUMENT", "Slot", "attributes", "content", "enumerated"]

DOCUMENT = "NeuroMLDocument"  # the schema's name of the type of <neuroml>


class Slot(NamedTuple):
    """An element inside another: its place in the order, the schema's type of it, its choice if any."""

    rank: int
    type: str
    choice: int | None


@lru_cache
def content(kind: str) -> dict[str, Slot]:
    """The elements that a type of the schema holds, by name; none for an unknown or a plain type.

    Elements of one choice have one rank: they stand in any order.
    """
    found: dict[str, Slot] = {}
    first: dict[int, int] = {}  # of each choice: the place of its first element
    for number, (element, choice) in enumerate(_elements(kind)):
        rank = number if choice is None else first.setdefault(choice, number)
        found.setdefault(element.get("name", ""), Slot(rank, element.get("type", ""), choice))
    return found


@lru_cache
def attributes(kind: str) -> dict[str, str]:
    """The schema's types of the attributes of a type, by name."""
    definition = _definitions().get(("complexType", kind))
    found: dict[str, str] = {}
    for item in definition.iter() if definition is not None else ():
        match local_name(str(item.tag)):
            case "extension":
                found = attributes(item.get("base", "")) | found
            case "attribute":
                found[item.get("name", "")] = item.get("type", "")
    return found


@lru_cache
def enumerated(kind: str) -> frozenset[str]:
    """The words that the attribute ``type`` of an element may be, where the schema lists them."""
    definition = _definitions().get(("simpleType", attributes(kind).get("type", "")))
    found = definition.iter() if definition is not None else ()
    return frozenset(item.get("value", "") for item in found if local_name(str(item.tag)) == "enumeration")


@lru_cache(maxsize=1)
def _definitions() -> dict[tuple[str, str], _Element]:
    root = parse_bytes(schema_file().read_bytes(), str(schema_file()))
    return {(local_name(str(item.tag)), item.get("name", "")): item for item in root}


def _elements(kind: str) -> Iterator[tuple[_Element, int | None]]:
    """Every element of a type, those of the type that it extends first; with the line of its choice."""
    definition = _definitions().get(("complexType", kind))
    if definition is not None:
        yield from _walk(definition, None)


def _walk(item: _Element, choice: int | None) -> Iterator[tuple[_Element, int | None]]:
    for child in item:
        match local_name(str(child.tag)):
            case "element":
                yield child, choice
            case "extension":
                yield from _elements(child.get("base", ""))
                yield from _walk(child, choice)
            case "group":
                yield from _walk(_definitions()["group", child.get("ref", "")], choice)
            case "choice":
                yield from _walk(child, line_of(child) if choice is None else choice)
            case "complexContent" | "sequence" | "all":
                yield from _walk(child, choice)
