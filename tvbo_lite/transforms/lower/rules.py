"""Connections by rule as rows of a table: who is connected to whom, how strongly, how late.

Each rule is a row of `RULES`. What is drawn comes from counter-based streams, one for the pairs and one
for each quantity, so that the same seed gives the same network whatever else is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.lems.rows import Column, Rows
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.schema import Parameter
    from tvbo_lite.schema.rules import ConnectionRule
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.groups import Group

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

__all__ = ["RULES", "Ends", "connections"]

_ALWAYS = ("type", "self_connections", "weight", "delay", "seed")
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


@dataclass(frozen=True, slots=True)
class Rule:
    """``make(rule, ends, rng)`` gives the pairs, sorted by source; ``needs`` is a field beside the usual."""

    make: Callable[[ConnectionRule, Ends, np.random.Generator], Pairs]
    needs: str | None = None


class ImpossibleError(Exception):
    """A rule cannot be met; the message says why."""


def connections(context: Context, rule: ConnectionRule, ends: Ends, tag: str, path: Path) -> Rows | None:
    """The connections of a projection as rows with elements ``tag``; None, and a problem, where the rule
    cannot be met.
    """
    from tvbo_lite.transforms.expand.streams import stream

    kind = RULES.get(rule.type)
    if kind is None:
        message = f"{ends.name}: there is no rule '{rule.type}'"
        context.report((*path, "type"), message, ", ".join(RULES), nearest(rule.type, RULES))
        return None
    used = (*_ALWAYS, *((kind.needs,) if kind.needs else ()))
    refuse_rest(rule, used, path, f"{ends.name}: {rule.type}", context)
    if kind.needs and getattr(rule, kind.needs) is None:
        context.report(path, f"{ends.name}: {rule.type} needs '{kind.needs}'", f"{kind.needs}: ...")
        return None
    try:
        pre, post = kind.make(rule, ends, stream(rule.seed, f"{ends.name}.pairs"))
    except ImpossibleError as error:
        context.report((*path, kind.needs or "type"), f"{ends.name}: {error}")
        return None
    return _rows(context, rule, ends, tag, path, pre=pre, post=post)


def _rows(
    context: Context,
    rule: ConnectionRule,
    ends: Ends,
    tag: str,
    path: Path,
    *,
    pre: NDArray[np.int64],
    post: NDArray[np.int64],
) -> Rows:
    columns = {"preCellId": _cells(ends.source, pre), "postCellId": _cells(ends.target, post)}
    attributes: dict[str, str] = {}
    for name, item, usual in (("weight", rule.weight, "1"), ("delay", rule.delay, "0ms")):
        dimension = "none" if name == "weight" else "time"
        place = (*path, name)
        given = _quantity(
            context, rule, item, f"{ends.name}.{name}", place, count=len(pre), dimension=dimension
        )
        if isinstance(given, Column):
            columns[name] = given
        else:
            attributes[name] = given or usual
    return Rows(tag, len(pre), columns, attributes, location=context.locate(path))


def _cells(group: Group, cells: NDArray[np.int64]) -> Column:
    from tvbo_lite.transforms.arrays import compact

    index = compact([cells])
    if group.instances is None:
        return Column(index, f"../{group.id}[", "]")
    return Column(index, f"../{group.id}/", f"/{group.component}")


def _quantity(
    context: Context,
    rule: ConnectionRule,
    item: Parameter | None,
    name: str,
    path: Path,
    *,
    count: int,
    dimension: str,
) -> Column | str | None:
    """One text for all connections, or a number of its own for each."""
    from tvbo_lite.transforms.expand.distributions import draw

    if item is None:
        return None
    refuse_rest(item, ("value", "unit", "distribution"), path, name, context)
    unit = f" {item.unit}" if item.unit else ""
    if item.distribution is None:
        text = f"{item.value}{unit}"
        context.quantity(text, dimension, path, name)
        return text
    context.quantity(f"1{unit}", dimension, path, name)
    chosen = item.distribution
    if chosen.seed is None:
        chosen = chosen.model_copy(update={"seed": rule.seed})
    values = draw(chosen, name, count, (*path, "distribution"), context)
    if values is not None and dimension == "time" and len(values) and values.min() < 0:
        context.report(path, f"{name}: a delay of {values.min():g}{unit} was drawn", "delays from 0 on")
    return None if values is None else Column(values, after=unit)


# ---- the rules ----------------------------------------------------------------------------------------


def _all_to_all(rule: ConnectionRule, ends: Ends, _: np.random.Generator) -> Pairs:
    import numpy as np

    n, m = ends.source.size, ends.target.size
    pre, post = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    return _without_self(rule, ends, pre, post)


def _without_self(rule: ConnectionRule, ends: Ends, pre: NDArray[np.int64], post: NDArray[np.int64]) -> Pairs:
    if rule.self_connections or not ends.recurrent:
        return pre, post
    other = pre != post
    return pre[other], post[other]


def _one_to_one(_: ConnectionRule, ends: Ends, __: np.random.Generator) -> Pairs:
    import numpy as np

    n, m = ends.source.size, ends.target.size
    if n != m:
        msg = f"'{ends.source.id}' has {n} instances and '{ends.target.id}' {m}; one_to_one needs as many"
        raise ImpossibleError(msg)
    return np.arange(n), np.arange(n)


def _fixed_probability(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    """Pairs in order, the gaps between them drawn: as much work as there are connections."""
    import numpy as np

    p = rule.probability or 0
    if not 0 <= p <= 1:
        msg = f"the probability is {p:g}; it must be from 0 to 1"
        raise ImpossibleError(msg)
    alone = ends.recurrent and not rule.self_connections
    width = ends.target.size - (1 if alone else 0)
    total = ends.source.size * width
    drawn = 0 < p < 1 and total > 0
    flat = _thinned(total, p, rng) if drawn else np.arange(total if p == 1 else 0)
    pre, post = flat // max(width, 1), flat % max(width, 1)
    if alone:
        post = post + (post >= pre)
    return pre, post


def _thinned(total: int, p: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Each of the first ``total`` whole numbers with probability ``p``."""
    import numpy as np

    found, last = [], -1
    while last < total:
        expected = (total - last) * p
        gaps = rng.geometric(p, int(expected + 4 * expected**0.5) + 16)
        places = last + np.cumsum(gaps)
        found.append(places)
        last = int(places[-1])
    every = np.concatenate(found)
    return every[: int(np.searchsorted(every, total))]


