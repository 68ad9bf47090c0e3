"""Blocks of instances to groups: which parts each copy has, and where each instance went.

A component that every copy has once (a gate, a rate, a channel's species) is a part of its group; members
of a list without dynamics of its own (``<instance>`` of a population list), of populations, and whatever
connections attach are groups of their own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.lems import model as m
from tvbo_lite.transforms.blocks import Block, Refs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Names", "Plot", "Site", "Survey", "survey"]

Inner: TypeAlias = "Plot | Site"
POPULATION = "basePopulation"
UNROLL = 40  # members of a list that each become a part; more are a group of their own
_PLAIN = re.compile(r"\W+")


class Names:
    """Gives unique identifiers; ``taken`` are those that may not be used."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken = set(taken)

    def new(self, wanted: str) -> str:
        """``wanted``, made an identifier and, where that is taken, ended by a number."""
        name = _PLAIN.sub("_", wanted).strip("_") or "x"
        name = f"n{name}" if name[0].isdigit() else name
        name = f"{name}_" if iskeyword(name) else name
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}{count}" if not name[-1].isdigit() else f"{name}_{count}"
        self.taken.add(found)
        return found


@dataclass(eq=False, slots=True)
class Site:
    """A component of each copy of a group: the instances ``rows`` of a block, one for each copy."""

    block: Block
    rows: NDArray[np.int64]
    plot: Plot
    parent: Site | None
    role: str
    below: list[Inner] = field(default_factory=list)
    prefix: str = ""

    @property
    def component_id(self) -> str:
        return self.block.component_of(int(self.rows[0])).id or ""

    def path(self) -> list[str]:
        """The roles from below the group's root to here."""
        return [*self.parent.path(), self.role] if self.parent else []

    def sites(self) -> Iterator[Site]:
        """Its parts' sites, in the order in which they advance."""
        for inner in self.below:
            if isinstance(inner, Site):
                yield from inner.sites()
        yield self


@dataclass(eq=False, slots=True)
class Plot:
    """A group before it has equations. ``at``: for each copy, the copy of ``host``'s group around it."""

    name: str
    size: int
    host: Site | None
    at: NDArray[np.int64]
    list_name: str
    attached: bool
    root: Site | None = None

    @property
    def top(self) -> Site:
        assert self.root is not None  # noqa: S101  set as soon as it is made
        return self.root


@dataclass(eq=False, slots=True)
class Survey:
    """All groups, and for each block the site and copy of each instance."""

    plots: list[Plot]  # hosts before what they hold
    places: dict[Block, tuple[list[Site], NDArray[np.int64], NDArray[np.int64]]]

    def place(self, block: Block, index: int) -> tuple[Site, int]:
        sites, which, copy = self.places[block]
        return sites[int(which[index])], int(copy[index])

    def has(self, block: Block) -> bool:
        return block in self.places


def survey(root: Block, split: Collection[Block] = ()) -> Survey:
    """The groups of an instance tree; each copy of the blocks in ``split`` is a group of its own."""
    return _Surveyor(split).all(root)


