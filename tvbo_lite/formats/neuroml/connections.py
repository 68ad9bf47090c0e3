"""Connections that only LEMS has, as projections, which NeuroML has too.

``synapticConnectionWD`` stands alone in a network; a ``connectionWD`` does the same from inside a
projection (NeuroML core types, Networks.xml: both connect with the same delay, weight and synapse).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from tvbo_lite.lems import model as m

__all__ = ["as_projections"]

_ALONE = "synapticConnectionWD"
_KNOWN = {"from", "to", "synapse", "destination", "weight", "delay"}  # the core type does not use destination
_CELL = re.compile(r"(?:\.\./)?((\w+)(?:\[\d+\]|/\d+/\w+))")  # pop[3], or pop/3/cell in a list of cells


def as_projections(network: m.Component) -> m.Component:
    """A network whose lone connections with weight and delay are projections, where they can be.

    Neighbours between the same populations with the same synapse become one projection.
    """
    if not any(child.tag == _ALONE for child in network.children):
        return network
    taken = {child.id for child in network.children if child.id is not None}
    children: list[m.Component] = []
    for ends, items in groupby(network.children, _ends):
        group = list(items)
        children += [_projection(ends, group, taken)] if ends else group
    return replace(network, children=tuple(children))


def _ends(item: m.Component) -> tuple[str, str, str] | None:
    """The two populations and the synapse of a lone connection; None for all that stays as it is."""
    given = item.attributes
    if item.tag != _ALONE or item.id is not None or item.type is not None or item.children:
        return None
    if set(given) - _KNOWN or not {"from", "to", "synapse", "weight", "delay"} <= set(given):
        return None
    one, other = _CELL.fullmatch(given["from"]), _CELL.fullmatch(given["to"])
    return (one[2], other[2], given["synapse"]) if one and other else None


def _projection(ends: tuple[str, str, str], group: list[m.Component], taken: set[str]) -> m.Component:
    name = "_".join(ends)
    while name in taken:
        name += "_"
    taken.add(name)
    attributes = {"presynapticPopulation": ends[0], "postsynapticPopulation": ends[1], "synapse": ends[2]}
    place = group[0].location
    return m.Component(
        "projection", name, attributes=attributes, children=tuple(_connections(group)), location=place
    )


def _connections(group: list[m.Component]) -> Iterator[m.Component]:
    for number, item in enumerate(group):
        cells = {
            "preCellId": _CELL.sub(r"../\1", item.attributes["from"]),
            "postCellId": _CELL.sub(r"../\1", item.attributes["to"]),
        }
        chosen = {name: item.attributes[name] for name in ("weight", "delay")}
        yield m.Component("connectionWD", str(number), attributes=cells | chosen, location=item.location)
