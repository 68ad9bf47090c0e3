"""A network that lists its populations, projections and inputs itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.numerals import whole
from tvbo_lite.transforms.lower.attributes import attributes, placed
from tvbo_lite.transforms.lower.components import child_component
from tvbo_lite.transforms.lower.group_inputs import GroupInputs
from tvbo_lite.transforms.lower.group_projections import GroupProjections
from tvbo_lite.transforms.lower.groups import Group, Groups, written
from tvbo_lite.transforms.lower.individuals import individual_columns, individuals
from tvbo_lite.transforms.lower.kept import kept_of
from tvbo_lite.transforms.lower.own_types import is_own
from tvbo_lite.transforms.lower.places import AXES, micrometres, positions_of
from tvbo_lite.transforms.lower.population import Population as Recorded
from tvbo_lite.transforms.lower.population import recorded_variables
from tvbo_lite.transforms.lower.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tvbo_lite.lems.rows import Column
    from tvbo_lite.schema import Dynamics, Network
    from tvbo_lite.schema.populations import Point, Population
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.equations import Lowering
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["GroupNetwork"]

_NETWORK: Path = ("network",)
_MOST_RECORDED = 1_000_000  # cells of a population, whose columns take about 1 GB
_NODES = ("nodes", "edges", "number_of_nodes", "graph_generator")
_SEVERAL = ("populationList", "population")  # with instances listed one by one, and without


@dataclass(slots=True)
class GroupNetwork:
    """A network under construction. ``named`` holds every dynamics with its place, ``kinds`` its type.

    ``recorded`` are the populations as a default recording sees them.
    """

    context: Lowering
    network: Network
    named: Mapping[str, tuple[Dynamics, Path]]
    kinds: Mapping[str, ResolvedType]
    components: Mapping[str, lems.Component] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    _members: dict[str, dict[str, lems.Component]] = field(default_factory=dict)

    def component(self, name: str) -> lems.Component:
        """The network element ``name``; what is wrong with its members is reported."""
        network, context = self.network, self.context
        groups = Groups(context)
        self._members = {section: {} for section in SECTIONS}
        self._refuse_nodes()
        for key, population in network.populations.items():
            self._keep("populations", key, self._population(key, population, groups))
        projections = GroupProjections(context, groups, self.kinds)
        for key, projection in network.projections.items():
            path = (*_NETWORK, "projections", key)
            self._keep("projections", key, projections.lowered(key, projection, path))
        inputs = GroupInputs(context, groups, self.kinds)
        for key, item in network.inputs.items():
            self._keep("inputs", key, inputs.lowered(key, item, (*_NETWORK, "inputs", key)))
        kind = self._kind()
        for key, part in network.components.items():
            path = (*_NETWORK, "components", key)
            self._keep("components", key, child_component(context, part, key, kind, path))
        typed = None if kind.name == "network" else kind.name
        texts = attributes(context, kind, placed(network.parameters, _NETWORK), _NETWORK, "network")
        where = context.locate(_NETWORK)
        return lems.Component(
            "network", name, typed, attributes=texts, children=self._ordered(), location=where
        )

    def _keep(self, section: str, name: str, item: lems.Component | None) -> None:
        if item is not None:
            self._members[section][name] = item

    def _kind(self) -> ResolvedType:
        usual = self.context.types.get("network")
        iri = self.network.iri
        found = self.context.type_named(iri, (*_NETWORK, "iri"), "network") if iri else None
        if found is not None and not found.is_a("network"):
            self.context.report((*_NETWORK, "iri"), f"a {found.name} is no network", "neuroml:network")
            return usual
        return found or usual

    def _refuse_nodes(self) -> None:
        for name in _NODES:
            field_info = type(self.network).model_fields[name]
            if getattr(self.network, name) != field_info.get_default(call_default_factory=True):
                message = f"'{name}' beside populations"
                self.context.report((*_NETWORK, name), message, "nodes and edges, or populations")

    def _population(self, name: str, item: Population, groups: Groups) -> lems.Component | None:
        context, path = self.context, (*_NETWORK, "populations", name)
        context.name(name, path, "a population")
        message = f"{name}: there is no '{item.dynamics}' in network.dynamics"
        if not context.among(item.dynamics, self.kinds, (*path, "dynamics"), message):
            groups.broken.add(name)
            return None
        cell = self.kinds[item.dynamics]
        positions = positions_of(context, item, path)
        size = len(positions) if positions else max(item.size or 0, 0)
        columns = self._columns(name, item, size)
        instances = tuple(positions) if positions and not columns else None
        places = micrometres(item, positions)
        groups.add(Group(name, item.dynamics, cell, size, instances, places))
        self._record(name, item, cell, groups.found[name])
        if item.size is not None and item.size < 0:
            context.report((*path, "size"), f"{name}: the size is {item.size}", "a whole number from 0 on")
        if columns:
            self._check_places(groups.found[name], positions, path)
            fixed = self.components[item.dynamics].attributes
            return individuals(context, name, cell, fixed, columns, size=size, path=path, places=places)
        return self._equal(name, item, positions, path)

    def _equal(
        self, name: str, item: Population, positions: Mapping[str, Point | None], path: Path
    ) -> lems.Component:
        """A population of equal cells."""
        context = self.context
        usual = _SEVERAL[0] if positions else _SEVERAL[1]
        kind = context.type_named(item.iri, (*path, "iri"), name) if item.iri else None
        kind = kind or context.types.get(usual)
        size = len(positions) if item.layout is not None and positions else item.size
        size_text = None if size is None else str(size)
        given = {
            **written(path, {"component": item.dynamics, "size": size_text}, {"component": "dynamics"}),
            **placed(item.parameters, path),
        }
        texts = attributes(context, kind, given, path, name)
        parts = [
            child_component(context, part, key, kind, (*path, "components", key))
            for key, part in item.components.items()
        ]
        typed = None if kind.name == "population" else kind.name
        children = (*(part for part in parts if part is not None), *self._instances(item, positions, path))
        where = context.locate(path)
        return lems.Component("population", name, typed, attributes=texts, children=children, location=where)

    def _columns(self, name: str, item: Population, size: int) -> dict[str, Column]:
        """What differs among the cells; populations with parts have equal ones."""
        context = self.context
        dynamics = context.differing.get(item.dynamics)
        if dynamics is None:
            return {}
        place = (*_NETWORK, "dynamics", item.dynamics)
        columns = individual_columns(context, dynamics, name, size, place)
        for key in ("components", "parameters", "iri") if columns else ():
            if getattr(item, key):
                message = f"{name}: '{key}' of a population whose cells differ is not supported yet"
                context.unsupported((*_NETWORK, "populations", name, key), message)
        return columns

    def _check_places(self, group: Group, positions: Mapping[str, Point | None], path: Path) -> None:
        """Cells that differ are counted from 0, and all of them are somewhere, or none."""
        counted = list(positions) == [str(index) for index in range(len(positions))]
        if not counted or (positions and group.places is None):
            message = f"{group.id}: positions of cells that differ"
            self.context.report((*path, "positions"), message, "a list with a place for each cell")

    def _instances(
        self, item: Population, positions: Mapping[str, Point | None], path: Path
    ) -> Iterator[lems.Component]:
        by_layout = item.layout is not None  # whose numbers are right, and have one place in the document
        where = self.context.locate((*path, "layout"))
        for index, point in positions.items():
            here = (*path, "positions", index)
            where = where if by_layout else self.context.locate(here)
            inside: tuple[lems.Component, ...] = ()
            if point is not None:
                texts = {axis: getattr(point, axis) for axis in AXES}
                for axis, text in () if by_layout else texts.items():
                    self.context.quantity(text, "none", here, f"{item.name}[{index}]: {axis}")
                inside = (lems.Component("location", attributes=texts, location=where),)
            yield lems.Component("instance", index, children=inside, location=where)

    def _record(self, name: str, item: Population, cell: ResolvedType, group: Group) -> None:
        """What a run keeps of the population where the experiment does not say it."""
        dynamics = self.named[item.dynamics][0]
        own = dynamics if is_own(self.context, dynamics) else None
        listed = group.instances is not None
        ids = map(whole, group.instances or ())
        indices = [number for number in ids if number is not None] if listed else range(group.size)
        population = Recorded(name, item.dynamics, item.dynamics, recorded_variables(cell, own), listed)
        if item.record is True and len(indices) > _MOST_RECORDED:
            what = f"{name}: each of its {len(indices)} cells would be recorded"
            expected = f"at most {_MOST_RECORDED}: record: {{v: {{of: '0:100'}}}}, or record: false"
            self.context.report((*_NETWORK, "populations", name), what, expected)
        elif item.record is True:
            population.recorded += indices
        elif item.record is not False:
            path = (*_NETWORK, "populations", name, "record")
            found = kept_of(self.context, name, item.record, cell, list(indices), path=path)
            population.kept, population.spiking = found
        self.recorded.append(population)

    def _ordered(self) -> tuple[lems.Component, ...]:
        """The members, section after section; where ``order`` is given, as that says."""
        found: list[lems.Component] = []
        rest = {section: dict(items) for section, items in self._members.items()}
        names = {key: section for section, items in self._members.items() for key in items}
        later = set(self.network.order)
        for name in (*self.network.order, *SECTIONS):
            if name in SECTIONS:
                found += (rest[name].pop(key) for key in list(rest[name]) if key not in later)
                continue
            given = any(name in getattr(self.network, section) for section in SECTIONS)
            if name not in names:
                if not given:
                    message = f"order: there is no '{name}' in the network"
                    self.context.among(name, [*names, *SECTIONS], (*_NETWORK, "order"), message)
                continue
            found += (rest[section].pop(name) for section in SECTIONS if name in rest[section])
        return tuple(found)
