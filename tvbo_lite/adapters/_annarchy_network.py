"""The network that ANNarchy's scripts build piece by piece, as a model that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tvbo_lite.backends.native import open_session, require_threads
from tvbo_lite.errors import ModelError, Problem, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.lems.model import Component, Model
from tvbo_lite.lems.renamed import can_be_id
from tvbo_lite.lems.rows import Children, Column, Rows, parts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.adapters._annarchy_neuron import Equations
    from tvbo_lite.backends.session import Run, Session
    from tvbo_lite.lems.plan import SimulationPlan

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]

__all__ = ["NETWORK", "Links", "Network"]

DEFAULT_SEED = 42
SPIKE = "spike"  # what monitors call it
MS = 1e3  # in a second


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """The connections of a projection: cells, weights and delays (ms), arrays of one length."""

    pre: str
    post: str
    target: str
    sources: Places
    targets: Places
    weights: Numbers
    delays: Numbers  # ms


class Cells(Protocol):
    """What a population says of itself."""

    name: str
    ranks: Places
    equations: Equations
    values: dict[str, Numbers]
    starts: dict[str, Numbers]


@dataclass(slots=True)
class Network:
    """All that a script has made since the last `clear`."""

    dt: float = 1.0  # ms
    seed: int = DEFAULT_SEED
    threads: int = 1
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(DEFAULT_SEED))
    populations: dict[str, Cells] = field(default_factory=dict)
    links: list[Links] = field(default_factory=list)
    recorded: dict[str, list[str]] = field(default_factory=dict)
    step: int = 0
    _session: Session | None = None
    _plan: SimulationPlan | None = None
    _runs: list[Run] = field(default_factory=list)

    def setup(self, dt: float | None, seed: int | None, threads: int | None) -> None:
        """Step (ms), seed, and threads of a run."""
        self.require_not_running("the step, the seed and the threads")
        require_threads(1 if threads is None else threads)
        self.threads = self.threads if threads is None else threads
        self.dt = self.dt if dt is None else float(dt)
        self.seed = self.seed if seed is None else int(seed)
        self.rng = np.random.default_rng(self.seed)

    def clear(self) -> None:
        """An empty network with the same step and seed."""
        if self._session is not None:
            self._session.close()
        self.populations, self.links, self.recorded = {}, [], {}
        self.step, self._session, self._plan, self._runs = 0, None, None, []
        self.rng = np.random.default_rng(self.seed)

    def add(self, population: Cells) -> None:
        """One more population; `ModelError` for a name that is taken or cannot be one."""
        name = population.name
        if name in self.populations or not can_be_id(name):
            what = "is given twice" if name in self.populations else "cannot be a name"
            raise ModelError(Problem(f"the population name '{name}' {what}", expected="a name of its own"))
        self.require_not_running("a population")
        self.populations[name] = population

    def record(self, population: str, variables: Sequence[str]) -> None:
        """Variables that a run keeps."""
        kept = self.recorded.setdefault(population, [])
        kept += [name for name in variables if name not in kept]

    def require_not_running(self, what: str) -> None:
        """Raises `UnsupportedError` where a simulation has begun."""
        if self._session is not None:
            hint = "do it before simulate(), or clear() and build the network again"
            raise UnsupportedError(Problem(f"{what} cannot change once the network runs", hint=hint))

    # ---- the model ----------------------------------------------------------------------------------------

    def experiment(self) -> SimulationExperiment:
        """The network in the dialect; projections are there, and have no connections yet."""
        if not self.populations:
            raise ModelError(Problem("the network has no population", expected="Population(...)"))
        dynamics, populations = {}, {}
        for name, item in self.populations.items():
            values = {key: _plain(array) for key, array in item.values.items()}
            starts = {key: _plain(array) for key, array in item.starts.items()}
            dynamics[_kind(name)] = item.equations.dynamics({"dt": self.dt, **values}, starts, self.seed)
            kept = [("spikes" if one == SPIKE else one) for one in self.recorded.get(name, ())]
            populations[name] = {"dynamics": _kind(name), "size": len(item.ranks), "record": kept}
        projections = {
            f"proj{number}": {
                "source": links.pre,
                "target": links.post,
                "target_var": self.populations[links.post].equations.inputs()[links.target],
                "rule": {"type": "fixed_probability", "probability": 0, "delay": f"{self.dt!r} ms"},
            }
            for number, links in enumerate(self.links)
        }
        network = {"dynamics": dynamics, "populations": populations, "projections": projections}
        integration = {"step_size": self.dt, "duration": self.dt, "time_scale": "ms"}
        return SimulationExperiment.from_data({"network": network, "integration": integration})

    def model(self) -> Model:
        """The model with all connections, as tables."""
        model = self.experiment().model()
        components = (self._filled(item) if item.tag == "network" else item for item in model.components)
        return replace(model, components=tuple(components))

    def _filled(self, network: Component) -> Component:
        named = {f"proj{number}": links for number, links in enumerate(self.links)}
        children = (
            self._connected(item, named[item.id]) if item.id in named else item for item in network.children
        )
        return replace(network, children=tuple(children))

    def _connected(self, projection: Component, links: Links) -> Component:
        (empty,) = parts_of(projection.children)
        assert isinstance(empty, Rows)  # noqa: S101  that is what a rule makes
        columns = {
            "preCellId": replace(empty.columns["preCellId"], numbers=links.sources),
            "postCellId": replace(empty.columns["postCellId"], numbers=links.targets),
            "weight": Column(links.weights),
        }
        attributes = dict(empty.attributes)
        if len(links.delays) and np.ptp(links.delays):
            columns["delay"] = Column(links.delays, after=" ms")
            attributes.pop("delay", None)
        elif len(links.delays):
            attributes["delay"] = f"{links.delays[0].item()!r} ms"
        attributes.pop("weight", None)
        rows = replace(empty, count=len(links.sources), columns=columns, attributes=attributes)
        return replace(projection, children=Children(rows))

    # ---- the run ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises what is wrong with the network."""
        self.experiment().model()

    def simulate(self, duration: float) -> None:
        """Goes on for ``duration`` ms; the first time it makes the machine code."""
        steps = round(duration / self.dt)
        if steps < 1:
            return
        if self._session is None:
            self._plan, self._session = open_session(self.model(), threads=self.threads)
        self._runs.append(self._session.advance(steps))
        self.step += steps

    def now(self, population: str, variable: str) -> Numbers | None:
        """The values of a variable after the last step; None before the first."""
        if self._session is None or not self.step:
            return None
        return self._session.values(_kind(population), variable)

    def rows(self, population: str, variable: str, first: int) -> Numbers:
        """Recorded values from a step on, shape ``(steps, cells)``."""
        size = len(self.populations[population].ranks)
        if self._plan is None:
            return np.empty((0, size))
        wanted = {f"{population}[{index}]/{variable}" for index in range(size)}
        columns = [n for n, name in enumerate(self._plan.quantities()) if name in wanted]
        rows = [run.rows[:, 1:][:, columns] for run in self._runs]
        return np.concatenate(rows or [np.empty((0, size))])[first:]

    def spikes(self, population: str, first: int) -> tuple[Places, Places]:
        """Steps and cells of the spikes from a step on."""
        if self._session is None or not self._runs:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        events = np.concatenate([run.events for run in self._runs])
        cell = np.full(len(self._session.program.events) + 1, -1)
        for number, (owner, index) in enumerate(self._session.program.events):
            if owner == population:
                cell[number] = int(index)
        index = cell[events["recorder"]]
        steps = np.round(events["time"] * MS / self.dt).astype(np.int64) - 1
        mine = (index >= 0) & (steps >= first)
        return steps[mine], index[mine]


def _plain(values: Numbers) -> Any:
    """One number where all cells have the same, else a list."""
    return values[0].item() if len(values) and (values == values[0]).all() else values.tolist()


def _kind(population: str) -> str:
    return f"{population}_cell"


NETWORK = Network()
"""That of the script; ANNarchy's functions have no argument for it."""
