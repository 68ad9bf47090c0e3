"""Izhikevich's network as the page on ANNarchy has it: 1 s, all v and spikes kept.

``python annarchy_izhikevich.py [SEED ...]``: with seeds one network after the other, compiled once, with other
cells and weights for each seed. Unlike on that page cells are connected to themselves, as in the paper.
"""

import json
import sys
from time import perf_counter

import ANNarchy as ann  # noqa: N813  as its own manual does
import numpy as np

NE, NI = 800, 200


class Izhikevich:
    """The compiled network, its parts and its monitor."""

    def __init__(self, seed):
        self.net = ann.Network(dt=1.0, seed=seed)
        self.net.config(num_threads=1)
        self.cells = self.net.create(geometry=NE + NI, neuron=ann.Izhikevich)
        self.excitatory, self.inhibitory = self.cells[:NE], self.cells[NE:]
        self.projections = [
            (self.net.connect(self.excitatory, self.cells, target="exc"), 0.5),
            (self.net.connect(self.inhibitory, self.cells, target="inh"), 1.0),
        ]
        self.choose(seed)
        for projection, largest in self.projections:
            projection.all_to_all(weights=ann.Uniform(0.0, largest), allow_self_connections=True)
        self.monitor = self.net.monitor(self.cells, ["spike", "v"])
        self.net.compile(silent=True)

    def choose(self, seed):
        """The cells' parameters and start values."""
        rng = np.random.default_rng(seed)
        re, ri = rng.random(NE), rng.random(NI)
        self.excitatory.noise, self.inhibitory.noise = 5.0, 2.0
        self.excitatory.a, self.inhibitory.a = 0.02, 0.02 + 0.08 * ri
        self.excitatory.b, self.inhibitory.b = 0.2, 0.25 - 0.05 * ri
        self.excitatory.c, self.inhibitory.c = -65.0 + 15.0 * re**2, -65.0
        self.excitatory.d, self.inhibitory.d = 8.0 - 6.0 * re**2, 2.0
        self.cells.v = -65.0
        self.cells.u = self.cells.v * self.cells.b

    def again(self, seed):
        """Another network in the place of this one; its noise goes on from where it was."""
        self.net.reset(populations=True)
        self.choose(seed)
        rng = np.random.default_rng(seed)
        for projection, largest in self.projections:
            sizes = [len(dendrite) for dendrite in projection.w]
            projection.w = [(largest * rng.random(size)).tolist() for size in sizes]

    def run(self):
        """Seconds of the run alone, and its spikes: steps and cells."""
        begin = perf_counter()
        self.net.simulate(1000.0)
        seconds = perf_counter() - begin
        spikes, v = self.monitor.get("spike"), self.monitor.get("v")
        assert v.shape == (1000, NE + NI)
        first = self.net.current_step - 1000
        times = [[int(t) - first for t in spikes[cell]] for cell in range(NE + NI)]
        return {
            "seconds": seconds,
            "steps": [t for one in times for t in one],
            "cells": [k for k, one in enumerate(times) for _ in one],
        }


def networks(seeds):
    """The runs of a network for each seed."""
    made = Izhikevich(seeds[0])
    yield made.run()
    for seed in seeds[1:]:
        made.again(seed)
        yield made.run()


if __name__ == "__main__":
    seeds = list(map(int, sys.argv[1:]))
    if seeds:
        print(json.dumps(list(networks(seeds))))
    else:
        done = Izhikevich(1).run()
        print(json.dumps({"seconds": done["seconds"], "spikes": len(done["steps"])}))
