"""HDF5 files as formats need them: groups with texts, and tables of numbers whose columns have names.

Links that lead out of a file are refused, and Python objects that PyTables has pickled are never loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.errors import Location, Problem, ReadError
from tvbo_lite.formats._decimals import decimals
from tvbo_lite.stores import need_h5py
from tvbo_lite.unfailing import Unfailing

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

__all__ = ["BLOCK", "Group", "Table", "new_file", "opened", "write_group", "write_table"]

BLOCK = 1 << 17  # rows read or written at a time: bounds memory
_PACKED = 4000  # more bytes of numbers for each byte of the file than that no compression gives
_LONG = 60_000  # bytes; a longer attribute needs HDF5's form of 2012, which older programs cannot read
_NONE = "N."  # how PyTables pickles None
_FAULTS = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)  # what h5py raises


# ---- reading ---------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path) -> Iterator[Group]:
    """The root group of a file.

    Raises:
        ReadError: it is no HDF5 file, or is damaged.
        UnsupportedError: h5py is missing.
    """
    library = need_h5py()
    place = Location(str(path))
    with _reading(place):
        if path.is_file() and not library.is_hdf5(path):
            raise ReadError(Problem("is no HDF5 file", place, "HDF5, as its name says"))
        file = library.File(path, "r")
    try:
        yield Group(file, str(path), "")
    finally:
        file.close()


@contextmanager
def _reading(place: Location) -> Iterator[None]:
    """What h5py finds wrong becomes an error of ours."""
    try:
        yield
    except _FAULTS as error:
        words = str(error).strip("'\"") or type(error).__name__
        raise ReadError(Problem(f"cannot be read as HDF5: {words}", place)) from error


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a file: its ``path`` inside and the groups and tables in it."""

    node: h5py.Group
    file: str
    path: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def location(self) -> Location:
        return Location(self.file, None, self.path or None)

    @property
    def ordered(self) -> bool:
        """Whether its members stand in the order in which they were made, not in that of their names."""
        with _reading(self.location):
            return bool(self.node.id.get_create_plist().get_link_creation_order())

    def texts(self) -> dict[str, str]:
        """Its attributes as texts; those that are neither text nor number are left out."""
        with _reading(self.location):
            found = {name: _text(self.node.attrs[name]) for name in _plain(self.node.attrs)}
        return {name: text for name, text in found.items() if text is not None}

    def groups(self) -> list[Group]:
        """The groups in it."""
        library = need_h5py()
        with _reading(self.location):
            found = [(name, self._member(name)) for name in _plain(self.node)]
        return [
            Group(node, self.file, f"{self.path}/{name}".lstrip("/"))
            for name, node in found
            if isinstance(node, library.Group)
        ]

    def tables(self) -> list[Table]:
        """The tables in it."""
        library = need_h5py()
        with _reading(self.location):
            found = [(name, self._member(name)) for name in _plain(self.node)]
        return [
            Table(node, self.file, f"{self.path}/{name}")
            for name, node in found
            if isinstance(node, library.Dataset)
        ]

    def _member(self, name: str) -> Any:
        library = need_h5py()
        if not isinstance(self.node.get(name, getlink=True), library.HardLink):
            place = Location(self.file, None, f"{self.path}/{name}")
            raise ReadError(Problem("a link to elsewhere is not followed", place, "a group or a table"))
        return self.node[name]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of numbers of shape (rows, columns)."""

    node: h5py.Dataset
    file: str
    path: str

    @property
    def location(self) -> Location:
        return Location(self.file, None, self.path)

    def shape(self) -> tuple[int, int]:
        """Rows and columns. Raises `ReadError` where it is no such table, or holds less than it says."""
        with _reading(self.location):
            shape, kind = self.node.shape, self.node.dtype.kind
            stored = self.node.id.get_storage_size()
            size = self.node.size * self.node.dtype.itemsize if shape else 0
            outside = bool(self.node.external) or self.node.is_virtual
        if shape is None or len(shape) != 2 or kind not in "fiu":
            found = f"found {self.node.dtype} of shape {shape}"
            raise ReadError(Problem(found, self.location, "numbers in rows and columns"))
        if outside:
            raise ReadError(Problem("its numbers are in another file", self.location, "a table of its own"))
        if size > _PACKED * stored:
            found = f"it has {shape[0]} rows, but the file holds no numbers for them"
            raise ReadError(Problem(found, self.location))
        return shape[0], shape[1]

    def texts(self) -> dict[str, str]:
        """Its attributes, as those of a group."""
        return Group(self.node, self.file, self.path).texts()

    def columns(self, wanted: Mapping[int, type], problems: list[Problem]) -> dict[int, NDArray[Any]]:
        """Columns by number, as ``int`` or ``float``; a float32 is the shortest decimal that it stands for.

        A number that is not finite, or no whole one where that is wanted, is added to ``problems``.
        """
        rows = self.shape()[0]
        dtypes = {int: np.int64, float: np.float64}
        with _reading(self.location):
            found = {number: np.empty(rows, dtypes[kind]) for number, kind in wanted.items()}
            for start in range(0, rows, BLOCK):
                block = self.node[start : start + BLOCK]
                for number, kind in wanted.items():
                    part = block[:, number]
                    wrong = _wrong(part, kind)
                    if wrong is not None:
                        expected = "a whole number" if kind is int else "a number"
                        what = f"row {start + wrong}, column {number}: found {part[wrong]}"
                        problems.append(Problem(what, self.location, expected))
                        return {}
                    taken = decimals(part) if kind is float and part.dtype == np.float32 else part
                    found[number][start : start + BLOCK] = taken
        return found


def _plain(names: Iterable[str | bytes]) -> list[str]:
    """The names of members or attributes. Raises `ValueError` where one is no text."""
    found = [name for name in names if isinstance(name, str)]
    if len(found) < len(list(names)):
        raise ValueError("a name in it is no text")
    return found


def _wrong(part: NDArray[Any], kind: type) -> int | None:
    """The first row whose number will not do."""
    if part.dtype.kind != "f":
        return None
    good = np.isfinite(part)
    if kind is int:
        good &= (part == np.rint(part)) & (np.abs(part) < 2**62)
    return None if good.all() else int(np.argmin(good))


def _text(value: object) -> str | None:
    """An attribute as PyTables, Java or h5py may have written it: a text, a number, an array of one."""
    if isinstance(value, np.ndarray):
        return _text(value.flat[0]) if value.size else None
    if isinstance(value, need_h5py().Empty):  # PyTables' form of an empty text
        return ""
    if isinstance(value, np.bytes_ | bytes):
        value = value.decode("utf-8")
    if isinstance(value, str):
        return None if value == _NONE else str(value)
    return str(value) if isinstance(value, np.number | int | float) else None


# ---- writing ---------------------------------------------------------------------------------------


@contextmanager
def new_file(path: Path, texts: Sequence[str] = ()) -> Iterator[h5py.Group]:
    """The root group of a new file, which can hold ``texts`` as attributes. Raises `OSError`."""
    long = any(len(text.encode()) > _LONG for text in texts)
    version = ("v108", "latest") if long else None
    with Unfailing(path) as raw, need_h5py().File(raw, "w", libver=version) as file:
        yield file


def write_group(parent: h5py.Group, name: str, texts: Mapping[str, str | int]) -> h5py.Group:
    """A new group with attributes, which keeps the order of what is put into it."""
    group = parent.create_group(name, track_order=True)
    _write_texts(group, texts)
    return group


def write_table(
    parent: h5py.Group,
    name: str,
    columns: Sequence[str],
    count: int,
    block: Callable[[int, int], NDArray[np.float64]],
    *,
    dtype: type[np.float32 | np.float64],
) -> None:
    """A table whose rows ``start`` to ``stop`` are ``block(start, stop)``."""
    chunks = (max(1, min(count, 1 << 14)), len(columns))
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    table = parent.create_dataset(name, (count, len(columns)), dtype, chunks=chunks, **packed)
    _write_texts(table, {f"column_{number}": column for number, column in enumerate(columns)})
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        table[start:stop] = block(start, stop).astype(dtype)


def _write_texts(node: h5py.Group | h5py.Dataset, texts: Mapping[str, str | int]) -> None:
    """Attributes in the form that PyTables takes for text: UTF-8 of fixed length."""
    library = need_h5py()
    for name, value in texts.items():
        if isinstance(value, int) or not value:
            node.attrs[name] = value
        else:
            data = value.encode("utf-8")
            node.attrs.create(name, data, dtype=library.string_dtype("utf-8", len(data)))
