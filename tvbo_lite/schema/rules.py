"""Connections by rule, instead of a list."""

from pydantic import Field

from tvbo_lite.schema.base import Described, Flag, Number, Text, Whole
from tvbo_lite.schema.values import Parameter

__all__ = ["ConnectionRule"]

KINDS = {
    "all_to_all": "every source with every target",
    "one_to_one": "each source with the target of its index",
    "fixed_probability": "each pair with 'probability'",
    "fixed_in_degree": "each target with 'degree' sources, each at most once",
    "fixed_out_degree": "each source with 'degree' targets, each at most once",
}


class ConnectionRule(Described):
    """Which instances are connected, and how strongly. The same seed gives the same connections."""

    type: Text = Field(
        description="; ".join(f"{name}: {what}" for name, what in KINDS.items()) + ".",
        json_schema_extra={"examples": list(KINDS)},
    )
    probability: Number | None = Field(default=None, description="Probability of a connection, 0 to 1.")
    degree: Whole | None = Field(default=None, description="Number of connections of each target or source.")
    self_connections: Flag = Field(
        default=False, description="Whether an instance may be connected to itself."
    )
    weight: Parameter | None = Field(
        default=None, description="Factor of the effect: a number, or drawn for each connection."
    )
    delay: Parameter | None = Field(
        default=None, description="Time to the target: with a unit, or drawn for each connection."
    )
    seed: Whole | None = Field(default=None, description="Seed of the random numbers.")
