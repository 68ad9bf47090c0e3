"""Tables of time courses in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.memory import Memory
from tvbo_lite.errors import ModelError, Problem
from tvbo_lite.lems.beyond import Samples
from tvbo_lite.transforms.blocks import Block

__all__ = ["Table", "place"]


@dataclass(frozen=True, slots=True)
class Table:
    """Where times and values lie; see `tvbo_lite.compiler.ir.Sample`."""

    times: int
    values: int
    count: int
    columns: int
    linear: bool

    def read(self, temp: ir.Temp, block: Block, time: ir.Value) -> ir.Sample:
        """The value at a time, for the current instance of ``block``."""
        return ir.Sample(temp, block, time, self.times, self.values, self.count, self.columns, self.linear)


def place(memory: Memory, item: Samples, block: Block) -> Table:
    """The table of some samples. Raises `ModelError` where they do not fit the instances."""
    problem = _problem(item, block)
    if problem is not None:
        what = f"the samples of '{item.variable}' of '{item.type}' {problem}"
        raise ModelError(Problem(what, item.location))
    values = np.array(item.values, dtype=np.float64)
    times = memory.stretch(np.array(item.times, dtype=np.float64))
    first = memory.stretch(np.ascontiguousarray(values.ravel()))
    return Table(times, first, len(item.times), values.shape[1], item.linear)


def _problem(item: Samples, block: Block) -> str | None:
    widths = {len(row) for row in item.values}
    if not item.times or len(item.times) != len(item.values):
        return f"have {len(item.times)} times and {len(item.values)} rows of values; expected as many of each"
    if any(late <= early for early, late in zip(item.times, item.times[1:], strict=False)):
        return "have times that do not rise"
    if widths not in ({1}, {block.size}):
        found = ", ".join(map(str, sorted(widths)))
        return f"have {found} values in a row; expected 1, or {block.size}, one for each instance"
    if not np.all(np.isfinite(np.array(item.values))):
        return "have values that are not finite"
    return None
