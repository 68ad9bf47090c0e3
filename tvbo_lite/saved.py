"""Results in files: what `save` writes, what a run writes while it goes on, and how both are read.

Importing this module imports xarray. `tvbo_lite.streams.names` has the names of the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload
from zipfile import BadZipFile

import numpy as np
import xarray as xr

from tvbo_lite.atomic import beside
from tvbo_lite.errors import Problem, ReadError, UnsupportedError
from tvbo_lite.extras import missing
from tvbo_lite.lems.spikes import SpikeTrains
from tvbo_lite.streams import STORES, names
from tvbo_lite.unfailing import Unfailing

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["OpenedLater", "Saved", "load", "names_of", "save"]


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What a file holds: tables of traces by ``(time, quantity)``, spikes, when the run was stopped (s)."""

    tables: tuple[xr.DataArray, ...]
    events: Mapping[str, SpikeTrains] = field(default_factory=dict)
    stopped: float | None = None


def names_of(data: xr.DataArray) -> list[str]:
    """The names of the traces of a table."""
    return [str(name) for name in data[data.dims[1]].values]


def save(target: Path, result: Saved) -> None:
    """Write a file whole or not at all; its ending says how. Raises `UnsupportedError` for another ending."""
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise UnsupportedError(Problem(f"cannot save as '{target.name}'", expected=" or ".join(WRITERS)))
    with beside(target) as new:
        write(new, result)


def load(source: Path, *, later: bool = False) -> Saved:
    """Read a file; with ``later`` traces stay on disk until they are used, where the kind of file allows it.

    Raises `ReadError` for a file that is missing or no result, `UnsupportedError` for another ending or a
    missing library.
    """
    read = READERS.get(source.suffix.lower())
    if read is None:
        raise UnsupportedError(Problem(f"cannot load '{source.name}'", expected=" or ".join(READERS)))
    if not source.exists():
        raise ReadError(Problem(f"no such file: {source}"))
    try:
        return read(source, later)
    except (OSError, KeyError, ValueError, BadZipFile) as problem:
        raise ReadError(Problem(f"{source} holds no saved result: {problem}")) from problem


