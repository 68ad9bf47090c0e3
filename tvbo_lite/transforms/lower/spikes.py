"""Spike sources: spikes at set times, and whether a source draws its spikes at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.context import Context, Path
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tvbo_lite.schema import Dynamics
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["is_random", "spike_times"]

_USED = ("event_type", "trigger_times")
_TIME = "time"


def spike_times(
    context: Context, dynamics: Dynamics, kind: ResolvedType, path: Path, owner: str
) -> tuple[lems.Component, ...]:
    """The ``trigger_times`` of all events as components of the list that takes spikes, in order of time."""
    if not dynamics.events:
        return ()
    here = (*path, "events")
    spike = _spike_type(context, kind)
    if spike is None:
        message = f"{owner}: events on a {kind.name} are not supported; its own equations say what happens"
        context.unsupported(here, message)
        return ()
    times: list[float] = []
    for name, event in dynamics.events.items():
        refuse_rest(event, _USED, (*here, name), f"{owner}: {name}", context)
        times += event.trigger_times or []
    return tuple(
        lems.Component(spike, str(index), attributes={_TIME: f"{time!r} {context.time_scale}"})
        for index, time in enumerate(sorted(times))
    )


def _spike_type(context: Context, kind: ResolvedType) -> str | None:
    """The type of a list of the kind whose members are sources of one spike at a time."""
    for slot in kind.child_slots.values():
        member = context.types.get(slot.type) if slot.many and slot.type in context.types else None
        if member is not None and member.is_a("baseSpikeSource") and _TIME in member.parameters:
            return member.name
    return None


def is_random(kind: ResolvedType) -> bool:
    """Whether the type's dynamics draws random numbers."""
    return any("random(" in text.replace(" ", "") for text in _texts(kind.dynamics))


def _texts(dynamics: lems.Dynamics) -> Iterator[str]:
    conditions = (item.action for item in dynamics.on_condition)
    for action in (*dynamics.on_start, *conditions, *(item.action for item in dynamics.on_event)):
        yield from (item.value for item in action.assignments)
    yield from (item.value for item in dynamics.derivatives)
    yield from (item.value or "" for item in dynamics.derived)
    for regime in dynamics.regimes:
        yield from _texts(lems.Dynamics(on_start=regime.on_entry, on_condition=regime.on_condition))
