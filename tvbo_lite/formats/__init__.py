"""The formats that this package reads and writes: one row of `FORMATS` each, loaded on first use.

A writer turns a `tvbo_lite.lems.model.Model` into a text; a reader turns a text into such a model, or,
for the format of experiments (YAML), into the data of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from tvbo_lite.errors import RenderError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tvbo_lite.lems.model import Model

__all__ = ["FORMATS", "Format", "writer"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format, and where its functions are: ``"module:function"`` below `tvbo_lite.formats`, or None."""

    description: str
    reader: str | None = None
    writer: str | None = None


FORMATS = {
    "lems": Format("LEMS XML", "lems.reader:read_string", "lems.writer:write"),
    "yaml": Format("YAML experiment", "yaml.reader:read_text"),
}


def writer(name: str) -> Callable[[Model], str]:
    """The function that writes a model in the format ``name``.

    Raises:
        RenderError: there is no such format, or it cannot be written; the message names those that can.
    """
    writable = [key for key, item in FORMATS.items() if item.writer]
    found = FORMATS.get(name)
    if found is None or found.writer is None:
        what = (
            f"there is no format '{name}'" if found is None else f"{found.description} cannot be written yet"
        )
        hint = nearest(name, writable) or f"there is {', '.join(writable)}"
        msg = f"{what}; {hint}"
        raise RenderError(msg)
    module, _, function = found.writer.partition(":")
    return cast("Callable[[Model], str]", getattr(import_module(f"{__name__}.{module}"), function))
