"""A model as a Python script that anyone can read and run with numpy alone."""

from __future__ import annotations

from collections.abc import Iterator

from tvbo_lite.errors import Problem, RenderError
from tvbo_lite.expr.tree import Expr
from tvbo_lite.formats._jinja import render
from tvbo_lite.formats._script import class_name, listed, note_beyond, opening, wrapped
from tvbo_lite.formats._spelling import number
from tvbo_lite.formats.numpy.classes import class_text, ends_of, pasts_of
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations import System, population_equations
from tvbo_lite.transforms.equations.grow import Names
from tvbo_lite.transforms.equations.simplify import has_random
from tvbo_lite.transforms.equations.system import Group, Record, Total, hosts_first, leaves

__all__ = ["write"]

NOTE = (
    "Needs numpy only; all quantities are in SI units. Each class has the equations of a component and of "
    "all that is in it. Its `step` does what jLEMS does in a step, in the same order: what is inside a cell "
    "or attached to it advances before the cell, by Euler's method. `main()` runs the model; as a program "
    "the script writes the files that the model asks for, and draws the traces with --plot."
)
RANDOM = "other random numbers than those of jLEMS are drawn, from the same distribution"
RESERVED = (
    "Group",
    "Events",
    "Past",
    "EVENTS",
    "RANDOM",
    "FILES",
    "DT",
    "DURATION",
    "Path",
    "main",
    "save",
    "rows",
    "occupancies",
    "t",
)


def write(model: m.Model, losses: Losses) -> str:
    """The script of a linked model. What it cannot hold is noted in ``losses``.

    Raises:
        ModelError: the model contradicts itself, or has no simulation to run.
        RenderError: an expression has no counterpart in numpy.
    """
    note_beyond(model, losses, delays=True)
    system = population_equations(model, losses)
    _check_pasts(system, model)
    draws = any(has_random(expr) for expr in _expressions(system))
    if draws:
        losses.add("random()", RANDOM)
    return _Script(system).text(draws=draws)


