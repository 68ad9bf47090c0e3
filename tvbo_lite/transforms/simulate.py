"""A simulation for a network that a document declares without one: it records every cell."""

from __future__ import annotations

from collections.abc import Iterator

from tvbo_lite.errors import ModelError, Problem, UnitError, nearest
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.resolve import ResolvedComponent, Resolver
from tvbo_lite.transforms.types import ResolvedType

__all__ = ["network_of", "networks", "recorded_variables", "simulation_of"]

POTENTIALS = ("v", "V")  # what NeuroML's cells call the membrane potential, with and without dimension


def networks(resolver: Resolver) -> list[m.Component]:
    """The networks of a linked model, in the order of the document."""
    found = []
    for component in resolver.model.components:
        name = component.type or component.tag
        if component.id is not None and name in resolver.types and resolver.types.get(name).is_a("network"):
            found.append(component)
    return found


def network_of(resolver: Resolver, name: str | None = None) -> ResolvedComponent:
    """The network to run: the one of that id, or the only one of the document, or of what it includes.

    Raises:
        ModelError: there is none, none of that id, or more than one to choose from.
    """
    place = resolver.model.location
    every = networks(resolver)
    own = [component for component in every if component.location.file == place.file]
    found = {component.id or "": component for component in (every if name or not own else own)}
    listed = ", ".join(f"'{item}'" for item in found)
    if not found:
        raise ModelError(Problem("the document has no network, so there is nothing to run", place))
    if name is None and len(found) > 1:
        hint = "choose one with --network ID"
        raise ModelError(Problem(f"the document has {len(found)} networks: {listed}", place, None, hint))
    if name is not None and name not in found:
        what = f"the document has no network '{name}'"
        raise ModelError(Problem(what, place, f"one of {listed}", nearest(name, found)))
    return resolver.top(found[name] if name is not None else next(iter(found.values())))


def simulation_of(resolver: Resolver, network: ResolvedComponent, length: str, step: str) -> m.Component:
    """A ``<Simulation>`` of a network that writes all membrane potentials to ``<network id>.dat``.

    ``length`` and ``step`` are times with units, such as ``300 ms``. A cell without a potential is
    recorded by all states that it exposes.

    Raises:
        UnitError: a time has no unit, an unknown one, or one that does not measure time.
        ModelError: there is nothing to record.
    """
    _check_time(resolver, "duration", length)
    _check_time(resolver, "step", step)
    place = network.component.location
    columns = tuple(
        m.Component("OutputColumn", _identifier(path), attributes={"quantity": path}, location=place)
        for path in _quantities(network)
    )
    if not columns:
        what = f"network '{network.id}' has no cell with a variable to record"
        raise ModelError(Problem(what, place))
    file = m.Component(
        "OutputFile", f"{network.id}_file", attributes={"fileName": f"{network.id}.dat"}, children=columns
    )
    times = {"length": length, "step": step, "target": network.id or ""}
    taken = {component.id for component in resolver.model.components}
    own = f"{network.id}_simulation"
    while own in taken:
        own += "_"
    return m.Component("Simulation", own, attributes=times, children=(file,))


def _check_time(resolver: Resolver, name: str, text: str) -> None:
    try:
        value = resolver.units.value(text, "time")
    except UnitError as error:
        raise UnitError(Problem(f"{name}: {error}", expected="a time such as '300 ms'")) from error
    if not value > 0:
        raise UnitError(Problem(f"{name}: '{text}' is not a positive time"))


def _quantities(network: ResolvedComponent) -> Iterator[str]:
    """The path of every variable to record, population by population."""
    for population in network.children():
        cell = population.references.get("component")
        if cell is None or not population.type.is_a("basePopulation"):
            continue
        variables = recorded_variables(cell.type)
        for place in _cells(population, cell):
            yield from (f"{place}/{variable}" for variable in variables)


def _cells(population: ResolvedComponent, cell: ResolvedComponent) -> Iterator[str]:
    instances = population.lists.get("instances", [])
    if instances and population.type.is_a("populationList"):
        ids = (instance.id for instance in instances)
        yield from (f"{population.id}/{name}/{cell.id}" for name in ids if name is not None)
        return
    size = population.parameters.get("size", 0.0)
    yield from (f"{population.id}[{index}]" for index in range(int(size)))


def recorded_variables(kind: ResolvedType) -> tuple[str, ...]:
    """What shows the state of a cell of a type: its membrane potential, else every state it exposes."""
    dynamics = kind.dynamics
    states = [item.name for item in dynamics.state_variables if item.exposure is not None]
    shown = {*states, *(item.name for item in dynamics.derived if item.exposure is not None)}
    for name in POTENTIALS:
        if name in shown and name in kind.exposures:
            return (name,)
    return tuple(states)


def _identifier(path: str) -> str:
    """A path as the id of a column: ``pop_0_v``."""
    return "".join(letter if letter.isalnum() else "_" for letter in path).replace("__", "_")
