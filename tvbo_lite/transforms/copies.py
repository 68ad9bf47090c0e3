"""Blocks of instances, made from what their components consist of; nothing is connected yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tvbo_lite.transforms.arrays import joined, repeated
from tvbo_lite.transforms.blocks import Block
from tvbo_lite.transforms.shapes import Member, Slot, Spec, properties

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.generic)


def make_block(
    slot: Slot,
    parent: Block | None,
    specs: Sequence[Spec],
    which: NDArray[np.int64] | None,
    values: dict[str, NDArray[np.float64]],
    *,
    sizes: int | NDArray[np.int64],
) -> Block:
    """A block and all below it; ``sizes`` is the number of instances for each of the parent's."""
    above = parent.size if parent else 1
    if isinstance(sizes, int):
        starts, fanout, size = None, sizes, sizes * above
    elif np.all(sizes == sizes[0]):
        starts, fanout, size = None, int(sizes[0]), int(sizes[0]) * above
    else:
        starts = np.concatenate(([0], np.cumsum(sizes)))
        fanout, size = 0, int(starts[-1])
    block = Block(
        slot.shape,
        slot.name,
        slot.listed,
        parent,
        size,
        fanout,
        starts,
        specs,
        which,
        values,
        rowed=slot.rowed,
    )
    for number, inner in enumerate(slot.shape.slots):
        block.static.append(_child_block(block, number, inner))
    return block


def _child_block(parent: Block, number: int, slot: Slot) -> Block:
    """The block of what stands in one slot of all instances of ``parent``."""
    runs = [spec.members[number] for spec in parent.specs]
    counts = [sum(member.count for member in run) for run in runs]
    numbers: dict[int, int] = {}
    specs: list[Spec] = []
    for run in runs:
        for member in run:
            if numbers.setdefault(id(member.spec), len(specs)) == len(specs):
                specs.append(member.spec)
    patterns = [_pattern(run, numbers) for run in runs]
    sizes: int | NDArray[np.int64] = counts[0]
    if parent.which is not None:
        sizes = np.array(counts)[parent.which]
    which = None if len(specs) == 1 else _spread(patterns, parent)
    values = {name: _spread([_values(run, name) for run in runs], parent) for name in _names(slot)}
    block = make_block(slot, parent, specs, which, values, sizes=sizes)
    if slot.rowed:
        names = dict.fromkeys(name for run in runs for name in (run[0].rows.columns if run[0].rows else ()))
        each = [0] * parent.size if parent.which is None else parent.which.tolist()
        tables = [runs[spec][0] for spec in each]
        block.columns = {name: [_column(table, name) for table in tables] for name in names}
    return block


def _column(member: Member, name: str) -> NDArray[np.float64]:
    """A parameter of all rows, which may be the same for all of this table."""
    assert member.rows is not None  # noqa: S101  only rows are asked
    column = member.rows.columns.get(name)
    return repeated(member.spec.component.parameters[name], member.count) if column is None else column


def _pattern(run: Sequence[Member], numbers: dict[int, int]) -> NDArray[np.int64]:
    small = np.min_scalar_type(len(numbers))  # a byte for each of many rows
    each = np.array([numbers[id(member.spec)] for member in run], dtype=small)
    if len(run) == 1:
        return np.broadcast_to(each[0], run[0].count)
    return np.repeat(each, [member.count for member in run])


def _values(run: Sequence[Member], name: str) -> NDArray[np.float64]:
    """A value of all members of a run, given or as their property says."""
    parts = []
    for member in run:
        given = member.values.get(name)
        if given is None:
            given = repeated(properties(member.spec.component)[name], member.count)
        parts.append(given)
    return joined(parts)


def _names(slot: Slot) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(prop.name for prop in slot.shape.kind.properties), *slot.given)))


def _spread(patterns: Sequence[NDArray[_Number]], parent: Block) -> NDArray[_Number]:
    """For each instance of the parent, what its spec has."""
    if parent.which is None:
        return np.tile(patterns[0], parent.size) if parent.size > 1 else patterns[0]
    return joined([patterns[spec] for spec in parent.which.tolist()])
