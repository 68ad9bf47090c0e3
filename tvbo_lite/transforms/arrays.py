"""Long arrays without needless copies: those of one value take no memory, those in order are not sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np

from tvbo_lite.lems.runs import Indices, Runs, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 1 << 16  # numbers that are worked on together: a few arrays of so many stay in the cache

_Kind = TypeVar("_Kind", bound=np.generic)


def repeated(value: float, count: int) -> NDArray[np.float64]:
    """A number, ``count`` times; not to be written to."""
    return np.broadcast_to(np.float64(value), count)


def repeated_index(value: int, count: int) -> NDArray[np.int64]:
    """A whole number, ``count`` times; not to be written to."""
    return np.broadcast_to(np.int64(value), count)


def is_uniform(values: NDArray[_Kind]) -> bool:
    """Whether all entries are the same; true of none."""
    return not len(values) or values.strides[0] == 0 or bool(np.all(values == values[0]))


def joined(parts: Sequence[NDArray[_Kind]]) -> NDArray[_Kind]:
    """The parts one after the other; one part alone, and one value only, without a copy."""
    if len(parts) == 1:
        return parts[0]
    some = [part for part in parts if len(part)]
    if some and all(is_one(part) and part[0] == some[0][0] for part in some):
        return np.broadcast_to(some[0][0], sum(map(len, some)))
    return np.concatenate(parts)


def pieces(count: int) -> Iterator[slice]:
    """All places from 0 to ``count``, some at once."""
    return (slice(first, min(first + AT_ONCE, count)) for first in range(0, count, AT_ONCE))


def compact(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Whole numbers from 0 on, one part after the other, of 32 bits each where they fit; without a copy
    where that is how they are.
    """
    largest = max((int(part.max()) for part in parts if len(part)), default=0)
    kind = kind_of(largest + 1)
    if len(parts) == 1 and parts[0].dtype == kind:
        return parts[0]
    numbers: NDArray[np.int64] = np.concatenate(parts, dtype=kind, casting="same_kind")
    return numbers


def sorting(keys: Indices) -> NDArray[np.int64] | None:
    """The order that sorts the keys, equal ones kept in their order; None where they are sorted already."""
    if isinstance(keys, Runs) or np.all(keys[1:] >= keys[:-1]):
        return None
    return np.argsort(keys, kind="stable")


@overload
def picked(values: NDArray[_Kind], places: NDArray[np.int64] | None) -> NDArray[_Kind]: ...


@overload
def picked(values: Indices, places: NDArray[np.int64] | None) -> Indices: ...


def picked(
    values: NDArray[_Kind] | Indices, places: NDArray[np.int64] | None
) -> NDArray[_Kind] | NDArray[np.int64] | Runs:
    """The values at some places; None means all."""
    if places is None:
        return values
    return np.broadcast_to(values[0], len(places)) if is_one(values) else values[places]


def is_one(values: NDArray[_Kind] | Indices) -> bool:
    """Whether the array is known to hold one value only."""
    return not isinstance(values, Runs) and len(values) > 0 and values.strides[0] == 0


def starts_of(owners: Indices, count: int) -> NDArray[np.int64]:
    """Of sorted owners: where the entries of each of ``count`` begin, and after them where the last end."""
    if isinstance(owners, Runs):
        return np.concatenate((owners.starts, np.full(count + 1 - len(owners.starts), len(owners))))
    return np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=count))))


def both(some: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where both hold."""
    for one, other in ((some, others), (others, some)):
        if is_one(one):
            return other if one[0] else one
    return some & others


def where(chosen: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """The places that are chosen; None where all are."""
    if is_one(chosen):
        return None if chosen[0] else np.zeros(0, np.int64)
    return None if chosen.all() else np.flatnonzero(chosen)
