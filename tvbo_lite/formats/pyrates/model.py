"""PyRates' templates as data: what a file says once its inheritance is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tvbo_lite.errors import NOWHERE, Location

__all__ = [
    "BASES",
    "Circuit",
    "EdgeUse",
    "Group",
    "Operator",
    "OperatorUse",
    "Template",
    "Text",
    "Value",
    "Variable",
]

BASES = ("OperatorTemplate", "NodeTemplate", "EdgeTemplate", "CircuitTemplate")

Value: TypeAlias = float | complex | tuple[float | complex, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text and where it stands."""

    text: str
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """``kind`` is ``constant``, ``input``, ``output`` or ``variable``; ``value`` is the initial one.

    A complex ``value`` makes the variable complex, a tuple makes it an array.
    """

    kind: str
    value: Value
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Operator:
    """Equations, and the variables that they use."""

    name: str
    equations: tuple[Text, ...]
    variables: Mapping[str, Variable]
    description: str | None = None
    location: Location = field(default=NOWHERE, compare=False)

    @property
    def output(self) -> str | None:
        """The variable that other operators of the node, and edges, receive."""
        return next((name for name, item in self.variables.items() if item.kind == "output"), None)


@dataclass(frozen=True, slots=True)
class OperatorUse:
    """An operator in a node or edge, with the values that differ there."""

    operator: Operator
    values: Mapping[str, Value] = field(default_factory=dict)

    def variables(self) -> dict[str, Variable]:
        """The variables with the values that hold here."""
        own = self.operator.variables
        return {k: replace(v, value=self.values[k]) if k in self.values else v for k, v in own.items()}


@dataclass(frozen=True, slots=True)
class Group:
    """A node template or, with ``edge``, an edge template: operators that act together."""

    name: str
    operators: tuple[OperatorUse, ...]
    edge: bool = False
    description: str | None = None
    location: Location = field(default=NOWHERE, compare=False)

    def with_value(self, operator: str, variable: str, value: Value) -> Group:
        """The same with another value of a variable. Raises `KeyError` where there is no such variable."""
        if not any(
            variable in use.operator.variables for use in self.operators if use.operator.name == operator
        ):
            raise KeyError(f"{operator}/{variable}")
        return replace(
            self,
            operators=tuple(
                replace(use, values={**use.values, variable: value}) if use.operator.name == operator else use
                for use in self.operators
            ),
        )


@dataclass(frozen=True, slots=True)
class EdgeUse:
    """A connection from a variable to an input: ``circuit/node/operator/variable``.

    ``template`` acts on the way; ``values`` are its values by ``operator/variable``, ``sources`` what
    feeds its inputs where it is not the source alone: by ``operator/variable``, a path or ``"source"``.
    """

    source: str
    target: str
    template: Group | None = None
    weight: float = 1.0
    delay: float = 0.0
    spread: float = 0.0
    values: Mapping[str, Value] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Circuit:
    """Nodes, or circuits, by name, and the edges between their variables."""

    name: str
    nodes: Mapping[str, Group] = field(default_factory=dict)
    circuits: Mapping[str, Circuit] = field(default_factory=dict)
    edges: tuple[EdgeUse, ...] = ()
    description: str | None = None
    location: Location = field(default=NOWHERE, compare=False)

    def all_nodes(self) -> dict[str, Group]:
        """The nodes of all levels by path, in the order of the file."""
        found = dict(self.nodes)
        for name, circuit in self.circuits.items():
            found |= {f"{name}/{path}": node for path, node in circuit.all_nodes().items()}
        return found

    def all_edges(self) -> tuple[EdgeUse, ...]:
        """The edges of all levels, their paths from this one."""
        inner = [
            replace(
                edge,
                source=f"{name}/{edge.source}",
                target=f"{name}/{edge.target}",
                sources={k: v if v == "source" else f"{name}/{v}" for k, v in edge.sources.items()},
            )
            for name, circuit in self.circuits.items()
            for edge in circuit.all_edges()
        ]
        return (*self.edges, *inner)

    def with_node(self, path: str, node: Group) -> Circuit:
        """The same with another node at ``path``."""
        name, _, rest = path.partition("/")
        if not rest:
            return replace(self, nodes={**self.nodes, name: node})
        return replace(self, circuits={**self.circuits, name: self.circuits[name].with_node(rest, node)})


Template: TypeAlias = Operator | Group | Circuit
