"""Projections and single connections as the dialect lists them; the inverse of `lower.group_projections`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tvbo_lite.transforms.lower.edges import has_several_lists
from tvbo_lite.transforms.lower.groups import is_path
from tvbo_lite.transforms.raising.populations import Group, group_of, index_of, receiving_list
from tvbo_lite.transforms.raising.texts import numbers, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tvbo_lite.lems import model as lems
    from tvbo_lite.transforms.raising.context import Context
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["projection", "single_connection"]


@dataclass(frozen=True, slots=True)
class _Form:
    """The elements of a kind of projection: connections between cells, listed cells, and with a weight."""

    plain: str
    instance: str
    weighted: str
    ends: tuple[str, str]
    segment: str
    follows: Callable[[ResolvedType], bool]  # whether the type of the synapse says that it is this form


_FORMS = {
    "projection": _Form(
        "connection", "connection", "connectionWD", ("preCellId", "postCellId"), "SegmentId",
        lambda kind: not (kind.is_a("gapJunction") or kind.is_a("baseGradedSynapse")),
    ),
    "electricalProjection": _Form(
        "electricalConnection", "electricalConnectionInstance", "electricalConnectionInstanceW",
        ("preCell", "postCell"), "Segment", lambda kind: kind.is_a("gapJunction"),
    ),
    "continuousProjection": _Form(
        "continuousConnection", "continuousConnectionInstance", "continuousConnectionInstanceW",
        ("preCell", "postCell"), "Segment", lambda _: True,  # it has a component at the source
    ),
}  # fmt: skip
_EVENTS = _FORMS["projection"]
_SINGLE = ("synapticConnection", "synapticConnectionWD")


def projection(context: Context, item: lems.Component, groups: dict[str, Group]) -> dict[str, Any] | None:
    """A projection element; None where it has something that only the generic form can say."""
    form = _FORMS.get(item.tag)
    texts = dict(item.attributes)
    source = groups.get(texts.pop("presynapticPopulation", ""))
    target = groups.get(texts.pop("postsynapticPopulation", ""))
    if form is None or item.type or item.id is None or source is None or target is None:
        return None
    synapse, pre = _between(form, item, texts)
    kind = context.kinds.get(synapse or "")
    if synapse is not None and kind is None:
        return None
    if not context.knows(item, texts):
        return None
    rows = _Rows(context, groups, form, source, target, synapse, pre).all(item.children)
    if rows is None:
        return None
    follows = kind is not None and form.follows(kind)
    return said(
        description=context.about(item.location),
        iri=None if follows else context.iri(item.tag),
        source=source.id,
        target=target.id,
        synapse=synapse,
        pre_component=pre,
        parameters=numbers(texts),
        anonymous=True if item.children and item.children[0].id is None else None,
        connections=rows,
    )


def _between(form: _Form, item: lems.Component, texts: dict[str, str]) -> tuple[str | None, str | None]:
    """The synapse of a projection, and the component at its source: those of its first connection."""
    if form is _EVENTS:
        return texts.pop("synapse", None), None
    first = item.children[0].attributes if item.children else {}
    return first.get("synapse", first.get("postComponent")), first.get("preComponent")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes the rows of one projection."""

    context: Context
    groups: dict[str, Group]
    form: _Form
    source: Group
    target: Group
    synapse: str | None
    pre: str | None

    def all(self, items: Sequence[lems.Component]) -> list[dict[str, Any]] | None:
        """The rows; None where one cannot be written as such."""
        if len({item.id is None for item in items}) > 1:
            return None
        found = []
        for place, item in enumerate(items):
            row = self._row(place, item)
            if row is None:
                return None
            found.append(row)
        return found

    def _row(self, place: int, item: lems.Component) -> dict[str, Any] | None:
        form, texts = self.form, dict(item.attributes)
        row = self._ends(texts, by_index=item.tag == form.plain != form.instance)
        row |= said(weight=texts.pop("weight", None))
        if form is _EVENTS:
            row |= said(delay=texts.pop("delay", None))
            if len({"weight", "delay"} & row.keys()) == 1:  # YAML would fill in the other
                return None
            row |= self._destination(texts.pop("destination", None), item.tag)
        row |= self._components(texts)
        row |= self._places(texts)
        row |= said(
            id=None if item.id == str(place) else item.id,
            iri=None if item.tag == self._usual(row) else self.context.iri(item.tag),
        )
        whole = not (texts or item.type or item.children)
        return row if whole and None not in (row["pre"], row["post"]) else None

    def _ends(self, texts: dict[str, str], *, by_index: bool) -> dict[str, Any]:
        """Both cells by index, or by the path that is written; None for what is neither."""
        found: dict[str, Any] = {}
        groups = (self.source, self.target)
        for key, name, group in zip(("pre", "post"), self.form.ends, groups, strict=True):
            text = texts.pop(name, "")
            if by_index:
                found[key] = text if group.has(text) else None
            else:
                found[key] = index_of(self.groups, group, text)
        return found

    def _usual(self, row: dict[str, Any]) -> str:
        """The element that lowering chooses for a row."""
        if "weight" in row or (self.form is _EVENTS and "delay" in row):
            return self.form.weighted
        listed = any(group.instances is not None for group in (self.source, self.target))
        paths = any(is_path(str(row[end])) for end in ("pre", "post"))
        return self.form.instance if listed or paths else self.form.plain

    def _components(self, texts: dict[str, str]) -> dict[str, Any]:
        """What differs from the projection's synapse and component at the source."""
        if self.form is _EVENTS:
            return {}
        pre = texts.pop("preComponent", None)
        synapse = texts.pop("synapse" if "synapse" in texts else "postComponent", None)
        return said(
            synapse=None if synapse == self.synapse else synapse,
            pre_component=None if pre == self.pre else pre,
        )

    def _places(self, texts: dict[str, str]) -> dict[str, Any]:
        segment = self.form.segment
        return said(
            pre_segment=texts.pop(f"pre{segment}", None),
            pre_fraction=texts.pop("preFractionAlong", None),
            post_segment=texts.pop(f"post{segment}", None),
            post_fraction=texts.pop("postFractionAlong", None),
        )

    def _destination(self, text: str | None, tag: str) -> dict[str, Any]:
        if text is not None:
            return {"destination": text}
        filled = tag != self.form.weighted and has_several_lists(self.target.kind)
        return {"destination": ""} if filled else {}


def single_connection(
    context: Context, item: lems.Component, groups: dict[str, Group]
) -> tuple[str, dict[str, Any]] | None:
    """A connection between two cells, with a label for it; None as in `projection`."""
    texts = dict(item.attributes)
    ends = [texts.pop(name, "") for name in ("from", "to")]
    source, target = (group_of(groups, text) for text in ends)
    synapse = texts.pop("synapse", None)
    kind = context.kinds.get(synapse or "")
    weighted = item.tag == _SINGLE[1]
    strength = said(weight=texts.pop("weight", None), delay=texts.pop("delay", None))
    if item.tag not in _SINGLE or item.id or item.type or item.children or source is None or target is None:
        return None
    if kind is None or len(strength) != (2 if weighted else 0):
        return None
    destination = texts.pop("destination", None)
    if not context.knows(item, texts):
        return None
    has_list = "destination" in context.types.get(item.tag).texts
    usual = receiving_list(target.kind, kind) if has_list else None
    data = said(
        description=context.about(item.location), source=ends[0], target=ends[1], synapse=synapse, **strength
    )
    if destination != usual:
        data["destination"] = destination or ""
    return f"{source.id}_{target.id}", {**data, **said(parameters=numbers(texts))}
