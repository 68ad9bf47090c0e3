"""What observations ask for: which traces, which expression of them, in which order they are computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tvbo_lite.errors import ExpressionError, UnitError, nearest
from tvbo_lite.expr import python
from tvbo_lite.expr.tree import Expr, Number
from tvbo_lite.units import factor

if TYPE_CHECKING:
    from tvbo_lite.schema import Observation
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["REDUCTIONS", "check_observations", "columns", "equation", "in_order", "known_as", "reductions"]

REDUCTIONS = ("mean", "sum", "std", "min", "max")  # over the nodes
_REDUCTION = re.compile(rf"\b({'|'.join(REDUCTIONS)})\s*\(\s*([A-Za-z_]\w*)\s*\)")
_UNUSED = ("iri",)
_TOLERANCE = 1e-6  # of a step, by which a period may miss a whole number of steps


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
            if source not in others and not columns(source, quantities):
                known = [*others, *dict.fromkeys(one.rpartition("/")[2] for one in quantities)]
                message = f"observation {name}: '{source}' is not recorded"
                report.report(
                    (*path, "source", index), message, ", ".join(known[:12]), nearest(source, known)
                )
        if not item.source:
            report.report(path, f"observation {name} has no source", "source: [...]")
        _check_values(item, name, step, path, report)
    try:
        in_order(observations)
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
        equation(item)
    except ExpressionError as error:
        for problem in error.problems:
            message = f"observation {name}: {problem.message}"
            here = (*path, "equation")
            report.report(here, message, problem.expected, problem.hint, ExpressionError)


def in_order(observations: Mapping[str, Observation]) -> list[str]:
    """The names, each after those that it is computed from. Raises `CycleError` where that cannot be."""
    graph = {name: [one for one in item.source if one in observations] for name, item in observations.items()}
    return list(TopologicalSorter(graph).static_order())


def columns(source: str, quantities: Sequence[str]) -> list[int]:
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


def equation(item: Observation) -> Expr:
    """The equation, the reductions in it as names such as ``mean(x)``."""
    if item.equation is None:
        return Number(0.0)
    functions: dict[str, python.Function] = {}
    for name, function in item.functions.items():
        arguments = tuple(function.arguments)
        value = python.parse(function.equation.rhs, [*arguments, *item.parameters], functions)
        functions[name] = python.Function(arguments, value)
    names = known_as(item)
    text = _REDUCTION.sub(lambda match: _reduced(match, names), item.equation.rhs)
    return python.parse(text, [*names.values(), *reductions(names), *item.parameters, "t"], functions)


def known_as(item: Observation) -> dict[str, str]:
    """The sources by the names that an equation knows: letters, digits and underscores."""
    return {source: re.sub(r"\W", "_", source) for source in item.source}


def reductions(names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """How an equation knows the reductions of sources: name -> reduction, source."""
    return {f"{how}_of_{name}": (how, source) for source, name in names.items() for how in REDUCTIONS}


def _reduced(match: re.Match[str], names: Mapping[str, str]) -> str:
    how, name = match.groups()
    return f"{how}_of_{name}" if name in names.values() else match.group()
