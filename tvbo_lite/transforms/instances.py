"""A single running copy of a component, as a view of its place in a block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.errors import nearest
from tvbo_lite.numerals import whole

if TYPE_CHECKING:
    from tvbo_lite.transforms.blocks import Block
    from tvbo_lite.transforms.resolve import ResolvedComponent


@dataclass(frozen=True, slots=True)
class Connection:
    """An event on a source's port calls ``port`` of ``target`` after ``delay`` seconds."""

    target: Instance
    port: str | None
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Instance:
    """Instance ``k`` of a block."""

    block: Block
    k: int

    @property
    def component(self) -> ResolvedComponent:
        return self.block.component_of(self.k)

    @property
    def id(self) -> str | None:
        return self.block.id_of(self.k)

    @property
    def consolidated(self) -> bool:
        """Whether jLEMS runs its OnStart twice a pass."""
        return self.block.shape.consolidated

    @property
    def flat(self) -> bool:
        """Whether it has simultaneous dynamics, made one flat system."""
        return self.block.shape.flat

    @property
    def parent(self) -> Instance | None:
        above = self.block.parent
        return None if above is None else Instance(above, self.block.owner(self.k))

    @property
    def values(self) -> dict[str, float]:
        """The properties, and what ``Assign`` gave."""
        return {name: float(values[self.k]) for name, values in self.block.values.items()}

    @property
    def named(self) -> list[tuple[str, Instance]]:
        """The single children, in the order in which jLEMS advances them."""
        return [(b.name, Instance(b, b.members(self.k)[0])) for b in self.block.static if not b.listed]

    @property
    def lists(self) -> dict[str, list[Instance]]:
        """The members of each list, in order of advance."""
        return {name: self.members(name) for name in self.block.shape.lists}

    def members(self, name: str) -> list[Instance]:
        """The members of a list."""
        return [Instance(b, k) for b in self.block.listed_in(name) for k in b.members(self.k)]

    def first_list(self) -> list[Instance]:
        """The members of the first list, which are those that an index counts."""
        names = self.block.shape.lists
        return self.members(names[0]) if names else []

    @property
    def peers(self) -> dict[str, Instance]:
        """The other ends of tunnels, by the tunnels' names."""
        found = {}
        for name, refs in self.block.peers.items():
            found[name] = Instance(refs.blocks[int(refs.block[self.k])], int(refs.index[self.k]))
        return found

    @property
    def connections(self) -> dict[str, list[Connection]]:
        """The event connections that begin here, by port, in the order in which they were made."""
        found = {}
        for port, lots in self.block.wires.items():
            found[port] = [
                Connection(
                    Instance(wires.targets.blocks[int(wires.targets.block[i])], int(wires.targets.index[i])),
                    wires.port_names[int(wires.ports[i])],
                    float(wires.delays[i]),
                )
                for wires in lots
                for i in (np.asarray(wires.sources) == self.k).nonzero()[0].tolist()
            ]
        return {port: some for port, some in found.items() if some}

    def children(self) -> Iterator[tuple[str, Instance]]:
        """Every child with its role, in the order in which jLEMS advances them."""
        for block in self.block.children:
            for k in block.members(self.k):
                yield block.name, Instance(block, k)

    def path(self) -> str:
        """Where the instance stands, as output columns spell it: ``pop[0]/synapses:syn:0``."""
        parent = self.parent
        if parent is None:
            return self.id or self.component.type.name
        head = "" if parent.parent is None else parent.path()
        return _joined(head, self._step(parent))

    def _step(self, parent: Instance) -> str:
        name, own = self.block.name, self.id
        if not self.block.listed:
            return name
        if name == "":
            return f"[{parent.members(name).index(self)}]"
        if name in parent.block.shape.attachments:
            same = [one for one in parent.members(name) if one.id == own]
            return f"{name}:{own}:{same.index(self)}"
        return own or name

    def child(self, name: str) -> Instance | None:
        """The child that one element of a path names, as jLEMS looks it up."""
        if name.startswith("["):
            return self._indexed(name)
        if name in self.block.peers:
            return self.peers[name]
        return self._by_id(name) or self._by_slot(name) or self._attached(name)

    def _by_slot(self, name: str) -> Instance | None:
        named = self.named
        by_slot = [child for slot, child in named if slot == name]
        return next(iter(by_slot or [child for _, child in named if child.id == name]), None)

    def _by_id(self, name: str) -> Instance | None:
        """The last of the listed children of that id."""
        found = [Instance(b, k) for b in self.block.static if b.listed for k in b.by_id(name, self.k)[-1:]]
        return found[-1] if found else None

    def _indexed(self, name: str) -> Instance | None:
        return _indexed(self.counted(), name)

    def counted(self) -> list[tuple[Block, range]]:
        """What an index counts, block by block: the members of its list. Of several lists none is counted."""
        lists = self.block.shape.lists
        if len(lists) != 1:
            return []
        return [(block, block.members(self.k)) for block in self.block.listed_in(lists[0])]

    def _attached(self, name: str) -> Instance | None:
        """The attached one of that id, or of a list, an id and a number: ``synapses:syn:0``."""
        if name.count(":") == 2:
            list_name, component, digits = name.split(":")
            matching = [one for one in self.members(list_name) if one.id == component]
            number = whole(digits)
            return matching[number] if number is not None and number < len(matching) else None
        every = (one for list_name in self.block.attached for one in self.members(list_name))
        return next((one for one in every if one.id == name), None)

    def descend(self, path: str) -> Instance:
        """The instance at a path such as ``pop[0]/chans/na``. Raises `ModelError` naming what is missing."""
        at = self
        for step in path.replace("[", "/[").split("/"):
            if not step:
                continue
            below = at.parent if step == ".." else at.child(step)
            if below is None:
                raise at.component.fail(
                    f"path '{path}' leads nowhere: there is no '{step}' here", at._known(step)
                )
            at = below
        return at

    def _known(self, step: str) -> str | None:
        if step.startswith("[") and len(self.block.shape.lists) == 1:
            return f"the indices are 0 to {len(self.first_list()) - 1}"
        known = [*self.block.peers, *(name for name, _ in self.named)]
        known += [one.id for _, one in self.children() if one.id]
        return nearest(step, known)


class Finder:
    """Finds instances below the target of a simulation; a list of many cells is looked for once."""

    def __init__(self, root: Instance) -> None:
        self.root = root
        self._lists: dict[str, list[tuple[Block, range]]] = {}

    def __call__(self, path: str) -> Instance:
        """The instance at a path, which may begin with the target's own id (``net1/pop[0]``).

        Raises `ModelError` as `Instance.descend` does.
        """
        head, _, rest = path.partition("/")
        if head == self.root.id and self.root.child(head) is None:
            path = rest
        name, sign, index = path.partition("[")
        if not sign or not name or "/" in path:
            return self.root.descend(path)
        if name not in self._lists:
            self._lists[name] = self.root.descend(name).counted()
        return _indexed(self._lists[name], sign + index) or self.root.descend(path)


def _indexed(counted: list[tuple[Block, range]], name: str) -> Instance | None:
    """The one that an index such as ``[3]`` names."""
    k = whole(name[1:-1])
    if k is None:
        return None
    for block, members in counted:
        if k < len(members):
            return Instance(block, members[k])
        k -= len(members)
    return None


def walk(root: Instance) -> Iterator[Instance]:
    """The instance and all below it, in advance order (children first)."""
    for _, child in root.children():
        yield from walk(child)
    yield root


def _joined(head: str, step: str) -> str:
    return f"{head}{step}" if not head or step.startswith("[") else f"{head}/{step}"
