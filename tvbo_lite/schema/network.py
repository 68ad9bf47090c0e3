"""Nodes, edges, and ways to generate them."""

from typing import Annotated

from pydantic import Field

from tvbo_lite.schema.base import (
    IN_MICROMETRES,
    IN_TIME_SCALE,
    Count,
    Described,
    Flag,
    Item,
    Named,
    Names,
    Number,
    SchemaModel,
    Text,
    Whole,
    at_most,
)
from tvbo_lite.schema.dynamics import Dynamics, DynamicsMap
from tvbo_lite.schema.populations import InputMap, PopulationMap, ProjectionMap
from tvbo_lite.schema.values import Equation, Parameter, ParameterMap

MAX_NODES = 1_000_000
"""Of a network without populations, which makes an object for each."""

__all__ = ["Coupling", "Edge", "GraphGenerator", "Network", "Node", "Position"]


class Position(SchemaModel):
    """A place in space, in µm."""

    x: Number = Field(default=0, description="In µm.", json_schema_extra=IN_MICROMETRES)
    y: Number = Field(default=0, description="In µm.", json_schema_extra=IN_MICROMETRES)
    z: Number = Field(default=0, description="In µm.", json_schema_extra=IN_MICROMETRES)


class Node(Described):
    """One instance of a dynamics."""

    id: Whole = Field(description="Whole number by which edges name this node; gaps are allowed.")
    dynamics: Text | None = Field(
        default=None,
        description="A name in 'network.dynamics', or a NeuroML type; left out: the experiment's.",
    )
    parameters: ParameterMap = Field(default_factory=dict, description="Values that differ for this node.")
    position: Position | None = Field(default=None, description="Place in space, in µm.")
    record: Flag = Field(default=True, description="Whether a run keeps the traces of this node.")


class Edge(Described):
    """A connection between two nodes, or an input onto a node."""

    source: Whole = Field(description="Id of the node it comes from.")
    target: Whole = Field(description="Id of the node it goes to.")
    coupling: Text | None = Field(
        default=None,
        description="A NeuroML synapse type, or a name in 'network.dynamics'; none for an input.",
    )
    parameters: ParameterMap = Field(
        default_factory=dict, description="'weight', 'delay', places on the cells, attributes of the synapse."
    )
    weight: Parameter | None = Field(default=None, description="Factor of the effect.")
    delay: Parameter | None = Field(
        default=None, description="Time from source to target.", json_schema_extra=IN_TIME_SCALE
    )
    source_var: Text | None = Field(default=None, description="Variable of the source that is read.")
    target_var: Text | None = Field(default=None, description="Input of the target that receives.")


class GraphGenerator(Described):
    """A rule that makes the edges."""

    type: Text = Field(
        description="Kind of graph.",
        json_schema_extra={
            "examples": [
                "Complete",
                "ErdosRenyi",
                "WattsStrogatz",
                "BarabasiAlbert",
                "RandomRegular",
                "Grid",
                "Cycle",
                "Star",
            ]
        },
    )
    seed: Whole | None = Field(default=None, description="Seed of the random numbers.")
    directed: Flag = Field(default=False, description="Whether an edge goes only one way.")
    parameters: ParameterMap = Field(default_factory=dict, description="Parameters, such as 'p' or 'k'.")


class Coupling(Described, Item):
    """How the states of the sources enter a target."""

    iri: Text | None = Field(default=None, description="Term of an ontology, or a NeuroML type.")
    parameters: ParameterMap = Field(default_factory=dict, description="Constants of the coupling.")
    pre_expression: Equation | None = Field(
        default=None, description="Applied to each source, before the sum."
    )
    post_expression: Equation | None = Field(default=None, description="Applied to the sum ('gx').")
    incoming_states: Names = Field(default_factory=list, description="Variables read from the sources.")
    local_states: Names = Field(default_factory=list, description="Variables read from the target.")
    delayed: Flag = Field(default=True, description="Whether the delays of the edges count.")
    sparse: Flag = Field(default=False, description="Whether most weights are zero.")


class Network(Described, Item):
    """Nodes, what they do, and how they are connected; or populations, projections and inputs.

    ``name`` is the id of the network in LEMS, ``net1`` where it is left out.
    """

    number_of_nodes: Annotated[Count, at_most(MAX_NODES, "populations hold more")] = Field(
        default=1, description="Number of nodes where 'nodes' does not list them."
    )
    dynamics: DynamicsMap = Field(default_factory=dict, description="Cells, synapses and inputs by name.")
    nodes: list[Node] = Field(default_factory=list, description="The nodes.")
    edges: list[Edge] = Field(default_factory=list, description="The connections and inputs.")
    graph_generator: GraphGenerator | None = Field(default=None, description="Rule that makes the edges.")
    coupling: Annotated[dict[str, Coupling], Named()] = Field(
        default_factory=dict, description="Coupling functions by name."
    )
    parameters: ParameterMap = Field(
        default_factory=dict, description="Constants of the whole network; attributes of its 'iri'."
    )
    iri: Text | None = Field(
        default=None,
        description="Type of the network; left out: neuroml:network.",
        json_schema_extra={"examples": ["neuroml:networkWithTemperature"]},
    )
    populations: PopulationMap = Field(
        default_factory=dict, description="Cells in numbers; in place of 'nodes' and 'edges'."
    )
    projections: ProjectionMap = Field(default_factory=dict, description="Connections between populations.")
    inputs: InputMap = Field(default_factory=dict, description="Currents onto cells of populations.")
    components: DynamicsMap = Field(default_factory=dict, description="Other parts of the network.")
    order: Names = Field(
        default_factory=list,
        description="Sections or names in the order of the LEMS document; left out: 'populations', "
        "'projections', 'inputs', 'components'.",
    )
    within: Dynamics | None = Field(
        default=None, description="Component in which the network stands, such as tissue; it is what runs."
    )
