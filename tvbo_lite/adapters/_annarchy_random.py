"""The distributions from which ANNarchy's scripts draw weights, delays and values of cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

__all__ = ["Normal", "Random", "Uniform"]


class Random:
    """A distribution from which values are drawn."""

    def draw(self, rng: np.random.Generator, count: int) -> Numbers:
        """``count`` values."""
        raise NotImplementedError


class Uniform(Random):
    """A uniform distribution from ``min`` to ``max``."""

    def __init__(self, min: float, max: float) -> None:  # noqa: A002  ANNarchy's names
        self.min, self.max = min, max

    def draw(self, rng: np.random.Generator, count: int) -> Numbers:
        return rng.uniform(self.min, self.max, count)


class Normal(Random):
    """A normal distribution; values below ``min`` and above ``max`` become these."""

    def __init__(
        self,
        mu: float,
        sigma: float,
        min: float | None = None,  # noqa: A002
        max: float | None = None,  # noqa: A002
    ) -> None:
        self.mu, self.sigma = mu, sigma
        self.min = -math.inf if min is None else min
        self.max = math.inf if max is None else max

    def draw(self, rng: np.random.Generator, count: int) -> Numbers:
        return np.clip(rng.normal(self.mu, self.sigma, count), self.min, self.max)
