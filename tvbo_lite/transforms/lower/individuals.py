"""Populations whose cells differ: parameters and initial values that each cell draws, or that are listed.

NeuroML's population has copies of one component. Where cells differ, the population is of a type of its own,
whose members are the cells themselves; their quantities are named alike (``pop[3]/v``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.lems.rows import Children, Column, Rows
from tvbo_lite.transforms.lower.equations import initial_name
from tvbo_lite.transforms.lower.places import AXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.schema import Dynamics, Parameter
    from tvbo_lite.schema.values import Distribution
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["individual_columns", "individuals", "members"]

MEMBERS, PLACE, PLACES = "members", "location", "placesOfCells"


def individual_columns(
    context: Context, dynamics: Dynamics, population: str, size: int, path: Path
) -> dict[str, Column]:
    """The attributes that differ among the cells of a population, with a number for each cell."""
    columns = {}
    for name, unit, source, place in _differing(dynamics, path):
        values = _values(context, source, f"{population}.{name}", size, place)
        if values is not None:
            columns[name] = Column(values, after=f" {unit}" if unit else "")
    return columns


def individuals(
    context: Context,
    name: str,
    kind: ResolvedType,
    fixed: Mapping[str, str],
    columns: Mapping[str, Column],
    *,
    size: int,
    path: Path,
    places: NDArray[np.float64] | None = None,
) -> lems.Component:
    """The population ``name`` of cells of one type, of which ``columns`` differ and ``fixed`` do not.

    ``places``, where given, shape ``(size, 3)`` in µm, stand behind the cells, in their order.
    """
    own, where = _type(context, kind, placed=places is not None), context.locate(path)
    same = {key: text for key, text in fixed.items() if key not in columns}
    parts: list[lems.Component | Rows] = [Rows(kind.name, size, columns, same, location=where)]
    if places is not None:
        axes = {axis: Column(places[:, number]) for number, axis in enumerate(AXES)}
        inside = Children(Rows(PLACE, size, axes, location=where))
        parts.append(lems.Component("places", None, PLACES, children=inside, location=where))
    return lems.Component(own, name, children=Children(*parts), location=where)


def members(
    context: Context, name: str, usual: str, kind: ResolvedType, cells: Iterable[lems.Component]
) -> lems.Component:
    """The population ``name`` of cells of one type, each given as a component; ``usual`` is the one that they
    are variants of.
    """
    children = tuple(replace(cell, id=None) for cell in cells)
    return lems.Component(_type(context, kind), name, attributes={"component": usual}, children=children)


def _type(context: Context, kind: ResolvedType, *, placed: bool = False) -> str:
    """The type of a population whose members are the cells themselves."""
    name = f"{kind.name}{'Placed' if placed else ''}Population"
    slots = [lems.ChildSlot(MEMBERS, kind.name, many=True)]
    if placed:  # apart from the cells, so that these are the population's only list
        inside = lems.ChildSlot("locations", PLACE, many=True)
        context.types.add(lems.ComponentType(PLACES, children=(inside,)))
        slots.append(lems.ChildSlot("places", PLACES))
    context.types.add(lems.ComponentType(name, "basePopulation", children=tuple(slots)))
    return name


def _differing(
    dynamics: Dynamics, path: Path
) -> Iterator[tuple[str, str | None, Distribution | Parameter, Path]]:
    """Attribute, unit, what the values come from, and its place."""
    for key, item in dynamics.parameters.items():
        place = (*path, "parameters", key)
        if item.distribution is not None:
            yield key, item.unit, item.distribution, (*place, "distribution")
        elif item.heterogeneous and isinstance(item.value, list):
            yield key, item.unit, item, place
    for key, state in dynamics.state_variables.items():
        if state.distribution is not None:
            place = (*path, "state_variables", key, "distribution")
            yield initial_name(key), state.unit, state.distribution, place


def _values(
    context: Context, source: Distribution | Parameter, name: str, size: int, path: Path
) -> NDArray[np.float64] | None:
    import numpy as np

    from tvbo_lite.schema import Distribution as Drawn
    from tvbo_lite.transforms.expand.distributions import draw

    if isinstance(source, Drawn):
        return draw(source, name, size, path, context)
    given = source.value
    if not isinstance(given, list) or len(given) != size:
        count = len(given) if isinstance(given, list) else 1
        context.report(path, f"{name}: {count} values for {size} cells", f"a list of {size} values")
        return None
    return np.array(given, dtype=np.float64)
