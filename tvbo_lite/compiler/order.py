"""The conditions under which a Runge-Kutta or Rosenbrock method has an order.

Source: E. Hairer, S. P. Nørsett and G. Wanner, Solving Ordinary Differential Equations I, section II.2
(rooted trees), and, of Rosenbrock methods, E. Hairer and G. Wanner, part II, section IV.7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

Matrix: TypeAlias = Sequence[Sequence[float]]


class Tree(tuple["Tree", ...]):
    """A rooted tree: those that hang at its root, in order."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The number of its vertices."""
        return 1 + sum(tree.size for tree in self)

    @property
    def density(self) -> int:
        """The product of the sizes of all trees in it, which is 1 / the integral that it stands for."""
        return self.size * math.prod(tree.density for tree in self)


@cache
def trees(size: int) -> tuple[Tree, ...]:
    """All rooted trees with that many vertices."""
    return tuple(Tree(below) for below in _forests(size - 1, size - 1))


def _forests(size: int, largest: int) -> list[tuple[Tree, ...]]:
    """Sets of trees with ``size`` vertices together, none larger than ``largest``, larger ones first."""
    if size == 0:
        return [()]
    found = []
    for first in range(min(size, largest), 0, -1):
        for place, tree in enumerate(trees(first)):
            for rest in _forests(size - first, first):
                same = [one for one in rest if one.size == first]
                if all(trees(first).index(one) >= place for one in same):
                    found.append((tree, *rest))
    return found


def residual(
    matrix: Matrix, weights: Sequence[float], order: int, at: float = 1.0, chain: Matrix = ()
) -> float:
    """How far a method is from meeting the conditions up to ``order``: the largest difference.

    ``weights`` give the solution at the fraction ``at`` of the step. ``chain`` takes the place of
    ``matrix`` where a vertex has one branch only (Rosenbrock methods; else they are the same).
    """

    def branch(tree: Tree, single: bool) -> list[float]:
        used = chain if single and chain else matrix
        inner = values(tree)
        return [sum(a * x for a, x in zip(row, inner, strict=False)) for row in used]

    def values(tree: Tree) -> list[float]:
        product = [1.0] * len(weights)
        for below in tree:
            product = [x * y for x, y in zip(product, branch(below, len(tree) == 1), strict=True)]
        return product

    return max(
        abs(sum(b * x for b, x in zip(weights, values(tree), strict=True)) - at**size / tree.density)
        for size in range(1, order + 1)
        for tree in trees(size)
    )
