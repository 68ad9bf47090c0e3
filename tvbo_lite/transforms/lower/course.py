"""The values of an input over time."""

from __future__ import annotations

from dataclasses import dataclass

from tvbo_lite.schema.paths import DocumentPath

__all__ = ["MAX_PIECES", "Course"]

MAX_PIECES = 200
"""How many values can follow one another in equations: each is a case of a conditional variable."""


@dataclass(slots=True)
class Course:
    """When each value begins (s), and the values, equal neighbours joined.

    ``variable`` is the derived variable that follows it, where the equations do not.
    """

    begin: list[float]
    values: list[float]
    path: DocumentPath
    linear: bool = False
    variable: str = ""

    @property
    def is_long(self) -> bool:
        """Whether there are too many values for equations."""
        return len(self.values) > MAX_PIECES
