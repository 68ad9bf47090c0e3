"""The result of a run as labelled data: an `xarray.DataArray` in SI units.

``result.integration.data`` has the dimensions ``(time, quantity)`` for a network and ``(time,
variable)`` for a single node; its coordinates are ``time`` (s), the names, and ``units`` (the SI
symbol of each trace). Traces of populations have the coordinates ``population`` and ``index`` too.
``result.spike_trains("E")`` are the spikes of a population. Importing this module imports xarray; nothing
else in the package does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import xarray as xr

import tvbo_lite
from tvbo_lite.atomic import beside
from tvbo_lite.compare import spike_threshold, spike_times
from tvbo_lite.errors import Problem, ReadError, UnitError, UnsupportedError, nearest
from tvbo_lite.lems.spikes import SpikeTrains, spike_trains
from tvbo_lite.units import convert, factor, symbol_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from tvbo_lite.lems.recording import Recording
    from tvbo_lite.transforms.observe import Observed

__all__ = ["ExperimentResult", "Integration"]


# of a quantity: ``pop[3]/v``, ``net/pop[3]/v`` or ``pop/3/cell/v``
_PLACE = re.compile(r"(?:.*/)?(?P<population>[^/\[\]]+)(?:\[(?P<index>\d+)\]|/(?P<listed>\d+)(?=/[^/]+/))/")


@dataclass(frozen=True, slots=True, eq=False)
class Integration:
    """The traces of one integration."""

    data: xr.DataArray

    def __repr__(self) -> str:
        return _summary("Integration", self.data)

    def _repr_html_(self) -> str:
        html: str = self.data._repr_html_()  # type: ignore[no-untyped-call]
        return html


@dataclass(frozen=True, slots=True, eq=False)
class ExperimentResult:
    """What an experiment gave: its traces, and how long each stage took.

    ``recording`` is the run's plain result with its events; None in a result that was loaded.
    ``observations`` are those that the experiment declares, each with the dimensions ``(time, quantity)``.
    ``events`` are the recorded spikes, by population or event file.
    """

    integration: Integration
    timings: Mapping[str, float] = field(default_factory=dict)  # s
    recording: Recording | None = None
    observations: Mapping[str, xr.DataArray] = field(default_factory=dict)
    events: Mapping[str, SpikeTrains] = field(default_factory=dict)

    @classmethod
    def from_recording(
        cls,
        recording: Recording,
        *,
        units: Mapping[str, str] | None = None,
        dim: str = "quantity",
        name: str | None = None,
        backend: str = "native",
    ) -> ExperimentResult:
        """Label a `Recording`.

        Args:
            recording: the traces, in SI units; their order is kept.
            units: for each quantity its SI unit (``"V"``), or the name of its dimension (``"voltage"``);
                by default those of the recording. A quantity that is not in it has an empty unit: not known.
            dim: ``"quantity"``, or ``"variable"`` for one node without network.
            name: the experiment's; by default the id of the simulation.
            backend: what ran it.

        Raises:
            UnitError: if a unit is neither a unit nor the name of a dimension.
        """
        known = recording.units if units is None else units
        symbols = [symbol_of(known.get(quantity, "")) for quantity in recording.quantities]
        data = xr.DataArray(
            recording.values,
            dims=("time", dim),
            coords={
                "time": ("time", recording.time, {"units": "s"}),
                dim: (dim, np.array(recording.quantities, dtype=np.str_)),
                "units": (dim, np.array(symbols, dtype=np.str_)),
            },
            name=name or recording.plan.id,
            attrs={
                "backend": backend,
                "step": recording.plan.step,  # s
                "software": f"tvbo_lite {tvbo_lite.__version__}",
            },
        )
        data = _with_places(data)
        return cls(Integration(data), dict(recording.timings), recording, events=spike_trains(recording))

    def with_observations(self, observed: Mapping[str, Observed]) -> ExperimentResult:
        """The result together with what was observed of it."""
        arrays = {
            name: xr.DataArray(
                item.values,
                dims=("time", "quantity"),
                coords={
                    "time": ("time", item.time, {"units": "s"}),
                    "quantity": ("quantity", np.array(item.names, dtype=np.str_)),
                    "units": ("quantity", np.array(item.units, dtype=np.str_)),
                },
                name=name,
            )
            for name, item in observed.items()
        }
        return replace(self, observations=arrays)

    @property
    def data(self) -> xr.DataArray:
        """The same as ``integration.data``."""
        return self.integration.data

    def to_units(self, *units: str) -> ExperimentResult:
        """The result with every trace of a matching dimension in the given units: ``to_units("mV", "ms")``.

        A unit of time converts the ``time`` coordinate too. Raises `UnitError` for an unknown unit, and
        for one that fits nothing in the result.
        """
        data = self.data.copy()
        for unit in units:
            data = _converted(data, unit)
        return replace(self, integration=Integration(data))

    def spike_trains(self, population: str | None = None) -> SpikeTrains:
        """The recorded spikes of a population; without a name of the only one.

        Raises `KeyError` for one whose spikes were not recorded, or where a name is needed.
        """
        known = ", ".join(self.events) or "none"
        if population is None and len(self.events) == 1:
            return next(iter(self.events.values()))
        if population is not None and population in self.events:
            return self.events[population]
        if population is None:
            raise KeyError(f"whose spikes? Recorded are those of: {known}")
        hint = nearest(population, self.events)
        guess = f"; {hint}" if hint else ""
        raise KeyError(f"no spikes of '{population}'; recorded are those of: {known}{guess}")

    def spikes(self, threshold: float | None = None) -> dict[str, NDArray[np.float64]]:
        """Spike times in s for each spiking trace: upward crossings of ``threshold``.

        The threshold is in the trace's present unit and applies to every trace of a variable ``v`` or
        ``V``; without one, each trace is searched midway between its extremes if it looks like
        spikes (`tvbo_lite.compare.spike_threshold` has the rule).
        """
        data = self.data
        time: NDArray[np.float64] = convert(data.time.values, data.time.attrs.get("units", "s"), "s")
        found: dict[str, NDArray[np.float64]] = {}
        for k, name in enumerate(_names(data)):
            values = data.values[:, k]
            level = threshold
            if level is None:
                level = spike_threshold(name, values * _to_si(str(data.units.values[k])))
                level = None if level is None else level / _to_si(str(data.units.values[k]))
            elif name.rsplit("/", 1)[-1] not in {"v", "V"}:
                continue
            if level is not None:
                found[name] = spike_times(time, values, level)
        return found

    def plot(self, *quantities: str, title: str = "") -> Figure:
        """Draw the traces, one panel for each unit; all of them, or those named.

        Raises `KeyError` for a quantity that was not recorded.
        """
        from tvbo_lite.plotting.traces import plot_data

        return plot_data(self.data, quantities, title=title)

    def plot_network(self, *, cell: str | None = None, width: float = 1e-3, title: str = "") -> Figure:
        """Draw all recorded spikes, the trace of one cell, and the rate of each population.

        ``cell`` is a quantity such as ``"E[15]/v"``, by default that of a typical cell; ``width`` (s) that of
        the bins of the rate. Raises `ValueError` where no spikes were recorded, `KeyError` for a ``cell``
        that was not.
        """
        from tvbo_lite.plotting.network import plot_network_activity

        name = "" if self.data.name is None else str(self.data.name)
        return plot_network_activity(self.events, self.data, cell=cell, width=width, title=title or name)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the traces and the spikes; the ending of ``path`` says how. Returns the path.

        ``.npz`` is always there, ``.csv`` is for other programs (only traces; `load` does not read it),
        ``.nc`` (NetCDF) needs netCDF4, h5netcdf or SciPy. Raises `UnsupportedError` for another ending, or
        for ``.nc`` where none of these is installed.
        """
        target = Path(path)
        write = _WRITERS.get(target.suffix.lower())
        if write is None:
            raise UnsupportedError(Problem(f"cannot save as '{target.name}'", expected=" or ".join(_WRITERS)))
        with beside(target) as new:
            write(new, self.data, self.events)
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ExperimentResult:
        """Read what `save` wrote as ``.npz`` or ``.nc``.

        Raises `ReadError` for a file that is missing or no such result, `UnsupportedError` as `save`.
        """
        source = Path(path)
        read = _READERS.get(source.suffix.lower())
        if read is None:
            raise UnsupportedError(Problem(f"cannot load '{source.name}'", expected=" or ".join(_READERS)))
        if not source.is_file():
            raise ReadError(Problem(f"no such file: {source}"))
        try:
            data, events = read(source)
            return cls(Integration(_with_places(data)), events=events)
        except (OSError, KeyError, ValueError, BadZipFile) as problem:
            raise ReadError(Problem(f"{source} holds no saved result: {problem}")) from problem

    def __repr__(self) -> str:
        return _summary("ExperimentResult", self.data)

    def _repr_html_(self) -> str:
        return self.integration._repr_html_()


