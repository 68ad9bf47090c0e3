"""The same equations without what no one needs: constants worked out, second names and unread ones gone.

What is kept gives the same numbers in jLEMS's order of execution: a second name stays where it holds the
value of the step before, as a channel's copy of ``v`` does for its gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import write
from tvbo_lite.expr.tree import Expr, Leaf, Name, Number, rebuild
from tvbo_lite.transforms.equations.simplify import has_random, simplified
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Assignment,
    Deed,
    Definition,
    Group,
    Outer,
    Parameter,

    Regime,
    Rule,
    System,
    Total,
    leaves,
    names_read,
)

__all__ = ["fold", "mark", "prune", "without_aliases"]

Change = Callable[[Expr], Expr]


# ---- constants ----------------------------------------------------------------------------------------


def fold(system: System) -> None:
    """Derived variables that depend on parameters alone become parameters; others get simpler.

    ``system.groups`` has hosts before what is attached to them.
    """
    for group in system.groups.values():
        numbers: dict[str, Expr] = {}
        for part in group.parts:
            kept = []
            for item in part.definitions:
                value = simplified(_replaced(_inward(group, item.value), numbers))
                if isinstance(value, Number):
                    numbers[item.name] = value
                    group.parameters[item.name] = Parameter(item.name, (value.value,), item.dimension)
                elif _is_constant(group, value):
                    group.parameters[item.name] = _parameter(group, item, value)
                else:
                    kept.append(replace(item, value=value))
            part.definitions = kept
            numbers = {name: value for name, value in numbers.items() if name not in group.states}
        change_all(group, lambda expr, g=group, n=numbers: simplified(_replaced(_inward(g, expr), n)))  # type: ignore[misc]


def _parameter(group: Group, item: Definition, value: Expr) -> Parameter:
    known = {name: group.parameters[name].values[0] for name in names_read(value)}
    try:
        formula = write(value)
    except ExpressionError:  # a choice, which LEMS has no text for
        formula = ""
    return Parameter(item.name, (evaluate(value, known),), item.dimension, formula)


def _is_constant(group: Group, expr: Expr) -> bool:
    found = list(leaves(expr))
    single = {name for name, parameter in group.parameters.items() if parameter.single}
    return not has_random(expr) and all(isinstance(leaf, Name) and leaf.name in single for leaf in found)


def _inward(group: Group, expr: Expr) -> Expr:
    """What is by now a number of a group around becomes a parameter of the own group."""
    if isinstance(expr, Outer):
        at: Group | None = group
        for _ in range(expr.depth):
            at = at.host if at else None
        given = at.parameters.get(expr.name) if at else None
        if given is None or not given.single:
            return expr
        name, used = expr.name, {*group.states, *(item.name for item in group.definitions())}
        while name in used or (name in group.parameters and group.parameters[name].values != given.values):
            name += "_"
        group.parameters[name] = replace(given, name=name)
        return Name(name)
    return rebuild(expr, lambda child: _inward(group, child))


def _replaced(expr: Expr, values: dict[str, Expr]) -> Expr:
    if isinstance(expr, Name):
        return values.get(expr.name, expr)
    return rebuild(expr, lambda child: _replaced(child, values))


def change_all(group: Group, change: Change) -> None:
    """Applies ``change`` to every expression of a group."""
    for part in group.parts:
        part.definitions = [replace(item, value=change(item.value)) for item in part.definitions]
        part.rates = _changed(part.rates, change)
        part.starts = _changed(part.starts, change)
        part.rules = [_rule(rule, change) for rule in part.rules]
        part.handlers = {port: _deed(deed, change) for port, deed in part.handlers.items()}
        part.regimes = [_regime(regime, change) for regime in part.regimes]


def _changed(items: list[Assignment], change: Change) -> list[Assignment]:
    return [Assignment(item.name, change(item.value)) for item in items]


def _deed(deed: Deed, change: Change) -> Deed:
    return replace(deed, assignments=tuple(_changed(list(deed.assignments), change)))


def _rule(rule: Rule, change: Change) -> Rule:
    return Rule(change(rule.test), _deed(rule.deed, change))


def _regime(regime: Regime, change: Change) -> Regime:
    return Regime(
        regime.name,
        tuple(replace(item, value=change(item.value)) for item in regime.definitions),
        tuple(_changed(list(regime.rates), change)),
        tuple(_rule(rule, change) for rule in regime.rules),
        tuple(_changed(list(regime.entry), change)),
        {port: _deed(deed, change) for port, deed in regime.handlers.items()},
    )


# ---- second names ---------------------------------------------------------------------------------------

Place = tuple[int, int, int]  # part, stage (attached groups, definitions, rates, rules, regimes), number
_ATTACHED, _DEFINE, _RATES, _RULES, _REGIMES = range(5)
_EVENT: Place = (1_000_000, 0, 0)  # at any time
_NEVER: Place = (2_000_000, 0, 0)


def _reads(group: Group) -> Iterator[tuple[Place, Expr]]:
    """Every expression of a group's steps and event handlers, with the place at which it is read."""
    for p, part in enumerate(group.parts):
        for i, item in enumerate(part.definitions):
            yield (p, _DEFINE, i), item.value
        for stage, expr in part.read_in_step():
            yield (p, _RATES + stage, 0), expr
        for expr in part.read_by_events():
            yield _EVENT, expr


