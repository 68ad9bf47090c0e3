"""The result of a sweep as labelled data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.explore.space import SweepAxis

__all__ = ["Labels", "opened", "write_labels"]

SET = "set"  # the dimension of sets side by side
TRACES = "traces"  # the array of a store
TAKEN = frozenset({"time", "variable", "quantity", "units", SET, TRACES})


@dataclass(frozen=True, slots=True)
class Labels:
    """What the dimensions of a sweep are called.

    In mode ``product`` one for each axis, by its short name (by its path where two are alike), in mode
    ``zip`` ``set``; then ``time`` (s) and ``dim``. ``units`` gives the SI symbol of each quantity. The whole
    array is called ``name``.
    """

    axes: tuple[SweepAxis, ...]
    mode: str
    dim: str
    name: str | None
    units: Mapping[str, str]

    @property
    def dims(self) -> tuple[str, ...]:
        return (*((SET,) if self.mode == "zip" else self._names()), "time", self.dim)

    def coordinates(self, time: NDArray[np.float64], quantities: tuple[str, ...]) -> dict[str, Any]:
        """The values of each axis, with its unit and path as attributes; times; names and units of traces."""
        coords: dict[str, Any] = {
            key: (
                SET if self.mode == "zip" else key,
                axis.values,
                {"units": axis.unit or "1", "path": axis.full},
            )
            for key, axis in zip(self._names(), self.axes, strict=True)
        }
        short = [name.rpartition("/")[2] if self.dim == "variable" else name for name in quantities]
        symbols = [self.units.get(quantity, "") for quantity in quantities]
        coords["time"] = ("time", time, {"units": "s"})
        coords[self.dim] = (self.dim, np.array(short, dtype=np.str_))
        coords["units"] = (self.dim, np.array(symbols, dtype=np.str_))
        return coords

    def labelled(
        self, values: NDArray[np.float64], time: NDArray[np.float64], quantities: tuple[str, ...]
    ) -> xr.DataArray:
        """The traces, shape ``(n_sets, n_times, n_quantities)``."""
        count = len(self.axes[0].values)
        shape = (count,) if self.mode == "zip" else tuple(len(axis.values) for axis in self.axes)
        shaped = values.reshape(*shape, *values.shape[1:])
        return xr.DataArray(shaped, self.coordinates(time, quantities), self.dims, self.name)

    def _names(self) -> tuple[str, ...]:
        shorts = [axis.short for axis in self.axes]
        return tuple(
            axis.full if axis.short in TAKEN or shorts.count(axis.short) > 1 else axis.short
            for axis in self.axes
        )


def write_labels(path: Path, coordinates: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """A new Zarr store that holds coordinates, and attributes of the whole."""
    dataset = xr.Dataset(coords=dict(coordinates), attrs=dict(about))
    dataset.to_zarr(path, mode="w-", zarr_format=2, consolidated=False)


def opened(path: Path, name: str | None) -> xr.DataArray:
    """The traces of a store, read where they are used."""
    dataset: xr.Dataset = xr.open_zarr(path, chunks=None, consolidated=False, decode_times=False)
    return dataset[TRACES].rename(name)
