"""Kinds of graphs: which of ``n`` nodes (0 to n - 1) are joined. All are written out here in a few lines.

Each function takes ``n``, the parameters, whether edges go one way only, and random numbers, and returns
pairs (source, target), an array of shape ``(edges, 2)``. Without direction each pair stands once, and means
both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["KINDS", "ImpossibleError", "Kind", "Pairs"]

Pairs: TypeAlias = "NDArray[np.int64]"
Values: TypeAlias = dict[str, float]
_TRIES = 1000
_BLOCK = 1 << 20  # random numbers at a time


class ImpossibleError(Exception):
    """There is no such graph; the text says why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of graph: its function, the parameters that it needs, and those that may be left out.

    ``size`` tells from n and the parameters how many pairs there are about, before any is made.
    """

    make: Callable[[int, Values, bool, np.random.Generator], Pairs]
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    size: Callable[[int, Values], float] = lambda n, _: n


def _array(pairs: Sequence[tuple[int, int]]) -> Pairs:
    import numpy as np

    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def complete(n: int, _: Values, directed: bool, __: np.random.Generator) -> Pairs:
    """Every node with every other."""
    import numpy as np

    if not directed:
        return np.stack(np.triu_indices(n, 1), axis=1)
    source, target = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    other = source != target
    return np.stack((source[other], target[other]), axis=1)


def erdos_renyi(n: int, given: Values, directed: bool, rng: np.random.Generator) -> Pairs:
    """Each pair with probability p. Source: Gilbert (1959), Ann. Math. Stat. 30:1141."""
    import numpy as np

    p, found = _probability(given), []
    height = max(1, _BLOCK // max(n, 1))
    for start in range(0, n, height):
        source, target = np.nonzero(rng.random((min(height, n - start), n)) < p)
        source += start
        other = source != target if directed else source < target
        found.append(np.stack((source[other], target[other]), axis=1))
    return np.concatenate(found) if found else _array([])


def watts_strogatz(n: int, given: Values, _: bool, rng: np.random.Generator) -> Pairs:
    """A ring of k neighbours, each edge moved elsewhere with probability p.

    Source: Watts and Strogatz (1998), Nature 393:440.
    """
    k, p = _whole(given, "k"), _probability(given)
    if k % 2 or not 0 <= k < n:
        msg = f"k is {k}; it is an even number below the number of nodes, {n}"
        raise ImpossibleError(msg)
    pairs = [(i, (i + step) % n) for step in range(1, k // 2 + 1) for i in range(n)]
    joined: list[set[int]] = [{i} for i in range(n)]  # with oneself nothing is joined
    for i, j in pairs:
        joined[i].add(j)
        joined[j].add(i)
    for place, (i, j) in enumerate(pairs):
        if rng.random() >= p or len(joined[i]) == n:
            continue
        other = int(rng.integers(n - len(joined[i])))
        for taken in sorted(joined[i]):
            other += taken <= other
        joined[i] ^= {j, other}
        joined[j].remove(i)
        joined[other].add(i)
        pairs[place] = (i, other)
    return _array(pairs)


def barabasi_albert(n: int, given: Values, _: bool, rng: np.random.Generator) -> Pairs:
    """Each new node joins m others, the more likely the more edges these have; directed: new to old.

    Source: Barabási and Albert (1999), Science 286:509. It starts with a star of m + 1 nodes.
    """
    m = _whole(given, "m")
    if not 1 <= m < n:
        msg = f"m is {m}; it is from 1 to the number of nodes less 1, {n - 1}"
        raise ImpossibleError(msg)
    pairs = [(i, 0) for i in range(1, m + 1)]
    ends = [end for pair in pairs for end in pair]
    for new in range(m + 1, n):
        chosen: dict[int, None] = {}
        while len(chosen) < m:
            chosen[ends[int(rng.integers(len(ends)))]] = None
        pairs += [(new, old) for old in chosen]
        ends += [end for old in chosen for end in (new, old)]
    return _array(pairs)


def random_regular(n: int, given: Values, directed: bool, rng: np.random.Generator) -> Pairs:
    """Every node has d edges, or with direction d that start and d that end there.

    Source: Steger and Wormald (1999), Combin. Probab. Comput. 8:377: ends are joined at random, and what
    would be double or a loop is not.
    """
    d = _whole(given, "d")
    if not 0 <= d < n or (n * d % 2 and not directed):
        msg = f"no graph of {n} nodes has {d} edges at each"
        raise ImpossibleError(msg)
    for _ in range(_TRIES):
        pairs = _matched(n, d, directed, rng)
        if pairs is not None:
            return _array(pairs)
    msg = f"no graph of {n} nodes with {d} edges at each was found"
    raise ImpossibleError(msg)


def _matched(n: int, d: int, directed: bool, rng: np.random.Generator) -> list[tuple[int, int]] | None:
    """One try to join the ends of all edges; None where it ran into a corner."""
    sources = [i for i in range(n) for _ in range(d)]
    targets = list(sources) if directed else sources
    found: dict[tuple[int, int], None] = {}
    while sources:
        for _ in range(10 * len(sources)):
            a = int(rng.integers(len(sources)))
            b = int(rng.integers(len(targets)))
            i, j = sources[a], targets[b]
            pair = (i, j) if directed else (min(i, j), max(i, j))
            if i != j and pair not in found and (directed or a != b):
                break
        else:
            return None
        found[pair] = None
        if not directed and a < b:  # both are taken from one list, the later one first
            a, b = b, a
        del sources[a]
        del targets[b]
    return list(found)


def grid(n: int, given: Values, _: bool, __: np.random.Generator) -> Pairs:
    """Rows and columns, row after row; ``periodic`` joins the borders. With direction: right and down."""
    columns = _whole(given, "columns") if "columns" in given else n // max(_whole(given, "rows"), 1)
    rows = _whole(given, "rows") if "rows" in given else n // max(columns, 1)
    if rows * columns != n:
        msg = f"{n} nodes are not {rows} rows of {columns}"
        raise ImpossibleError(msg)
    wrap = bool(given.get("periodic", 0))
    pairs: list[tuple[int, int]] = []
    for i in range(n):
        row, column = divmod(i, columns)
        if column + 1 < columns or (wrap and columns > 2):
            pairs.append((i, row * columns + (column + 1) % columns))
        if row + 1 < rows or (wrap and rows > 2):
            pairs.append((i, (row + 1) % rows * columns + column))
    return _array(pairs)


def cycle(n: int, _: Values, __: bool, ___: np.random.Generator) -> Pairs:
    """Each node with the next, the last with the first."""
    return _array([(i, (i + 1) % n) for i in range(n if n > 2 else n - 1)])


def path(n: int, _: Values, __: bool, ___: np.random.Generator) -> Pairs:
    """Each node with the next."""
    return _array([(i, i + 1) for i in range(n - 1)])


def star(n: int, given: Values, _: bool, __: np.random.Generator) -> Pairs:
    """The node ``center`` (0) with each other; with direction: outwards."""
    center = _whole(given, "center") if "center" in given else 0
    if not 0 <= center < n:
        msg = f"center is {center}; the nodes are 0 to {n - 1}"
        raise ImpossibleError(msg)
    return _array([(center, i) for i in range(n) if i != center])


def empty(_: int, __: Values, ___: bool, ____: np.random.Generator) -> Pairs:
    """No edges."""
    return _array([])


def _whole(given: Values, name: str) -> int:
    value = given[name]
    if value != int(value):
        msg = f"{name} is {value:g}, not a whole number"
        raise ImpossibleError(msg)
    return int(value)


def _probability(given: Values) -> float:
    p = given["p"]
    if not 0 <= p <= 1:
        msg = f"p is {p:g}, not a probability"
        raise ImpossibleError(msg)
    return p


KINDS: dict[str, Kind] = {
    "Complete": Kind(complete, size=lambda n, _: n * n),
    "ErdosRenyi": Kind(erdos_renyi, ("p",), size=lambda n, given: given["p"] * n * n),
    "WattsStrogatz": Kind(watts_strogatz, ("k", "p"), size=lambda n, given: given["k"] * n),
    "BarabasiAlbert": Kind(barabasi_albert, ("m",), size=lambda n, given: given["m"] * n),
    "RandomRegular": Kind(random_regular, ("d",), size=lambda n, given: given["d"] * n),
    "Grid": Kind(grid, (), ("rows", "columns", "periodic"), size=lambda n, _: 2 * n),
    "Cycle": Kind(cycle),
    "Path": Kind(path),
    "Star": Kind(star, (), ("center",)),
    "Empty": Kind(empty, size=lambda _, __: 0),
}
