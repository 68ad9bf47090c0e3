"""The parts of an experiment that the steps of an expansion look at and replace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from tvbo_lite.schema import Dynamics, Equation, Network, Node
from tvbo_lite.schema.base import SchemaModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tvbo_lite.schema import Experiment
    from tvbo_lite.transforms.expand.report import Path

__all__ = [
    "changed",
    "default_name",
    "dynamics_of",
    "has_equations",
    "network_of",
    "nodes_by_dynamics",
    "nodes_of",
    "with_dynamics",
    "with_network",
    "with_nodes",
    "words",
]

M = TypeVar("M", bound=SchemaModel)

_UNNAMED = "cell"
_WORD = re.compile(r"[A-Za-z_]\w*")


def changed(model: M, **values: Any) -> M:
    """A copy with other values of some fields, which are right already."""
    return model.model_copy(update=values)


def network_of(experiment: Experiment) -> Network:
    """The network, an empty one where none is given."""
    return experiment.network or Network.model_validate({})


def with_network(experiment: Experiment, **values: Any) -> Experiment:
    """The experiment with other values of some fields of its network."""
    return changed(experiment, network=changed(network_of(experiment), **values))


def default_name(experiment: Experiment) -> str:
    """The name of the dynamics of nodes that name none."""
    return (experiment.dynamics.name or _UNNAMED) if experiment.dynamics else ""


def dynamics_of(experiment: Experiment) -> dict[str, tuple[Dynamics, Path]]:
    """Every dynamics that nodes may name, with its place."""
    found: dict[str, tuple[Dynamics, Path]] = {}
    if experiment.dynamics is not None:
        found[default_name(experiment)] = experiment.dynamics, ("dynamics",)
    for name, item in network_of(experiment).dynamics.items():
        found[name] = item, ("network", "dynamics", name)
    return found


def with_dynamics(experiment: Experiment, name: str, dynamics: Dynamics) -> Experiment:
    """The experiment with another dynamics in place of the one of that name."""
    network = network_of(experiment)
    if name in network.dynamics:
        return with_network(experiment, dynamics={**network.dynamics, name: dynamics})
    return changed(experiment, dynamics=dynamics)


def nodes_of(experiment: Experiment) -> list[Node]:
    """The nodes; where none are listed, ``number_of_nodes`` of them."""
    network = network_of(experiment)
    return network.nodes or [Node(id=index) for index in range(network.number_of_nodes)]


def nodes_by_dynamics(experiment: Experiment, name: str) -> list[Node]:
    """The nodes with the dynamics ``name``, in their order."""
    default = default_name(experiment)
    return [node for node in nodes_of(experiment) if (node.dynamics or default) == name]


def with_nodes(experiment: Experiment, nodes: dict[int, Node]) -> Experiment:
    """The experiment with other nodes in place of those of the same id; all nodes are listed."""
    return with_network(experiment, nodes=[nodes.get(node.id, node) for node in nodes_of(experiment)])


def has_equations(dynamics: Dynamics) -> bool:
    """Whether the dynamics says by equations how something changes."""
    return bool(dynamics.state_variables or dynamics.derived_variables or dynamics.derived_parameters)


def words(value: object) -> set[str]:
    """Every word in the equations inside a model, a list or a map."""
    return {word for text in _texts(value) for word in _WORD.findall(text)}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Equation):
        yield value.rhs
    elif isinstance(value, SchemaModel):
        for name in type(value).model_fields:
            yield from _texts(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
