"""Steps of a fixed length: explicit Runge-Kutta methods, and those for noise."""

from __future__ import annotations

import math

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.driver import Parts
from tvbo_lite.compiler.methods import RungeKutta, Stochastic
from tvbo_lite.compiler.pieces import (
    JUST_BEFORE,
    ONE,
    ZERO,
    Body,
    at_most,
    below,
    choose,
    number,
    plus,
    times,
)

__all__ = ["begin", "fixed", "stochastic"]

NEAR = 2.0**-49  # relative: a time of the grid that near to a foreseen one is the same


def fixed(parts: Parts, method: RungeKutta) -> Body:
    """One step of an explicit method."""
    body, step = _opened(parts), number(parts.dt)
    if len(method.nodes) == 1:  # neither the states nor the rates are needed again
        body.append(
            parts.blend(parts.first, parts.first, step, parts.weighted(method.weights, [parts.slopes]))
        )
        return [*body, *_closed(parts)]
    start, stages = parts.room(), [parts.room() for _ in method.nodes]
    now = _time(parts, body)
    body += [parts.copy(start, parts.first), parts.copy(stages[0], parts.slopes)]
    for place, row, node in zip(stages[1:], method.matrix, method.nodes[1:], strict=True):
        body.append(parts.blend(parts.first, start, step, parts.weighted(row, stages)))
        at = plus(now, number(node * parts.dt))
        body.append(ir.SetTime(times(at, number(JUST_BEFORE)) if node == 1.0 else at))
        body += [*parts.past.at(node), *parts.call("rates")]
        body.append(parts.copy(place, parts.slopes))
    body.append(parts.blend(parts.first, start, step, parts.weighted(method.weights, stages)))
    return [*body, *parts.past.stepped(stages), *_closed(parts)]


def stochastic(parts: Parts, method: Stochastic) -> Body:
    """One step of a method for noise."""
    body = _opened(parts)
    start, slopes, push = parts.room(), parts.room(), [parts.room(parts.noisy) for _ in method.weights]
    normal, step, root = parts.room(parts.noisy), number(parts.dt), number(math.sqrt(parts.dt))
    for stream in parts.streams:
        target = normal + stream.target
        body.append(ir.Normal(target, stream.size, stream.seed, stream.number, parts.clock))
    body += [parts.copy(start, parts.first), parts.copy(slopes, parts.slopes)]
    body.append(ir.Multiply(push[0], parts.strengths, normal, parts.noisy, root))
    body.append(parts.blend(parts.first, start, step, ((ONE, slopes),)))
    body.append(_pushed(parts, ONE, push[0]))
    if len(method.weights) == 2:
        end = times(plus(_time(parts, body), step), number(JUST_BEFORE))
        body += [ir.SetTime(end), *parts.past.at(1.0), *parts.call("rates")]
        body.append(ir.Multiply(push[1], parts.strengths, normal, parts.noisy, root))
        body.append(
            parts.blend(parts.first, start, step, parts.weighted(method.weights, (slopes, parts.slopes)))
        )
        body += [_pushed(parts, number(w), place) for w, place in zip(method.weights, push, strict=True)]
    return [*body, *_closed(parts)]


def _pushed(parts: Parts, weight: ir.Value, push: int) -> ir.Statement:
    return ir.Blend(parts.first, parts.first, parts.noisy, weight, ((ONE, push),))


def begin(parts: Parts) -> Body:
    """After initialisation: rates at time 0, and what conditions do there."""
    body: Body = [ir.SetTime(ZERO), *parts.call("draw"), *parts.past.opened(), *parts.call("rates")]
    if parts.past.derives:
        body += [*parts.past.opened(derived=True), *parts.call("rates")]
    return [*body, *settled(parts), *parts.past.kept(moved=False)]


def settled(parts: Parts) -> Body:
    """Conditions, and the rates once more where an action has changed anything."""
    if not parts.has("conditions"):
        return []
    again = ir.If(below(ZERO, parts.flag), tuple(parts.call("rates")))
    return [ir.Store(parts.flag, ZERO), *parts.call("conditions"), again]


def _time(parts: Parts, body: Body) -> ir.Value:
    """The time of the states, which is a foreseen time where it differs by rounding only."""
    now = parts.let(body, times(parts.clock, number(parts.dt)))
    if not parts.n_breaks:
        return now
    near = parts.after(body, times(now, number(1.0 - NEAR)))
    return parts.let(body, choose(at_most(near, times(now, number(1.0 + NEAR))), near, now))


def _opened(parts: Parts) -> Body:
    """What happens before a step: events that are due."""
    body: Body = []
    if parts.queue:
        now = _time(parts, body)
        body.append(ir.SetTime(now))
        due = parts.due(body)
        served = (ir.Deliver(), *parts.call("rates"), *parts.past.kept(moved=False))
        body.append(ir.If(at_most(due, now), served))
    return body


def _closed(parts: Parts) -> Body:
    """What happens after a step: the time moves on, numbers are drawn, conditions are looked at."""
    body: Body = [ir.Store(parts.clock, plus(parts.clock, ONE))]
    now = _time(parts, body)
    body += [ir.SetTime(now), *parts.past.at(1.0), *parts.call("draw"), *parts.call("rates")]
    return [*body, *settled(parts), *parts.past.kept()]


def repeated(parts: Parts, body: Body) -> Body:
    """The steps from one row to the next."""
    if parts.substeps == 1:
        return body
    made = parts.scalar()
    again = ir.While(below(made, number(parts.substeps)), (*body, ir.Store(made, plus(made, ONE))))
    return [ir.Store(made, ZERO), again]
