"""``<Dynamics simultaneous="true">``: a component with all that is below it as one flat system.

jLEMS (class ``Flattener``) takes children, list members and referenced components into the component
itself, their names prefixed (``gates0_q``), puts the equations into an order in which each uses known
values only, and integrates the whole by the classical Runge-Kutta method. Conditions, events, regimes,
structure and exposures are left out of the flat system.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.expr.lems import parse, write
from tvbo_lite.expr.tree import Binary, Expr, Name, Number, names, substitute
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.java_hash import java_hash_order
from tvbo_lite.transforms.resolve import ResolvedComponent

Cases = tuple[tuple[Expr | None, Expr], ...]  # of a derived variable; an unconditional one has one case


@dataclass(slots=True)
class _Path:
    """A path still to be resolved: ``gates*_fcond`` for many, ``Forward_r`` for one."""

    variable: str
    path: str
    multiply: bool = False


@dataclass(slots=True)
class _System:
    """A flat system of equations; names are prefixed, those of requirements are not."""

    fixed: dict[str, float] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    derived: list[tuple[str, Cases]] = field(default_factory=list)
    rates: list[tuple[str, Expr]] = field(default_factory=list)
    starts: list[tuple[str, Expr]] = field(default_factory=list)
    paths: list[_Path] = field(default_factory=list)


def flattened(component: ResolvedComponent) -> ResolvedComponent:
    """A component without children whose dynamics are those of the whole tree below ``component``."""
    constants = frozenset(component.resolver.constants())
    system = _system(component, constants)
    kind = component.type
    dynamics = m.Dynamics(
        simultaneous=True,
        state_variables=tuple(m.StateVariable(name) for name in system.states),
        derivatives=tuple(m.TimeDerivative(name, write(rate)) for name, rate in system.rates),
        conditional=tuple(m.ConditionalDerivedVariable(name, cases=_cases(c)) for name, c in system.derived),
        on_start=_starts(system),
        location=kind.dynamics.location,
    )
    flat = replace(
        kind,
        properties=(),
        child_slots={},
        attachments=(),
        requirements={name: m.Requirement(name) for name in system.required},
        exposures={},
        event_ports={},
        dynamics=dynamics,
        structure=(),
    )
    bare = replace(component.component, children=())
    return ResolvedComponent(bare, flat, component.parent, component.resolver, dict(system.fixed))


def _cases(cases: Cases) -> tuple[m.Case, ...]:
    return tuple(m.Case(write(value), None if test is None else write(test)) for test, value in cases)


def _starts(system: _System) -> tuple[m.Action, ...]:
    assignments = tuple(m.StateAssignment(name, write(value)) for name, value in system.starts)
    return (m.Action(assignments),) if assignments else ()


def _system(component: ResolvedComponent, constants: frozenset[str]) -> _System:
    system = _own(component)
    for slot in java_hash_order(component.slots):
        _take(system, _system(component.slots[slot], constants), slot, constants)
    for name in java_hash_order(component.lists):
        for number, member in enumerate(component.lists[name]):
            _take(system, _system(member, constants), f"{name}{number}", constants)
    for name in java_hash_order(component.references):
        _take(system, _system(component.references[name], constants), name, constants)
    _resolve_paths(system)
    system.required = [name for name in system.required if name not in system.states]
    system.derived = _sorted(component, system, constants)
    return system


def _own(component: ResolvedComponent) -> _System:
    """The equations of the component itself."""
    dynamics = component.type.dynamics
    derived: list[tuple[str, Cases]] = []
    derived += [(d.name, ((None, parse(d.value)),)) for d in dynamics.derived if d.value is not None]
    derived += [(d.name, tuple(map(_case, d.cases))) for d in dynamics.conditional]
    return _System(
        dict(component.parameters),
        list(component.type.requirements),
        [item.name for item in dynamics.state_variables],
        derived,
        [(item.variable, parse(item.value)) for item in dynamics.derivatives],
        [(a.variable, parse(a.value)) for action in dynamics.on_start for a in action.assignments],
        [_path(d) for d in dynamics.derived if d.select is not None],
    )


def _case(case: m.Case) -> tuple[Expr | None, Expr]:
    return (None if case.condition is None else parse(case.condition)), parse(case.value)


def _path(item: m.DerivedVariable) -> _Path:
    select = (item.select or "").replace("[*]/", "*_").replace("/", "_")
    if "[" in select:
        what = f"'{item.select}' cannot be flattened (simultaneous dynamics)"
        raise UnsupportedError(Problem(what, item.location, "a path to one component, or to all of a list"))
    return _Path(item.name, select, item.reduce in ("multiply", "product", "times", "*"))


def _take(system: _System, below: _System, prefix: str, constants: frozenset[str]) -> None:
    """Adds the equations of a child, its names prefixed."""
    kept = {*below.required, *constants}

    def rename(expr: Expr) -> Expr:
        return substitute(expr, {name: Name(f"{prefix}_{name}") for name in names(expr) if name not in kept})

    system.fixed |= {f"{prefix}_{name}": value for name, value in below.fixed.items()}
    system.required += [name for name in below.required if name not in system.required]
    system.states += [f"{prefix}_{name}" for name in below.states]
    for name, cases in below.derived:
        renamed = tuple((None if test is None else rename(test), rename(value)) for test, value in cases)
        system.derived.append((f"{prefix}_{name}", renamed))
    system.rates += [(f"{prefix}_{name}", rename(rate)) for name, rate in below.rates]
    system.starts += [(f"{prefix}_{name}", rename(value)) for name, value in below.starts]


def _resolve_paths(system: _System) -> None:
    """A path to many becomes the sum or product of what it matches; a path to one, another name for it."""
    aliases: dict[str, Expr] = {}
    for path in system.paths:
        head, star, tail = path.path.partition("*")
        if star:
            matches = [name for name in _all_names(system) if _matches(name, head, tail)]
            system.derived.append((path.variable, ((None, _joined(matches, "*" if path.multiply else "+")),)))
        elif path.variable != path.path:
            aliases[path.variable] = Name(path.path)
    system.rates = [(name, substitute(rate, aliases)) for name, rate in system.rates]
    system.derived = [
        (
            name,
            tuple((test and substitute(test, aliases), substitute(value, aliases)) for test, value in cases),
        )
        for name, cases in system.derived
    ]


def _all_names(system: _System) -> list[str]:
    found = [*system.states, *system.required, *(name for name, _ in system.derived)]
    return list(dict.fromkeys([*found, *(name for name, _ in system.rates)]))


def _matches(name: str, head: str, tail: str) -> bool:
    inner = name[len(head) : len(name) - len(tail)]
    return name.startswith(head) and name.endswith(tail) and inner.isdigit()


def _joined(matches: list[str], op: str) -> Expr:
    joined: Expr = Name(matches[0]) if matches else Number(0.0)
    for name in matches[1:]:
        joined = Binary(op, joined, Name(name))
    return joined


def _sorted(
    component: ResolvedComponent, system: _System, constants: frozenset[str]
) -> list[tuple[str, Cases]]:
    """The derived variables in an order in which each uses known values only."""
    known = {*system.required, *system.states, *system.fixed, *constants, "t"}
    known |= {name for name, _ in system.rates}
    waiting, ordered = list(system.derived), []
    while waiting:
        ready = []
        for item in waiting:
            used = {name for test, value in item[1] for part in (test, value) if part for name in names(part)}
            if used <= known:
                ready.append(item)
                known.add(item[0])
        if not ready:
            stuck = ", ".join(name for name, _ in waiting)
            raise component.fail(f"simultaneous dynamics: no order in which {stuck} use known values only")
        ordered += ready
        waiting = [item for item in waiting if item not in ready]
    return ordered
