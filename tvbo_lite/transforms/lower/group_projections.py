"""Projections that a document lists itself: by events, by gap junctions, or continuous.

Which it is follows from the synapse's type unless ``iri`` says it; the elements are those of the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.lems.rows import Children, Rows
from tvbo_lite.schema.rules import ConnectionTable
from tvbo_lite.transforms.lower.attributes import attributes, placed
from tvbo_lite.transforms.lower.connection_rows import Tags
from tvbo_lite.transforms.lower.connection_tables import from_table
from tvbo_lite.transforms.lower.context import CORE, listing
from tvbo_lite.transforms.lower.group_connections import (
    CONTINUOUS,
    ELECTRICAL,
    EVENTS,
    FORMS,
    PULSES,
    Connections,
    Form,
    check_weight,
    form_of,
    synapse_kind,
)
from tvbo_lite.transforms.lower.groups import Group, Groups, is_path, receiving_list, written
from tvbo_lite.transforms.lower.rule_pairs import Ends
from tvbo_lite.transforms.lower.rules import connections
from tvbo_lite.transforms.lower.spike_pulses import (
    CONNECTION,
    PROJECTION,
    SYNAPSE,
    pulse_list,
    pulsed_input,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tvbo_lite.schema.populations import Projection
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["GroupProjections"]

_KEYS = {
    "presynapticPopulation": "source", "postsynapticPopulation": "target", "from": "source", "to": "target",
}  # fmt: skip
_SINGLE = {False: "synapticConnection", True: "synapticConnectionWD"}


@dataclass(slots=True)
class GroupProjections:
    """The projections of a network; ``kinds`` are the types of the components of ``network.dynamics``."""

    context: Context
    groups: Groups
    kinds: Mapping[str, ResolvedType]

    def lowered(self, name: str, item: Projection, path: Path) -> lems.Component | None:
        """The element of a projection; None, and a problem, where its ends or its synapse are wrong."""
        if is_path(item.source) or is_path(item.target):
            return self._single(name, item, path)
        source = self.groups.get(item.source, (*path, "source"), name)
        target = self.groups.get(item.target, (*path, "target"), name)
        for key in ("weight", "delay", "destination"):
            if getattr(item, key) is not None:
                message = f"{name}: '{key}' of a projection between populations"
                self.context.report((*path, key), message, "it belongs to each of the 'connections'")
        synapse = self._synapse(item, path, name) if item.synapse else None
        if item.synapse is None and item.pre_component is None and item.iri is None:
            return self._pulses(name, item, source, target, path)
        if item.target_var is not None:
            message = f"{name}: 'target_var' of a projection through a synapse"
            self.context.report((*path, "target_var"), message, "'synapse' or 'target_var'")
        form = self._form(name, item, synapse, path)
        if source is None or target is None or form is None:
            return None
        texts = {"presynapticPopulation": source.id, "postsynapticPopulation": target.id}
        if form is EVENTS and item.synapse:
            texts["synapse"] = item.synapse
        kind = self._kind(item.iri, form.projection, path, name)
        made = Connections(self.context, self.groups, self.kinds, name, form, item, source, target)
        children = self._connections(made, Tags(form.plain, form.weighted), path)
        if synapse is not None and (item.connections or item.rule):
            self._check_ends(form, (source, target), synapse, path, what=name)
        given = {**written(path, texts, _KEYS), **placed(item.parameters, path)}
        local = {key: replace(ref, local=True) for key, ref in kind.references.items() if key != "synapse"}
        kind = replace(kind, references={**kind.references, **local})
        texts = attributes(self.context, kind, given, path, name)
        where = self.context.locate(path)
        return lems.Component(kind.name, name, attributes=texts, children=children, location=where)

    def _connections(self, made: Connections, tags: Tags, path: Path) -> Sequence[lems.Component]:
        """As they are listed, by the rule, or from the table of a file."""
        item, context, form = made.item, self.context, made.form
        ends = Ends(made.name, made.source, made.target)
        if item.rule is not None and item.connections:
            message = f"{made.name}: both 'connections' and a 'rule'"
            context.report((*path, "rule"), message, "one of them")
        if item.rule is None and isinstance(item.connections, list):
            return made.all((*path, "connections"))
        where = (*path, "connections" if item.rule is None else "rule")
        if not form.delayed:
            message = f"{made.name}: a rule or a table for a {form.projection} is not supported yet"
            context.unsupported(where, message, "list its 'connections'")
            return ()
        if item.rule is not None:
            rows = connections(context, item.rule, ends, tags, where)
        else:
            assert isinstance(item.connections, ConnectionTable)  # noqa: S101  lists are done
            rows = from_table(context, item.connections, ends, tags, where)
        return () if rows is None else Children(rows)

    def _pulses(
        self, name: str, item: Projection, source: Group | None, target: Group | None, path: Path
    ) -> lems.Component | None:
        """A projection without synapse: each spike adds its weight to a coupling input, for one step."""
        if source is None or target is None:
            return None
        dynamics = self.context.differing.get(target.component)
        entered = pulsed_input(dynamics, item)
        if entered is None or not (item.rule or item.connections):
            known = listing(dynamics.coupling_inputs) if dynamics is not None else ""
            message = f"{name}: nothing says which synapse, or which coupling input its pulses enter"
            expected = f"'synapse', or connections and 'target_var' ({known or 'none'})"
            self.context.report(path, message, expected)
            return None
        made = Connections(self.context, self.groups, self.kinds, name, PULSES, item, source, target)
        children = self._connections(made, Tags(CONNECTION, CONNECTION), path)
        children = _with(children, {"destination": pulse_list(entered)})
        texts = {"presynapticPopulation": source.id, "postsynapticPopulation": target.id, "synapse": SYNAPSE}
        where = self.context.locate(path)
        return lems.Component(PROJECTION, name, attributes=texts, children=children, location=where)

    def _single(self, name: str, item: Projection, path: Path) -> lems.Component | None:
        """A connection between two cells, without a projection around it."""
        context = self.context
        ends = {"from": (item.source, "source"), "to": (item.target, "target")}
        groups = {end: self.groups.of_path(text, (*path, key), name) for end, (text, key) in ends.items()}
        if item.connections or item.pre_component:
            key = "connections" if item.connections else "pre_component"
            message = f"{name}: '{key}' of a connection between two cells"
            context.report((*path, key), message, "populations as 'source' and 'target'")
        weighted = item.weight is not None or item.delay is not None
        kind = self._kind(item.iri, _SINGLE[weighted], path, name)
        synapse = self._synapse(item, path, name) if item.synapse else None
        if synapse is None and item.synapse:
            return None
        destination = item.destination
        source, target = groups["from"], groups["to"]
        if synapse is not None and source is not None and target is not None:
            fitting = self._check_ends(EVENTS, (source, target), synapse, path, what=name, said=destination)
            if destination is None and "destination" in kind.texts:
                destination = fitting
        if weighted:
            check_weight(context, item.weight, synapse, (*path, "weight"), name)
        texts = {"from": item.source, "to": item.target, "synapse": item.synapse}
        if "weight" in kind.parameters:
            texts |= {"weight": item.weight or "1", "delay": item.delay or "0ms"}
        given = {**written(path, texts, _KEYS), **placed(item.parameters, path)}
        found = attributes(context, kind, given, path, name)
        if destination:  # some connections take it from their parent type, and LEMS reads it all the same
            found["destination"] = destination
        return lems.Component(kind.name, attributes=found, location=context.locate(path))

    def _form(self, name: str, item: Projection, synapse: ResolvedType | None, path: Path) -> Form | None:
        if item.iri is not None:
            kind = self.context.type_named(item.iri, (*path, "iri"), name)
            found = next((form for form in FORMS if kind is not None and kind.is_a(form.projection)), None)
            if found is None and kind is not None:
                names = ", ".join(CORE + form.projection for form in FORMS)
                self.context.report((*path, "iri"), f"{name}: a {kind.name} is no projection", names)
            return found
        if item.synapse is None and item.pre_component is None:
            self.context.report(path, f"{name}: nothing says which synapse", "synapse: ...")
            return None
        if synapse is None:
            return CONTINUOUS if item.synapse is None else None
        return form_of(synapse, both=item.pre_component is not None)

    def _kind(self, iri: str | None, usual: str, path: Path, what: str) -> ResolvedType:
        found = self.context.type_named(iri, (*path, "iri"), what) if iri else None
        return found or self.context.types.get(usual)

    def _synapse(self, item: Projection, path: Path, what: str) -> ResolvedType | None:
        return synapse_kind(self.context, self.kinds, item.synapse or "", (*path, "synapse"), what)

    def _check_ends(
        self,
        form: Form,
        ends: tuple[Group, Group],
        synapse: ResolvedType,
        path: Path,
        *,
        what: str,
        said: str | None = None,
    ) -> str | None:
        """The list of the target that takes the synapse; problems where the ends do not fit it."""
        context, (source, target) = self.context, ends
        if form is EVENTS:
            if not any(port.direction == "out" for port in source.kind.event_ports.values()):
                message = f"{what}: a {source.kind.name} sends no spikes"
                context.report((*path, "source"), message, "a cell that spikes, or a spike source")
        elif form is ELECTRICAL:
            receiving_list(context, source, synapse, (*path, "source"), what=what)
        return receiving_list(context, target, synapse, (*path, "target"), what=what, said=said)


def _with(children: Sequence[lems.Component], more: Mapping[str, str]) -> Sequence[lems.Component]:
    """Connections with more attributes, and weight 1 and no delay where nothing else is said."""
    usual = {"weight": "1", "delay": "0ms"}
    if isinstance(children, Children):
        tables = (part for part in children.parts if isinstance(part, Rows))
        return Children(*(replace(one, attributes={**one.attributes, **more}) for one in tables))
    return tuple(replace(one, attributes={**usual, **one.attributes, **more}) for one in children)
