"""The LEMS model as frozen dataclasses, one for each element of the language.

Source: Cannon et al. (2014), "LEMS: a language for expressing complex biological models in concise
and hierarchical form", Front. Neuroinform. 8:79, and the LEMS 0.7.6 schema.

The classes hold what a document says, as text where it is text (``"30 mV"``, ``"a * (b - v)"``):
numbers, units and expressions are worked out by `tvbo_lite.transforms`. Equality ignores locations
and descriptions, so a model written to XML and read again is equal to the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tvbo_lite.errors import NOWHERE, Location
from tvbo_lite.lems.beyond import Beyond
from tvbo_lite.lems.renamed import Renamed


def _where() -> Location:
    return field(default=NOWHERE, compare=False, repr=False)


def _prose() -> str | None:
    return field(default=None, compare=False, repr=False)


# ---- dimensions and units -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dimension:
    """Exponents of mass, length, time, current, temperature, amount of substance, luminous intensity."""

    name: str
    m: int = 0
    l: int = 0  # noqa: E741  the LEMS attribute's own name
    t: int = 0
    i: int = 0
    k: int = 0
    n: int = 0
    j: int = 0
    location: Location = _where()

    @property
    def exponents(self) -> tuple[int, int, int, int, int, int, int]:
        return (self.m, self.l, self.t, self.i, self.k, self.n, self.j)


@dataclass(frozen=True, slots=True)
class Unit:
    """SI value = (number + offset) * scale * 10**power, multiplied in that order."""

    symbol: str
    dimension: str
    power: int = 0
    scale: float = 1.0
    offset: float = 0.0
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Assertion:
    """The claim that a product or quotient of dimensions (``matches``) is the dimension ``dimension``."""

    dimension: str
    matches: str
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Constant:
    """A named quantity; global in a model, or local to a component type.

    Expressions know a global constant by its ``symbol`` (its name is for people), one of a type by its name.
    """

    name: str  # empty where only the symbol is given
    value: str
    dimension: str = "none"
    symbol: str | None = None
    location: Location = _where()


# ---- what a component type declares ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    dimension: str = "none"
    description: str | None = _prose()
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class DerivedParameter:
    """An expression of other parameters (``value``), or the parameter of another component (``select``)."""

    name: str
    value: str | None = None
    dimension: str = "none"
    select: str | None = None
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Fixed:
    """Gives an inherited parameter one value for all components of the type."""

    parameter: str
    value: str
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Property:
    """A value that each instance may be given anew (``Assign``), such as a connection's weight."""

    name: str
    dimension: str = "none"
    default: str | None = None
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Reference:
    """``ComponentReference``, ``Link`` or ``ComponentRequirement``: names another component."""

    name: str
    type: str | None = None
    local: bool = False
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class ChildSlot:
    """``Child`` (one) or ``Children`` (``many``): where components of ``type`` may be nested."""

    name: str
    type: str
    many: bool = False
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Attachments:
    name: str
    type: str
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Requirement:
    name: str
    dimension: str = "none"
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Exposure:
    name: str
    dimension: str = "none"
    description: str | None = _prose()
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class EventPort:
    name: str
    direction: str  # "in" or "out"
    location: Location = _where()


# ---- dynamics ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateVariable:
    name: str
    dimension: str = "none"
    exposure: str | None = None
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class TimeDerivative:
    variable: str
    value: str
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class DerivedVariable:
    """Either an expression (``value``) or a path (``select``, with ``reduce`` over many targets)."""

    name: str
    dimension: str = "none"
    exposure: str | None = None
    value: str | None = None
    select: str | None = None
    reduce: str | None = None
    required: bool = True
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Case:
    value: str
    condition: str | None = None
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class ConditionalDerivedVariable:
    name: str
    dimension: str = "none"
    exposure: str | None = None
    cases: tuple[Case, ...] = ()
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class StateAssignment:
    variable: str
    value: str
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Action:
    """What an ``OnStart``, ``OnCondition``, ``OnEvent`` or ``OnEntry`` does.

    Assignments happen first, one after the other, then the events, then the transition.
    """

    assignments: tuple[StateAssignment, ...] = ()
    events: tuple[str, ...] = ()
    transition: str | None = None
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class OnCondition:
    test: str
    action: Action
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class OnEvent:
    port: str
    action: Action
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Regime:
    name: str
    initial: bool = False
    derivatives: tuple[TimeDerivative, ...] = ()
    derived: tuple[DerivedVariable, ...] = ()
    on_entry: tuple[Action, ...] = ()
    on_condition: tuple[OnCondition, ...] = ()
    on_event: tuple[OnEvent, ...] = ()
    state_variables: tuple[StateVariable, ...] = ()
    location: Location = _where()

    def actions(self) -> Iterator[Action]:
        """On entry, then on events, then on conditions."""
        yield from self.on_entry
        yield from (item.action for item in self.on_event)
        yield from (item.action for item in self.on_condition)


