"""Columns of numbers by name from files: text with a header, numpy's files, HDF5.

Each kind of file is a row of `READERS`, by the ending of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Problem, UnsupportedError, nearest
from tvbo_lite.transforms.columns.table import Columns, ColumnsError

if TYPE_CHECKING:
    from tvbo_lite.transforms.columns.table import Room

__all__ = ["READERS", "Columns", "ColumnsError", "read_columns"]

READERS: Mapping[str, str] = {
    ".csv": "tvbo_lite.transforms.columns.text",
    ".tsv": "tvbo_lite.transforms.columns.text",
    ".txt": "tvbo_lite.transforms.columns.text",
    ".npy": "tvbo_lite.transforms.columns.arrays",
    ".npz": "tvbo_lite.transforms.columns.arrays",
    ".h5": "tvbo_lite.transforms.columns.hdf5",
    ".hdf5": "tvbo_lite.transforms.columns.hdf5",
}
_WITH_DATASETS = (".h5", ".hdf5")


def read_columns(file: Path, dataset: str | None, names: Sequence[str], room: Room) -> Columns | None:
    """The columns of a file; None where ``room`` (rows) says that there is no memory for them.

    Args:
        file: its ending says what it is.
        dataset: where in an HDF5 file the columns are.
        names: of the columns of an array that has none, in this order.
        room: is asked, before they are read, whether so many rows may be; it tells the user.

    Raises:
        ColumnsError: all that is wrong with the file.
    """
    ending = file.suffix.lower()
    if ending not in READERS:
        what = f"the file {file} ends in '{file.suffix}'"
        raise ColumnsError(Problem(what, expected=", ".join(READERS), hint=nearest(ending, READERS)))
    if dataset is not None and ending not in _WITH_DATASETS:
        what = f"the file {file} has no datasets, but the dataset '{dataset}' is named"
        raise ColumnsError(Problem(what, expected=f"no dataset, or a file {' or '.join(_WITH_DATASETS)}"))
    read: Callable[..., Any] = import_module(READERS[ending]).read
    try:
        found = read(file, names, room, dataset) if ending in _WITH_DATASETS else read(file, names, room)
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        what = f"the file {file} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ColumnsError(Problem(what)) from error
    except UnsupportedError as error:
        raise ColumnsError(*error.problems) from error
    if found is None:
        return None
    assert isinstance(found, Columns)  # noqa: S101  for the type checker
    _check_lengths(found)
    return found


def _check_lengths(found: Columns) -> None:
    """All columns are stretches of numbers, and equally long."""
    for name, values in found.values.items():
        if values.ndim != 1 or values.dtype.kind not in "iuf":
            what = f"the column '{name}' of {found.file} is an array of {values.dtype}, shape {values.shape}"
            raise ColumnsError(Problem(what, expected="a list of numbers"))
    lengths = {name: len(values) for name, values in found.values.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        what = f"the columns of {found.file} differ in length ({shown})"
        raise ColumnsError(Problem(what, expected="a value in each row"))
