"""What hostile or mistaken input may take at most: one table of limits, each of them a setting.

A limit is its default unless the environment variable of its name says otherwise; that is looked up where the
limit is used. What recursion needs cannot be set higher than what Python's stack bears.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass

from tvbo_lite.errors import ModelError, Problem

__all__ = ["LIMITS", "Limit"]

_NUMBER = re.compile(r"\s*(\d+\.?\d*(?:[eE]\+?\d+)?)\s*([a-zA-Z]*)\s*")
_UNITS: dict[str, dict[str, float]] = {
    "number": {"": 1.0},
    "size": {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    "time": {"S": 1.0, "MIN": 60.0, "H": 3600.0, "D": 86400.0},
}
_EXAMPLES = {"number": "a whole number", "size": "a size such as '64 GB'", "time": "a time such as '36 h'"}


@dataclass(frozen=True, slots=True)
class Limit:
    """``default`` (a number, bytes, or s, as ``kind`` says) is how much there may be of what ``of`` names; it
    can be set up to ``most``.
    """

    name: str
    default: float
    of: str
    kind: str = "number"
    most: float = math.inf

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"TVBO_LITE_{self.name}"

    @property
    def more(self) -> str | None:
        """How to allow more, as a hint in a message; None where nothing does."""
        allows = f"if that is meant, set the environment variable {self.variable}"
        return allows if self.default < self.most else None

    def given(self) -> float | None:
        """What the environment variable says, None where it is not set. Raises `ModelError` where that is
        no such limit.
        """
        said = os.environ.get(self.variable)
        if said is None:
            return None
        match = _NUMBER.fullmatch(said)
        unit = _UNITS[self.kind].get(match[2].upper()) if match else None
        value = float(match[1]) * unit if match and unit else math.nan
        if not value <= self.most or (self.kind == "number" and not value.is_integer()):
            top = f" up to {self.most:g}" if self.most < math.inf else ""
            raise ModelError(Problem(f"{self.variable} is {said!r}", expected=_EXAMPLES[self.kind] + top))
        return value

    def value(self) -> float:
        """The limit in force. Raises as `given`."""
        said = self.given()
        return self.default if said is None else said

    def __str__(self) -> str:
        """The limit in force, as a message shows it."""
        return self.spelt(self.value())

    def spelt(self, value: float) -> str:
        """A value of this kind in its largest fitting unit, such as ``512 MB`` or ``24 h``."""
        if self.kind == "number":
            return f"{value:.0f}"
        units = _UNITS[self.kind]
        name = max((unit for unit in units if units[unit] <= max(value, 1.0)), key=lambda unit: units[unit])
        shown = name.lower() if self.kind == "time" else name
        return f"{value / units[name]:.3g} {shown}"


MEMORY = Limit("MEMORY", math.inf, "memory that connections, recordings and sweeps take", "size")
RUN_TIME = Limit(
    "RUN_TIME", 86400.0, "the time of a run of the built-in engine, estimated as it begins", "time"
)
TIMEOUT = Limit("TIMEOUT", 600.0, "the time of a run in jLEMS, NEURON, NetPyNE or EDEN", "time")
FILE_SIZE = Limit("FILE_SIZE", 512e6, "the size of an XML or YAML file", "size")
INCLUDES = Limit("INCLUDES", 1000, "files that a document includes")
ATTRIBUTES = Limit("ATTRIBUTES", 1000, "attributes of an XML element")
YAML_DEPTH = Limit("YAML_DEPTH", 100, "maps and lists of a YAML text inside each other", most=100)
YAML_ALIASES = Limit("YAML_ALIASES", 100_000, "values that the aliases (`*name`) of a YAML text repeat")
EXPRESSION_LENGTH = Limit("EXPRESSION_LENGTH", 100_000, "characters of an expression")
EXPRESSION_BRACKETS = Limit(
    "EXPRESSION_BRACKETS", 200, "brackets of an expression inside each other", most=200
)
EXPRESSION_HEIGHT = Limit(
    "EXPRESSION_HEIGHT", 300, "operations of an expression that wait for one another", most=300
)
EXPRESSION_SIZE = Limit(
    "EXPRESSION_SIZE", 100_000, "operations of a Python expression, its functions filled in"
)
INSTANCES = Limit("INSTANCES", 20_000_000, "instances that a population or a structure makes")
TREE_DEPTH = Limit("TREE_DEPTH", 100, "instances of a LEMS model inside each other", most=100)
CHAIN = Limit("CHAIN", 200, "equations of a PyRates delay with a spread")
ARRAY = Limit("ARRAY", 10_000, "elements of an array in a PyRates template")

LIMITS = (
    MEMORY, RUN_TIME, TIMEOUT, FILE_SIZE, INCLUDES, ATTRIBUTES, YAML_DEPTH, YAML_ALIASES, EXPRESSION_LENGTH,
    EXPRESSION_BRACKETS, EXPRESSION_HEIGHT, EXPRESSION_SIZE, INSTANCES, TREE_DEPTH, CHAIN, ARRAY,
)  # fmt: skip
"""All limits, in the order of the documentation."""
