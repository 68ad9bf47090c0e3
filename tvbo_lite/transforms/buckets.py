"""Copies that wait to be attached to instances, and the blocks they become.

A cell's list of attachments may hold copies of several shapes, and each cell may have another number of
them. The columns of blocks are such that each cell's list is its part of the first column, then its part
of the second, and so on: the order in which jLEMS advances them and adds up their currents is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.lems.runs import kind_of
from tvbo_lite.transforms.arrays import (
    compact,
    is_one,
    is_uniform,
    joined,
    picked,
    pieces,
    repeated_index,
    where,
)
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
    """Copies of one component, attached together; ``merged`` where one copy serves all of a host.

    ``placed`` says where they have been put, if it is not their bucket that does.
    """

    hosts: NDArray[np.int64]
    spec: Spec
    values: dict[str, Number]
    merged: bool
    placed: Refs | None = None


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
    """Copies of a component in a bucket, the first at ``place``; merged ones with ``weights``."""

    bucket: Bucket
    place: int
    chunk: Many
    component: ResolvedComponent
    weights: Number | None = None

    def refs(self) -> Refs:
        """Where they were placed."""
        if self.chunk.placed is not None:
            return self.chunk.placed
        bucket, places = self.bucket, slice(self.place, self.place + len(self.chunk.hosts))
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


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk as arrays: the hosts of its copies, and the numbers of their keys and specs."""

    chunk: Chunk | Many
    hosts: NDArray[np.int64]
    key: NDArray[np.int64]
    spec: NDArray[np.int64]

    def has(self) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
        """Copies of one key after the other: from which to which they go, and their hosts."""
        ends = [] if is_one(self.key) else (np.flatnonzero(np.diff(self.key)) + 1).tolist()
        for first, last in zip([0, *ends], [*ends, len(self.hosts)], strict=True):
            yield first, last, self.hosts[first:last]


