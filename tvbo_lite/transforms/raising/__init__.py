"""Raise a LEMS model to the experiment that a person would write for it; the inverse of `transforms.lower`.

Networks become populations, projections and inputs, a NeuroML simulation becomes ``integration`` and
``recordings``, component types keep their equations, and every other component its type, its attributes
as they are written, and its parts. What the dialect's short forms cannot say exactly keeps its generic form,
so that lowering gives an equal model; a few things that YAML cannot say are noted as losses.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.transforms.raising.components import standalone
from tvbo_lite.transforms.raising.context import Context
from tvbo_lite.transforms.raising.networks import is_network, network, surroundings
from tvbo_lite.transforms.raising.simulation import integration, recordings
from tvbo_lite.transforms.raising.texts import Labels, said
from tvbo_lite.transforms.raising.types import component_types, constant, dimension, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tvbo_lite.errors import Location
    from tvbo_lite.lems import model as lems
    from tvbo_lite.losses import Losses
    from tvbo_lite.transforms.types import TypeTable

__all__ = ["raised"]


def raised(
    model: lems.Model,
    types: TypeTable,
    losses: Losses,
    about: Callable[[Location], str | None] = lambda _: None,
) -> dict[str, Any]:
    """The experiment as plain data, such as `tvbo_lite.schema.load.load` takes.

    Args:
        model: a document with all that it includes but for NeuroML's core types.
        types: its component types and the core types.
        losses: gets what YAML cannot say.
        about: the comment on the element at a place.

    Raises:
        UnsupportedError: two components have the same id, or two different types, units or the like one name.
    """
    own = frozenset(item.name for item in model.component_types)
    context = Context(types, own, "Simulation" in types and "Simulation" not in own, losses, about)
    named = _declared(model)
    _know(context, model.components)
    plan = _Plan(context, model)
    data = said(
        label=_label(model),
        description=about(model.location),
        dimensions={name: dimension(item) for name, item in named["dimension"].items()},
        units={symbol: unit(item) for symbol, item in named["unit"].items()},
        assertions=[{"dimension": item.dimension, "matches": item.matches} for item in model.assertions],
        constants={name: constant(item) for name, item in named["constant"].items()},
        component_types=component_types(context, named["component type"].values()),
    )
    if not context.core:
        data["core"] = False
    return {**data, **plan.data()}


def _label(model: lems.Model) -> str:
    stem = PurePosixPath((model.location.file or "").replace("\\", "/")).stem
    return "" if stem.startswith("<") else stem.removeprefix("LEMS_")


def _declared(model: lems.Model) -> dict[str, dict[str, Any]]:
    """Everything that a document declares by name, each kind; what is declared twice alike is there once."""
    kinds: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("dimension", "unit", "constant", "component type")
    }
    problems = []
    items: list[tuple[str, str, Any]] = [
        *(("dimension", item.name, item) for item in model.dimensions),
        *(("unit", item.symbol, item) for item in model.units),
        *(("constant", item.name or item.symbol or "", item) for item in model.constants),
        *(("component type", item.name, item) for item in model.component_types),
    ]
    for kind, name, item in items:
        first = kinds[kind].setdefault(name, item)
        if first != item:
            message = f"the {kind} '{name}' is declared twice, and differently, first at {first.location}"
            problems.append(Problem(message, item.location))
    if problems:
        raise UnsupportedError(problems)
    return kinds


def _know(context: Context, items: Sequence[lems.Component]) -> None:
    seen: dict[str, lems.Component] = {}
    problems = []
    for item in items:
        if item.id is None:
            continue
        if item.id in seen:
            message = f"two components have the id '{item.id}', first at {seen[item.id].location}"
            problems.append(Problem(message, item.location, "an id of its own for each"))
        seen.setdefault(item.id, item)
        kind = context.kind(item)
        if kind is not None:
            context.kinds[item.id] = kind
    if problems:
        raise UnsupportedError(problems)


class _Plan:
    """What runs: which component is the simulation, which one the network; the others stay components."""

    def __init__(self, context: Context, model: lems.Model) -> None:
        self.context = context
        self.model = model
        self.rest = list(model.components)
        self.found: dict[str, Any] = {}
        self.network: dict[str, Any] = {}

    def data(self) -> dict[str, Any]:
        """``network``, ``integration``, ``recordings`` and ``target``."""
        run = self._by_id(self.model.target)
        target = self._simulation(run) if run is not None else None
        simulated = self._by_id(run.attributes.get("target")) if run is not None else self._only_network()
        if (simulated is None or not self._network(simulated)) and target is not None:
            self.found["integration"]["target"] = target
        whole = {**self.network, **said(dynamics=self._dynamics())}
        return {**said(network=whole), **self.found}

    def _by_id(self, name: str | None) -> lems.Component | None:
        return next((item for item in self.model.components if name is not None and item.id == name), None)

    def _simulation(self, run: lems.Component) -> str | None:
        """Take the simulation in; what it simulates, or None where it stays a component."""
        kind = self.context.kind(run)
        regular = self.context.core and kind is not None and kind.is_a("Simulation")
        times = integration(self.context, run, self.model.report_file) if regular else None
        shown = recordings(self.context, run) if times is not None else None
        if times is None or shown is None:
            self.found["target"] = run.id
            if self.model.report_file is not None:
                what = f"the report file '{self.model.report_file}'"
                reason = "only a simulation with 'integration' has one"
                self.context.losses.add(what, reason, self.model.location)
            return None
        self.found["integration"] = times
        self.found["recordings"] = shown
        self.rest.remove(run)
        return run.attributes.get("target", "")

    def _only_network(self) -> lems.Component | None:
        networks = [item for item in self.rest if is_network(self.context, item)]
        return networks[0] if len(networks) == 1 else None

    def _network(self, item: lems.Component) -> bool:
        """Take the network in; whether it is one."""
        around = surroundings(self.context, item)
        if around is None and not is_network(self.context, item):
            return False
        outer, inner = around if around is not None else (None, item)
        self.network = network(self.context, inner)
        if outer is not None:
            self.network["within"] = outer
        self.rest.remove(item)
        return True

    def _dynamics(self) -> dict[str, Any]:
        labels = Labels(item.id for item in self.rest)
        return {
            item.id if item.id is not None else labels.new(item.tag): standalone(self.context, item)
            for item in self.rest
        }
