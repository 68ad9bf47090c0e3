"""Steps whose length follows the estimated error, with results on a grid of their own.

The estimate of a step's error is kept below the tolerance (E. Hairer, S. P. Nørsett and G. Wanner, Solving
Ordinary Differential Equations I, II.4, with the control of K. Gustafsson, ACM TOMS 17 (1991) 533). A step
ends where something is foreseen to change at once: an event is due, a condition on the time or a sample
changes. Where another test has changed within a step, the moment is sought by bisection of the dense
output, and the step ends there. Rows between the ends of steps are taken from the dense output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.driver import Parts
from tvbo_lite.compiler.methods import Rosenbrock, RungeKutta
from tvbo_lite.compiler.pieces import (
    INFINITY,
    JUST_BEFORE,
    ONE,
    ZERO,
    Body,
    at_most,
    below,
    choose,
    least,
    minus,
    most,
    number,
    over,
    plus,
    size_of,
    times,
)
from tvbo_lite.expr.tree import Binary, Call

__all__ = ["adaptive"]

SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0
MEMORY = 0.04  # the part of the last step's error in the choice of the next
TINY = 2.0**-46  # relative to the time: a step below it is not made
FIRST = 0.01  # the first step moves no state by more than this part of its size
LOCATED = 0.01  # a moment is sought to this part of the relative tolerance of a step, or to rounding


@dataclass(frozen=True, slots=True)
class _Cells:
    """What is remembered from step to step."""

    begin: ir.Load  # time where the last step began
    end: ir.Load  # time that has been reached
    length: ir.Load  # of the last step, as its dense output counts it
    next: ir.Load  # length of the next step
    error: ir.Load  # of the last step
    failed: ir.Load  # whether the step before was refused
    pending: ir.Load  # whether actions are due at the end of the last step
    left: ir.Load  # how many steps may be made before the next pause
    halfway: ir.Load  # whether a pause has come before the row
    done: ir.Load
    row: ir.Load  # time of the row to be filled
    rows: ir.Load
    at_limit: ir.Load
    low: ir.Load
    high: ir.Load
    old: int  # the states where the last step began
    new: int  # the states at its end
    ahead: int  # their rates

    @classmethod
    def of(cls, parts: Parts) -> _Cells:
        places = {name: parts.room() for name in ("old", "new", "ahead")}
        scalars = {item.name: parts.scalar() for item in fields(cls) if item.name not in places}
        scalars["left"] = parts.scalar(float("inf"))
        return cls(**scalars, **places)  # type: ignore[arg-type]  # by their names


def adaptive(parts: Parts, method: RungeKutta | Rosenbrock, end: float) -> tuple[Body, Body, ir.OwnSteps]:
    """What is done at the start; the code for one row; what others may see of the steps."""
    cells = _Cells.of(parts)
    stages: _Explicit | _Implicit
    if isinstance(method, Rosenbrock):
        stages = _Implicit(parts, cells, method)
    else:
        stages = _Explicit(parts, cells, method)
    driver = _Adaptive(parts, cells, stages, end)
    seen = (cells.next, cells.begin, cells.left, cells.halfway)
    return driver.begin(), driver.row(), ir.OwnSteps(*(cell.offset for cell in seen))


class _Explicit:
    """The stages of an explicit method."""

    def __init__(self, parts: Parts, cells: _Cells, method: RungeKutta) -> None:
        self.parts, self.cells, self.method = parts, cells, method
        self.stages = [parts.room() for _ in method.nodes]

    def prepare(self) -> Body:
        return [self.parts.copy(self.stages[0], self.cells.ahead)]

    def attempt(self, step: ir.Value) -> Body:
        """The stages, and the states at the end of the step."""
        parts, cells, method = self.parts, self.cells, self.method
        body: Body = []
        for place, row, node in zip(self.stages[1:], method.matrix, method.nodes[1:], strict=True):
            body.append(parts.blend(parts.first, cells.old, step, parts.weighted(row, self.stages)))
            body += [ir.SetTime(_within(cells.begin, node, step)), *parts.call("rates")]
            body.append(parts.copy(place, parts.slopes))
        if method.last_is_first:
            return [*body, parts.copy(cells.new, parts.first)]
        return [*body, parts.blend(cells.new, cells.old, step, parts.weighted(method.weights, self.stages))]

    def error(self, step: ir.Value) -> tuple[ir.Value, ir.Terms]:
        return step, self.parts.weighted(self.method.error, self.stages)

    def accepted(self) -> Body:
        """After a step: the rates at its end."""
        if self.method.last_is_first:
            return [self.parts.copy(self.cells.ahead, self.stages[-1])]
        return _looked_ahead(self.parts, self.cells)

    def unit(self) -> ir.Value:
        """What multiplies the stages in the dense output."""
        return self.cells.length

    def dense(self, theta: ir.Value) -> Body:
        """The states at a fraction of the last step."""
        body: Body = []
        terms = _weights(self.parts, body, self.method.dense, self.stages, theta)
        return [*body, self.parts.blend(self.parts.first, self.cells.old, self.unit(), terms)]


class _Implicit:
    """The stages of a linearly implicit method."""

    def __init__(self, parts: Parts, cells: _Cells, method: Rosenbrock) -> None:
        self.parts, self.cells, self.method = parts, cells, method
        n = parts.count
        self.stages = [parts.room() for _ in method.nodes]
        self.jacobian, self.matrix, self.pivots = parts.room(n * n), parts.room(n * n), parts.room()
        self.drift = parts.room()  # how the rates change with the time alone

    def prepare(self) -> Body:
        """The Jacobian where the step begins, by small changes of each state."""
        parts, cells = self.parts, self.cells
        body: Body = [parts.copy(parts.first, cells.old), ir.SetTime(cells.begin)]
        places = (parts.first, parts.slopes, cells.ahead, parts.scale, self.jacobian)
        body.append(ir.Jacobian("rates", *places, parts.count))
        if parts.moves_with_time:
            size = most(size_of(cells.begin), cells.next)
            change = parts.let(body, times(number(ir.DIFFERENCE), size))
            body += [ir.SetTime(plus(cells.begin, change)), *parts.call("rates")]
            minus_one = number(-1.0)
            body.append(parts.blend(self.drift, parts.slopes, minus_one, ((ONE, cells.ahead),)))
            scaled = minus(over(ONE, change), ONE)
            body.append(parts.blend(self.drift, self.drift, scaled, ((ONE, self.drift),)))
        return body

    def attempt(self, step: ir.Value) -> Body:
        parts, cells, method = self.parts, self.cells, self.method
        body: Body = []
        inverse = parts.let(body, over(ONE, step))
        diagonal = times(inverse, number(1.0 / method.gamma))
        body.append(ir.Factor(self.matrix, self.jacobian, self.pivots, parts.count, diagonal))
        rows = ((), *method.matrix), ((), *method.coupling)
        for i, (place, row, mixed) in enumerate(zip(self.stages, *rows, strict=True)):
            slopes = parts.slopes
            if i == 0:
                slopes = cells.ahead
            else:
                body.append(parts.blend(parts.first, cells.old, ONE, parts.weighted(row, self.stages)))
                body.append(ir.SetTime(_within(cells.begin, method.nodes[i], step)))
                body += parts.call("rates")
            body.append(parts.blend(place, slopes, inverse, parts.weighted(mixed, self.stages)))
            if parts.moves_with_time and method.slopes[i] != 0.0:
                share = times(number(method.slopes[i]), step)
                body.append(parts.blend(place, place, share, ((ONE, self.drift),)))
            body.append(ir.Solve(self.matrix, self.pivots, place, parts.count))
        return [*body, parts.blend(cells.new, cells.old, ONE, parts.weighted(method.weights, self.stages))]

    def error(self, step: ir.Value) -> tuple[ir.Value, ir.Terms]:
        return ONE, self.parts.weighted(self.method.error, self.stages)

    def accepted(self) -> Body:
        return _looked_ahead(self.parts, self.cells)

    def unit(self) -> ir.Value:
        return ONE

    def dense(self, theta: ir.Value) -> Body:
        body: Body = []
        terms = _weights(self.parts, body, self.method.dense, self.stages, theta)
        return [*body, self.parts.blend(self.parts.first, self.cells.old, self.unit(), terms)]


def _looked_ahead(parts: Parts, cells: _Cells) -> Body:
    body: Body = [parts.copy(parts.first, cells.new), ir.SetTime(cells.end), *parts.call("rates")]
    return [*body, parts.copy(cells.ahead, parts.slopes)]


def _within(begin: ir.Value, node: float, step: ir.Value) -> ir.Value:
    """The time of a stage; what changes at the very end of the step has not changed yet."""
    if node == 1.0:
        return times(plus(begin, step), number(JUST_BEFORE))
    return plus(begin, times(number(node), step)) if node else begin


def _weights(
    parts: Parts, body: Body, rows: Sequence[Sequence[float]], stages: Sequence[int], theta: ir.Value
) -> ir.Terms:
    """The stages' weights at a fraction of the step, by Horner's scheme."""
    terms: list[tuple[ir.Value, int]] = []
    for row, place in zip(rows, stages, strict=True):
        if not any(row):
            continue
        weight: ir.Value = number(row[-1])
        for coefficient in row[-2::-1]:
            weight = plus(times(weight, theta), number(coefficient))
        terms.append((parts.let(body, times(weight, theta)), place))
    return tuple(terms)


class _Adaptive:
    """The code around the stages. ``end`` is the end of the run, which no step passes."""

    def __init__(self, parts: Parts, cells: _Cells, stages: _Explicit | _Implicit, end: float) -> None:
        self.parts, self.cells, self.stages, self.end = parts, cells, stages, end
        self.settles = parts.queue or parts.n_breaks > 0 or parts.has("conditions") or parts.tests[0] > 0

    # ---- the start ------------------------------------------------------------------------------------

    def begin(self) -> Body:
        parts, cells = self.parts, self.cells
        body: Body = [parts.copy(cells.old, parts.first)]
        body += [*parts.past.started(cells.begin, cells.length, cells.old)]
        body += [ir.SetTime(ZERO), *parts.call("rates")]
        body += [parts.copy(cells.new, parts.first), parts.copy(cells.ahead, parts.slopes)]
        body += [*self._act(), parts.copy(cells.old, cells.new)]
        return [*body, *self._first_step()]

    def _first_step(self) -> Body:
        """Hairer's first guess of the step."""
        parts, cells = self.parts, self.cells
        body: Body = []
        level = self._norm(body, ONE, ((ONE, cells.new),))
        slope = self._norm(body, ONE, ((ONE, cells.ahead),))
        guess = parts.let(body, over(times(number(FIRST), level), slope))
        usual = number(1e-3 * parts.row_dt)
        known = Binary("and", below(number(1e-5), level), below(number(1e-5), slope))
        body.append(ir.Store(cells.next, choose(known, guess, usual)))
        body += [ir.Store(cells.length, ONE), ir.Store(cells.error, number(1e-4))]
        return body

    def _norm(self, body: Body, factor: ir.Value, terms: ir.Terms) -> ir.Value:
        parts, cells, solver = self.parts, self.cells, self.parts.solver
        total = parts.maker.temp()
        body.append(
            ir.Norm(
                total, parts.count, factor, terms, parts.scale,
                number(solver.abs_tol), number(solver.rel_tol), cells.old, cells.new,
            )
        )  # fmt: skip
        return parts.let(body, Call("sqrt", over(total, number(max(parts.count, 1)))))

    # ---- one row ----------------------------------------------------------------------------------------

    def row(self) -> Body:
        """Steps until the row's time is reached, then the row; or no more than are allowed, and a pause."""
        parts, cells = self.parts, self.cells
        next_row = (
            ir.Store(cells.rows, plus(cells.rows, ONE)),
            ir.Store(cells.row, times(cells.rows, number(parts.row_dt))),
        )
        body: Body = [ir.If(below(cells.halfway, ONE), next_row)]
        more: ir.Value = below(cells.end, cells.row)
        step = self._advance()
        if self.settles:
            act = Binary("and", below(ZERO, cells.pending), at_most(cells.end, cells.row))
            more = Binary("or", more, act)
            step = [ir.If(below(ZERO, cells.pending), tuple(self._act()), tuple(step))]
        step.append(ir.Store(cells.left, minus(cells.left, ONE)))
        body.append(ir.While(Binary("and", below(ZERO, cells.left), more), tuple(step)))
        body.append(ir.Store(cells.halfway, choose(more, ONE, ZERO)))
        return [*body, ir.If(below(cells.halfway, ONE), tuple(self._reached()))]

    def _reached(self) -> Body:
        """The states at the time of the row, and what follows from them."""
        parts, cells = self.parts, self.cells
        body: Body = []
        inside: Body = []
        theta = parts.let(inside, over(minus(cells.row, cells.begin), cells.length))
        inside += self.stages.dense(theta)
        at_end = (parts.copy(parts.first, cells.new),)
        body.append(ir.If(below(cells.row, cells.end), tuple(inside), at_end))
        body.append(ir.SetTime(cells.row))
        return [*body, *(parts.call("rates") if parts.derives else [])]

    def _act(self) -> Body:
        """What happens at the end of a step: events, conditions, then everything anew.

        Where an action has changed anything the conditions are looked at once more, for what it makes true.
        """
        if not self.settles:
            return []
        parts, cells = self.parts, self.cells
        body: Body = [parts.copy(parts.first, cells.new), ir.SetTime(cells.end), *parts.call("rates")]
        if parts.queue:
            due = parts.due(body)
            body.append(ir.If(at_most(due, cells.end), (ir.Deliver(), *parts.call("rates"))))
        if parts.has("conditions"):
            looked = (ir.Store(parts.flag, ZERO), *parts.call("conditions"))
            anew = ir.If(below(ZERO, parts.flag), tuple(parts.call("rates")))
            again = ir.If(below(ZERO, parts.flag), (*parts.call("rates"), *looked, anew))
            body += [*looked, again]
        body += [parts.copy(cells.new, parts.first), parts.copy(cells.ahead, parts.slopes)]
        count, now, kept = parts.tests
        if count:
            body += [*self._watched(), ir.Blend(kept, now, count)]
        return [*body, ir.Store(cells.pending, ZERO)]

    def _watched(self) -> Body:
        """Which tests hold at the present states and time."""
        parts = self.parts
        return [ir.Store(parts.changes, ZERO), ir.Store(parts.active, ZERO), *parts.call("watch")]

    # ---- one step -----------------------------------------------------------------------------------------

    def _advance(self) -> Body:
        parts, cells = self.parts, self.cells
        body: Body = [parts.copy(cells.old, cells.new), ir.Store(cells.begin, cells.end)]
        body += self.stages.prepare()
        limit = self._limit(body)
        body += [ir.Store(cells.done, ZERO), ir.Store(cells.failed, ZERO)]
        body.append(ir.While(below(cells.done, ONE), tuple(self._try(limit))))
        body += self.stages.accepted()
        kept = parts.past.made(cells.end, self.stages.unit(), self.stages.stages)
        if not self.settles:
            return [*body, *kept]
        body.append(ir.Store(cells.pending, cells.at_limit))
        if parts.tests[0]:
            body += self._watched()
            here = ir.Store(cells.pending, ONE)
            body.append(ir.If(below(ZERO, parts.active), (here,)))
            body.append(ir.If(below(ZERO, parts.changes), (*self._located(), here)))
        return [*body, *kept]

    def _limit(self, body: Body) -> ir.Value:
        """The time that the next step must not pass."""
        parts, cells = self.parts, self.cells
        ends = parts.after(body, cells.begin)
        last = choose(below(cells.begin, number(self.end)), number(self.end), INFINITY)
        limit = parts.let(body, last if ends == INFINITY else least(ends, last))
        if not parts.queue:
            return limit
        due = parts.due(body)
        return parts.let(body, least(choose(below(cells.begin, due), due, limit), limit))

    def _try(self, limit: ir.Value) -> Body:
        """A step of the length foreseen, which is made or refused."""
        parts, cells = self.parts, self.cells
        body: Body = []
        for longest in (parts.solver.max_step, parts.past.longest_step):
            if longest is not None:
                body.append(ir.Store(cells.next, least(cells.next, number(longest))))
        left = parts.let(body, minus(limit, cells.begin))
        near = at_most(left, times(number(1.01), cells.next))
        halves = at_most(left, times(number(2.0), cells.next))
        shorter = choose(halves, times(number(0.5), left), cells.next)
        step = parts.let(body, choose(near, left, shorter))
        body.append(ir.Store(cells.at_limit, choose(near, ONE, ZERO)))
        body += self.stages.attempt(step)
        error = self._norm(body, *self.stages.error(step))
        good = tuple(self._accept(limit, step, error))
        bad = tuple(self._refuse(step, error))
        return [*body, ir.If(at_most(error, ONE), good, bad)]

    def _exponent(self) -> float:
        return 1.0 / (self.stages.method.error_order + 1)

    def _accept(self, limit: ir.Value, step: ir.Value, error: ir.Value) -> Body:
        parts, cells, power = self.parts, self.cells, self._exponent()
        body: Body = []
        some = parts.let(body, most(error, number(1e-10)))
        damped = Binary("^", some, number(0.75 * MEMORY - power))
        factor = times(times(number(SAFETY), damped), Binary("^", cells.error, number(MEMORY)))
        bounded = parts.let(body, least(most(factor, number(SHRINK)), number(GROW)))
        kept = choose(below(ZERO, cells.failed), least(bounded, ONE), bounded)
        at_limit = below(ZERO, cells.at_limit)
        # a step cut short by a limit says nothing against the length that was foreseen
        longer = most(times(step, kept), choose(at_limit, cells.next, ZERO))
        body += [
            ir.Store(cells.next, choose(below(ZERO, cells.failed), times(step, kept), longer)),
            ir.Store(cells.error, most(error, number(1e-4))),
            ir.Store(cells.length, step),
            ir.Store(cells.end, choose(at_limit, limit, plus(cells.begin, step))),
            ir.Store(cells.done, ONE),
        ]
        return body

    def _refuse(self, step: ir.Value, error: ir.Value) -> Body:
        cells = self.cells
        finite = below(error, INFINITY)
        power = Binary("^", error, number(-self._exponent()))
        factor = choose(finite, most(times(number(SAFETY), power), number(SHRINK)), number(0.1))
        shorter = times(step, factor)
        smallest = times(number(TINY), most(size_of(cells.begin), number(self.parts.row_dt)))
        lost = (
            ir.Store(cells.next, number(float("nan"))),
            ir.Store(cells.end, number(float("nan"))),
            ir.Store(cells.done, ONE),
        )
        tried = (ir.Store(cells.next, shorter), ir.Store(cells.failed, ONE))
        return [ir.If(below(step, smallest), lost, tried)]

    # ---- where a test changed ---------------------------------------------------------------------------

    def _located(self) -> Body:
        """The first moment after the change; the step ends there."""
        parts, cells = self.parts, self.cells
        body: Body = [ir.Store(cells.low, ZERO), ir.Store(cells.high, ONE)]
        rounding = times(number(TINY), size_of(cells.begin))
        part = times(number(LOCATED * parts.solver.rel_tol), cells.length)
        near = parts.let(body, plus(part, rounding))
        inner: Body = []
        middle = parts.let(inner, times(number(0.5), plus(cells.low, cells.high)))
        inner += self._moved_to(middle)
        changed = below(ZERO, parts.changes)
        inner.append(ir.If(changed, (ir.Store(cells.high, middle),), (ir.Store(cells.low, middle),)))
        wide = below(near, times(minus(cells.high, cells.low), cells.length))
        body.append(ir.While(wide, tuple(inner)))
        cut: Body = [*self.stages.dense(cells.high), parts.copy(cells.new, parts.first)]
        cut.append(ir.Store(cells.end, plus(cells.begin, times(cells.high, cells.length))))
        return [*body, ir.If(below(cells.high, ONE), tuple(cut))]

    def _moved_to(self, theta: ir.Value) -> Body:
        parts, cells = self.parts, self.cells
        time = plus(cells.begin, times(theta, cells.length))
        return [*self.stages.dense(theta), ir.SetTime(time), *parts.call("rates"), *self._watched()]
