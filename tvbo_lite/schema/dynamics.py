"""What a node does: parameters, equations, events, and the parts it is composed of."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from tvbo_lite.schema.base import (
    IN_ITS_UNIT,
    IN_TIME_SCALE,
    Described,
    Flag,
    Item,
    Named,
    Names,
    Number,
    NumberOrExpression,
    Shorthand,
    Text,
    Whole,
    Written,
    fault,
)
from tvbo_lite.schema.paths import OLDER_SPELLINGS
from tvbo_lite.schema.stimulation import Stimulus
from tvbo_lite.schema.values import (
    Case,
    Distribution,
    Domain,
    Equation,
    FunctionMap,
    Noise,
    ParameterMap,
)

__all__ = [
    "CouplingInput",
    "DerivedParameter",
    "DerivedVariable",
    "Dynamics",
    "DynamicsMap",
    "Event",
    "EventMap",
    "StateVariable",
    "Stimulus",
]


class StateVariable(Described, Item):
    """A variable with a differential equation; ``equation.rhs`` is its time derivative."""

    equation: Equation | None = Field(
        default=None, description="Time derivative; left out: constant between events."
    )
    initial_value: NumberOrExpression = Field(
        default=0.1,
        description="Value at time 0 in the unit of the variable; or an expression of parameters and of the"
        " initial values of other variables, by their names.",
        json_schema_extra=IN_ITS_UNIT,
    )
    unit: Text | None = Field(default=None, description="Unit as in NeuroML: mV, nA, ...; left out: none.")
    symbol: Text | None = Field(default=None, description="Symbol in printed equations.")
    variable_of_interest: Flag | None = Field(default=None, description="Whether results show it first.")
    record: Flag = Field(default=True, description="Whether a run keeps its trace.")
    coupling_variable: Flag = Field(default=False, description="Whether other nodes receive it.")
    history: Number | None = Field(
        default=None,
        description="Value before time 0, for couplings with delays; left out: that at time 0.",
        json_schema_extra=IN_ITS_UNIT,
    )
    noise: Noise | None = Field(default=None, description="Noise added to the derivative.")
    distribution: Distribution | None = Field(default=None, description="Distribution of the initial value.")
    domain: Domain | None = Field(default=None, description="Range in which the variable makes sense.")


class DerivedVariable(Described, Item):
    """A variable computed from others at every moment."""

    equation: Equation | None = Field(default=None, description="Value of the variable.")
    unit: Text | None = Field(default=None, description="Unit as in NeuroML: mV, nA, ...; left out: none.")
    symbol: Text | None = Field(default=None, description="Symbol in printed equations.")
    record: Flag = Field(default=False, description="Whether a run keeps its trace.")
    history: Number | None = Field(
        default=None,
        description="Value before time 0, for couplings with delays; left out: that at time 0.",
        json_schema_extra=IN_ITS_UNIT,
    )
    conditional: Flag = Field(default=False, description="Whether the value is given by 'cases'.")
    cases: list[Case] = Field(default_factory=list, description="Branches; the first that holds counts.")


class DerivedParameter(Described, Item):
    """A quantity computed once from the parameters."""

    equation: Equation = Field(description="Expression of parameters that gives the value.")
    unit: Text | None = Field(default=None, description="Unit as in NeuroML: mV, nA, ...; left out: none.")
    symbol: Text | None = Field(default=None, description="Symbol in printed equations.")


class Event(Described, Item):
    """Something that happens at a moment: a condition becomes true, or a given time is reached."""

    event_type: Text | None = Field(
        default=None,
        description="'preset_time': at 'trigger_times'; 'spike': when a spike arrives at a synapse; "
        "left out: when 'condition' becomes true.",
        json_schema_extra={"examples": ["preset_time", "spike"]},
    )
    condition: Equation | None = Field(
        default=None, description="When the event happens, such as 'v > thresh'."
    )
    affect: Equation | None = Field(
        default=None, description="Assignments, separated by ';': 'v = reset; u = u + d'."
    )
    trigger_times: list[Number] | None = Field(
        default=None, description="Times of the events, in 'time_scale'.", json_schema_extra=IN_TIME_SCALE
    )
    target_component: Text | None = Field(
        default=None, description="Part of the dynamics that receives the event."
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Parameters of the event.")

    @model_validator(mode="after")
    def _has_a_cause(self) -> Self:
        if self.event_type == "preset_time" and self.trigger_times is None:
            raise fault("an event of type preset_time has no 'trigger_times'", "a list of times")
        if self.condition is None and self.trigger_times is None and self.event_type != "spike":
            raise fault("the event never happens", "'condition', or 'trigger_times'")
        return self


class CouplingInput(Described, Item):
    """A quantity that the equations take from the edges that end at the node."""

    unit: Text | None = Field(default=None, description="Unit as in NeuroML: nA, ...; left out: none.")
    dimension: Whole | None = Field(default=None, description="Number of components; left out: one.")


EventMap = Annotated[dict[str, Event], Named()]


def _older_spelling_in_json(schema: dict[str, Any]) -> None:
    """Let the JSON Schema accept the older key for ``components`` too."""
    properties = schema["properties"]
    for key, older in OLDER_SPELLINGS.items():
        properties[older] = {
            **properties[key],
            "title": older.capitalize(),
            "description": f"Older spelling of '{key}'.",
            "deprecated": True,
        }


class Dynamics(Shorthand, Described, Item):
    """A cell, channel, gate, synapse, input or neural mass. A bare text stands for ``name``.

    With ``iri: neuroml:<ComponentType>`` it is an element of that core type: ``parameters`` are its
    attributes, ``components`` its children. ``iri: extends:<ComponentType>`` derives a type of its own;
    without ``iri`` the equations define one.
    """

    model_config = ConfigDict(json_schema_extra=_older_spelling_in_json)
    shorthand: ClassVar[str] = "name"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    iri: Text | None = Field(
        default=None,
        description="neuroml:<ComponentType>, extends:<ComponentType>, or a name in 'component_types'.",
    )
    source: Text | None = Field(
        default=None, description="Where the model comes from, or a file that holds it."
    )
    references: Names = Field(default_factory=list, description="Publications.")
    parameters: ParameterMap = Field(
        default_factory=dict, description="Constants, and attributes of an element."
    )
    derived_parameters: Annotated[dict[str, DerivedParameter], Named()] = Field(
        default_factory=dict, description="Constants computed from the parameters."
    )
    state_variables: Annotated[dict[str, StateVariable], Named()] = Field(
        default_factory=dict, description="Variables with a differential equation."
    )
    derived_variables: Annotated[dict[str, DerivedVariable], Named()] = Field(
        default_factory=dict, description="Variables computed from others at every moment."
    )
    functions: FunctionMap = Field(default_factory=dict, description="Functions that the equations call.")
    events: EventMap = Field(default_factory=dict, description="Spikes, resets, and times that are set.")
    coupling_inputs: Annotated[dict[str, CouplingInput], Named(bare=True)] = Field(
        default_factory=dict, description="Quantities that come in over the edges."
    )
    components: "DynamicsMap" = Field(default_factory=dict, description="Parts: channels, gates, rates, ...")
    output: Names = Field(default_factory=list, description="Variables that other nodes see.")
    stimulus: Stimulus | None = Field(default=None, description="Input from outside.")
    element: Text | None = Field(
        default=None, description="Name of its element in LEMS, where its type or place does not give it."
    )
    prototype: Text | None = Field(
        default=None,
        description="Component that gives the parameters and parts that are not given here; LEMS: extends.",
    )
    unread: dict[str, Written] = Field(
        default_factory=dict, description="Attributes that its type does not have; LEMS does not read them."
    )
    anonymous: Flag = Field(
        default=False, description="Whether it has no id in LEMS; its name only tells it from others."
    )

    @model_validator(mode="before")
    @classmethod
    def _older_spellings(cls, data: Any) -> Any:
        for key, older in OLDER_SPELLINGS.items():
            if isinstance(data, dict) and older in data:
                if key in data:
                    raise fault(f"'{key}' and its older spelling '{older}' are both given", f"only '{key}'")
                data = {key if name == older else name: value for name, value in data.items()}
        return data


DynamicsMap = Annotated[dict[str, Dynamics], Named()]

Dynamics.model_rebuild()
