"""LLVM instructions for events: who is reached, at once or after a delay, and who records them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.code import Code
from tvbo_lite.compiler.shared import literal
from tvbo_lite.transforms.arrays import is_uniform
from tvbo_lite.transforms.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

RUN = 8  # targets of so many neighbours on average are worth a loop of their own
ALIKE = 8  # longer target lists are served in a loop


@dataclass(frozen=True, slots=True)
class Served:
    """One target of an event: names of handlers, then operands: which of these, and what for."""

    names: Sequence[str]
    which: str
    index: str
    delay: str
    weight: str


Serve = Callable[[Served], None]


class EventCode(Code):
    """Knows how events leave an instance."""

    def statement(self, statement: ir.Statement) -> None:
        if isinstance(statement, ir.Emit):
            self.emit(self.shared.program.ports[statement.port])
        else:
            super().statement(statement)

    def emit(self, port: ir.Port) -> None:
        """Immediate targets first, then the recorders, then delayed targets."""
        self.serve(port.block, port.immediate, self.call_handler)
        self.serve(port.block, port.recorders, self.record)
        self.serve(port.block, port.delayed, self.enqueue)

    def serve(self, block: Block, targets: ir.Targets, act: Serve) -> None:
        """``act`` for each target of the current instance; in line where all have a few of the same."""
        if not targets:
            return
        counts = np.diff(targets.starts)
        count = int(counts[0])
        if counts.min() == counts.max() and count <= ALIKE:
            handlers = targets.which.reshape(-1, count)
            if np.array_equal(handlers, np.broadcast_to(handlers[0], handlers.shape)):
                self._serve_in_line(block, targets, count, act)
                return
        self.serve_listed(self.at(block), targets, act)

    def _serve_in_line(self, block: Block, targets: ir.Targets, count: int, act: Serve) -> None:
        k = self.at(block)
        for j in range(count):
            names = (targets.names[int(targets.which[j])],)
            index = self.spaced(k, targets.index[j::count])
            weights = None if targets.weights is None else targets.weights[j::count]
            delay, weight = self._number_of(k, targets.delays[j::count]), self._number_of(k, weights)
            act(Served(names, "0", index, delay, weight))

    def _number_of(self, k: str, values: NDArray[np.float64] | None) -> str:
        """Of instance ``k``, its entry in ``values``; 1 where there are none."""
        if values is None or is_uniform(values):
            return literal(1.0 if values is None else float(values[0]))
        return self.entry(self.shared.table(values), k)

    def serve_listed(
        self, k: str, targets: ir.Targets, act: Serve, some: tuple[str, str] | None = None
    ) -> None:
        """``act`` for each target of instance ``k``, or ``some`` of them, in a loop."""
        starts = self.shared.table(targets.starts)
        first = self.entry(starts, k)
        begin, end = some or (first, self.entry(starts, self.do(f"add i64 {k}, 1")))
        count = self.do(f"sub i64 {end}, {begin}")
        which = self.shared.table(targets.which) if len(targets.names) > 1 else None
        runs = _runs(targets)
        nearest = self.spaced(k, runs) if runs is not None else ""
        with self.over(begin, count, empty=True) as at:
            handler = self.entry(which, at) if which else "0"
            if runs is None:
                index = self.entry(self.shared.table(targets.index), at)
            else:
                index = self.do(f"add nsw i64 {nearest}, {self.do(f'sub nsw i64 {at}, {first}')}")
            delay, weight = self._number_of(at, targets.delays), self._number_of(at, targets.weights)
            act(Served(targets.names, handler, index, delay, weight))

    def spaced(self, k: str, numbers: NDArray[np.int64]) -> str:
        """Of instance ``k``, its entry in ``numbers``: worked out if these are evenly spaced."""
        stride = int(numbers[1] - numbers[0]) if len(numbers) > 1 else 0
        if not np.array_equal(numbers, numbers[0] + stride * np.arange(len(numbers))):
            return self.entry(self.shared.table(numbers), k)
        if stride == 0 or k == "0":
            return str(numbers[0])
        return self.do(f"add i64 {self.do(f'mul i64 {k}, {stride}')}, {numbers[0]}")

    def call_handler(self, event: Served) -> None:
        """Calls one of the named handlers for an instance."""
        if len(event.names) == 1:
            self._call(event.names[0], event)
            return
        end, *cases = self.labels("called", *(f"to{n}." for n in range(len(event.names))))
        arms = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(cases))
        self.say(f"switch i64 {event.which}, label %{end} [ {arms} ]")
        for name, label in zip(event.names, cases, strict=True):
            self.begin(label)
            self._call(name, event)
            self.say(f"br label %{end}")
        self.begin(end)

    def _call(self, name: str, event: Served) -> None:
        weight = f", double {event.weight}" if name in self.shared.weighted else ""
        self.say(f'call void @"{name}"(ptr %S, i64 {event.index}{weight})')

    def record(self, event: Served) -> None:
        self.shared.needs.add("events.record")
        self.say(f"call void @events.record(ptr %S, i64 {event.index})")

    def enqueue(self, event: Served) -> None:
        """Queues a call of a handler, to be made when the delay is over."""
        queued = self.shared.queued
        if len(event.names) == 1:
            handler = str(queued.index(event.names[0]))
        else:
            numbers = self.shared.table(np.array([queued.index(name) for name in event.names]))
            handler = self.entry(numbers, event.which)
        self.shared.needs.add("events.push")
        now = self.do(f"load double, ptr {self.cell(ir.TIME)}")
        due = self.do(f"fadd double {now}, {event.delay}")
        self.say(f"call void @events.push(ptr %S, double {due}, i64 {handler}, i64 {event.index})")


def _runs(targets: ir.Targets) -> NDArray[np.int64] | None:
    """For each source its first target, where its targets stand side by side; else None."""
    counts = np.diff(targets.starts)
    used = np.flatnonzero(counts)
    index = targets.index
    if len(index) < RUN * max(1, len(used)):
        return None
    begin = targets.starts[:-1][used]
    ends = targets.starts[1:][used] - 1
    if np.any(index[ends] - index[begin] != counts[used] - 1):  # most tables fail here, at little cost
        return None
    first = np.zeros(len(counts), np.int64)
    first[used] = index[begin]
    steps = index[1:] - index[:-1] == 1
    steps[begin[1:] - 1] = True
    return first if steps.all() else None
