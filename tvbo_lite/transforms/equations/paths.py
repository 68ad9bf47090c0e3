"""Where the path of a derived variable leads: to parts of the group, to attached groups, across a tunnel."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tvbo_lite.errors import ModelError, Problem
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.equations.grow import Plot, Site

__all__ = ["REDUCERS", "Found", "targets"]

_STEP = re.compile(
    r"(?P<list>[^\[\]]+)\[(?:(?P<all>\*)|(?P<key>[^=\]]+)=(?P<quote>['\"])(?P<value>.*)(?P=quote))\]"
)
REDUCERS = {"add": False, "sum": False, "plus": False, "+": False}  # whether it multiplies
REDUCERS |= {"multiply": True, "product": True, "times": True, "*": True}


@dataclass(frozen=True, slots=True)
class Found:
    """One place (``simple``), the other end of a tunnel, or many: parts of the group and attached groups."""

    simple: Site | None = None
    tunnel: str = ""
    sites: list[Site] = field(default_factory=list)
    plots: list[tuple[Plot, Site]] = field(default_factory=list)


def targets(site: Site, item: m.DerivedVariable) -> Found:
    """The places that a derived variable's path means. Raises `ModelError` for a bad path."""
    path = (item.select or "").rpartition("/")[0]
    steps = [step for step in path.split("/") if step]
    if "[" not in path and "*" not in path:
        if len(steps) == 1 and steps[0] in site.block.peers:
            return Found(tunnel=steps[0])
        at = site
        for step in steps:
            at = _named(at, step, item)
        return Found(simple=at)
    if item.reduce not in REDUCERS:
        what = f"'{item.name}' selects many ('{item.select}') but says reduce='{item.reduce or ''}'"
        raise ModelError(Problem(what, item.location, "reduce='add' or reduce='multiply'"))
    every: list[tuple[Plot | None, Site]] = [(None, site)]
    for step in steps:
        every = [found for plot, one in every for found in _listed(plot, one, step, item)]
    return Found(
        sites=[one for plot, one in every if plot is None],
        plots=[(plot, one) for plot, one in every if plot is not None],
    )


def _named(site: Site, step: str, item: m.DerivedVariable) -> Site:
    sites = [inner for inner in site.below if isinstance(inner, Site)]
    by_slot = [inner for inner in sites if not inner.block.listed and inner.block.name == step]
    by_id = [inner for inner in sites if inner.component_id == step]
    if not by_slot and not by_id:
        what = f"'{item.select}' leads nowhere: {site.block.component.describe()} has no '{step}'"
        raise ModelError(Problem(what, item.location))
    return (by_slot or by_id)[0]


def _listed(
    plot: Plot | None, site: Site, step: str, item: m.DerivedVariable
) -> list[tuple[Plot | None, Site]]:
    if "[" not in step:
        return [(plot, _named(site, step, item))]
    match = _STEP.fullmatch(step)
    if match is None:
        what = f"cannot read '{step}' in select='{item.select}'"
        raise ModelError(Problem(what, item.location, "name[*] or name[key='value']"))
    found: list[tuple[Plot | None, Site]] = []
    for inner in site.below:
        block = inner.block if isinstance(inner, Site) else inner.top.block
        if not block.listed or block.name != match["list"]:
            continue
        if match["all"] or dict(block.shape.keys).get(match["key"].strip()) == match["value"]:
            found.append((plot, inner) if isinstance(inner, Site) else (inner, inner.top))
    return found
