"""The differential equations of a single node as functions of its state: rates and their Jacobian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.expr import arrays
from tvbo_lite.expr.derivative import derivative
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Expr, Name, Number, Select, names, substitute
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.check import require
from tvbo_lite.transforms.resolve import ResolvedComponent, Resolver
from tvbo_lite.transforms.sweep import lone
from tvbo_lite.transforms.variables import CLOCK, Derived

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Described", "System", "system"]


class Described(Protocol):
    """What has a model: an experiment."""

    def model(self) -> m.Model: ...


@dataclass(frozen=True, slots=True)
class System:
    """``dx/dt = f(x)``: ``states`` are the variables, ``rates`` their time derivatives, all in SI units.

    ``jacobian[i][j]`` is the derivative of rate ``i`` by state ``j``, an expression as the rates are.
    """

    states: tuple[str, ...]
    rates: tuple[Expr, ...]
    jacobian: tuple[tuple[Expr, ...], ...]

    def f(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rates at states ``x``, shape ``(n_states, ...)``; the same shape."""
        known = dict(zip(self.states, x, strict=True))
        return np.stack([np.broadcast_to(arrays.evaluate(rate, known), x.shape[1:]) for rate in self.rates])

    def df(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The Jacobian at states ``x``, shape ``(n_states, ...)``; shape ``(n_states, n_states, ...)``."""
        known = dict(zip(self.states, x, strict=True))
        rows = [
            np.stack([np.broadcast_to(arrays.evaluate(item, known), x.shape[1:]) for item in row])
            for row in self.jacobian
        ]
        return np.stack(rows)


def system(experiment: Described, time: float = 0.0) -> System:
    """The equations of an experiment of one node, as they are at ``time`` (s): inputs count as constant.

    Events (spikes, resets) and noise are left out: this is the flow between events.

    Raises:
        UnsupportedError: more than one node, or something that is not given by differential equations.
        Else as the experiment's `model`.
    """
    model = link(experiment.model())
    found = lone(model)
    if found is None:
        raise UnsupportedError(Problem("only an experiment of one node without parts can be analysed"))
    if model.beyond.samples:
        raise UnsupportedError(Problem("an input that is given by a table of samples cannot be analysed"))
    resolver = Resolver(model)
    require(model, resolver)
    component = resolver.component(found.component.id or "", model.location, "the node")
    dynamics = component.type.dynamics
    for what in ("kinetic_schemes", "regimes"):
        if getattr(dynamics, what):
            raise UnsupportedError(Problem(f"{found.component.id}: its {what} cannot be analysed"))
    unfolded = _Unfolding(component, resolver.constants(), time)
    states = tuple(item.variable for item in dynamics.derivatives)
    rates = tuple(unfolded.expression(item.value) for item in dynamics.derivatives)
    strange = sorted({name for rate in rates for name in names(rate)} - set(states))
    if strange:
        what = f"{found.component.id}: {', '.join(strange)} changes by events alone"
        raise UnsupportedError(
            Problem(what, hint="a phase plane needs rates of the integrated variables alone")
        )
    return System(states, rates, tuple(tuple(derivative(rate, x) for x in states) for rate in rates))


class _Unfolding:
    """Expressions in terms of state variables alone."""

    def __init__(self, component: ResolvedComponent, constants: dict[str, float], time: float) -> None:
        dynamics = component.type.dynamics
        known = {**constants, **component.parameters, CLOCK: time}
        self.values: dict[str, Expr] = {name: Number(value) for name, value in known.items()}
        both: tuple[Derived, ...] = (*dynamics.derived, *dynamics.conditional)
        self.derived = {item.name: item for item in both}
        for item in dynamics.state_variables:
            self.values[item.name] = Name(item.name)

    def expression(self, text: str) -> Expr:
        return self.unfolded(parse(text))

    def unfolded(self, expr: Expr) -> Expr:
        return substitute(expr, {name: self.value(name) for name in set(names(expr))})

    def value(self, name: str) -> Expr:
        if name not in self.values:
            if name not in self.derived:
                raise UnsupportedError(Problem(f"'{name}' comes from elsewhere and has no value here"))
            self.values[name] = self._derived(self.derived[name])
        return self.values[name]

    def _derived(self, item: Derived) -> Expr:
        if isinstance(item, m.ConditionalDerivedVariable):
            return Select(tuple((self._test(case), self.expression(case.value)) for case in item.cases))
        if item.value is not None:
            return self.expression(item.value)
        return Number(1.0 if item.reduce == "multiply" else 0.0)  # of nothing: the node is alone

    def _test(self, case: m.Case) -> Expr | None:
        return None if case.condition is None else self.expression(case.condition)
