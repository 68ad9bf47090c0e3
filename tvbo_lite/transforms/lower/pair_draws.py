"""What rules draw and sort, some at a time: little is as long as the connections but what is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.lems.runs import Runs, kind_of
from tvbo_lite.transforms.arrays import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers: TypeAlias = "NDArray[np.int64]"  # of 32 bits each where these are enough

__all__ = ["by_source", "drawn", "evenly", "joined_pairs", "past_own", "sorted_pairs", "thinned"]

_REDRAWS = 1000
_SPARE = 8  # standard deviations; there is hardly ever more
_INVERTED = 1 / 3  # below that probability numpy finds a gap from an exponential number, as is done here
_RARE = 1e-9  # gaps at a probability below that may be too long to be added up
_SMALL = 1 << 16  # numbers below that have 16 bits
_BLOCK = 1 << 18  # numbers that are sorted at once: they stay in the cache
_EACH = 4  # so many times the number of sources at least, whose places are looked up for each block


def evenly(rows: int, count: int) -> Runs:
    """Each of ``rows`` numbers ``count`` times."""
    return Runs(np.arange(rows + 1, dtype=np.int64) * count)


def past_own(pre: Runs, post: Numbers) -> None:
    """Numbers of the targets other than the source become those of all targets, in place."""
    for places in pieces(len(post)):
        some = post[places]
        some += some >= pre.part(places)


# ---- each pair with the same probability -------------------------------------------------------------


def thinned(rows: int, width: int, p: float, rng: np.random.Generator) -> tuple[Runs, Numbers]:
    """Each pair of ``rows`` sources and ``width`` targets with probability ``p`` (between 0 and 1)."""
    expected = rows * width * p
    post = np.empty(int(expected + _SPARE * math.sqrt(expected)) + _SPARE, kind_of(width))
    starts = np.zeros(rows + 1, np.int64)
    done = row = 0
    for places in _places(rows * width, p, min(_BLOCK >> 3, len(post)), rng):
        last = int(places[-1]) // width
        begins = np.arange(row, last + 1) * width
        ends = np.searchsorted(places, begins[1:])
        before = np.repeat(begins, np.diff(np.concatenate(([0], ends, [len(places)]))))
        starts[row + 1 : last + 1] = done + ends
        if done + len(places) > len(post):
            post = np.concatenate((post, np.empty_like(post)))
        np.subtract(places, before, out=post[done : done + len(places)], casting="unsafe")
        done, row = done + len(places), last
    starts[row + 1 :] = done
    return Runs(starts), post[:done]


def _places(total: int, p: float, at_once: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Each of the first ``total`` whole numbers with probability ``p``, in order, some at a time; the gaps
    between them are drawn. The array is the same each time.
    """
    gaps, found = np.empty(at_once), np.empty(at_once, np.int64)
    last = -1
    while last < total:
        if p < _INVERTED:
            rng.standard_exponential(out=gaps)
            with np.errstate(over="ignore"):
                gaps /= -math.log1p(-p)
            if p < _RARE:
                np.minimum(gaps, total + 1, out=gaps)
            np.ceil(gaps, out=found, casting="unsafe")
        else:
            found[:] = rng.geometric(p, at_once)
        found[0] += last
        np.cumsum(found, out=found)
        last = int(found[-1])
        count = at_once if last < total else int(np.searchsorted(found, total))
        if count:
            yield found[:count]


# ---- so many of each row ------------------------------------------------------------------------------


def drawn(rows: int, size: int, count: int, rng: np.random.Generator, *, multapses: bool) -> Numbers:
    """For each row ``count`` numbers below ``size`` in ascending order, shape ``(rows, count)``, of 16 bits
    each where these are enough; without ``multapses`` different ones.
    """
    small = size <= _SMALL
    found: Numbers = np.empty((rows, count), np.uint16 if small else kind_of(size))
    if multapses or 2 * count <= size:
        for some in _row_blocks(rows, count):
            shape = (some.stop - some.start, count)
            found[some] = rng.integers(0, max(size, 1), shape, dtype=kind_of(size))
            _sort_rows(found[some])
        if not multapses:
            _redraw(found, size, rng)
        return found
    left_out = drawn(rows, size, size - count, rng, multapses=False)
    for some in _row_blocks(rows, size):
        chosen = np.ones((some.stop - some.start, size), dtype=bool)
        np.put_along_axis(chosen, left_out[some].astype(np.int64), values=False, axis=1)
        found[some] = np.nonzero(chosen)[1].reshape(-1, count)
    return found


