"""The past for methods that choose their steps: the dense output of so many steps as are kept.

A row of the circle is one step: when it began, how long its dense output counts, and for each state that
somebody reads late the value there and the coefficients of the polynomial. Steps are shorter than the
shortest delay, so that no stage reads what is not known yet. A kink or jump at the start comes back after
each delay: steps end there, and after a few sums of delays where these are few; later ones are smoother, and
the control of the error finds the rest (A. Bellen and M. Zennaro, Numerical Methods for Delay Differential
Equations, 2003, section 2.2 and chapter 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.methods import Rosenbrock, RungeKutta
from tvbo_lite.compiler.past import Past, Reader, States
from tvbo_lite.compiler.pieces import ONE, ZERO, Body, Maker, below, choose, minus, number, over, plus, times
from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.transforms.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Segments"]

SHARE = 0.98  # the longest step, as a part of the shortest delay; a step may be 1 % longer to meet a limit
FEW = 4_000_000  # numbers that are kept at least
MOST_ROWS = 65_536  # steps
LEAST_ROWS = 1024  # steps
KINKS = 64  # at most so many moments at which steps end because of the start
LEVELS = 5  # how often a kink comes back before it is smooth enough


class Segments(Past):
    """The past of a method with steps of its own."""

    def __init__(self, maker: Maker, root: Block, method: RungeKutta | Rosenbrock) -> None:
        super().__init__(maker, root)
        self.method = method
        self.degree = max(len(row) for row in method.dense)

    # ---- memory -----------------------------------------------------------------------------------

    def settle(self, states: States) -> None:
        readers = self.all()
        if not readers:
            return
        self._check(readers, states)
        known = {(int(place), one.item.before): 0 for one in readers for place in np.unique(one.places)}
        self.channels = {key: number for number, key in enumerate(known)}
        self.places = np.array([place for place, _ in self.channels])
        self.states, count = states, 2 + (1 + self.degree) * len(self.places)
        rows = min(MOST_ROWS, max(LEAST_ROWS, FEW // count))
        self.check_room(rows * count, "a method with a fixed step")
        memory = self.maker.memory
        self.ring = ir.Ring(memory.stretch(np.zeros(rows * count)), rows, count)
        self.head = self.cell("newest")
        self.room = self.cell(f"room for the {rows} steps before, within {self.longest:g} s")
        memory.checked[self.root.number, "the past"] = memory.cells[-1]
        self.bends = [memory.stretch(np.zeros(states.count)) for _ in range(self.degree)]
        self.nothing = memory.stretch(np.zeros(states.count))

    def _check(self, readers: list[Reader], states: States) -> None:
        problems = []
        for reader in readers:
            what = f"'{reader.item.variable}' of '{reader.block.kind.name}' is read late"
            if not states.hold(reader.places):
                hint = "a method with a fixed step, such as 'rk4'"
                what += f": the method '{self.method.name}' keeps the past of state variables only"
                problems.append(Problem(what, reader.item.location, "a state variable with a rate", hint))
            if np.any(reader.lags <= 0.0):
                what += f" by {reader.lags.min():g} s"
                problems.append(Problem(what, reader.item.location, "a delay above 0 for all instances"))
        if problems:
            raise UnsupportedError(problems)

    def kinks(self) -> Iterator[float]:
        """When the start comes back (s)."""
        delays = sorted({float(lag) for one in self.all() for lag in np.unique(one.lags)})
        found: set[float] = set()
        for level in range(1, LEVELS + 1):
            if len(delays) > KINKS or len(found) + math.comb(len(delays) + level - 1, level) > KINKS:
                break
            found |= {math.fsum(some) for some in combinations_with_replacement(delays, level)}
        yield from sorted(found)

    @property
    def longest_step(self) -> float | None:
        return SHARE * self.shortest if self.all() else None

    # ---- reading ------------------------------------------------------------------------------------

    def _read(self, body: Body, reader: Reader) -> ir.Value:
        lag = self.maker.memory.given(reader.block, f"how late '{reader.item.variable}' is", reader.lags)
        moment = self.let(body, minus(ir.Load(self.root, ir.TIME, 0), lag))
        row = self.maker.temp()
        body.append(ir.Find(row, self.ring, self.head, moment))

        def part(value: NDArray[np.int64]) -> ir.Temp:
            return self.recall(body, reader, self.ring, row, value * self.ring.rows)

        zero = np.zeros(reader.block.size, np.int64)
        gone = minus(moment, part(zero))
        theta = self.let(body, over(gone, part(zero + 1)))
        before = reader.item.before
        channel = np.array([2 + self.channels[place, before] for place in reader.places.tolist()])
        parts = [part(channel + n * len(self.places)) for n in range(self.degree + 1)]
        value: ir.Value = parts[-1]
        for coefficient in parts[-2::-1]:
            value = plus(times(value, theta), coefficient)
        return value

    # ---- keeping --------------------------------------------------------------------------------------

    def started(self, begin: ir.Load, length: ir.Load, old: int) -> Body:
        """Fills the circle with what was before the start: the states in ``old``, unless others are given."""
        if not self.all():
            return []
        memory, moved = self.maker.memory, self.places - self.states.first
        times, bends = np.array([begin.offset, length.offset]), [bend + moved for bend in self.bends]
        self.sources = memory.table(np.concatenate([times, old + moved, *bends]))
        first = old + moved
        for n, (_, before) in enumerate(self.channels):
            if before is not None:
                first[n] = memory.constant(before)
        keep = ir.Remember(self.ring, self.head, memory.table(np.concatenate([times, first, *bends])))
        more = (ir.Store(self.head, plus(self.head, ONE)), keep)
        return [
            ir.Store(begin, number(-1.0 - 2.0 * self.longest)),
            ir.Store(length, ONE),
            ir.Store(self.head, ZERO),
            keep,
            ir.While(below(self.head, number(self.ring.rows - 1)), more),
            ir.Store(begin, ZERO),
        ]

    def made(self, end: ir.Load, length: ir.Value, stages: Sequence[int]) -> Body:
        """Keeps the step just made; ``length`` multiplies the stages in the dense output.

        Where the oldest step that is kept begins too late for the longest delay, the run is given up.
        """
        if not self.all():
            return []
        body: Body = []
        for n, bend in enumerate(self.bends):
            weights = [row[n] if n < len(row) else 0.0 for row in self.method.dense]
            terms = tuple((number(w), place) for w, place in zip(weights, stages, strict=True) if w)
            body.append(ir.Blend(bend, self.nothing, self.states.count, length, terms))
        later = plus(self.head, ONE)
        turned = choose(below(later, number(self.ring.size)), later, ZERO)
        body += [ir.Store(self.head, turned), ir.Remember(self.ring, self.head, self.sources)]
        oldest = self.maker.temp()
        start = self.maker.memory.index(np.array([self.ring.size - self.ring.rows + 1]))
        body.append(ir.Recall(oldest, self.root, self.ring, self.head, start))
        lost = number(float("nan"))
        late = below(minus(end, number(self.longest)), oldest)
        return [*body, ir.If(late, (ir.Store(self.room, lost), ir.Store(end, lost)))]
