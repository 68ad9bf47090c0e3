"""Which variable lies where in memory, and how one instance's code reaches another's variable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler.ir import RESERVED, Affine, Cell, Entry, Gather, Index, Load, Place
from tvbo_lite.errors import ModelError
from tvbo_lite.expr.tree import Number
from tvbo_lite.transforms.blocks import Block, Forest, Refs
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.variables import CLOCK, Variables, analyse, initial_regime

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPOSURE = "exposure of "
REGIME = "active regime"


@dataclass(frozen=True, slots=True)
class Seen:
    """A variable as ``get(name)`` finds it: on which block, under which name; or a number."""

    block: Block
    name: str
    is_parameter: bool = False


class Memory:
    """Allocates cells on demand and keeps the start values."""

    def __init__(self, forest: Forest, *, lagging: bool = True) -> None:
        """With ``lagging``, what others see of some variables is a copy made once a step, as in jLEMS."""
        self.forest = forest
        self.lagging = lagging
        self.size = RESERVED
        self.cells: list[Cell] = []
        self.tables: list[NDArray[np.int64]] = []
        self._parts: list[NDArray[np.float64]] = [np.zeros(RESERVED)]
        self._cell: dict[tuple[int, str], Cell] = {}
        self._variables: dict[object, Variables] = {}
        self.checked: dict[tuple[int, str], Cell] = {}

    def start_values(self) -> NDArray[np.float64]:
        """The whole memory before initialisation."""
        return np.concatenate(self._parts)

    def _take(self, values: NDArray[np.float64]) -> int:
        """The place of some more cells."""
        place = self.size
        self._parts.append(values)
        self.size += len(values)
        return place

    def variables(self, block: Block) -> Variables:
        """The block's variables, worked out once for all blocks of a type."""
        assigned = tuple(sorted(block.values))
        occupancies = tuple(scheme_variables(block))
        consolidated = block.shape.consolidated
        key = (id(block.kind), assigned, occupancies, consolidated)
        if key not in self._variables:
            self._variables[key] = analyse(block.kind, assigned, occupancies, consolidated=consolidated)
        return self._variables[key]

    # ---- cells -------------------------------------------------------------------------------

    def has(self, block: Block, name: str) -> bool:
        return (block.number, name) in self._cell

    def cell(self, block: Block, name: str) -> Cell:
        """The memory of a variable of all instances of a block; made when first asked for."""
        key = (block.number, name)
        if key not in self._cell:
            cell = Cell(block, name, self._take(_start(block, name)), block.size)
            self._cell[key] = cell
            self.cells.append(cell)
        return self._cell[key]

    def own(self, block: Block, name: str) -> Load:
        """A variable of the current instance, or of one of its ancestors."""
        return Load(block, self.cell(block, name).offset)

    def given(self, block: Block, name: str, values: NDArray[np.float64]) -> Load:
        """A number for each instance of a block that no variable of it holds."""
        cell = Cell(block, name, self._take(values), block.size)
        self.cells.append(cell)
        return Load(block, cell.offset)

    def exposure(self, block: Block, variable: str) -> Load:
        """What others see of a variable: its own cell, unless it changes after exposures are copied."""
        if self._lags(block, variable):
            return self.own(block, EXPOSURE + variable)
        return self.own(block, variable)

    def _lags(self, block: Block, variable: str) -> bool:
        return self.lagging and variable in self.variables(block).outside

    # ---- parameters ---------------------------------------------------------------------------

    def parameter(self, block: Block, name: str) -> Number | Load:
        """A parameter: a number where all instances agree, else one cell an instance."""
        values = block.parameter(name)
        return Number(values) if isinstance(values, float) else self.own(block, name)

    # ---- what is seen of other instances -----------------------------------------------------

    def get(self, block: Block, name: str) -> Seen | None:
        """jLEMS's ``get``: an exposure, else a variable or parameter, else what the parent gets."""
        at: Block | None = block
        while at is not None:
            variables = self.variables(at)
            if name in variables.exposed:
                variable = variables.exposed[name]
                if variable is None and name not in at.component.parameters:
                    return Seen(at, "")
                if variable is not None:
                    return Seen(at, EXPOSURE + variable if self._lags(at, variable) else variable)
            if name in at.component.parameters:
                return Seen(at, name, is_parameter=True)
            if variables.knows(name):
                return Seen(at, name)
            at = at.parent
        return None

    def from_parent(self, block: Block, name: str) -> Number | Load:
        """What a requirement reads: the parent's ``get(name)``. `ModelError` where nobody has it."""
        seen = self.get(block.parent, name) if block.parent else None
        if seen is None:
            what = f"requires '{name}', but none of the instances around it has that"
            raise block.component.fail(what)
        if seen.is_parameter:
            return self.parameter(seen.block, seen.name)
        if not seen.name:
            return Number(0.0)
        return self.watched(seen.block, seen.name)

    def watched(self, block: Block, name: str) -> Load:
        """A variable that others read: a run stops where it is not finite."""
        load = self.own(block, name)
        if name != CLOCK:
            self.checked[block.number, name] = self.cell(block, name)
        return load

    def places(self, refs: Refs, name: str, fail: Callable[[str], ModelError]) -> NDArray[np.int64] | float:
        """For each instance the memory place of its ``get(name)``; a number where all have the same.

        A parameter that differs among its block's instances has a place like a variable.
        """
        found = [
            (positions, self._places(block, index, name, fail)) for block, positions, index in refs.parts()
        ]
        numbers = [value for _, value in found if isinstance(value, float)]
        if numbers and len(numbers) == len(found) and all(_same(one, numbers[0]) for one in numbers):
            return numbers[0]
        places = np.empty(len(refs), np.int64)
        for positions, value in found:
            places[positions] = self.constant(value) if isinstance(value, float) else value
        return places

    def own_places(self, refs: Refs, name: str) -> NDArray[np.int64]:
        """For each instance, the memory place of the variable itself, which may be assigned to."""
        places = np.empty(len(refs), np.int64)
        for block, positions, index in refs.parts():
            places[positions] = self.cell(block, name).offset + index
        return places

    def _places(
        self, block: Block, index: NDArray[np.int64], name: str, fail: Callable[[str], ModelError]
    ) -> NDArray[np.int64] | float:
        seen = self.get(block, name)
        if seen is None:
            where = Instance(block, int(index[0])).path() if len(index) else block.kind.name
            raise fail(f"'{where}' has no variable '{name}'")
        at: Block = block
        while at is not seen.block:
            index = at.owners()[index]
            assert at.parent is not None  # noqa: S101  seen.block is an ancestor
            at = at.parent
        if not seen.name:
            return 0.0
        if seen.is_parameter:
            leaf = self.parameter(at, seen.name)
            return leaf.value if isinstance(leaf, Number) else leaf.offset + index
        return self.watched(at, seen.name).offset + index

    def reach(self, block: Block, places: NDArray[np.int64] | float) -> Number | Place:
        """Code of instance ``k`` of ``block`` that reads ``places[k]``: a number, a stride or a table."""
        return Number(places) if isinstance(places, float) else self.spread(block, places)

    def spread(self, block: Block, places: NDArray[np.int64]) -> Place:
        """Code of instance ``k`` of ``block`` for the place ``places[k]``: a stride, or else a table."""
        index = self.index(places)
        if isinstance(index, Affine):
            return Load(block, index.offset, index.stride)
        return Gather(block, index.table)

    def index(self, numbers: NDArray[np.int64]) -> Index:
        """Whole numbers, one for each instance: evenly spaced, or else a table."""
        stride = int(numbers[1] - numbers[0]) if len(numbers) > 1 else 0
        if np.array_equal(numbers, numbers[0] + stride * np.arange(len(numbers))):
            return Affine(int(numbers[0]), stride)
        return Entry(self.table(numbers))

    def table(self, numbers: NDArray[np.int64]) -> int:
        """The number of a table with these entries."""
        self.tables.append(np.ascontiguousarray(numbers, dtype=np.int64))
        return len(self.tables) - 1

    def constant(self, value: float) -> int:
        """A place in memory that holds a number."""
        return self._take(np.array([value]))

    def stretch(self, values: NDArray[np.float64]) -> int:
        """The first of some places side by side that hold these numbers."""
        return self._take(values)


def _start(block: Block, name: str) -> NDArray[np.float64]:
    """What a variable of a block's instances starts with."""
    if name == REGIME:
        return np.full(block.size, float(initial_regime(block.kind.dynamics)))
    if name in block.values:
        return block.values[name]
    first = scheme_variables(block).get(name)
    if first is not None:
        return first
    return np.zeros(block.size) + (block.parameter(name) if name in block.component.parameters else 0.0)


def scheme_variables(block: Block) -> dict[str, NDArray[np.float64]]:
    """Occupancies that a kinetic scheme of the parent keeps in these instances, with their start values.

    The scheme's first node starts with occupancy 1, the others with 0.
    """
    found = {}
    for scheme in block.parent.kind.dynamics.kinetic_schemes if block.parent and block.listed else ():
        if block.name == scheme.nodes:
            start = np.zeros(block.size)
            if block.parent is not None and block.parent.listed_in(scheme.nodes)[0] is block:
                start[block.bounds()[0]] = 1.0
            found[scheme.state_variable] = start
    return found


def _same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))