def _sort_rows(part: Numbers) -> None:
    """Sorts each row; numbers of 16 bits digit by digit, which takes a fraction of the time."""
    part.sort(axis=1, kind="stable" if part.dtype == np.uint16 else "quicksort")


def _redraw(found: Numbers, size: int, rng: np.random.Generator) -> None:
    """Draws anew what is twice in a row, until nothing is."""
    rows, count = found.shape
    flat = found.reshape(-1)
    twice = [_twice(found[some]) + some.start * count for some in _row_blocks(rows, count)]
    places = np.concatenate([np.zeros(0, np.int64), *twice])
    for _ in range(_REDRAWS):
        if not len(places):
            return
        flat[places] = rng.integers(0, size, len(places), dtype=kind_of(size))
        touched = np.unique(places // count)
        twice = []
        for some in _row_blocks(len(touched), count):
            numbers = touched[some]
            part = found[numbers]
            _sort_rows(part)
            found[numbers] = part
            again = _twice(part)
            twice.append(numbers[again // count] * count + again % count)
        places = np.concatenate(twice)


def _twice(part: Numbers) -> Numbers:
    """The places of numbers that are those before them in their row."""
    same = np.zeros(part.shape, dtype=bool)
    np.equal(part[:, 1:], part[:, :-1], out=same[:, 1:])
    return np.flatnonzero(same)


def _row_blocks(rows: int, count: int) -> Iterator[slice]:
    """Ranges of rows of ``count`` numbers each, some rows at once."""
    height = max(1, _BLOCK // max(count, 1))
    return (slice(first, min(first + height, rows)) for first in range(0, rows, height))


# ---- sorted by source ---------------------------------------------------------------------------------


def by_source(chosen: Numbers, sources: int) -> tuple[Runs, Numbers]:
    """The pairs of which row i of ``chosen`` are the sources of target i.

    Blocks of targets are sorted; where each source's targets go among those of other blocks is known from
    how many there are.
    """
    targets, count = chosen.shape
    height = max(1, _BLOCK // max(count, 1), _EACH * sources // max(count, 1))
    blocks = [slice(first, min(first + height, targets)) for first in range(0, targets, height)]
    number = np.zeros(sources, np.int64)
    for block in blocks:
        number += np.bincount(chosen[block].ravel(), minlength=sources)
    starts = np.concatenate(([0], np.cumsum(number)))
    post = np.empty(targets * count, kind_of(targets))
    free = starts[:-1].copy()  # where the next target of each source goes
    of_place = np.repeat(np.arange(min(height, targets), dtype=post.dtype), count)
    for block in blocks:
        keys = chosen[block].ravel()
        number = np.bincount(keys, minlength=sources)
        places = np.repeat(free - (np.cumsum(number) - number), number)
        places += np.arange(len(keys))
        post[places] = of_place[_order(keys, sources)] + block.start
        free += number
    return Runs(starts), post


def _order(keys: Numbers, size: int) -> NDArray[np.intp]:
    """The order that sorts keys below ``size``, equal ones kept in theirs: by 16 bits of them at a time, for
    which numpy sorts digit by digit.
    """
    if size <= _SMALL:
        return np.argsort(keys.astype(np.uint16, copy=False), kind="stable")
    order = np.argsort((keys & (_SMALL - 1)).astype(np.uint16), kind="stable")
    higher = _order(keys[order] >> 16, -(-size // _SMALL))
    return order[higher]


def sorted_pairs(pre: Numbers, post: Numbers, sources: int, targets: int) -> tuple[Runs, Numbers]:
    """Pairs in any order, sorted."""
    keys = pre.astype(np.int64) * targets
    keys += post
    keys.sort()
    starts = np.searchsorted(keys, np.arange(sources + 1) * targets)
    keys %= max(targets, 1)
    return Runs(starts), keys.astype(kind_of(targets))


def joined_pairs(
    parts: Iterator[tuple[Numbers, Numbers]], sources: int, targets: int
) -> tuple[Runs, Numbers]:
    """Sorted pairs, one part after the other."""
    number = np.zeros(sources, np.int64)
    posts = [np.zeros(0, kind_of(targets))]
    for pre, post in parts:
        if len(pre):
            first = int(pre[0])
            each = np.bincount(pre - first)
            number[first : first + len(each)] += each
            posts.append(post.astype(posts[0].dtype))
    return Runs(np.concatenate(([0], np.cumsum(number)))), np.concatenate(posts)
