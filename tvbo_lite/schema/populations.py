"""Networks by populations: cells in numbers, projections between them, and inputs.

Texts stand in the LEMS document as they are written here: weights, delays, places on cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core.core_schema import no_info_wrap_validator_function

from tvbo_lite.schema.base import (
    IN_MICROMETRES,
    Described,
    Flag,
    Item,
    Named,
    SchemaModel,
    Shorthand,
    Text,
    Whole,
    Written,
    at_most,
    fault,
    or_short,
)
from tvbo_lite.schema.dynamics import DynamicsMap
from tvbo_lite.schema.recorded import Record
from tvbo_lite.schema.rules import ConnectionRule, ConnectionTable, Layout
from tvbo_lite.schema.values import ParameterMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

__all__ = [
    "Connection",
    "Input",
    "InputMap",
    "InputTarget",
    "Point",
    "Population",
    "PopulationMap",
    "Projection",
    "ProjectionMap",
]


class Row(SchemaModel):
    """A model that a list of its first values may stand for: ``[0, 3]`` is ``{pre: 0, post: 3}``."""

    columns: ClassVar[tuple[str, ...]]

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if len(value) > len(cls.columns):
            raise fault(f"found {len(value)} values", f"at most {len(cls.columns)}: {', '.join(cls.columns)}")
        return dict(zip(cls.columns, value, strict=False))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return or_short(schema, handler, {"type": "array", "maxItems": len(cls.columns)})


class Point(Row):
    """A place in space, in µm, as written. A list ``[x, y, z]`` stands for it."""

    columns: ClassVar[tuple[str, ...]] = ("x", "y", "z")

    x: Written = Field(default="0", description="In µm.", json_schema_extra=IN_MICROMETRES)
    y: Written = Field(default="0", description="In µm.", json_schema_extra=IN_MICROMETRES)
    z: Written = Field(default="0", description="In µm.", json_schema_extra=IN_MICROMETRES)


class _Numbered:
    """Annotation of ``dict[str, M]``: also takes a list, whose items are then named 0, 1, 2, ..."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return handler(Annotated[source, BeforeValidator(_numbered)])

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        as_map = handler(schema)
        as_list = {"type": "array", "items": as_map["additionalProperties"]}
        return {"anyOf": [as_map, as_list]}


def _numbered(value: Any) -> Any:
    return {str(index): item for index, item in enumerate(value)} if isinstance(value, list) else value


def _targets(value: Any) -> Any:
    return [value] if isinstance(value, int | str) and not isinstance(value, bool) else value


MAX_SIZE = 20_000_000
"""Instances of a population; so many the built-in engine makes."""


