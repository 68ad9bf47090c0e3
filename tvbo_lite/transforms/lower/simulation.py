"""How long, in which steps and what to record: the ``Simulation`` component of an experiment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.lems.beyond import Interval
from tvbo_lite.lems.rows import Children, Column, Rows
from tvbo_lite.schema.integration import unit_of_time
from tvbo_lite.transforms.lower.noise import SETTINGS, check_settings
from tvbo_lite.transforms.lower.population import SPIKE
from tvbo_lite.transforms.lower.recordings import recorded
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tvbo_lite.schema import Experiment, Integrator
    from tvbo_lite.transforms.lower.context import Context
    from tvbo_lite.transforms.lower.equations import Lowering
    from tvbo_lite.transforms.lower.population import Kept, Population
    from tvbo_lite.transforms.quantity import UnitTable

__all__ = ["extra_units", "simulation"]

_PATH = ("integration",)
_USED = (
    "method", "step_size", "duration", "time_scale", "parameters", "report", "target", "abs_tol", "rel_tol",
    "noise",
)  # fmt: skip
_POWERS = {"s": 0, "ms": -3, "us": -6}


def extra_units(experiment: Experiment, units: UnitTable) -> tuple[lems.Unit, ...]:
    """The units of time of the experiment, where neither it nor the NeuroML core files have them."""
    integrator = experiment.integration
    if integrator is None:
        return ()
    used = {integrator.time_scale, *map(unit_of_time, (integrator.step_size, integrator.duration))}
    return tuple(
        lems.Unit(symbol, "time", power)
        for symbol, power in _POWERS.items()
        if symbol in used and symbol not in units.units
    )


def simulation(
    context: Lowering,
    experiment: Experiment,
    target: str,
    populations: Iterable[Population],
    inside: str = "",
) -> lems.Component:
    """The simulation of ``target``, with what ``recordings`` lists, or else with one output file for each
    recorded dynamics and interval.

    ``inside`` is the path from the target to the populations, such as ``net1/``.
    """
    name, integrator = _simulation_id(experiment), experiment.integration
    if integrator is None:
        context.report(
            _PATH, "nothing says how long to simulate", "integration: {step_size: ..., duration: ...}"
        )
        return lems.Component("Simulation", name)
    _check(context, integrator)
    texts = {
        "length": _time(integrator.duration, integrator),
        "step": _time(integrator.step_size, integrator),
        "target": target,
    }
    seed = integrator.parameters.get("seed")
    if seed is not None:
        texts["seed"] = str(seed.value)
    if experiment.recordings is not None:
        children = recorded(context, experiment.recordings)
    else:
        children = (*_files(context, populations, inside), *_event_files(populations, inside))
    return lems.Component(
        "Simulation", name, attributes=texts, children=children, location=context.locate(_PATH)
    )


def _time(value: float | str, integrator: Integrator) -> str:
    """A time as it is written, or a number in the experiment's units of time."""
    return value if isinstance(value, str) else f"{float(value)!r}{integrator.time_scale}"


def _simulation_id(experiment: Experiment) -> str:
    """The name of the simulation; else ``sim_`` and the label, other signs than letters as underscores."""
    if experiment.integration is not None and experiment.integration.name:
        return experiment.integration.name
    name = experiment.label or experiment.id or (experiment.dynamics and experiment.dynamics.name)
    return "sim_" + re.sub(r"[^A-Za-z0-9]", "_", str(name or "experiment"))


def _files(context: Context, populations: Iterable[Population], inside: str) -> Iterator[lems.Component]:
    """Output files; those with an interval are noted in ``context``."""
    groups: dict[tuple[str, float | None], list[tuple[Population, list[Kept]]]] = {}
    for population in populations:
        intervals = dict.fromkeys(item.every for item in population.traces() if item.of)
        for every in intervals:
            kept = [item for item in population.traces() if item.every == every]
            groups.setdefault((population.dynamics, every), []).append((population, kept))
    for number, ((dynamics, every), items) in enumerate(groups.items()):
        name, file = f"of{number}", dynamics if every is None else f"{dynamics}_{every * 1e3:g}ms"
        if every is not None:
            context.intervals.append(Interval(name, every, context.locate(("network", "populations"))))
        columns = tuple(column for item in items for column in _columns(*item, inside))
        texts = {"fileName": f"results/{file}.dat"}
        yield lems.Component("OutputFile", name, attributes=texts, children=columns)


def _columns(population: Population, kept: Sequence[Kept], inside: str) -> Iterator[lems.Component]:
    """All variables of one instance, then those of the next."""
    wanted = [(item.variable, frozenset(item.of)) for item in kept]
    for index in dict.fromkeys(index for item in kept for index in item.of):
        for variable, of in wanted:
            if index in of:
                yield lems.Component(
                    "OutputColumn",
                    f"{population.id}_{index}_{variable}",
                    attributes={"quantity": f"{inside}{population.path(index)}/{variable}"},
                )


def _event_files(populations: Iterable[Population], inside: str) -> Iterator[lems.Component]:
    """The event file of each population; its ids are the indices of the cells."""
    for population in populations:
        if not population.spiking:
            continue
        import numpy as np  # slow to load, and seldom needed

        before, after = population.around
        indices = np.array(population.spiking, dtype=np.int64)
        select = {"select": Column(indices, f"{inside}{before}", after)}
        selections = Rows("EventSelection", len(indices), select, {"eventPort": SPIKE}, ids=indices)
        texts = {"fileName": f"results/{population.id}.spikes", "format": "ID_TIME"}
        yield lems.Component(
            "EventOutputFile", population.id, attributes=texts, children=Children(selections)
        )


def _check(context: Context, integrator: Integrator) -> None:
    refuse_rest(integrator, _USED, _PATH, "integration", context)
    check_settings(context, integrator)
    for name, parameter in integrator.parameters.items():
        here, what = (*_PATH, "parameters", name), f"integration: {name}"
        if name in SETTINGS:
            continue
        if name != "seed":
            context.unsupported(here, f"{what} is not supported yet")
            continue
        refuse_rest(parameter, ("value",), here, what, context)
        if isinstance(parameter.value, bool) or not isinstance(parameter.value, int):
            context.report(here, f"{what} is {parameter.value!r}", "a whole number")
