"""What an input of an operator adds up: variables, which edges bring, and numbers, which are its values.

PyRates' edges carry variables only. What a source has as a number (a parameter, a state that nothing
changes) must stand at the reader, or it would be 0 there without a word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from tvbo_lite.errors import RenderError
from tvbo_lite.expr.tree import Expr, Name, rebuild
from tvbo_lite.transforms.equations.sequence import outer_places
from tvbo_lite.transforms.equations.system import CLOCK, Across, Group, Outer, Total

__all__ = ["Input", "Place", "input_of", "own_clock"]

Place = tuple[str, str, int]  # group, name, copy


@dataclass(frozen=True, slots=True)
class Input:
    """For each copy of the reader, the variables to be added up, and the number to be added to them."""

    wired: tuple[tuple[Place, ...], ...]
    constant: tuple[float, ...]

    @property
    def fed(self) -> bool:
        """Whether any edge is needed."""
        return any(self.wired)

    @property
    def offset(self) -> bool:
        """Whether a number is needed: besides what edges bring, or in their place."""
        return any(self.constant) or not self.fed


def input_of(
    leaf: Expr, group: Group, groups: Mapping[str, Group], changing: Mapping[str, Collection[str]]
) -> Input:
    """What ``leaf`` means to each copy of ``group``.

    ``changing``: for each group that has equations in PyRates, the names that they give.

    Raises:
        RenderError: a source that is no variable of PyRates and has no value.
    """
    wired: list[tuple[Place, ...]] = []
    constant: list[float] = []
    multiply = isinstance(leaf, Total) and leaf.multiply
    for places in _sources(leaf, group, groups):
        wires = [place for place in places if place[1] in changing.get(place[0], ())]
        numbers = [_number(groups[place[0]], *place[1:]) for place in places if place not in wires]
        wired.append(tuple(wires))
        constant.append((prod if multiply and not wires else sum)(numbers))
    return Input(tuple(wired), tuple(map(float, constant)))


def _number(group: Group, name: str, copy: int) -> float:
    """The value that a parameter, or a state without an equation, has in a run."""
    if name in group.parameters:
        values = group.parameters[name].values
        return values[0 if len(values) == 1 else copy]
    if name in group.initial and name != CLOCK:
        return float(group.initial[name][copy])
    msg = f"'{name}' of {group.title} '{group.name}', which others read, has neither an equation nor a value"
    raise RenderError(msg)


def own_clock(group: Group, expr: Expr) -> Expr:
    """The time of another group is that of the own one."""
    if isinstance(expr, Outer | Across) and all(name == CLOCK for _, name in outer_places(group, expr)):
        return Name(CLOCK)
    return rebuild(expr, lambda child: own_clock(group, child))


def _sources(leaf: Expr, group: Group, groups: Mapping[str, Group]) -> Iterator[list[Place]]:
    """For each copy, the places that an input adds up."""
    if isinstance(leaf, Across):
        yield from ([(leaf.group, leaf.name, copy)] for copy in leaf.at)
    elif isinstance(leaf, Outer):
        for k in range(group.size):
            copy, at = k, group
            for _ in range(leaf.depth):
                copy = at.at[copy]
                assert at.host is not None  # noqa: S101  `depth` counts hosts
                at = at.host
            yield [(at.name, leaf.name, copy)]
    elif isinstance(leaf, Total):
        found: list[list[Place]] = [[] for _ in range(group.size)]
        for other, name in zip(leaf.groups, leaf.variables, strict=True):
            for copy, host in enumerate(groups[other].at):
                found[host].append((other, name, copy))
        yield from found
    else:
        msg = (
            f"{group.title} '{group.name}' reads {type(leaf).__name__}, for which PyRates has no counterpart"
        )
        raise RenderError(msg)
