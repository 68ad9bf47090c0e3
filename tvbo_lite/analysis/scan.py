"""Where a node settles as a parameter goes up and down again: two stable states show as hysteresis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.backends.sets import Engine
from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.explore.space import read_space, with_value
from tvbo_lite.explore.work import attribute
from tvbo_lite.lems.rows import Column
from tvbo_lite.transforms.lower.equations import initial_name
from tvbo_lite.transforms.sweep import Single, single, with_columns
from tvbo_lite.units import convert, factor, si_symbol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tvbo_lite.lems.model import Model
    from tvbo_lite.schema import Experiment

__all__ = ["Branch", "Scan", "scan"]


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """For each value of the parameter the ``lowest`` and ``highest`` value of each variable once settled.

    ``values``: shape ``(n,)``, in the order in which they were visited; ``lowest`` and ``highest``: shape
    ``(n, n_variables)``, SI, named by ``variables``. Where both agree the node rests, else it oscillates.
    """

    values: NDArray[np.float64]
    variables: tuple[str, ...]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A parameter's way ``up`` and back ``down``, each run starting where the one before ended."""

    parameter: str
    unit: str
    up: Branch
    down: Branch

    def bistable(self, variable: str, tolerance: float) -> NDArray[np.float64]:
        """The values at which the two ways differ by more than ``tolerance`` (SI) in a variable."""
        k = self.up.variables.index(variable)
        apart = np.abs(self.up.lowest[:, k] - self.down.lowest[::-1, k])
        apart = np.maximum(apart, np.abs(self.up.highest[:, k] - self.down.highest[::-1, k]))
        return self.up.values[apart > tolerance]


def scan(
    experiment: Experiment, parameter: str, values: ArrayLike, *, tail: float = 0.5, **options: Any
) -> Scan:
    """Runs a node at each value of a parameter, up and down, for the experiment's ``duration`` each.

    Args:
        experiment: one of a single node given by equations, all of whose state variables are recorded.
        parameter: its name, as `SimulationExperiment.explore` takes it.
        values: rising, in the parameter's unit.
        tail: the last part of each run that counts as settled, between 0 and 1.
        options: of the integration, as `SimulationExperiment.run`.

    Raises:
        UnsupportedError: another kind of experiment. Else as `SimulationExperiment.explore`.
    """
    (axis,) = read_space(experiment, {parameter: values}, "product")
    first = with_value(experiment, axis.path, axis.values[0].item())
    model: Model = first.model()  # type: ignore[attr-defined]
    found, name = single(model), attribute(axis)
    if found is None or name is None or name not in found.component.attributes:
        what = f"'{parameter}' is no parameter of an experiment of one node"
        raise UnsupportedError(Problem(what))
    run = _Settling(model, found, (name, axis.unit), tail, Engine(options))
    upward = np.sort(axis.values.astype(np.float64))
    up = run.branch(upward)
    return Scan(axis.full, axis.unit, up, run.branch(upward[::-1]))


class _Settling:
    """Runs that start where the one before ended; the first starts as the experiment says."""

    def __init__(
        self, model: Model, found: Single, parameter: tuple[str, str], tail: float, engine: Engine
    ) -> None:
        self.model, self.found = model, found
        self.parameter, self.unit = parameter
        self.tail, self.engine = tail, engine
        initial = {initial_name(name): name for name in found.variables}
        attributes = found.component.attributes
        self.starts = {key: attributes[key] for key in initial if key in attributes}
        self.variables = {key: found.variables.index(initial[key]) for key in self.starts}
        missing = [key for key in attributes if key.endswith("_initial") and key not in self.starts]
        if missing or not self.starts:
            what = "a run cannot start where another ended, unless all state variables have numbers to start"
            raise UnsupportedError(Problem(what, hint="record all state variables"))

    def branch(self, values: NDArray[np.float64]) -> Branch:
        pairs = [self._ends(float(value)) for value in values]
        lowest, highest = (np.stack(side) for side in zip(*pairs, strict=True))
        return Branch(values, self.found.variables, lowest, highest)

    def _ends(self, value: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        columns = {self.parameter: _column(value, self.unit), **dict(self._begin())}
        ready = self.engine.ready(lambda: with_columns(self.model, self.found, columns))
        rows = self.engine.run(ready)[:, 1:]
        settled = rows[int(len(rows) * (1.0 - self.tail)) :]
        for key, k in self.variables.items():
            self.starts[key] = _text(rows[-1, k], self.starts[key])
        return settled.min(axis=0), settled.max(axis=0)

    def _begin(self) -> Iterator[tuple[str, Column]]:
        for key, text in self.starts.items():
            number, _, unit = text.partition(" ")
            yield key, _column(float(number), unit)


def _column(value: float, unit: str) -> Column:
    return Column(np.array([value]), after=f" {unit}" if unit else "")


def _text(value: float, like: str) -> str:
    """A number in SI in the unit of another quantity."""
    unit = like.partition(" ")[2]
    if not unit:
        return repr(float(value))
    return f"{float(convert(float(value), si_symbol(factor(unit).dimension), unit))!r} {unit}"
