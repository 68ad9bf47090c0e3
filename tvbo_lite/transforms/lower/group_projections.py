"""Projections that a document lists itself: by events, by gap junctions, or continuous.

Which it is follows from the synapse's type unless ``iri`` says it; the elements are those of the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.lems.rows import Children
from tvbo_lite.transforms.lower.attributes import attributes, placed
from tvbo_lite.transforms.lower.context import CORE, listing
from tvbo_lite.transforms.lower.edges import has_several_lists
from tvbo_lite.transforms.lower.groups import Group, Groups, is_path, of_type, receiving_list, written
from tvbo_lite.transforms.lower.rules import Ends, connections
from tvbo_lite.transforms.lower.spike_pulses import (
    CONNECTION,
    PROJECTION,
    SYNAPSE,
    pulse_list,
    pulsed_input,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tvbo_lite.schema.populations import Connection, Projection
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["GroupProjections"]

SYNAPSES = ("baseSynapse", "baseSynapseDL", "baseGradedSynapse", "gapJunction")


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of projection is written: its elements, and the ends and segments in its connections.

    A connection is ``plain`` between cells, by index where ``by_index``; an ``instance`` where the cells
    are listed; ``weighted`` with a weight (``delayed``: and a delay).
    """

    projection: str
    plain: str
    instance: str
    weighted: str
    ends: tuple[str, str]
    segment: str
    by_index: bool
    delayed: bool


