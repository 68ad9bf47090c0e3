"""Copies that wait to be attached to instances, and the blocks they become.

A cell's list of attachments may hold copies of several shapes, and each cell may have another number of
them. The columns of blocks are such that each cell's list is its part of the first column, then its part
of the second, and so on: the order in which jLEMS advances them and adds up their currents is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.transforms.arrays import compact, joined, picked, repeated_index, where
from tvbo_lite.transforms.blocks import Block, Refs
from tvbo_lite.transforms.copies import make_block
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.shapes import Shape, Slot, Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number: TypeAlias = "float | NDArray[np.float64]"


@dataclass(eq=False, slots=True)
class Chunk:
    """Copies that were attached one after the other, each to a host and with peers of its own."""

    hosts: list[int] = field(default_factory=list)
    specs: list[Spec] = field(default_factory=list)
    values: list[Mapping[str, float]] = field(default_factory=list)
    peers: list[dict[str, Attached]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Many:
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
    chunks: list[Chunk | Many] = field(default_factory=list)
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
    """``count`` copies of a component in a bucket, the first at ``place``; merged ones with ``weights``."""

    bucket: Bucket
    place: int
    count: int
    component: ResolvedComponent
    weights: Number | None = None

    def refs(self) -> Refs:
        """Where they were placed."""
        bucket, places = self.bucket, slice(self.place, self.place + self.count)
        return Refs(bucket.blocks, bucket.block[places], bucket.index[places])


End: TypeAlias = Instance | Attached
Ends: TypeAlias = Refs | AttachedMany


@dataclass(frozen=True, slots=True)
class _Key:
    """What the instances of one column have in common."""

    shape: Shape
    values: tuple[str, ...]
    peers: tuple[str, ...] = ()
    merged: bool = False


class Entries:
    """The copies of a bucket as arrays: their hosts, the numbers of their keys and specs, their values."""

    def __init__(self, bucket: Bucket) -> None:
        self.keys: list[_Key] = []
        self.specs: list[Spec] = []
        self.peers: list[tuple[int, dict[str, Attached]]] = []
        self._numbers: dict[object, int] = {}
        hosts, keys, specs = [], [], []
        self._values: list[tuple[int, Chunk | Many]] = []
        size = 0
        for chunk in bucket.chunks:
            hosts.append(np.asarray(chunk.hosts, dtype=np.int64))
            keys.append(self._keys_of(chunk))
            specs.append(
                repeated_index(self._number(self.specs, chunk.spec), len(chunk.hosts))
                if isinstance(chunk, Many)
                else np.array([self._number(self.specs, spec) for spec in chunk.specs])
            )
            if isinstance(chunk, Chunk):
                self.peers += [(size + n, peers) for n, peers in enumerate(chunk.peers)]
            self._values.append((size, chunk))
            size += len(chunk.hosts)
        self.hosts, self.key, self.spec = compact(hosts), joined(keys), joined(specs)

    def _number(self, known: list[Spec] | list[_Key], item: Spec | _Key) -> int:
        key = id(item) if isinstance(item, Spec) else item
        if key not in self._numbers:
            self._numbers[key] = len(known)
            known.append(item)  # type: ignore[arg-type]  # the list is that of the item's kind
        return self._numbers[key]

    def _keys_of(self, chunk: Chunk | Many) -> NDArray[np.int64]:
        if isinstance(chunk, Many):
            names = tuple(sorted(chunk.values))
            key = _Key(chunk.spec.shape, names, (), chunk.merged)
            return repeated_index(self._number(self.keys, key), len(chunk.hosts))
        rows = zip(chunk.specs, chunk.values, chunk.peers, strict=True)
        keys = (_Key(s.shape, tuple(sorted(values)), tuple(sorted(peers))) for s, values, peers in rows)
        return np.array([self._number(self.keys, key) for key in keys])

    def value(self, name: str, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """A value of the copies at some places."""
        found = np.empty(len(self.hosts))
        for start, chunk in self._values:
            part = found[start : start + len(chunk.hosts)]
            if isinstance(chunk, Many):
                part[:] = chunk.values.get(name, 0.0)
            else:
                part[:] = [values.get(name, 0.0) for values in chunk.values]
        return found[places]


def columns(bucket: Bucket, entries: Entries) -> Iterator[Block]:
    """The blocks of a bucket.

    Each copy goes to the first column of its shape that is not before that of its host's last one.
    """
    bucket.block, keys = _assigned_columns(bucket.host.size, entries)
    bucket.index = np.empty(len(entries.hosts), np.int64)
    for number, key in enumerate(keys):
        places = where(bucket.block == number) if len(keys) > 1 else None
        block = _merged(bucket, entries, key, places) if key.merged else _single(bucket, entries, key, places)
        bucket.blocks.append(block)
        bucket.host.attached.setdefault(bucket.name, []).append(block)
        yield block


def _assigned_columns(size: int, entries: Entries) -> tuple[NDArray[np.int64], list[_Key]]:
    """For each copy the number of its column; and the key of each column."""
    if len(entries.keys) == 1:
        return repeated_index(0, len(entries.hosts)), entries.keys
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


def _single(bucket: Bucket, entries: Entries, key: _Key, places: NDArray[np.int64] | None) -> Block:
    """A column with an instance for each copy."""
    order = np.argsort(picked(entries.hosts, places), kind="stable")
    ordered = order if places is None else places[order]
    bucket.index[ordered] = np.arange(len(ordered))
    values = {name: entries.value(name, ordered) for name in key.values}
    return _column(
        bucket, key, entries, hosts=entries.hosts[ordered], spec=entries.spec[ordered], values=values
    )


def _merged(bucket: Bucket, entries: Entries, key: _Key, places: NDArray[np.int64] | None) -> Block:
    """A column with an instance for each host and component: what it receives is weighted instead."""
    count = len(entries.specs)
    pairs = picked(entries.hosts, places)
    if count > 1:
        pairs = pairs.astype(np.int64) * count + picked(entries.spec, places)
    present = np.zeros(bucket.host.size * count, dtype=bool)
    present[pairs] = True
    used = np.flatnonzero(present)
    index = pairs if len(used) == len(present) else (np.cumsum(present) - 1)[pairs]
    if places is None:
        bucket.index = index
    else:
        bucket.index[places] = index
    values = {name: np.ones(len(used)) for name in key.values}  # the weight, which events carry
    return _column(bucket, key, entries, hosts=used // count, spec=used % count, values=values)


def _column(
    bucket: Bucket,
    key: _Key,
    entries: Entries,
    *,
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
