"""Figures with zoom, for a notebook or as a page that holds all it needs; the only door to plotly.

What is drawn is thinned honestly: a trace as the lowest and the highest value of each of 4000 columns, so
that no spike is lost; spikes, where there are very many, as one for each of 2000 times 1000 pixels.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.extras import needed
from tvbo_lite.plotting._figure import COLORS
from tvbo_lite.plotting.network import BIN, MS, described_spikes, require_spikes, spikes_of, typical_cell
from tvbo_lite.plotting.thin import envelope, one_a_pixel
from tvbo_lite.plotting.traces import grouped, time_axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from plotly.graph_objects import Figure
    from xarray import DataArray

    from tvbo_lite.lems.spikes import SpikeTrains

__all__ = ["interactive_activity", "interactive_traces", "require_plotly", "self_contained"]

COLUMNS = 4000  # of pixels that a trace is drawn in
MOST_SPIKES = 200_000  # drawn one by one
PIXELS = (2000, 1000)  # for more
MOST_TRACES = 40  # drawn where none is named
HEIGHT = 270  # of a panel, pixels
GREY, GRID = "#7f7f7f", "rgba(128,128,128,0.25)"  # on light and on dark


def interactive_activity(
    events: Mapping[str, SpikeTrains],
    data: DataArray | None = None,
    *,
    cell: str | None = None,
    width: float = BIN,
    title: str = "",
) -> Figure:
    """All spikes, the trace of one cell, and the rate of each population, below one axis of time.

    Arguments and errors are those of `tvbo_lite.plotting.network.plot_network_activity`; `UnsupportedError`
    where plotly is not installed.
    """
    go = _graph_objects()
    require_spikes(events)
    shown = None if data is None else (cell or typical_cell(events, data))
    total = sum(map(len, events.values()))
    panels = ["Spikes", *(["One cell"] if shown else []), f"Population rate, bins of {width * MS:g} ms"]
    figure = _figure(panels, title)
    first = drawn = 0
    for place, (name, item) in enumerate(events.items()):
        color, mark = COLORS[place % len(COLORS)], described_spikes(name, item)
        kept = _spikes(item, total)
        drawn += len(kept)
        points = {"color": color, "size": 3}
        x, y = item.times[kept] * MS, item.index[kept] + first
        figure.add_trace(
            go.Scattergl(x=x, y=y, mode="markers", marker=points, name=_text(mark), legendgroup=name), 1, 1
        )
        time, rate = item.rate(width)
        kept = envelope(rate, COLUMNS)
        line = {"color": color, "width": 1}
        figure.add_trace(
            go.Scattergl(
                x=time[kept] * MS, y=rate[kept], mode="lines", line=line, name=_text(name), legendgroup=name,
                showlegend=False,
            ), len(panels), 1,
        )  # fmt: skip
        first += item.size
    if drawn < total:
        _note(figure, f"{drawn:,} of {total:,} spikes are drawn, one for each pixel")
    if shown and data is not None:
        _one_cell(figure, data, shown, events)
    _axes(figure, len(panels), ["cell", *([None] if shown else []), "rate [Hz]"], "time [ms]")
    return figure


def interactive_traces(data: DataArray, names: Sequence[str] = (), *, title: str = "") -> Figure:
    """The traces of a result, a panel for each unit; all of them up to 40, or those named.

    Raises `KeyError` for a name that is not in the data, `UnsupportedError` where plotly is not installed.
    """
    go = _graph_objects()
    every = [str(name) for name in data[data.dims[1]].values]
    left = 0 if names else max(0, len(every) - MOST_TRACES)
    groups = grouped(data, names or every[:MOST_TRACES])
    time, time_label = time_axis(data)
    figure = _figure([""] * max(1, len(groups)), title)
    for row, group in enumerate(groups, 1):
        for place, k in enumerate(group.columns):
            values = data.values[:, k]
            kept = envelope(values, COLUMNS) if len(values) else np.arange(0)
            line = {"color": COLORS[place % len(COLORS)], "width": 1}
            trace = go.Scattergl(
                x=time[kept], y=values[kept] / group.scale, mode="lines", line=line, name=_text(every[k])
            )
            figure.add_trace(trace, row, 1)
    if left:
        _note(figure, f"{left:,} further traces are not drawn; name those to be seen")
    _axes(figure, len(groups), [group.label for group in groups], time_label)
    return figure


def self_contained(figure: Figure, title: str = "") -> str:
    """A page with the figure and with plotly.js itself (about 5 MB), which opens without a network."""
    plot = figure.to_html(full_html=False, include_plotlyjs=True, config={"responsive": True})
    style = "html{color-scheme:light dark}body{margin:8px;font-family:sans-serif}"
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{style}</style>'
    return f"<!DOCTYPE html>\n<html>\n<head>{head}</head>\n<body>\n{plot}\n</body>\n</html>\n"


def require_plotly() -> None:
    """Raises `UnsupportedError` where plotly is not installed."""
    _graph_objects()


def _graph_objects() -> Any:
    with needed("plotly", "figures with zoom"):
        import plotly.graph_objects as go
    return go


def _figure(titles: Sequence[str], title: str) -> Figure:
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=0.24 / (len(titles) + 1),
        subplot_titles=[_text(one) for one in titles],
    )  # fmt: skip
    figure.update_annotations(font_size=13, x=0, xanchor="left")
    figure.update_layout(
        title_text=_text(title), height=HEIGHT * len(titles) + 90, font_color=GREY, hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", margin={"l": 70, "r": 20, "t": 70},
        template="none", legend_itemsizing="constant",
    )  # fmt: skip
    return figure


def _axes(figure: Figure, rows: int, labels: Sequence[str | None], time: str) -> None:
    lines = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GREY}
    figure.update_xaxes(**lines)
    figure.update_yaxes(**lines)
    figure.update_xaxes(title_text=_text(time), row=max(1, rows), col=1)
    for row, text in enumerate(labels, 1):
        if text is not None:
            figure.update_yaxes(title_text=_text(text), row=row, col=1)


def _note(figure: Figure, text: str) -> None:
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom", showarrow=False,
        font_size=11,
    )  # fmt: skip


def _one_cell(figure: Figure, data: DataArray, name: str, events: Mapping[str, SpikeTrains]) -> None:
    """The trace of one cell in the second panel, with marks for its spikes."""
    go = _graph_objects()
    (group,) = grouped(data, [name])
    time, _ = time_axis(data, "ms")
    values = data.values[:, group.columns[0]]
    kept = envelope(values, COLUMNS)
    trace = go.Scattergl(
        x=time[kept], y=values[kept] / group.scale, mode="lines", line={"color": GREY, "width": 1},
        name=_text(name),
    )  # fmt: skip
    figure.add_trace(trace, 2, 1)
    figure.update_yaxes(title_text=_text(group.label), row=2, col=1)
    spikes = spikes_of(data, group.columns[0], events) * MS
    if len(spikes):
        top, room = float(np.nanmax(values)), 0.15 * float(np.ptp(values[np.isfinite(values)]))
        marks = {"symbol": "line-ns-open", "color": COLORS[1], "size": 9}
        y = np.full(len(spikes), (top + room) / group.scale)
        figure.add_trace(go.Scattergl(x=spikes, y=y, mode="markers", marker=marks, name="its spikes"), 2, 1)


def _spikes(item: SpikeTrains, total: int) -> NDArray[np.int64]:
    if total <= MOST_SPIKES:
        return np.arange(len(item))
    return one_a_pixel(item.times, item.index.astype(np.float64), *PIXELS)


def _text(text: str) -> str:
    """A text that plotly, which knows some tags, shows as it is."""
    return escape(text, quote=False)
