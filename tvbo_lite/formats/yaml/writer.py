"""Experiments as YAML text: what was set, in the schema's order, short forms where the schema has them.

`read_text` and `tvbo_lite.schema.load.load` make an equal experiment of the text. Two steps: `as_data` turns
the models into plain data (shorthands, compact rows, bare numbers), `emit` writes that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from tvbo_lite.formats.yaml.emit import Block, emit
from tvbo_lite.schema.base import Expression, Item, SchemaModel, Shorthand, Written, is_json_type
from tvbo_lite.schema.populations import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.lems.model import Model
    from tvbo_lite.losses import Losses
    from tvbo_lite.schema import Experiment

__all__ = ["as_data", "text_of", "write"]

_FIRST = ("label", "id", "description", "references")  # what people look for at the top
_AS_WRITTEN = frozenset(
    mark.func for kind in (Written, Expression) for mark in get_args(kind) if hasattr(mark, "func")
)


def write(model: Model, losses: Losses) -> str:
    """The experiment that a LEMS model says, as YAML text. What YAML cannot hold goes to ``losses``.

    Raises:
        RenderError: a text holds half of a character.
    """
    from tvbo_lite.formats.lems.comments import comments_of
    from tvbo_lite.formats.lems.normal import own_part
    from tvbo_lite.schema.load import load
    from tvbo_lite.transforms.raising import raised
    from tvbo_lite.transforms.types import TypeTable

    own = own_part(model)
    return text_of(load(raised(own, TypeTable(model.component_types), losses, comments_of(own))))


def text_of(experiment: Experiment) -> str:
    """The YAML text of an experiment. Raises `RenderError` where a text holds half of a character."""
    return emit(as_data(experiment))


def as_data(experiment: Experiment) -> dict[str, Any]:
    """The experiment as plain data, of which `tvbo_lite.schema.load.load` makes an equal one."""
    data = _fields(experiment)
    first = {key: data.pop(key) for key in _FIRST if key in data}
    return {**first, **data}


def _fields(model: SchemaModel, key: str | None = None) -> dict[str, Any]:
    """What was set in a model; without the name where it is the ``key`` that the model stands under."""
    found: dict[str, Any] = {}
    given = model.model_fields_set
    for name, bare in _table(type(model)):
        if name not in given:
            continue
        value = getattr(model, name)
        if value is None or (name == "name" and value in (key, "")):
            continue
        found[name] = _value(value, bare=bare)
    return found


def _value(value: Any, *, bare: bool, key: str | None = None) -> Any:
    """Plain data for a value; texts that stand for numbers become those where ``bare``."""
    if isinstance(value, str):
        return bare_number(value) if bare else value
    if isinstance(value, SchemaModel):
        return _model(value, key)
    if isinstance(value, dict):
        return _map(value, bare=bare)
    if isinstance(value, tuple):
        return _pairs(value)
    if isinstance(value, list):
        return [_value(item, bare=bare) for item in value]
    return value


def _model(model: SchemaModel, key: str | None) -> Any:
    data = _fields(model, key)
    if isinstance(model, Row):
        columns = model.columns[: len(data)]
        return [data[name] for name in columns] if data.keys() == set(columns) else data
    if isinstance(model, Shorthand) and len(data) == 1:
        value = data.get(model.shorthand)
        return value if is_json_type(value, model.shorthand_types) else data
    return data


def _map(value: Mapping[str, Any], *, bare: bool) -> Any:
    items = {name: _value(item, bare=bare, key=name) for name, item in value.items()}
    if any(isinstance(item, Row) for item in value.values()) and list(items) == _numbers(len(items)):
        return list(items.values())
    models = any(isinstance(item, Item) for item in value.values())
    return Block(items) if models and any(isinstance(item, dict) for item in items.values()) else items


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Any:
    """Assignments: a map; a list of maps where a variable is set twice."""
    items = [(name, bare_number(text)) for name, text in pairs]
    return dict(items) if len(dict(items)) == len(items) else [{name: text} for name, text in items]


def bare_number(text: str) -> str | int | float:
    """The number that is written exactly as ``text``, or the text itself."""
    if len(text) > _LONGEST or text[:1] not in _NUMBER_STARTS:
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if repr(number) == text and abs(number) != float("inf"):
            return number
    return text


_LONGEST = 24  # characters of a float's digits
_NUMBER_STARTS = tuple("-0123456789")


@cache
def _table(model: type[SchemaModel]) -> tuple[tuple[str, bool], ...]:
    """The fields of a model in their order; with each, whether a number may stand for its text."""
    return tuple((name, _is_written(item.annotation, item.metadata)) for name, item in model.model_fields.items())


def _is_written(annotation: Any, metadata: Any = ()) -> bool:
    marks = (*metadata, *getattr(annotation, "__metadata__", ()))
    if any(getattr(mark, "func", None) in _AS_WRITTEN for mark in marks):
        return True
    return any(map(_is_written, get_args(annotation)))
