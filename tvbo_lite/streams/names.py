"""What the parts of a result are called in a file of arrays, the same in every kind of file.

Table ``n`` of traces is ``traces_n`` with the dimensions ``time_n`` and ``quantity_n`` (or ``variable_n``)
and the coordinate ``units_n``; the number 0 is left out. Spikes are ``spikes_n.times`` (s) and
``spikes_n.index``. The attribute ``about`` is JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["SPIKES", "TRACES", "about", "numbered", "read_about", "train", "train_arrays"]

TRACES, SPIKES = "traces", "spikes_"


def numbered(name: str, number: int) -> str:
    """The name of a part of a table."""
    return f"{name}_{number}" if number else name


def train_arrays(number: int) -> Iterator[tuple[str, str, str]]:
    """Dimension, name and kind of the arrays of spikes, times first."""
    dim = f"{SPIKES}{number}"
    yield dim, f"{dim}.times", "f8"
    yield dim, f"{dim}.index", "i8"


def train(name: str, cells: Sequence[int], duration: float, start: float) -> dict[str, Any]:
    """What describes spikes besides their arrays; ``cells`` are left out where they count from 0."""
    found: dict[str, Any] = {"name": name, "size": len(cells), "duration": duration}
    if start:
        found["start"] = start
    if list(cells) != list(range(len(cells))):
        found["cells"] = list(cells)
    return found


def about(
    name: str, dim: str, tables: int, events: Sequence[dict[str, Any]], stopped: float | None = None
) -> dict[str, Any]:
    """The attributes of the file."""
    found = {"name": name, "dim": dim, "tables": tables, "events": list(events)}
    if stopped is not None:
        found["stopped"] = stopped
    return {"about": json.dumps(found)}


def read_about(attributes: Any) -> dict[str, Any]:
    """What `about` wrote. Raises `KeyError` or `ValueError` where it did not."""
    found: dict[str, Any] = json.loads(attributes["about"])
    return {"tables": 1, **found}
