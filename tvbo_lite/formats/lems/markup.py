"""How each class of the LEMS model is spelt as an XML element: the tables of the writer.

Source: the LEMS 0.7.6 schema; attribute names as in the NeuroML core type files.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

from tvbo_lite.errors import Location, RenderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tvbo_lite.lems import model as lems

__all__ = ["Element", "action_elements", "attributes_of", "component", "declared", "make", "section"]


@dataclass(frozen=True, slots=True)
class Element:
    """An XML element ready to be written: every name and every text in it has been checked."""

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Element, ...] = ()
    lines: tuple[str, ...] = ()


# For each tag: its attributes in writing order, with the field of the model's class where the
# field has another name.
_NAMED = ("name", "dimension", "description")
_REFERENCE = ("name", "type", "local")
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Dimension": ("name", "m", "l", "t", "i", "k", "n", "j"),
    "Unit": ("symbol", "dimension", "power", "scale", "offset"),
    "Assertion": ("dimension", "matches"),
    "Include": ("file",),
    "Parameter": _NAMED,
    "IndexParameter": _NAMED,
    "DerivedParameter": ("name", "dimension", "select", "value"),
    "Fixed": ("parameter", "value"),
    "Property": ("name", "dimension", "defaultValue=default"),
    "Constant": ("name", "symbol", "dimension", "value"),
    "Link": _REFERENCE,
    "ComponentReference": _REFERENCE,
    "ComponentRequirement": _REFERENCE,
    "InstanceRequirement": _REFERENCE,
    "Child": ("name", "type"),
    "Children": ("name", "type"),
    "Attachments": ("name", "type"),
    "Requirement": ("name", "dimension"),
    "Exposure": _NAMED,
    "EventPort": ("name", "direction"),
    "StateVariable": ("name", "dimension", "exposure"),
    "TimeDerivative": ("variable", "value"),
    "DerivedVariable": ("name", "dimension", "exposure", "value", "select", "reduce", "required"),
    "ConditionalDerivedVariable": ("name", "dimension", "exposure"),
    "Case": ("condition", "value"),
    "StateAssignment": ("variable", "value"),
    "OnStart": (),
    "OnEntry": (),
    "OnCondition": ("test",),
    "OnEvent": ("port",),
    "Regime": ("name", "initial"),
    "KineticScheme": (
        "name",
        "nodes",
        "stateVariable=state_variable",
        "edges",
        "edgeSource=edge_source",
        "edgeTarget=edge_target",
        "forwardRate=forward_rate",
        "reverseRate=reverse_rate",
        "dependency",
        "step",
    ),
    "Dynamics": ("simultaneous",),
    "ComponentType": ("name", "extends", "description"),
}

# Attributes that are written even where they have their default value.
_ALWAYS = frozenset({"dimension", "power"})
_NEVER_BY_DEFAULT = frozenset({"IndexParameter"})

MAX_DEPTH = 100  # elements nested in one another; deeper than any model, less than Python's stack

_NAME = re.compile(r"[^\W\d][\w.-]*")
_CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def declared(tag: str, item: object, children: Iterable[Element] = ()) -> Element:
    """The element ``tag`` for one object of the model, by the table of attributes."""
    defaults = {field.name: field.default for field in fields(item)}  # type: ignore[arg-type]
    pairs = []
    for entry in _ATTRIBUTES[tag]:
        attribute, _, name = entry.partition("=")
        value = getattr(item, name or attribute)
        default = defaults[name or attribute]
        always = attribute in _ALWAYS and tag not in _NEVER_BY_DEFAULT
        if value is not None and (always or default is MISSING or value != default):
            pairs.append((attribute, _text(value)))
    return make(tag, pairs, children, where=item.location)  # type: ignore[attr-defined]


def make(
    tag: str,
    attributes: Iterable[tuple[str, str]] = (),
    children: Iterable[Element] = (),
    *,
    text: str | None = None,
    where: Location,
) -> Element:
    """An element whose names and texts XML can hold.

    Raises:
        RenderError: a tag or an attribute is no XML name, is given twice, or a text has a control character.
    """
    pairs = tuple(attributes)
    _check_name(tag, "element", where)
    seen: set[str] = set()
    for name, value in pairs:
        _check_name(name, f"attribute of <{tag}>", where)
        _check_text(value, f"attribute '{name}' of <{tag}>", where)
        if name in seen:
            raise RenderError(_at(where, f"attribute '{name}' of <{tag}> is given twice"))
        seen.add(name)
    _check_text(text or "", f"the text of <{tag}>", where)
    lines = tuple(line.strip() for line in (text or "").strip().splitlines())
    return Element(tag, pairs, tuple(children), lines)


def component(item: lems.Component, depth: int = 0) -> Element:
    """A component with everything nested in it; id, type and extends first, then its attributes."""
    head = (("id", item.id), ("type", item.type), ("extends", item.extends))
    pairs = [(name, value) for name, value in head if value is not None]
    pairs += item.attributes.items()
    _check_depth(depth, item.tag, item.location)
    children = [component(child, depth + 1) for child in item.children]
    return make(item.tag, pairs, children, text=item.text, where=item.location)


def builder(item: lems.Builder, depth: int = 0) -> Element:
    """One element of a ``Structure`` or ``Simulation`` section."""
    _check_depth(depth, item.kind, item.location)
    children = [builder(child, depth + 1) for child in item.children]
    return make(item.kind, item.attributes.items(), children, where=item.location)


def section(tag: str, items: Iterable[lems.Builder], where: Location) -> Element:
    """A ``Structure`` or ``Simulation`` section of a component type."""
    return make(tag, (), [builder(item) for item in items], where=where)


def action_elements(action: lems.Action) -> list[Element]:
    """What happens in an ``OnStart``, ``OnCondition``, ``OnEvent`` or ``OnEntry``, in that order."""
    where = action.location
    found = [declared("StateAssignment", item) for item in action.assignments]
    found += [make("EventOut", [("port", port)], where=where) for port in action.events]
    if action.transition is not None:
        found.append(make("Transition", [("regime", action.transition)], where=where))
    return found


def attributes_of(pairs: Mapping[str, str | None], tag: str, where: Location) -> Element:
    """An element with those attributes that have a value."""
    return make(tag, [(name, value) for name, value in pairs.items() if value is not None], where=where)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _check_name(name: str, what: str, where: Location) -> None:
    if not _NAME.fullmatch(name):
        raise RenderError(_at(where, f"'{name}' cannot be the name of an {what} in XML"))


def _check_text(text: str, what: str, where: Location) -> None:
    found = _CONTROL.search(text)
    if found:
        sign = f"U+{ord(found.group()):04X}"
        raise RenderError(_at(where, f"{what} holds the control character {sign}, which XML cannot hold"))


def _check_depth(depth: int, tag: str, where: Location) -> None:
    if depth > MAX_DEPTH:
        raise RenderError(_at(where, f"<{tag}> is nested more than {MAX_DEPTH} elements deep"))


def _at(where: Location, message: str) -> str:
    place = str(where)
    return f"{place}: {message}" if place else message
