"""Every error this package raises, and the place in the user's text that caused it.

One root (`TvboLiteError`), one class for each phase. An input error carries *all* problems of a
file, each with its location, what was found, what was expected and what was probably meant.
This module imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "BackendError",
    "CompileError",
    "ComparisonError",
    "ExpressionError",
    "InputError",
    "Location",
    "ModelError",
    "Problem",
    "ReadError",
    "RenderError",
    "SchemaError",
    "SimulationError",
    "StepError",
    "StoreError",
    "TvboLiteError",
    "UnitError",
    "UnsupportedError",
    "nearest",
]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a user's file: file name (or ``<string>``), 1-based line, path inside the document."""

    file: str | None = None
    line: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        head = self.file or ""
        if self.line is not None:
            head = f"{head}:{self.line}" if head else f"line {self.line}"
        if self.path:
            return f"{head}: {self.path}" if head else self.path
        return head


NOWHERE = Location()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in the modeller's words.

    ``message`` says what was found; ``expected`` what would have been right; ``hint`` what to do
    (often "did you mean 'x'?").
    """

    message: str
    location: Location = NOWHERE
    expected: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        text = self.message
        if self.expected:
            text += f"; expected {self.expected}"
        if self.hint:
            text += f"; {self.hint}"
        where = str(self.location)
        return f"{where}: {text}" if where else text


class TvboLiteError(Exception):
    """Root of all errors of this package."""


class InputError(TvboLiteError):
    """The user's text is wrong. ``problems`` holds every finding, in file order."""

    def __init__(self, problems: Iterable[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        found = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems: tuple[Problem, ...] = found
        super().__init__(found)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ReadError(InputError):
    """A file cannot be read: missing, not well-formed, or using a refused feature."""


class SchemaError(InputError):
    """A document does not follow the experiment schema."""


class ModelError(InputError):
    """A LEMS model contradicts itself: unknown type, missing attribute, dangling reference."""


class ExpressionError(InputError):
    """A mathematical expression does not parse, or names something undeclared."""


class UnitError(InputError):
    """A quantity has an unknown unit or the wrong dimension."""


class UnsupportedError(InputError):
    """The input is right, but this program cannot do that yet; the message names what."""


class StoreError(InputError):
    """Results on disk cannot be read, written or gone on with; what differs is named."""


class RenderError(TvboLiteError):
    """A model cannot be written in the requested format."""


class CompileError(TvboLiteError):
    """The built-in engine could not turn a checked model into machine code."""


class BackendError(TvboLiteError):
    """An external simulator is missing, failed, or took too long."""


class ComparisonError(TvboLiteError):
    """Two results cannot be compared: no common trace, or different times."""


class SimulationError(TvboLiteError):
    """A run was stopped: a value became NaN or infinite.

    Attributes: ``variable`` (name), ``instance`` (path such as ``pop[0]``), ``time`` (s).
    """

    def __init__(self, variable: str, instance: str, time: float, value: float) -> None:
        self.variable = variable
        self.instance = instance
        self.time = time
        self.value = value
        super().__init__(
            f"{instance}/{variable} became {value} at t = {time:.9g} s; the run was stopped. "
            "A smaller step, or a check of the parameters that enter its equation, may help"
        )

    def __reduce__(self) -> tuple[type[SimulationError], tuple[str, str, float, float]]:
        """What another process needs to make the same error."""
        return type(self), (self.variable, self.instance, self.time, self.value)


class StepError(SimulationError):
    """An adaptive method found no step small enough; the variable is the one with the largest value."""

    def __init__(self, variable: str, instance: str, time: float, value: float) -> None:
        super().__init__(variable, instance, time, value)
        found = f"no step from t = {time:.9g} s on is small enough for the tolerances"
        self.args = (f"{found}; {instance}/{variable} is {value:.4g}: does it grow without bound, or jump?",)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """A hint "did you mean 'x'?" with the candidate most like ``name``, or None if none is close."""
    from difflib import get_close_matches

    names = list(candidates)
    same = [candidate for candidate in names if candidate.lower() == name.lower()]
    close = same or get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else None
