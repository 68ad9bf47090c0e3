"""A phase plane: flow, nullclines, fixed points, trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.plotting._figure import COLORS, legend, panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["plot_phase_plane"]

SIZE = (6.4, 4.4)  # inches
ARROWS = 22  # along each axis


def plot_phase_plane(
    names: tuple[str, str],
    grid: NDArray[np.float64],
    rates: NDArray[np.float64],
    points: Sequence[tuple[float, float, bool, str]] = (),
    trajectories: Sequence[NDArray[np.float64]] = (),
    *,
    title: str = "",
) -> Figure:
    """Draw the plane of two variables.

    Args:
        names: of the variables.
        grid: shape ``(2, n, n)``, x along the last axis, y along the one before.
        rates: of the two, the same shape.
        points: fixed points: x, y, whether stable (drawn filled), what kind.
        trajectories: each of shape ``(n_times, 2)``.
        title: above the figure.
    """
    figure, (panel,) = panels(1, title=title)
    figure.set_size_inches(*SIZE)
    low, high = grid[:, 0, 0], grid[:, -1, -1]
    every = max(1, grid.shape[1] // ARROWS)
    some = (slice(every // 2, None, every), slice(every // 2, None, every))
    flow = rates / (high - low)[:, None, None]  # in widths of the panel, so that arrows point along the flow
    flow = flow / np.maximum(np.hypot(*flow), np.finfo(float).tiny)
    panel.quiver(
        *(item[some] for item in grid), *(item[some] for item in flow),
        color="0.78", angles="uv", pivot="mid", scale=45, width=0.0022, zorder=1,
    )  # fmt: skip
    for k, name in enumerate(names):
        if rates[k].min() < 0 < rates[k].max():
            panel.contour(*grid, rates[k], levels=[0.0], colors=[COLORS[k]], linewidths=1.6, zorder=2)
            panel.plot([], [], color=COLORS[k], label=f"d{name}/dt = 0", linewidth=1.6)
    for number, path in enumerate(trajectories):
        label = "trajectory" if number == 0 else None
        panel.plot(path[:, 0], path[:, 1], color=COLORS[6], linewidth=0.9, label=label, zorder=3)
    for kind in dict.fromkeys(point[3] for point in points):
        mine = [point for point in points if point[3] == kind]
        face = COLORS[2] if mine[0][2] else "white"
        marker = "D" if kind.endswith("focus") else "o"
        panel.plot(
            [point[0] for point in mine], [point[1] for point in mine], marker, label=kind, markersize=6,
            markerfacecolor=face, markeredgecolor=_edge(kind), markeredgewidth=1.6, zorder=4,
        )  # fmt: skip
    panel.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel=names[0], ylabel=names[1])
    legend(panel)
    return figure


def _edge(kind: str) -> str:
    """Stable points have one colour, saddles and unstable ones others."""
    return COLORS[2] if kind.startswith("stable") else COLORS[3] if kind == "saddle" else COLORS[5]
