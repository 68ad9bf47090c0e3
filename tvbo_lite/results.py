"""The result of a run as labelled data: an `xarray.DataArray` in SI units.

``result.integration.data`` has the dimensions ``(time, quantity)`` for a network and ``(time, variable)``
for a single node; its coordinates are ``time`` (s), the names, and ``units`` (the SI symbol of each trace).
Traces of populations have the coordinates ``population`` and ``index`` too. ``result.traces("E", "v")`` are
those of one variable of a population by ``(time, index)``, also where variables are recorded at different
intervals; ``result.spike_trains("E")`` are its spikes. Importing this module imports xarray.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

import tvbo_lite
from tvbo_lite.compare import spike_threshold, spike_times
from tvbo_lite.errors import Problem, UnsupportedError, nearest
from tvbo_lite.labelled import Placed, in_units, summary, table_of, to_si, traces_of, with_places
from tvbo_lite.lems.recording import Traces
from tvbo_lite.lems.spikes import SpikeTrains, spike_trains
from tvbo_lite.saved import OpenedLater, Saved, load, names_of, save
from tvbo_lite.transforms.observations import columns
from tvbo_lite.units import convert

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from plotly.graph_objects import Figure as PlotlyFigure

    from tvbo_lite.lems.recording import Recording
    from tvbo_lite.lems.state import State
    from tvbo_lite.transforms.observe import Observed

__all__ = ["ExperimentResult", "Integration", "with_sources"]


class Integration:
    """The traces of one integration; those at the shortest interval, where there are several.

    ``data`` of a file that is opened later is read when it is first asked for.
    """

    __slots__ = ("_tables",)

    def __init__(self, tables: xr.DataArray | Sequence[xr.DataArray]) -> None:
        self._tables = (tables,) if isinstance(tables, xr.DataArray) else tables

    @property
    def data(self) -> xr.DataArray:
        """Traces with the dimensions ``(time, quantity)`` or ``(time, variable)``."""
        return self.tables[0]

    @property
    def tables(self) -> Sequence[xr.DataArray]:
        """One table for each interval between rows, the shortest first."""
        return self._tables

    def __repr__(self) -> str:
        return summary("Integration", self.data)

    def _repr_html_(self) -> str:
        from tvbo_lite.show.result import data_html

        return data_html(self.data)


@dataclass(frozen=True, slots=True, eq=False)
class ExperimentResult:
    """What an experiment gave: its traces, and how long each stage took.

    ``recording`` is the run's plain result with its events; None in a result that was loaded.
    ``observations`` are those that the experiment declares, each with the dimensions ``(time, quantity)``.
    ``events`` are the recorded spikes, by population or event file. ``stopped`` is the time (s) at which
    Ctrl-C ended the run, None for one that is complete; ``stored`` is the file to which it was written
    meanwhile.
    """

    integration: Integration
    timings: Mapping[str, float] = field(default_factory=dict)  # s
    recording: Recording | None = None
    observations: Mapping[str, xr.DataArray] = field(default_factory=dict)
    events: Mapping[str, SpikeTrains] = field(default_factory=dict)
    stopped: float | None = None  # s
    stored: Path | None = None

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
        attrs: dict[str, str | float] = {
            "backend": backend,
            "step": recording.plan.step,  # s
            "software": f"tvbo_lite {tvbo_lite.__version__}",
        }
        tables = tuple(
            with_places(table_of(part, known, dim, attrs, name or recording.plan.id))
            for part in recording.traces()
        )
        trains = spike_trains(recording)
        timings = dict(recording.timings)
        return cls(Integration(tables), timings, recording, events=trains, stopped=recording.stopped)

    @classmethod
    def opened(cls, path: str | os.PathLike[str], recording: Recording | None = None) -> ExperimentResult:
        """The result in a ``.zarr`` store or ``.nc`` file, which is opened when it is first looked at.

        Traces stay on disk until they are used: ``result.data[-1000:].load()``. ``recording`` is that of
        the run which wrote it. Raises, then, as `load`.
        """
        file = OpenedLater(Path(path))
        stopped = None if recording is None else recording.stopped
        timings = {} if recording is None else dict(recording.timings)
        integration = Integration(Placed(file.tables))
        return cls(integration, timings, recording, {}, file.events, stopped, Path(path))

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

    @property
    def state(self) -> State:
        """All that the run remembers at its end: ``exp.run(initial_state=result.state)`` goes on to the bit.

        Raises `UnsupportedError` for a method that chooses its steps, another backend, and a loaded result.
        """
        if self.recording is not None and self.recording.state is not None:
            return self.recording.state
        what = "this result has no state from which a run could go on"
        expected = "a run of the built-in engine with a fixed step, in this process"
        hint = "a state that was saved is read by State.load"
        raise UnsupportedError(Problem(what, expected=expected, hint=hint))

    def traces(self, population: str, variable: str) -> xr.DataArray:
        """The traces of a variable of a population, with the dimensions ``(time, index)``, in its unit.

        Raises `KeyError` for one that was not recorded; it lists those that were.
        """
        return traces_of(self.integration.tables, population, variable)

    def to_units(self, *units: str) -> ExperimentResult:
        """The result with every trace of a matching dimension in the given units: ``to_units("mV", "ms")``.

        A unit of time converts the ``time`` coordinate too. Raises `UnitError` for an unknown unit, and
        for one that fits nothing in the result.
        """
        return replace(self, integration=Integration(in_units(self.integration.tables, units)))

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
        """Spike times in s for each spiking trace: upward crossings of ``threshold``. Spikes that were
        recorded as such are in ``events``.

        The threshold is in the trace's present unit and applies to every trace of a variable ``v`` or
        ``V``; without one, each trace is searched midway between its extremes if it looks like
        spikes (`tvbo_lite.compare.spike_threshold` has the rule).
        """
        data = self.data
        time: NDArray[np.float64] = convert(data.time.values, data.time.attrs.get("units", "s"), "s")
        found: dict[str, NDArray[np.float64]] = {}
        for k, name in enumerate(names_of(data)):
            values = data.values[:, k]
            level = threshold
            if level is None:
                level = spike_threshold(name, values * to_si(str(data.units.values[k])))
                level = None if level is None else level / to_si(str(data.units.values[k]))
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

        name = title or self._name()
        return plot_network_activity(self.events, self.data, cell=cell, width=width, title=name)

    def plot_raster(self, *, title: str = "") -> Figure:
        """Draw all recorded spikes. Raises `ValueError` where none were recorded."""
        from tvbo_lite.plotting.network import plot_raster

        return plot_raster(self.events, title=title)

    def plot_cell(self, cell: str | None = None, *, title: str = "") -> Figure:
        """Draw the trace of one cell, such as ``"E[15]/v"`` or by default a typical one, and its spikes.

        Raises `ValueError` where there are no traces, `KeyError` for a ``cell`` that was not recorded.
        """
        from tvbo_lite.plotting.network import plot_cell

        return plot_cell(self.data, self.events, cell=cell, title=title)

    def plot_rate(self, *, width: float = 1e-3, title: str = "") -> Figure:
        """Draw the rate of each population in bins of ``width`` s. Raises `ValueError` as `plot_raster`."""
        from tvbo_lite.plotting.network import plot_rate

        return plot_rate(self.events, width=width, title=title)

    def interactive(
        self, *quantities: str, cell: str | None = None, width: float = 1e-3, title: str = ""
    ) -> PlotlyFigure:
        """The figure with zoom, which a notebook shows; it needs ``tvbo-lite[html]``.

        Where spikes were recorded and no ``quantities`` are named, that is what `plot_network` draws, else
        the traces. Long traces are drawn as the extremes of 4000 columns, very many spikes as one for each
        pixel; the figure says so.

        Raises:
            UnsupportedError: plotly is not installed.
            KeyError: a quantity that was not recorded.
        """
        from tvbo_lite.plotting.interactive import interactive_activity, interactive_traces

        name = title or self._name()
        if self.events and not quantities:
            return interactive_activity(self.events, self.data, cell=cell, width=width, title=name)
        return interactive_traces(self.data, (*quantities, *([cell] if cell else [])), title=name)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *quantities: str,
        cell: str | None = None,
        width: float = 1e-3,
        title: str = "",
    ) -> Path:
        """Write `interactive` as a page that holds all it needs (about 5 MB) and opens without a network.

        Returns the path. Raises as `interactive`, and `OSError` as the system does.
        """
        from tvbo_lite.formats.files import write_beside
        from tvbo_lite.plotting.interactive import self_contained

        figure = self.interactive(*quantities, cell=cell, width=width, title=title)
        target = Path(path)
        write_beside(target, self_contained(figure, title or self._name()).encode())
        return target

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the traces and the spikes; the ending of ``path`` says how. Returns the path.

        ``.npz`` is always there, ``.csv`` is for other programs (only traces; `load` does not read it),
        ``.nc`` (NetCDF) needs netCDF4, h5netcdf or SciPy, ``.zarr`` the package zarr. The file is written
        beside its place and renamed. Raises `UnsupportedError` for another ending, or where a library is
        missing; `OSError` as the system gives it.
        """
        target = Path(path)
        save(target, Saved(tuple(self.integration.tables), self.events, self.stopped))
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ExperimentResult:
        """Read what `save` wrote as ``.npz``, ``.nc`` or ``.zarr`` into memory; `opened` leaves it on disk.

        Raises `ReadError` for a file that is missing or no such result, `UnsupportedError` as `save`.
        """
        found = load(Path(path))
        tables = tuple(map(with_places, found.tables))
        return cls(Integration(tables), events=found.events, stopped=found.stopped)

    def _name(self) -> str:
        return "" if self.data.name is None else str(self.data.name)

    def __repr__(self) -> str:
        return summary("ExperimentResult", self.data)

    def _repr_html_(self) -> str:
        from tvbo_lite.show.result import result_html

        return result_html(self)


def with_sources(recording: Recording, result: ExperimentResult, sources: Collection[str]) -> Recording:
    """The recording of a run that wrote ``result``, with the traces that ``sources`` of observations name."""
    parts = []
    for data in result.integration.tables:
        known = names_of(data)
        at = sorted({k for source in sources for k in columns(source, known)})
        held = data[:, at].load()
        parts.append(Traces(None, held.time.values, held.values, tuple(known[k] for k in at)))
    first, *slower = parts
    return replace(
        recording,
        time=first.time,
        values=first.values,
        quantities=first.quantities,
        slower=tuple(slower),
    )
