"""What the readers of columns give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.errors import Problem

__all__ = ["Columns", "ColumnsError", "Room"]

Room: TypeAlias = Callable[[float], bool]
"""Whether there is memory for so many rows."""


class ColumnsError(Exception):
    """A file has no such columns; ``problems`` say why."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(*problems)


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays by name, equally long; ``row`` says where in the file a row stands: ``line 7``."""

    file: Path
    values: Mapping[str, NDArray[np.generic]]
    row: Callable[[int], str]
