"""Which variable lies where in memory, and how one instance's code reaches another's variable."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tvbo_lite.compiler.blocks import Block, Forest
from tvbo_lite.compiler.ir import RESERVED, Cell, Gather, Load, Place
from tvbo_lite.compiler.variables import CLOCK, Variables, analyse, initial_regime
from tvbo_lite.errors import ModelError
from tvbo_lite.expr.tree import Number
from tvbo_lite.transforms.instances import Instance

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

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.values: list[float] = [0.0] * RESERVED
        self.cells: list[Cell] = []
        self.tables: list[list[int]] = []
        self._cell: dict[tuple[int, str], Cell] = {}
        self._variables: dict[object, Variables] = {}
        self.checked: dict[tuple[int, str], Cell] = {}

    def variables(self, block: Block) -> Variables:
        """The block's variables, worked out once for all blocks of a type."""
        assigned = tuple(sorted(block.instances[0].values))
        occupancies = tuple(scheme_variables(block.instances[0]))
        consolidated = block.instances[0].consolidated
        key = (block.kind.name, assigned, occupancies, consolidated)
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
            cell = Cell(block, name, len(self.values), block.size)
            self._cell[key] = cell
            self.cells.append(cell)
            self.values += [self._start(instance, name) for instance in block.instances]
        return self._cell[key]

    def _start(self, instance: Instance, name: str) -> float:
        if name == REGIME:
            return float(initial_regime(instance.component.type.dynamics))
        if name in instance.values:
            return instance.values[name]
        if name in scheme_variables(instance):
            return float(scheme_variables(instance)[name] is instance)
        return instance.component.parameters.get(name, 0.0)

    def own(self, block: Block, name: str) -> Load:
        """A variable of the current instance, or of one of its ancestors."""
        return Load(block, self.cell(block, name).offset)

    def exposure(self, block: Block, variable: str) -> Load:
        """What others see of a variable: its own cell, unless it changes after exposures are copied."""
        if variable in self.variables(block).outside:
            return self.own(block, EXPOSURE + variable)
        return self.own(block, variable)

    # ---- parameters ---------------------------------------------------------------------------

    def parameter(self, block: Block, name: str) -> Number | Load:
        """A parameter: a number where all instances agree, else one cell an instance."""
        first = block.components[0].parameters[name]
        if all(_same(one.parameters[name], first) for one in block.components):
            return Number(first)
        return self.own(block, name)

    # ---- what is seen of other instances -----------------------------------------------------

    def get(self, block: Block, name: str) -> Seen | None:
        """jLEMS's ``get``: an exposure, else a variable or parameter, else what the parent gets."""
        at: Block | None = block
        while at is not None:
            variables = self.variables(at)
            if name in variables.exposed:
                variable = variables.exposed[name]
                if variable is None and name not in at.instances[0].component.parameters:
                    return Seen(at, "")
                if variable is not None:
                    return Seen(at, EXPOSURE + variable if variable in variables.outside else variable)
            if name in at.instances[0].component.parameters:
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
            raise block.instances[0].component.fail(what)
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

    def places(
        self, targets: Sequence[Instance], name: str, fail: Callable[[str], ModelError]
    ) -> list[int | float]:
        """For each target, the memory place of its ``get(name)``, or a float where it is a parameter.

        A parameter that differs among its block's instances has a place like a variable.
        """
        return [self._place(target, name, fail) for target in targets]

    def own_places(self, targets: Sequence[Instance], name: str) -> list[int]:
        """For each target, the memory place of the variable itself, which may be assigned to."""
        at = [self.forest.of(target) for target in targets]
        return [self.cell(block, name).offset + k for block, k in at]

    def _place(self, target: Instance, name: str, fail: Callable[[str], ModelError]) -> int | float:
        block, k = self.forest.of(target)
        seen = self.get(block, name)
        if seen is None:
            raise fail(f"'{target.path()}' has no variable '{name}'")
        at: Block = block
        while at is not seen.block:
            k //= at.fanout
            assert at.parent is not None  # noqa: S101  seen.block is an ancestor
            at = at.parent
        if not seen.name:
            return 0.0
        if seen.is_parameter:
            leaf = self.parameter(at, seen.name)
            return leaf.value if isinstance(leaf, Number) else leaf.offset + k
        return self.watched(at, seen.name).offset + k

    def reach(self, block: Block, places: Sequence[int | float]) -> Number | Place:
        """Code of instance ``k`` of ``block`` that reads ``places[k]``: a number, a stride or a table."""
        first = places[0]
        if isinstance(first, float) and all(isinstance(p, float) and _same(p, first) for p in places):
            return Number(first)
        return self.spread(block, [p if isinstance(p, int) else self.constant(p) for p in places])

    def spread(self, block: Block, offsets: list[int]) -> Place:
        """Code of instance ``k`` of ``block`` for the place ``offsets[k]``: a stride, or else a table."""
        stride = offsets[1] - offsets[0] if len(offsets) > 1 else 0
        if all(offset == offsets[0] + stride * k for k, offset in enumerate(offsets)):
            return Load(block, offsets[0], stride)
        self.tables.append(offsets)
        return Gather(block, len(self.tables) - 1)

    def constant(self, value: float) -> int:
        """A place in memory that holds a number."""
        self.values.append(value)
        return len(self.values) - 1


def scheme_variables(instance: Instance) -> dict[str, Instance]:
    """Occupancies that a kinetic scheme of the parent keeps in this instance, with the scheme's first node.

    The first node starts with occupancy 1, the others with 0.
    """
    if instance.parent is None:
        return {}
    parent = instance.parent
    found = {}
    for scheme in parent.component.type.dynamics.kinetic_schemes:
        nodes = parent.lists.get(scheme.nodes, [])
        if any(node is instance for node in nodes):
            found[scheme.state_variable] = nodes[0]
    return found


def _same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))
