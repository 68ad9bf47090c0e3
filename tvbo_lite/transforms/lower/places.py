"""Where the instances of a population are: as listed, on a grid, or drawn. All lengths are in µm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.schema.populations import Point
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.schema import Parameter
    from tvbo_lite.schema.populations import Population
    from tvbo_lite.schema.rules import Layout
    from tvbo_lite.transforms.lower.context import Context, Path

    Values = NDArray[np.float64]

__all__ = ["AXES", "micrometres", "positions_of"]

AXES = ("x", "y", "z")
_MOST = 1_000_000  # places, each of which is an object
_LAYOUT = ("grid", "spacing", *AXES, "seed")
_MICROMETRE = 1e-6


def positions_of(context: Context, item: Population, path: Path) -> Mapping[str, Point | None]:
    """The place of each instance by its id; none where nothing says it. What is wrong is reported."""
    layout, name = item.layout, item.name
    if layout is None:
        return item.positions
    here = (*path, "layout")
    if item.positions:
        context.report(here, f"{name}: both 'positions' and a 'layout'", "one of them")
        return item.positions
    refuse_rest(layout, _LAYOUT, here, f"{name}: layout", context)
    size = _size(context, item, layout, path)
    if size is not None and size > _MOST:
        context.report(path, f"{name}: a layout of {size} places", f"at most {_MOST}")
        return {}
    if size is None:
        return {}
    columns = [_coordinate(context, layout, axis, name, size=size, path=here) for axis in AXES]
    on_grid = _grid(context, layout, name, here)
    if on_grid is not None:
        columns = [column + more for column, more in zip(columns, on_grid, strict=True)]
    texts = ([repr(value) for value in column.tolist()] for column in columns)
    rows = enumerate(zip(*texts, strict=True))
    return {str(index): Point.model_construct(x=x, y=y, z=z) for index, (x, y, z) in rows}


def micrometres(item: Population, positions: Mapping[str, Point | None]) -> Values | None:
    """The places as an array, shape ``(size, 3)``; None where there are none, or one is not given."""
    import numpy as np

    points = list(positions.values())
    if not points:
        return None if item.layout is None else np.zeros((0, len(AXES)))
    try:
        places = np.array([[float(getattr(point, axis)) for axis in AXES] for point in points])
    except (ValueError, AttributeError):  # a text that is no number has been reported
        return None
    return places if np.isfinite(places).all() else None


def _size(context: Context, item: Population, layout: Layout, path: Path) -> int | None:
    """How many instances there are; None, and a problem, where that is not said, or said in two ways."""
    if not layout.grid:
        if item.size is None:
            message = f"{item.name}: nothing says how many instances there are"
            context.report(path, message, "'size', or the 'grid' of the layout")
        return item.size if item.size is not None and item.size >= 0 else None
    if len(layout.grid) > len(AXES):
        place = (*path, "layout", "grid")
        context.report(place, f"{item.name}: a grid of {len(layout.grid)} axes", "at most 3: x, y, z")
        return None
    size = math.prod(layout.grid)
    if item.size not in (None, size):
        shown = " x ".join(map(str, layout.grid))
        message = f"{item.name}: the size is {item.size}, but the grid has {shown} = {size} places"
        context.report((*path, "size"), message, f"{size}, or no size")
        return None
    return size


def _grid(context: Context, layout: Layout, name: str, path: Path) -> list[Values] | None:
    """The coordinates of the places of a grid, x running first; None where there is none."""
    import numpy as np

    if not layout.grid:
        if layout.spacing:
            context.report((*path, "spacing"), f"{name}: 'spacing' without 'grid'", "grid: [..., ...]")
        return None
    apart = layout.spacing * len(layout.grid) if len(layout.spacing) == 1 else layout.spacing
    if len(apart) != len(layout.grid) or min(apart) <= 0:
        found = ", ".join(f"{one:g}" for one in layout.spacing) or "not given"
        message = f"{name}: the spacing of the grid is {found}"
        expected = f"a number above 0 (in µm), or {len(layout.grid)} of them"
        context.report((*path, "spacing"), message, expected)
        return None
    if not all(math.isfinite(count * float(step)) for count, step in zip(layout.grid, apart, strict=True)):
        message = f"{name}: the grid reaches to inf"
        context.report((*path, "spacing"), message, "places that are numbers")
        return None
    axes = [np.arange(count) * float(step) for count, step in zip(layout.grid, apart, strict=True)]
    axes += [np.zeros(1)] * (len(AXES) - len(axes))
    z, y, x = np.meshgrid(*reversed(axes), indexing="ij")
    return [x.ravel(), y.ravel(), z.ravel()]


def _coordinate(context: Context, layout: Layout, axis: str, name: str, *, size: int, path: Path) -> Values:
    """One number for each instance; 0 where nothing is said, or what is said is wrong."""
    import numpy as np

    from tvbo_lite.transforms.expand.distributions import draw

    item: Parameter | None = getattr(layout, axis)
    if item is None:
        return np.zeros(size)
    what, here = f"{name}: {axis}", (*path, axis)
    refuse_rest(item, ("value", "unit", "distribution"), here, what, context)
    if item.distribution is not None:
        chosen = item.distribution
        if chosen.seed is None:
            chosen = chosen.model_copy(update={"seed": layout.seed})
        drawn = draw(chosen, f"{name}.{axis}", size, (*here, "distribution"), context)
        return np.zeros(size) if drawn is None else drawn * _scale(context, item.unit, here, what)
    return _given(context, item, what, size=size, path=here)


def _given(context: Context, item: Parameter, what: str, *, size: int, path: Path) -> Values:
    import numpy as np

    if isinstance(item.value, str):  # with its unit, such as '0.2 m'
        try:
            return np.full(size, context.units.value(item.value, "length") / _MICROMETRE)
        except UnitError as error:
            context.report(path, f"{what}: {error}", kind=UnitError)
            return np.zeros(size)
    values = item.value if isinstance(item.value, list) else [item.value] * size
    numeric = all(isinstance(one, int | float) and math.isfinite(one) for one in values)
    if len(values) != size or not numeric:
        found = f"{len(values)} values for {size} instances" if numeric else "not all values are numbers"
        context.report(path, f"{what}: {found}", f"a number, or a list of {size}")
        return np.zeros(size)
    return np.array(values, dtype=np.float64) * _scale(context, item.unit, path, what)


def _scale(context: Context, unit: str | None, path: Path, what: str) -> float:
    """A unit of length in µm; 1, and a problem, where it is none."""
    if unit is None:
        return 1.0
    try:
        return context.units.value(f"1 {unit}", "length") / _MICROMETRE
    except UnitError as error:
        context.report(path, f"{what}: {error}", kind=UnitError)
        return 1.0
