"""What a tunnel between two cells of one population shows, where all cells of it advance at once.

jLEMS advances one cell after the other. A reader that advances first sees a neighbour as it was at the
start of the step; one that advances later sees what has become of it, or, by a copy that a requirement
made in time, again what it was. Where all that is read is the state at the start of the step, the order
of the cells does not matter, and the copy is the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.transforms.equations.grow import Plot, Site
from tvbo_lite.transforms.equations.reach import Reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Copies", "are_neighbours", "cell_of", "sees_start"]

Copies: TypeAlias = "int | NDArray[np.int64]"


def cell_of(plot: Plot, copies: Copies) -> tuple[Plot, Copies]:
    """The population that copies are in or attached to, and the cell of each."""
    while plot.attached and plot.host is not None:
        copies, plot = plot.at[copies], plot.host.plot
    return plot, copies


def are_neighbours(one: Plot, copies: Copies, other: Plot, others: Copies) -> bool:
    """Whether two copies, or any pair of several, belong to two cells of one population."""
    population, cell = cell_of(one, copies)
    same, neighbour = cell_of(other, others)
    return population is same and bool(np.any(cell != neighbour))


def sees_start(reach: Reach, site: Site, tunnel: str, end: Site, *, earlier: bool) -> bool:
    """Whether ``site`` reads, at ``end``, only numbers and what states were at the start of a step.

    ``earlier``: whether the cell of ``end`` advances before the one that reads.
    """
    around = [at.block for at in _outward(site)]
    for item in site.block.kind.dynamics.derived:
        path, _, name = (item.select or "").rpartition("/")
        if path == tunnel:
            found = _source(reach, end, name)
            if found is None:
                return False
            owner, copied = found
            # What the reader is a part of advances after it, and so, at once with others, after all readers.
            if owner is not None and (copied != earlier or owner.block not in around):
                return False
    return True


def _source(reach: Reach, end: Site, name: str) -> tuple[Site | None, bool] | None:
    """Where the state is that is read, None for a number, and whether by a copy; None for anything else."""
    copied = False
    for at in _outward(end):
        variables, parameters = reach.variables(at), at.block.component.parameters
        variable = variables.exposed.get(name, name)
        if variable is None or (name in parameters and name not in variables.exposed):
            return None, copied
        if variable in variables.requirements:
            name, copied = variable, True
        elif variable in variables.stateful and variable not in variables.outside:
            return at, copied
        elif variables.knows(variable):
            return None
    return None


def _outward(site: Site) -> Iterator[Site]:
    """A site and all around it."""
    at: Site | None = site
    while at is not None:
        yield at
        at = at.parent or at.plot.host
