"""What connections attach to instances, and the connections themselves, gathered and then put into arrays.

A cell's list of attachments may hold copies of several shapes, and each cell may have another number of
them. The columns of blocks are such that each cell's list is its part of the first column, then its part
of the second, and so on: the order in which jLEMS advances them and adds up their currents is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.errors import nearest
from tvbo_lite.transforms.blocks import Block, Refs, Wires
from tvbo_lite.transforms.copies import make_block
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.shapes import Shape, Slot, Spec, Specs, properties

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(eq=False, slots=True)
class Bucket:
    """Copies to be attached to one list of a block's instances, in the order in which they were made.

    ``placed`` holds, once they are, the block and index of each.
    """

    host: Block
    name: str
    hosts: list[int] = field(default_factory=list)
    specs: list[Spec] = field(default_factory=list)
    values: list[dict[str, float]] = field(default_factory=list)
    peers: list[dict[str, Attached]] = field(default_factory=list)
    placed: list[tuple[Block, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Attached:
    """A copy in a bucket."""

    bucket: Bucket
    place: int

    @property
    def component(self) -> ResolvedComponent:
        return self.bucket.specs[self.place].component

    def found(self) -> tuple[Block, int]:
        """The block and index it got."""
        return self.bucket.placed[self.place]


End: TypeAlias = Instance | Attached


@dataclass(slots=True)
class _Wiring:
    """The connections from one port of a block, as lists."""

    sources: list[int] = field(default_factory=list)
    targets: list[End] = field(default_factory=list)
    ports: list[str | None] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)


class Attachments:
    """All that is still to be attached; true while there is any."""

    def __init__(self, specs: Specs) -> None:
        self.specs = specs
        self._waiting: dict[tuple[Block, str], Bucket] = {}
        self._wiring: dict[tuple[Block, str], _Wiring] = {}
        self._tunnels: list[Bucket] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(
        self,
        host: End,
        container: str | None,
        component: ResolvedComponent,
        given: dict[str, float],
        *,
        consolidated: bool,
    ) -> Attached:
        """A copy of a component for a list of the host; of its only list where none is named."""
        assert isinstance(host, Instance)  # noqa: S101  scopes hold instances that are there already
        name = _container(host, container, component)
        bucket = self._waiting.setdefault((host.block, name), Bucket(host.block, name))
        values = {**properties(component), **given}
        bucket.hosts.append(host.k)
        bucket.specs.append(self.specs.spec(component, values, consolidated=consolidated))
        bucket.values.append(values)
        bucket.peers.append({})
        return Attached(bucket, len(bucket.hosts) - 1)

    def connect(
        self, source: Instance, port: str, target: End, target_port: str | None, delay: float
    ) -> None:
        """An event connection; those of one source and port keep their order."""
        wiring = self._wiring.setdefault((source.block, port), _Wiring())
        wiring.sources.append(source.k)
        wiring.targets.append(target)
        wiring.ports.append(target_port)
        wiring.delays.append(delay)

    def place(self) -> list[Block]:
        """Puts all that waits into blocks; returns these."""
        buckets, self._waiting = list(self._waiting.values()), {}
        made = [block for bucket in buckets for block in _columns(bucket)]
        self._tunnels += [bucket for bucket in buckets if any(bucket.peers)]
        return made

    def wire(self) -> None:
        """Puts connections and tunnels into arrays, now that every end has its place."""
        for bucket in self._tunnels:
            _link(bucket)
        for (block, port), wiring in self._wiring.items():
            block.wires[port] = _wires(wiring)


def _container(host: Instance, container: str | None, component: ResolvedComponent) -> str:
    lists = host.block.shape.lists
    if container is None and len(lists) == 1:
        return lists[0]
    if container is None or container not in lists:
        found = ", ".join(lists) or "none"
        hint = nearest(container or "", lists)
        raise host.component.fail(
            f"no attachments '{container or ''}' for {component.describe()} (lists: {found})", hint
        )
    return container


# ---- columns ---------------------------------------------------------------------------------------------


_Key = tuple[Shape, tuple[str, ...], tuple[str, ...]]


def _columns(bucket: Bucket) -> Iterator[Block]:
    """The blocks of a bucket.

    Each instance goes to the first column of its shape that is not before that of its host's last one.
    """
    keys = _keys(bucket)
    bucket.placed = [(bucket.host, 0)] * len(keys)
    hosts = np.array(bucket.hosts)
    for key, entries in _assigned_columns(bucket, keys):
        places = np.array(entries)
        places = places[np.argsort(hosts[places], kind="stable")]
        specs, which = _distinct([bucket.specs[i] for i in places.tolist()])
        values = {name: np.array([bucket.values[i][name] for i in places.tolist()]) for name in key[1]}
        sizes = np.bincount(hosts[places], minlength=bucket.host.size)
        slot = Slot(bucket.name, key[0], key[1], listed=True)
        block = make_block(slot, bucket.host, specs, which, values, sizes=sizes)
        bucket.host.attached.setdefault(bucket.name, []).append(block)
        for index, i in enumerate(places.tolist()):
            bucket.placed[i] = (block, index)
        yield block


def _keys(bucket: Bucket) -> list[_Key]:
    """What the instances of one column have in common."""
    known: dict[object, _Key] = {}
    keys = []
    for spec, values, peers in zip(bucket.specs, bucket.values, bucket.peers, strict=True):
        parts = (spec.shape, tuple(sorted(values)), tuple(sorted(peers)))
        keys.append(known.setdefault(parts, parts))
    return keys


def _assigned_columns(bucket: Bucket, keys: list[_Key]) -> list[tuple[_Key, list[int]]]:
    columns: list[tuple[_Key, list[int]]] = []
    reached: dict[int, int] = {}
    for i, (host, key) in enumerate(zip(bucket.hosts, keys, strict=True)):
        number = reached.get(host, 0)
        while number < len(columns) and columns[number][0] is not key:
            number += 1
        if number == len(columns):
            columns.append((key, []))
        columns[number][1].append(i)
        reached[host] = number
    return columns


def _distinct(specs: list[Spec]) -> tuple[list[Spec], NDArray[np.int64] | None]:
    numbers: dict[int, int] = {}
    distinct: list[Spec] = []
    which = []
    for spec in specs:
        number = numbers.setdefault(id(spec), len(distinct))
        if number == len(distinct):
            distinct.append(spec)
        which.append(number)
    return distinct, None if len(distinct) == 1 else np.array(which)


# ---- connections as arrays -------------------------------------------------------------------------------


def _found(end: End) -> tuple[Block, int]:
    return (end.block, end.k) if isinstance(end, Instance) else end.found()


def _link(bucket: Bucket) -> None:
    """Gives the blocks of a bucket the other ends of their tunnels."""
    by_block: dict[Block, list[tuple[int, dict[str, Attached]]]] = {}
    for (block, index), peers in zip(bucket.placed, bucket.peers, strict=True):
        by_block.setdefault(block, []).append((index, peers))
    for block, entries in by_block.items():
        entries.sort(key=lambda entry: entry[0])
        for name in entries[0][1]:
            block.peers[name] = Refs.of(peers[name].found() for _, peers in entries)


def _wires(wiring: _Wiring) -> Wires:
    names = tuple(dict.fromkeys(wiring.ports))
    number = {name: n for n, name in enumerate(names)}
    return Wires(
        np.array(wiring.sources),
        Refs.of(map(_found, wiring.targets)),
        names,
        np.array([number[name] for name in wiring.ports]),
        np.array(wiring.delays, dtype=np.float64),
    )
