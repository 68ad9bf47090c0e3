"""Izhikevich's pulse-coupled network (2003, IEEE Trans. Neural Networks 14:1569) against his program."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
import pytest
import yaml

from tvbo_lite import SimulationExperiment
from tvbo_lite.lems.rows import Rows, parts_of
from tvbo_lite.resources import folder

FOLDER = folder("reference_examples") / "izhikevich_network"
FILES = {"matlab": "experiment.yaml", "euler": "euler.yaml"}
METHODS = sorted(FILES)
STEP = 1e-3  # s
PREDICTABLE = 250  # ms: some cells are chaotic, rounding grows tenfold from one spike to the next


# ---- the program of the paper, written out --------------------------------------------------------------


def moved(v, u, a, b, current, method):
    """One step of 1 ms, as the paper's program does it, or by Euler's method."""
    if method == "euler":
        return v + (0.04 * v**2 + 5 * v + 140 - u + current), u + a * (b * v - u)
    v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
    v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
    return v, u + a * (b * v - u)


def paper(cells, weights, inputs, method):
    """Spikes (step, index) of the program: in step t it finds those of the update in step t - 1.

    ``cells``: a, b, c, d; ``weights[i, j]`` is from j to i; ``inputs``: shape (steps, cells).
    """
    a, b, c, d = cells
    v = np.full(len(a), -65.0)
    u = b * v
    firings = []
    for t, current in enumerate(inputs):
        fired = np.flatnonzero(v >= 30)
        firings += [(t, index) for index in fired.tolist()]
        v[fired] = c[fired]
        u[fired] += d[fired]
        v, u = moved(v, u, a, b, current + weights[:, fired].sum(axis=1), method)
    return firings + [(len(inputs), index) for index in np.flatnonzero(v >= 30).tolist()]


def kinds(re, ri):
    """a, b, c, d of excitatory cells, then of inhibitory ones, from their random numbers."""
    one, other = np.ones_like(re), np.ones_like(ri)
    return (
        np.concatenate([0.02 * one, 0.02 + 0.08 * ri]),
        np.concatenate([0.2 * one, 0.25 - 0.05 * ri]),
        np.concatenate([-65 + 15 * re**2, -65 * other]),
        np.concatenate([8 - 6 * re**2, 2 * other]),
    )


# ---- ours -------------------------------------------------------------------------------------------------


@cache
def document(method) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / FILES[method]).read_text(encoding="utf-8"))
    return found


def changed(method, ne, ni, duration, record=("spikes",)) -> dict[str, Any]:
    """The example's document with other sizes and another duration; free to be changed further."""
    data = copy.deepcopy(document(method))
    data["network"]["dynamics"] = {
        name: copy.deepcopy(item) for name, item in data["network"]["dynamics"].items()
    }
    for name, size in (("E", ne), ("I", ni)):
        data["network"]["populations"][name] |= {"size": size, "record": list(record)}
    data["integration"]["duration"] = duration
    return data


def quiet(method, re, ri, drive, weights, duration) -> SimulationExperiment:
    """The network without noise: a constant current in its place, random numbers and weights as given."""
    data = changed(method, len(re), len(ri), duration, ("v", "spikes"))
    network = data["network"]
    for name, values in (("excitatory", re), ("inhibitory", ri)):
        item = copy.deepcopy(network["dynamics"][name])
        item["parameters"] |= {"r": {"value": values.tolist(), "heterogeneous": True}, "thalamus": drive}
        item["derived_variables"]["I"] = {"equation": "thalamus + pulses"}
        del item["state_variables"]["xi"]
        network["dynamics"][name] = item
    sizes = {"E": (0, len(re)), "I": (len(re), len(ri))}
    for name, item in network["projections"].items():
        (i, m), (j, n) = sizes[name[1]], sizes[name[0]]
        del item["rule"]
        item["connections"] = [
            [pre, post, float(weights[i + post, j + pre]), "1 ms"] for pre in range(n) for post in range(m)
        ]
    return SimulationExperiment.from_data(data)


def firings(result, offset) -> list[tuple[int, int]]:
    """Spikes (step, index) of both populations, those of I after those of E, in the order of the steps."""
    found = []
    for name, first in (("E", 0), ("I", offset)):
        times, ids = result.recording.events[name]
        found += [(round(t / STEP), int(k) + first) for t, k in zip(times, ids, strict=True)]
    return sorted(found)


