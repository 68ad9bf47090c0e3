"""Instance tree to `tvbo_lite.compiler.ir.Program`, in jLEMS's order of execution.

One step of an instance: children first; then its time, requirements, derived variables (paths, then
expressions, then conditional ones, each in declaration order), rates with the old states, the Euler
update, the conditions, the exposures, and last its active regime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.blocks import Block, Forest, group
from tvbo_lite.compiler.memory import EXPOSURE, REGIME, Memory
from tvbo_lite.compiler.selection import is_regular, select_targets
from tvbo_lite.compiler.variables import CLOCK, Derived, Variables
from tvbo_lite.errors import ExpressionError, Location, ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Binary, Expr, Name, Number, Select, is_boolean, names, rebuild
from tvbo_lite.lems import model as m
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.instances import Instance

DEFAULT_SEED = 1234  # jLEMS's, where the simulation gives none
UNROLL = 8  # a longer list is reduced in a loop


def lower(
    root: Instance,
    constants: Mapping[str, float],
    plan: SimulationPlan,
) -> ir.Program:
    """The program of an instance tree.

    ``constants`` are the model's global ones (SI); ``plan`` tells the step and what is recorded.
    Raises `ModelError` or `ExpressionError` with the place in the user's file.
    """
    return _Lowering(group(root), constants, plan).program()


class _Lowering:
    def __init__(self, forest: Forest, constants: Mapping[str, float], plan: SimulationPlan) -> None:
        self.forest = forest
        self.plan = plan
        self.memory = Memory(forest)
        self.constants = {name: Number(value) for name, value in constants.items()}
        self.dt = plan.step
        self.temps = 0
        self.ports: dict[tuple[int, str], int] = {}
        self.port_list: list[ir.Port] = []
        self.code = {block.number: _BlockCode(self, block) for block in forest.blocks}

    def program(self) -> ir.Program:
        records = self._records(self.plan.quantities())
        for block in self.forest.blocks:
            self.code[block.number].declare()
        handlers = [handler for block in self.forest.blocks for handler in self.code[block.number].handlers()]
        self._connect({handler.name for handler in handlers})
        starts = [self.code[block.number].start() for block in self.forest.blocks]
        root = self.forest.root
        step = ir.Function("step", root, self.code[root.number].step())
        events = self._record_events()
        return ir.Program(
            dt=self.dt,
            memory=self.memory.values,
            cells=self.memory.cells,
            tables=self.memory.tables,
            functions=[*handlers, *starts],
            ports=self.port_list,
            step=step,
            initialise=starts[-1],
            records=records,
            checked=tuple(self.memory.checked.values()),
            events=events,
            seed=DEFAULT_SEED if self.plan.seed is None else self.plan.seed,
        )

    # ---- shared by all blocks -----------------------------------------------------------------

    def temp(self) -> ir.Temp:
        self.temps += 1
        return ir.Temp(self.temps)

    def port(self, block: Block, name: str) -> int:
        """The number of a port; its targets are filled in when all handlers are known."""
        key = (block.number, name)
        if key not in self.ports:
            self.ports[key] = len(self.port_list)
            empty: list[list[ir.Target]] = [[] for _ in block.instances]
            self.port_list.append(ir.Port(block, name, empty, [[] for _ in block.instances]))
        return self.ports[key]

    def _connect(self, handlers: set[str]) -> None:
        for block in self.forest.blocks:
            for k, instance in enumerate(block.instances):
                for name, connections in instance.connections.items():
                    targets = self.port_list[self.port(block, name)].targets[k]
                    for connection in connections:
                        target, index = self.forest.of(connection.target)
                        handler = handler_name(target, connection.port or "")
                        if handler in handlers:
                            targets.append(ir.Target(handler, index, max(connection.delay, 0.0)))

    def _record_events(self) -> tuple[tuple[str, str], ...]:
        events: list[tuple[str, str]] = []
        root = self.forest.root.instances[0]
        for file in self.plan.event_files:
            for selection in file.selections:
                instance = root.descend(_below(root, selection.select))
                ports = [
                    port.name
                    for port in instance.component.type.event_ports.values()
                    if port.direction == "out"
                ]
                if selection.port not in ports:
                    what = f"event file '{file.id}': {instance.path()} has no out port '{selection.port}'"
                    raise ModelError(Problem(what, Location(), None, nearest(selection.port, ports)))
                block, k = self.forest.of(instance)
                self.port_list[self.port(block, selection.port)].recorders[k].append(len(events))
                events.append((file.id, selection.id))
        return tuple(events)

    def _records(self, quantities: Sequence[str]) -> tuple[int, ...]:
        root = self.forest.root.instances[0]
        places = []
        for quantity in quantities:
            path, _, name = quantity.rpartition("/")
            instance = root.descend(_below(root, path))
            fail = _recording_failure(instance, quantity)
            place = self.memory.places([instance], name, fail)[0]
            places.append(place if isinstance(place, int) else self.memory.constant(place))
        return tuple(places)


def _below(root: Instance, path: str) -> str:
    """Output paths may begin with the target's own id (``net1/pop[0]/v``)."""
    head, _, rest = path.partition("/")
    return rest if head == root.id and root.child(head) is None else path


