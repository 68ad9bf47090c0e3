"""The structure of all rows of a table at once: paths become arrays of instances, connections arrays.

Only types whose structure consists of ``With instance`` and ``EventConnection`` have rows
(`tvbo_lite.transforms.resolve.is_simple`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.errors import ModelError, Problem
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Name
from tvbo_lite.lems import model as m
from tvbo_lite.lems.runs import Indices, Runs
from tvbo_lite.transforms.arrays import picked, repeated_index
from tvbo_lite.transforms.attach import Attachments
from tvbo_lite.transforms.blocks import Block, Refs
from tvbo_lite.transforms.buckets import Ends, Number
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.ports import in_port, out_port
from tvbo_lite.transforms.shapes import properties, relative_component

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.rows import Column
    from tvbo_lite.transforms.resolve import ResolvedRows


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Instances of one block in ascending order."""

    block: Block
    index: Runs

    def __len__(self) -> int:
        return len(self.index)

    def refs(self) -> Refs:
        return Refs.many(self.block, np.asarray(self.index))


_End: TypeAlias = "Refs | _Sorted"


def connect_rows(attachments: Attachments, block: Block, parent: int, rows: ResolvedRows) -> None:
    """Runs the structure of ``rows``, which are the instances of one instance of the parent block."""
    members = block.members(parent)
    scope: dict[str, _End] = {}
    for element in rows.first.type.structure:
        if element.kind == "With":
            scope[element.attributes.get("as", "")] = _with(block, members, rows, element)
        else:
            _connection(attachments, rows, element, scope)


def _with(block: Block, members: range, rows: ResolvedRows, element: m.Builder) -> _End:
    attribute = element.attributes["instance"]
    count = len(members)
    this = Instance(block, members.start)
    if attribute == "this":
        return Refs.many(block, np.arange(members.start, members.stop))
    above = this.parent
    assert above is not None  # noqa: S101  rows are the children of something
    if attribute == "parent":
        return Refs.many(above.block, repeated_index(above.k, count))
    column = rows.rows.columns.get(attribute)
    if column is not None:
        return _reached(rows, above, column)
    path = rows.first.text(attribute)
    if path is None:
        raise rows.first.fail(f"has no attribute '{attribute}'")
    one = above.descend(path)
    return Refs.many(one.block, repeated_index(one.k, count))


def _reached(rows: ResolvedRows, base: Instance, column: Column) -> _End:
    """The instances that paths such as ``../pop[3]`` lead to, of which only the number differs."""
    numbers = column.numbers
    whole = isinstance(numbers, Runs) or numbers.dtype.kind in "iu"
    if not (column.before.endswith(("[", "/")) and whole):
        raise rows.first.fail(f"the paths '{column.text(0)}', ... of its rows do not end in a number")
    at = base.descend(column.before.rstrip("[/"))
    index: Indices = numbers  # type: ignore[assignment]  # whole numbers of any length
    found = _indexed(rows, at, index, _list_of(at, index, by_id=column.before.endswith("/")))
    rest = column.after.lstrip("]").strip("/")
    for step in filter(None, rest.split("/")):
        found = _child(rows, found, step)
    return found


def _list_of(at: Instance, index: Indices, *, by_id: bool) -> str | None:
    """The list in which numbers count: the first one; that of ids is the one that has them."""
    one = at.child(str(index[0])) if by_id and len(index) else None
    return one.block.name if one is not None else next(iter(at.block.shape.lists), None)


def _indexed(rows: ResolvedRows, at: Instance, numbers: Indices, name: str | None) -> _End:
    columns = at.block.listed_in(name) if name is not None else []
    ranges = [column.members(at.k) for column in columns]
    size = sum(map(len, ranges))
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < size):
        index = np.asarray(numbers)
        row = int(np.flatnonzero((index < 0) | (index >= size))[0])
        what = f"row {row}: there is no '{at.path()}[{index[row]}]'"
        raise ModelError(Problem(what, rows.rows.location, f"an index from 0 to {size - 1}"))
    if len(columns) == 1:
        start = ranges[0].start
        if isinstance(numbers, Runs):
            return _Sorted(columns[0], numbers.shifted(start))
        return Refs.many(columns[0], numbers + start if start else numbers)
    index = np.asarray(numbers)
    limits = np.cumsum([0, *map(len, ranges)])
    number = np.searchsorted(limits, index, side="right") - 1
    starts = np.array([members.start for members in ranges])
    return Refs(list(columns), number, index - limits[number] + starts[number])


