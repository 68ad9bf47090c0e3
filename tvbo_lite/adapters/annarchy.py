"""The names that ANNarchy's scripts for spiking networks use; they run on the built-in engine.

A script runs with its import line changed to ``from tvbo_lite.adapters.annarchy import *``. Neurons are
given by equations, integrated by Euler's method; spikes act through pulses: ``g_<target>`` is the sum of the
weights of the spikes that arrived in this step, or, where the neuron has an equation for it, is raised by it.

As in ANNarchy: a step works on the spikes of the step before; times are in ms; recorded rows are those at the
end of each step, and the step of a spike counts from 0. Unlike in ANNarchy: the same `setup` seed (42 if none
is given) gives the same numbers in each run; nothing is printed; values cannot be set once a simulation runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.adapters._annarchy_models import Izhikevich, Neuron
from tvbo_lite.adapters._annarchy_network import NETWORK, Links
from tvbo_lite.adapters._annarchy_random import Normal, Random, Uniform
from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]
    Spikes = Mapping[int, Sequence[int]]

__all__ = [
    "Izhikevich",
    "Monitor",
    "Neuron",
    "Normal",
    "Population",
    "PopulationView",
    "Projection",
    "Uniform",
    "clear",
    "compile",
    "dt",
    "get_current_step",
    "get_time",
    "histogram",
    "np",
    "raster_plot",
    "setup",
    "simulate",
]

NEAR = 1e-9  # of a bin: how far times may be off by rounding


class _Cells:
    """Some cells of a population, whose values are read and set by their names."""

    population: Population
    ranks: Places

    def __len__(self) -> int:
        return len(self.ranks)

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self.ranks)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "population" not in vars(self):
            raise AttributeError(name)
        return self.population.read(name, self.ranks)

    def __setattr__(self, name: str, value: Any) -> None:
        if "ready" in vars(self):
            self.population.write(name, self.ranks, value)
        else:
            super().__setattr__(name, value)

    def __getitem__(self, key: int | slice | Sequence[int] | Places) -> PopulationView:
        ranks = self.ranks[[key]] if isinstance(key, int) else self.ranks[key]
        return PopulationView(self.population, np.asarray(ranks))


class PopulationView(_Cells):
    """Some cells of a population: ``pop[:800]``."""

    def __init__(self, population: Population, ranks: Places) -> None:
        self.population, self.ranks = population, ranks
        self.name = population.name
        self.ready = True


class Population(_Cells):
    """``geometry`` (a number, or several to be multiplied) cells of one neuron."""

    def __init__(
        self, geometry: int | tuple[int, ...], neuron: Neuron | type[Neuron], name: str | None = None
    ) -> None:
        self.geometry = (geometry,) if isinstance(geometry, int) else tuple(geometry)
        self.neuron = neuron() if isinstance(neuron, type) else neuron
        self.equations = self.neuron.equations
        self.ranks = np.arange(math.prod(self.geometry))
        self.name = name or f"pop{len(NETWORK.populations)}"
        self.values = {key: np.full(len(self.ranks), x) for key, x in self.equations.parameters.items()}
        self.starts = {key: np.full(len(self.ranks), x) for key, x in self.equations.initial.items()}
        self.population = self
        NETWORK.add(self)
        self.ready = True

    def read(self, name: str, ranks: Places) -> Any:
        """The values of some cells at this moment; one number for what the population has in common."""
        if name in self.equations.shared:
            return float(self.values[name][0])
        if name in self.values:
            return self.values[name][ranks].copy()
        if name in self.starts or name in self.equations.values:
            found = NETWORK.now(self.name, name)
            if found is not None:
                return found[ranks]
            if name in self.starts:
                return self.starts[name][ranks].copy()
        raise AttributeError(f"'{self.name}' has no '{name}'{self._hint(name)}")

    def write(self, name: str, ranks: Places, value: Any) -> None:
        """Sets a parameter or an initial value of some cells: a number, an array or a distribution.

        Raises `ModelError` for an unknown name, for an array of another length, and for a part of a
        population where all cells have the value in common; `UnsupportedError` once a simulation runs.
        """
        known = self.values if name in self.values else self.starts if name in self.starts else None
        if known is None:
            raise ModelError(Problem(f"'{self.name}' has no '{name}'{self._hint(name)}"))
        if name in self.equations.shared and len(ranks) != len(self.ranks):
            what = f"'{name}' is the same for all cells of '{self.name}', and only some are given it"
            raise ModelError(Problem(what, hint="leave out ': population' in the neuron's parameters"))
        NETWORK.require_not_running(f"'{name}' of '{self.name}'")
        found = value.draw(NETWORK.rng, len(ranks)) if isinstance(value, Random) else np.asarray(value, float)
        if found.ndim and found.shape != (len(ranks),) and found.size != len(ranks):
            what = f"{found.size} values of '{name}' for {len(ranks)} cells of '{self.name}'"
            raise ModelError(Problem(what))
        known[name][ranks] = found.ravel() if found.ndim else found

    def _hint(self, name: str) -> str:
        guess = nearest(name, [*self.values, *self.starts])
        return f"; {guess}" if guess else ""


Weight = float | Random


class Projection:
    """Connections from the cells ``pre`` to the cells ``post``, which raise ``g_<target>`` there."""

    def __init__(self, pre: _Cells, post: _Cells, target: str, synapse: Any = None) -> None:
        if synapse is not None:
            what = "synapses with equations are not supported"
            raise UnsupportedError(Problem(what, hint="leave 'synapse' out: each spike adds its weight"))
        known = post.population.equations.targets
        if target not in known:
            what = f"a cell of '{post.population.name}' has no g_{target}"
            expected = ", ".join(known) or "no target"
            raise ModelError(Problem(what, expected=expected, hint=nearest(target, known)))
        self.pre, self.post, self.target = pre, post, target

    def connect_all_to_all(
        self, weights: Weight, delays: Weight = 0.0, allow_self_connections: bool = False
    ) -> Projection:
        """Each with each; a cell with itself where asked, or where ``pre`` and ``post`` are not the same."""
        return self._connect(
            np.ones((self.post.size, self.pre.size), bool), weights, delays, allow_self_connections
        )

    def connect_one_to_one(self, weights: Weight = 1.0, delays: Weight = 0.0) -> Projection:
        """Each with the one at the same place. Raises `ModelError` for different numbers of cells."""
        if self.pre.size != self.post.size:
            what = f"{self.pre.size} and {self.post.size} cells cannot be connected one to one"
            raise ModelError(Problem(what))
        return self._connect(np.eye(self.pre.size, dtype=bool), weights, delays, allow_self=True)

    def connect_fixed_probability(
        self,
        probability: float,
        weights: Weight,
        delays: Weight = 0.0,
        allow_self_connections: bool = False,
    ) -> Projection:
        """Each pair with that probability."""
        chosen = NETWORK.rng.random((self.post.size, self.pre.size)) < probability
        return self._connect(chosen, weights, delays, allow_self_connections)

    def connect_fixed_number_pre(
        self, number: int, weights: Weight, delays: Weight = 0.0, allow_self_connections: bool = False
    ) -> Projection:
        """Each ``post`` cell with ``number`` different ``pre`` cells."""
        return self._connect_number(number, 1, weights, delays, allow_self_connections)

    def connect_fixed_number_post(
        self, number: int, weights: Weight, delays: Weight = 0.0, allow_self_connections: bool = False
    ) -> Projection:
        """Each ``pre`` cell with ``number`` different ``post`` cells."""
        return self._connect_number(number, 0, weights, delays, allow_self_connections)

    def _connect_number(
        self, number: int, axis: int, weights: Weight, delays: Weight, allow_self: bool
    ) -> Projection:
        """The ``number`` lowest of random numbers along an axis; cells themselves come last."""
        keys = NETWORK.rng.random((self.post.size, self.pre.size))
        own = self._own(allow_self)
        keys[own] = 2.0
        least = keys.shape[axis] - int(own.any())
        if number > least:
            raise ModelError(Problem(f"{number} of {least} cells cannot be chosen", expected="not more"))
        order = np.argsort(keys, axis=axis)
        chosen = np.zeros(keys.shape, bool)
        np.put_along_axis(chosen, order[:, :number] if axis else order[:number], values=True, axis=axis)
        return self._connect(chosen, weights, delays, allow_self)

    def _own(self, allow_self: bool) -> NDArray[np.bool_]:
        """The pairs of a cell with itself that are not wanted."""
        none = np.zeros((self.post.size, self.pre.size), bool)
        if allow_self or self.pre is not self.post:
            return none
        return np.equal(self.post.ranks[:, None], self.pre.ranks[None, :])

    def _connect(
        self, chosen: NDArray[np.bool_], weights: Weight, delays: Weight, allow_self: bool
    ) -> Projection:
        """Pairs of cells with their weights and delays (ms); a delay is one step at least."""
        NETWORK.require_not_running("the connections")
        pre, post = np.nonzero((chosen & ~self._own(allow_self)).T)
        count = len(pre)
        drawn = [
            value.draw(NETWORK.rng, count) if isinstance(value, Random) else np.full(count, float(value))
            for value in (weights, delays)
        ]
        late = np.maximum(np.round(drawn[1] / NETWORK.dt), 1) * NETWORK.dt
        ends = self.pre.population.name, self.post.population.name
        source, target = self.pre.ranks[pre], self.post.ranks[post]
        NETWORK.links.append(Links(*ends, self.target, source, target, drawn[0], late))
        return self


class Monitor:
    """Records variables of some cells in each step; ``"spike"`` are their spikes."""

    def __init__(self, obj: _Cells, variables: str | Sequence[str]) -> None:
        self.cells = obj
        self.variables = [variables] if isinstance(variables, str) else list(variables)
        NETWORK.require_not_running("a monitor")
        NETWORK.record(obj.population.name, self.variables)
        self._first = dict.fromkeys(self.variables, 0)

    def get(self, variables: str | None = None) -> Any:
        """What was recorded since the last time: an array of shape (steps, cells), or for ``"spike"`` the
        steps of the spikes by the rank of the cell; of all variables a dictionary.
        """
        if variables is None:
            return {name: self.get(name) for name in self.variables}
        if variables not in self.variables:
            hint = nearest(variables, self.variables)
            known = ", ".join(self.variables)
            raise ModelError(Problem(f"'{variables}' is not monitored", expected=known, hint=hint))
        first, self._first[variables] = self._first[variables], NETWORK.step
        name, ranks = self.cells.population.name, self.cells.ranks
        if variables != "spike":
            return NETWORK.rows(name, variables, first)[:, ranks]
        steps, index = NETWORK.spikes(name, first)
        order = np.argsort(index, kind="stable")
        found = np.split(
            steps[order], np.searchsorted(index[order], np.arange(1, self.cells.population.size))
        )
        return {rank: found[rank].tolist() for rank in ranks.tolist()}

    def raster_plot(self, spikes: Spikes | None = None) -> tuple[Numbers, Places]:
        """The times (ms) of all spikes and the ranks of their cells."""
        return raster_plot(self.get("spike") if spikes is None else spikes)

    def histogram(self, spikes: Spikes | None = None, bins: float | None = None) -> Places:
        """The number of spikes of all cells in bins of ``bins`` ms; by default in each step."""
        return histogram(self.get("spike") if spikes is None else spikes, bins)

    def mean_fr(self, spikes: Spikes | None = None) -> float:
        """The mean rate (Hz) of the cells over the whole simulation."""
        times, _ = self.raster_plot(spikes)
        return len(times) / (len(self.cells) * NETWORK.step * NETWORK.dt * 1e-3)

    def population_rate(self, spikes: Spikes | None = None) -> Numbers:
        """The rate (Hz) of a cell in each step, the mean over all cells."""
        return self.histogram(spikes) / (len(self.cells) * NETWORK.dt * 1e-3)


def raster_plot(spikes: Spikes) -> tuple[Numbers, Places]:
    """The times (ms) of all spikes that a monitor gave, and the ranks of their cells."""
    pairs = [(step, rank) for rank, steps in spikes.items() for step in steps]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    times: Numbers = np.multiply(table[:, 0], NETWORK.dt, dtype=np.float64)
    return times, table[:, 1]


def histogram(spikes: Spikes, bins: float | None = None) -> Places:
    """The number of all spikes in bins of ``bins`` ms, from time 0 to now; by default in each step."""
    times, _ = raster_plot(spikes)
    width = bins or NETWORK.dt
    count = math.ceil(NETWORK.step * NETWORK.dt / width - NEAR)
    return np.bincount((times / width + NEAR).astype(np.int64), minlength=count)


def setup(dt: float | None = None, seed: int | None = None, num_threads: int | None = None) -> None:
    """The length of a step (ms; 1 if it is not set), and the seed of all random numbers.

    ``num_threads`` share the work of large networks; 1 if it is not set. They change no result.
    """
    NETWORK.setup(dt, seed, num_threads)


def clear() -> None:
    """Forgets all populations, projections and monitors; step and seed stay as they were set."""
    NETWORK.clear()


def compile(**_: Any) -> None:  # noqa: A001  ANNarchy's name
    """Checks the network; machine code is made by the first `simulate`, as monitors may still follow.

    Options are ignored. Raises `InputError` with all that is wrong.
    """
    NETWORK.check()


def simulate(duration: float, measure_time: bool = False) -> None:
    """Goes on for ``duration`` ms. ``measure_time`` is accepted; the library prints nothing."""
    NETWORK.simulate(duration)


def dt() -> float:
    """The length of a step, in ms."""
    return NETWORK.dt


def get_time() -> float:
    """The time simulated so far, in ms."""
    return NETWORK.step * NETWORK.dt


def get_current_step() -> int:
    """The number of steps done."""
    return NETWORK.step
