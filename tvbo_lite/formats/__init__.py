"""The formats that this package reads and writes: one row of `FORMATS` each, loaded on first use.

A writer is a function ``write(model, losses, **options)`` from a `tvbo_lite.lems.model.Model` to a text, to
`Stored` for a file that is no text, or to `Files` where the format needs several. What the format cannot hold
it notes in ``losses``. A reader turns a text or a file into such a model, or, for the format of experiments
(YAML), into the data of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tvbo_lite.errors import RenderError, nearest
from tvbo_lite.formats.files import Files, Stored
from tvbo_lite.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from tvbo_lite.lems.model import Model

__all__ = [
    "FORMATS", "Files", "Format", "Rendered", "Stored", "format_of", "options_of", "render", "writer",
]  # fmt: skip

Rendered: TypeAlias = str | Stored | Files


@dataclass(frozen=True, slots=True)
class Format:
    """A format, and where its functions are: ``"module:function"`` below `tvbo_lite.formats`, or None.

    ``lost`` says what it cannot hold. ``suffix`` ends the name of a file of one text. A writer is given the
    model with all that it includes, unless the format has includes of its own (``linked=False``).
    """

    description: str
    reader: str | None = None
    writer: str | None = None
    suffix: str = ".txt"
    linked: bool = True
    lost: str = "nothing"


_BEYOND = "noise, sampled inputs, methods other than Euler's"
_ORDER = "random numbers of LEMS, some orders within a step"
FORMATS = {
    "lems": Format(
        "LEMS XML", "lems.reader:read_string", "lems.writer:write", ".xml", linked=False, lost=_BEYOND
    ),
    "yaml": Format(
        "YAML experiment",
        "yaml.reader:read_text",
        "yaml.writer:write",
        ".yaml",
        lost="a component that has its type from the one it extends",
    ),
    "neuroml": Format(
        "NeuroML 2 and LEMS files",
        "lems.reader:read_string",
        "neuroml.writer:write",
        ".xml",
        lost=f"{_BEYOND}; what its schema does not know stands in a LEMS file beside",
    ),
    "hdf5": Format(
        "NeuroML 2 in HDF5",
        "neuroml.hdf5_reader:read",
        "neuroml.hdf5_writer:write",
        ".net.nml.h5",
        lost=f"{_BEYOND}; simulations, networks but one; populations of differing cells",
    ),
    "brian2": Format("Brian 2 script", None, "brian2.writer:write", ".py", lost=f"{_BEYOND}, {_ORDER}"),
    "numpy": Format(
        "Python script for NumPy", None, "numpy.writer:write", ".py", lost=f"{_BEYOND}, {_ORDER}"
    ),
    "pyrates": Format(
        "PyRates templates",
        "pyrates.reader:read_circuit",
        "pyrates.writer:write",
        ".yaml",
        lost=f"{_BEYOND}, events and resets",
    ),
}
_ENDINGS = {".h5": "hdf5", ".hdf5": "hdf5", ".xml": "lems", ".yaml": "yaml", ".yml": "yaml"}


def render(
    model: Model,
    format: str,  # noqa: A002  the name that users write
    /,
    *,
    losses: Losses | None = None,
    strict: bool = False,
    search: Sequence[Path] = (),
    **options: Any,
) -> Rendered:
    """A model in another format: one text, one file that is no text, or several files.

    Args:
        model: as a reader or `lower` gives it; includes that it names are followed where the format
            needs that, and then looked for in ``search`` too.
        format: one of `FORMATS`.
        losses: gets what the format cannot hold. Without it, losses are told by a `LossWarning`.
        strict: a loss is an error.
        search: folders in which includes are looked for.
        options: the writer's own.

    Raises:
        RenderError: an unknown format or option, a text that the format cannot hold, or, with ``strict``,
            a loss.
        ReadError: an include is not found or cannot be read.
    """
    write = writer(format)
    _check_options(format, options)
    found = Losses()
    for item in model.renamed:
        found.add(*item.told())
    result: Rendered = write(_linked(model, search) if FORMATS[format].linked else model, found, **options)
    if strict:
        found.require_none(FORMATS[format].description)
    found.tell(FORMATS[format].description, losses, stacklevel=4)
    return result


def writer(name: str) -> Callable[..., Rendered]:
    """The function ``write(model, losses, **options)`` of the format ``name``.

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
    write: Callable[..., Rendered] = getattr(import_module(f"{__name__}.{module}"), function)
    return write


def options_of(name: str) -> tuple[str, ...]:
    """The names of a writer's options: its keyword arguments. Raises as `writer` does."""
    parameters = signature(writer(name)).parameters.values()
    return tuple(item.name for item in parameters if item.kind is item.KEYWORD_ONLY)


def format_of(path: str | Path) -> str:
    """The format that a file's name asks for.

    Raises:
        RenderError: its ending says nothing, or belongs to several formats.
    """
    found = _ENDINGS.get(Path(path).suffix.lower())
    if found is None:
        msg = f"{path}: the name does not tell the format; name one of {', '.join(FORMATS)}"
        raise RenderError(msg)
    return found


def _check_options(name: str, options: dict[str, Any]) -> None:
    known = options_of(name)
    for option in options:
        if option not in known:
            listed = f"it has {', '.join(known)}" if known else "it has none"
            msg = f"{FORMATS[name].description} has no option '{option}'; {nearest(option, known) or listed}"
            raise RenderError(msg)


def _linked(model: Model, search: Sequence[Path]) -> Model:
    if not model.includes:
        return model
    from tvbo_lite.formats.lems.reader import link

    return link(model, search)
