"""The root of a document."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, PrivateAttr, WithJsonSchema

from tvbo_lite.errors import Location
from tvbo_lite.schema.base import Described, Flag, Named, Names, Text, describe, fault
from tvbo_lite.schema.component_types import (
    AssertionSpec,
    ComponentTypeMap,
    ConstantMap,
    DimensionMap,
    UnitMap,
)
from tvbo_lite.schema.dynamics import Dynamics, EventMap
from tvbo_lite.schema.exploration import Exploration, Observation
from tvbo_lite.schema.integration import Integrator
from tvbo_lite.schema.network import Coupling, Network
from tvbo_lite.schema.paths import Locator
from tvbo_lite.schema.recordings import Recordings
from tvbo_lite.schema.stimulation import StimulationMap
from tvbo_lite.schema.values import FunctionMap

__all__ = ["Experiment"]


def _identifier(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise fault(f"found {describe(value)}", "a text or a whole number")
    return value


Identifier = Annotated[
    int | str, PlainValidator(_identifier), WithJsonSchema({"type": ["string", "integer"]})
]


class Experiment(Described):
    """A simulation experiment: what is simulated, how it is connected, and for how long."""

    model_config = ConfigDict(title="SimulationExperiment")

    id: Identifier | None = Field(default=None, description="Identifier of the experiment.")
    references: Names = Field(default_factory=list, description="Publications.")
    dynamics: Dynamics | None = Field(
        default=None, description="What each node does, unless the network says otherwise."
    )
    network: Network | None = Field(default=None, description="Nodes and edges; left out: one node.")
    integration: Integrator | None = Field(default=None, description="Method, time step and duration.")
    coupling: Coupling | None = Field(default=None, description="How the nodes act on each other.")
    stimulation: StimulationMap = Field(
        default_factory=dict, description="Inputs from outside: one, or several by name."
    )
    observations: Annotated[dict[str, Observation], Named()] = Field(
        default_factory=dict, description="What to compute from a run."
    )
    explorations: Annotated[dict[str, Exploration], Named()] = Field(
        default_factory=dict, description="Runs over a space of parameter values."
    )
    functions: FunctionMap = Field(default_factory=dict, description="Functions that all equations may call.")
    events: EventMap = Field(default_factory=dict, description="Events of the whole experiment.")
    component_types: ComponentTypeMap = Field(
        default_factory=dict, description="LEMS component types of this document."
    )
    core: Flag = Field(
        default=True,
        description="Whether NeuroML's core types are there; false where the document declares all types.",
    )
    dimensions: DimensionMap = Field(default_factory=dict, description="Dimensions of this document.")
    units: UnitMap = Field(default_factory=dict, description="Units of this document, by symbol.")
    constants: ConstantMap = Field(default_factory=dict, description="Constants of this document.")
    assertions: list[AssertionSpec] = Field(
        default_factory=list, description="Claims about dimensions, which readers of LEMS check."
    )
    recordings: Recordings | None = Field(
        default=None, description="What a run writes and shows; left out: the traces of recorded nodes."
    )
    target: Text | None = Field(
        default=None,
        description="Component in 'network.dynamics' that runs; left out: the simulation by 'integration'.",
    )

    _locator: Locator = PrivateAttr(default_factory=Locator)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the locator that `load` hands over."""
        if isinstance(context, Locator):
            self._locator = context

    def locate(self, path: tuple[str | int, ...]) -> Location:
        """The place in the user's file of a thing of this experiment.

        Args:
            path: names of fields, keys of maps and indices of lists, such as ``("network", "edges", 3)``
                or ``("network", "dynamics", "izBurst", "parameters", "a")``.
        """
        return self._locator(path)
