"""What a model's populations obey: groups of alike copies, each with one flat set of equations.

A group is a population, or what is attached to its cells (synapses, inputs). The tree of components below
each copy (gates, rates, ...) is flattened into it: a *part* for each component, in the order in which
jLEMS advances them, children first. Names are readable and unique in the group (``na_m_q``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import NOWHERE, Location
from tvbo_lite.expr.tree import Expr, Leaf, Name, children

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.plan import SimulationPlan

__all__ = [
    "Across", "Assignment", "CLOCK", "Deed", "Definition", "Edge", "Group", "Missing", "Outer",
    "Parameter", "Part", "Record", "Regime", "Route", "Rule", "Scheme", "Shown", "System", "Total",
    "leaves", "names_read", "walk",
]  # fmt: skip

CLOCK = "t"


@dataclass(frozen=True, slots=True)
class Outer(Leaf):
    """A variable of the group around: ``depth`` 1 is the host, 2 the host's host."""

    name: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Total(Leaf):
    """The sum (or product) of a variable over what is attached to each copy in a list.

    ``groups`` are the names of the attached groups that count; ``variables`` what each is called there.
    """

    groups: tuple[str, ...]
    variables: tuple[str, ...]
    multiply: bool = False


@dataclass(frozen=True, slots=True)
class Across(Leaf):
    """A variable at the other end of a tunnel: copy ``at[k]`` of ``group``, as it was ``late[k]`` s ago."""

    name: str
    group: str
    at: tuple[int, ...]
    late: tuple[float, ...] = ()  # nothing: as it is
    before: float | None = None  # what it was before the start, if not what it is at the start


@dataclass(frozen=True, slots=True)
class Missing(Leaf):
    """What cannot be said; it counts as 0."""

    what: str
    reason: str
    where: Location


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that no run changes, SI; ``values`` has one for all copies, or one for each."""

    name: str
    values: tuple[float, ...]
    dimension: str
    formula: str = ""  # of a derived one, as the model has it

    @property
    def single(self) -> bool:
        return len(self.values) == 1


@dataclass(frozen=True, slots=True)
class Assignment:
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Definition:
    """A derived variable: worked out anew in each step."""

    name: str
    value: Expr
    dimension: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Assignments one after the other, then events sent from ports, then the regime to go to."""

    assignments: tuple[Assignment, ...] = ()
    ports: tuple[str, ...] = ()
    regime: str | None = None

    def __bool__(self) -> bool:
        return bool(self.assignments or self.ports or self.regime)