def _child(rows: ResolvedRows, refs: _End, step: str) -> _End:
    """The single child of that name or id of each of ``refs``."""
    if isinstance(refs, _Sorted):
        return _Sorted(_below(rows, refs.block, refs.index.min(), step), refs.index)
    if len(refs.blocks) == 1:
        return Refs.many(_below(rows, refs.blocks[0], int(refs.index[0]), step), refs.index)
    found: list[Refs] = []
    order = []
    for block, positions, index in refs.parts():
        found.append(Refs.many(_below(rows, block, int(index[0]), step), index))
        order.append(positions)
    return Refs.concatenated(found).take(np.argsort(np.concatenate(order), kind="stable"))


def _below(rows: ResolvedRows, block: Block, k: int, step: str) -> Block:
    """The block of the children of that name or id of a block's instances; ``k`` is one of these."""
    below = Instance(block, k).child(step)
    if below is None or below.block.listed or below.block.parent is not block:
        raise rows.first.fail(f"the paths of its rows lead nowhere: there is no '{step}'")
    return below.block


def _connection(
    attachments: Attachments, rows: ResolvedRows, element: m.Builder, scope: dict[str, _End]
) -> None:
    attributes, first = element.attributes, rows.first
    sources, targets = (_end(rows, attributes.get(name, ""), scope, name) for name in ("from", "to"))
    delays = _number(rows, attributes.get("delay", ""))
    receiver = relative_component(first, attributes["receiver"]) if "receiver" in attributes else None
    port = first.text(attributes.get("sourcePort", ""))
    target_port = first.text(attributes.get("targetPort", ""))
    container = first.text(attributes.get("receiverContainer", ""))
    given = _assigned(rows, element, properties(receiver)) if receiver is not None else {}
    for source, begins, host, ends, at in _pairs(sources, targets):
        reached: Ends = Refs.many(host, ends)
        if receiver is not None:
            mine = {name: _some(value, at) for name, value in given.items()}
            reached = attachments.add_many(host, ends, container, receiver, mine)
        leaves = port or out_port(source.shape, source.component_of(int(begins[0])))
        if leaves is not None:
            late = _some(delays, at)
            enters = target_port or in_port(receiver or host.component_of(int(ends[0])))
            attachments.connect_many(source, begins, leaves, reached, target_port=enters, delays=late)


def _pairs(
    sources: _End, targets: _End
) -> Iterator[tuple[Block, Indices, Block, NDArray[np.int64], NDArray[np.int64] | None]]:
    """For each pair of blocks: sources, targets, and the places of the rows (None for all)."""
    if isinstance(targets, _Sorted):
        targets = targets.refs()
    if isinstance(sources, _Sorted):
        if len(targets.blocks) == 1:
            yield sources.block, sources.index, targets.blocks[0], targets.index, None
            return
        sources = sources.refs()
    if len(sources.blocks) == len(targets.blocks) == 1:
        yield sources.blocks[0], sources.index, targets.blocks[0], targets.index, None
        return
    for host, at, hosts in targets.parts():
        for source, places, index in sources.take(at).parts():
            yield source, index, host, hosts[places], at[places]


def _end(rows: ResolvedRows, name: str, scope: dict[str, _End], which: str) -> _End:
    if name not in scope:
        raise rows.first.fail(f"the event connection's '{which}' end '{name}' is unknown")
    return scope[name]


def _some(value: Number, places: NDArray[np.int64] | None) -> Number:
    return picked(value, places) if isinstance(value, np.ndarray) else value


def _number(rows: ResolvedRows, name: str) -> Number:
    """A parameter of all rows; 0 where they have none of that name."""
    return rows.columns[name] if name in rows.columns else rows.first.parameters.get(name, 0.0)


def _assigned(rows: ResolvedRows, element: m.Builder, known: dict[str, float]) -> dict[str, Number]:
    """What the ``Assign`` elements give each row's receiver."""
    given: dict[str, Number] = {}
    for item in element.children:
        if item.kind == "Assign":
            value = parse(item.attributes["value"])
            if isinstance(value, Name) and value.name in rows.columns:
                given[item.attributes["property"]] = rows.columns[value.name]
            else:
                fixed = {**known, **rows.first.parameters}
                each = [
                    evaluate(
                        value, {**fixed, **{name: float(column[k]) for name, column in rows.columns.items()}}
                    )
                    for k in range(len(rows.rows) if rows.columns else 1)
                ]
                given[item.attributes["property"]] = np.array(each) if len(each) > 1 else each[0]
    return given