def _fixed_in_degree(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    import numpy as np

    others, own = _others(rule, ends, ends.source.size, ends.source.id)
    chosen = _distinct(ends.target.size, others, rule.degree or 0, rng)
    post = np.repeat(np.arange(ends.target.size), rule.degree or 0)
    pre = chosen.ravel()
    if own:
        pre = pre + (pre >= post)
    order = np.argsort(pre, kind="stable")
    return pre[order], post[order]


def _fixed_out_degree(rule: ConnectionRule, ends: Ends, rng: np.random.Generator) -> Pairs:
    import numpy as np

    others, own = _others(rule, ends, ends.target.size, ends.target.id)
    post = _distinct(ends.source.size, others, rule.degree or 0, rng).ravel()
    pre = np.repeat(np.arange(ends.source.size), rule.degree or 0)
    if own:
        post = post + (post >= pre)
    return pre, post


def _others(rule: ConnectionRule, ends: Ends, size: int, name: str) -> tuple[int, bool]:
    """How many there are to choose from, and whether an instance itself is not among them."""
    own = ends.recurrent and not rule.self_connections
    others, degree = size - (1 if own else 0), rule.degree or 0
    if not 0 <= degree <= others:
        what = "other instances" if own else "instances"
        msg = f"the degree is {degree}, but '{name}' has {others} {what}"
        raise ImpossibleError(msg)
    return others, own


def _distinct(rows: int, size: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
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


RULES: dict[str, Rule] = {
    "all_to_all": Rule(_all_to_all),
    "one_to_one": Rule(_one_to_one),
    "fixed_probability": Rule(_fixed_probability, "probability"),
    "fixed_in_degree": Rule(_fixed_in_degree, "degree"),
    "fixed_out_degree": Rule(_fixed_out_degree, "degree"),
}
