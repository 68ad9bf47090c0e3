"""What a simulator of LEMS documents does with what stands beside a model (`tvbo_lite.lems.beyond`)."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.lems.beyond import Solver
from tvbo_lite.losses import Loss, LossWarning

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model

__all__ = ["refuse_beyond", "without_beyond"]


def refuse_beyond(model: Model) -> None:
    """Raises `UnsupportedError` for noise and samples: without them a run means something else."""
    meaning = replace(model.beyond, solver=Solver(), intervals=())
    problems = [Problem(f"{what}: {reason}", where) for what, reason, where in meaning.items()]
    if problems:
        raise UnsupportedError(problems)


def without_beyond(model: Model, simulator: str) -> None:
    """Warns by a `LossWarning` of an integration method that is not the simulator's own.

    Intervals are kept: rows are chosen afterwards (`tvbo_lite.lems.recording.Recording.thinned`). Raises as
    `refuse_beyond`.
    """
    refuse_beyond(model)
    for what, reason, where in replace(model.beyond, intervals=()).items():
        warnings.warn(f"{simulator}: {Loss(what, reason, where)}", LossWarning, stacklevel=4)
