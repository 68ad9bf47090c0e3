"""NetCDF files (version 4, which is HDF5), the one door to the package ``h5netcdf``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvbo_lite.extras import needed
from tvbo_lite.unfailing import Unfailing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.streams.growing import Growing

__all__ = ["Writer", "require"]


def require() -> Any:
    """The package. Raises `UnsupportedError` where it is missing."""
    with needed("h5netcdf", "NetCDF files", instead="write a .zarr"):
        import h5netcdf
    return h5netcdf


class _Column:
    def __init__(self, file: Any, raw: Unfailing, variable: Any) -> None:
        self.file, self.raw, self.variable = file, raw, variable

    def write(self, first: int, values: NDArray[np.generic]) -> None:
        end = first + len(values)
        self.cut(max(end, self.variable.shape[0]))
        self.variable[first:end] = values
        self.raw.check()

    def cut(self, length: int) -> None:
        dim = self.variable.dimensions[0]
        if length != self.file.dimensions[dim].size:
            self.file.resize_dimension(dim, length)
            self.raw.check()


class Writer:
    """A new file at ``path``; the first dimension of what grows has no limit."""

    def __init__(self, path: Path) -> None:
        self.raw = Unfailing(path)
        self.file = require().File(self.raw, "w")

    def fixed(self, name: str, dim: str, values: NDArray[np.generic]) -> None:
        import numpy as np

        if dim not in self.file.dimensions:
            self.file.dimensions[dim] = len(values)
        text = np.dtype("O", metadata={"vlen": str})  # which is how h5py knows texts of any length
        variable = self.file.create_variable(name, (dim,), text)
        variable[:] = values.astype(object)
        self.raw.check()

    def growing(self, array: Growing) -> _Column:
        if array.dims[0] not in self.file.dimensions:
            self.file.dimensions[array.dims[0]] = None
        variable = self.file.create_variable(array.name, array.dims, array.kind, chunks=array.piece)
        variable.attrs.update(array.attributes)
        self.raw.check()
        return _Column(self.file, self.raw, variable)

    def close(self, attributes: Mapping[str, Any]) -> None:
        self.file.attrs.update(attributes)
        self.abandon()

    def abandon(self) -> None:
        self.file.close()
        self.raw.close()
