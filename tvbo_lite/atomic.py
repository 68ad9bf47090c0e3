"""How what is written reaches a disk: whole or not at all.

All is written under another name beside its place, one that no other process has, and renamed at the end. A
reader sees the old content or the new one, never a part; where writing fails, the old one stays.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

TRIES = 100  # to take the place of a folder that others replace too

__all__ = ["all_beside", "aside", "beside", "name_place", "partial_name", "publish", "remove", "write_beside"]


def aside(path: Path) -> Path:
    """A name beside ``path`` that only this thread uses; the ending stays, since libraries look at it."""
    return path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.part{path.suffix}")


def partial_name(path: Path) -> Path:
    """The name of what was stopped early: ``run.zarr`` is ``run.partial.zarr``."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Where to write what will be ``path``: renamed at the end, removed where anything is raised.

    Missing folders are made. What is there and neither a file nor a folder (``/dev/stdout``) is written to
    as it is. Raises `OSError` as the system gives it.
    """
    if _is_special(path):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = aside(path)
    try:
        yield new
        publish(new, path)
    except OSError as error:
        if Path(str(error.filename)) == new:
            error.filename = str(path)  # the name that the user knows
        name_place(error, path)
        raise
    finally:
        remove(new)


def name_place(error: OSError, path: Path) -> None:
    """Give an error the name of what was to be written, where it has none: that of a write has not."""
    if error.filename is None:
        error.filename = str(path)


@contextmanager
def all_beside(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """As `beside` for files that belong together: none gets its name before all are written, and the first
    one gets it last. Of two processes that write the same files, one names all of its own, then the other.
    """
    with ExitStack() as held, ExitStack() as files:
        yield [files.enter_context(beside(path)) for path in paths]
        for folder in sorted({os.path.realpath(path.parent) for path in paths}):
            held.enter_context(_alone_in(folder))


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """While it is open, others wait who want the same; where the system knows no such lock, nobody does."""
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:
        yield
        return
    with ExitStack() as held:
        with suppress(OSError):  # some networks' file systems
            place = os.open(folder, os.O_RDONLY)
            held.callback(os.close, place)
            flock(place, LOCK_EX)
        yield


def _is_special(path: Path) -> bool:
    """Whether there is something that is neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def publish(new: Path, path: Path) -> None:
    """Give a file or folder its final name, in place of what has it."""
    if not new.is_dir():
        new.replace(path)
        return
    old = aside(path.with_name(f"{path.stem}.old{path.suffix}"))  # a folder is not renamed over another
    for left in reversed(range(TRIES)):
        with suppress(FileNotFoundError):  # there is none, or another process has just moved it
            path.rename(old)
        try:
            new.rename(path)
        except OSError as error:
            if left and error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another process was quicker
                remove(old)
                continue
            if old.exists() and not path.exists():
                old.rename(path)
            raise
        remove(old)
        return


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir():
        import shutil  # slow to load

        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def write_beside(path: Path, content: bytes) -> None:
    """Write a file as `beside` says."""
    with beside(path) as new:
        new.write_bytes(content)
