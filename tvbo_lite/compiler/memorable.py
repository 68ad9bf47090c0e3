"""What a run has to remember to go on: the places that its steps write, under names of their own.

All else in memory are parameters, and what initialisation makes of them: a model with other values of these
can go on from the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.errors import CompileError
from tvbo_lite.transforms.instances import Instance

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Stretch", "delayed_connections", "memorable"]

METHOD = "the method's own memory"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some places side by side: what they hold in words, where they begin, how many they are."""

    name: str
    offset: int
    size: int


def memorable(program: ir.Program) -> list[Stretch]:
    """All that a step or a handler of an event may write, in the order of memory, each variable whole."""
    written = np.zeros(len(program.memory), dtype=bool)
    for body in _bodies(program):
        for statement in ir.statements(body):
            for places in _places(statement, program):
                written[places] = True
    written[: ir.RESERVED] = False
    found = []
    for cell in program.cells:
        mine = slice(cell.offset, cell.offset + cell.size)
        if written[mine].any():
            found.append(Stretch(f"{Instance(cell.block, 0).path()}/{cell.name}", cell.offset, cell.size))
        written[mine] = False
    ends = np.flatnonzero(np.diff(np.concatenate(([False], written, [False])).astype(np.int8)))
    for number, (first, end) in enumerate(ends.reshape(-1, 2).tolist()):
        found.append(Stretch(f"{METHOD} ({number})", first, end - first))
    return sorted(found, key=lambda stretch: stretch.offset)


def delayed_connections(program: ir.Program) -> str:
    """Two programs with the same text here understand each other's queued events."""
    digest = sha256()
    lists = [port.delayed for port in program.ports if port.delayed]
    for targets in (*lists, *(fan.targets for fan in program.fans)):
        digest.update(repr(targets.names).encode())
        for numbers in (targets.starts, targets.which, targets.index):
            digest.update(np.ascontiguousarray(numbers, dtype=np.int64).data)
    return digest.hexdigest() if lists else ""


def _bodies(program: ir.Program) -> Iterator[tuple[ir.Statement, ...]]:
    """The code that runs after initialisation."""
    functions = {function.name: function.body for function in program.functions}
    lists = [targets for port in program.ports for targets in (port.immediate, port.delayed)]
    lists += [fan.targets for fan in program.fans]
    todo = [program.step.body]
    todo += [functions.pop(name) for targets in lists for name in targets.names if name in functions]
    while todo:
        body = todo.pop()
        yield body
        for statement in ir.statements(body):
            if isinstance(statement, ir.Call | ir.Jacobian) and statement.function in functions:
                todo.append(functions.pop(statement.function))


# ---- what a statement writes ----------------------------------------------------------------------------

Rule = Callable[[Any, ir.Program], Iterator["NDArray[np.int64] | slice"]]


def _places(statement: ir.Statement, program: ir.Program) -> Iterator[NDArray[np.int64] | slice]:
    rule = WRITES.get(type(statement))
    if rule is None:
        msg = f"what the statement '{type(statement).__name__}' writes is not known"
        raise CompileError(msg)
    return rule(statement, program)


def _of(place: ir.Place, program: ir.Program) -> NDArray[np.int64]:
    if isinstance(place, ir.Gather):
        return program.tables[place.table]
    return place.offset + place.stride * np.arange(place.block.size)


def _nothing(_: object, __: ir.Program) -> Iterator[slice]:
    yield from ()


def _stretch(target: str, size: Callable[[Any], int]) -> Rule:
    def rule(statement: Any, _: ir.Program) -> Iterator[slice]:
        first = getattr(statement, target)
        yield slice(first, first + size(statement))

    return rule


def _store(statement: ir.Store, program: ir.Program) -> Iterator[NDArray[np.int64]]:
    yield _of(statement.target, program)


def _kinetics(statement: ir.Kinetics, program: ir.Program) -> Iterator[NDArray[np.int64]]:
    for node in statement.nodes:
        yield _of(node, program)


def _jacobian(statement: ir.Jacobian, _: ir.Program) -> Iterator[slice]:
    yield slice(statement.states, statement.states + statement.size)
    yield slice(statement.matrix, statement.matrix + statement.size**2)


def _remember(statement: ir.Remember, _: ir.Program) -> Iterator[slice]:
    yield slice(statement.ring.place, statement.ring.place + statement.ring.size)


def _factor(statement: ir.Factor, _: ir.Program) -> Iterator[slice]:
    yield slice(statement.target, statement.target + statement.size**2)
    yield slice(statement.pivots, statement.pivots + statement.size)


_SIZE = _stretch("target", lambda statement: int(statement.size))
WRITES: dict[type, Rule] = {
    ir.Store: _store,
    ir.Kinetics: _kinetics,
    ir.Blend: _SIZE,
    ir.Multiply: _SIZE,
    ir.Normal: _SIZE,
    ir.Jacobian: _jacobian,
    ir.Factor: _factor,
    ir.Remember: _remember,
    ir.Solve: _stretch("vector", lambda statement: int(statement.size)),
    **dict.fromkeys(
        (
            ir.Let, ir.If, ir.Each, ir.Reduce, ir.Emit, ir.Call, ir.SetTime, ir.While, ir.Norm, ir.Sample,
            ir.After, ir.Recall, ir.Find, ir.Due, ir.Deliver,
        ),
        _nothing,
    ),
}  # fmt: skip
"""A row for each kind of statement: which places in memory it writes, besides the reserved ones."""
