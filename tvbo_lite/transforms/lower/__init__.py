"""Lower an experiment, as people write it, to the LEMS model that it means.

Nodes that share a dynamics become the population ``<dynamics>_pop``; an edge without coupling that
starts at a current input becomes an explicit input, one with coupling a connection; equations become a
component type. The variables of recorded nodes go to one output file for each population. Component
types, populations, projections, inputs and recordings that the document lists itself become just these.
What cannot be expressed is refused by name, never left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.schema import Network, Node
from tvbo_lite.schema.integration import ADAPTIVE, seconds
from tvbo_lite.transforms.expand import expand
from tvbo_lite.transforms.expand.names import with_lems_names
from tvbo_lite.transforms.lower.context import Context, OwnTypes, Path
from tvbo_lite.transforms.lower.couplings import read_couplings
from tvbo_lite.transforms.lower.declared import (
    add_component_types,
    assertions,
    constants,
    own_dimensions,
    own_units,
    with_own,
)
from tvbo_lite.transforms.lower.equations import Lowering
from tvbo_lite.transforms.lower.network import NETWORK_ID, Wiring
from tvbo_lite.transforms.lower.noise import beyond_lems, row_step
from tvbo_lite.transforms.lower.normal_numbers import with_normal_numbers
from tvbo_lite.transforms.lower.own_types import type_of
from tvbo_lite.transforms.lower.refuse import is_mention, refuse_rest
from tvbo_lite.transforms.lower.samples import tables
from tvbo_lite.transforms.lower.sections import is_grouped, surrounded
from tvbo_lite.transforms.lower.simulation import extra_units, simulation
from tvbo_lite.transforms.lower.spike_pulses import add_pulse_types, pulsed_inputs
from tvbo_lite.transforms.lower.stimulation import without_stimuli
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Experiment
    from tvbo_lite.transforms.lower.population import Population

__all__ = ["lower"]

INCLUDES = ("Cells.xml", "Networks.xml", "Inputs.xml", "Simulation.xml")
MORE_INCLUDES = ("PyNN.xml",)  # only where a type of theirs is used
UNNAMED = "cell"

_EXPERIMENT = (
    "dynamics", "network", "integration", "component_types", "dimensions", "units", "constants",
    "assertions", "recordings", "observations", "target", "core", "explorations",
)  # fmt: skip
_NETWORK = (
    "number_of_nodes", "dynamics", "nodes", "edges", "coupling", "within", "populations", "projections",
    "inputs", "components", "order",
)  # fmt: skip
_GROUPED = ("parameters", "iri")  # what only a network of populations has


def lower(experiment: Experiment, types: TypeTable, units: UnitTable) -> lems.Model:
    """The LEMS model of ``experiment``; ``types`` and ``units`` are those of the NeuroML core files.

    Raises:
        ModelError: an unknown type, node or attribute, a missing one, or an impossible edge.
        UnitError: a quantity with an unknown unit or the wrong dimension.
        UnsupportedError: something right that cannot be lowered yet.
    """
    experiment, renamed = with_lems_names(experiment)
    if not experiment.core:
        types, units = TypeTable(()), UnitTable((), ())
    context = Lowering(OwnTypes(types), with_own(units, experiment), experiment.locate)
    integration = experiment.integration
    if integration is not None:
        context.time_scale = integration.time_scale
        context.row_step = row_step(integration)
        if integration.method not in ADAPTIVE:
            context.step = seconds(integration.step_size, integration.time_scale)
    network = experiment.network
    if network is not None and network.populations:
        context.differing = dict(network.dynamics)
        context.pulsed = pulsed_inputs(network)
    experiment = with_normal_numbers(without_stimuli(context, expand(experiment, context)))
    refuse_rest(experiment, _EXPERIMENT, (), "experiment", context)
    add_component_types(context, experiment)
    pulses = (add_pulse_types(context),) if context.pulsed else ()
    wiring = _wire(context, experiment)
    wiring.add(pulses, ("network", "projections"))
    target = _add_network(context, experiment, wiring)
    _check_observations(context, experiment, wiring)
    includes = _includes(wiring, context.types) if experiment.core else ()
    beyond = replace(
        beyond_lems(context, experiment),
        samples=tables(context),
        delays=tuple(context.all_delays()),
        intervals=tuple(context.intervals),
    )
    context.raise_problems()
    return lems.Model(
        target=target,
        report_file=integration.report if integration is not None else None,
        includes=includes,
        dimensions=(*own_dimensions(experiment), *context.dimensions.values()),
        units=(*own_units(experiment), *(extra_units(experiment, context.units) if integration else ())),
        constants=constants(experiment),
        component_types=tuple(context.types.own.values()),
        components=tuple(wiring.components.values()),
        assertions=assertions(experiment),
        location=experiment.locate(()),
        beyond=beyond,
        renamed=renamed,
    )


def _add_network(context: Lowering, experiment: Experiment, wiring: Wiring) -> str | None:
    """Add the network and its simulation; the id of what runs."""
    network, integration = _network(experiment), experiment.integration
    alone = _is_without_network(experiment)
    simulated = integration.target if integration is not None else None
    populations: list[Population] = []
    inside = ""
    if not alone:
        name = context.name(network.name or NETWORK_ID, ("network", "name"), "a network")
        found = wiring.component(name)
        populations = list(wiring.populations.values())
        if is_grouped(network):
            from tvbo_lite.transforms.lower.group_network import GroupNetwork  # rules, tables, places

            grouped = GroupNetwork(context, network, wiring.named, wiring.kinds, wiring.components)
            found, populations = grouped.component(name), grouped.recorded
        outer = surrounded(context, wiring.environment.around(found), network.within)
        inside = "" if outer.id == name else f"{name}/"
        simulated = simulated or outer.id
        wiring.add((outer,), ("network",))
    if experiment.target is not None and integration is None:
        message = f"there is no '{experiment.target}' in network.dynamics to run"
        context.among(experiment.target, wiring.components, ("target",), message)
        return experiment.target
    if simulated is not None:
        message = f"there is no '{simulated}' to simulate"
        context.among(simulated, wiring.components, ("integration", "target"), message)
    run = simulation(context, experiment, simulated or "", populations, inside)
    wiring.add((run,), ("integration",))
    return experiment.target or run.id


def _check_observations(context: Context, experiment: Experiment, wiring: Wiring) -> None:
    """What is observed has to be recorded."""
    if not experiment.observations:
        return
    from tvbo_lite.transforms.observations import check_observations  # with numpy

    files = (child for item in wiring.components.values() for child in item.children)
    columns = (column for file in files if file.tag == "OutputFile" for column in file.children)
    quantities = [column.attributes.get("quantity", "") for column in columns]
    integration = experiment.integration
    step = integration.in_time_scale(integration.step_size) if integration is not None else 0.0
    check_observations(experiment.observations, quantities, step, context)


def _network(experiment: Experiment) -> Network:
    return experiment.network or Network.model_validate({})


def _is_without_network(experiment: Experiment) -> bool:
    """Whether one component is named that runs, and nothing says of what a network consists."""
    integration, network = experiment.integration, _network(experiment)
    named = experiment.target or (integration is not None and integration.target)
    return bool(named) and experiment.dynamics is None and not (network.nodes or is_grouped(network))


def _wire(context: Lowering, experiment: Experiment) -> Wiring:
    network = _network(experiment)
    default = (experiment.dynamics.name or UNNAMED) if experiment.dynamics else ""
    placed = frozenset(node.dynamics or default for node in network.nodes if node.position is not None)
    wiring = Wiring(context, _named(context, experiment, network, default), placed)
    context.names.update(wiring.named)
    grouped = is_grouped(network)
    refuse_rest(network, _NETWORK + (_GROUPED if grouped else ()), ("network",), "network", context)
    without_nodes = grouped or _is_without_network(experiment)
    nodes = [] if without_nodes else _nodes(context, network, default)
    known = {node.id: node.dynamics or default for node, _ in nodes}
    context.couplings = read_couplings(context, network, wiring.named, known)
    wiring.add_dynamics()
    if without_nodes:
        return wiring
    for node, path in nodes:
        wiring.add_node(node, node.dynamics or default, path)
    for index, edge in enumerate(network.edges):
        wiring.add_edge(edge, ("network", "edges", index))
    return wiring


def _named(
    context: Lowering, experiment: Experiment, network: Network, default: str
) -> dict[str, tuple[Dynamics, Path]]:
    """All dynamics by name, each with its place; the experiment's own counts where a node uses it."""
    path: Path = ("network", "dynamics")
    named: dict[str, tuple[Dynamics, Path]] = {
        name: (dynamics, (*path, name)) for name, dynamics in network.dynamics.items()
    }
    own = experiment.dynamics
    if own is None:
        return named
    used = not network.nodes or any(node.dynamics in (None, default) for node in network.nodes)
    if is_mention(own) and own.iri and not (used and default not in named):
        type_of(context, own, ("dynamics",), default)
    if default not in named:
        if used:
            return {default: (own, ("dynamics",)), **named}
        if not is_mention(own):
            context.report(("dynamics",), f"no node has the dynamics '{default}'", "a node that uses it")
    elif not is_mention(own) and own != network.dynamics[default]:
        message = f"the dynamics '{default}' is given twice, and differently"
        context.report(("dynamics",), message, f"one of them; here 'name: {default}' is enough")
    return named


