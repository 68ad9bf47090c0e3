"""What a simulation is asked to do: how long, in which steps, what to show and what to write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tvbo_lite.errors import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class Line:
    """A trace in a display: ``value / scale`` against ``time / time_scale`` (both SI)."""

    id: str
    quantity: str
    scale: float = 1.0  # SI
    time_scale: float = 1.0  # s
    color: str | None = None
    scale_text: str = "1"  # as written, e.g. "1mV"
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Display:
    id: str
    title: str = ""
    time_scale: float = 1.0  # s
    time_scale_text: str = "1s"
    xmin: float | None = None
    xmax: float | None = None
    ymin: float | None = None
    ymax: float | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputColumn:
    id: str
    quantity: str
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """``path`` is the file's name as the document gives it, folders included.

    ``every`` is the time between two of its rows (s), None for all rows of the run.
    """

    id: str
    path: str
    columns: tuple[OutputColumn, ...] = ()
    every: float | None = None  # s


@dataclass(frozen=True, slots=True)
class EventSelection:
    id: str
    select: str
    port: str
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EventOutputFile:
    id: str
    path: str
    format: str = "ID_TIME"
    selections: tuple[EventSelection, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """The target component's id, length and step (s), and everything recorded.

    A run has ``n_steps + 1`` rows, the first at t = 0.
    """

    id: str
    target: str
    length: float  # s
    step: float  # s
    displays: tuple[Display, ...] = ()
    files: tuple[OutputFile, ...] = ()
    event_files: tuple[EventOutputFile, ...] = ()
    seed: int | None = None

    @property
    def n_steps(self) -> int:
        return int(self.length / self.step + 0.5)  # jLEMS: floor(length/step + 0.5)

    def quantities(self) -> tuple[str, ...]:
        """Every recorded quantity once: output columns first, then display lines."""
        return tuple(dict.fromkeys(self._quantities()))

    def location(self, quantity: str) -> Location:
        """Where the document first asks for a quantity."""
        columns = ((item.quantity, item.location) for file in self.files for item in file.columns)
        lines = ((item.quantity, item.location) for display in self.displays for item in display.lines)
        return next((place for name, place in (*columns, *lines) if name == quantity), NOWHERE)

    def intervals(self) -> dict[float | None, tuple[str, ...]]:
        """By the time between two rows (s; None: every row of the run), the shortest first, what is recorded
        so. What is asked for with two intervals is recorded with both.
        """
        found: dict[float | None, list[str]] = {}
        for file in self.files:
            found.setdefault(file.every, []).extend(column.quantity for column in file.columns)
        shown = [line.quantity for display in self.displays for line in display.lines]
        if shown or not found:
            found.setdefault(None, []).extend(shown)
        return {every: tuple(dict.fromkeys(found[every])) for every in sorted(found, key=lambda s: s or 0.0)}

    def tables(self) -> tuple[OutputFile, ...]:
        """The output files; where there is none, ``auto.dat`` with a column for each display line."""
        if self.files or not self.displays:
            return self.files
        columns = tuple(
            OutputColumn(f"{display.id}_{line.id}", line.quantity)
            for display in self.displays
            for line in display.lines
        )
        return (OutputFile("auto", "auto.dat", columns),)

    def _quantities(self) -> Iterator[str]:
        for file in self.files:
            yield from (column.quantity for column in file.columns)
        for display in self.displays:
            yield from (line.quantity for line in display.lines)
