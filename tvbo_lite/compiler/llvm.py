"""`tvbo_lite.compiler.ir.Program` to LLVM's textual intermediate representation.

The text is written directly: it is the fastest way from our small IR to LLVM, and it can be read.
In strict mode every operation is the IEEE one that jLEMS does, in its order, and transcendentals are
the platform's libm. Fast mode lets LLVM reassociate and contract, and raises to small whole powers by
multiplication.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tvbo_lite.compiler import ir, runtime
from tvbo_lite.compiler.blocks import Block
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.tree import ARITHMETIC, Binary, Call, Negate, Not, Number, Select

FAST_FLAGS = " reassoc nsz arcp contract afn"
SMALL_POWER = 8  # fast mode multiplies up to this exponent
CHECK_UNROLL = 8  # cells of more instances are checked in a loop

_ARITHMETIC = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_COMPARE = {"lt": "olt", "gt": "ogt", "leq": "ole", "geq": "oge", "eq": "oeq", "neq": "une"}
_LOGIC = {"and": "and", "or": "or"}
_INTRINSIC = {"sqrt": "llvm.sqrt.f64", "abs": "llvm.fabs.f64", "ceil": "llvm.ceil.f64"}
_LIBM = {
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "exp": "exp",
}
_OWN = {"ln": "lems.log", "log": "lems.log", "H": "lems.step", "factorial": "lems.factorial"}


def module_text(program: ir.Program, *, fast: bool = False) -> str:
    """The LLVM module of a program. It defines ``initialise`` and ``run``."""
    return _Module(program, fast=fast).text()


class _Module:
    def __init__(self, program: ir.Program, *, fast: bool) -> None:
        self.program = program
        self.fast = fast
        self.needs: set[str] = set()

    def text(self) -> str:
        functions = [_Function(self, function).text() for function in self.program.functions]
        run = _Run(self).text()
        tables = [_table(f"table.{n}", places) for n, places in enumerate(self.program.tables)]
        ports = [text for n, port in enumerate(self.program.ports) for text in self._port(n, port)]
        return "\n".join([*tables, *ports, *functions, run, *runtime.text(self.needs)]) + "\n"

    def _port(self, number: int, port: ir.Port) -> Iterator[str]:
        """Tables of a port whose instances do not all have the same few targets."""
        if not port.silent() and uniform_targets(port) is None:
            starts, handlers, indices = [0], [], []
            names = sorted({target.handler for targets in port.targets for target in targets})
            for targets in port.targets:
                handlers += [names.index(target.handler) for target in targets]
                indices += [target.index for target in targets]
                starts.append(len(indices))
            yield _table(f"port.{number}.starts", starts)
            yield _table(f"port.{number}.handlers", handlers)
            yield _table(f"port.{number}.indices", indices)


def _table(name: str, values: list[int]) -> str:
    body = ", ".join(f"i64 {value}" for value in values)
    return f'@"{name}" = private unnamed_addr constant [{len(values)} x i64] [{body}]'


def uniform_targets(port: ir.Port) -> list[tuple[str, list[int]]] | None:
    """(handler, target of each instance) for each place in the target lists, where these are alike and short."""
    first = port.targets[0]
    alike = all([t.handler for t in targets] == [t.handler for t in first] for targets in port.targets)
    if not alike or len(first) > CHECK_UNROLL:
        return None
    return [(target.handler, [targets[n].index for targets in port.targets]) for n, target in enumerate(first)]


def literal(value: float) -> str:
    """A double, bit by bit."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"