class _Script:
    def __init__(self, system: System) -> None:
        self.system = system
        self.names = Names([*RESERVED, "group", "number", "names", "found", "np", "sys"])
        self.objects = {name: self.names.new(name) for name in system.groups}
        self.classes: dict[str, str] = {}  # text without the class's name, to the name
        self.groups = [group for group in hosts_first(system) if _matters(group)]
        self.past = any(pasts_of(group) for group in self.groups)

    def text(self, *, draws: bool) -> str:
        """The whole script."""
        plan = self.system.plan
        events = any(group.routes for group in self.groups) or bool(self.system.spikes)
        texts = self._class_texts()
        totals = any(isinstance(leaf, Total) for expr in _expressions(self.system) for leaf in leaves(expr))
        runtime = [render("numpy_events.py.j2", {}).rstrip()] if events else []
        runtime.append(render("numpy_group.py.j2", {"events": events, "totals": totals}).rstrip())
        if self.past:
            runtime.append(render("numpy_past.py.j2", {}).rstrip())
        if any(part.schemes for group in self.groups for part in group.parts):
            runtime.append(render("numpy_schemes.py.j2", {}).rstrip())
        files = [(repr(file.path), [repr(c.quantity) for c in file.columns]) for file in plan.tables()]
        variables = {
            "docstring": opening(self.system, self.system.source, "numpy", NOTE),
            "dt": number(plan.step),
            "duration": number(plan.length),
            "seed": (1234 if plan.seed is None else plan.seed) if draws else None,
            "files": files,
            "classes": [*runtime, *texts, self._main(events=events)],
        }
        return render("numpy.py.j2", variables).rstrip() + "\n"

    def _class_texts(self) -> list[str]:
        texts = []
        for group in self.groups:
            text = class_text(self.system, group, "?")
            if text not in self.classes:
                self.classes[text] = self.names.new(class_name(group.component or group.name))
                texts.append(text.replace("class ?(", f"class {self.classes[text]}(", 1))
        return texts

    def _main(self, *, events: bool) -> str:
        order = [self.objects[name] for name in self.system.order if self.system.groups[name] in self.groups]
        variables = {
            "events": events,
            "past": self.past,
            "build": list(self._build()),
            "order": order,
            "records": [(repr(record.quantity), self._recorded(record)) for record in self.system.records],
        }
        return render("numpy_main.py.j2", variables).rstrip()

    def _recorded(self, record: Record) -> str:
        """An array and an index there."""
        if record.value is not None:
            return f"[{number(record.value)}], 0"
        group, own = self.system.groups[record.group], self.objects[record.group]
        if record.name in group.parameters and group.parameters[record.name].single:
            return f"[{own}.{record.name}], 0"
        return f"{own}.{record.name}, {record.k}"

    # ---- making the groups and their connections ----------------------------------------------------------

    def _build(self) -> Iterator[str]:
        for group in self.groups:
            yield from _more_lines(f"{self.objects[group.name]} = {self._made(group)}")
        for group in self.groups:
            yield from self._tunnels(group)
        for group in self.groups:
            own = self.objects[group.name]
            for route in group.routes:
                target, handler = self.objects[route.target], f"on_{route.handler}"
                numbers = [listed(each) for each in (route.sources, route.targets)]
                sources, targets = (
                    text if text[0] in "[r" else f"[{text}] * {len(route.sources)}" for text in numbers
                )
                given = listed(route.delays) + (f", {listed(route.weights)}" if route.weights else "")
                call = f'{own}.connect("{route.port}", {target}, "{handler}", {sources}, {targets}, {given})'
                yield from _more_lines(call)
        for file, selection, name, port, k in self.system.spikes:
            yield f'EVENTS.record({self.objects[name]}, "{port}", {k}, {file + "/" + selection!r})'

    def _made(self, group: Group) -> str:
        text = class_text(self.system, group, "?")
        given = [str(group.size)]
        if group.host is not None and group.host in self.groups:
            given += [f"host={self.objects[group.host.name]}", f"at={listed_copies(group.at)}"]
        for name, item in group.parameters.items():
            if not item.single:
                given.append(f"{name}={listed(item.values)}")
        for name in (*group.states, *sorted(group.stored)):
            values = group.initial[name].tolist()
            if len(set(values)) > 1:
                given.append(f"{name}={listed(values)}")
        return f"{self.classes[text]}({', '.join(given)})"

    def _tunnels(self, group: Group) -> Iterator[str]:
        own = self.objects[group.name]
        for name, leaf in ends_of(group).items():
            yield from _more_lines(f"{own}.{name} = np.array({listed_copies(leaf.at)})")
            if leaf.late:
                yield from _more_lines(f"{own}.{name}_late = np.array({_listed_delays(leaf.late)})")
            elif leaf.group != group.name:
                yield f"{own}.{name}_group = {self.objects[leaf.group]}"
        for past, (_, leaf) in pasts_of(group).items():
            before = "" if leaf.before is None else f", {number(leaf.before)}"
            given = f'{self.objects[leaf.group]}, "{leaf.name}", {number(max(leaf.late))}{before}'
            yield from _more_lines(f"{own}.{past} = Past({given})")


def _listed_delays(delays: tuple[float, ...]) -> str:
    text = listed(delays)
    return text if text[0] == "[" else f"[{text}] * {len(delays)}"


def _check_pasts(system: System, model: m.Model) -> None:
    """Raises `RenderError` for a delay of what is no state: its value belongs to the step before."""
    for group in system.groups.values():
        for _, leaf in pasts_of(group).values():
            if leaf.name not in system.groups[leaf.group].states:
                what = (
                    f"'{leaf.name}' of {system.groups[leaf.group].title} '{leaf.group}' is read with a delay"
                )
                where = model.beyond.delays[0].location
                raise RenderError(Problem(what, where, "a state variable, for a script"))


def listed_copies(copies: tuple[int, ...]) -> str:
    """Indices of copies, as a list or range."""
    text = listed(copies)
    return text if text[0] in "[r" else f"[{text}] * {len(copies)}"


def _more_lines(text: str) -> Iterator[str]:
    first, *rest = wrapped(text, 4)
    yield first
    yield from ("    " + line if line.startswith("    ") else line for line in rest)


def _matters(group: Group) -> bool:
    return any(part.acts() or part.handlers for part in group.parts) and (
        group.attached or bool(group.states or list(group.definitions()) or group.parameters or group.routes)
    )


def _expressions(system: System) -> Iterator[Expr]:
    for group in system.groups.values():
        yield from (item.value for item in group.definitions())
        for part in group.parts:
            yield from (expr for _, expr in part.read_in_step())
            yield from part.read_by_events()
