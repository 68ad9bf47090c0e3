"""Writes LLVM instructions for `tvbo_lite.compiler.ir` expressions and statements.

The text is written directly: it is the fastest way from our small IR to LLVM, and it can be read.
In strict mode every operation is the IEEE one that jLEMS does, in its order, and transcendentals are
the platform's libm. Fast mode lets LLVM reassociate and contract, has an exponential of its own that
works on several instances at once, and raises to small whole powers by multiplication.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.split import is_cheap
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.tree import ARITHMETIC, Binary, Call, Negate, Not, Number, Select, children
from tvbo_lite.transforms.arrays import is_uniform
from tvbo_lite.transforms.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAST_FLAGS = " reassoc nsz arcp contract afn"
SMALL_POWER = 8  # fast mode multiplies up to this exponent
RUN = 8  # targets of so many neighbours on average are worth a loop of their own
ALIKE = 8  # longer target lists are served in a loop
IN_CODE = 64  # longer arrays are not part of the code
MAX_INT32 = 1 << 31
_KINDS = {"i4": "i32", "i8": "i64", "f8": "double"}

_ARITHMETIC = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_COMPARE = {"lt": "olt", "gt": "ogt", "leq": "ole", "geq": "oge", "eq": "oeq", "neq": "une"}
_LOGIC = {"and": "and", "or": "or"}
_FUNCTIONS = {
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp")},
    "sqrt": "llvm.sqrt.f64",
    "abs": "llvm.fabs.f64",
    "ceil": "llvm.ceil.f64",
    "ln": "lems.log",
    "log": "lems.log",
    "H": "lems.step",
    "factorial": "lems.factorial",
}


def literal(value: float) -> str:
    """A double, bit by bit."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"


class Shared:
    """What the functions of one module share: its tables, and which runtime functions it needs."""

    def __init__(self, program: ir.Program, *, fast: bool) -> None:
        self.program = program
        self.fast = fast
        self.needs: set[str] = set()
        self.tables: list[str] = []
        self.arrays: dict[str, NDArray[np.generic]] = {}
        self.weighted = {function.name for function in program.functions if function.weighted}
        self.kinds: dict[str, str] = {}
        self.queued = sorted({name for port in program.ports if port.delayed for name in port.delayed.names})
        self.named: set[str] = set()
        self.offsets = [cell.offset for cell in program.cells]
        self.tagged: set[int] = set()
        for number, places in enumerate(program.tables):
            self._define(f"table.{number}", places)

    def tag(self, leaf: ir.Place) -> str:
        """Tells LLVM in which cell an access lies: two accesses in different cells never meet.

        Without that it would have to prove it, which it cannot for a loop over instances; so such loops
        would not be vectorised. An access that may lie in several cells has no tag, and may meet all.
        """
        if isinstance(leaf, ir.Gather):
            return ""
        last = leaf.offset + leaf.stride * (leaf.block.size - 1)
        number = bisect_right(self.offsets, leaf.offset) - 1
        if leaf.offset == ir.TIME:
            number = -1
        elif number < 0 or not self._within(number, leaf.offset) or not self._within(number, last):
            return ""
        self.tagged.add(number)
        return f", !tbaa !{2 * number + 4}"

    def _within(self, number: int, place: int) -> bool:
        cell = self.program.cells[number]
        return cell.offset <= place < cell.offset + cell.size

    def metadata(self) -> Iterator[str]:
        """The tags that have been used, as LLVM's types of memory accesses."""
        yield '!0 = !{!"memory"}'
        for number in sorted(self.tagged):
            kind = 2 * number + 3
            yield f'!{kind} = !{{!"cell {number}", !0, i64 0}}'
            yield f"!{kind + 1} = !{{!{kind}, !{kind}, i64 0}}"

    def table(self, values: NDArray[np.generic], *, wide: bool = False) -> str:
        """The name of an array that the code reads; a ``wide`` one keeps its 64 bits a number."""
        name = f"list.{len(self.tables)}"
        self._define(name, values, wide=wide)
        return name

    def named_table(self, name: str, values: Callable[[], NDArray[np.int64]]) -> str:
        """The same with a name of its own, made when first asked for."""
        if name not in self.named:
            self.named.add(name)
            self._define(name, values())
        return name

    def _define(self, name: str, values: NDArray[np.generic], *, wide: bool = False) -> None:
        """Short arrays stand in the code; long ones stay where they are, and the code is told the place."""
        values = np.ascontiguousarray(values)
        if not wide and len(values) > IN_CODE and values.dtype == np.int64 and values.max() < MAX_INT32:
            values = values.astype(np.int32)
        kind = self.kinds[name] = _KINDS[values.dtype.str[1:]]
        if len(values) <= IN_CODE:
            numbers = map(literal if kind == "double" else str, values.tolist())
            body = ", ".join(f"{kind} {number}" for number in numbers)
            self.tables.append(f'@"{name}" = private unnamed_addr constant [{len(values)} x {kind}] [{body}]')
        else:
            self.arrays[name] = values
            self.tables.append(f'@"{name}" = external constant [{len(values)} x {kind}]')


