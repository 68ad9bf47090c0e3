"""LLVM instructions for long loops whose parts several threads may do.

Such a loop is a function of its own, of a range of instances. The same code runs with any number of threads,
and where a range begins and ends makes no difference to any bit (`tvbo_lite.compiler.runtime_threads.GRAIN`).
"""

from __future__ import annotations

from collections.abc import Callable

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.runtime_threads import GRAIN
from tvbo_lite.compiler.solver_code import SolverCode
from tvbo_lite.compiler.split import WORTH, reads_temporaries

__all__ = ["DividedCode"]

DRAW = 64  # operations for a normal number
PIECES = 4  # shares for each thread: one that is faster than others does more


class DividedCode(SolverCode):
    """Knows which statements can be divided among threads."""

    def statement(self, statement: ir.Statement) -> None:
        if not self.shared.divided:
            super().statement(statement)
        elif isinstance(statement, ir.Each) and statement.divisible:
            self._divide_each(statement)
        elif isinstance(statement, ir.Blend | ir.Multiply | ir.Normal) and _is_long(statement):
            self._divide("0", str(statement.size), lambda code: code.statement(statement))
        else:
            super().statement(statement)

    def _divide_each(self, statement: ir.Each) -> None:
        block = statement.block

        def body(code: SolverCode) -> None:
            first, count = code.range()
            with code.over(first, count, empty=True) as j:
                code.index[block.number] = j
                code.body(statement.body)

        self._divide(*self.members(block, self.at(block.parent) if block.parent else "0"), body)

    def _divide(self, first: str, count: str, body: Callable[[SolverCode], None]) -> None:
        """A call that does ``body`` for ``count`` instances from ``first``, by one thread or several."""
        name = self.shared.part(lambda: _part(self, body))
        self.shared.needs |= {"threads.share", "threads.help"}
        some = f"i64 {first}, i64 {count}, i64 {GRAIN}, i64 {PIECES}"
        self.say(f'call void @threads.share(ptr %S, ptr @"{name}", {some})')


def _part(around: DividedCode, body: Callable[[SolverCode], None]) -> str:
    """The text of a function of a range, without its name."""
    code = SolverCode(around.shared)
    code.part = ("%first", "%last")
    body(code)
    head = "(ptr noalias %S, i64 %first, i64 %last) nounwind {"
    return "\n".join([head, "entry:", *code.variables, *code.lines, "  ret void", "}"])


def _is_long(statement: ir.Blend | ir.Multiply | ir.Normal) -> bool:
    """Whether a statement is worth several threads, and each place in it is worked out by itself."""
    match statement:
        case ir.Blend():
            places = [statement.base, *(place for _, place in statement.terms)]
            values = [statement.factor, *(weight for weight, _ in statement.terms)]
            work = 2 + 2 * len(places)
        case ir.Multiply():
            places, values, work = [statement.first, statement.second], [statement.factor], 5
        case ir.Normal():
            places, values, work = [], [statement.step], DRAW
    apart = all(
        place == statement.target or abs(place - statement.target) >= statement.size for place in places
    )
    return apart and work * statement.size >= WORTH and not any(map(reads_temporaries, values))
