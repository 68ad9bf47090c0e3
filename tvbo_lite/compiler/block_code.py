"""The code of one block's instances: a step, its events, its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.memory import EXPOSURE, REGIME, Memory
from tvbo_lite.compiler.reading import Many, Ranges, Reading, Scope, Simple
from tvbo_lite.errors import ExpressionError, Location, ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Binary, Expr, Number, Select, names
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.blocks import Block, Refs
from tvbo_lite.transforms.linear import increment
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.variables import CLOCK, Derived


def handler_name(block: Block, port: str) -> str:
    return f"on.{block.number}.{port}"


def start_name(block: Block) -> str:
    return f"start.{block.number}"


class Lowering(Protocol):
    """What the blocks of one program share."""

    dt: float
    memory: Memory
    constants: dict[str, Number]
    code: dict[int, BlockCode]

    def temp(self) -> ir.Temp: ...

    def port(self, block: Block, name: str) -> int: ...


class BlockCode(Reading):
    """The code of one block's instances."""

    def __init__(self, lowering: Lowering, block: Block) -> None:
        super().__init__(block, lowering.memory, lowering.constants)
        self.low = lowering
        self.dynamics = block.kind.dynamics

    # ---- which variables need memory ----------------------------------------------------------

    def declare(self) -> None:
        """Gives memory to what must outlive a step's code: others, events or later steps read it."""
        for name in self._kept():
            if self.variables.knows(name) and not self.is_fixed(name):
                self.memory.own(self.block, name)
        for name in self.variables.requirements:
            self.memory.from_parent(self.block, name)
        for item in self.variables.derived:
            if isinstance(item, m.DerivedVariable) and item.select is not None:
                self.selected(item)
        for scheme in self.dynamics.kinetic_schemes:
            self._kinetics(scheme)

    def _kept(self) -> list[str]:
        dynamics = self.dynamics
        kept = list(self.variables.late)
        if any(action.assignments for action in dynamics.on_start):
            kept += _names_in(dynamics.on_start)
        kept += _names_in([item.action for item in dynamics.on_event])
        for regime in dynamics.regimes:
            kept += _names_in(regime.on_entry)
            kept += _names_in([item.action for item in regime.on_event])
        return kept

    # ---- one step --------------------------------------------------------------------------------

    def step(self) -> tuple[ir.Statement, ...]:
        """The code that advances the children, then the instance itself."""
        body: list[ir.Statement] = []
        for child in self.block.children:
            inner = self.low.code[child.number].step()
            if inner:
                body.append(ir.Each(child, inner))
        body += [self._kinetics(scheme) for scheme in self.dynamics.kinetic_schemes]
        scope = Scope({CLOCK: ir.Load(self.block, ir.TIME, 0)})
        if self.memory.has(self.block, CLOCK):
            body.append(ir.Store(self.memory.own(self.block, CLOCK), scope.known[CLOCK]))
        self._require(body, scope)
        self._derive(body, scope)
        if self.block.shape.flat:
            self._runge_kutta(body, scope)
        else:
            self._integrate(body, scope)
        for item in self.dynamics.on_condition:
            test = self.condition(item.test, scope, item.location)
            body.append(ir.If(test, tuple(self.act(item.action, scope))))
        self._expose(body)
        body += self._regimes(scope)
        return tuple(body)

    def _require(self, body: list[ir.Statement], scope: Scope) -> None:
        for name in self.variables.requirements:
            self._define(body, scope, name, self.memory.from_parent(self.block, name))

    def _derive(self, body: list[ir.Statement], scope: Scope) -> None:
        for item in self.variables.derived:
            self._define(body, scope, item.name, self._derived(item, scope, body))

    def _define(self, body: list[ir.Statement], scope: Scope, name: str, value: ir.Value) -> None:
        temp = self._let(body, value)
        stateful = name in self.variables.stateful
        if stateful or self.memory.has(self.block, name):
            body.append(ir.Store(self.memory.own(self.block, name), temp))
        if not stateful:
            scope.known[name] = temp

    def _derived(self, item: Derived, scope: Scope, body: list[ir.Statement]) -> ir.Value:
        if isinstance(item, m.ConditionalDerivedVariable):
            return Select(tuple(self._case(case, scope) for case in item.cases))
        if item.value is not None:
            return self.number(item.value, scope, item.location)
        return self._reduced(item, body)

    def _case(self, case: m.Case, scope: Scope) -> tuple[Expr | None, Expr]:
        test = None if case.condition is None else self.condition(case.condition, scope, case.location)
        return test, self.number(case.value, scope, case.location)

    def _integrate(self, body: list[ir.Statement], scope: Scope) -> None:
        rates = []
        for item in self.dynamics.derivatives:
            rates.append((item, self._let(body, self.number(item.value, scope, item.location))))
        for item, rate in rates:
            body.append(self._euler(item, rate))

    def _runge_kutta(self, body: list[ir.Statement], scope: Scope) -> None:
        """The classical method of fourth order, for a flattened system: conditions have been left out."""
        half, whole = Number(0.5 * self.low.dt), Number(self.low.dt)
        states = self._lets(body, {item.variable: self._cell(item) for item in self.dynamics.derivatives})
        slopes = [self._slopes(body, Scope({**scope.known, **states}))]
        for delta in (half, half, whole):
            moved = {n: Binary("+", x, Binary("*", delta, slopes[-1][n])) for n, x in states.items()}
            stage = Scope({**scope.known, **self._lets(body, moved)})
            stage.known[CLOCK] = Binary("+", scope.known[CLOCK], delta)
            for derived in self.variables.derived:
                stage.known[derived.name] = self._let(body, self._derived(derived, stage, body))
            slopes.append(self._slopes(body, stage))
        k1, k2, k3, k4 = slopes
        for item in self.dynamics.derivatives:
            n = item.variable
            twice = [Binary("*", Number(2.0), k[n]) for k in (k2, k3)]
            total = Binary("+", Binary("+", Binary("+", k1[n], twice[0]), twice[1]), k4[n])
            change = Binary("*", whole, Binary("/", total, Number(6.0)))
            body.append(ir.Store(self._cell(item), Binary("+", states[n], change)))

    def _cell(self, item: m.TimeDerivative) -> ir.Load:
        return self._state(item.variable, item.location)

    def _slopes(self, body: list[ir.Statement], scope: Scope) -> dict[str, ir.Value]:
        rates = {i.variable: self.number(i.value, scope, i.location) for i in self.dynamics.derivatives}
        return self._lets(body, rates)

    def _lets(self, body: list[ir.Statement], values: Mapping[str, ir.Value]) -> dict[str, ir.Value]:
        return {name: self._let(body, value) for name, value in values.items()}

    def _let(self, body: list[ir.Statement], value: ir.Value) -> ir.Temp:
        temp = self.low.temp()
        body.append(ir.Let(temp, value))
        return temp

    def _euler(self, item: m.TimeDerivative, rate: ir.Value) -> ir.Statement:
        cell = self._state(item.variable, item.location)
        change = Binary("*", Number(self.low.dt), rate)
        return ir.Store(cell, Binary("+", cell, change))

    def _state(self, name: str, location: Location) -> ir.Load:
        """The cell of a state variable; nothing else may be changed, as in jLEMS."""
        states = [item.name for item in self.dynamics.state_variables]
        states += [item.name for regime in self.dynamics.regimes for item in regime.state_variables]
        if name not in states:
            what = f"'{name}' is changed, but is no state variable of component type '{self.block.kind.name}'"
            raise ExpressionError(Problem(what, location, None, nearest(name, states)))
        return self.memory.own(self.block, name)

    def _expose(self, body: list[ir.Statement]) -> None:
        for variable in dict.fromkeys(self.variables.exposed.values()):
            if variable is not None and self.memory.has(self.block, EXPOSURE + variable):
                target = self.memory.own(self.block, EXPOSURE + variable)
                body.append(ir.Store(target, self.memory.own(self.block, variable)))

    # ---- kinetic schemes ------------------------------------------------------------------------------

    def _kinetics(self, scheme: m.KineticScheme) -> ir.Kinetics:
        """One step of a scheme: occupancies of its nodes from the rates that its edges expose.

        Instances with a scheme share a shape only where they are copies of one component.
        """
        nodes, edges = self._scheme_members(scheme.nodes), self._scheme_members(scheme.edges)
        if not nodes:
            raise self.block.component.fail(f"kinetic scheme '{scheme.name}' has no '{scheme.nodes}'")
        occupancies = [
            self.memory.spread(self.block, self.memory.own_places(node, scheme.state_variable))
            for node in nodes
        ]
        ids = [_first_component(node).id for node in nodes]
        made = []
        for edge in edges:
            source, target = (
                _node(ids, _first_component(edge), scheme, end)
                for end in (scheme.edge_source, scheme.edge_target)
            )
            rates = [self.each(edge, rate) for rate in (scheme.forward_rate, scheme.reverse_rate)]
            made.append(ir.Edge(source, target, *rates))
        used = 1 + max((max(edge.source, edge.target) for edge in made), default=-1)
        return ir.Kinetics(tuple(occupancies[:used]), tuple(made))

    def _scheme_members(self, name: str) -> list[Refs]:
        """The members of a list, each as it is found in all instances of the block."""
        return [
            Refs([column], np.zeros(self.block.size, np.int64), column.bounds()[0] + j)
            for column in self.block.listed_in(name)
            for j in range(column.fanout)
        ]

    # ---- actions --------------------------------------------------------------------------------------

    def act(self, action: m.Action, scope: Scope, *, in_regime: bool = False) -> list[ir.Statement]:
        """Assignments one after the other, then events, then, in a regime, the transition."""
        body: list[ir.Statement] = []
        for item in action.assignments:
            value = self.number(item.value, scope, item.location)
            body.append(ir.Store(self._state(item.variable, item.location), value))
        body += [ir.Emit(self.low.port(self.block, port), self.block) for port in action.events]
        if action.transition is not None:
            entered = self._enter(action.transition, scope, action.location)
            body += entered if in_regime else []  # jLEMS does not act on a transition outside regimes
        return body

    def _enter(self, name: str, scope: Scope, location: Location) -> list[ir.Statement]:
        regimes = {regime.name: number for number, regime in enumerate(self.dynamics.regimes)}
        if name not in regimes:
            raise ModelError(
                Problem(f"transition to unknown regime '{name}'", location, None, nearest(name, regimes))
            )
        number = regimes[name]
        body: list[ir.Statement] = [ir.Store(self.memory.own(self.block, REGIME), Number(float(number)))]
        for action in self.dynamics.regimes[number].on_entry:
            body += self.act(action, scope, in_regime=True)
        return body

    def _regimes(self, scope: Scope) -> list[ir.Statement]:
        """The step of the regime that was active when the instance's own step ended."""
        return self._by_regime(lambda regime: self._regime_step(regime, scope))

    def _by_regime(self, code: Callable[[m.Regime], list[ir.Statement]]) -> list[ir.Statement]:
        regimes = self.dynamics.regimes
        if not regimes:
            return []
        active = self.low.temp()
        chain: tuple[ir.Statement, ...] = ()
        for number in range(len(regimes) - 1, -1, -1):
            body = tuple(code(regimes[number]))
            chain = (ir.If(Binary("eq", active, Number(float(number))), body, chain),)
        return [ir.Let(active, self.memory.own(self.block, REGIME)), *chain]

    def _regime_step(self, regime: m.Regime, outer: Scope) -> list[ir.Statement]:
        scope = Scope(dict(outer.known))
        body: list[ir.Statement] = []
        for derived in regime.derived:
            if derived.value is None:
                what = f"derived variable '{derived.name}' of a regime needs a 'value' (a path has no effect)"
                raise UnsupportedError(Problem(what, derived.location))
            value = self.number(derived.value, scope, derived.location)
            body.append(ir.Store(self.memory.own(self.block, derived.name), value))
        for item in regime.derivatives:
            body.append(self._euler(item, self.number(item.value, scope, item.location)))
        for condition in regime.on_condition:
            test = self.condition(condition.test, scope, condition.location)
            body.append(ir.If(test, tuple(self.act(condition.action, scope, in_regime=True))))
        return body

    # ---- events -------------------------------------------------------------------------------------

    def handlers(self) -> list[ir.Function]:
        """A function for each in-port whose events do something."""
        made = []
        for port in self._in_ports():
            body = self._handle(port)
            if body:
                name, weighted = handler_name(self.block, port), self.block.merged
                made.append(ir.Function(name, self.block, tuple(body), weighted=weighted))
        return made

    def _in_ports(self) -> list[str]:
        ports = [item.port for item in self.dynamics.on_event]
        ports += [item.port for regime in self.dynamics.regimes for item in regime.on_event]
        return list(dict.fromkeys(ports))

    def _handle(self, port: str) -> list[ir.Statement]:
        scope = Scope()
        body: list[ir.Statement] = []
        own = [item for item in self.dynamics.on_event if item.port == port]
        if own and not self.dynamics.regimes:  # jLEMS leaves events to the regimes where there are any
            last = own[-1].action  # a second OnEvent for a port replaces the first
            body += self._add_weighted(last, scope) if self.block.merged else self.act(last, scope)

        def in_regime(regime: m.Regime) -> list[ir.Statement]:
            last = [item for item in regime.on_event if item.port == port][-1:]
            return [done for item in last for done in self.act(item.action, scope, in_regime=True)]

        if any(item.port == port for regime in self.dynamics.regimes for item in regime.on_event):
            body += self._by_regime(in_regime)
        return body

    def _add_weighted(self, action: m.Action, scope: Scope) -> list[ir.Statement]:
        """What an event adds, times its weight: one instance stands for several (`transforms.linear`)."""
        body: list[ir.Statement] = []
        for item in action.assignments:
            added = increment(item.variable, item.value)
            assert added is not None  # noqa: S101  only such receivers are merged
            cell = self._state(item.variable, item.location)
            change = Binary("*", ir.Weight(), self.bound(added, scope))
            body.append(ir.Store(cell, Binary("+", cell, change)))
        return body

    # ---- start ----------------------------------------------------------------------------------------

    def start(self) -> ir.Function:
        """Initialisation as in jLEMS: self without derived variables, children, self, children, self."""
        children = tuple(
            ir.Call(start_name(child), child) for child in self.block.children if self._runs(child)
        )
        for scheme in self.dynamics.kinetic_schemes:  # jLEMS starts their nodes and edges once more
            again = [block for block in self.block.children if self._is_member(block, scheme)]
            children += tuple(ir.Call(start_name(block), block) for block in again)
        without, whole = tuple(self._start_pass(derive=False)), tuple(self._start_pass(derive=True))
        body = (*without, *children, *whole, *children, *whole)
        return ir.Function(start_name(self.block), self.block, body, rare=True)

    def _is_member(self, block: Block, scheme: m.KineticScheme) -> bool:
        return block.listed and block.name in (scheme.nodes, scheme.edges)

    def _runs(self, block: Block) -> bool:
        code = self.low.code[block.number]
        acts = code.dynamics != m.Dynamics() or code.variables.requirements
        return bool(acts or any(self._runs(child) for child in block.children))

    def _start_pass(self, *, derive: bool) -> list[ir.Statement]:
        body: list[ir.Statement] = []
        scope = Scope()
        if not self.memory.has(self.block, CLOCK):
            scope.known[CLOCK] = Number(0.0)
        self._require(body, scope)
        if derive:
            self._derive(body, scope)
        repeats = 2 if self.block.shape.consolidated else 1
        for _ in range(repeats):
            for action in self.dynamics.on_start:
                body += self.act(action, scope)
        body += self._by_regime(
            lambda regime: [s for action in regime.on_entry for s in self.act(action, scope, in_regime=True)]
        )
        self._expose(body)
        return body

    def _reduced(self, item: m.DerivedVariable, body: list[ir.Statement]) -> ir.Value:
        return self._total(self.selected(item), body)

    def _total(self, leaves: Simple | Many | Ranges, body: list[ir.Statement]) -> ir.Value:
        if isinstance(leaves, Simple):
            return leaves.value
        op, start = ("*", 1.0) if leaves.multiply else ("+", 0.0)
        if isinstance(leaves, Ranges):
            total: ir.Value = Number(start)
            for part in leaves.ranges:
                temp = self.low.temp()
                body.append(ir.Reduce(temp, op, total, self.block, part.first, part.last, part.through))
                total = temp
            return total
        value: ir.Value = Number(start)
        for leaf in leaves.values:
            value = Binary(op, value, leaf)
        return value


def _first_component(refs: Refs) -> ResolvedComponent:
    return refs.blocks[0].component_of(int(refs.index[0]))


def _node(ids: Sequence[str | None], edge: ResolvedComponent, scheme: m.KineticScheme, end: str) -> int:
    wanted = edge.text(end)
    if wanted not in ids:
        known = [one for one in ids if one]
        raise edge.fail(
            f"{end}='{wanted}' is no state of kinetic scheme '{scheme.name}'", nearest(wanted or "", known)
        )
    return ids.index(wanted)


def _names_in(done: Sequence[m.Action]) -> list[str]:
    return [name for action in done for item in action.assignments for name in names(parse(item.value))]
