"""A network, and the document around it, as NeuroML in HDF5: what `tvbo_lite.formats.neuroml.layout` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite import __version__
from tvbo_lite.errors import NOWHERE, RenderError
from tvbo_lite.formats._hdf5 import new_file, write_group, write_table
from tvbo_lite.formats.files import Stored
from tvbo_lite.formats.neuroml.connections import alone_in_lists
from tvbo_lite.formats.neuroml.hdf5_rows import NO_PLACE, Findings, Precision, Sheet, sheet_of
from tvbo_lite.formats.neuroml.layout import (
    ID,
    INPUTS,
    KINDS,
    NETWORK,
    PLACE,
    POPULATION,
    PROPERTY,
    ROOT,
)
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.numerals import whole
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    import h5py

__all__ = ["network_file"]

_KINDS = {kind.tag: kind for kind in KINDS}
_POPULATIONS = ("population", "populationList")


@dataclass(slots=True)
class _Group:
    """A group of the file with its attributes and its table, if it has one."""

    name: str
    texts: dict[str, str | int]
    sheet: Sheet | None = None
    dtype: type[np.float32 | np.float64] = np.float32


def network_file(
    model: m.Model,
    network: m.Component,
    texts: Mapping[str, str],
    losses: Losses,
    name: str,
    *,
    double: bool = False,
) -> Stored:
    """The file with a network; ``texts`` are the attributes with all else of the document, ``name`` its id.

    Numbers are float32, which all programs read, unless that cannot tell cells apart. What it rounds is a
    loss, and with ``double`` a float64.

    Raises:
        RenderError: something that the form has no place for and without which the network is another.
    """
    findings = Findings(losses, _times(model))
    made = _Network(findings, TypeTable(model.component_types))
    groups = made.groups(alone_in_lists(network))
    own = _own(network, findings)
    for group in groups:
        _choose(group, findings, double=double)
    if findings.problems:
        lines = "\n".join(f"  {problem}" for problem in findings.problems)
        raise RenderError(f"NeuroML in HDF5 cannot hold network '{network.id}':\n{lines}")
    top = {ID: name, "GENERATED_BY": f"tvbo_lite v{__version__}", **texts}

    def write(path: Path) -> None:
        with new_file(path, tuple(top.values())) as file:
            inside = write_group(write_group(file, ROOT, top), NETWORK, own)
            for group in groups:
                _write(inside, group)

    return Stored(write)


def _choose(group: _Group, findings: Findings, *, double: bool) -> None:
    """The precision of a group's table."""
    if group.sheet is None or findings.problems:
        return
    needed = group.sheet.precision()
    if needed is Precision.NONE:
        what = f"a number in '{group.texts[ID]}' is not finite"
        findings.report(what, NOWHERE, "numbers")
    elif needed is Precision.LONG or (needed is Precision.ROUNDED and double):
        group.dtype = np.float64
    elif needed is Precision.ROUNDED:
        reason = "rounded to float32; 'double' keeps them, in a form that jNeuroML takes for zeros"
        findings.losses.add(f"digits of the numbers in '{group.texts[ID]}'", reason)


def _write(parent: h5py.Group, group: _Group) -> None:
    inside = write_group(parent, group.name, group.texts)
    if group.sheet is not None:
        sheet = group.sheet
        write_table(inside, str(group.texts[ID]), sheet.columns, sheet.count, sheet.block, dtype=group.dtype)


def _times(model: m.Model) -> dict[str, Decimal]:
    """The model's units of time, in ms."""
    times = {item.name for item in model.dimensions if item.exponents == (0, 0, 1, 0, 0, 0, 0)}
    return {
        unit.symbol: Decimal(repr(unit.scale)) * Decimal(10) ** (unit.power + 3)
        for unit in model.units
        if unit.dimension in times
    }


def _own(network: m.Component, findings: Findings) -> dict[str, str | int]:
    """The attributes of the network's group."""
    notes = next((child.text for child in network.children if child.tag == "notes"), None)
    found: dict[str, str | int] = {ID: network.id or NETWORK, **({"notes": notes} if notes else {})}
    for key, text in network.attributes.items():
        if key == "temperature":
            found[key] = text
        else:
            findings.losses.add(f"attribute {key}='{text}'", NO_PLACE, network.location)
    return found


