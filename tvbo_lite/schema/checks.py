"""Rules between parts of a document, on its plain data.

They run whether or not single fields are wrong, so that one look shows all problems. Each rule takes the
document and yields what breaks it; data of an unexpected shape is left to the field checks.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from tvbo_lite.schema.integration import TIME_SCALES, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tvbo_lite.schema.paths import DocumentPath

__all__ = ["RULES", "Finding", "structural_findings"]

RELATIVE_TOLERANCE = 1e-9
"""How far duration / step_size may be from a whole number."""

_MAX_LISTED = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong at a path of the document as written."""

    path: DocumentPath
    message: str
    expected: str | None = None
    hint: str | None = None


def structural_findings(data: Any) -> Iterator[Finding]:
    """Everything in ``data`` that breaks one of the `RULES`."""
    for rule in RULES:
        yield from rule(data)


def unique_node_ids(data: Any) -> Iterator[Finding]:
    """No two nodes have the same id."""
    first: dict[int, int] = {}
    for index, node in _items(data, "network", "nodes"):
        identifier = node.get("id")
        if not _is_whole(identifier):
            continue
        if identifier in first:
            path = ("network", "nodes", index, "id")
            other = f"network.nodes[{first[identifier]}]"
            yield Finding(path, f"{other} has the id {identifier} too", "an id of its own for each node")
        first.setdefault(identifier, index)


def edges_join_nodes(data: Any) -> Iterator[Finding]:
    """Both ends of an edge are ids of nodes; without a list of nodes they count from 0."""
    known = _node_ids(data)
    for index, edge in _items(data, "network", "edges"):
        for end in ("source", "target"):
            identifier = edge.get(end)
            if _is_whole(identifier) and identifier not in known:
                yield Finding(
                    ("network", "edges", index, end),
                    f"there is no node with the id {identifier}",
                    _listed(known),
                )


def one_value_each(data: Any) -> Iterator[Finding]:
    """Weight and delay of an edge stand beside its parameters or among them, not both."""
    for index, edge in _items(data, "network", "edges"):
        for key in ("weight", "delay"):
            if edge.get(key) is not None and key in _names(edge.get("parameters")):
                message = f"'{key}' is also given in the parameters of this edge"
                yield Finding(("network", "edges", index, key), message, "one of the two")


def whole_number_of_steps(data: Any) -> Iterator[Finding]:
    """The duration is a whole multiple of the step size."""
    integration = _at(data, "integration")
    if not isinstance(integration, dict):
        return
    written = integration.get("step_size"), integration.get("duration")
    scale = integration.get("time_scale", "ms")
    step, duration = written if all(map(_is_positive, written)) else _seconds(written, scale)
    if not _is_positive(step) or not _is_positive(duration):
        return
    path = ("integration", "duration")
    ratio = duration / step
    if not math.isfinite(ratio):
        yield Finding(path, f"{written[1]} is out of all proportion to the step size {written[0]}")
        return
    steps = round(ratio)
    if abs(ratio - steps) > RELATIVE_TOLERANCE * ratio or steps == 0:
        near = f"the nearest is {max(steps, 1) * float(step):.12g}" if written == (step, duration) else None
        message = f"{written[1]} is {ratio:.9g} times the step size {written[0]}"
        yield Finding(path, message, "a whole number of steps", near)


def zipped_axes_are_equally_long(data: Any) -> Iterator[Finding]:
    """In mode 'zip' all parameters take the same number of values."""
    explorations = _at(data, "explorations")
    for key, exploration in _entries(explorations):
        if not isinstance(exploration, dict) or exploration.get("mode") != "zip":
            continue
        lengths = {name: _length(axis) for name, axis in _entries(exploration.get("space"))}
        known = {length for length in lengths.values() if length is not None}
        if len(known) > 1:
            sizes = ", ".join(f"{name}: {size}" for name, size in lengths.items() if size is not None)
            path = ("explorations", key, "space")
            yield Finding(
                path, f"the parameters take different numbers of values ({sizes})", "the same number"
            )


RULES: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    unique_node_ids,
    edges_join_nodes,
    one_value_each,
    whole_number_of_steps,
    zipped_axes_are_equally_long,
)


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _items(data: Any, *keys: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings in the list at ``keys``, with their indices."""
    found = _at(data, *keys)
    if isinstance(found, list):
        yield from ((index, item) for index, item in enumerate(found) if isinstance(item, dict))


def _entries(collection: Any) -> Iterator[tuple[str | int, Any]]:
    """Key or index, and value, of each item of a map, or of a list that stands for one."""
    if isinstance(collection, dict):
        yield from collection.items()
    elif isinstance(collection, list):
        yield from enumerate(collection)


def _names(collection: Any) -> list[Any]:
    if isinstance(collection, list):
        return [item.get("name") for item in collection if isinstance(item, dict)]
    return list(collection) if isinstance(collection, dict) else []


def _node_ids(data: Any) -> set[int] | range:
    if _at(data, "network", "nodes"):
        ids = (node.get("id") for _, node in _items(data, "network", "nodes"))
        return {identifier for identifier in ids if _is_whole(identifier)}
    count = _at(data, "network", "number_of_nodes")
    return range(count if _is_whole(count) else 1)


def _length(axis: Any) -> int | None:
    values = _at(axis, "explored_values")
    if isinstance(values, list):
        return len(values)
    count = _at(axis, "domain", "n")
    return count if _is_whole(count) else None


def _listed(ids: set[int] | range) -> str:
    if isinstance(ids, range):
        return f"0 to {ids.stop - 1}, for 'number_of_nodes' is {ids.stop}" if ids else "no edge without nodes"
    shown = [str(identifier) for identifier in sorted(ids)[:_MAX_LISTED]]
    return "one of " + ", ".join(shown) + (", ..." if len(ids) > _MAX_LISTED else "")


def _seconds(written: tuple[Any, Any], scale: Any) -> tuple[float | None, float | None]:
    known = scale if scale in TIME_SCALES else "ms"
    return seconds(written[0], known), seconds(written[1], known)


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_positive(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max
