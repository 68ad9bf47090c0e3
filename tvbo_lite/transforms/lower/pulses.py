"""Current pulses given on a cell: ``pulse_delay``, ``pulse_duration``, ``I_amp``, also ``_2`` to ``_4``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes

if TYPE_CHECKING:
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["pulse_generators", "without_pulses"]

_NAMES = {"pulse_delay": "delay", "pulse_duration": "duration", "I_amp": "amplitude"}
_SUFFIXES = ("", "_2", "_3", "_4")
_GENERATORS = ("pulseGenerator", "pulseGeneratorDL")


def without_pulses(kind: ResolvedType, given: Given) -> Given:
    """The parameters of a cell that are not about pulses."""
    about = {name + suffix for name in _NAMES for suffix in _SUFFIXES}.difference(kind.attribute_names())
    return {name: item for name, item in given.items() if name not in about}


def pulse_generators(
    context: Context, kind: ResolvedType, given: Given, cell: str, path: Path
) -> list[lems.Component]:
    """One generator for each pulse that ``given`` asks for, ``<cell>_pulse``, ``<cell>_pulse_2``, ..."""
    taken = kind.attribute_names()
    found = []
    for suffix in _SUFFIXES:
        pulse = {
            attribute: given[name + suffix]
            for name, attribute in _NAMES.items()
            if name + suffix in given and name + suffix not in taken
        }
        if pulse:
            found.append(_generator(context, kind, pulse, f"{cell}_pulse{suffix}", path))
    return found


def _generator(context: Context, kind: ResolvedType, pulse: Given, name: str, path: Path) -> lems.Component:
    """A generator of the kind, with or without dimensions, that the cell takes."""
    fitting = (
        item
        for item in map(context.types.get, _GENERATORS)
        if any(item.is_a(slot.type) for slot in kind.attachments)
    )
    generator = next(fitting, None)
    if generator is None:
        context.report(path, f"{path[-1]}: a {kind.name} takes no current pulses")
        return lems.Component(_GENERATORS[0], name)
    texts = attributes(context, generator, pulse, path, name)
    return lems.Component(generator.name, name, attributes=texts, location=context.locate(path))
