"""Which instances the path of a derived variable means: ``populations[ion='ca']/i``, ``peer/v``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.errors import ModelError, Problem, nearest
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.blocks import Block, Refs
from tvbo_lite.transforms.instances import Instance

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = re.compile(
    r"(?P<list>[^\[\]]+)\[(?:(?P<all>\*)|(?P<key>[^=\]]+)=(?P<quote>['\"])(?P<value>.*)(?P=quote))\]"
)
_REDUCE = {"add": False, "sum": False, "plus": False, "+": False}
_REDUCE |= {"multiply": True, "product": True, "times": True, "*": True}


@dataclass(frozen=True, slots=True)
class Targets:
    """The instances that a path leads to from each instance of a block, in list order.

    Those of instance ``k`` are ``refs[starts[k]]`` to ``refs[starts[k + 1]]`` (exclusive). ``simple``
    where each path can lead to one only, and nothing is reduced.
    """

    refs: Refs
    starts: NDArray[np.int64]
    simple: bool
    multiply: bool = False


def select_targets(base: Block, path: str, item: m.DerivedVariable) -> Targets:
    """The targets of ``path`` seen from each instance of ``base``. Raises `ModelError` for a bad path."""
    refs, owners = Refs.all(base), np.arange(base.size)
    simple = "[" not in path and "*" not in path
    if not simple and item.reduce not in _REDUCE:
        what = f"'{item.name}' selects many ('{item.select}') but says reduce='{item.reduce or ''}'"
        raise ModelError(Problem(what, item.location, "reduce='add' or reduce='multiply'"))
    for step in filter(None, path.split("/")):
        if "[" in step:
            members, taken = _members(refs, *_list_step(step, item))
            refs, owners = members, owners[taken]
        else:
            refs = _follow(refs, step, item)
    starts = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=base.size))))
    return Targets(refs, starts, simple, not simple and _REDUCE[item.reduce or ""])


# ---- one element of a path: a name -------------------------------------------------------------------


def _follow(refs: Refs, step: str, item: m.DerivedVariable) -> Refs:
    return _joined(refs, lambda block, index: _below(block, index, step, item))


def _joined(refs: Refs, below: Callable[[Block, NDArray[np.int64]], Refs]) -> Refs:
    """What ``below`` finds for each of ``refs``, worked out block by block."""
    blocks: list[Block] = []
    number, place = np.empty(len(refs), np.int64), np.empty(len(refs), np.int64)
    for block, positions, index in refs.parts():
        found = below(block, index)
        number[positions] = found.block + len(blocks)
        place[positions] = found.index
        blocks += found.blocks
    return _merged(blocks, number, place)


def _merged(blocks: list[Block], number: NDArray[np.int64], index: NDArray[np.int64]) -> Refs:
    """References in which each block is named once."""
    known: dict[Block, int] = {}
    plain = np.array([known.setdefault(block, len(known)) for block in blocks], dtype=np.int64)
    return Refs(list(known), plain[number], index)


def _below(block: Block, index: NDArray[np.int64], step: str, item: m.DerivedVariable) -> Refs:
    """One step from instances of one block: by a tunnel's name, a slot, or an id."""
    if step in block.peers:
        return block.peers[step].take(index)
    by_id = any(spec.component.id == step for one in block.static if one.listed for spec in one.specs)
    slot = next((one for one in block.static if not one.listed and one.name == step), None)
    if slot is not None and not by_id:
        return Refs([slot], np.zeros(len(index), np.int64), index)
    found = [(k, _named(Instance(block, k), step)) for k in index.tolist()]
    for k, one in found:
        if one is None:
            known = [*block.peers, *(one.name for one in block.static if not one.listed)]
            known += [below.id for _, below in Instance(block, k).children() if below.id]
            what = f"'{item.select}' leads nowhere: {block.component_of(k).describe()} has no '{step}'"
            raise block.component_of(k).fail(what, nearest(step, known))
    return Refs.of((one.block, one.k) for _, one in found if one is not None)


def _named(instance: Instance, step: str) -> Instance | None:
    return None if step.startswith("[") or ":" in step else instance.child(step)


# ---- one element of a path: the members of a list ------------------------------------------------------


def _list_step(step: str, item: m.DerivedVariable) -> tuple[str, tuple[str, str] | None]:
    """The list's name, and the key and value that its members must have (None for all)."""
    match = _STEP.fullmatch(step)
    if match is None:
        what = f"cannot read '{step}' in select='{item.select}'"
        raise ModelError(Problem(what, item.location, "name[*] or name[key='value']"))
    return match["list"], None if match["all"] else (match["key"].strip(), match["value"])


def _members(refs: Refs, name: str, wanted: tuple[str, str] | None) -> tuple[Refs, NDArray[np.int64]]:
    """The members of each one's list, one after the other, and for each of them the place of its owner."""
    blocks: list[Block] = []
    parts: list[tuple[NDArray[np.int64], ...]] = []
    for block, positions, index in refs.parts():
        for column in _columns(block, name, wanted):
            owners, members = _ranges(column, index)
            size = len(members)
            parts.append((positions[owners], np.full(size, len(parts)), members, np.full(size, len(blocks))))
            blocks.append(column)
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Refs([], nothing, nothing), nothing
    owners, rank, members, number = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.lexsort((members, rank, owners)) if len(parts) > 1 else np.argsort(owners, kind="stable")
    return _merged(blocks, number[order], members[order]), owners[order]


def _columns(block: Block, name: str, wanted: tuple[str, str] | None) -> Sequence[Block]:
    columns = block.listed_in(name)
    if wanted is None:
        return columns
    return [column for column in columns if dict(column.shape.keys).get(wanted[0]) == wanted[1]]


def _ranges(column: Block, parents: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each of ``parents`` in turn its instances in a column, with the place of the parent."""
    first, last = column.bounds()
    first, counts = first[parents], (last - first)[parents]
    owners = np.repeat(np.arange(len(parents)), counts)
    begin = np.concatenate(([0], np.cumsum(counts)))[:-1]
    return owners, first[owners] + np.arange(len(owners)) - begin[owners]