class Entries:
    """The copies of a bucket as arrays: their hosts, the numbers of their keys and specs, their values."""

    def __init__(self, bucket: Bucket) -> None:
        self.keys: list[_Key] = []
        self.specs: list[Spec] = []
        self._numbers: dict[object, int] = {}
        self.parts = [self._part(chunk) for chunk in bucket.chunks if len(chunk.hosts)]

    def _part(self, chunk: Chunk | Many) -> _Part:
        count = len(chunk.hosts)
        if isinstance(chunk, Many):
            key = _Key(chunk.spec.shape, tuple(sorted(chunk.values)), (), chunk.merged)
            numbers = self._number(self.keys, key), self._number(self.specs, chunk.spec)
            return _Part(chunk, chunk.hosts, *(repeated_index(number, count) for number in numbers))
        rows = zip(chunk.specs, chunk.values, chunk.peers, strict=True)
        every = (_Key(s.shape, tuple(sorted(values)), tuple(sorted(peers))) for s, values, peers in rows)
        keys = [self._number(self.keys, key) for key in every]
        specs = [self._number(self.specs, spec) for spec in chunk.specs]
        return _Part(chunk, *(np.array(numbers, dtype=np.int64) for numbers in (chunk.hosts, keys, specs)))

    def _number(self, known: list[Spec] | list[_Key], item: Spec | _Key) -> int:
        key = id(item) if isinstance(item, Spec) else item
        if key not in self._numbers:
            self._numbers[key] = len(known)
            known.append(item)  # type: ignore[arg-type]  # the list is that of the item's kind
        return self._numbers[key]

    @cached_property
    def hosts(self) -> NDArray[np.int64]:
        return compact([part.hosts for part in self.parts])

    @cached_property
    def spec(self) -> NDArray[np.int64]:
        return joined([part.spec for part in self.parts])

    @property
    def peers(self) -> list[tuple[int, dict[str, Attached]]]:
        """The places of the copies that have peers, with these."""
        found = []
        for start, part in self._from():
            every = part.chunk.peers if isinstance(part.chunk, Chunk) else ()
            found += [(start + n, peers) for n, peers in enumerate(every) if peers]
        return found

    def _from(self) -> Iterator[tuple[int, _Part]]:
        """The parts, each with the place of its first copy."""
        start = 0
        for part in self.parts:
            yield start, part
            start += len(part.hosts)

    def value(self, name: str, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """A value of the copies at some places."""
        found = np.empty(len(self.hosts))
        for start, part in self._from():
            mine, chunk = found[start : start + len(part.hosts)], part.chunk
            if isinstance(chunk, Many):
                mine[:] = chunk.values.get(name, 0.0)
            else:
                mine[:] = [values.get(name, 0.0) for values in chunk.values]
        return found[places]


def columns(bucket: Bucket, entries: Entries) -> Iterator[Block]:
    """The blocks of a bucket.

    Each copy goes to the first column of its shape that is not before that of its host's last one.
    """
    assigned, keys = _assigned_columns(bucket.host.size, entries)
    whole = all(isinstance(part.chunk, Many) and part.chunk.merged for part in entries.parts)
    whole = whole and all(map(is_one, assigned))
    if not whole:
        bucket.block = joined(assigned)
        bucket.index = np.empty(len(entries.hosts), np.int64)
    for number, key in enumerate(keys):
        if whole:
            parts = [part for part, at in zip(entries.parts, assigned, strict=True) if at[0] == number]
            block = _merged(bucket, entries, key, parts)
        else:
            places = where(bucket.block == number) if len(keys) > 1 else None
            make = _merged_some if key.merged else _single
            block = make(bucket, entries, key, places)
        bucket.blocks.append(block)
        bucket.host.attached.setdefault(bucket.name, []).append(block)
        yield block


def _assigned_columns(size: int, entries: Entries) -> tuple[list[NDArray[np.int64]], list[_Key]]:
    """For each part the numbers of the columns of its copies; and the key of each column."""
    if len(entries.keys) == 1:
        return [repeated_index(0, len(part.hosts)) for part in entries.parts], entries.keys
    columns: list[int] = []
    reached = np.zeros(size, np.int64)  # of each host: the column of its last copy
    assigned = []
    for part in entries.parts:
        found = []
        for first, last, hosts in part.has():
            key = int(part.key[first])
            table = np.array([_next(columns, key, at) for at in range(len(columns) + 1)])
            present = _present(size, [hosts])
            reached[present] = table[reached[present]]
            used = reached[present]
            same = is_uniform(used)
            found.append(repeated_index(int(used[0]), last - first) if same else reached[hosts])
            if used.max() == len(columns):
                columns.append(key)
        assigned.append(joined(found))
    return assigned, [entries.keys[key] for key in columns]


def _present(size: int, numbers: Iterable[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which of the whole numbers below ``size`` there are."""
    found = np.zeros(size, dtype=bool)
    for some in numbers:
        for places in pieces(len(some)):
            found[some[places]] = True
    return found


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


def _merged(bucket: Bucket, entries: Entries, key: _Key, parts: Sequence[_Part]) -> Block:
    """A column with an instance for each host and component: what it receives is weighted instead.

    It takes all copies of some parts; where each host has one component, their places are their hosts.
    """
    count = len(entries.specs)
    size = bucket.host.size * count
    present = np.zeros(size, dtype=bool)
    for part in parts:
        for places in pieces(len(part.hosts)):
            present[_pairs(part, places, count)] = True
    used = np.flatnonzero(present)
    place = np.cumsum(present, dtype=kind_of(size)) - 1
    values = {name: np.ones(len(used)) for name in key.values}  # the weight, which events carry
    block = _column(bucket, key, entries, hosts=used // count, spec=used % count, values=values)
    for part in parts:
        index = part.hosts
        if count > 1 or len(used) < size:
            index = np.empty(len(part.hosts), place.dtype)
            for places in pieces(len(index)):
                index[places] = place[_pairs(part, places, count)]
        assert isinstance(part.chunk, Many)  # noqa: S101  only many copies are merged
        part.chunk.placed = Refs.many(block, index)
    return block


def _pairs(part: _Part, places: slice, count: int) -> NDArray[np.int64]:
    """A number for each host and component of some copies."""
    return part.hosts[places].astype(np.int64) * count + part.spec[places]


def _merged_some(bucket: Bucket, entries: Entries, key: _Key, places: NDArray[np.int64] | None) -> Block:
    """The same, of the copies at some places."""
    count = len(entries.specs)
    pairs = picked(entries.hosts, places)
    if count > 1:
        pairs = pairs.astype(np.int64) * count + picked(entries.spec, places)
    present = _present(bucket.host.size * count, [pairs])
    used = np.flatnonzero(present)
    bucket.index[slice(None) if places is None else places] = (np.cumsum(present) - 1)[pairs]
    values = {name: np.ones(len(used)) for name in key.values}
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
