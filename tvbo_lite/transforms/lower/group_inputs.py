"""Inputs that a document lists itself: onto one cell, or onto cells of a population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.schema.populations import InputTarget
from tvbo_lite.transforms.lower.attributes import attributes, placed
from tvbo_lite.transforms.lower.groups import Group, Groups, is_path, receiving_list, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.schema.populations import Input
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["GroupInputs"]

_SINGLE, _LIST, _MEMBER, _WEIGHTED = "explicitInput", "inputList", "input", "inputW"


@dataclass(slots=True)
class GroupInputs:
    """The inputs of a network; ``kinds`` are the types of the components of ``network.dynamics``."""

    context: Context
    groups: Groups
    kinds: Mapping[str, ResolvedType]

    def lowered(self, name: str, item: Input, path: Path) -> lems.Component | None:
        """The element of an input; None, and a problem, where its source or target is wrong."""
        source = self._source(item.source, (*path, "source"), name)
        if (item.target is None) == (item.population is None):
            message = f"{name}: nothing, or two things, say what receives it"
            self.context.report(path, message, "either 'target' or 'population'")
            return None
        if item.target is not None:
            return self._single(name, item, item.target, source, path)
        return self._list(name, item, source, path)

    def _source(self, name: str, path: Path, what: str) -> ResolvedType | None:
        message = f"{what}: there is no input '{name}' in network.dynamics"
        return self.kinds[name] if self.context.among(name, self.kinds, path, message) else None

    def _single(
        self, name: str, item: Input, target: str, source: ResolvedType | None, path: Path
    ) -> lems.Component | None:
        context = self.context
        if item.to is not None:
            message = f"{name}: 'to' of an input onto one cell"
            context.report((*path, "to"), message, "'population', or 'target' alone")
        group = self.groups.of_path(target, (*path, "target"), name)
        texts = {"target": target, "input": item.source}
        found = self._destination(item.destination, group, source, (*path, "target"), name)
        if source is None:
            return None
        given = {
            **written(path, {**texts, "destination": found}, {"input": "source"}),
            **placed(item.parameters, path),
        }
        kind, where = context.types.get(_SINGLE), context.locate(path)
        return lems.Component(
            _SINGLE, attributes=attributes(context, kind, given, path, name), location=where
        )

    def _list(self, name: str, item: Input, source: ResolvedType | None, path: Path) -> lems.Component | None:
        context = self.context
        group = self.groups.get(item.population or "", (*path, "population"), name)
        if group is None or source is None:
            return None
        usual = self._destination(item.destination, group, source, (*path, "population"), name)
        targets = item.to
        if targets is None:
            targets = [InputTarget(cell=index) for index in group.indices()]
        members = tuple(
            self._member(index, one, group, source, usual=usual, path=(*path, "to", index), what=name)
            for index, one in enumerate(targets)
        )
        given = {
            **written(path, {"component": item.source, "population": group.id}, {"component": "source"}),
            **placed(item.parameters, path),
        }
        texts = attributes(context, context.types.get(_LIST), given, path, name)
        where = context.locate(path)
        return lems.Component(_LIST, name, attributes=texts, children=members, location=where)

    def _member(
        self,
        index: int,
        one: InputTarget,
        group: Group,
        source: ResolvedType | None,
        *,
        usual: str | None,
        path: Path,
        what: str,
    ) -> lems.Component:
        found = self.groups.instance(group, one.cell, (*path, "cell"), what)
        texts = {
            "target": found if is_path(one.cell) else f"../{found}",
            "destination": (usual if one.destination is None else one.destination) or None,
            "segmentId": one.segment,
            "fractionAlong": one.fraction,
            "weight": one.weight,
        }
        if one.weight is not None:
            here = (*path, "weight")
            self.context.quantity(one.weight, "none", here, f"{what}: weight")
            if source is not None and all(item.name != "weight" for item in source.properties):
                self.context.report(here, f"{what}: a {source.name} takes no weight", "no weight")
        return lems.Component(
            _MEMBER if one.weight is None else _WEIGHTED,
            str(index) if one.id is None else one.id,
            attributes={key: text for key, text in texts.items() if text is not None},
            location=self.context.locate(path),
        )

    def _destination(
        self, said: str | None, group: Group | None, source: ResolvedType | None, path: Path, what: str
    ) -> str | None:
        """The list of the cell that takes the input, as it is said or as it fits; '' says that none is."""
        if group is None or source is None:
            return said or None
        fitting = receiving_list(self.context, group, source, path, what=what, said=said)
        return fitting if said is None else said or None
