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
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.blocks import Block

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


# ---- whole numbers that depend on the instance ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Affine:
    """``offset + stride * k`` for instance ``k``."""

    offset: int
    stride: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """``tables[table][k]`` for instance ``k``."""

    table: int


Index: TypeAlias = Affine | Entry


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
    """``temp = start op m[first] op m[first + 1] ...``, ``last`` excluded, in order.

    With a table ``through`` the places are its entries from ``first`` to ``last``.
    """

    temp: Temp
    op: str  # "+" or "*"
    start: Value
    block: Block
    first: Index
    last: Index
    through: int | None = None


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


@dataclass(eq=False, slots=True)
class Targets:
    """Whom an event of instance ``k`` reaches: entries ``starts[k]`` to ``starts[k + 1]``, in order.

    Entry i is a call of ``names[which[i]]`` for instance ``index[i]`` of the function's block, after
    ``delays[i]`` seconds. Of recorders (without a name) ``index`` are places in `Program.events`.
    """

    starts: NDArray[np.int64]
    names: tuple[str, ...]
    which: NDArray[np.int64]
    index: NDArray[np.int64]
    delays: NDArray[np.float64]

    def __bool__(self) -> bool:
        return bool(len(self.index))

    def of(self, k: int) -> Iterator[tuple[str, int, float]]:
        """Handler, index and delay of each target of instance ``k``."""
        for i in range(int(self.starts[k]), int(self.starts[k + 1])):
            yield self.names[self.which[i]], int(self.index[i]), float(self.delays[i])


@dataclass(eq=False, slots=True)
class Port:
    """An event port of all instances of a block.

    The immediate targets are served first, then the recorders, then the delayed ones are queued.
    """

    block: Block
    name: str
    immediate: Targets
    recorders: Targets
    delayed: Targets


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
    memory: NDArray[np.float64]
    cells: list[Cell]
    tables: list[NDArray[np.int64]]
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
        return any(port.delayed for port in self.ports)

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
