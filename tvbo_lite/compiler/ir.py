"""The compiler's intermediate representation.

Everything a run changes lives in one array of doubles, the *memory*. Expressions are those of
`tvbo_lite.expr.tree` with three leaves of their own (`Load`, `Gather`, `Temp`) in place of names;
statements are the few below. A function's code refers to instance ``k`` of the block it belongs to;
the indices of the block's ancestors follow from ``k``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.expr.tree import Expr, Leaf

if TYPE_CHECKING:
    from tvbo_lite.compiler.blocks import Block

# Cells of memory before the first variable. All but TIME hold the bits of an integer or of a pointer.
TIME = 0  # s, the time of the row being worked on
RANDOM = 1  # the state of java.util.Random
QUEUE, QUEUE_HEAD, QUEUE_TAIL, QUEUE_ROOM = 2, 3, 4, 5  # delayed events, by time of delivery
LOG, LOG_LENGTH, LOG_ROOM = 6, 7, 8  # recorded events
RESERVED = 9


# ---- leaves of expressions -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load(Leaf):
    """``memory[offset + stride * k]`` for instance ``k`` of ``block``."""

    block: Block
    offset: int
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Gather(Leaf):
    """``memory[tables[table][k]]`` for instance ``k`` of ``block``."""

    block: Block
    table: int


@dataclass(frozen=True, slots=True)
class Temp(Leaf):
    """A value computed earlier in the same function."""

    number: int


Place: TypeAlias = Load | Gather
Value: TypeAlias = Expr


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
class Edge:
    """A transition of a kinetic scheme: from node to node (places in the list), rates per second."""

    source: int
    target: int
    forward: Value
    reverse: Value


@dataclass(frozen=True, slots=True)
class Kinetics:
    """Occupancies ``nodes`` become ``expm(A dt) nodes``, A from the edges' rates."""

    nodes: tuple[Place, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Runs a function for every instance of its block that belongs to the current parent instance."""

    function: str
    block: Block


Statement: TypeAlias = Let | Store | If | Each | Reduce | Emit | Kinetics | Call


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
    """An event port of all instances of a block.

    ``targets[k]`` are in the order of connection; immediate ones are served first, then the recorders
    (places in `Program.events`), then the delayed ones are queued.
    """

    block: Block
    name: str
    targets: list[list[Target]]
    recorders: list[list[int]]

    def immediate(self) -> list[list[Target]]:
        return [[target for target in targets if target.delay <= 0] for targets in self.targets]

    def delayed(self) -> list[list[Target]]:
        return [[target for target in targets if target.delay > 0] for targets in self.targets]


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
    events: tuple[tuple[str, str], ...] = ()  # (event file's id, selection's id) of each event recorder
    seed: int = 1234

    def delays(self) -> bool:
        """Whether any event is queued."""
        return any(target.delay > 0 for port in self.ports for targets in port.targets for target in targets)

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
