"""A graph generator as the edges that it makes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.schema import Edge, Parameter
from tvbo_lite.transforms.expand.distributions import draw
from tvbo_lite.transforms.expand.parts import changed, network_of, nodes_of, with_network
from tvbo_lite.transforms.expand.shapes import KINDS, ImpossibleError
from tvbo_lite.transforms.expand.streams import stream

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tvbo_lite.schema import Experiment, GraphGenerator
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["graph_values", "with_edges"]

_PATH: Path = ("network", "graph_generator")
_QUANTITIES = ("weight", "delay")
_TEXTS = ("coupling", "source_var", "target_var")
_NODES = "nodes"


def with_edges(experiment: Experiment, report: Report) -> Experiment:
    """The experiment with the edges of its generator after those that are listed."""
    generator = network_of(experiment).graph_generator
    if generator is None:
        return experiment
    ids = _ids(experiment, generator, report)
    pairs = _pairs(generator, len(ids), report)
    quantities = {name: _quantity(generator, name, len(pairs), report) for name in _QUANTITIES}
    texts = {name: str(generator.parameters[name].text) for name in _TEXTS if name in generator.parameters}
    made: list[Edge] = []
    for number, (i, j) in enumerate(pairs):
        given = {name: values[number] for name, values in quantities.items() if values}
        ends = [(i, j)] if generator.directed else [(i, j), (j, i)]
        made += [changed(Edge(source=ids[a], target=ids[b]), **texts, **given) for a, b in ends]
    edges = [*network_of(experiment).edges, *made]
    return with_network(experiment, edges=edges, graph_generator=None)


def _ids(experiment: Experiment, generator: GraphGenerator, report: Report) -> list[int]:
    """The ids of the nodes that are joined: those in ``nodes``, else all."""
    known = [node.id for node in nodes_of(experiment)]
    if _NODES not in generator.parameters:
        return known
    wanted = generator.parameters[_NODES].value
    if isinstance(wanted, list) and set(wanted) <= set(known) and len(set(wanted)) == len(wanted):
        return wanted
    message = f"the nodes are {wanted!r}"
    report.report((*_PATH, "parameters", _NODES), message, "a list of ids of nodes, each once")
    return known


def _pairs(generator: GraphGenerator, count: int, report: Report) -> list[list[int]]:
    known = {one.lower(): one for one in KINDS}
    if generator.type not in KINDS:
        exact = known.get(generator.type.lower())
        hint = f"did you mean '{exact}'?" if exact else nearest(generator.type, KINDS)
        report.report((*_PATH, "type"), f"there is no graph '{generator.type}'", ", ".join(KINDS), hint)
        return []
    more = (*_QUANTITIES, *_TEXTS, _NODES)
    values = graph_values(generator.type, generator.parameters, more, _PATH, report)
    if values is None:
        return []
    try:
        rng = stream(generator.seed, "graph")
        found: list[list[int]] = KINDS[generator.type].make(count, values, generator.directed, rng).tolist()
    except ImpossibleError as error:
        report.report((*_PATH, "parameters"), f"{generator.type}: {error}")
        return []
    return found


def graph_values(
    name: str, parameters: Mapping[str, Parameter], more: Collection[str], path: Path, report: Report
) -> dict[str, float] | None:
    """The parameters of a kind of graph, which stand under ``path``; None, and problems, if they are wrong.

    ``more`` are names that mean something else there.
    """
    kind, here = KINDS[name], (*path, "parameters")
    own = (*kind.needed, *kind.optional)
    known = (*own, *more)
    values: dict[str, float] = {}
    right = True
    for key, item in parameters.items():
        if key not in known:
            message = f"{name} has no parameter '{key}'"
            report.report((*here, key), message, ", ".join(known), nearest(key, known))
            right = False
        elif key in own:
            if not isinstance(item.value, int | float) or item.unit or not math.isfinite(item.value):
                message = f"{name}: {key} is {item.value!r} {item.unit or ''}".rstrip()
                report.report((*here, key), message, "a number without unit")
                right = False
            else:
                values[key] = float(item.value)
    missing = [key for key in kind.needed if key not in parameters]
    if name == "Grid" and not {"rows", "columns"} & values.keys():
        missing = ["rows"]
    for key in missing:
        report.report(path, f"{name} needs '{key}'", f"parameters: {{{key}: ...}}")
    return values if right and not missing else None


def _quantity(generator: GraphGenerator, name: str, count: int, report: Report) -> list[Parameter]:
    """One value for each pair: as it is given, or drawn."""
    item = generator.parameters.get(name)
    if item is None:
        return []
    if item.distribution is None:
        return [item] * count
    path = (*_PATH, "parameters", name, "distribution")
    chosen = (
        item.distribution
        if item.distribution.seed is not None
        else changed(item.distribution, seed=generator.seed)
    )
    values = draw(chosen, f"graph.{name}", count, path, report)
    return [] if values is None else [Parameter(value=value, unit=item.unit) for value in values.tolist()]
