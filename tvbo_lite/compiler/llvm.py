"""`tvbo_lite.compiler.ir.Program` to the text of an LLVM module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir, runtime
from tvbo_lite.compiler.code import Code, Served, Shared, literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECK_UNROLL = 8  # cells of more instances are checked in a loop


@dataclass(frozen=True, slots=True)
class Module:
    """The text of an LLVM module, and the arrays that it refers to by name."""

    text: str
    arrays: dict[str, NDArray[np.generic]]


def module(program: ir.Program, *, fast: bool = False) -> Module:
    """The LLVM module of a program: it defines the initialising function, ``run`` and ``release``."""
    shared = Shared(program, fast=fast)
    functions = [_Function(shared, function).text() for function in program.functions]
    functions += [_Fan(shared).text(fan) for fan in program.fans]
    run = _Run(shared).text()
    library = runtime.text({*shared.needs, "release"})
    text = "\n".join([*shared.tables, *functions, run, *library, *shared.metadata()]) + "\n"
    return Module(text, shared.arrays)


class _Function(Code):
    """One function of the program; rare ones are left unoptimised, which compiles much faster."""

    def __init__(self, shared: Shared, function: ir.Function) -> None:
        super().__init__(shared)
        self.function = function

    def text(self) -> str:
        block = self.function.block
        self.index[block.number] = "%k" if block.size > 1 else "0"
        self.body(self.function.body)
        rare = " noinline optnone" if self.function.rare else ""
        linkage = "" if self.function is self.shared.program.initialise else "internal "
        weight = ", double %w" if self.function.weighted else ""
        head = (
            f'define {linkage}void @"{self.function.name}"(ptr noalias %S, i64 %k{weight}) nounwind{rare} {{'
        )
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])


class _Fan(Code):
    """A function that calls the handlers of many targets."""

    def text(self, fan: ir.Fan) -> str:
        self.serve_listed("%k", fan.targets, self.call_handler)
        head = f'define internal void @"{fan.name}"(ptr noalias %S, i64 %k) nounwind {{'
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])


class _Run(Code):
    """``i64 run(double *memory, double *rows, i64 count)``.

    Does ``count`` steps; after each it writes a row (time, recorded values) and moves the time on.
    Returns the number of rows whose values are all finite: less than ``count`` where one was not.
    """

    def text(self) -> str:
        program = self.shared.program
        width = 1 + len(program.records)
        with self.loop("%count") as row:
            if self.shared.queued:
                self._deliver()
            self.body(program.step.body)
            start = self.do(f"mul i64 {row}, {width}")
            time = self.do(f"load double, ptr {self.cell(ir.TIME)}")
            self._write(start, 0, time)
            for n, place in enumerate(program.records):
                self._write(start, n + 1, self.do(f"load double, ptr {self.cell(place)}"))
            later = self.do(f"fadd double {time}, {literal(program.dt)}")
            self.say(f"store double {later}, ptr {self.cell(ir.TIME)}")
            self._check(row)
        self.say("ret i64 %count")
        head = "define i64 @run(ptr noalias %S, ptr noalias %rows, i64 %count) nounwind {"
        return "\n".join([head, "entry:", *self.variables, *self.lines, "}"])

    def _deliver(self) -> None:
        """Calls the handlers of all queued events that are due."""
        self.shared.needs.add("events.due")
        more, some, end = self.labels("more", "due", "delivered")
        self.say(f"br label %{more}")
        self.begin(more)
        item = self.do("call ptr @events.due(ptr %S)")
        self.say(f"br i1 {self.do(f'icmp ne ptr {item}, null')}, label %{some}, label %{end}")
        self.begin(some)
        handler = self.do(f"load i64, ptr {self.element(item, 'i64', '1')}")
        index = self.do(f"load i64, ptr {self.element(item, 'i64', '2')}")
        self.call_handler(Served(self.shared.queued, handler, index, literal(0.0), literal(1.0)))
        self.say(f"br label %{more}")
        self.begin(end)

    def _write(self, start: str, column: int, value: str) -> None:
        place = self.do(f"add i64 {start}, {column}")
        self.say(f"store double {value}, ptr {self.element('%rows', 'double', place)}")

    def _check(self, row: str) -> None:
        """0 * x is 0 for every finite x, and NaN for the others: one sum tells of all."""
        cells = self.shared.program.checked
        if not cells:
            return
        total = literal(0.0)
        for cell in cells:
            if cell.size <= CHECK_UNROLL:
                for place in range(cell.offset, cell.offset + cell.size):
                    total = self._add_check(total, place)
        large = [cell for cell in cells if cell.size > CHECK_UNROLL]
        if large:
            self.shared.needs.add("lems.finite")
            table = self.shared.table(np.array([[c.offset, c.offset + c.size] for c in large]).ravel())
            rest = self.do(f'call double @lems.finite(ptr %S, ptr @"{table}", i64 {len(large)})')
            total = self.do(f"fadd double {total}, {rest}")
        good, bad = self.labels("finite", "stop")
        self.say(f"br i1 {self.do(f'fcmp ord double {total}, {literal(0.0)}')}, label %{good}, label %{bad}")
        self.begin(bad)
        self.say(f"ret i64 {row}")
        self.begin(good)

    def _add_check(self, total: str, place: int) -> str:
        value = self.do(f"load double, ptr {self.cell(place)}")
        return self.do(f"fadd double {total}, {self.do(f'fmul double {value}, {literal(0.0)}')}")
