"""What connections attach to instances, and the connections themselves, gathered and then put into arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.errors import nearest
from tvbo_lite.transforms.arrays import joined, repeated, repeated_index
from tvbo_lite.transforms.blocks import Block, Refs, Wires
from tvbo_lite.transforms.buckets import (
    Attached,
    AttachedMany,
    Bucket,
    Chunk,
    End,
    Ends,
    Entries,
    Many,
    Number,
    columns,
)
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.linear import WEIGHT, is_linear
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.shapes import Specs, properties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.runs import Indices


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

    sources: Indices
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
        if not bucket.chunks or isinstance(bucket.chunks[-1], Many):
            bucket.chunks.append(Chunk())
        chunk = bucket.chunks[-1]
        assert isinstance(chunk, Chunk)  # noqa: S101  for the type checker
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
        """A copy for each of a block's instances ``hosts``; one for each instance where that is as good."""
        bucket = self._bucket(host, container, component)
        values = {**properties(component), **given}
        spec = self.specs.spec(component, properties(component), consolidated=True)
        merged = is_linear(spec.shape, _read(host, bucket.name)) and not {*given} - {WEIGHT}
        weights = values.pop(WEIGHT) if merged else None
        if merged:
            values[WEIGHT] = 1.0
        chunk = Many(hosts, spec, values, merged)
        bucket.chunks.append(chunk)
        bucket.size += len(hosts)
        return AttachedMany(bucket, bucket.size - len(hosts), chunk, component, weights)

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
        sources: Indices,
        port: str,
        targets: Ends,
        *,
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
            entries = Entries(bucket)
            made += list(columns(bucket, entries))
            if peers := entries.peers:
                self._tunnels.append((bucket, peers))
            bucket.chunks = []
        return made

    def wire(self) -> None:
        """Puts connections and tunnels into arrays, now that every end has its place."""
        for bucket, peers in self._tunnels:
            _link(bucket, peers)
        for (block, port), parts in self._wiring.items():
            lots = tuple(_wires(part) for part in parts)
            weighted = all(lot.weights is not None for lot in lots)
            block.wires[port] = lots if weighted else (_joined(lots),)


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


# ---- connections as arrays --------------------------------------------------------------------------------


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


def _wires(part: _Singles | _Lot) -> Wires:
    size = len(part.sources)
    if isinstance(part, _Singles):
        numbers: dict[str | None, int] = {}
        ports = np.array([numbers.setdefault(name, len(numbers)) for name in part.ports])
        delays = np.array(part.delays, dtype=np.float64)
        sources = np.array(part.sources, dtype=np.int64)
        return Wires(sources, Refs.of(map(_found, part.targets)), tuple(numbers), ports, delays)
    to = part.targets
    weights = None if isinstance(to, Refs) or to.weights is None else _array(to.weights, size)
    targets = to if isinstance(to, Refs) else to.refs()
    delays = _array(part.delays, size)
    return Wires(part.sources, targets, (part.port,), repeated_index(0, size), delays, weights)


def _joined(lots: Sequence[Wires]) -> Wires:
    """All connections of a port in one, for receivers that may differ in what the order means to them."""
    if len(lots) == 1:
        return lots[0]
    names = {name: None for lot in lots for name in lot.port_names}
    numbers = {name: number for number, name in enumerate(names)}
    ports = [np.array([numbers[name] for name in lot.port_names])[lot.ports] for lot in lots]
    weights = None
    if any(lot.weights is not None for lot in lots):
        weights = joined([repeated(1.0, len(x.sources)) if x.weights is None else x.weights for x in lots])
    return Wires(
        np.concatenate([lot.sources for lot in lots]),
        Refs.concatenated([lot.targets for lot in lots]),
        tuple(names),
        joined(ports),
        joined([lot.delays for lot in lots]),
        weights,
    )


def _array(values: Number, size: int) -> NDArray[np.float64]:
    return values if isinstance(values, np.ndarray) else repeated(values, size)
