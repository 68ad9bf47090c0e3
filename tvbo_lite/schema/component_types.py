"""LEMS component types of the document's own, complete, and its own dimensions, units and constants.

Expressions are LEMS texts (``v .gt. thresh``), which the model keeps as they are written.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from tvbo_lite.schema.base import (
    Described,
    Expression,
    Flag,
    Item,
    Named,
    Names,
    Number,
    SchemaModel,
    Shorthand,
    Text,
    Whole,
    Written,
    describe,
    fault,
)

__all__ = [
    "AssertionSpec",
    "Attached",
    "ChildType",
    "ComponentTypeMap",
    "ComponentTypeSpec",
    "ConstantMap",
    "ConstantSpec",
    "DimensionMap",
    "DimensionSpec",
    "Exposed",
    "Handler",
    "Kinetics",
    "Measured",
    "RegimeSpec",
    "StructurePart",
    "TypeAction",
    "UnitMap",
    "UnitSpec",
]


class Measured(Shorthand, Item):
    """A quantity of a dimension. A bare text stands for ``dimension``."""

    shorthand: ClassVar[str] = "dimension"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    dimension: Text = Field(default="none", description="Its dimension.")
    description: Text | None = Field(default=None, description="What this is.")


class PropertySpec(Measured):
    """A value that each instance may be given anew, such as the weight of a connection."""

    default: Written | None = Field(default=None, description="Value where none is given.")


class ConstantSpec(Item):
    """A quantity that never changes."""

    value: Written = Field(description="Value with its unit, such as '0.125per_ms'.")
    dimension: Text = Field(default="none", description="Its dimension.")
    symbol: Text | None = Field(
        default=None, description="Name by which expressions know it; for constants of the document only."
    )


class DerivedParameterSpec(Measured):
    """A quantity computed once: by an expression, or from another component."""

    equation: Expression | None = Field(default=None, description="Expression of parameters.")
    select: Text | None = Field(default=None, description="Path to a parameter of another component.")


class ReferenceSpec(Shorthand, Item):
    """Another component, by name. A bare text stands for ``type``."""

    shorthand: ClassVar[str] = "type"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    type: Text | None = Field(default=None, description="Type of the component.")
    local: Flag = Field(default=False, description="Whether it stands beside or above this one.")


class ChildType(Shorthand, Item):
    """A place for components inside. A bare text stands for ``type``."""

    shorthand: ClassVar[str] = "type"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    type: Text = Field(default="Component", description="Type of the components.")


class Attached(Shorthand, Item):
    """A list to which a run attaches components, such as synapses. A bare text stands for ``type``."""

    shorthand: ClassVar[str] = "type"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    type: Text = Field(description="Type of the components.")


class Exposed(Item):
    """What state variables and derived variables have in common."""

    dimension: Text = Field(default="none", description="Its dimension.")
    exposure: Text | None = Field(default=None, description="Exposure under which others see it.")


class StateSpec(Exposed):
    """A variable with a differential equation."""

    equation: Expression | None = Field(
        default=None, description="Time derivative; left out: constant between events."
    )


class CaseSpec(SchemaModel):
    """One branch of a conditional value."""

    condition: Expression | None = Field(default=None, description="When it holds; left out: otherwise.")
    equation: Expression = Field(description="The value in this branch.")


class DerivedSpec(Exposed):
    """A variable computed at every moment: by ``equation``, by ``cases``, or from ``select``."""

    equation: Expression | None = Field(default=None, description="Value as an expression.")
    cases: list[CaseSpec] | None = Field(default=None, description="Branches; the first that holds counts.")
    select: Text | None = Field(default=None, description="Path to a variable of other components.")
    reduce: Text | None = Field(
        default=None,
        description="How several are joined.",
        json_schema_extra={"examples": ["add", "multiply"]},
    )
    required: Flag = Field(default=True, description="Whether the path must lead somewhere.")


def _pairs(value: Any) -> Any:
    """A map, or where a variable is set twice a list of maps, as pairs."""
    maps = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in maps):
        raise fault(f"found {describe(value)}", "a map of variables and expressions, or a list of such")
    return [(name, text) for item in maps for name, text in item.items()]


Assignments = Annotated[
    tuple[tuple[Text, Expression], ...],
    BeforeValidator(_pairs),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}),
]


class TypeAction(SchemaModel):
    """What happens at a moment: first the assignments, one after the other, then the events."""

    assign: Assignments = Field(default=(), description="Variables and the expressions they are set to.")
    events: Names = Field(default_factory=list, description="Ports on which events are sent.")
    transition: Text | None = Field(default=None, description="Regime that begins.")


class Handler(TypeAction):
    """An action on a condition (``test``) or on an event that comes in (``port``)."""

    test: Expression | None = Field(default=None, description="Condition, such as 'v .gt. thresh'.")
    port: Text | None = Field(default=None, description="Port of the event.")


def _several(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


_AS_LIST = BeforeValidator(_several)


class RegimeSpec(Item):
    """One of several ways to behave, such as refractory."""

    initial: Flag = Field(default=False, description="Whether the component starts in it.")
    state_variables: Annotated[dict[str, StateSpec], Named()] = Field(
        default_factory=dict, description="Variables with a differential equation."
    )
    derivatives: dict[str, Expression] = Field(
        default_factory=dict, description="Time derivatives of variables declared elsewhere."
    )
    derived_variables: Annotated[dict[str, DerivedSpec], Named()] = Field(
        default_factory=dict, description="Variables computed from others."
    )
    on_entry: Annotated[list[TypeAction], _AS_LIST] = Field(
        default_factory=list, description="What happens when it begins."
    )
    on_conditions: Annotated[list[Handler], _AS_LIST] = Field(
        default_factory=list, description="What happens while a condition holds."
    )
    on_events: Annotated[list[Handler], _AS_LIST] = Field(
        default_factory=list, description="What happens on an event."
    )


class Kinetics(Item):
    """Markov states and transitions, whose occupancies the engine advances."""

    nodes: Text = Field(description="Children that are the states.")
    state_variable: Text = Field(description="Their occupancy.")
    edges: Text = Field(description="Children that are the transitions.")
    edge_source: Text = Field(description="Attribute of a transition: where it starts.")
    edge_target: Text = Field(description="Attribute of a transition: where it ends.")
    forward_rate: Text = Field(description="Variable of a transition: its rate.")
    reverse_rate: Text = Field(description="Variable of a transition: the rate back.")
    dependency: Text | None = Field(default=None, description="As in LEMS.")
    step: Text | None = Field(default=None, description="As in LEMS.")


class StructurePart(SchemaModel):
    """One element of a structure or simulation section, such as ``EventConnection``."""

    kind: Text = Field(description="Name of the element.")
    attributes: dict[str, Written] = Field(default_factory=dict, description="Its attributes.")
    parts: list["StructurePart"] = Field(default_factory=list, description="Elements inside it.")


class ComponentTypeSpec(Item, Described):
    """A LEMS component type: what its components have, and how they change in time."""

    extends: Text | None = Field(default=None, description="Type that it adds to.")
    parameters: Annotated[dict[str, Measured], Named(bare=True)] = Field(
        default_factory=dict, description="Attributes that are quantities."
    )
    index_parameters: Annotated[dict[str, Measured], Named(bare=True)] = Field(
        default_factory=dict, description="Attributes that are indices."
    )
    derived_parameters: Annotated[dict[str, DerivedParameterSpec], Named()] = Field(
        default_factory=dict, description="Quantities computed once."
    )
    fixed: dict[str, Written] = Field(
        default_factory=dict, description="Inherited parameters and the value that all components have."
    )
    properties: Annotated[dict[str, PropertySpec], Named(bare=True)] = Field(
        default_factory=dict, description="Values that each instance may be given anew."
    )
    constants: Annotated[dict[str, ConstantSpec], Named()] = Field(
        default_factory=dict, description="Quantities that never change."
    )
    texts: Names = Field(default_factory=list, description="Attributes that are texts.")
    paths: Names = Field(default_factory=list, description="Attributes that are paths.")
    links: Annotated[dict[str, ReferenceSpec], Named(bare=True)] = Field(
        default_factory=dict, description="Attributes that name a component beside this one."
    )
    references: Annotated[dict[str, ReferenceSpec], Named(bare=True)] = Field(
        default_factory=dict, description="Attributes that name a component, of which there is a copy inside."
    )
    component_requirements: Annotated[dict[str, ReferenceSpec], Named(bare=True)] = Field(
        default_factory=dict, description="Components that the parent must know."
    )
    instance_requirements: Annotated[dict[str, ReferenceSpec], Named(bare=True)] = Field(
        default_factory=dict, description="Instances that a connection must give."
    )
    child: Annotated[dict[str, ChildType], Named(bare=True)] = Field(
        default_factory=dict, description="Places for one component each."
    )
    children: Annotated[dict[str, ChildType], Named(bare=True)] = Field(
        default_factory=dict, description="Lists of components."
    )
    attachments: Annotated[dict[str, Attached], Named()] = Field(
        default_factory=dict, description="Lists to which a run attaches components."
    )
    requirements: Annotated[dict[str, Measured], Named(bare=True)] = Field(
        default_factory=dict, description="Variables that it sees of the components around it."
    )
    exposures: Annotated[dict[str, Measured], Named(bare=True)] = Field(
        default_factory=dict, description="Variables that others see."
    )
    event_ports: dict[str, Text] = Field(default_factory=dict, description="Ports of events: in or out.")
    simultaneous: Flag = Field(default=False, description="Whether all states advance at once.")
    state_variables: Annotated[dict[str, StateSpec], Named(bare=True)] = Field(
        default_factory=dict, description="Variables with a differential equation."
    )
    derivatives: dict[str, Expression] = Field(
        default_factory=dict,
        description="Time derivatives, where their order is not that of the state variables.",
    )
    derived_variables: Annotated[dict[str, DerivedSpec], Named()] = Field(
        default_factory=dict, description="Variables computed from others."
    )
    on_start: Annotated[list[TypeAction], _AS_LIST] = Field(
        default_factory=list, description="What happens at the start."
    )
    on_conditions: Annotated[list[Handler], _AS_LIST] = Field(
        default_factory=list, description="What happens while a condition holds."
    )
    on_events: Annotated[list[Handler], _AS_LIST] = Field(
        default_factory=list, description="What happens on an event."
    )
    regimes: Annotated[dict[str, RegimeSpec], Named(bare=True)] = Field(
        default_factory=dict, description="Ways to behave, one at a time."
    )
    kinetic_schemes: Annotated[dict[str, Kinetics], Named()] = Field(
        default_factory=dict, description="Markov models."
    )
    without_dynamics: Flag = Field(
        default=False, description="Whether it does nothing, although the type that it extends does."
    )
    structure: list[StructurePart] = Field(default_factory=list, description="What is built at the start.")
    simulation: list[StructurePart] = Field(default_factory=list, description="What is run and recorded.")


class DimensionSpec(Item):
    """A dimension, by its exponents."""

    m: Whole = Field(default=0, description="Of mass.")
    l: Whole = Field(default=0, description="Of length.")  # noqa: E741  the LEMS attribute's own name
    t: Whole = Field(default=0, description="Of time.")
    i: Whole = Field(default=0, description="Of electric current.")
    k: Whole = Field(default=0, description="Of temperature.")
    n: Whole = Field(default=0, description="Of amount of substance.")
    j: Whole = Field(default=0, description="Of luminous intensity.")


class UnitSpec(Item):
    """A unit; SI value = (number + offset) * scale * 10**power."""

    dimension: Text = Field(description="What it measures.")
    power: Whole = Field(default=0, description="Power of ten.")
    scale: Number = Field(default=1, description="Factor.")
    offset: Number = Field(default=0, description="Added to the number first.")


class AssertionSpec(SchemaModel):
    """The claim that a product or quotient of dimensions is a dimension."""

    dimension: Text = Field(description="The dimension.")
    matches: Text = Field(description="The product or quotient, such as 'current * resistance'.")


ComponentTypeMap = Annotated[dict[str, ComponentTypeSpec], Named(bare=True)]
ConstantMap = Annotated[dict[str, ConstantSpec], Named()]
DimensionMap = Annotated[dict[str, DimensionSpec], Named(bare=True)]
UnitMap = Annotated[dict[str, UnitSpec], Named()]

StructurePart.model_rebuild()
