"""LLVM instructions for the statements of integration methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.code import Code, Served, literal
from tvbo_lite.compiler.runtime_solvers import signed

UNROLL = 8  # shorter stretches are worked on without a loop
INFINITY = literal(float("inf"))


class SolverCode(Code):
    """Knows all statements."""

    def statement(self, statement: ir.Statement) -> None:
        rule = _RULES.get(type(statement))
        if rule is None:
            super().statement(statement)
        else:
            rule(self, statement)

    def set_time(self, statement: ir.SetTime) -> None:
        self.say(f"store double {self.value(statement.value)}, ptr {self.cell(ir.TIME)}")

    def repeat(self, statement: ir.While) -> None:
        look, more, end = self.labels("look", "again", "left")
        known = dict(self.index)
        self.say(f"br label %{look}")
        self.begin(look)
        self.say(f"br i1 {self.truth(statement.condition)}, label %{more}, label %{end}")
        self.index = dict(known)
        self.begin(more)
        self.body(statement.body)
        self.say(f"br label %{look}")
        self.index = known
        self.begin(end)

    # ---- stretches ------------------------------------------------------------------------------

    @contextmanager
    def _over(self, size: int) -> Iterator[str]:
        with self.loop(size) as i:
            yield i

    def _each(self, size: int, act: Callable[[str], None]) -> None:
        """``act`` for each index below ``size``."""
        if size <= UNROLL:
            for i in range(size):
                act(str(i))
            return
        with self._over(size) as i:
            act(i)

    def _at(self, place: int, i: str) -> str:
        index = str(place + int(i)) if i.isdigit() else self.do(f"add nuw nsw i64 {i}, {place}")
        return self.element("%S", "double", index)

    def _get(self, place: int, i: str) -> str:
        return self.do(f"load double, ptr {self._at(place, i)}")

    def _put(self, place: int, i: str, value: str) -> None:
        self.say(f"store double {value}, ptr {self._at(place, i)}")

    def _op(self, op: str, x: str, y: str) -> str:
        return self.do(f"{op}{self.flags} double {x}, {y}")

    def _total(self, terms: list[tuple[str, int]], i: str) -> str:
        total = ""
        for weight, place in terms:
            term = self._op("fmul", weight, self._get(place, i))
            total = self._op("fadd", total, term) if total else term
        return total or literal(0.0)

    def _weights(self, terms: ir.Terms) -> list[tuple[str, int]]:
        return [(self.value(weight), place) for weight, place in terms]

    def blend(self, statement: ir.Blend) -> None:
        factor, terms = self.value(statement.factor), self._weights(statement.terms)

        def act(i: str) -> None:
            x = self._get(statement.base, i)
            if terms:
                x = self._op("fadd", x, self._op("fmul", factor, self._total(terms, i)))
            self._put(statement.target, i, x)

        self._each(statement.size, act)

    def multiply(self, statement: ir.Multiply) -> None:
        factor = self.value(statement.factor)

        def act(i: str) -> None:
            product = self._op("fmul", self._get(statement.first, i), self._get(statement.second, i))
            self._put(statement.target, i, self._op("fmul", factor, product))

        self._each(statement.size, act)

    def norm(self, statement: ir.Norm) -> None:
        factor, terms = self.value(statement.factor), self._weights(statement.terms)
        absolute, relative = self.value(statement.absolute), self.value(statement.relative)
        total = self.variable(literal(0.0))
        self.shared.needs.add("llvm.fabs.f64")

        def act(i: str) -> None:
            x, y = (
                self.do(f"call double @llvm.fabs.f64(double {self._get(place, i)})")
                for place in (statement.first, statement.second)
            )
            larger = self.do(f"select i1 {self.do(f'fcmp olt double {x}, {y}')}, double {y}, double {x}")
            scale = self._op("fmul", absolute, self._get(statement.scale, i))
            allowed = self._op("fadd", scale, self._op("fmul", relative, larger))
            ratio = self._op("fdiv", self._op("fmul", factor, self._total(terms, i)), allowed)
            so_far = self.do(f"load double, ptr {total}")
            self.say(f"store double {self._op('fadd', so_far, self._op('fmul', ratio, ratio))}, ptr {total}")

        self._each(statement.size, act)
        self.temps[statement.temp.number] = self.do(f"load double, ptr {total}")

    # ---- linear systems -------------------------------------------------------------------------------

    def jacobian(self, statement: ir.Jacobian) -> None:
        """A loop over the states: each is changed a little and put back."""
        n = statement.size
        self.shared.needs.add("llvm.fabs.f64")
        with self.loop(n) as j:
            before = self._get(statement.states, j)
            size = self.do(f"call double @llvm.fabs.f64(double {before})")
            scale = self._get(statement.scale, j)
            larger = self.do(f"select i1 {self.do(f'fcmp olt double {size}, {scale}')}, double {scale}, double {size}")
            moved = self.do(f"fadd double {before}, {self.do(f'fmul double {literal(ir.DIFFERENCE)}, {larger}')}")
            self._put(statement.states, j, moved)
            change = self.do(f"fsub double {moved}, {before}")
            self.say(f'call void @"{statement.function}"(ptr %S, i64 0)')
            self._put(statement.states, j, before)
            with self.loop(n) as i:
                slope, known = self._get(statement.slopes, i), self._get(statement.known, i)
                row = self.do(f"add i64 {self.do(f'mul i64 {i}, {n}')}, {j}")
                value = self.do(f"fdiv double {self.do(f'fsub double {slope}, {known}')}, {change}")
                self._put(statement.matrix, row, value)

    def factor(self, statement: ir.Factor) -> None:
        self.shared.needs.add("linear.factor")
        places = f"i64 {statement.target}, i64 {statement.matrix}, i64 {statement.pivots}, i64 {statement.size}"
        self.say(f"call void @linear.factor(ptr %S, {places}, double {self.value(statement.diagonal)})")

    def solve(self, statement: ir.Solve) -> None:
        self.shared.needs.add("linear.solve")
        places = f"i64 {statement.matrix}, i64 {statement.pivots}, i64 {statement.vector}, i64 {statement.size}"
        self.say(f"call void @linear.solve(ptr %S, {places})")

    # ---- random numbers, tables, events ----------------------------------------------------------------

    def normal(self, statement: ir.Normal) -> None:
        self.shared.needs.add("noise.normal")
        step = self.do(f"fptoui double {self.value(statement.step)} to i64")
        seed = statement.seed & (1 << 64) - 1
        low, high = signed(seed), signed(seed >> 32)
        key = f"i32 {low}, i32 {high}, i32 {statement.stream}, i64 {step}"
        target = self.cell(statement.target)
        self.say(f"call void @noise.normal(ptr {target}, i64 {statement.size}, {key})")

    def sample(self, statement: ir.Sample) -> None:
        self.shared.needs.add("table.at")
        k = self.at(statement.block) if statement.columns > 1 else "0"
        numbers = f"i64 {statement.times}, i64 {statement.values}, i64 {statement.count}, i64 {statement.columns}"
        kind = "true" if statement.linear else "false"
        time = self.value(statement.time)
        register = self.do(f"call double @table.at(ptr %S, {numbers}, i64 {k}, double {time}, i1 {kind})")
        self.temps[statement.temp.number] = register

    def after(self, statement: ir.After) -> None:
        self.shared.needs.add("table.after")
        first, value = self.cell(statement.place), self.value(statement.value)
        n = self.do(f"call i64 @table.after(ptr {first}, i64 {statement.count}, double {value})")
        past = self.do(f"icmp eq i64 {n}, {statement.count}")
        last = self.do(f"select i1 {past}, i64 {statement.count - 1}, i64 {n}")
        found = self.do(f"load double, ptr {self.element(first, 'double', last)}")
        chosen = self.do(f"select i1 {past}, double {INFINITY}, double {found}")
        self.temps[statement.temp.number] = chosen

    def due(self, statement: ir.Due) -> None:
        self.shared.needs.add("events.next")
        self.temps[statement.temp.number] = self.do("call double @events.next(ptr %S)")

    def deliver(self, _: ir.Deliver | None = None) -> None:
        """Calls the handlers of all queued events that are due."""
        if not self.shared.queued:
            return
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


_RULES: dict[type, Callable[[SolverCode, object], None]] = {
    ir.SetTime: SolverCode.set_time,  # type: ignore[dict-item]  # each row takes the statement of its key
    ir.While: SolverCode.repeat,  # type: ignore[dict-item]
    ir.Blend: SolverCode.blend,  # type: ignore[dict-item]
    ir.Multiply: SolverCode.multiply,  # type: ignore[dict-item]
    ir.Norm: SolverCode.norm,  # type: ignore[dict-item]
    ir.Jacobian: SolverCode.jacobian,  # type: ignore[dict-item]
    ir.Factor: SolverCode.factor,  # type: ignore[dict-item]
    ir.Solve: SolverCode.solve,  # type: ignore[dict-item]
    ir.Normal: SolverCode.normal,  # type: ignore[dict-item]
    ir.Sample: SolverCode.sample,  # type: ignore[dict-item]
    ir.After: SolverCode.after,  # type: ignore[dict-item]
    ir.Due: SolverCode.due,  # type: ignore[dict-item]
    ir.Deliver: SolverCode.deliver,  # type: ignore[dict-item]
}
