"""What every step of raising needs: the known types, the comments, and where losses are noted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tvbo_lite.errors import Location
    from tvbo_lite.lems import model as lems
    from tvbo_lite.losses import Losses
    from tvbo_lite.transforms.types import ResolvedType, TypeTable

__all__ = ["Context"]

CORE = "neuroml:"


@dataclass(frozen=True, slots=True)
class Context:
    """``types`` are all types, ``own`` the names of the document's; ``core``: NeuroML's are among them.

    ``about`` gives the comments on a place, ``kinds`` the types of the components at the top, by id.
    """

    types: TypeTable
    own: frozenset[str]
    core: bool
    losses: Losses
    about: Callable[[Location], str | None]
    kinds: dict[str, ResolvedType] = field(default_factory=dict)

    def iri(self, name: str) -> str:
        """How YAML names a component type."""
        return name if name in self.own else CORE + name

    def knows(self, item: lems.Component, texts: Iterable[str]) -> bool:
        """Whether the type of a component has these attributes."""
        kind = self.kind(item)
        return kind is not None and set(texts).issubset(kind.attribute_names())

    def kind(self, item: lems.Component, parent: ResolvedType | None = None) -> ResolvedType | None:
        """The type of a component that stands in one of type ``parent``; None where it is not known."""
        slot = parent.child_slots.get(item.tag) if parent is not None else None
        name = item.type or (slot.type if slot is not None and not slot.many else item.tag)
        if name not in self.types:
            return None
        try:
            return self.types.get(name)
        except ModelError:  # a type that contradicts itself is told when the experiment is lowered
            return None
