"""A model's simulation as a `System` of equations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tvbo_lite.errors import ModelError, Problem, nearest
from tvbo_lite.expr.tree import Name, Number
from tvbo_lite.lems import model as m
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.blocks import Block, Wires
from tvbo_lite.transforms.equations.aliases import without_aliases
from tvbo_lite.transforms.equations.bind import Binder, outward, port_name
from tvbo_lite.transforms.equations.grow import Plot, Site, Survey, survey
from tvbo_lite.transforms.equations.outlets import Copies, are_neighbours, cell_of, sees_start
from tvbo_lite.transforms.equations.reach import Reach
from tvbo_lite.transforms.equations.start import initialise
from tvbo_lite.transforms.equations.system import Group, Record, Route, System
from tvbo_lite.transforms.equations.tidy import every_missing, fold, mark, prune, settle
from tvbo_lite.transforms.instances import Finder, Instance
from tvbo_lite.transforms.instantiate import populate
from tvbo_lite.transforms.limits import check_limits
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.transforms.resolve import Resolver
from tvbo_lite.units import dimension_of, si_symbol

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["population_equations"]

SPLIT = 16  # cells of one population that are taken one by one, where their order in a step matters
ORDER = "all its cells advance at once, so what reaches them within a step does so a step late or early"


def population_equations(model: m.Model, losses: Losses, *, ordered: bool = True) -> System:
    """The equations of all populations of a linked model, and what its simulation records.

    ``ordered`` keeps what jLEMS's order of execution lets one see: values of the step before. Without it
    all equations hold at once. What equations cannot say is noted in ``losses``.

    Raises:
        ModelError: the model contradicts itself, or has nothing to run.
        UnsupportedError: the model is beyond the limits of instances.
    """
    resolver = Resolver(model)
    resolver.check_everything()
    plan = simulation_plan(model, resolver)
    forest = populate(resolver.component(plan.target, model.location, "the simulation's target"))
    check_limits(forest)
    found = survey(forest.root)
    mixed = _mixed(found, Reach(found, resolver)) if ordered else {}
    for block, plot in mixed.items():
        if plot.size > SPLIT:
            losses.add(
                f"what cells of '{plot.name}' see of one another within a step",
                ORDER,
                block.component.component.location,
            )
    few = {block for block, plot in mixed.items() if plot.size <= SPLIT}
    found = survey(forest.root, few) if few else found
    return _Building(found, resolver, plan, Instance(forest.root, 0), losses).system(ordered=ordered)


class _Building:
    def __init__(
        self, found: Survey, resolver: Resolver, plan: SimulationPlan, root: Instance, losses: Losses
    ) -> None:
        self.found, self.resolver, self.plan, self.find = found, resolver, plan, Finder(root)
        self.losses = losses
        self.binder = Binder(found, resolver, losses)

    def system(self, *, ordered: bool) -> System:
        groups = self.binder.all()
        records = tuple(self._record(quantity) for quantity in self.plan.quantities())
        source = self.resolver.model.location.file or ""
        exponents = {"*": None, **self.resolver.units.dimensions}
        symbols = {name: _symbol(powers) for name, powers in exponents.items()}
        spikes = tuple(self._spikes())
        system = System(
            self.plan, groups, (), records, spikes, PurePath(source).name, dict(exponents), symbols
        )
        for group in groups.values():
            settle(group)
        fold(system)
        system.order = _order(groups[self.found.plots[0].name])
        initialise(system, self.losses)
        without_aliases(system, ordered=ordered)
        prune(system)
        mark(system)
        for missing in every_missing(system):
            self.losses.add(missing.what, missing.reason, missing.where)
        self._routes(groups)
        return system

    # ---- what is recorded ----------------------------------------------------------------------------

    def _at(self, path: str) -> tuple[Site, int]:
        instance = self.find(path)
        if not self.found.has(instance.block):
            raise instance.component.fail(f"'{path}' has no variables")
        return self.found.place(instance.block, instance.k)

    def _record(self, quantity: str) -> Record:
        path, _, name = quantity.rpartition("/")
        site, k = self._at(path)
        seen = self.binder.get(site, name)
        if seen is None:
            known = [*site.block.kind.exposures, *self.binder.variables(site).stateful]
            what = f"cannot record '{quantity}': there is no variable '{name}'"
            raise ModelError(Problem(what, hint=nearest(name, known)))
        at, value = seen
        k = outward(site.plot, k, at.plot)
        if isinstance(value, Number):
            return Record(quantity, at.plot.name, "", k, value.value)
        assert isinstance(value, Name)  # noqa: S101  `get` finds numbers and names
        return Record(quantity, at.plot.name, value.name, k)

    def _spikes(self) -> Iterator[tuple[str, str, str, str, int]]:
        for file in self.plan.event_files:
            for selection in file.selections:
                site, k = self._at(selection.select)
                yield file.id, selection.id, site.plot.name, port_name(site, selection.port), k

    # ---- connections -----------------------------------------------------------------------------------

    def _routes(self, groups: dict[str, Group]) -> None:
        handled = {
            (group.name, port)
            for group in groups.values()
            for part in group.parts
            for handlers in (part.handlers, *(regime.handlers for regime in part.regimes))
            for port in handlers
        }
        for plot in self.found.plots:
            lots: dict[tuple[str, str, str], list[_Bundle]] = {}
            for bundle in _bundles(self.found, plot):
                if (bundle.target.name, bundle.handler) in handled:
                    lots.setdefault((bundle.port, bundle.target.name, bundle.handler), []).append(bundle)
            for (port, name, handler), each in lots.items():
                sources, ends = _all(lot.sources for lot in each), _all(lot.ends for lot in each)
                delays = _all(lot.delays for lot in each)
                weights = _all(lot.weights for lot in each) if groups[name].weight else ()
                groups[plot.name].routes.append(Route(port, name, handler, sources, ends, delays, weights))


def _all(arrays: Iterable[NDArray[Any]]) -> tuple[Any, ...]:
    return tuple(np.concatenate(list(arrays)).tolist())


def _symbol(exponents: tuple[int, ...] | None) -> str:
    if exponents is None:
        return ""
    mass, length, time, current, temperature, amount, light = exponents
    name = dimension_of((mass, length, time, current, temperature, amount, light))
    return si_symbol(name) if name else ""


class _Bundle(NamedTuple):
    """Connections from a port of copies of a group to a port of copies of another one, in their order."""

    port: str
    target: Plot
    handler: str
    sources: NDArray[np.int64]
    ends: NDArray[np.int64]
    delays: NDArray[np.float64]  # s
    weights: NDArray[np.float64]


def _bundles(found: Survey, plot: Plot) -> Iterator[_Bundle]:
    """The connections from a group."""
    for site in plot.top.sites():
        copies = np.full(site.block.size, -1)
        copies[site.rows] = np.arange(len(site.rows))
        for port, lots in site.block.wires.items():
            for wires in lots:
                yield from _lot(found, copies, port_name(site, port), wires)


def _lot(found: Survey, copies: NDArray[np.int64], port: str, wires: Wires) -> Iterator[_Bundle]:
    """Of a lot what begins at an instance that is a copy; ``copies``: which one each is, or -1."""
    sources = copies[np.asarray(wires.sources)]
    ends, kinds = np.zeros_like(sources), np.full_like(sources, -1)
    known: dict[tuple[Plot, str], int] = {}
    for block, places, index in wires.targets.parts():
        if not found.has(block):
            continue
        sites, which, copy = found.places[block]
        ends[places] = copy[index]
        pairs = which[index] * len(wires.port_names) + wires.ports[places]
        for pair in np.unique(pairs).tolist():
            place, name = divmod(pair, len(wires.port_names))
            kind = (sites[place].plot, port_name(sites[place], wires.port_names[name] or ""))
            kinds[places[pairs == pair]] = known.setdefault(kind, len(known))
    kinds[sources < 0] = -1
    numbers, first = np.unique(kinds, return_index=True)
    targets = tuple(known)
    for number in numbers[np.argsort(first)].tolist():
        if number >= 0:
            (target, handler), at = targets[number], np.flatnonzero(kinds == number)
            weights = np.ones(len(at)) if wires.weights is None else wires.weights[at]
            delays = np.maximum(wires.delays[at], 0.0)
            yield _Bundle(port, target, handler, sources[at], ends[at], delays, weights)


def _mixed(found: Survey, reach: Reach) -> dict[Block, Plot]:
    """Populations whose cells see one another within a step: by events without delay, or by tunnels."""
    mixed: dict[Block, Plot] = {}
    for plot in found.plots:
        for one, k, other, j in (*_immediate(found, plot), *_tunnels(found, plot, reach)):
            if are_neighbours(one, k, other, j):
                population = cell_of(one, k)[0]
                mixed[population.top.block] = population
    return mixed


def _immediate(found: Survey, plot: Plot) -> Iterator[tuple[Plot, Copies, Plot, Copies]]:
    """Between which copies events pass that somebody handles within the step."""
    for bundle in _bundles(found, plot):
        now = bundle.delays <= 0
        if now.any() and any(_handles(site, bundle.handler) for site in bundle.target.top.sites()):
            yield plot, bundle.sources[now], bundle.target, bundle.ends[now]


def _tunnels(found: Survey, plot: Plot, reach: Reach) -> Iterator[tuple[Plot, Copies, Plot, Copies]]:
    """Tunnels by which a cell sees more of another one than what that was at the start of the step."""
    for site in plot.top.sites():
        for tunnel, refs in site.block.peers.items():
            known: dict[tuple[Site, bool], bool] = {}
            for copy, row in enumerate(site.rows.tolist()):
                end, other = found.place(refs.blocks[int(refs.block[row])], int(refs.index[row]))
                earlier = bool(cell_of(end.plot, other)[1] < cell_of(plot, copy)[1])
                if (end, earlier) not in known:
                    known[end, earlier] = sees_start(reach, site, tunnel, end, earlier=earlier)
                if not known[end, earlier]:
                    yield plot, copy, end.plot, other


def _handles(site: Site, handler: str) -> bool:
    dynamics = site.block.kind.dynamics
    actions = [item for item in dynamics.on_event if port_name(site, item.port) == handler]
    actions += [i for r in dynamics.regimes for i in r.on_event if port_name(site, i.port) == handler]
    return any(item.action != m.Action(location=item.action.location) for item in actions)


def _order(root: Group) -> tuple[str, ...]:
    """What advances by itself: the root, or, where that only holds others, those."""
    bare = all(
        not (part.definitions or part.rates or part.rules or part.regimes or part.handlers)
        for part in root.parts
    )
    return tuple(name for part in root.parts for name in part.attached) if bare else (root.name,)
