"""What a network is given by, and what it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.components import lower_component
from tvbo_lite.transforms.lower.own_types import given_parameters, type_of

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Network
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.equations import Lowering

__all__ = ["SECTIONS", "is_grouped", "surrounded"]

SECTIONS = ("populations", "projections", "inputs", "components")
_NETWORK: Path = ("network",)


def is_grouped(network: Network) -> bool:
    """Whether the network is given by populations, not by nodes."""
    return any(getattr(network, section) for section in SECTIONS)


def surrounded(context: Lowering, network: lems.Component, within: Dynamics | None) -> lems.Component:
    """The component in which the network stands, with it; the network where it stands in none."""
    if within is None:
        return network
    path: Path = (*_NETWORK, "within")
    name = context.name(within.name or "surroundings", path, "a component")
    kind = type_of(context, within, path, name)
    if kind is None:
        return network
    given = given_parameters(context, within, path)
    if not any(context.types.get("network").is_a(slot.type) for slot in kind.child_slots.values()):
        context.report(path, f"a {kind.name} has no place for a network", "a type with a child 'network'")
    outer = lower_component(context, within, kind, given, name=name, path=path).component
    return lems.Component(
        outer.tag,
        outer.id,
        outer.type,
        attributes=outer.attributes,
        children=(*outer.children, network),
        location=outer.location,
    )