class _Surveyor:
    def __init__(self, split: Collection[Block]) -> None:
        self.split = split
        self.names = Names()
        self.found = Survey([], {})
        self._alive: dict[Block, bool] = {}

    def all(self, root: Block) -> Survey:
        name = root.component.id or root.kind.name
        self.plot(name, root, np.zeros(1, np.int64), None, np.zeros(1, np.int64), "")
        for plot in self.found.plots:
            _prefix(plot)
        return self.found

    def plot(  # noqa: PLR0917  a group is all of this
        self,
        name: str,
        block: Block,
        rows: NDArray[np.int64],
        host: Site | None,
        at: NDArray[np.int64],
        list_name: str,
    ) -> Plot:
        attached = host is not None and list_name in host.block.attached
        plot = Plot(self.names.new(name), len(rows), host, at, list_name, attached)
        self.found.plots.append(plot)
        plot.root = self.site(plot, block, rows, None, "")
        return plot

    def site(self, plot: Plot, block: Block, rows: NDArray[np.int64], parent: Site | None, role: str) -> Site:
        site = Site(block, rows, plot, parent, role)
        self._note(site)
        for child in block.children:
            if not self.alive(child):
                continue
            if self._is_group(site, child):
                site.below += self._groups(site, child)
            else:
                site.below += self._sites(site, child)
        return site

    def _note(self, site: Site) -> None:
        size = site.block.size
        blank: tuple[list[Site], NDArray[np.int64], NDArray[np.int64]]
        blank = ([], np.zeros(size, np.int64), np.zeros(size, np.int64))
        sites, which, copy = self.found.places.setdefault(site.block, blank)
        which[site.rows], copy[site.rows] = len(sites), np.arange(len(site.rows))
        sites.append(site)

    def alive(self, block: Block) -> bool:
        """Whether anything in the tree has dynamics, or a parameter that a path may lead to."""
        if block not in self._alive:
            kind = block.kind
            wires = bool(kind.structure) and not block.children
            own = kind.dynamics != m.Dynamics() or (bool(kind.parameters) and not wires and not block.listed)
            attached = bool(block.shape.attachments) or bool(block.peers)
            self._alive[block] = own or attached or any(map(self.alive, block.children))
        return self._alive[block]

    def _is_group(self, site: Site, child: Block) -> bool:
        if not child.listed:
            return False
        if child.name == "" or child.name in site.block.attached or site.block.kind.is_a(POPULATION):
            return True
        counts = {len(child.members(int(row))) for row in site.rows}
        if len(counts) > 1 or max(counts) > UNROLL:
            return True
        inert = child.kind.dynamics == m.Dynamics() and not site.block.kind.is_a("network")
        return inert and any(not below.listed for below in child.children)

    def _groups(self, site: Site, block: Block) -> list[Inner]:
        owners = block.owners()
        copies = np.full(site.block.size, -1)
        copies[site.rows] = np.arange(len(site.rows))
        rows = np.flatnonzero(copies[owners] >= 0)
        at = copies[owners[rows]]
        name = _group_name(site, block)
        if block in self.split:
            pairs = [(rows[i : i + 1], at[i : i + 1], f"{name}_{i}") for i in range(len(rows))]
        else:
            pairs = [(rows[i], at[i], name) for i in _by_ends(block, rows, self.split)]
        return [self.plot(n, block, r, site, a, block.name) for r, a, n in pairs]

    def _sites(self, site: Site, block: Block) -> list[Inner]:
        made: list[Inner] = []
        first = np.array([block.members(int(row)).start for row in site.rows])
        for j in range(len(block.members(int(site.rows[0])))):
            rows = first + j
            made.append(self.site(site.plot, block, rows, site, _role(block, int(rows[0]), j)))
        return made


def _by_ends(block: Block, rows: NDArray[np.int64], split: Collection[Block]) -> list[NDArray[np.int64]]:
    """The places in ``rows``, apart by the groups in which the other ends of their tunnels will be."""
    keys: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for place, row in enumerate(rows.tolist()):
        ends = tuple((int(refs.block[row]), _part_of(refs, row, split)) for refs in block.peers.values())
        keys.setdefault(ends, []).append(place)
    return [np.array(places, np.int64) for places in keys.values()]


def _part_of(refs: Refs, row: int, split: Collection[Block]) -> int:
    """Which copy of a block in ``split`` the end of a tunnel is in; -1 where it is in none."""
    at: Block | None = refs.blocks[int(refs.block[row])]
    index = int(refs.index[row])
    while split and at is not None:
        if at in split:
            return index
        index, at = int(at.owners()[index]), at.parent
    return -1


def _role(block: Block, row: int, j: int) -> str:
    own = block.id_of(row)
    if block.listed or not block.name.isidentifier():
        return own if own and not own[0].isdigit() else f"{block.kind.name}{own or j}"
    return block.name


def _group_name(site: Site, block: Block) -> str:
    """Populations by their own name, attachments by what is attached and, if need be, to what."""
    if block.name not in site.block.attached:
        return site.component_id or site.block.kind.name
    ids = {spec.component.id for spec in block.specs}
    return next(iter(ids)) or block.kind.name if len(ids) == 1 else block.kind.name


def _main(top: Site) -> Site:
    """The part whose names need no prefix: the root, or the cell in an ``<instance>`` around it."""
    inner = [
        site for site in top.below if isinstance(site, Site) and site.block.kind.dynamics != m.Dynamics()
    ]
    bare = top.block.kind.dynamics == m.Dynamics() and top.block.listed
    return inner[0] if bare and len(inner) == 1 else top


def _prefix(plot: Plot) -> None:
    """Gives each part the shortest end of its path that no other part of the group has."""
    main = _main(plot.top)
    paths = {site: site.path() for site in plot.top.sites() if site is not main}
    paths |= {site: [site.role or "outer"] for site in paths if not paths[site]}
    for site, path in paths.items():
        for count in range(1, len(path) + 1):
            end = path[-count:]
            if sum(other[-count:] == end for other in paths.values()) == 1:
                break
        site.prefix = "_".join(_PLAIN.sub("_", step).strip("_") for step in end) + "_"
