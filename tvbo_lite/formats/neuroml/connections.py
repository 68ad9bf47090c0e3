"""Connections and inputs that stand alone in a network, as members of projections and of lists.

``synapticConnectionWD``, which only LEMS has, does what a ``connectionWD`` does inside a projection; so do
``synapticConnection`` and ``connection``, ``explicitInput`` and the ``input`` of a list (NeuroML core
types, Networks.xml: both make the same instances at the same places).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from tvbo_lite.lems import model as m

__all__ = ["alone_in_lists", "as_projections"]

_CELL = re.compile(r"(?:\.\./)?((\w+)(?:\[\d+\]|/\d+/\w+))")  # pop[3], or pop/3/cell in a list of cells
_FREE = "destination"  # need not be there


@dataclass(frozen=True, slots=True)
class _Alone:
    """An element that stands alone, and the ``row`` of the ``group`` which does the same.

    ``paths`` are its attributes that name cells, with those of the row and the group's that name populations;
    ``uses`` its attribute for the synapse or input, with the group's; ``kept`` go into the row as they are.
    """

    group: str
    row: str
    paths: Mapping[str, tuple[str, str]]
    uses: tuple[str, str]
    kept: tuple[str, ...] = ()


_ENDS = {
    "from": ("preCellId", "presynapticPopulation"),
    "to": ("postCellId", "postsynapticPopulation"),
}
# The core type of the one with weight and delay does not use its destination.
_WEIGHTED = _Alone("projection", "connectionWD", _ENDS, ("synapse", "synapse"), ("weight", "delay"))
_ALONE = {
    "synapticConnectionWD": _WEIGHTED,
    "synapticConnection": _Alone("projection", "connection", _ENDS, ("synapse", "synapse"), (_FREE,)),
    "explicitInput": _Alone(
        "inputList", "input", {"target": ("target", "population")}, ("input", "component"), (_FREE,)
    ),
}


def as_projections(network: m.Component) -> m.Component:
    """A network whose lone connections with weight and delay are projections, where they can be.

    Neighbours between the same populations with the same synapse become one projection.
    """
    return _gathered(network, {"synapticConnectionWD": _WEIGHTED})


def alone_in_lists(network: m.Component) -> m.Component:
    """A network whose lone connections and inputs are all in projections and lists, where they can be."""
    return _gathered(network, _ALONE)


def _gathered(network: m.Component, known: Mapping[str, _Alone]) -> m.Component:
    if not any(child.tag in known for child in network.children):
        return network
    taken = {child.id for child in network.children if child.id is not None}
    children: list[m.Component] = []
    for ends, items in groupby(network.children, _ends(known)):
        group = list(items)
        children += [_group(known[ends[0]], ends[1:], group, taken)] if ends else group
    return replace(network, children=tuple(children))


def _ends(known: Mapping[str, _Alone]) -> Callable[[m.Component], tuple[str, ...] | None]:
    """What a lone element is, its populations and what it uses; None for all that stays as it is."""

    def ends(item: m.Component) -> tuple[str, ...] | None:
        alone, given = known.get(item.tag), item.attributes
        if alone is None or item.id is not None or item.type is not None or item.children:
            return None
        needed = {*alone.paths, alone.uses[0], *alone.kept} - {_FREE}
        if set(given) - {*needed, _FREE} or not needed <= set(given):
            return None
        cells = [_CELL.fullmatch(given[name]) for name in alone.paths]
        populations = [cell[2] for cell in cells if cell]
        return (item.tag, *populations, given[alone.uses[0]]) if len(populations) == len(cells) else None

    return ends


def _group(alone: _Alone, ends: tuple[str, ...], items: list[m.Component], taken: set[str]) -> m.Component:
    name = "_".join(ends)
    while name in taken:
        name += "_"
    taken.add(name)
    names = (*(population for _, population in alone.paths.values()), alone.uses[1])
    attributes = dict(zip(names, ends, strict=True))
    rows = tuple(_rows(alone, items))
    return m.Component(alone.group, name, attributes=attributes, children=rows, location=items[0].location)


def _rows(alone: _Alone, items: list[m.Component]) -> Iterator[m.Component]:
    for number, item in enumerate(items):
        given = item.attributes
        cells = {row: _CELL.sub(r"../\1", given[name]) for name, (row, _) in alone.paths.items()}
        kept = {name: given[name] for name in alone.kept if name in given}
        yield m.Component(alone.row, str(number), attributes=cells | kept, location=item.location)