@dataclass(frozen=True, slots=True)
class Rule:
    """Done in every step in which ``test`` holds."""

    test: Expr
    deed: Deed
    text: str = ""  # of the condition, as the model has it
    where: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Regime:
    name: str
    definitions: tuple[Definition, ...]
    rates: tuple[Assignment, ...]
    rules: tuple[Rule, ...]
    entry: tuple[Assignment, ...]
    handlers: dict[str, Deed]
    where: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition of a Markov scheme between its states, by their numbers."""

    source: int
    target: int
    forward: Expr  # rate, per s
    reverse: Expr


@dataclass(frozen=True, slots=True)
class Scheme:
    """A Markov scheme: the occupancies ``states`` are advanced by ``expm(rates * dt)`` in a step."""

    states: tuple[str, ...]
    edges: tuple[Edge, ...]
    title: str
    where: Location


@dataclass(frozen=True, slots=True)
class Shown:
    """A copy of a variable, made when the part has advanced, which is what others see of it."""

    name: str
    variable: str


@dataclass(eq=False, slots=True)
class Part:
    """One component of each copy. In a step: the attached groups, Markov schemes, definitions, rates (all
    with the old states, then the states change), rules, shown copies, and last the active regime.
    """

    title: str  # path and type, for a comment
    attached: list[str] = field(default_factory=list)  # names of the groups that advance just before it
    schemes: list[Scheme] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    rates: list[Assignment] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    regimes: list[Regime] = field(default_factory=list)
    initial_regime: str = ""
    regime_name: str = ""  # the variable that holds the active regime
    handlers: dict[str, Deed] = field(default_factory=dict)
    starts: list[Assignment] = field(default_factory=list)

    def acts(self) -> bool:
        """Whether there is anything to do in a step."""
        own = self.definitions or self.rates or self.rules or self.shown or self.regimes
        return bool(self.attached or self.schemes or own)

    def read_by_schemes(self) -> Iterator[Expr]:
        for scheme in self.schemes:
            for edge in scheme.edges:
                yield edge.forward
                yield edge.reverse

    def deeds(self) -> Iterator[Deed]:
        yield from (rule.deed for rule in self.rules)
        yield from self.handlers.values()
        for regime in self.regimes:
            yield from (rule.deed for rule in regime.rules)
            yield from regime.handlers.values()

    def read_in_step(self) -> Iterator[tuple[int, Expr]]:
        """What a step reads after the definitions, each with its place in the order within the part."""
        for rate in self.rates:
            yield 0, rate.value
        for rule in self.rules:
            yield 1, rule.test
            yield from ((1, item.value) for item in rule.deed.assignments)
        for regime in self.regimes:
            yield from ((2, item.value) for item in regime.definitions)
            yield from ((2, item.value) for item in (*regime.rates, *regime.entry))
            for rule in regime.rules:
                yield 2, rule.test
                yield from ((2, item.value) for item in rule.deed.assignments)

    def read_by_events(self) -> Iterator[Expr]:
        for deed in (*self.handlers.values(), *(d for r in self.regimes for d in r.handlers.values())):
            yield from (item.value for item in deed.assignments)
        for regime in self.regimes:
            yield from (item.value for item in regime.entry)


@dataclass(frozen=True, slots=True)
class Route:
    """Events from ``port`` of copy ``sources[i]`` call ``handler`` of copy ``targets[i]`` of a group."""

    port: str
    target: str
    handler: str
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    delays: tuple[float, ...]  # s
    weights: tuple[float, ...] = ()  # that the events bring with them, where the target is weighted


@dataclass(eq=False, slots=True)
class Group:
    """``size`` copies. ``at[k]`` is the copy of ``host`` that copy ``k`` is attached to (or stands in)."""

    name: str
    title: str  # what it is, for a comment
    component: str  # id
    size: int
    host: Group | None
    at: tuple[int, ...]
    attached: bool  # to cells, by a connection; else it stands by itself
    weight: str = ""  # the name that stands for the weight an event brings, if events do
    parts: list[Part] = field(default_factory=list)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)  # name to dimension
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)  # given to states by connections
    initial: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)  # definitions that outlive a step, or that others read
    late: set[str] = field(default_factory=set)  # those read before they are worked out anew
    routes: list[Route] = field(default_factory=list)

    def definitions(self) -> Iterator[Definition]:
        for part in self.parts:
            yield from part.definitions

    def dimension(self, name: str) -> str:
        if name in self.states:
            return self.states[name]
        if name in self.parameters:
            return self.parameters[name].dimension
        if name == CLOCK:
            return "time"
        found = (item.dimension for item in self.definitions() if item.name == name)
        return next(found, "none")


@dataclass(frozen=True, slots=True)
class Record:
    """Where a recorded quantity is: a variable of a copy, or a number."""

    quantity: str
    group: str
    name: str
    k: int
    value: float | None = None


@dataclass(eq=False, slots=True)
class System:
    """All groups of a model; ``order`` names those that are not attached to others, as they advance."""

    plan: SimulationPlan
    groups: dict[str, Group]
    order: tuple[str, ...]
    records: tuple[Record, ...]
    spikes: tuple[tuple[str, str, str, str, int], ...]  # file, selection, group, port, copy
    source: str  # name of the document, or of its simulation
    exponents: dict[str, tuple[int, ...] | None]  # of the model's dimensions; None for "*"
    symbols: dict[str, str]  # SI unit of each dimension, as LEMS spells it; empty where it has no name


def leaves(expr: Expr) -> Iterator[Expr]:
    """Names and other leaves of an expression, left to right."""
    if isinstance(expr, Name | Leaf):
        yield expr
    for child in children(expr):
        yield from leaves(child)


def names_read(expr: Expr) -> Iterator[str]:
    """The names of the own group that an expression reads."""
    return (leaf.name for leaf in leaves(expr) if isinstance(leaf, Name))


def hosts_first(system: System) -> Iterator[Group]:
    """All groups, hosts before what is attached to them, and that in the order in which it advances."""

    def below(group: Group) -> Iterator[Group]:
        yield group
        for part in group.parts:
            for name in part.attached:
                yield from below(system.groups[name])

    for name in system.order:
        yield from below(system.groups[name])


def walk(system: System) -> Iterator[Group]:
    """All groups in the order in which they advance: what is attached before its host's own part."""

    def below(group: Group) -> Iterator[Group]:
        for part in group.parts:
            for name in part.attached:
                yield from below(system.groups[name])
        yield group

    for name in system.order:
        yield from below(system.groups[name])
