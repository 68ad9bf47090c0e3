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

from tvbo_lite.expr.tree import Expr, Leaf, Number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.transforms.blocks import Block

# Cells of memory before the first variable. All but TIME hold the bits of an integer or of a pointer.
TIME = 0  # s, the time of the row being worked on
RANDOM = 1  # the state of java.util.Random
QUEUE, QUEUE_HEAD, QUEUE_TAIL, QUEUE_ROOM = 2, 3, 4, 5  # delayed events, by time of delivery
LOG, LOG_LENGTH, LOG_ROOM = 6, 7, 8  # recorded events
TEAM = 9  # the threads that help with long loops, while they do
BATCH = 10  # how many queued events are being delivered together
RESERVED = 11


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


@dataclass(frozen=True, slots=True)
class Weight(Leaf):
    """In a weighted function: the weight of the event that it handles."""


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
    """The body for every instance of ``block`` that belongs to the current instance of its parent.

    A ``divisible`` loop is long, and its instances may be advanced in any order.
    """

    block: Block
    body: tuple[Statement, ...]
    divisible: bool = False


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


# ---- statements of integration methods, which work on whole stretches of memory ----------------------
# Nobody compares them, and a class that cannot be compared is made in half the time.


@dataclass(eq=False, slots=True)
class SetTime:
    """The time, which all instances share, becomes ``value`` (s)."""

    value: Value


@dataclass(eq=False, slots=True)
class While:
    """The body again and again as long as the condition holds, which is looked at first."""

    condition: Value
    body: tuple[Statement, ...]


ONE = Number(1.0)
Terms: TypeAlias = tuple[tuple[Value, int], ...]
"""Weights, and the stretches of memory that they multiply."""


@dataclass(eq=False, slots=True)
class Blend:
    """``m[target + i] = m[base + i] + factor * (w1 * m[p1 + i] + w2 * m[p2 + i] + ...)``, i < ``size``.

    Without terms it copies.
    """

    target: int
    base: int
    size: int
    factor: Value = ONE
    terms: Terms = ()


@dataclass(eq=False, slots=True)
class Multiply:
    """``m[target + i] = factor * (m[first + i] * m[second + i])``, i < ``size``."""

    target: int
    first: int
    second: int
    size: int
    factor: Value


@dataclass(eq=False, slots=True)
class Norm:
    """``temp`` = the sum of squares of ``factor * (w1 * m[p1 + i] + ...) / allowed[i]``, in order, where
    ``allowed[i] = absolute * m[scale + i] + relative * max(|m[first + i]|, |m[second + i]|)``.
    """

    temp: Temp
    size: int
    factor: Value
    terms: Terms
    scale: int
    absolute: Value
    relative: Value
    first: int
    second: int


@dataclass(eq=False, slots=True)
class Jacobian:
    """``m[matrix + size * i + j]`` = how slope i changes with state j, by a small change of each state.

    ``function`` works out ``m[slopes + i]`` from the states; ``m[known + i]`` are those of the states as
    they stand; the change is ``DIFFERENCE * max(|state|, m[scale + j])``.
    """

    function: str
    states: int
    slopes: int
    known: int
    scale: int
    matrix: int
    size: int


DIFFERENCE = 2.0**-26  # the square root of the relative distance of two doubles


@dataclass(eq=False, slots=True)
class Factor:
    """``m[target ...] = LU`` of ``diagonal * identity - m[matrix ...]``, rows exchanged for large pivots.

    ``m[pivots + i]`` is the row that took the place of row i.
    """

    target: int
    matrix: int
    pivots: int
    size: int
    diagonal: Value


@dataclass(eq=False, slots=True)
class Solve:
    """``m[vector ...]`` becomes the solution of the factored system with it as right-hand side."""

    matrix: int
    pivots: int
    vector: int
    size: int


@dataclass(eq=False, slots=True)
class Normal:
    """``m[target + i]`` = a number of the standard normal distribution, for i < ``size``.

    Numbers i and i + 1 (i even) come by Box and Muller's formula from one block of Philox4x32-10 with the
    key ``seed`` and the counter (``step``: two words, i / 2, ``stream``).
    """

    target: int
    size: int
    seed: int
    stream: int
    step: Value


@dataclass(eq=False, slots=True)
class Sample:
    """``temp`` = a function of time given by a table, for instance ``k`` of ``block``.

    ``m[times ...]`` are ``count`` rising times; row i of ``m[values ...]`` has ``columns`` values, one for
    each instance or one for all. The value holds from its time on, or lies on the line to the next one
    (``linear``). Before the first time it is the first value, after the last the last one. Times that
    differ by rounding only are the same (`SAME_TIME`).
    """

    temp: Temp
    block: Block
    time: Value
    times: int
    values: int
    count: int
    columns: int
    linear: bool


SAME_TIME = 2.0**-50  # relative


@dataclass(eq=False, slots=True)
class After:
    """``temp`` = the first of ``count`` rising numbers at ``place`` that is above ``value``, or infinity."""

    temp: Temp
    place: int
    count: int
    value: Value


