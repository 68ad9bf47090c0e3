"""Tables of numbers as jLEMS writes them: float32 in Java's notation, a tab after every value.

Java (19 and later) and orjson both print the shortest decimal that reads back as the same float32;
they only write it differently, so orjson does the work and the few differing forms are edited in
its text: ``0.0001`` is ``1.0E-4`` in Java, ``1e-9`` is ``1.0E-9``, ``12345678.0`` is ``1.2345678E7``.
Source: `java.lang.Float.toString` (Java SE 19 API), jLEMS `FileResultWriter`.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from tvbo_lite.errors import Location, Problem, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["dat_bytes", "read_dat", "write_dat"]

CHUNK = 1 << 20  # values formatted at a time when writing, to bound memory
DECIMAL_MIN, DECIMAL_MAX = np.float32(1e-3), np.float32(1e7)  # Java writes plain decimals in between
TINY = np.float32(2e-43)  # below, a float32 has so few digits that Java adds one (1.4E-45)
FILLER = b" "  # marks bytes that the last step removes
TO_JAVA = bytes.maketrans(b",e", b"\tE")
PLAIN = b"0123456789+-.eE\t\n"  # all bytes of an ordinary table


def dat_bytes(table: ArrayLike) -> bytes:
    """The text of ``table``, shape ``(n_rows, n_columns)``, as jLEMS under Java 19 or later writes it.

    Every value is rounded to float32. Raises `ValueError` if the table does not have two dimensions.
    """
    with np.errstate(over="ignore"):  # a double beyond float32 is written as Infinity, as in Java
        values = np.ascontiguousarray(table, dtype=np.float32)
    if values.ndim != 2:
        raise ValueError(f"a table has two dimensions, found {values.ndim}")
    if not values.size:
        return b"\n" * len(values)
    size = np.abs(values)
    odd = ~np.isfinite(values) | ((size < TINY) & (size > 0))
    shown = np.where(odd, np.float32("nan"), values) if odd.any() else values  # NaN prints as null
    text = orjson.dumps(shown, option=orjson.OPT_SERIALIZE_NUMPY)
    unusual = ((size < DECIMAL_MIN) & (size > 0)) | (size >= DECIMAL_MAX)
    unusual &= ~odd
    if unusual.any():
        text = _scientific(text, np.flatnonzero(unusual), values.shape[1])
    text = text.replace(b"],[", b"\t\n").translate(TO_JAVA, b"[]+" + FILLER) + b"\t\n"
    return _fill(text, values[odd]) if odd.any() else text


def _scientific(text: bytes, which: NDArray[np.intp], n_columns: int) -> bytes:
    """``text`` with the values number ``which`` (flat) in the form ``1.23E-4``."""
    data = np.frombuffer(text, dtype=np.uint8).copy()
    first, last = _fields(data, which, n_columns)
    first += data[first] == ord("-")
    inserts: list[tuple[NDArray[np.intp], bytes]] = []
    small = (data[first] == ord("0")) & (data[first + 1] == ord("."))
    large = (data[last - 2] == ord(".")) & (data[last - 1] == ord("0")) & ~small
    inserts += _small(data, first[small], last[small])
    inserts += _large(data, first[large], last[large])
    rest = first[~small & ~large]  # has an exponent already; a single digit lacks its ".0"
    inserts.append((rest[data[rest + 1] == ord("e")] + 1, b".0"))
    return _insert(data, inserts)


def _fields(
    data: NDArray[np.uint8], which: NDArray[np.intp], n_columns: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the values number ``which`` begin and end in the JSON text ``[[a,b],[c,d]]``."""
    commas = np.flatnonzero(data == ord(","))
    first = np.concatenate(([1], commas + 1))[which]
    last = np.concatenate((commas, [len(data) - 1]))[which]
    first += which % n_columns == 0
    last -= which % n_columns == n_columns - 1
    return first, last


def _small(
    data: NDArray[np.uint8], first: NDArray[np.intp], last: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], bytes]]:
    """``0.000123`` becomes ``1.23E-4``: zeros are blanked here, the rest is to be inserted."""
    digit = first + 2
    while (zero := data[digit] == ord("0")).any():
        digit += zero
    exponent = digit - first - 1
    for back in range(1, int(exponent.max(initial=0)) + 2):
        places = digit - back
        data[places[places >= first]] = ord(FILLER)
    lone = digit + 1 == last
    yield digit[~lone] + 1, b"."
    yield digit[lone] + 1, b".0"
    for power in np.unique(exponent).tolist():
        yield last[exponent == power], b"E-%d" % power


