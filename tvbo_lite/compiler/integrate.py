"""The program of a model that asks for more than LEMS's own Euler step: another method, noise, samples.

This module, and all that it imports, is loaded only for such models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tvbo_lite.compiler.exponential import lower_exponential
from tvbo_lite.compiler.held import is_held_only, lower_held
from tvbo_lite.compiler.lower import lower
from tvbo_lite.compiler.methods import EXPONENTIAL, load
from tvbo_lite.compiler.solver import lower_for, method_of
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.blocks import Forest

if TYPE_CHECKING:
    from tvbo_lite.compiler.ir import Program
    from tvbo_lite.lems.beyond import Beyond

__all__ = ["lower_beyond"]


def lower_beyond(
    forest: Forest, constants: Mapping[str, float], plan: SimulationPlan, beyond: Beyond
) -> Program:
    """The program of a model's instances with all that ``beyond`` asks for.

    Raises as `tvbo_lite.compiler.lower.lower`, and `UnsupportedError` for what a method cannot do.
    """
    if is_held_only(beyond):
        return lower_held(forest, constants, plan, beyond.noise)
    if beyond.solver.method.lower() == EXPONENTIAL:
        return lower_exponential(forest, constants, plan, beyond)
    method = method_of(beyond)
    if method is None and beyond.solver.sampling is None:
        return lower(forest, constants, plan)
    return lower_for(forest, constants, plan, beyond, method or load("euler"))