def _with_places(data: xr.DataArray) -> xr.DataArray:
    """The data with the population and the index of the cell of each trace; "" and -1 for others."""
    dim = str(data.dims[1])
    if dim != "quantity":
        return data
    found = [_PLACE.match(name) for name in _names(data)]
    if not any(found):
        return data
    populations = [match["population"] if match else "" for match in found]
    indices = [int(match["index"] or match["listed"]) if match else -1 for match in found]
    return data.assign_coords(
        population=(dim, np.array(populations, dtype=np.str_)), index=(dim, np.array(indices, dtype=np.int64))
    )


def _names(data: xr.DataArray) -> list[str]:
    return [str(name) for name in data[data.dims[1]].values]


def _summary(kind: str, data: xr.DataArray) -> str:
    names = _names(data)
    shown = ", ".join(names[:4]) + (f", ... ({len(names)} in all)" if len(names) > 4 else "")
    time = data.time.values
    span = f"{time[0]:g} to {time[-1]:g} {data.time.attrs.get('units', '')}" if len(time) else "empty"
    return f"<{kind} '{data.name}': {len(time)} times, {span.strip()}; {data.dims[1]}: {shown}>"


def _to_si(unit: str) -> float:
    return factor(unit).scale if unit else 1.0


def _same_kind(unit: str, other: str) -> bool:
    """Whether two units measure the same; an unknown one ("") measures nothing."""
    try:
        convert(1.0, unit or "none", other)
    except UnitError:
        return False
    return bool(unit)


