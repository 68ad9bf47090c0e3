"""What is to be done in a sweep, and how a part of it is run, in this process or in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.backends.population import Population
from tvbo_lite.backends.sets import Engine
from tvbo_lite.errors import ModelError, Problem, SimulationError
from tvbo_lite.explore.space import INITIAL, SweepAxis, points, with_value
from tvbo_lite.lems.rows import Column
from tvbo_lite.transforms.lower.equations import initial_name
from tvbo_lite.transforms.sweep import Single, single

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.model import Model
    from tvbo_lite.schema import Experiment

__all__ = ["Part", "Runner", "Traces", "Work", "attribute", "check_times", "parts_of"]

ROUNDING = 1e-9  # between times that count as the same


@dataclass(frozen=True, slots=True)
class Part:
    """``count`` sets, the first of which is number ``first``."""

    first: int
    count: int

    @property
    def sets(self) -> range:
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What another process must know to run parts of a sweep. ``lower`` gives an experiment's model.

    With ``together`` the sets of a part are rows of one population, of at most so many.
    """

    experiment: Experiment
    lower: Callable[[Any], Model]
    axes: tuple[SweepAxis, ...]
    mode: str
    options: Mapping[str, Any]
    keep_going: bool = False
    together: int | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """Of some sets: ``values``, shape ``(n_sets, n_times, n_quantities)``, SI, at ``time`` (s).

    Sets that ``failed`` are NaN; where all did, there are no times and quantities.
    """

    time: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0, 0)))
    quantities: tuple[str, ...] = ()
    failed: Mapping[int, SimulationError] = field(default_factory=dict)


class Runner:
    """Runs parts; safe in threads, which share what is lowered and compiled."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.engine = Engine(work.options)
        self.shape, self.index = points(work.axes, work.mode)  # index: (n_sets, n_axes)
        self._lock = Lock()
        self._first: tuple[Model, Single | None] | None = None
        self._populations: dict[int, Population] = {}

    # ---- sets ------------------------------------------------------------------------------------

    def values(self, number: int) -> list[float]:
        """The values of a set, one for each axis."""
        pairs = zip(self.work.axes, self.index[number], strict=True)
        return [axis.values[place].item() for axis, place in pairs]

    def model(self, number: int) -> Model:
        """The model of one set as it is in a run of its own."""
        experiment = self.work.experiment
        for axis, value in zip(self.work.axes, self.values(number), strict=True):
            experiment = with_value(experiment, axis.path, value)
        return self.work.lower(experiment)

    def first(self) -> tuple[Model, Single | None]:
        """The first set's model, and its only node if it has only one."""
        if self._first is None:
            model = self.model(0)
            self._first = model, single(model)
        return self._first

    def columns(self) -> dict[str, Column] | None:
        """The attributes that take the values of all sets; None where sets differ in more than attributes."""
        _, found = self.first()
        if found is None:
            return None
        columns = {}
        for axis, place in zip(self.work.axes, self.index.T, strict=True):
            name = attribute(axis)
            if name is None or name not in found.component.attributes:
                return None
            values = axis.values[place].astype(np.float64)
            columns[name] = Column(values, after=f" {axis.unit}" if axis.unit else "")
        return columns

    def named(self, number: int, error: SimulationError) -> SimulationError:
        """The error of a set, with its values."""
        values = zip(self.work.axes, self.values(number), strict=True)
        described = ", ".join(f"{axis.short} = {value!r}" for axis, value in values)
        return SimulationError(error.variable, f"({described})", error.time, error.value)

    # ---- runs ------------------------------------------------------------------------------------

    def traces(self, part: Part) -> Traces:
        """The traces of the sets of a part. Unless the work is to keep going, the first failure is the last.

        Raises as `tvbo_lite.backends.native.run_model` for all but values that do not stay finite.
        """
        if self.work.together:
            try:
                return self._together(part, self.work.together)
            except SimulationError:  # which of the sets it was, is seen where each is alone
                pass
        return self._one_by_one(part)

    def _together(self, part: Part, size: int) -> Traces:
        population = self._population(size)
        rows = population.run(np.array(part.sets))
        variables = population.found.variables
        values = rows[:, 1:].reshape(len(rows), part.count, len(variables)).transpose(1, 0, 2)
        quantities = tuple(f"{population.found.population}[0]/{name}" for name in variables)
        return Traces(rows[:, 0], values, quantities)

    def _population(self, size: int) -> Population:
        with self._lock:
            if size not in self._populations:
                model, found = self.first()
                columns = self.columns()
                assert found is not None and columns is not None  # noqa: S101, PT018  `together` says so
                self._populations[size] = Population(self.engine, model, found, columns, size)
            return self._populations[size]

    def _one_by_one(self, part: Part) -> Traces:
        good: dict[int, Traces] = {}
        failed: dict[int, SimulationError] = {}
        for number in part.sets:
            try:
                good[number] = self._alone(number)
            except SimulationError as error:
                failed[number] = error
                if not self.work.keep_going:
                    break
        if not good or (failed and not self.work.keep_going):
            return Traces(failed=failed)
        first = next(iter(good.values()))
        if part.count == 1:
            return first
        values = np.full((part.count, *first.values.shape[1:]), np.nan)
        for number, one in good.items():
            check_times(one, first.time, first.quantities)
            values[number - part.first] = one.values[0]
        return Traces(first.time, values, first.quantities, failed)

    def _alone(self, number: int) -> Traces:
        if self.work.together:
            return self._together(Part(number, 1), 1)
        ready = self.engine.ready(lambda: self.model(number))
        rows = self.engine.run(ready)
        return Traces(rows[:, 0], rows[None, :, 1:], ready.plan.quantities())


def attribute(axis: SweepAxis) -> str | None:
    """The attribute of the component of the only dynamics that an axis means."""
    match axis.path:
        case ("dynamics", "parameters", name):
            return str(name)
        case ("dynamics", "state_variables", name, last) if last == INITIAL:
            return initial_name(str(name))
        case _:
            return None


def check_times(traces: Traces, time: NDArray[np.float64], quantities: tuple[str, ...]) -> None:
    """Raises `ModelError` where sets could not be one array."""
    same = traces.quantities == quantities and len(traces.time) == len(time)
    if not (same and np.allclose(traces.time, time, rtol=ROUNDING, atol=0.0)):
        what = "the sets differ in their times or in what is recorded"
        raise ModelError(Problem(what, hint="'sampling_step_size' (s) gives all sets the same times"))


def parts_of(count: int, size: int) -> Iterator[Part]:
    """All sets, ``size`` by ``size``."""
    for first in range(0, count, size):
        yield Part(first, min(size, count - first))
