"""Instance tree to `tvbo_lite.compiler.ir.Program`, in jLEMS's order of execution.

One step of an instance: children first; then its time, requirements, derived variables (paths, then
expressions, then conditional ones, each in declaration order), rates with the old states, the Euler
update, the conditions, the exposures, and last its active regime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tvbo_lite.compiler import ir
from tvbo_lite.compiler.block_code import BlockCode, handler_name
from tvbo_lite.compiler.blocks import Block, Forest, group
from tvbo_lite.compiler.memory import Memory
from tvbo_lite.errors import Location, ModelError, Problem, nearest
from tvbo_lite.expr.tree import Number
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.transforms.instances import Instance

DEFAULT_SEED = 1234  # jLEMS's, where the simulation gives none


def lower(
    root: Instance,
    constants: Mapping[str, float],
    plan: SimulationPlan,
) -> ir.Program:
    """The program of an instance tree.

    ``constants`` are the model's global ones (SI); ``plan`` tells the step and what is recorded.
    Raises `ModelError` or `ExpressionError` with the place in the user's file.
    """
    return _Lowering(group(root), constants, plan).program()


class _Lowering:
    def __init__(self, forest: Forest, constants: Mapping[str, float], plan: SimulationPlan) -> None:
        self.forest = forest
        self.plan = plan
        self.memory = Memory(forest)
        self.constants = {name: Number(value) for name, value in constants.items()}
        self.dt = plan.step
        self.temps = 0
        self.ports: dict[tuple[int, str], int] = {}
        self.port_list: list[ir.Port] = []
        self.code = {block.number: BlockCode(self, block) for block in forest.blocks}

    def program(self) -> ir.Program:
        records = self._records(self.plan.quantities())
        for block in self.forest.blocks:
            self.code[block.number].declare()
        handlers = [handler for block in self.forest.blocks for handler in self.code[block.number].handlers()]
        self._connect({handler.name for handler in handlers})
        starts = [self.code[block.number].start() for block in self.forest.blocks]
        root = self.forest.root
        step = ir.Function("step", root, self.code[root.number].step())
        events = self._record_events()
        return ir.Program(
            dt=self.dt,
            memory=self.memory.values,
            cells=self.memory.cells,
            tables=self.memory.tables,
            functions=[*handlers, *starts],
            ports=self.port_list,
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
        """The number of a port; its targets are filled in when all handlers are known."""
        key = (block.number, name)
        if key not in self.ports:
            self.ports[key] = len(self.port_list)
            empty: list[list[ir.Target]] = [[] for _ in block.instances]
            self.port_list.append(ir.Port(block, name, empty, [[] for _ in block.instances]))
        return self.ports[key]

    def _connect(self, handlers: set[str]) -> None:
        for block in self.forest.blocks:
            for k, instance in enumerate(block.instances):
                for name, connections in instance.connections.items():
                    targets = self.port_list[self.port(block, name)].targets[k]
                    for connection in connections:
                        target, index = self.forest.of(connection.target)
                        handler = handler_name(target, connection.port or "")
                        if handler in handlers:
                            targets.append(ir.Target(handler, index, max(connection.delay, 0.0)))

    def _record_events(self) -> tuple[tuple[str, str], ...]:
        events: list[tuple[str, str]] = []
        root = self.forest.root.instances[0]
        for file in self.plan.event_files:
            for selection in file.selections:
                instance = root.descend(_below(root, selection.select))
                ports = [
                    port.name
                    for port in instance.component.type.event_ports.values()
                    if port.direction == "out"
                ]
                if selection.port not in ports:
                    what = f"event file '{file.id}': {instance.path()} has no out port '{selection.port}'"
                    raise ModelError(Problem(what, Location(), None, nearest(selection.port, ports)))
                block, k = self.forest.of(instance)
                self.port_list[self.port(block, selection.port)].recorders[k].append(len(events))
                events.append((file.id, selection.id))
        return tuple(events)

    def _records(self, quantities: Sequence[str]) -> tuple[int, ...]:
        root = self.forest.root.instances[0]
        places = []
        for quantity in quantities:
            path, _, name = quantity.rpartition("/")
            instance = root.descend(_below(root, path))
            fail = _recording_failure(instance, quantity)
            place = self.memory.places([instance], name, fail)[0]
            places.append(place if isinstance(place, int) else self.memory.constant(place))
        return tuple(places)


def _below(root: Instance, path: str) -> str:
    """Output paths may begin with the target's own id (``net1/pop[0]/v``)."""
    head, _, rest = path.partition("/")
    return rest if head == root.id and root.child(head) is None else path


def _recording_failure(instance: Instance, quantity: str) -> Callable[[str], ModelError]:
    known = [
        *instance.component.type.exposures,
        *(s.name for s in instance.component.type.dynamics.state_variables),
    ]

    def fail(message: str) -> ModelError:
        hint = nearest(quantity.rpartition("/")[2], known)
        return ModelError(Problem(f"cannot record '{quantity}': {message}", Location(), None, hint))

    return fail
