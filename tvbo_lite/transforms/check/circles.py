"""Derived variables that need one another.

jLEMS computes derived variables in their order of declaration, so one of a circle takes another's
value of the step before: the model runs, but what it gives depends on the step. Hence a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tvbo_lite.errors import ExpressionError, Problem
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import names
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.check.sites import derived_of
from tvbo_lite.transforms.check.subject import Subject


def derived_variables(subject: Subject) -> Iterator[Problem]:
    """No derived variable of a type needs itself, directly or through others of the type."""
    for kind in subject.declared:
        dynamics = kind.dynamics
        if dynamics is None:
            continue
        needs = _needs(dynamics)
        places = {item.name: item.location for item in derived_of(dynamics)}
        told: set[str] = set()
        for name in needs:
            circle = None if name in told else _circle(name, needs)
            if circle:
                told.update(circle)
                what = f"component type '{kind.name}': derived variables need one another: "
                hint = "what they give depends on the step; break the circle"
                yield Problem(what + " needs ".join((*circle, name)), places[name], None, hint)


def _needs(dynamics: m.Dynamics) -> dict[str, set[str]]:
    """For each derived variable that is computed, the others that its expressions name."""
    texts = {item.name: [item.value] for item in dynamics.derived if item.value is not None}
    for conditional in dynamics.conditional:
        parts = [part for case in conditional.cases for part in (case.condition, case.value)]
        texts[conditional.name] = [part for part in parts if part is not None]
    return {name: {used for part in parts for used in _names(part)} & texts.keys()
            for name, parts in texts.items()}  # fmt: skip


def _names(text: str) -> set[str]:
    try:
        return set(names(parse(text)))
    except ExpressionError:
        return set()


def _circle(start: str, needs: Mapping[str, set[str]]) -> tuple[str, ...] | None:
    """The shortest way from a variable back to itself, without its end."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = set()
    for way in ways:  # grows meanwhile: breadth first
        for name in sorted(needs[way[-1]]):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return None
