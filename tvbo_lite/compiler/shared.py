"""What the functions of one LLVM module share: its tables, its tags, and what it needs of the runtime."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.delivery import Delivery, delivery
from tvbo_lite.lems.runs import MAX_INT32

if TYPE_CHECKING:
    from numpy.typing import NDArray

IN_CODE = 64  # longer arrays are not part of the code
_KINDS = {"i4": "i32", "i8": "i64", "f8": "double"}


def literal(value: float) -> str:
    """A double, bit by bit."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"


class Shared:
    """What the functions of one module share: its tables, and which runtime functions it needs."""

    def __init__(self, program: ir.Program, *, fast: bool, divided: bool = False) -> None:
        self.program = program
        self.fast = fast
        self.divided = divided  # whether several threads may run the code
        self.needs: set[str] = set()
        self.tables: list[str] = []
        self.parts: list[str] = []
        self.arrays: dict[str, NDArray[np.generic]] = {}
        self.weighted = {function.name for function in program.functions if function.weighted}
        self.kinds: dict[str, str] = {}
        self.delivery = delivery(program) if divided else Delivery({}, {})
        queued = {name for port in program.ports if port.delayed for name in port.delayed.names}
        self.queued = [*self.delivery.fans, *sorted(queued - {*self.delivery.fans})]
        self._known: dict[int, tuple[NDArray[np.generic], str]] = {}
        self.named: set[str] = set()
        self.offsets = [cell.offset for cell in program.cells]
        self.tagged: set[int] = set()
        self.rings: dict[int, int] = {}  # the number of a ring's tag, by its place
        for number, places in enumerate(program.tables):
            self._define(f"table.{number}", places)

    def tag(self, leaf: ir.Place) -> str:
        """Tells LLVM in which cell an access lies: two accesses in different cells never meet.

        Without that it would have to prove it, which it cannot for a loop over instances; so such loops
        would not be vectorised. An access that may lie in several cells has no tag, and may meet all.
        """
        if isinstance(leaf, ir.Gather):
            return ""
        last = leaf.offset + leaf.stride * (leaf.block.size - 1)
        number = bisect_right(self.offsets, leaf.offset) - 1
        if leaf.offset == ir.TIME:
            number = -1
        elif number < 0 or not self._within(number, leaf.offset) or not self._within(number, last):
            return ""
        self.tagged.add(number)
        return f", !tbaa !{2 * number + 4}"

    def ring_tag(self, ring: ir.Ring) -> str:
        """The tag of all places of a ring, which are no cells."""
        number = self.rings.setdefault(ring.place, len(self.program.cells) + len(self.rings))
        self.tagged.add(number)
        return f", !tbaa !{2 * number + 4}"

    def _within(self, number: int, place: int) -> bool:
        cell = self.program.cells[number]
        return cell.offset <= place < cell.offset + cell.size

    def metadata(self) -> Iterator[str]:
        """The tags that have been used, as LLVM's types of memory accesses."""
        yield '!0 = !{!"memory"}'
        for number in sorted(self.tagged):
            kind = 2 * number + 3
            yield f'!{kind} = !{{!"cell {number}", !0, i64 0}}'
            yield f"!{kind + 1} = !{{!{kind}, !{kind}, i64 0}}"

    def part(self, text: Callable[[], str]) -> str:
        """The name of a function that does a part of a long loop; ``text`` is all that follows the name."""
        name = f"part.{len(self.parts)}"
        self.parts.append(f'define internal void @"{name}"{text()}')
        return name

    def table(self, values: NDArray[np.generic], *, wide: bool = False) -> str:
        """The name of an array that the code reads; a ``wide`` one keeps its 64 bits a number."""
        known = self._known.get(id(values))
        if known is not None and not wide:
            return known[1]
        name = f"list.{len(self.tables)}"
        self._define(name, values, wide=wide)
        self._known[id(values)] = values, name
        return name

    def named_table(self, name: str, values: Callable[[], NDArray[np.int64]]) -> str:
        """The same with a name of its own, made when first asked for."""
        if name not in self.named:
            self.named.add(name)
            self._define(name, values())
        return name

    def _define(self, name: str, values: NDArray[np.generic], *, wide: bool = False) -> None:
        """Short arrays stand in the code; long ones stay where they are, and the code is told the place."""
        values = np.ascontiguousarray(values)
        if not wide and len(values) > IN_CODE and values.dtype == np.int64 and values.max() < MAX_INT32:
            values = values.astype(np.int32)
        kind = self.kinds[name] = _KINDS[values.dtype.str[1:]]
        if len(values) <= IN_CODE:
            numbers = map(literal if kind == "double" else str, values.tolist())
            body = ", ".join(f"{kind} {number}" for number in numbers)
            self.tables.append(f'@"{name}" = private unnamed_addr constant [{len(values)} x {kind}] [{body}]')
        else:
            self.arrays[name] = values
            self.tables.append(f'@"{name}" = external constant [{len(values)} x {kind}]')
