"""How the interpreter does the statements of integration methods."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.box_muller import box_muller
from tvbo_lite.compiler.runtime_solvers import PHILOX_FACTORS, PHILOX_ROUNDS, PHILOX_WEYL
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.tree import Binary, Number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.blocks import Block

__all__ = ["SOLVER_RULES", "normal_numbers", "philox"]

MOST = 1_000_000  # rounds of a loop; a longer one has no end
WORD = 0xFFFFFFFF


class Machine(Protocol):
    """The memory that the rules change, the program, and the events that are to come."""

    program: ir.Program
    queue: list[tuple[float, str, int]]  # (time due in s, function, instance)

    @property
    def memory(self) -> NDArray[np.float64]: ...

    def deliver(self) -> None: ...

    def named(self, name: str) -> ir.Function: ...

    def call(self, function: ir.Function, k: int) -> None: ...


class Frame(Protocol):
    """A call of a function, as far as the rules use it."""

    @property
    def machine(self) -> Machine: ...

    @property
    def temps(self) -> dict[int, float]: ...

    def at(self, block: Block) -> int: ...

    def whole(self, index: ir.Index, block: Block) -> int: ...

    def value(self, value: ir.Value) -> float: ...

    def body(self, statements: tuple[ir.Statement, ...]) -> None: ...


def _set_time(frame: Frame, statement: ir.SetTime) -> None:
    frame.machine.memory[ir.TIME] = frame.value(statement.value)


def _while(frame: Frame, statement: ir.While) -> None:
    for _ in range(MOST):
        if not frame.value(statement.condition):
            return
        frame.body(statement.body)
    msg = f"a loop has made {MOST} rounds"
    raise CompileError(msg)


# ---- stretches ---------------------------------------------------------------------------------------


def _totals(frame: Frame, terms: ir.Terms, size: int) -> Iterator[float]:
    memory = frame.machine.memory
    weights = [(frame.value(weight), place) for weight, place in terms]
    for i in range(size):
        total = None
        for weight, place in weights:
            term = weight * float(memory[place + i])
            total = term if total is None else total + term
        yield 0.0 if total is None else total


def _blend(frame: Frame, statement: ir.Blend) -> None:
    memory, factor = frame.machine.memory, frame.value(statement.factor)
    for i, total in enumerate(_totals(frame, statement.terms, statement.size)):
        base = float(memory[statement.base + i])
        memory[statement.target + i] = base + factor * total if statement.terms else base


def _multiply(frame: Frame, statement: ir.Multiply) -> None:
    memory, factor = frame.machine.memory, frame.value(statement.factor)
    for i in range(statement.size):
        product = float(memory[statement.first + i]) * float(memory[statement.second + i])
        memory[statement.target + i] = factor * product


def _norm(frame: Frame, statement: ir.Norm) -> None:
    memory = frame.machine.memory
    factor, absolute = frame.value(statement.factor), frame.value(statement.absolute)
    relative, total = frame.value(statement.relative), 0.0
    for i, part in enumerate(_totals(frame, statement.terms, statement.size)):
        x, y = (abs(float(memory[place + i])) for place in (statement.first, statement.second))
        allowed = absolute * float(memory[statement.scale + i]) + relative * (y if x < y else x)
        ratio = _divide(factor * part, allowed)
        total += ratio * ratio
    frame.temps[statement.temp.number] = total


def _divide(x: float, y: float) -> float:
    return evaluate(Binary("/", Number(x), Number(y)), {})


# ---- linear systems ------------------------------------------------------------------------------------


def _jacobian(frame: Frame, statement: ir.Jacobian) -> None:
    machine, n = frame.machine, statement.size
    memory = machine.memory
    for j in range(n):
        before = float(memory[statement.states + j])
        size, scale = abs(before), float(memory[statement.scale + j])
        moved = before + ir.DIFFERENCE * (scale if size < scale else size)
        memory[statement.states + j] = moved
        machine.call(machine.named(statement.function), 0)
        memory[statement.states + j] = before
        for i in range(n):
            change = float(memory[statement.slopes + i]) - float(memory[statement.known + i])
            memory[statement.matrix + i * n + j] = _divide(change, moved - before)


def _factor(frame: Frame, statement: ir.Factor) -> None:
    memory, n = frame.machine.memory, statement.size
    diagonal = frame.value(statement.diagonal)
    source = memory[statement.matrix : statement.matrix + n * n].tolist()
    a = [[(diagonal if i == j else 0.0) - source[i * n + j] for j in range(n)] for i in range(n)]
    for k in range(n):
        best = k
        for r in range(k + 1, n):
            if abs(a[r][k]) > abs(a[best][k]):
                best = r
        memory[statement.pivots + k] = float(best)
        a[k], a[best] = a[best], a[k]
        for i in range(k + 1, n):
            f = a[i][k] = _divide(a[i][k], a[k][k])
            for j in range(k + 1, n):
                a[i][j] -= f * a[k][j]
    memory[statement.target : statement.target + n * n] = [x for row in a for x in row]


def _solve(frame: Frame, statement: ir.Solve) -> None:
    memory, n = frame.machine.memory, statement.size
    a = memory[statement.matrix : statement.matrix + n * n].reshape(n, n).tolist()
    x = memory[statement.vector : statement.vector + n].tolist()
    for i in range(n):
        best = int(memory[statement.pivots + i])
        x[i], x[best] = x[best], x[i]
    for i in range(n):
        for j in range(i):
            x[i] -= a[i][j] * x[j]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            x[i] -= a[i][j] * x[j]
        x[i] = _divide(x[i], a[i][i])
    memory[statement.vector : statement.vector + n] = x


# ---- random numbers --------------------------------------------------------------------------------------


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Four random words of 32 bits: Philox4x32-10."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(PHILOX_ROUNDS):
        one, two = c0 * PHILOX_FACTORS[0], c2 * PHILOX_FACTORS[1]
        c0, c1, c2, c3 = (two >> 32) ^ c1 ^ k0, two & WORD, (one >> 32) ^ c3 ^ k1, one & WORD
        k0, k1 = (k0 + PHILOX_WEYL[0]) & WORD, (k1 + PHILOX_WEYL[1]) & WORD
    return c0, c1, c2, c3


def normal_numbers(seed: int, stream: int, step: int, size: int) -> list[float]:
    """The numbers of one step, as `tvbo_lite.compiler.ir.Normal` tells."""
    found: list[float] = []
    for half in range((size + 1) // 2):
        words = philox((step & WORD, step >> 32, half, stream), (seed & WORD, seed >> 32 & WORD))
        found += box_muller(words)
    return found[:size]


def _normal(frame: Frame, statement: ir.Normal) -> None:
    step = int(frame.value(statement.step))
    numbers = normal_numbers(statement.seed, statement.stream, step, statement.size)
    frame.machine.memory[statement.target : statement.target + statement.size] = numbers


# ---- tables, events ---------------------------------------------------------------------------------------


def _sample(frame: Frame, statement: ir.Sample) -> None:
    memory, t = frame.machine.memory, frame.value(statement.time)
    times = memory[statement.times : statement.times + statement.count].tolist()
    k = frame.at(statement.block) if statement.columns > 1 else 0
    after = bisect_right(times, t + abs(t) * ir.SAME_TIME)
    place = statement.values + max(after - 1, 0) * statement.columns + k
    value = float(memory[place])
    if statement.linear and 0 < after < statement.count:
        rise = float(memory[place + statement.columns]) - value
        value += rise * ((t - times[after - 1]) / (times[after] - times[after - 1]))
    frame.temps[statement.temp.number] = value


def _after(frame: Frame, statement: ir.After) -> None:
    numbers = frame.machine.memory[statement.place : statement.place + statement.count].tolist()
    n = bisect_right(numbers, frame.value(statement.value))
    frame.temps[statement.temp.number] = numbers[n] if n < len(numbers) else math.inf


def _turned(ring: ir.Ring, at: int) -> int:
    """The place in a circle of one that may be past its end."""
    return at - ring.size if at >= ring.size else at


def _remember(frame: Frame, statement: ir.Remember) -> None:
    memory, ring = frame.machine.memory, statement.ring
    at = int(frame.value(statement.head))
    for source in frame.machine.program.tables[statement.sources].tolist():
        memory[ring.place + at] = memory[source]
        at = _turned(ring, at + ring.rows)


def _recall(frame: Frame, statement: ir.Recall) -> None:
    ring = statement.ring
    at = int(frame.value(statement.head)) + frame.whole(statement.start, statement.block)
    frame.temps[statement.temp.number] = float(frame.machine.memory[ring.place + _turned(ring, at)])


def _find(frame: Frame, statement: ir.Find) -> None:
    ring, value = statement.ring, frame.value(statement.value)
    found = int(frame.value(statement.head))
    for _ in range(ring.rows - 1):
        if float(frame.machine.memory[ring.place + found]) <= value:
            break
        found = found - 1 if found else ring.size - 1
    frame.temps[statement.temp.number] = float(found)


def _due(frame: Frame, statement: ir.Due) -> None:
    queue = frame.machine.queue
    frame.temps[statement.temp.number] = queue[0][0] if queue else math.inf


def _deliver(frame: Frame, _: ir.Deliver) -> None:
    frame.machine.deliver()


SOLVER_RULES: dict[type, Callable[[Frame, object], None]] = {
    ir.SetTime: _set_time,  # type: ignore[dict-item]  # each row takes the statement of its key
    ir.While: _while,  # type: ignore[dict-item]
    ir.Blend: _blend,  # type: ignore[dict-item]
    ir.Multiply: _multiply,  # type: ignore[dict-item]
    ir.Norm: _norm,  # type: ignore[dict-item]
    ir.Jacobian: _jacobian,  # type: ignore[dict-item]
    ir.Factor: _factor,  # type: ignore[dict-item]
    ir.Solve: _solve,  # type: ignore[dict-item]
    ir.Normal: _normal,  # type: ignore[dict-item]
    ir.Sample: _sample,  # type: ignore[dict-item]
    ir.After: _after,  # type: ignore[dict-item]
    ir.Remember: _remember,  # type: ignore[dict-item]
    ir.Recall: _recall,  # type: ignore[dict-item]
    ir.Find: _find,  # type: ignore[dict-item]
    ir.Due: _due,  # type: ignore[dict-item]
    ir.Deliver: _deliver,  # type: ignore[dict-item]
}