class _Code:
    """Writes instructions; knows the index of the current instance of each block in reach."""

    def __init__(self, module: _Module) -> None:
        self.module = module
        self.flags = FAST_FLAGS if module.fast else ""
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
        raise CompileError(f"no index of '{block.kind.name}' in reach")  # noqa: TRY003

    def _holds(self, block: Block) -> bool:
        return any(child.number in self.index or self._holds(child) for child in block.children)

    def address(self, leaf: ir.Load | ir.Gather) -> str:
        index = self.at(leaf.block)
        if isinstance(leaf, ir.Gather):
            return self.element("%S", "double", self.entry(f"table.{leaf.table}", index))
        if index == "0" or leaf.stride == 0:
            place = str(leaf.offset)
        else:
            scaled = index if leaf.stride == 1 else self.do(f"mul nsw i64 {index}, {leaf.stride}")
            place = self.do(f"add nsw i64 {scaled}, {leaf.offset}")
        return self.element("%S", "double", place)

    def element(self, base: str, kind: str, index: str) -> str:
        return self.do(f"getelementptr inbounds {kind}, ptr {base}, i64 {index}")

    def entry(self, table: str, index: str) -> str:
        """An entry of a table of integers."""
        base = f'@"{table}"'
        return self.do(f"load i64, ptr {self.element(base, 'i64', index)}")

    # ---- expressions ---------------------------------------------------------------------------------------

    def value(self, expr: ir.Value) -> str:
        """The operand that holds a number's value."""
        match expr:
            case Number(value):
                return literal(value)
            case ir.Temp(number):
                return self.temps[number]
            case ir.Load() | ir.Gather():
                return self.do(f"load double, ptr {self.address(expr)}")
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
                x, y = self.truth(left), self.truth(right)
                return self.do(f"{_LOGIC[op]} i1 {x}, {y}")
            case Not(operand):
                return self.do(f"xor i1 {self.truth(operand)}, true")
            case _:
                raise CompileError(f"not a condition: {type(expr).__name__}")  # noqa: TRY003

    def power(self, base: ir.Value, exponent: ir.Value) -> str:
        x = self.value(base)
        small = isinstance(exponent, Number) and exponent.value in range(1, SMALL_POWER + 1)
        if isinstance(exponent, Number) and small and (self.module.fast or exponent.value <= 2):  # noqa: PLR2004
            return self._whole_power(x, int(exponent.value))
        self.module.needs.add("pow")
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
            self.module.needs.add("lems.random")
            draw = self.do("call double @lems.random(ptr %S)")
            return self.do(f"fmul double {x}, {draw}")
        table = {**_INTRINSIC, **_LIBM, **_OWN}
        if function not in table:
            raise CompileError(f"no code for function '{function}'")  # noqa: TRY003
        name = "fast.exp" if function == "exp" and self.module.fast else table[function]
        self.module.needs.add(name)
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

    # ---- statements -------------------------------------------------------------------------------------------

    def body(self, statements: tuple[ir.Statement, ...]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ir.Statement) -> None:
        match statement:
            case ir.Let(temp, value):
                self.temps[temp.number] = self.value(value)
            case ir.Store(target, value):
                operand = self.value(value)
                self.say(f"store double {operand}, ptr {self.address(target)}")
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
                self.emit(port)

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

    # ---- events ------------------------------------------------------------------------------------------------

    def emit(self, number: int) -> None:
        port = self.module.program.ports[number]
        if port.silent():
            return
        k = self.at(port.block)
        uniform = uniform_targets(port)
        if uniform is not None:
            for handler, indices in uniform:
                self.say(f'call void @"{handler}"(ptr %S, i64 {self._target(k, indices)})')
        else:
            self._emit_listed(number, port, k)

    def _target(self, k: str, indices: list[int]) -> str:
        stride = indices[1] - indices[0] if len(indices) > 1 else 0
        if any(index != indices[0] + stride * n for n, index in enumerate(indices)):
            tables = self.module.program.tables
            tables.append(indices)
            return self.entry(f"table.{len(tables) - 1}", k)
        if stride == 0 or k == "0":
            return str(indices[0])
        return self.do(f"add i64 {self.do(f'mul i64 {k}, {stride}')}, {indices[0]}")

    def _emit_listed(self, number: int, port: ir.Port, k: str) -> None:
        names = sorted({target.handler for targets in port.targets for target in targets})
        first = self.entry(f"port.{number}.starts", k)
        last = self.entry(f"port.{number}.starts", self.do(f"add i64 {k}, 1"))
        count = self.do(f"sub i64 {last}, {first}")
        some, end = self.labels("some", "none")
        self.say(f"br i1 {self.do(f'icmp ne i64 {count}, 0')}, label %{some}, label %{end}")
        self.begin(some)
        with self.loop(count) as j:
            entry = self.do(f"add i64 {first}, {j}")
            target = self.entry(f"port.{number}.indices", entry)
            which = self.entry(f"port.{number}.handlers", entry)
            self._dispatch(names, which, target)
        self.say(f"br label %{end}")
        self.begin(end)

    def _dispatch(self, names: list[str], which: str, target: str) -> None:
        if len(names) == 1:
            self.say(f'call void @"{names[0]}"(ptr %S, i64 {target})')
            return
        end, *cases = self.labels("called", *(f"to{n}." for n in range(len(names))))
        arms = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(cases))
        self.say(f"switch i64 {which}, label %{end} [ {arms} ]")
        for name, label in zip(names, cases, strict=True):
            self.begin(label)
            self.say(f'call void @"{name}"(ptr %S, i64 {target})')
            self.say(f"br label %{end}")
        self.begin(end)