class Population(Described, Item):
    """Instances of one cell or spike source; a quantity of one is ``name[0]/v``, or with positions
    ``name/0/cell/v``.
    """

    dynamics: Text = Field(description="A name in 'network.dynamics' or a NeuroML type without parameters.")
    size: Annotated[Whole, at_most(MAX_SIZE)] | None = Field(
        default=None, description="Number of instances; may be left out with positions or a grid."
    )
    positions: Annotated[dict[str, Point | None], _Numbered()] = Field(
        default_factory=dict, description="Place of each instance in µm; a list, or a map by index."
    )
    layout: Layout | None = Field(
        default=None, description="Rule that gives each instance its place, in place of 'positions'."
    )
    record: Record = Field(
        default=True,
        description="What a run keeps where the experiment has no 'recordings': names of variables, 'spikes';"
        " a map of them says of which cells and how often; true for the usual variables, false for nothing.",
    )
    iri: Text | None = Field(
        default=None,
        description="Type of the population; left out: population, or populationList with positions.",
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Other attributes.")
    components: DynamicsMap = Field(default_factory=dict, description="Other parts, such as properties.")


class Connection(Row):
    """A connection between two instances. A list ``[pre, post, weight, delay]`` stands for it."""

    columns: ClassVar[tuple[str, ...]] = ("pre", "post", "weight", "delay")

    pre: Written = Field(
        description="Index of the source in its population, or a path such as '../pop/0/cell'."
    )
    post: Written = Field(description="Index of the target in its population, or a path.")
    weight: Written | None = Field(default=None, description="Factor of the effect.")
    delay: Written | None = Field(default=None, description="Time from source to target, such as '2 ms'.")
    pre_segment: Written | None = Field(default=None, description="Segment of the source.")
    pre_fraction: Written | None = Field(default=None, description="How far along it, 0 to 1.")
    post_segment: Written | None = Field(default=None, description="Segment of the target.")
    post_fraction: Written | None = Field(default=None, description="How far along it, 0 to 1.")
    synapse: Text | None = Field(default=None, description="Synapse, where it is not the projection's.")
    pre_component: Text | None = Field(
        default=None, description="What the source gets, where it is not the projection's."
    )
    destination: Text | None = Field(default=None, description="List of the target that takes the synapse.")
    id: Written | None = Field(default=None, description="Id; left out: the place in the list, from 0.")
    iri: Text | None = Field(default=None, description="Type; left out: it follows from what is given.")


class _ListOrTable:
    """Annotation of ``list[Connection] | ConnectionTable``: a map is the table, all else the list."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return no_info_wrap_validator_function(_list_or_table, handler.generate_schema(list[Connection]))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        table = handler(ConnectionTable.__pydantic_core_schema__)
        return {"anyOf": [handler(schema), table]}


def _list_or_table(
    value: Any, as_list: Callable[[Any], list[Connection]]
) -> list[Connection] | ConnectionTable:
    is_table = isinstance(value, dict | ConnectionTable)
    return ConnectionTable.model_validate(value) if is_table else as_list(value)


class Projection(Described, Item):
    """Connections from one population to another through a synapse.

    Between two single cells (``source: "pyr[0]"``) it is one connection, without a list.
    """

    source: Text = Field(description="Population, or one instance such as 'pyr[0]'.")
    target: Text = Field(description="Population, or one instance.")
    synapse: Text | None = Field(default=None, description="Synapse at the target; a gap junction at both.")
    pre_component: Text | None = Field(
        default=None, description="Component at the source of a graded synapse, such as a silentSynapse."
    )
    connections: Annotated[list[Connection] | ConnectionTable, _ListOrTable()] = Field(
        default_factory=list, description="The connections: a list, or the table in a file."
    )
    rule: ConnectionRule | None = Field(default=None, description="Rule that makes the connections.")
    target_var: Text | None = Field(
        default=None,
        description="Without synapse: the coupling input of the target to which each spike adds its weight,"
        " for one step; left out: its only one.",
    )
    weight: Written | None = Field(default=None, description="Factor of the effect, between single cells.")
    delay: Written | None = Field(default=None, description="Time to the target, between single cells.")
    destination: Text | None = Field(
        default=None, description="List of the target that takes the synapse, between single cells."
    )
    anonymous: Flag = Field(default=False, description="Whether the connections have no ids.")
    iri: Text | None = Field(
        default=None, description="Type of the projection; left out: it follows from the synapse's."
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Other attributes.")


class InputTarget(Shorthand):
    """An instance that receives an input. A bare number stands for ``cell``."""

    shorthand: ClassVar[str] = "cell"
    shorthand_types: ClassVar[tuple[str, ...]] = ("number", "string")

    cell: Written = Field(description="Index in the population, or a path such as '../pop/0/cell'.")
    weight: Written | None = Field(default=None, description="Factor of the current.")
    segment: Written | None = Field(default=None, description="Segment of the cell.")
    fraction: Written | None = Field(default=None, description="How far along it, 0 to 1.")
    destination: Text | None = Field(default=None, description="List of the cell that takes the input.")
    id: Written | None = Field(default=None, description="Id; left out: the place in the list, from 0.")


class Input(Described, Item):
    """A current onto one cell (``target``), or onto cells of a population (``population``, ``to``)."""

    source: Text = Field(description="A current input, or synapse with spikes of its own.")
    target: Text | None = Field(default=None, description="One instance, such as 'pyr[0]'.")
    population: Text | None = Field(default=None, description="Population of the cells that receive it.")
    to: Annotated[list[InputTarget] | None, BeforeValidator(_targets)] = Field(
        default=None, description="Which of them, such as [0, 3]; left out: all."
    )
    destination: Text | None = Field(
        default=None,
        description="List of the cell that takes it; left out: the one that fits; '': none said.",
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Other attributes.")


PopulationMap = Annotated[dict[str, Population], Named()]
ProjectionMap = Annotated[dict[str, Projection], Named()]
InputMap = Annotated[dict[str, Input], Named()]
