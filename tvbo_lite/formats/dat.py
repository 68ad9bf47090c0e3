"""Tables of numbers and lists of events as jLEMS writes them: float32 in Java's notation.

In a table a tab stands after every value; a line of an event file is an id and a time, or a time and an id.

Java (19 and later) and orjson both print the shortest decimal that reads back as the same float32;
they only write it differently, so orjson does the work and the few differing forms are edited in
its text: ``0.0001`` is ``1.0E-4`` in Java, ``1e-9`` is ``1.0E-9``, ``12345678.0`` is ``1.2345678E7``.
Source: `java.lang.Float.toString` (Java SE 19 API), jLEMS `FileResultWriter`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from tvbo_lite.atomic import beside
from tvbo_lite.errors import Location, Problem, ReadError
from tvbo_lite.reading import bytes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["EVENT_FORMATS", "dat_bytes", "event_bytes", "read_dat", "read_events", "write_dat"]

EVENT_FORMATS = ("ID_TIME", "TIME_ID")

CHUNK = 1 << 15  # values formatted at a time when writing: bounds memory, and fits a cache
DECIMAL_MIN, DECIMAL_MAX = np.float32(1e-3), np.float32(1e7)  # Java writes plain decimals in between
TINY = np.float32(2e-43)  # below, a float32 has so few digits that Java adds one (1.4E-45)
FILLER = b" "  # marks bytes that the last step removes
MARK = b"#"  # stands for a value that is filled in at the end
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
    unusual = ((size < DECIMAL_MIN) & (size > 0)) | (size >= DECIMAL_MAX)
    if odd.any() or unusual.any():
        return _edited(values, odd, (unusual & ~odd).ravel())
    text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
    return text.replace(b"],[", b"\t\n").translate(TO_JAVA, b"[]") + b"\t\n"


def _edited(values: NDArray[np.float32], odd: NDArray[np.bool_], unusual: NDArray[np.bool_]) -> bytes:
    """The text of a table with ``unusual`` values (flat), to be written as ``1.23E-4``, or ``odd`` ones.

    Each value is printed with a ``null`` behind it: room for an exponent, and a mark that is found fast.
    """
    wide = np.full((len(values), values.shape[1], 2), np.nan, dtype=np.float32)
    wide[..., 0] = np.where(odd, np.float32(0), values)
    text = orjson.dumps(wide.reshape(len(values), -1), option=orjson.OPT_SERIALIZE_NUMPY)
    data = np.frombuffer(text, dtype=np.uint8).copy()
    nulls = np.flatnonzero(data == ord("n"))
    first, last = np.empty_like(nulls), nulls - 1
    first[0] = len("[[")
    first[1:] = nulls[:-1] + len("null,")
    row_end = np.arange(len(nulls)) % values.shape[1] == values.shape[1] - 1
    first[1:][row_end[:-1]] += len("],[") - 1
    end = last.copy()
    end[unusual] += _scientific(data, first[unusual], last[unusual])
    data[end] = ord("\t")
    data[end[row_end] + 1] = ord("\n")
    strange = np.flatnonzero(odd)
    data[first[strange]] = ord(MARK)
    data[first[strange] + 1] = data[first[strange] + 2] = ord(FILLER)
    text = data.tobytes().translate(TO_JAVA, b"[],+nul" + FILLER)
    return _fill(text, values.ravel()[strange]) if len(strange) else text


def _scientific(data: NDArray[np.uint8], first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rewrites the values at these places in the form ``1.23E-4``; by how much each ends later."""
    later = np.zeros(len(first), dtype=np.intp)
    digit = first + (data[first] == ord("-"))
    small = (data[digit] == ord("0")) & (data[digit + 1] == ord("."))
    large = (data[last - 2] == ord(".")) & (data[last - 1] == ord("0")) & ~small
    lone = ~small & ~large  # has an exponent already; a single digit lacks its ".0"
    lone[lone] = data[digit[lone] + 1] == ord("e")
    later[small] = _small(data, digit[small], last[small])
    later[large] = _large(data, first[large], digit[large], last[large])
    e = digit[lone] + 1
    for back in (3, 2, 1, 0):  # the longest exponent is e-45
        data[e + back + 2] = data[e + back]
    data[e], data[e + 1] = ord("."), ord("0")
    later[lone] = 2
    return later


