"""A model as a Brian 2 script."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tvbo_lite.expr.tree import Expr
from tvbo_lite.formats._jinja import render
from tvbo_lite.formats._schemes import without_schemes
from tvbo_lite.formats._script import listed, note_beyond, opening, wrapped
from tvbo_lite.formats._spelling import number
from tvbo_lite.formats.brian2.group import Event, Runner, Turns, turns, with_relays
from tvbo_lite.formats.brian2.order import everything
from tvbo_lite.formats.brian2.words import Words, consistent
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations import System, population_equations
from tvbo_lite.transforms.equations.grow import Names
from tvbo_lite.transforms.equations.simplify import has_random
from tvbo_lite.transforms.equations.system import Across, Deed, Group, Outer, Part, Route, hosts_first

__all__ = ["write"]

NOTE = (
    "For Brian 2.9. Each population, and each kind of input or synapse attached to its cells, is a "
    "NeuronGroup with the equations of a component and of all that is in it. Everything is done in jLEMS's "
    "order, in which what is inside a cell or attached to it advances before the cell, by Euler's method: "
    "`euler_in_order` and `in_turn` say so. As a program the script writes the files that the model asks "
    "for, and draws the traces with --plot."
)
NO_UNITS = "Its quantities have no units in the equations (they are numbers in SI units)."
RANDOM = "other random numbers than those of jLEMS are drawn, from the same distribution"
PASSED_ON = "an event that sets off another one elsewhere at once is not passed on"
EXACT = "an event arrives after exactly that many steps; in LEMS rounding of the time may make it one more"
WHOLE = 1e-6  # how far a number of steps may be from a whole one
SAME_POPULATION = "both ends of a tunnel within a population are read as they are at the step's start"
RESERVED = (
    "main", "save", "found", "network", "traces", "monitor", "np", "sys", "Path", "choose", "euler_in_order",
    "in_turn", "FILES", "DURATION", "steps", "elapsed",
)  # fmt: skip


def write(model: m.Model, losses: Losses) -> str:
    """The script of a linked model. What it cannot hold is noted in ``losses``.

    Raises:
        ModelError: the model contradicts itself, or has no simulation to run.
        RenderError: an expression has no counterpart in Brian 2.
    """
    note_beyond(model, losses)
    system = population_equations(model, losses)
    without_schemes(system, losses)
    return _Script(system, losses).text()


@dataclass(slots=True)
class _Object:
    """A group's name in the script, its equations, and what it does in a step."""

    name: str
    group: Group
    words: Words
    turns: Turns
    runners: dict[int, str] = field(default_factory=dict)  # by id of the runner, its name


