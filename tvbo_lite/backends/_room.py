"""Whether a run has room in memory, estimated before any is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.lems.rows import Rows, parts_of
from tvbo_lite.memory import LIMIT, gigabytes, lacking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tvbo_lite.lems.model import Component

__all__ = ["BYTES", "numbers_in", "require_room"]

BYTES = 35
"""What each number in a table takes at most while the engine puts it into its own tables."""

_NUMBER = 8


def numbers_in(components: Iterable[Component | Rows]) -> int:
    """How many numbers stand in tables below components."""
    return sum(
        len(item) * len(item.columns) if isinstance(item, Rows) else numbers_in(parts_of(item.children))
        for item in components
    )


def require_room(numbers: int, times: float, quantities: int) -> None:
    """Raises `UnsupportedError`, with the estimate, where so many ``numbers`` in tables, and the recorded
    values of so many ``times`` and ``quantities``, need more memory than is free.
    """
    recorded = (times + 1) * (quantities + 1) * _NUMBER
    lack = lacking(numbers * BYTES + recorded)
    if lack is None:
        return
    tables = f"its connections and cells in tables take {gigabytes(numbers * BYTES)}, " if numbers else ""
    kept = f"{times:.0f} steps with {quantities} recorded quantities {gigabytes(recorded)}"
    hint = (
        "simulate less, take longer steps, record fewer quantities, write to disk (output=...), or set the"
        " environment variable " + LIMIT
    )
    raise UnsupportedError(Problem(f"this run needs {lack}: {tables}{kept}", hint=hint))
