"""The plain result of a run, the same from every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.plan import OutputFile, SimulationPlan
    from tvbo_lite.lems.state import State

__all__ = ["Recording", "StoppedWarning", "Traces"]


class StoppedWarning(UserWarning):
    """A run was stopped by Ctrl-C; what it had recorded is kept."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Traces with a row every ``every`` seconds (None: with every row of the run), as in a `Recording`."""

    every: float | None  # s
    time: NDArray[np.float64]
    values: NDArray[np.float64]
    quantities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded traces in SI units.

    ``time``: shape ``(n_rows,)``, s. ``values``: shape ``(n_rows, n_quantities)``, its columns named by
    ``quantities``. ``events`` maps an event file's id to ``(times in s, selection ids)``.
    ``timings`` holds seconds spent, by stage (``"compile"``, ``"simulate"``, ...). ``units`` has the SI
    unit of each quantity as LEMS spells it (``"V"``, ``"1"``); one that is not in it, or empty, is unknown.

    ``every`` (s) is the time between rows that was asked for, None for all rows; ``slower`` are the traces
    with longer times between rows. ``start`` (s) is where the run began, ``stopped`` where Ctrl-C ended it,
    and ``state`` from where it can go on. What has been written to ``stored`` while it ran is not here.
    """

    plan: SimulationPlan
    time: NDArray[np.float64]
    values: NDArray[np.float64]
    quantities: tuple[str, ...]
    events: dict[str, tuple[NDArray[np.float64], tuple[str, ...]]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    every: float | None = None  # s
    slower: tuple[Traces, ...] = ()
    start: float = 0.0  # s
    stopped: float | None = None  # s
    state: State | None = None
    stored: Path | None = None

    def traces(self) -> tuple[Traces, ...]:
        """All traces, those with the shortest time between rows first."""
        return (Traces(self.every, self.time, self.values, self.quantities), *self.slower)

    def trace(self, quantity: str) -> NDArray[np.float64]:
        """One trace, shape ``(n_rows,)``; one of `slower` where it is recorded there only.

        Raises `KeyError` for a quantity that was not recorded.
        """
        for traces in self.traces():
            if quantity in traces.quantities:
                return traces.values[:, traces.quantities.index(quantity)]
        raise KeyError(quantity)

    def table(self, file: OutputFile) -> NDArray[np.float64]:
        """The content of an output file: time, then its columns; shape ``(n_rows, 1 + n_columns)``.

        A column that a backend could not record is NaN.
        """
        import numpy as np

        found = next((one for one in self.traces() if one.every == file.every), self.traces()[0])
        at = {name: number for number, name in enumerate(found.quantities)}
        unknown = np.full(len(found.time), np.nan)
        columns = (
            found.values[:, at[column.quantity]] if column.quantity in at else unknown
            for column in file.columns
        )  # fmt: skip
        return np.column_stack([found.time, *columns])

    def story(self) -> str:
        """What became of a run that was stopped, for people."""
        end = self.start + self.plan.length
        kept = "the result holds what was" if self.stored is None else f"{self.stored} holds what was"
        return f"the run was stopped at {self.stopped:g} s of {end:g} s; {kept} recorded until then"

    def thinned(self) -> Recording:
        """The rows that the plan asks for, of a run from time 0 with a row for each step."""
        groups = self.plan.intervals()
        if self.every is not None or self.slower or all(every is None for every in groups):
            return self
        parts = []
        for every, quantities in groups.items():
            rows = slice(None, None, 1 if every is None else max(1, round(every / self.plan.step)))
            known = [name for name in quantities if name in self.quantities]
            columns = [self.quantities.index(name) for name in known]
            parts.append(Traces(every, self.time[rows], self.values[rows, :][:, columns], tuple(known)))
        first, *slower = parts
        return replace(
            self, time=first.time, values=first.values, quantities=first.quantities, every=first.every,
            slower=tuple(slower),
        )  # fmt: skip
