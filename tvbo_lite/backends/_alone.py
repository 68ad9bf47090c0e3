"""The LEMS document that other simulators are given: all that a model includes, and one simulation, ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tvbo_lite.formats.lems.sources import is_core
from tvbo_lite.formats.lems.writer import document
from tvbo_lite.lems import model as m

if TYPE_CHECKING:
    from tvbo_lite.backends._job import Job
    from tvbo_lite.lems.plan import EventOutputFile, SimulationPlan
    from tvbo_lite.transforms.resolve import Resolver

__all__ = ["TABLE", "event_name", "standing_alone"]

NAME = "tvbo_lite_all"  # id of the simulation and of its table
TABLE = f"{NAME}.dat"
SIMULATION_FILE = "Simulation.xml"


def standing_alone(job: Job, quantities: Sequence[str], *, includes: bool = True, more_steps: int = 0) -> str:
    """The LEMS document of a job with one simulation, ours; ``includes`` names NeuroML's core files."""
    model = job.model
    simulation = _simulation(job.plan, quantities, more_steps)
    own = m.Model(
        target=NAME,
        includes=tuple(map(m.Include, _core_files(model))) if includes else (),
        dimensions=tuple(item for item in model.dimensions if not is_core(item.location)),
        units=tuple(item for item in model.units if not is_core(item.location)),
        constants=tuple(item for item in model.constants if not is_core(item.location)),
        component_types=tuple(item for item in model.component_types if not is_core(item.location)),
        components=(*(item for item in model.components if not _runs(item, job.resolver)), simulation),
    )
    return document(own)


def _core_files(model: m.Model) -> list[str]:
    places = (kind.location for kind in model.component_types if is_core(kind.location))
    names = ((place.file or "").rpartition("/")[2] for place in places)
    return list(dict.fromkeys([*names, SIMULATION_FILE]))


def _runs(component: m.Component, resolver: Resolver) -> bool:
    """Whether a component is a simulation, whose place ours takes, or one of the core files' own."""
    return is_core(component.location) or resolver.top(component).type.is_a("Simulation")


def _simulation(plan: SimulationPlan, quantities: Sequence[str], more_steps: int) -> m.Component:
    columns = tuple(
        m.Component("OutputColumn", f"q{number}", attributes={"quantity": quantity})
        for number, quantity in enumerate(quantities)
    )
    table = m.Component("OutputFile", NAME, attributes={"fileName": TABLE}, children=columns)
    events = tuple(_events(number, file) for number, file in enumerate(plan.event_files))
    length = plan.length + more_steps * plan.step
    times = {"length": f"{length * 1e3:.12g}ms", "step": f"{plan.step * 1e3:.12g}ms"}
    seed = {} if plan.seed is None else {"seed": str(plan.seed)}
    attributes = {**times, "target": plan.target, **seed}
    return m.Component("Simulation", NAME, attributes=attributes, children=(table, *events))


def _events(number: int, file: EventOutputFile) -> m.Component:
    """An event file with numbers for ids: the simulators know no others."""
    selections = tuple(
        m.Component("EventSelection", str(k), attributes={"select": item.select, "eventPort": item.port})
        for k, item in enumerate(file.selections)
    )
    attributes = {"fileName": event_name(number), "format": "TIME_ID"}
    return m.Component("EventOutputFile", f"events{number}", attributes=attributes, children=selections)


def event_name(number: int) -> str:
    """The name under which the plan's event file of that number is written."""
    return f"tvbo_lite_events_{number}.dat"