@dataclass(frozen=True, slots=True)
class KineticScheme:
    """Markov states (``nodes``) and transitions (``edges``) whose occupancies the engine advances."""

    name: str
    nodes: str
    state_variable: str
    edges: str
    edge_source: str
    edge_target: str
    forward_rate: str
    reverse_rate: str
    dependency: str | None = None
    step: str | None = None
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Dynamics:
    simultaneous: bool = False
    state_variables: tuple[StateVariable, ...] = ()
    derivatives: tuple[TimeDerivative, ...] = ()
    derived: tuple[DerivedVariable, ...] = ()
    conditional: tuple[ConditionalDerivedVariable, ...] = ()
    on_start: tuple[Action, ...] = ()
    on_condition: tuple[OnCondition, ...] = ()
    on_event: tuple[OnEvent, ...] = ()
    regimes: tuple[Regime, ...] = ()
    kinetic_schemes: tuple[KineticScheme, ...] = ()
    location: Location = _where()

    def actions(self) -> Iterator[Action]:
        """Every action outside the regimes, then those in them."""
        yield from self.on_start
        yield from (item.action for item in self.on_condition)
        yield from (item.action for item in self.on_event)
        for regime in self.regimes:
            yield from regime.actions()


# ---- structure and simulation ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Builder:
    """One element of ``Structure`` or of a type's ``Simulation`` section, as written.

    ``kind`` is the element's name (``MultiInstantiate``, ``With``, ``EventConnection``, ``Run``,
    ``Record``, ...); the meaning of each is a rule of `tvbo_lite.transforms`.
    """

    kind: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Builder, ...] = ()
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class ComponentType:
    """A LEMS component type: what its components have, and how they change in time."""

    name: str
    extends: str | None = None
    description: str | None = _prose()
    parameters: tuple[Parameter, ...] = ()
    index_parameters: tuple[Parameter, ...] = ()
    derived_parameters: tuple[DerivedParameter, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    properties: tuple[Property, ...] = ()
    constants: tuple[Constant, ...] = ()
    texts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    links: tuple[Reference, ...] = ()
    references: tuple[Reference, ...] = ()
    component_requirements: tuple[Reference, ...] = ()
    instance_requirements: tuple[Reference, ...] = ()
    children: tuple[ChildSlot, ...] = ()
    attachments: tuple[Attachments, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    event_ports: tuple[EventPort, ...] = ()
    dynamics: Dynamics | None = None
    structure: tuple[Builder, ...] = ()
    simulation: tuple[Builder, ...] = ()
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Component:
    """A component as written: its type, id and attribute texts, and the components nested in it.

    ``tag`` is the element's name, which is the type's name or the name of the child slot it fills
    (``<forwardRate type="HHExpRate" .../>`` has tag ``forwardRate``, type ``HHExpRate``); ``type``
    is None where only the parent's slot tells it.
    """

    tag: str
    id: str | None = None
    type: str | None = None
    extends: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: Sequence[Component] = ()  # a tuple, or `tvbo_lite.lems.rows.Children`
    text: str | None = _prose()
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Include:
    file: str
    location: Location = _where()


@dataclass(frozen=True, slots=True)
class Model:
    """One document, or (``includes`` empty) a document together with all that it includes.

    ``components`` are in document order, the included ones first.
    """

    target: str | None = None
    report_file: str | None = None
    includes: tuple[Include, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    units: tuple[Unit, ...] = ()
    constants: tuple[Constant, ...] = ()
    component_types: tuple[ComponentType, ...] = ()
    components: tuple[Component, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    location: Location = _where()
    beyond: Beyond = Beyond()  # noise, samples, integration method
    renamed: tuple[Renamed, ...] = field(default=(), compare=False, repr=False)

    def _repr_html_(self) -> str:
        import tvbo_lite

        return tvbo_lite.model_html(self)
