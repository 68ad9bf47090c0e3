"""What a model consists of, in numbers: cells, channels, synapses, inputs, networks, simulations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.transforms.resolve import ResolvedComponent, ResolvedRows, Resolver

if TYPE_CHECKING:
    from tvbo_lite.lems import model as m

__all__ = ["Connected", "Network", "Part", "Population", "Simulation", "Summary", "summary"]

# Heading, and the NeuroML types whose components stand below it; the first that fits counts.
GROUPS: dict[str, tuple[str, ...]] = {
    "cells": ("baseCell",),
    "channels": ("baseIonChannel",),
    "synapses": ("baseSynapse",),
    "concentration models": ("concentrationModel",),
    "inputs": ("baseSpikeSource", "basePointCurrent", "basePointCurrentDL"),
}
OTHERS = "other components"
_INPUTS = ("inputList", "explicitInput")


@dataclass(frozen=True, slots=True)
class Part:
    """A component: its id and its type."""

    id: str
    type: str


@dataclass(frozen=True, slots=True)
class Population:
    """Equal cells: ``size`` of them, made from ``component``."""

    id: str
    component: str
    size: int


@dataclass(frozen=True, slots=True)
class Connected:
    """A projection, an input list or single connections: of what type, with what, between what, how many."""

    id: str
    type: str
    uses: str
    source: str
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Network:
    """``connections`` are projections and single connections, ``inputs`` are input lists and inputs."""

    id: str
    populations: tuple[Population, ...]
    connections: tuple[Connected, ...]
    inputs: tuple[Connected, ...]

    @property
    def n_cells(self) -> int:
        """Cells in all populations."""
        return sum(population.size for population in self.populations)

    @property
    def n_connections(self) -> int:
        """Connections in all projections, and single ones."""
        return sum(item.count for item in self.connections)

    @property
    def n_inputs(self) -> int:
        """Inputs in all lists, and single ones."""
        return sum(item.count for item in self.inputs)


@dataclass(frozen=True, slots=True)
class Simulation:
    """``length`` and ``step`` as written; ``files`` with the number of their columns or selections."""

    id: str
    target: str
    length: str
    step: str
    files: tuple[tuple[str, int], ...]
    displays: int


@dataclass(frozen=True, slots=True)
class Summary:
    """``parts`` by heading; ``component_types`` are those that the model declares itself."""

    parts: dict[str, tuple[Part, ...]]
    networks: tuple[Network, ...]
    simulations: tuple[Simulation, ...]
    component_types: tuple[str, ...]


def summary(model: m.Model, library: str = "jNeuroML:NeuroML2CoreTypes/") -> Summary:
    """What a linked model holds, without what comes from files whose names begin with ``library``.

    Raises:
        ModelError: a component cannot be resolved; all problems at once.
    """
    resolver = Resolver(model)
    resolver.check_everything()
    parts: dict[str, list[Part]] = {}
    networks, simulations = [], []
    for component in model.components:
        one = resolver.top(component)
        if one.id is None:
            continue
        if one.type.is_a("network"):
            networks.append(_network(one))
        elif any(item.kind == "Run" for item in one.type.simulation):
            simulations.append(_simulation(one))
        else:
            parts.setdefault(_heading(one), []).append(Part(one.id, one.type.name))
            networks += map(_network, _networks_below(one))
    own = (kind.name for kind in model.component_types if not _from(library, kind.location.file))
    order = [name for name in (*GROUPS, OTHERS) if name in parts]
    return Summary(
        {name: tuple(parts[name]) for name in order}, tuple(networks), tuple(simulations), tuple(own)
    )


def _networks_below(component: ResolvedComponent) -> Iterator[ResolvedComponent]:
    """Networks inside another component, such as a piece of tissue."""
    for child in component.children():
        if child.type.is_a("network"):
            yield child
        else:
            yield from _networks_below(child)


def _from(library: str, file: str | None) -> bool:
    return (file or "").startswith(library)


def _heading(component: ResolvedComponent) -> str:
    for name, kinds in GROUPS.items():
        if any(map(component.type.is_a, kinds)):
            return name
    return OTHERS


def _network(network: ResolvedComponent) -> Network:
    populations, connections, inputs = [], [], []
    for child in network.children():
        if _makes_cells(child):
            populations.append(_population(child))
        elif any(map(child.type.is_a, _INPUTS)):
            inputs.append(_connected(child))
        elif child.type.structure or child.members:
            connections.append(_connected(child))
    return Network(
        network.id or "", tuple(populations), tuple(_together(connections)), tuple(_together(inputs))
    )


def _makes_cells(component: ResolvedComponent) -> bool:
    made = any(item.kind == "MultiInstantiate" for item in component.type.structure)
    return made or component.type.is_a("basePopulation")


def _population(component: ResolvedComponent) -> Population:
    cell = component.references.get("component")
    listed = component.lists.get("instances", [])
    if cell is None and not listed and component.members:  # its cells stand in it, one by one
        first = component.members[0][1]
        kind = (first.first if isinstance(first, ResolvedRows) else first).type
        return Population(component.id or "", kind.name, _members(component))
    size = component.parameters.get("size", float(len(listed)))
    count = len(listed) if listed and component.type.is_a("populationList") else int(size)
    return Population(component.id or "", (cell.id if cell else None) or "", count)


def _connected(component: ResolvedComponent) -> Connected:
    def text(*names: str) -> str:
        return next((found for name in names if (found := component.text(name))), "")

    count = _members(component)
    return Connected(
        component.id or "",
        component.type.name,
        text("synapse", "component", "input") or _used(component),
        text("presynapticPopulation", "from").partition("[")[0],
        text("postsynapticPopulation", "to", "population", "target").partition("[")[0],
        count if component.members or component.id else 1,
    )


def _used(component: ResolvedComponent) -> str:
    """What the first connection of a projection that names no synapse itself uses, such as a gap junction."""
    if not component.members:
        return ""
    first = component.members[0][1]
    one = first.first if isinstance(first, ResolvedRows) else first
    return one.text("synapse") or one.text("postComponent") or ""


def _members(component: ResolvedComponent) -> int:
    """How many members its lists have, rows of tables included."""
    return sum(len(one.rows) if isinstance(one, ResolvedRows) else 1 for _, one in component.members)


def _together(items: list[Connected]) -> Iterator[Connected]:
    """Single ones of one kind between the same populations as one, with their number."""
    counts: dict[Connected, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + (item.count if item.id else 1)
    for item, count in counts.items():
        yield Connected(item.id, item.type, item.uses, item.source, item.target, count)


def _simulation(component: ResolvedComponent) -> Simulation:
    files, displays = [], 0
    for child in component.children():
        kinds = {item.kind for item in child.type.simulation}
        if kinds & {"DataWriter", "EventWriter"}:
            columns = sum(len(members) for members in child.lists.values())
            files.append((child.text("fileName") or child.id or "", columns))
        displays += "DataDisplay" in kinds
    text = component.text
    return Simulation(
        component.id or "", text("target") or "", text("length") or "", text("step") or "",
        tuple(files), displays,
    )  # fmt: skip
