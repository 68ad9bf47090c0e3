"""How time passes: method, step, duration."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from tvbo_lite.errors import nearest
from tvbo_lite.schema.base import Described, Number, Positive, describe, fault
from tvbo_lite.schema.values import Noise, ParameterMap

__all__ = ["METHODS", "TIME_SCALES", "Integrator"]

METHODS = (
    "euler",
    "exponential_euler",
    "heun",
    "midpoint",
    "rk4",
    "bosh3",
    "dopri5",
    "dop853",
    "tsit5",
)
"""Integration methods that the dialect knows; which of them run is the backend's matter."""

TIME_SCALES = ("ms", "s", "us")


def _one_of(value: Any, names: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in names:
        return value
    hint = nearest(value, names) if isinstance(value, str) else None
    raise fault(f"found {describe(value)}", "one of " + ", ".join(names), hint)


def _method(value: Any) -> str:
    """Case does not count: ``Heun`` is ``heun``."""
    return _one_of(value.lower() if isinstance(value, str) else value, METHODS)


def _time_scale(value: Any) -> str:
    return _one_of(value, TIME_SCALES)


def _any_case(name: str) -> str:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in name)


_METHOD_SCHEMA = {
    "type": "string",
    "anyOf": [{"enum": list(METHODS)}, {"pattern": f"^({'|'.join(map(_any_case, METHODS))})$"}],
}
Method = Annotated[str, PlainValidator(_method), WithJsonSchema(_METHOD_SCHEMA)]
TimeScale = Annotated[
    Literal["ms", "s", "us"],
    PlainValidator(_time_scale),
    WithJsonSchema({"type": "string", "enum": list(TIME_SCALES)}),
]


class Integrator(Described):
    """How the equations are integrated in time."""

    method: Method = Field(default="euler", description="Integration method.")
    step_size: Positive = Field(description="Time step, in 'time_scale'.")
    duration: Positive = Field(description="Simulated time, in 'time_scale'; a whole number of steps.")
    time_scale: TimeScale = Field(default="ms", description="Unit of time of this experiment.")
    transient_time: Number = Field(
        default=0, description="Time at the start that results leave out, in 'time_scale'."
    )
    abs_tol: Positive | None = Field(default=None, description="Absolute tolerance of an adaptive method.")
    rel_tol: Positive | None = Field(default=None, description="Relative tolerance of an adaptive method.")
    noise: Noise | None = Field(default=None, description="Noise added to all state variables.")
    parameters: ParameterMap = Field(default_factory=dict, description="Other settings, such as 'seed'.")
