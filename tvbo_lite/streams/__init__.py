"""Results on disk, written while the run goes on, in pieces of a fixed size.

A store holds what an `xarray.Dataset` of the result would (`tvbo_lite.streams.names`). It is written beside
its place and gets its name when it is finished; one that was stopped early has ``.partial`` in it. Each kind
is a row of `STORES`, a module with a class `Writer`; it loads on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from tvbo_lite.atomic import aside, name_place, partial_name, publish, remove
from tvbo_lite.errors import Problem, UnsupportedError, nearest
from tvbo_lite.lems.renamed import replaced
from tvbo_lite.streams import names
from tvbo_lite.streams.growing import Growing, Writer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["STORES", "Layout", "Output", "Store", "TableLayout"]

STORES: dict[str, str] = {".zarr": "tvbo_lite.streams.zarr", ".nc": "tvbo_lite.streams.netcdf"}
PIECE = 1 << 19  # numbers that are written at once, 4 MB
MAX_ROWS = 1 << 17  # of a piece
EVENTS = 1 << 16  # that are written at once
LATE, PAUSE = 5, 0.02  # how often a store that was given up is looked at again, and s between


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Traces that share their times: names, SI units, and how many rows there will be."""

    quantities: tuple[str, ...]
    units: tuple[str, ...]
    n_rows: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What a run will give. ``trains`` are the names and the recorded cells of spike trains."""

    name: str
    dim: str
    tables: tuple[TableLayout, ...]
    trains: tuple[tuple[str, tuple[int, ...]], ...]
    attributes: Mapping[str, str | float]
    start: float = 0.0  # s


@dataclass(frozen=True, slots=True)
class Output:
    """Where a run is to be written, and how its quantities are called there.

    The traces of a single node (``dim`` is ``"variable"``) are called by their variables. ``names`` are the
    experiment's by those of the model (`tvbo_lite.lems.renamed`); ``name`` is that of the result, by default
    the id of the simulation.
    """

    path: Path
    dim: str = "quantity"
    names: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def label(self, quantity: str) -> str:
        """The name of a quantity in the file."""
        named = self.called(quantity)
        return named if self.dim == "quantity" else named.rpartition("/")[2]

    def called(self, name: str) -> str:
        """What the experiment calls something."""
        return replaced(name, self.names) if self.names else name

    def check(self) -> None:
        """Raises `UnsupportedError` for an ending that is not in `STORES`, or whose library is missing;
        `OSError` where the folder cannot be written to.
        """
        _check(self.path)


def _check(target: Path) -> None:
    module = STORES.get(target.suffix.lower())
    if module is None:
        what = f"cannot write '{target.name}' while a run goes on"
        hint = nearest(target.suffix.lower(), STORES)
        raise UnsupportedError(Problem(what, expected=f"the ending {' or '.join(STORES)}", hint=hint))
    import_module(module).require()
    target.parent.mkdir(parents=True, exist_ok=True)
    trial = aside(target)
    trial.touch()  # before the run, not after its first hour
    trial.unlink()


class Store:
    """A store that is being written. After `finish` or `discard` it takes nothing more.

    What goes wrong on the disk is raised as the library gives it, mostly `OSError`.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        self.new = aside(path)
        remove(self.new)
        self._open = ExitStack()
        try:
            self.writer: Writer = import_module(STORES[path.suffix.lower()]).Writer(self.new)
            self._open.callback(self.writer.abandon)
            self.tables = [_Table(self.writer, layout, number) for number in range(len(layout.tables))]
            self.trains = [_Train(self.writer, number) for number in range(len(layout.trains))]
        except OSError as error:
            self.discard()
            name_place(error, path)
            raise
        except BaseException:
            self.discard()
            raise

    def add(self, number: int, rows: NDArray[np.float64]) -> None:
        """Rows of a table: the time (s), then its quantities; they are copied."""
        self.tables[number].add(rows)

    def add_events(self, number: int, times: NDArray[np.float64], index: NDArray[np.int64]) -> None:
        """Spikes of a train: times (s) and cells."""
        self.trains[number].add(times, index)

    def finish(self, duration: float, stopped: float | None = None) -> Path:
        """Write the rest and give the store its name, or `partial_name` where it was ``stopped`` (s)."""
        for table in self.tables:
            table.finish()
        for train in self.trains:
            train.finish()
        attributes = names.about(
            self.layout.name,
            self.layout.dim,
            len(self.layout.tables),
            [names.train(name, cells, duration, self.layout.start) for name, cells in self.layout.trains],
            stopped,
        )
        self.writer.close(attributes)
        path = self.path if stopped is None else partial_name(self.path)
        publish(self.new, path)
        return path

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # the disk may be full
            self._open.close()
        for _ in range(LATE):  # threads of a library finish what they have begun, after an error too
            remove(self.new)
            sleep(PAUSE)
        remove(self.new)


class _Table:
    """Traces on their way to disk: rows wait until they fill a piece."""

    def __init__(self, writer: Writer, layout: Layout, number: int) -> None:
        import numpy as np

        table, n = layout.tables[number], number
        width = len(table.quantities)
        self.size = min(MAX_ROWS, max(1, PIECE // max(1, width)))
        time, dim = names.numbered("time", n), names.numbered(layout.dim, n)
        writer.fixed(dim, dim, np.array(table.quantities, dtype=np.str_))
        writer.fixed(names.numbered("units", n), dim, np.array(table.units, dtype=np.str_))
        about = {**layout.attributes, "coordinates": names.numbered("units", n)}
        shape, piece = (table.n_rows, width), (self.size, max(1, min(width, PIECE)))
        self.time = writer.growing(Growing(time, (time,), shape[:1], piece[:1], attributes={"units": "s"}))
        values = names.numbered(names.TRACES, n)
        self.values = writer.growing(Growing(values, (time, dim), shape, piece, attributes=about))
        self.waiting = np.empty((self.size, 1 + width))
        self.filled = self.written = 0

    def add(self, rows: NDArray[np.float64]) -> None:
        while len(rows):
            some = rows[: self.size - self.filled]
            self.waiting[self.filled : self.filled + len(some)] = some
            self.filled += len(some)
            rows = rows[len(some) :]
            if self.filled == self.size:
                self.flush()

    def flush(self) -> None:
        if self.filled:
            self.time.write(self.written, self.waiting[: self.filled, 0])
            self.values.write(self.written, self.waiting[: self.filled, 1:])
        self.written += self.filled
        self.filled = 0

    def finish(self) -> None:
        self.flush()
        self.time.cut(self.written)
        self.values.cut(self.written)


class _Train:
    """Spikes on their way to disk."""

    def __init__(self, writer: Writer, number: int) -> None:
        self.columns = [
            writer.growing(Growing(name, (dim,), (0,), (EVENTS,), kind))
            for dim, name, kind in names.train_arrays(number)
        ]
        self.waiting: list[tuple[NDArray[np.generic], ...]] = []
        self.count = self.written = 0

    def add(self, times: NDArray[np.float64], index: NDArray[np.int64]) -> None:
        self.waiting.append((times, index))
        self.count += len(times)
        if self.count >= EVENTS:
            self.flush()

    def flush(self) -> None:
        import numpy as np

        if not self.count:
            return
        for column, parts in zip(self.columns, zip(*self.waiting, strict=True), strict=True):
            column.write(self.written, np.concatenate(parts))
        self.written += self.count
        self.waiting, self.count = [], 0

    def finish(self) -> None:
        self.flush()
        for column in self.columns:
            column.cut(self.written)
