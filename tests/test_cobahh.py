"""COBAHH, benchmark 3 of Brette and others (2007, J Comput Neurosci 23:349), and a small one by jLEMS."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
import pytest
import yaml
from java import has_java

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import SimulationError
from tvbo_lite.resources import folder

FILE = folder("reference_examples") / "cobahh" / "experiment.yaml"
SETTLED = 0.1  # s


def document() -> dict[str, Any]:
    data: dict[str, Any] = copy.deepcopy(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    return data


@cache
def whole():
    return SimulationExperiment.from_file(FILE).run(fast=True)


def small(duration, **integration):
    """20 excitatory and 5 inhibitory cells, more often joined and less inhibited, so that they interact."""
    data = document()
    start = data["network"]["dynamics"]["excitatory"]["state_variables"]["g_i"]["distribution"]
    start["parameters"] = {"mean": 20, "sd": 5}
    for name, size in (("E", 20), ("I", 5)):
        data["network"]["populations"][name] |= {"size": size, "record": ["v", "spikes"]}
    for item in data["network"]["projections"].values():
        item["rule"]["probability"] = 0.3
    data["integration"] |= {"duration": duration, **integration}
    return SimulationExperiment.from_data(data)


def test_the_network_is_that_of_the_paper():
    """3200 and 800 cells, about 80 synapses each: 2 % of all pairs."""
    network = document()["network"]
    assert [item["size"] for item in network["populations"].values()] == [3200, 800]
    assert {item["rule"]["probability"] for item in network["projections"].values()} == {0.02}


def test_the_activity_sustains_itself():
    """All of the second both kinds fire at tens of Hz (31 to 43 Hz over networks, here and with Brian 2)."""
    for spikes in whole().events.values():
        _, rate = spikes.rate(0.1)
        assert rate[1:].min() > 20
        assert rate[1:].max() < 60


def test_the_activity_is_irregular():
    """Intervals vary more than those of a Poisson process, cells differ, and there is no common rhythm."""
    spikes = whole().events["E"]
    late = [train[train > SETTLED] for train in spikes.trains]
    variation = [np.diff(one).std() / np.diff(one).mean() for one in late if len(one) >= 5]
    assert 1 < np.mean(variation) < 3
    assert spikes.rates.std() > 0.5 * spikes.rates.mean()
    time, rate = spikes.rate(2e-3)
    settled = rate[time > SETTLED]
    assert settled.std() < 0.3 * settled.mean()


@pytest.mark.skipif(not has_java(), reason="needs Java")
def test_a_small_network_is_that_of_jlems():
    """By Euler's method, which jLEMS has: every potential and spike, to the last float32."""
    experiment = small(12, method="euler", step_size=0.01)
    ours, theirs = experiment.run(), experiment.run("jlems")
    assert np.array_equal(ours.data.values.astype(np.float32), theirs.data.values.astype(np.float32))
    assert sum(map(len, ours.events.values())) > 15
    for name, spikes in ours.events.items():
        assert np.array_equal(spikes.times.astype(np.float32), theirs.events[name].times.astype(np.float32))
        assert np.array_equal(spikes.index, theirs.events[name].index)


def test_the_step_of_the_example_is_short_enough():
    """At 0.1 ms first spikes come within 0.6 ms of those at 0.01 ms."""
    runs = [small(10, step_size=step).run().events for step in (0.1, 0.01)]
    first = [
        np.array([train[0] if len(train) else np.nan for name in ("E", "I") for train in run[name].trains])
        for run in runs
    ]
    assert np.isfinite(first[0]).sum() >= 2
    np.testing.assert_allclose(first[0], first[1], atol=6e-4)


def test_eulers_method_needs_a_shorter_step():
    """Sodium activates faster than in 0.1 ms: Euler's method overflows in the first spike."""
    with pytest.raises(SimulationError, match="became"):
        small(10, method="euler").run()
