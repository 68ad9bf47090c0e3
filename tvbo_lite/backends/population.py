"""A lone node for many sets of attribute values: one program, lowered and compiled once, with other numbers.

Sets are rows of a population of fixed size. What differs among them lies in memory before a run starts; the
values of all sets are worked out together, and each run gets those of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.backends.native import prepare
from tvbo_lite.lems.rows import Column
from tvbo_lite.transforms.arrays import is_uniform
from tvbo_lite.transforms.sweep import with_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.backends.sets import Engine, Ready
    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.lems.model import Model
    from tvbo_lite.transforms.sweep import Single

__all__ = ["Population"]

Places = list[tuple[int, "NDArray[np.float64]"]]  # of a variable: its first place, its values in all sets


class Population:
    """Runs up to ``size`` sets together; ``columns`` has the values of all sets."""

    def __init__(
        self, engine: Engine, model: Model, found: Single, columns: Mapping[str, Column], size: int
    ) -> None:
        """Raises as `Engine.ready`."""
        self.engine, self.model, self.found, self.columns = engine, model, found, columns
        self.count = len(next(iter(columns.values())).values)
        differing = [int(np.argmax(one.values != one.values[0])) for one in columns.values()]
        sample = sorted({0, *differing})  # sets among which differs whatever differs at all
        self.width = max(size, len(sample))
        sample += sample[-1:] * (self.width - len(sample))
        self.ready = engine.ready(lambda: self._model(np.array(sample)))
        self.places = self._places(np.array(sample))

    def run(self, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Time (s) and the traces of some sets: shape ``(n_rows, 1 + n_sets * n_variables)``, set by set.

        Raises as `Engine.run`.
        """
        filled = np.append(sets, np.repeat(sets[-1:], self.width - len(sets)))
        rows = self.engine.run(self._for(filled))
        return rows[:, : 1 + len(sets) * len(self.found.variables)]

    def _for(self, sets: NDArray[np.int64]) -> Ready:
        if self.places is None:
            return self.engine.ready(lambda: self._model(sets))
        program = _with_values(self.ready.program, self.places, sets)
        return replace(self.ready, program=program)

    def _model(self, sets: NDArray[np.int64]) -> Model:
        columns = {name: replace(one, numbers=one.values[sets]) for name, one in self.columns.items()}
        return with_columns(self.model, self.found, columns)

    def _places(self, sample: NDArray[np.int64]) -> Places | None:
        """Where the values that differ lie; None where they are not all that differs in the program.

        That is certain where the program of all sets has the same variables in memory, and gives the sample
        the memory that it has.
        """
        with self.engine.lock:
            model = with_columns(self.model, self.found, self.columns, recorded=1)
            _, whole = prepare(self.engine.linked(model))
        cells = {(cell.block.number, cell.name): cell for cell in whole.cells}
        mine = self.ready.program
        if {(cell.block.number, cell.name) for cell in mine.cells} != cells.keys():
            return None
        places = []
        for cell in mine.cells:
            other = cells[cell.block.number, cell.name]
            values = whole.memory[other.offset : other.offset + other.size]
            if (cell.size, other.size) == (self.width, self.count) and not is_uniform(values):
                places.append((cell.offset, values.copy()))
        made = _with_values(mine, places, sample)
        return places if made.memory.tobytes() == mine.memory.tobytes() else None


def _with_values(program: Program, places: Places, sets: NDArray[np.int64]) -> Program:
    memory = program.memory.copy()
    for first, values in places:
        memory[first : first + len(sets)] = values[sets]
    return replace(program, memory=memory)
