"""What connections attach to instances, and the connections themselves, gathered and then put into arrays.

A cell's list of attachments may hold copies of several shapes, and each cell may have another number of
them. The columns of blocks are such that each cell's list is its part of the first column, then its part
of the second, and so on: the order in which jLEMS advances them and adds up their currents is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.errors import nearest
from tvbo_lite.transforms.blocks import Block, Refs, Wires
from tvbo_lite.transforms.copies import make_block
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.linear import WEIGHT, is_linear
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.shapes import Shape, Slot, Spec, Specs, properties

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number: TypeAlias = "float | NDArray[np.float64]"


@dataclass(eq=False, slots=True)
class _Chunk:
    """Copies that were attached one after the other, each to a host and with peers of its own."""

    hosts: list[int] = field(default_factory=list)
    specs: list[Spec] = field(default_factory=list)
    values: list[Mapping[str, float]] = field(default_factory=list)
    peers: list[dict[str, Attached]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Many:
    """Copies of one component, attached together; ``merged`` where one copy serves all of a host."""

    hosts: NDArray[np.int64]
    spec: Spec
    values: dict[str, Number]
    merged: bool


@dataclass(eq=False, slots=True)
class Bucket:
    """Copies to be attached to one list of a block's instances, in the order in which they were made.

    Once they are placed, copy ``i`` is instance ``index[i]`` of ``blocks[block[i]]``.
    """

    host: Block
    name: str
    chunks: list[_Chunk | _Many] = field(default_factory=list)
    size: int = 0
    blocks: list[Block] = field(default_factory=list)
    block: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Attached:
    """A copy in a bucket; ``peers`` are the other ends of its tunnels."""

    bucket: Bucket
    place: int
    component: ResolvedComponent
    peers: dict[str, Attached]


@dataclass(frozen=True, slots=True)
class AttachedMany:
    """``count`` copies of a component in a bucket, the first at ``place``; ``weights`` where they are merged."""

    bucket: Bucket
    place: int
    count: int
    component: ResolvedComponent
    weights: Number | None = None

    def refs(self) -> Refs:
        """Where they were placed."""
        places = np.arange(self.place, self.place + self.count)
        bucket = self.bucket
        return Refs(bucket.blocks, bucket.block[places], bucket.index[places])


End: TypeAlias = Instance | Attached
Ends: TypeAlias = Refs | AttachedMany


@dataclass(slots=True)
class _Singles:
    """Connections that were made one by one."""

    sources: list[int] = field(default_factory=list)
    targets: list[End] = field(default_factory=list)
    ports: list[str | None] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Lot:
    """Connections of one kind, as arrays."""

    sources: NDArray[np.int64]
    targets: Ends
    port: str | None
    delays: Number


class Attachments:
    """All that is still to be attached; true while there is any."""

    def __init__(self, specs: Specs) -> None:
        self.specs = specs
        self._waiting: dict[tuple[Block, str], Bucket] = {}
        self._wiring: dict[tuple[Block, str], list[_Singles | _Lot]] = {}  # by source and port
        self._tunnels: list[tuple[Bucket, list[tuple[int, dict[str, Attached]]]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    # ---- gathering -----------------------------------------------------------------------------

    def add(
        self,
        host: End,
        container: str | None,
        component: ResolvedComponent,
        given: Mapping[str, float],
        *,
        consolidated: bool,
    ) -> Attached:
        """A copy of a component for a list of the host; of its only list where none is named."""
        assert isinstance(host, Instance)  # noqa: S101  scopes hold instances that are there already
        bucket = self._bucket(host.block, container, component)
        if not bucket.chunks or isinstance(bucket.chunks[-1], _Many):
            bucket.chunks.append(_Chunk())
        chunk = bucket.chunks[-1]
        assert isinstance(chunk, _Chunk)  # noqa: S101  for the type checker
        values = {**properties(component), **given}
        chunk.hosts.append(host.k)
        chunk.specs.append(self.specs.spec(component, values, consolidated=consolidated))
        chunk.values.append(values)
        chunk.peers.append({})
        bucket.size += 1
        return Attached(bucket, bucket.size - 1, component, chunk.peers[-1])

    def add_many(
        self,
        host: Block,
        hosts: NDArray[np.int64],
        container: str | None,
        component: ResolvedComponent,
        given: Mapping[str, Number],
    ) -> AttachedMany:
        """A copy for each of a block's instances ``hosts``; one for all of an instance where that is as good."""
        bucket = self._bucket(host, container, component)
        values = {**properties(component), **given}
        spec = self.specs.spec(component, properties(component), consolidated=True)
        merged = is_linear(spec.shape, _read(host, bucket.name)) and not {*given} - {WEIGHT}
        weights = values.pop(WEIGHT) if merged else None
        if merged:
            values[WEIGHT] = 1.0
        bucket.chunks.append(_Many(hosts, spec, values, merged))
        bucket.size += len(hosts)
        return AttachedMany(bucket, bucket.size - len(hosts), len(hosts), component, weights)

    def _bucket(self, host: Block, container: str | None, component: ResolvedComponent) -> Bucket:
        name = _container(host, container, component)
        return self._waiting.setdefault((host, name), Bucket(host, name))

    def connect(
        self, source: Instance, port: str, target: End, target_port: str | None, delay: float
    ) -> None:
        """An event connection; those of one source and port keep their order."""
        parts = self._wiring.setdefault((source.block, port), [])
        if not parts or not isinstance(parts[-1], _Singles):
            parts.append(_Singles())
        single = parts[-1]
        assert isinstance(single, _Singles)  # noqa: S101  for the type checker
        single.sources.append(source.k)
        single.targets.append(target)
        single.ports.append(target_port)
        single.delays.append(delay)

    def connect_many(
        self,
        source: Block,
        sources: NDArray[np.int64],
        port: str,
        targets: Ends,
        target_port: str | None,
        delays: Number,
    ) -> None:
        """An event connection from each of a block's instances ``sources`` to the target of its place."""
        self._wiring.setdefault((source, port), []).append(_Lot(sources, targets, target_port, delays))

    # ---- placing -------------------------------------------------------------------------------

    def place(self) -> list[Block]:
        """Puts all that waits into blocks; returns these."""
        buckets, self._waiting = list(self._waiting.values()), {}
        made = []
        for bucket in buckets:
            entries = _Entries(bucket)
            made += list(_columns(bucket, entries))
            peers = [(place, peers) for place, peers in entries.peers if peers]
            if peers:
                self._tunnels.append((bucket, peers))
            bucket.chunks = []
        return made

    def wire(self) -> None:
        """Puts connections and tunnels into arrays, now that every end has its place."""
        for bucket, peers in self._tunnels:
            _link(bucket, peers)
        for (block, port), parts in self._wiring.items():
            block.wires[port] = _wires(parts)