_EVENTS = Form(
    "projection", "connection", "connection", "connectionWD", ("preCellId", "postCellId"), "SegmentId",
    by_index=False, delayed=True,
)  # fmt: skip
_ELECTRICAL = Form(
    "electricalProjection", "electricalConnection", "electricalConnectionInstance",
    "electricalConnectionInstanceW", ("preCell", "postCell"), "Segment", by_index=True, delayed=False,
)  # fmt: skip
_CONTINUOUS = Form(
    "continuousProjection", "continuousConnection", "continuousConnectionInstance",
    "continuousConnectionInstanceW", ("preCell", "postCell"), "Segment", by_index=True, delayed=False,
)  # fmt: skip
_FORMS = (_EVENTS, _ELECTRICAL, _CONTINUOUS)
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
        synapse = self.synapse(item.synapse, (*path, "synapse"), name) if item.synapse else None
        if item.synapse is None and item.pre_component is None and item.iri is None:
            return self._pulses(name, item, source, target, path)
        if item.target_var is not None:
            message = f"{name}: 'target_var' of a projection through a synapse"
            self.context.report((*path, "target_var"), message, "'synapse' or 'target_var'")
        form = self._form(name, item, synapse, path)
        if source is None or target is None or form is None:
            return None
        texts = {"presynapticPopulation": source.id, "postsynapticPopulation": target.id}
        if form is _EVENTS and item.synapse:
            texts["synapse"] = item.synapse
        kind = self._kind(item.iri, form.projection, path, name)
        row = _Row(self, name, form, item, source, target)
        members = tuple(
            row.connection(index, connection, (*path, "connections", index))
            for index, connection in enumerate(item.connections)
        )
        children: Sequence[lems.Component] = members
        if item.rule is not None:
            children = self._by_rule(name, item, form, Ends(name, source, target), path)
        if synapse is not None and (item.connections or item.rule):
            self._check_ends(form, (source, target), synapse, path, what=name)
        given = {**written(path, texts, _KEYS), **placed(item.parameters, path)}
        local = {key: replace(ref, local=True) for key, ref in kind.references.items() if key != "synapse"}
        kind = replace(kind, references={**kind.references, **local})
        texts = attributes(self.context, kind, given, path, name)
        where = self.context.locate(path)
        return lems.Component(kind.name, name, attributes=texts, children=children, location=where)

    def _by_rule(
        self, name: str, item: Projection, form: Form, ends: Ends, path: Path
    ) -> Sequence[lems.Component]:
        assert item.rule is not None  # noqa: S101  the caller has checked
        if item.connections:
            message = f"{name}: both 'connections' and a 'rule'"
            self.context.report((*path, "rule"), message, "one of them")
        if form is not _EVENTS:
            message = f"{name}: a rule for a {form.projection} is not supported yet"
            self.context.unsupported((*path, "rule"), message, "list its 'connections'")
            return ()
        weighted = item.rule.weight is not None or item.rule.delay is not None
        tag = form.weighted if weighted else form.plain
        rows = connections(self.context, item.rule, ends, tag, (*path, "rule"))
        return () if rows is None else Children(rows)

    def _pulses(
        self, name: str, item: Projection, source: Group | None, target: Group | None, path: Path
    ) -> lems.Component | None:
        """A projection without synapse: each spike adds its weight to a coupling input, for one step."""
        if source is None or target is None:
            return None
        dynamics = self.context.differing.get(target.component)
        entered = pulsed_input(dynamics, item)
        if entered is None or item.rule is None:
            known = listing(dynamics.coupling_inputs) if dynamics is not None else ""
            message = f"{name}: nothing says which synapse, or which coupling input its pulses enter"
            self.context.report(path, message, f"'synapse', or 'rule' and 'target_var' ({known or 'none'})")
            return None
        rows = connections(self.context, item.rule, Ends(name, source, target), CONNECTION, (*path, "rule"))
        if rows is None:
            return None
        placed = replace(rows, attributes={**rows.attributes, "destination": pulse_list(entered)})
        texts = {"presynapticPopulation": source.id, "postsynapticPopulation": target.id, "synapse": SYNAPSE}
        where = self.context.locate(path)
        return lems.Component(PROJECTION, name, attributes=texts, children=Children(placed), location=where)

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
        synapse = self.synapse(item.synapse, (*path, "synapse"), name) if item.synapse else None
        if synapse is None and item.synapse:
            return None
        destination = item.destination
        source, target = groups["from"], groups["to"]
        if synapse is not None and source is not None and target is not None:
            fitting = self._check_ends(_EVENTS, (source, target), synapse, path, what=name, said=destination)
            if destination is None and "destination" in kind.texts:
                destination = fitting
        if weighted:
            self.check_weight(item.weight, synapse, (*path, "weight"), name)
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
            found = next((form for form in _FORMS if kind is not None and kind.is_a(form.projection)), None)
            if found is None and kind is not None:
                names = ", ".join(CORE + form.projection for form in _FORMS)
                self.context.report((*path, "iri"), f"{name}: a {kind.name} is no projection", names)
            return found
        if item.pre_component is not None:
            return _CONTINUOUS
        if item.synapse is None:
            self.context.report(path, f"{name}: nothing says which synapse", "synapse: ...")
            return None
        if synapse is None:
            return None
        if synapse.is_a("gapJunction"):
            return _ELECTRICAL
        return _CONTINUOUS if synapse.is_a("baseGradedSynapse") else _EVENTS

    def _kind(self, iri: str | None, usual: str, path: Path, what: str) -> ResolvedType:
        found = self.context.type_named(iri, (*path, "iri"), what) if iri else None
        return found or self.context.types.get(usual)

    def synapse(self, name: str, path: Path, what: str) -> ResolvedType | None:
        """The type of a synapse in ``network.dynamics``; None, and a problem."""
        known = of_type(self.kinds, *SYNAPSES)
        if name in self.kinds and name not in known:
            message = f"{what}: '{name}' is a {self.kinds[name].name}, not a synapse"
            self.context.report(path, message, "a synapse")
            return None
        message = f"{what}: there is no synapse '{name}' in network.dynamics"
        return self.kinds[name] if self.context.among(name, known, path, message) else None

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
        if form is _EVENTS:
            if not any(port.direction == "out" for port in source.kind.event_ports.values()):
                message = f"{what}: a {source.kind.name} sends no spikes"
                context.report((*path, "source"), message, "a cell that spikes, or a spike source")
        elif form is _ELECTRICAL:
            receiving_list(context, source, synapse, (*path, "source"), what=what)
        return receiving_list(context, target, synapse, (*path, "target"), what=what, said=said)

    def check_weight(self, text: str | None, synapse: ResolvedType | None, path: Path, what: str) -> None:
        if text is None or synapse is None or any(item.name == "weight" for item in synapse.properties):
            return
        self.context.report(path, f"{what}: a {synapse.name} takes no weight", "no weight")


