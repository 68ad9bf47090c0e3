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

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.blocks import Block
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.tree import ARITHMETIC, Binary, Call, Negate, Not, Number, Select, children

FAST_FLAGS = " reassoc nsz arcp contract afn"
SMALL_POWER = 8  # fast mode multiplies up to this exponent
ALIKE = 8  # longer target lists are served in a loop

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
        self.queued = sorted({t.handler for port in program.ports for ts in port.delayed() for t in ts})
        self.offsets = [cell.offset for cell in program.cells]
        self.tagged: set[int] = set()
        for number, places in enumerate(program.tables):
            self.tables.append(_table(f"table.{number}", "i64", [str(place) for place in places]))

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

    def table(self, kind: str, values: Sequence[str]) -> str:
        """The name of a constant array."""
        name = f"list.{len(self.tables)}"
        self.tables.append(_table(name, kind, values))
        return name


def _table(name: str, kind: str, values: Sequence[str]) -> str:
    body = ", ".join(f"{kind} {value}" for value in values)
    return f'@"{name}" = private unnamed_addr constant [{len(values)} x {kind}] [{body}]'


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
                below = self.at(child)
                return below if child.fanout == 1 else self.do(f"udiv i64 {below}, {child.fanout}")
        raise CompileError(f"no index of '{block.kind.name}' in reach")

    def _holds(self, block: Block) -> bool:
        return any(child.number in self.index or self._holds(child) for child in block.children)

    def address(self, leaf: ir.Load | ir.Gather) -> str:
        index = self.at(leaf.block)
        if isinstance(leaf, ir.Gather):
            return self.element("%S", "double", self.entry(f"table.{leaf.table}", "i64", index))
        if index == "0" or leaf.stride == 0:
            place = str(leaf.offset)
        else:
            scaled = index if leaf.stride == 1 else self.do(f"mul nsw i64 {index}, {leaf.stride}")
            place = self.do(f"add nsw i64 {scaled}, {leaf.offset}")
        return self.element("%S", "double", place)

    def load(self, leaf: ir.Place) -> str:
        return self.do(f"load double, ptr {self.address(leaf)}{self.shared.tag(leaf)}")

    def store(self, leaf: ir.Place, value: str) -> None:
        self.say(f"store double {value}, ptr {self.address(leaf)}{self.shared.tag(leaf)}")

    def element(self, base: str, kind: str, index: str) -> str:
        return self.do(f"getelementptr inbounds {kind}, ptr {base}, i64 {index}")

    def entry(self, table: str, kind: str, index: str) -> str:
        """An entry of a constant array."""
        base = f'@"{table}"'
        return self.do(f"load {kind}, ptr {self.element(base, kind, index)}")

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
        if block.fanout == 1:
            self.index[block.number] = parent
            yield
        else:
            with self.loop(block.fanout) as j:
                first = parent if parent == "0" else self.do(f"mul nuw nsw i64 {parent}, {block.fanout}")
                self.index[block.number] = j if first == "0" else self.do(f"add nuw nsw i64 {first}, {j}")
                yield
        self.index = known

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
        total = self.variable(literal(statement.start))
        k = self.at(statement.block)
        first = self.do(f"mul i64 {k}, {statement.stride}")
        with self.loop(statement.count) as j:
            place = self.do(f"add i64 {self.do(f'add i64 {first}, {j}')}, {statement.offset}")
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
        self.serve(port.block, port.immediate(), self.call_handler)
        self.serve(port.block, [[_recorder(one) for one in some] for some in port.recorders], self.record)
        self.serve(port.block, port.delayed(), self.enqueue)

    def serve(self, block: Block, lists: list[list[ir.Target]], act: Serve) -> None:
        """``act`` for each target of the current instance; in line where all lists are alike and short."""
        if not any(lists):
            return
        k, first = self.at(block), lists[0]
        alike = all([t.handler for t in targets] == [t.handler for t in first] for targets in lists)
        if alike and len(first) <= ALIKE:
            for number, target in enumerate(first):
                column = [targets[number] for targets in lists]
                act(
                    [target.handler],
                    "0",
                    self.index_of(k, [t.index for t in column]),
                    self.delay_of(k, column),
                )
        else:
            self._serve_listed(k, lists, act)

    def _serve_listed(self, k: str, lists: list[list[ir.Target]], act: Serve) -> None:
        flat = [target for targets in lists for target in targets]
        names = sorted({target.handler for target in flat})
        places = [0]
        for targets in lists:
            places.append(places[-1] + len(targets))
        starts = self.shared.table("i64", [str(place) for place in places])
        which = self.shared.table("i64", [str(names.index(target.handler)) for target in flat])
        indices = self.shared.table("i64", [str(target.index) for target in flat])
        delays = self.shared.table("double", [literal(target.delay) for target in flat])
        first = self.entry(starts, "i64", k)
        count = self.do(f"sub i64 {self.entry(starts, 'i64', self.do(f'add i64 {k}, 1'))}, {first}")
        some, end = self.labels("some", "none")
        self.say(f"br i1 {self.do(f'icmp ne i64 {count}, 0')}, label %{some}, label %{end}")
        self.begin(some)
        with self.loop(count) as j:
            at = self.do(f"add i64 {first}, {j}")
            handler, index = self.entry(which, "i64", at), self.entry(indices, "i64", at)
            act(names, handler, index, self.entry(delays, "double", at))
        self.say(f"br label %{end}")
        self.begin(end)

    def index_of(self, k: str, indices: list[int]) -> str:
        """Of instance ``k``, its entry in ``indices``: worked out if these are evenly spaced."""
        stride = indices[1] - indices[0] if len(indices) > 1 else 0
        if any(index != indices[0] + stride * n for n, index in enumerate(indices)):
            return self.entry(self.shared.table("i64", [str(index) for index in indices]), "i64", k)
        if stride == 0 or k == "0":
            return str(indices[0])
        return self.do(f"add i64 {self.do(f'mul i64 {k}, {stride}')}, {indices[0]}")

    def delay_of(self, k: str, targets: list[ir.Target]) -> str:
        if len({target.delay for target in targets}) == 1:
            return literal(targets[0].delay)
        return self.entry(
            self.shared.table("double", [literal(target.delay) for target in targets]), "double", k
        )

    def call_handler(self, names: list[str], which: str, index: str, _: str) -> None:
        """Calls one of the named handlers for an instance."""
        if len(names) == 1:
            self.say(f'call void @"{names[0]}"(ptr %S, i64 {index})')
            return
        end, *cases = self.labels("called", *(f"to{n}." for n in range(len(names))))
        arms = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(cases))
        self.say(f"switch i64 {which}, label %{end} [ {arms} ]")
        for name, label in zip(names, cases, strict=True):
            self.begin(label)
            self.say(f'call void @"{name}"(ptr %S, i64 {index})')
            self.say(f"br label %{end}")
        self.begin(end)

    def record(self, _: list[str], __: str, recorder: str, ___: str) -> None:
        self.shared.needs.add("events.record")
        self.say(f"call void @events.record(ptr %S, i64 {recorder})")

    def enqueue(self, names: list[str], which: str, index: str, delay: str) -> None:
        """Queues a call of a handler, to be made when the delay is over."""
        queued = self.shared.queued
        if len(names) == 1:
            handler = str(queued.index(names[0]))
        else:
            numbers = self.shared.table("i64", [str(queued.index(name)) for name in names])
            handler = self.entry(numbers, "i64", which)
        self.shared.needs.add("events.push")
        now = self.do(f"load double, ptr {self.cell(ir.TIME)}")
        due = self.do(f"fadd double {now}, {delay}")
        self.say(f"call void @events.push(ptr %S, double {due}, i64 {handler}, i64 {index})")


Serve = Callable[[list[str], str, str, str], None]
"""Serves one event: names of handlers, then operands: which of these, the target's index, the delay."""


def _draws(expr: ir.Value) -> bool:
    """Whether working out the value draws random numbers."""
    return (isinstance(expr, Call) and expr.function == "random") or any(map(_draws, children(expr)))


def _recorder(number: int) -> ir.Target:
    return ir.Target("", number)
