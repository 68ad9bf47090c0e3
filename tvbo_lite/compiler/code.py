"""Writes LLVM instructions for `tvbo_lite.compiler.ir` expressions and statements.

The text is written directly: it is the fastest way from our small IR to LLVM, and it can be read.
In strict mode every operation is the IEEE one that jLEMS does, in its order, and transcendentals are
the platform's libm. Fast mode lets LLVM reassociate and contract, has an exponential of its own that
works on several instances at once, and raises to small whole powers by multiplication.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.shared import Shared, literal
from tvbo_lite.compiler.split import is_cheap
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.tree import ARITHMETIC, Binary, Call, Negate, Not, Number, Select, children
from tvbo_lite.transforms.blocks import Block

FAST_FLAGS = " reassoc nsz arcp contract afn"
SMALL_POWER = 8  # fast mode multiplies up to this exponent

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
            case ir.Each(block, body, _):
                with self.each(block):
                    self.body(body)
            case ir.Reduce():
                self.reduce(statement)
            case ir.Call(function, block):
                with self.each(block):
                    self.say(f'call void @"{function}"(ptr %S, i64 {self.at(block)})')
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
            with self.over(*self.members(block, parent), empty=block.starts is not None) as j:
                self.index[block.number] = j
                yield
        self.index = known

    def members(self, block: Block, parent: str) -> tuple[str, str]:
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


def _draws(expr: ir.Value) -> bool:
    """Whether working out the value draws random numbers."""
    return (isinstance(expr, Call) and expr.function == "random") or any(map(_draws, children(expr)))
