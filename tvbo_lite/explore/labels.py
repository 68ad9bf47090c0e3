"""The result of a sweep as labelled data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from tvbo_lite.explore.run import Swept
    from tvbo_lite.explore.space import SweepAxis

__all__ = ["labelled"]

SET = "set"  # the dimension of sets side by side
TAKEN = frozenset({"time", "variable", "quantity", "units", SET})


def labelled(
    swept: Swept, axes: tuple[SweepAxis, ...], mode: str, dim: str, name: str | None
) -> xr.DataArray:
    """The traces of a sweep.

    Dimensions: in mode ``product`` one for each axis, by its short name (by its path where two are alike),
    in mode ``zip`` ``set``; then ``time`` (s) and ``dim``. Coordinates: the values of each axis, with its
    unit and path as attributes; ``units``, the SI symbol of each trace.
    """
    names = _axis_names(axes)
    zipped = mode == "zip"
    outer = (SET,) if zipped else names
    coords: dict[str, object] = {
        key: (SET if zipped else key, axis.values, {"units": axis.unit or "1", "path": axis.full})
        for key, axis in zip(names, axes, strict=True)
    }
    symbols = [swept.units.get(quantity, "") for quantity in swept.quantities]
    quantities = [name.rpartition("/")[2] if dim == "variable" else name for name in swept.quantities]
    coords["time"] = ("time", swept.time, {"units": "s"})
    coords[dim] = (dim, np.array(quantities, dtype=np.str_))
    coords["units"] = (dim, np.array(symbols, dtype=np.str_))
    shape = (len(axes[0].values),) if zipped else tuple(len(axis.values) for axis in axes)
    values = swept.values.reshape(*shape, len(swept.time), len(swept.quantities))
    return xr.DataArray(values, coords, (*outer, "time", dim), name)


def _axis_names(axes: tuple[SweepAxis, ...]) -> tuple[str, ...]:
    shorts = [axis.short for axis in axes]
    return tuple(
        axis.full if axis.short in TAKEN or shorts.count(axis.short) > 1 else axis.short for axis in axes
    )
