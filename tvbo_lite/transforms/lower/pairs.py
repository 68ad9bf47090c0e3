"""The connections of couplings by equations: an outlet of one node, and a term at an input of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.lems import model as lems
from tvbo_lite.schema import Parameter
from tvbo_lite.transforms.lower.attributes import attributes
from tvbo_lite.transforms.lower.coupling_types import (
    END,
    OUTLET,
    SEEN,
    WEIGHT,
    inside,
    pair_type,
    term_type,
)
from tvbo_lite.transforms.lower.edges import DELAY, edge_parameters

if TYPE_CHECKING:
    from tvbo_lite.schema import Edge
    from tvbo_lite.transforms.lower.bonds import Bond
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.equations import Lowering
    from tvbo_lite.transforms.lower.population import Place, Population

__all__ = ["Pairs"]

_END_ID = "coupled_end"


@dataclass(slots=True)
class Pairs:
    """The pairs of a network under construction, in the order of the edges."""

    context: Lowering
    populations: Mapping[str, Population]
    add: Callable[[Iterable[lems.Component], Path], None]
    found: list[lems.Component] = field(default_factory=list)
    _ranks: dict[str, int] = field(default_factory=dict)
    _terms: dict[tuple[Bond, bool], str | None] = field(default_factory=dict)

    def connect(self, source: Place, target: Place, edge: Edge, path: Path) -> None:
        """Add the pairs of an edge, one for each coupling that it goes through."""
        couplings = self.context.couplings
        for bond in couplings.of_edge[path] if couplings else ():
            # the past needs no copy, and is the same wherever the source stands
            before = not bond.late and self._order(source) < self._order(target)
            term = self._term(bond, path, before=before)
            if term is None:
                continue
            what = f"edge {edge.source} to {edge.target}"
            given = self._strength(bond, edge, path)
            kind = pair_type(self.context, bond.weight, late=bond.late)
            bare = replace(self.context.types.get(kind.name), references={})
            texts = {
                "from": f"{source.path}/{SEEN if before else OUTLET}",
                "to": f"{target.path}/{bond.port.slot}",
                "sourceEnd": _END_ID,
                "targetEnd": term,
                **attributes(self.context, bare, given, path, what),
            }
            if bond.late:
                self._note(term, texts, given[DELAY][1])
            where = self.context.locate(path)
            self.found.append(lems.Component(kind.name, attributes=texts, location=where))

    def _note(self, term: str, texts: Mapping[str, str], place: Path) -> None:
        """How late an edge is, unless its delay is no time, which has been reported."""
        try:
            self.context.lag(term, self.context.units.value(texts[DELAY], "time"), place)
        except (KeyError, UnitError):
            self.context.lag(term, 0.0, place)

    def _strength(self, bond: Bond, edge: Edge, path: Path) -> dict[str, tuple[Parameter, Path]]:
        """The weight of an edge, 1 where it has none, and the delay, in `time_scale` where it has no unit."""
        parameters = edge_parameters(edge, path)
        given = {WEIGHT: parameters.get(WEIGHT, (Parameter(value=1), path))}
        if bond.late:
            delay, place = parameters[DELAY]
            if not isinstance(delay.value, str):
                delay = delay.model_copy(update={"unit": delay.unit or self.context.time_scale})
            given[DELAY] = delay, place
        return given

    def arranged(self) -> list[Population]:
        """The populations in the order in which they advance: as they come, but those that pass on in the
        same step what they receive before those that they pass it on to.
        """
        left, found = list(self.populations.values()), []
        bonds = self.context.couplings.bonds if self.context.couplings else ()
        before = {(bond.source, bond.port.target) for bond in bonds if self._passes_on(bond)}
        while before and left:
            waiting = {late for early, late in before if any(item.dynamics == early for item in left)}
            free = next((item for item in left if item.dynamics not in waiting), left[0])
            left.remove(free)
            found.append(free)
        return [*found, *left]

    def _passes_on(self, bond: Bond) -> bool:
        """Whether what is read depends at the same moment on what the source receives."""
        couplings = self.context.couplings
        source = self.context.equations.get(couplings.named[bond.source][1]) if couplings else None
        if source is None or bond.late or bond.source == bond.port.target:
            return False
        return any(inside(source, name) is None for name in bond.variables)

    def _order(self, place: Place) -> tuple[int, int]:
        """When the node advances in a step."""
        name = place.population.id if place.population else ""
        if name not in self._ranks:
            self._ranks = {item.id: number for number, item in enumerate(self.arranged())}
        return self._ranks[name], place.first

    def _term(self, bond: Bond, path: Path, *, before: bool) -> str | None:
        """The id of the term's component; None where its type could not be made."""
        key = (bond, before)
        if key not in self._terms:
            self._terms[key] = self._made(bond, path, before=before)
        return self._terms[key]

    def _made(self, bond: Bond, path: Path, *, before: bool) -> str | None:
        couplings, equations = self.context.couplings, self.context.equations
        if couplings is None:
            return None
        ends = [equations.get(couplings.named[name][1]) for name in (bond.source, bond.port.target)]
        source, target = ends
        if source is None or target is None:  # a problem that was reported
            return None
        kind = term_type(self.context, couplings, bond, source, target, before=before, path=path)
        self.add([lems.Component(END.name, _END_ID), lems.Component(kind.name, kind.name)], path)
        return kind.name
