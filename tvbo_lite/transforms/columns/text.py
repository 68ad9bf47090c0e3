"""Columns from a text: a header with names, then numbers; apart by commas, semicolons, tabs or spaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite.errors import Problem
from tvbo_lite.transforms.columns.table import Columns, ColumnsError

if TYPE_CHECKING:
    from tvbo_lite.transforms.columns.table import Room

__all__ = ["read"]

_MARKS = (",", ";", "\t")
_MOST = 10  # faults that are told
_COMMENT = "#"


def read(file: Path, _: Sequence[str], room: Room) -> Columns | None:
    """The columns of a text in UTF-8. Empty lines and what follows a ``#`` do not count."""
    try:
        return _read(file, room)
    except UnicodeDecodeError as error:
        raise ColumnsError(Problem(f"the file {file} is not UTF-8 text")) from error


def _read(file: Path, room: Room) -> Columns | None:
    import numpy as np

    lines = _lines(file)
    number, header = next(lines, (0, ""))
    first = next(lines, None)
    mark = next((one for one in _MARKS if one in header), None)
    names = _cells(header, mark)
    _check_header(file, names)
    if first is not None and not room(file.stat().st_size / len(first[1])):
        return None
    values = np.empty((0, len(names)))
    if first is not None:
        try:
            values = np.loadtxt(
                file,
                delimiter=mark,
                skiprows=number,
                ndmin=2,
                comments=_COMMENT,
                quotechar='"',
                encoding="utf-8",
            )
        except ValueError as error:
            raise ColumnsError(*_faults(file, names, mark)) from error
        if values.shape[1] != len(names):
            raise ColumnsError(*_faults(file, names, mark))

    def row(index: int) -> str:
        """The line of a row; the file is read anew, for only what is wrong asks for it."""
        return f"line {next(islice(_lines(file), index + 1, None))[0]}"

    return Columns(file, {name: values[:, column] for column, name in enumerate(names)}, row)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that count, with their numbers from 1."""
    with file.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, 1):
            text = line.partition(_COMMENT)[0].strip()
            if text:
                yield number, text


def _cells(line: str, mark: str | None) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(mark)]


def _check_header(file: Path, names: list[str]) -> None:
    """The first line has names, each once."""
    expected = "names of columns in its first line, such as 'source,target,weight,delay'"
    if not any(names):
        raise ColumnsError(Problem(f"the file {file} is empty", expected=expected))
    if any(map(_is_number, names)):
        raise ColumnsError(Problem(f"the file {file} begins with numbers", expected=expected))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ColumnsError(Problem(f"the file {file} has two columns '{twice}'", expected="each name once"))


def _faults(file: Path, names: list[str], mark: str | None) -> list[Problem]:
    """The cells that are no numbers, and the lines with too few or too many."""
    found: list[Problem] = []
    count = 0
    for number, line in islice(_lines(file), 1, None):
        cells = _cells(line, mark)
        here = [
            Problem(f"{file}, line {number}: the {name} is '{cell}'", expected="a number")
            for name, cell in zip(names, cells, strict=False)
            if not _is_number(cell)
        ]
        if len(cells) != len(names):
            what = f"{file}, line {number}: {len(cells)} values in {len(names)} columns"
            here = [Problem(what, expected=f"a value for each of {', '.join(names)}")]
        count += len(here)
        found += here[: _MOST - len(found)]
    if count > _MOST:
        found.append(Problem(f"{file}: so in {count - _MOST} more places"))
    return found or [Problem(f"the file {file} is no table of numbers")]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python alone reads as a number