def _small(data: NDArray[np.uint8], first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.intp]:
    """``0.000123`` becomes ``1.23E-4``, ``0.00001`` becomes ``1.0E-5``; orjson spells 1e-6 to 1e-3 so."""
    digit = first + len("0.000")
    for _ in range(2):
        digit += data[digit] == ord("0")
    for place in range(len("0.00")):
        data[first + place] = ord(FILLER)
    exponent = digit - first - 1
    for power in (5, 6):
        data[first[exponent >= power] + power - 1] = ord(FILLER)
    data[digit - 1] = data[digit]
    data[digit] = ord(".")
    lone = digit + 1 == last
    data[last[lone]] = ord("0")
    tail = last + lone
    data[tail], data[tail + 1], data[tail + 2] = ord("E"), ord("-"), ord("0") + exponent
    later: NDArray[np.intp] = lone + np.intp(len("E-4"))
    return later


def _large(
    data: NDArray[np.uint8], first: NDArray[np.intp], digit: NDArray[np.intp], last: NDArray[np.intp]
) -> NDArray[np.intp]:
    """``12345600.0`` becomes ``1.23456E7``."""
    exponent = last - digit - len("1.0")
    zero = last - len("0.0")
    while len(zero := zero[data[zero] == ord("0")]):
        data[zero] = ord(FILLER)
        zero -= 1
    data[first - 1] = data[first]  # the sign or the first digit moves into the room before
    data[digit - 1] = data[digit]
    data[digit] = ord(".")
    lone = data[digit + 1] == ord(FILLER)
    data[digit[lone] + 1] = ord("0")
    tens = exponent >= 10
    data[last - 2] = ord("E")
    data[last[tens] - 1] = ord("1")
    data[last - 1 + tens] = ord("0") + exponent - 10 * tens
    return tens.astype(np.intp)


def _fill(text: bytes, values: NDArray[np.float32]) -> bytes:
    """``text`` with each mark replaced by the next of ``values`` in Java's words."""
    parts = text.split(MARK)
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
    rows = max(1, CHUNK // max(1, values.shape[-1]))
    with beside(target) as new, new.open("wb") as file:
        for start in range(0, len(values), rows):
            file.write(dat_bytes(values[start : start + rows]))
    return target


def event_bytes(times: NDArray[np.float64], ids: Sequence[str], form: str) -> bytes:
    """The text of an event file: ``form`` is one of `EVENT_FORMATS`, times are in s."""
    texts = dat_bytes(times[:, None]).decode().split()
    pairs = zip(texts, ids, strict=True) if form == "TIME_ID" else zip(ids, texts, strict=True)
    return "".join(f"{first}\t{second}\n" for first, second in pairs).encode()


def read_events(path: str | os.PathLike[str], form: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The times (s) and ids of an event file in one of `EVENT_FORMATS`, separated by a tab or a blank.

    Raises `ReadError` for a missing file, and for a line that is not an id and a time.
    """
    name = os.fspath(path)
    times, ids = [], []
    for number, line in enumerate(bytes_of(path).decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        blank = "\t" if "\t" in line else " "
        event, _, time = line.rpartition(blank)
        if form == "TIME_ID":
            time, _, event = line.partition(blank)
        if not event or not _is_number(time):
            message, expected = f"'{line.strip()[:40]}' is no event", form.replace("_", " and ").lower()
            raise ReadError(Problem(message, Location(name, number), expected))
        times.append(float(time))
        ids.append(event)
    return np.array(times, dtype=np.float64), tuple(ids)


def read_dat(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """The numbers of a text table, shape ``(n_rows, n_columns)``; columns are separated by blanks.

    Empty lines are skipped. Raises `ReadError` for a missing file, and with every offending line
    (up to ten) for a value that is no number or a row of another length.
    """
    text = bytes_of(path)
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
