"""`tvbo_lite.compiler.ir.Program` to the text of an LLVM module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir, runtime
from tvbo_lite.compiler.delivery_code import DeliveryCode, delivery_functions
from tvbo_lite.compiler.shared import Shared, literal
from tvbo_lite.compiler.split import split_loops

if TYPE_CHECKING:
    from numpy.typing import NDArray

COPY = 8  # so many recorded neighbours in memory are copied at once
UNROLL_RECORDS = 64  # more recorded values are copied in a loop
SMALL = 5000  # cells of memory; an adaptive method of more has loops that are worth every optimisation
CHECK_UNROLL = 8  # cells of more instances are checked in a loop


@dataclass(frozen=True, slots=True)
class Module:
    """The text of an LLVM module, the arrays that it refers to by name, and the cells of memory it needs.

    ``light`` code is worth few optimisations: much text, run through a few thousand times. ``queued`` are the
    handlers of delayed events, by the numbers that they have in the queue. ``divided`` code has loops that
    several threads may share.
    """

    text: str
    arrays: dict[str, NDArray[np.generic]]
    size: int
    light: bool = False
    queued: tuple[str, ...] = ()
    divided: bool = False


def module(program: ir.Program, *, fast: bool = False, threads: int = 1) -> Module:
    """The LLVM module of a program: it defines the initialising function, ``run`` and ``release``;
    and ``restore`` where events have delays.

    Code for one thread is smaller and compiles faster, and no bit differs. With ``fast``, where LLVM may
    round otherwise in other code, the code is the same for any number of threads.
    """
    program = split_loops(program)
    shared = Shared(program, fast=fast, divided=fast or threads > 1)
    functions = [_Function(shared, function).text() for function in program.functions]
    functions += [_Fan(shared).text(shared.delivery.fans.get(fan.name, fan)) for fan in program.fans]
    functions += delivery_functions(shared)
    run = _Run(shared).text()
    library = runtime.text({*shared.needs, "release", *(("restore",) if shared.queued else ())})
    text = "\n".join([*shared.tables, *functions, *shared.parts, run, *library, *shared.metadata()]) + "\n"
    light = program.own_steps is not None and len(program.memory) <= SMALL and not fast
    divided = "threads.help" in shared.needs
    return Module(text, shared.arrays, len(program.memory), light, tuple(shared.queued), divided)


def _stretches(places: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Neighbours in memory that are neighbours in a row: first column, first place, count."""
    array = np.array(places, dtype=np.int64)
    ends = np.flatnonzero(np.diff(array) != 1) + 1
    for part in np.split(np.arange(len(array)), ends):
        if len(part):
            yield 1 + int(part[0]), int(array[part[0]]), len(part)


class _Function(DeliveryCode):
    """One function of the program; rare ones are left unoptimised, which compiles much faster."""

    def __init__(self, shared: Shared, function: ir.Function) -> None:
        super().__init__(shared)
        self.function = function

    def text(self) -> str:
        block = self.function.block
        self.index[block.number] = "%k" if block.size > 1 else "0"
        self.body(self.function.body)
        rare = " noinline optnone" if self.function.rare else " noinline" if self.function.apart else ""
        linkage = "" if self.function is self.shared.program.initialise else "internal "
        weight = ", double %w" if self.function.weighted else ""
        head = (
            f'define {linkage}void @"{self.function.name}"(ptr noalias %S, i64 %k{weight}) nounwind{rare} {{'
        )
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])


class _Fan(DeliveryCode):
    """A function that calls the handlers of many targets."""

    def text(self, fan: ir.Fan) -> str:
        self.serve_listed("%k", fan.targets, self.call_handler)
        head = f'define internal void @"{fan.name}"(ptr noalias %S, i64 %k) nounwind {{'
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])


