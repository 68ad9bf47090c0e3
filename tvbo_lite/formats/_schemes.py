"""Markov schemes as differential equations, for programs that know nothing else."""

from __future__ import annotations

from tvbo_lite.expr.tree import Binary, Expr, Name, Negate
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations.system import Assignment, Part, Scheme, System

__all__ = ["without_schemes"]

EULER = "its occupancies are integrated by Euler's method, not by the exponential of its matrix"


def without_schemes(system: System, losses: Losses) -> None:
    """Turns every scheme of a system into rates of its occupancies."""
    for group in system.groups.values():
        for part in group.parts:
            for scheme in part.schemes:
                losses.add(scheme.title, EULER, scheme.where)
                _as_rates(part, scheme)
            part.schemes = []


def _as_rates(part: Part, scheme: Scheme) -> None:
    rates: dict[str, Expr] = {}
    for edge in scheme.edges:
        source, target = scheme.states[edge.source], scheme.states[edge.target]
        forward, back = Binary("*", edge.forward, Name(source)), Binary("*", edge.reverse, Name(target))
        flow = Binary("-", forward, back)
        rates[target] = Binary("+", rates[target], flow) if target in rates else flow
        rates[source] = Binary("-", rates[source], flow) if source in rates else Negate(flow)
    part.rates += [Assignment(name, rate) for name, rate in rates.items()]
