"""Pairs of cells by their distance: all, or those within reach, a block of them at a time.

Blocks bound the memory; what is found does not depend on how large they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.lower.rule_pairs import Numbers

    Values: TypeAlias = "NDArray[np.float64]"

__all__ = ["Block", "between", "blocks", "within"]

_BLOCK = 1 << 17  # pairs at a time: a few arrays of so many numbers stay in the cache
_CELLS = 1 << 18  # boxes of space along an axis, at most
_METRES = 1e-6  # of a µm


@dataclass(frozen=True, slots=True)
class Block:
    """Pairs in order of source and target: their distances (m), and the pairs at some places of these."""

    distances: Values
    pairs: Callable[[Numbers], tuple[Numbers, Numbers]]


def between(sources: Values, targets: Values) -> Values:
    """The distances (m) of places (µm); shapes ``(..., 3)``, broadcast against each other."""
    import numpy as np

    total: Values | None = None
    with np.errstate(over="ignore"):  # places may be infinitely far apart
        for axis in range(sources.shape[-1]):
            apart = sources[..., axis] - targets[..., axis]
            total = apart * apart if total is None else total + apart * apart
    assert total is not None  # noqa: S101  there are three axes
    return np.sqrt(total) * _METRES


def blocks(sources: Values, targets: Values, limit: float | None) -> Iterator[Block]:
    """All pairs of places (µm, shape ``(n, 3)``); with a ``limit`` (m) those that are no further apart."""
    return _all(sources, targets) if limit is None else within(sources, targets, limit)


def _all(sources: Values, targets: Values) -> Iterator[Block]:
    import numpy as np

    n, m = len(sources), len(targets)
    height = max(1, _BLOCK // max(m, 1))
    for start in range(0, n if m else 0, height):
        part = sources[start : start + height, None, :]

        def pairs(places: Numbers, start: int = start) -> tuple[Numbers, Numbers]:
            rows, columns = np.divmod(places, m)
            return rows + start, columns

        yield Block(between(part, targets[None]).ravel(), pairs)


def within(sources: Values, targets: Values, limit: float) -> Iterator[Block]:
    """Pairs no further apart than ``limit`` (m): space is cut into boxes of that size, and each source
    looks into the boxes around its own.
    """
    import numpy as np

    if not (len(sources) and len(targets)):
        return
    of_sources, of_targets, steps = _boxes(sources, targets, limit / _METRES)
    order = np.argsort(of_targets, kind="stable")
    sorted_boxes = of_targets[order]
    rows = (of_sources[:, None] + steps).ravel()  # three neighbours along z are one stretch
    starts = np.searchsorted(sorted_boxes, rows - 1, side="left").reshape(len(sources), -1)
    counts = np.searchsorted(sorted_boxes, rows + 1, side="right").reshape(len(sources), -1) - starts
    ends = np.cumsum(counts.sum(axis=1))
    first = 0
    while first < len(sources):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        part = slice(first, last)
        pre = first + np.repeat(np.arange(last - first), counts[part].sum(axis=1))
        post = order[_stretches(starts[part].ravel(), counts[part].ravel())]
        yield _near(sources, targets, pre, post, limit)
        first = last


def _near(sources: Values, targets: Values, pre: Numbers, post: Numbers, limit: float) -> Block:
    """Those pairs that are near enough, sorted."""
    import numpy as np

    apart = between(sources[pre], targets[post])
    near = np.flatnonzero(apart <= limit)
    near = near[np.argsort(pre[near] * len(targets) + post[near])]
    pre, post = pre[near], post[near]
    return Block(apart[near], lambda places: (pre[places], post[places]))


def _boxes(sources: Values, targets: Values, size: float) -> tuple[Numbers, Numbers, Numbers]:
    """The number of the box of each source and target, and from a box to nine rows of three around it."""
    import numpy as np

    low = np.minimum(sources.min(axis=0), targets.min(axis=0))
    extent = np.maximum(sources.max(axis=0), targets.max(axis=0)) - low
    sizes = np.maximum(size * (1 + 1e-9), extent / _CELLS)  # never smaller, lest rounding hides a neighbour
    counts = (extent / sizes).astype(np.int64) + 3  # an empty layer on each side
    strides = np.array([counts[1] * counts[2], counts[2], 1])
    found = [((places - low) / sizes).astype(np.int64) @ strides for places in (sources, targets)]
    middle = strides.sum()
    steps = np.array([i * strides[0] + j * strides[1] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    return found[0] + middle, found[1] + middle, steps


def _stretches(starts: Numbers, counts: Numbers) -> Numbers:
    """The whole numbers of all stretches, one after the other."""
    import numpy as np

    ends = np.cumsum(counts)
    return np.repeat(starts - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