def _converted(data: xr.DataArray, unit: str) -> xr.DataArray:
    """``data`` (may be changed) with all that ``unit`` can measure expressed in it."""
    factor(unit)
    units = [str(symbol) for symbol in data.units.values]
    fitting = [k for k, symbol in enumerate(units) if _same_kind(symbol, unit)]
    own = data.time.attrs.get("units", "s")
    timely = _same_kind(own, unit)
    if not fitting and not timely:
        known = ", ".join(sorted({symbol for symbol in units if symbol} | {own}))
        raise UnitError(Problem(f"nothing here is measured in '{unit}'", expected=f"a unit like {known}"))
    for k in fitting:
        data.values[:, k] = convert(data.values[:, k], units[k], unit)
        units[k] = unit
    data = data.assign_coords(units=(data.dims[1], np.array(units, dtype=np.str_)))
    if timely:
        data = data.assign_coords(time=("time", convert(data.time.values, own, unit), {"units": unit}))
    return data


def _save_npz(path: Path, data: xr.DataArray, events: Mapping[str, SpikeTrains]) -> None:
    spikes: dict[str, Any] = {
        f"events.{number}.{key}": values for number, key, values in _spike_arrays(events)
    }
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            values=data.values,
            time=data.time.values,
            names=np.array(_names(data), dtype=np.str_),
            units=data.units.values.astype(np.str_),
            about=np.array(json.dumps({**_about(data), "events": _about_spikes(events)})),
            **spikes,
        )


def _spike_arrays(events: Mapping[str, SpikeTrains]) -> Iterator[tuple[int, str, NDArray[np.generic]]]:
    for number, item in enumerate(events.values()):
        yield number, "times", item.times
        yield number, "index", item.index


