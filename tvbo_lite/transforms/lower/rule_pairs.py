"""Who is connected to whom by a rule that asks for no places. Pairs are sorted by source, then by target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.lems.runs import kind_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.runs import Indices, Runs
    from tvbo_lite.schema.rules import ConnectionRule
    from tvbo_lite.transforms.lower.groups import Group

__all__ = [
    "Ends",
    "ImpossibleError",
    "Numbers",
    "Pairs",
    "all_to_all",
    "by_degree",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "one_to_one",
    "probability_of",
]

Numbers: TypeAlias = "NDArray[np.int64]"
Pairs: TypeAlias = "tuple[Indices, Numbers]"


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

    def width(self, rule: ConnectionRule) -> int:
        """How many targets the rule can choose from for each source."""
        return max(self.target.size - (1 if self.alone(rule) else 0), 0)

    def pairs(self, rule: ConnectionRule) -> int:
        """How many pairs the rule can choose from."""
        return self.source.size * self.width(rule)


class ImpossibleError(Exception):
    """A rule cannot be met; the message says why."""


def all_to_all(rule: ConnectionRule, ends: Ends, _: np.random.Generator) -> Pairs:
    import numpy as np

    from tvbo_lite.transforms.lower import pair_draws as draws

    n, width = ends.source.size, ends.width(rule)
    post: Numbers = np.tile(np.arange(width, dtype=kind_of(ends.target.size)), n)
    return _with_own(rule, ends, draws.evenly(n, width), post)


def one_to_one(rule: ConnectionRule, ends: Ends, _: np.random.Generator) -> Pairs:
    import numpy as np

    from tvbo_lite.transforms.lower import pair_draws as draws

    if ends.alone(rule):
        msg = f"one_to_one connects each instance of '{ends.source.id}' to itself (self_connections: true)"
        raise ImpossibleError(msg)
    n, m = ends.source.size, ends.target.size
    if n != m:
        msg = f"'{ends.source.id}' has {n} instances and '{ends.target.id}' {m}; one_to_one needs as many"
        raise ImpossibleError(msg)
    return draws.evenly(n, 1), np.arange(n, dtype=kind_of(n))


def fixed_probability(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    """Pairs in order, the gaps between them drawn: as much work as there are connections."""
    import numpy as np

    from tvbo_lite.transforms.lower import pair_draws as draws

    p, n, width = probability_of(rule), ends.source.size, ends.width(rule)
    if p == 1:
        return all_to_all(rule, ends, rng)
    if p == 0 or not n * width:
        return draws.evenly(n, 0), np.zeros(0, kind_of(0))
    return _with_own(rule, ends, *draws.thinned(n, width, p, rng))


def _with_own(rule: ConnectionRule, ends: Ends, pre: Runs, post: Numbers) -> Pairs:
    """The pairs whose targets are numbered without the source where that is left out."""
    from tvbo_lite.transforms.lower import pair_draws as draws

    if ends.alone(rule):
        draws.past_own(pre, post)
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


def fixed_in_degree(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    from tvbo_lite.transforms.lower import pair_draws as draws

    targets, degree = ends.target.size, rule.degree or 0
    chosen = draws.drawn(targets, choices(rule, ends), degree, rng, multapses=bool(rule.multapses))
    if ends.alone(rule):
        draws.past_own(draws.evenly(targets, degree), chosen.reshape(-1))
    return draws.by_source(chosen, ends.source.size)


def fixed_out_degree(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    from tvbo_lite.transforms.lower import pair_draws as draws

    sources, degree = ends.source.size, rule.degree or 0
    chosen = draws.drawn(sources, choices(rule, ends), degree, rng, multapses=bool(rule.multapses))
    post = chosen.reshape(-1).astype(kind_of(ends.target.size))
    return _with_own(rule, ends, draws.evenly(sources, degree), post)


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
