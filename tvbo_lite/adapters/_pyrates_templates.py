"""Templates that a script builds in Python, as PyRates' classes of the same names do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from tvbo_lite.adapters._pyrates_request import matching_nodes
from tvbo_lite.errors import NOWHERE, ModelError, Problem, nearest
from tvbo_lite.formats.pyrates.edges import EDGE_NUMBERS, SOURCE
from tvbo_lite.formats.pyrates.inherit import texts
from tvbo_lite.formats.pyrates.model import Circuit, EdgeUse, Group, Operator, OperatorUse, Value
from tvbo_lite.formats.pyrates.reader import read_template
from tvbo_lite.formats.pyrates.values import number, variable

__all__ = [
    "EdgeTemplate",
    "NodeTemplate",
    "OperatorTemplate",
    "edge_of",
    "group_of",
    "shown",
    "with_edge",
    "with_variable",
]

EdgeTuple: TypeAlias = Sequence[Any]
"""(source, target, template or None, values), as PyRates writes an edge."""


class OperatorTemplate:
    """Equations, and what their variables are: ``OperatorTemplate("op", ["x' = -x"], {"x": "output(1.0)"})``.

    Raises `ReadError` for what is no equation or no value.
    """

    def __init__(
        self, name: str, equations: str | list[str], variables: Mapping[str, Any], path: str | None = None,
        description: str | None = None,
    ) -> None:  # fmt: skip
        del path  # PyRates' place of the template, which only a file has
        own = {key: variable(plain(value), NOWHERE) for key, value in variables.items()}
        self.operator = Operator(name, texts(equations, NOWHERE), own, description)


class _GroupTemplate:
    """Operators that act together: a list, or a mapping from operators to the values that differ."""

    edge = False

    def __init__(
        self,
        name: str,
        operators: str
        | OperatorTemplate
        | Iterable[str | OperatorTemplate]
        | Mapping[Any, Mapping[str, Any] | None],
        path: str | None = None,
        description: str | None = None,
    ) -> None:
        del path
        given = [operators] if isinstance(operators, str | OperatorTemplate) else operators
        pairs = given.items() if isinstance(given, Mapping) else ((item, None) for item in given)
        uses = []
        for item, values in pairs:
            operator = _operator(item)
            known = {key: number(plain(value), NOWHERE) for key, value in (values or {}).items()}
            uses.append(OperatorUse(operator, known))
        self.group = Group(name, tuple(uses), self.edge, description)


class NodeTemplate(_GroupTemplate):
    """What a node does."""


class EdgeTemplate(_GroupTemplate):
    """What acts on the way from a source to a target."""

    edge = True


def _operator(given: str | OperatorTemplate) -> Operator:
    found = read_template(given) if isinstance(given, str) else given.operator
    if not isinstance(found, Operator):
        raise ModelError(Problem(f"'{given}' is no operator template"))
    return found


def group_of(given: Any) -> Group:
    """A node or edge template: one built here, or one by its name. Raises `ModelError` for anything else."""
    found = read_template(given) if isinstance(given, str) else getattr(given, "group", given)
    if not isinstance(found, Group):
        raise ModelError(Problem(f"{given!r} is no node or edge template"))
    return found


def edge_of(given: EdgeTuple) -> EdgeUse:
    """An edge as PyRates writes it. Raises `ModelError` for anything else."""
    if not 3 <= len(given) <= 4:
        expected = "(source, target, template or None, {'weight': ...})"
        raise ModelError(Problem(f"an edge of {len(given)} parts", expected=expected))
    source, target, template, values = [*given, None][:4]
    group = None if template is None else group_of(template)
    numbers: dict[str, Any] = {}
    known: dict[str, Value] = {}
    sources: dict[str, str] = {}
    for key, value in (values or {}).items():
        name = key.removeprefix(f"{group.name}/") if group else key
        if isinstance(value, str) and (value == SOURCE or "/" in value):
            sources[name] = value
        elif value is not None:
            (numbers if key in EDGE_NUMBERS else known)[name] = number(plain(value), NOWHERE)
    return EdgeUse(source, target, group, values=known, sources=sources, **numbers)


def plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def with_variable(circuit: Circuit, path: str, value: Any) -> Circuit:
    """The circuit with another value of a variable. Raises `ModelError` where there is none."""
    node, _, variable = path.rpartition("/")
    node, _, operator = node.rpartition("/")
    found = matching_nodes(circuit, node)
    having = [
        name
        for name, group in found.items()
        if any(
            use.operator.name == operator and variable in use.operator.variables for use in group.operators
        )
    ]
    if not having:
        known = [
            f"{name}/{use.operator.name}/{other}"
            for name, group in circuit.all_nodes().items()
            for use in group.operators
            for other in use.operator.variables
        ]
        raise ModelError(Problem(f"there is no variable '{path}'", hint=nearest(path, known)))
    values = [value] * len(having)
    if np.ndim(value) == 1 and len(value) == len(having):
        values = list(value)
    for name, one in zip(having, values, strict=True):
        plain = number(one.item() if isinstance(one, np.generic) else one, circuit.location)
        circuit = circuit.with_node(name, found[name].with_value(operator, variable, plain))
    return circuit


def with_edge(circuit: Circuit, source: str, target: str, values: Mapping[str, Any]) -> Circuit:
    """The circuit with other values of the first edge between two variables. Raises `ModelError`."""
    edges = list(circuit.edges)
    place = next((k for k, edge in enumerate(edges) if (edge.source, edge.target) == (source, target)), None)
    if place is None:
        known = [f"{edge.source} to {edge.target}" for edge in edges]
        hint = nearest(f"{source} to {target}", known)
        raise ModelError(Problem(f"there is no edge from '{source}' to '{target}'", hint=hint))
    plain = {key: number(value, circuit.location) for key, value in values.items()}
    given: dict[str, Any] = {key: plain.pop(key) for key in EDGE_NUMBERS if key in plain}
    edges[place] = replace(edges[place], **given, values={**edges[place].values, **plain})
    return replace(circuit, edges=tuple(edges))


def shown(edge: EdgeUse) -> tuple[str, str, str | None, dict[str, Any]]:
    """An edge as PyRates shows it: source, target, name of the template, values."""
    numbers = {name: getattr(edge, name) for name in EDGE_NUMBERS}
    values = {name: value for name, value in numbers.items() if value or name == "weight"}
    template = edge.template.name if edge.template is not None else None
    return edge.source, edge.target, template, {**values, **edge.values, **edge.sources}
