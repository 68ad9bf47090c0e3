"""Fixed points: where all rates are 0, and whether a small push away from there dies out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.analysis.system import Described, System, system
from tvbo_lite.errors import ModelError, Problem, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FixedPoint", "Ranges", "fixed_points", "ranges_of"]

Ranges = Mapping[str, tuple[float, float]]
"""For each state variable the lowest and highest value, SI."""

STARTS = 2000  # at most, on a grid over the ranges
ROUNDS = 60  # of Newton's method
SAME = 1e-6  # distance of two points that count as one, in widths of the ranges
DONE = 1e-10  # length of the last step of Newton's method, in widths of the ranges
NEUTRAL = 1e-9  # real parts below this, relative to the largest eigenvalue, count as 0


@dataclass(frozen=True, slots=True, eq=False)
class FixedPoint:
    """``values`` of the state variables (SI) and the ``eigenvalues`` (1/s) of the Jacobian there."""

    values: Mapping[str, float]
    eigenvalues: NDArray[np.complex128]

    @property
    def stable(self) -> bool:
        """Whether every small push dies out."""
        return self.kind in {"stable node", "stable focus"}

    @property
    def kind(self) -> str:
        """Node, focus (it spirals) or saddle; ``neutral`` where the linear part does not tell."""
        real, size = self.eigenvalues.real, np.abs(self.eigenvalues).max(initial=0.0)
        if np.any(np.abs(real) <= NEUTRAL * size):
            return "neutral"
        if real.min() < 0 < real.max():
            return "saddle"
        shape = "focus" if np.any(np.abs(self.eigenvalues.imag) > NEUTRAL * size) else "node"
        return f"{'stable' if real.max() < 0 else 'unstable'} {shape}"


def fixed_points(experiment: Described, ranges: Ranges, *, time: float = 0.0) -> tuple[FixedPoint, ...]:
    """All fixed points inside ``ranges`` that Newton's method finds from a grid of starts.

    Args:
        experiment: one of a single node.
        ranges: where to look, for every state variable.
        time: when, in s; inputs are what they are then.

    Returns:
        The points in the order of their values.

    Raises:
        ModelError: ranges that are not those of the state variables. Else as `system`.
    """
    found = system(experiment, time)
    low, high = ranges_of(found, ranges)
    width = high - low
    roots = _newton(found, _grid(low, high), width)
    away = np.abs(roots.T - 0.5 * (low + high)) / width
    inside = np.all(away <= 0.5 + SAME, axis=1)
    points: list[NDArray[np.float64]] = []
    for root in roots[:, inside].T:
        if all(np.abs((root - other) / width).max() > SAME for other in points):
            points.append(root)
    points.sort(key=lambda point: tuple(point.tolist()))
    return tuple(
        FixedPoint(
            dict(zip(found.states, point.tolist(), strict=True)),
            np.linalg.eigvals(found.df(point)).astype(np.complex128),
        )
        for point in points
    )


def ranges_of(found: System, ranges: Ranges) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower and upper ends in the order of the states. Raises `ModelError` with all that is wrong."""
    problems = []
    for name in ranges:
        if name not in found.states:
            message = f"there is no state variable '{name}'"
            problems.append(
                Problem(message, expected=", ".join(found.states), hint=nearest(name, found.states))
            )
    for name in found.states:
        low, high = ranges.get(name, (np.nan, np.nan))
        if name not in ranges or not (np.isfinite(low) and np.isfinite(high) and low < high):
            problems.append(
                Problem(f"'{name}' has no range", expected=f"'{name}': (lowest, highest), in SI units")
            )
    if problems:
        raise ModelError(problems)
    ends = np.array([ranges[name] for name in found.states], dtype=np.float64)
    return ends[:, 0], ends[:, 1]


def _grid(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Starts, shape ``(n_states, n_starts)``."""
    count = max(2, int(STARTS ** (1 / len(low))))
    lines = [np.linspace(one, other, count) for one, other in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij")).reshape(len(low), -1)


def _newton(found: System, x: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points that Newton's method ends in; starts from which it does not are left out.

    States are counted in widths of their ranges; no step is longer than one of them.
    """
    step = np.full(x.shape[1], np.inf)
    for _ in range(ROUNDS):
        jacobian = np.moveaxis(found.df(x), -1, 0) * width
        rates = found.f(x).T
        finite = np.isfinite(jacobian).all((1, 2)) & np.isfinite(rates).all(1)
        determinant = np.abs(np.linalg.det(np.nan_to_num(jacobian, posinf=0.0, neginf=0.0)))
        good = np.flatnonzero(finite & (determinant > 0))
        x, step, jacobian, rates = x[:, good], step[good], jacobian[good], rates[good]
        if not x.size:
            return x
        move = np.linalg.solve(jacobian, -rates[:, :, None])[:, :, 0].T
        step = np.abs(move).max(axis=0)
        x = x + move / np.maximum(step, 1.0) * width[:, None]
    return x[:, step < DONE]
