"""Files that a command writes: where they go, and that they are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from tvbo_lite.atomic import all_beside, write_beside
from tvbo_lite.errors import InputError, Location, Problem, nearest

if TYPE_CHECKING:
    from tvbo_lite.cli._source import Source
    from tvbo_lite.lems.plan import EventOutputFile, OutputFile
    from tvbo_lite.lems.recording import Recording

__all__ = ["FIGURES", "Output", "check_figure", "is_there", "outputs", "write_figure", "write_outputs"]

FORMATS = ("ID_TIME", "TIME_ID")
ALLOW = "--allow-outside lets it"
FIGURES = (".png", ".pdf", ".svg", ".jpg", ".webp")


@dataclass(frozen=True, slots=True)
class Output:
    """An output file of a simulation, and where it will lie."""

    file: OutputFile | EventOutputFile
    target: Path


def outputs(source: Source, folder: Path, *, outside: bool = False) -> tuple[Output, ...]:
    """Every file that the simulation writes, below ``folder``, or elsewhere too if ``outside`` allows it.

    Raises `InputError` with every file that may not or cannot be written; nothing is touched.
    """
    files: tuple[OutputFile | EventOutputFile, ...] = (*source.plan.tables(), *source.plan.event_files)
    places = _places(source)
    problems: list[Problem] = []
    taken: dict[Path, str] = {}
    read = _files_read(source)
    for file in files:
        where = places.get(file.id, Location(source.name))
        target = folder / file.path
        reason = _bad_name(file.path, outside=outside) or _bad_place(target, read)
        reason = reason or (None if outside else _bad_link(target.parent, folder))
        if target in taken:
            reason = f"'{taken[target]}' is written to the same file"
        if reason:
            problems.append(Problem(f"output file '{file.path}' of '{file.id}' is refused: {reason}", where))
        taken[target] = file.id
    problems += _bad_formats(source, places)
    if problems:
        raise InputError(problems)
    return tuple(Output(file, folder / file.path) for file in files)


def _places(source: Source) -> dict[str, Location]:
    """Where the simulation's children stand in the document, by id."""
    target = next((item for item in source.model.components if item.id == source.model.target), None)
    return {child.id: child.location for child in target.children if child.id} if target else {}


def _files_read(source: Source) -> set[Path]:
    """The files on disk that the model came from: no output may overwrite one."""
    model = source.model
    names = {source.name, model.location.file}
    names |= {item.location.file for item in model.components}
    names |= {item.location.file for item in model.component_types}
    return {Path(name).resolve() for name in names if name and Path(name).is_file()}


def _bad_name(name: str, *, outside: bool) -> str | None:
    """Why a file name of a document is refused, if it is: it may only lead ``outside`` of the output folder
    where that is allowed.
    """
    if "\0" in name:
        return "a file name cannot hold a null character"
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if not outside and (posix.is_absolute() or windows.drive or windows.root):
        return f"it is an absolute path; output files go below the output folder (--out DIR); {ALLOW}"
    if not outside and ".." in windows.parts:
        return f"it leads out of the output folder ('..'); name another folder with --out DIR; {ALLOW}"
    return None if posix.name else "it names no file"


def _bad_place(target: Path, read: set[Path]) -> str | None:
    """Why a file cannot be written there, if that is known before the run."""
    if Path(os.path.realpath(target)) in read:  # also of links in a circle, which Path.resolve does not bear
        return "it would overwrite the model itself"
    if target.exists() and not target.is_file():
        return f"{target} exists and is not a file"
    places = (target.parent, *target.parent.parents, Path())
    above = next(place for place in places if place.exists() or place.is_symlink())
    if not above.exists():
        return f"{above} is a symbolic link that leads nowhere"
    if not above.is_dir():
        return f"{above} is a file, not a folder"
    return None if os.access(above, os.W_OK | os.X_OK) else f"you may not write to {above}"


def _bad_link(parent: Path, folder: Path) -> str | None:
    """Why a file may not be written into ``parent``, if symbolic links lead from there out of ``folder``."""
    real, home = Path(os.path.realpath(parent)), Path(os.path.realpath(folder))
    if real.is_relative_to(home):
        return None
    return f"a symbolic link leads out of the output folder, to {real}; {ALLOW}"


def _bad_formats(source: Source, places: dict[str, Location]) -> Iterator[Problem]:
    for file in source.plan.event_files:
        if file.format not in FORMATS:
            where = places.get(file.id, Location(source.name))
            message = f"event file '{file.id}' has the format '{file.format}'"
            yield Problem(message, where, " or ".join(FORMATS), nearest(file.format, FORMATS))


def is_there(output: Output, recording: Recording) -> bool:
    """Whether a recording holds what a file is for: some backends give no events."""
    from tvbo_lite.lems.plan import OutputFile

    return isinstance(output.file, OutputFile) or output.file.id in recording.events


def write_outputs(planned: Sequence[Output], recording: Recording) -> list[tuple[Output, str]]:
    """Write the tables and event files that are there; with each, what it holds, in words.

    Where one cannot be written, the others stay as they were too.
    """
    there = [output for output in planned if is_there(output, recording)]
    with all_beside([output.target for output in there]) as places:
        return [(one, _written(one, place, recording)) for one, place in zip(there, places, strict=True)]


def _written(output: Output, place: Path, recording: Recording) -> str:
    from tvbo_lite.formats.dat import event_bytes, write_dat
    from tvbo_lite.lems.plan import OutputFile

    if isinstance(output.file, OutputFile):
        table = recording.table(output.file)
        write_dat(place, table)
        return f"{_count(table.shape[0], 'row')} x {_count(table.shape[1], 'column')}"
    times, ids = recording.events[output.file.id]
    place.write_bytes(event_bytes(times, ids, output.file.format))
    return _count(len(ids), "event")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def check_figure(path: Path | None) -> None:
    """Raises `InputError` where a figure cannot be written in the format that its name asks for."""
    if path is not None and path.suffix.lower() not in FIGURES:
        message = f"'{path.suffix}' is not a format of figures" if path.suffix else "the name has no ending"
        hint = nearest(path.suffix.lower(), FIGURES)
        raise InputError(Problem(message, Location(str(path)), f"one of {', '.join(FIGURES)}", hint))


def write_figure(path: Path, recording: Recording, reference: object = None) -> None:
    """Draw the displays of a run, with a reference behind them if there is one."""
    from tvbo_lite.plotting._figure import encoded
    from tvbo_lite.plotting.lems import plot_displays

    figure = plot_displays(recording, reference)  # type: ignore[arg-type]  # a recording or tables
    write_beside(path, encoded(figure, path.suffix[1:].lower()))
