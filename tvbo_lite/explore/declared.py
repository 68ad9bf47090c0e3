"""Sweeps that a document declares under ``explorations``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.explore.space import SweepAxis, read_space, unit_of
from tvbo_lite.units import convert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.schema import Axis, Experiment, Exploration
    from tvbo_lite.schema.values import Domain

__all__ = ["space_of"]

_MOST = 10_000_000  # values of an axis


def space_of(experiment: Experiment, name: str) -> tuple[tuple[SweepAxis, ...], str, int | None]:
    """The axes of one of the experiment's explorations, its mode, and how many runs at a time it asks for.

    Raises:
        ModelError: there is no such exploration, or it names what is not there.
        UnitError: a unit that does not measure what takes the values.
        UnsupportedError: trials, observations, or values at equal ratios by a step.
    """
    found = experiment.explorations.get(name)
    if found is None:
        known = list(experiment.explorations)
        message = f"the experiment has no exploration '{name}'"
        raise ModelError(
            Problem(message, experiment.locate(()), ", ".join(known) or None, nearest(name, known))
        )
    path = ("explorations", name)
    problems = []
    if found.n_trials != 1:
        problems.append(
            Problem("several trials of a set are not supported yet", experiment.locate((*path, "n_trials")))
        )
    if found.observations:
        where = experiment.locate((*path, "observations"))
        problems.append(Problem("observations of an exploration are not supported yet", where))
    for key, axis in found.space.items():
        fault = _fault(axis.domain) if axis.domain is not None else None
        if fault is not None:
            where = experiment.locate((*path, "space", key, "domain"))
            problems.append(Problem(fault[0], where, fault[1]))
    if problems:
        raise UnsupportedError(problems)
    space = {key: _values(axis, unit_of(experiment, key)) for key, axis in found.space.items()}
    axes = read_space(experiment, space, found.mode, lambda key: experiment.locate((*path, "space", key)))
    return axes, found.mode, _parallel(found)


def _fault(domain: Domain) -> tuple[str, str] | None:
    """What is wrong with the values of an axis, and what is expected."""
    lo, hi = float(domain.lo or 0), float(domain.hi or 0)
    if not math.isfinite(hi - lo):
        return f"values from {lo:g} to {hi:g}", "finite ends"
    if domain.log_scale and domain.n is None:
        return "values at equal ratios have no step", "their number 'n'"
    if domain.log_scale and not lo > 0:
        return f"values at equal ratios from {lo:g} to {hi:g}", "ends above 0"
    count = (domain.n or 1) if domain.step is None else (hi - lo) / domain.step + 1
    return (f"{count:.3g} values", f"at most {_MOST}") if count > _MOST else None


def _parallel(exploration: Exploration) -> int | None:
    return exploration.n_parallel if "n_parallel" in exploration.model_fields_set else None


def _values(axis: Axis, own: str) -> NDArray[np.float64]:
    """The values of an axis, in the unit of what takes them."""
    domain, values = axis.domain, np.array([])
    if axis.explored_values is not None:
        plain = all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in axis.explored_values
        )
        values = np.array(axis.explored_values if plain else [np.nan], dtype=np.float64)  # NaN is refused
    elif domain is not None and domain.lo is not None and domain.hi is not None:
        if domain.step is not None:
            count = int((domain.hi - domain.lo) / domain.step * (1 + 1e-12)) + 1
            values = domain.lo + domain.step * np.arange(count)
        else:
            spread = np.geomspace if domain.log_scale else np.linspace
            values = spread(domain.lo, domain.hi, domain.n or 1)
    return values if axis.unit in (None, own) else convert(values, axis.unit or "", own or "none")
