"""How long, in which steps and what to record: the ``Simulation`` component of an experiment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.schema.integration import unit_of_time
from tvbo_lite.transforms.lower.noise import SETTINGS, check_settings
from tvbo_lite.transforms.lower.population import SPIKE
from tvbo_lite.transforms.lower.recordings import recorded
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tvbo_lite.schema import Experiment, Integrator
    from tvbo_lite.transforms.lower.context import Context
    from tvbo_lite.transforms.lower.population import Population
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
    context: Context, experiment: Experiment, target: str, populations: Iterable[Population], inside: str = ""
) -> lems.Component:
    """The simulation of ``target``, with what ``recordings`` lists, or else with one output file for each
    recorded dynamics.

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
        kept: dict[str, list[Population]] = {}
        for item in populations:
            if item.recorded and item.variables:
                kept.setdefault(item.dynamics, []).append(item)
        files = tuple(_file(f"of{index}", *item, inside) for index, item in enumerate(kept.items()))
        children = (*files, *(_spikes(item, inside) for item in populations if item.spikes))
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


def _file(name: str, dynamics: str, populations: Iterable[Population], inside: str) -> lems.Component:
    columns = tuple(
        lems.Component(
            "OutputColumn",
            f"{population.id}_{index}_{variable}",
            attributes={"quantity": f"{inside}{population.path(index)}/{variable}"},
        )
        for population in populations
        for index in population.recorded
        for variable in population.variables
    )
    return lems.Component(
        "OutputFile", name, attributes={"fileName": f"results/{dynamics}.dat"}, children=columns
    )


def _spikes(population: Population, inside: str) -> lems.Component:
    """The event file of a population; its ids are the indices of the cells."""
    selections = tuple(
        lems.Component(
            "EventSelection",
            str(index),
            attributes={"select": f"{inside}{population.path(index)}", "eventPort": SPIKE},
        )
        for index in population.recorded
    )
    texts = {"fileName": f"results/{population.id}.spikes", "format": "ID_TIME"}
    return lems.Component("EventOutputFile", population.id, attributes=texts, children=selections)


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
