"""What all models share: the strict base class, maps keyed by name, and checked plain values."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.config import JsonDict
    from pydantic.json_schema import JsonSchemaValue

__all__ = [
    "IN_ITS_UNIT",
    "IN_MICROMETRES",
    "IN_TIME_SCALE",
    "Bound",
    "Count",
    "Described",
    "Expression",
    "Flag",
    "Item",
    "Named",
    "Names",
    "Number",
    "NumberOrExpression",
    "PlainValue",
    "Positive",
    "SchemaModel",
    "Shorthand",
    "Text",
    "Whole",
    "Written",
    "describe",
    "fault",
    "is_json_type",
    "noun",
    "positive",
]

IN_TIME_SCALE: JsonDict = {"unit": "time_scale"}
"""What the JSON Schema says beside the description: the unit of a bare number, or the key that names it."""
IN_MICROMETRES: JsonDict = {"unit": "µm"}
IN_ITS_UNIT: JsonDict = {"unit": "unit"}
FAULT = "tvbo_lite"
"""Type of the errors that are worded here, not by pydantic."""

_MAX_SHOWN = 40


def fault(message: str, expected: str | None = None, hint: str | None = None) -> PydanticCustomError:
    """A problem in the modeller's words, to be raised inside a validator."""
    return PydanticCustomError(FAULT, "{message}", {"message": message, "expected": expected, "hint": hint})


def describe(value: object) -> str:
    """A value as a message shows it: ``'abc'``, ``3``, ``a list``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def noun(class_name: str) -> str:
    """``StateVariable`` -> ``state variable``; ``CaseSpec`` -> ``case``."""
    plain = {"StateSpec": "StateVariable", "DerivedSpec": "DerivedVariable"}.get(class_name, class_name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain.removesuffix("Spec")).lower()


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(f"found {describe(value)}", "a number")
    if math.isnan(value) if isinstance(value, float) else abs(value) > sys.float_info.max:
        raise fault(f"found {describe(value)}", "a number that a computer can hold")
    return float(value) if isinstance(value, float) else value  # numpy's doubles are written otherwise


def _finite(value: Any) -> int | float:
    number = _number(value)
    if not math.isfinite(number):
        raise fault(f"found {describe(value)}", "a finite number")
    return number


def positive(value: Any) -> int | float:
    """The value, if it is a finite number above 0; to be used in a validator."""
    number = _finite(value)
    if number <= 0:
        raise fault(f"found {describe(value)}", "a number above 0")
    return number


def _count(value: int) -> int:
    if value < 1:
        raise fault(f"found {describe(value)}", "a whole number from 1 on")
    return value


def at_most(most: int, hint: str | None = None) -> AfterValidator:
    """A validator of whole numbers that have an upper limit."""

    def check(value: int) -> int:
        if value > most:
            raise fault(f"found {describe(value)}", f"at most {most}", hint)
        return value

    return AfterValidator(check)


def _plain_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain_value(item) for item in value]
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return _number(value)
    raise fault(f"found {describe(value)}", "a number, a text, true or false, or a list of such")


def _expression(value: Any) -> Any:
    """Numbers and truth values stand for themselves as text: ``rhs: 0`` is ``rhs: "0"``."""
    return str(value) if isinstance(value, bool | int | float) else value


def _number_or_expression(value: Any) -> int | float | str:
    return value if isinstance(value, str) else _finite(value)


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_NUMBER = WithJsonSchema({"type": "number"})
_VALUE_TYPES = ["number", "string", "boolean", "array"]

Text = StrictStr
Flag = StrictBool
Whole = StrictInt
Count = Annotated[StrictInt, AfterValidator(_count), Field(json_schema_extra={"minimum": 1})]
Bound = Annotated[int | float, PlainValidator(_number), _NUMBER]
Number = Annotated[int | float, PlainValidator(_finite), _NUMBER]
Positive = Annotated[
    int | float, PlainValidator(positive), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
PlainValue = Annotated[Any, PlainValidator(_plain_value), WithJsonSchema({"type": _VALUE_TYPES})]
Expression = Annotated[
    StrictStr,
    BeforeValidator(_expression),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
Written = Annotated[
    StrictStr, BeforeValidator(_expression), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
"""A text that is kept as it is written; a number stands for its digits, ``0.5`` for ``"0.5"``."""
NumberOrExpression = Annotated[
    int | float | str,
    PlainValidator(_number_or_expression),
    WithJsonSchema({"type": ["number", "string"]}),
]
Names = Annotated[
    list[StrictStr],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class SchemaModel(BaseModel):
    """Refuses unknown keys, and cannot be changed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def or_short(
    schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler, short: dict[str, Any]
) -> JsonSchemaValue:
    """The JSON Schema of a model that a short form may stand for."""
    reference = handler(schema)
    definition = handler.resolve_ref_schema(reference)
    if "anyOf" not in definition:
        about = {"title", "description"}
        full = {key: definition.pop(key) for key in list(definition) if key not in about}
        definition["anyOf"] = [full, short]
    return reference


