"""Whole numbers in ascending order, kept as where each begins: the sources of connections in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

__all__ = ["MAX_INT32", "Indices", "Runs", "kind_of"]

MAX_INT32 = 1 << 31


def kind_of(size: int) -> type[np.int64]:
    """The type for whole numbers from 0 on below ``size``: of 32 bits each where these are enough."""
    import numpy as np

    return np.int32 if size <= MAX_INT32 else np.int64  # type: ignore[return-value]  # either will do


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Number k stands at the places ``starts[k]`` to ``starts[k + 1]`` (exclusive).

    ``starts`` has shape ``(n + 1,)`` and begins with 0. To numpy it is an array, made when it is asked for.
    """

    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, places: Any) -> Any:
        """The number at a place, or those at an array of places."""
        import numpy as np

        return np.searchsorted(self.starts, places, side="right") - 1

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy as np

        if copy is False:
            msg = "the numbers are not kept as an array"
            raise ValueError(msg)
        count = len(self.starts) - 1
        found = np.repeat(np.arange(count, dtype=kind_of(count)), np.diff(self.starts))
        return found if dtype is None else found.astype(dtype, copy=False)

    def part(self, places: slice) -> NDArray[np.int64]:
        """The numbers at some places, one at least, without making the others."""
        import numpy as np

        first, last = self[places.start], self[places.stop - 1]
        edges = np.clip(self.starts[first : last + 2], places.start, places.stop)
        return np.repeat(np.arange(first, last + 1), np.diff(edges))

    def min(self) -> int:
        """The first number, where there is one."""
        return int(self[0])

    def max(self) -> int:
        """The last number, where there is one."""
        return int(self[len(self) - 1])

    def shifted(self, by: int) -> Runs:
        """The same with a number added to each."""
        import numpy as np

        return Runs(np.concatenate((np.zeros(by, np.int64), self.starts)))


Indices: TypeAlias = "NDArray[np.int64] | Runs"
"""Whole numbers, of 32 or 64 bits each."""
