"""An experiment in its long form: what stands for many things becomes those things.

Graph generators become edges; distributions and lists of values become numbers on nodes and edges; what an
experiment says of all its dynamics becomes part of each. The result is an experiment again, with the places
of the original, and what is drawn at random depends on the seeds in the experiment alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.transforms.expand.graphs import with_edges
from tvbo_lite.transforms.expand.shared import with_shared
from tvbo_lite.transforms.expand.values import with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from tvbo_lite.schema import Experiment
    from tvbo_lite.transforms.expand.report import Report

__all__ = ["expand"]

STEPS: tuple[Callable[[Experiment, Report], Experiment], ...] = (with_shared, with_edges, with_values)


def expand(experiment: Experiment, report: Report) -> Experiment:
    """The experiment without generators, distributions and shared parts.

    What is wrong goes to ``report``; the parts concerned are left out.
    """
    for step in STEPS:
        experiment = step(experiment, report)
    return experiment
