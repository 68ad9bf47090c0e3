"""NeuroML in HDF5 (``.nml.h5``) to `tvbo_lite.lems.model.Model`; connections stay columns of numbers.

Source of the form: `tvbo_lite.formats.neuroml.layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.errors import Location, Problem, ReadError, nearest
from tvbo_lite.formats._hdf5 import Group, Table, opened
from tvbo_lite.formats.neuroml.layout import (
    DEFAULTS,
    DESTINATION,
    ID,
    INPUTS,
    KINDS,
    LEMS,
    MAGNITUDES,
    NETWORK,
    PLACE,
    POPULATION,
    PROPERTY,
    ROOT,
    TOP_LEVEL,
    Kind,
)
from tvbo_lite.lems import model as m
from tvbo_lite.lems.rows import Children, Column, Rows
from tvbo_lite.numerals import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read", "top_level"]

Columns = dict[str, "NDArray[Any]"]
_PREFIXES = {
    POPULATION: (), "projection_": tuple(kind for kind in KINDS if kind is not INPUTS),
    "inputList_": (INPUTS,), "input_list_": (INPUTS,),
}  # fmt: skip
_MOST = 1 << 31  # cells; what a population whose number is not known may have


def top_level(path: Path) -> str | None:
    """The XML document inside a file, which has all but the network. Raises as `read`."""
    with opened(path) as root:
        return _root(root).texts().get(TOP_LEVEL)


def read(path: Path, document: Callable[[str, str], m.Model]) -> m.Model:
    """The model in a file; its includes are listed, not followed.

    Args:
        path: the file.
        document: reads the XML documents inside, given a text and its name.

    Raises:
        ReadError: no HDF5, or not in NeuroML's form; every problem, with the group or table.
        BackendError: h5py is missing.
    """
    with opened(path) as file:
        root = _root(file)
        texts = root.texts()
        inner = [document(texts[name], f"{root.file}: {name}") for name in (LEMS, TOP_LEVEL) if name in texts]
        found = _Network(root)
        networks = found.networks()
        if not networks and not inner:
            found.problems.append(Problem("there is no network", root.location, f"a group '{NETWORK}'"))
        if found.problems:
            raise ReadError(found.problems)
    return m.Model(
        includes=tuple(item for one in inner for item in one.includes),
        dimensions=tuple(item for one in inner for item in one.dimensions),
        units=tuple(item for one in inner for item in one.units),
        constants=tuple(item for one in inner for item in one.constants),
        component_types=tuple(item for one in inner for item in one.component_types),
        components=(*(item for one in inner for item in one.components), *networks),
        assertions=tuple(item for one in inner for item in one.assertions),
        location=Location(str(path)),
    )


def _root(file: Group) -> Group:
    found = {group.name: group for group in file.groups()}
    if ROOT not in found:
        hint = nearest(ROOT, found)
        raise ReadError(Problem(f"there is no group '{ROOT}'", file.location, "NeuroML in HDF5", hint))
    return found[ROOT]


@dataclass(frozen=True, slots=True)
class _Population:
    """What connections need of a population: its size, and its cells' ids where they have places."""

    id: str
    component: str
    size: int
    ids: NDArray[np.int64] | None = None

    @property
    def numbered(self) -> bool:
        """Whether the cells' ids are their numbers."""
        return self.ids is None or bool((self.ids == np.arange(self.size)).all())

    def path(self) -> tuple[str, str]:
        """What stands before and after a cell's number in its path."""
        return (f"../{self.id}[", "]") if self.ids is None else (f"../{self.id}/", f"/{self.component}")

    def missing(self, cells: NDArray[np.int64]) -> int | None:
        """The first row whose cell there is not."""
        if not len(cells):
            return None
        known = () if self.ids is None or self.numbered else self.ids
        good = np.isin(cells, known) if len(known) else (cells >= 0) & (cells < self.size)
        return None if good.all() else int(np.argmin(good))


