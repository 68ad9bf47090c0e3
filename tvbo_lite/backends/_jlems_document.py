"""The copy of a LEMS document that jLEMS is given: it records what the plan says, into known files."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from tvbo_lite.formats._xml import local_name, parse_bytes

if TYPE_CHECKING:
    from lxml.etree import _Element

    from tvbo_lite.lems.plan import EventOutputFile, SimulationPlan

__all__ = ["TABLE", "event_name", "instrumented"]

TABLE = "tvbo_lite_all.dat"
_NAME = "tvbo_lite_all"  # id of the table, and of a simulation of our own
_RECORDERS = ("Display", "OutputFile", "EventOutputFile")


def event_name(number: int) -> str:
    """The name under which the plan's event file of that number is written."""
    return f"tvbo_lite_events_{number}.dat"


def instrumented(data: bytes, file: str, plan: SimulationPlan) -> bytes:
    """The document with all its recorders replaced by one table of the plan's quantities, and the events.

    Only names of our own remain as output names, so nothing is written outside the run's folder.
    Raises `ReadError` for text that is not XML or has a DOCTYPE.
    """
    root = parse_bytes(data, file)
    simulation = _simulation(root, plan)
    _retarget(root, simulation.get("id", ""))
    for child in list(simulation):
        if _kind(child) in _RECORDERS or "fileName" in child.attrib:
            simulation.remove(child)
    _add_table(simulation, plan)
    for number, events in enumerate(plan.event_files):
        _add_events(simulation, number, events)
    text = BytesIO()
    root.getroottree().write(text, encoding="utf-8")
    return text.getvalue()


def _kind(element: _Element) -> str:
    """The component type of an element: its ``type``, else its name."""
    return element.get("type") or local_name(str(element.tag))


def _simulation(root: _Element, plan: SimulationPlan) -> _Element:
    """The plan's simulation; a like one is added where it stands in an included file."""
    for element in root:
        if element.get("id") == plan.id and element.get("target") is not None:
            return element
    own = _add(root, "Simulation", id=_NAME, target=plan.target)
    own.set("length", f"{plan.length!r}s")
    own.set("step", f"{plan.step!r}s")
    if plan.seed is not None:
        own.set("seed", str(plan.seed))
    return own


def _retarget(root: _Element, simulation: str) -> None:
    """Run that simulation, and write no report: jLEMS obeys the first target it reads."""
    for element in list(root):
        if local_name(str(element.tag)) == "Target":
            root.remove(element)
    root.insert(0, _add(root, "Target", component=simulation))


def _add_table(simulation: _Element, plan: SimulationPlan) -> None:
    table = _add(simulation, "OutputFile", id=_NAME, fileName=TABLE)
    for number, quantity in enumerate(plan.quantities()):
        _add(table, "OutputColumn", id=f"q{number}", quantity=quantity)


def _add_events(simulation: _Element, number: int, events: EventOutputFile) -> None:
    name = event_name(number)
    file = _add(simulation, "EventOutputFile", id=name, fileName=name, format="TIME_ID")
    for selection in events.selections:
        _add(file, "EventSelection", id=selection.id, select=selection.select, eventPort=selection.port)


def _add(parent: _Element, tag: str, **attributes: str) -> _Element:
    """A new last child of ``parent``, in its namespace."""
    space = str(parent.tag).rpartition("}")[0]
    child = parent.makeelement(f"{space}}}{tag}" if space else tag, attributes)
    parent.append(child)
    return child