@dataclass(slots=True)
class _Network:
    findings: Findings
    types: TypeTable
    taken: set[str] = field(default_factory=set)

    def groups(self, network: m.Component) -> list[_Group]:
        found = []
        for child in network.children:
            if child.tag in _POPULATIONS:
                found.append(self._population(child))
            elif child.tag in _KINDS:
                found.append(self._listed(child))
            elif child.tag != "notes":
                self._other(child)
        return found

    def _other(self, item: m.Component) -> None:
        """What has no group: populations and projections of other types would leave a hole."""
        name = item.type or item.tag
        kind = self.types.get(name) if name in self.types else None
        bases = ("basePopulation", *_KINDS)
        if kind is not None and any(kind.is_a(base) for base in bases):
            known = ", ".join(("population", *_KINDS))
            self.findings.report(f"'{item.id}' is of the type '{name}'", item.location, known)
        else:
            self.findings.losses.add(_named(item), NO_PLACE, item.location)

    def _name(self, prefix: str, item: m.Component) -> str:
        """What a group is called, which no other may be."""
        name = prefix + (item.id or "")
        if not item.id or item.id == "." or set(item.id) & {"/", "\0"}:
            self.findings.report(f"<{item.tag}> has the id '{item.id or ''}'", item.location, "a name")
        elif name in self.taken:
            self.findings.report(f"there are two groups '{name}'", item.location, "an id of its own for each")
        self.taken.add(name)
        return name

    def _population(self, item: m.Component) -> _Group:
        texts: dict[str, str | int] = {ID: item.id or "", "component": item.attributes.get("component", "")}
        cells = []
        for child in item.children:
            if child.tag == "instance":
                cells.append(child)
            elif child.tag == "property" and {"tag", "value"} <= set(child.attributes):
                texts[PROPERTY + child.attributes["tag"]] = child.attributes["value"]
            else:
                what = f"{_named(child)} of population '{item.id}'"
                self.findings.losses.add(what, NO_PLACE, child.location)
        kind = item.type or item.tag
        if kind not in _POPULATIONS:
            what = f"population '{item.id}' is of type '{kind}'"
            self.findings.report(what, item.location, " or ".join(_POPULATIONS))
        if kind == "populationList":
            texts |= {"size": len(cells), "type": kind}
            return _Group(self._name(POPULATION, item), texts, self._places(cells))
        texts["size"] = self._size(item)
        return _Group(self._name(POPULATION, item), texts)

    def _size(self, item: m.Component) -> int:
        text = item.attributes.get("size", "")
        try:
            return int(float(text))
        except (ValueError, OverflowError):
            self.findings.report(
                f"population '{item.id}': size='{text}'", item.location, "the number of cells"
            )
            return 0

    def _places(self, cells: list[m.Component]) -> Sheet:
        """The table of a list of cells."""
        ids = [self._id(cell) for cell in cells]
        places = np.array([self._place(cell) for cell in cells], dtype=np.float64).reshape(len(cells), 3)
        numbers = dict(zip(PLACE, places.T, strict=True))
        if ids == list(range(len(cells))):
            return Sheet(PLACE, [(len(cells), {**numbers})])
        return Sheet((ID, *PLACE), [(len(cells), {ID: np.array(ids, dtype=np.float64), **numbers})])

    def _id(self, cell: m.Component) -> int:
        number = whole(cell.id or "")
        if number is not None:
            return number
        self.findings.report(f"a cell has the id '{cell.id}'", cell.location, "a number")
        return 0

    def _place(self, cell: m.Component) -> tuple[float, ...]:
        found = next((child.attributes for child in cell.children if child.tag == "location"), None)
        if found is None:
            what = f"cell {cell.id} has no <location>"
            self.findings.losses.add(what, "each cell of a list is given a place: 0, 0, 0", cell.location)
            return (0.0, 0.0, 0.0)
        try:
            return tuple(float(found[axis]) for axis in PLACE)
        except (KeyError, ValueError):
            expected = "x, y and z, numbers"
            self.findings.report(f"the place of cell {cell.id}: {dict(found)}", cell.location, expected)
            return (0.0, 0.0, 0.0)

    def _listed(self, item: m.Component) -> _Group:
        kind = _KINDS[item.tag]
        shared, sheet = sheet_of(kind, item, self.findings)
        texts: dict[str, str | int] = {ID: item.id or ""}
        if kind is not INPUTS:
            texts["type"] = kind.tag
        for key in kind.own:
            if key in item.attributes:
                texts[key] = item.attributes[key]
            else:
                self.findings.report(f"{item.tag} '{item.id}' has no '{key}'", item.location)
        return _Group(self._name(kind.prefix, item), {**texts, **shared}, sheet)


def _named(item: m.Component) -> str:
    return f"<{item.tag}>" + (f" '{item.id}'" if item.id else "")
