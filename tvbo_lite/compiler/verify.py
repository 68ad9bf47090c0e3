"""What must hold of a `tvbo_lite.compiler.ir.Program` before code is made from it.

A fault found here is one of the compiler, never of the user's model; the message says which function
breaks which rule. Each kind of statement and of value has its row in a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.tree import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    LOGICAL,
    Binary,
    Call,
    Name,
    Negate,
    Not,
    Number,
    Select,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from tvbo_lite.transforms.blocks import Block

_OPERANDS = {**dict.fromkeys((*ARITHMETIC, *COMPARISONS), False), **dict.fromkeys(LOGICAL, True)}
_KIND = {True: "a condition", False: "a number"}


_SETTERS = (ir.Let, ir.Reduce, ir.Norm, ir.Sample, ir.After, ir.Recall, ir.Find, ir.Due)


def verify(program: ir.Program) -> None:
    """Raises `CompileError` for the first rule that the program breaks.

    A temporary is set before it is used, and not in one branch only; every place that is read or
    written lies in memory for every instance; a function refers to the instance it is called for, and
    to those around it; functions, tables and ports that are named exist; conditions are truth values,
    all else is a number.
    """
    functions = _functions(program)
    sizes = {name: function.block.size for name, function in functions.items()}
    for fan in program.fans:
        sizes[fan.name] = len(fan.targets.starts) - 1
        _starts(fan.targets, sizes[fan.name], f"'{fan.name}'")
        _handled(fan.targets, sizes, f"'{fan.name}'")
    for port in program.ports:
        _port(port, sizes, len(program.events))
    _inside(program, program.records, "the recorded quantities")
    for cell in (*program.cells, *program.checked):
        _cell(program, cell)
    for function in (*program.functions, program.step):
        _Checker(program, functions, function).body(function.body)


def _functions(program: ir.Program) -> dict[str, ir.Function]:
    functions: dict[str, ir.Function] = {}
    for function in program.functions:
        if function.name in functions:
            msg = f"two functions are called '{function.name}'"
            raise CompileError(msg)
        functions[function.name] = function
    if functions.get(program.initialise.name) is not program.initialise:
        msg = f"'{program.initialise.name}', which initialises, is not among the functions"
        raise CompileError(msg)
    for function in (program.initialise, program.step):
        if function.block.parent is not None:
            msg = f"'{function.name}' is for '{function.block.kind.name}', which is not the root"
            raise CompileError(msg)
    return functions


def _inside(program: ir.Program, places: Iterable[int] | NDArray[np.int64], what: str) -> None:
    listed = np.fromiter(places, np.int64) if not isinstance(places, np.ndarray) else places
    if len(listed) and not (listed.min() >= 0 and listed.max() < len(program.memory)):
        msg = f"{what}: a place is outside the memory of {len(program.memory)} cells"
        raise CompileError(msg)


def _cell(program: ir.Program, cell: ir.Cell) -> None:
    if cell.size != cell.block.size:
        msg = (
            f"'{cell.name}' has {cell.size} cells for {cell.block.size} instances of '{cell.block.kind.name}'"
        )
        raise CompileError(msg)
    _inside(program, (cell.offset, cell.offset + cell.size - 1), f"the cells of '{cell.name}'")
    if cell.offset < ir.RESERVED:
        msg = f"the cells of '{cell.name}' overlap the reserved ones"
        raise CompileError(msg)


def _port(port: ir.Port, sizes: dict[str, int], recorders: int) -> None:
    name = f"port '{port.name}' of '{port.block.kind.name}'"
    for targets in (port.immediate, port.recorders, port.delayed):
        _starts(targets, port.block.size, name)
    if np.any((port.recorders.index < 0) | (port.recorders.index >= recorders)):
        msg = f"{name}: there are {recorders} event recorders, but another is named"
        raise CompileError(msg)
    for targets in (port.immediate, port.delayed):
        _handled(targets, sizes, name)
        if not np.all(np.isfinite(targets.delays) & (targets.delays >= 0.0)):
            msg = f"{name}: a delay is no time: {targets.delays.min()} s"
            raise CompileError(msg)


def _handled(targets: ir.Targets, sizes: dict[str, int], name: str) -> None:
    """Every target is an instance of a handler that exists."""
    if not targets:
        return
    single = len(targets.names) == 1
    for number in [0] if single else np.unique(targets.which).tolist():
        handler = targets.names[number]
        if handler not in sizes:
            msg = f"{name}: there is no handler '{handler}'"
            raise CompileError(msg)
        index = targets.index if single else targets.index[targets.which == number]
        if index.min() < 0 or index.max() >= sizes[handler]:
            msg = f"{name}: '{handler}' has no instance {index.max()}"
            raise CompileError(msg)


def _starts(targets: ir.Targets, size: int, name: str) -> None:
    counts = np.diff(targets.starts)
    if len(targets.starts) != size + 1 or np.any(counts < 0) or targets.starts[-1] != len(targets.index):
        msg = f"{name}: its targets are not those of {size} instances"
        raise CompileError(msg)


class _Checker:
    """One function: which temporaries are set, which block's instance the code is at."""

    def __init__(self, program: ir.Program, functions: dict[str, ir.Function], function: ir.Function) -> None:
        self.program = program
        self.functions = functions
        self.function = function
        self.size = len(program.memory)
        self.block = function.block
        self.known: set[int] = set()
        self.reach = self._reach(function.block)

    def fail(self, message: str) -> CompileError:
        return CompileError(f"in '{self.function.name}' of '{self.block.kind.name}': {message}")

    @staticmethod
    def _reach(block: Block) -> set[int]:
        return {block.number, *(above.number for above in block.ancestors())}

    # ---- statements --------------------------------------------------------------------------------

    def body(self, statements: tuple[ir.Statement, ...]) -> None:
        for statement in statements:
            rule = _STATEMENTS.get(type(statement))
            if rule is None:
                raise self.fail(f"unknown statement '{type(statement).__name__}'")
            rule(self, statement)

    def nested(self, statements: tuple[ir.Statement, ...], block: Block) -> None:
        """A body of its own: what it sets is unknown, or not the same, after it."""
        outside, before, reach = self.known, self.block, self.reach
        if block is not before:
            self.block, self.reach = block, self._reach(block)
        self.known = set(outside)
        self.body(statements)
        self.known, self.block, self.reach = outside, before, reach
        again = {item.temp.number for item in statements if isinstance(item, _SETTERS)} & outside
        if again:
            raise self.fail(f"temporary {min(again)} is set again in a nested body")

    def let(self, statement: ir.Let) -> None:
        self.number(statement.value)
        self.known.add(statement.temp.number)

    def store(self, statement: ir.Store) -> None:
        self.number(statement.value)
        self.load(statement.target)
        if statement.target.offset < ir.RESERVED:
            raise self.fail(f"the reserved cell {statement.target.offset} is written")

    def branch(self, statement: ir.If) -> None:
        self.truth(statement.condition)
        self.nested(statement.then, self.block)
        self.nested(statement.otherwise, self.block)

    def each(self, statement: ir.Each) -> None:
        self._below(statement.block)
        self.nested(statement.body, statement.block)

    def _below(self, block: Block) -> None:
        if block.parent is not self.block:
            raise self.fail(f"'{block.kind.name}' is not directly below")
        if block.starts is None and (block.fanout < 1 or block.size != block.fanout * self.block.size):
            raise self.fail(
                f"{block.size} instances of '{block.kind.name}' cannot be {block.fanout} for each"
            )
        if block.starts is not None and block.starts[-1] != block.size:
            raise self.fail(f"the starts of '{block.kind.name}' are not those of {block.size} instances")

    def reduce(self, statement: ir.Reduce) -> None:
        if statement.op not in ("+", "*"):
            raise self.fail(f"a list is reduced by '{statement.op}'")
        self.number(statement.start)
        first, last = (self._numbers(index, statement.block) for index in (statement.first, statement.last))
        if np.any(last < first):
            raise self.fail("a list ends before it begins")
        some = last > first
        through = statement.through
        places = np.concatenate((first[some], last[some] - 1))
        if through is not None:
            self._table(through)
            table = self.program.tables[through]
            if len(places) and not (places.min() >= 0 and places.max() < len(table)):
                raise self.fail(f"entries of table {through} are read that it does not have")
            places = table
        _inside(self.program, places, f"in '{self.function.name}'")
        self.known.add(statement.temp.number)

    def kinetics(self, statement: ir.Kinetics) -> None:
        for node in statement.nodes:
            self.value(node)
        for edge in statement.edges:
            self.number(edge.forward)
            self.number(edge.reverse)
            if not (0 <= edge.source < len(statement.nodes) and 0 <= edge.target < len(statement.nodes)):
                raise self.fail(f"an edge leads from node {edge.source} to {edge.target}")

    def emit(self, statement: ir.Emit) -> None:
        if not 0 <= statement.port < len(self.program.ports):
            raise self.fail(f"there is no port {statement.port}")
        port = self.program.ports[statement.port]
        if port.block is not statement.block or statement.block.number not in self.reach:
            raise self.fail(f"port '{port.name}' is one of '{port.block.kind.name}'")

    def call(self, statement: ir.Call) -> None:
        function = self.functions.get(statement.function)
        if function is None:
            raise self.fail(f"there is no function '{statement.function}'")
        if function.block is not statement.block:
            raise self.fail(f"'{statement.function}' is for '{function.block.kind.name}'")
        if statement.block.parent is not None or statement.block is not self.block:
            self._below(statement.block)

    # ---- integration methods ---------------------------------------------------------------------

    def set_time(self, statement: ir.SetTime) -> None:
        self.number(statement.value)

    def repeat(self, statement: ir.While) -> None:
        self.truth(statement.condition)
        self.nested(statement.body, self.block)

    def _stretch(self, place: int, size: int, *, written: bool = False) -> None:
        if size < 0 or not 0 <= place <= self.size - size:
            what = f"places {place} to {place + size}"
            raise self.fail(f"{what} are not all in the memory of {self.size} cells")
        if written and size and place < ir.RESERVED:
            raise self.fail(f"the reserved cell {place} is written")

    def _terms(self, terms: ir.Terms, size: int) -> None:
        for weight, place in terms:
            self.number(weight)
            self._stretch(place, size)

    def blend(self, statement: ir.Blend) -> None:
        self._stretch(statement.target, statement.size, written=True)
        self._stretch(statement.base, statement.size)
        self.number(statement.factor)
        self._terms(statement.terms, statement.size)

    def multiply(self, statement: ir.Multiply) -> None:
        self._stretch(statement.target, statement.size, written=True)
        self._stretch(statement.first, statement.size)
        self._stretch(statement.second, statement.size)
        self.number(statement.factor)

    def norm(self, statement: ir.Norm) -> None:
        for place in (statement.scale, statement.first, statement.second):
            self._stretch(place, statement.size)
        for value in (statement.factor, statement.absolute, statement.relative):
            self.number(value)
        self._terms(statement.terms, statement.size)
        self.known.add(statement.temp.number)

    def jacobian(self, statement: ir.Jacobian) -> None:
        function = self.functions.get(statement.function)
        if function is None or function.block.parent is not None:
            raise self.fail(f"there is no function '{statement.function}' of the root")
        for place in (statement.slopes, statement.known, statement.scale):
            self._stretch(place, statement.size)
        self._stretch(statement.states, statement.size, written=True)
        self._stretch(statement.matrix, statement.size**2, written=True)

    def factor(self, statement: ir.Factor) -> None:
        self.number(statement.diagonal)
        self._stretch(statement.matrix, statement.size**2)
        self._stretch(statement.target, statement.size**2, written=True)
        self._stretch(statement.pivots, statement.size, written=True)

    def solve(self, statement: ir.Solve) -> None:
        self._stretch(statement.matrix, statement.size**2)
        self._stretch(statement.pivots, statement.size)
        self._stretch(statement.vector, statement.size, written=True)

    def normal(self, statement: ir.Normal) -> None:
        self.number(statement.step)
        self._stretch(statement.target, statement.size, written=True)

    def sample(self, statement: ir.Sample) -> None:
        self.number(statement.time)
        self._stretch(statement.times, statement.count)
        self._stretch(statement.values, statement.count * statement.columns)
        if statement.count < 1 or statement.columns not in (1, self._count(statement.block)):
            raise self.fail(f"a table of {statement.count} times has {statement.columns} columns")
        self.known.add(statement.temp.number)

    def after(self, statement: ir.After) -> None:
        self.number(statement.value)
        self._stretch(statement.place, statement.count)
        if statement.count < 1:
            raise self.fail("a list of times is empty")
        self.known.add(statement.temp.number)

    def _ring(self, ring: ir.Ring, head: ir.Value) -> None:
        self.number(head)
        self._stretch(ring.place, ring.size, written=True)
        if ring.rows < 1 or ring.count < 1:
            raise self.fail(f"a ring has {ring.rows} rows of {ring.count} values")

    def remember(self, statement: ir.Remember) -> None:
        self._ring(statement.ring, statement.head)
        self._table(statement.sources, statement.ring.count)
        _inside(self.program, self.program.tables[statement.sources], f"table {statement.sources}")

    def recall(self, statement: ir.Recall) -> None:
        self._ring(statement.ring, statement.head)
        starts = self._numbers(statement.start, statement.block)
        if len(starts) and not (starts.min() >= 0 and starts.max() <= statement.ring.size):
            raise self.fail(f"a ring of {statement.ring.size} places is read at {starts.max()}")
        self.known.add(statement.temp.number)

    def find(self, statement: ir.Find) -> None:
        self._ring(statement.ring, statement.head)
        self.number(statement.value)
        self.known.add(statement.temp.number)

    def due(self, statement: ir.Due) -> None:
        self.known.add(statement.temp.number)

    def deliver(self, _: ir.Deliver) -> None:
        if not self.program.own_time:
            raise self.fail("events are delivered by the step, and once more before it")

    # ---- values --------------------------------------------------------------------------------------

    def number(self, value: ir.Value) -> None:
        if self.value(value):
            raise self.fail("a condition stands where a number is needed")

    def truth(self, value: ir.Value) -> None:
        if not self.value(value):
            raise self.fail("a number stands where a condition is needed")

    def value(self, value: ir.Value) -> bool:
        """Whether the value is a condition, after a check of all that it is made of."""
        rule = _VALUES.get(type(value))
        if rule is None:
            raise self.fail(f"unknown value '{type(value).__name__}'")
        return rule(self, value)

    def temp(self, value: ir.Temp) -> bool:
        if value.number not in self.known:
            raise self.fail(f"temporary {value.number} is used, but not set on every way here")
        return False

    def _count(self, block: Block) -> int:
        if block.size > 1 and block.number not in self.reach:
            raise self.fail(f"an instance of '{block.kind.name}' is not around this one")
        return block.size

    def weight(self, _: ir.Weight) -> bool:
        if not self.function.weighted:
            raise self.fail("there is no weight: the function is not called with one")
        return False

    def _numbers(self, index: ir.Index, block: Block) -> NDArray[np.int64]:
        """The whole numbers of all instances of a block."""
        size = self._count(block)
        if isinstance(index, ir.Affine):
            return index.offset + index.stride * np.arange(size)
        self._table(index.table, size)
        return self.program.tables[index.table][:size]

    def _table(self, number: int, size: int = 0) -> None:
        if not 0 <= number < len(self.program.tables):
            raise self.fail(f"there is no table {number}")
        entries = len(self.program.tables[number])
        if entries < size:
            raise self.fail(f"table {number} has {entries} entries for {size} instances")

    def load(self, value: ir.Load) -> bool:
        last = value.offset + value.stride * (self._count(value.block) - 1)
        if not (0 <= value.offset < self.size and 0 <= last < self.size):
            raise self.fail(f"places {value.offset} to {last} are not all in the memory of {self.size} cells")
        return False

    def gather(self, value: ir.Gather) -> bool:
        self._table(value.table, self._count(value.block))
        _inside(self.program, self.program.tables[value.table], f"table {value.table}")
        return False

    def binary(self, value: Binary) -> bool:
        wanted = _OPERANDS.get(value.op)
        if wanted is None:
            raise self.fail(f"unknown operator '{value.op}'")
        for side in (value.left, value.right):
            if self.value(side) is not wanted:
                raise self.fail(f"an operand of '{value.op}' is not {_KIND[wanted]}")
        return value.op not in ARITHMETIC

    def negate(self, value: Negate) -> bool:
        self.number(value.operand)
        return False

    def negation(self, value: Not) -> bool:
        self.truth(value.operand)
        return True

    def function_call(self, value: Call) -> bool:
        if value.function not in FUNCTIONS:
            raise self.fail(f"unknown function '{value.function}'")
        self.number(value.argument)
        return False

    def select(self, value: Select) -> bool:
        for condition, chosen in value.cases:
            if condition is not None:
                self.truth(condition)
            self.number(chosen)
        return False

    def constant(self, value: Number) -> bool:
        if not isinstance(value.value, float):
            raise self.fail(f"the number {value.value!r} is not a double")
        return False

    def name(self, value: Name) -> bool:
        raise self.fail(f"the name '{value.name}' is not bound to anything")


