"""Columns from numpy's files: arrays by name (.npz); one array with fields, or a column each (.npy)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Problem
from tvbo_lite.transforms.columns.table import Columns, ColumnsError

if TYPE_CHECKING:
    from tvbo_lite.transforms.columns.table import Room

__all__ = ["fields_of", "read"]

# what numpy raises for files that are damaged, or that no numpy wrote
_FAULTS = (
    ValueError, TypeError, KeyError, EOFError, NotImplementedError, SyntaxError, TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_BYTES = 4  # a row takes at least so many in a file


def read(file: Path, names: Sequence[str], room: Room) -> Columns | None:
    """The columns of an array of shape ``(rows, 2 to 4)``, or with fields, or of several arrays."""
    import numpy as np

    if not room(file.stat().st_size / (2 * _BYTES)):
        return None
    try:
        with file.open("rb") as stream:
            found: Any = np.load(stream, allow_pickle=False)
            values = fields_of(file, found, names) if isinstance(found, np.ndarray) else dict(found)
    except _FAULTS as error:
        what = f"the file {file} holds no arrays of numbers"
        raise ColumnsError(Problem(what, expected="what numpy's save or savez has written")) from error
    return Columns(file, values, "row {}".format)


def fields_of(file: Path, table: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """The columns of one array."""
    if table.dtype.names:
        return {name: table[name] for name in table.dtype.names}
    if table.ndim != 2 or not 2 <= table.shape[1] <= len(names):
        expected = f"2 to {len(names)} columns ({', '.join(names)}), or fields of these names"
        raise ColumnsError(Problem(f"the file {file} has an array of shape {table.shape}", expected=expected))
    return {name: table[:, column] for column, name in zip(range(table.shape[1]), names, strict=False)}
