"""The equations of each part, in which every name is one of its group's or a place in another group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tvbo_lite.errors import ExpressionError, Location, ModelError, Problem, nearest
from tvbo_lite.expr.tree import Binary, Expr, Name, Number, Select
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations.grow import Names, Plot, Site, Survey
from tvbo_lite.transforms.equations.outlets import are_neighbours
from tvbo_lite.transforms.equations.paths import REDUCERS, targets
from tvbo_lite.transforms.equations.reach import Reach, dimension_of
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Assignment,
    Deed,
    Definition,
    Edge,
    Group,
    Missing,
    Part,
    Regime,
    Rule,
    Scheme,
    Shown,
    Total,
)
from tvbo_lite.transforms.variables import Derived, initial_regime

if TYPE_CHECKING:
    from tvbo_lite.transforms.resolve import Resolver

__all__ = ["Binder", "outward", "port_name"]

# What the writers of scripts use in groups for purposes of their own.
RESERVED = (
    CLOCK, "dt", "DT", "size", "at", "host", "np", "self", "start", "step", "total", "product", "attached",
    "wires", "connect", "send", "group", "active", "inside", "fired", "holds", "transitions", "RANDOM",
)  # fmt: skip
REGIME = "regime"
WEIGHT = "weight"
RUNGE_KUTTA = (
    "its simultaneous dynamics, which jLEMS integrates by the Runge-Kutta method, are taken by Euler's"
)


class Binder(Reach):
    """Makes the groups of a survey; what no equation can say goes to ``losses``."""

    def __init__(self, found: Survey, resolver: Resolver, losses: Losses) -> None:
        super().__init__(found, resolver)
        self.losses = losses
        self.delays = resolver.model.beyond.delays
        self._extra: list[tuple[Plot, Definition]] = []

    def all(self) -> dict[str, Group]:
        """Every group, by name."""
        self._names = {plot: Names(RESERVED) for plot in self.found.plots}
        for plot in self.found.plots:
            host = self.groups[plot.host.plot] if plot.host else None
            main = next(site for site in plot.top.sites() if not site.prefix)
            kind, own = main.block.kind.name, main.component_id
            group = Group(plot.name, kind, own, plot.size, host, tuple(plot.at.tolist()), plot.attached)
            if plot.top.block.merged:
                group.weight = self.named(plot.top, WEIGHT)
            self.groups[plot] = group
        for plot in self.found.plots:
            self.groups[plot].parts = [self._part(site) for site in plot.top.sites()]
        for plot, extra in self._extra:
            self.groups[plot].parts[-1].definitions.append(extra)
        return {group.name: group for group in self.groups.values()}

    # ---- one part -----------------------------------------------------------------------------------

    def _part(self, site: Site) -> Part:
        kind, dynamics = site.block.kind, site.block.kind.dynamics
        part = Part(_title(site), [inner.name for inner in site.below if isinstance(inner, Plot)])
        self._lost(site)
        part.schemes = [self._scheme(site, scheme) for scheme in dynamics.kinetic_schemes]
        for name in self.variables(site).requirements:
            part.definitions.append(self._requirement(site, name))
        part.definitions += [self._derived(site, item) for item in self.variables(site).derived]
        part.rates = self._rates(site, dynamics.derivatives)
        part.rules = self._rules(site, dynamics.on_condition, in_regime=False)
        part.starts = [a for action in dynamics.on_start for a in self._assignments(site, action)]
        if any(action.events for action in dynamics.on_start):
            place = dynamics.location if dynamics.location.file else kind.declared.location
            self.losses.add(f"the event at the start of {_title(site)}", "it is not sent", place)
        handlers = {item.port: item.action for item in dynamics.on_event}
        if dynamics.regimes:
            part.regime_name = self.named(site, REGIME)
            part.initial_regime = dynamics.regimes[initial_regime(dynamics)].name
            part.regimes = [self._regime(site, regime) for regime in dynamics.regimes]
            handlers = {}  # jLEMS leaves events to the regimes where there are any
        part.handlers = self._handlers(site, handlers, in_regime=False)
        variables = self.variables(site)
        for variable in dict.fromkeys(variables.exposed.values()):
            if variable is not None and variable in variables.outside:
                seen = self._seen(site, variable)
                assert isinstance(seen, Name)  # noqa: S101  what is changed from outside is a variable
                part.shown.append(Shown(seen.name, self.named(site, variable)))
        return part

    def _lost(self, site: Site) -> None:
        kind = site.block.kind
        if site.block.shape.flat:
            self.losses.add(_title(site), RUNGE_KUTTA, kind.declared.location)

    def _scheme(self, site: Site, scheme: m.KineticScheme) -> Scheme:
        nodes, edges = _listed(site, scheme.nodes), _listed(site, scheme.edges)
        states = []
        for node in nodes:
            states.append(self._changed(node, scheme.state_variable, scheme.location))
            self.groups[site.plot].values[states[-1]] = (float(node is nodes[0]),) * site.plot.size
        ids = [node.component_id for node in nodes]
        made = []
        for edge in edges:
            source, target = (_state(edge, end, ids) for end in (scheme.edge_source, scheme.edge_target))
            forward = self._rate(site, edge, scheme.forward_rate)
            made.append(Edge(source, target, forward, self._rate(site, edge, scheme.reverse_rate)))
        used = 1 + max((max(edge.source, edge.target) for edge in made), default=-1)
        title = f"kinetic scheme '{scheme.name}' of {_title(site)}"
        return Scheme(tuple(states[:used]), tuple(made), title, scheme.location)

    def _rate(self, site: Site, edge: Site, name: str) -> Expr:
        seen = self.get(edge, name)
        if seen is None:
            raise edge.block.component.fail(f"has no variable '{name}'")
        return self.reach(site.plot, *seen)

    def _requirement(self, site: Site, name: str) -> Definition:
        seen = self.get(site.parent or site.plot.host, name)
        if seen is None:
            what = f"requires '{name}', but none of the instances around it has that"
            raise site.block.component.fail(what)
        value = self.reach(site.plot, *seen)
        return Definition(self.named(site, name), value, dimension_of(site.block.kind, name))

    def _derived(self, site: Site, item: Derived) -> Definition:
        called = self.named(site, item.name)
        return Definition(called, self._value(site, item), item.dimension)

    def _value(self, site: Site, item: Derived) -> Expr:
        if isinstance(item, m.ConditionalDerivedVariable):
            cases = [
                (
                    None if case.condition is None else self.bind(site, case.condition, case.location),
                    self.bind(site, case.value, case.location),
                )
                for case in item.cases
            ]
            return Select(tuple(cases))
        if item.value is not None:
            return self.bind(site, item.value, item.location)
        return self._selected(site, item)

    def _selected(self, site: Site, item: m.DerivedVariable) -> Expr:
        name = (item.select or "").rpartition("/")[2]
        found = targets(site, item)
        if found.simple is not None:
            return self._read(site, found.simple, name, item)
        if found.tunnel:
            return self._across(site, found.tunnel, name, item)
        inside = [self._read(site, one, name, item) for one in found.sites]
        op = "*" if REDUCERS[item.reduce or ""] else "+"
        if found.plots:
            names = [self._attached(plot, end, name) for plot, end in found.plots]
            total = Total(tuple(plot.name for plot, _ in found.plots), tuple(names), op == "*")
            inside = [*inside, total]
        if not inside:
            return Number(1.0 if op == "*" else 0.0)
        value = inside[0]
        for one in inside[1:]:
            value = Binary(op, value, one)
        return value

    def _across(self, site: Site, tunnel: str, name: str, item: m.DerivedVariable) -> Expr:
        """A variable of the other end of a tunnel. Of a cell that advances at once with this one, a copy is
        not yet made when it is read, but what it is a copy of is still what it was.
        """
        refs = site.block.peers[tunnel]
        ends = [
            self.found.place(refs.blocks[int(refs.block[row])], int(refs.index[row])) for row in site.rows
        ]
        other = ends[0][0]
        alike = all(end is other for end, _ in ends)
        found = [
            self._origin(end, name)
            if not alike or are_neighbours(site.plot, k, end.plot, copy)
            else self.get(end, name)
            for k, (end, copy) in enumerate(ends)
        ]
        seen = found[0]
        if seen is None or any(one is None or one != seen for one in found):
            what = f"'{item.select}' of {_title(site)}"
            return Missing(what, "its tunnels lead to several kinds of ends", item.location)
        at, value = seen
        if not isinstance(value, Name):
            return value
        copies = tuple(outward(end.plot, copy, at.plot) for end, copy in ends)
        return Across(value.name, at.plot.name, copies, *self._late(site, item))

    def _late(self, site: Site, item: m.DerivedVariable) -> tuple[tuple[float, ...], float | None]:
        """How late each copy reads a variable (s), and what was before the start."""
        block = site.block
        fits = [d for d in self.delays if d.variable == item.name and block.kind.is_a(d.type)]
        if not fits:
            return (), None
        name = fits[-1].time
        fixed = block.component.parameters.get(name)
        times = block.values[name].tolist() if fixed is None else [fixed] * block.size
        return tuple(times[row] for row in site.rows), fits[-1].before

    def _origin(self, site: Site, name: str) -> tuple[Site, Expr] | None:
        """What `get` finds, or where it comes from, if that is a copy that a requirement makes."""
        found = self.get(site, name)
        while found is not None and name in self.variables(found[0]).requirements:
            found = self.get(found[0].parent or found[0].plot.host, name)
        return found

    def _attached(self, plot: Plot, end: Site, name: str) -> str:
        """The name, in an attached group, of what a path reads there."""
        seen = self.get(end, name)
        if seen is None:
            raise end.block.component.fail(f"has no variable '{name}'")
        at, value = seen
        if at.plot is plot and isinstance(value, Name):
            return value.name
        key = (plot.top, f"read {name}")
        if key not in self._named:
            self._named[key] = called = self._names[plot].new(name)
            value = self.reach(plot, at, value)
            self._extra.append((plot, Definition(called, value, dimension_of(at.block.kind, name))))
        return self._named[key]

    def _read(self, site: Site, target: Site, name: str, item: m.DerivedVariable) -> Expr:
        seen = self.get(target, name)
        if seen is None:
            raise site.block.component.fail(f"'{item.select}': {_title(target)} has no variable '{name}'")
        return self.reach(site.plot, *seen)

    def _rates(self, site: Site, items: Iterable[m.TimeDerivative]) -> list[Assignment]:
        return [
            Assignment(self._changed(site, i.variable, i.location), self.bind(site, i.value, i.location))
            for i in items
        ]

    def _changed(self, site: Site, name: str, location: Location) -> str:
        expr = self.own(site, name)
        if not isinstance(expr, Name) or name not in self.variables(site).stateful:
            raise ExpressionError(Problem(f"'{name}' is changed, but is no state variable", location))
        return expr.name

    def _assignments(self, site: Site, action: m.Action) -> list[Assignment]:
        return [
            Assignment(self._changed(site, i.variable, i.location), self.bind(site, i.value, i.location))
            for i in action.assignments
        ]

    def _deed(self, site: Site, action: m.Action, *, in_regime: bool) -> Deed:
        ports = tuple(port_name(site, port) for port in action.events)
        regime = action.transition if in_regime else None
        regimes = [item.name for item in site.block.kind.dynamics.regimes]
        if regime is not None and regime not in regimes:
            hint = nearest(regime, regimes)
            raise ModelError(Problem(f"transition to unknown regime '{regime}'", action.location, None, hint))
        return Deed(tuple(self._assignments(site, action)), ports, regime)

    def _rules(self, site: Site, items: Iterable[m.OnCondition], *, in_regime: bool) -> list[Rule]:
        found = []
        for item in items:
            deed = self._deed(site, item.action, in_regime=in_regime)
            found.append(Rule(self.bind(site, item.test, item.location), deed, item.test, item.location))
        return found

    def _handlers(self, site: Site, actions: dict[str, m.Action], *, in_regime: bool) -> dict[str, Deed]:
        found = {
            port_name(site, port): self._deed(site, action, in_regime=in_regime)
            for port, action in actions.items()
        }
        return {port: deed for port, deed in found.items() if deed}

    def _regime(self, site: Site, regime: m.Regime) -> Regime:
        definitions = []
        for item in regime.derived:
            if item.value is None:
                self.losses.add(f"derived variable '{item.name}' of a regime", "it is a path", item.location)
                continue
            self.own(site, item.name)
            value = self.bind(site, item.value, item.location)
            definitions.append(Definition(self.named(site, item.name), value, item.dimension))
        return Regime(
            regime.name,
            tuple(definitions),
            tuple(self._rates(site, regime.derivatives)),
            tuple(self._rules(site, regime.on_condition, in_regime=True)),
            tuple(a for action in regime.on_entry for a in self._assignments(site, action)),
            self._handlers(site, {item.port: item.action for item in regime.on_event}, in_regime=True),
            regime.location,
        )


def _listed(site: Site, name: str) -> list[Site]:
    """The members of a list among the parts below."""
    return [
        one for one in site.below if isinstance(one, Site) and one.block.listed and one.block.name == name
    ]


def _state(edge: Site, end: str, ids: list[str]) -> int:
    """The number of the state at an end of a transition."""
    wanted = edge.block.component.text(end) or ""
    if wanted not in ids:
        what = f"{end}='{wanted}' is no state of the kinetic scheme"
        raise edge.block.component.fail(what, nearest(wanted, ids))
    return ids.index(wanted)


def outward(plot: Plot, copy: int, wanted: Plot) -> int:
    """The copy of a group around that a copy stands in."""
    while plot is not wanted:
        assert plot.host is not None  # noqa: S101  the group is around it
        copy, plot = int(plot.at[copy]), plot.host.plot
    return copy


def port_name(site: Site, port: str) -> str:
    """What an event port of a site is called in its group."""
    return f"{site.prefix}{port}"


def _title(site: Site) -> str:
    path = "/".join(site.path())
    kind = site.block.kind.name
    return f"{path} ({kind})" if path else f"{site.component_id} ({kind})" if site.component_id else kind
