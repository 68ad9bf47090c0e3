"""Rules about networks: populations have a size, and what is connected is there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from tvbo_lite.errors import Problem, nearest
from tvbo_lite.numerals import whole
from tvbo_lite.transforms.check.sites import inside_of, variables_of
from tvbo_lite.transforms.check.subject import Subject
from tvbo_lite.transforms.resolve import ResolvedComponent, ResolvedRows
from tvbo_lite.transforms.types import ResolvedType

_CELL = re.compile(r"(?:\.\./|\./)*(?P<list>\w+)(?:(?:\[(?P<index>\w+)\]|/(?P<id>\w+))(?:/(?P<rest>.*))?)?")


_NO_CELLS = ("instances", "property")  # lists of a population that hold no cells
_POPULATIONS = ("presynapticPopulation", "postsynapticPopulation", "population")


class _Made(NamedTuple):
    """What makes copies of a component: how many, or the ids of its instances."""

    size: int | None
    ids: tuple[str, ...]
    cell: ResolvedType | None


def population_sizes(subject: Subject) -> Iterator[Problem]:
    """A population has a whole number of cells, none or more."""
    for component in subject.components:
        for element in component.type.structure:
            name = element.attributes.get("number", "") if element.kind == "MultiInstantiate" else ""
            size = component.parameters.get(name, 0.0)
            if math.isfinite(size) and (size < 0 or size != math.floor(size)):
                what = f"{component.describe()}: {name}='{component.text(name)}'"
                yield Problem(what, component.component.location, "a whole number, 0 or more")


def listed_instances(subject: Subject) -> Iterator[Problem]:
    """A population that lists its instances has as many as it says."""
    for component in subject.components:
        listed = component.lists.get("instances", [])
        text = component.text("size") or ""
        if listed and whole(text.strip()) not in (None, len(listed)):
            what = f"{component.describe()}: size='{text}', but it lists {len(listed)} instances"
            yield Problem(what, component.component.location, f"size='{len(listed)}'")


def connected_cells(subject: Subject) -> Iterator[Problem]:
    """A connection, an input or a projection names populations and cells of its network."""
    made: dict[int, dict[str, _Made]] = {}
    paths: dict[str, tuple[str, ...]] = {}
    for component in subject.components:
        name = component.type.name
        if name not in paths:
            paths[name] = tuple(dict.fromkeys(_paths(component)))
        for attribute in paths[name]:
            text = component.text(attribute)
            match = _CELL.fullmatch(text.strip()) if text else None
            network = _network(component)
            if match is None or network is None:
                continue
            if id(network) not in made:
                made[id(network)] = _populations(network)
            yield from _problem(component, attribute, match, made[id(network)])


def recorded_quantities(subject: Subject) -> Iterator[Problem]:
    """What is shown or written is a variable of a cell of the simulation's target."""
    every: dict[int, dict[str, _Made]] = {}
    for component in subject.components:
        sections = [item for item in component.type.simulation if item.kind in ("Record", "EventRecord")]
        network = _simulated(component) if sections else None
        if network is None:
            continue
        attribute = sections[0].attributes.get("quantity", "")
        match = _CELL.fullmatch((component.text(attribute) or "").strip())
        if match is not None:
            made = every.setdefault(id(network), {}) or _populations(network)
            every[id(network)] = made
            told = list(_problem(component, attribute, match, made))
            yield from told or _no_variable(component, attribute, match, made)


