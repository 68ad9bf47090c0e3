"""What a library has to do so that results can be written with it while a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Column", "Growing", "Writer"]


@dataclass(frozen=True, slots=True)
class Growing:
    """An array whose length will be ``shape[0]``, or is not known (0); ``kind`` is its type in NumPy."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    piece: tuple[int, ...]  # what is written at once
    kind: str = "f8"
    attributes: Mapping[str, str | float] = field(default_factory=dict)


class Column(Protocol):
    """An array on disk that grows along its first dimension."""

    def write(self, first: int, values: NDArray[np.generic]) -> None:
        """Values from place ``first`` on."""
        ...

    def cut(self, length: int) -> None:
        """The final length."""
        ...


class Writer(Protocol):
    """What a library does: makes arrays, and closes them."""

    def __init__(self, path: Path) -> None: ...

    def fixed(self, name: str, dim: str, values: NDArray[np.generic]) -> None:
        """An array that is there at once."""
        ...

    def growing(self, array: Growing) -> Column:
        """An array that is written piece by piece."""
        ...

    def close(self, attributes: Mapping[str, Any]) -> None:
        """Writes what describes it all, and ends."""
        ...

    def abandon(self) -> None:
        """Ends without writing more, as far as the library allows."""
        ...
