"""Loops over many instances in several: what can be worked out for several at once apart from the rest.

jLEMS finishes one instance before it goes on to the next. Where the events of an instance reach others only
later (they are delayed, or recorded) and nothing of another instance is read that changes meanwhile, it
makes no difference to bring all instances through the first part of their step, then all through the second.
Parts without events and inner loops are then loops of their own, for which the compiler can use vector
instructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.expr.tree import Binary, Call, Expr, Negate, Not, Number, Select, children
from tvbo_lite.transforms.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

PASSES = ("rates", "conditions", "watch")  # what an integration method runs for all instances
MANY = 16  # instances from which on several loops are better than one
CHEAP = 24  # parts of an expression that may be worked out for nothing
_COSTS = {"/": 4, "^": CHEAP + 1}
_FREE = (Number, ir.Temp, ir.Load, ir.Weight, Negate, Not, Select)
_KNOWN = (ir.Let, ir.Store, ir.If, ir.Each, ir.Reduce, ir.Emit)
_SCRATCH = "between two loops"

Body = tuple[ir.Statement, ...]


def split_loops(program: ir.Program) -> ir.Program:
    """The program with such loops; it gives the same results to the last bit."""
    splitter = _Splitter(program)
    body = tuple(splitter.body(program.step.body))
    functions = [
        replace(one, body=tuple(splitter.body(one.body))) if one.name in PASSES else one
        for one in program.functions
    ]
    memory = np.concatenate((program.memory, np.zeros(splitter.size - len(program.memory))))
    step = replace(program.step, body=body)
    cells = [*program.cells, *splitter.scratch]
    return replace(program, step=step, functions=functions, memory=memory, cells=cells)


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
        self.size = len(program.memory)
        self.scratch: list[ir.Cell] = []

    def body(self, statements: Sequence[ir.Statement]) -> Iterator[ir.Statement]:
        for statement in statements:
            if isinstance(statement, ir.Each) and statement.block.size >= MANY:
                yield from self._loops(statement)
            elif isinstance(statement, ir.Each):
                yield replace(statement, body=tuple(self.body(statement.body)))
            else:
                yield statement

    def _loops(self, each: ir.Each) -> list[ir.Statement]:
        """The loop, or those that do the same."""
        body = tuple(branchless(each.body))
        parts = [tuple(part) for part in _parts(body)]
        if len(parts) == 1 or not self._independent(each.block, parts):
            return [replace(each, body=body)]
        return [replace(each, body=part) for part in self._carried(each.block, parts)]

    def _independent(self, block: Block, parts: Sequence[Body]) -> bool:
        """Whether each part may happen in all instances before the next one does in any."""
        emits = (item for part in parts for item in ir.statements(part) if isinstance(item, ir.Emit))
        if any(self.program.ports[item.port].immediate for item in emits):
            return False
        accesses = [self._access(block, part) for part in parts]
        if not all(access.plain for access in accesses) or sum(access.draws for access in accesses) > 1:
            return False
        return not any(
            one.foreign & other.writes or other.foreign & one.writes
            for one, other in combinations(accesses, 2)
        )

    def _carried(self, block: Block, parts: Sequence[Body]) -> Iterator[Body]:
        """The parts, with memory for the temporaries that later ones use."""
        accesses = [self._access(block, part) for part in parts]
        place: dict[int, ir.Load] = {}
        for number, (part, access) in enumerate(zip(parts, accesses, strict=True)):
            later = {temp for other in accesses[number + 1 :] for temp in other.uses}
            kept = sorted(access.sets & later)
            for temp in kept:
                place[temp] = self._room(block)
            brought = tuple(
                ir.Let(ir.Temp(temp), place[temp])
                for temp in sorted(access.uses - access.sets)
                if temp in place
            )
            yield (*brought, *part, *(ir.Store(place[temp], ir.Temp(temp)) for temp in kept))

    def _room(self, block: Block) -> ir.Load:
        """A cell for a temporary of all instances."""
        self.scratch.append(ir.Cell(block, _SCRATCH, self.size, block.size))
        self.size += block.size
        return ir.Load(block, self.scratch[-1].offset)

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
                case ir.Recall(temp, _, _, head, _):
                    access.sets.add(temp.number)
                    self._read(block, head, access)
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
                places = value.offset + value.stride * np.arange(value.block.size)
                access.foreign |= self._cells_at(places)
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
        """Whether every instance of ``block`` reads a place of its own, or of what is below it."""
        number = self._number(leaf.offset)
        if number < 0 or not _is_within(leaf.block, block):
            return False
        cell, fanout = self.cells[number], 1
        at: Block | None = cell.block
        while at is not None and at is not leaf.block:
            if at.starts is not None:
                return False
            fanout *= at.fanout
            at = at.parent
        stride = fanout if leaf.block.size == 1 else leaf.stride
        return at is leaf.block and stride == fanout and 0 <= leaf.offset - cell.offset < fanout

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

    def _is_range(
        self, block: Block, cells: set[int], first: NDArray[np.int64], last: NDArray[np.int64]
    ) -> bool:
        """Whether each instance's range is that of its own members in one list."""
        cell = self.cells[next(iter(cells))]
        if cell.block.parent is not block:
            return False
        begin, end = cell.block.bounds()
        lengths = end - begin
        return bool(
            np.array_equal(lengths, last - first) and np.all((first == cell.offset + begin) | (lengths == 0))
        )

    def _numbers(self, statement: ir.Reduce, index: ir.Index) -> NDArray[np.int64]:
        if isinstance(index, ir.Entry):
            return self.program.tables[index.table]
        return index.offset + index.stride * np.arange(statement.block.size)

    def _number(self, place: int) -> int:
        """The number of the cell in which a place lies; -1 for the reserved ones."""
        return int(np.searchsorted(self.offsets, place, side="right")) - 1

    def _cells_at(self, places: NDArray[np.int64]) -> set[int]:
        return set(np.unique(np.searchsorted(self.offsets, places, side="right") - 1).tolist())

    def _between(self, low: int, high: int) -> set[int]:
        return set(range(self._number(low), self._number(high) + 1))


def _is_within(block: Block, around: Block) -> bool:
    return block is around or any(above is around for above in block.ancestors())


def _parts(body: Body) -> Iterator[list[ir.Statement]]:
    """Stretches that are smooth, and those that are not, in turn."""
    part: list[ir.Statement] = []
    for statement in body:
        if part and _is_smooth(statement) != _is_smooth(part[-1]):
            yield part
            part = []
        part.append(statement)
    yield part


def _is_smooth(statement: ir.Statement) -> bool:
    """Whether a statement can be carried out for several instances at once."""
    if isinstance(statement, ir.Each):
        alone = statement.block.starts is None and statement.block.fanout == 1
        return alone and all(map(_is_smooth, statement.body))
    return isinstance(statement, ir.Let | ir.Store | ir.Recall)


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
