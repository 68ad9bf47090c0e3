"""Files that a command writes: where they go, and that they are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from tvbo_lite.atomic import write_beside
from tvbo_lite.errors import InputError, Location, Problem, nearest

if TYPE_CHECKING:
    from tvbo_lite.cli._source import Source
    from tvbo_lite.lems.plan import EventOutputFile, OutputFile
    from tvbo_lite.lems.recording import Recording

__all__ = ["FIGURES", "Output", "check_figure", "outputs", "write_figure", "write_output"]

FORMATS = ("ID_TIME", "TIME_ID")
FIGURES = (".png", ".pdf", ".svg", ".jpg", ".webp")


@dataclass(frozen=True, slots=True)
class Output:
    """An output file of a simulation, and where it will lie."""

    file: OutputFile | EventOutputFile
    target: Path


def outputs(source: Source, folder: Path) -> tuple[Output, ...]:
    """Every file that the simulation writes, below ``folder``.

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
        reason = _bad_name(file.path) or _bad_place(target, folder, read)
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


def _bad_name(name: str) -> str | None:
    """Why a file name of a document is refused, if it is: it may only lead below the output folder."""
    if "\0" in name:
        return "a file name cannot hold a null character"
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.drive or windows.root:
        return "it is an absolute path; output files go below the output folder (--out DIR)"
    if ".." in windows.parts:
        return "it leads out of the output folder ('..'); name another folder with --out DIR"
    return None if posix.name else "it names no file"


def _bad_place(target: Path, folder: Path, read: set[Path]) -> str | None:
    """Why a file cannot be written there, if that is known before the run."""
    if target.resolve() in read:
        return "it would overwrite the model itself"
    if target.exists() and not target.is_file():
        return f"{target} exists and is not a file"
    above = next(place for place in (target.parent, *target.parent.parents, Path()) if place.exists())
    if not above.is_dir():
        return f"{above} is a file, not a folder"
    return None if os.access(above, os.W_OK | os.X_OK) else f"you may not write to {above}"


def _bad_formats(source: Source, places: dict[str, Location]) -> Iterator[Problem]:
    for file in source.plan.event_files:
        if file.format not in FORMATS:
            where = places.get(file.id, Location(source.name))
            message = f"event file '{file.id}' has the format '{file.format}'"
            yield Problem(message, where, " or ".join(FORMATS), nearest(file.format, FORMATS))


def write_output(output: Output, recording: Recording) -> str | None:
    """Write a table or an event file; what it holds, in words. None where no events were recorded."""
    from tvbo_lite.lems.plan import OutputFile

    if isinstance(output.file, OutputFile):
        from tvbo_lite.formats.dat import write_dat

        table = recording.table(output.file)
        write_dat(output.target, table)
        return f"{_count(table.shape[0], 'row')} x {_count(table.shape[1], 'column')}"
    if output.file.id not in recording.events:
        return None
    from tvbo_lite.formats.dat import event_bytes

    times, ids = recording.events[output.file.id]
    write_beside(output.target, event_bytes(times, ids, output.file.format))
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
