"""Izhikevich's network as the page on ANNarchy has it: 1 s, all v and spikes kept.

``python annarchy_izhikevich.py [SEED ...]``: a network for each seed; the C++ code is compiled for the first.
"""

import json
import sys
from time import perf_counter

import ANNarchy as ann  # noqa: N813  as its own manual does
import numpy as np

NE, NI = 800, 200


def network(seed):
    """The compiled network and its monitor."""
    rng = np.random.default_rng(seed)
    net = ann.Network(dt=1.0, seed=seed)
    net.config(num_threads=1)
    cells = net.create(geometry=NE + NI, neuron=ann.Izhikevich)
    excitatory, inhibitory = cells[:NE], cells[NE:]
    re, ri = rng.random(NE), rng.random(NI)
    excitatory.noise, inhibitory.noise = 5.0, 2.0
    excitatory.a, inhibitory.a = 0.02, 0.02 + 0.08 * ri
    excitatory.b, inhibitory.b = 0.2, 0.25 - 0.05 * ri
    excitatory.c, inhibitory.c = -65.0 + 15.0 * re**2, -65.0
    excitatory.d, inhibitory.d = 8.0 - 6.0 * re**2, 2.0
    cells.v = -65.0
    cells.u = cells.v * cells.b
    net.connect(excitatory, cells, target="exc").all_to_all(weights=ann.Uniform(0.0, 0.5))
    net.connect(inhibitory, cells, target="inh").all_to_all(weights=ann.Uniform(0.0, 1.0))
    monitor = net.monitor(cells, ["spike", "v"])
    net.compile(silent=True)
    return net, monitor


def run(seed):
    """Seconds of the run alone, and its spikes: steps and cells."""
    net, monitor = network(seed)
    begin = perf_counter()
    net.simulate(1000.0)
    seconds = perf_counter() - begin
    spikes, v = monitor.get("spike"), monitor.get("v")
    assert v.shape == (1000, NE + NI)
    times = [list(map(int, spikes[cell])) for cell in range(NE + NI)]
    return seconds, [t for one in times for t in one], [k for k, one in enumerate(times) for _ in one]


if __name__ == "__main__":
    seeds = list(map(int, sys.argv[1:]))
    if seeds:
        print(
            json.dumps([dict(zip(("seconds", "steps", "cells"), run(seed), strict=True)) for seed in seeds])
        )
    else:
        seconds, steps, _ = run(1)
        print(json.dumps({"seconds": seconds, "spikes": len(steps)}))