def _container(host: Block, container: str | None, component: ResolvedComponent) -> str:
    lists = host.shape.lists
    if container is None and len(lists) == 1:
        return lists[0]
    if container is None or container not in lists:
        found = ", ".join(lists) or "none"
        hint = nearest(container or "", lists)
        raise host.component.fail(
            f"no attachments '{container or ''}' for {component.describe()} (lists: {found})", hint
        )
    return container


def _read(host: Block, name: str) -> set[str]:
    """What the host reads of the members of a list."""
    selects = [item.select for item in host.kind.dynamics.derived if item.select is not None]
    return {path.rpartition("/")[2] for path in selects if path.startswith((f"{name}[", f"{name}*"))}


# ---- columns ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """What the instances of one column have in common."""

    shape: Shape
    values: tuple[str, ...]
    peers: tuple[str, ...] = ()
    merged: bool = False


class _Entries:
    """The copies of a bucket as arrays: their hosts, the numbers of their keys and specs, their values."""

    def __init__(self, bucket: Bucket) -> None:
        self.keys: list[_Key] = []
        self.specs: list[Spec] = []
        self.peers: list[tuple[int, dict[str, Attached]]] = []
        self._numbers: dict[object, int] = {}
        hosts, keys, specs = [], [], []
        self._values: list[tuple[int, _Chunk | _Many]] = []
        size = 0
        for chunk in bucket.chunks:
            hosts.append(np.asarray(chunk.hosts, dtype=np.int64))
            keys.append(self._keys_of(chunk))
            specs.append(
                np.full(len(chunk.hosts), self._number(self.specs, chunk.spec))
                if isinstance(chunk, _Many)
                else np.array([self._number(self.specs, spec) for spec in chunk.specs])
            )
            if isinstance(chunk, _Chunk):
                self.peers += [(size + n, peers) for n, peers in enumerate(chunk.peers)]
            self._values.append((size, chunk))
            size += len(chunk.hosts)
        self.hosts, self.key, self.spec = (np.concatenate(arrays) for arrays in (hosts, keys, specs))

    def _number(self, known: list[Spec] | list[_Key], item: Spec | _Key) -> int:
        key = id(item) if isinstance(item, Spec) else item
        if key not in self._numbers:
            self._numbers[key] = len(known)
            known.append(item)  # type: ignore[arg-type]  # the list is that of the item's kind
        return self._numbers[key]

    def _keys_of(self, chunk: _Chunk | _Many) -> NDArray[np.int64]:
        if isinstance(chunk, _Many):
            names = tuple(sorted(chunk.values))
            return np.full(
                len(chunk.hosts), self._number(self.keys, _Key(chunk.spec.shape, names, (), chunk.merged))
            )
        rows = zip(chunk.specs, chunk.values, chunk.peers, strict=True)
        keys = (_Key(s.shape, tuple(sorted(values)), tuple(sorted(peers))) for s, values, peers in rows)
        return np.array([self._number(self.keys, key) for key in keys])

    def value(self, name: str, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """A value of the copies at some places."""
        found = np.empty(len(self.hosts))
        for start, chunk in self._values:
            part = found[start : start + len(chunk.hosts)]
            if isinstance(chunk, _Many):
                part[:] = chunk.values.get(name, 0.0)
            else:
                part[:] = [values.get(name, 0.0) for values in chunk.values]
        return found[places]


def _columns(bucket: Bucket, entries: _Entries) -> Iterator[Block]:
    """The blocks of a bucket.

    Each copy goes to the first column of its shape that is not before that of its host's last one.
    """
    bucket.block, keys = _assigned_columns(bucket.host.size, entries)
    bucket.index = np.empty(len(entries.hosts), np.int64)
    for number, key in enumerate(keys):
        places = np.flatnonzero(bucket.block == number)
        block = _merged(bucket, entries, key, places) if key.merged else _single(bucket, entries, key, places)
        bucket.blocks.append(block)
        bucket.host.attached.setdefault(bucket.name, []).append(block)
        yield block


def _assigned_columns(size: int, entries: _Entries) -> tuple[NDArray[np.int64], list[_Key]]:
    """For each copy the number of its column; and the key of each column."""
    if len(entries.keys) == 1:
        return np.zeros(len(entries.hosts), np.int64), entries.keys
    columns: list[int] = []
    reached = np.zeros(size, np.int64)  # of each host: the column of its last copy
    column = np.empty(len(entries.hosts), np.int64)
    ends = np.flatnonzero(np.diff(entries.key)) + 1
    for first, last in zip([0, *ends.tolist()], [*ends.tolist(), len(entries.key)], strict=True):
        key, hosts = int(entries.key[first]), entries.hosts[first:last]
        table = [_next(columns, key, at) for at in range(len(columns) + 1)]
        column[first:last] = reached[hosts] = np.array(table)[reached[hosts]]
        if column[first:last].max() == len(columns):
            columns.append(key)
    return column, [entries.keys[key] for key in columns]


def _next(columns: Sequence[int], key: int, at: int) -> int:
    return next((n for n in range(at, len(columns)) if columns[n] == key), len(columns))


def _single(bucket: Bucket, entries: _Entries, key: _Key, places: NDArray[np.int64]) -> Block:
    """A column with an instance for each copy."""
    ordered = places[np.argsort(entries.hosts[places], kind="stable")]
    bucket.index[ordered] = np.arange(len(ordered))
    values = {name: entries.value(name, ordered) for name in key.values}
    return _column(bucket, key, entries, entries.hosts[ordered], entries.spec[ordered], values)


def _merged(bucket: Bucket, entries: _Entries, key: _Key, places: NDArray[np.int64]) -> Block:
    """A column with an instance for each host and component: what it receives is weighted instead."""
    count = len(entries.specs)
    pairs = entries.hosts[places] * count + entries.spec[places]
    present = np.zeros(bucket.host.size * count, dtype=bool)
    present[pairs] = True
    used = np.flatnonzero(present)
    bucket.index[places] = (np.cumsum(present) - 1)[pairs]
    values = {name: np.ones(len(used)) for name in key.values}  # the weight, which events carry
    return _column(bucket, key, entries, used // count, used % count, values)


def _column(
    bucket: Bucket,
    key: _Key,
    entries: _Entries,
    hosts: NDArray[np.int64],
    spec: NDArray[np.int64],
    values: dict[str, NDArray[np.float64]],
) -> Block:
    used, which = np.unique(spec, return_inverse=True)
    specs = [entries.specs[number] for number in used.tolist()]
    sizes = np.bincount(hosts, minlength=bucket.host.size)
    slot = Slot(bucket.name, key.shape, key.values, listed=True)
    block = make_block(slot, bucket.host, specs, None if len(specs) == 1 else which, values, sizes=sizes)
    block.merged = key.merged
    return block


# ---- connections as arrays ----------------------------------------------------------------------------------


def _link(bucket: Bucket, peers: list[tuple[int, dict[str, Attached]]]) -> None:
    """Gives the blocks of a bucket the other ends of their tunnels."""
    places = np.array([place for place, _ in peers])
    for number, block in enumerate(bucket.blocks):
        mine = [n for n, at in enumerate(bucket.block[places].tolist()) if at == number]
        mine.sort(key=lambda n: int(bucket.index[places[n]]))
        for name in peers[mine[0]][1] if mine else ():
            block.peers[name] = Refs.of(_found(peers[n][1][name]) for n in mine)


def _found(end: End) -> tuple[Block, int]:
    if isinstance(end, Instance):
        return end.block, end.k
    bucket = end.bucket
    return bucket.blocks[int(bucket.block[end.place])], int(bucket.index[end.place])


def _wires(parts: Sequence[_Singles | _Lot]) -> Wires:
    names: dict[str | None, int] = {}
    sources, ports, delays, weights = [], [], [], []
    targets: list[Refs] = []
    weighted = False
    for part in parts:
        size = len(part.sources)
        sources.append(np.asarray(part.sources, dtype=np.int64))
        if isinstance(part, _Singles):
            targets.append(Refs.of(map(_found, part.targets)))
            ports.append(np.array([names.setdefault(name, len(names)) for name in part.ports]))
            delays.append(np.array(part.delays, dtype=np.float64))
            weights.append(np.ones(size))
        else:
            to, weight = part.targets, None if isinstance(part.targets, Refs) else part.targets.weights
            targets.append(to if isinstance(to, Refs) else to.refs())
            ports.append(np.full(size, names.setdefault(part.port, len(names))))
            delays.append(np.zeros(size) + part.delays)
            weights.append(np.ones(size) if weight is None else np.zeros(size) + weight)
            weighted = weighted or weight is not None
    return Wires(
        np.concatenate(sources),
        Refs.concatenated(targets),
        tuple(names),
        np.concatenate(ports),
        np.concatenate(delays),
        np.concatenate(weights) if weighted else None,
    )
