"""The same equations without what no one needs: constants are worked out, what nobody reads is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import write
from tvbo_lite.expr.tree import Expr, Name, Number, rebuild
from tvbo_lite.transforms.equations.sequence import (
    ATTACHED,
    Place,
    changed_names,
    defined_at,
    outer_places,
    readings,
    seen_outside,
)
from tvbo_lite.transforms.equations.simplify import has_random, simplified
from tvbo_lite.transforms.equations.system import (
    Across,
    Assignment,
    Deed,
    Definition,
    Group,
    Missing,
    Outer,
    Parameter,
    Regime,
    Rule,
    Scheme,
    System,
    Total,
    leaves,
    names_read,
)

__all__ = ["change_all", "every_missing", "fold", "mark", "prune", "replaced", "settle"]

Change = Callable[[Expr], Expr]


# ---- constants ----------------------------------------------------------------------------------------


def settle(group: Group) -> None:
    """What connections gave and nothing changes (a weight) becomes a parameter.

    A derived variable that is declared as a state too is the former.
    """
    for item in group.definitions():
        group.states.pop(item.name, None)
    changed = set(changed_names(group))
    for name, values in group.values.items():
        if name not in changed:
            each = values[:1] if len(set(values)) == 1 else values
            group.parameters[name] = Parameter(name, each, group.states.pop(name))
    group.values = {name: values for name, values in group.values.items() if name in changed}


def fold(system: System) -> None:
    """Derived variables that depend on parameters alone become parameters; others get simpler.

    ``system.groups`` has hosts before what is attached to them.
    """
    _fold_all(system)
    for group in system.groups.values():
        change_all(group, lambda expr: simplified(_without_zeros(system, expr)))
    _fold_all(system)


def _fold_all(system: System) -> None:
    while sum(_folded(system, group) for group in system.groups.values()):
        pass


def _without_zeros(system: System, expr: Expr) -> Expr:
    """Sums without the attached groups that always add 0."""
    if isinstance(expr, Total) and not expr.multiply:
        kept = []
        for name, variable in zip(expr.groups, expr.variables, strict=True):
            given = system.groups[name].parameters.get(variable)
            if given is None or any(given.values):
                kept.append((name, variable))
        if not kept:
            return Number(0.0)
        return replace(expr, groups=tuple(g for g, _ in kept), variables=tuple(v for _, v in kept))
    return rebuild(expr, lambda child: _without_zeros(system, child))


def _folded(system: System, group: Group) -> bool:
    """Takes out what is constant by now; whether there was anything."""
    numbers: dict[str, Expr] = {}
    known = {name: item.values[0] for name, item in group.parameters.items() if item.single}
    before = sum(1 for _ in group.definitions())
    for part in group.parts:
        kept = []
        for item in part.definitions:
            value = simplified(replaced(_inward(system, group, item.value), numbers), known)
            if isinstance(value, Number):
                numbers[item.name] = value
                group.parameters[item.name] = Parameter(item.name, (value.value,), item.dimension)
            elif _is_constant(group, value):
                group.parameters[item.name] = _parameter(group, item, value)
            else:
                kept.append(replace(item, value=value))
        part.definitions = kept
    change_all(group, lambda expr: simplified(replaced(_inward(system, group, expr), numbers), known))
    return sum(1 for _ in group.definitions()) < before


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


def _inward(system: System, group: Group, expr: Expr) -> Expr:
    """What is by now a number of a group around, or at the other end of a tunnel, becomes a parameter of
    the own group.
    """
    if not isinstance(expr, Outer | Across):
        return rebuild(expr, lambda child: _inward(system, group, child))
    given = _number_there(system, group, expr)
    if given is None:
        return expr
    name, used = expr.name, {*group.states, *(item.name for item in group.definitions())}
    while name in used or (name in group.parameters and group.parameters[name].values != given.values):
        name += "_"
    group.parameters[name] = replace(given, name=name)
    return Name(name)


def _number_there(system: System, group: Group, leaf: Outer | Across) -> Parameter | None:
    """The number that a place in another group is; None where it changes in a run."""
    if isinstance(leaf, Across):
        given = system.groups[leaf.group].parameters.get(leaf.name)
        if given is None or given.single:
            return given
        values = tuple(given.values[copy] for copy in leaf.at)
        return replace(given, values=values[:1] if len(set(values)) == 1 else values, formula="")
    at: Group | None = group
    for _ in range(leaf.depth):
        at = at.host if at else None
    found = at.parameters.get(leaf.name) if at else None
    return found if found is not None and found.single else None


def replaced(expr: Expr, values: dict[str, Expr]) -> Expr:
    if isinstance(expr, Name):
        return values.get(expr.name, expr)
    return rebuild(expr, lambda child: replaced(child, values))


def change_all(group: Group, change: Change) -> None:
    """Applies ``change`` to every expression of a group."""
    for part in group.parts:
        part.definitions = [replace(item, value=change(item.value)) for item in part.definitions]
        part.schemes = [_scheme(scheme, change) for scheme in part.schemes]
        part.rates = _changed(part.rates, change)
        part.starts = _changed(part.starts, change)
        part.rules = [_rule(rule, change) for rule in part.rules]
        part.handlers = {port: _deed(deed, change) for port, deed in part.handlers.items()}
        part.regimes = [_regime(regime, change) for regime in part.regimes]


def _changed(items: list[Assignment], change: Change) -> list[Assignment]:
    return [Assignment(item.name, change(item.value)) for item in items]


def _scheme(scheme: Scheme, change: Change) -> Scheme:
    edges = (replace(e, forward=change(e.forward), reverse=change(e.reverse)) for e in scheme.edges)
    return replace(scheme, edges=tuple(edges))


def _deed(deed: Deed, change: Change) -> Deed:
    return replace(deed, assignments=tuple(_changed(list(deed.assignments), change)))


def _rule(rule: Rule, change: Change) -> Rule:
    return replace(rule, test=change(rule.test), deed=_deed(rule.deed, change))


def _regime(regime: Regime, change: Change) -> Regime:
    return Regime(
        regime.name,
        tuple(replace(item, value=change(item.value)) for item in regime.definitions),
        tuple(_changed(list(regime.rates), change)),
        tuple(_rule(rule, change) for rule in regime.rules),
        tuple(_changed(list(regime.entry), change)),
        {port: _deed(deed, change) for port, deed in regime.handlers.items()},
        regime.where,
    )


# ---- what nobody reads -----------------------------------------------------------------------------------


def prune(system: System) -> None:
    """Takes out definitions, states without a life of their own, and parameters that nobody reads."""
    live = _live(system)
    for group in system.groups.values():
        for part in group.parts:
            part.definitions = [item for item in part.definitions if (group.name, item.name) in live]
            part.shown = [item for item in part.shown if (group.name, item.name) in live]
        changed = set(changed_names(group))
        group.states = {
            name: dimension
            for name, dimension in group.states.items()
            if (group.name, name) in live or name in changed
        }
        group.parameters = {
            name: item for name, item in group.parameters.items() if (group.name, name) in live
        }
    read = {name for name, _ in live}
    for group in system.groups.values():
        for part in group.parts:
            part.attached = [name for name in part.attached if name in read or _acts(system, name)]


def _acts(system: System, name: str) -> bool:
    """Whether anything happens in a group, or in what is attached to it."""
    group = system.groups[name]
    own = any(replace(part, attached=[]).acts() or part.handlers for part in group.parts)
    return own or any(_acts(system, inner) for part in group.parts for inner in part.attached)


def _live(system: System) -> set[tuple[str, str]]:
    values: dict[tuple[str, str], tuple[Group, Expr]] = {}
    waiting = [(record.group, record.name) for record in system.records]
    for group in system.groups.values():
        values |= {(group.name, item.name): (group, item.value) for item in group.definitions()}
        shown = (item for part in group.parts for item in part.shown)
        values |= {(group.name, item.name): (group, Name(item.variable)) for item in shown}
        for part in group.parts:
            in_step = (*part.read_by_schemes(), *(expr for _, expr in part.read_in_step()))
            for expr in (*in_step, *part.read_by_events()):
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
    return found + [place for leaf in leaves(expr) for place in outer_places(group, leaf)]


def every_missing(system: System) -> Iterator[Missing]:
    """What cannot be said, of what is read at all."""
    for group in system.groups.values():
        for _, expr in readings(group):
            yield from (leaf for leaf in leaves(expr) if isinstance(leaf, Missing))


def mark(system: System) -> None:
    """Fills ``stored`` and ``late`` of every group."""
    outside = seen_outside(system)
    for group in system.groups.values():
        places = defined_at(group)
        by_events = {n for part in group.parts for expr in part.read_by_events() for n in names_read(expr)}
        late = {
            name
            for place, expr in readings(group)
            for name in names_read(expr)
            if name in places and place <= places[name]
        }
        late |= {name for name in places if _attached_reads(system, group, name, places[name])}
        group.late = late
        group.stored = late | {n for n in places if n in by_events or (group.name, n) in outside}


def _attached_reads(system: System, group: Group, name: str, defined: Place) -> bool:
    """Whether a group attached to this one reads a definition before it is worked out."""
    for p, part in enumerate(group.parts):
        if (p, ATTACHED, 0) > defined:
            return False
        for inner in part.attached:
            other = system.groups[inner]
            reads = (leaf for _, expr in readings(other) for leaf in leaves(expr))
            if any((group.name, name) in set(outer_places(other, leaf)) for leaf in reads):
                return True
    return False