_STATEMENTS: dict[type, Callable[[_Checker, object], None]] = {
    ir.Let: _Checker.let,  # type: ignore[dict-item]  # each row takes the object of its key
    ir.Store: _Checker.store,  # type: ignore[dict-item]
    ir.If: _Checker.branch,  # type: ignore[dict-item]
    ir.Each: _Checker.each,  # type: ignore[dict-item]
    ir.Reduce: _Checker.reduce,  # type: ignore[dict-item]
    ir.Kinetics: _Checker.kinetics,  # type: ignore[dict-item]
    ir.Emit: _Checker.emit,  # type: ignore[dict-item]
    ir.Call: _Checker.call,  # type: ignore[dict-item]
    ir.SetTime: _Checker.set_time,  # type: ignore[dict-item]
    ir.While: _Checker.repeat,  # type: ignore[dict-item]
    ir.Blend: _Checker.blend,  # type: ignore[dict-item]
    ir.Multiply: _Checker.multiply,  # type: ignore[dict-item]
    ir.Norm: _Checker.norm,  # type: ignore[dict-item]
    ir.Jacobian: _Checker.jacobian,  # type: ignore[dict-item]
    ir.Factor: _Checker.factor,  # type: ignore[dict-item]
    ir.Solve: _Checker.solve,  # type: ignore[dict-item]
    ir.Normal: _Checker.normal,  # type: ignore[dict-item]
    ir.Sample: _Checker.sample,  # type: ignore[dict-item]
    ir.After: _Checker.after,  # type: ignore[dict-item]
    ir.Remember: _Checker.remember,  # type: ignore[dict-item]
    ir.Recall: _Checker.recall,  # type: ignore[dict-item]
    ir.Find: _Checker.find,  # type: ignore[dict-item]
    ir.Due: _Checker.due,  # type: ignore[dict-item]
    ir.Deliver: _Checker.deliver,  # type: ignore[dict-item]
}
_VALUES: dict[type, Callable[[_Checker, object], bool]] = {
    ir.Temp: _Checker.temp,  # type: ignore[dict-item]
    ir.Weight: _Checker.weight,  # type: ignore[dict-item]
    ir.Load: _Checker.load,  # type: ignore[dict-item]
    ir.Gather: _Checker.gather,  # type: ignore[dict-item]
    Number: _Checker.constant,  # type: ignore[dict-item]
    Name: _Checker.name,  # type: ignore[dict-item]
    Binary: _Checker.binary,  # type: ignore[dict-item]
    Negate: _Checker.negate,  # type: ignore[dict-item]
    Not: _Checker.negation,  # type: ignore[dict-item]
    Call: _Checker.function_call,  # type: ignore[dict-item]
    Select: _Checker.select,  # type: ignore[dict-item]
}