def _about_spikes(events: Mapping[str, SpikeTrains]) -> list[dict[str, Any]]:
    return [{"name": item.name, "size": item.size, "duration": item.duration} for item in events.values()]


def _events(about: Sequence[Mapping[str, Any]], held: Any, prefix: str) -> dict[str, SpikeTrains]:
    """The spikes in the arrays ``<prefix><number>.times`` and ``.index``."""
    return {
        item["name"]: SpikeTrains(
            item["name"],
            np.asarray(held[f"{prefix}{number}.times"], dtype=np.float64),
            np.asarray(held[f"{prefix}{number}.index"], dtype=np.int64),
            int(item["size"]),
            float(item["duration"]),
        )
        for number, item in enumerate(about)
    }


def _about(data: xr.DataArray) -> dict[str, Any]:
    """What describes the data besides its arrays, as JSON can hold it."""
    attrs = {str(key): value for key, value in data.attrs.items()}
    return {"dim": data.dims[1], "name": data.name, "attrs": attrs, "time_attrs": dict(data.time.attrs)}


def _load_npz(path: Path) -> tuple[xr.DataArray, dict[str, SpikeTrains]]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        dim = about["dim"]
        coords = {
            "time": ("time", held["time"], about["time_attrs"]),
            dim: (dim, held["names"]),
            "units": (dim, held["units"]),
        }
        data = xr.DataArray(held["values"], coords, ("time", dim), about["name"], about["attrs"])
        return data, _events(about.get("events", ()), held, "events.")


def _save_csv(path: Path, data: xr.DataArray, _: Mapping[str, SpikeTrains]) -> None:
    """A header with names and units, then a row for each time; 17 significant digits."""
    heads = [f"time [{data.time.attrs.get('units', 's')}]"]
    heads += [
        f"{name} [{unit}]" if unit else name
        for name, unit in zip(_names(data), data.units.values, strict=True)
    ]
    header = ",".join(f'"{head}"' if "," in head else head for head in heads)
    table = np.column_stack([data.time.values, data.values])
    np.savetxt(path, table, fmt="%.17g", delimiter=",", header=header, comments="", encoding="utf-8")


def _save_netcdf(path: Path, data: xr.DataArray, events: Mapping[str, SpikeTrains]) -> None:
    """A file that holds the data array alone where there are no spikes."""
    _need_netcdf()
    if not events:
        data.to_netcdf(path)
        return
    spikes = {
        f"{_SPIKES}{number}.{key}": (f"{_SPIKES}{number}", values)
        for number, key, values in _spike_arrays(events)
    }
    about = {"name": "" if data.name is None else str(data.name), "events": _about_spikes(events)}
    xr.Dataset({_TRACES: data, **spikes}, attrs={"about": json.dumps(about)}).to_netcdf(path)


def _load_netcdf(path: Path) -> tuple[xr.DataArray, dict[str, SpikeTrains]]:
    _need_netcdf()
    found: xr.Dataset = xr.load_dataset(path)
    if _TRACES not in found:
        data: xr.DataArray = xr.load_dataarray(path)
        return data, {}
    about = json.loads(found.attrs["about"])
    return found[_TRACES].rename(about["name"] or None), _events(about["events"], found, _SPIKES)


def _need_netcdf() -> None:
    """Raise `UnsupportedError` where xarray finds no library that reads and writes NetCDF."""
    if not {"netcdf4", "h5netcdf", "scipy"} & set(xr.backends.list_engines()):
        hint = "install netCDF4, h5netcdf or scipy, or use the ending .npz"
        raise UnsupportedError(Problem("NetCDF files need a library that is not installed", hint=hint))


_TRACES, _SPIKES = "traces", "spikes_"  # variables of a NetCDF file with spikes

_WRITERS: dict[str, Callable[[Path, xr.DataArray, Mapping[str, SpikeTrains]], None]] = {
    ".npz": _save_npz,
    ".nc": _save_netcdf,
    ".csv": _save_csv,
}
_READERS: dict[str, Callable[[Path], tuple[xr.DataArray, dict[str, SpikeTrains]]]] = {
    ".npz": _load_npz,
    ".nc": _load_netcdf,
}
