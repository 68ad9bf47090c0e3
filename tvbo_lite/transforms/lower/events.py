"""Events of equation dynamics: when they happen, what they change, and the spike that they send.

LEMS has conditions that fire at every step while they hold, and no way to choose inside an action. So that an
event happens once, when its condition becomes true, a state variable remembers; where an action chooses,
another one says that the event is due, and a condition for each choice acts on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.expr.plain import branches
from tvbo_lite.expr.tree import Binary, Expr, Name, Not, Number, is_boolean
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.affects import Affect, affect, parsed
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.scope import CLOCK, TIME

if TYPE_CHECKING:
    from tvbo_lite.schema.dynamics import Event, EventMap
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.equations import Equations

__all__ = ["ARRIVAL", "IN", "SPIKE", "Events", "conditions", "is_synapse"]

SPIKE = "spike"  # the port of cells, and the event that sends on it
IN = "in"  # the port of synapses
ARRIVAL = "spike"  # the type of an event that a spike from elsewhere makes happen
NEVER = lems.OnCondition("t .lt. 0", lems.Action(events=(SPIKE,)))

_PRESET = "preset_time"
_USED = ("event_type", "condition", "affect", "parameters")
_WHEN_TRUE = (None, "condition", "continuous", "discrete")  # when the condition becomes true
_HALF = 0.5


@dataclass(slots=True)
class Events:
    """What the events need in LEMS: ``states`` remember what has happened already."""

    states: list[lems.StateVariable] = field(default_factory=list)
    conditions: list[lems.OnCondition] = field(default_factory=list)
    arrivals: list[lems.OnEvent] = field(default_factory=list)
    ports: tuple[str, ...] = ()

    def state(self, name: str) -> str:
        """A new state variable, 0 at the start."""
        self.states.append(lems.StateVariable(name))
        return name


@dataclass(slots=True)
class _One:
    """An event under translation; ``ports`` are those that it sends on."""

    equations: Equations
    made: Events
    event: Event
    name: str
    path: Path
    ports: tuple[str, ...]

    def when(self, test: Expr, *assignments: lems.StateAssignment, ports: tuple[str, ...] = ()) -> None:
        """Add a condition with its assignments."""
        action = lems.Action(assignments, ports)
        text = self.equations.scope.text(test)
        self.made.conditions.append(lems.OnCondition(text, action, self.equations.context.locate(self.path)))

    def happen(self, test: Expr, mark: lems.StateAssignment, choices: list[Affect]) -> None:
        """Add what happens once the test holds; ``mark`` remembers that it has."""
        if len(choices) == 1:
            self.when(test, mark, *choices[0].assignments, ports=self.ports)
            return
        due = self.made.state(self.equations.scope.fresh(f"{self.name}_due"))
        self.when(test, mark, lems.StateAssignment(due, "1"))
        self.act(due, choices)

    def act(self, due: str, choices: list[Affect]) -> None:
        """Add what happens when the event is due; a spike goes out last."""
        done = "2" if self.ports else "0"
        for choice in choices:
            test = reduce(_and, choice.tests, _above(due, _HALF))
            test = _and(_below(due, 1 + _HALF), test) if self.ports else test
            self.when(test, lems.StateAssignment(due, done), *choice.assignments)
        if self.ports:
            self.when(_above(due, 1 + _HALF), lems.StateAssignment(due, "0"), ports=self.ports)


def is_synapse(events: EventMap) -> bool:
    """Whether something happens when a spike arrives."""
    return any(event.event_type == ARRIVAL for event in events.values())


def conditions(equations: Equations, events: EventMap) -> Events:
    """The events in LEMS. The event named ``spike``, or else the first, sends the spike, unless this is a
    synapse. A cell that takes inputs needs a port even where it sends nothing: jLEMS connects inputs by it.
    """
    made = Events()
    sending = [] if is_synapse(events) else list(events)
    sender = SPIKE if SPIKE in sending else next(iter(sending), None)
    for name, event in events.items():
        path = (*equations.path, "events", name)
        one = _One(equations, made, event, name, path, (SPIKE,) if name == sender else ())
        kind = _kind(one)
        if kind is not None:
            kind(one)
    if not events and equations.dynamics.coupling_inputs:
        made.conditions.append(NEVER)
    sent = any(item.action.events for item in made.conditions)
    made.ports = (SPIKE,) if sent else ()
    return made


def _kind(one: _One) -> Callable[[_One], None] | None:
    """What the type of an event means; None, and a problem, for one that is not known."""
    context, what = one.equations.context, f"{one.equations.owner}: {one.name}"
    kind = one.event.event_type
    if kind == _PRESET or (kind is None and one.event.condition is None):
        refuse_rest(one.event, (*_USED[:1], "affect", "parameters", "trigger_times"), one.path, what, context)
        return _at_times
    if kind == ARRIVAL:
        refuse_rest(one.event, (*_USED[:1], "affect", "parameters"), one.path, what, context)
        return _on_arrival
    refuse_rest(one.event, _USED, one.path, what, context)
    if kind in _WHEN_TRUE:
        return _when_true
    message = f"{what}: events of the type '{kind}' are not supported"
    hint = nearest(kind or "", [_PRESET, ARRIVAL]) or f"'{_PRESET}', '{ARRIVAL}', or a condition"
    context.unsupported((*one.path, "event_type"), message, hint)
    return None


def _when_true(one: _One) -> None:
    """Once, when the condition becomes true."""
    test = _test(one)
    if test is None:
        return
    memory = one.made.state(one.equations.scope.fresh(f"{one.name}_holds"))
    first = Binary("and", test, _below(memory, _HALF))
    one.happen(first, lems.StateAssignment(memory, "1"), affect(one.equations, one.event, one.name, one.path))
    one.when(Not(test), lems.StateAssignment(memory, "0"))


def _at_times(one: _One) -> None:
    """At each of the times, in the first step that reaches it; one time for each step at most."""
    scope, scale = one.equations.scope, one.equations.context.time_scale
    scope.known[CLOCK] = TIME
    count = one.made.state(scope.fresh(f"{one.name}_count"))
    due = one.made.state(scope.fresh(f"{one.name}_due"))
    for number, time in enumerate(sorted(one.event.trigger_times or [])):
        moment = scope.constant(f"{one.name}_time_{number + 1}", f"{float(time)!r} {scale}")
        reached = Binary("geq", Name(CLOCK), Name(moment))
        next_one = _and(_below(count, number + _HALF), _below(due, _HALF))
        mark = lems.StateAssignment(count, str(number + 1))
        one.when(_and(reached, next_one), mark, lems.StateAssignment(due, "1"))
    one.act(due, affect(one.equations, one.event, one.name, one.path))


def _on_arrival(one: _One) -> None:
    """Whenever a spike arrives; LEMS cannot choose there."""
    context, what = one.equations.context, f"{one.equations.owner}: {one.name}"
    if one.made.arrivals:
        context.unsupported(
            one.path, f"{what}: a second event of the type '{ARRIVAL}'", "one with both affects"
        )
        return
    choices = affect(one.equations, one.event, one.name, one.path)
    if len(choices) > 1:
        message = f"{what}: Piecewise, Min, Max and sign are not supported in what a spike changes"
        context.unsupported((*one.path, "affect"), message, "use a derived variable for it")
        return
    action = lems.Action(choices[0].assignments)
    one.made.arrivals.append(lems.OnEvent(IN, action, context.locate(one.path)))


def _test(one: _One) -> Expr | None:
    """The condition without choices: those that it holds become a condition for each case."""
    if one.event.condition is None:
        return None
    equations, here = one.equations, (*one.path, "condition")
    tree = parsed(equations, one.event, one.event.condition.rhs, here, one.name)
    if tree is None:
        return None
    if not is_boolean(tree):
        message = f"{equations.owner}: {one.name}: the condition is a number"
        equations.context.report(here, message, "a comparison, such as 'v > 0'")
        return None
    cases = [reduce(_and, [*tests, plain]) for tests, plain in branches(tree)]
    test = reduce(lambda a, b: Binary("or", a, b), cases)
    equations.scope.dimension(test, here, one.name)
    return test


def _and(one: Expr, other: Expr) -> Expr:
    return Binary("and", one, other)


def _below(name: str, value: float) -> Expr:
    return Binary("lt", Name(name), Number(value))


def _above(name: str, value: float) -> Expr:
    return Binary("gt", Name(name), Number(value))
