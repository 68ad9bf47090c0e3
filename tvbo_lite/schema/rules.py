"""Populations and connections by rule, or from a table, instead of lists."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from tvbo_lite.schema.base import (
    IN_MICROMETRES,
    Count,
    Described,
    Flag,
    Number,
    NumberOrExpression,
    Text,
    Whole,
)
from tvbo_lite.schema.values import Parameter, ParameterMap

__all__ = ["ConnectionRule", "ConnectionTable", "Layout", "Strengths"]

GRAPHS = (
    "Complete", "ErdosRenyi", "WattsStrogatz", "BarabasiAlbert", "RandomRegular", "Grid", "Cycle", "Path",
    "Star", "Empty",
)  # fmt: skip
KINDS = {
    "all_to_all": "every source with every target",
    "one_to_one": "each source with the target of its index",
    "fixed_probability": "each pair with 'probability'",
    "fixed_in_degree": "each target with 'degree' sources",
    "fixed_out_degree": "each source with 'degree' targets",
    "distance_dependent": "each pair with 'probability', an expression of their distance d",
    ", ".join(GRAPHS): "a graph within one population, with 'parameters' as of a graph generator",
}


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else value


_AXES = {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}


class Layout(Described):
    """Where the instances of a population are: on a grid, or coordinate by coordinate. Lengths are in µm."""

    grid: list[Count] = Field(
        default_factory=list, description="Numbers of instances along x, y and z; their product is the size."
    )
    spacing: Annotated[list[Number], BeforeValidator(_one_or_more), WithJsonSchema(_AXES)] = Field(
        default_factory=list,
        description="Distance of neighbours on the grid: one, or one for each axis.",
        json_schema_extra=IN_MICROMETRES,
    )
    x: Parameter | None = Field(
        default=None,
        description="Coordinate: a number, a list with one for each instance, or drawn; added to that on the"
        " grid.",
        json_schema_extra=IN_MICROMETRES,
    )
    y: Parameter | None = Field(default=None, description="As x.", json_schema_extra=IN_MICROMETRES)
    z: Parameter | None = Field(default=None, description="As x.", json_schema_extra=IN_MICROMETRES)
    seed: Whole | None = Field(default=None, description="Seed of the random numbers.")


class Strengths(Described):
    """How strongly and how late connections act. The same seed gives the same numbers."""

    weight: Parameter | None = Field(
        default=None,
        description="Factor of the effect: a number, drawn for each connection, or an equation in d.",
    )
    delay: Parameter | None = Field(
        default=None,
        description="Time to the target: with a unit, drawn for each connection, or an equation in d.",
    )
    parameters: ParameterMap = Field(
        default_factory=dict, description="Constants of the expressions, and parameters of a graph."
    )
    seed: Whole | None = Field(default=None, description="Seed of the random numbers.")


class ConnectionRule(Strengths):
    """Which instances are connected, and how strongly. The same seed gives the same connections."""

    type: Text = Field(
        description="; ".join(f"{name}: {what}" for name, what in KINDS.items()) + ".",
        json_schema_extra={"examples": [name for names in KINDS for name in names.split(", ")]},
    )
    probability: NumberOrExpression | None = Field(
        default=None, description="Probability of a connection, 0 to 1; may be an expression of d."
    )
    max_distance: Parameter | None = Field(
        default=None, description="Distance from which on nothing is connected, with its unit."
    )
    degree: Whole | None = Field(default=None, description="Number of connections of each target or source.")
    multapses: Flag = Field(
        default=False, description="Whether a pair may be connected more than once, by degrees."
    )
    self_connections: Flag = Field(
        default=False, description="Whether an instance may be connected to itself."
    )
    directed: Flag = Field(default=False, description="Whether an edge of a graph goes only one way.")


class ConnectionTable(Strengths):
    """Connections from a file with columns source, target and, where wanted, weight and delay."""

    file: Text = Field(
        description="Text with a header (.csv, .tsv, .txt), .npz, .npy, .h5 or .hdf5; its path starts at the"
        " folder of this document."
    )
    dataset: Text | None = Field(
        default=None, description="In an HDF5 file: the group of the columns, or a table with fields."
    )
