"""What is read of the past: which variables read which places, and how late (`tvbo_lite.lems.beyond.Delay`).

How the past is kept depends on the method: `tvbo_lite.compiler.past_grid` for a fixed step,
`tvbo_lite.compiler.past_segments` for steps whose length follows the error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.pieces import Body, Maker, number
from tvbo_lite.compiler.selection import select_targets
from tvbo_lite.errors import ModelError, Problem, UnsupportedError
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Delay
from tvbo_lite.transforms.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_PAST", "Past", "Reader", "States"]

MAX_PAST = 100_000_000  # numbers of the past that are kept, of 8 bytes each


@dataclass(frozen=True, slots=True)
class States:
    """Where the states that have a rate stand, and where their rates stand."""

    first: int
    count: int
    slopes: int

    def hold(self, places: NDArray[np.int64]) -> bool:
        """Whether all places are those of states."""
        return bool(np.all((places >= self.first) & (places < self.first + self.count)))


@dataclass(eq=False, slots=True)
class Reader:
    """A derived variable of a block that reads ``places[k]`` as it was ``lags[k]`` seconds ago."""

    block: Block
    item: Delay
    places: NDArray[np.int64]
    lags: NDArray[np.float64]


class Past:
    """No past at all; what a program that has one asks of it."""

    def __init__(self, maker: Maker, root: Block) -> None:
        self.maker, self.root = maker, root
        self.readers: dict[tuple[int, str], Reader | float] = {}
        self.derives = False  # whether derived variables are kept

    @property
    def longest(self) -> float:
        """The longest delay (s)."""
        return max((float(one.lags.max()) for one in self.all()), default=0.0)

    @property
    def shortest(self) -> float:
        """The shortest delay (s)."""
        return min((float(one.lags.min()) for one in self.all()), default=float("inf"))

    def all(self) -> list[Reader]:
        """The variables that are read late."""
        return [one for one in self.readers.values() if isinstance(one, Reader)]

    def __bool__(self) -> bool:
        return bool(self.all())

    def declare(self, block: Block, item: m.DerivedVariable, delay: Delay, lags: NDArray[np.float64]) -> None:
        """A variable that is read late."""
        path, _, name = (item.select or "").rpartition("/")
        found = select_targets(block, path, item)
        if not found.simple:
            what = f"delay: '{item.name}' of '{block.kind.name}' selects more than one value"
            raise ModelError(Problem(what, delay.location, "a path to one instance"))
        places = self.maker.memory.places(found.refs, name, block.component.fail)
        late = places if isinstance(places, float) else Reader(block, delay, places, lags)
        self.readers[block.number, item.name] = late

    def read(self, body: Body, block: Block, name: str) -> ir.Value:
        """The value of a variable that is read late, for the current instance of ``block``."""
        found = self.readers[block.number, name]
        return number(found) if isinstance(found, float) else self._read(body, found)

    def _read(self, body: Body, reader: Reader) -> ir.Value:
        raise NotImplementedError

    def settle(self, states: States) -> None:
        """Memory for all that is read late, once that is known."""

    def let(self, body: Body, value: ir.Value) -> ir.Temp:
        temp = self.maker.temp()
        body.append(ir.Let(temp, value))
        return temp

    def recall(
        self, body: Body, reader: Reader, ring: ir.Ring, head: ir.Value, start: NDArray[np.int64]
    ) -> ir.Temp:
        """What each instance of a reader's block finds in a ring at ``head + start``."""
        temp = self.maker.temp()
        body.append(ir.Recall(temp, reader.block, ring, head, self.maker.memory.index(start)))
        return temp

    def cell(self, name: str) -> ir.Load:
        """A number that all instances share."""
        return self.maker.memory.own(self.root, f"the past: {name}")

    def check_room(self, size: float, hint: str) -> None:
        """Raises `UnsupportedError` where what is to be kept is too much."""
        if size > MAX_PAST:
            what = f"delays of up to {self.longest:g} s need {8e-9 * size:.3g} GB for the past"
            furthest = max(self.all(), key=lambda one: float(one.lags.max()))
            problem = Problem(what, furthest.item.longest, f"at most {8e-9 * MAX_PAST:.3g} GB", hint)
            raise UnsupportedError(problem)

    # ---- what the code around the stages of an adaptive method asks ------------------------------------

    @property
    def longest_step(self) -> float | None:
        """How long a step may be (s), if that is limited."""
        return None

    def kinks(self) -> Iterable[float]:
        """Times (s) at which steps should end."""
        return ()

    def started(self, begin: ir.Load, length: ir.Load, old: int) -> Body:
        """Before anything is worked out: the past before the start, from the states in ``old``."""
        return []

    def made(self, end: ir.Load, length: ir.Value, stages: Sequence[int]) -> Body:
        """A step has been made; ``length`` multiplies the stages in its dense output."""
        return []

    # ---- what the code around the stages of a method with a fixed step asks ---------------------------

    def opened(self, *, derived: bool = False) -> Body:
        """The past before the start: that of states, before all else, or of ``derived`` variables.

        Those that read late what others derive see 0 there until it is known.
        """
        return []

    def at(self, node: float) -> Body:
        """The rates are to be worked out for this fraction of the step."""
        return []

    def stepped(self, stages: Sequence[int]) -> Body:
        """All stages of a step are known."""
        return []

    def kept(self, *, moved: bool = True) -> Body:
        """What stands now, and the rates, belong to the present step (``moved``: a new one)."""
        return []