def _large(
    data: NDArray[np.uint8], first: NDArray[np.intp], last: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], bytes]]:
    """``12345600.0`` becomes ``1.23456E7``: the end is blanked here, the rest is to be inserted."""
    exponent = last - first - 3
    data[last - 1] = data[last - 2] = ord(FILLER)
    digit = last - 3
    while (zero := (data[digit] == ord("0")) & (digit > first + 1)).any():
        data[digit[zero]] = ord(FILLER)
        digit -= zero
    yield first + 1, b"."
    for power in np.unique(exponent).tolist():
        yield last[exponent == power], b"E%d" % power


def _insert(data: NDArray[np.uint8], inserts: list[tuple[NDArray[np.intp], bytes]]) -> bytes:
    """``data`` with each text inserted before each of its places."""
    places = np.concatenate([np.repeat(at, len(text)) for at, text in inserts])
    added = np.concatenate([np.tile(np.frombuffer(text, np.uint8), len(at)) for at, text in inserts])
    return np.insert(data, places, added).tobytes()


def _fill(text: bytes, values: NDArray[np.float32]) -> bytes:
    """``text`` with each ``null`` replaced by the next of ``values`` in Java's words."""
    parts = text.split(b"null")
    filled = [parts[0]]
    for value, part in zip(values.tolist(), parts[1:], strict=True):
        filled += (_odd(value), part)
    return b"".join(filled)


def _odd(value: float) -> bytes:
    """A value that orjson cannot write, or would write with one digit where Java gives two."""
    if value != value:  # noqa: PLR0124 -- the test for NaN
        return b"NaN"
    if value in (float("inf"), float("-inf")):
        return b"Infinity" if value > 0 else b"-Infinity"
    shortest = np.format_float_scientific(np.float32(value), unique=True, trim="-")
    digits, exponent = shortest.split("e")
    if "." not in digits:
        digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}E{int(exponent)}".encode()


def write_dat(path: str | os.PathLike[str], table: ArrayLike) -> Path:
    """Write ``table`` to ``path`` in the format of `dat_bytes`; returns the path.

    Missing folders are made. The text is written beside and renamed at the end, so that a reader
    sees the old file or the new one, never a part. Raises `OSError` as the system gives it.
    """
    target = Path(path)
    values = np.asarray(table)
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = max(1, CHUNK // max(1, values.shape[-1]))
    beside = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with beside.open("wb") as file:
            for start in range(0, len(values), rows):
                file.write(dat_bytes(values[start : start + rows]))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def read_dat(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """The numbers of a text table, shape ``(n_rows, n_columns)``; columns are separated by blanks.

    Empty lines are skipped. Raises `ReadError` for a missing file, and with every offending line
    (up to ten) for a value that is no number or a row of another length.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as problem:
        raise ReadError(
            Problem(f"cannot be read: {problem.strerror}", Location(os.fspath(path)))
        ) from problem
    table = _read_plain(text)
    return _read_any(text, os.fspath(path)) if table is None else table


def _read_plain(text: bytes) -> NDArray[np.float64] | None:
    """The table if it is laid out exactly as jLEMS does it, with plain numbers only; else None."""
    if not text.endswith(b"\t\n") or text.translate(None, PLAIN):
        return None
    rows = text[:-2].replace(b"\t\n", b"],[").replace(b"\t", b",")
    try:
        table = np.array(orjson.loads(b"[[" + rows + b"]]"), dtype=np.float64)
    except ValueError:  # not JSON after all, or ragged
        return None
    return table if table.ndim == 2 and table.size else None


def _read_any(text: bytes, name: str) -> NDArray[np.float64]:
    """The same for any blank-separated text, slowly, with a finding for each bad line."""
    rows: list[list[float]] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            bad = next(word for word in words if not _is_number(word))
            problems.append(Problem(f"'{bad[:40]}' is not a number", Location(name, number)))
            continue
        if rows and len(row) != len(rows[0]):
            message = f"{len(row)} values in this row"
            problems.append(Problem(message, Location(name, number), f"{len(rows[0])} as in the rows above"))
            continue
        rows.append(row)
    if problems:
        raise ReadError(problems[:10])
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1 if rows else 0)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