class _Script:
    def __init__(self, system: System, losses: Losses) -> None:
        self.system, self.losses = system, losses
        names = Names(RESERVED)
        groups = [group for group in hosts_first(system) if any(part.acts() for part in group.parts)]
        self.units = all(consistent(Words(system, group, units=True)) for group in groups)
        self.objects: dict[str, _Object] = {}
        for group in groups:
            words = Words(system, group, self.units)
            self.objects[group.name] = _Object(names.new(group.name), group, words, turns(words, losses))
        self.delayed: list[str] = []
        self.paths: dict[tuple[str, int], list[str]] = {}  # what follows an event of a group at once
        self._note_losses()

    def text(self) -> str:
        """The whole script."""
        plan = self.system.plan
        body: list[str] = []
        for item in self.objects.values():
            body += ["", f"# {item.group.title} {item.group.component}".rstrip(), *self._group(item)]
        for item in self.objects.values():
            body += self._links(item)
        for item in self.objects.values():
            for route in item.group.routes:
                for one in _by_delay(route):
                    body += self._route(item, one)
        body += self._order()
        body += self._monitors()
        note = NOTE if self.units else f"{NOTE} {NO_UNITS}"
        variables = {
            "docstring": opening(self.system, self.system.source, "brian2", note),
            "dt": number(plan.step),
            "duration": number(plan.length),
            "files": [(repr(f.path), [repr(c.quantity) for c in f.columns]) for f in plan.tables()],
            "seed": 1234 if plan.seed is None else plan.seed,
            "draws": any(has_random(e) for e in _expressions(self.system)),
            "body": body,
            "traces": list(self._traces()),
        }
        return render("brian2.py.j2", variables).rstrip() + "\n"

    def _note_losses(self) -> None:
        if any(has_random(expr) for expr in _expressions(self.system)):
            self.losses.add("random()", RANDOM)
        for item in self.objects.values():
            for leaf in item.words.linked:
                if isinstance(leaf, Across) and leaf.group == item.group.name:
                    self.losses.add(f"the tunnels of {item.group.title} '{item.name}'", SAME_POPULATION)

    # ---- groups ------------------------------------------------------------

    def _group(self, item: _Object) -> Iterator[str]:
        yield f"{item.name}_equations = '''"
        yield from (f"    {line}" for line in item.turns.equations)
        yield "'''"
        parameters = [p for p in item.group.parameters.values() if p.single]
        if parameters:
            yield f"{item.name}_parameters = {{"
            for one in parameters:
                value = item.words.quantity(one.name, number(one.values[0]))
                yield f'    "{item.words.name(one.name)}": {value},'
            yield "}"
        yield f"{item.name} = NeuronGroup("
        yield f"    {item.group.size},"
        yield f"    {item.name}_equations,"
        if item.turns.differential:
            yield "    method=euler_in_order("
            yield from (f"        {stage!r}," for stage in item.turns.stages)
            yield "    ),"
        events = list(item.turns.events())
        if events:
            yield f"    threshold={events[0].test!r},"
            if events[0].code:
                yield f"    reset={'; '.join(events[0].code)!r},"
        if events[1:]:
            others = ", ".join(f"{event.name!r}: {event.test!r}" for event in events[1:])
            yield f"    events={{{others}}},"
        if parameters:
            yield f"    namespace={item.name}_parameters,"
        yield ")"
        yield from self._start(item)
        yield from self._runners(item)

    def _start(self, item: _Object) -> Iterator[str]:
        """The values at the start, and those that copies have of their own."""
        group, words = item.group, item.words
        for name, values in group.initial.items():
            if (name in group.states or name in group.stored) and values.any():
                each = values.tolist()
                text = number(each[0]) if len(set(each)) == 1 else listed(each)
                yield from wrapped(f"{item.name}.{words.name(name)} = {words.quantity(name, text)}", 8)
        for name, parameter in group.parameters.items():
            if not parameter.single:
                yield f"{item.name}.{words.name(name)} = {words.quantity(name, listed(parameter.values))}"
        for part in group.parts:
            if part.regimes:
                at = [regime.name for regime in part.regimes].index(part.initial_regime)
                yield f"{item.name}.{words.name(part.regime_name)} = {at}  # {part.initial_regime}"

    def _runners(self, item: _Object) -> Iterator[str]:
        for event in list(item.turns.events())[1:]:
            if event.code:
                yield f"{item.name}.run_on_event({event.name!r}, {chr(10).join(event.code)!r})"
        for runner in (*item.turns.before, *item.turns.after):
            if isinstance(runner, Runner):
                name = f"{item.name}_rules{len(item.runners) + 1 if item.runners else ''}"
                item.runners[id(runner)] = name
                yield f"{name} = {item.name}.run_regularly('''"
                yield from (f"    {line}" for line in runner.code)
                yield "''')"

    def _links(self, item: _Object) -> Iterator[str]:
        for leaf, name in item.words.linked.items():
            group, variable = item.words.place(leaf)
            source = self.objects[group.name]
            index = leaf.at if isinstance(leaf, Across) else _outer_copies(item.group, leaf)
            read = source.words.name(variable)
            copies = f"np.array({_copies(index)})"
            yield from wrapped(f'{item.name}.{name} = linked_var({source.name}, "{read}", index={copies})', 8)
        for (group_name, variable, _), name in item.words.totals.items():
            source = self.objects[group_name]
            given = source.group.parameters.get(variable)
            read = f"{source.words.name(variable)}_pre"
            if given is not None and given.single:
                read = source.words.quantity(variable, number(given.values[0]))
            made = f"{name}_in_{item.name}"
            unit = source.words.unit(variable)
            yield f"{made} = Synapses({source.name}, {item.name}, '{name}_post = {read} : {unit} (summed)')"
            at = source.group.at
            yield from wrapped(f"{made}.connect(i=np.arange({len(at)}), j=np.array({_copies(at)}))", 8)

    # ---- events ------------------------------------------------------------

    def _route(self, item: _Object, route: Route) -> Iterator[str]:
        if route.target == item.group.name and route.sources == route.targets and not any(route.delays):
            return  # what it does is part of what sends it
        target = self.objects[route.target]
        code = self._handler(target, route)
        events = [event for event in item.turns.events() if route.port in event.ports]
        for number_, event in enumerate(events):
            name = (
                f"{item.name}_to_{target.name}_{number_ + 1}" if number_ else f"{item.name}_to_{target.name}"
            )
            while any(name in done for done in (*self.paths.values(), self.delayed)):
                name += "_"
            yield f"{name} = Synapses("
            yield f"    {item.name}, {target.name}," + (" 'event_weight : 1'," if route.weights else "")
            yield f"    on_pre={code!r},"
            if event.name != "spike":
                yield f"    on_event={event.name!r},"
            yield f"    namespace={target.name}_parameters," if self._has_parameters(target) else ""
            yield ")"
            sources, ends = _copies(route.sources), _copies(route.targets)
            yield from wrapped(f"{name}.connect(i=np.array({sources}), j=np.array({ends}))", 8)
            if route.weights:
                yield from wrapped(f"{name}.event_weight = {listed(route.weights)}", 8)
            yield from self._delays(name, item.group.name, id(event), route)

    def _has_parameters(self, item: _Object) -> bool:
        return any(p.single for p in item.group.parameters.values())

    def _delays(self, name: str, group: str, event: int, route: Route) -> Iterator[str]:
        """Events without delay arrive at their turn; others at the end of the step before they are due."""
        step = self.system.plan.step
        if not any(route.delays):
            self.paths.setdefault((group, event), []).append(name)
            return
        self.delayed.append(name)
        if any(delay > 0 and abs(delay / step - round(delay / step)) < WHOLE for delay in route.delays):
            self.losses.add(f"delays of '{name}' to the last step", EXACT)
        steps = [max(0, math.ceil(delay / step - 1e-6) - 1) for delay in route.delays]
        if any(steps):
            yield from wrapped(f"{name}.delay = {listed([float(n) for n in steps])} * defaultclock.dt", 8)

    def _handler(self, target: _Object, route: Route) -> str:
        """What an event does in the copy that it reaches."""
        group = target.group
        words = Words(self.system, group, self.units)
        arrays = {*group.states, *(item.name for item in group.definitions())}
        arrays |= {name for name, item in group.parameters.items() if not item.single}
        for part in group.parts:
            for deed, test in _reached(part, route.handler, words):
                deed = with_relays(group, deed)  # noqa: PLW2901  with all that it sets off
                if any(port for port in deed.ports if self._heard(group, port)):
                    self.losses.add(f"the event '{route.handler}' of {group.title} '{group.name}'", PASSED_ON)
                return "; ".join(_code(words, deed, test, arrays))
        return ""

    def _heard(self, group: Group, port: str) -> bool:
        elsewhere = (r for r in group.routes if r.target != group.name or r.sources != r.targets)
        return any(route.port == port for route in elsewhere) or any(
            (spike[2], spike[3]) == (group.name, port) for spike in self.system.spikes
        )

    # ---- order ------------------------------------------------------------

    def _order(self) -> Iterator[str]:
        yield ""
        yield "in_turn("
        for name in self.system.order:
            if name in self.objects:
                yield from (f"    {one}," for one in self._turn(self.objects[name]))
        yield from (f"    {one}.pre," for one in self.delayed)
        yield ")"

    def _turn(self, item: _Object) -> Iterator[str]:
        for part in item.group.parts:
            for name in part.attached:
                if name in self.objects:
                    yield from self._turn(self.objects[name])
        for done in item.turns.before:
            yield from self._done(item, done)
        for name in item.words.totals.values():
            yield f"{name}_in_{item.name}.summed_updaters['{name}_post']"
        if item.turns.differential:
            yield f"{item.name}.state_updater"
        for done in item.turns.after:
            yield from self._done(item, done)

    def _done(self, item: _Object, done: Event | Runner) -> Iterator[str]:
        if isinstance(done, Runner):
            yield item.runners[id(done)]
            return
        yield f"{item.name}.thresholder[{done.name!r}]"
        if done.code:
            yield f"{item.name}.resetter[{done.name!r}]"
        yield from (f"{name}.pre" for name in self.paths.get((item.group.name, id(done)), ()))

    # ---- what is recorded ------------------------------------------------------------

    def _monitors(self) -> Iterator[str]:
        yield ""
        for name, item in self.objects.items():
            records = [r for r in self.system.records if r.group == name and self._recorded(item, r.name)]
            if records:
                variables = list(dict.fromkeys(item.words.name(record.name) for record in records))
                copies = sorted({record.k for record in records})
                yield f"{item.name}_traces = StateMonitor({item.name}, {variables!r}, record={copies!r})"
        for number_, (_, _, name, port, _) in enumerate(self.system.spikes):
            events = [event for event in self.objects[name].turns.events() if port in event.ports]
            for event in events[:1]:
                own = self.objects[name].name
                yield f"events{number_} = EventMonitor({own}, {event.name!r})"

    def _recorded(self, item: _Object, name: str) -> bool:
        return bool(name) and not (name in item.group.parameters and item.group.parameters[name].single)

    def _traces(self) -> Iterator[str]:
        copies: dict[str, list[int]] = {}
        for record in self.system.records:
            if record.group in self.objects and self._recorded(self.objects[record.group], record.name):
                copies.setdefault(record.group, []).append(record.k)
        for record in self.system.records:
            item = self.objects.get(record.group)
            if record.value is not None or item is None or not self._recorded(item, record.name):
                value = record.value
                if value is None:
                    value = self.system.groups[record.group].parameters[record.name].values[0]
                yield f"{record.quantity!r}: np.full(steps + 1, {number(value)}),"
                continue
            row = sorted(set(copies[record.group])).index(record.k)
            yield f"{record.quantity!r}: {item.name}_traces.{item.words.name(record.name)}_[{row}],"
        for number_, (file, selection, name, port, k) in enumerate(self.system.spikes):
            if any(port in event.ports for event in self.objects[name].turns.events()):
                times = f"events{number_}.t_[events{number_}.i == {k}] + defaultclock.dt_"
                yield f"{file + '/' + selection!r}: {times},"


