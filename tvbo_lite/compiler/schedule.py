"""In which order the derived variables of all instances are worked out, so that none reads an old value.

LEMS advances children first, each with all its derived variables; what a child reads of an instance around
it, or of one that comes later, is the value of the step before. A method that looks at several points of
time in one step cannot do with that: here everything belongs to the same moment. The instances are passed
through as often as that takes, each time children first, and each variable has the number of its pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tvbo_lite.compiler.memory import Memory, Seen
from tvbo_lite.compiler.selection import Targets
from tvbo_lite.errors import Location, Problem, UnsupportedError
from tvbo_lite.transforms.blocks import Block

__all__ = ["Node", "Schedule", "Uses", "climbed", "is_inside"]


@dataclass(frozen=True, slots=True)
class Node:
    """Something that a block's code works out: a derived variable, or all equations of the regimes."""

    block: Block
    name: str


@dataclass(frozen=True, slots=True)
class Uses:
    """What an expression reads: names of the block itself, and values at the ends of paths."""

    names: tuple[str, ...] = ()
    paths: tuple[tuple[Targets, str], ...] = ()


class Requiring(Protocol):
    """Code that knows what stands for a variable of an instance around its own."""

    def is_requirement(self, name: str) -> bool: ...


class Code(Requiring, Protocol):
    """What the schedule asks of a block's code."""

    def nodes(self) -> Iterator[str]: ...

    def node(self, name: str) -> str | None:
        """The node that works out a variable; None where it is a state, a parameter or the time."""

    def uses(self, name: str) -> Uses: ...

    def place_of(self, name: str) -> Location: ...


@dataclass(slots=True)
class Schedule:
    """``passes[node]`` is the number of the pass in which a node is worked out, ``order`` the order of a
    block's nodes in each pass.
    """

    memory: Memory
    code: dict[int, Code]
    passes: dict[Node, int] = field(default_factory=dict)
    order: dict[int, list[str]] = field(default_factory=dict)
    _open: list[Node] = field(default_factory=list)

    def run(self, blocks: tuple[Block, ...]) -> int:
        """Works out all passes; how many there are. Raises `UnsupportedError` where variables depend on
        each other at one moment.
        """
        for block in blocks:
            self.order.setdefault(block.number, [])
            for name in self.code[block.number].nodes():
                self.number(Node(block, name))
        return 1 + max(self.passes.values(), default=0)

    def number(self, node: Node) -> int:
        """The number of a node's pass."""
        if node in self.passes:
            return self.passes[node]
        if node in self._open:
            self._refuse(node)
        self._open.append(node)
        found = self.least(node.block, self.code[node.block.number].uses(node.name))
        self._open.pop()
        self.order.setdefault(node.block.number, []).append(node.name)
        self.passes[node] = found
        return found

    def least(self, block: Block, uses: Uses) -> int:
        """The first pass in which all that a block's expression reads is known."""
        return max((self.number(node) + later for node, later in self._read(block, uses)), default=0)

    def _read(self, block: Block, uses: Uses) -> Iterator[tuple[Node, int]]:
        """The nodes read, each with 1 where it must belong to a pass before."""
        code = self.code[block.number]
        for name in uses.names:
            if code.is_requirement(name):
                yield from self._above(block, name)
            else:
                own = code.node(name)
                if own is not None:
                    yield Node(block, own), 0
        for targets, name in uses.paths:
            yield from self._ends(block, targets, name)

    def _above(self, block: Block, name: str) -> Iterator[tuple[Node, int]]:
        seen = climbed(self.memory, self.code, block, name)
        if seen is None or seen.is_parameter or not seen.name:
            return
        node = self.code[seen.block.number].node(seen.name)
        if node is not None:
            yield Node(seen.block, node), 1

    def _ends(self, block: Block, targets: Targets, name: str) -> Iterator[tuple[Node, int]]:
        owners = np.repeat(np.arange(len(targets.starts) - 1), np.diff(targets.starts))
        for target, positions, index in targets.refs.parts():
            seen = self.memory.get(target, name)
            if seen is None or seen.is_parameter or not seen.name:
                continue
            node = self.code[seen.block.number].node(seen.name)
            if node is not None:
                inside = seen.block is not block and is_inside(
                    block, seen.block, target, index, owners[positions]
                )
                yield Node(seen.block, node), 0 if inside else 1

    def _refuse(self, node: Node) -> None:
        ring = self._open[self._open.index(node) :]
        names = ", ".join(f"'{one.name}' of '{one.block.kind.name}'" for one in ring)
        where = self.code[node.block.number].place_of(node.name)
        what = f"at one moment each of these depends on the next and the last on the first: {names}"
        hint = "the method 'euler' takes the values of the step before"
        raise UnsupportedError(Problem(what, where, hint=hint))


def climbed(memory: Memory, code: Mapping[int, Requiring], block: Block, name: str) -> Seen | None:
    """What a requirement finds in the end, through the instances around that only require it too."""
    at = block
    while at.parent is not None:
        seen = memory.get(at.parent, name)
        if seen is None or seen.is_parameter or not code[seen.block.number].is_requirement(seen.name):
            return seen
        at, name = seen.block, seen.name
    return None


def is_inside(block: Block, holder: Block, target: Block, index: np.ndarray, owners: np.ndarray) -> bool:
    """Whether all ``target[index]``, and ``holder`` around them, are parts of ``block[owners]``."""
    at, met = target, target is holder
    while at is not block and at.parent is not None:
        index, at = at.owners()[index], at.parent
        met = met or at is holder
    return at is block and met and bool(np.array_equal(index, owners))
