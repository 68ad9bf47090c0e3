"""A sweep on disk: a Zarr store to which parts are added as they finish, and from which a sweep goes on."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.errors import Location, Problem, StoreError
from tvbo_lite.explore.labels import TRACES, Labels, opened, write_labels
from tvbo_lite.explore.work import Part, Traces, check_times
from tvbo_lite.stores import is_whole, need_zarr

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Store", "identity"]

ABOUT = "tvbo_lite_sweep"  # the attribute of a store that says which sweep it holds
CHUNK_VALUES = 1 << 22  # numbers of a Zarr chunk (32 MB), unless a single time has more

Identity = Mapping[str, Any]


def identity(
    version: str, experiment: str, inputs: str, labels: Labels, options: Mapping[str, Any]
) -> Identity:
    """What makes a sweep this one and no other.

    Args:
        version: of this program.
        experiment: its text.
        inputs: what the text says by way of other files.
        labels: has the axes and the mode.
        options: of the integration.
    """
    space = [[axis.full, axis.unit, _digest(axis.values)] for axis in labels.axes]
    given = {key: value for key, value in options.items() if value is not None}
    return {
        "version": version,
        "experiment": experiment,
        "inputs": hashlib.sha256(inputs.encode()).hexdigest(),
        "mode": labels.mode,
        "space": space,
        "options": given,
    }


def _digest(values: NDArray[np.generic]) -> str:
    return hashlib.sha256(values.astype(np.float64).tobytes()).hexdigest()


@dataclass(slots=True)
class Store:
    """The sweep ``mine`` in the folder ``path``, made once the first part is there.

    Its Zarr chunks hold whole parts, so that a part is there if its chunks are; each is written beside its
    place and renamed.
    """

    path: Path
    mine: Identity
    labels: Labels
    shape: tuple[int, ...]
    size: int  # sets of a part at most; where the store is new, those that are asked for
    keep_going: bool
    chunks: tuple[int, ...] = ()
    time: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    quantities: tuple[str, ...] = ()
    array: Any = None
    waiting: list[Part] = field(default_factory=list)  # all failed, and no other part has told the times
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Raises `StoreError` where another sweep or something else is there, or nothing can be written."""
        need_zarr()
        if self.path.exists() or self.path.is_symlink():
            self._open()
        else:
            _check_parent(self.path)
            self.chunks = _chunk_shape(self.shape, self.size)
        self.size = int(np.prod(self.chunks))

    # ---- parts -----------------------------------------------------------------------------------

    def parts(self) -> list[Part]:
        """All parts, in order."""
        counts = [-(-length // chunk) for length, chunk in zip(self.shape, self.chunks, strict=True)]
        found = []
        for place in np.ndindex(*counts):
            region = self._region(place)
            first = np.ravel_multi_index([part.start for part in region], self.shape)
            found.append(Part(int(first), int(np.prod([part.stop - part.start for part in region]))))
        return found

    def missing(self) -> list[Part]:
        """Those that are not on disk yet, or damaged there."""
        if self.array is None:
            return self.parts()
        chunks = (file for file in (self.path / TRACES).iterdir() if file.suffix[1:].isdigit())
        there = {file.name for file in chunks if is_whole(file, self.array)}
        return [part for part in self.parts() if not there.issuperset(self._names(part))]

    def _place(self, part: Part) -> tuple[int, ...]:
        """The place of a part in the grid of chunks."""
        start = np.unravel_index(part.first, self.shape)
        return tuple(int(one) // chunk for one, chunk in zip(start, self.chunks, strict=True))

    def _region(self, place: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(
            slice(number * chunk, min((number + 1) * chunk, length))
            for number, chunk, length in zip(place, self.chunks, self.shape, strict=True)
        )

    def _names(self, part: Part) -> Iterator[str]:
        """The files of a part's chunks, one for each stretch of time."""
        start = ".".join(map(str, self._place(part)))
        times = -(-len(self.time) // self.array.chunks[-2])
        return (f"{start}.{number}.0" for number in range(times))

    # ---- writing ---------------------------------------------------------------------------------

    def take(self, part: Part, traces: Traces) -> None:
        """Writes a part. Raises `StoreError` where the disk does not take it; the others stay."""
        with self.lock:
            if self.array is None and not traces.quantities:
                self.waiting.append(part)
                return
            try:
                if self.array is None:
                    self._create(traces)
                for failed in self.waiting:
                    self._write(failed, None)
                self.waiting.clear()
            except OSError as error:
                raise self._unwritten(error) from error
        if traces.quantities:
            check_times(traces, self.time, self.quantities)
        try:
            self._write(part, traces.values if traces.quantities else None)
        except OSError as error:
            raise self._unwritten(error) from error

    def _write(self, part: Part, values: NDArray[np.float64] | None) -> None:
        region = self._region(self._place(part))
        shape = tuple(one.stop - one.start for one in region)
        self.array[region] = np.nan if values is None else values.reshape(*shape, *values.shape[1:])

    def _create(self, traces: Traces) -> None:
        """Makes the store beside its place and renames it, unless another process was faster."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        try:
            made = beside / "store"
            coordinates = self.labels.coordinates(traces.time, traces.quantities)
            about = {ABOUT: {**self.mine, "keep_going": self.keep_going, "quantities": traces.quantities}}
            write_labels(made, coordinates, about)
            sets = int(np.prod(self.chunks))
            width = len(traces.quantities)
            times = max(1, min(len(traces.time), CHUNK_VALUES // (sets * width)))
            group = need_zarr().open_group(made, mode="r+")
            array = group.create_array(
                TRACES,
                shape=(*self.shape, len(traces.time), width),
                chunks=(*self.chunks, times, width),
                dtype=np.float64,
                fill_value=np.nan,
            )
            array.attrs["_ARRAY_DIMENSIONS"] = list(self.labels.dims)
            need_zarr().consolidate_metadata(made)  # of what others open it with
            if not self.path.exists():
                made.rename(self.path)
        finally:
            rmtree(beside, ignore_errors=True)
        self._open()

    def _unwritten(self, error: OSError) -> StoreError:
        what = f"the sweep cannot be written: {error.strerror or error}"
        hint = "what is there stays; the same call goes on from it"
        return StoreError(Problem(what, Location(str(self.path)), hint=hint))

    # ---- reading ---------------------------------------------------------------------------------

    def _open(self) -> None:
        zarr, where = need_zarr(), Location(str(self.path))
        try:
            group = zarr.open_group(self.path, mode="r+", use_consolidated=False)
            about = dict(group.attrs).get(ABOUT)
            array = group[TRACES]
        except (OSError, KeyError, ValueError, TypeError, zarr.errors.BaseZarrError) as error:
            raise StoreError(
                Problem("this is there already, and is no sweep", where, hint="name another folder")
            ) from error
        if not isinstance(about, dict):
            raise StoreError(Problem("this Zarr store is no sweep", where, hint="name another folder"))
        problems = [Problem(what) for what in _differences(about, self.mine)]
        if about.get("keep_going") and not self.keep_going:
            problems.append(Problem("its sets that failed are NaN, as failures='nan' says"))
        if problems:
            raise StoreError([Problem("this is another sweep", where, hint=OTHER), *problems])
        if self.keep_going and not about.get("keep_going"):
            group.attrs[ABOUT] = {**about, "keep_going": True}
        if self.chunks and self.chunks != array.chunks[:-2]:
            what = "another process has begun this sweep meanwhile, in other chunks"
            raise StoreError(Problem(what, where, hint="the same call goes on from there"))
        self.array = array.with_config({"write_empty_chunks": True})
        self.chunks = array.chunks[:-2]
        self.time = group["time"][:]
        self.quantities = tuple(about["quantities"])

    def result(self) -> xr.DataArray:
        """The traces, read from the disk where they are used."""
        for left in (self.path / TRACES).glob("*.partial"):  # of a process that was killed
            left.unlink(missing_ok=True)
        return opened(self.path, self.labels.name)


OTHER = "name another folder, or delete this one"


def _differences(theirs: Identity, mine: Identity) -> Iterator[str]:
    """How the sweep of a store differs from this one, in words."""
    if theirs.get("version") != mine["version"]:
        yield f"it was made by tvbo_lite {theirs.get('version')}, this is {mine['version']}"
    if theirs.get("experiment") != mine["experiment"]:
        where = _first_difference(theirs.get("experiment", ""), mine["experiment"])
        yield f"its experiment is another: {where}"
    elif theirs.get("inputs") != mine["inputs"]:
        yield "the files that the experiment names held other values"
    if theirs.get("mode") != mine["mode"]:
        yield f"its mode is '{theirs.get('mode')}', not '{mine['mode']}'"
    yield from _in_space(theirs.get("space", []), mine["space"])
    options, given = theirs.get("options", {}), mine["options"]
    for name in sorted({*options, *given}):
        if options.get(name) != given.get(name):
            yield f"its option '{name}' is {options.get(name)!r}, not {given.get(name)!r}"


def _in_space(theirs: list[list[str]], mine: list[list[str]]) -> Iterator[str]:
    """How the axes differ."""
    names, wanted = ([name for name, *_ in space] for space in (theirs, mine))
    if names != wanted:
        yield f"it is over {', '.join(names)}, not {', '.join(wanted)}"
        return
    for (name, *values), (_, *others) in zip(theirs, mine, strict=True):
        if values != others:
            yield f"the values of {name} are others"


def _first_difference(theirs: str, mine: str) -> str:
    pairs = zip(theirs.splitlines(), mine.splitlines(), strict=False)
    different = next(((one, other) for one, other in pairs if one != other), None)
    if different is None:
        return "one of the texts goes on where the other ends"
    return f"'{different[0].strip()}' there, '{different[1].strip()}' here"


def _chunk_shape(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Chunks of at most ``size`` sets that follow one another: last axes whole, one in even parts, then 1."""
    chunks: list[int] = []
    for length in reversed(shape):
        parts = -(-length // size)
        chunk = -(-length // parts)
        chunks.append(chunk)
        size = 1 if chunk < length else size // length
    return tuple(reversed(chunks))


def _check_parent(path: Path) -> None:
    """Raises `StoreError` where a folder cannot be made, before anything runs."""
    above = next(place for place in (path.parent, *path.parent.parents) if place.exists())
    if not above.is_dir():
        raise StoreError(Problem(f"{above} is a file, not a folder", Location(str(path))))
    if not os.access(above, os.W_OK | os.X_OK):
        raise StoreError(Problem(f"you may not write to {above}", Location(str(path))))
