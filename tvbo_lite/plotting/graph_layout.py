"""Where the boxes, arrows and labels of a network's graph stand; all lengths in points (1/72 inch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

__all__ = ["Box", "around", "bounds", "crossing", "curve", "label_place", "loop", "ring"]

FINE = 80  # points along an arrow
MANY = 5  # boxes; neighbours on a ring of so many are above each other rather than beside
APART = 24.0  # boxes of a ring at least
GAP = 3.0  # between an arrow and a box
WAYS = (0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75)  # along an arrow, where a label may stand
HARD = 10.0  # how much worse it is to cover a text than a line
OFFSETS = (0.0, 4.0, 12.0)  # a label's further distance from its arrow


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def distance(self, points: Points) -> Points:
        """How far points, shape ``(n, 2)``, are outside; 0 inside."""
        away = np.abs(points - (self.x, self.y)) - (self.width / 2, self.height / 2)
        outside = np.maximum(away, 0.0)
        return np.hypot(outside[:, 0], outside[:, 1])

    def overlap(self, other: Box) -> float:
        """The area that both cover."""
        wide = (self.width + other.width) / 2 - abs(self.x - other.x)
        high = (self.height + other.height) / 2 - abs(self.y - other.y)
        return max(wide, 0.0) * max(high, 0.0)


def ring(sizes: Sequence[tuple[float, float]], room: float, rise: float = 70.0) -> list[Box]:
    """Boxes of these sizes on an ellipse, none of them straight above or below its middle.

    ``room`` and ``rise`` are what arrows between two of them need for their labels, across and upwards.
    """
    count = len(sizes)
    if count == 1:
        return [Box(0.0, 0.0, *sizes[0])]
    wide, high = max(width for width, _ in sizes), max(height for _, height in sizes)
    start = np.pi - (np.pi / count if count % 4 == 0 else 0.0)
    angles = start - 2 * np.pi * np.arange(count) / count
    if count == 2:
        half = (wide + room) / 2
        return [Box(float(np.cos(a)) * half, 0.0, *size) for a, size in zip(angles, sizes, strict=True)]
    x, y = (wide + room) / 2, (high + rise) / 2
    spread = 1 / np.sin(np.pi / count)
    x, y = x * spread * (1.0 if count < MANY else 0.75), y * spread
    while True:
        boxes = [
            Box(float(np.cos(a) * x), float(np.sin(a) * y), *size)
            for a, size in zip(angles, sizes, strict=True)
        ]
        wider = [Box(box.x, box.y, box.width + APART, box.height + APART) for box in boxes]
        if not any(one.overlap(other) for one, other in combinations(wider, 2)):
            return boxes
        x, y = 1.1 * x, 1.1 * y


def curve(source: Box, target: Box, bend: float) -> Points:
    """From one box to another, bent to its left by ``bend`` times its length; without what boxes cover."""
    a, b = np.array([source.x, source.y]), np.array([target.x, target.y])
    along = b - a
    middle = (a + b) / 2 + bend * np.array([-along[1], along[0]])
    t = np.linspace(0, 1, FINE)[:, None]
    return _outside((1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b, source, target)


def loop(box: Box, side: float) -> Points:
    """From a box to itself, above it (``side`` 1) or below it (-1)."""
    t = np.linspace(0, 1, FINE)[:, None]
    a, b = (np.array([box.x + d * box.width / 4, box.y + side * box.height / 2]) for d in (-1, 1))
    up = np.array([0.0, side * 52.0])
    aside = np.array([box.width * 0.12, 0.0])
    points = (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * (a + up - aside)
    points = points + 3 * t**2 * (1 - t) * (b + up + aside) + t**3 * b
    return _outside(points, box, box)


def _outside(points: Points, source: Box, target: Box) -> Points:
    free = (source.distance(points) > GAP) & (target.distance(points) > GAP)
    return points[free] if free.sum() > 2 else points


def crossing(points: Points, boxes: Sequence[Box]) -> bool:
    """Whether a curve runs through one of the boxes."""
    return any(bool((box.distance(points) < GAP).any()) for box in boxes)


def label_place(
    points: Points, size: tuple[float, float], boxes: Sequence[Box], curves: Sequence[Points]
) -> Box:
    """The place beside a curve where a label of that size covers least of the boxes and of other curves."""
    steps = np.gradient(points, axis=0)
    best, least = Box(0.0, 0.0, *size), np.inf
    for place, way in enumerate(WAYS):
        k = min(int(way * len(points)), len(points) - 1)
        normal = np.array([-steps[k][1], steps[k][0]]) / max(float(np.hypot(*steps[k])), 1e-9)
        reach = (abs(normal[0]) * size[0] + abs(normal[1]) * size[1]) / 2 + 4.0
        for further in OFFSETS:
            for side in (1.0, -1.0):
                at = points[k] + side * (reach + further) * normal
                box = Box(float(at[0]), float(at[1]), *size)
                cost = HARD * sum(map(box.overlap, boxes)) + 0.3 * place + 0.2 * further
                cost += 20.0 * sum(int((box.distance(one) < 1.0).sum()) for one in curves)
                if cost < least:
                    best, least = box, cost
    return best


def around(box: Box, sizes: Sequence[tuple[float, float]], side: float, room: float) -> list[Box]:
    """Boxes in a column at the left (``side`` -1) or the right (1) of another."""
    heights = [height + 10.0 for _, height in sizes]
    top = box.y + sum(heights) / 2
    found = []
    for (width, height), taken in zip(sizes, heights, strict=True):
        x = box.x + side * (box.width / 2 + room + width / 2)
        found.append(Box(x, top - taken / 2, width, height))
        top -= taken
    return found


def bounds(boxes: Sequence[Box], curves: Sequence[Points]) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of everything."""
    x = [edge for box in boxes for edge in (box.x - box.width / 2, box.x + box.width / 2)]
    y = [edge for box in boxes for edge in (box.y - box.height / 2, box.y + box.height / 2)]
    for points in curves:
        x += [float(points[:, 0].min()), float(points[:, 0].max())]
        y += [float(points[:, 1].min()), float(points[:, 1].max())]
    return min(x), max(x), min(y), max(y)
