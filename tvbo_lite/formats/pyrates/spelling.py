"""Short names for the variables of circuits, which templates call ``node/operator/variable``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tvbo_lite.formats.pyrates.system import EDGE, TIME
from tvbo_lite.transforms.lower.network import NETWORK_ID

__all__ = ["identifier", "node_of", "short_names"]


def identifier(name: str) -> str:
    """A name for a dynamics, which is not that of the network around it."""
    plain = re.sub(r"\W", "_", name)
    return f"_{plain}" if plain[:1].isdigit() or plain == NETWORK_ID else plain


def node_of(name: str) -> str:
    """The path of the node of a variable."""
    return name.rsplit("/", 2)[0]


def short_names(names: Iterable[str]) -> dict[str, str]:
    """For each ``node/operator/variable`` a name: as short as tells it from all others, the variable first.

    Nodes choose before the operators on edges.
    """
    groups: dict[tuple[bool, str], list[tuple[str, str, str]]] = {}
    for name in names:
        *node, operator, variable = name.split("/")
        path = "/".join(node)
        groups.setdefault((_ON_EDGE.fullmatch(path) is not None, variable), []).append(
            (path, operator, variable)
        )
    found: dict[str, str] = {}
    taken = {TIME}
    for _, group in sorted(groups.items(), key=lambda item: (item[0][0], len(item[1]))):
        for spelling in _SPELLINGS:
            spelt = [re.sub(r"\W", "_", spelling.format(*parts)) for parts in group]
            if len(set(spelt)) == len(group) and taken.isdisjoint(spelt):
                break
        else:
            spelt = [_fresh(name, taken) for name in spelt]
        taken.update(spelt)
        found |= {"/".join(parts): name for parts, name in zip(group, spelt, strict=True)}
    return found


_ON_EDGE = re.compile(rf"{EDGE}\d+")
_SPELLINGS = ("{2}", "{0}_{2}", "{1}_{2}", "{0}_{1}_{2}")  # of node, operator, variable


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
