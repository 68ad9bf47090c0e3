"""The synapse of an edge: one of ``network.dynamics``, or a core type with the edge's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes
from tvbo_lite.transforms.lower.components import lower_component
from tvbo_lite.transforms.lower.context import Path
from tvbo_lite.transforms.lower.edges import CONNECTION, PLACES
from tvbo_lite.transforms.lower.equations import Lowering
from tvbo_lite.transforms.lower.own_types import given_parameters

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Edge
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Synapse", "Synapses"]

_SYNAPSES = ("baseSynapse", "baseSynapseDL")


@dataclass(frozen=True, slots=True)
class Synapse:
    """A synapse component with its type, and what the edge says about the connection."""

    id: str
    kind: ResolvedType
    connection: Given


@dataclass(slots=True)
class Synapses:
    """The synapses of a network. Edges with the same type and parameters share a component."""

    context: Lowering
    named: Mapping[str, tuple[Dynamics, Path]]
    kinds: Mapping[str, ResolvedType]
    add: Callable[[Iterable[lems.Component], Path], None]
    _made: dict[tuple[str, frozenset[tuple[str, str]]], str] = field(default_factory=dict)

    def of_edge(self, edge: Edge, given: Given, path: Path, what: str) -> Synapse | None:
        """The synapse that ``coupling`` names; None, and a problem, where it names none."""
        name, here = edge.coupling or "", (*path, "coupling")
        about = (*CONNECTION, *PLACES)
        connection = {key: item for key, item in given.items() if key in about}
        own = {key: item for key, item in given.items() if key not in about}
        kind = self._kind(name, here, what)
        if kind is None:
            return None
        if name in self.named and not own:
            return Synapse(name, kind, connection)
        return Synapse(self._component(name, kind, own, path, what), kind, connection)

    def _kind(self, name: str, path: Path, what: str) -> ResolvedType | None:
        types = self.context.types
        if name in self.named:
            kind = self.kinds.get(name)
        elif name in types.core:
            kind = types.get(name)
        else:
            known = [
                *(key for key, item in self.kinds.items() if _is_synapse(item)),
                *(key for key in types.core.names() if _is_synapse(types.get(key)) and key[:4] != "base"),
            ]
            message = f"{what}: '{name}' is neither in network.dynamics nor a NeuroML synapse"
            self.context.among(name, known, path, message)
            return None
        if kind is not None and not _is_synapse(kind):
            self.context.report(path, f"{what}: '{name}' is a {kind.name}, not a synapse", "a synapse")
            return None
        return kind

    def _component(self, name: str, kind: ResolvedType, own: Given, path: Path, what: str) -> str:
        """The id of the component with the edge's parameters, made where it is new."""
        if name in self.named:
            dynamics, place = self.named[name]
            given: Given = {**given_parameters(self.context, dynamics, place), **own}
            made = lower_component(self.context, dynamics, kind, given, name="", path=place)
            items, texts = made.standalone, dict(made.component.attributes)
            children = made.component.children
        else:
            texts = attributes(self.context, kind, own, path, f"{what}: {name}")
            items, children = (), ()
        key = (name, frozenset(texts.items()))
        if key not in self._made:
            number = sum(other == name for other, _ in self._made) + 1
            while f"{name}_{number}" in self.named:
                number += 1
            identifier = self._made[key] = f"{name}_{number}"
            where = self.context.locate(path)
            component = lems.Component(
                kind.name, identifier, attributes=texts, children=children, location=where
            )
            self.add([*items, component], path)
        return self._made[key]


def _is_synapse(kind: ResolvedType) -> bool:
    return any(map(kind.is_a, _SYNAPSES))
