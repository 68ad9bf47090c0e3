"""The event ports that a connection means where it names none, by jLEMS's rules."""

from __future__ import annotations

from tvbo_lite.errors import ModelError
from tvbo_lite.transforms.java_hash import java_hash_order
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.shapes import Shape


def in_port(component: ResolvedComponent) -> str:
    """The first in-port whose events do something, in the order of a Java HashMap."""
    kind = component.type
    declared = [port.name for port in kind.event_ports.values() if port.direction == "in"]
    if not declared:
        raise _no_port(component, "in")
    used = [item.port for item in kind.dynamics.on_event]
    return java_hash_order(used)[0] if used else declared[0]


def out_port(shape: Shape, component: ResolvedComponent) -> str | None:
    """The first port from which the dynamics sends.

    None where jLEMS connects to a port that never fires. It makes a port for each place outside regimes
    that sends an event, but only the last one of a name is sent from, and the first one connected.
    """
    kind = component.type
    dynamics = kind.dynamics
    starts = dynamics.on_start * (2 if shape.consolidated else 1)
    order = java_hash_order(event.port for event in dynamics.on_event)
    events = sorted(dynamics.on_event, key=lambda item: order.index(item.port))
    made = [*starts, *(item.action for item in events), *(item.action for item in dynamics.on_condition)]
    ports = [port for action in made for port in action.events]
    if ports:
        return ports[0] if ports.count(ports[0]) == 1 else None
    ports = [port for regime in dynamics.regimes for action in regime.actions() for port in action.events]
    ports += [port.name for port in kind.event_ports.values() if port.direction == "out"]
    if not ports:
        raise _no_port(component, "out")
    return ports[0]


def _no_port(component: ResolvedComponent, direction: str) -> ModelError:
    return component.fail(f"has no event port of direction '{direction}' to connect")
