"""The judge of the compiler: executes a `tvbo_lite.compiler.ir.Program` statement by statement.

No code is generated and nothing is optimised: every instance runs its statements in order over one
numpy array, in plain Python. It is some ten thousand times slower than the compiled program, whose
every bit it must reproduce.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.solver_rules import SOLVER_RULES
from tvbo_lite.errors import CompileError, SimulationError
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Number, Select, rebuild
from tvbo_lite.transforms.instances import Instance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.blocks import Block

# java.util.Random: X <- (A X + 11) mod 2^48 (documentation of java.util.Random.next)
RANDOM_FACTOR, RANDOM_TERM, RANDOM_MASK = 0x5DEECE66D, 11, (1 << 48) - 1

_DRAW = "a random number"  # the name that stands for the next draw; no LEMS name has spaces


SMALL = 1e-12  # jLEMS scales a rate matrix until no element is larger


@dataclass(frozen=True, slots=True)
class Interpretation:
    """``rows``: shape ``(n_steps + 1, 1 + n_recorded)``, time in s, then the recorded values; ``events``:
    (time in s, place in `ir.Program.events`) of each recorded event, in the order in which they happened.
    """

    rows: NDArray[np.float64]
    events: list[tuple[float, int]]


def interpret(program: ir.Program, n_steps: int) -> Interpretation:
    """Runs a program from its start.

    Raises `SimulationError` where a watched value is not finite, `CompileError` for a statement that
    the interpreter does not know.
    """
    import numpy as np

    machine = Machine(program)
    rows = np.empty((n_steps + 1, 1 + len(program.records)))
    machine.call(program.initialise, 0)
    machine.write(rows[0])
    for row in rows[1:]:
        machine.memory[ir.TIME] += program.dt
        if not program.own_time:
            machine.deliver()
        machine.call(program.step, 0)
        machine.write(row)
    return Interpretation(rows, machine.events)


class Machine:
    """The memory of a program and the code to change it; ``memory`` has the layout of `ir`."""

    def __init__(self, program: ir.Program) -> None:
        import numpy as np

        self.program = program
        self.memory = np.array(program.memory, dtype=np.float64)
        self.bits = self.memory.view(np.int64)
        self.bits[ir.RANDOM] = (program.seed ^ RANDOM_FACTOR) & RANDOM_MASK
        self.events: list[tuple[float, int]] = []
        self.queue: list[tuple[float, str, int]] = []  # (time due in s, function, instance)
        self.functions = {function.name: function for function in program.functions}
        self.fans = {fan.name: fan for fan in program.fans}
        self._plain: dict[int, tuple[ir.Value, _Plain]] = {}

    def call(self, function: ir.Function, k: int, weight: float = 1.0) -> None:
        """Runs a function for instance ``k`` of its block."""
        Frame(self, function.block, k, weight).body(function.body)

    @property
    def time(self) -> float:
        return float(self.memory[ir.TIME])

    def write(self, row: NDArray[np.float64]) -> None:
        """Fills a row with the time and the recorded values, and checks the watched ones."""
        row[0] = self.time
        row[1:] = self.memory[list(self.program.records)]
        self.check()

    def deliver(self) -> None:
        """Serves the queued events that are due, those that come in meanwhile included."""
        while self.queue and self.queue[0][0] <= self.time:
            self.receive(*self.queue.pop(0)[1:])

    def receive(self, handler: str, index: int, weight: float = 1.0) -> None:
        if handler in self.fans:
            for name, target, _, own in self.fans[handler].targets.of(index):
                self.receive(name, target, own)
        else:
            self.call(self.named(handler), index, weight)

    def enqueue(self, handler: str, index: int, delay: float) -> None:
        """Behind all that are due before it or at the same time."""
        insort_right(self.queue, (self.time + delay, handler, index), key=lambda item: item[0])

    def named(self, name: str) -> ir.Function:
        """A function by its name. Raises `CompileError` where there is none."""
        if name not in self.functions:
            msg = f"the program calls '{name}', which it does not have"
            raise CompileError(msg)
        return self.functions[name]

    def plain(self, value: ir.Value) -> _Plain:
        """The value with names for leaves, made once for each place in the code."""
        known = self._plain.get(id(value))
        if known is None:
            known = self._plain[id(value)] = (value, _Plain(value))
        return known[1]

    def draw(self) -> float:
        """The next number of ``java.util.Random.nextDouble``, 0 <= x < 1."""
        high, low = self._bits(26), self._bits(27)
        return ((high << 27) + low) * 2.0**-53

    def _bits(self, count: int) -> int:
        state = (int(self.bits[ir.RANDOM]) * RANDOM_FACTOR + RANDOM_TERM) & RANDOM_MASK
        self.bits[ir.RANDOM] = state
        return state >> (48 - count)

    def check(self) -> None:
        """Raises `SimulationError` for the first watched value that is not finite."""
        import numpy as np

        for cell in self.program.checked:
            values = self.memory[cell.offset : cell.offset + cell.size]
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                k = int(bad[0])
                name = cell.name.removeprefix("exposure of ")
                raise SimulationError(name, Instance(cell.block, k).path(), self.time, float(values[k]))


class _Plain:
    """A value as a tree of ordinary expressions, in which names stand for the leaves."""

    def __init__(self, value: ir.Value) -> None:
        self.leaves: dict[str, ir.Place | ir.Temp | ir.Weight] = {}
        self.tree = self._named(value)

    def _named(self, value: ir.Value) -> Expr:
        match value:
            case ir.Load() | ir.Gather() | ir.Temp() | ir.Weight():
                name = f"leaf {len(self.leaves)}"
                self.leaves[name] = value
                return Name(name)
            case Call("random", argument):  # its argument is worked out first, then a number is drawn
                return Binary("*", self._named(argument), Name(_DRAW))
            case Binary("and", left, right):  # as in Java, the right side may be left alone
                return Select(((self._named(left), self._named(right)), (None, Number(0.0))))
            case Binary("or", left, right):
                return Select(((self._named(left), Number(1.0)), (None, self._named(right))))
            case _:
                return rebuild(value, self._named)


class _Scope(Mapping[str, float]):
    """What the names of a `_Plain` mean in a frame; a value is read when it is asked for."""

    def __init__(self, frame: Frame, plain: _Plain) -> None:
        self.frame = frame
        self.plain = plain

    def __getitem__(self, name: str) -> float:
        if name == _DRAW:
            return self.frame.machine.draw()
        return self.frame.read(self.plain.leaves[name])

    def __contains__(self, name: object) -> bool:
        return name == _DRAW or name in self.plain.leaves

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain.leaves)

    def __len__(self) -> int:
        return len(self.plain.leaves)


class Frame:
    """One call of a function: its temporaries, and the instance that the code is at."""

    def __init__(self, machine: Machine, block: Block, k: int, weight: float) -> None:
        self.weight = weight
        self.machine = machine
        self.block = block
        self.k = k
        self.temps: dict[int, float] = {}

    # ---- values ----------------------------------------------------------------------------------

    def at(self, block: Block) -> int:
        """The index of the instance of ``block`` that the current instance is, or is part of."""
        at, k = self.block, self.k
        while at is not block and at.parent is not None:
            at, k = at.parent, at.owner(k)
        if at is not block and block.size > 1:
            msg = f"no index of '{block.kind.name}' in reach of '{self.block.kind.name}'"
            raise CompileError(msg)
        return k if at is block else 0

    def place(self, leaf: ir.Place) -> int:
        index = ir.Entry(leaf.table) if isinstance(leaf, ir.Gather) else ir.Affine(leaf.offset, leaf.stride)
        return self.whole(index, leaf.block)

    def whole(self, index: ir.Index, block: Block) -> int:
        """A whole number of the current instance of ``block``."""
        k = self.at(block)
        if isinstance(index, ir.Entry):
            return int(self.machine.program.tables[index.table][k])
        return index.offset + index.stride * k

    def read(self, leaf: ir.Place | ir.Temp | ir.Weight) -> float:
        if isinstance(leaf, ir.Weight):
            return self.weight
        if isinstance(leaf, ir.Temp):
            return self.temps[leaf.number]
        return float(self.machine.memory[self.place(leaf)])

    def value(self, value: ir.Value) -> float:
        plain = self.machine.plain(value)
        return evaluate(plain.tree, _Scope(self, plain))

    # ---- statements --------------------------------------------------------------------------------

    def body(self, statements: tuple[ir.Statement, ...]) -> None:
        for statement in statements:
            if type(statement) not in _RULES:
                msg = f"the interpreter has no rule for the statement '{type(statement).__name__}'"
                raise CompileError(msg)
            _RULES[type(statement)](self, statement)

    def let(self, statement: ir.Let) -> None:
        self.temps[statement.temp.number] = self.value(statement.value)

    def store(self, statement: ir.Store) -> None:
        self.machine.memory[self.place(statement.target)] = self.value(statement.value)

    def branch(self, statement: ir.If) -> None:
        self.body(statement.then if self.value(statement.condition) else statement.otherwise)

    def each(self, statement: ir.Each) -> None:
        for self_k in self.members(statement.block):
            block, k = self.block, self.k
            self.block, self.k = statement.block, self_k
            self.body(statement.body)
            self.block, self.k = block, k

    def members(self, block: Block) -> range:
        """The instances of a block that belong to the current instance of its parent."""
        return block.members(self.at(block.parent) if block.parent else 0)

    def reduce(self, statement: ir.Reduce) -> None:
        first, last = (self.whole(index, statement.block) for index in (statement.first, statement.last))
        total = self.value(statement.start)
        places = slice(first, last)
        if statement.through is not None:
            values = self.machine.memory[self.machine.program.tables[statement.through][places]]
        else:
            values = self.machine.memory[places]
        for x in values.tolist():
            total = total + x if statement.op == "+" else total * x
        self.temps[statement.temp.number] = total

    def call(self, statement: ir.Call) -> None:
        function = self.machine.named(statement.function)
        for k in self.members(statement.block):
            self.machine.call(function, k)

    def emit(self, statement: ir.Emit) -> None:
        machine, port = self.machine, self.machine.program.ports[statement.port]
        k = self.at(port.block)
        for handler, index, _, weight in port.immediate.of(k):
            machine.receive(handler, index, weight)
        machine.events += [(machine.time, recorder) for _, recorder, _, _ in port.recorders.of(k)]
        for handler, index, delay, _ in port.delayed.of(k):
            machine.enqueue(handler, index, delay)

    def kinetics(self, statement: ir.Kinetics) -> None:
        n = len(statement.nodes)
        rates = [[0.0] * n for _ in range(n)]
        for edge in statement.edges:
            source, target = edge.source, edge.target
            forward, reverse = self.value(edge.forward), self.value(edge.reverse)
            for rate, one, other in ((forward, source, target), (reverse, target, source)):
                rates[one][one] -= rate
                rates[other][one] += rate
        places = [self.place(node) for node in statement.nodes]
        before = [float(self.machine.memory[place]) for place in places]
        after = expm_times(rates, before, self.machine.program.dt)
        for place, value in zip(places, after, strict=True):
            self.machine.memory[place] = value


def expm_times(rates: list[list[float]], vector: list[float], dt: float) -> list[float]:
    """``expm(rates * dt) @ vector`` as jLEMS does it (``Matrix.expOf``).

    The matrix is halved until no element is larger than `SMALL`; then M <- 2 M + M^2 as many times, so
    that I + M is squared without ever being formed.
    """
    numbers = range(len(vector))
    scaled = [[rate * dt for rate in row] for row in rates]
    factor, halvings = 1.0, 0
    while max(abs(x) for row in scaled for x in row) * factor > SMALL:
        factor, halvings = factor * 0.5, halvings + 1
    m = [[x * factor for x in row] for row in scaled]
    for _ in range(halvings):
        m = [[m[i][j] + m[i][j] + _dot(m[i], [row[j] for row in m]) for j in numbers] for i in numbers]
    whole = [[m[i][j] + (1.0 if i == j else 0.0) for j in numbers] for i in numbers]
    return [_dot(row, vector) for row in whole]


def _dot(x: list[float], y: list[float]) -> float:
    total = 0.0
    for a, b in zip(x, y, strict=True):
        total += a * b
    return total


_RULES: dict[type, Callable[[Frame, object], None]] = {
    ir.Let: Frame.let,  # type: ignore[dict-item]  # each row takes the statement of its key
    ir.Store: Frame.store,  # type: ignore[dict-item]
    ir.If: Frame.branch,  # type: ignore[dict-item]
    ir.Each: Frame.each,  # type: ignore[dict-item]
    ir.Reduce: Frame.reduce,  # type: ignore[dict-item]
    ir.Call: Frame.call,  # type: ignore[dict-item]
    ir.Kinetics: Frame.kinetics,  # type: ignore[dict-item]
    ir.Emit: Frame.emit,  # type: ignore[dict-item]
    **SOLVER_RULES,
}
