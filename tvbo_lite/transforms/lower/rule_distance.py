"""Connections with a probability that depends on the distance: each pair is drawn on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.transforms.lower.distances import Block, between, blocks
from tvbo_lite.transforms.lower.rule_pairs import ImpossibleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.lower.formulas import Formula
    from tvbo_lite.transforms.lower.groups import Group
    from tvbo_lite.transforms.lower.rule_pairs import Numbers, Pairs

    Values = NDArray[np.float64]

__all__ = ["ByDistance", "places_of"]

_SAMPLE = 64  # sources from which the number of connections is estimated


def places_of(group: Group) -> Values:
    """The places of all instances; `ImpossibleError` where they are not given."""
    if group.places is None:
        what = "no positions" if group.instances is None else "no position for some instances"
        msg = f"'{group.id}' has {what}, and so no distances (give its 'positions', or a 'layout')"
        raise ImpossibleError(msg)
    return group.places


@dataclass(frozen=True, slots=True)
class ByDistance:
    """A probability as a function of the distance, up to ``limit`` (m). ``alone``: without pairs of an
    instance with itself.
    """

    sources: Values
    targets: Values
    probability: Formula
    limit: float | None
    alone: bool

    def expected(self) -> float:
        """About how many connections there will be: from all pairs of some sources, evenly chosen."""
        import numpy as np

        n = len(self.sources)
        if not n or not len(self.targets):
            return 0.0
        some = np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64))
        total = 0.0
        for source in some.tolist():
            apart = between(self.sources[source], self.targets)
            if self.limit is not None:
                apart = apart[apart <= self.limit]
            total += float(np.clip(np.nan_to_num(self.probability.of(apart)), 0, 1).sum())
        return total / len(some) * n

    def pairs(self, rng: np.random.Generator) -> Pairs:
        """Who is connected. Raises `ImpossibleError` for what is no probability."""
        from tvbo_lite.transforms.lower.pair_draws import joined_pairs

        found = (self._drawn(block, rng) for block in blocks(self.sources, self.targets, self.limit))
        return joined_pairs(found, len(self.sources), len(self.targets))

    def _drawn(self, block: Block, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
        """The pairs of a block that are connected; a number is drawn for every one of them."""
        import numpy as np

        p = self.probability.of(block.distances)
        kept = np.flatnonzero(rng.random(len(p)) < p)
        wrong = np.flatnonzero(~((p >= 0) & (p <= 1)))
        if len(wrong):
            self._refuse(block, p, wrong)
        pre, post = block.pairs(kept)
        if self.alone:
            other = pre != post
            pre, post = pre[other], post[other]
        return pre, post

    def _refuse(self, block: Block, p: Values, wrong: Numbers) -> None:
        """Raises for the first pair that counts."""
        pre, post = block.pairs(wrong)
        for place, i, j in zip(wrong.tolist(), pre.tolist(), post.tolist(), strict=True):
            if not (self.alone and i == j):
                where = f"at a distance of {block.distances[place] * 1e6:g} um"
                msg = f"the probability is {p[place]:g} {where}; it must be from 0 to 1"
                raise ImpossibleError(msg)
