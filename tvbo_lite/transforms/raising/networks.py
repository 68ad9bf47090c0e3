"""A network as the dialect lists it: populations, projections, inputs, and the rest in its generic form."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tvbo_lite.lems.renamed import can_be_id
from tvbo_lite.transforms.raising.components import parts, standalone
from tvbo_lite.transforms.raising.inputs import input_list, single_input
from tvbo_lite.transforms.raising.populations import Group, population
from tvbo_lite.transforms.raising.projections import projection, single_connection
from tvbo_lite.transforms.raising.texts import Labels, numbers, said

if TYPE_CHECKING:
    from tvbo_lite.lems import model as lems
    from tvbo_lite.transforms.raising.context import Context

__all__ = ["is_network", "network", "surroundings"]

SECTIONS = ("populations", "projections", "inputs", "components")
_TAG = "network"


def is_network(context: Context, item: lems.Component) -> bool:
    """Whether a component can be the ``network``: it is one, by its usual element, and not empty."""
    kind = context.kind(item)
    named = item.id is not None and can_be_id(item.id)
    usual = item.tag == _TAG and item.type != _TAG and bool(item.children)
    plain = usual and named and item.extends is None and context.knows(item, item.attributes)
    return context.core and kind is not None and kind.is_a(_TAG) and plain


def network(context: Context, item: lems.Component) -> dict[str, Any]:
    """The keys of ``network`` for a network element, but for its dynamics."""
    members = _Members(context, item)
    for child in item.children:
        members.add(child)
    head = said(
        name=item.id,
        description=context.about(item.location),
        iri=context.iri(item.type) if item.type else None,
        parameters=numbers(item.attributes),
    )
    return {**head, **said(**members.sections()), **said(order=members.order())}


def surroundings(context: Context, item: lems.Component) -> tuple[dict[str, Any], lems.Component] | None:
    """The component in which a network stands as its last part, and that network; None for any other."""
    inner = item.children[-1] if item.children else None
    alone = sum(child.tag == _TAG for child in item.children) == 1
    if inner is None or inner.tag != _TAG or not alone or not is_network(context, inner) or item.id is None:
        return None
    kind = context.kind(item)
    data = standalone(context, item)
    data.pop("components", None)
    rest = said(components=parts(context, item.children[:-1], kind))
    return {"name": item.id, **data, **rest}, inner


class _Members:
    """The members of a network, each in its section."""

    def __init__(self, context: Context, item: lems.Component) -> None:
        self.context = context
        self.kind = context.kind(item)
        self.groups: dict[str, Group] = {}
        self.found: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        self.sequence: list[tuple[str, str]] = []  # section and name, in the order of the document
        self.labels = Labels([*(child.id for child in item.children), *SECTIONS])
        self.generic: list[lems.Component] = []

    def add(self, child: lems.Component) -> None:
        """One more member; the generic form takes those that fit no other."""
        section, name, data = self._member(child)
        if name in self.found[section]:  # an id that is there twice: told where the parts are made
            section, data = "components", None
        if data is None:
            self.generic.append(child)
            name = child.id or ""
            section = "components"
        else:
            self.found[section][name] = data
        self.sequence.append((section, name))

    def _member(self, child: lems.Component) -> tuple[str, str, dict[str, Any] | None]:
        made = population(self.context, child)
        if made is not None:
            self.groups[made[0].id] = made[0]
            return "populations", made[0].id, made[1]
        listed = projection(self.context, child, self.groups)
        if listed is not None:
            return "projections", child.id or "", listed
        targets = input_list(self.context, child, self.groups)
        if targets is not None:
            return "inputs", child.id or "", targets
        for section, single in (("projections", single_connection), ("inputs", single_input)):
            found = single(self.context, child, self.groups)
            if found is not None:
                return section, self.labels.new(found[0]), found[1]
        return "components", "", None

    def sections(self) -> dict[str, dict[str, Any]]:
        """The members by section."""
        self.found["components"] = parts(self.context, self.generic, self.kind)
        return self.found

    def order(self) -> list[str]:
        """The order of the document: sections, and names where a section is not in one place; [] if usual."""
        sections = [section for section, _ in self.sequence]
        if sections == sorted(sections, key=SECTIONS.index):
            return []
        generic = iter(self.found["components"])
        runs = [
            (section, [next(generic) if section == "components" else name for _, name in run])
            for section, run in groupby(self.sequence, key=itemgetter(0))
        ]
        once = {section for section in SECTIONS if sum(other == section for other, _ in runs) == 1}
        return [name for section, run in runs for name in ([section] if section in once else run)]
