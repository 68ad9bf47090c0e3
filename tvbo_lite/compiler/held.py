"""Numbers that are drawn anew in each step of LEMS's own Euler method.

A held variable (`tvbo_lite.lems.beyond.Noise`) is no state that a method moves: its numbers are drawn
before the first instance is advanced, and the step is that of `tvbo_lite.compiler.lower`, in jLEMS's order.
So pulses and events arrive in the step in which they arrive without noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.lower import ModelLowering
from tvbo_lite.compiler.reading import Scope
from tvbo_lite.errors import ModelError, Problem, nearest
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Binary, Number
from tvbo_lite.lems.beyond import Beyond, Noise
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.blocks import Block, Forest

__all__ = ["is_held_only", "lower_held"]

_ONE = Number(1.0)


def is_held_only(beyond: Beyond) -> bool:
    """Whether LEMS's own step does all that is asked for, once the numbers are drawn."""
    return (
        bool(beyond.noise)
        and all(noise.held for noise in beyond.noise)
        and not beyond.samples
        and not beyond.delays
        and beyond.solver.method == "euler"
        and beyond.solver.sampling is None
    )


def lower_held(
    forest: Forest, constants: Mapping[str, float], plan: SimulationPlan, noise: tuple[Noise, ...]
) -> ir.Program:
    """The program of a model's instances with held noise.

    Raises as `tvbo_lite.compiler.lower.lower`, and `ModelError` for noise on what cannot have any.
    """
    return HeldLowering(forest, constants, plan, noise).program()


class HeldLowering(ModelLowering):
    def __init__(
        self,
        forest: Forest,
        constants: Mapping[str, float],
        plan: SimulationPlan,
        noise: tuple[Noise, ...],
    ) -> None:
        super().__init__(forest, constants, plan)
        self.places = [place for item in noise for place in _placed(forest, item)]
        self.clock = ir.Load(forest.root, self.memory.constant(0.0), 0)

    def program(self) -> ir.Program:
        program = super().program()
        if not self.places:
            return program
        later = ir.Store(self.clock, Binary("+", self.clock, _ONE))
        return replace(program, step=replace(program.step, body=(*self._drawn(), later, *program.step.body)))

    def _drawn(self) -> Iterator[ir.Statement]:
        """The numbers of one step, each variable from a stream of its own, times their amplitudes."""
        for number, (block, noise) in enumerate(self.places):
            cell = self.memory.own(block, noise.variable)
            yield ir.Normal(cell.offset, block.size, noise.seed, number, self.clock)
            if parse(noise.amplitude) != _ONE:
                amplitude = self.code[block.number].number(noise.amplitude, Scope(), noise.location)
                yield _for_all(block, ir.Store(cell, Binary("*", cell, amplitude)))


def _for_all(block: Block, statement: ir.Statement) -> ir.Statement:
    """The statement for every instance of a block, as the root's code says it."""
    at: Block | None = block
    while at is not None and at.parent is not None:
        statement, at = ir.Each(at, (statement,)), at.parent
    return statement


def _placed(forest: Forest, noise: Noise) -> Iterator[tuple[Block, Noise]]:
    """The blocks that have the variable. Raises `ModelError` where nothing can be drawn."""
    blocks = [block for block in forest.blocks if block.kind.is_a(noise.type)]
    if not blocks:
        hint = nearest(noise.type, {block.kind.name for block in forest.blocks})
        raise ModelError(
            Problem(f"noise: no instance has the type '{noise.type}'", noise.location, None, hint)
        )
    for block in blocks:
        dynamics = block.kind.dynamics
        moved = {item.variable for item in dynamics.derivatives}
        known = [item.name for item in dynamics.state_variables if item.name not in moved]
        if noise.variable not in known:
            what = f"noise: '{noise.variable}' of '{block.kind.name}' cannot be drawn in each step"
            hint = nearest(noise.variable, known)
            raise ModelError(Problem(what, noise.location, f"one of {', '.join(known)}", hint))
        yield block, noise
