"""Distributions and lists of values as numbers: on each node, or in place of a single one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.schema import Parameter
from tvbo_lite.transforms.expand.distributions import draw
from tvbo_lite.transforms.expand.parts import (
    M,
    changed,
    dynamics_of,
    nodes_by_dynamics,
    with_dynamics,
    with_network,
    with_nodes,
)

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Edge, Experiment, Node
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["with_values"]

Many: TypeAlias = dict[str, list[Parameter]]
"""Values for the nodes of a dynamics, in their order, by the name of a parameter or state variable."""

_MISSING = Parameter(value=0)


def with_values(experiment: Experiment, report: Report) -> Experiment:
    """The experiment with a number wherever a distribution, or a list of values for nodes, stood."""
    for name, (dynamics, path) in dynamics_of(experiment).items():
        nodes = nodes_by_dynamics(experiment, name)
        grouped = name in _of_populations(experiment)
        count = 1 if grouped else len(nodes)
        plain, many = _split(_with_first(dynamics) if grouped else dynamics, name, count, path, report)
        if plain is not dynamics:
            experiment = with_dynamics(experiment, name, plain)
        if many and nodes:
            own = {node.id: _own(node, many, place) for place, node in enumerate(nodes)}
            experiment = with_nodes(experiment, own)
    return _on_nodes_and_edges(experiment, report)


def _of_populations(experiment: Experiment) -> set[str]:
    """The dynamics of populations, whose cells get their values where the populations are made."""
    network = experiment.network
    return set() if network is None else {item.dynamics for item in network.populations.values()}


def _with_first(dynamics: Dynamics) -> Dynamics:
    """The dynamics with the first value of each list."""
    listed = {
        key: changed(item, heterogeneous=False, value=item.value[0])
        for key, item in dynamics.parameters.items()
        if item.heterogeneous and isinstance(item.value, list) and item.value
    }
    return changed(dynamics, parameters={**dynamics.parameters, **listed}) if listed else dynamics


def _own(node: Node, many: Many, place: int) -> Node:
    """A node with its share of the values; what it says itself counts first."""
    given = {name: values[place] for name, values in many.items()}
    return changed(node, parameters={**given, **node.parameters})


def _split(dynamics: Dynamics, name: str, count: int, path: Path, report: Report) -> tuple[Dynamics, Many]:
    """The dynamics with single values, and the values that nodes have of their own."""
    many: Many = {}
    parameters = dict(dynamics.parameters)
    for key, item in dynamics.parameters.items():
        here = (*path, "parameters", key)
        if item.heterogeneous:
            many[key] = _each(item, f"{name}.{key}", count, here, report)
            parameters[key] = next(iter(many[key]), _MISSING)
        elif item.distribution is not None:
            parameters[key] = _single(item, f"{name}.{key}", here, report)
    states = dict(dynamics.state_variables)
    for key, state in dynamics.state_variables.items():
        if state.distribution is None:
            continue
        here = (*path, "state_variables", key, "distribution")
        drawn = draw(state.distribution, f"{name}.{key}", count, here, report)
        values = [] if drawn is None else drawn.tolist()
        states[key] = changed(state, distribution=None, initial_value=next(iter(values), state.initial_value))
        if values:
            many[key] = [Parameter(value=one, unit=state.unit) for one in values]
    if parameters == dynamics.parameters and states == dynamics.state_variables:
        return dynamics, many
    return changed(dynamics, parameters=parameters, state_variables=states), many


def _each(item: Parameter, name: str, count: int, path: Path, report: Report) -> list[Parameter]:
    """A value for each node: drawn, or listed."""
    if item.distribution is not None:
        values = draw(item.distribution, name, count, (*path, "distribution"), report)
        found = [0.0] * count if values is None else values.tolist()
    elif isinstance(item.value, list) and len(item.value) == count:
        found = item.value
    elif isinstance(item.value, list):
        report.report(path, f"{len(item.value)} values for {count} nodes", f"a list of {count} values")
        found = [0.0] * count
    else:
        found = [item.value] * count
    plain = changed(item, heterogeneous=False, distribution=None, shape=None)
    return [changed(plain, value=one) for one in found]


def _single(item: Parameter, name: str, path: Path, report: Report) -> Parameter:
    """The parameter itself, or with one value drawn."""
    if item.distribution is None:
        return item
    values = draw(item.distribution, name, 1, (*path, "distribution"), report)
    return changed(item, distribution=None, value=0.0 if values is None else float(values[0]))


def _on_nodes_and_edges(experiment: Experiment, report: Report) -> Experiment:
    """Single values of nodes, edges and couplings."""
    if experiment.network is None:
        return experiment
    network, single = experiment.network, _Single(report)
    nodes = [
        single.inside(item, f"node {item.id}", ("network", "nodes", index))
        for index, item in enumerate(network.nodes)
    ]
    edges = [
        single.beside(single.inside(item, f"edge {index}", ("network", "edges", index)), index)
        for index, item in enumerate(network.edges)
    ]
    couplings = {
        name: single.inside(item, f"coupling {name}", ("network", "coupling", name))
        for name, item in network.coupling.items()
    }
    return (
        with_network(experiment, nodes=nodes, edges=edges, coupling=couplings) if single.any else experiment
    )


@dataclass(slots=True)
class _Single:
    """Draws single values; ``any`` tells whether there was one to draw."""

    report: Report
    any: bool = False

    def inside(self, model: M, name: str, path: Path) -> M:
        """A model with numbers among its ``parameters``."""
        given: dict[str, Parameter] = getattr(model, "parameters")  # noqa: B009  typed as any model
        if all(item.distribution is None for item in given.values()):
            return model
        self.any = True
        drawn = {
            key: _single(item, f"{name}.{key}", (*path, "parameters", key), self.report)
            for key, item in given.items()
        }
        return changed(model, parameters=drawn)

    def beside(self, edge: Edge, index: int) -> Edge:
        """An edge with numbers as weight and delay."""
        drawn = {}
        for key in ("weight", "delay"):
            item = getattr(edge, key)
            if item is not None and item.distribution is not None:
                self.any = True
                path = ("network", "edges", index, key)
                drawn[key] = _single(item, f"edge {index}.{key}", path, self.report)
        return changed(edge, **drawn) if drawn else edge
