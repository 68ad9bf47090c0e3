"""The spikes of a population as arrays: when, and of which cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.numerals import whole

if TYPE_CHECKING:
    import neo
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.plan import EventOutputFile
    from tvbo_lite.lems.recording import Recording

__all__ = ["SpikeTrains", "spike_trains"]


@dataclass(frozen=True, slots=True, eq=False)
class SpikeTrains:
    """Spikes in the order of their times: ``times`` (s) and ``index`` (of the cell), both of shape ``(n,)``.

    ``size`` is the number of cells that were recorded, also of those without a spike; ``cells`` are their
    indices where these are not 0 to ``size - 1``. The run went on for ``duration`` s from ``start``.
    """

    name: str
    times: NDArray[np.float64]
    index: NDArray[np.int64]
    size: int
    duration: float  # s
    start: float = 0.0  # s
    cells: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"<SpikeTrains '{self.name}': {len(self)} spikes of {self.size} cells in {self.duration:g} s>"

    @property
    def trains(self) -> list[NDArray[np.float64]]:
        """The times (s) of each cell that was recorded, in the order of their indices."""
        import numpy as np

        place = self._place
        order = np.argsort(place, kind="stable")
        bounds = np.searchsorted(place[order], np.arange(1, self.size))
        return np.split(self.times[order], bounds) if self.size else []

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of spikes of each cell, shape ``(size,)``."""
        import numpy as np

        return np.bincount(self._place, minlength=self.size)

    @property
    def _place(self) -> NDArray[np.int64]:
        """Of each spike, the place of its cell among those that were recorded."""
        import numpy as np

        return self.index if self.cells is None else np.searchsorted(self.cells, self.index)

    @property
    def rates(self) -> NDArray[np.float64]:
        """The mean rate (Hz) of each cell, shape ``(size,)``."""
        return self.counts / self.duration

    def to_neo(self) -> list[neo.SpikeTrain]:
        """A ``neo.SpikeTrain`` for each recorded cell, also for silent ones, as elephant takes them.

        Times are in s; ``t_start`` and ``t_stop`` are those of the run; the annotations ``population`` and
        ``index`` say whose spikes they are. Raises `UnsupportedError` where the package neo is missing.
        """
        from tvbo_lite.lems.to_neo import neo_trains

        return neo_trains(self)

    def rate(self, width: float = 1e-3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The rate of the population: the middles of bins (s) of ``width`` s, and Hz for each cell.

        A spike at the end of a bin belongs to it, since a step of a run has the time at its end.
        Raises `ValueError` for a width that is not above 0.
        """
        import numpy as np

        if not width > 0:
            raise ValueError(f"the width of a bin is {width:g} s")
        count = max(1, int(np.ceil(self.duration / width - _NEAR)))
        place = np.ceil((self.times - self.start) / width - _NEAR).astype(np.int64) - 1
        found = np.bincount(np.clip(place, 0, count - 1), minlength=count)
        middles = self.start + np.linspace(0.5 * width, (count - 0.5) * width, count, dtype=np.float64)
        return middles, found / (width * max(self.size, 1))


_NEAR = 1e-6  # of a bin: how far times may be off by rounding


def spike_trains(recording: Recording) -> dict[str, SpikeTrains]:
    """The events of a run by the id of their event file, which for populations is the population's name.

    Ids that are whole numbers are the indices of the cells; other ids count in the order of the file.
    """
    import numpy as np

    found = {}
    files = {file.id: file for file in recording.plan.event_files}
    duration = span(recording)
    for name, (times, ids) in recording.events.items():
        numbers = numbers_of(files.get(name), ids)
        index = np.fromiter((numbers[one] for one in ids), np.int64, len(ids))
        size, cells = cells_of(numbers)
        values = np.asarray(times, dtype=np.float64)
        found[name] = SpikeTrains(name, values, index, size, duration, recording.start, cells)
    return found


def span(recording: Recording) -> float:
    """How long a run went on (s), without the rounding of a sum of many steps."""
    if recording.stopped is not None:
        end = recording.stopped
    elif recording.every is None and len(recording.time):
        end = float(recording.time[-1])
    else:
        end = recording.start + recording.plan.n_steps * recording.plan.step
    return rounded(end - recording.start)


def rounded(time: float) -> float:
    """A time without the rounding of a sum of many steps."""
    return float(f"{time:.12g}")


def numbers_of(file: EventOutputFile | None, ids: tuple[str, ...] = ()) -> dict[str, int]:
    """The index of each id that is selected, or occurs."""
    selected = () if file is None else tuple(item.id for item in file.selections)
    known = list(dict.fromkeys((*selected, *ids)))
    numbers = {one: number for one in known if (number := whole(one)) is not None}
    if len(numbers) == len(known):
        return numbers
    return {one: place for place, one in enumerate(known)}


def cells_of(numbers: dict[str, int]) -> tuple[int, NDArray[np.int64] | None]:
    """How many cells there are, and which; None for all from 0 on."""
    import numpy as np

    cells = np.array(sorted(set(numbers.values())), dtype=np.int64)
    return len(cells), None if np.array_equal(cells, np.arange(len(cells))) else cells
