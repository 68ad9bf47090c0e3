"""Fewer points that look the same: the extremes of each column of pixels, one spike for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["envelope", "one_a_pixel"]


def envelope(values: NDArray[np.float64], columns: int) -> NDArray[np.int64]:
    """The places of the smallest and the largest value in each of ``columns`` stretches of a trace, in order.

    With the first and the last one; all of them where there are no more than two for each column. A value
    that is not a number counts as an extreme.
    """
    count = len(values)
    if count <= 2 * columns:
        return np.arange(count)
    length = -(-count // columns)
    padded = np.concatenate([values, np.full(length * columns - count, values[-1])]).reshape(columns, length)
    starts = length * np.arange(columns)
    found = np.concatenate([[0, count - 1], starts + padded.argmin(1), starts + padded.argmax(1)])
    return np.unique(np.minimum(found, count - 1))


def one_a_pixel(x: NDArray[np.float64], y: NDArray[np.float64], columns: int, rows: int) -> NDArray[np.int64]:
    """The places of points of which no two lie in one of ``columns`` times ``rows`` pixels, in order."""
    pixels = _pixel(y, rows) * columns + _pixel(x, columns)
    _, first = np.unique(pixels, return_index=True)
    return np.sort(first)


def _pixel(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Into which of ``count`` equal stretches each value falls."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    low, span = float(values.min()), float(np.ptp(values)) or 1.0
    return np.minimum((values - low) / span * count, count - 1).astype(np.int64)
