"""Probability distributions by name, as a table: the parameters of each, and how it is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from tvbo_lite.errors import nearest
from tvbo_lite.transforms.expand.streams import stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.schema import Distribution
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["DISTRIBUTIONS", "draw"]

Values: TypeAlias = "NDArray[np.float64]"
Given = Mapping[str, float]
_ROUNDS = 1000  # how often values outside the domain are drawn anew


@dataclass(frozen=True, slots=True)
class Rule:
    """How a distribution is drawn from its ``needed`` parameters; ``other`` names stand for those.

    ``fill`` fills an array; a long one part by part is filled with the same numbers.
    """

    needed: tuple[str, ...]
    fill: Callable[[np.random.Generator, Given, Values], None]
    other: Mapping[str, str]
    positive: tuple[str, ...] = ()


def _rule(
    needed: str,
    fill: Callable[[np.random.Generator, Given, Values], None],
    positive: str = "",
    **other: str,
) -> Rule:
    aliases = {alias: name for name, group in other.items() for alias in group.split()}
    return Rule(tuple(needed.split()), fill, aliases, tuple(positive.split()))


def _by(
    sample: Callable[[np.random.Generator, Given, int], NDArray[Any]],
) -> Callable[[np.random.Generator, Given, Values], None]:
    """What numpy draws into an array of its own."""

    def fill(rng: np.random.Generator, given: Given, values: Values) -> None:
        values[:] = sample(rng, given, len(values))

    return fill


def _uniform(rng: np.random.Generator, given: Given, values: Values) -> None:
    if math.isinf(given["hi"] - given["lo"]):
        msg = "the range is too wide"
        raise OverflowError(msg)
    rng.random(out=values)
    values *= given["hi"] - given["lo"]
    values += given["lo"]


def _normal(rng: np.random.Generator, given: Given, values: Values) -> None:
    rng.standard_normal(out=values)
    values *= given["sd"]
    values += given["mean"]


def _constant(_: np.random.Generator, given: Given, values: Values) -> None:
    values[:] = given["value"]


_MEAN, _SD = "mu loc", "sigma std scale standard_deviation"
_NORMAL = _rule("mean sd", _normal, "sd", mean=_MEAN, sd=_SD)

DISTRIBUTIONS: dict[str, Rule] = {
    "Uniform": _rule("lo hi", _uniform, lo="low min a", hi="high max b"),
    "Normal": _NORMAL,
    "Gaussian": _NORMAL,
    "TruncatedNormal": _NORMAL,
    "LogNormal": _rule(
        "mu sigma",
        _by(lambda r, p, n: r.lognormal(p["mu"], p["sigma"], n)),
        "sigma",
        mu="mean",
        sigma="sd std",
    ),
    "Exponential": _rule("mean", _by(lambda r, p, n: r.exponential(p["mean"], n)), "mean", mean="scale"),
    "Gamma": _rule(
        "shape scale",
        _by(lambda r, p, n: r.gamma(p["shape"], p["scale"], n)),
        "shape scale",
        shape="k alpha",
        scale="theta",
    ),
    "Beta": _rule(
        "alpha beta", _by(lambda r, p, n: r.beta(p["alpha"], p["beta"], n)), "alpha beta", alpha="a", beta="b"
    ),
    "Poisson": _rule("mean", _by(lambda r, p, n: r.poisson(p["mean"], n)), "mean", mean="lam lambda rate"),
    "Constant": _rule("value", _constant),
}
_CHOICES = ("Discrete", "Choice", "Categorical")
_INVERSE = {("Exponential", "rate"): "mean", ("Exponential", "lambda"): "mean", ("Gamma", "rate"): "scale"}


def draw(distribution: Distribution, name: str, count: int, path: Path, report: Report) -> Values | None:
    """``count`` values from the stream ``name``; None, and a problem, where the distribution is wrong."""
    rng = stream(distribution.seed, name)
    kind = distribution.name or "Uniform"
    _refuse_axis(distribution, path, report)
    if kind in _CHOICES:
        return _chosen(distribution, rng, count, path, report)
    known = {one.lower(): one for one in (*DISTRIBUTIONS, *_CHOICES)}
    if kind not in DISTRIBUTIONS:
        exact = known.get(kind.lower())
        hint = f"did you mean '{exact}'?" if exact else nearest(kind, known.values())
        report.report((*path, "name"), f"there is no distribution '{kind}'", ", ".join(known.values()), hint)
        return None
    given = _parameters(distribution, kind, path, report)
    if given is None:
        return None
    try:
        values = _within(distribution, lambda some: DISTRIBUTIONS[kind].fill(rng, given, some), count)
    except (ValueError, OverflowError) as error:  # numpy's, for parameters without a distribution
        found = ", ".join(f"{key} {value:g}" for key, value in given.items())
        report.report(path, f"{kind} has no values with {found}: {error}", "other parameters")
        return None
    if values is None:
        message = f"{kind}: next to no value lies in the domain"
        report.report((*path, "domain"), message, "a domain in which values lie")
    return values


def _refuse_axis(distribution: Distribution, path: Path, report: Report) -> None:
    """A domain of a distribution is a range; how many values it holds is for explorations to say."""
    for key in ("n", "step", "log_scale"):
        if distribution.domain is not None and getattr(distribution.domain, key):
            message = f"'{key}' of a distribution's domain is not supported"
            report.unsupported((*path, "domain", key), message, "the domain of an exploration")


def _parameters(distribution: Distribution, kind: str, path: Path, report: Report) -> Given | None:
    """The parameters by the names of the rule; the domain may stand for them."""
    rule = DISTRIBUTIONS[kind]
    found, right = _of_domain(distribution, rule), True
    for name, item in distribution.parameters.items():
        here, value = (*path, "parameters", name), item.value
        own = rule.other.get(name, _INVERSE.get((kind, name), name))
        if own not in rule.needed:
            message, hint = f"{kind} has no parameter '{name}'", nearest(name, rule.needed)
            report.report(here, message, ", ".join(rule.needed), hint)
            right = False
        elif item.unit or not _is_number(value) or ((kind, name) in _INVERSE and not value):
            shown = f"{value!r} {item.unit or ''}".rstrip()
            report.report(here, f"{kind}: {name} is {shown}", "a number without unit")
            right = False
        else:
            number = float(str(value))
            found[own] = 1.0 / number if (kind, name) in _INVERSE else number
    return found if right and _is_complete(rule, kind, found, path, report) else None


def _of_domain(distribution: Distribution, rule: Rule) -> dict[str, float]:
    """What the domain says of the parameters: the ends of a uniform one, four deviations of a normal one."""
    domain = distribution.domain
    if domain is None or not (_is_number(domain.lo) and _is_number(domain.hi)):
        return {}
    lo, hi = float(domain.lo or 0), float(domain.hi or 0)
    known = {"lo": lo, "hi": hi}
    if rule is _NORMAL:
        known |= {"mean": (lo + hi) / 2, "sd": (hi - lo) / 4}
    return {name: value for name, value in known.items() if name in rule.needed}


def _is_complete(rule: Rule, kind: str, found: Given, path: Path, report: Report) -> bool:
    missing = [name for name in rule.needed if name not in found]
    for name in missing:
        report.report(path, f"{kind} needs '{name}'", f"parameters: {{{name}: ...}}")
    wrong = [name for name in rule.positive if name in found and found[name] < 0]
    for name in wrong:
        report.report((*path, "parameters", name), f"{kind}: {name} is {found[name]:g}", "a number from 0 on")
    if {"lo", "hi"} <= found.keys() and found["lo"] > found["hi"]:
        report.report(path, f"{kind}: lo ({found['lo']:g}) is above hi ({found['hi']:g})", "lo at most hi")
        return False
    return not (missing or wrong)


def _within(distribution: Distribution, fill: Callable[[Values], None], count: int) -> Values | None:
    """Values inside the domain: those outside are drawn anew; None where that does not come to an end."""
    import numpy as np

    from tvbo_lite.transforms.arrays import pieces

    domain = distribution.domain
    lo = -math.inf if domain is None or domain.lo is None else domain.lo
    hi = math.inf if domain is None or domain.hi is None else domain.hi
    values = np.empty(count)
    outside = [np.zeros(0, np.int64)]
    for some in pieces(count):
        part = values[some]
        fill(part)
        if not (part.min() >= lo and part.max() <= hi):
            outside.append(np.flatnonzero(~((part >= lo) & (part <= hi))) + some.start)
    places = np.concatenate(outside)
    for _ in range(_ROUNDS):
        if not len(places):
            return values
        part = np.empty(len(places))
        fill(part)
        values[places] = part
        places = places[~((part >= lo) & (part <= hi))]
    return None


def _chosen(
    distribution: Distribution, rng: np.random.Generator, count: int, path: Path, report: Report
) -> Values | None:
    """One of ``values``, each as likely as ``probabilities`` say; all alike where these are not given."""
    known = ("values", "probabilities")
    for name in distribution.parameters:
        if name not in known:
            here = (*path, "parameters", name)
            report.report(here, f"a choice has no parameter '{name}'", ", ".join(known), nearest(name, known))
    given: dict[str, Any] = {name: item.value for name, item in distribution.parameters.items()}
    values, odds = given.get("values"), given.get("probabilities")
    if not _are_numbers(values) or not (odds is None or (_are_numbers(odds) and len(odds) == len(values))):
        message = "a choice needs 'values', and as many 'probabilities' where these are given"
        report.report(path, message, "parameters: {values: [...]}")
        return None
    import numpy as np

    from tvbo_lite.transforms.arrays import pieces

    weights = np.ones(len(values)) if odds is None else np.asarray(odds, dtype=np.float64)
    if not weights.max() > 0 or (weights < 0).any():
        report.report(path, "the probabilities are not from 0 on", "numbers whose sum is above 0")
        return None
    with np.errstate(over="ignore"):
        shares = weights if np.isfinite(weights.sum()) else weights / weights.max()
    found, choices = np.empty(count), np.asarray(values, dtype=np.float64)
    for some in pieces(count):
        found[some] = rng.choice(choices, some.stop - some.start, p=shares / shares.sum())
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _are_numbers(value: object) -> TypeGuard[list[float]]:
    return isinstance(value, list) and bool(value) and all(map(_is_number, value))
