"""Spikes that act at once: each adds its weight to a coupling input of the target, for one step.

That is how the cells of pulse-coupled networks are connected (Izhikevich 2003, IEEE Trans. Neural Networks
14:1569). In LEMS each coupling input that pulses enter has a list of its own, of synapses that show the sum
of the weights that arrived since the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.lems import model as lems

if TYPE_CHECKING:
    from tvbo_lite.schema import CouplingInput, Dynamics, Network
    from tvbo_lite.schema.populations import Projection
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.equations import Equations

__all__ = [
    "CONNECTION",
    "PROJECTION",
    "SYNAPSE",
    "add_pulse_types",
    "pulse_list",
    "pulsed_input",
    "pulsed_inputs",
    "receive",
]

SYNAPSE = "spikePulse"
CONNECTION = "spikePulseConnection"
PROJECTION = "spikePulseProjection"
_VALUE = "I"


def pulse_list(name: str) -> str:
    """The list of a cell that takes the pulses for a coupling input."""
    return f"{name}_pulses"


def pulsed_input(dynamics: Dynamics | None, item: Projection) -> str | None:
    """The coupling input of the target that a projection without synapse adds to."""
    known = tuple(dynamics.coupling_inputs) if dynamics is not None else ()
    if item.target_var is not None:
        return item.target_var if item.target_var in known else None
    return known[0] if len(known) == 1 else None


def pulsed_inputs(network: Network) -> frozenset[tuple[str, str]]:
    """Pairs of a dynamics and one of its coupling inputs that pulses enter."""
    found = set()
    for item in network.projections.values():
        population = network.populations.get(item.target)
        if item.synapse is None and population is not None:
            name = pulsed_input(network.dynamics.get(population.dynamics), item)
            if name is not None:
                found.add((population.dynamics, name))
    return frozenset(found)


def receive(equations: Equations, key: str, item: CouplingInput, path: Path) -> lems.Attachments:
    """Makes a coupling input the sum of the pulses that arrived."""
    if item.unit:
        message = f"{equations.owner}: pulses enter '{key}', which has the unit '{item.unit}'"
        equations.context.report(path, message, "an input without unit, or a synapse", kind=UnitError)
    select = f"{pulse_list(key)}[*]/{_VALUE}"
    equations.scope.known[key] = equations.context.exponents("none")
    equations.derived.plain.append(lems.DerivedVariable(key, "none", select=select, reduce="add"))
    return lems.Attachments(pulse_list(key), SYNAPSE)


def add_pulse_types(context: Context) -> lems.Component:
    """The synapse with its types."""
    context.types.add(_synapse_type())
    context.types.add(_connection_type())
    context.types.add(_projection_type(context))
    return lems.Component(SYNAPSE, SYNAPSE)


def _synapse_type() -> lems.ComponentType:
    """What has arrived is shown for one step, and then taken away; what arrives meanwhile stays."""
    take = lems.Action((lems.StateAssignment("arrived", f"arrived - {_VALUE}"),))
    return lems.ComponentType(
        SYNAPSE,
        extends="basePointCurrentDL",
        description="Adds the weights of all spikes that arrived since the last step.",
        properties=(lems.Property("weight", "none", "1"),),
        event_ports=(lems.EventPort("in", "in"),),
        dynamics=lems.Dynamics(
            state_variables=(lems.StateVariable("arrived"),),
            derived=(lems.DerivedVariable(_VALUE, exposure=_VALUE, value="arrived"),),
            on_condition=(lems.OnCondition("t .geq. 0", take),),
            on_event=(
                lems.OnEvent("in", lems.Action((lems.StateAssignment("arrived", "arrived + weight"),))),
            ),
        ),
    )


def _projection_type(context: Context) -> lems.ComponentType:
    """A projection whose synapse is a pulse; LEMS does not pass on texts and paths."""
    usual = context.types.get("projection")
    synapse = lems.Reference("synapse", SYNAPSE)
    return lems.ComponentType(
        PROJECTION, usual.name, references=(synapse,), texts=usual.texts, paths=usual.paths
    )


def _connection_type() -> lems.ComponentType:
    """NeuroML's connectionWD names no list, so that it needs cells with a single one."""
    structure = (
        lems.Builder("With", {"instance": "preCellId", "as": "a"}),
        lems.Builder("With", {"instance": "postCellId", "as": "b"}),
        lems.Builder(
            "EventConnection",
            {
                "from": "a",
                "to": "b",
                "receiver": "../synapse",
                "receiverContainer": "destination",
                "delay": "delay",
            },
            (lems.Builder("Assign", {"property": "weight", "value": "weight"}),),
        ),
    )
    return lems.ComponentType(
        CONNECTION,
        extends="connectionWD",
        texts=("destination",),
        paths=("preCellId", "postCellId"),
        structure=structure,
    )
