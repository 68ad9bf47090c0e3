"""How files are read: one that cannot be is a `ReadError` that names it."""

from __future__ import annotations

import os
from pathlib import Path

from tvbo_lite.errors import Location, Problem, ReadError

__all__ = ["bytes_of", "text_of"]


def bytes_of(path: str | os.PathLike[str], where: Location | None = None) -> bytes:
    """What a file holds.

    Args:
        path: the file.
        where: the place in another file that names it, for the message.

    Raises:
        ReadError: there is no such file, or it may not be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _refused(path, error.strerror or str(error), where) from error


def text_of(path: str | os.PathLike[str], where: Location | None = None) -> str:
    """The text of a file in UTF-8, without a byte order mark. Raises as `bytes_of`; and where it is none."""
    try:
        text = bytes_of(path, where).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, "it is not UTF-8 text", where) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refused(path: str | os.PathLike[str], reason: str, where: Location | None) -> ReadError:
    name = os.fspath(path)
    if where is None:
        return ReadError(Problem(f"cannot be read: {reason}", Location(name)))
    return ReadError(Problem(f"the file {name} cannot be read: {reason}", where))
