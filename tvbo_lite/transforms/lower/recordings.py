"""What a run writes and shows, as the document lists it: output files, event files, displays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.lems.beyond import Interval
from tvbo_lite.transforms.lower.attributes import attributes
from tvbo_lite.transforms.lower.components import child_component
from tvbo_lite.transforms.lower.groups import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.schema.recordings import Display, EventFile, Line, OutputFile, Recordings
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.equations import Lowering

__all__ = ["recorded"]

_PATH: Path = ("recordings",)
_KEYS = {"timeScale": "time_scale", "fileName": "file", "path": "folder", "eventPort": "port"}


def recorded(context: Lowering, recordings: Recordings) -> tuple[lems.Component, ...]:
    """The children of the simulation: displays, then files, then event files, then all others."""
    displays = (
        _display(context, item, name, (*_PATH, "displays", name))
        for name, item in recordings.displays.items()
    )
    files = (_file(context, item, name, (*_PATH, "files", name)) for name, item in recordings.files.items())
    events = (
        _event_file(context, item, name, (*_PATH, "events", name)) for name, item in recordings.events.items()
    )
    kind = context.types.get("Simulation")
    others = (
        child_component(context, item, name, kind, (*_PATH, "components", name))
        for name, item in recordings.components.items()
    )
    return (*displays, *files, *events, *(item for item in others if item is not None))


def _component(
    context: Context,
    kind: str,
    name: str,
    path: Path,
    texts: Mapping[str, str | None],
    *,
    anonymous: bool,
    children: tuple[lems.Component, ...] = (),
) -> lems.Component:
    found = attributes(context, context.types.get(kind), written(path, texts, _KEYS), path, name)
    where = context.locate(path)
    return lems.Component(
        kind, None if anonymous else name, attributes=found, children=children, location=where
    )


def _display(context: Context, item: Display, name: str, path: Path) -> lems.Component:
    lines = tuple(_line(context, line, key, item, (*path, "lines", key)) for key, line in item.lines.items())
    texts = {
        "title": item.title,
        "timeScale": item.time_scale,
        "xmin": item.xmin,
        "xmax": item.xmax,
        "ymin": item.ymin,
        "ymax": item.ymax,
    }
    return _component(context, "Display", name, path, texts, anonymous=item.anonymous, children=lines)


def _line(context: Context, item: Line, name: str, display: Display, path: Path) -> lems.Component:
    texts = {
        "quantity": item.quantity,
        "scale": item.scale,
        "color": item.color,
        "timeScale": display.time_scale if item.time_scale is None else item.time_scale,
    }
    return _component(context, "Line", name, path, texts, anonymous=item.anonymous)


def _file(context: Context, item: OutputFile, name: str, path: Path) -> lems.Component:
    columns = tuple(
        _component(
            context,
            "OutputColumn",
            key,
            (*path, "columns", key),
            {"quantity": column.quantity},
            anonymous=column.anonymous,
        )
        for key, column in item.columns.items()
    )
    texts = {"fileName": item.file, "path": item.folder}
    every = context.interval(item.every, (*path, "every"), f"'{name}'")
    if every is not None and item.anonymous:
        context.report((*path, "every"), f"'{name}' has an interval, and no id in LEMS", "an id")
    elif every is not None:
        context.intervals.append(Interval(name, every, context.locate(path)))
    return _component(context, "OutputFile", name, path, texts, anonymous=item.anonymous, children=columns)


def _event_file(context: Context, item: EventFile, name: str, path: Path) -> lems.Component:
    selections = tuple(
        _component(
            context,
            "EventSelection",
            key,
            (*path, "events", key),
            {"select": selection.select, "eventPort": selection.port},
            anonymous=selection.anonymous,
        )
        for key, selection in item.events.items()
    )
    texts = {"fileName": item.file, "path": item.folder, "format": item.format}
    return _component(
        context, "EventOutputFile", name, path, texts, anonymous=item.anonymous, children=selections
    )
