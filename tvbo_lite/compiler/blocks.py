"""Instances grouped by shape: those whose trees look alike share one loop body.

A *shape* is a component type together with the shapes of all that is below it. A block is a group
of instances of one shape; each variable of a block is one array, indexed by the instance's place.
Blocks keep jLEMS's order: only neighbours in the advance order are put together, and a loop body
advances one instance with all its children before it goes on to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.types import ResolvedType


@dataclass(eq=False, slots=True)
class Block:
    """``fanout`` instances for each one of the parent block: instance ``k`` belongs to ``k // fanout``."""

    number: int
    kind: ResolvedType
    parent: Block | None
    fanout: int
    instances: list[Instance]
    children: list[Block] = field(default_factory=list)
    components: tuple[ResolvedComponent, ...] = ()  # the different components of the instances

    @property
    def size(self) -> int:
        return len(self.instances)

    def ancestors(self) -> Iterator[Block]:
        """The parent, its parent, and so on."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent

    def describe(self, k: int) -> str:
        return self.instances[k].path()


@dataclass(frozen=True, slots=True)
class Forest:
    """All blocks of a model, children before parents, and where each instance went."""

    root: Block
    blocks: tuple[Block, ...]
    place: dict[int, tuple[Block, int]]

    def of(self, instance: Instance) -> tuple[Block, int]:
        """The instance's block and its index there."""
        return self.place[id(instance)]


def group(root: Instance) -> Forest:
    """The blocks of an instance tree."""
    grouper = _Grouper()
    top = grouper.block(None, 1, [root])
    place = {id(one): (block, k) for block in grouper.made for k, one in enumerate(block.instances)}
    return Forest(top, tuple(grouper.made), place)


class _Grouper:
    def __init__(self) -> None:
        self.made: list[Block] = []
        self._signatures: dict[object, int] = {}
        self._of: dict[int, int] = {}

    def block(self, parent: Block | None, fanout: int, instances: list[Instance]) -> Block:
        block = Block(0, instances[0].component.type, parent, fanout, instances)
        block.components = tuple({id(one.component): one.component for one in instances}.values())
        ordered = [[child for _, child in one.children()] for one in instances]
        for start, stop in self._runs(ordered[0]):
            members = [child for children in ordered for child in children[start:stop]]
            block.children.append(self.block(block, stop - start, members))
        block.number = len(self.made)
        self.made.append(block)
        return block

    def _runs(self, children: Sequence[Instance]) -> Iterator[tuple[int, int]]:
        """Stretches of neighbours with one shape."""
        start = 0
        for stop in range(1, len(children) + 1):
            last = stop == len(children)
            if last or self._signature(children[stop]) != self._signature(children[start]):
                yield start, stop
                start = stop

    def _signature(self, instance: Instance) -> int:
        known = self._of.get(id(instance))
        if known is None:
            key = (
                instance.component.type.name,
                instance.consolidated,
                instance.flat,
                tuple(sorted(instance.text_keys().items())),
                tuple(sorted(instance.values)),
                tuple(sorted(instance.peers)),
                tuple((name, self._signature(child)) for name, child in instance.children()),
            )
            known = self._of[id(instance)] = self._signatures.setdefault(key, len(self._signatures))
        return known
