"""Who is connected to whom by a rule that asks for no places. Pairs are sorted by source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.schema.rules import ConnectionRule
    from tvbo_lite.transforms.lower.groups import Group

__all__ = [
    "Ends",
    "ImpossibleError",
    "Indices",
    "Pairs",
    "all_to_all",
    "by_degree",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "one_to_one",
    "probability_of",
]

Indices: TypeAlias = "NDArray[np.int64]"
Pairs: TypeAlias = "tuple[Indices, Indices]"

_REDRAWS = 1000


@dataclass(frozen=True, slots=True)
class Ends:
    """The two populations of a projection, and what messages call it."""

    name: str
    source: Group
    target: Group

    @property
    def recurrent(self) -> bool:
        return self.source.id == self.target.id

    def alone(self, rule: ConnectionRule) -> bool:
        """Whether an instance is not connected to itself."""
        return self.recurrent and not rule.self_connections

    def pairs(self, rule: ConnectionRule) -> int:
        """How many pairs the rule can choose from."""
        width = self.target.size - (1 if self.alone(rule) else 0)
        return self.source.size * max(width, 0)


class ImpossibleError(Exception):
    """A rule cannot be met; the message says why."""


def all_to_all(rule: ConnectionRule, ends: Ends, _: np.random.Generator) -> Pairs:
    import numpy as np

    n, m = ends.source.size, ends.target.size
    pre, post = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    if not ends.alone(rule):
        return pre, post
    other = pre != post
    return pre[other], post[other]


def one_to_one(rule: ConnectionRule, ends: Ends, _: np.random.Generator) -> Pairs:
    import numpy as np

    if ends.alone(rule):
        msg = f"one_to_one connects each instance of '{ends.source.id}' to itself (self_connections: true)"
        raise ImpossibleError(msg)
    n, m = ends.source.size, ends.target.size
    if n != m:
        msg = f"'{ends.source.id}' has {n} instances and '{ends.target.id}' {m}; one_to_one needs as many"
        raise ImpossibleError(msg)
    return np.arange(n), np.arange(n)


def fixed_probability(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    """Pairs in order, the gaps between them drawn: as much work as there are connections."""
    import numpy as np

    p = probability_of(rule)
    alone = ends.alone(rule)
    width = ends.target.size - (1 if alone else 0)
    total = ends.pairs(rule)
    drawn = 0 < p < 1 and total > 0
    flat = _thinned(total, p, rng) if drawn else np.arange(total if p == 1 else 0)
    small = flat.astype(np.uint32) if total < 1 << 32 else flat  # is divided twice as fast
    parts: Any = np.divmod(small, small.dtype.type(max(width, 1)))
    signed = np.int32 if small.dtype == np.uint32 else np.int64
    pre, post = parts[0].view(signed), parts[1].view(signed)
    if alone:
        post += post >= pre
    return pre, post


def probability_of(rule: ConnectionRule) -> float:
    """The probability of all pairs alike."""
    p = rule.probability or 0
    if isinstance(p, str):
        msg = f"the probability is '{p}'; it must be a number (distance_dependent takes expressions)"
        raise ImpossibleError(msg)
    if not 0 <= p <= 1:
        msg = f"the probability is {p:g}; it must be from 0 to 1"
        raise ImpossibleError(msg)
    return p


def _thinned(total: int, p: float, rng: np.random.Generator) -> Indices:
    """Each of the first ``total`` whole numbers with probability ``p``."""
    import numpy as np

    found, last = [], -1
    while last < total:
        expected = (total - last) * p
        gaps = rng.geometric(p, int(expected + 4 * expected**0.5) + 16)
        gaps = np.minimum(gaps, total + 1)  # of a tiny p they are near the largest whole number
        gaps[0] += last
        found.append(np.cumsum(gaps, out=gaps))
        last = int(gaps[-1])
    every = found[0] if len(found) == 1 else np.concatenate(found)
    return every[: int(np.searchsorted(every, total))]


def fixed_in_degree(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    import numpy as np

    others = choices(rule, ends)
    chosen = _chosen(rule, ends.target.size, others, rng)
    post = np.repeat(np.arange(ends.target.size), rule.degree or 0)
    pre = chosen.ravel()
    if ends.alone(rule):
        pre = pre + (pre >= post)
    order = np.argsort(pre, kind="stable")
    return pre[order], post[order]


def fixed_out_degree(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    import numpy as np

    others = choices(rule, ends)
    post = _chosen(rule, ends.source.size, others, rng).ravel()
    pre = np.repeat(np.arange(ends.source.size), rule.degree or 0)
    if ends.alone(rule):
        post = post + (post >= pre)
    return pre, post


def by_degree(rule: ConnectionRule, ends: Ends) -> int:
    """How many connections a rule by degree makes. Raises `ImpossibleError` where it cannot be met."""
    choices(rule, ends)
    having = ends.target if rule.type == "fixed_in_degree" else ends.source
    return having.size * (rule.degree or 0)


def choices(rule: ConnectionRule, ends: Ends) -> int:
    """How many instances there are to choose from, for each one that has the degree."""
    group = ends.source if rule.type == "fixed_in_degree" else ends.target
    own = ends.alone(rule)
    others, degree = max(group.size - (1 if own else 0), 0), rule.degree or 0
    many = rule.multapses and others > 0
    if degree < 0 or (degree > others and not many):
        what = "other instances" if own else "instances"
        msg = f"the degree is {degree}, but '{group.id}' has {others} {what}"
        raise ImpossibleError(msg)
    return others


def _chosen(rule: ConnectionRule, rows: int, size: int, rng: np.random.Generator) -> Indices:
    """For each row as many numbers below ``size`` as the degree says, in ascending order."""
    import numpy as np

    count = rule.degree or 0
    if rule.multapses:
        return np.sort(rng.integers(0, max(size, 1), (rows, count)), axis=1)
    return _distinct(rows, size, count, rng)


def _distinct(rows: int, size: int, count: int, rng: np.random.Generator) -> Indices:
    """``rows`` times ``count`` different numbers below ``size``, each row in ascending order."""
    import numpy as np

    if 2 * count > size:  # those that are left out are fewer
        chosen = np.ones((rows, size), dtype=bool)
        np.put_along_axis(chosen, _distinct(rows, size, size - count, rng), values=False, axis=1)
        return np.nonzero(chosen)[1].reshape(rows, count)
    drawn = np.sort(rng.integers(0, size, (rows, count)), axis=1)
    for _ in range(_REDRAWS):
        twice = np.zeros(drawn.shape, dtype=bool)
        twice[:, 1:] = drawn[:, 1:] == drawn[:, :-1]
        if not twice.any():
            break
        drawn[twice] = rng.integers(0, size, int(twice.sum()))
        touched = twice.any(axis=1)
        drawn[touched] = np.sort(drawn[touched], axis=1)
    return drawn
