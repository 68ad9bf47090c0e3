"""How time passes: method, step, duration."""

import math
import re
import sys
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from tvbo_lite.errors import nearest
from tvbo_lite.schema.base import (
    IN_TIME_SCALE,
    Described,
    Item,
    Number,
    Positive,
    Text,
    describe,
    fault,
    positive,
)
from tvbo_lite.schema.values import Noise, ParameterMap

__all__ = ["ADAPTIVE", "METHODS", "TIME_SCALES", "Integrator", "Time", "seconds", "unit_of_time"]

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
    "rodas4",
    "euler_maruyama",
    "stochastic_heun",
)
"""Integration methods that the dialect knows; which of them run is the backend's matter."""

ADAPTIVE = ("bosh3", "dopri5", "dop853", "tsit5", "rodas4")
"""Those of them that choose their steps themselves."""

TIME_SCALES = ("ms", "s", "us")
_POWERS = {"ms": -3, "s": 0, "us": -6}
_TIME = re.compile(r"\s*(?P<number>[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)\s*(?P<unit>ms|s|us)\s*")


def unit_of_time(value: Any) -> str | None:
    """The unit in the text of a time; None for anything else."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return match["unit"] if match else None


def seconds(value: Any, time_scale: str) -> float | None:
    """A time in s: a number in ``time_scale``, or a text with its unit; None for what is no time."""
    if isinstance(value, str):
        match = _TIME.fullmatch(value)
        return float(match["number"]) * 10.0 ** _POWERS[match["unit"]] if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        return None
    return float(value) * 10.0 ** _POWERS[time_scale]


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


def _time(value: Any) -> Any:
    """A number above 0, or a text such as ``0.01 ms``, which is kept as it is written."""
    if not isinstance(value, str):
        return positive(value)
    time = seconds(value, "s")
    if time is None or not 0 < time < math.inf:
        raise fault(f"found {describe(value)}", "a number above 0, or a time such as '0.01 ms'")
    return value


Time = Annotated[
    int | float | str,
    PlainValidator(_time),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]


class Integrator(Described, Item):
    """How the equations are integrated in time. ``name`` is the id of the simulation in LEMS."""

    method: Method = Field(default="euler", description="Integration method.")
    step_size: Time = Field(
        description="Time step, in 'time_scale', or with its unit.", json_schema_extra=IN_TIME_SCALE
    )
    duration: Time = Field(
        description="Simulated time, in 'time_scale', or with its unit; a whole number of steps.",
        json_schema_extra=IN_TIME_SCALE,
    )
    time_scale: TimeScale = Field(default="ms", description="Unit of time of this experiment.")
    transient_time: Number = Field(
        default=0,
        description="Time at the start that results leave out, in 'time_scale'.",
        json_schema_extra=IN_TIME_SCALE,
    )
    abs_tol: Positive | None = Field(default=None, description="Absolute tolerance of an adaptive method.")
    rel_tol: Positive | None = Field(default=None, description="Relative tolerance of an adaptive method.")
    noise: Noise | None = Field(default=None, description="Noise added to all state variables.")
    parameters: ParameterMap = Field(default_factory=dict, description="Other settings, such as 'seed'.")
    report: Text | None = Field(default=None, description="File to which jLEMS writes how the run went.")
    target: Text | None = Field(
        default=None,
        description="Component in 'network.dynamics' that is simulated; left out: the network.",
    )

    def in_time_scale(self, value: float | str) -> float:
        """``step_size`` or ``duration`` as a number in ``time_scale``."""
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if not isinstance(value, str) or (match and match["unit"] == self.time_scale):
            return float(match["number"] if match else value)
        return (seconds(value, self.time_scale) or 0.0) / 10.0 ** _POWERS[self.time_scale]