class OpenedLater:
    """A file that is opened when one of its parts is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tables, self.events = _Tables(self), _Events(self)

    @cached_property
    def saved(self) -> Saved:
        return load(self.path, later=True)


class _Tables(Sequence[xr.DataArray]):
    def __init__(self, file: OpenedLater) -> None:
        self.file = file

    @overload
    def __getitem__(self, place: int) -> xr.DataArray: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[xr.DataArray]: ...
    def __getitem__(self, place: int | slice) -> xr.DataArray | Sequence[xr.DataArray]:
        return self.file.saved.tables[place]

    def __len__(self) -> int:
        return len(self.file.saved.tables)


class _Events(Mapping[str, SpikeTrains]):
    def __init__(self, file: OpenedLater) -> None:
        self.file = file

    def __getitem__(self, name: str) -> SpikeTrains:
        return self.file.saved.events[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.file.saved.events)

    def __len__(self) -> int:
        return len(self.file.saved.events)


# ---- what all kinds share -------------------------------------------------------------------------------


def _about(result: Saved) -> dict[str, Any]:
    """What describes the result besides its arrays, as `tvbo_lite.streams.names` has it."""
    data = result.tables[0]
    name = "" if data.name is None else str(data.name)
    trains = []
    for item in result.events.values():
        cells = range(item.size) if item.cells is None else item.cells.tolist()
        trains.append(names.train(item.name, cells, item.duration, item.start))
    return names.about(name, str(data.dims[1]), len(result.tables), trains, result.stopped)


def _spike_arrays(events: Mapping[str, SpikeTrains]) -> Iterator[tuple[str, str, NDArray[np.generic]]]:
    """The dimension, the name and the values of each array of spikes."""
    for number, item in enumerate(events.values()):
        for (dim, name, _), values in zip(
            names.train_arrays(number), (item.times, item.index), strict=True
        ):  # fmt: skip
            yield dim, name, values


def _events(about: Mapping[str, Any], held: Any) -> dict[str, SpikeTrains]:
    found = {}
    for number, item in enumerate(about.get("events", ())):
        times, index = (name for _, name, _ in names.train_arrays(number))
        cells = item.get("cells")
        found[item["name"]] = SpikeTrains(
            item["name"],
            np.asarray(held[times], dtype=np.float64),
            np.asarray(held[index], dtype=np.int64),
            int(item["size"]),
            float(item["duration"]),
            float(item.get("start", 0.0)),
            None if cells is None else np.array(cells, dtype=np.int64),
        )
    return found


# ---- NumPy ----------------------------------------------------------------------------------------------

_PARTS = ("values", "time", "names", "units")


def _save_npz(path: Path, result: Saved) -> None:
    arrays: dict[str, Any] = {name: values for _, name, values in _spike_arrays(result.events)}
    for number, data in enumerate(result.tables):
        symbols = data.units.values.astype(np.str_)
        parts = (data.values, data.time.values, np.array(names_of(data), dtype=np.str_), symbols)
        arrays |= {names.numbered(name, number): part for name, part in zip(_PARTS, parts, strict=True)}
    first = result.tables[0]
    attrs = {"attrs": dict(first.attrs), "time_attrs": dict(first.time.attrs)}
    about = {**names.read_about(_about(result)), **attrs}
    with path.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)


def _load_npz(path: Path, _: bool) -> Saved:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        dim, tables = about["dim"], []
        for number in range(about.get("tables", 1)):
            values, time, quantities, units = (held[names.numbered(name, number)] for name in _PARTS)
            coords = {
                "time": ("time", time, about["time_attrs"]), dim: (dim, quantities), "units": (dim, units),
            }  # fmt: skip
            name = about["name"] or None
            tables.append(xr.DataArray(values, coords, ("time", dim), name, about["attrs"]))
        return Saved(tuple(tables), _events(about, held), about.get("stopped"))


# ---- text -----------------------------------------------------------------------------------------------


def _save_csv(path: Path, result: Saved) -> None:
    """A header with names and units, then a row for each time; 17 significant digits."""
    if len(result.tables) > 1:
        what = "the traces have rows at different intervals, and a .csv file has one table"
        others = " or ".join(ending for ending in WRITERS if ending != ".csv")
        raise UnsupportedError(Problem(what, expected=f"the ending {others}"))
    data = result.tables[0]
    heads = [f"time [{data.time.attrs.get('units', 's')}]"]
    heads += [
        f"{name} [{unit}]" if unit else name
        for name, unit in zip(names_of(data), data.units.values, strict=True)
    ]
    header = ",".join(f'"{head}"' if "," in head else head for head in heads)
    table = np.column_stack([data.time.values, data.values])
    np.savetxt(path, table, fmt="%.17g", delimiter=",", header=header, comments="", encoding="utf-8")


# ---- NetCDF and Zarr --------------------------------------------------------------------------------------


def _dataset(result: Saved) -> xr.Dataset:
    found: dict[str, Any] = {name: (dim, values) for dim, name, values in _spike_arrays(result.events)}
    for number, data in enumerate(result.tables):
        renamed = {str(name): names.numbered(str(name), number) for name in data.coords}
        found[names.numbered(names.TRACES, number)] = data.rename(renamed)
    return xr.Dataset(found, attrs=_about(result))


def _result(found: xr.Dataset) -> Saved:
    about = names.read_about(found.attrs)
    tables = []
    for number in range(about["tables"]):
        data = found[names.numbered(names.TRACES, number)]
        renamed = {name: str(name).removesuffix(f"_{number}") for name in data.coords if number}
        tables.append(data.rename(renamed).rename(about["name"] or None))
    return Saved(tuple(tables), _events(about, found), about.get("stopped"))


def _save_netcdf(path: Path, result: Saved) -> None:
    """A file that holds the data array alone where there is nothing else."""
    _need_netcdf()
    alone = not (result.events or len(result.tables) > 1 or result.stopped is not None)
    data = result.tables[0] if alone else _dataset(result)
    if "h5netcdf" not in xr.backends.list_engines():
        data.to_netcdf(path)
        return
    with Unfailing(path) as raw:
        file: Any = raw
        data.to_netcdf(file, engine="h5netcdf")


def _load_netcdf(path: Path, later: bool) -> Saved:
    _need_netcdf()
    found = xr.open_dataset(path) if later else xr.load_dataset(path)
    if names.TRACES in found:
        return _result(found)
    found.close()
    return Saved((xr.load_dataarray(path),))


def _save_zarr(path: Path, result: Saved) -> None:
    _need_zarr()
    _dataset(result).to_zarr(path, mode="w", zarr_format=2, consolidated=True)


def _load_zarr(path: Path, later: bool) -> Saved:
    _need_zarr()
    found = xr.open_zarr(path, chunks=None, consolidated=True)
    return _result(found if later else found.load())


def _need_netcdf() -> None:
    """Raise `UnsupportedError` where xarray finds no library that reads and writes NetCDF."""
    if not {"netcdf4", "h5netcdf", "scipy"} & set(xr.backends.list_engines()):
        raise missing("h5netcdf", "NetCDF files", instead="use the ending .npz")


def _need_zarr() -> None:
    from importlib import import_module

    import_module(STORES[".zarr"]).require()


WRITERS: dict[str, Callable[[Path, Saved], None]] = {
    ".npz": _save_npz,
    ".nc": _save_netcdf,
    ".zarr": _save_zarr,
    ".csv": _save_csv,
}
READERS: dict[str, Callable[[Path, bool], Saved]] = {
    ".npz": _load_npz,
    ".nc": _load_netcdf,
    ".zarr": _load_zarr,
}
