"""Columns from HDF5 files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Problem, nearest
from tvbo_lite.stores import need_h5py
from tvbo_lite.transforms.columns.arrays import fields_of
from tvbo_lite.transforms.columns.table import Columns, ColumnsError

if TYPE_CHECKING:
    from tvbo_lite.transforms.columns.table import Room

__all__ = ["read"]

_FAULTS = (
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    OverflowError,
)  # what h5py raises for a damaged file


def read(file: Path, names: Sequence[str], room: Room, dataset: str | None) -> Columns | None:
    """The columns: the datasets of a group (of the file itself where none is named), or one dataset."""
    h5py = need_h5py()
    try:
        with h5py.File(file, "r") as opened:
            return _columns(opened, file, names, room, dataset)
    except _FAULTS as error:
        what = f"the file {file} cannot be read as HDF5: {error}"
        raise ColumnsError(Problem(what)) from error


def _columns(
    opened: Any, file: Path, names: Sequence[str], room: Room, dataset: str | None
) -> Columns | None:
    h5py = need_h5py()
    where: Any = opened
    if dataset is not None:
        if dataset not in opened:
            known: list[str] = []
            opened.visit(known.append)
            what = f"the file {file} has no dataset '{dataset}'"
            expected = ", ".join(known[:12]) or None
            raise ColumnsError(Problem(what, expected=expected, hint=nearest(dataset, known)))
        where = opened[dataset]
    is_table = isinstance(where, h5py.Dataset)
    inside = {} if is_table else {key: item for key, item in where.items() if hasattr(item, "shape")}
    if not room(where.size if is_table else max((item.size for item in inside.values()), default=0)):
        return None
    values = (
        fields_of(file, where[()], names) if is_table else {key: item[()] for key, item in inside.items()}
    )
    return Columns(file, values, "row {}".format)
