"""A model's own part: what does not come from NeuroML's core type files, and which of these it needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from tvbo_lite.errors import Location
from tvbo_lite.formats.lems import sources
from tvbo_lite.formats.lems.reader import core_document
from tvbo_lite.lems import model as m

__all__ = ["core_includes", "without_core"]


class _Placed(Protocol):
    @property
    def location(self) -> Location: ...


_Item = TypeVar("_Item", bound=_Placed)


def without_core(model: m.Model) -> m.Model:
    """The model's own part, with includes of the core types that it had; one without core types as it is."""
    return m.Model(
        target=model.target,
        report_file=model.report_file,
        includes=(*core_includes(model), *model.includes),
        dimensions=_own(model.dimensions),
        units=_own(model.units),
        constants=_own(model.constants),
        component_types=_own(model.component_types),
        components=_own(model.components),
        assertions=_own(model.assertions),
        location=model.location,
    )


def core_includes(model: m.Model) -> tuple[m.Include, ...]:
    """What a document includes to have the core types that a linked model has: no file twice."""
    items: tuple[_Placed, ...] = (*model.dimensions, *model.units, *model.component_types)
    files = dict.fromkeys(item.location.file or "" for item in items if sources.is_core(item.location))
    found = [origin for origin in map(sources.core, files) if origin is not None]
    inner = {include.file for origin in found for include in core_document(origin).includes}
    return tuple(m.Include(origin.file) for origin in found if origin.file not in inner)


def _own(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(item for item in items if not sources.is_core(item.location))
