"""LLVM instructions for the statements of integration methods."""

from __future__ import annotations

from collections.abc import Callable

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.event_code import EventCode, Served
from tvbo_lite.compiler.runtime_solvers import signed
from tvbo_lite.compiler.shared import literal

SINGLE, VECTOR = 2, 16  # shorter stretches are worked on one by one, or as a vector, without a loop
INFINITY = literal(float("inf"))


class _Lanes:
    """Instructions for ``count`` neighbours at once, or for one at index ``i``."""

    def __init__(self, code: EventCode, count: int, i: str) -> None:
        self.code, self.count, self.i = code, count, i
        self.kind = "double" if count == 1 else f"<{count} x double>"

    def _at(self, place: int) -> str:
        known = self.i.isdigit()
        index = str(place + int(self.i)) if known else self.code.do(f"add nuw nsw i64 {self.i}, {place}")
        return self.code.element("%S", "double", index)

    def get(self, place: int) -> str:
        return self.code.do(f"load {self.kind}, ptr {self._at(place)}, align 8")

    def put(self, place: int, value: str) -> None:
        self.code.say(f"store {self.kind} {value}, ptr {self._at(place)}, align 8")

    def op(self, op: str, x: str, y: str) -> str:
        return self.code.do(f"{op}{self.code.flags} {self.kind} {x}, {y}")

    def all(self, value: str) -> str:
        """A number in every lane."""
        if self.count == 1:
            return value
        if not value.startswith("%"):
            return "<" + ", ".join([f"double {value}"] * self.count) + ">"
        first = self.code.do(f"insertelement {self.kind} poison, double {value}, i64 0")
        lanes = f"<{self.count} x i32> zeroinitializer"
        return self.code.do(f"shufflevector {self.kind} {first}, {self.kind} poison, {lanes}")

    def total(self, terms: list[tuple[str, int]]) -> str:
        total = ""
        for weight, place in terms:
            term = self.op("fmul", self.all(weight), self.get(place))
            total = self.op("fadd", total, term) if total else term
        return total or self.all(literal(0.0))

    def size(self, x: str) -> str:
        """The absolute value."""
        if self.count == 1:
            self.code.shared.needs.add("llvm.fabs.f64")
            return self.code.do(f"call double @llvm.fabs.f64(double {x})")
        name = f"llvm.fabs.v{self.count}f64"
        self.code.shared.needs.add(name)
        return self.code.do(f"call {self.kind} @{name}({self.kind} {x})")

    def larger(self, x: str, y: str) -> str:
        flags = "i1" if self.count == 1 else f"<{self.count} x i1>"
        less = self.code.do(f"fcmp olt {self.kind} {x}, {y}")
        return self.code.do(f"select {flags} {less}, {self.kind} {y}, {self.kind} {x}")

    def added(self, total: str, x: str) -> str:
        """The total and all lanes, in order."""
        for lane in range(self.count):
            one = x if self.count == 1 else self.code.do(f"extractelement {self.kind} {x}, i64 {lane}")
            total = self.code.do(f"fadd{self.code.flags} double {total}, {one}")
        return total