@dataclass(slots=True)
class _Network:
    """Reads the network of a file; ``problems`` is all that is wrong with it."""

    root: Group
    problems: list[Problem] = field(default_factory=list)
    populations: dict[str, _Population] = field(default_factory=dict)

    def report(self, what: str, place: Location, expected: str = "", hint: str | None = None) -> None:
        self.problems.append(Problem(what, place, expected or None, hint))

    def networks(self) -> tuple[m.Component, ...]:
        found = []
        for group in self.root.groups():
            if group.name == NETWORK:
                found.append(self._network(group))
            else:
                hint = nearest(group.name, [NETWORK])
                self.report(f"group '{group.name}' is not known here", self.root.location, NETWORK, hint)
        return tuple(found)

    def _network(self, group: Group) -> m.Component:
        texts = self._texts(group, (ID,))
        attributes = {key: texts[key] for key in ("temperature",) if key in texts}
        kind = "networkWithTemperature" if attributes else None
        members = list(self._members(group))
        cells = {one.path: self._population(one) for prefix, one in members if prefix == POPULATION}
        others = {one.path: self._listed(prefix, one) for prefix, one in members if prefix != POPULATION}
        made = [{**cells, **others}[one.path] for _, one in members]
        if not group.ordered:  # in the order that the schema has
            ranks = ["population", *(kind.tag for kind in KINDS)]
            made.sort(key=lambda item: ranks.index(item.tag) if item else 0)
        children = tuple(item for item in made if item is not None)
        return m.Component(
            "network", texts.get(ID), kind, attributes=attributes, children=children, location=group.location
        )

    def _members(self, group: Group) -> Iterator[tuple[str, Group]]:
        for one in group.groups():
            prefix = next((item for item in _PREFIXES if one.name.startswith(item)), None)
            if prefix is None:
                expected = " or ".join(f"{item}<id>" for item in ("population_", "projection_", "inputList_"))
                self.report(f"group '{one.name}' is not known here", group.location, expected)
            else:
                yield prefix, one

    def _texts(self, group: Group, needed: tuple[str, ...]) -> dict[str, str]:
        texts = group.texts()
        for name in needed:
            if not texts.get(name):
                hint = nearest(name, set(texts) - set(needed))
                self.report(f"there is no attribute '{name}'", group.location, hint=hint)
        return texts

    # ---- populations

    def _population(self, group: Group) -> m.Component | None:
        texts = self._texts(group, (ID, "component"))
        table = self._table(group, texts.get(ID))
        if not texts.get(ID):
            return None
        component = texts.get("component", "")
        cells: tuple[m.Component, ...] = ()
        if table is None:
            found = _Population(texts[ID], component, self._size(group, texts))
        else:
            columns = self._columns(table, dict.fromkeys(PLACE, float) | {ID: int}, PLACE, self._unnamed)
            if columns is None:
                self.populations[texts[ID]] = _Population(texts[ID], component, _MOST)
                return None
            size = len(columns["x"])
            ids = columns.get(ID, np.arange(size))
            if len(np.unique(ids)) < size:
                self.report("two cells have the same id", table.location)
            found = _Population(texts[ID], component, size, ids)
            cells = tuple(_instances(ids, [columns[axis] for axis in PLACE], table.location))
        if found.id in self.populations:
            self.report(f"there are two populations '{found.id}'", group.location)
        self.populations[found.id] = found
        properties = tuple(
            m.Component("property", attributes={"tag": key.removeprefix(PROPERTY), "value": value})
            for key, value in texts.items()
            if key.startswith(PROPERTY)
        )
        return m.Component(
            "population",
            found.id,
            None if table is None else "populationList",
            attributes={"component": found.component, "size": str(found.size)},
            children=(*properties, *cells),
            location=group.location,
        )

    def _size(self, group: Group, texts: Mapping[str, str]) -> int:
        text = texts.get("size", "")
        size = whole(text)
        if size is not None and size < _MOST:
            return size
        found = f"found size={text}" if text else "there is neither an attribute 'size' nor a table of places"
        self.report(found, group.location, "the number of cells")
        return _MOST

    @staticmethod
    def _unnamed(count: int) -> list[str]:
        """What the columns of a table of places are where they have no names."""
        return {3: [*PLACE], 4: [ID, *PLACE]}.get(count, [])

    # ---- connections and inputs

    def _listed(self, prefix: str, group: Group) -> m.Component | None:
        texts = self._texts(group, (ID,))
        kind = self._kind(prefix, texts.get("type", KINDS[0].tag), group)
        if kind is None:
            return None
        self._texts(group, tuple(key for key in kind.own if key != "synapse"))
        table = self._table(group, texts.get(ID))
        ends = [self._end(group, kind, column, texts) for column in kind.ends]
        children: tuple[m.Component, ...] | Children = ()
        if table is not None and all(ends):
            self._texts(group, (*kind.shared, *(key for key in kind.own if key == "synapse")))
            rows = self._rows(kind, table, [end for end in ends if end], texts)
            children = () if rows is None else self._kept(rows, ends)
        own = {key: texts[key] for key in kind.own if key in texts}
        return m.Component(
            kind.tag, texts.get(ID), attributes=own, children=children, location=group.location
        )

    def _kind(self, prefix: str, name: str, group: Group) -> Kind | None:
        known = {kind.tag: kind for kind in _PREFIXES[prefix]}
        if prefix != KINDS[0].prefix:
            return INPUTS
        if name not in known:
            self.report(f"found type='{name}'", group.location, ", ".join(known), nearest(name, known))
        return known.get(name)

    def _end(self, group: Group, kind: Kind, column: str, texts: Mapping[str, str]) -> _Population | None:
        attribute = kind.ends[column][1]
        name = texts.get(attribute)
        if name and name not in self.populations:
            hint = nearest(name, self.populations)
            self.report(f"{attribute}: there is no population '{name}'", group.location, hint=hint)
        return self.populations.get(name or "")

    def _rows(
        self, kind: Kind, table: Table, ends: list[_Population], texts: Mapping[str, str]
    ) -> Rows | None:
        whole = [name for name in kind.columns if name.endswith("segment_id")]
        wanted: dict[str, type] = {
            **dict.fromkeys((*kind.ends, ID, *whole), int),
            **{name: float for name in kind.columns if name not in whole},
        }
        numbers = self._columns(table, wanted, tuple(kind.ends))
        if numbers is None or not self._all_there(kind, table, ends, numbers):
            return None
        count = len(numbers[next(iter(kind.ends))])
        if not count:
            return None
        weighted = any(name in numbers for name in MAGNITUDES)
        single = kind.single is not None and not weighted and all(end.ids is None for end in ends)
        columns: dict[str, Column] = {}
        for (name, (attribute, _)), end in zip(kind.ends.items(), ends, strict=True):
            before, after = ("", "") if single else end.path()
            columns[attribute] = Column(numbers[name], before, after)
        same = {key: texts[key] for key in kind.shared}
        destination = texts.get(DESTINATION, kind.destination)
        if destination is not None:
            same[DESTINATION] = destination
        for name, attribute in kind.columns.items():
            text = _column(name, numbers.get(name), weighted=weighted)
            if isinstance(text, Column):
                columns[attribute] = text
            elif text is not None:
                same[attribute] = text
        ids = numbers.get(ID)
        if ids is not None and (ids == np.arange(count)).all():
            ids = None
        tag = kind.weighted if weighted else kind.single if single and kind.single else kind.plain
        return Rows(tag, count, columns, same, location=table.location, ids=ids)

    def _all_there(self, kind: Kind, table: Table, ends: list[_Population], numbers: Columns) -> bool:
        """Whether the cells of all rows exist."""
        good = True
        for column, end in zip(kind.ends, ends, strict=True):
            row = end.missing(numbers[column])
            if row is not None:
                good = False
                what = f"row {row}: population '{end.id}' has no cell {numbers[column][row]}"
                known = f"a number from 0 to {end.size - 1}" if end.numbered else "the id of one of its cells"
                self.report(what, table.location, known if end.size else "none")
        return good

    @staticmethod
    def _kept(rows: Rows, ends: list[_Population | None]) -> tuple[m.Component, ...] | Children:
        """As rows; as components where a path has an id that is not the cell's number."""
        return Children(rows) if all(end is None or end.numbered for end in ends) else tuple(rows)

    # ---- tables

    def _table(self, group: Group, name: str | None) -> Table | None:
        tables = group.tables()
        if len(tables) > 1:
            listed = ", ".join(table.path.rpartition("/")[2] for table in tables)
            self.report(f"found {len(tables)} tables: {listed}", group.location, f"one, '{name}'")
        for inner in group.groups():
            self.report(f"group '{inner.name}' is not known here", group.location, "a table")
        return tables[0] if tables else None

    def _columns(
        self,
        table: Table,
        wanted: Mapping[str, type],
        needed: tuple[str, ...],
        unnamed: Callable[[int], list[str]] = lambda _: [],
    ) -> Columns | None:
        """The numbers of a table by the names of its columns; None, and problems, where it is wrong."""
        before = len(self.problems)
        count = table.shape()[1]
        names = self._names(table, count) or dict(enumerate(unnamed(count)))
        for number, name in names.items():
            if name not in wanted:
                what = f"column {number} is called '{name}'"
                self.report(what, table.location, ", ".join(wanted), nearest(name, wanted))
        for name in needed:
            if name not in names.values():
                self.report(f"there is no column '{name}'", table.location, f"column_N = '{name}'")
        if len(set(names.values())) < len(names):
            self.report(f"columns have the same name: {', '.join(names.values())}", table.location)
        if len(self.problems) > before:
            return None
        found = table.columns({number: wanted[name] for number, name in names.items()}, self.problems)
        return {names[number]: column for number, column in found.items()} or None

    def _names(self, table: Table, count: int) -> dict[int, str]:
        found = {}
        for key, name in table.texts().items():
            digits = key.removeprefix("column_")
            if digits == key:
                continue
            number = whole(digits)
            if number is None or number >= count:
                self.report(f"attribute '{key}'", table.location, f"column_0 to column_{count - 1}")
            else:
                found[number] = name
        if found and len(found) < count:
            missing = next(number for number in range(count) if number not in found)
            self.report(f"column {missing} has no name", table.location, f"an attribute 'column_{missing}'")
        return dict(sorted(found.items()))


def _instances(
    ids: NDArray[np.int64], places: list[NDArray[np.float64]], where: Location
) -> Iterator[m.Component]:
    for name, *place in zip(ids.tolist(), *(axis.tolist() for axis in places), strict=True):
        given = dict(zip(PLACE, map(_number, place), strict=True))
        inner = m.Component("location", attributes=given, location=where)
        yield m.Component("instance", str(name), children=(inner,), location=where)


def _column(name: str, numbers: NDArray[Any] | None, *, weighted: bool) -> Column | str | None:
    """What all rows have, or a number for each; None where they need not say it."""
    unit = MAGNITUDES.get(name)
    if numbers is None:
        return f"{_number(DEFAULTS[name])}{unit}" if unit is not None and weighted else None
    if (numbers == numbers[0]).all():
        text = _number(numbers[0].item())
        return text + (unit or "") if unit is not None or numbers[0] != DEFAULTS[name] else None
    if numbers.dtype.kind == "f" and (numbers == np.rint(numbers)).all() and np.abs(numbers).max() < 2**53:
        numbers = numbers.astype(np.int64)
    return Column(numbers, after=unit or "")


def _number(value: float) -> str:
    """The shortest text of a number: no ``1.0``."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