def _no_variable(
    component: ResolvedComponent, attribute: str, match: re.Match[str], made: dict[str, _Made]
) -> Iterator[Problem]:
    """Of a cell itself: what its parts have is looked for when they are made."""
    cell = made[match["list"]].cell if match["list"] in made else None
    name = match["rest"] if match["index"] is not None else (match["rest"] or "").partition("/")[2]
    if cell is None or not name or "/" in name or ":" in name:
        return
    dynamics = cell.dynamics
    regimes = [item.name for regime in dynamics.regimes for item in inside_of(regime)]
    known = [*(item.name for item in variables_of(dynamics)), *regimes, *cell.exposures]
    if name not in (*known, *cell.parameters, *cell.constants, *cell.requirements, *cell.derived_parameters):
        what = (
            f"{component.describe()}: {attribute}='{component.text(attribute)}': {cell.name} has no '{name}'"
        )
        listed = ", ".join(dict.fromkeys(known)) or None
        yield Problem(what, component.component.location, listed, nearest(name, known))


def _simulated(component: ResolvedComponent) -> ResolvedComponent | None:
    """The network that the simulation around a recorder runs."""
    at: ResolvedComponent | None = component
    while at is not None and not any(item.kind == "Run" for item in at.type.simulation):
        at = at.parent
    target = at.references.get("target") if at is not None else None
    return target if target is not None and target.type.is_a("network") else None


def _problem(
    component: ResolvedComponent, attribute: str, match: re.Match[str], made: dict[str, _Made]
) -> Iterator[Problem]:
    fault = _fault(match, made)
    if fault and made:
        what, hint = fault
        message = f"{component.describe()}: {attribute}='{component.text(attribute)}': {what}"
        yield Problem(message, component.component.location, None, hint)


def _paths(component: ResolvedComponent) -> Iterator[str]:
    """The attributes of a component whose text leads to an instance."""
    for element in component.type.structure:
        name = element.attributes.get("instance", "") if element.kind == "With" else ""
        if name not in ("", "this", "parent"):
            yield name
    yield from (name for name in _POPULATIONS if name in (*component.type.paths, *component.type.texts))


def _network(component: ResolvedComponent) -> ResolvedComponent | None:
    at = component.parent
    while at is not None and not at.type.is_a("network"):
        at = at.parent
    return at


def _populations(network: ResolvedComponent) -> dict[str, _Made]:
    found = {}
    for child in network.children():
        ids = tuple(member.id or "" for member in child.lists.get("instances", ()))
        names = [e.attributes.get("number", "") for e in child.type.structure if e.kind == "MultiInstantiate"]
        cells = _cells(child)
        if child.id is not None and cells and not (ids or names):
            first = cells[0].first if isinstance(cells[0], ResolvedRows) else cells[0]
            size = sum(len(one.rows) if isinstance(one, ResolvedRows) else 1 for one in cells)
            found[child.id] = _Made(size, (), first.type)
        elif child.id is not None and (ids or names):
            number = child.parameters.get(names[0], math.nan) if names else math.nan
            counted = math.isfinite(number) and number >= 0 and number == math.floor(number)
            cell = child.references.get("component")
            found[child.id] = _Made(int(number) if counted else None, ids, cell.type if cell else None)
    return found


def _cells(population: ResolvedComponent) -> list[ResolvedComponent | ResolvedRows]:
    """The members of a population that holds its cells themselves."""
    if not population.type.is_a("basePopulation"):
        return []
    first = next((name for name, _ in population.members if name not in _NO_CELLS), None)
    return [member for name, member in population.members if name == first and first is not None]


def _fault(match: re.Match[str], made: dict[str, _Made]) -> tuple[str, str | None] | None:
    name = match["list"]
    population = made.get(name)
    if population is None:
        return f"there is no population '{name}'", nearest(name, made)
    if population.size is not None and match["index"] is not None:
        index = match["index"]
        number = whole(index)
        if number is None or number >= population.size:
            cells = f"'{name}' has {population.size} cell{'' if population.size == 1 else 's'}"
            last = f"the indices are 0 to {population.size - 1}" if population.size else None
            return f"there is no cell {index}; {cells}", last
    if population.ids and match["id"] is not None and match["id"] not in population.ids:
        return f"population '{name}' has no instance '{match['id']}'", nearest(match["id"], population.ids)
    return None
