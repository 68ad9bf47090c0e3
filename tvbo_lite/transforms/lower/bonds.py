"""What couplings by equations come to: which edges carry which variables into which inputs.

The value that a coupling input gets is ``post(gx)`` with ``gx`` the sum of ``weight * pre(x_j, x_i)`` over
the edges that end at the node. All edges that carry the same variables of one dynamics through one coupling
into one input of another are a `Bond`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.schema.paths import DocumentPath

if TYPE_CHECKING:
    from tvbo_lite.schema import Coupling, Dynamics

__all__ = ["Bond", "Couplings", "Port"]

Exponents = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Port:
    """Where the terms of a coupling (its name; empty: linear) meet: at an input of a dynamics."""

    target: str
    input: str
    coupling: str

    @property
    def slot(self) -> str:
        """The name of the part of the target that adds up the terms."""
        how = "sum" if self.coupling == self.input else self.coupling or "linear"
        return f"{self.input}_{how}"


@dataclass(frozen=True, slots=True)
class Bond:
    """The edges that carry ``variables`` of the dynamics ``source`` to a port; the first is ``x_j``.

    ``weight`` is the dimension of their weights; ``late`` ones have a delay.
    """

    port: Port
    source: str
    variables: tuple[str, ...]
    weight: str = "none"
    late: bool = False


@dataclass(slots=True)
class Couplings:
    """What the edges and couplings of a network say about its dynamics, which are known by name.

    ``attached`` are the dynamics at whose nodes synapses and current inputs end; ``sums`` gives the dimension
    of what a port adds up.
    """

    named: Mapping[str, tuple[Dynamics, DocumentPath]]
    given: Mapping[str, tuple[Coupling, DocumentPath]]
    bonds: dict[Bond, DocumentPath] = field(default_factory=dict)
    of_edge: dict[DocumentPath, list[Bond]] = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)
    sums: dict[Port, Exponents] = field(default_factory=dict)

    def name_at(self, path: DocumentPath) -> str | None:
        """The name of the dynamics at a place; None for one inside another."""
        return next((name for name, (_, place) in self.named.items() if place == path), None)

    def ports(self, dynamics: str) -> list[Port]:
        """The ports of a dynamics, in the order of its inputs."""
        found = dict.fromkeys(bond.port for bond in self.bonds if bond.port.target == dynamics)
        inputs = list(self.named[dynamics][0].coupling_inputs)
        return sorted(found, key=lambda port: inputs.index(port.input))

    def into(self, port: Port) -> list[Bond]:
        """The bonds that end at a port."""
        return [bond for bond in self.bonds if bond.port == port]

    def seen(self, dynamics: str) -> list[str]:
        """The state variables of a dynamics that others read."""
        states = self.named[dynamics][0].state_variables
        read = (name for bond in self.bonds if bond.source == dynamics for name in bond.variables)
        return list(dict.fromkeys(name for name in read if name in states))

    def is_source(self, dynamics: str) -> bool:
        """Whether others read variables of the dynamics."""
        return any(bond.source == dynamics for bond in self.bonds)

    def coupling(self, name: str) -> tuple[Coupling, DocumentPath] | None:
        """A coupling with its place; None for the linear one."""
        return self.given.get(name)
