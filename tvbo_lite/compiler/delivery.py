"""Which queued events may be delivered by several threads, each to some of the targets.

That is so where a handler changes its own instance only and sends nothing: each target then gets what it gets
in the order of the queue, whoever brings it. A thread that looks after a range of targets finds them side by
side in each row of a fan, for the rows are sorted; where the ranges begin in each row is known beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.expr.tree import Call, Expr, children

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Delivery", "delivery"]

EVENTS = 10_000  # some 15 microseconds of delivery, from which on threads gain more than they cost
FINEST = 64  # ranges of targets, and so threads, at most
ROOM = 0.1  # of the memory of the connections for where the ranges begin
ENTRY, PLACE = 12, 4  # bytes of a connection, and of the begin of a range
AT_ONCE = 1 << 16  # connections that are worked on together, so that little memory is taken


@dataclass(frozen=True, slots=True)
class Delivery:
    """The fans, by name, whose targets can be divided into ``ranges``; ``least`` events are worth it."""

    fans: dict[str, ir.Fan]
    sizes: dict[str, int]  # of the block that a fan's targets belong to
    ranges: int = 0
    least: int = 0

    def begins(self, fan: ir.Fan) -> NDArray[np.int64]:
        """For each source in turn, where its targets in each range begin, and where the last end."""
        targets = fan.targets
        edges = np.arange(self.ranges + 1) * self.sizes[fan.name] // self.ranges
        found = np.empty((len(targets.starts) - 1, self.ranges + 1), np.int64)
        for first, last in _rows(targets.starts):
            begin, end = targets.starts[first], targets.starts[last]
            lengths = np.diff(targets.starts[first : last + 1])
            row = np.repeat(np.arange(last - first), lengths)
            cell = row * self.ranges + np.searchsorted(edges[1:], targets.index[begin:end], side="right")
            counts = np.bincount(cell, minlength=(last - first) * self.ranges).reshape(-1, self.ranges)
            found[first:last, 0] = targets.starts[first:last]
            found[first:last, 1:] = targets.starts[first:last, None] + np.cumsum(counts, axis=1)
        return found.ravel()


def delivery(program: ir.Program) -> Delivery:
    """What can be divided of a program's deliveries; the fans with their rows sorted."""
    plain = {one.name: one.block.size for one in program.functions if _is_plain(one)}
    queued = {name for port in program.ports if port.delayed for name in port.delayed.names}
    chosen = [
        fan
        for fan in program.fans
        if fan.name in queued and len(fan.targets.names) == 1 and fan.targets.names[0] in plain
    ]
    entries = sum(len(fan.targets.index) for fan in chosen)
    rows = sum(len(fan.targets.starts) - 1 for fan in chosen)
    room = int(ROOM * ENTRY * entries / (PLACE * max(rows, 1)))
    if room < 2:
        return Delivery({}, {})
    fans = {fan.name: sorted_rows(fan) for fan in chosen}
    sizes = {fan.name: plain[fan.targets.names[0]] for fan in chosen}
    least = max(2, EVENTS * rows // entries)
    return Delivery(fans, sizes, min(FINEST, 1 << (room.bit_length() - 1)), least)


def sorted_rows(fan: ir.Fan) -> ir.Fan:
    """The fan with the targets of each source in ascending order, equal ones as they are."""
    targets = fan.targets
    index = targets.index
    falls = np.flatnonzero(index[1:] < index[:-1]) + 1
    begins = np.zeros(len(index) + 1, dtype=bool)
    begins[targets.starts] = True
    if begins[falls].all():
        return fan
    index, weights = index.copy(), None if targets.weights is None else np.array(targets.weights)
    for first, last in _rows(targets.starts):
        part = slice(int(targets.starts[first]), int(targets.starts[last]))
        row = np.repeat(np.arange(last - first), np.diff(targets.starts[first : last + 1]))
        order = np.lexsort((index[part], row))
        index[part] = index[part][order]
        if weights is not None:
            weights[part] = weights[part][order]
    inner = ir.Targets(targets.starts, targets.names, targets.which, index, targets.delays, weights)
    return ir.Fan(fan.name, inner)


def _rows(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of rows with not too many entries."""
    first, count = 0, len(starts) - 1
    while first < count:
        last = int(np.searchsorted(starts, starts[first] + AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), count)
        yield first, last
        first = last


def _is_plain(function: ir.Function) -> bool:
    """Whether a handler reads and writes nothing but its own instance's values."""
    known = (ir.Let, ir.Store, ir.If)
    for statement in ir.statements(function.body):
        if not isinstance(statement, known):
            return False
        values = [statement.condition] if isinstance(statement, ir.If) else [statement.value]
        if isinstance(statement, ir.Store):
            values.append(statement.target)
        if not all(_is_own(function, value) for value in values):
            return False
    return True


def _is_own(function: ir.Function, value: Expr) -> bool:
    match value:
        case ir.Load(block, offset, stride):
            return offset == ir.TIME or (block is function.block and stride == 1)
        case ir.Gather():
            return False
        case Call("random", _):
            return False
    return all(_is_own(function, child) for child in children(value))
