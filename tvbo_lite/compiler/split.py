"""Loops over many instances in two: first what can be worked out for several at once, then what sends events.

jLEMS finishes one instance before it goes on to the next. Where the events of an instance reach others only
later (they are delayed, or recorded) and nothing of another instance is read that changes meanwhile, it
makes no difference to move all instances on first, and then to look at their conditions one by one. The
first loop is then free of events, and the compiler can use vector instructions for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.expr.tree import Binary, Call, Expr, Negate, Not, Number, Select, children
from tvbo_lite.transforms.blocks import Block

MANY = 16  # instances from which on two loops are better than one
CHEAP = 24  # parts of an expression that may be worked out for nothing
_COSTS = {"/": 4, "^": CHEAP + 1}
_FREE = (Number, ir.Temp, ir.Load, ir.Weight, Negate, Not, Select)
_KNOWN = (ir.Let, ir.Store, ir.If, ir.Each, ir.Reduce, ir.Emit)


def split_loops(program: ir.Program) -> ir.Program:
    """The program with such loops in two; it gives the same results to the last bit."""
    splitter = _Splitter(program)
    step = replace(program.step, body=tuple(splitter.body(program.step.body)))
    return replace(program, step=step)


@dataclass(slots=True)
class _Access:
    """What a piece of code does with memory: cells by their numbers; ``foreign`` are read of others."""

    writes: set[int] = field(default_factory=set)
    foreign: set[int] = field(default_factory=set)
    sets: set[int] = field(default_factory=set)  # temporaries
    uses: set[int] = field(default_factory=set)
    draws: bool = False
    plain: bool = True  # whether all of it is understood


class _Splitter:
    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.cells = sorted(program.cells, key=lambda cell: cell.offset)
        self.offsets = np.array([cell.offset for cell in self.cells])

    def body(self, statements: Sequence[ir.Statement]) -> Iterator[ir.Statement]:
        for statement in statements:
            if isinstance(statement, ir.Each):
                inner = replace(statement, body=tuple(self.body(statement.body)))
                yield from self._parts(inner)
            else:
                yield statement

    def _parts(self, each: ir.Each) -> list[ir.Statement]:
        """The loop, or the two that do the same."""
        if each.block.size < MANY:
            return [each]
        at = next((n for n, item in enumerate(each.body) if _sends(item)), len(each.body))
        smooth = tuple(branchless(each.body[:at]))
        if at in (0, len(each.body)) or not self._independent(each.block, smooth, each.body[at:]):
            return [replace(each, body=(*smooth, *each.body[at:]))]
        return [replace(each, body=smooth), replace(each, body=each.body[at:])]

    def _independent(self, block: Block, first: Sequence[ir.Statement], then: Sequence[ir.Statement]) -> bool:
        """Whether all of ``first`` may happen before any of ``then``."""
        one, other = self._access(block, first), self._access(block, then)
        ports = (
            self.program.ports[item.port] for item in ir.statements(tuple(then)) if isinstance(item, ir.Emit)
        )
        return (
            one.plain
            and other.plain
            and not any(port.immediate for port in ports)
            and not (one.draws and other.draws)
            and not one.sets & other.uses
            and not one.foreign & other.writes
            and not other.foreign & one.writes
        )

    # ---- what code reads and writes ------------------------------------------------------------

    def _access(self, block: Block, body: Sequence[ir.Statement]) -> _Access:
        access = _Access()
        for statement in ir.statements(tuple(body)):
            match statement:
                case ir.Let(temp, value):
                    access.sets.add(temp.number)
                    self._read(block, value, access)
                case ir.Store(target, value):
                    self._read(block, value, access)
                    self._write(block, target, access)
                case ir.If(condition):
                    self._read(block, condition, access)
                case ir.Reduce():
                    access.sets.add(statement.temp.number)
                    self._read(block, statement.start, access)
                    self._reduced(block, statement, access)
                case _:
                    access.plain = access.plain and isinstance(statement, _KNOWN)
        return access

    def _read(self, block: Block, value: Expr, access: _Access) -> None:
        if isinstance(value, ir.Temp):
            access.uses.add(value.number)
        elif isinstance(value, ir.Load):
            if value.offset != ir.TIME and not self._is_own(block, value):
                access.foreign |= self._cells_at(np.array([value.offset, value.offset + value.stride]))
                last = value.offset + value.stride * (value.block.size - 1)
                access.foreign |= self._between(value.offset, last)
        elif isinstance(value, ir.Gather):
            access.foreign |= self._cells_at(self.program.tables[value.table])
        elif isinstance(value, Call) and value.function == "random":
            access.draws = True
        for child in children(value):
            self._read(block, child, access)

    def _write(self, block: Block, target: ir.Load, access: _Access) -> None:
        access.plain = access.plain and self._is_own(block, target)
        access.writes |= self._between(target.offset, target.offset)

    def _is_own(self, block: Block, leaf: ir.Load) -> bool:
        """Whether every instance reads a place of its own, or of what is below it."""
        inside = leaf.block is block or any(above is block for above in leaf.block.ancestors())
        number = self._number(leaf.offset)
        cell = self.cells[number] if number >= 0 else None
        return (
            inside
            and cell is not None
            and cell.block is leaf.block
            and cell.offset == leaf.offset
            and (leaf.stride == 1 or leaf.block.size == 1)
        )

    def _reduced(self, block: Block, statement: ir.Reduce, access: _Access) -> None:
        if statement.through is not None:
            access.foreign |= self._cells_at(self.program.tables[statement.through])
            return
        first, last = self._numbers(statement, statement.first), self._numbers(statement, statement.last)
        some = last > first
        if not some.any():
            return
        low, high = int(first[some].min()), int(last[some].max()) - 1
        cells = self._between(low, high)
        own = len(cells) == 1 and statement.block is block and self._is_range(block, cells, first, last)
        if not own:
            access.foreign |= cells

    def _is_range(self, block: Block, cells: set[int], first: np.ndarray, last: np.ndarray) -> bool:
        """Whether each instance's range is that of its own members in one list."""
        cell = self.cells[next(iter(cells))]
        if cell.block.parent is not block:
            return False
        begin, end = cell.block.bounds()
        lengths = end - begin
        return bool(
            np.array_equal(lengths, last - first) and np.all((first == cell.offset + begin) | (lengths == 0))
        )

    def _numbers(self, statement: ir.Reduce, index: ir.Index) -> np.ndarray:
        if isinstance(index, ir.Entry):
            return self.program.tables[index.table]
        return index.offset + index.stride * np.arange(statement.block.size)

    def _number(self, place: int) -> int:
        """The number of the cell in which a place lies; -1 for the reserved ones."""
        return int(np.searchsorted(self.offsets, place, side="right")) - 1

    def _cells_at(self, places: np.ndarray) -> set[int]:
        return set(np.unique(np.searchsorted(self.offsets, places, side="right") - 1).tolist())

    def _between(self, low: int, high: int) -> set[int]:
        return set(range(self._number(low), self._number(high) + 1))


