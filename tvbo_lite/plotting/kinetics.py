"""Channels against the membrane potential: steady states, time constants and rates of their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from tvbo_lite.plotting._figure import COLORS, legend, panels
from tvbo_lite.units import convert, label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["plot_kinetics"]

SIZE = (3.9, 2.5)  # inches
# Title, the exposures that stand in the panel, and what an axis without and with time is called.
KINDS = (("steady state", ("inf",)), ("time constant", ("tau",)), ("rates", ("rf", "rr")))
SHOWN = {"s": "ms", "per_s": "per_ms"}
STYLES = {"rr": "--"}  # of the reverse of a rate
NEAR = 1e-6  # of a steady state: it may be above 1 by rounding
DECADES = 50.0  # a panel whose values differ more has a logarithmic axis


class _Curve(Protocol):
    @property
    def part(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def values(self) -> NDArray[np.float64]: ...


class _Channel(Protocol):
    @property
    def channel(self) -> str: ...
    @property
    def v(self) -> NDArray[np.float64]: ...
    @property
    def unit(self) -> str: ...
    @property
    def curves(self) -> Sequence[_Curve]: ...
    @property
    def conditions(self) -> Mapping[str, str]: ...


def plot_kinetics(channels: Sequence[_Channel], *, title: str = "") -> Figure:
    """A row for each channel that has curves; steady states, time constants and rates in columns.

    ``channels`` are those of `tvbo_lite.analysis.kinetics`. Raises `ValueError` where none has curves.
    """
    shown = [item for item in channels if item.curves]
    if not shown:
        raise ValueError("no channel has a steady state, a time constant or a rate to draw")
    rows = [_groups(channel) for channel in shown]
    columns = max(map(len, rows))
    figure, axes = panels(len(shown) * columns, columns=columns, title=title, size=SIZE)
    for row, (channel, groups) in enumerate(zip(shown, rows, strict=True)):
        mine = axes[row * columns : (row + 1) * columns]
        parts = list(dict.fromkeys(curve.part for curve in channel.curves))
        colors = {part: COLORS[place % len(COLORS)] for place, part in enumerate(parts)}
        for panel, (kind, curves) in zip(mine, groups.items(), strict=False):
            _panel(panel, channel, curves, colors)
            panel.set_title(f"{channel.channel}: {kind}", loc="left", fontsize=10)
        _legend(mine[len(groups) - 1], channel, colors)
        for spare in mine[len(groups) :]:
            spare.remove()
    return figure


def _groups(channel: _Channel) -> dict[str, list[_Curve]]:
    """The curves of each panel, by its title."""
    groups = {kind: [one for one in channel.curves if one.name in names] for kind, names in KINDS}
    return {kind: curves for kind, curves in groups.items() if curves}


def _panel(axes: Axes, channel: _Channel, curves: Sequence[_Curve], colors: Mapping[str, str]) -> None:
    v = convert(channel.v, "V", "mV") if channel.unit else channel.v
    axes.set_xlabel("v [mV]" if channel.unit else "V")
    axes.set_xlim(float(v[0]), float(v[-1]))
    unit = SHOWN.get(curves[0].unit, curves[0].unit)
    drawn = []
    for curve in curves:
        values = convert(curve.values, curve.unit, unit) if curve.unit != unit else curve.values
        axes.plot(v, values, STYLES.get(curve.name, "-"), color=colors[curve.part])
        drawn.append(values)
    names = ", ".join(dict.fromkeys(curve.name for curve in curves))
    axes.set_ylabel(f"{names} [{label(unit)}]" if label(unit) else names)
    _limits(axes, np.concatenate(drawn), steady=curves[0].name == "inf")


def _limits(axes: Axes, values: NDArray[np.float64], *, steady: bool) -> None:
    low, high = float(values.min()), float(values.max())
    if steady and low >= -NEAR and high <= 1 + NEAR:
        axes.set_ylim(-0.03, 1.03)
    elif not steady and low > 0 and high / low > DECADES:
        axes.set_yscale("log")
    elif low >= 0 and high > 0:
        axes.set_ylim(0, 1.05 * high)


def _legend(axes: Axes, channel: _Channel, colors: Mapping[str, str]) -> None:
    """The parts by colour, and under which conditions they were taken."""
    for part, color in colors.items():
        axes.plot([], [], color=color, label=part or channel.channel)
    for name in dict.fromkeys(curve.name for curve in channel.curves if curve.name in STYLES):
        axes.plot([], [], STYLES[name], color="0.5", label=f"{name}, dashed")
    for name, text in channel.conditions.items():
        axes.plot([], [], " ", label=f"{name} {text}")
    legend(axes)
