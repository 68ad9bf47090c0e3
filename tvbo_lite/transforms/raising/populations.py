"""Populations as the dialect lists them, and how connections and inputs name their instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tvbo_lite.lems.renamed import can_be_id
from tvbo_lite.numerals import whole
from tvbo_lite.transforms.lower.groups import CELL_PATH, is_path
from tvbo_lite.transforms.raising.components import parts
from tvbo_lite.transforms.raising.texts import numbers, said

if TYPE_CHECKING:
    from tvbo_lite.lems import model as lems
    from tvbo_lite.transforms.raising.context import Context
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Group", "group_of", "index_of", "population", "receiving_list"]

_PLAIN, _LISTED = "population", "populationList"
_AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Group:
    """A population that YAML lists: the component and type of its cells, its size, the ids of instances."""

    id: str
    component: str
    kind: ResolvedType
    size: int
    instances: frozenset[str] | None
    ids: tuple[str, ...] = field(default=(), repr=False)

    def path(self, index: str) -> str:
        """``../pyr[0]``, or ``../pyr/0/cell`` where the instances are listed."""
        return (
            f"../{self.id}[{index}]" if self.instances is None else f"../{self.id}/{index}/{self.component}"
        )

    def has(self, index: str) -> bool:
        """Whether there is such an instance."""
        if self.instances is None:
            number = whole(index)
            return number is not None and number < self.size
        return index in self.instances

    def indices(self) -> list[str]:
        """The indices of all instances."""
        return [str(index) for index in range(self.size)] if self.instances is None else list(self.ids)


def population(context: Context, item: lems.Component) -> tuple[Group, dict[str, Any]] | None:
    """A population element; None where it has something that only the generic form can say."""
    texts = dict(item.attributes)
    component, size = texts.pop("component", ""), texts.pop("size", None)
    instances = [child for child in item.children if child.tag == "instance"]
    others = item.children[: len(item.children) - len(instances)]
    kind, cell = context.kind(item), context.kinds.get(component)
    plain = item.tag == _PLAIN and item.type != _PLAIN and _is_name(item.id) and kind is not None
    if not plain or cell is None or instances != list(item.children[len(others) :]):
        return None
    places = _places(instances) if context.knows(item, texts) else None
    count = None if size is None else whole(size)
    if places is None or (size is not None and str(count) != size):
        return None
    usual = _LISTED if instances else _PLAIN
    name = item.type or _PLAIN
    ids = tuple(child.id or "" for child in instances)
    known = frozenset(ids) if instances else None
    group = Group(item.id or "", component, cell, len(ids) if instances else count or 0, known, ids)
    data = said(
        description=context.about(item.location),
        dynamics=component,
        size=count,
        iri=None if name == usual else context.iri(name),
        parameters=numbers(texts),
        components=parts(context, others, kind),
        positions=places,
    )
    return group, data


def _places(instances: list[lems.Component]) -> dict[str, Any] | None:
    """The place of each instance; None where one is more than a place."""
    found: dict[str, Any] = {}
    for item in instances:
        if item.id is None or item.id in found or item.attributes or item.type or len(item.children) > 1:
            return None
        place = item.children[0] if item.children else None
        found[item.id] = None
        if place is not None:
            if place.tag != "location" or place.id or place.type or place.children:
                return None
            if set(place.attributes) != set(_AXES):
                return None
            found[item.id] = [place.attributes[axis] for axis in _AXES]
    return found


def group_of(groups: dict[str, Group], path: str) -> Group | None:
    """The population, with such an instance, that a path begins with."""
    match = CELL_PATH.fullmatch(path)
    group = groups.get(match[1]) if match and is_path(path) else None
    index = (match[2] or match[3]) if match else None
    return group if group is not None and index is not None and group.has(index) else None


def index_of(groups: dict[str, Group], group: Group, path: str) -> str | None:
    """An instance of ``group``: its index; the path where it is written in another way; None if neither."""
    match = CELL_PATH.fullmatch(path)
    index = (match[2] or match[3] or "") if match else ""
    if group.path(index) == path and group.has(index):
        return index
    return path if group_of(groups, path) is not None else None


def receiving_list(cell: ResolvedType, source: ResolvedType | None) -> str | None:
    """The list of a cell in which components of the type are attached."""
    if source is None:
        return None
    return next((item.name for item in cell.attachments if source.is_a(item.type)), None)


def _is_name(text: str | None) -> bool:
    return text is not None and can_be_id(text)