def _reached(part: Part, handler: str, words: Words) -> Iterator[tuple[Deed, str]]:
    """What a handler does, and, in a regime, the condition of being in it."""
    if handler in part.handlers:
        yield part.handlers[handler], ""
    for number_, regime in enumerate(part.regimes):
        if handler in regime.handlers:
            yield regime.handlers[handler], f"{words.name(part.regime_name)}_post == {number_}"


def _code(words: Words, deed: Deed, test: str, arrays: set[str]) -> Iterator[str]:
    for item in deed.assignments:
        text = words.text(item.value, item.name, ending=arrays)
        own = f"{words.name(item.name)}_post"
        if text.startswith(f"{own} + ") and not test:
            yield f"{own} += {text.removeprefix(own + ' + ')}"
        else:
            yield f"{own} = {f'choose({test}, {text}, {own})' if test else text}"


def _by_delay(route: Route) -> Iterator[Route]:
    """The connections without delay, and those with one."""
    for late in (False, True):
        chosen = [i for i, delay in enumerate(route.delays) if (delay > 0) == late]
        if chosen:
            sources, targets = (
                tuple(route.sources[i] for i in chosen),
                tuple(route.targets[i] for i in chosen),
            )
            delays = tuple(route.delays[i] for i in chosen)
            weights = tuple(route.weights[i] for i in chosen) if route.weights else ()
            yield replace(route, sources=sources, targets=targets, delays=delays, weights=weights)


def _copies(copies: tuple[int, ...]) -> str:
    text = listed([float(copy) for copy in copies])
    return text if text[0] in "[r" else f"[{text}]*{len(copies)}"


def _outer_copies(group: Group, leaf: Outer) -> tuple[int, ...]:
    index, at = tuple(range(group.size)), group
    for _ in range(leaf.depth):
        index = tuple(at.at[k] for k in index)
        assert at.host is not None  # noqa: S101  `depth` counts hosts
        at = at.host
    return index


def _expressions(system: System) -> Iterator[Expr]:
    for group in system.groups.values():
        yield from (expr for _, _, expr in everything(group))