@dataclass(eq=False, slots=True)
class Ring:
    """The past of ``count`` values, ``rows`` numbers for each, in a circle of places from ``place`` on.

    The circle turns with the steps: where the newest number of the first value stands at ``h``, that of
    value ``j`` stands at ``h + j * rows``, and older ones before it. So the numbers of one value are
    neighbours, and one comparison tells whether a place is beyond the end of the circle.
    """

    place: int
    rows: int
    count: int

    @property
    def size(self) -> int:
        return self.rows * self.count


@dataclass(eq=False, slots=True)
class Remember:
    """For each value ``j``: the place ``head + j * rows`` of a ring takes ``m[tables[sources][j]]``."""

    ring: Ring
    head: Value
    sources: int


@dataclass(eq=False, slots=True)
class Recall:
    """``temp`` = what a ring holds at ``head + start``, for instance ``k`` of ``block``.

    ``start`` and ``head + start`` lie between 0 and twice the size of the ring.
    """

    temp: Temp
    block: Block
    ring: Ring
    head: Value
    start: Index


@dataclass(eq=False, slots=True)
class Find:
    """``temp`` = where the newest row stands whose first value is not above ``value``; or else the oldest.

    The first values of a ring's rows rise, the last of them is at ``head``.
    """

    temp: Temp
    ring: Ring
    head: Value
    value: Value


@dataclass(eq=False, slots=True)
class Due:
    """``temp`` = when the next queued event is due (s), or infinity."""

    temp: Temp


@dataclass(eq=False, slots=True)
class Deliver:
    """Serves all queued events that are due at the present time."""


Statement: TypeAlias = (
    Let
    | Store
    | If
    | Each
    | Reduce
    | Emit
    | Kinetics
    | Call
    | SetTime
    | While
    | Blend
    | Multiply
    | Norm
    | Jacobian
    | Factor
    | Solve
    | Normal
    | Sample
    | After
    | Remember
    | Recall
    | Find
    | Due
    | Deliver
)


@dataclass(frozen=True, slots=True)
class Function:
    """Code for one instance of ``block``.

    ``rare`` code runs so seldom that it need not be fast; ``weighted`` code is called with a weight.
    """

    name: str
    block: Block
    body: tuple[Statement, ...]
    rare: bool = False
    apart: bool = False  # too long to be copied to where it is called
    weighted: bool = False


@dataclass(eq=False, slots=True)
class Targets:
    """Whom an event of instance ``k`` reaches: entries ``starts[k]`` to ``starts[k + 1]``, in order.

    Entry i is a call of ``names[which[i]]`` for instance ``index[i]`` of the function's block, after
    ``delays[i]`` seconds; a weighted function is called with ``weights[i]``. Of recorders (without a name)
    ``index`` are places in `Program.events`.
    """

    starts: NDArray[np.int64]
    names: tuple[str, ...]
    which: NDArray[np.int64]
    index: NDArray[np.int64]
    delays: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None

    def __bool__(self) -> bool:
        return bool(len(self.index))

    def of(self, k: int) -> Iterator[tuple[str, int, float, float]]:
        """Handler, index, delay and weight of each target of instance ``k``."""
        for i in range(int(self.starts[k]), int(self.starts[k + 1])):
            weight = 1.0 if self.weights is None else float(self.weights[i])
            yield self.names[self.which[i]], int(self.index[i]), float(self.delays[i]), weight


@dataclass(eq=False, slots=True)
class Fan:
    """A function that hands one event on to many: for number ``k`` to the targets ``k``, at once.

    A queue then holds one entry for all targets of a spike that are reached after the same delay.
    """

    name: str
    targets: Targets


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


@dataclass(frozen=True, slots=True)
class OwnSteps:
    """Where in memory a method that chooses its steps keeps what others look at.

    ``length`` of the next step, which is NaN where it has given up; ``begin``: the time at which the last one
    began. It makes as many steps as ``left`` says (infinitely many unless that is set), then it ends the run
    with ``halfway`` above 0: the present row is not reached yet, and the next run goes on towards it.
    """

    length: int
    begin: int
    left: int
    halfway: int


@dataclass(eq=False, slots=True)
class Program:
    """A whole model, lowered.

    ``memory`` holds the start values; ``step`` advances the tree by one step at the time in
    ``memory[TIME]``; ``initialise`` is run once. ``records`` are the memory places of the recorded
    quantities, ``checked`` those cells whose values must stay finite. Each row of results takes
    ``substeps`` steps. With ``own_time`` the step delivers events and tells the time itself: it begins
    with the time of the row that it is to reach. ``own_steps`` are those of a method that chooses their
    lengths. Every so many rows as ``apart`` says is a result.
    """

    dt: float  # s
    memory: NDArray[np.float64]
    cells: list[Cell]
    tables: list[NDArray[np.int64]]
    functions: list[Function]
    ports: list[Port]
    fans: list[Fan]
    step: Function
    initialise: Function
    records: tuple[int, ...]
    checked: tuple[Cell, ...]
    events: tuple[tuple[str, str], ...] = ()  # (event file's id, selection's id) of each event recorder
    seed: int = 1234
    substeps: int = 1
    own_time: bool = False
    own_steps: OwnSteps | None = None
    apart: int = 1

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
        elif isinstance(statement, Each | While):
            yield from statements(statement.body)
