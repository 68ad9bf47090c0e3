"""The compiler's intermediate representation.

Everything a run changes lives in one array of doubles, the *memory*. Expressions are those of
`tvbo_lite.expr.tree` with three leaves of their own (`Load`, `Gather`, `Temp`) in place of names;
statements are the few below. A function's code refers to instance ``k`` of the block it belongs to;
the indices of the block's ancestors follow from ``k``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.expr.tree import Expr

if TYPE_CHECKING:
    from tvbo_lite.compiler.blocks import Block

TIME = 0  # memory[TIME] is the time of the row being worked on
RANDOM = 1  # memory[RANDOM] holds, as the bits of an integer, the state of java.util.Random
RESERVED = 2  # cells of memory before the first variable


# ---- leaves of expressions -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """``memory[offset + stride * k]`` for instance ``k`` of ``block``."""

    block: Block
    offset: int
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """``memory[tables[table][k]]`` for instance ``k`` of ``block``."""

    block: Block
    table: int


@dataclass(frozen=True, slots=True)
class Temp:
    """A value computed earlier in the same function."""

    number: int


Leaf: TypeAlias = Load | Gather | Temp
Value: TypeAlias = "Expr | Leaf"


# ---- statements ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Let:
    temp: Temp
    value: Value


@dataclass(frozen=True, slots=True)
class Store:
    target: Load
    value: Value


@dataclass(frozen=True, slots=True)
class If:
    condition: Value
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Each:
    """The body for every instance of ``block`` that belongs to the current instance of its parent."""

    block: Block
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Reduce:
    """``temp = start op m[o] op m[o+1] ...`` over ``count`` cells from ``offset + stride * k``, in order."""

    temp: Temp
    op: str  # "+" or "*"
    start: float
    block: Block
    offset: int
    stride: int
    count: int


@dataclass(frozen=True, slots=True)
class Emit:
    """An event leaves port ``port`` (an index into `Program.ports`) of instance ``k`` of its block."""

    port: int
    block: Block


@dataclass(frozen=True, slots=True)
class Call:
    """Runs a function for every instance of its block that belongs to the current parent instance."""

    function: str
    block: Block


Statement: TypeAlias = Let | Store | If | Each | Reduce | Emit | Call


@dataclass(frozen=True, slots=True)
class Function:
    """Code for one instance of ``block``. ``rare`` code runs so seldom that it need not be fast."""

    name: str
    block: Block
    body: tuple[Statement, ...]
    rare: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where an event goes: a handler function and the instance it is called for."""

    handler: str
    index: int
    delay: float = 0.0  # s; 0 is an immediate call


@dataclass(eq=False, slots=True)
class Port:
    """An event port of all instances of a block; ``targets[k]`` are in the order of delivery."""

    block: Block
    name: str
    targets: list[list[Target]]
    recorders: list[tuple[int, ...]] = field(default_factory=list)

    def silent(self) -> bool:
        """Whether events from here reach nobody."""
        return not any(self.targets) and not any(self.recorders)


@dataclass(eq=False, slots=True)
class Cell:
    """What a stretch of memory holds: variable ``name`` of the instances of ``block``."""

    block: Block
    name: str
    offset: int
    size: int


@dataclass(eq=False, slots=True)
class Program:
    """A whole model, lowered.

    ``memory`` holds the start values; ``step`` advances the tree by one step at the time in
    ``memory[TIME]``; ``initialise`` is run once. ``records`` are the memory places of the recorded
    quantities, ``checked`` those cells whose values must stay finite.
    """

    dt: float  # s
    memory: list[float]
    cells: list[Cell]
    tables: list[list[int]]
    functions: list[Function]
    ports: list[Port]
    step: Function
    initialise: Function
    records: tuple[int, ...]
    checked: tuple[Cell, ...]
    uses_random: bool = False
    seed: int = 1234

    def find(self, place: int) -> tuple[Cell, int]:
        """The cell and instance index that a place in memory belongs to."""
        for cell in self.cells:
            if cell.offset <= place < cell.offset + cell.size:
                return cell, place - cell.offset
        raise KeyError(place)


def statements(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement, nested ones included."""
    for statement in body:
        yield statement
        if isinstance(statement, If):
            yield from statements(statement.then)
            yield from statements(statement.otherwise)
        elif isinstance(statement, Each):
            yield from statements(statement.body)
