"""Observations: selections of recorded traces, expressions of them, means over nodes, coarser times.

In an equation the name of a source stands for its traces, a column for each node; ``mean``, ``sum``, ``std``,
``min`` and ``max`` of a source are over the nodes. Values are in SI units; ``unit`` says in which they are
given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tvbo_lite.errors import ExpressionError, UnitError, nearest
from tvbo_lite.expr import python
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Negate, Not, Number, Select
from tvbo_lite.units import convert, factor, si_symbol

if TYPE_CHECKING:
    from tvbo_lite.lems.recording import Recording
    from tvbo_lite.schema import Observation
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["Observed", "check_observations", "observe"]

Values: TypeAlias = NDArray[np.float64]
_REDUCTION = re.compile(r"\b(mean|sum|std|min|max)\s*\(\s*([A-Za-z_]\w*)\s*\)")
_REDUCE: dict[str, Callable[[Values], Values]] = {
    name: lambda values, reduce=reduce: reduce(values, axis=1, keepdims=True)  # type: ignore[misc]
    for name, reduce in {"mean": np.mean, "sum": np.sum, "std": np.std, "min": np.min, "max": np.max}.items()
}
_UNUSED = ("iri",)
_TOLERANCE = 1e-6  # of a step, by which a period may miss a whole number of steps


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


def check_observations(
    observations: Mapping[str, Observation], quantities: Sequence[str], step: float, report: Report
) -> None:
    """Report what is wrong with observations of a run that records ``quantities`` every ``step``, in the
    unit of ``period``.
    """
    for name, item in observations.items():
        path: Path = ("observations", name)
        for key in _UNUSED:
            if getattr(item, key) is not None:
                report.unsupported((*path, key), f"observation {name}: '{key}' is not supported yet")
        others = [other for other in observations if other != name]
        for index, source in enumerate(item.source):
            if source not in others and not _columns(source, quantities):
                known = [*others, *dict.fromkeys(one.rpartition("/")[2] for one in quantities)]
                message = f"observation {name}: '{source}' is not recorded"
                report.report(
                    (*path, "source", index), message, ", ".join(known[:12]), nearest(source, known)
                )
        if not item.source:
            report.report(path, f"observation {name} has no source", "source: [...]")
        _check_values(item, name, step, path, report)
    try:
        _order(observations)
    except CycleError as error:
        circle = " needs ".join(f"'{name}'" for name in error.args[1][::-1])
        report.report(("observations",), f"observations in a circle: {circle}")


def _check_values(item: Observation, name: str, step: float, path: Path, report: Report) -> None:
    if item.period is not None and step > 0:
        ratio = item.period / step
        if round(ratio) < 1 or abs(ratio - round(ratio)) > _TOLERANCE:
            message = f"observation {name}: the period is {ratio:g} steps"
            report.report((*path, "period"), message, "a whole number of steps")
    if item.unit is not None:
        try:
            factor(item.unit)
        except UnitError as error:
            report.report((*path, "unit"), f"observation {name}: {error}", kind=UnitError)
    for key, parameter in item.parameters.items():
        if (
            isinstance(parameter.value, bool)
            or not isinstance(parameter.value, int | float)
            or parameter.unit
        ):
            here = (*path, "parameters", key)
            report.report(here, f"observation {name}: {key} is {parameter.value!r}", "a number without unit")
    try:
        _tree(item)
    except ExpressionError as error:
        for problem in error.problems:
            message = f"observation {name}: {problem.message}"
            here = (*path, "equation")
            report.report(here, message, problem.expected, problem.hint, ExpressionError)


def observe(
    observations: Mapping[str, Observation], recording: Recording, scale: float
) -> dict[str, Observed]:
    """The observations of a run; ``scale`` is the unit of ``period`` in s.

    They are right: `check_observations` has nothing to say.
    """
    found: dict[str, Observed] = {}
    for name in _order(observations):
        item = observations[name]
        sources = {source: _source(source, found, recording) for source in item.source}
        value = _selected(name, sources) if item.equation is None else _computed(name, item, sources)
        value = value if item.period is None else _subsampled(value, item.period * scale)
        found[name] = value if item.unit is None else _in_unit(value, item.unit)
    return {name: found[name] for name in observations}


def _order(observations: Mapping[str, Observation]) -> list[str]:
    graph = {name: [one for one in item.source if one in observations] for name, item in observations.items()}
    return list(TopologicalSorter(graph).static_order())


def _columns(source: str, quantities: Sequence[str]) -> list[int]:
    """The recorded traces that a source names: one, those of a variable, or those of a population or node."""
    tests: tuple[Callable[[str], bool], ...] = (
        lambda one: one == source,
        lambda one: one.rpartition("/")[2] == source,
        lambda one: one.startswith((f"{source}/", f"{source}[")),
    )
    for test in tests:
        found = [number for number, one in enumerate(quantities) if test(one)]
        if found:
            return found
    return []


def _source(name: str, found: Mapping[str, Observed], recording: Recording) -> Observed:
    if name in found:
        return found[name]
    columns = _columns(name, recording.quantities)
    names = tuple(recording.quantities[number] for number in columns)
    units = tuple(recording.units.get(one, "") for one in names)
    return Observed(name, recording.time, recording.values[:, columns], names, units)


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


def _tree(item: Observation) -> Expr:
    """The equation, the reductions in it as names such as ``mean(x)``."""
    if item.equation is None:
        return Number(0.0)
    functions: dict[str, python.Function] = {}
    for name, function in item.functions.items():
        arguments = tuple(function.arguments)
        value = python.parse(function.equation.rhs, [*arguments, *item.parameters], functions)
        functions[name] = python.Function(arguments, value)
    names = _variables(item)
    text = _REDUCTION.sub(lambda match: _reduced(match, names), item.equation.rhs)
    return python.parse(text, [*names.values(), *_reductions(names), *item.parameters, "t"], functions)


def _variables(item: Observation) -> dict[str, str]:
    """The sources by the names that an equation knows: letters, digits and underscores."""
    return {source: re.sub(r"\W", "_", source) for source in item.source}


def _reductions(names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {f"{how}_of_{name}": (how, source) for source, name in names.items() for how in _REDUCE}


def _reduced(match: re.Match[str], names: Mapping[str, str]) -> str:
    how, name = match.groups()
    return f"{how}_of_{name}" if name in names.values() else match.group()


def _computed(name: str, item: Observation, sources: Mapping[str, Observed]) -> Observed:
    parts = dict(zip(sources, _together(list(sources.values())), strict=True))
    names = _variables(item)
    known: dict[str, Values] = {names[source]: part.values for source, part in parts.items()}
    for short, (how, source) in _reductions(names).items():
        known[short] = _REDUCE[how](parts[source].values)
    known |= {key: np.array(float(str(parameter.value))) for key, parameter in item.parameters.items()}
    first = next(iter(parts.values()))
    known.setdefault("t", first.time[:, None])
    with np.errstate(all="ignore"):
        values = np.asarray(_value(_tree(item), known), dtype=np.float64)
    values = np.broadcast_to(values, (len(first.time), values.shape[1] if values.ndim == 2 else 1)).copy()
    whole = [part.names for part in parts.values() if len(part.names) == values.shape[1] > 1]
    columns = tuple(f"{one.rpartition('/')[0]}/{name}" for one in whole[0]) if whole else (name,)
    return Observed(name, first.time, values, columns, ("",) * values.shape[1])


def _subsampled(value: Observed, period: float) -> Observed:
    """The values at 0, one period, two periods, and so on."""
    step = value.time[1] - value.time[0] if len(value.time) > 1 else period
    every = max(round(period / step), 1)
    return replace(value, time=value.time[::every], values=value.values[::every])


def _in_unit(value: Observed, unit: str) -> Observed:
    """SI values in another unit; those of an unknown unit are taken to measure the same."""
    dimension = factor(unit).dimension
    units = [known or (si_symbol(dimension) if dimension else unit) for known in value.units]
    columns = [convert(value.values[:, k], known, unit) for k, known in enumerate(units)]
    values = np.stack(columns, axis=1) if columns else value.values
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
