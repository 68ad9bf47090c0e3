"""Which receivers of events may be one: synapses whose currents add up like those of a single synapse.

Where the states of a synapse change at rates proportional to them, an event adds to them, and the current
is proportional to them, n synapses of one cell are as good as one that adds the weight of each event.
That is so for pulses, exponential, alpha and double exponential synapses; not for plastic ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Binary, Expr, Name, Negate, Number, Select, names
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.variables import Derived

if TYPE_CHECKING:
    from tvbo_lite.transforms.shapes import Shape
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["WEIGHT", "increment", "is_linear"]

WEIGHT = "weight"  # the property of a receiver by which its effect is multiplied

Degrees: TypeAlias = tuple[int, int]  # in the states, and in the weight
PLAIN: Degrees = (0, 0)


class _NotLinearError(Exception):
    """An expression is not homogeneous in the states and the weight."""


def is_linear(shape: Shape, read: Iterable[str]) -> bool:
    """Whether one instance with weighted events does what several do together.

    ``read`` are the names that others read of them and add up.
    """
    kind = shape.kind
    dynamics = kind.dynamics
    if shape.slots or shape.lists or shape.flat or dynamics.regimes or dynamics.kinetic_schemes:
        return False
    if {prop.name for prop in kind.properties} != {WEIGHT}:
        return False
    try:
        return _adds_up(kind, dynamics, tuple(read))
    except _NotLinearError:
        return False


def increment(variable: str, value: str) -> Expr | None:
    """What an assignment adds to its variable; None where it does something else."""
    match parse(value):
        case Binary("+", Name(name), added) if name == variable:
            return added
        case Binary("+", added, Name(name)) if name == variable:
            return added
        case Binary("-", Name(name), taken) if name == variable:
            return Negate(taken)
    return None


def _adds_up(kind: ResolvedType, dynamics: m.Dynamics, read: tuple[str, ...]) -> bool:
    known: dict[str, Degrees] = {item.name: (1, 0) for item in dynamics.state_variables}
    known[WEIGHT] = (0, 1)
    if any(item.select is not None for item in dynamics.derived):
        return False
    derived: tuple[Derived, ...] = (*dynamics.derived, *dynamics.conditional)
    for item in derived:
        degrees = _of_derived(item, known)
        if degrees is not None:
            known[item.name] = degrees
    for rate in dynamics.derivatives:
        _require(rate.value, (1, 0), known)
    for action in dynamics.on_start:
        _acts(action, None, known)
    for condition in dynamics.on_condition:
        _require(condition.test, PLAIN, known)
        _acts(condition.action, (1, 0), known)
    return _weighs(kind, dynamics, read, known)


def _weighs(
    kind: ResolvedType, dynamics: m.Dynamics, read: tuple[str, ...], known: dict[str, Degrees]
) -> bool:
    """Whether the weight multiplies the effect of each event once, on its way in or on its way out."""
    ways_in = set()
    for event in dynamics.on_event:
        if event.action.events or event.action.transition:
            return False
        for item in event.action.assignments:
            added = increment(item.variable, item.value)
            degrees = None if added is None else _degrees(added, known)
            if added is None or (degrees is not None and degrees[0] != 0):
                return False
            if degrees is not None:
                ways_in.add(degrees[1])
    variables: tuple[m.StateVariable | Derived, ...] = (
        *dynamics.state_variables,
        *dynamics.derived,
        *dynamics.conditional,
    )
    linked = {item.exposure: item.name for item in variables}
    shown = {known.get(linked.get(name, name)) for name in read if name in kind.exposures} - {None}
    return len(ways_in) == 1 and set(read) <= set(kind.exposures) and shown == {(1, 1 - ways_in.pop())}


def _acts(action: m.Action, degrees: Degrees | None, known: dict[str, Degrees]) -> None:
    """Raises where an action does more than to change states to values of these degrees (None: to 0)."""
    if action.events or action.transition:
        raise _NotLinearError
    for item in action.assignments:
        found = _degrees(parse(item.value), known)
        if found is not None and found != degrees:
            raise _NotLinearError


def _require(text: str, degrees: Degrees, known: dict[str, Degrees]) -> None:
    if degrees == PLAIN:
        _plain(parse(text), known)
        return
    found = _degrees(parse(text), known)
    if found is not None and found != degrees:
        raise _NotLinearError


def _of_derived(
    item: m.DerivedVariable | m.ConditionalDerivedVariable, known: dict[str, Degrees]
) -> Degrees | None:
    if isinstance(item, m.DerivedVariable):
        return _degrees(parse(item.value or "0"), known)
    for case in item.cases:
        if case.condition is not None:
            _require(case.condition, PLAIN, known)
    return _same(_degrees(parse(case.value), known) for case in item.cases)


def _degrees(expr: Expr, known: dict[str, Degrees]) -> Degrees | None:
    """The degrees of a homogeneous expression; None for 0, which is of any. Raises for another."""
    match expr:
        case Number(value):
            return PLAIN if value != 0.0 else None
        case Name(name):
            return known.get(name, PLAIN)
        case Negate(operand):
            return _degrees(operand, known)
        case Binary("+" | "-", left, right):
            return _same((_degrees(left, known), _degrees(right, known)))
        case Binary("*", left, right):
            return _product(_degrees(left, known), _degrees(right, known))
        case Binary("/", left, right):
            _plain(right, known)
            return _degrees(left, known)
        case Select(cases):
            return _choice(cases, known)
    _plain(expr, known)
    return PLAIN


def _product(x: Degrees | None, y: Degrees | None) -> Degrees | None:
    return None if x is None or y is None else (x[0] + y[0], x[1] + y[1])


def _choice(cases: Iterable[tuple[Expr | None, Expr]], known: dict[str, Degrees]) -> Degrees | None:
    listed = list(cases)
    for condition, _ in listed:
        if condition is not None:
            _plain(condition, known)
    return _same(_degrees(value, known) for _, value in listed)


def _plain(expr: Expr, known: dict[str, Degrees]) -> None:
    """Raises where an expression depends on the states or on the weight."""
    if any(known.get(name, PLAIN) != PLAIN for name in names(expr)):
        raise _NotLinearError


def _same(degrees: Iterable[Degrees | None]) -> Degrees | None:
    found = {one for one in degrees if one is not None}
    if len(found) > 1:
        raise _NotLinearError
    return found.pop() if found else None
