"""The values that a sweep takes: names of things in an experiment, their values, each set of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import numpy as np

from tvbo_lite.errors import NOWHERE, Location, ModelError, Problem, UnitError, UnsupportedError, nearest
from tvbo_lite.memory import lacking
from tvbo_lite.schema import Equation, Experiment, Parameter, StateVariable
from tvbo_lite.transforms.quantity import number_and_unit
from tvbo_lite.units import convert

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tvbo_lite.schema import Dynamics

__all__ = ["INITIAL", "MODES", "SweepAxis", "points", "read_space", "unit_of", "with_value"]

Path = tuple[str | int, ...]
Item = TypeVar("Item")

MODES = ("product", "zip")
INITIAL = "initial_value"
TIMES = ("step_size", "duration", "transient_time", "onset")  # in the time_scale of the integration


@dataclass(frozen=True, slots=True)
class SweepAxis:
    """What takes the ``values``, shape ``(n,)``, in ``unit``: the thing at ``path`` in an experiment.

    ``name`` is how the user calls it; ``short`` its last word that tells something.
    """

    name: str
    path: Path
    values: NDArray[np.generic]
    unit: str

    @property
    def short(self) -> str:
        words = [str(word) for word in self.path if word != INITIAL]
        return words[-1]

    @property
    def full(self) -> str:
        """``dynamics.parameters.eta``."""
        return ".".join(map(str, self.path))


def read_space(
    experiment: Experiment,
    space: Mapping[str, ArrayLike],
    mode: str,
    locate: Callable[[str], Location] = lambda _: NOWHERE,
) -> tuple[SweepAxis, ...]:
    """The axes of a sweep.

    Args:
        experiment: the experiment whose things the names in ``space`` mean.
        space: name -> values, shape ``(n,)``, numbers in the thing's unit or texts with their own, such as
            ``"80 pA"``. A name is a path (``dynamics.parameters.eta``), or, of a dynamics or coupling,
            ``qif.eta``, or, of the experiment's own dynamics, ``eta``. The name of a state variable means
            its initial value.
        mode: ``product`` or ``zip``.
        locate: the place of an axis in the user's file.

    Raises:
        ModelError: a name that means nothing, or no number; values that are no finite numbers, or
            have another dimension; numbers of values that differ in mode ``zip``. All that is wrong, at once.
    """
    known = _known(experiment)
    problems: list[Problem] = []
    axes = []
    if mode not in MODES:
        problems.append(Problem(f"unknown mode '{mode}'", NOWHERE, " or ".join(MODES), nearest(mode, MODES)))
    if not space:
        problems.append(Problem("nothing takes any values", NOWHERE, "{'dynamics.parameters.x': [...]}"))
    for name, given in space.items():
        found = _axis(experiment, known, name, given)
        if isinstance(found, SweepAxis):
            axes.append(found)
        else:
            problems.append(Problem(found.message, locate(name), found.expected, found.hint))
    lengths = {axis.name: len(axis.values) for axis in axes}
    if mode == "zip" and len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{name}: {size}" for name, size in lengths.items())
        problems.append(
            Problem(f"different numbers of values ({sizes})", NOWHERE, "the same number in mode zip")
        )
    twice = {axis.full for axis in axes if sum(other.path == axis.path for other in axes) > 1}
    problems += [Problem(f"'{name}' is given twice") for name in sorted(twice)]
    if problems:
        raise ModelError(problems)
    return tuple(axes)


def points(axes: tuple[SweepAxis, ...], mode: str) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """The shape of a sweep, and for each set, in C order, the index on each axis: shape ``(n, n_axes)``.

    Raises `UnsupportedError` where there are more than memory holds.
    """
    if mode == "zip":
        count = len(axes[0].values)
        return (count,), np.repeat(np.arange(count)[:, None], len(axes), axis=1)
    shape = tuple(len(axis.values) for axis in axes)
    lack = lacking(16.0 * len(axes) * math.prod(shape))
    if lack is not None:
        what = f"{math.prod(shape)} sets need {lack}, before any of them is run"
        raise UnsupportedError(Problem(what, hint="take fewer values, or mode zip"))
    return shape, np.indices(shape).reshape(len(axes), -1).T


# ---- names ---------------------------------------------------------------------------------------


def _known(experiment: Experiment) -> dict[str, Path]:
    """Short names of parameters and initial values."""
    found: dict[str, Path] = {}
    network = experiment.network
    if experiment.dynamics is not None:
        found.update(_of_dynamics(experiment.dynamics, experiment.dynamics.name, ("dynamics",)))
        found.update(_of_dynamics(experiment.dynamics, None, ("dynamics",)))
    for key, dynamics in network.dynamics.items() if network is not None else ():
        found.update(_of_dynamics(dynamics, key, ("network", "dynamics", key)))
    for key, coupling in network.coupling.items() if network is not None else ():
        for name in coupling.parameters:
            found[f"{key}.{name}"] = ("network", "coupling", key, "parameters", name)
    return found


def _of_dynamics(dynamics: Dynamics, name: str | None, path: Path) -> Iterator[tuple[str, Path]]:
    start = f"{name}." if name else ""
    for key in dynamics.state_variables:
        yield start + key, (*path, "state_variables", key, INITIAL)
    for key in dynamics.parameters:
        yield start + key, (*path, "parameters", key)


def _axis(
    experiment: Experiment, known: Mapping[str, Path], name: str, given: ArrayLike
) -> SweepAxis | Problem:
    found = _reach(experiment, known, name)
    if isinstance(found, Problem):
        return found
    path, unit = found
    try:
        values = np.asarray(given)
        if values.dtype.kind == "U":
            values = np.array([_in_unit(text, unit) for text in values.flat]).reshape(values.shape)
        fine = values.ndim == 1 and len(values) > 0 and values.dtype.kind in "iuf"
    except UnitError as error:
        return Problem(
            f"'{name}': {error}", NOWHERE, f"numbers{f' in {unit}, or with a unit' if unit else ''}"
        )
    except ValueError:
        fine = False
    if not fine or not np.all(np.isfinite(values)):
        return Problem(f"'{name}' gets no list of finite numbers", NOWHERE, f"'{name}': [0.1, 0.2, ...]")
    return SweepAxis(name, path, values, unit)


def _in_unit(text: str, unit: str) -> float:
    """The number that a text such as ``80 pA`` means in ``unit``. Raises `UnitError` where it means none."""
    found = number_and_unit(text)
    if found is None:
        msg = f"'{text}' is no number"
        raise UnitError(msg)
    number, given = found
    if not given:
        return float(number)
    if not unit:
        msg = f"'{text}' has a unit, and what it is for has none"
        raise UnitError(msg)
    return convert(float(number), given, unit)


def _unit(parameter: Parameter) -> str:
    """The unit of a parameter, be it apart from its number or in one text with it."""
    found = number_and_unit(parameter.value) if isinstance(parameter.value, str) else None
    return parameter.unit or (found[1] if found else "")


def unit_of(experiment: Experiment, name: str) -> str:
    """The unit of what a name means; empty for none, and for a name that means nothing."""
    found = _reach(experiment, _known(experiment), name)
    return "" if isinstance(found, Problem) else found[1]


def _reach(experiment: Experiment, known: Mapping[str, Path], name: str) -> tuple[Path, str] | Problem:
    """The path that a name means, and the unit of what is there."""
    path = known.get(name)
    if path is None:
        head, dot, _ = name.partition(".")
        if not dot or head not in type(experiment).model_fields:
            message = f"there is no '{name}' in this experiment"
            shown = ", ".join(list(known)[:12]) or "a path such as integration.step_size"
            return Problem(message, NOWHERE, shown, nearest(name, [*known, *map(_dotted, known.values())]))
        path = tuple(name.split("."))
    item: Any = experiment
    owner, unit = item, ""
    taken: tuple[str, ...] = ()
    for key in path:
        names = _names(item)
        if str(key) not in names:
            where = ".".join(taken) or "the experiment"
            listed = ", ".join(list(names)[:12]) or None
            return Problem(f"'{name}': {where} has no '{key}'", NOWHERE, listed, nearest(str(key), names))
        owner, item, taken = item, names[str(key)], (*taken, str(key))
    if isinstance(item, StateVariable):
        owner, path, item = item, (*path, INITIAL), item.initial_value
    if isinstance(item, Parameter) or path[-1] == INITIAL:
        unit = _unit(item) if isinstance(item, Parameter) else getattr(owner, "unit", None) or ""
    elif (
        path[0] in ("integration", "stimulation") and path[-1] in TIMES and experiment.integration is not None
    ):
        unit = experiment.integration.time_scale
    elif not isinstance(item, Equation) and not _is_number(owner, str(path[-1])):
        return Problem(f"'{name}' is no number", NOWHERE, "a parameter, an initial value or a number")
    return path, unit


def _is_number(owner: Any, key: str) -> bool:
    """Whether a field of a thing, or an item of a list, is a number that need not be whole."""
    field = getattr(type(owner), "model_fields", {}).get(key)
    if field is not None:
        return _takes_numbers(field.annotation)
    return isinstance(owner, list) and isinstance(owner[int(key)], float)


def _takes_numbers(annotation: Any) -> bool:
    if get_origin(annotation) in (list, dict):
        return False
    return annotation is float or any(map(_takes_numbers, get_args(annotation)))


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _names(item: Any) -> dict[str, Any]:
    """What is inside a thing of an experiment, by name."""
    if isinstance(item, Mapping):
        return {str(key): value for key, value in item.items()}
    if isinstance(item, list):
        return {str(index): value for index, value in enumerate(item)}
    fields = getattr(type(item), "model_fields", {})
    return {key: getattr(item, key) for key in fields}


# ---- an experiment with other values ------------------------------------------------------------


def with_value(item: Item, path: Path, value: float) -> Item:
    """The experiment, or a thing in it, with a number at ``path``; all else is shared."""
    found: Any = _set(item, path, value)
    typed: Item = found
    return typed


def _set(item: Any, path: Path, value: float) -> Any:
    if not path:
        return _leaf(item, value)
    key, rest = path[0], path[1:]
    if isinstance(item, Mapping):
        return {name: _set(inner, rest, value) if str(name) == key else inner for name, inner in item.items()}
    if isinstance(item, list):
        return [_set(inner, rest, value) if str(n) == key else inner for n, inner in enumerate(item)]
    changed: dict[str, Any] = {str(key): _set(getattr(item, str(key)), rest, value)}
    if key == INITIAL and isinstance(item, StateVariable):
        changed["distribution"] = None
    return item.model_copy(update=changed)


def _leaf(item: Any, value: float) -> Any:
    if isinstance(item, Parameter):
        plain = {"value": value, "equation": None, "distribution": None, "heterogeneous": False}
        return item.model_copy(update=plain | {"unit": _unit(item) or None})
    if isinstance(item, Equation):
        return item.model_copy(update={"rhs": repr(value)})
    return value
