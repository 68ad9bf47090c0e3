"""Instances in blocks: those of one shape below one parent block, with one array for each variable.

A run advances copies of components, each with all that is below it before the next. Copies whose trees
look alike (their *shape*) are neighbours in a block, so that they can share code and a network of many
cells costs no more objects than one cell. `tvbo_lite.transforms.instances.Instance` shows a single copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.numerals import whole
from tvbo_lite.transforms.arrays import joined, picked, repeated_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.runs import Indices
    from tvbo_lite.transforms.resolve import ResolvedComponent
    from tvbo_lite.transforms.shapes import Shape, Spec
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Block", "Forest", "Refs", "Wires"]


@dataclass(eq=False, slots=True)
class Refs:
    """Instances one after the other: the i-th is number ``index[i]`` of ``blocks[block[i]]``."""

    blocks: list[Block]
    block: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    def parts(self) -> Iterator[tuple[Block, NDArray[np.int64], NDArray[np.int64]]]:
        """For each block that is referred to: the block, the positions, the indices there."""
        if len(self.blocks) == 1:
            yield self.blocks[0], np.arange(len(self.index)), self.index
            return
        for number, block in enumerate(self.blocks):
            positions = np.flatnonzero(self.block == number)
            if len(positions):
                yield block, positions, self.index[positions]

    def take(self, positions: NDArray[np.int64]) -> Refs:
        return Refs(self.blocks, picked(self.block, positions), self.index[positions])

    @classmethod
    def of(cls, pairs: Iterable[tuple[Block, int]]) -> Refs:
        """References to (block, index) pairs."""
        numbers: dict[Block, int] = {}
        found = [(numbers.setdefault(block, len(numbers)), index) for block, index in pairs]
        table = np.array(found, dtype=np.int64).reshape(-1, 2)
        return cls(list(numbers), np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]))

    @classmethod
    def concatenated(cls, parts: Sequence[Refs]) -> Refs:
        """All references of the parts, each block named once."""
        if len(parts) == 1:
            return parts[0]
        numbers: dict[Block, int] = {}
        blocks = []
        for part in parts:
            table = [numbers.setdefault(block, len(numbers)) for block in part.blocks]
            blocks.append(np.array(table, dtype=np.int64)[part.block])
        return cls(list(numbers), np.concatenate(blocks), np.concatenate([part.index for part in parts]))

    @classmethod
    def many(cls, block: Block, index: NDArray[np.int64]) -> Refs:
        """Some instances of one block."""
        return cls([block], repeated_index(0, len(index)), index)

    @classmethod
    def all(cls, block: Block) -> Refs:
        """Every instance of a block."""
        return cls.many(block, np.arange(block.size))


@dataclass(eq=False, slots=True)
class Wires:
    """Event connections from one port of a block's instances, in the order in which they were made.

    A port may have several lots of them, one after the other.

    The i-th goes from instance ``sources[i]`` to port ``port_names[ports[i]]`` of ``targets[i]``
    after ``delays[i]`` seconds. ``weights`` where the receivers of several connections are one.
    """

    sources: Indices
    targets: Refs
    port_names: tuple[str | None, ...]
    ports: NDArray[np.int64]
    delays: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None


@dataclass(eq=False, repr=False, slots=True)
class Block:
    """Instances of one shape, those of one parent side by side.

    Instance ``p`` of the parent block has the instances ``starts[p]`` to ``starts[p + 1]`` (exclusive);
    where ``starts`` is None each parent has ``fanout`` of them. Instance ``k`` is a copy of the component
    of ``specs[which[k]]`` (of ``specs[0]`` where ``which`` is None). ``values`` are properties and what
    ``Assign`` gave. ``children`` stand in the order in which they are advanced. The instances of a ``rowed``
    block are the rows of tables: they differ in the parameters that ``columns`` hold, table by table, and
    their ids are their places among those of their parent.
    """

    shape: Shape
    name: str  # the slot or list of the parent that the instances are in
    listed: bool
    parent: Block | None
    size: int
    fanout: int
    starts: NDArray[np.int64] | None
    specs: Sequence[Spec]
    which: NDArray[np.int64] | None
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    columns: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    rowed: bool = False
    merged: bool = False  # each stands for several receivers of weighted events
    static: list[Block] = field(default_factory=list)
    attached: dict[str, list[Block]] = field(default_factory=dict)
    peers: dict[str, Refs] = field(default_factory=dict)
    wires: dict[str, tuple[Wires, ...]] = field(default_factory=dict)
    number: int = 0
    _owners: NDArray[np.int64] | None = None
    _ids: dict[str | None, list[int]] | None = None

    def __repr__(self) -> str:
        return f"<{self.size} of {self.kind.name}>"

    @property
    def kind(self) -> ResolvedType:
        return self.shape.kind

    @property
    def component(self) -> ResolvedComponent:
        """The first instance's component, which stands for all where they cannot differ."""
        return self.specs[0].component

    def component_of(self, k: int) -> ResolvedComponent:
        return self.specs[0 if self.which is None else int(self.which[k])].component

    def id_of(self, k: int) -> str | None:
        return str(k - self.members(self.owner(k)).start) if self.rowed else self.component_of(k).id

    @property
    def children(self) -> list[Block]:
        """The blocks below, in the order in which jLEMS advances them: single children, then the lists."""
        below = [block for block in self.static if not block.listed]
        for name in self.shape.lists:
            below += [block for block in self.static if block.listed and block.name == name]
            below += self.attached.get(name, [])
        return below

    def listed_in(self, name: str) -> list[Block]:
        """The blocks that make up a list, in its order."""
        return [block for block in self.children if block.listed and block.name == name]

    def ancestors(self) -> Iterator[Block]:
        """The parent, its parent, and so on."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent

    def owners(self) -> NDArray[np.int64]:
        """For each instance, its parent's index in the parent block."""
        if self._owners is None:
            if self.starts is None:
                self._owners = np.arange(self.size) // self.fanout
            else:
                self._owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return self._owners

    def bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each instance of the parent, the first of its instances and the one after the last."""
        if self.starts is not None:
            return self.starts[:-1], self.starts[1:]
        first = np.arange(self.parent.size if self.parent else 1) * self.fanout
        return first, first + self.fanout

    def bounds_table(self) -> NDArray[np.int64]:
        """``starts``, also where they are not kept."""
        return np.append(self.bounds()[0], self.size)

    def owner(self, k: int) -> int:
        if self.starts is None:
            return k // self.fanout
        if self._owners is not None:
            return int(self._owners[k])
        return int(np.searchsorted(self.starts, k, side="right")) - 1

    def members(self, parent: int) -> range:
        """The instances that belong to one of the parent block's."""
        if self.starts is None:
            return range(parent * self.fanout, (parent + 1) * self.fanout)
        return range(int(self.starts[parent]), int(self.starts[parent + 1]))

    def by_id(self, name: str, parent: int) -> Sequence[int]:
        """The instances of that id below one of the parent block's."""
        if self.rowed:
            members = self.members(parent)
            place = whole(name)
            return members[place : place + 1] if place is not None and str(place) == name else ()
        if self.which is None:
            return self.members(parent) if self.component.id == name else ()
        if self._ids is None:
            self._ids = {}
            for k, spec in enumerate(self.which.tolist()):
                self._ids.setdefault(self.specs[spec].component.id, []).append(k)
        inside = self.members(parent)
        return [k for k in self._ids.get(name, ()) if k in inside]

    def parameter(self, name: str) -> NDArray[np.float64] | float:
        """A parameter's values: one number where all instances agree."""
        if name in self.columns:
            return joined(self.columns[name])
        first = self.component.parameters[name]
        if self.which is None:
            return first
        each = np.array([spec.component.parameters[name] for spec in self.specs])
        if np.all((each == first) | (np.isnan(each) & np.isnan(first))):
            return first
        return each[self.which]


@dataclass(frozen=True, slots=True)
class Forest:
    """All blocks of a model, children before parents."""

    root: Block
    blocks: tuple[Block, ...]


def forest(root: Block) -> Forest:
    """The blocks below ``root``, numbered in that order."""
    made: list[Block] = []

    def add(block: Block) -> None:
        for child in block.children:
            add(child)
        block.number = len(made)
        made.append(block)

    add(root)
    return Forest(root, tuple(made))
