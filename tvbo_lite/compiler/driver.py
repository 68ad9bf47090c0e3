"""What the code around a method's stages needs to know of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.past import Past
from tvbo_lite.compiler.pieces import INFINITY, ZERO, Body, Maker
from tvbo_lite.expr.tree import Number
from tvbo_lite.lems.beyond import Solver
from tvbo_lite.transforms.blocks import Block


@dataclass(frozen=True, slots=True)
class Stream:
    """Where ``size`` random numbers of a stream go."""

    target: int
    size: int
    seed: int
    number: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Places and functions of a program that a method works with.

    The ``count`` states stand at ``first``, then their rates, then the strengths of the noise on the first
    ``noisy`` of them. ``functions`` may hold ``rates``, ``conditions``, ``watch`` and ``draw``.
    """

    maker: Maker
    root: Block
    solver: Solver
    dt: float  # s
    row_dt: float  # s
    substeps: int
    first: int
    count: int
    noisy: int
    scale: int
    breaks: int
    n_breaks: int
    tests: tuple[int, int, int]  # how many, where their present values are, where the last ones
    functions: tuple[str, ...]
    streams: tuple[Stream, ...]  # of the noise; their targets count from 0
    flag: ir.Load
    changes: ir.Load
    active: ir.Load
    clock: ir.Load  # how many steps have been made
    queue: bool
    derives: bool
    moves_with_time: bool
    past: Past

    @property
    def slopes(self) -> int:
        """Where the rates stand."""
        return self.first + self.count

    @property
    def strengths(self) -> int:
        """Where the strengths of the noise stand."""
        return self.first + 2 * self.count

    def has(self, function: str) -> bool:
        return function in self.functions

    def call(self, function: str) -> Body:
        """A call of a function, if there is one."""
        return [ir.Call(function, self.root)] if self.has(function) else []

    def scalar(self, value: float = 0.0) -> ir.Load:
        """A number in memory."""
        return ir.Load(self.root, self.maker.memory.constant(value), 0)

    def room(self, size: int | None = None) -> int:
        """Memory for a number for each state, or for ``size`` of them."""
        return self.maker.memory.stretch(np.zeros(self.count if size is None else size))

    def let(self, body: Body, value: ir.Value) -> ir.Temp:
        temp = self.maker.temp()
        body.append(ir.Let(temp, value))
        return temp

    def copy(self, target: int, source: int) -> ir.Statement:
        return ir.Blend(target, source, self.count)

    def blend(self, target: int, base: int, factor: ir.Value, terms: ir.Terms) -> ir.Statement:
        """``target = base + factor * (w1 * x1 + ...)`` for all states; terms that are 0 are left out."""
        return ir.Blend(target, base, self.count, factor, tuple(t for t in terms if t[0] != ZERO))

    def weighted(self, weights: Sequence[float], places: Sequence[int]) -> ir.Terms:
        return tuple((Number(w), place) for w, place in zip(weights, places, strict=False) if w != 0.0)

    def due(self, body: Body) -> ir.Temp:
        """When the next queued event is due."""
        temp = self.maker.temp()
        body.append(ir.Due(temp))
        return temp

    def after(self, body: Body, value: ir.Value) -> ir.Value:
        """The first foreseen change after a time."""
        if not self.n_breaks:
            return INFINITY
        temp = self.maker.temp()
        body.append(ir.After(temp, self.breaks, self.n_breaks, value))
        return temp
