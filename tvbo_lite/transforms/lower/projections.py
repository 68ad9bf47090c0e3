"""Connections through synapses: by events, by gap junctions, or continuous.

Which it is follows from the synapse's type. Connections with the same ends and synapse are one
projection, in the order of their first edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.schema import Parameter
from tvbo_lite.transforms.lower.attributes import attributes
from tvbo_lite.transforms.lower.edges import PLACES, destination, has_several_lists, on_cell

if TYPE_CHECKING:
    from tvbo_lite.schema import Edge
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.population import Place
    from tvbo_lite.transforms.lower.synapses import Synapse

__all__ = ["Projections"]

SILENT = lems.Component("silentSynapse", "silent")

_Key = tuple[str, str, str, str]  # element, populations at both ends, synapse


@dataclass(slots=True)
class Projections:
    """The projections of a network under construction."""

    context: Context
    add: Callable[[Iterable[lems.Component], Path], None]
    _found: dict[_Key, list[lems.Component]] = field(default_factory=dict)

    def components(self) -> list[lems.Component]:
        """``projection``, ``electricalProjection`` and ``continuousProjection`` elements."""
        found = []
        for number, ((tag, source, target, synapse), members) in enumerate(self._found.items()):
            texts = {"presynapticPopulation": source, "postsynapticPopulation": target}
            if tag == "projection":
                texts["synapse"] = synapse
            found.append(
                lems.Component(tag, f"projection_{number}", attributes=texts, children=tuple(members))
            )
        return found

    def connect(
        self, source: Place, target: Place, synapse: Synapse, edge: Edge, *, path: Path, what: str
    ) -> None:
        """Add the connection of an edge."""
        context = self.context
        for end, place in (("source", source), ("target", target)):
            if place.population is None:
                message = f"{what}: {place}, and '{edge.coupling}' joins cells"
                expected = "a cell or a spike source" if end == "source" else "a cell"
                context.report((*path, end), message, expected, "leave 'coupling' out for an input")
                return
        container = destination(context, target, synapse.kind.name, path, what)
        if container is None:
            return
        if synapse.kind.is_a("gapJunction") or synapse.kind.is_a("baseGradedSynapse"):
            self._continuous(source, target, synapse, path, what=what)
            return
        out = [port for port in source.kind.event_ports.values() if port.direction == "out"]
        if not out:
            message = f"{what}: a {source.kind.name} sends no spikes"
            context.report((*path, "source"), message, "a cell that spikes, or a spike source")
            return
        if not (synapse.kind.dynamics.on_event or synapse.kind.dynamics.regimes):
            message = f"{what}: a {synapse.kind.name} does not react to spikes"
            context.unsupported((*path, "coupling"), message, "use a synapse type of NeuroML")
            return
        several = has_several_lists(target.kind)
        self._by_events(source, target, synapse, path, container=container if several else None, what=what)

    def _by_events(
        self, source: Place, target: Place, synapse: Synapse, path: Path, *, container: str | None, what: str
    ) -> None:
        texts = {"preCellId": f"../{source.path_for(target.path)}", "postCellId": f"../{target.path}"}
        texts |= on_cell(self.context, (source, target), synapse.connection, PLACES, what)
        tag = "connection"
        if not {"weight", "delay"}.isdisjoint(synapse.connection):
            tag = "connectionWD"
            if container:
                self.context.unsupported(path, f"{what}: weight and delay to a {target.kind.name}")
            texts |= self._strength(synapse, ("weight", "delay"), path, what)
        elif container:
            texts["destination"] = container
        self._keep(("projection", synapse.id), source, target, tag=tag, texts=texts, path=path)

    def _continuous(self, source: Place, target: Place, synapse: Synapse, path: Path, *, what: str) -> None:
        """Both cells see each other: gap junctions act both ways, other synapses on the target alone."""
        context = self.context
        if "delay" in synapse.connection:
            here = synapse.connection["delay"][1]
            context.report(here, f"{what}: a {synapse.kind.name} acts without delay", "no delay")
        if destination(context, source, synapse.kind.name, path, what) is None:
            return
        electrical = synapse.kind.is_a("gapJunction")
        kind = "electrical" if electrical else "continuous"
        texts = on_cell(context, (source, target), synapse.connection, PLACES, what)
        texts = {name.replace("SegmentId", "Segment"): text for name, text in texts.items()}
        if electrical:
            texts["synapse"] = synapse.id
        else:
            self.add([SILENT], path)
            texts |= {"preComponent": SILENT.id or "", "postComponent": synapse.id}
        texts |= {"preCell": f"../{source.path}", "postCell": f"../{target.path}"}
        tag = f"{kind}ConnectionInstance"
        if "weight" in synapse.connection:
            tag += "W"
            texts |= self._strength(synapse, ("weight",), path, what)
        elif all(place.population and place.population.is_plain for place in (source, target)):
            tag = f"{kind}Connection"
            texts |= {"preCell": str(source.first), "postCell": str(target.first)}
        self._keep((f"{kind}Projection", ""), source, target, tag=tag, texts=texts, path=path)

    def _strength(self, synapse: Synapse, names: tuple[str, ...], path: Path, what: str) -> dict[str, str]:
        """Weight and delay as attributes; 1 and 0 ms where they are not given."""
        defaults = {"weight": Parameter(value=1), "delay": Parameter(value=0, unit="ms")}
        given = {name: synapse.connection.get(name, (defaults[name], path)) for name in names}
        if "weight" in synapse.connection and all(item.name != "weight" for item in synapse.kind.properties):
            here = synapse.connection["weight"][1]
            self.context.report(here, f"{what}: a {synapse.kind.name} takes no weight", "no weight")
        tag = "connectionWD" if "delay" in names else "electricalConnectionInstanceW"
        kind = self.context.types.get(tag)
        wanted = {name: given[name] for name in names if name in kind.parameters}
        reduced = {name: item for name, item in kind.references.items() if name != "synapse"}
        return attributes(self.context, replace(kind, references=reduced), wanted, path, what)

    def _keep(
        self,
        key: tuple[str, str],
        source: Place,
        target: Place,
        *,
        tag: str,
        texts: dict[str, str],
        path: Path,
    ) -> None:
        """Add a member to the projection of that element and synapse between the two populations."""
        pre, post = (place.population.id if place.population else "" for place in (source, target))
        members = self._found.setdefault((key[0], pre, post, key[1]), [])
        where = self.context.locate(path)
        members.append(lems.Component(tag, str(len(members)), attributes=texts, location=where))
