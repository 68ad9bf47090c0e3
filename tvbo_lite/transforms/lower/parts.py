"""Parameters of a component that LEMS keeps in components inside it.

A cell's ``spikeThresh`` is the ``value`` of an element of that name in its membrane properties, its
``diameter`` that of a segment; a segment's ``distal_x`` is the ``x`` of its ``distal`` point.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.lems import model as lems
from tvbo_lite.schema import Parameter
from tvbo_lite.transforms.lower.attributes import Given, attributes
from tvbo_lite.transforms.lower.slots import Way, slots_of
from tvbo_lite.units import convert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Parts", "inner_parts"]

Parts = list[tuple[Way, lems.Component]]

_VALUE = "value"
_LENGTH = re.compile(r"(?P<number>(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)\s*(?P<unit>[A-Za-z]\w*)")
_SHAPE = ("diameter", "length")
_TAGS = ("numberInternalDivisions",)  # what NeuroML's tools keep as a tagged property


Found = tuple[set[str], tuple[Way, lems.Component]]
"""The names of the parameters that were used, and what they became."""


def inner_parts(
    context: Context, kind: ResolvedType, given: Given, path: Path, owner: str
) -> tuple[Given, Parts]:
    """The parameters that the type itself has, and the components for all others that have a place."""
    known = set(kind.attribute_names())
    strange = {name: item for name, item in given.items() if name not in known}
    found = [
        *_shape(context, kind, strange, owner),
        *_points(context, kind, strange, path, owner=owner),
        *_values(context, kind, strange, owner),
        *_listed(context, kind, strange),
    ]
    taken = {name for names, _ in found for name in names}
    return {name: item for name, item in given.items() if name not in taken}, [part for _, part in found]


def _values(context: Context, kind: ResolvedType, given: Given, owner: str) -> Iterator[Found]:
    """``spikeThresh: {value: 0, unit: mV}`` as ``<spikeThresh value="0 mV"/>`` where such a one belongs."""
    slots = {slot.type: way for way, slot in slots_of(context, kind) if slot.type in given}
    for name, way in slots.items():
        inner = context.types.get(name)
        if _VALUE in inner.parameters:
            _, place = given[name]
            texts = attributes(context, inner, {_VALUE: given[name]}, place, f"{owner}: {name}")
            yield {name}, (way, lems.Component(name, attributes=texts, location=context.locate(place)))


def _points(context: Context, kind: ResolvedType, given: Given, path: Path, *, owner: str) -> Iterator[Found]:
    """``distal_x``, ``distal_y``, ... as ``<distal x=... y=.../>``."""
    for slot in kind.child_slots.values():
        inner = {
            name.removeprefix(f"{slot.name}_"): name for name in given if name.startswith(f"{slot.name}_")
        }
        if inner and not slot.many:
            values = {short: given[name] for short, name in inner.items()}
            what = f"{owner}: {slot.name}"
            texts = attributes(context, context.types.get(slot.type), values, path, what)
            part = lems.Component(slot.name, attributes=texts, location=context.locate(path))
            yield set(inner.values()), ((), part)


def _listed(context: Context, kind: ResolvedType, given: Given) -> Iterator[Found]:
    """``members: {shape: "2,3"}`` as ``<member segment="2"/><member segment="3"/>``; properties by tag."""
    for name, (parameter, place) in given.items():
        where = context.locate(place)
        text = str(parameter.value) if parameter.text is None else parameter.text
        if name in _TAGS and "property" in kind.child_slots:
            part = lems.Component("property", attributes={"tag": name, "value": text}, location=where)
            yield {name}, ((), part)
        slot = kind.child_slots.get(name)
        if slot is None or slot.type not in context.types:
            continue
        texts = [text for text in context.types.get(slot.type).texts if text in context.types]
        for one in text.split(",") if slot.many else [text]:
            tag = slot.type if slot.many else slot.name
            yield {name}, ((), lems.Component(tag, attributes={texts[0]: one.strip()}, location=where))


def _shape(context: Context, kind: ResolvedType, given: Given, owner: str) -> Iterator[Found]:
    """A cell of one segment: a cylinder, or a sphere where only the diameter is given."""
    names = [name for name in _SHAPE if name in given]
    ways = (way for way, slot in slots_of(context, kind) if slot.type == "segment")
    way = next(ways, None)
    if not names or way is None:
        return
    sizes = {name: _micrometres(context, *given[name], f"{owner}: {name}") for name in names}
    if "diameter" not in sizes:
        context.report(given["length"][1], f"{owner}: a length without a diameter", "diameter: {value: ...}")
    diameter, length = sizes.get("diameter", "1.0"), sizes.get("length", "0.0")
    start = {"x": "0.0", "y": "0.0", "z": "0.0", "diameter": diameter}
    ends = (
        lems.Component("proximal", attributes=start),
        lems.Component("distal", attributes={**start, "y": length}),
    )
    segment = lems.Component("segment", "0", attributes={"name": "soma"}, children=ends)
    yield set(names), (way, segment)


def _micrometres(context: Context, parameter: Parameter, place: Path, what: str) -> str:
    """A length in µm, in which a number without unit is taken to be."""
    value, unit = parameter.value, parameter.unit
    if isinstance(value, str) and unit is None and (match := _LENGTH.fullmatch(value.strip())):
        value, unit = float(match["number"]), match["unit"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        context.report(place, f"{what} is {value!r}", "a length above 0, in µm")
        return "1.0"
    try:
        size = convert(float(value), unit, "um") if unit else float(value)
        return repr(float(f"{size:.15g}"))  # 0.02 mm is 20 µm, not 20.000000000000004
    except UnitError as error:
        context.report(place, f"{what}: {error}", kind=UnitError)
        return "1.0"
