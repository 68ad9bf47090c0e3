"""Izhikevich's network for NEST: the document's (1000 cells, all to all, v kept), or a larger, sparse one.

``python nest_izhikevich.py [CELLS SYNAPSES]``, with SYNAPSES for each cell; 1 s in steps of 1 ms.
"""

import json
import sys
from time import perf_counter

import nest
import numpy as np

SYNAPSES_OF_PAPER = 1000


def cells(count, synapses):
    """The two populations, with the noise on them."""
    rng = np.random.default_rng(1)
    ne, ni = 4 * count // 5, count // 5
    re, ri = rng.random(ne), rng.random(ni)
    start = {"V_m": -65.0, "consistent_integration": False}
    excitatory, inhibitory = nest.Create("izhikevich", ne, start), nest.Create("izhikevich", ni, start)
    excitatory.set({"a": 0.02, "b": 0.2, "c": -65 + 15 * re**2, "d": 8 - 6 * re**2, "U_m": -13.0})
    b = 0.25 - 0.05 * ri
    inhibitory.set({"a": 0.02 + 0.08 * ri, "b": b, "c": -65.0, "d": 2.0, "U_m": -65.0 * b})
    for some, strength in ((excitatory, 5.0), (inhibitory, 2.0)):
        noise = nest.Create("noise_generator", 1, {"std": strength, "dt": 1.0})
        nest.Connect(noise, some)
    return excitatory, inhibitory


def main(count, synapses, dense):
    """Seconds of the run alone, the number of spikes."""
    nest.ResetKernel()
    nest.set(resolution=1.0, local_num_threads=1, print_time=False)
    excitatory, inhibitory = cells(count, synapses)
    everyone = excitatory + inhibitory
    scale = SYNAPSES_OF_PAPER / synapses
    for source, share, low, high in ((excitatory, 4, 0.0, 0.5), (inhibitory, 1, -1.0, 0.0)):
        rule = {"rule": "fixed_indegree", "indegree": share * synapses // 5}
        weight = nest.random.uniform(scale * low, scale * high)
        nest.Connect(source, everyone, "all_to_all" if dense else rule, {"weight": weight, "delay": 1.0})
    recorder = nest.Create("spike_recorder")
    nest.Connect(everyone, recorder)
    if dense:
        meter = nest.Create("multimeter", 1, {"record_from": ["V_m"], "interval": 1.0})
        nest.Connect(meter, everyone)
    nest.Prepare()
    begin = perf_counter()
    nest.Run(1000.0)
    seconds = perf_counter() - begin
    nest.Cleanup()
    print(json.dumps({"seconds": seconds, "spikes": int(recorder.n_events)}))


if __name__ == "__main__":
    count, synapses = map(int, sys.argv[1:] or (1000, SYNAPSES_OF_PAPER))
    main(count, synapses, dense=len(sys.argv) == 1)
