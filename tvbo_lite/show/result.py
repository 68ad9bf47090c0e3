"""The result of a run: a picture of its traces or spikes, and a table of what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.show.page import MOST_ROWS, Section, page, picture, table
from tvbo_lite.show.words import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from xarray import DataArray

    from tvbo_lite.lems.spikes import SpikeTrains
    from tvbo_lite.results import ExperimentResult

__all__ = ["data_html", "result_html"]

MOST_TRACES = 6  # in a picture
COLUMNS = 400  # of pixels that a trace is drawn in
DPI = 72  # of an image inside the picture
MOST_MARKS = 300  # spikes that are drawn as shapes; more are dots of an image


def result_html(result: ExperimentResult) -> str:
    """A result as HTML: its spikes if it has any, else its first traces, and tables of both."""
    data, events = result.data, result.events
    sections = []
    if events:
        sections.append(picture("Activity", lambda: _activity(data, events)))
        rows = [
            (name, f"{item.size:,}", f"{len(item):,}", f"{item.rates.mean() if item.size else 0:.3g}")
            for name, item in events.items()
        ]
        sections.append(table("Spikes", ("of", "cells", "spikes", "mean rate [Hz]"), rows))
    else:
        sections += _traces(data)
    sections.append(_table(data, shown=not events))
    facts = list(_facts(data))
    if result.observations:
        facts.append(("observations", ", ".join(result.observations)))
    if "simulate" in result.timings:
        facts.append(("simulated in", duration(result.timings["simulate"])))
    return page(_title("Result", data), sections, facts=facts)


def data_html(data: DataArray) -> str:
    """The traces alone."""
    return page(_title("Traces", data), [*_traces(data), _table(data)], facts=list(_facts(data)))


def _title(what: str, data: DataArray) -> str:
    return what if data.name is None else f"{what} {data.name}".strip()


def _facts(data: DataArray) -> Iterator[tuple[str, str]]:
    time = data.time.values
    if len(time):
        unit = data.time.attrs.get("units", "")
        yield "time", f"{time[0]:g} to {time[-1]:g} {unit}, {len(time):,} rows".replace(" ,", ",")
    yield "traces", f"{data.sizes[data.dims[1]]:,}"
    if "backend" in data.attrs:
        yield "backend", str(data.attrs["backend"])


def _traces(data: DataArray) -> Iterator[Section]:
    count = data.sizes[data.dims[1]]
    if not count or not len(data.time):
        return
    title = "Traces" if count <= MOST_TRACES else f"The first {MOST_TRACES} of {count:,} traces"
    yield picture(title, lambda: _drawn(data))


def _drawn(data: DataArray) -> Figure:
    from tvbo_lite.plotting.traces import plot_data

    figure = plot_data(data[:, :MOST_TRACES].rename(None))
    _lighter(figure)
    return figure


def _activity(data: DataArray, events: Mapping[str, SpikeTrains]) -> Figure:
    from tvbo_lite.plotting.network import plot_network_activity

    figure = plot_network_activity(events, data if data.size else None)
    _lighter(figure)
    return figure


def _lighter(figure: Figure) -> None:
    """Lines as the extremes of each column of pixels; very many points as an image inside the picture."""
    from tvbo_lite.plotting.thin import envelope, one_a_pixel

    figure.set_dpi(DPI)
    for axes in figure.axes:
        for line in axes.lines:
            x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata(), dtype=np.float64)
            if line.get_linestyle() == "None" and len(x) > MOST_MARKS:
                kept = one_a_pixel(x, y, 2 * COLUMNS, COLUMNS)
                line.set_rasterized(True)
                line.set_marker(",")  # a pixel each, without shades, which makes a small image
            else:
                kept = envelope(y, COLUMNS)
            line.set_data(x[kept], y[kept])


def _table(data: DataArray, *, shown: bool = True) -> Section:
    dim = data.dims[1]
    names, units = data[dim].values[:MOST_ROWS], data.units.values[:MOST_ROWS]
    values = data.values[:, :MOST_ROWS]
    rows = []
    for k, (name, unit) in enumerate(zip(names, units, strict=True)):
        trace = values[:, k]
        extremes = (trace.min(), trace.max(), trace[-1]) if len(trace) else (np.nan,) * 3
        rows.append((str(name), str(unit), *(f"{value:.6g}" for value in extremes)))
    header = ("quantity", "unit", "lowest", "highest", "last")
    return table("Quantities", header, rows, count=data.sizes[dim], words=2, shown=shown)
