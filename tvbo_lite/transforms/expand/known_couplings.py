"""Couplings that an ``iri`` names: those of The Virtual Brain, with its default parameters.

Source: Sanz-Leon et al. (2015), "Mathematical framework for large-scale brain network modeling in The
Virtual Brain", NeuroImage 111:385, and the documentation of its couplings. Kuramoto's ``N`` is the number
of nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.schema import Equation, Parameter
from tvbo_lite.transforms.expand.parts import changed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.schema import Coupling
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["PREFIX", "known_coupling"]

PREFIX = "tvbo:"
_NUMBER = "N"


@dataclass(frozen=True, slots=True)
class _Rule:
    pre: str
    post: str
    values: Mapping[str, float] = field(default_factory=dict)


_SATURATED = "cmin + (cmax - cmin)/(1 + exp(-a*((gx - midpoint)/sigma)))"
_KURAMOTO = _Rule("sin(x_j - x_i)", "a*gx/N", {"a": 1.0})

_KNOWN: dict[str, _Rule] = {
    "Linear": _Rule("x_j", "a*gx + b", {"a": 0.00390625, "b": 0.0}),
    "Scaling": _Rule("x_j", "a*gx", {"a": 0.00390625}),
    "Difference": _Rule("x_j - x_i", "a*gx", {"a": 0.1}),
    "Kuramoto": _KURAMOTO,
    "KuramotoCoupling": _KURAMOTO,
    "Sigmoidal": _Rule(
        "x_j", _SATURATED, {"cmin": -1.0, "cmax": 1.0, "midpoint": 0.0, "a": 1.0, "sigma": 230.0}
    ),
    "HyperbolicTangent": _Rule(
        "a*(1 + tanh((b*x_j - midpoint)/sigma))", "gx", {"a": 1.0, "b": 1.0, "midpoint": 0.0, "sigma": 1.0}
    ),
    "PreSigmoidal": _Rule(
        "H*(Q + tanh(G*(P*x_j - theta)))", "gx", {"H": 0.5, "Q": 1.0, "G": 60.0, "P": 1.0, "theta": 0.5}
    ),
}


def known_coupling(coupling: Coupling, nodes: int, path: Path, report: Report) -> Coupling:
    """The coupling with the expressions and parameters that its ``iri`` stands for; its own count first."""
    name = (coupling.iri or "").removeprefix(PREFIX)
    if name not in _KNOWN or not (coupling.iri or "").startswith(PREFIX):
        known = ", ".join(PREFIX + one for one in _KNOWN)
        hint = nearest(coupling.iri or "", [PREFIX + one for one in _KNOWN])
        report.report((*path, "iri"), f"there is no coupling '{coupling.iri}'", known, hint)
        return changed(coupling, iri=None)
    rule = _KNOWN[name]
    values = {**rule.values, **({_NUMBER: float(nodes)} if _NUMBER in rule.post else {})}
    given = {key: Parameter(name=key, value=value) for key, value in values.items()}
    return changed(
        coupling,
        iri=None,
        parameters={**given, **coupling.parameters},
        pre_expression=coupling.pre_expression or Equation(rhs=rule.pre),
        post_expression=coupling.post_expression or Equation(rhs=rule.post),
    )
