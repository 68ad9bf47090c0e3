"""Populations that a document lists itself, and how texts name their instances."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tvbo_lite.numerals import whole
from tvbo_lite.schema import Parameter
from tvbo_lite.transforms.lower.context import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.lower.attributes import Given
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["CELL_PATH", "Group", "Groups", "is_path", "receiving_list", "written"]

CELL_PATH = re.compile(r"(?:\.\./)*(?P<group>\w+)(?:\[(?P<index>\w+)\]|/(?P<instance>\w+)(?:/.*)?)?")


def is_path(text: str) -> bool:
    """Whether a text is a path to an instance, such as ``pyr[0]`` or ``../pyr/0/cell``."""
    return "[" in text or "/" in text


def written(
    path: Path, texts: Mapping[str, str | None], keys: Mapping[str, str] = MappingProxyType({})
) -> Given:
    """The texts of the thing at ``path`` as parameters; what is None is left out.

    ``keys`` says under which key an attribute stands in the document, where not under its own name.
    """
    return {
        name: (Parameter(value=text), (*path, keys.get(name, name)))
        for name, text in texts.items()
        if text is not None
    }


@dataclass(frozen=True, slots=True)
class Group:
    """A population: ``kind`` is the type of its cells. ``instances`` are their ids where each is listed,
    ``places`` where they are, shape ``(size, 3)``, in µm.
    """

    id: str
    component: str
    kind: ResolvedType
    size: int
    instances: tuple[str, ...] | None = None
    places: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    _known: frozenset[str] = field(default=frozenset(), repr=False)

    def path(self, index: str) -> str:
        """``pyr[0]``, or ``pyr/0/cell`` where the instances are listed."""
        return f"{self.id}[{index}]" if self.instances is None else f"{self.id}/{index}/{self.component}"

    def indices(self) -> tuple[str, ...]:
        """The indices of all instances, as texts."""
        return tuple(map(str, range(self.size))) if self.instances is None else self.instances

    def has(self, index: str) -> bool:
        """Whether there is such an instance."""
        if self.instances is None:
            number = whole(index)
            return number is not None and number < self.size
        return index in self._known

    @property
    def is_counted(self) -> bool:
        """Whether the ids of the instances count from 0, as rules and tables do."""
        return self.instances is None or self.instances == tuple(map(str, range(self.size)))


@dataclass(slots=True)
class Groups:
    """The populations of a network by id."""

    context: Context
    found: dict[str, Group] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # populations of which only problems are known

    def add(self, group: Group) -> None:
        self.found[group.id] = replace(group, _known=frozenset(group.instances or ()))

    def get(self, name: str, path: Path, what: str) -> Group | None:
        """The population of that name; None, and a problem, where there is none."""
        if name in self.broken:
            return None
        message = f"{what}: there is no population '{name}'"
        return self.found[name] if self.context.among(name, self.found, path, message) else None

    def instance(self, group: Group | None, text: str, path: Path, what: str) -> str:
        """The path from the network of the instance that an index, or a path from the network, names."""
        if not is_path(text):
            if group is not None:
                self._check(group, text, path, what)
            return group.path(text) if group is not None else text
        self.of_path(text, path, what)
        return text

    def of_path(self, text: str, path: Path, what: str) -> Group | None:
        """The population that a path to an instance begins with; a problem where there is no such one."""
        match = CELL_PATH.fullmatch(text.strip())
        if match is None:
            self.context.report(path, f"{what}: '{text}' is no path to a cell", "such as 'pyr[0]'")
            return None
        group = self.get(match["group"], path, what)
        index = match["index"] or match["instance"]
        if group is not None and index is not None:
            self._check(group, index, path, what)
        return group

    def _check(self, group: Group, index: str, path: Path, what: str) -> None:
        if not group.has(index):
            message = f"{what}: the population '{group.id}' has no instance '{index}'"
            last = f"0 to {group.size - 1}" if group.size else "none, it is empty"
            self.context.report(path, message, last if group.instances is None else listing(group.instances))


def receiving_list(
    context: Context, group: Group, source: ResolvedType, path: Path, *, what: str, said: str | None = None
) -> str | None:
    """The list of a cell in which components of the type are attached; None, and a problem.

    One that is ``said`` takes components of other types too, as in jLEMS; '' says none.
    """
    lists = group.kind.attachments
    if said:
        message = f"{what}: the cells of '{group.id}' ({group.kind.name}) have no list '{said}'"
        context.among(said, [item.name for item in lists], path, message)
        return said
    found = next((item.name for item in lists if source.is_a(item.type)), None)
    if found is None:
        message = f"{what}: the cells of '{group.id}' ({group.kind.name}) take no {source.name}"
        context.report(path, message, listing(item.type for item in lists) or "cells that take inputs")
    return found


def of_type(kinds: Mapping[str, ResolvedType], *wanted: str) -> list[str]:
    """The names of the components of one of the types."""
    return [name for name, kind in kinds.items() if any(map(kind.is_a, wanted))]
