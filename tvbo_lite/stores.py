"""Zarr stores, folders that hold arrays in chunks: the one door to zarr."""

from __future__ import annotations

from typing import Any

from tvbo_lite.errors import Problem, UnsupportedError

__all__ = ["need_zarr"]


def need_zarr() -> Any:
    """The package zarr. Raises `UnsupportedError` where it is missing, or too old to write chunks whole."""
    try:
        import zarr
    except ImportError as error:
        what = "Zarr stores need the package zarr"
        raise UnsupportedError(Problem(what, hint="pip install 'tvbo-lite[zarr]'")) from error
    if tuple(map(int, zarr.__version__.split(".")[:2])) < (3, 1):
        what = f"Zarr stores need zarr 3.1 or later; zarr {zarr.__version__} is installed"
        raise UnsupportedError(Problem(what, hint="pip install 'tvbo-lite[zarr]'"))
    return zarr
