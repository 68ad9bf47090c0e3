"""Claims about dimensions: ``<Assertion dimension="voltage" matches="current * resistance"/>``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tvbo_lite.errors import ExpressionError, Problem, ReadError, nearest
from tvbo_lite.lems import model as m

__all__ = ["check_assertions"]


def check_assertions(assertions: Iterable[m.Assertion], dimensions: Iterable[m.Dimension]) -> None:
    """Raises `ReadError` with every claim that does not hold (jLEMS reports those, and goes on)."""
    known = {item.name: item.exponents for item in dimensions}
    problems = [problem for item in assertions for problem in _faults(item, known)]
    if problems:
        raise ReadError(problems)


def _faults(item: m.Assertion, known: Mapping[str, tuple[int, ...]]) -> Iterator[Problem]:
    from tvbo_lite.expr import lems, tree
    from tvbo_lite.transforms.check.dimensions import MismatchError, of_expression, same

    try:
        expr = lems.parse(item.matches)
    except ExpressionError as error:
        yield from (replace(problem, location=item.location) for problem in error.problems)
        return
    for name in dict.fromkeys((item.dimension, *tree.names(expr))):
        if name not in known:
            yield Problem(f"unknown dimension '{name}'", item.location, None, nearest(name, known))
            return
    what = f"the assertion that '{item.dimension}' matches '{item.matches}' does not hold"
    try:
        found = of_expression(expr, known, str)
    except MismatchError:
        found = None
    if found is None or not same(found, known[item.dimension]):
        yield Problem(what, item.location)
