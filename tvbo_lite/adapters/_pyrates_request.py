"""A call of PyRates' ``run`` as an experiment, and its result as the columns that PyRates gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tvbo_lite.backends import run_model
from tvbo_lite.errors import ModelError, Problem, nearest
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.pyrates.experiment import Translation, translate
from tvbo_lite.formats.pyrates.system import Delays
from tvbo_lite.transforms.lower.course import MAX_PIECES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tvbo_lite.formats.pyrates.model import Circuit, Group

    Array = NDArray[np.float64] | NDArray[np.complex128]

__all__ = ["IGNORED", "SOLVERS", "Column", "Request", "matching_nodes", "matching_variables"]

IGNORED = (
    "backend", "clear", "decorator", "file_name", "float_precision", "func_name", "in_place", "vectorize",
    "verbose",
)  # fmt: skip
"""Options of ``run`` that say how PyRates computes, not what."""

LEMS_METHOD = "euler"
RELATIVE = 1e-6  # how far a time may be from a whole number of steps, as a share of a step
EVERY = "all"


class Solver(NamedTuple):
    """A method of the dialect; one with tolerances chooses its steps."""

    method: str
    rel_tol: float | None = None
    abs_tol: float | None = None

    @property
    def adaptive(self) -> bool:
        """Whether the method chooses its steps."""
        return self.rel_tol is not None


SOLVERS = {"euler": Solver(LEMS_METHOD), "heun": Solver("heun")}
EXPLICIT, LOW, STIFF = (Solver(method, 1e-3, 1e-6) for method in ("dopri5", "bosh3", "rodas4"))
SCIPY = {
    "RK45": EXPLICIT, "RK23": LOW, "DOP853": EXPLICIT, "Radau": STIFF, "BDF": STIFF, "LSODA": STIFF,
}  # fmt: skip
"""Methods of ``solver="scipy"``: the engine's one of the same kind, with SciPy's tolerances."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result, and the variable (``node/operator/variable``) that it shows."""

    name: str | tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is simulated. Times are in the unit of the template.

    ``inputs`` maps ``node/operator/variable`` to an array of shape ``(n_steps,)``, or ``(n_steps, n)`` for
    ``n`` variables that fit the path.
    """

    circuit: Circuit
    simulation_time: float
    step_size: float
    inputs: Mapping[str, ArrayLike] = field(default_factory=dict)
    outputs: Mapping[str, str] | Sequence[str] | None = None
    sampling_step_size: float | None = None
    solver: Solver = SOLVERS["euler"]
    delay_order: int = 0

    def columns(self) -> list[Column]:
        """The columns in PyRates' order and with PyRates' names. Raises `ModelError`."""
        outputs = self.outputs
        if outputs is None:
            return [Column(path, path) for path in _states(self.circuit)]
        if not isinstance(outputs, Mapping):
            return [Column(found, found) for path in outputs for found in self._found(path)]
        columns = []
        for name, path in outputs.items():
            found = self._found(path)
            columns += (
                [Column(_label(name, one), one) for one in found]
                if len(found) > 1
                else [Column(name, found[0])]
            )
        return columns

    def _found(self, path: str) -> list[str]:
        found = matching_variables(self.circuit, path)
        if found:
            return found
        known = matching_variables(self.circuit, "all/*/*")
        raise ModelError(Problem(f"there is no variable '{path}'", hint=nearest(path, known)))

    def driven(self) -> dict[str, NDArray[np.float64]]:
        """The input of each variable that has one, shape ``(n_steps,)``. Raises `ModelError`."""
        found: dict[str, NDArray[np.float64]] = {}
        for path, given in self.inputs.items():
            targets = self._found(path)
            values = _finite(path, given)
            if values.ndim == 2 and values.shape[1] in (1, len(targets)):
                series = [values[:, min(k, values.shape[1] - 1)] for k in range(len(targets))]
            elif values.ndim == 1:
                series = [values] * len(targets)
            else:
                expected = f"({self.steps},), or ({self.steps}, {len(targets)})"
                raise ModelError(
                    Problem(f"the input of '{path}' has the shape {values.shape}", expected=expected)
                )
            for target, one in zip(targets, series, strict=True):
                if len(one) < self.steps:
                    message = f"the input of '{path}' has {len(one)} values, the run {self.steps} steps"
                    raise ModelError(Problem(message, expected="a value for each step"))
                found[target] = one[: self.steps]
        return found

    @property
    def steps(self) -> int:
        """The number of steps of the inputs, and of a method with fixed steps."""
        return _whole(self.simulation_time, self.step_size, "simulation_time", "step_size")

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of the run that are asked for; an adaptive method gives only these."""
        every = self.sampling_step_size
        stride = _whole(every, self.step_size, "sampling_step_size", "step_size") if every else 1
        count = len(range(0, self.steps, stride))
        return np.arange(count) * (1 if self.solver.adaptive else stride)

    def translated(self, *, more: int = 0, as_pyrates: bool = False) -> tuple[Translation, dict[str, Any]]:
        """The translation of the circuit, and the data of the experiment, which has ``more`` steps.

        With ``as_pyrates`` delays are what PyRates' methods with fixed steps make of them.
        """
        driven = self.driven()
        paths = {column.path for column in self.columns()}
        delays = Delays(self.delay_order, None if self.solver.adaptive or not as_pyrates else self.step_size)
        found = translate(self.circuit, external=driven, record=paths, delays=delays)
        stimulation = {
            f"input_{number}": {**found.external[path], "samples": self._samples(values)}
            for number, (path, values) in enumerate(driven.items())
        }
        integration = self._integration(more)
        return found, {**found.data, "stimulation": stimulation, "integration": integration}

    def _integration(self, more: int) -> dict[str, Any]:
        """Method, steps and duration as the dialect writes them."""
        solver, step = self.solver, float(self.step_size)
        found = {
            "method": solver.method,
            "step_size": step,
            "duration": (self.steps + more) * step,
            "time_scale": "s",
        }
        if not solver.adaptive:
            return found
        every = float(self.sampling_step_size or step)
        tolerances = {"rel_tol": solver.rel_tol, "abs_tol": solver.abs_tol}
        return {**found, **tolerances, "parameters": {"sampling_step_size": every}}

    def _samples(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """An input as the values that follow one another, each with the time at which it begins.

        Where the method chooses its steps, PyRates draws lines between the values, the last of which it
        puts at the end of the run. A few changes are put into the middle of their lines.
        """
        begin = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
        if not self.solver.adaptive and 2 * len(begin) > len(values):
            return {"step_size": float(self.step_size), "values": values.tolist()}
        if not self.solver.adaptive:
            return {"times": (begin * float(self.step_size)).tolist(), "values": values[begin].tolist()}
        apart = self.simulation_time / max(len(values) - 1, 1)
        if len(begin) > MAX_PIECES:
            times = np.arange(len(values)) * apart
            return {"times": times.tolist(), "values": values.tolist(), "linear": True}
        times = (begin - 0.5) * apart
        return {"times": [0.0, *times[1:].tolist()], "values": values[begin].tolist()}

    def result(self) -> tuple[NDArray[np.float64], dict[str | tuple[str, ...], Array]]:
        """Times and columns of the run. Raises as `SimulationExperiment.run` does.

        The run has one step more than PyRates': LEMS's Euler method records a derived variable with the
        states at the start of the step, one row later than these.
        """
        rows = self.rows
        found, data = self.translated(more=1, as_pyrates=True)
        model = SimulationExperiment.from_data(data, found.location).model()
        recording = run_model(model)
        beyond = model.beyond
        late = self.solver.method == LEMS_METHOD and not (beyond.samples or beyond.delays)
        columns: dict[str | tuple[str, ...], Array] = {}
        for column in self.columns():
            names = found.names[column.path]
            traces = [recording.trace(name)[rows + (late and name not in found.states)] for name in names]
            columns[column.name] = traces[0] if len(traces) == 1 else traces[0] + 1j * traces[1]
        time = np.linspace(0.0, self.simulation_time, len(rows), endpoint=False)
        return time, columns


def _whole(time: float, step: float, what: str, other: str) -> int:
    if not (time > 0 and step > 0):
        raise ModelError(Problem(f"{what} is {time!r} and {other} {step!r}", expected="numbers above 0"))
    count = round(time / step)
    if count < 1 or abs(time / step - count) > RELATIVE * count:
        message = f"{what} ({time!r}) is {time / step:.9g} times {other} ({step!r})"
        raise ModelError(Problem(message, expected="a whole number"))
    return count


def _label(name: str, path: str) -> tuple[str, ...]:
    *node, operator, variable = path.split("/")
    return (name, *node, f"{operator}/{variable}")


def _states(circuit: Circuit) -> list[str]:
    found = translate(circuit)
    known = set(matching_variables(circuit, "all/*/*"))
    return [path for path, names in found.names.items() if names[0] in found.states and path in known]


def matching_nodes(circuit: Circuit, path: str) -> dict[str, Group]:
    """The nodes that a path means; ``all`` is every node or circuit of a level, at the end all below."""
    wanted = path.split("/")
    found = {}
    for name, node in circuit.all_nodes().items():
        parts = name.split("/")
        open_end = len(wanted) < len(parts) and wanted[-1] == EVERY
        if not open_end and len(wanted) != len(parts):
            continue
        if all(one in (EVERY, part) for one, part in zip(wanted, parts, strict=False)):
            found[name] = node
    return found


def matching_variables(circuit: Circuit, path: str) -> list[str]:
    """The variables ``node/operator/variable`` that a path means; ``*`` is every operator or variable."""
    node, _, rest = path.rpartition("/")
    node, _, operator = node.rpartition("/")
    return [
        f"{name}/{use.operator.name}/{variable}"
        for name, group in matching_nodes(circuit, node).items()
        for use in group.operators
        if operator in ("*", use.operator.name)
        for variable in use.operator.variables
        if rest in ("*", variable)
    ]


def _finite(path: str, given: object) -> NDArray[np.float64]:
    """An input as numbers. Raises `ModelError` for what is none."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        what = f"the input of '{path}' is no array of numbers: {error}"
        raise ModelError(Problem(what, expected="a value for each step")) from error
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        place = ", ".join(map(str, wrong[0]))
        more = f", and so are {len(wrong) - 1} more" if len(wrong) > 1 else ""
        what = f"the input of '{path}' is {values[tuple(wrong[0])]} at [{place}]{more}"
        raise ModelError(Problem(what, expected="finite numbers"))
    return values
