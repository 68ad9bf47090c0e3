"""Libraries that only some uses need: the extra that brings each, and what is said where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tvbo_lite.errors import Problem, UnsupportedError

__all__ = ["EXTRAS", "install", "missing", "needed"]

EXTRAS = {
    "distributed": "dask",
    "h5netcdf": "netcdf",
    "h5py": "hdf5",
    "neo": "neo",
    "plotly": "html",
    "zarr": "zarr",
}


def install(package: str) -> str:
    """The command that installs an optional package."""
    return f"pip install 'tvbo-lite[{EXTRAS[package]}]'"


def missing(package: str, use: str, *, why: str = "is not installed", instead: str = "") -> UnsupportedError:
    """The error where ``use`` (``"Zarr stores"``) needs a package; ``instead``: what to do without it."""
    hint = f"{install(package)}, or {instead}" if instead else install(package)
    return UnsupportedError(Problem(f"{use} need the package {package}, which {why}", hint=hint))


@contextmanager
def needed(package: str, use: str, *, instead: str = "") -> Iterator[None]:
    """Stands around the import of an optional package, at its door.

    Raises:
        UnsupportedError: the package is not there, or cannot be loaded; see `missing`.
    """
    try:
        yield
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package
        why = "is not installed" if absent else f"cannot be loaded: {error}"
        raise missing(package, use, why=why, instead=instead) from error
