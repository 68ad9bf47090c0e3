"""Running an experiment many times, and what to compute from each run."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from tvbo_lite.schema.base import (
    IN_ITS_UNIT,
    IN_TIME_SCALE,
    Count,
    Described,
    Item,
    Named,
    Names,
    PlainValue,
    Positive,
    Text,
    describe,
    fault,
)
from tvbo_lite.schema.values import Domain, Equation, FunctionMap, ParameterMap

__all__ = ["Axis", "Exploration", "Observation"]


class Axis(Described, Item):
    """The values that one parameter takes."""

    domain: Domain | None = Field(default=None, description="Range to cover: 'lo', 'hi', and 'n' or 'step'.")
    explored_values: list[PlainValue] | None = Field(
        default=None, description="The values, one by one.", json_schema_extra=IN_ITS_UNIT
    )
    unit: Text | None = Field(default=None, description="Unit of the values; left out: the parameter's.")

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        domain = self.domain
        if self.explored_values is not None:
            if domain is not None:
                raise fault("'domain' and 'explored_values' are both given", "one of the two")
            return self
        if domain is None:
            raise fault("the parameter has no values to take", "'domain' or 'explored_values'")
        if domain.lo is None or domain.hi is None or (domain.n is None) == (domain.step is None):
            raise fault("the domain does not say which values to take", "'lo', 'hi', and 'n' or 'step'")
        return self


def _mode(value: Any) -> str:
    if value not in ("product", "zip"):
        raise fault(f"found {describe(value)}", "product (each with each) or zip (side by side)")
    return str(value)


Mode = Annotated[
    Literal["product", "zip"], PlainValidator(_mode), WithJsonSchema({"enum": ["product", "zip"]})
]


class Exploration(Described, Item):
    """Runs over a space of parameter values."""

    space: Annotated[dict[str, Axis], Named()] = Field(
        default_factory=dict, description="'Scope.parameter' -> the values that it takes."
    )
    mode: Mode = Field(default="product", description="product: each value with each; zip: side by side.")
    n_trials: Count = Field(default=1, description="Runs at each point, with seeds of their own.")
    n_parallel: Count = Field(default=1, description="Runs at the same time.")
    observations: Names = Field(default_factory=list, description="Observations computed from each run.")


class Observation(Described, Item):
    """Something computed from a run."""

    iri: Text | None = Field(default=None, description="Term of an ontology that says what this is.")
    source: Names = Field(
        default_factory=list, description="Variables, or observations, it is computed from."
    )
    equation: Equation | None = Field(default=None, description="Value as an expression of the source.")
    parameters: ParameterMap = Field(default_factory=dict, description="Constants of the computation.")
    functions: FunctionMap = Field(default_factory=dict, description="Functions that the equation calls.")
    period: Positive | None = Field(
        default=None, description="Time between two values, in 'time_scale'.", json_schema_extra=IN_TIME_SCALE
    )
    unit: Text | None = Field(default=None, description="Unit of the value; left out: none.")
