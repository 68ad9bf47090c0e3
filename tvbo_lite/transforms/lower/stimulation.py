"""Inputs from outside become derived variables of the dynamics that receive them.

A stimulus adds to a parameter, a derived variable or a coupling input. Where it has a beginning, an end or
samples, a step of the Euler method takes the value that holds when the step begins; since LEMS shows a
step the time at its end, the limits stand half a step later in the equations. Not so with samples that
are too many for equations: they need the engine's own Euler method, which sees the time at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import nearest
from tvbo_lite.transforms.lower.equations import has_equations
from tvbo_lite.transforms.lower.stimulated import Clock, Given, Stimulated, target_of, targets

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Experiment, Stimulus
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["without_stimuli"]


def without_stimuli(context: Context, experiment: Experiment) -> Experiment:
    """The experiment with its stimuli in the equations of the dynamics; what cannot be is reported."""
    places = _places(experiment)
    given = _given(context, experiment, places)
    if not any(given.values()):
        return experiment.model_copy(update={"stimulation": {}})
    clock = Clock.of(context, experiment)
    stimuli = [item for found in given.values() for item in found]
    courses = {item.path: clock.course(context, item) for item in stimuli if item.stimulus.samples}
    if any(course.is_long for course in courses.values()):
        clock = replace(clock, late=0.0)
    changed = {
        place: Stimulated(context, dynamics, clock, courses).with_all(given[place])
        for place, dynamics in places.items()
    }
    update: dict[str, Any] = {"stimulation": {}}
    if ("dynamics",) in changed:
        update["dynamics"] = changed["dynamics",]
    if experiment.network is not None:
        named = {name: changed["network", "dynamics", name] for name in experiment.network.dynamics}
        update["network"] = experiment.network.model_copy(update={"dynamics": named})
    return experiment.model_copy(update=update)


def _places(experiment: Experiment) -> dict[Path, Dynamics]:
    """All dynamics of the experiment by their places."""
    found: dict[Path, Dynamics] = {}
    if experiment.dynamics is not None:
        found["dynamics",] = experiment.dynamics
    if experiment.network is not None:
        found |= {("network", "dynamics", name): item for name, item in experiment.network.dynamics.items()}
    return found


def _given(
    context: Context, experiment: Experiment, places: Mapping[Path, Dynamics]
) -> dict[Path, list[Given]]:
    """The stimuli of each dynamics: its own, and those of the experiment that reach it."""
    given: dict[Path, list[Given]] = {
        place: [Given(item.stimulus, (*place, "stimulus"))] if item.stimulus is not None else []
        for place, item in places.items()
    }
    for place, found in given.items():
        for item in found:
            if item.stimulus.regions is not None:
                here = (*item.path, "regions")
                context.unsupported(here, f"{place[-1]}: a dynamics has no regions of its own")
    for name, stimulus in experiment.stimulation.items():
        path: Path = ("stimulation", name)
        reached = list(_reached(context, experiment, places, stimulus, path))
        for place, factor in reached:
            given[place].append(Given(stimulus, path, factor))
        if not reached and not context.found:
            known = [key for item in places.values() for key in targets(item)]
            target = stimulus.target_var
            what = f"'{target}'" if target else "one coupling input alone"
            message = f"{name}: no dynamics by equations has {what}"
            expected = None if target else "'target_var: ...'"
            context.report(path, message, expected, nearest(target or "", known))
    return given


def _reached(
    context: Context, experiment: Experiment, places: Mapping[Path, Dynamics], stimulus: Stimulus, path: Path
) -> Iterator[tuple[Path, float]]:
    """The dynamics that a stimulus reaches, each with a factor: all with its variable, or its regions."""
    factors = _factors(context, stimulus, path)
    for place, dynamics in places.items():
        if not has_equations(dynamics) or target_of(dynamics, stimulus) not in targets(dynamics):
            continue
        if factors is None:
            yield place, 1.0
            continue
        found = {factors.get(node, 0.0) for node in _nodes(experiment, place, dynamics)}
        if len(found) > 1:
            message = f"{path[-1]}: the nodes with the dynamics '{dynamics.name}' receive it differently"
            hint = "give the nodes that receive it a dynamics of their own"
            context.unsupported((*path, "regions"), message, hint)
        elif found and found != {0.0}:
            yield place, found.pop()


def _factors(context: Context, stimulus: Stimulus, path: Path) -> dict[int, float] | None:
    """The factor of each node that is named; None where all receive it alike."""
    regions, weights = stimulus.regions, stimulus.weighting
    if weights is not None and len(weights) != len(regions or ()):
        message = f"{path[-1]}: there are {len(weights)} weights for {len(regions or ())} regions"
        context.report((*path, "weighting"), message, "one for each region")
        return {}
    if regions is None:
        return None
    return dict(zip(regions, weights or [1.0] * len(regions), strict=True))


def _nodes(experiment: Experiment, place: Path, dynamics: Dynamics) -> list[int]:
    """The ids of the nodes with a dynamics."""
    network = experiment.network
    if network is None or not network.nodes:
        return list(range(network.number_of_nodes if network is not None else 1))
    names = {dynamics.name, None} if place == ("dynamics",) else {dynamics.name}
    return [node.id for node in network.nodes if node.dynamics in names]