class Shorthand(SchemaModel):
    """A model that a bare value may stand for: ``a: 0.02`` is ``a: {value: 0.02}``.

    ``shorthand`` is the key that the value is given to, ``shorthand_types`` its possible JSON types.
    """

    shorthand: ClassVar[str]
    shorthand_types: ClassVar[tuple[str, ...]]

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {cls.shorthand: value} if is_json_type(value, cls.shorthand_types) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return or_short(schema, handler, {"type": list(cls.shorthand_types)})


def is_json_type(value: Any, names: tuple[str, ...]) -> bool:
    python: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "array": list}
    python["number"] = (int, float)
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, python[name]) for name in names)


class Item(SchemaModel):
    """A thing with a name: the key under which it stands, or its ``name`` in a list."""

    name: Text = Field(default="", description="Name; may be left out where the key already says it.")


class Described(SchemaModel):
    """The texts about a thing that do not enter the simulation."""

    label: Text | None = Field(default=None, description="Short name for people, used in figures and tables.")
    description: Text | None = Field(default=None, description="What this is, in a sentence or more.")


class Named:
    """Annotation of ``dict[str, M]``: also takes a list of items with ``name``; fills in ``name``.

    With ``bare``, an item may be no more than its name: ``coupling_inputs: [I_syn]``.
    """

    def __init__(self, *, bare: bool = False) -> None:
        self.bare = bare

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        return core_schema.no_info_wrap_validator_function(self._validate, schema)

    def _validate(self, value: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Validate the items; problems with names and with items are raised together."""
        if value is None:
            return {}
        errors: list[InitErrorDetails] = []
        items = self._items(value, errors)
        result: dict[str, Any] = {}
        try:
            result = handler(items)
        except ValidationError as error:
            errors.extend(_kept(details) for details in error.errors(include_url=False))
        if errors:
            raise ValidationError.from_exception_data("items", errors)
        return {key: _with_name(item, key) for key, item in result.items()}

    def _items(self, value: Any, errors: list[InitErrorDetails]) -> Any:
        if isinstance(value, list):
            return self._from_list(value, errors)
        if not isinstance(value, dict):
            return value
        for key, item in value.items():
            name = item.get("name", key) if isinstance(item, dict) else key
            if isinstance(name, str) and name != key:
                found = fault(f"the name '{name}' differs from the key '{key}'", f"'{key}', or no name here")
                errors.append(InitErrorDetails(type=found, loc=(key, "name"), input=name))
        return {key: {} if self.bare and item is None else item for key, item in value.items()}

    def _from_list(self, value: list[Any], errors: list[InitErrorDetails]) -> dict[str, Any]:
        items: dict[str, Any] = {}
        for index, item in enumerate(value):
            name = item if self.bare else getattr(item, "name", None)
            if isinstance(item, dict):
                name = item.get("name")
            if not isinstance(name, str) or not name:
                found = fault(f"item {index + 1} of the list has no name", "an item with the key 'name'")
            elif name in items:
                found = fault(f"the name '{name}' is given twice", "a name of its own for each item")
            else:
                items[name] = {} if item is name else item
                continue
            errors.append(InitErrorDetails(type=found, loc=(index,), input=item))
        return items

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        as_map = handler(schema)
        item = as_map["additionalProperties"]
        named: dict[str, Any] = {"allOf": [item, {"type": "object", "required": ["name"]}]}
        if self.bare:
            as_map["additionalProperties"] = {"anyOf": [item, {"type": "null"}]}
            named = {"anyOf": [named, {"type": "string"}]}
        return {"anyOf": [as_map, {"type": "array", "items": named}, {"type": "null"}]}


def _kept(details: Any) -> InitErrorDetails:
    """One error of a nested validation, to be raised again with others."""
    context = details.get("ctx", {})
    if details["type"] == FAULT:
        kind: Any = PydanticCustomError(FAULT, "{message}", context)
    else:
        kind = PydanticCustomError(details["type"], "{message}", {**context, "message": details["msg"]})
    return InitErrorDetails(type=kind, loc=details["loc"], input=details["input"])


def _with_name(item: Any, key: str) -> Any:
    if isinstance(item, Item) and item.name != key:
        return item.model_copy(update={"name": key})
    return item
