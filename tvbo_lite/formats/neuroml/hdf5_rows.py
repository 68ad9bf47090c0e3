"""The rows of a projection or of a list of inputs as columns of numbers, for NeuroML's form in HDF5.

Rows that are kept as a table are taken as they are; of components the texts are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.errors import Location, Problem
from tvbo_lite.formats._decimals import are_short
from tvbo_lite.formats._hdf5 import BLOCK
from tvbo_lite.formats.neuroml.layout import DEFAULTS, DESTINATION, ID, MAGNITUDES, Kind
from tvbo_lite.lems import model as m
from tvbo_lite.lems.rows import Column, Rows, parts_of
from tvbo_lite.losses import Losses
from tvbo_lite.numerals import DIGITS, whole
from tvbo_lite.transforms.quantity import number_and_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any] | float

__all__ = ["NO_PLACE", "Findings", "Precision", "Sheet", "sheet_of"]

NO_PLACE = "the form has no place for it"
_WHOLE = 2**24  # whole numbers below are float32
_LARGEST = np.finfo(np.float32).max
_CELL = re.compile(rf"(?:\.\./)?(\w+)(?:\[(\d{{1,{DIGITS}}})\]|/(\d{{1,{DIGITS}}})(?:/\w+)?)")
_BEFORE = re.compile(r"(?:\.\./)?(\w+)[\[/]")
_AFTER = re.compile(r"\]|(?:/\w+)?")


@dataclass(slots=True)
class Findings:
    """What is found on the way: ``problems`` make the file impossible, ``losses`` are left out of it."""

    losses: Losses
    times: Mapping[str, Decimal]  # the units of time, in ms
    problems: list[Problem] = field(default_factory=list)

    def report(self, what: str, place: Location, expected: str | None = None) -> None:
        problem = Problem(what, place, expected)
        if problem not in self.problems:
            self.problems.append(problem)


class Precision(Enum):
    """What of numbers float32 holds: all, all but some digits, not enough of them; or nothing can."""

    SHORT = auto()
    ROUNDED = auto()
    LONG = auto()
    NONE = auto()


@dataclass(slots=True)
class Sheet:
    """A table: the names of its columns, and its rows in pieces, each with numbers for some columns."""

    columns: tuple[str, ...]
    pieces: list[tuple[int, dict[str, Numbers]]]

    @property
    def count(self) -> int:
        return sum(count for count, _ in self.pieces)

    def block(self, start: int, stop: int) -> NDArray[np.float64]:
        """The rows from ``start`` to ``stop``; shape (stop - start, columns)."""
        found = np.empty((stop - start, len(self.columns)))
        offset = 0
        for count, numbers in self.pieces:
            first, last = max(start - offset, 0), min(stop - offset, count)
            if first < last:
                to = slice(offset + first - start, offset + last - start)
                for number, name in enumerate(self.columns):
                    value = numbers.get(name, DEFAULTS.get(name, 0.0))
                    found[to, number] = value[first:last] if isinstance(value, np.ndarray) else value
            offset += count
        return found

    def precision(self) -> Precision:
        """What its numbers need."""
        cells = [k for k, name in enumerate(self.columns) if name == ID or name.endswith("cell_id")]
        found = Precision.SHORT
        for start in range(0, self.count, BLOCK):
            block = self.block(start, min(start + BLOCK, self.count))
            if not np.isfinite(block).all():
                return Precision.NONE
            if found is Precision.SHORT and not are_short(block):
                found = Precision.ROUNDED
            if (block[:, cells] >= _WHOLE).any() or (np.abs(block) > _LARGEST).any():
                found = Precision.LONG
        return found


def sheet_of(kind: Kind, item: m.Component, findings: Findings) -> tuple[dict[str, str], Sheet | None]:
    """What all rows of a component share, and the table of its rows; None where it has no rows."""
    reader = _Reader(kind, item, findings)
    for part in _parts(item.children, kind):
        if isinstance(part, Rows):
            reader.rows(part)
        elif part[0].tag in (kind.single, kind.plain, kind.weighted):
            reader.components(part)
        else:
            for one in part:
                findings.losses.add(f"<{one.tag}> in '{item.id}'", NO_PLACE, one.location)
    if not reader.pieces:
        return reader.shared, None
    reader.number()
    used = {name for _, numbers in reader.pieces for name in numbers}
    columns = (*kind.ends, *(name for name in (*kind.columns, ID) if name in used))
    return reader.shared, Sheet(columns, reader.pieces)


def _parts(children: Sequence[m.Component], kind: Kind) -> Iterable[Rows | list[m.Component]]:
    """Tables as they are, and runs of components of which one table can be made."""
    known = {kind.single, kind.plain, kind.weighted}
    for tag, run in groupby(parts_of(children), lambda part: isinstance(part, Rows) or part.tag in known):
        del tag
        listed: list[m.Component] = []
        for part in run:
            if isinstance(part, Rows):
                if listed:
                    yield listed
                listed = []
                yield part
            else:
                listed.append(part)
        if listed:
            yield listed


class _Reader:
    """Gathers the pieces of one component."""

    def __init__(self, kind: Kind, item: m.Component, findings: Findings) -> None:
        self.kind, self.item, self.findings = kind, item, findings
        self.pieces: list[tuple[int, dict[str, Numbers]]] = []
        self.shared: dict[str, str] = {}
        self.ends = {attribute: (name, own) for name, (attribute, own) in kind.ends.items()}
        self.known = {attribute: name for name, attribute in kind.columns.items()}
        self.numbered = 0  # rows so far

    def rows(self, rows: Rows) -> None:
        numbers: dict[str, Numbers] = {}
        for attribute, column in rows.columns.items():
            if attribute in self.ends:
                numbers[self.ends[attribute][0]] = self._cells(attribute, column, rows.location)
            elif attribute in self.known:
                name = self.known[attribute]
                numbers[name] = self._scaled(name, column, rows.location)
            else:
                self._lost(attribute, column.text(0), rows.location)
        numbers |= self._texts({key: [text] for key, text in rows.attributes.items()}, 1, rows.location)
        ids = np.arange(rows.count) if rows.ids is None and self.numbered else rows.ids
        self._add(rows.count, numbers, ids, rows.location)

    def components(self, items: list[m.Component]) -> None:
        place = items[0].location
        names = dict.fromkeys(key for item in items for key in item.attributes)
        numbers = self._texts(
            {name: [item.attributes.get(name) for item in items] for name in names}, len(items), place
        )
        ids = [item.id for item in items]
        counted = [whole(name or "") for name in ids]
        if None not in counted:
            self._add(len(items), numbers, np.array(counted), place)
            return
        for item in items:
            if item.id is not None:
                reason = "a row has a number as its id, which its place in the table gives it"
                self.findings.losses.add(f"id '{item.id}' of <{item.tag}>", reason, item.location)
        self._add(len(items), numbers, None, place)

    def _add(
        self, count: int, numbers: dict[str, Numbers], ids: NDArray[np.int64] | None, place: Location
    ) -> None:
        for name, (attribute, _) in self.kind.ends.items():
            if name not in numbers:
                self.findings.report(f"a connection of '{self.item.id}' has no '{attribute}'", place)
        counted = ids is None or (ids == np.arange(self.numbered, self.numbered + count)).all()
        if ids is not None and not counted:
            numbers[ID] = ids
        self.pieces.append((count, numbers))
        self.numbered += count

    def number(self) -> None:
        """Where some rows have ids of their own, all have ids."""
        at = 0
        for count, numbers in self.pieces if any(ID in numbers for _, numbers in self.pieces) else ():
            numbers.setdefault(ID, np.arange(at, at + count))
            at += count

    def _texts(
        self, texts: Mapping[str, Sequence[str | None]], count: int, place: Location
    ) -> dict[str, Numbers]:
        """Attributes, each with a text for every row."""
        numbers: dict[str, Numbers] = {}
        for attribute, every in {DESTINATION: [None], **texts}.items():
            if attribute in self.ends:
                name, own = self.ends[attribute]
                population = self.item.attributes.get(own, "")
                cells = [self._cell(text, population, place) for text in every]
                numbers[name] = np.array(cells, dtype=np.float64) if count > 1 else float(cells[0])
            elif attribute in self.known:
                name = self.known[attribute]
                found = [self._number(name, text, place) for text in every]
                numbers[name] = np.array(found) if count > 1 else found[0]
            elif attribute in self.kind.shared:
                self._share(attribute, set(every), place)
            elif attribute == DESTINATION and self._go_together(every):
                self.shared |= {DESTINATION: every[0]} if every[0] else {}
            else:
                for text in dict.fromkeys(every):
                    if text is not None:
                        self._lost(attribute, text, place)
        return numbers

    def _share(self, attribute: str, texts: set[str | None], place: Location) -> None:
        found = {text for text in texts if text is not None} | {self.shared.get(attribute)} - {None}
        if len(found) > 1 or None in texts:
            listed = ", ".join(f"'{text}'" for text in sorted(str(text) for text in found))
            what = f"the connections of '{self.item.id}' differ in their '{attribute}': {listed}"
            self.findings.report(what, place, "one for all of them, or a projection for each")
        self.shared[attribute] = next(iter(found)) or ""

    def _go_together(self, every: Sequence[str | None]) -> bool:
        """Whether these rows have one destination, and all before them the same."""
        usual = self.kind.destination
        before = self.shared.get(DESTINATION) if self.pieces else every[0]
        return {text or usual for text in every} == {before or usual}

    def _lost(self, attribute: str, text: str, place: Location) -> None:
        reason = f"a row of '{self.item.id}' has no place for it"
        self.findings.losses.add(f"attribute {attribute}='{text}'", reason, place)

    # ---- texts and columns as numbers

    def _cells(self, attribute: str, column: Column, place: Location) -> Numbers:
        _, own = self.ends[attribute]
        population = self.item.attributes.get(own, "")
        before = _BEFORE.fullmatch(column.before)
        path = before is not None and before[1] == population and _AFTER.fullmatch(column.after) is not None
        single = self.kind.single is not None and not (column.before or column.after)
        numbers = column.values
        if numbers.dtype.kind not in "iu" or not (path or single):
            self._no_cell(column.text(0), population, place)
        return numbers

    def _cell(self, text: str | None, population: str, place: Location) -> int:
        if text is None:
            self.findings.report(f"a connection of '{self.item.id}' has no cell at one end", place)
            return 0
        number = whole(text)
        if number is not None and self.kind.single is not None:
            return number
        found = _CELL.fullmatch(text)
        if found is None or found[1] != population:
            self._no_cell(text, population, place)
            return 0
        return int(found[2] or found[3])

    def _no_cell(self, text: str, population: str, place: Location) -> None:
        what = f"'{text}' in '{self.item.id}' is no cell of the population '{population}'"
        self.findings.report(what, place, f"../{population}[...] or ../{population}/.../...")

    def _number(self, name: str, text: str | None, place: Location) -> float:
        if text is None:
            return DEFAULTS[name]
        found = _parsed(text)
        factor = self._factor(name, found[1]) if found is not None else None
        if found is None or factor is None:
            self.findings.report(f"{name} '{text}' in '{self.item.id}'", place, self._expected(name))
            return 0.0
        return float(found[0] * factor)

    def _scaled(self, name: str, column: Column, place: Location) -> NDArray[Any]:
        factor = self._factor(name, column.after.strip())
        values: NDArray[Any] = column.values
        if factor is None or column.before:
            text = column.text(0)
            self.findings.report(f"{name} '{text}' in '{self.item.id}'", place, self._expected(name))
            return values
        if factor == 1:
            return values
        return values * float(factor) if factor > 1 else values / float(1 / factor)

    def _factor(self, name: str, unit: str) -> Decimal | None:
        """What a number in that unit is multiplied with; None where it will not do."""
        if MAGNITUDES.get(name):
            return self.findings.times.get(unit)
        return None if unit else Decimal(1)

    @staticmethod
    def _expected(name: str) -> str:
        return "a number with a unit of time" if MAGNITUDES.get(name) else "a number"


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[Decimal, str] | None:
    found = number_and_unit(text)
    return (Decimal(found[0]), found[1]) if found else None
