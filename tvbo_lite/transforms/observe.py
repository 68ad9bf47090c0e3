"""Observations: selections of recorded traces, expressions of them, means over nodes, coarser times.

In an equation the name of a source stands for its traces, a column for each node; ``mean``, ``sum``, ``std``,
``min`` and ``max`` of a source are over the nodes. Values are in SI units; ``unit`` says in which they are
given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Not, Number, Select
from tvbo_lite.transforms.observations import columns, equation, in_order, known_as, reductions
from tvbo_lite.units import convert, factor, si_symbol

if TYPE_CHECKING:
    from tvbo_lite.lems.recording import Recording
    from tvbo_lite.schema import Observation

__all__ = ["Observed", "observe"]

Values: TypeAlias = NDArray[np.float64]
_REDUCE: dict[str, Callable[[Values], Values]] = {
    name: lambda values, reduce=reduce: reduce(values, axis=1, keepdims=True)  # type: ignore[misc]
    for name, reduce in {"mean": np.mean, "sum": np.sum, "std": np.std, "min": np.min, "max": np.max}.items()
}


@dataclass(frozen=True, slots=True)
class Observed:
    """What was observed: ``values`` of shape ``(n_times, n_names)`` at ``time`` in s, one unit for each name;
    an empty unit is unknown.
    """

    name: str
    time: Values
    values: Values
    names: tuple[str, ...]
    units: tuple[str, ...]


def observe(
    observations: Mapping[str, Observation], recording: Recording, scale: float
) -> dict[str, Observed]:
    """The observations of a run; ``scale`` is the unit of ``period`` in s.

    They are right: `tvbo_lite.transforms.observations.check_observations` has nothing to say.
    """
    found: dict[str, Observed] = {}
    for name in in_order(observations):
        item = observations[name]
        sources = {source: _source(source, found, recording) for source in item.source}
        value = _selected(name, sources) if item.equation is None else _computed(name, item, sources)
        value = value if item.period is None else _subsampled(value, item.period * scale)
        found[name] = value if item.unit is None else _in_unit(value, item.unit)
    return {name: found[name] for name in observations}


def _source(name: str, found: Mapping[str, Observed], recording: Recording) -> Observed:
    if name in found:
        return found[name]
    tables = recording.traces()
    part = next((one for one in tables if columns(name, one.quantities)), tables[0])
    found_at = columns(name, part.quantities)
    names = tuple(part.quantities[number] for number in found_at)
    units = tuple(recording.units.get(one, "") for one in names)
    return Observed(name, part.time, part.values[:, found_at], names, units)


def _selected(name: str, sources: Mapping[str, Observed]) -> Observed:
    """All sources side by side, at the times that all of them have."""
    parts = _together(list(sources.values()))
    return Observed(
        name,
        parts[0].time,
        np.concatenate([part.values for part in parts], axis=1),
        tuple(one for part in parts for one in part.names),
        tuple(one for part in parts for one in part.units),
    )


def _together(parts: list[Observed]) -> list[Observed]:
    """The parts at the times that all of them have."""
    time = parts[0].time
    for part in parts[1:]:
        time = np.intersect1d(time, part.time)
    found = []
    for part in parts:
        kept = np.isin(part.time, time)
        found.append(replace(part, time=part.time[kept], values=part.values[kept]))
    return found


def _computed(name: str, item: Observation, sources: Mapping[str, Observed]) -> Observed:
    parts = dict(zip(sources, _together(list(sources.values())), strict=True))
    names = known_as(item)
    known: dict[str, Values] = {names[source]: part.values for source, part in parts.items()}
    for short, (how, source) in reductions(names).items():
        known[short] = _REDUCE[how](parts[source].values)
    known |= {key: np.array(float(str(parameter.value))) for key, parameter in item.parameters.items()}
    first = next(iter(parts.values()))
    known.setdefault("t", first.time[:, None])
    with np.errstate(all="ignore"):
        values = np.asarray(_value(equation(item), known), dtype=np.float64)
    values = np.broadcast_to(values, (len(first.time), values.shape[1] if values.ndim == 2 else 1)).copy()
    whole = [part.names for part in parts.values() if len(part.names) == values.shape[1] > 1]
    called = tuple(f"{one.rpartition('/')[0]}/{name}" for one in whole[0]) if whole else (name,)
    return Observed(name, first.time, values, called, ("",) * values.shape[1])


def _subsampled(value: Observed, period: float) -> Observed:
    """The values at 0, one period, two periods, and so on."""
    step = value.time[1] - value.time[0] if len(value.time) > 1 else period
    every = max(round(period / step), 1)
    return replace(value, time=value.time[::every], values=value.values[::every])


def _in_unit(value: Observed, unit: str) -> Observed:
    """SI values in another unit; those of an unknown unit are taken to measure the same."""
    dimension = factor(unit).dimension
    units = [known or (si_symbol(dimension) if dimension else unit) for known in value.units]
    parts = [convert(value.values[:, k], known, unit) for k, known in enumerate(units)]
    values = np.stack(parts, axis=1) if parts else value.values
    return replace(value, values=values, units=(unit,) * len(units))


# ---- the value of an expression for arrays ------------------------------------------------------------

_FUNCTIONS: dict[str, Callable[[Values], Values]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "exp": np.exp, "sqrt": np.sqrt, "ln": np.log, "log": np.log, "ceil": np.ceil, "abs": np.abs,
    "H": lambda values: np.heaviside(values, 0.5),
    "factorial": lambda values: np.vectorize(math.factorial, otypes=[float])(values.astype(int)),
}  # fmt: skip
_BINARY: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
    "lt": np.less, "gt": np.greater, "leq": np.less_equal, "geq": np.greater_equal,
    "eq": np.equal, "neq": np.not_equal, "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


def _value(expr: Expr, known: Mapping[str, Values]) -> Values:
    match expr:
        case Number(value):
            return np.array(value)
        case Name(name):
            return known[name]
        case Negate(operand):
            return np.negative(_value(operand, known))
        case Not(operand):
            return np.logical_not(_value(operand, known))
        case Binary(op, left, right):
            return _BINARY[op](_value(left, known), _value(right, known))
        case Call(function, argument) if function in _FUNCTIONS:
            return _FUNCTIONS[function](_value(argument, known))
        case Select(cases):
            return _chosen(cases, known)
        case _:
            msg = f"{expr} has no value in an observation"
            raise ExpressionError(msg)


def _chosen(cases: Collection[tuple[Expr | None, Expr]], known: Mapping[str, Values]) -> Values:
    """The first case that holds, 0 where none does."""
    found: Values = np.array(0.0)
    for test, value in reversed(list(cases)):
        chosen = _value(value, known)
        found = chosen if test is None else np.where(_value(test, known), chosen, found)
    return found
