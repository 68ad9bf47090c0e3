"""The past for methods with a fixed step.

The values that somebody reads late are kept once a step, in a circle (`tvbo_lite.compiler.ir.Ring`) that
reaches back as far as the longest delay. A delay is so many whole steps and a part of one. What lies between
two steps is on the line between them; where the method is of a higher order than 2 and the value is a state,
it is on the cubic through both values with the slopes of the method, which so keeps its order (A. Bellen and
M. Zennaro, Numerical Methods for Delay Differential Equations, 2003, chapter 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.methods import Method, RungeKutta
from tvbo_lite.compiler.past import Past, Reader, States
from tvbo_lite.compiler.pieces import ONE, ZERO, Body, Maker, below, choose, minus, number, plus, times
from tvbo_lite.errors import Location, Problem, UnsupportedError
from tvbo_lite.transforms.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Grid"]

WHOLE = 1e-9  # relative: a delay that near to a whole number of steps is one
ROUNDING = 1e-14  # a weight below it is 0
HINT = "take longer steps, or a method that chooses its steps, such as 'dopri5'"


@dataclass(frozen=True, slots=True)
class _Kind:
    """Whether slopes are kept too, whether the values are states, what they were before the start."""

    smooth: bool
    held: bool
    before: float | None

    @property
    def rings(self) -> int:
        return 3 if self.smooth else 1


@dataclass(frozen=True, slots=True)
class _Circle:
    """Values that are kept alike: their places in memory, each once, and where their past is.

    ``rings`` are those of the values and, of smooth ones, of the rates after a step and the slopes before
    it; ``sources`` the tables of what goes into each.
    """

    places: NDArray[np.int64]
    rings: tuple[ir.Ring, ...]
    sources: tuple[int, ...]
    head: ir.Load  # where the newest values are
    base: ir.Load  # where those of the step are that the present stage belongs to
    kind: _Kind


class Grid(Past):
    """The past of a method with a fixed step ``dt`` (s)."""

    def __init__(self, maker: Maker, root: Block, dt: float, method: Method) -> None:
        super().__init__(maker, root)
        self.dt = dt
        curved = isinstance(method, RungeKutta) and method.order > 2
        self.inside = isinstance(method, RungeKutta) and any(node not in (0.0, 1.0) for node in method.nodes)
        self.ends = _end_slopes(method) if curved and isinstance(method, RungeKutta) else ()
        self.circles: list[_Circle] = []
        self._of: dict[Reader, _Circle] = {}

    # ---- memory -----------------------------------------------------------------------------------

    def settle(self, states: States) -> None:
        readers = self.all()
        if not readers:
            return
        self.check_room(self.longest / self.dt, HINT)  # before the steps are counted
        self._check(readers)
        self.states = states
        self.rows = int(np.ceil(self.longest / self.dt)) + 3
        self.part = self.cell("part of a step")
        groups: dict[_Kind, list[Reader]] = {}
        for one in readers:
            held = states.hold(one.places)
            smooth = bool(self.ends) and self._between(one) and held
            groups.setdefault(_Kind(smooth, held, one.item.before), []).append(one)
        places = {kind: np.unique(np.concatenate([r.places for r in some])) for kind, some in groups.items()}
        self.check_room(self.rows * sum(len(some) * kind.rings for kind, some in places.items()), HINT)
        self.slopes = self.maker.memory.stretch(np.zeros(states.count))
        self.derives = not all(kind.held for kind in groups)
        for kind, some in places.items():
            moved = some - states.first
            tables = (some, states.slopes + moved, self.slopes + moved)[: kind.rings]
            self._of |= dict.fromkeys(groups[kind], self._circle(tables, kind))

    def _check(self, readers: list[Reader]) -> None:
        """Raises `UnsupportedError` for delays that are shorter than a step."""
        hint = "take a shorter step, or a method that chooses its steps, such as 'dopri5'"
        found: dict[Location, float] = {}
        for reader in readers:
            if np.any(self._steps(reader)[0] < 1):
                place, shortest = reader.item.location, float(reader.lags.min())
                found[place] = min(shortest, found.get(place, shortest))
        if found:
            what = "a delay of {:g} s is shorter than the step"
            expected = f"{self.dt:g} s or more"
            raise UnsupportedError([Problem(what.format(x), at, expected, hint) for at, x in found.items()])

    def _circle(self, tables: tuple[NDArray[np.int64], ...], kind: _Kind) -> _Circle:
        memory, count = self.maker.memory, len(tables[0])
        starts = [kind.before or 0.0, *(0.0 for _ in tables[1:])]  # before the start nothing moved
        places = [memory.stretch(np.full(self.rows * count, start)) for start in starts]
        rings = [ir.Ring(place, self.rows, count) for place in places]
        name = len(self.circles)
        cells = self.cell(f"newest {name}"), self.cell(f"present {name}")
        self.circles.append(_Circle(tables[0], tuple(rings), tuple(map(memory.table, tables)), *cells, kind))
        return self.circles[-1]

    def _steps(self, reader: Reader) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Delays as whole steps, and the part of a step that is left."""
        steps = reader.lags / self.dt
        near = np.round(steps)
        steps = np.where(np.abs(steps - near) <= WHOLE * near, near, steps)
        whole = np.floor(steps)
        return whole.astype(np.int64), steps - whole

    def _between(self, reader: Reader) -> bool:
        """Whether anything is read between two steps."""
        return self.inside or bool(np.any(self._steps(reader)[1]))

    # ---- reading ------------------------------------------------------------------------------------

    def _read(self, body: Body, reader: Reader) -> ir.Value:
        circle = self._of[reader]
        ring, (whole, rest) = circle.rings[0], self._steps(reader)
        start = (np.searchsorted(circle.places, reader.places) * self.rows - whole - 1) % ring.size + 1
        if not self._between(reader):
            return self.recall(body, reader, ring, circle.base, start)
        head, theta = self._where(body, reader, circle.base, rest)
        following = start % ring.size + 1
        begin = self.recall(body, reader, ring, head, start)
        rise = self.let(body, minus(self.recall(body, reader, ring, head, following), begin))
        if len(circle.rings) == 1:
            return plus(begin, times(theta, rise))
        bends = []
        for one, place in zip(circle.rings[1:], (start, following), strict=True):
            slope = self.recall(body, reader, one, head, place)
            bends.append(minus(times(number(self.dt), slope), rise))
        left = self.let(body, minus(ONE, theta))
        bent = minus(times(left, bends[0]), times(theta, bends[1]))
        return plus(begin, times(theta, plus(rise, times(left, bent))))

    def _where(
        self, body: Body, reader: Reader, base: ir.Load, rest: NDArray[np.float64]
    ) -> tuple[ir.Value, ir.Value]:
        """The step in which the moment lies, and which fraction of it has gone by."""
        if not rest.any():
            return base, self.part
        name = f"the part of a step that '{reader.item.variable}' is late"
        later = self.maker.memory.given(reader.block, name, rest)
        left = self.let(body, minus(self.part, later))
        early = below(left, ZERO)
        head = self.let(body, choose(early, minus(base, ONE), base))
        return head, self.let(body, choose(early, plus(left, ONE), left))

    # ---- keeping --------------------------------------------------------------------------------------

    def opened(self, *, derived: bool = False) -> Body:
        body: Body = []
        for circle in self.circles:
            keep = ir.Remember(circle.rings[0], circle.head, circle.sources[0])
            more = (ir.Store(circle.head, plus(circle.head, ONE)), keep)
            last = number(self.rows - 1)
            if circle.kind.before is None and circle.kind.held is not derived:
                body += [ir.Store(circle.head, ZERO), keep, ir.While(below(circle.head, last), more)]
            body += [ir.Store(circle.head, last), ir.Store(circle.base, circle.head)]
        return body

    def at(self, node: float) -> Body:
        if not self.circles:
            return []
        body: Body = [ir.Store(self.part, number(node % 1.0))]
        for circle in self.circles:
            later = plus(circle.head, ONE)
            turned = choose(below(later, number(circle.rings[0].size)), later, ZERO)
            body.append(ir.Store(circle.base, turned if node == 1.0 else circle.head))
        return body

    def stepped(self, stages: Sequence[int]) -> Body:
        """The slopes at the end of the step: those stages that they consist of."""
        if not any(len(circle.rings) > 1 for circle in self.circles):
            return []
        weights = list(self.ends)
        weights[-1] -= 1.0
        terms = tuple((number(w), place) for w, place in zip(weights, stages, strict=True) if w)
        return [ir.Blend(self.slopes, stages[-1], self.states.count, ONE, terms)]

    def kept(self, *, moved: bool = True) -> Body:
        body: Body = []
        for circle in self.circles:
            body += [ir.Store(circle.head, circle.base)] if moved else []
            count = len(circle.rings) if moved else 2
            pairs = list(zip(circle.rings, circle.sources, strict=True))[:count]
            body += [ir.Remember(ring, circle.head, source) for ring, source in pairs]
        return body


def _end_slopes(method: RungeKutta) -> tuple[float, ...]:
    """The stages' weights in the slope of the dense output at the end of a step."""
    slopes = (sum((n + 1) * c for n, c in enumerate(row)) for row in method.dense)
    return tuple(0.0 if abs(slope) < ROUNDING else slope for slope in slopes)