def _nodes(context: Context, network: Network, default: str) -> list[tuple[Node, Path]]:
    """The nodes with their places; where none are listed, ``number_of_nodes`` alike."""
    if network.nodes:
        _check_count(context, network)
        return [(node, ("network", "nodes", index)) for index, node in enumerate(network.nodes)]
    if not default:
        context.report((), "the experiment has neither dynamics nor nodes", "'dynamics: ...'")
        return []
    return [(Node.model_validate({"id": index}), ("dynamics",)) for index in range(network.number_of_nodes)]


def _check_count(context: Context, network: Network) -> None:
    """``number_of_nodes`` counts the cells alone or all nodes, both are found in published experiments."""
    wanted, there = network.number_of_nodes, len(network.nodes)
    if wanted > there:
        message = f"number_of_nodes is {wanted}, but {there} nodes are listed"
        context.report(("network", "number_of_nodes"), message, f"at most {there}")


def _includes(wiring: Wiring, types: OwnTypes) -> tuple[lems.Include, ...]:
    kinds = (item.type or item.tag for item in wiring.components.values())
    used = {name for kind in kinds if kind in types for name in types.get(kind).lineage}
    homes = {PurePosixPath(types.get(name).declared.location.file or "").name for name in used}
    return tuple(map(lems.Include, (*INCLUDES, *(name for name in MORE_INCLUDES if name in homes))))