@dataclass(slots=True)
class _Row:
    """Makes the connections of one projection."""

    owner: GroupProjections
    name: str
    form: Form
    item: Projection
    source: Group
    target: Group

    def connection(self, index: int, row: Connection, path: Path) -> lems.Component:
        form, context = self.form, self.owner.context
        texts: dict[str, str | None] = {}
        weighted = row.weight is not None or (form.delayed and row.delay is not None)
        listed = self.source.instances is not None or self.target.instances is not None
        usual = form.instance if listed or is_path(row.pre) or is_path(row.post) else form.plain
        tag = row.iri.removeprefix(CORE) if row.iri else form.weighted if weighted else usual
        by_index = form.by_index and tag == form.plain
        for end, text, group in zip(form.ends, (row.pre, row.post), (self.source, self.target), strict=True):
            key = "pre" if end == form.ends[0] else "post"
            found = self.owner.groups.instance(group, text, (*path, key), self.name)
            above = "" if is_path(text) else "../"
            texts[end] = text if by_index else above + found
        if form is _EVENTS:
            texts["destination"] = self._destination(row.destination, tag)
        else:
            texts |= self._components(row, path)
        texts |= self._places(row)
        texts |= self._strength(row, path, weighted=weighted)
        identifier = None if self.item.anonymous else row.id if row.id is not None else str(index)
        if row.iri and context.type_named(row.iri, (*path, "iri"), self.name) is None:
            tag = usual
        given = {key: text for key, text in texts.items() if text is not None}
        return lems.Component(tag, identifier, attributes=given, location=context.locate(path))

    def _destination(self, said: str | None, tag: str) -> str | None:
        """The list of the target as it is said; where cells have several, the one that fits."""
        synapse = self.owner.kinds.get(self.item.synapse or "")
        if said is not None or tag == self.form.weighted or not has_several_lists(self.target.kind):
            return said or None
        lists = self.target.kind.attachments
        return next((item.name for item in lists if synapse and synapse.is_a(item.type)), None)

    def _components(self, row: Connection, path: Path) -> dict[str, str | None]:
        """What both ends get: the same gap junction, or one component each."""
        synapse, pre = row.synapse or self.item.synapse, row.pre_component or self.item.pre_component
        for key, name in (("synapse", row.synapse), ("pre_component", row.pre_component)):
            if name is not None:
                self.owner.synapse(name, (*path, key), self.name)
        if synapse is None:
            self.owner.context.report(path, f"{self.name}: nothing says which synapse", "synapse: ...")
        if self.form is _ELECTRICAL:
            return {"synapse": synapse}
        if pre is None:
            message = f"{self.name}: a graded synapse needs a component at the source"
            self.owner.context.report(path, message, "pre_component: <a silentSynapse>")
        return {"preComponent": pre, "postComponent": synapse}

    def _places(self, row: Connection) -> dict[str, str | None]:
        segment = self.form.segment
        return {
            f"pre{segment}": row.pre_segment,
            "preFractionAlong": row.pre_fraction,
            f"post{segment}": row.post_segment,
            "postFractionAlong": row.post_fraction,
        }

    def _strength(self, row: Connection, path: Path, *, weighted: bool) -> dict[str, str | None]:
        """Weight and delay; 1 and 0 ms where only the other is given."""
        context, name = self.owner.context, self.name
        synapse = self.owner.kinds.get(row.synapse or self.item.synapse or "")
        self.owner.check_weight(row.weight, synapse, (*path, "weight"), name)
        if row.weight is not None:
            context.quantity(row.weight, "none", (*path, "weight"), f"{name}: weight")
        if row.delay is not None:
            context.quantity(row.delay, "time", (*path, "delay"), f"{name}: delay")
            if not self.form.delayed:
                what = synapse.name if synapse else "synapse"
                context.report((*path, "delay"), f"{name}: a {what} acts without delay", "no delay")
        if not weighted:
            return {}
        if not self.form.delayed:
            return {"weight": row.weight}
        return {"weight": row.weight or "1", "delay": row.delay or "0ms"}
