"""Connections from the table of a file: its columns checked row by row, and made rows of the model."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.transforms.columns import ColumnsError, read_columns
from tvbo_lite.transforms.lower.connection_rows import (
    DIMENSIONS,
    Links,
    has_room,
    is_countable,
    rows_of,
    words_of,
)
from tvbo_lite.transforms.lower.formulas import constants_of
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.rows import Rows
    from tvbo_lite.schema.rules import ConnectionTable
    from tvbo_lite.transforms.columns import Columns
    from tvbo_lite.transforms.lower.connection_rows import Tags
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.groups import Group
    from tvbo_lite.transforms.lower.rule_pairs import Ends, Numbers

    Values = NDArray[np.float64]

__all__ = ["MOST", "from_table"]

MOST = 10
"""How many rows that are wrong are told, for each column."""

_ENDS = ("source", "target")
_NAMES = (*_ENDS, *DIMENSIONS)
_USED = ("file", "dataset", "weight", "delay", "seed", "parameters")


def from_table(context: Context, table: ConnectionTable, ends: Ends, tags: Tags, path: Path) -> Rows | None:
    """The connections that a file lists; None, and problems with their rows, where it is wrong."""
    refuse_rest(table, _USED, path, ends.name, context)
    used = words_of(table)
    constants = constants_of(context, table.parameters, used, (*path, "parameters"), ends.name)
    columns = _columns(context, table, ends, (*path, "file"))
    if columns is None or not is_countable(context, ends, path):
        return None
    checked = _Checked(context, columns, ends, (*path, "file"))
    pre, post = checked.indices("source", ends.source), checked.indices("target", ends.target)
    given = {name: checked.numbers(name) for name in DIMENSIONS if name in columns.values}
    if checked.wrong or pre is None or post is None:
        return None
    known = {name: values for name, values in given.items() if values is not None}
    links = Links(pre, post, known, columns.row)
    return rows_of(context, table, ends, tags, path, links=links, constants=constants)


def _columns(context: Context, table: ConnectionTable, ends: Ends, path: Path) -> Columns | None:
    """The columns of the file with their names known, and none missing."""
    home = context.locate(()).file
    file = FilePath(home).parent / table.file if home else FilePath(table.file)
    try:
        columns = read_columns(
            file, table.dataset, _NAMES, lambda count: has_room(context, table, count, path, ends.name)
        )
    except ColumnsError as error:
        for problem in error.problems:
            context.report(path, f"{ends.name}: {problem.message}", problem.expected, problem.hint)
        return None
    if columns is None:
        return None
    right = True
    for name in columns.values:
        if name not in _NAMES:
            message = f"{ends.name}: {file} has a column '{name}'"
            context.report(path, message, ", ".join(_NAMES), nearest(name, _NAMES))
            right = False
    for name in _ENDS:
        if name not in columns.values:
            found = ", ".join(f"'{one}'" for one in columns.values) or "none"
            message = f"{ends.name}: {file} has no column '{name}'"
            context.report(path, message, f"columns source and target (there are {found})")
            right = False
    return columns if right else None


class _Checked:
    """The columns of a file; what is wrong in them is reported with its row."""

    def __init__(self, context: Context, columns: Columns, ends: Ends, path: Path) -> None:
        self.context, self.columns, self.path = context, columns, path
        self.name = ends.name
        self.wrong = False

    def indices(self, name: str, group: Group) -> Numbers | None:
        """A column of indices of a population."""
        import numpy as np

        given = self.columns.values[name]
        values = np.asarray(given, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            broken = ~(np.isfinite(values) & (values == np.floor(values)))
            outside = ~broken & ((values < 0) | (values >= group.size))
        expected = f"a whole number from 0 to {group.size - 1}" if group.size else "none, it is empty"
        self._report(name, broken, f"the {name} is {{}}", expected)
        what = f"the {name} is {{}}, which '{group.id}' does not have"
        self._report(name, outside, what, expected)
        return None if (broken | outside).any() else values.astype(np.int64)

    def numbers(self, name: str) -> Values | None:
        """A column of numbers."""
        import numpy as np

        values = self.columns.values[name].astype(np.float64)
        strange = ~np.isfinite(values)
        self._report(name, strange, f"the {name} is {{}}", "a finite number")
        return None if strange.any() else values

    def _report(self, name: str, wrong: NDArray[np.bool_], message: str, expected: str) -> None:
        import numpy as np

        rows = np.flatnonzero(wrong).tolist()
        for number, row in enumerate(rows[:MOST]):
            self.wrong = True
            told = f"{self.name}: {self.columns.file}, {self.columns.row(row)}: "
            told += message.format(f"{self.columns.values[name][row].item():g}")
            more = len(rows) - MOST
            rest = f"so in {more} more rows" if number == MOST - 1 and more > 0 else None
            self.context.report(self.path, told, expected, rest)