def _defined(group: Group) -> dict[str, Place]:
    return {
        item.name: (p, _DEFINE, i)
        for p, part in enumerate(group.parts)
        for i, item in enumerate(part.definitions)
    }


def _first_change(group: Group, name: str, after: Place) -> Place:
    """The first place after ``after`` at which a state may change, events apart."""
    for p, part in enumerate(group.parts):
        places = [
            ((p, _RATES, 1), [item.name for item in part.rates]),
            ((p, _RULES, -1), [item.name for rule in part.rules for item in rule.deed.assignments]),
            ((p, _REGIMES, -1), [name for regime in part.regimes for name in _changed_in(regime)]),
        ]
        for place, changed in places:
            if name in changed and place > after:
                return place
    return _NEVER


def _changed_in(regime: Regime) -> Iterator[str]:
    for item in (*regime.definitions, *regime.rates, *regime.entry):
        yield item.name
    for rule in regime.rules:
        yield from (item.name for item in rule.deed.assignments)


def without_aliases(system: System, *, ordered: bool = True) -> None:
    """Takes out definitions that are another name for a variable of the same group.

    ``ordered`` leaves those that hold an older value where jLEMS's order lets that be seen; without it
    equations are taken to hold all at once.
    """
    seen_outside = _seen_outside(system)
    for group in system.groups.values():
        aliases = {item.name: item.value for item in group.definitions() if isinstance(item.value, Name)}
        for name, value in aliases.items():
            assert isinstance(value, Name)  # noqa: S101  just filtered
            if ordered and not _same_everywhere(group, name, value.name, seen_outside):
                continue
            target = _current(group, name)
            _drop(system, group, name, target)


def _current(group: Group, name: str) -> Name:
    value = next(item.value for item in group.definitions() if item.name == name)
    assert isinstance(value, Name)  # noqa: S101  only aliases are asked for
    return value


def _same_everywhere(group: Group, name: str, target: str, seen_outside: set[tuple[str, str]]) -> bool:
    """Whether every reader of a second name would find the same value under the first."""
    places = _defined(group)
    own = places[name]
    readers = [place for place, expr in _reads(group) if name in names_read(expr)]
    if target in group.parameters:
        return all(place > own for place in readers)
    if target in places:
        if places[target] < own:
            return not any(places[target] < place <= own for place in readers)
        unseen = (group.name, name) not in seen_outside
        return unseen and all(own < place < places[target] for place in readers)
    if target == CLOCK:
        return all(own < place < _EVENT for place in readers) and (group.name, name) not in seen_outside
    until = _first_change(group, target, own)
    handled = any(target == a.name for p in group.parts for d in p.handlers.values() for a in d.assignments)
    return (
        not handled
        and (group.name, name) not in seen_outside
        and all(own < place < until for place in readers)
    )


def _seen_outside(system: System) -> set[tuple[str, str]]:
    """Variables that other groups read, or that are recorded, as (group, name)."""
    seen = {(record.group, record.name) for record in system.records}
    for group in system.groups.values():
        for _, expr in _reads(group):
            for leaf in leaves(expr):
                seen |= set(_places(group, leaf))
    return seen


def _places(group: Group, leaf: Expr) -> Iterator[tuple[str, str]]:
    if isinstance(leaf, Outer):
        at: Group | None = group
        for _ in range(leaf.depth):
            at = at.host if at else None
        if at is not None:
            yield at.name, leaf.name
    elif isinstance(leaf, Total):
        yield from zip(leaf.groups, leaf.variables, strict=True)
    elif isinstance(leaf, Across):
        yield leaf.group, leaf.name


