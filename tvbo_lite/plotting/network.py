"""The activity of a spiking network: who fires when, the trace of one cell, the rate of the populations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.plotting._figure import COLORS, legend, panels
from tvbo_lite.plotting.traces import readable
from tvbo_lite.units import convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from xarray import DataArray

    from tvbo_lite.lems.spikes import SpikeTrains

    Events = Mapping[str, SpikeTrains]

__all__ = [
    "draw_raster",
    "draw_rate",
    "draw_trace",
    "plot_cell",
    "plot_network_activity",
    "plot_raster",
    "plot_rate",
]

BIN = 1e-3  # s
MS = 1e3  # in a second
_INK = 6000.0  # spikes that are drawn with points of full size


def plot_network_activity(
    events: Events,
    data: DataArray | None = None,
    *,
    cell: str | None = None,
    width: float = BIN,
    title: str = "",
) -> Figure:
    """Draw the spikes of all populations, the trace of one cell, and the rate of each population.

    Args:
        events: the spikes by population, such as ``result.events``.
        data: traces; without them, or where none was recorded, the middle panel is left out.
        cell: the quantity in the middle panel; by default that of the cell with the most typical number
            of spikes in the first population that has traces.
        width: of the bins of the rate, in s.
        title: of the figure.

    Raises:
        ValueError: there are no spikes to draw: no population recorded them.
        KeyError: the quantity ``cell`` was not recorded.
    """
    require_spikes(events)
    shown = None if data is None else (cell or typical_cell(events, data))
    figure, axes = panels(3 if shown else 2, title=title)
    draw_raster(axes[0], events)
    if data is not None and shown:
        draw_trace(axes[1], data, shown, events)
    draw_rate(axes[-1], events, width)
    _time_axes(axes, events)
    return figure


def plot_raster(events: Events, *, title: str = "") -> Figure:
    """Draw the spikes of all populations. Raises `ValueError` where none has recorded its spikes."""
    require_spikes(events)
    figure, axes = panels(1, title=title)
    draw_raster(axes[0], events)
    _time_axes(axes, events)
    return figure


def plot_rate(events: Events, *, width: float = BIN, title: str = "") -> Figure:
    """Draw the rate of each population in bins of ``width`` s. Raises `ValueError` as `plot_raster`."""
    require_spikes(events)
    figure, axes = panels(1, title=title)
    draw_rate(axes[0], events, width)
    _time_axes(axes, events)
    return figure


def plot_cell(data: DataArray, events: Events, *, cell: str | None = None, title: str = "") -> Figure:
    """Draw the trace of one cell, by default of a typical one, with marks for its spikes.

    Raises `ValueError` where there are no traces, `KeyError` for a ``cell`` that was not recorded.
    """
    shown = cell or typical_cell(events, data)
    if shown is None:
        raise ValueError("no trace was recorded")
    figure, axes = panels(1, title=title)
    draw_trace(axes[0], data, shown, events)
    axes[0].set_xlabel("time [ms]")
    return figure


def require_spikes(events: Events) -> None:
    """Raises `ValueError` where no population has recorded its spikes."""
    if not events:
        raise ValueError("no population has recorded its spikes; give it 'record: [spikes]'")


def _time_axes(axes: Sequence[Axes], events: Events) -> None:
    end = max(item.duration for item in events.values()) * MS
    for panel in axes:
        panel.set_xlim(0, end)
    axes[-1].set_xlabel("time [ms]")


def described_spikes(name: str, item: SpikeTrains) -> str:
    """A population and its size, as a legend has it."""
    return f"{name} ({item.size})"


def draw_raster(axes: Axes, events: Events) -> None:
    """A point for each spike; the populations stand above each other, the first at the bottom."""
    count = sum(map(len, events.values()))
    size = float(np.clip(2.5 * np.sqrt(_INK / max(count, 1)), 0.6, 4.0))
    first = 0
    for (name, item), color in zip(events.items(), _colors(len(events)), strict=True):
        axes.plot(item.times * MS, item.index + first, ".", color=color, markersize=size, markeredgewidth=0)
        label = described_spikes(name, item)
        axes.plot([], [], "s", color=color, markersize=5, label=label)  # for the legend
        first += item.size
    axes.set_ylim(-0.5, max(first, 1) - 0.5)
    axes.set_ylabel("cell")
    axes.set_title("Spikes", loc="left", fontsize=10)
    legend(axes)


def draw_trace(axes: Axes, data: DataArray, quantity: str, events: Events) -> None:
    """One trace; short lines above it mark the spikes of its cell, where they are known.

    A recorded potential has been reset already in the row of a spike, so that the trace alone hides spikes.
    """
    dim = data.dims[1]
    names = [str(name) for name in data[dim].values]
    if quantity not in names:
        raise KeyError(quantity)
    column = names.index(quantity)
    values = data.values[:, column]
    scale, unit = readable(values, str(data.units.values[column]))
    time = convert(data.time.values, str(data.time.attrs.get("units", "s")), "ms")
    axes.plot(time, values / scale, color=COLORS[-1], linewidth=0.9, label=quantity)
    spikes = spikes_of(data, column, events)
    if len(spikes):
        top = float(np.nanmax(values)) / scale
        room = 0.12 * (top - float(np.nanmin(values)) / scale)
        axes.vlines(
            spikes * MS, top + room, top + 2 * room, color=COLORS[1], linewidth=1.0, label="its spikes"
        )
    variable = quantity.rsplit("/", 1)[-1]
    axes.set_ylabel(f"{variable} [{unit}]" if unit else variable)
    axes.set_title("One cell", loc="left", fontsize=10)
    legend(axes)


def draw_rate(axes: Axes, events: Events, width: float = BIN) -> None:
    """The rate of each population, in bins of ``width`` s."""
    for (name, item), color in zip(events.items(), _colors(len(events)), strict=True):
        time, rate = item.rate(width)
        label = f"{name}: mean {item.rates.mean() if item.size else 0:.3g} Hz"
        axes.plot(time * MS, rate, color=color, linewidth=0.9, alpha=0.8, label=label)
    axes.set_ylabel("rate [Hz]")
    axes.set_ylim(bottom=0)
    axes.set_title(f"Population rate, bins of {width * MS:g} ms", loc="left", fontsize=10)
    legend(axes)


def _colors(count: int) -> Sequence[str]:
    return [COLORS[place % len(COLORS)] for place in range(count)]


def typical_cell(events: Events, data: DataArray) -> str | None:
    """The trace of the cell whose number of spikes is the median of its population; else the first trace."""
    names = [str(name) for name in data[data.dims[1]].values]
    if "population" in data.coords:
        for name, item in events.items():
            columns = np.flatnonzero(data.population.values == name)
            if len(columns) and item.size:
                counts = item.counts[data["index"].values[columns]]
                middle = int(np.argsort(counts, kind="stable")[len(columns) // 2])
                return names[int(columns[middle])]
    return names[0] if names else None


def spikes_of(data: DataArray, column: int, events: Events) -> NDArray[np.float64]:
    """The spike times (s) of the cell of a trace."""
    if "population" in data.coords:
        item = events.get(str(data.population.values[column]))
        if item is not None:
            mine: NDArray[np.float64] = item.times[item.index == int(data["index"].values[column])]
            return mine
    return np.zeros(0)
