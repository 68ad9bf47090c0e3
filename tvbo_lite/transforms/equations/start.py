"""The values with which a run begins, as jLEMS's initialisation leaves them.

jLEMS initialises the tree of instances several times over, children and selves in turn, so that each sees
what the others have become; here all groups are swept until nothing changes any more.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Number, children, rebuild
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Group,
    Missing,
    Outer,
    Part,
    System,
    Total,
    walk,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["initialise"]

SWEEPS = 60
DEFAULT_SEED = 1234  # jLEMS's, where the simulation gives none


def initialise(system: System, losses: Losses) -> None:
    """Fills the initial values of all groups' states and definitions."""
    _Start(system, losses).run()


class _Start:
    def __init__(self, system: System, losses: Losses) -> None:
        self.system = system
        self.losses = losses
        self.order = list(walk(system))
        seed = DEFAULT_SEED if system.plan.seed is None else system.plan.seed
        self.random = Random(seed)  # noqa: S311  a start value, no secret
        self.drawn: set[int] = set()
        self.values: dict[str, dict[str, NDArray[np.float64]]] = {}

    def run(self) -> None:
        for group in self.order:
            self.values[group.name] = self._blank(group)
        for _ in range(SWEEPS):
            changed = [self._sweep(group, part) for group in self.order for part in group.parts]
            if not any(changed):
                break
        else:
            self.losses.add("the start", "its values change each time that it is worked out")
        for group in self.order:
            known = self.values[group.name]
            group.initial = {name: known[name] for name in known if name not in group.parameters}

    def _blank(self, group: Group) -> dict[str, NDArray[np.float64]]:
        known = {name: np.zeros(group.size) for name in group.states}
        known |= {item.name: np.zeros(group.size) for item in group.definitions()}
        known |= {name: np.array(values) for name, values in group.values.items()}
        for name, parameter in group.parameters.items():
            known[name] = np.broadcast_to(np.array(parameter.values), (group.size,))
        known[CLOCK] = np.zeros(group.size)
        return known

    def _sweep(self, group: Group, part: Part) -> bool:
        """One pass over a part; whether anything has changed."""
        known = self.values[group.name]
        changed = [self._set(group, item.name, item.value) for item in part.definitions]
        changed += [self._set(group, item.name, item.value) for item in part.starts]
        for regime in part.regimes:
            if regime.name == part.initial_regime:
                changed += [self._set(group, item.name, item.value) for item in regime.entry]
        for shown in part.shown:
            known[shown.name] = known[shown.variable].copy()
        return any(changed)

    def _set(self, group: Group, name: str, expr: Expr) -> bool:
        known = self.values[group.name]
        if _draws(expr):
            if id(expr) in self.drawn:
                return False
            self.drawn.add(id(expr))
        before, after = known[name], self._value(group, expr)
        known[name] = after
        return not np.array_equal(before, after, equal_nan=True)

    def _value(self, group: Group, expr: Expr) -> NDArray[np.float64]:
        """The expression's value for each copy."""
        known = self.values[group.name]
        places: dict[str, NDArray[np.float64]] = {}
        plain = self._plain(group, expr, places)
        scope = {**{name: known[name] for name in _names(plain) if name in known}, **places}
        same = all(len(set(values.tolist())) == 1 for values in scope.values())
        count = 1 if same else group.size
        each = [evaluate(plain, {name: float(v[k]) for name, v in scope.items()}) for k in range(count)]
        return np.broadcast_to(np.array(each), (group.size,))

    def _plain(self, group: Group, expr: Expr, places: dict[str, NDArray[np.float64]]) -> Expr:
        """The expression with a name for each place in another group."""
        if isinstance(expr, Outer | Total | Across):
            name = f"place {len(places)}"
            places[name] = self._place(group, expr)
            return Name(name)
        if isinstance(expr, Missing):
            return Number(0.0)
        if isinstance(expr, Call) and expr.function == "random":
            name = f"place {len(places)}"
            places[name] = np.array([self.random.random() for _ in range(group.size)])
            return Binary("*", self._plain(group, expr.argument, places), Name(name))
        return rebuild(expr, lambda child: self._plain(group, child, places))

    def _place(self, group: Group, leaf: Outer | Total | Across) -> NDArray[np.float64]:
        if isinstance(leaf, Across):
            return self.values[leaf.group][leaf.name][list(leaf.at)]
        if isinstance(leaf, Outer):
            index, at = np.arange(group.size), group
            for _ in range(leaf.depth):
                index = np.array(at.at)[index]
                assert at.host is not None  # noqa: S101  `depth` counts hosts
                at = at.host
            return self.values[at.name][leaf.name][index]
        total = np.full(group.size, 1.0 if leaf.multiply else 0.0)
        for name, variable in zip(leaf.groups, leaf.variables, strict=True):
            add = np.multiply if leaf.multiply else np.add
            add.at(total, np.array(self.system.groups[name].at), self.values[name][variable])
        return total


def _draws(expr: Expr) -> bool:
    return (isinstance(expr, Call) and expr.function == "random") or any(map(_draws, children(expr)))


def _names(expr: Expr) -> set[str]:
    found = {expr.name} if isinstance(expr, Name) else set()
    return found.union(*map(_names, children(expr)))
