"""What a run keeps of a population: which variables, of which cells, how often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic import model_validator as before
from pydantic_core import core_schema

from tvbo_lite.schema.base import (
    IN_TIME_SCALE,
    Count,
    Flag,
    SchemaModel,
    Text,
    Whole,
    describe,
    fault,
    or_short,
)
from tvbo_lite.schema.integration import Time

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

__all__ = ["Record", "RecordedVariable", "chosen"]

_SLICE = re.compile(r"\s*(\d{0,18})\s*:\s*(\d{0,18})\s*(?::\s*(\d{0,18})\s*)?")
_CELLS = "indices such as [0, 5, 10], or a range such as '0:100:10'"


def _cells(value: Any) -> Any:
    """An index, a list of indices, or a range as Python writes slices, which stays as it is written."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    listed = isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
    match = _SLICE.fullmatch(value) if isinstance(value, str) else None
    if not listed and (match is None or (match[3] and int(match[3]) == 0)):
        raise fault(f"found {describe(value)}", _CELLS)
    return value


Cells = Annotated[
    list[int] | str,
    PlainValidator(_cells),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "items": {"type": "integer", "minimum": 0}},
                {"type": "string", "pattern": r"^\s*\d*\s*:\s*\d*\s*(:\s*\d*\s*)?$"},
            ]
        }
    ),
]


def chosen(cells: list[int] | str, indices: list[int]) -> list[int]:
    """The cells among ``indices`` that are meant; an index that is not there stays in the list."""
    if isinstance(cells, list):
        return list(dict.fromkeys(cells))
    match = _SLICE.fullmatch(cells)
    first, last, step = (int(part) if part else None for part in (match.groups() if match else ()))
    return indices[slice(first, last, step)]


class RecordedVariable(SchemaModel):
    """A variable, or 'spikes'. ``true`` stands for all cells, with all rows."""

    every: Time | None = Field(
        default=None,
        description="Time between rows, in 'time_scale' or with its unit; left out: all rows of the run.",
        json_schema_extra=IN_TIME_SCALE,
    )
    of: Cells | None = Field(
        default=None, description="The cells: indices, or a range such as '0:100:10'; left out: all."
    )
    sample: Count | None = Field(default=None, description="So many of them, drawn at random.")
    seed: Whole = Field(default=42, description="Seed of the sample.")

    @before(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {} if value is True or value is None else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return or_short(schema, handler, {"type": ["boolean", "null"]})


class _Forms:
    """Annotation: a truth value and names are taken as they are; only a map is looked into."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        by_name = handler.generate_schema(dict[str, RecordedVariable])
        return core_schema.no_info_wrap_validator_function(_form, by_name)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        names = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [{"type": "boolean"}, {"type": "string"}, names, handler(schema)]}


def _form(value: Any, by_name: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return by_name({name: item for name, item in value.items() if item is not False})
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise fault(f"found {describe(value)}", "true, false, names of variables, or a map by their names")
    return names


Record = Annotated[Flag | list[Text] | dict[str, RecordedVariable], _Forms()]
