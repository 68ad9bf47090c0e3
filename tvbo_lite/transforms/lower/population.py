"""Populations, and what a node becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Position
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Kept", "Place", "Population", "recorded_variables"]

SPIKES = "spikes"  # what a population records of its event port
SPIKE = "spike"  # the event port
_POTENTIALS = {"baseCellMembPot": "v", "baseCellMembPotDL": "V"}  # ancestor -> its membrane potential


@dataclass(frozen=True, slots=True)
class Kept:
    """A variable that a run keeps of some instances, with a row ``every`` seconds or (None) all rows."""

    variable: str
    of: Sequence[int]
    every: float | None = None  # s


@dataclass(slots=True)
class Population:
    """Instances that share a dynamics; ``recorded`` are the indices of those whose ``variables`` are kept.

    ``kept`` says it for each variable instead, where they differ; ``spiking`` are those whose spikes are
    kept. ``own`` are the components, by index, of instances with parameters of their own.
    """

    id: str
    dynamics: str
    component: str
    variables: tuple[str, ...]
    listed: bool = False  # each instance is an element, with its place in space
    recorded: list[int] = field(default_factory=list)
    positions: list[Position | None] = field(default_factory=list)
    kept: list[Kept] | None = None
    spiking: Sequence[int] = ()
    own: dict[int, lems.Component] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether NeuroML finds an instance by its index alone."""
        return not (self.listed or self.own)

    def traces(self) -> list[Kept]:
        """Which variables are kept."""
        if self.kept is not None:
            return self.kept
        return [Kept(variable, self.recorded) for variable in self.variables]

    def new(self, position: Position | None = None) -> int:
        """The index of one more instance."""
        self.positions.append(position)
        return len(self.positions) - 1

    def path(self, index: int) -> str:
        """``iz_pop[0]``, or ``iz_pop/0/iz`` where the instances are listed."""
        before, after = self.around
        return f"{before}{index}{after}"

    @property
    def around(self) -> tuple[str, str]:
        """What stands before and after an index in the path of its instance."""
        return (f"{self.id}/", f"/{self.component}") if self.listed else (f"{self.id}[", "]")

    def lowered(self) -> lems.Component:
        """The ``population`` element."""
        texts = {"component": self.component, "size": str(len(self.positions))}
        if not self.listed:
            return lems.Component("population", self.id, attributes=texts)
        instances = tuple(
            lems.Component("instance", str(index), children=_location(position))
            for index, position in enumerate(self.positions)
        )
        return lems.Component("population", self.id, "populationList", attributes=texts, children=instances)


def _location(position: Position | None) -> tuple[lems.Component, ...]:
    if position is None:
        return ()
    texts = {name: repr(getattr(position, name)) for name in ("x", "y", "z")}
    return (lems.Component("location", attributes=texts),)


@dataclass(slots=True)
class Place:
    """What a node became: a current input, or an instance of a population.

    One that is ``drawn`` at random stands for an instance of its own for each target.
    """

    kind: ResolvedType
    node: int
    input: str | None = None
    population: Population | None = None
    first: int = 0
    drawn: bool = False
    targets: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        what = "a cell" if self.kind.is_a("baseCell") else "an input" if self.input else "a spike source"
        return f"node {self.node} is {what}"

    @property
    def path(self) -> str:
        """``iz_pop[0]``."""
        return self.population.path(self.first) if self.population else ""

    def path_for(self, target: str) -> str:
        """The path of the instance that is connected to ``target``, a path."""
        if not self.drawn or self.population is None:
            return self.path
        if target not in self.targets:
            self.targets[target] = self.population.new() if self.targets else self.first
        return self.population.path(self.targets[target])


def recorded_variables(kind: ResolvedType, own: Dynamics | None) -> tuple[str, ...]:
    """The membrane potential of a NeuroML cell; of a dynamics with equations what it says, as declared."""
    if own is not None and (own.state_variables or own.derived_variables):
        groups = (own.state_variables, own.derived_variables)
        return tuple(name for group in groups for name, item in group.items() if item.record)
    potential = next((name for ancestor, name in _POTENTIALS.items() if kind.is_a(ancestor)), None)
    return (potential,) if potential else ()
