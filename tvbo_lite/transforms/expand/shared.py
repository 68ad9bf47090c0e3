"""What an experiment says of all its dynamics, given to each that it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tvbo_lite.transforms.expand.known_couplings import known_coupling
from tvbo_lite.transforms.expand.parts import (
    changed,
    dynamics_of,
    has_equations,
    network_of,
    nodes_of,
    with_dynamics,
    with_network,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tvbo_lite.schema import Dynamics, Experiment, Function
    from tvbo_lite.transforms.expand.report import Path, Report

__all__ = ["with_shared"]

_COUPLING = "coupling"  # the name of a coupling that has none


def with_shared(experiment: Experiment, report: Report) -> Experiment:
    """The experiment with its coupling, functions, constants and events in their places."""
    for step in (_coupling, _known, _functions, _constants, _events):
        experiment = step(experiment, report)
    return experiment


def _each_dynamics(experiment: Experiment, change: Callable[[Dynamics], Dynamics]) -> Experiment:
    for name, (dynamics, _) in dynamics_of(experiment).items():
        new = change(dynamics)
        if new is not dynamics:
            experiment = with_dynamics(experiment, name, new)
    return experiment


def _coupling(experiment: Experiment, report: Report) -> Experiment:
    coupling, given = experiment.coupling, network_of(experiment).coupling
    if coupling is None:
        return experiment
    name = coupling.name or _COUPLING
    if name in given:
        report.report(("coupling",), f"the coupling '{name}' is also in network.coupling", "one of the two")
    named = changed(coupling, name=name)
    return changed(with_network(experiment, coupling={**given, name: named}), coupling=None)


def _known(experiment: Experiment, report: Report) -> Experiment:
    """Couplings that an ``iri`` names, with their expressions."""
    given = network_of(experiment).coupling
    if all(item.iri is None for item in given.values()):
        return experiment
    count, path = len(nodes_of(experiment)), ("network", "coupling")
    found = {
        name: known_coupling(item, count, (*path, name), report) if item.iri else item
        for name, item in given.items()
    }
    return with_network(experiment, coupling=found)


def _functions(experiment: Experiment, _: Report) -> Experiment:
    """Each dynamics gets the functions that it or a coupling calls, directly or through others."""
    shared = experiment.functions
    if not shared:
        return experiment
    everywhere = words(network_of(experiment).coupling)

    def added(dynamics: Dynamics) -> Dynamics:
        inside = {name: added(item) for name, item in dynamics.components.items()}
        changes: dict[str, Any] = {"components": inside} if inside != dynamics.components else {}
        new = _called(shared, words(dynamics) | everywhere)
        if has_equations(dynamics) and new:
            changes["functions"] = {**new, **dynamics.functions}
        return changed(dynamics, **changes) if changes else dynamics

    return changed(_each_dynamics(experiment, added), functions={})


def _called(shared: Mapping[str, Function], used: set[str]) -> dict[str, Function]:
    """The functions that are used, each after those that it calls."""
    found: dict[str, Function] = {}

    def add(name: str, around: frozenset[str]) -> None:
        for other in sorted(words(shared[name]) & shared.keys() - around - {name}):
            add(other, around | {name})
        found.setdefault(name, shared[name])

    for name in shared:
        if name in used:
            add(name, frozenset())
    return found


def _constants(experiment: Experiment, _: Report) -> Experiment:
    """Constants of the network, where equations and couplings name them and do not say otherwise."""
    network = network_of(experiment)
    if not network.parameters or network.iri is not None or network.populations:
        return experiment
    shared = network.parameters

    def added(dynamics: Dynamics) -> Dynamics:
        used = words(dynamics)
        groups = (
            dynamics.derived_parameters, dynamics.state_variables, dynamics.derived_variables,
            dynamics.coupling_inputs, dynamics.functions,
        )  # fmt: skip
        taken = {*dynamics.parameters, *(name for group in groups for name in group)}
        new = {name: item for name, item in shared.items() if name in used - taken}
        if not (has_equations(dynamics) and new):
            return dynamics
        return changed(dynamics, parameters={**dynamics.parameters, **new})

    couplings = {
        name: changed(
            item, parameters={**{k: v for k, v in shared.items() if k in words(item)}, **item.parameters}
        )
        for name, item in network.coupling.items()
    }
    experiment = with_network(experiment, parameters={}, coupling=couplings)
    return _each_dynamics(experiment, added)


def _events(experiment: Experiment, report: Report) -> Experiment:
    """Events become those of the dynamics that ``target_component`` names, or of the only one."""
    for name, event in experiment.events.items():
        known = {key: item for key, item in dynamics_of(experiment).items() if has_equations(item[0])}
        target = event.target_component or next(iter(known), "")
        path: Path = ("events", name)
        if target not in known or (event.target_component is None and len(known) > 1):
            message = f"event '{name}': nothing says which dynamics it happens to"
            expected = ", ".join(known) or "a dynamics with equations"
            report.report((*path, "target_component"), message, expected)
            continue
        dynamics = known[target][0]
        if name in dynamics.events:
            report.report(path, f"'{target}' has an event '{name}' already", "a name of its own")
            continue
        events = {**dynamics.events, name: changed(event, target_component=None)}
        experiment = with_dynamics(experiment, target, changed(dynamics, events=events))
    return changed(experiment, events={}) if experiment.events else experiment
