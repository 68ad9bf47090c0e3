"""The code of a block's instances for methods that look at several points of time in one step.

A step is split: ``rates`` works out derived variables and rates of all instances for the states and the
time as they stand; the method then moves the states; ``conditions`` are looked at afterwards. Unlike in
jLEMS's own step, nothing is read that belongs to another moment (`tvbo_lite.compiler.schedule`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.block_code import BlockCode, Lowering
from tvbo_lite.compiler.memory import REGIME, Seen, scheme_variables
from tvbo_lite.compiler.reading import Many, Ranges, Scope, Simple
from tvbo_lite.compiler.schedule import Schedule, Uses, climbed
from tvbo_lite.compiler.selection import Targets, select_targets
from tvbo_lite.compiler.switches import (
    Clocked,
    clocked_assignments,
    comparisons,
    draws,
    expressions,
    foreseen,
)
from tvbo_lite.errors import Location, ModelError, Problem, UnsupportedError
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Binary, Call, Expr, Number, Select, names
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.blocks import Block
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.variables import CLOCK, Derived, texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.compiler.past import Past
    from tvbo_lite.compiler.samples import Table
    from tvbo_lite.lems.beyond import Delay, Noise

REGIMES = "the equations of the active regime"
RATE = "rate of "
STRENGTH = "noise on "


class StagedLowering(Lowering, Protocol):
    """What the blocks of a program for such a method share."""

    schedule: Schedule
    flag: ir.Load  # becomes 1 where an action changes something
    changes: ir.Load  # how many tests changed
    active: ir.Load  # how many conditions hold
    root: Block
    past: Past

    def noise_on(self, block: Block, variable: str) -> Noise | None: ...

    def table_of(self, block: Block, variable: str) -> Table | None: ...

    def delay_on(self, block: Block, variable: str) -> Delay | None: ...


class StagedCode(BlockCode):
    """The code of one block's instances."""

    def __init__(self, lowering: StagedLowering, block: Block) -> None:
        super().__init__(lowering, block)
        self.staged = lowering
        self._selected: dict[str, Simple | Many | Ranges] = {}

    # ---- what the instances consist of ------------------------------------------------------------

    @cached_property
    def regime_rates(self) -> tuple[str, ...]:
        """The states that regimes move."""
        regimes = self.dynamics.regimes
        return tuple(dict.fromkeys(item.variable for regime in regimes for item in regime.derivatives))

    @cached_property
    def regime_derived(self) -> frozenset[str]:
        return frozenset(item.name for regime in self.dynamics.regimes for item in regime.derived)

    def integrated(self) -> tuple[str, ...]:
        """The states that have a rate."""
        own = [item.variable for item in self.dynamics.derivatives]
        return tuple(dict.fromkeys([*own, *self.regime_rates, *scheme_variables(self.block)]))

    @cached_property
    def fixed(self) -> frozenset[str]:
        """Names that no run changes: constants, parameters, and what was assigned once and for all."""
        changed = {item.variable for action in self.dynamics.actions() for item in action.assignments}
        changed |= {*self.integrated(), *self.variables.derived_names(), *self.variables.requirements}
        held = {name for name in self.block.values if self.staged.noise_on(self.block, name) is None}
        return frozenset({*self.constants, *self.block.component.parameters, *(held - changed)})

    @cached_property
    def clocked(self) -> dict[str, list[Clocked]]:
        return clocked_assignments(self.dynamics, self.fixed, frozenset(self.integrated()))

    @cached_property
    def conditions_left(self) -> tuple[m.OnCondition, ...]:
        """The conditions whose actions are events in time."""
        equations = {id(one.condition) for items in self.clocked.values() for one in items}
        kept = []
        for item in self.dynamics.on_condition:
            free = [one for one in item.action.assignments if one.variable not in self.clocked]
            if id(item) not in equations or free:
                kept.append(item)
        return tuple(kept)

    @cached_property
    def tests(self) -> tuple[tuple[Expr, int | None, bool], ...]:
        """What is watched: a test, the regime in which it counts, whether an action depends on it."""
        found: list[tuple[Expr, int | None, bool]] = []
        found += [(parse(item.test), None, True) for item in self.conditions_left]
        for number, regime in enumerate(self.dynamics.regimes):
            found += [(parse(item.test), number, True) for item in regime.on_condition]
        switches = dict.fromkeys(one for text in self._texts() for one in comparisons(parse(text)))
        found += [(one, None, False) for one in switches if foreseen(one, self.fixed) is None]
        return tuple(found)

    def foreseen_times(self) -> Iterator[Expr]:
        """When comparisons with the time change, as expressions of fixed names."""
        tests = [parse(item.test) for item in self.dynamics.on_condition]
        tests += [parse(one.test) for regime in self.dynamics.regimes for one in regime.on_condition]
        for expr in (*tests, *(parse(text) for text in self._texts())):
            for one in comparisons(expr):
                when = foreseen(one, self.fixed)
                if when is not None:
                    yield when

    def _texts(self) -> Iterator[str]:
        yield from (text for text, _ in expressions(self.dynamics, self.variables.derived))

    def problems(self) -> Iterator[Problem]:
        """What such a method cannot do."""
        for text, location in expressions(self.dynamics, self.variables.derived):
            if draws(parse(text)):
                what = f"'{text}' draws a random number each time it is worked out, several times a step"
                hint = "use the method 'euler', or draw the number in an action"
                yield Problem(what, location, "a value that the states and the time determine", hint)

    # ---- what the schedule asks ---------------------------------------------------------------------

    def nodes(self) -> Iterator[str]:
        yield from (item.name for item in self.variables.derived)
        yield from self.clocked
        yield from (name for name in self.variables.requirements if self.memory.has(self.block, name))
        if self.regime_rates or self.regime_derived:
            yield REGIMES

    def last_pass(self) -> int:
        """The number of the last pass in which a rate is worked out."""
        uses = [uses for _, uses in self._rates().values()]
        uses += map(self._scheme_uses, self.dynamics.kinetic_schemes)
        return max((self.staged.schedule.least(self.block, one) for one in uses), default=0)

    def node(self, name: str) -> str | None:
        if name in self.regime_derived:
            return REGIMES
        derived = name in self.variables.derived_names() or name in self.clocked
        return name if derived or self.is_requirement(name) else None

    def place_of(self, name: str) -> Location:
        places = {item.name: item.location for item in self.variables.derived}
        return places.get(name, self.dynamics.location)

    def uses(self, name: str) -> Uses:
        if name == REGIMES:
            return self._read(self._regime_texts(), self.regime_derived)
        if name in self.clocked:
            return Uses()
        if self.is_requirement(name):
            return Uses((name,))
        item = self._item(name)
        late = self.staged.delay_on(self.block, name)
        if late is not None or self.staged.table_of(self.block, name) is not None:
            return Uses()
        if isinstance(item, m.DerivedVariable) and item.select is not None:
            path, _, end = item.select.rpartition("/")
            return Uses(paths=((select_targets(self.block, path, item), end),))
        return self._read(texts(item))

    def _read(self, expressions: Iterator[str], without: frozenset[str] = frozenset()) -> Uses:
        read = dict.fromkeys(name for text in expressions for name in names(parse(text)))
        return Uses(tuple(name for name in read if name not in without and not self.is_fixed(name)))

    def _item(self, name: str) -> Derived:
        return next(item for item in self.variables.derived if item.name == name)

    def _regime_texts(self) -> Iterator[str]:
        for regime in self.dynamics.regimes:
            yield from (item.value for item in regime.derived if item.value is not None)
            yield from (item.value for item in regime.derivatives)
        yield from (one.value for one in self.dynamics.derivatives if one.variable in self.regime_rates)

    # ---- names ------------------------------------------------------------------------------------------

    def name(self, name: str, scope: Scope) -> ir.Value:
        if name in scope.known or self.is_fixed(name):
            return super().name(name, scope)
        if name == CLOCK:
            return ir.Load(self.block, ir.TIME, 0)
        return self.required(name) if self.is_requirement(name) else super().name(name, scope)

    def required(self, name: str) -> Number | ir.Load:
        """What a requirement reads, straight from where it is kept."""
        seen = climbed(self.memory, self.staged.schedule.code, self.block, name)
        if seen is None:
            raise self.block.component.fail(
                f"requires '{name}', but none of the instances around it has that"
            )
        return self._seen(seen)

    def _seen(self, seen: Seen) -> Number | ir.Load:
        if seen.is_parameter:
            return self.memory.parameter(seen.block, seen.name)
        if not seen.name:
            return Number(0.0)
        if seen.name == CLOCK:
            return ir.Load(self.block, ir.TIME, 0)
        return self.memory.watched(seen.block, seen.name)

    def selected(self, item: m.DerivedVariable) -> Simple | Many | Ranges:
        if item.name not in self._selected:
            self._selected[item.name] = super().selected(item)
        return self._selected[item.name]

    # ---- which variables need memory -----------------------------------------------------------------

    def declare(self) -> None:
        for name in {*self._outlive()}:
            known = self.variables.knows(name) and name != CLOCK and not self.is_requirement(name)
            if known and not self.is_fixed(name):
                self.memory.own(self.block, name)
        for name in self.variables.requirements:
            self.required(name)
        for item in self.variables.derived:
            if isinstance(item, m.DerivedVariable) and item.select is not None:
                self.selected(item)
                delay = self.staged.delay_on(self.block, item.name)
                if delay is not None:
                    self.staged.past.declare(self.block, item, delay, self._lags(delay))
        for scheme in self.dynamics.kinetic_schemes:
            self._kinetics(scheme)

    def _lags(self, delay: Delay) -> NDArray[np.float64]:
        """How late each instance reads (s). Raises `ModelError` where that is no time."""
        block = self.block
        known = block.parameter(delay.time) if delay.time in block.component.parameters else None
        found = block.values[delay.time] if known is None else np.full(block.size, known)
        bad = np.flatnonzero(~(found >= 0.0) | np.isinf(found))
        if len(bad):
            k = int(bad[0])
            what = f"{Instance(block, k).path()}: '{delay.variable}' is read {found[k]:g} s late"
            raise ModelError(Problem(what, delay.location, "0 s or more"))
        return found

    def _outlive(self) -> Iterator[str]:
        """Names that code outside ``rates`` reads."""
        yield from (name for test, _, _ in self.tests for name in names(test))
        for action in self.dynamics.actions():
            yield from (name for item in action.assignments for name in names(parse(item.value)))
        for name in self.held():
            noise = self.staged.noise_on(self.block, name)
            yield from names(parse(noise.amplitude)) if noise is not None else ()

    def settle(self) -> None:
        """Memory for derived variables that a later pass reads, known when the schedule is."""
        for name, read_in in self._reads():
            at = self._pass(name)
            if at is not None and at != read_in:
                self.memory.own(self.block, name)

    def _reads(self) -> Iterator[tuple[str, int]]:
        """The names that the block's own code reads, and in which pass."""
        for node in self.staged.schedule.order[self.block.number]:
            at = self._pass(node)
            if at is not None:
                yield from ((name, at) for name in self.uses(node).names)
        for _, uses in self._rates().values():
            at = self.staged.schedule.least(self.block, uses)
            yield from ((name, at) for name in uses.names)

    def _pass(self, name: str) -> int | None:
        passes = {n.name: p for n, p in self.staged.schedule.passes.items() if n.block is self.block}
        return passes.get(name)

    # ---- derived variables and rates ------------------------------------------------------------------

    def _rates(self) -> dict[str, tuple[tuple[m.TimeDerivative | Noise, ...], Uses]]:
        """What is stored beside each state: its rate, and the strength of the noise on it."""
        made: dict[str, tuple[tuple[m.TimeDerivative | Noise, ...], Uses]] = {}
        for item in self.dynamics.derivatives:
            if item.variable not in self.regime_rates:
                made[RATE + item.variable] = ((item,), self._read(iter((item.value,))))
        for name in self.integrated():
            noise = self.staged.noise_on(self.block, name)
            if noise is not None:
                made[STRENGTH + name] = ((noise,), self._read(iter((noise.amplitude,))))
        return made

    def rates(self, number: int) -> tuple[ir.Statement, ...]:
        """The code of one pass: the children's, then the block's own."""
        body: list[ir.Statement] = []
        for child in self.block.children:
            inner = self.staged.schedule.code[child.number].rates(number)  # type: ignore[attr-defined]
            if inner:
                body.append(ir.Each(child, inner))
        scope = Scope()
        if number == 0 and self.memory.has(self.block, CLOCK):
            body.append(ir.Store(self.memory.own(self.block, CLOCK), ir.Load(self.block, ir.TIME, 0)))
        for node in self.staged.schedule.order[self.block.number]:
            if self._pass(node) == number:
                self._work_out(node, body, scope)
        for cell, (items, uses) in self._rates().items():
            if self.staged.schedule.least(self.block, uses) == number:
                self._rate(cell, items[0], body, scope)
        for scheme in self.dynamics.kinetic_schemes:
            if self.staged.schedule.least(self.block, self._scheme_uses(scheme)) == number:
                self._flows(scheme, body)
        return tuple(body)

    def _work_out(self, node: str, body: list[ir.Statement], scope: Scope) -> None:
        if node == REGIMES:
            body += self._by_regime(lambda regime: self._regime_rates(regime, scope))
        elif node in self.clocked:
            for one in self.clocked[node]:
                test = self.condition(one.condition.test, scope, one.condition.location)
                value = self.number(one.assignment.value, scope, one.assignment.location)
                cell = self._state(node, one.assignment.location)
                body.append(ir.If(test, (ir.Store(cell, value),)))
        elif self.is_requirement(node):
            if self.memory.has(self.block, node):
                body.append(ir.Store(self.memory.own(self.block, node), self.required(node)))
        elif self.staged.delay_on(self.block, node) is not None:
            self._define(body, scope, node, self.staged.past.read(body, self.block, node))
        else:
            self._define(body, scope, node, self._derived(self._item(node), scope, body))

    def _derived(self, item: Derived, scope: Scope, body: list[ir.Statement]) -> ir.Value:
        table = self.staged.table_of(self.block, item.name)
        if table is None:
            return super()._derived(item, scope, body)
        temp = self.low.temp()
        body.append(table.read(temp, self.block, self.name(CLOCK, scope)))
        return temp

    def _rate(
        self, cell: str, item: m.TimeDerivative | Noise, body: list[ir.Statement], scope: Scope
    ) -> None:
        text = item.value if isinstance(item, m.TimeDerivative) else item.amplitude
        if isinstance(item, m.TimeDerivative):
            self._state(item.variable, item.location)
        value = self.number(text, scope, item.location)
        body.append(ir.Store(self.memory.own(self.block, cell), value))

    def _regime_rates(self, regime: m.Regime, outer: Scope) -> list[ir.Statement]:
        scope = Scope({n: v for n, v in outer.known.items() if n not in self.regime_derived})
        body: list[ir.Statement] = []
        for derived in regime.derived:
            if derived.value is None:
                what = f"derived variable '{derived.name}' of a regime needs a 'value' (a path has no effect)"
                raise UnsupportedError(Problem(what, derived.location))
            value = self.number(derived.value, scope, derived.location)
            body.append(ir.Store(self.memory.own(self.block, derived.name), value))
        moved: Mapping[str, list[m.TimeDerivative]] = {name: [] for name in self.regime_rates}
        for item in (*self.dynamics.derivatives, *regime.derivatives):
            if item.variable in moved:
                moved[item.variable].append(item)
        for name, items in moved.items():
            total: ir.Value = Number(0.0)
            for item in items:
                value = self.number(item.value, scope, item.location)
                total = value if total == Number(0.0) else Binary("+", total, value)
            body.append(ir.Store(self.memory.own(self.block, RATE + name), total))
        return body

    # ---- kinetic schemes ------------------------------------------------------------------------------

    def _scheme_uses(self, scheme: m.KineticScheme) -> Uses:
        starts = np.arange(self.block.size + 1)
        edges = [Targets(edge, starts, simple=True) for edge in self._scheme_members(scheme.edges)]
        rates = (scheme.forward_rate, scheme.reverse_rate)
        return Uses(paths=tuple((edge, rate) for edge in edges for rate in rates))

    def _flows(self, scheme: m.KineticScheme, body: list[ir.Statement]) -> None:
        """The occupancies' rates: what flows along the edges."""
        kinetics = self._kinetics(scheme)
        totals: list[ir.Value] = [Number(0.0)] * len(kinetics.nodes)
        for edge in kinetics.edges:
            out = Binary("*", edge.forward, kinetics.nodes[edge.source])
            flow = self._let(body, Binary("-", out, Binary("*", edge.reverse, kinetics.nodes[edge.target])))
            totals[edge.source] = Binary("-", totals[edge.source], flow)
            totals[edge.target] = Binary("+", totals[edge.target], flow)
        nodes = self._scheme_members(scheme.nodes)
        for node, total in zip(nodes, totals, strict=False):
            places = self.memory.own_places(node, RATE + scheme.state_variable)
            place = self.memory.spread(self.block, places)
            if not isinstance(place, ir.Load):
                raise self.block.component.fail("has kinetic schemes of different sizes side by side")
            body.append(ir.Store(place, total))

    # ---- conditions --------------------------------------------------------------------------------------

    def act(self, action: m.Action, scope: Scope, *, in_regime: bool = False) -> list[ir.Statement]:
        """As in jLEMS; the flag tells whether anything has changed."""
        body: list[ir.Statement] = []
        flag = self.staged.flag
        for item in action.assignments:
            value = self._let(body, self.number(item.value, scope, item.location))
            cell = self._state(item.variable, item.location)
            moved = Select(((Binary("neq", cell, value), Number(1.0)), (None, flag)))
            body += [ir.Store(flag, moved), ir.Store(cell, value)]
        body += [ir.Emit(self.low.port(self.block, port), self.block) for port in action.events]
        if action.events:
            body.append(ir.Store(flag, Number(1.0)))
        if action.transition is not None:
            entered = self._enter(action.transition, scope, action.location)
            body += [ir.Store(flag, Number(1.0)), *entered] if in_regime else []
        return body

    def conditions(self) -> tuple[ir.Statement, ...]:
        """All conditions and their actions: the children's, the block's own, the active regime's."""
        body = self._below("conditions")
        scope = Scope()
        for item in self.conditions_left:
            test = self.condition(item.test, scope, item.location)
            body.append(ir.If(test, tuple(self.act(item.action, scope))))
        if any(regime.on_condition for regime in self.dynamics.regimes):
            body += self._by_regime(self._regime_conditions)
        return tuple(body)

    def _regime_conditions(self, regime: m.Regime) -> list[ir.Statement]:
        scope = Scope()
        return [
            ir.If(
                self.condition(item.test, scope, item.location),
                tuple(self.act(item.action, scope, in_regime=True)),
            )
            for item in regime.on_condition
        ]

    def watch(self) -> tuple[ir.Statement, ...]:
        """Which tests hold; how many of them have changed; how many conditions hold."""
        body = self._below("watch")
        scope = Scope()
        changes, active = self.staged.changes, self.staged.active
        for number, (test, regime, acts) in enumerate(self.tests):
            holds = self.bound(test, scope)
            if regime is not None:
                there = Binary("eq", self.memory.own(self.block, REGIME), Number(float(regime)))
                holds = Binary("and", there, holds)
            truth = self._let(body, Select(((holds, Number(1.0)), (None, Number(0.0)))))
            now, kept = (self.memory.own(self.block, f"test {number} {w}") for w in ("now", "kept"))
            change = Call("abs", Binary("-", truth, kept))
            body += [ir.Store(now, truth), ir.Store(changes, Binary("+", changes, change))]
            if acts:
                body.append(ir.Store(active, Binary("+", active, truth)))
        return tuple(body)

    def held(self) -> Iterator[str]:
        """The variables that become a new random number in each step."""
        for item in self.dynamics.state_variables:
            noise = self.staged.noise_on(self.block, item.name)
            if noise is not None and noise.held:
                yield item.name

    def draw(self) -> tuple[ir.Statement, ...]:
        """The numbers just drawn, times their amplitudes."""
        body = self._below("draw")
        for name in self.held():
            noise = self.staged.noise_on(self.block, name)
            if noise is not None and parse(noise.amplitude) != Number(1.0):
                cell = self.memory.own(self.block, name)
                amplitude = self.number(noise.amplitude, Scope(), noise.location)
                body.append(ir.Store(cell, Binary("*", cell, amplitude)))
        return tuple(body)

    def _below(self, kind: str) -> list[ir.Statement]:
        body: list[ir.Statement] = []
        for child in self.block.children:
            inner = getattr(self.staged.schedule.code[child.number], kind)()
            if inner:
                body.append(ir.Each(child, inner))
        return body

    def _require(self, body: list[ir.Statement], scope: Scope) -> None:
        for name in self.variables.requirements:
            if self.is_requirement(name):
                scope.known[name] = self.required(name)
                if self.memory.has(self.block, name):
                    body.append(ir.Store(self.memory.own(self.block, name), scope.known[name]))
