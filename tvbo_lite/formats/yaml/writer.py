"""Experiments as YAML text: what was set, in the schema's order, short forms where the schema has them.

`read_text` and `tvbo_lite.schema.load.load` make an equal experiment of the text. Two steps: `as_data` turns
the models into plain data (shorthands, compact rows, bare numbers), `emit` writes that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from tvbo_lite.formats.yaml.emit import Block, emit
from tvbo_lite.formats.yaml.from_model import experiment_of
from tvbo_lite.schema.base import Expression, Item, SchemaModel, Shorthand, Written, is_json_type
from tvbo_lite.schema.populations import Row
from tvbo_lite.transforms.raising.texts import bare_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.lems.model import Model
    from tvbo_lite.losses import Losses
    from tvbo_lite.schema import Experiment

__all__ = ["as_data", "text_of", "write"]

_FIRST = ("name", "label", "id", "description", "references", "iri", "element", "prototype", "anonymous")
_DECLARED = (*_FIRST, "core", "dimensions", "units", "assertions", "constants", "component_types")
_FIRST_OF = {
    "Handler": ("test", "port"),
    "Network": (*_FIRST, "parameters", "within", "dynamics"),
    "Experiment": _DECLARED,
    "SimulationExperiment": _DECLARED,
}
_AS_WRITTEN = frozenset(
    mark.func for kind in (Written, Expression) for mark in get_args(kind) if hasattr(mark, "func")
)


def write(model: Model, losses: Losses) -> str:
    """The experiment that a LEMS model says, as YAML text. What YAML cannot hold goes to ``losses``.

    Raises:
        RenderError: a text holds half of a character.
        UnsupportedError: two components have the same id.
    """
    return text_of(experiment_of(model, losses))


def text_of(experiment: Experiment) -> str:
    """The YAML text of an experiment. Raises `RenderError` where a text holds half of a character."""
    return emit(as_data(experiment))


def as_data(experiment: Experiment) -> dict[str, Any]:
    """The experiment as plain data, of which `tvbo_lite.schema.load.load` makes an equal one."""
    return _fields(experiment)


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


@cache
def _table(model: type[SchemaModel]) -> tuple[tuple[str, bool], ...]:
    """The fields of a model, what it is called first; with each, whether a number may stand for its text."""
    fields = model.model_fields
    first = [name for name in _FIRST_OF.get(model.__name__, _FIRST) if name in fields]
    marks = ((name, fields[name]) for name in dict.fromkeys((*first, *fields)))
    return tuple((name, _is_written(item.annotation, item.metadata)) for name, item in marks)


def _is_written(annotation: Any, metadata: Any = ()) -> bool:
    marks = (*metadata, *getattr(annotation, "__metadata__", ()))
    if any(getattr(mark, "func", None) in _AS_WRITTEN for mark in marks):
        return True
    return any(map(_is_written, get_args(annotation)))
