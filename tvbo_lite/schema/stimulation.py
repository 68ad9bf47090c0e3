"""Inputs from outside: an equation in time, a pulse, or values on a grid of times."""

from typing import Annotated, Any, Self

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from tvbo_lite.schema.base import (
    IN_TIME_SCALE,
    Described,
    Flag,
    Item,
    Named,
    Number,
    Positive,
    SchemaModel,
    Text,
    Whole,
    fault,
)
from tvbo_lite.schema.values import Equation, ParameterMap

__all__ = ["Samples", "StimulationMap", "Stimulus"]


class Samples(SchemaModel):
    """Values that follow one another; each holds until the next one begins, the last to the end.

    A step of the integration takes the value that holds when it begins.
    """

    values: list[Number] = Field(default_factory=list, description="The values.")
    times: list[Number] = Field(
        default_factory=list,
        description="When each value begins, in 'time_scale', rising; left out: one after each 'step_size'.",
        json_schema_extra=IN_TIME_SCALE,
    )
    step_size: Positive | None = Field(
        default=None,
        description="Time between values, in 'time_scale'; left out: that of the integration.",
        json_schema_extra=IN_TIME_SCALE,
    )
    linear: Flag = Field(
        default=False, description="Whether the value moves on a line to the next one, instead of holding."
    )
    file: Text | None = Field(
        default=None,
        description="Text file in place of 'values': a value in each line, or time and value; "
        "its path starts at the folder of this document.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.values) == (self.file is not None):
            found = "both 'values' and 'file'" if self.values else "neither 'values' nor 'file'"
            raise fault(f"the samples have {found}", "one of the two")
        if self.times and self.step_size is not None:
            raise fault("the samples have both 'times' and 'step_size'", "one of the two")
        if self.times and self.file is None and len(self.times) != len(self.values):
            raise fault(f"there are {len(self.times)} times and {len(self.values)} values", "as many of each")
        if any(late <= early for early, late in zip(self.times, self.times[1:], strict=False)):
            raise fault("the times do not rise", "each time after the one before")
        return self


class Stimulus(Described, Item):
    """An input from outside, which adds to a variable of the nodes: an equation in time, or samples."""

    target_var: Text | None = Field(
        default=None,
        description="Parameter or input of the dynamics that it adds to; left out: the only coupling input.",
    )
    equation: Equation | None = Field(
        default=None, description="Value as a function of the time t; a number for a constant one."
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Parameters of the equation.")
    samples: Samples | None = Field(default=None, description="Values in time, in place of an equation.")
    unit: Text | None = Field(default=None, description="Unit of the value, where the equation has none.")
    onset: Number | None = Field(
        default=None,
        description="When it begins, in 'time_scale'; it is 0 before. Left out: at the start.",
        json_schema_extra=IN_TIME_SCALE,
    )
    duration: Number | None = Field(
        default=None,
        description="How long it lasts, in 'time_scale'; it is 0 after. Left out: to the end.",
        json_schema_extra=IN_TIME_SCALE,
    )
    regions: list[Whole] | None = Field(default=None, description="Ids of the nodes that receive it.")
    weighting: list[Number] | None = Field(default=None, description="Factor for each of the 'regions'.")


_KEYS = frozenset(Stimulus.model_fields) - {"name"}
ONLY = "stimulus"
"""The name of a stimulus that stands alone."""


class _OrAlone:
    """Annotation of a map of stimuli: one stimulus without a name of its own is a map of one."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_as_map, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        as_map = handler(schema)
        item = as_map["anyOf"][0]["additionalProperties"]
        return {"anyOf": [item, *as_map["anyOf"]]}


def _as_map(value: Any) -> Any:
    if isinstance(value, Stimulus):
        return {value.name or ONLY: value}
    if isinstance(value, dict) and not _KEYS.isdisjoint(value):
        return {str(value.get("name") or ONLY): value}
    return value


StimulationMap = Annotated[dict[str, Stimulus], Named(), _OrAlone()]
