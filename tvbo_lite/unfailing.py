"""A file for a library that does not bear a full disk: where a write fails, HDF5 ends the process with a
segmentation fault (h5py's issues 914 and 1120).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

__all__ = ["Unfailing"]


class Unfailing:
    """A new file whose writes never fail. After the first that the disk refused, all go to memory, from which
    they are read again, and `check` raises the system's error.

    It has what h5py asks of a file object; to close the library's file first is the caller's part.
    """

    def __init__(self, path: Path) -> None:
        """Raises `OSError` where the file cannot be made."""
        self._file = path.open("w+b", buffering=0)
        self._place = self._size = 0
        self._kept: list[tuple[int, bytes]] = []
        self.error: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._file.close()
        if kind is None:
            self.check()

    def check(self) -> None:
        """Raises the `OSError` of the first write that failed."""
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """Raises as `check`."""
        self.__exit__(None)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves as in any file."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        """Where the next byte is read or written."""
        return self._place

    def flush(self) -> None:
        """Nothing waits here."""

    def truncate(self, size: int) -> int:
        """Sets the size."""
        try:
            self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
        self._size = size
        return size

    def write(self, data: bytes | memoryview) -> int:
        """All of it, in any case."""
        rest = memoryview(data).cast("B")
        written = len(rest)
        while len(rest):
            done = self._to_disk(rest)
            if not done:
                self._kept.append((self._place, bytes(rest)))
                done = len(rest)
            self._place += done
            rest = rest[done:]
        self._size = max(self._size, self._place)
        return written

    def _to_disk(self, data: memoryview) -> int:
        """How much of it the disk has taken: nothing more once it has refused any."""
        if self.error is None:
            try:
                self._file.seek(self._place)
                return self._file.write(data) or 0
            except OSError as error:
                self.error = error
        return 0

    def readinto(self, room: memoryview) -> int:
        """Fills ``room``, or as much of it as there is."""
        view = memoryview(room).cast("B")
        count = max(0, min(len(view), self._size - self._place))
        with suppress(OSError):
            self._file.seek(self._place)
            self._file.readinto(view[:count])
        for first, data in self._kept:
            begin, end = max(first, self._place), min(first + len(data), self._place + count)
            if begin < end:
                view[begin - self._place : end - self._place] = data[begin - first : end - first]
        self._place += count
        return count

    def read(self, count: int = -1) -> bytes:
        """The next bytes."""
        room = bytearray(self._size - self._place if count < 0 else count)
        return bytes(room[: self.readinto(memoryview(room))])
