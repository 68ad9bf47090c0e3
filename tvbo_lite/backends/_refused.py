"""What other simulators leave out or get wrong in silence, so that it is refused before a run.

Each rule is a function of a component that the simulation uses; a simulator has a list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.errors import Problem, UnsupportedError

if TYPE_CHECKING:
    from tvbo_lite.backends._job import Job
    from tvbo_lite.transforms.resolve import ResolvedComponent

__all__ = ["BY_EDEN", "BY_NEURON", "check_refused"]

Rule: TypeAlias = Callable[["ResolvedComponent", str], Iterator[Problem]]


def check_refused(job: Job, simulator: str, rules: Sequence[Rule]) -> None:
    """Raises `UnsupportedError` with every component that a rule refuses, each once."""
    target = job.resolver.component(job.plan.target, job.model.location, "the simulation's target")
    used = list(_everything(target, set()))
    problems = [problem for rule in rules for item in used for problem in rule(item, simulator)]
    if problems:
        raise UnsupportedError(list(dict.fromkeys(problems)))


def _everything(item: ResolvedComponent, seen: set[int]) -> Iterator[ResolvedComponent]:
    """A component with all that is in it or that it refers to, each once."""
    if id(item) in seen:
        return
    seen.add(id(item))
    yield item
    for below in (*item.children(), *item.references.values()):
        yield from _everything(below, seen)


# ---- NEURON, by jNeuroML's code ----------------------------------------------------------------


def _dimensionless_input(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if item.type.is_a("basePointCurrentDL"):
        message = f"{item.describe()} gives a current without unit, which jNeuroML leaves out for {simulator}"
        hint = "a cell with a capacitance (izhikevich2007Cell) and an input in ampere can be run"
        yield Problem(message, item.component.location, None, hint)


def _kinetic_point_cell(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if not item.type.is_a("baseCell") or item.type.is_a("cell"):
        return
    if any(below.type.dynamics.kinetic_schemes for below in _everything(item, set())):
        what = f"{item.describe()} has kinetic channels"
        message = f"{what}, which jNeuroML does not advance in a point cell for {simulator}"
        yield Problem(message, item.component.location, "a <cell> with a morphology")


def _no_refractory_time(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if item.type.is_a("baseCell") and item.parameters.get("refract") == 0:
        message = (
            f"{item.describe()} has a refractory time of 0, with which jNeuroML's code fails in {simulator}"
        )
        yield Problem(message, item.component.location, "refract > 0, such as one step")


def _double_synapse(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if item.type.is_a("doubleSynapse"):
        message = f"{item.describe()} is weighed twice by jNeuroML's code for {simulator}"
        yield Problem(message, item.component.location, "a connection for each of its two synapses")


BY_NEURON: tuple[Rule, ...] = (
    _dimensionless_input,
    _kinetic_point_cell,
    _no_refractory_time,
    _double_synapse,
)


# ---- EDEN --------------------------------------------------------------------------------------


def _delayed_connection(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if item.type.is_a("synapticConnectionWD"):
        message = f"{simulator} leaves out {item.describe()} from {item.text('from')} to {item.text('to')}"
        yield Problem(message, item.component.location, "a <projection> with <connectionWD>")


BY_EDEN: tuple[Rule, ...] = (_delayed_connection,)