class _Run(DeliveryCode):
    """``i64 run(double *memory, double *rows, i64 count)``.

    Does ``count`` steps; after each it writes a row (time, recorded values) and moves the time on.
    Returns the number of rows whose values are all finite: less than ``count`` where one was not, or where a
    method that chooses its steps pauses before it reaches the next one.
    """

    def text(self) -> str:
        program = self.shared.program
        width = 1 + len(program.records)
        with self.loop("%count") as row:
            if not program.own_time:
                self.deliver()
            self.body(program.step.body)
            if program.own_steps is not None:
                halfway = self.do(f"load double, ptr {self.cell(program.own_steps.halfway)}")
                self._end_where(f"fcmp ogt double {halfway}, {literal(0.0)}", row)
            start = self.do(f"mul i64 {row}, {width}")
            time = self.do(f"load double, ptr {self.cell(ir.TIME)}")
            self._write(start, 0, time)
            self._record(start)
            later = self.do(f"fadd double {time}, {literal(program.dt)}")
            self.say(f"store double {later}, ptr {self.cell(ir.TIME)}")
            self._check(row)
        self.say("ret i64 %count")
        head = "define i64 @run(ptr noalias %S, ptr noalias %rows, i64 %count) nounwind {"
        return "\n".join([head, "entry:", *self.variables, *self.lines, "}"])

    def _end_where(self, condition: str, row: str) -> None:
        """Ends the run before a row is counted, where the condition holds."""
        end, more = self.labels("stop", "good")
        self.say(f"br i1 {self.do(condition)}, label %{end}, label %{more}")
        self.begin(end)
        self.say(f"ret i64 {row}")
        self.begin(more)

    def _record(self, start: str) -> None:
        """The recorded values of one row: stretches of memory as they are, many others by a loop."""
        single: list[tuple[int, int]] = []
        for column, place, count in _stretches(self.shared.program.records):
            if count >= COPY:
                self.shared.needs.add("llvm.memmove.p0.p0.i64")
                at = self.element("%rows", "double", self.do(f"add i64 {start}, {column}"))
                to = f"ptr {at}, ptr {self.cell(place)}, i64 {8 * count}, i1 false"
                self.say(f"call void @llvm.memmove.p0.p0.i64({to})")
            else:
                single += [(column + n, place + n) for n in range(count)]
        if len(single) <= UNROLL_RECORDS:
            for column, place in single:
                self._write(start, column, self.do(f"load double, ptr {self.cell(place)}"))
            return
        columns, places = (self.shared.table(np.array(numbers)) for numbers in zip(*single, strict=True))
        with self.over("0", str(len(single)), empty=False) as n:
            x = self.do(f"load double, ptr {self.element('%S', 'double', self.entry(places, n))}")
            at = self.do(f"add i64 {start}, {self.entry(columns, n)}")
            self.say(f"store double {x}, ptr {self.element('%rows', 'double', at)}")

    def _write(self, start: str, column: int, value: str) -> None:
        place = self.do(f"add i64 {start}, {column}")
        self.say(f"store double {value}, ptr {self.element('%rows', 'double', place)}")

    def _check(self, row: str) -> None:
        """0 * x is 0 for every finite x, and NaN for the others: one sum tells of all."""
        cells, total = self.shared.program.checked, literal(0.0)
        own_steps = self.shared.program.own_steps
        if not cells and own_steps is None:
            return
        if own_steps is not None:
            total = self._add_check(total, own_steps.length)
        for cell in cells:
            if cell.size <= CHECK_UNROLL:
                for place in range(cell.offset, cell.offset + cell.size):
                    total = self._add_check(total, place)
        large = [cell for cell in cells if cell.size > CHECK_UNROLL]
        if large:
            self.shared.needs.add("lems.finite")
            ranges = np.array([[cell.offset, cell.offset + cell.size] for cell in large]).ravel()
            table = self.shared.table(ranges, wide=True)
            rest = self.do(f'call double @lems.finite(ptr %S, ptr @"{table}", i64 {len(large)})')
            total = self.do(f"fadd double {total}, {rest}")
        self._end_where(f"fcmp uno double {total}, {literal(0.0)}", row)

    def _add_check(self, total: str, place: int) -> str:
        value = self.do(f"load double, ptr {self.cell(place)}")
        return self.do(f"fadd double {total}, {self.do(f'fmul double {value}, {literal(0.0)}')}")