def _recording_failure(instance: Instance, quantity: str) -> Callable[[str], ModelError]:
    known = [
        *instance.component.type.exposures,
        *(s.name for s in instance.component.type.dynamics.state_variables),
    ]

    def fail(message: str) -> ModelError:
        hint = nearest(quantity.rpartition("/")[2], known)
        return ModelError(Problem(f"cannot record '{quantity}': {message}", Location(), None, hint))

    return fail


def handler_name(block: Block, port: str) -> str:
    return f"on.{block.number}.{port}"


@dataclass(slots=True)
class _Scope:
    """What each name means at one point of a function: temporaries stand for what is already computed."""

    known: dict[str, ir.Value] = field(default_factory=dict)


class _BlockCode:
    """The code of one block's instances."""

    def __init__(self, lowering: _Lowering, block: Block) -> None:
        self.low = lowering
        self.memory = lowering.memory
        self.block = block
        self.dynamics = block.kind.dynamics
        self.variables: Variables = lowering.memory.variables(block)

    # ---- which variables need memory ----------------------------------------------------------

    def declare(self) -> None:
        """Gives memory to what must outlive a step's code: others, events or later steps read it."""
        for name in self._kept():
            if self.variables.knows(name) and not self._is_fixed(name):
                self.memory.own(self.block, name)
        for name in self.variables.requirements:
            self.memory.from_parent(self.block, name)
        for item in self.variables.derived:
            if isinstance(item, m.DerivedVariable) and item.select is not None:
                self._selected(item)
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

    def _is_fixed(self, name: str) -> bool:
        return name in self.low.constants or name in self.block.instances[0].component.parameters

    # ---- expressions ----------------------------------------------------------------------------

    def value(self, text: str, scope: _Scope, location: Location) -> ir.Value:
        """A LEMS expression or condition with its names replaced by what they mean here."""
        try:
            return self._bind(parse(text), scope)
        except ExpressionError as error:
            placed = [
                p if p.location.file else Problem(p.message, location, p.expected, p.hint)
                for p in error.problems
            ]
            raise ExpressionError(placed) from None

    def _bind(self, expr: Expr, scope: _Scope) -> Expr:
        if isinstance(expr, Name):
            return self.name(expr.name, scope)
        return rebuild(expr, partial(self._bind, scope=scope))

    def name(self, name: str, scope: _Scope) -> ir.Value:
        if name in self.low.constants:
            return self.low.constants[name]
        if name in self.block.instances[0].component.parameters:
            return self.memory.parameter(self.block, name)
        if name in scope.known:
            return scope.known[name]
        if self.variables.knows(name):
            return self.memory.own(self.block, name)
        known = [*self.variables.stateful, *self.variables.derived_names(), *self.variables.requirements]
        known += [*self.block.instances[0].component.parameters, CLOCK]
        raise ExpressionError(
            Problem(
                f"'{name}' is not declared in component type '{self.block.kind.name}'",
                hint=nearest(name, known),
            )
        )

    def condition(self, text: str, scope: _Scope, location: Location) -> ir.Value:
        value = self.value(text, scope, location)
        if not is_boolean(value):
            raise ExpressionError(
                Problem(f"'{text}' is not a condition", location, "a comparison, such as 'v .gt. 0'")
            )
        return value

    def number(self, text: str, scope: _Scope, location: Location) -> ir.Value:
        value = self.value(text, scope, location)
        if is_boolean(value):
            raise ExpressionError(
                Problem(f"'{text}' is a condition", location, "an expression with a number as value")
            )
        return value

    # ---- one step ---------------------------------------------------------------------------------

    def step(self) -> tuple[ir.Statement, ...]:
        """The code that advances the children, then the instance itself."""
        body: list[ir.Statement] = []
        for child in self.block.children:
            inner = self.low.code[child.number].step()
            if inner:
                body.append(ir.Each(child, inner))
        body += [self._kinetics(scheme) for scheme in self.dynamics.kinetic_schemes]
        scope = _Scope({CLOCK: ir.Load(self.block, ir.TIME, 0)})
        if self.memory.has(self.block, CLOCK):
            body.append(ir.Store(self.memory.own(self.block, CLOCK), scope.known[CLOCK]))
        self._derive(body, scope)
        self._integrate(body, scope)
        for item in self.dynamics.on_condition:
            test = self.condition(item.test, scope, item.location)
            body.append(ir.If(test, tuple(self.act(item.action, scope))))
        self._expose(body)
        body += self._regimes(scope)
        return tuple(body)

    def _derive(self, body: list[ir.Statement], scope: _Scope) -> None:
        for name in self.variables.requirements:
            self._define(body, scope, name, self.memory.from_parent(self.block, name))
        for item in self.variables.derived:
            self._define(body, scope, item.name, self._derived(item, scope, body))

    def _define(self, body: list[ir.Statement], scope: _Scope, name: str, value: ir.Value) -> None:
        temp = self.low.temp()
        body.append(ir.Let(temp, value))
        stateful = name in self.variables.stateful
        if stateful or self.memory.has(self.block, name):
            body.append(ir.Store(self.memory.own(self.block, name), temp))
        if not stateful:
            scope.known[name] = temp

    def _derived(self, item: Derived, scope: _Scope, body: list[ir.Statement]) -> ir.Value:
        if isinstance(item, m.ConditionalDerivedVariable):
            return Select(tuple(self._case(case, scope) for case in item.cases))
        if item.value is not None:
            return self.number(item.value, scope, item.location)
        return self._reduced(item, body)

    def _case(self, case: m.Case, scope: _Scope) -> tuple[Expr | None, Expr]:
        test = None if case.condition is None else self.condition(case.condition, scope, case.location)
        return test, self.number(case.value, scope, case.location)

    def _integrate(self, body: list[ir.Statement], scope: _Scope) -> None:
        rates = []
        for item in self.dynamics.derivatives:
            temp = self.low.temp()
            body.append(ir.Let(temp, self.number(item.value, scope, item.location)))
            rates.append((item, temp))
        for item, rate in rates:
            body.append(self._euler(item, rate))

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
        """One step of a scheme: occupancies of its nodes from the rates that its edges expose."""
        lists = [
            (one.lists.get(scheme.nodes, []), one.lists.get(scheme.edges, [])) for one in self.block.instances
        ]
        first_nodes, first_edges = lists[0]
        if not first_nodes:
            raise self.block.instances[0].component.fail(
                f"kinetic scheme '{scheme.name}' has no '{scheme.nodes}'"
            )
        columns = [[pair[0][i] for pair in lists] for i in range(len(first_nodes))]
        nodes = [
            self.memory.spread(self.block, self.memory.own_places(one, scheme.state_variable))
            for one in columns
        ]
        ids = [node.id for node in first_nodes]
        edges = []
        for i, edge in enumerate(first_edges):
            source, target = (
                _node(ids, edge, scheme, end) for end in (scheme.edge_source, scheme.edge_target)
            )
            rates = [
                self._each([pair[1][i] for pair in lists], rate)
                for rate in (scheme.forward_rate, scheme.reverse_rate)
            ]
            edges.append(ir.Edge(source, target, *rates))
        used = 1 + max((max(edge.source, edge.target) for edge in edges), default=-1)
        return ir.Kinetics(tuple(nodes[:used]), tuple(edges))

    def _each(self, targets: Sequence[Instance], name: str) -> ir.Value:
        fail = self.block.instances[0].component.fail
        return self.memory.reach(self.block, self.memory.places(targets, name, fail))

    # ---- actions --------------------------------------------------------------------------------------

    def act(self, action: m.Action, scope: _Scope, *, in_regime: bool = False) -> list[ir.Statement]:
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

    def _enter(self, name: str, scope: _Scope, location: Location) -> list[ir.Statement]:
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

    def _regimes(self, scope: _Scope) -> list[ir.Statement]:
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

    def _regime_step(self, regime: m.Regime, outer: _Scope) -> list[ir.Statement]:
        scope = _Scope(dict(outer.known))
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
                made.append(ir.Function(handler_name(self.block, port), self.block, tuple(body)))
        return made

    def _in_ports(self) -> list[str]:
        ports = [item.port for item in self.dynamics.on_event]
        ports += [item.port for regime in self.dynamics.regimes for item in regime.on_event]
        return list(dict.fromkeys(ports))

    def _handle(self, port: str) -> list[ir.Statement]:
        scope = _Scope()
        body: list[ir.Statement] = []
        own = [item for item in self.dynamics.on_event if item.port == port]
        if own and not self.dynamics.regimes:  # jLEMS leaves events to the regimes where there are any
            body += self.act(own[-1].action, scope)  # a second OnEvent for a port replaces the first

        def in_regime(regime: m.Regime) -> list[ir.Statement]:
            last = [item for item in regime.on_event if item.port == port][-1:]
            return [done for item in last for done in self.act(item.action, scope, in_regime=True)]

        if any(item.port == port for regime in self.dynamics.regimes for item in regime.on_event):
            body += self._by_regime(in_regime)
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
        first = self.block.instances[0]
        members = [*first.lists.get(scheme.nodes, []), *first.lists.get(scheme.edges, [])]
        return any(member is block.instances[0] for member in members)

    def _runs(self, block: Block) -> bool:
        code = self.low.code[block.number]
        return bool(code.dynamics != m.Dynamics() or any(self._runs(child) for child in block.children))

    def _start_pass(self, *, derive: bool) -> list[ir.Statement]:
        body: list[ir.Statement] = []
        scope = _Scope()
        if not self.memory.has(self.block, CLOCK):
            scope.known[CLOCK] = Number(0.0)
        if derive:
            self._derive(body, scope)
        else:
            for name in self.variables.requirements:
                self._define(body, scope, name, self.memory.from_parent(self.block, name))
        repeats = 2 if self.block.instances[0].consolidated else 1
        for _ in range(repeats):
            for action in self.dynamics.on_start:
                body += self.act(action, scope)
        body += self._by_regime(
            lambda regime: [s for action in regime.on_entry for s in self.act(action, scope, in_regime=True)]
        )
        self._expose(body)
        return body

    # ---- paths to other instances -------------------------------------------------------------------------

    def _reduced(self, item: m.DerivedVariable, body: list[ir.Statement]) -> ir.Value:
        leaves = self._selected(item)
        if isinstance(leaves, _Simple):
            return leaves.value
        op, start = ("*", 1.0) if leaves.multiply else ("+", 0.0)
        if leaves.run is not None:
            temp = self.low.temp()
            offset, stride = leaves.run
            body.append(ir.Reduce(temp, op, start, self.block, offset, stride, len(leaves.values)))
            return temp
        value: ir.Value = Number(start)
        for leaf in leaves.values:
            value = Binary(op, value, leaf)
        return value

    def _selected(self, item: m.DerivedVariable) -> _Simple | _Many:
        """What a path reads, as code of this block. Places are found for each instance, then generalised."""
        assert item.select is not None  # noqa: S101  the callers have checked
        path, _, name = item.select.rpartition("/")
        instances = self.block.instances
        if is_regular(instances[0], path):
            instances = instances[:2]  # by their shape, the others' targets lie at the same distances
        found = [select_targets(instance, path, item) for instance in instances]
        fail = self.block.instances[0].component.fail
        columns = [self.memory.places(targets.instances, name, fail) for targets in found]
        rows = [list(row) for row in zip(*columns, strict=True)]
        if found[0].simple:
            return _Simple(self.memory.reach(self.block, rows[0]))
        values = [self.memory.reach(self.block, row) for row in rows]
        return _Many(values, found[0].multiply, _run(values) if len(values) > UNROLL else None)


@dataclass(frozen=True, slots=True)
class _Simple:
    value: ir.Value


@dataclass(frozen=True, slots=True)
class _Many:
    values: Sequence[ir.Value]
    multiply: bool
    run: tuple[int, int] | None  # offset and stride, where the values stand one after the other


def _node(ids: Sequence[str | None], edge: Instance, scheme: m.KineticScheme, end: str) -> int:
    wanted = edge.component.text(end)
    if wanted not in ids:
        known = [one for one in ids if one]
        raise edge.component.fail(
            f"{end}='{wanted}' is no state of kinetic scheme '{scheme.name}'", nearest(wanted or "", known)
        )
    return ids.index(wanted)


def _run(values: Sequence[ir.Value]) -> tuple[int, int] | None:
    first = values[0]
    if not isinstance(first, ir.Load):
        return None
    for j, value in enumerate(values):
        if not isinstance(value, ir.Load) or (value.offset, value.stride) != (first.offset + j, first.stride):
            return None
    return first.offset, first.stride


def start_name(block: Block) -> str:
    return f"start.{block.number}"


def _names_in(done: Sequence[m.Action]) -> list[str]:
    return [name for action in done for item in action.assignments for name in names(parse(item.value))]
