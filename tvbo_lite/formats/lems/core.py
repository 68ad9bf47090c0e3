"""Documents that use NeuroML's core types: they include them, and hold only what is their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from tvbo_lite.formats.lems import sources
from tvbo_lite.formats.lems.normal import own_part
from tvbo_lite.formats.lems.reader import core_document
from tvbo_lite.lems import model as m

__all__ = ["CORE_FILES", "core_includes", "without_core"]

CORE_FILES = ("NeuroML2CoreTypes.xml", "PyNN.xml", "Simulation.xml")  # which include all others

_Placed: TypeAlias = m.Dimension | m.Unit | m.ComponentType


def without_core(model: m.Model) -> m.Model:
    """The model's own part, with includes of the core types that it had; one without core types as it is."""
    return replace(own_part(model), includes=(*core_includes(model), *model.includes))


def core_includes(model: m.Model) -> tuple[m.Include, ...]:
    """What a document includes to have the core types that a linked model has: no file twice."""
    groups: tuple[tuple[_Placed, ...], ...] = (model.dimensions, model.units, model.component_types)
    places = (item.location for group in groups for item in group)
    files = dict.fromkeys(place.file or "" for place in places if sources.is_core(place))
    found = [origin for origin in map(sources.core, files) if origin is not None]
    inner = {include.file for origin in found for include in core_document(origin).includes}
    return tuple(m.Include(origin.file) for origin in found if origin.file not in inner)
