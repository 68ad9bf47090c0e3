"""How files are read: one that cannot be is a `ReadError` that names it."""

from __future__ import annotations

import math
import os
from pathlib import Path

from tvbo_lite.errors import Location, Problem, ReadError
from tvbo_lite.limits import FILE_SIZE

__all__ = ["bytes_of", "document_of", "text_of"]


def bytes_of(path: str | os.PathLike[str], where: Location | None = None, *, most: float = math.inf) -> bytes:
    """What a file holds.

    Args:
        path: the file.
        where: the place in another file that names it, for the message.
        most: bytes that it may have. What has no end, such as a device, is not read to it.

    Raises:
        ReadError: there is no such file, it may not be read, or it is larger.
    """
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = b"" if size > most else file.read(-1 if size or most == math.inf else int(most) + 1)
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        raise _refused(path, getattr(error, "strerror", None) or str(error), where) from error
    if max(size, len(content)) > most:
        what = f"the file is larger than {FILE_SIZE.spelt(most)}"
        raise ReadError(Problem(what, where or Location(os.fspath(path)), None, FILE_SIZE.more))
    return content


def document_of(path: str | os.PathLike[str], where: Location | None = None) -> bytes:
    """What a file holds that is no larger than `tvbo_lite.limits.FILE_SIZE`. Raises as `bytes_of`."""
    return bytes_of(path, where, most=FILE_SIZE.value())


def text_of(path: str | os.PathLike[str], where: Location | None = None) -> str:
    """The text of a file in UTF-8, without a byte order mark. Raises as `document_of`; also for others."""
    try:
        text = document_of(path, where).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, "it is not UTF-8 text", where) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refused(path: str | os.PathLike[str], reason: str, where: Location | None) -> ReadError:
    name = os.fspath(path)
    if where is None:
        return ReadError(Problem(f"cannot be read: {reason}", Location(name)))
    return ReadError(Problem(f"the file {name} cannot be read: {reason}", where))
