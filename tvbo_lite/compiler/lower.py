"""Instances to `tvbo_lite.compiler.ir.Program`, in jLEMS's order of execution.

One step of an instance: children first; then its time, requirements, derived variables (paths, then
expressions, then conditional ones, each in declaration order), rates with the old states, the Euler
update, the conditions, the exposures, and last its active regime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.block_code import BlockCode, handler_name
from tvbo_lite.compiler.memory import Memory
from tvbo_lite.errors import Location, ModelError, Problem, nearest
from tvbo_lite.expr.tree import Number
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.arrays import (
    both,
    is_one,
    is_uniform,
    joined,
    picked,
    repeated,
    repeated_index,
    sorting,
    starts_of,
    where,
)
from tvbo_lite.transforms.blocks import Block, Forest, Refs, Wires
from tvbo_lite.transforms.instances import Finder, Instance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.runs import Indices

NEAR = 1e-4  # of a step; times of steps are sums, whose rounding is far below that
LONG = 64  # targets of a source on average, from which on an entry of the queue does not count
DEFAULT_SEED = 1234  # jLEMS's, where the simulation gives none


def lower(
    forest: Forest,
    constants: Mapping[str, float],
    plan: SimulationPlan,
) -> ir.Program:
    """The program of a model's instances.

    ``constants`` are the model's global ones (SI); ``plan`` tells the step and what is recorded.
    Raises `ModelError` or `ExpressionError` with the place in the user's file.
    """
    return ModelLowering(forest, constants, plan).program()


class ModelLowering:
    """What the blocks of one program share while it is made."""

    lagging = True  # as in jLEMS

    def __init__(self, forest: Forest, constants: Mapping[str, float], plan: SimulationPlan) -> None:
        self.forest = forest
        self.plan = plan
        self.memory = Memory(forest, lagging=self.lagging)
        self.constants = {name: Number(value) for name, value in constants.items()}
        self.dt = plan.step
        self.temps = 0
        self.ports: dict[tuple[int, str], tuple[int, Block]] = {}
        self.fans: list[ir.Fan] = []
        self.weighted: set[str] = set()  # handlers of receivers that stand for several
        self.recorders: dict[int, list[tuple[int, int]]] = {}  # of a port: (instance, place in the events)
        self.code = {block.number: self.block_code(block) for block in forest.blocks}

    def block_code(self, block: Block) -> BlockCode:
        return BlockCode(self, block)

    def program(self) -> ir.Program:
        records = self.records(self.plan.quantities())
        for block in self.forest.blocks:
            self.code[block.number].declare()
        handlers = [handler for block in self.forest.blocks for handler in self.code[block.number].handlers()]
        starts = [self.code[block.number].start() for block in self.forest.blocks]
        root = self.forest.root
        step = ir.Function("step", root, self.code[root.number].step())
        events = self.record_events()
        ports = self.all_ports(handlers)
        return ir.Program(
            dt=self.dt,
            memory=self.memory.start_values(),
            cells=self.memory.cells,
            tables=self.memory.tables,
            functions=[*handlers, *starts],
            ports=ports,
            fans=self.fans,
            step=step,
            initialise=starts[-1],
            records=records,
            checked=tuple(self.memory.checked.values()),
            events=events,
            seed=DEFAULT_SEED if self.plan.seed is None else self.plan.seed,
        )

    # ---- shared by all blocks -----------------------------------------------------------------

    def temp(self) -> ir.Temp:
        self.temps += 1
        return ir.Temp(self.temps)

    def port(self, block: Block, name: str) -> int:
        """The number of a port."""
        key = (block.number, name)
        if key not in self.ports:
            self.ports[key] = (len(self.ports), block)
        return self.ports[key][0]

    def all_ports(self, handlers: Sequence[ir.Function]) -> list[ir.Port]:
        """Every port that is sent from, with its targets."""
        for block in self.forest.blocks:
            for name in block.wires:
                self.port(block, name)
        known = {handler.name for handler in handlers}
        self.weighted = {handler.name for handler in handlers if handler.weighted}
        return [self._port(block, key[1], number, known) for key, (number, block) in self.ports.items()]

    def _port(self, block: Block, name: str, number: int, handlers: set[str]) -> ir.Port:
        """The port with its targets; handlers that do nothing are left out."""
        lots = block.wires.get(name, ())
        recorders = sorted(self.recorders.get(number, ()))
        pairs = np.array(recorders, dtype=np.int64).reshape(-1, 2)
        recorded = _targets(block.size, pairs[:, 0], pairs[:, 1])
        nobody = _targets(block.size, pairs[:0, 0], pairs[:0, 1])
        immediate, delayed = (
            [chosen for lot in lots if (chosen := _chosen(block, lot, _where_delays(are, lot), handlers))]
            for are in (np.less_equal, np.greater)
        )
        return ir.Port(
            block,
            name,
            _together(immediate) if immediate else nobody,
            recorded,
            self._fanned(delayed) if delayed else nobody,
        )

    def _fanned(self, lots: Sequence[ir.Targets]) -> ir.Targets:
        """Delayed targets such that those of one source and delay are one call of a fan.

        What merged receivers add may be added in any order: they have a fan for each handler, and for each
        lot of long lists, whose arrays then stay as they are.
        """
        by_handler: dict[str, list[ir.Targets]] = {}
        for lot in lots:
            if lot.weights is None:
                return self._fan_of(_together(lots))
            for name, part in _by_handler(lot):
                by_handler.setdefault(name, []).append(part)
        return _together([self._fan_of(part) for parts in by_handler.values() for part in _fewer(parts)])

    def delay_grid(self) -> float | None:
        """The step (s) at whose end events take effect, however early they are due in it."""
        return self.dt

    def _fan_of(self, targets: ir.Targets) -> ir.Targets:
        grid = self.delay_grid()
        if grid is not None and self.weighted.issuperset(targets.names):
            targets.delays = _on_grid(targets.delays, grid)
        size, count = len(targets.starts) - 1, len(targets.index)
        order, sources, starts = _groups(targets)
        if len(sources) == count and targets.weights is None:
            return targets
        delays = picked(picked(targets.delays, order), starts[:-1])
        which, index = picked(targets.which, order), picked(targets.index, order)
        weights = None if targets.weights is None else picked(targets.weights, order)
        fan = self._fan(ir.Targets(starts, targets.names, which, index, repeated(0.0, count), weights))
        return _targets(size, sources, np.arange(len(sources)), (fan,), delays=delays)

    def _fan(self, targets: ir.Targets) -> str:
        self.fans.append(ir.Fan(f"fan.{len(self.fans)}", targets))
        return self.fans[-1].name

    def record_events(self) -> tuple[tuple[str, str], ...]:
        """The event recorders: event file and selection of each."""
        events: list[tuple[str, str]] = []
        find = Finder(Instance(self.forest.root, 0))
        for file in self.plan.event_files:
            for selection in file.selections:
                path, place_of = selection.select, partial(getattr, selection, "location")
                instance = _recorded(find, path, path, place_of)
                known = instance.block.kind.event_ports
                if selection.port not in known or known[selection.port].direction != "out":
                    ports = [port.name for port in known.values() if port.direction == "out"]
                    what = f"event file '{file.id}': {instance.path()} has no out port '{selection.port}'"
                    raise ModelError(Problem(what, selection.location, None, nearest(selection.port, ports)))
                number = self.port(instance.block, selection.port)
                self.recorders.setdefault(number, []).append((instance.k, len(events)))
                events.append((file.id, selection.id))
        return tuple(events)

    def records(self, quantities: Sequence[str]) -> tuple[int, ...]:
        """The places in memory of quantities."""
        find = Finder(Instance(self.forest.root, 0))
        places = []
        for quantity in quantities:
            path, _, name = quantity.rpartition("/")
            place_of = partial(self.plan.location, quantity)
            instance = _recorded(find, path, quantity, place_of)
            fail = _recording_failure(instance, quantity, place_of)
            place = self.memory.places(Refs.of([(instance.block, instance.k)]), name, fail)
            places.append(self.memory.constant(place) if isinstance(place, float) else int(place[0]))
        return tuple(places)


def _where_delays(are: np.ufunc, wires: Wires) -> NDArray[np.bool_]:
    """Whether each delay is at most, or more than, 0."""
    delays = wires.delays
    found: NDArray[np.bool_] = are(delays[:1] if is_one(delays) else delays, 0)
    return np.broadcast_to(found, len(delays)) if is_one(delays) else found


def _handlers(wires: Wires) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The names of all handlers that the wires may call, and for each wire which of them it calls."""
    ports = wires.port_names
    blocks = wires.targets.blocks
    if len(ports) == len(blocks) == 1:
        return (handler_name(blocks[0], ports[0] or ""),), repeated_index(0, len(wires.sources))
    keys = wires.targets.block * len(ports) + wires.ports
    used, which = np.unique(keys, return_inverse=True)
    names = tuple(
        handler_name(blocks[key // len(ports)], ports[key % len(ports)] or "") for key in used.tolist()
    )
    return names, which


def _used(which: NDArray[np.int64], names: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The names that are used at all, and which of these is used where."""
    if len(names) == 1 and len(which):
        return which, names
    used, called = np.unique(which, return_inverse=True)
    return called, tuple(names[number] for number in used.tolist())


def _chosen(block: Block, wires: Wires, some: NDArray[np.bool_], handlers: set[str]) -> ir.Targets:
    """Those of some connections of a lot whose handlers do something."""
    names, which = _handlers(wires)
    delays = wires.delays
    does = picked(np.array([one in handlers for one in names], dtype=bool), which)
    at = where(both(some, does))
    called, used = _used(picked(which, at), names)
    return _targets(
        block.size,
        picked(wires.sources, at),
        picked(wires.targets.index, at),
        used,
        called,
        delays=picked(np.maximum(delays, 0.0) if delays.min(initial=0.0) < 0 else delays, at),
        weights=None if wires.weights is None else picked(wires.weights, at),
    )


def _groups(
    targets: ir.Targets,
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64], NDArray[np.int64]]:
    """Targets of one source and delay side by side: their order, and each group's source and start."""
    counts = np.diff(targets.starts)
    if is_uniform(targets.delays):
        return None, np.flatnonzero(counts), np.append(targets.starts[:-1][counts > 0], targets.starts[-1])
    sources = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((targets.delays, sources))
    changes = (np.diff(sources) != 0) | (np.diff(targets.delays[order]) != 0)
    new = np.flatnonzero(np.concatenate(([True], changes)))
    return order, sources[new], np.append(new, len(order))


def _on_grid(delays: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The same delays for all that end within the same step, so that they are one call of a fan.

    Those that end so near to a step's end that rounding decides are left as they are.
    """
    if is_uniform(delays):
        return delays
    steps = delays / step
    within = np.abs(steps - np.rint(steps)) > NEAR
    return np.where(within, (np.ceil(steps) - 0.5) * step, delays)


def _by_handler(targets: ir.Targets) -> Iterator[tuple[str, ir.Targets]]:
    """The targets of each handler by themselves."""
    if len(targets.names) == 1:
        yield targets.names[0], targets
        return
    size = len(targets.starts) - 1
    sources = np.repeat(np.arange(size), np.diff(targets.starts))
    for number, name in enumerate(targets.names):
        at = np.flatnonzero(targets.which == number)
        weights = None if targets.weights is None else picked(targets.weights, at)
        yield (
            name,
            _targets(
                size,
                sources[at],
                targets.index[at],
                (name,),
                delays=picked(targets.delays, at),
                weights=weights,
            ),
        )


def _fewer(lots: Sequence[ir.Targets]) -> Sequence[ir.Targets]:
    """The same targets in one, where lists are so short that one entry of the queue for all is faster."""
    long = all(len(lot.index) >= LONG * np.count_nonzero(np.diff(lot.starts)) for lot in lots)
    return lots if long else [_together(lots)]


def _together(lots: Sequence[ir.Targets]) -> ir.Targets:
    """Targets of the same instances in one; those of one instance lot by lot."""
    if len(lots) == 1:
        return lots[0]
    names = {name: None for lot in lots for name in lot.names}
    numbers = {name: number for number, name in enumerate(names)}
    size = len(lots[0].starts) - 1
    return _targets(
        size,
        np.concatenate([np.repeat(np.arange(size), np.diff(lot.starts)) for lot in lots]),
        np.concatenate([lot.index for lot in lots]),
        tuple(names),
        joined([picked(np.array([numbers[name] for name in lot.names]), lot.which) for lot in lots]),
        delays=joined([lot.delays for lot in lots]),
        weights=None
        if lots[0].weights is None
        else joined([x.weights for x in lots if x.weights is not None]),
    )


def _targets(
    size: int,
    sources: Indices,
    index: NDArray[np.int64],
    names: tuple[str, ...] = ("",),
    which: NDArray[np.int64] | None = None,
    *,
    delays: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> ir.Targets:
    """Targets sorted by source; those of one source keep their order."""
    count, order = len(sources), sorting(sources)
    called = repeated_index(0, count) if which is None else picked(which, order)
    late = repeated(0.0, count) if delays is None else picked(delays, order)
    weighted = None if weights is None else picked(weights, order)
    return ir.Targets(starts_of(sources, size), names, called, picked(index, order), late, weighted)


def _recorded(find: Finder, path: str, quantity: str, place_of: Callable[[], Location]) -> Instance:
    """The instance at a path. Raises `ModelError` at the place where it is asked for."""
    try:
        return find(path)
    except ModelError as error:
        what, at = f"cannot record '{quantity}'", place_of()
        told = [replace(item, message=f"{what}: {item.message}", location=at) for item in error.problems]
        raise ModelError(told) from error


def _recording_failure(
    instance: Instance, quantity: str, place_of: Callable[[], Location]
) -> Callable[[str], ModelError]:
    known = [
        *instance.component.type.exposures,
        *(s.name for s in instance.component.type.dynamics.state_variables),
    ]

    def fail(message: str) -> ModelError:
        hint = nearest(quantity.rpartition("/")[2], known)
        return ModelError(Problem(f"cannot record '{quantity}': {message}", place_of(), None, hint))

    return fail
