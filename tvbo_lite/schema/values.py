"""Values and the maths about them: parameters, equations, distributions, noise."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from tvbo_lite.schema.base import (
    IN_ITS_UNIT,
    Bound,
    Count,
    Described,
    Expression,
    Flag,
    Item,
    Named,
    PlainValue,
    Positive,
    SchemaModel,
    Shorthand,
    Text,
    Whole,
    fault,
)

__all__ = [
    "ArgumentMap",
    "Case",
    "Distribution",
    "Domain",
    "Equation",
    "Function",
    "FunctionMap",
    "Noise",
    "Parameter",
    "ParameterMap",
]


class Equation(Shorthand, Described):
    """An expression, or an equation by its right-hand side. A bare text stands for ``rhs``."""

    shorthand: ClassVar[str] = "rhs"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string", "number", "boolean")

    rhs: Expression = Field(description="Right-hand side, such as '(E - v) / tau'.")
    lhs: Text | None = Field(
        default=None, description="Left-hand side, for people; the key already names it."
    )


class Case(SchemaModel):
    """One branch of a conditional value."""

    condition: Equation | None = Field(
        default=None, description="When it holds; left out: in all other cases."
    )
    equation: Equation = Field(description="The value in this branch.")


class Domain(SchemaModel):
    """A range of numbers, from ``lo`` to ``hi``."""

    lo: Bound | None = Field(default=None, description="Lower end, included.")
    hi: Bound | None = Field(default=None, description="Upper end, included.")
    n: Count | None = Field(default=None, description="How many values to take, both ends included.")
    step: Positive | None = Field(default=None, description="Distance between two values, instead of 'n'.")
    log_scale: Flag = Field(default=False, description="Whether the values are spaced by equal ratios.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lo is not None and self.hi is not None and not self.lo <= self.hi:
            raise fault(f"'lo' ({self.lo}) is above 'hi' ({self.hi})", "lo at most hi")
        return self


class Parameter(Shorthand, Described, Item):
    """A quantity that stays the same during a run, or a text attribute of a NeuroML element.

    A bare number or text stands for ``value``.
    """

    shorthand: ClassVar[str] = "value"
    shorthand_types: ClassVar[tuple[str, ...]] = ("number", "string", "boolean", "array")

    value: PlainValue | None = Field(
        default=None,
        description="Number, text, true or false, or a list of such.",
        json_schema_extra=IN_ITS_UNIT,
    )
    unit: Text | None = Field(default=None, description="Unit as in NeuroML: mV, nA, per_ms, S_per_m2, ...")
    symbol: Text | None = Field(default=None, description="Symbol in printed equations.")
    domain: Domain | None = Field(default=None, description="Range in which the value makes sense.")
    equation: Equation | None = Field(default=None, description="Expression that gives the value.")
    heterogeneous: Flag = Field(default=False, description="Whether each node has a value of its own.")
    distribution: "Distribution | None" = Field(
        default=None, description="Distribution the value is drawn from."
    )
    shape: PlainValue | None = Field(
        default=None, description="Shape of an array; members of a segment group."
    )

    @property
    def text(self) -> str | None:
        """The text of a text-valued attribute in any of its spellings; None for a quantity.

        ``ion: na``, ``{value: na}``, ``{label: na}``, ``{description: na}`` and ``{shape: na}`` all give
        ``"na"``; a label beside a value, a unit or an equation is only a label.
        """
        if isinstance(self.value, str):
            return self.value
        if any(key is not None for key in (self.value, self.unit, self.equation, self.distribution)):
            return None
        texts = (self.label, self.description, self.shape)
        return next((str(text) for text in texts if isinstance(text, str | int)), None)


ParameterMap = Annotated[dict[str, Parameter], Named()]
ArgumentMap = Annotated[dict[str, Parameter], Named(bare=True)]


class Distribution(Described):
    """A probability distribution."""

    name: Text | None = Field(
        default=None, description="Which distribution.", json_schema_extra={"examples": ["Uniform", "Normal"]}
    )
    domain: Domain | None = Field(
        default=None, description="Range of the values; the ends of a uniform distribution."
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Parameters, such as mean and sd.")
    seed: Whole | None = Field(default=None, description="Seed of the random numbers.")


class Noise(Described):
    """Random fluctuation added to a state variable."""

    noise_type: Text = Field(
        default="gaussian", description="Kind of noise.", json_schema_extra={"examples": ["gaussian"]}
    )
    intensity: Parameter | None = Field(
        default=None, description="Strength (variance over time) of the noise."
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Parameters, such as 'sigma'.")
    seed: Whole = Field(default=42, description="Seed of the random numbers.")
    additive: Flag = Field(default=True, description="Whether the noise does not depend on the state.")


class Function(Described, Item):
    """A function that the equations may call."""

    iri: Text | None = Field(default=None, description="Term of an ontology that says what this is.")
    arguments: ArgumentMap = Field(default_factory=dict, description="Arguments, in the order of a call.")
    equation: Equation = Field(description="Value of the function.")


FunctionMap = Annotated[dict[str, Function], Named()]

Parameter.model_rebuild()
