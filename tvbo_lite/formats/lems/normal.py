"""What a document says of its own, apart from where and in which order it says it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from tvbo_lite.formats.lems.reader import link
from tvbo_lite.formats.lems.sources import is_core

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tvbo_lite.errors import Location
    from tvbo_lite.lems.model import Model

__all__ = ["normal_form", "own_part"]


class _Placed(Protocol):
    @property
    def location(self) -> Location: ...


_T = TypeVar("_T", bound=_Placed)


def own_part(model: Model) -> Model:
    """A linked model without what NeuroML's core type files hold."""
    return replace(
        model,
        dimensions=_own(model.dimensions),
        units=_own(model.units),
        constants=_own(model.constants),
        component_types=_own(model.component_types),
        components=_own(model.components),
        assertions=_own(model.assertions),
    )


def _own(items: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(item for item in items if not is_core(item.location))


def normal_form(model: Model, search: Sequence[Path] = ()) -> Model:
    """A model in the form in which two documents that say the same are equal.

    Includes are followed (in ``search`` too), but for NeuroML's core type files, whose content every
    document may use; components at the top of the document have no order, but that of their ids; what is
    declared twice alike, as by two files that do not know each other, counts once. Nothing else is left out
    or rewritten: texts of attributes, order of children and of types, names of files and columns, colours
    of lines.

    Raises:
        ReadError: an include is not found or cannot be read.
    """
    own = own_part(link(model, search) if model.includes else model)
    ordered = sorted(own.components, key=lambda item: (item.id or "", item.tag))
    return replace(
        own,
        dimensions=_once(own.dimensions),
        units=_once(own.units),
        constants=_once(own.constants),
        component_types=_once(own.component_types),
        components=tuple(ordered),
    )


def _once(items: Iterable[_T]) -> tuple[_T, ...]:
    found: list[_T] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)