class SolverCode(EventCode):
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

    def _over(self, size: int, act: Callable[[_Lanes], None]) -> None:
        """``act`` for all of a stretch. A vector keeps the code short; very short ones are faster without,
        for their parts have just been written one by one.
        """
        if size <= SINGLE:
            for one in range(size):
                act(_Lanes(self, 1, str(one)))
        elif size <= VECTOR:
            act(_Lanes(self, size, "0"))
        else:
            with self.loop(size) as i:
                act(_Lanes(self, 1, i))

    def _at(self, place: int, i: str) -> str:
        return self.element("%S", "double", self.do(f"add nuw nsw i64 {i}, {place}"))

    def _get(self, place: int, i: str) -> str:
        return self.do(f"load double, ptr {self._at(place, i)}")

    def _put(self, place: int, i: str, value: str) -> None:
        self.say(f"store double {value}, ptr {self._at(place, i)}")

    def _weights(self, terms: ir.Terms) -> list[tuple[str, int]]:
        return [(self.value(weight), place) for weight, place in terms]

    def blend(self, statement: ir.Blend) -> None:
        factor, terms = self.value(statement.factor), self._weights(statement.terms)

        def act(lanes: _Lanes) -> None:
            x = lanes.get(statement.base)
            if terms:
                x = lanes.op("fadd", x, lanes.op("fmul", lanes.all(factor), lanes.total(terms)))
            lanes.put(statement.target, x)

        self._over(statement.size, act)

    def multiply(self, statement: ir.Multiply) -> None:
        factor = self.value(statement.factor)

        def act(lanes: _Lanes) -> None:
            product = lanes.op("fmul", lanes.get(statement.first), lanes.get(statement.second))
            lanes.put(statement.target, lanes.op("fmul", lanes.all(factor), product))

        self._over(statement.size, act)

    def norm(self, statement: ir.Norm) -> None:
        factor, terms = self.value(statement.factor), self._weights(statement.terms)
        absolute, relative = self.value(statement.absolute), self.value(statement.relative)
        total = self.variable(literal(0.0))

        def act(lanes: _Lanes) -> None:
            larger = lanes.larger(*(lanes.size(lanes.get(p)) for p in (statement.first, statement.second)))
            scale = lanes.op("fmul", lanes.all(absolute), lanes.get(statement.scale))
            allowed = lanes.op("fadd", scale, lanes.op("fmul", lanes.all(relative), larger))
            ratio = lanes.op("fdiv", lanes.op("fmul", lanes.all(factor), lanes.total(terms)), allowed)
            so_far = self.do(f"load double, ptr {total}")
            self.say(f"store double {lanes.added(so_far, lanes.op('fmul', ratio, ratio))}, ptr {total}")

        self._over(statement.size, act)
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
            larger = self.do(
                f"select i1 {self.do(f'fcmp olt double {size}, {scale}')}, double {scale}, double {size}"
            )
            moved = self.do(
                f"fadd double {before}, {self.do(f'fmul double {literal(ir.DIFFERENCE)}, {larger}')}"
            )
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
        places = (
            f"i64 {statement.target}, i64 {statement.matrix}, i64 {statement.pivots}, i64 {statement.size}"
        )
        self.say(f"call void @linear.factor(ptr %S, {places}, double {self.value(statement.diagonal)})")

    def solve(self, statement: ir.Solve) -> None:
        self.shared.needs.add("linear.solve")
        places = (
            f"i64 {statement.matrix}, i64 {statement.pivots}, i64 {statement.vector}, i64 {statement.size}"
        )
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
        numbers = (
            f"i64 {statement.times}, i64 {statement.values}, i64 {statement.count}, i64 {statement.columns}"
        )
        kind = "true" if statement.linear else "false"
        time = self.value(statement.time)
        register = self.do(f"call double @table.at(ptr %S, {numbers}, i64 {k}, double {time}, i1 {kind})")
        self.temps[statement.temp.number] = register

    # ---- the past -----------------------------------------------------------------------------------------

    def _head(self, head: ir.Value) -> str:
        return self.do(f"fptosi double {self.value(head)} to i64")

    def _turned(self, ring: ir.Ring, at: str) -> str:
        """The place in a circle of one that may be past its end."""
        past = self.do(f"icmp sge i64 {at}, {ring.size}")
        return self.do(f"select i1 {past}, i64 {self.do(f'sub nsw i64 {at}, {ring.size}')}, i64 {at}")

    def _in_ring(self, ring: ir.Ring, at: str) -> str:
        return self.element("%S", "double", self.do(f"add nuw nsw i64 {at}, {ring.place}"))

    def remember(self, statement: ir.Remember) -> None:
        ring, head = statement.ring, self._head(statement.head)
        with self.loop(ring.count) as j:
            source = self.element("%S", "double", self.entry(f"table.{statement.sources}", j))
            value = self.do(f"load double, ptr {source}")
            later = self.do(f"add nsw i64 {head}, {self.do(f'mul nsw i64 {j}, {ring.rows}')}")
            place = self._in_ring(ring, self._turned(ring, later))
            self.say(f"store double {value}, ptr {place}{self.shared.ring_tag(ring)}")

    def recall(self, statement: ir.Recall) -> None:
        ring, head = statement.ring, self._head(statement.head)
        at = self.do(f"add nsw i64 {head}, {self.whole(statement.start, statement.block)}")
        place = self._in_ring(ring, self._turned(ring, at))
        self.temps[statement.temp.number] = self.do(f"load double, ptr {place}{self.shared.ring_tag(ring)}")

    def find(self, statement: ir.Find) -> None:
        self.shared.needs.add("past.find")
        ring, head = statement.ring, self._head(statement.head)
        numbers = f"i64 {ring.rows}, i64 {ring.size}, i64 {head}, double {self.value(statement.value)}"
        found = self.do(f"call i64 @past.find(ptr {self.cell(ring.place)}, {numbers})")
        self.temps[statement.temp.number] = self.do(f"sitofp i64 {found} to double")

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
    ir.Remember: SolverCode.remember,  # type: ignore[dict-item]
    ir.Recall: SolverCode.recall,  # type: ignore[dict-item]
    ir.Find: SolverCode.find,  # type: ignore[dict-item]
    ir.Due: SolverCode.due,  # type: ignore[dict-item]
    ir.Deliver: SolverCode.deliver,  # type: ignore[dict-item]
}
