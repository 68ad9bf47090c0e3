"""What a comparison of two runs found; `tvbo_lite.compare` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Comparison", "EventComparison", "TraceComparison"]


@dataclass(frozen=True, slots=True, eq=False)
class TraceComparison:
    """One trace of the reference and of ours; errors in the trace's own unit, times in s.

    ``extent`` is the reference's max - min, ``nrmse`` the root mean square error over that,
    ``correlation`` Pearson's (1 for identical traces, NaN where a trace is constant), ``n_different``
    the number of float32 values that differ. ``threshold`` is None where the trace was not searched
    for spikes.
    """

    name: str
    n_values: int
    n_different: int
    max_error: float
    rmse: float
    nrmse: float
    correlation: float
    extent: float
    tolerance: float
    threshold: float | None
    reference_spikes: NDArray[np.float64]  # s
    our_spikes: NDArray[np.float64]  # s

    @property
    def identical(self) -> bool:
        """Whether no float32 value differs."""
        return self.n_different == 0

    @property
    def same_spike_count(self) -> bool:
        return len(self.reference_spikes) == len(self.our_spikes)

    @property
    def max_spike_shift(self) -> float | None:
        """The largest difference between paired spike times, s; None where the numbers differ."""
        if not self.same_spike_count:
            return None
        return float(np.abs(self.reference_spikes - self.our_spikes).max(initial=0.0))

    @property
    def ok(self) -> bool:
        """Identical, or within ``tolerance * extent`` with the same number of spikes."""
        return self.identical or (self.max_error <= self.tolerance * self.extent and self.same_spike_count)

    def __str__(self) -> str:
        if self.identical:
            text = f"identical ({self.n_values} values)"
        else:
            text = f"{self.n_different} of {self.n_values} values differ, max error {self.max_error:.3g}"
            text += f" ({self.max_error / self.extent:.2g} of the range)" if self.extent else ""
        if self.threshold is not None:
            text += f", spikes {len(self.reference_spikes)}"
            text += "" if self.same_spike_count else f" and {len(self.our_spikes)}"
            text += f" (shift up to {self.max_spike_shift:.3g} s)" if self.max_spike_shift else ""
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name}: {text}"


@dataclass(frozen=True, slots=True)
class EventComparison:
    """One event file, line by line: the time as float32, and the id.

    ``n_different`` counts the lines that differ, with those that only one side has; ``max_shift`` is the
    largest difference of two times in s, None where numbers or ids differ. ``first`` tells the first
    line that differs; it is empty where none does.
    """

    name: str
    n_reference: int
    n_ours: int
    n_different: int
    max_shift: float | None
    allowed: float  # s
    first: str = ""

    @property
    def identical(self) -> bool:
        """Whether no line differs."""
        return self.n_different == 0

    @property
    def ok(self) -> bool:
        """Identical, or the same ids in the same order and no time off by more than ``allowed``."""
        return self.identical or (self.max_shift is not None and self.max_shift <= self.allowed)

    def __str__(self) -> str:
        number = max(self.n_reference, self.n_ours)
        text = f"{self.n_different} of {number} events differ: {self.first}"
        if self.identical:
            text = f"identical ({number} events)"
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name}: {text}"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All traces that both sides have, in the reference's order; iterable. ``events``: all event files.

    ``missing`` names traces that only the reference has, ``extra`` those that only ours has.
    """

    traces: tuple[TraceComparison, ...]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    events: tuple[EventComparison, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every trace and event file of the reference is there and passes."""
        return not self.missing and all(item.ok for item in self._items())

    @property
    def identical(self) -> bool:
        """Whether everything of the reference is there and no float32 value and no event differs."""
        return not self.missing and all(item.identical for item in self._items())

    def _items(self) -> tuple[TraceComparison | EventComparison, ...]:
        return (*self.traces, *self.events)

    @property
    def worst(self) -> TraceComparison:
        """The trace that agrees least: a failing one before a passing one, then by relative error."""
        return max(self.traces, key=_badness)

    def __iter__(self) -> Iterator[TraceComparison]:
        return iter(self.traces)

    def __len__(self) -> int:
        return len(self.traces)

    def __str__(self) -> str:
        lines = [str(trace) for trace in self.traces]
        lines += [f"FAIL {name}: only in the reference" for name in self.missing]
        lines += [f"note {name}: not in the reference" for name in self.extra]
        lines += [str(events) for events in self.events]
        return "\n".join(lines)

    def __repr__(self) -> str:
        passed = sum(item.ok for item in self._items())
        return f"<Comparison: {passed} of {len(self._items()) + len(self.missing)} pass>"

    def _repr_html_(self) -> str:
        from tvbo_lite.show.comparison import comparison_html

        return comparison_html(self)


def _badness(trace: TraceComparison) -> tuple[bool, float, int]:
    scale = trace.extent or 1.0
    return (not trace.ok, trace.max_error / scale, trace.n_different)
