"""Files and folders of arrays: the doors to zarr and h5py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.extras import install, needed

__all__ = ["is_whole", "need_h5py", "need_zarr"]

_HEADER = 16  # bytes, of which the last four tell the size of a chunk (Blosc chunk format)


def need_h5py() -> Any:
    """The package h5py. Raises `UnsupportedError` where it is missing."""
    with needed("h5py", "HDF5 files"):
        import h5py
    return h5py


def need_zarr() -> Any:
    """The package zarr. Raises `UnsupportedError` where it is missing, or too old to write chunks whole."""
    with needed("zarr", "Zarr stores"):
        import zarr
    if tuple(map(int, zarr.__version__.split(".")[:2])) < (3, 1):
        what = f"Zarr stores need zarr 3.1 or later; zarr {zarr.__version__} is installed"
        raise UnsupportedError(Problem(what, hint=install("zarr")))
    return zarr


def is_whole(chunk: Path, array: Any) -> bool:
    """Whether the file of a chunk of an array is as long as it says; mostly a damaged one is not."""
    size = chunk.stat().st_size
    if not any("blosc" in repr(one).lower() for one in array.compressors):
        return size > 0
    with chunk.open("rb") as file:
        header = file.read(_HEADER)
    return len(header) == _HEADER and int.from_bytes(header[-4:], "little") == size
