"""Samples of an input: few values that follow one another stand in equations, more in a table beside them."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from tvbo_lite.errors import ReadError
from tvbo_lite.lems import beyond
from tvbo_lite.reading import document_of
from tvbo_lite.schema.integration import seconds
from tvbo_lite.transforms.lower.course import Course

if TYPE_CHECKING:
    from tvbo_lite.schema import Samples
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["course", "tables"]


def course(context: Context, samples: Samples, path: Path, step: float, time_scale: str) -> Course:
    """What samples mean; 0 before the first value that holds. ``step`` is that of the integration, in s.

    What is wrong is reported.
    """
    times, values = list(samples.times), [float(value) for value in samples.values]
    if samples.file is not None:
        times, values = _read(context, samples.file, (*path, "file"), times)
    if times:
        begin = [seconds(time, time_scale) or 0.0 for time in times]
    else:
        apart = step if samples.step_size is None else seconds(samples.step_size, time_scale) or 0.0
        begin = [number * apart for number in range(len(values))]
    if samples.linear:
        return Course(begin, values, path, linear=True)
    if begin and begin[0] > 0:
        begin, values = [0.0, *begin], [0.0, *values]
    runs = [next(run) for _, run in groupby(zip(begin, values, strict=True), key=lambda pair: pair[1])]
    return Course([time for time, _ in runs], [value for _, value in runs], path)


def tables(context: Context) -> tuple[beyond.Samples, ...]:
    """The long courses, each with the component type whose variable follows it."""
    found = (
        beyond.Samples(
            kind.name,
            item.variable,
            tuple(item.begin),
            tuple((value,) for value in item.values),
            item.linear,
            context.locate(item.path),
        )
        for item in context.courses
        for kind in context.types.own.values()
        if kind.dynamics and any(one.name == item.variable for one in kind.dynamics.derived)
    )
    return tuple({(item.type, item.variable): item for item in found}.values())


def _read(context: Context, name: str, path: Path, times: list[float]) -> tuple[list[float], list[float]]:
    """The rows of a text file: a value each, or a time and a value."""
    home = context.locate(()).file
    file = FilePath(home).parent / name if home else FilePath(name)
    try:
        lines = document_of(file).decode().splitlines()
        rows = [[float(part) for part in line.replace(",", " ").split()] for line in lines if line.strip()]
    except (ReadError, ValueError) as error:
        why = error.problems[0].message if isinstance(error, ReadError) else f"cannot be read: {error}"
        context.report(path, f"the file {file} {why}", "a number in each line")
        return [], []
    widths = {len(row) for row in rows}
    if widths not in ({1}, {2}) or (widths == {2} and times) or (times and len(times) != len(rows)):
        message = f"the file {file} has {len(rows)} rows of {', '.join(map(str, sorted(widths)))} numbers"
        context.report(path, message, "a value in each row, or a time and a value")
        return [], []
    if widths == {2}:
        times = [row[0] for row in rows]
    return times, [row[-1] for row in rows]
