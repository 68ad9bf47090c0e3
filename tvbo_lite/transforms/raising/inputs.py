"""Inputs onto cells as the dialect lists them; the inverse of `lower.group_inputs`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tvbo_lite.transforms.raising.populations import Group, group_of, index_of, receiving_list
from tvbo_lite.transforms.raising.texts import numbers, said

if TYPE_CHECKING:
    from tvbo_lite.lems import model as lems
    from tvbo_lite.transforms.raising.context import Context

__all__ = ["input_list", "single_input"]

_MEMBERS = {False: "input", True: "inputW"}
_PLACES = {"weight": "weight", "segmentId": "segment", "fractionAlong": "fraction"}


def single_input(
    context: Context, item: lems.Component, groups: dict[str, Group]
) -> tuple[str, dict[str, Any]] | None:
    """An ``explicitInput`` with a label for it; None where only the generic form can say it."""
    texts = dict(item.attributes)
    source, target = texts.pop("input", ""), texts.pop("target", "")
    group, kind = group_of(groups, target), context.kinds.get(source)
    if item.tag != "explicitInput" or item.id or item.type or item.children or group is None or kind is None:
        return None
    destination = texts.pop("destination", None)
    if not context.knows(item, texts):
        return None
    data = said(description=context.about(item.location), source=source, target=target)
    if destination != receiving_list(group.kind, kind):
        data["destination"] = destination or ""
    return source, {**data, **said(parameters=numbers(texts))}


def input_list(context: Context, item: lems.Component, groups: dict[str, Group]) -> dict[str, Any] | None:
    """An ``inputList``; None where only the generic form can say it."""
    texts = dict(item.attributes)
    source, group = texts.pop("component", ""), groups.get(texts.pop("population", ""))
    usual = item.tag == "inputList" and item.id is not None and not item.type
    if not usual or group is None or source not in context.kinds or not context.knows(item, texts):
        return None
    said_lists = Counter(child.attributes.get("destination") for child in item.children)
    common = said_lists.most_common(1)[0][0] if said_lists else None
    rows: list[Any] = []
    for place, child in enumerate(item.children):
        row = _member(place, child, group, groups, common)
        if row is None:
            return None
        rows.append(row["cell"] if len(row) == 1 else row)
    data = said(description=context.about(item.location), source=source, population=group.id)
    if said_lists and common != receiving_list(group.kind, context.kinds[source]):
        data["destination"] = common or ""
    if rows != group.indices():
        data["to"] = rows
    return {**data, **said(parameters=numbers(texts))}


def _member(
    place: int, item: lems.Component, group: Group, groups: dict[str, Group], usual: str | None
) -> dict[str, Any] | None:
    """A row of the list; None where it cannot be written as such."""
    texts = dict(item.attributes)
    cell = index_of(groups, group, texts.pop("target", ""))
    destination = texts.pop("destination", None)
    row: dict[str, Any] = {"cell": cell}
    for name, key in _PLACES.items():
        if name in texts:
            row[key] = texts.pop(name)
    if destination != usual:
        row["destination"] = destination or ""
    if item.id != str(place):
        row["id"] = item.id or ""
    fits = item.tag == _MEMBERS["weight" in row] and item.id is not None and not (item.type or item.children)
    return row if fits and cell is not None and not texts else None
