"""The phase plane of two variables: rates on a grid, and the nullclines, where one of them is 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.analysis.points import FixedPoint, Ranges, fixed_points, ranges_of
from tvbo_lite.analysis.system import Described, System, system
from tvbo_lite.errors import ModelError, Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Rate = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

__all__ = ["PhasePlane", "nullclines", "phase_plane"]

HALVINGS = 60  # of an interval in which a rate changes its sign


@dataclass(frozen=True, slots=True, eq=False)
class PhasePlane:
    """Rates of the variables ``x`` and ``y`` (names), all in SI units.

    ``grid`` has shape ``(2, n, n)``: x along the last axis, y along the one before; ``rates`` the same
    shape, per s. ``points`` are the fixed points inside.
    """

    x: str
    y: str
    grid: NDArray[np.float64]
    rates: NDArray[np.float64]
    points: tuple[FixedPoint, ...]

    def plot(self, *trajectories: object, title: str = "") -> Figure:
        """Nullclines, flow, fixed points (filled: stable) and trajectories.

        A trajectory is a result of a run, or an array of shape ``(n_times, 2)``.
        """
        from tvbo_lite.plotting.phase_plane import plot_phase_plane

        paths = [self._path(item) for item in trajectories]
        marks = [(p.values[self.x], p.values[self.y], p.stable, p.kind) for p in self.points]
        return plot_phase_plane((self.x, self.y), self.grid, self.rates, marks, paths, title=title)

    def _path(self, item: object) -> NDArray[np.float64]:
        data = getattr(item, "data", None)
        if isinstance(item, np.ndarray) or data is None:
            return np.asarray(item, dtype=np.float64)
        names = [str(name).rpartition("/")[2] for name in data[data.dims[1]].values]
        return np.stack([data.values[:, names.index(name)] for name in (self.x, self.y)], axis=1)


def phase_plane(experiment: Described, ranges: Ranges, *, count: int = 200, time: float = 0.0) -> PhasePlane:
    """The phase plane of a node with two state variables; the first key of ``ranges`` is the x axis.

    Raises `ModelError` for another number of state variables; else as `fixed_points`.
    """
    found, x, y = _pair(experiment, ranges, time)
    low, high = ranges_of(found, ranges)
    lines = {name: np.linspace(low[k], high[k], count) for k, name in enumerate(found.states)}
    grid = np.stack(np.meshgrid(lines[x], lines[y]))
    order = [found.states.index(name) for name in (x, y)]
    rates = found.f(grid[np.argsort(order)])[order]
    return PhasePlane(x, y, grid, rates, fixed_points(experiment, ranges, time=time))


def nullclines(
    experiment: Described, ranges: Ranges, *, count: int = 400, time: float = 0.0
) -> dict[str, NDArray[np.float64]]:
    """For each of two state variables the points where its rate is 0, shape ``(n, 2)``: x and y, SI.

    Points lie on ``count`` lines across and along the plane, each to the last bits; they are in the order
    of x. The first key of ``ranges`` is x. Raises as `phase_plane`.
    """
    found, x, y = _pair(experiment, ranges, time)
    order = [found.states.index(name) for name in (x, y)]
    lines = [np.linspace(*ranges[name], count) for name in (x, y)]
    curves = {}
    for name in (x, y):
        row = found.states.index(name)

        def rate(a: NDArray[np.float64], b: NDArray[np.float64], row: int = row) -> NDArray[np.float64]:
            values: NDArray[np.float64] = found.f(np.stack([a, b])[np.argsort(order)])[row]
            return values

        def turned(b: NDArray[np.float64], a: NDArray[np.float64], rate: Rate = rate) -> NDArray[np.float64]:
            return rate(a, b)

        both = np.concatenate([_crossings(rate, *lines), _crossings(turned, *lines[::-1])[:, ::-1]])
        curves[name] = both[np.lexsort(both.T[::-1])]
    return curves


def _pair(experiment: Described, ranges: Ranges, time: float) -> tuple[System, str, str]:
    found = system(experiment, time)
    if len(found.states) != 2:
        what = f"a phase plane has two state variables, not {len(found.states)} ({', '.join(found.states)})"
        raise ModelError(Problem(what))
    ranges_of(found, ranges)
    x, y = ranges
    return found, x, y


def _crossings(rate: Rate, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zeros of ``rate(a, b)`` along b for each a, shape ``(n, 2)``: bisection where the sign changes."""
    a, b = np.meshgrid(first, second, indexing="ij")
    signs = np.sign(rate(a, b))
    i, j = np.nonzero((signs[:, :-1] * signs[:, 1:] < 0) | (signs[:, :-1] == 0))
    fixed, low, high, left = first[i], second[j], second[j + 1], signs[i, j]
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        same = np.sign(rate(fixed, middle)) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    exact = left == 0
    return np.stack([fixed, np.where(exact, second[j], 0.5 * (low + high))], axis=1)
