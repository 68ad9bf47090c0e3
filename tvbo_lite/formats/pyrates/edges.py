"""The edges of a circuit template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from tvbo_lite.formats.pyrates.model import EdgeUse, Group
from tvbo_lite.formats.pyrates.values import number
from tvbo_lite.schema.base import describe

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tvbo_lite.errors import Location
    from tvbo_lite.formats.pyrates.model import Template
    from tvbo_lite.schema.paths import DocumentPath

__all__ = ["EDGE_NUMBERS", "SOURCE", "read_edge"]

EDGE_NUMBERS = ("weight", "delay", "spread")
_KEYS = ("source", "target", "template", "variables")
_FORM = "[source, target, template or null, {weight: ..., delay: ...}]"
SOURCE = "source"


class Builder(Protocol):
    """What builds the template that the edges stand in."""

    def at(self, *path: str | int) -> Location: ...

    def report(self, message: str, expected: str, hint: str | None, *path: str | int) -> None: ...

    def refer(self, name: str, kind: type[Group], *path: str | int) -> Template | None: ...

    def collect(self) -> AbstractContextManager[None]: ...


def read_edge(builder: Builder, given: Any, place: DocumentPath) -> EdgeUse | None:
    """``[source, target, template, {weight: ...}]``, or a mapping with these four; None, and a problem."""
    parts = _parts(given)
    if parts is None:
        builder.report(f"found {describe(given)}", _FORM, None, *place)
        return None
    source, target, template, values = parts
    if not isinstance(source, str) or not isinstance(target, str):
        builder.report("source and target are variables", "node/operator/variable", None, *place)
        return None
    group = None
    if isinstance(template, str):
        group = builder.refer(template, Group, *place)
    elif template is not None:
        builder.report(f"found {describe(template)}", "the name of an edge template, or null", None, *place)
    edge = EdgeUse(source, target, group if isinstance(group, Group) else None, location=builder.at(*place))
    if not isinstance(values, dict | None):
        builder.report(f"found {describe(values)}", "{weight: ..., delay: ...}", None, *place)
        return edge
    return _with_values(builder, edge, values or {}, place)


def _parts(given: Any) -> list[Any] | None:
    if isinstance(given, dict) and {"source", "target"} <= given.keys() <= set(_KEYS):
        return [given.get(key) for key in _KEYS]
    if isinstance(given, list) and len(given) in (3, 4):
        return [*given, None][:4]
    return None


def _with_values(builder: Builder, edge: EdgeUse, given: Mapping[str, Any], place: DocumentPath) -> EdgeUse:
    """Numbers by the names of an edge or ``operator/variable``; paths by ``edge/operator/variable``."""
    numbers: dict[str, Any] = {}
    values, sources = {}, {}
    for key, item in given.items():
        plain = key.removeprefix(f"{edge.template.name}/") if edge.template else key
        if key in EDGE_NUMBERS and item is None:
            continue
        if key not in EDGE_NUMBERS and isinstance(item, str) and (item == SOURCE or "/" in item):
            sources[plain] = item
            continue
        with builder.collect():
            value = number(item, builder.at(*place))
            if key not in EDGE_NUMBERS:
                values[plain] = value
            elif isinstance(value, float) and (value >= 0 or key == "weight"):
                numbers[key] = value
            else:
                builder.report(
                    f"'{key}' is {describe(item)}", "a real number, 0 or more for times", None, *place
                )
    return replace(edge, values=values, sources=sources, **numbers)
