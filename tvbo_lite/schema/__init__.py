"""The YAML dialect as pydantic models, and how documents become checked experiments."""

from tvbo_lite.schema.dynamics import (
    CouplingInput,
    DerivedParameter,
    DerivedVariable,
    Dynamics,
    Event,
    StateVariable,
)
from tvbo_lite.schema.experiment import Experiment
from tvbo_lite.schema.exploration import Axis, Exploration, Observation
from tvbo_lite.schema.integration import METHODS, TIME_SCALES, Integrator
from tvbo_lite.schema.network import Coupling, Edge, GraphGenerator, Network, Node, Position
from tvbo_lite.schema.stimulation import Samples, Stimulus
from tvbo_lite.schema.values import Case, Distribution, Domain, Equation, Function, Noise, Parameter

__all__ = [
    "METHODS",
    "TIME_SCALES",
    "Axis",
    "Case",
    "Coupling",
    "CouplingInput",
    "DerivedParameter",
    "DerivedVariable",
    "Distribution",
    "Domain",
    "Dynamics",
    "Edge",
    "Equation",
    "Event",
    "Experiment",
    "Exploration",
    "Function",
    "GraphGenerator",
    "Integrator",
    "Network",
    "Node",
    "Noise",
    "Observation",
    "Parameter",
    "Position",
    "Samples",
    "StateVariable",
    "Stimulus",
]