class _Function(_Code):
    """One function of the program; rare ones are left unoptimised, which compiles much faster."""

    def __init__(self, module: _Module, function: ir.Function) -> None:
        super().__init__(module)
        self.function = function

    def text(self) -> str:
        block = self.function.block
        self.index[block.number] = "%k" if block.size > 1 else "0"
        self.body(self.function.body)
        rare = " noinline optnone" if self.function.rare else ""
        first = self.function is self.module.program.initialise
        linkage = "" if first else "internal "
        head = f'define {linkage}void @"{self.function.name}"(ptr noalias %S, i64 %k) nounwind{rare} {{'
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])


class _Run(_Code):
    """``i64 run(double *memory, double *rows, i64 count)``.

    Does ``count`` steps; after each it writes a row (time, recorded values) and moves the time on.
    Returns the number of rows whose values are all finite: less than ``count`` where one was not.
    """

    def text(self) -> str:
        program = self.module.program
        width = 1 + len(program.records)
        with self._rows() as row:
            self.body(program.step.body)
            start = self.do(f"mul i64 {row}, {width}")
            time = self.do(f"load double, ptr {self._cell(ir.TIME)}")
            self._write(start, 0, time)
            for n, place in enumerate(program.records):
                self._write(start, n + 1, self.do(f"load double, ptr {self._cell(place)}"))
            later = self.do(f"fadd double {time}, {literal(program.dt)}")
            self.say(f"store double {later}, ptr {self._cell(ir.TIME)}")
            self._check(row)
        self.say("ret i64 %count")
        head = "define i64 @run(ptr noalias %S, ptr noalias %rows, i64 %count) nounwind {"
        return "\n".join([head, "entry:", *self.variables, *self.lines, "}"])

    @contextmanager
    def _rows(self) -> Iterator[str]:
        with self.loop("%count") as row:
            yield row

    def _cell(self, place: int) -> str:
        return self.element("%S", "double", str(place))

    def _write(self, start: str, column: int, value: str) -> None:
        place = self.do(f"add i64 {start}, {column}")
        self.say(f"store double {value}, ptr {self.element('%rows', 'double', place)}")

    def _check(self, row: str) -> None:
        """0 * x is 0 for every finite x, and NaN for the others: one sum tells of all."""
        cells = self.module.program.checked
        if not cells:
            return
        total = literal(0.0)
        for cell in cells:
            if cell.size <= CHECK_UNROLL:
                for place in range(cell.offset, cell.offset + cell.size):
                    total = self._add_check(total, self._cell(place))
            else:
                total = self._check_loop(total, cell)
        good, bad = self.labels("finite", "stop")
        self.say(f"br i1 {self.do(f'fcmp ord double {total}, {literal(0.0)}')}, label %{good}, label %{bad}")
        self.begin(bad)
        self.say(f"ret i64 {row}")
        self.begin(good)

    def _add_check(self, total: str, address: str) -> str:
        zero = self.do(f"fmul double {self.do(f'load double, ptr {address}')}, {literal(0.0)}")
        return self.do(f"fadd reassoc double {total}, {zero}")

    def _check_loop(self, total: str, cell: ir.Cell) -> str:
        place = self.variable(total)
        with self.loop(cell.size) as j:
            address = self.element("%S", "double", self.do(f"add i64 {j}, {cell.offset}"))
            so_far = self._add_check(self.do(f"load double, ptr {place}"), address)
            self.say(f"store double {so_far}, ptr {place}")
        return self.do(f"load double, ptr {place}")
