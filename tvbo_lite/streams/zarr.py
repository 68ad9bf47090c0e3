"""Zarr stores: a folder with a file for each piece of an array.

They are of format 2 with xarray's names of dimensions, which every version of zarr and xarray reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvbo_lite.stores import need_zarr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.streams.growing import Growing

__all__ = ["Writer", "require"]

DIMS = "_ARRAY_DIMENSIONS"


def require() -> None:
    """Raises `UnsupportedError` where the package is missing."""
    need_zarr()


class _Column:
    def __init__(self, array: Any) -> None:
        self.array = array

    def write(self, first: int, values: NDArray[np.generic]) -> None:
        end = first + len(values)
        if end > self.array.shape[0]:
            self.array.resize((end, *self.array.shape[1:]))
        self.array[first:end] = values

    def cut(self, length: int) -> None:
        if length != self.array.shape[0]:
            self.array.resize((length, *self.array.shape[1:]))


class Writer:
    """A new store in the folder ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.group = need_zarr().open_group(path, mode="w", zarr_format=2)

    def fixed(self, name: str, dim: str, values: NDArray[np.generic]) -> None:
        self.group.create_array(name, data=values, fill_value=None, attributes={DIMS: [dim]})

    def growing(self, array: Growing) -> _Column:
        about: dict[str, Any] = {DIMS: list(array.dims), **array.attributes}
        made = self.group.create_array(
            array.name,
            shape=array.shape,
            chunks=array.piece,
            dtype=array.kind,
            fill_value=None,
            attributes=about,
        )  # without a fill value: readers would take it for a missing one
        return _Column(made)

    def close(self, attributes: Mapping[str, Any]) -> None:
        """With all descriptions in one place, which readers look at first."""
        self.group.attrs.update(dict(attributes))
        need_zarr().consolidate_metadata(str(self.path), zarr_format=2)

    def abandon(self) -> None:
        """Nothing is open."""
