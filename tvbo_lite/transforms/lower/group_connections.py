"""The connections in a projection that a document lists itself, and the elements that they become."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.context import CORE
from tvbo_lite.transforms.lower.edges import has_several_lists
from tvbo_lite.transforms.lower.groups import Group, Groups, is_path, of_type
from tvbo_lite.transforms.lower.spike_pulses import CONNECTION, PROJECTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.schema.populations import Connection, Projection
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = [
    "CONTINUOUS",
    "ELECTRICAL",
    "EVENTS",
    "FORMS",
    "PULSES",
    "Connections",
    "Form",
    "check_weight",
    "form_of",
    "synapse_kind",
]

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


EVENTS = Form(
    "projection", "connection", "connection", "connectionWD", ("preCellId", "postCellId"), "SegmentId",
    by_index=False, delayed=True,
)  # fmt: skip
ELECTRICAL = Form(
    "electricalProjection", "electricalConnection", "electricalConnectionInstance",
    "electricalConnectionInstanceW", ("preCell", "postCell"), "Segment", by_index=True, delayed=False,
)  # fmt: skip
CONTINUOUS = Form(
    "continuousProjection", "continuousConnection", "continuousConnectionInstance",
    "continuousConnectionInstanceW", ("preCell", "postCell"), "Segment", by_index=True, delayed=False,
)  # fmt: skip
PULSES = replace(EVENTS, projection=PROJECTION, plain=CONNECTION, instance=CONNECTION, weighted=CONNECTION)
FORMS = (EVENTS, ELECTRICAL, CONTINUOUS)


def form_of(kind: ResolvedType, *, both: bool = False) -> Form:
    """How connections through a synapse of the type are written; ``both``: each end has a component."""
    if both or kind.is_a("baseGradedSynapse"):
        return CONTINUOUS
    return ELECTRICAL if kind.is_a("gapJunction") else EVENTS


def synapse_kind(
    context: Context, kinds: Mapping[str, ResolvedType], name: str, path: Path, what: str
) -> ResolvedType | None:
    """The type of a synapse in ``network.dynamics``; None, and a problem."""
    known = of_type(kinds, *SYNAPSES)
    if name in kinds and name not in known:
        message = f"{what}: '{name}' is a {kinds[name].name}, not a synapse"
        context.report(path, message, "a synapse")
        return None
    message = f"{what}: there is no synapse '{name}' in network.dynamics"
    return kinds[name] if context.among(name, known, path, message) else None


def check_weight(
    context: Context, text: str | None, synapse: ResolvedType | None, path: Path, what: str
) -> None:
    """Report a weight that the synapse cannot take."""
    if text is None or synapse is None or any(item.name == "weight" for item in synapse.properties):
        return
    context.report(path, f"{what}: a {synapse.name} takes no weight", "no weight")


@dataclass(slots=True)
class Connections:
    """Makes the connections of one projection, called ``name``, between two populations."""

    context: Context
    groups: Groups
    kinds: Mapping[str, ResolvedType]
    name: str
    form: Form
    item: Projection
    source: Group
    target: Group

    def all(self, path: Path) -> tuple[lems.Component, ...]:
        """The elements of the list at ``path``."""
        listed = self.item.connections
        assert isinstance(listed, list)  # noqa: S101  tables are made elsewhere
        return tuple(self._connection(i, row, (*path, i)) for i, row in enumerate(listed))

    def _connection(self, index: int, row: Connection, path: Path) -> lems.Component:
        form, context = self.form, self.context
        texts: dict[str, str | None] = {}
        weighted = row.weight is not None or (form.delayed and row.delay is not None)
        listed = self.source.instances is not None or self.target.instances is not None
        usual = form.instance if listed or is_path(row.pre) or is_path(row.post) else form.plain
        tag = row.iri.removeprefix(CORE) if row.iri else form.weighted if weighted else usual
        by_index = form.by_index and tag == form.plain
        for end, text, group in zip(form.ends, (row.pre, row.post), (self.source, self.target), strict=True):
            key = "pre" if end == form.ends[0] else "post"
            found = self.groups.instance(group, text, (*path, key), self.name)
            above = "" if is_path(text) else "../"
            texts[end] = text if by_index else above + found
        if form in (EVENTS, PULSES):
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
        synapse = self.kinds.get(self.item.synapse or "")
        if said is not None or tag == self.form.weighted or not has_several_lists(self.target.kind):
            return said or None
        lists = self.target.kind.attachments
        return next((item.name for item in lists if synapse and synapse.is_a(item.type)), None)

    def _components(self, row: Connection, path: Path) -> dict[str, str | None]:
        """What both ends get: the same gap junction, or one component each."""
        synapse, pre = row.synapse or self.item.synapse, row.pre_component or self.item.pre_component
        for key, name in (("synapse", row.synapse), ("pre_component", row.pre_component)):
            if name is not None:
                synapse_kind(self.context, self.kinds, name, (*path, key), self.name)
        if synapse is None:
            self.context.report(path, f"{self.name}: nothing says which synapse", "synapse: ...")
        if self.form is ELECTRICAL:
            return {"synapse": synapse}
        if pre is None:
            message = f"{self.name}: a graded synapse needs a component at the source"
            self.context.report(path, message, "pre_component: <a silentSynapse>")
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
        context, name = self.context, self.name
        synapse = self.kinds.get(row.synapse or self.item.synapse or "")
        check_weight(context, row.weight, synapse, (*path, "weight"), name)
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