def given(ne, ni):
    """Random numbers of the cells, and weights whose sums are exact in any order: multiples of 1/1024."""
    rng = np.random.default_rng(5)
    excitatory = rng.integers(0, 6 * 1024, (ne + ni, ne))
    inhibitory = rng.integers(-12 * 1024, 0, (ne + ni, ni))
    return rng.random(ne), rng.random(ni), np.hstack([excitatory, inhibitory]) / 1024


def weights_of(experiment, sizes):
    """The matrix of weights that an experiment draws, from column to row."""
    model = experiment.model()
    network = next(item for item in model.components if item.tag == "network")
    first = {"E": 0, "I": sizes[0]}
    matrix = np.zeros((sum(sizes), sum(sizes)))
    for item in network.children:
        for part in parts_of(item.children):
            if isinstance(part, Rows) and "preCellId" in part.columns:
                pre, post = part.columns["preCellId"].values, part.columns["postCellId"].values
                matrix[post + first[item.id[1]], pre + first[item.id[0]]] += part.columns["weight"].values
    return matrix


def drawn(experiment, population):
    """The random numbers of the cells of a population."""
    network = next(item for item in experiment.model().components if item.tag == "network")
    cells = next(item for item in network.children if item.id == population).children
    return np.array([float(cell.attributes["r"]) for cell in cells])


# ---- the same spikes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_single_cell_fires_when_the_program_says(method):
    """Cells of both kinds, alone, driven by a constant current: every spike in its step."""
    re, ri = np.array([0.1, 0.9]), np.array([0.3])
    theirs = paper(kinds(re, ri), np.zeros((3, 3)), np.full((PREDICTABLE, 3), 8.0), method)
    ours = firings(quiet(method, re, ri, 8.0, np.zeros((3, 3)), PREDICTABLE).run(), 2)
    assert len(theirs) > 20
    assert ours == theirs


@pytest.mark.parametrize("method", METHODS)
def test_a_network_fires_as_the_program_says(method):
    """20 cells without noise, each connected to all and itself: spike for spike."""
    re, ri, weights = given(16, 4)
    theirs = paper(kinds(re, ri), weights, np.full((PREDICTABLE, 20), 6.0), method)
    ours = firings(quiet(method, re, ri, 6.0, weights, PREDICTABLE).run(), 16)
    assert len(theirs) > 80
    assert len({t for t, _ in theirs}) > 20  # not in one rhythm
    assert ours == theirs


@pytest.mark.parametrize("method", METHODS)
def test_a_network_agrees_with_jlems(method):
    """Without noise: all membrane potentials to the last float32, and all spikes."""
    re, ri, weights = given(8, 2)
    experiment = quiet(method, re, ri, 5.0, weights, 200)
    ours, theirs = experiment.run(), experiment.run("neuroml")
    assert np.array_equal(ours.data.values.astype("f4"), theirs.data.values.astype("f4"))
    assert firings(ours, 8) == firings(theirs, 8) != []


@pytest.mark.parametrize("method", METHODS)
def test_noise_and_weights_are_those_of_the_program(method):
    """A network of the example with its rules and its noise; the program is given what ours has drawn."""
    experiment = SimulationExperiment.from_data(changed(method, 80, 20, 150, ("xi", "spikes")))
    result = experiment.run()
    strength = np.repeat([5.0, 2.0], [80, 20])
    inputs = strength * result.data.values[1:]  # the numbers of a step stand in its row
    weights = weights_of(experiment, (80, 20))
    assert np.count_nonzero(weights) == 100 * 100
    theirs = paper(kinds(drawn(experiment, "E"), drawn(experiment, "I")), weights, inputs, method)
    assert len(theirs) > 50
    assert firings(result, 80) == theirs


def test_the_noise_is_normal_and_fresh():
    """Mean, deviation, correlation from step to step and among cells within 5 standard errors."""
    data = changed("euler", 80, 20, 500, ("xi",))
    values = SimulationExperiment.from_data(data).run().data.values[1:]
    error = 5 / np.sqrt(values.size)
    assert abs(values.mean()) < error
    assert abs(values.std() - 1) < error
    assert abs((values[1:] * values[:-1]).mean()) < error
    assert abs((values[:, 1:] * values[:, :-1]).mean()) < error
    assert len(np.unique(values)) == values.size


def test_the_same_seed_gives_the_same_spikes():
    """And another seed of the noise others."""
    data = changed("matlab", 80, 20, 100)
    first, again = (firings(SimulationExperiment.from_data(data).run(), 80) for _ in range(2))
    for item in data["network"]["dynamics"].values():
        item["state_variables"]["xi"]["noise"]["seed"] = 9
    other = firings(SimulationExperiment.from_data(data).run(), 80)
    assert first == again != other
