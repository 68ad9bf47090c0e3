"""Threads that help with the long loops of a run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tvbo_lite.compiler.ir import TEAM
from tvbo_lite.compiler.runtime_threads import DISMISSED, THREADS, TICKET, WORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.compiler.engine import Kernel

__all__ = ["Team", "team"]

ALIGNMENT = 128  # bytes, two cache lines


class Team:
    """Some threads that are there for one run; they work only while compiled code does."""

    def __init__(self, kernel: Kernel, threads: int) -> None:
        import numpy as np

        self._kernel = kernel
        self._helpers = threads - 1
        self._room = np.zeros(WORDS + ALIGNMENT // 8, np.int64)
        skipped = -self._room.ctypes.data % ALIGNMENT // 8
        self._words = self._room[skipped : skipped + WORDS]
        self._words[THREADS] = threads
        self._pool = ThreadPoolExecutor(self._helpers, "tvbo_lite")

    def run(self, memory: NDArray[np.float64], rows: NDArray[np.float64]) -> int:
        """As `Kernel.run`. When it returns or raises, all threads are at rest."""
        cells = memory.view("i8")
        self._words[TICKET] = 0
        helpers = []
        try:
            helpers += [
                self._pool.submit(self._kernel.help, memory, self._words) for _ in range(self._helpers)
            ]
            cells[TEAM] = self._words.ctypes.data
            return self._kernel.run(memory, rows)
        finally:
            cells[TEAM] = 0
            self._words[TICKET] = DISMISSED
            wait(helpers)

    def close(self) -> None:
        self._pool.shutdown()


@contextmanager
def team(kernel: Kernel, threads: int) -> Iterator[Kernel | Team]:
    """What runs a kernel: itself, or threads of which each does a part of its long loops."""
    if threads <= 1 or not kernel.divided:
        yield kernel
        return
    helped = Team(kernel, threads)
    try:
        yield helped
    finally:
        helped.close()
