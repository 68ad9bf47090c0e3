"""The nodes and edges of an experiment as populations, inputs and projections of a LEMS network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes, placed
from tvbo_lite.transforms.lower.components import is_input, lower_component
from tvbo_lite.transforms.lower.context import Path, listing
from tvbo_lite.transforms.lower.edges import connect_input, edge_parameters
from tvbo_lite.transforms.lower.environment import Environment
from tvbo_lite.transforms.lower.equations import Lowering, has_equations
from tvbo_lite.transforms.lower.individuals import members
from tvbo_lite.transforms.lower.own_types import given_parameters, is_own, node_parameters, type_of
from tvbo_lite.transforms.lower.pairs import Pairs
from tvbo_lite.transforms.lower.population import Place, Population, recorded_variables
from tvbo_lite.transforms.lower.projections import Projections
from tvbo_lite.transforms.lower.pulses import pulse_generators, without_pulses
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.spikes import is_random
from tvbo_lite.transforms.lower.synapses import Synapses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tvbo_lite.schema import Dynamics, Edge, Node
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["NETWORK_ID", "Wiring"]

NETWORK_ID = "net1"

_CELL, _SOURCE, _CHANNEL = "baseCell", "baseSpikeSource", "baseIonChannel"
_EDGE = ("source", "target", "coupling", "parameters", "weight", "delay")


@dataclass(slots=True)
class Wiring:
    """A network under construction. ``named`` holds every dynamics by name, with its place.

    ``placed`` are the dynamics of nodes with a position. ``components`` are those at the top of the
    document by id, in writing order; ``populations`` are by dynamics. A node of which only problems are
    known stands in ``places`` as None.
    """

    context: Lowering
    named: dict[str, tuple[Dynamics, Path]]
    placed: frozenset[str] = frozenset()
    components: dict[str, lems.Component] = field(default_factory=dict)
    populations: dict[str, Population] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)
    _kinds: dict[str, ResolvedType] = field(default_factory=dict)
    _received: dict[str, list[str]] = field(default_factory=dict)  # cell -> inputs that each instance gets
    _places: dict[int, Place | None] = field(default_factory=dict)
    _inputs: list[lems.Component] = field(default_factory=list)
    _synapses: Synapses = field(init=False)
    _projections: Projections = field(init=False)
    _pairs: Pairs = field(init=False)

    def __post_init__(self) -> None:
        self._synapses = Synapses(self.context, self.named, self._kinds, self.add)
        self._projections = Projections(self.context, self.add)
        self._pairs = Pairs(self.context, self.populations, self.add)

    def add(self, items: Iterable[lems.Component], path: Path) -> None:
        """Put components at the top of the document; equal ones (a channel in two cells) stand once."""
        for item in items:
            if self.components.setdefault(item.id or "", item) != item:
                message = f"two different components would be named '{item.id}'"
                self.context.report(path, message, "a name of its own for each")

    @property
    def kinds(self) -> Mapping[str, ResolvedType]:
        """The types of the named dynamics."""
        return self._kinds

    def component(self, name: str) -> lems.Component:
        """The network ``name``: populations, then projections, then inputs."""
        populations = [self._lowered(item) for item in self._pairs.arranged()]
        children = (*populations, *self._projections.components(), *self._pairs.found, *self._inputs)
        return lems.Component("network", name, children=children)

    def add_dynamics(self) -> None:
        """Lower every named dynamics, whether a node uses it or not."""
        for name, (dynamics, path) in self.named.items():
            self.context.name(name, path, "a dynamics")
            kind = type_of(self.context, dynamics, path, name)
            if kind is None:
                continue
            self._kinds[name] = kind
            if not (kind.is_a(_CHANNEL) and self._is_repeated(name, dynamics)):
                self._add_component(dynamics, kind, name, path)

    def _is_repeated(self, name: str, dynamics: Dynamics) -> bool:
        """Whether a channel is also, word for word, a part of a cell, which is where it is lowered."""
        others = (item for other, (item, _) in self.named.items() if other != name)
        return any(item.components.get(name) == dynamics for item in others)

    def _add_component(
        self, dynamics: Dynamics, kind: ResolvedType, name: str, path: Path, own: Given | None = None
    ) -> None:
        """The component ``name`` of a dynamics; ``own`` are parameters of a node, which count first."""
        given: Given = {**given_parameters(self.context, dynamics, path), **(own or {})}
        pulses: list[lems.Component] = []
        if kind.is_a(_CELL):
            given = self.environment.taken_from(self.context, kind, given, path, name)
            pulses = pulse_generators(self.context, kind, given, name, path)
            given = dict(without_pulses(kind, given))
        lowered = lower_component(self.context, dynamics, kind, given, name=name, path=path)
        self.add(lowered.all(), path)
        self.add(pulses, path)
        self._received[name] = [*(pulse.id or "" for pulse in pulses), *lowered.inputs]

    def add_node(self, node: Node, name: str, path: Path) -> None:
        """A cell or spike source joins the population of its dynamics; an input is kept for the edges."""
        context = self.context
        used = ("dynamics", "parameters", "record", "position")
        refuse_rest(node, used, path, f"node {node.id}", context)
        if node.id in self._places:
            context.report((*path, "id"), f"two nodes have the id {node.id}", "a different id for each node")
            return
        self._places[node.id] = None
        kind = self._kind_of(node, name, path)
        if kind is None:
            return
        if kind.is_a(_CELL) or kind.is_a(_SOURCE):
            self._places[node.id] = self._member(node, name, kind, path)
        elif is_input(kind):
            if node.position is not None:
                context.report((*path, "position"), f"node {node.id}: an input has no place in space")
            self._places[node.id] = Place(kind, node.id, input=self._own_component(node, name, kind, path))
        else:
            message = f"node {node.id}: a {kind.name} as a node is not supported yet"
            hint = "nodes are cells, spike sources and current inputs"
            context.unsupported((*path, "dynamics"), message, hint)

    def _kind_of(self, node: Node, name: str, path: Path) -> ResolvedType | None:
        if name in self.named:
            return self._kinds.get(name)
        if name in self.context.types.core:
            return self.context.types.get(name)
        message = f"node {node.id}: '{name}' is neither in network.dynamics nor a NeuroML type"
        types = [self.context.types.get(kind) for kind in self.context.types.core.names()]
        cells = [kind.name for kind in types if kind.is_a(_CELL)]
        others = [kind.name for kind in types if kind.is_a(_SOURCE) or is_input(kind)]
        usable = [kind for kind in (*cells, *others) if not kind.startswith("base")]
        self.context.among(name, [*self.named, *usable], (*path, "dynamics"), message)
        return None

    def _own_component(self, node: Node, name: str, kind: ResolvedType, path: Path) -> str:
        """The id of the node's component: that of its dynamics, or its own where it has parameters."""
        if name in self.named and not node.parameters:
            return name
        own = f"{name}_{node.id}"
        if name in self.named:
            dynamics, place = self.named[name]
            self._add_component(dynamics, kind, own, place, node_parameters(dynamics, node, path))
        else:
            texts = attributes(self.context, kind, placed(node.parameters, path), path, f"node {node.id}")
            where = self.context.locate(path)
            self.add([lems.Component(kind.name, own, attributes=texts, location=where)], path)
        return own

    def _population(self, node: Node, name: str, kind: ResolvedType, path: Path) -> Population:
        """The population of the dynamics. A NeuroML cell with parameters of its own has one of its own, since
        NeuroML's populations have one component.
        """
        bare = name not in self.named and name not in self.populations
        apart = node.parameters and not bare and not self._is_individual(node, name)
        key = f"{name}_{node.id}" if apart else name
        if key not in self.populations:
            component = self._own_component(node, name, kind, path) if apart or bare else name
            dynamics = self.named[name][0] if name in self.named else None
            own = dynamics if dynamics and is_own(self.context, dynamics) else None
            variables = recorded_variables(kind, own)
            self.populations[key] = Population(f"{key}_pop", name, component, variables, name in self.placed)
        return self.populations[key]

    def _is_individual(self, node: Node, name: str) -> bool:
        """Whether the node differs from others of its population, which by equations it may."""
        if not node.parameters or name not in self.named or name in self.placed:
            return False
        dynamics = self.named[name][0]
        return is_own(self.context, dynamics) and has_equations(dynamics)

    def _member(self, node: Node, name: str, kind: ResolvedType, path: Path) -> Place:
        """A new instance in the population of its dynamics, such as ``iz_pop[0]``."""
        population = self._population(node, name, kind, path)
        index = population.new(node.position)
        component = population.component
        if self._is_individual(node, name):
            component = self._own_component(node, name, kind, path)
            population.own[index] = self.components.pop(component)
        place = Place(kind, node.id, population=population, first=index, drawn=is_random(kind))
        if node.record:
            population.recorded.append(place.first)
        for received in self._received.get(component, ()):
            item = self.components[received]
            source = Place(self.context.types.get(item.tag), node.id, input=received)
            self._inputs += connect_input(self.context, source, place, {}, path=path, what=f"node {node.id}")
        return place

    def _lowered(self, population: Population) -> lems.Component:
        """The element of a population; where its cells differ, they stand in it one by one."""
        if not population.own:
            return population.lowered()
        usual = self.components[population.component]
        cells = [population.own.get(index, usual) for index in range(len(population.positions))]
        kind = self._kinds[population.dynamics]
        return members(self.context, population.id, population.component, kind, cells)

    def add_edge(self, edge: Edge, path: Path) -> None:
        """An edge without coupling is an input; one with coupling a connection through a synapse."""
        context, what = self.context, f"edge {edge.source} to {edge.target}"
        coupled = context.couplings is not None and path in context.couplings.of_edge
        if not coupled:
            refuse_rest(edge, _EDGE, path, what, context)
        for name, node in (("source", edge.source), ("target", edge.target)):
            if node not in self._places:
                ids = listing(map(str, self._places)) or "a node"
                context.report((*path, name), f"{what}: there is no node {node}", ids)
        given = edge_parameters(edge, path)
        through = edge.coupling is not None and not coupled
        synapse = self._synapses.of_edge(edge, given, path, what) if through else None
        source, target = self._places.get(edge.source), self._places.get(edge.target)
        if source is None or target is None:  # a problem that was reported
            return
        if coupled:
            self._pairs.connect(source, target, edge, path)
        elif edge.coupling is None:
            self._inputs += connect_input(context, source, target, given, path=path, what=what)
        elif synapse is not None:
            self._projections.connect(source, target, synapse, edge, path=path, what=what)
