"""What an experiment can say, and the built-in engine do, that LEMS has no element for.

`tvbo_lite.lems.model.Model.beyond` holds it beside the model, so that a writer can tell what its format
loses (`Beyond.items`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tvbo_lite.errors import NOWHERE, Location

__all__ = ["Beyond", "Delay", "Interval", "Noise", "Samples", "Solver"]


@dataclass(frozen=True, slots=True)
class Solver:
    """How a run is integrated in time.

    ``method`` is one of `tvbo_lite.compiler.methods.METHODS`. An adaptive method keeps the estimated error
    of a step below ``abs_tol * unit + rel_tol * |value|`` of each state variable, the unit being that in
    which NeuroML's people write its dimension (mV, nA, nS, ms, ...), or 1. ``sampling`` is the time between
    two rows of results (s), None for every step, and ``max_step`` the longest step (s).
    """

    method: str = "euler"
    rel_tol: float = 1e-6
    abs_tol: float = 1e-9
    sampling: float | None = None  # s
    max_step: float | None = None  # s
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Noise:
    """White noise on a state variable of a component type: ``dx = ... + amplitude dW``.

    ``amplitude`` is a LEMS expression in the type's names, in SI units of the variable per square root of a
    second. A ``held`` variable, which has no derivative, is not moved but drawn: at the start of each step
    it becomes a new number of the standard normal distribution, times the amplitude.
    """

    type: str
    variable: str
    amplitude: str = "1"
    seed: int = 42
    held: bool = False
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Samples:
    """The course in time of a derived variable of a component type, in place of its expression.

    ``times`` (s) rise; ``values`` (SI) has a row for each, of one number, or of one for each instance of
    the type that stands beside the others. A value holds until the next time, or lies on the line to the
    next one (``linear``); outside the times the nearest value holds.
    """

    type: str
    variable: str
    times: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    linear: bool = False
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Interval:
    """The time between two rows of an output file, which is named by its id."""

    file: str
    every: float  # s
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Delay:
    """A derived variable of a component type reads another instance as it was some time ago.

    The variable selects one value by a path. ``time`` is a parameter or a property of the type (s), 0 or
    more, which may differ from instance to instance. Before the start the variable was ``before`` (SI); with
    None, all was as at the start. ``location`` is where the shortest time was given, ``longest`` where the
    longest was.
    """

    type: str
    variable: str
    time: str
    before: float | None = None
    location: Location = field(default=NOWHERE, compare=False, repr=False)
    longest: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Beyond:
    """All of it for one model."""

    solver: Solver = Solver()
    noise: tuple[Noise, ...] = ()
    samples: tuple[Samples, ...] = ()
    delays: tuple[Delay, ...] = ()
    intervals: tuple[Interval, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether LEMS's own step is all that is asked of a run."""
        return not (self.noise or self.samples or self.delays) and self.solver == Solver()

    def items(self) -> Iterator[tuple[str, str, Location]]:
        """For each thing: what it is, why LEMS alone does not have it, and where it was given."""
        if self.solver != Solver():
            what = f"the integration method '{self.solver.method}' and its settings"
            yield what, "only the built-in engine has a choice of methods", self.solver.location
        for noise in self.noise:
            what = f"the noise on '{noise.variable}' of '{noise.type}'"
            yield what, "there is no white noise in it; the variable goes without", noise.location
        for item in self.samples:
            what = f"the samples of '{item.variable}' of '{item.type}'"
            yield what, "there are no tables in it; the variable keeps its expression", item.location
        for delay in self.delays:
            what = f"the delay with which '{delay.type}' reads '{delay.variable}'"
            yield what, "only spikes have delays in it; the value is read without", delay.location
        for interval in self.intervals:
            what = f"the interval of {interval.every:g} s between rows of '{interval.file}'"
            yield what, "files have a row for each step in it", interval.location
