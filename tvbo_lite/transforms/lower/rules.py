"""Connections by rule as rows of a table: who is connected to whom, how strongly, how late.

Each rule is a row of `RULES`. What is drawn comes from counter-based streams, one for the pairs and one
for each quantity, so that the same seed gives the same network whatever else is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.transforms.expand import shapes
from tvbo_lite.transforms.expand.graphs import graph_values
from tvbo_lite.transforms.expand.streams import stream
from tvbo_lite.transforms.lower import rule_pairs
from tvbo_lite.transforms.lower.connection_rows import (
    BYTES,
    DRAWN,
    ENDS,
    Links,
    has_room,
    is_countable,
    rows_of,
    words_of,
)
from tvbo_lite.transforms.lower.formulas import constants_of, formula
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.rule_distance import ByDistance, places_of
from tvbo_lite.transforms.lower.rule_pairs import Ends, ImpossibleError

if TYPE_CHECKING:
    import numpy as np

    from tvbo_lite.lems.rows import Rows
    from tvbo_lite.schema.rules import ConnectionRule
    from tvbo_lite.transforms.lower.connection_rows import Tags
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.formulas import Constants, Formula
    from tvbo_lite.transforms.lower.rule_pairs import Pairs

__all__ = ["RULES", "connections"]

_ALWAYS = ("type", "weight", "delay", "seed", "parameters")
_OWN = "self_connections"


@dataclass(frozen=True, slots=True)
class Planned:
    """A rule that can be met: about how many connections there will be, and their pairs, sorted by source.

    To make the pairs takes so many bytes for each.
    """

    expected: float
    pairs: Callable[[np.random.Generator], Pairs]
    bytes: int = ENDS


@dataclass(frozen=True, slots=True)
class Request:
    """A rule between two populations, with the constants of its expressions."""

    context: Context
    rule: ConnectionRule
    ends: Ends
    path: Path
    constants: Constants

    def known(self, key: str, text: str, dimension: str) -> Formula | None:
        """The formula under ``key``."""
        where, what = (*self.path, key), f"{self.ends.name}: {key}"
        return formula(self.context, text, dimension, where, constants=self.constants, what=what)


@dataclass(frozen=True, slots=True)
class Rule:
    """``plan`` gives None, and reports, where something is wrong. ``needs`` is a field that has to be there,
    ``takes`` are others; ``own`` are names of parameters that are no constants.
    """

    plan: Callable[[Request], Planned | None]
    needs: str | None = None
    takes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return (*_ALWAYS, *((self.needs,) if self.needs else ()), *self.takes)


def connections(context: Context, rule: ConnectionRule, ends: Ends, tags: Tags, path: Path) -> Rows | None:
    """The connections of a projection as rows; None, and a problem, where the rule cannot be met, or needs
    more memory than there is.
    """
    kind = RULES.get(rule.type)
    if kind is None:
        message = f"{ends.name}: there is no rule '{rule.type}'"
        context.report((*path, "type"), message, ", ".join(RULES), nearest(rule.type, RULES))
        return None
    refuse_rest(rule, kind.fields, path, f"{ends.name}: {rule.type}", context)
    if kind.needs and getattr(rule, kind.needs) is None:
        context.report(path, f"{ends.name}: {rule.type} needs '{kind.needs}'", f"{kind.needs}: ...")
        return None
    if not is_countable(context, ends, path):
        return None
    used = words_of(rule, rule.probability)
    others = {name: item for name, item in rule.parameters.items() if name not in kind.own}
    if rule.type in shapes.KINDS:  # which says what else is wrong
        others = {name: item for name, item in others.items() if name in used}
    constants = constants_of(context, others, used, (*path, "parameters"), ends.name)
    try:
        planned = kind.plan(Request(context, rule, ends, path, constants))
        if planned is None:
            return None
        count, size = planned.expected, planned.bytes
        if not has_room(context, rule, count, path, ends.name, ends=size, own=DRAWN):
            return None
        pre, post = planned.pairs(stream(rule.seed, f"{ends.name}.pairs"))
    except ImpossibleError as error:
        place = kind.needs or ("parameters" if rule.parameters else "type")
        context.report((*path, place), f"{ends.name}: {error}")
        return None
    return rows_of(context, rule, ends, tags, path, links=Links(pre, post), constants=constants)


# ---- the rules ----------------------------------------------------------------------------------------


def _plain(
    make: Callable[[ConnectionRule, Ends, np.random.Generator], Pairs],
    expected: Callable[[ConnectionRule, Ends], float],
    request: Request,
) -> Planned:
    """A rule that asks for no places."""
    rule, ends = request.rule, request.ends
    return Planned(expected(rule, ends), partial(make, rule, ends))


def _by_distance(request: Request) -> Planned | None:
    rule, ends = request.rule, request.ends
    sources, targets = places_of(ends.source), places_of(ends.target)
    limit = _max_distance(request)
    probability = request.known("probability", str(rule.probability), "none")
    if probability is None or (limit is None and rule.max_distance is not None):
        return None
    made = ByDistance(sources, targets, probability, limit, ends.alone(rule))
    return Planned(made.expected(), made.pairs)


def _max_distance(request: Request) -> float | None:
    """In m; None where it is not given, or wrong."""
    item, context = request.rule.max_distance, request.context
    if item is None:
        return None
    path, what = (*request.path, "max_distance"), f"{request.ends.name}: max_distance"
    refuse_rest(item, ("value", "unit"), path, what, context)
    text = f"{item.value}{f' {item.unit}' if item.unit else ''}"
    try:
        value = context.units.value(text, "length")
    except UnitError as error:
        context.report(path, f"{what}: {error}", kind=UnitError)
        return None
    if not value > 0:
        context.report(path, f"{what} is {text}", "a length above 0")
        return None
    return value


def _graph(request: Request) -> Planned | None:
    """A graph within one population; without direction each edge is two connections."""
    rule, ends = request.rule, request.ends
    if not ends.recurrent:
        two = f"'{ends.source.id}' and '{ends.target.id}'"
        msg = f"{rule.type} joins the instances of one population, not {two}"
        raise ImpossibleError(msg)
    kind, size = shapes.KINDS[rule.type], ends.source.size
    given = graph_values(rule.type, rule.parameters, words_of(rule), request.path, request.context)
    if given is None:
        return None
    ways = 1 if rule.directed else 2

    def pairs(rng: np.random.Generator) -> Pairs:
        import numpy as np

        from tvbo_lite.transforms.lower.pair_draws import sorted_pairs

        try:
            found = kind.make(size, given, rule.directed, rng)
        except shapes.ImpossibleError as error:
            raise ImpossibleError(f"{rule.type}: {error}") from None
        if not rule.directed:
            found = np.concatenate((found, found[:, ::-1]))
        return sorted_pairs(found[:, 0], found[:, 1], size, size)

    return Planned(ways * kind.size(size, given), pairs, 2 * BYTES)


RULES: dict[str, Rule] = {
    "all_to_all": Rule(
        partial(_plain, rule_pairs.all_to_all, lambda rule, ends: ends.pairs(rule)), takes=(_OWN,)
    ),
    "one_to_one": Rule(
        partial(_plain, rule_pairs.one_to_one, lambda _, ends: ends.source.size), takes=(_OWN,)
    ),
    "fixed_probability": Rule(
        partial(
            _plain,
            rule_pairs.fixed_probability,
            lambda rule, ends: rule_pairs.probability_of(rule) * ends.pairs(rule),
        ),
        "probability",
        (_OWN,),
    ),
    "fixed_in_degree": Rule(
        partial(_plain, rule_pairs.fixed_in_degree, rule_pairs.by_degree), "degree", (_OWN, "multapses")
    ),
    "fixed_out_degree": Rule(
        partial(_plain, rule_pairs.fixed_out_degree, rule_pairs.by_degree), "degree", (_OWN, "multapses")
    ),
    "distance_dependent": Rule(_by_distance, "probability", (_OWN, "max_distance")),
    **{
        name: Rule(_graph, takes=("directed",), own=(*kind.needed, *kind.optional))
        for name, kind in shapes.KINDS.items()
    },
}