def _drop(system: System, group: Group, name: str, target: Name) -> None:
    for part in group.parts:
        part.definitions = [item for item in part.definitions if item.name != name]
    change_all(group, lambda expr: _replaced(expr, {name: target}))
    for other in system.groups.values():
        change_all(other, lambda expr, g=other: _redirected(g, expr, group.name, name, target.name))  # type: ignore[misc]
    system.records = tuple(
        replace(record, name=target.name) if (record.group, record.name) == (group.name, name) else record
        for record in system.records
    )


def _redirected(group: Group, expr: Expr, of: str, name: str, target: str) -> Expr:
    if isinstance(expr, Outer) and (of, name) in set(_places(group, expr)):
        return replace(expr, name=target)
    if isinstance(expr, Across) and (expr.group, expr.name) == (of, name):
        return replace(expr, name=target)
    if isinstance(expr, Total):
        pairs = zip(expr.groups, expr.variables, strict=True)
        return replace(expr, variables=tuple(target if pair == (of, name) else pair[1] for pair in pairs))
    if isinstance(expr, Leaf):
        return expr
    return rebuild(expr, lambda child: _redirected(group, child, of, name, target))


# ---- what nobody reads -----------------------------------------------------------------------------------


def prune(system: System) -> None:
    """Takes out definitions, states without a life of their own, and parameters that nobody reads."""
    live = _live(system)
    for group in system.groups.values():
        for part in group.parts:
            part.definitions = [item for item in part.definitions if (group.name, item.name) in live]
            part.shown = [item for item in part.shown if (group.name, item.name) in live]
        changed = set(_changed_names(group))
        group.states = {
            name: dimension
            for name, dimension in group.states.items()
            if (group.name, name) in live or name in changed
        }
        group.parameters = {
            name: item for name, item in group.parameters.items() if (group.name, name) in live
        }


def _changed_names(group: Group) -> Iterator[str]:
    for part in group.parts:
        yield from (item.name for item in part.rates)
        for deed in part.deeds():
            yield from (item.name for item in deed.assignments)
        for regime in part.regimes:
            yield from _changed_in(regime)
        if part.regimes:
            yield part.regime_name


def _live(system: System) -> set[tuple[str, str]]:
    values: dict[tuple[str, str], tuple[Group, Expr]] = {}
    waiting = [(record.group, record.name) for record in system.records]
    for group in system.groups.values():
        values |= {(group.name, item.name): (group, item.value) for item in group.definitions()}
        shown = (item for part in group.parts for item in part.shown)
        values |= {(group.name, item.name): (group, Name(item.variable)) for item in shown}
        for part in group.parts:
            for expr in (*(expr for _, expr in part.read_in_step()), *part.read_by_events()):
                waiting += _read_places(group, expr)
    live: set[tuple[str, str]] = set()
    while waiting:
        place = waiting.pop()
        if place not in live:
            live.add(place)
            if place in values:
                waiting += _read_places(*values[place])
    return live


def _read_places(group: Group, expr: Expr) -> list[tuple[str, str]]:
    found = [(group.name, name) for name in names_read(expr)]
    return found + [place for leaf in leaves(expr) for place in _places(group, leaf)]


def mark(system: System) -> None:
    """Fills ``stored`` and ``late`` of every group."""
    outside = _seen_outside(system)
    for group in system.groups.values():
        places = _defined(group)
        by_events = {n for part in group.parts for expr in part.read_by_events() for n in names_read(expr)}
        late = {
            name
            for place, expr in _reads(group)
            for name in names_read(expr)
            if name in places and place <= places[name]
        }
        late |= {name for name in places if _attached_reads(system, group, name, places[name])}
        group.late = late
        group.stored = late | {n for n in places if n in by_events or (group.name, n) in outside}


def _attached_reads(system: System, group: Group, name: str, defined: Place) -> bool:
    """Whether a group attached to this one reads a definition before it is worked out."""
    for p, part in enumerate(group.parts):
        if (p, _ATTACHED, 0) > defined:
            return False
        for inner in part.attached:
            other = system.groups[inner]
            reads = (leaf for _, expr in _reads(other) for leaf in leaves(expr))
            if any((group.name, name) in set(_places(other, leaf)) for leaf in reads):
                return True
    return False


