"""LLVM instructions for the delivery of queued events, by one thread or by several."""

from __future__ import annotations

from collections.abc import Iterator

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.delivery import Delivery
from tvbo_lite.compiler.divided_code import DividedCode
from tvbo_lite.compiler.event_code import Served
from tvbo_lite.compiler.shared import Shared, literal

__all__ = ["DeliveryCode", "delivery_functions"]

_ITEM = "{ double, i64, i64 }"


class DeliveryCode(DividedCode):
    """Knows how queued events are delivered."""

    def deliver(self, _: ir.Deliver | None = None) -> None:
        """Calls the handlers of all queued events that are due: of many together, or of one at a time."""
        shared = self.shared
        if not shared.queued:
            return
        shared.needs.add("events.due")
        more, single, some, end = self.labels("more", "single", "due", "delivered")
        self.say(f"br label %{more}")
        self.begin(more)
        if shared.delivery.fans:
            self._together(shared.delivery, more, single)
        item = self.do("call ptr @events.due(ptr %S)")
        self.say(f"br i1 {self.do(f'icmp ne ptr {item}, null')}, label %{some}, label %{end}")
        self.begin(some)
        handler = self.do(f"load i64, ptr {self.element(item, 'i64', '1')}")
        index = self.do(f"load i64, ptr {self.element(item, 'i64', '2')}")
        self.call_handler(Served(shared.queued, handler, index, literal(0.0), literal(1.0)))
        self.say(f"br label %{more}")
        self.begin(end)

    def _together(self, delivery: Delivery, more: str, single: str) -> None:
        self.shared.needs |= {"events.batch", "threads.share", "threads.help"}
        (together,) = self.labels("together")
        count = self.do(f"call i64 @events.batch(ptr %S, i64 {len(delivery.fans)}, i64 {delivery.least})")
        self.say(f"br i1 {self.do(f'icmp ne i64 {count}, 0')}, label %{together}, label %{single}")
        self.begin(together)
        self.say(
            f"call void @threads.share(ptr %S, ptr @deliver, i64 0, i64 {delivery.ranges}, i64 1, i64 2)"
        )
        head = self.do(f"load i64, ptr {self.cell(ir.QUEUE_HEAD)}")
        self.say(f"store i64 {self.do(f'add i64 {head}, {count}')}, ptr {self.cell(ir.QUEUE_HEAD)}")
        self.say(f"br label %{more}")
        self.begin(single)


def delivery_functions(shared: Shared) -> Iterator[str]:
    """The functions that deliver a batch of events to some ranges of targets."""
    if not shared.delivery.fans:
        return
    for fan in shared.delivery.fans.values():
        yield _FanPart(shared).text(fan)
    yield _Batch(shared).text()


class _FanPart(DividedCode):
    """A function that calls the handlers of those targets of a fan that lie in some ranges."""

    def text(self, fan: ir.Fan) -> str:
        begins = self.shared.table(self.shared.delivery.begins(fan))
        row = self.do(f"mul i64 %k, {self.shared.delivery.ranges + 1}")
        first, last = (self.entry(begins, self.do(f"add i64 {row}, {name}")) for name in ("%first", "%last"))
        self.serve_listed("%k", fan.targets, self.call_handler, (first, last))
        arguments = "(ptr noalias %S, i64 %k, i64 %first, i64 %last)"
        head = f'define internal void @"{fan.name}.part"{arguments} nounwind {{'
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])


class _Batch(DividedCode):
    """``deliver``: all events of the batch, to their targets in some ranges."""

    def text(self) -> str:
        fans = list(self.shared.delivery.fans)
        queue = self.do(f"load ptr, ptr {self.cell(ir.QUEUE)}")
        head = self.do(f"load i64, ptr {self.cell(ir.QUEUE_HEAD)}")
        count = self.do(f"load i64, ptr {self.cell(ir.BATCH)}")
        with self.over(head, count, empty=False) as at:
            item = self.element(queue, _ITEM, at)
            handler = self.do(f"load i64, ptr {self.element(item, 'i64', '1')}")
            index = self.do(f"load i64, ptr {self.element(item, 'i64', '2')}")
            end, *cases = self.labels("brought", *(f"to{n}." for n in range(len(fans))))
            arms = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(cases))
            self.say(f"switch i64 {handler}, label %{end} [ {arms} ]")
            for fan, label in zip(fans, cases, strict=True):
                self.begin(label)
                self.say(f'call void @"{fan}.part"(ptr %S, i64 {index}, i64 %first, i64 %last)')
                self.say(f"br label %{end}")
            self.begin(end)
        head = "define internal void @deliver(ptr noalias %S, i64 %first, i64 %last) nounwind {"
        return "\n".join([head, "entry:", *self.variables, *self.lines, "  ret void", "}"])
