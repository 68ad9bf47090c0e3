"""The nodes and edges of an experiment as populations and inputs of a LEMS network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import attributes, placed
from tvbo_lite.transforms.lower.components import core_type, lower_component
from tvbo_lite.transforms.lower.context import Context, Path, listing
from tvbo_lite.transforms.lower.pulses import pulse_generators, without_pulses
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tvbo_lite.schema import Dynamics, Edge, Node
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["NETWORK_ID", "Population", "Wiring"]

NETWORK_ID = "net1"

_CELL = "baseCell"
_INPUTS = ("basePointCurrent", "basePointCurrentDL")
_SYNAPSES = ("baseSynapse", "baseSynapseDL")
_POTENTIALS = {"baseCellMembPot": "v", "baseCellMembPotDL": "V"}  # ancestor -> its membrane potential


@dataclass(slots=True)
class Population:
    """Cells that share a dynamics; ``recorded`` are the indices of those whose potential is kept."""

    id: str
    dynamics: str
    component: str
    variable: str | None
    size: int = 0
    recorded: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a node became: a component type, and either an input component or a cell's path."""

    kind: ResolvedType
    input: str | None = None
    cell: str | None = None


@dataclass(slots=True)
class Wiring:
    """A network under construction. ``named`` holds every dynamics by name, with its place.

    ``components`` are those at the top of the document by id, in writing order; ``populations`` are by
    dynamics. A node of which only problems are known stands in ``places`` as None.
    """

    context: Context
    named: dict[str, tuple[Dynamics, Path]]
    components: dict[str, lems.Component] = field(default_factory=dict)
    populations: dict[str, Population] = field(default_factory=dict)
    _kinds: dict[str, ResolvedType] = field(default_factory=dict)
    _pulses: dict[str, list[lems.Component]] = field(default_factory=dict)
    _places: dict[int, _Place | None] = field(default_factory=dict)
    _inputs: list[lems.Component] = field(default_factory=list)

    def add(self, items: Iterable[lems.Component], path: Path) -> None:
        """Put components at the top of the document; equal ones (a channel in two cells) stand once."""
        for item in items:
            if self.components.setdefault(item.id or "", item) != item:
                message = f"two different components would be named '{item.id}'"
                self.context.report(path, message, "a name of its own for each")

    def component(self) -> lems.Component:
        """The network itself: populations, then inputs."""
        members = [
            lems.Component(
                "population", item.id, attributes={"component": item.component, "size": str(item.size)}
            )
            for item in self.populations.values()
        ]
        return lems.Component("network", NETWORK_ID, children=(*members, *self._inputs))

    def add_dynamics(self) -> None:
        """Lower every named dynamics, whether a node uses it or not."""
        for name, (dynamics, path) in self.named.items():
            self.context.name(name, path, "a dynamics")
            kind = core_type(self.context, dynamics, path, name)
            if kind is not None:
                self._kinds[name] = kind
                self._add_component(dynamics, kind, name, path)

    def _add_component(self, dynamics: Dynamics, kind: ResolvedType, name: str, path: Path) -> None:
        given = placed(dynamics.parameters, path)
        own = given
        if kind.is_a(_CELL):
            own = dict(without_pulses(kind, given))
            self._pulses[name] = pulse_generators(self.context, kind, given, name, path)
        self.add(lower_component(self.context, dynamics, kind, own, name=name, path=path).all(), path)
        self.add(self._pulses.get(name, ()), path)

    def add_node(self, node: Node, name: str, path: Path) -> None:
        """A cell joins the population of its dynamics ``name``; an input is kept for the edges."""
        context = self.context
        refuse_rest(node, ("dynamics", "parameters", "record"), path, f"node {node.id}", context)
        if node.id in self._places:
            context.report((*path, "id"), f"two nodes have the id {node.id}", "a different id for each node")
            return
        self._places[node.id] = None
        kind = self._kind_of(node, name, path)
        if kind is None:
            return
        if kind.is_a(_CELL):
            self._places[node.id] = _Place(kind, cell=self._cell(node, name, kind, path))
        elif _is_input(kind):
            self._places[node.id] = _Place(kind, input=self._own_component(node, name, kind, path))
        else:
            message = f"node {node.id}: a {kind.name} as a node is not supported yet"
            context.unsupported((*path, "dynamics"), message, "nodes are cells and current inputs")

    def _kind_of(self, node: Node, name: str, path: Path) -> ResolvedType | None:
        if name in self.named:
            return self._kinds.get(name)
        known = [*self.named, *self.context.types.names()]
        message = f"node {node.id}: '{name}' is neither in network.dynamics nor a NeuroML type"
        if not self.context.among(name, known, (*path, "dynamics"), message):
            return None
        return self.context.types.get(name)

    def _own_component(self, node: Node, name: str, kind: ResolvedType, path: Path) -> str:
        """The id of the node's component: that of its dynamics, or its own where it has parameters."""
        if name in self.named and not node.parameters:
            return name
        own, given = f"{name}_{node.id}", placed(node.parameters, path)
        if name in self.named:
            dynamics, place = self.named[name]
            given = {**placed(dynamics.parameters, place), **given}
            lowered = lower_component(self.context, dynamics, kind, given, name=own, path=place)
            self.add(lowered.all(), path)
        else:
            texts = attributes(self.context, kind, given, path, f"node {node.id}")
            where = self.context.locate(path)
            self.add([lems.Component(kind.name, own, attributes=texts, location=where)], path)
        return own

    def _cell(self, node: Node, name: str, kind: ResolvedType, path: Path) -> str:
        """The path of a new cell in the population of its dynamics, such as ``iz_pop[0]``."""
        if node.parameters and (name in self.named or name in self.populations):
            message = f"node {node.id}: parameters of its own on a cell are not supported yet"
            hint = "give the node a dynamics of its own"
            self.context.unsupported((*path, "parameters"), message, hint)
        if name not in self.populations:
            component = name if name in self.named else self._own_component(node, name, kind, path)
            variable = next((v for ancestor, v in _POTENTIALS.items() if kind.is_a(ancestor)), None)
            self.populations[name] = Population(f"{name}_pop", name, component, variable)
        population = self.populations[name]
        cell = f"{population.id}[{population.size}]"
        if node.record:
            population.recorded.append(population.size)
        population.size += 1
        for pulse in self._pulses.get(name, ()):
            self._add_input(pulse.id or "", self.context.types.get(pulse.tag), _Place(kind, cell=cell), path)
        return cell

    def add_edge(self, edge: Edge, path: Path) -> None:
        """An edge without coupling from an input to a cell becomes an explicit input."""
        context, what = self.context, f"edge {edge.source} to {edge.target}"
        used = ("source", "target", "coupling", *(("parameters",) if edge.coupling else ()))
        refuse_rest(edge, used, path, what, context)
        if edge.coupling:
            message = f"{what}: synapses ('coupling: {edge.coupling}') are not supported yet"
            context.unsupported((*path, "coupling"), message)
        for name, node in (("source", edge.source), ("target", edge.target)):
            if node not in self._places:
                ids = listing(map(str, self._places)) or "a node"
                context.report((*path, name), f"{what}: there is no node {node}", ids)
        source, target = self._places.get(edge.source), self._places.get(edge.target)
        if source is None or target is None or edge.coupling:  # a problem that was reported
            return
        if source.input is None:
            message = f"{what}: without coupling it must start at an input, and node {edge.source} is a cell"
            context.report((*path, "source"), message, "'coupling: <synapse>', or an input as source")
        elif target.cell is None:
            context.report((*path, "target"), f"{what}: node {edge.target} is an input itself", "a cell")
        else:
            self._add_input(source.input, source.kind, target, path)

    def _add_input(self, name: str, kind: ResolvedType, target: _Place, path: Path) -> None:
        lists = target.kind.attachments
        destination = next((item.name for item in lists if kind.is_a(item.type)), None)
        if destination is None:
            message = f"the cell {target.cell} ({target.kind.name}) takes no {kind.name}"
            expected = listing(item.type for item in lists) or "a cell that takes inputs"
            self.context.report(path, message, expected)
            return
        texts = {"target": target.cell or "", "input": name, "destination": destination}
        where = self.context.locate(path)
        self._inputs.append(lems.Component("explicitInput", attributes=texts, location=where))


def _is_input(kind: ResolvedType) -> bool:
    def is_one_of(names: Iterable[str]) -> bool:
        return any(map(kind.is_a, names))

    return is_one_of(_INPUTS) and not is_one_of(_SYNAPSES)
