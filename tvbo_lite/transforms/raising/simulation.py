"""A NeuroML simulation as ``integration`` and ``recordings``; the inverse of the modules of lowering."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tvbo_lite.schema.checks import whole_number_of_steps
from tvbo_lite.schema.integration import seconds
from tvbo_lite.transforms.raising.components import parts
from tvbo_lite.transforms.raising.texts import Labels, bare_number, said

if TYPE_CHECKING:
    from tvbo_lite.lems import model as lems
    from tvbo_lite.transforms.raising.context import Context

__all__ = ["integration", "recordings"]

_TIME_SCALE = "1ms"  # of a display that says none
_SCALE = "1"  # of a line
_DISPLAY = {"title": "title", "timeScale": "time_scale"} | {
    key: key for key in ("xmin", "xmax", "ymin", "ymax")
}


class _IrregularError(Exception):
    """An element has something that ``recordings`` cannot say."""


def integration(context: Context, item: lems.Component, report: str | None) -> dict[str, Any] | None:
    """Name, times and seed of a simulation; None where these say more, or what no experiment may say."""
    texts = dict(item.attributes)
    texts.pop("target", None)
    times = {"step_size": texts.pop("step", ""), "duration": texts.pop("length", "")}
    seed = bare_number(texts.pop("seed", ""))
    usual = item.tag == "Simulation" and item.type is None and item.id is not None and item.extends is None
    known = all(seconds(text, "ms") is not None for text in times.values())
    if texts or not usual or not known or not isinstance(seed, int | str) or (isinstance(seed, str) and seed):
        return None
    if any(whole_number_of_steps({"integration": times})):
        return None
    found = said(description=context.about(item.location), name=item.id, **times, report=report)
    return {**found, **({"parameters": {"seed": seed}} if isinstance(seed, int) else {})}


def recordings(context: Context, item: lems.Component) -> dict[str, Any] | None:
    """What a simulation shows and writes; None where only the generic form can say it."""
    tags = [child.tag if child.tag in _MADE else "" for child in item.children]
    order = [*_MADE, ""]
    if tags != sorted(tags, key=order.index):
        return None
    found: dict[str, Any] = {}
    try:
        for tag, (key, make) in _MADE.items():
            found[key] = _named((child for child in item.children if child.tag == tag), make)
    except _IrregularError:
        return None
    others = [child for child in item.children if child.tag not in _MADE]
    return said(**found, components=parts(context, others, context.kind(item)))


def _named(items: Iterable[lems.Component], make: Any) -> dict[str, Any]:
    """Elements by id; those without get a label."""
    members = list(items)
    labels = Labels(item.id for item in members)
    found: dict[str, Any] = {}
    for item in members:
        name = item.id if item.id is not None else labels.new(item.tag.lower())
        if name in found or item.type or item.extends:
            raise _IrregularError
        data = make(dict(item.attributes), item)
        found[name] = data if item.id is not None else {**data, "anonymous": True}
    return found


def _taken(texts: dict[str, str], *needed: str, **optional: str) -> dict[str, Any]:
    """The attributes that the dialect knows, by its names; every one of ``needed`` must be there."""
    found = {}
    for name, key in optional.items():
        if name in texts:
            found[key] = texts.pop(name)
        elif name in needed:
            raise _IrregularError
    if texts:
        raise _IrregularError
    return found


def _display(texts: dict[str, str], item: lems.Component) -> dict[str, Any]:
    found = _taken(texts, "timeScale", **_DISPLAY)
    scale = found["time_scale"]
    if scale == _TIME_SCALE:
        del found["time_scale"]

    def line(inner: dict[str, str], child: lems.Component) -> dict[str, Any]:
        made = _taken(
            inner, "quantity", "scale", "timeScale",
            quantity="quantity", scale="scale", color="color", timeScale="time_scale",
        )  # fmt: skip
        _leaf(child)
        usual = {"scale": _SCALE, "time_scale": scale}
        return {key: text for key, text in made.items() if usual.get(key) != text}

    return {**found, **said(lines=_inner(item, "Line", line))}


def _file(texts: dict[str, str], item: lems.Component) -> dict[str, Any]:
    found = _taken(texts, "fileName", fileName="file", path="folder")
    return {**found, **said(columns=_inner(item, "OutputColumn", _column))}


def _column(texts: dict[str, str], item: lems.Component) -> dict[str, Any]:
    _leaf(item)
    return _taken(texts, "quantity", quantity="quantity")


def _events(texts: dict[str, str], item: lems.Component) -> dict[str, Any]:
    found = _taken(texts, "fileName", fileName="file", path="folder", format="format")
    return {**found, **said(events=_inner(item, "EventSelection", _selection))}


def _selection(texts: dict[str, str], item: lems.Component) -> dict[str, Any]:
    _leaf(item)
    found = _taken(texts, "select", "eventPort", select="select", eventPort="port")
    return found if found["port"] != "spike" else said(select=found["select"])


def _inner(item: lems.Component, tag: str, make: Any) -> dict[str, Any]:
    if any(child.tag != tag for child in item.children):
        raise _IrregularError
    return _named(item.children, make)


def _leaf(item: lems.Component) -> None:
    if item.children:
        raise _IrregularError


_MADE = {
    "Display": ("displays", _display),
    "OutputFile": ("files", _file),
    "EventOutputFile": ("events", _events),
}