def _sends(statement: ir.Statement) -> bool:
    return any(isinstance(item, ir.Emit | ir.Call) for item in ir.statements((statement,)))


# ---- choices without branches ------------------------------------------------------------------------


def branchless(body: Sequence[ir.Statement]) -> Iterator[ir.Statement]:
    """The same with short conditional assignments as assignments of a choice: what was, or what is new."""
    for statement in body:
        if isinstance(statement, ir.Each):
            yield replace(statement, body=tuple(branchless(statement.body)))
        elif isinstance(statement, ir.If) and _is_short(statement):
            test = statement.condition
            for item in statement.then:
                assert isinstance(item, ir.Store)  # noqa: S101  it is short
                yield ir.Store(item.target, Select(((test, item.value), (None, item.target))))
            for item in statement.otherwise:
                assert isinstance(item, ir.Store)  # noqa: S101  it is short
                yield ir.Store(item.target, Select(((test, item.target), (None, item.value))))
        else:
            yield statement


def _is_short(statement: ir.If) -> bool:
    items = (*statement.then, *statement.otherwise)
    if not all(isinstance(item, ir.Store) for item in items):
        return False
    stores = [item for item in items if isinstance(item, ir.Store)]
    read = set(_leaves(statement.condition))
    cheap = all(is_cheap(item.value) for item in stores) and is_cheap(statement.condition)
    return cheap and not any(item.target in read for item in stores)


def is_cheap(expr: Expr) -> bool:
    """Whether an expression may be worked out though its value is not needed."""
    return _cost(expr) <= CHEAP


def _cost(expr: Expr) -> int:
    own = 1 if isinstance(expr, _FREE) else CHEAP + 1
    if isinstance(expr, Binary):
        own = _COSTS.get(expr.op, 1)
    return own + sum(map(_cost, children(expr)))


def _leaves(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, ir.Load):
        yield expr
    for child in children(expr):
        yield from _leaves(child)
