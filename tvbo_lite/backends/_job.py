"""What the backends of other simulators are given to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tvbo_lite.backends._beyond import refuse_beyond
from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.formats.lems.sources import is_core
from tvbo_lite.lems import model as m
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.check import require
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.transforms.recorded import units_of_model
from tvbo_lite.transforms.resolve import Resolver

__all__ = ["Job", "job_of"]


@dataclass(frozen=True, slots=True)
class Job:
    """A linked model to run, its name in messages, what to record, and in which SI units."""

    name: str
    model: m.Model
    resolver: Resolver
    plan: SimulationPlan
    units: Mapping[str, str]


def job_of(name: str, model: m.Model, plan: SimulationPlan | None) -> Job:
    """The job that a linked model asks for. Raises `InputError` with all that is wrong with it."""
    resolver = Resolver(model)
    require(model, resolver)
    if not any(is_core(kind.location) for kind in model.component_types):
        message = "the model has none of NeuroML's component types"
        hint = "the backends native and jlems run any LEMS model"
        raise UnsupportedError(Problem(message, model.location, "a NeuroML model", hint))
    refuse_beyond(model)
    plan = plan or simulation_plan(model, resolver)
    return Job(name, model, resolver, plan, units_of_model(model, plan))