class Code:
    """Writes instructions; knows the index of the current instance of each block in reach."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.flags = FAST_FLAGS if shared.fast else ""
        self.lines: list[str] = []
        self.variables: list[str] = []  # stack cells, made once at the function's entry
        self.count = 0
        self.label = "entry"
        self.index: dict[int, str] = {}
        self.temps: dict[int, str] = {}

    # ---- instructions ------------------------------------------------------------------------------

    def new(self, prefix: str = "v") -> str:
        self.count += 1
        return f"%{prefix}{self.count}"

    def do(self, instruction: str) -> str:
        register = self.new()
        self.lines.append(f"  {register} = {instruction}")
        return register

    def say(self, line: str) -> None:
        self.lines.append(f"  {line}")

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.label = label

    def variable(self, start: str) -> str:
        """A stack cell that holds ``start`` from here on."""
        register = self.new("cell")
        self.variables.append(f"  {register} = alloca double")
        self.say(f"store double {start}, ptr {register}")
        return register

    def labels(self, *names: str) -> list[str]:
        self.count += 1
        return [f"{name}{self.count}" for name in names]

    # ---- memory -----------------------------------------------------------------------------------------

    def at(self, block: Block) -> str:
        """The index of the current instance of a block: known, or worked out from a descendant's."""
        if block.size == 1:
            return "0"
        if block.number not in self.index:
            self.index[block.number] = self._from_descendant(block)
        return self.index[block.number]

    def _from_descendant(self, block: Block) -> str:
        for child in block.children:
            if child.number in self.index or self._holds(child):
                return self._owner(child, self.at(child))
        raise CompileError(f"no index of '{block.kind.name}' in reach")

    def _owner(self, block: Block, index: str) -> str:
        """The index of the parent of an instance."""
        if block.starts is not None:
            owners = self.shared.named_table(f"owners.{block.number}", block.owners)
            return self.entry(owners, index)
        return index if block.fanout == 1 else self.do(f"udiv i64 {index}, {block.fanout}")

    def whole(self, index: ir.Index, block: Block) -> str:
        """The operand that holds a whole number of the current instance."""
        if isinstance(index, ir.Entry):
            return self.entry(f"table.{index.table}", self.at(block))
        k = self.at(block)
        if k == "0" or index.stride == 0:
            return str(index.offset)
        scaled = k if index.stride == 1 else self.do(f"mul nsw i64 {k}, {index.stride}")
        return self.do(f"add nsw i64 {scaled}, {index.offset}")

    def _holds(self, block: Block) -> bool:
        return any(child.number in self.index or self._holds(child) for child in block.children)

    def address(self, leaf: ir.Load | ir.Gather) -> str:
        index = ir.Entry(leaf.table) if isinstance(leaf, ir.Gather) else ir.Affine(leaf.offset, leaf.stride)
        return self.element("%S", "double", self.whole(index, leaf.block))

    def load(self, leaf: ir.Place) -> str:
        return self.do(f"load double, ptr {self.address(leaf)}{self.shared.tag(leaf)}")

    def store(self, leaf: ir.Place, value: str) -> None:
        self.say(f"store double {value}, ptr {self.address(leaf)}{self.shared.tag(leaf)}")

    def element(self, base: str, kind: str, index: str) -> str:
        return self.do(f"getelementptr inbounds {kind}, ptr {base}, i64 {index}")

    def entry(self, table: str, index: str) -> str:
        """An entry of a constant array, a number of 64 bits."""
        base, kind = f'@"{table}"', self.shared.kinds[table]
        read = self.do(f"load {kind}, ptr {self.element(base, kind, index)}")
        return self.do(f"sext i32 {read} to i64") if kind == "i32" else read

    def cell(self, place: int) -> str:
        return self.element("%S", "double", str(place))

    # ---- expressions ---------------------------------------------------------------------------------------

    def value(self, expr: ir.Value) -> str:
        """The operand that holds a number's value."""
        match expr:
            case Number(value):
                return literal(value)
            case ir.Temp(number):
                return self.temps[number]
            case ir.Load() | ir.Gather():
                return self.load(expr)
            case ir.Weight():
                return "%w"
            case Negate(operand):
                return self.do(f"fneg double {self.value(operand)}")
            case Binary("^", base, exponent):
                return self.power(base, exponent)
            case Binary(op, left, right) if op in ARITHMETIC:
                x, y = self.value(left), self.value(right)
                return self.do(f"{_ARITHMETIC[op]}{self.flags} double {x}, {y}")
            case Call(function, argument):
                return self.call(function, argument)
            case Select(cases):
                return self.select(list(cases))
            case _:
                return self.do(f"uitofp i1 {self.truth(expr)} to double")

    def truth(self, expr: ir.Value) -> str:
        """The operand that holds a condition's truth."""
        match expr:
            case Binary(op, left, right) if op in _COMPARE:
                x, y = self.value(left), self.value(right)
                return self.do(f"fcmp {_COMPARE[op]} double {x}, {y}")
            case Binary(op, left, right) if op in _LOGIC:
                if _draws(right):
                    return self.either(op, left, right)
                x, y = self.truth(left), self.truth(right)
                return self.do(f"{_LOGIC[op]} i1 {x}, {y}")
            case Not(operand):
                return self.do(f"xor i1 {self.truth(operand)}, true")
            case _:
                raise CompileError(f"not a condition: {type(expr).__name__}")

    def either(self, op: str, left: ir.Value, right: ir.Value) -> str:
        """``and`` or ``or`` whose right side is looked at only where the left one leaves the matter open."""
        more, end = self.labels("right", "known")
        x, before = self.truth(left), self.label
        ways = (more, end) if op == "and" else (end, more)
        self.say(f"br i1 {x}, label %{ways[0]}, label %{ways[1]}")
        known = dict(self.index)
        self.begin(more)
        y, after = self.truth(right), self.label
        self.say(f"br label %{end}")
        self.begin(end)
        self.index = known
        return self.do(f"phi i1 [ {x}, %{before} ], [ {y}, %{after} ]")

    def power(self, base: ir.Value, exponent: ir.Value) -> str:
        x = self.value(base)
        small = isinstance(exponent, Number) and exponent.value in range(1, SMALL_POWER + 1)
        if isinstance(exponent, Number) and small and (self.shared.fast or exponent.value <= 2):
            return self._whole_power(x, int(exponent.value))
        self.shared.needs.add("pow")
        return self.do(f"call{self.flags} double @pow(double {x}, double {self.value(exponent)})")

    def _whole_power(self, x: str, n: int) -> str:
        if n == 1:
            return x
        half = self._whole_power(x, n // 2)
        square = self.do(f"fmul{self.flags} double {half}, {half}")
        return self.do(f"fmul{self.flags} double {square}, {x}") if n % 2 else square

    def call(self, function: str, argument: ir.Value) -> str:
        x = self.value(argument)
        if function == "random":
            self.shared.needs.add("lems.random")
            draw = self.do("call double @lems.random(ptr %S)")
            return self.do(f"fmul double {x}, {draw}")
        if function not in _FUNCTIONS:
            raise CompileError(f"no code for function '{function}'")
        name = "fast.exp" if function == "exp" and self.shared.fast else _FUNCTIONS[function]
        self.shared.needs.add(name)
        return self.do(f"call double @{name}(double {x})")

    def select(self, cases: list[tuple[ir.Value | None, ir.Value]]) -> str:
        if not cases:
            return literal(0.0)
        (condition, value), rest = cases[0], cases[1:]
        if condition is None:
            return self.value(value)
        if is_cheap(Select(tuple(cases))):
            test, chosen, other = self.truth(condition), self.value(value), self.select(rest)
            return self.do(f"select i1 {test}, double {chosen}, double {other}")
        yes, no, end = self.labels("case", "else", "end")
        self.say(f"br i1 {self.truth(condition)}, label %{yes}, label %{no}")
        known = dict(self.index)
        self.begin(yes)
        chosen = self.value(value)
        from_yes = self.label
        self.say(f"br label %{end}")
        self.begin(no)
        self.index = dict(known)
        other = self.select(rest)
        from_no = self.label
        self.say(f"br label %{end}")
        self.begin(end)
        self.index = known
        return self.do(f"phi double [ {chosen}, %{from_yes} ], [ {other}, %{from_no} ]")

    # ---- statements ---------------------------------------------------------------------------

    def body(self, statements: tuple[ir.Statement, ...]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ir.Statement) -> None:
        match statement:
            case ir.Let(temp, value):
                self.temps[temp.number] = self.value(value)
            case ir.Store(target, value):
                self.store(target, self.value(value))
            case ir.If():
                self.branch(statement)
            case ir.Each(block, body):
                with self.each(block):
                    self.body(body)
            case ir.Reduce():
                self.reduce(statement)
            case ir.Call(function, block):
                with self.each(block):
                    self.say(f'call void @"{function}"(ptr %S, i64 {self.at(block)})')
            case ir.Emit(port, _):
                self.emit(self.shared.program.ports[port])
            case ir.Kinetics():
                self.kinetics(statement)

    def branch(self, statement: ir.If) -> None:
        yes, no, end = self.labels("then", "otherwise", "after")
        self.say(f"br i1 {self.truth(statement.condition)}, label %{yes}, label %{no}")
        known = dict(self.index)
        for label, body in ((yes, statement.then), (no, statement.otherwise)):
            self.begin(label)
            self.body(body)
            self.say(f"br label %{end}")
            self.index = dict(known)
        self.begin(end)

    @contextmanager
    def each(self, block: Block) -> Iterator[None]:
        """Code for every instance of a block that belongs to the current instance of its parent."""
        known = dict(self.index)
        parent = self.at(block.parent) if block.parent else "0"
        if block.starts is None and block.fanout == 1:
            self.index[block.number] = parent
            yield
        else:
            with self.over(*self._members(block, parent), empty=block.starts is not None) as j:
                self.index[block.number] = j
                yield
        self.index = known

    def _members(self, block: Block, parent: str) -> tuple[str, str]:
        """The first instance of a block that belongs to an instance of its parent, and how many do."""
        if block.starts is None:
            first = parent if parent == "0" else self.do(f"mul nuw nsw i64 {parent}, {block.fanout}")
            return first, str(block.fanout)
        starts = self.shared.named_table(f"starts.{block.number}", block.bounds_table)
        first = self.entry(starts, parent)
        last = self.entry(starts, self.do(f"add i64 {parent}, 1"))
        return first, self.do(f"sub nsw i64 {last}, {first}")

    @contextmanager
    def over(self, first: str, count: str, *, empty: bool) -> Iterator[str]:
        """A loop over ``count`` whole numbers from ``first``, which yields the current one.

        Where ``empty`` says so there may be none at all.
        """
        some, end = self.labels("some", "none")
        if empty:
            self.say(f"br i1 {self.do(f'icmp sgt i64 {count}, 0')}, label %{some}, label %{end}")
            self.begin(some)
        known = dict(self.index)
        with self.loop(count) as j:
            yield j if first == "0" else self.do(f"add nuw nsw i64 {first}, {j}")
        if empty:
            self.index = known
            self.say(f"br label %{end}")
            self.begin(end)

    @contextmanager
    def loop(self, count: int | str) -> Iterator[str]:
        """A counted loop; yields the register of the counter. The count must be positive."""
        head, end = self.labels("loop", "done")
        before, j, following = self.label, self.new("j"), self.new("n")
        self.say(f"br label %{head}")
        self.begin(head)
        place = len(self.lines)
        self.lines.append("")
        yield j
        self.say(f"{following} = add nuw nsw i64 {j}, 1")
        more = self.do(f"icmp ult i64 {following}, {count}")
        self.lines[place] = f"  {j} = phi i64 [ 0, %{before} ], [ {following}, %{self.label} ]"
        self.say(f"br i1 {more}, label %{head}, label %{end}")
        self.begin(end)

    def reduce(self, statement: ir.Reduce) -> None:
        total = self.variable(self.value(statement.start))
        first = self.whole(statement.first, statement.block)
        last = self.whole(statement.last, statement.block)
        with self.over(first, self.do(f"sub nsw i64 {last}, {first}"), empty=True) as j:
            place = j if statement.through is None else self.entry(f"table.{statement.through}", j)
            x = self.do(f"load double, ptr {self.element('%S', 'double', place)}")
            so_far = self.do(f"load double, ptr {total}")
            joined = self.do(f"{_ARITHMETIC[statement.op]}{self.flags} double {so_far}, {x}")
            self.say(f"store double {joined}, ptr {total}")
        self.temps[statement.temp.number] = self.do(f"load double, ptr {total}")

    # ---- kinetic schemes ------------------------------------------------------------------------

    def kinetics(self, statement: ir.Kinetics) -> None:
        """The scheme's rate matrix, column by column what leaves and reaches a node; then its exponential."""
        n = len(statement.nodes)
        matrix = {(i, j): literal(0.0) for i in range(n) for j in range(n)}
        for edge in statement.edges:
            source, target = edge.source, edge.target
            for rate, one, other in (
                (self.value(edge.forward), source, target),
                (self.value(edge.reverse), target, source),
            ):
                matrix[one, one] = self.do(f"fsub double {matrix[one, one]}, {rate}")
                matrix[other, one] = self.do(f"fadd double {matrix[other, one]}, {rate}")
        room = self.room(n * n + n)
        values = [*matrix.values(), *(self.load(node) for node in statement.nodes)]
        for number, value in enumerate(values):
            self.say(f"store double {value}, ptr {self.element(room, 'double', str(number))}")
        self.shared.needs.add("lems.kinetics")
        self.say(f"call void @lems.kinetics(ptr {room}, i64 {n}, double {literal(self.shared.program.dt)})")
        for number, node in enumerate(statement.nodes):
            value = self.do(f"load double, ptr {self.element(room, 'double', str(n * n + number))}")
            self.store(node, value)

    def room(self, count: int) -> str:
        """Space on the stack for ``count`` numbers."""
        register = self.new("room")
        self.variables.append(f"  {register} = alloca double, i64 {count}")
        return register

    # ---- events -------------------------------------------------------------------------------

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

    def serve_listed(self, k: str, targets: ir.Targets, act: Serve) -> None:
        """``act`` for each target of instance ``k``, in a loop."""
        starts = self.shared.table(targets.starts)
        first = self.entry(starts, k)
        count = self.do(f"sub i64 {self.entry(starts, self.do(f'add i64 {k}, 1'))}, {first}")
        which = self.shared.table(targets.which) if len(targets.names) > 1 else None
        runs = _runs(targets)
        begin = self.spaced(k, runs) if runs is not None else ""
        with self.over(first, count, empty=True) as at:
            handler = self.entry(which, at) if which else "0"
            if runs is None:
                index = self.entry(self.shared.table(targets.index), at)
            else:
                index = self.do(f"add nsw i64 {begin}, {self.do(f'sub nsw i64 {at}, {first}')}")
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


@dataclass(frozen=True, slots=True)
class Served:
    """One target of an event: names of handlers, then operands: which of these, and what for."""

    names: Sequence[str]
    which: str
    index: str
    delay: str
    weight: str


Serve = Callable[[Served], None]


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


def _draws(expr: ir.Value) -> bool:
    """Whether working out the value draws random numbers."""
    return (isinstance(expr, Call) and expr.function == "random") or any(map(_draws, children(expr)))
