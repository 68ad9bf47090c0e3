"""The formats that this package reads and writes: one row of `FORMATS` each, loaded on first use.

A writer is a function ``write(model, losses, **options)`` from a `tvbo_lite.lems.model.Model` to a text, to
`Stored` for a file that is no text, or to `Files` where the format needs several. What the format cannot hold
it notes in ``losses``. A reader ``read(path, search)`` turns a file into such a model; includes that the
model names are not followed. All else that there is to know of a format stands in its row.
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
    "FORMATS", "Files", "Format", "Rendered", "Stored", "format_of", "options_of", "read",
    "read_as", "render", "writer",
]  # fmt: skip

Rendered: TypeAlias = str | Stored | Files


@dataclass(frozen=True, slots=True)
class Format:
    """A format, and where its functions are: ``"module:function"`` below `tvbo_lite.formats`, or None.

    ``lost`` says what it cannot hold. ``suffix`` ends the name of a file of one text. A file whose name has
    one of the ``endings`` is in this format, unless another is named. A writer is given the model with all
    that it includes, unless the format has includes of its own (``linked=False``).
    """

    description: str
    reader: str | None = None
    writer: str | None = None
    suffix: str = ".txt"
    linked: bool = True
    lost: str = "nothing"
    endings: tuple[str, ...] = ()


_BEYOND = "noise, sampled inputs, methods other than Euler's"
_ORDER = "random numbers of LEMS, some orders within a step"
FORMATS = {
    "lems": Format(
        "LEMS XML",
        "lems.reader:read_file",
        "lems.writer:write",
        ".xml",
        linked=False,
        lost=_BEYOND,
        endings=(".xml",),
    ),
    "yaml": Format(
        "YAML experiment",
        "yaml.to_model:read",
        "yaml.writer:write",
        ".yaml",
        lost="a component that has its type from the one it extends",
        endings=(".yaml", ".yml"),
    ),
    "neuroml": Format(
        "NeuroML 2 and LEMS files",
        "lems.reader:read_file",
        "neuroml.writer:write",
        ".xml",
        lost=f"{_BEYOND}; what its schema does not know stands in a LEMS file beside",
    ),
    "hdf5": Format(
        "NeuroML 2 in HDF5",
        "lems.reader:read_file",
        "neuroml.hdf5_writer:write",
        ".net.nml.h5",
        lost=f"{_BEYOND}; simulations, networks but one; populations of differing cells",
        endings=(".h5", ".hdf5"),
    ),
    "brian2": Format("Brian 2 script", None, "brian2.writer:write", ".py", lost=f"{_BEYOND}, {_ORDER}"),
    "numpy": Format(
        "Python script for NumPy", None, "numpy.writer:write", ".py", lost=f"{_BEYOND}, {_ORDER}"
    ),
    "pyrates": Format(
        "PyRates templates",
        "pyrates.experiment:read",
        "pyrates.writer:write",
        ".yaml",
        lost=f"{_BEYOND}, events and resets",
    ),
}


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
    write: Callable[..., Rendered] = _function(name, "writer", "written")
    return write


def read(path: str | Path, name: str | None = None, *, search: Sequence[Path] = ()) -> Model:
    """The model in a file; includes that it names are not followed, see `tvbo_lite.formats.lems.reader.link`.

    Args:
        path: the file; for LEMS the name of a canonical example too, for PyRates a template.
        name: its format, one of `FORMATS`; by default the one that the ending says, else LEMS and NeuroML.
        search: folders in which a reader that follows includes looks for them.

    Raises:
        RenderError: there is no such format, or it cannot be read; the message names those that can.
        InputError: all that the reader finds wrong, each with its place.
    """
    model: Model = _function(name or read_as(path), "reader", "read")(path, search)
    return model


def read_as(path: str | Path) -> str:
    """The format in which a file is read where none is named."""
    return _by_ending(path) or "lems"


def _by_ending(path: str | Path) -> str | None:
    ending = Path(path).suffix.lower()
    return next((name for name, item in FORMATS.items() if ending in item.endings), None)


def _function(name: str, role: str, done: str) -> Callable[..., Any]:
    """What reads or writes a format."""
    found = FORMATS.get(name)
    place = getattr(found, role, None)
    if found is None or place is None:
        able = [key for key, item in FORMATS.items() if getattr(item, role)]
        what = (
            f"there is no format '{name}'" if found is None else f"{found.description} cannot be {done} yet"
        )
        msg = f"{what}; {nearest(name, able) or 'there is ' + ', '.join(able)}"
        raise RenderError(msg)
    module, _, function = place.partition(":")
    wanted: Callable[..., Any] = getattr(import_module(f"{__name__}.{module}"), function)
    return wanted


def options_of(name: str) -> tuple[str, ...]:
    """The names of a writer's options: its keyword arguments. Raises as `writer` does."""
    parameters = signature(writer(name)).parameters.values()
    return tuple(item.name for item in parameters if item.kind is item.KEYWORD_ONLY)


def format_of(path: str | Path) -> str:
    """The format that a file's name asks for.

    Raises:
        RenderError: its ending says nothing, or belongs to several formats.
    """
    found = _by_ending(path)
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
