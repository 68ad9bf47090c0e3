"""What a model's simulation component asks for: run length, displays, output files.

Which component runs, shows or records is read from the ``Simulation`` sections of the component
types (``Run``, ``DataDisplay``, ``Record``, ``DataWriter``, ``EventWriter``, ``EventRecord``), so a
model with its own simulation types works like one with NeuroML's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tvbo_lite.errors import ModelError, Problem
from tvbo_lite.lems import model as m
from tvbo_lite.lems.plan import (
    Display,
    EventOutputFile,
    EventSelection,
    Line,
    OutputColumn,
    OutputFile,
    SimulationPlan,
)
from tvbo_lite.numerals import whole
from tvbo_lite.transforms.resolve import ResolvedComponent, ResolvedRows, Resolver

_MOST = 2.0**53  # steps; from there on doubles are not all whole numbers
WHOLE = 1e-9  # how far length / step may be from a whole number


def simulation_plan(model: m.Model, resolver: Resolver | None = None) -> SimulationPlan:
    """The plan of the model's target. Raises `ModelError` where the target runs no simulation."""
    resolver = resolver or Resolver(model)
    simulation = simulation_component(model, resolver)
    run = _section(simulation, "Run")
    if run is None:
        message = f"the target {simulation.describe()} runs no simulation"
        raise ModelError(Problem(message, simulation.component.location, "a <Simulation> component"))
    target = _text(simulation, run, "component") or ""
    if resolver.problems:
        resolver.check_everything()
    step = _value(simulation, run, "increment")
    length = _value(simulation, run, "total")
    _check_times(simulation, length, step)
    seed = (simulation.text("seed") or "").strip()
    intervals = {item.file: item.every for item in model.beyond.intervals}
    files = (_file(item) for item in _having(simulation, "DataWriter"))
    return SimulationPlan(
        simulation.id or "simulation",
        target,
        length,
        step,
        tuple(_display(item) for item in _having(simulation, "DataDisplay")),
        tuple(replace(file, every=intervals.get(file.id)) for file in files),
        tuple(_event_file(item) for item in _having(simulation, "EventWriter")),
        int(seed) if whole(seed.removeprefix("-")) is not None else None,
    )


def simulation_component(model: m.Model, resolver: Resolver) -> ResolvedComponent:
    """The component that ``<Target>`` names."""
    if model.target is None:
        expected = '<Target component="..."/> naming a <Simulation>'
        raise ModelError(Problem("the document has no target, so nothing to run", model.location, expected))
    return resolver.component(model.target, model.location, "the target")


def _check_times(simulation: ResolvedComponent, length: float, step: float) -> None:
    if not step > 0:
        raise simulation.fail(f"the step is {step:g} s; it must be positive")
    if not length > 0:
        raise simulation.fail(f"the length is {length:g} s; it must be positive")
    if not length / step < _MOST:
        raise simulation.fail(
            f"a length of {length:g} s in steps of {step:g} s is more steps than can be counted"
        )


def _having(component: ResolvedComponent, kind: str) -> Iterator[ResolvedComponent]:
    for child in component.children():
        if _section(child, kind) is not None:
            yield child


def _section(component: ResolvedComponent, kind: str) -> m.Builder | None:
    return next((item for item in component.type.simulation if item.kind == kind), None)


def _text(component: ResolvedComponent, item: m.Builder, attribute: str) -> str | None:
    """The text of the component's attribute that the section's ``attribute`` names."""
    name = item.attributes.get(attribute)
    return component.text(name) if name else None


def _value(
    component: ResolvedComponent, item: m.Builder, attribute: str, default: float | None = None
) -> float:
    name = item.attributes.get(attribute)
    if name is not None and name in component.parameters:
        return component.parameters[name]
    if default is None:
        raise component.fail(f"<{item.kind}> needs '{attribute}' to name a parameter")
    return default


def _display(component: ResolvedComponent) -> Display:
    section = _section(component, "DataDisplay")
    names = (section.attributes.get("dataRegion", "") if section else "").split(",")
    limits = [component.parameters.get(name.strip()) for name in names[:4]]
    xmin, xmax, ymin, ymax = limits + [None] * (4 - len(limits))
    return Display(
        component.id or "display",
        (_text(component, section, "title") if section else None) or component.id or "",
        component.parameters.get("timeScale", 1.0),
        component.text("timeScale") or "1s",
        xmin,
        xmax,
        ymin,
        ymax,
        tuple(_line(item) for item in _having(component, "Record")),
    )


def _line(component: ResolvedComponent) -> Line:
    record = _section(component, "Record")
    assert record is not None  # noqa: S101  only components that have one are asked
    scale = record.attributes.get("scale")
    return Line(
        component.id or "",
        _quantity(component, record),
        _value(component, record, "scale", 1.0),
        _value(component, record, "timeScale", 1.0),
        _text(component, record, "color"),
        (component.text(scale) if scale else None) or "1",
        component.component.location,
    )


def _quantity(component: ResolvedComponent, record: m.Builder) -> str:
    quantity = _text(component, record, "quantity")
    if not quantity:
        what = f"{component.describe()} names no quantity to record"
        attribute = record.attributes.get("quantity", "quantity")
        raise ModelError(Problem(what, component.component.location, f'{attribute}="<population>[0]/<name>"'))
    return quantity.strip()


def _path(component: ResolvedComponent, section: m.Builder) -> str:
    name = _text(component, section, "fileName")
    if not name:
        raise component.fail("has no file name")
    return posixpath.join(_text(component, section, "path") or "", name)


def _file(component: ResolvedComponent) -> OutputFile:
    section = _section(component, "DataWriter")
    assert section is not None  # noqa: S101  only components that have one are asked
    records = ((item, _section(item, "Record")) for item in _having(component, "Record"))
    columns = tuple(
        OutputColumn(c.id or "", _quantity(c, record), c.component.location)
        for c, record in records
        if record
    )
    return OutputFile(component.id or "", _path(component, section), columns)


def _event_file(component: ResolvedComponent) -> EventOutputFile:
    section = _section(component, "EventWriter")
    assert section is not None  # noqa: S101  only components that have one are asked
    tables = [member for _, member in component.members if isinstance(member, ResolvedRows)]
    selections = [one for item in component.children() for one in _selections(item, (item.component,))]
    selections += [one for table in tables for one in _selections(table.first, table.rows)]
    form = _text(component, section, "format") or "ID_TIME"
    return EventOutputFile(component.id or "", _path(component, section), form, tuple(selections))


def _selections(item: ResolvedComponent, each: Iterable[m.Component]) -> Iterator[EventSelection]:
    """Of a component, or of those of the rows of a table, of which it is the first."""
    record = _section(item, "EventRecord")
    if record is None:
        return
    _quantity(item, record)
    port, quantity = _text(item, record, "eventPort") or "", record.attributes["quantity"]
    for one in each:
        yield EventSelection(one.id or "", one.attributes[quantity].strip(), port, one.location)
