"""Izhikevich's network with sparse random connections for Brian 2, C++ standalone, on one core.

``python brian2_izhikevich.py CELLS SYNAPSES``, with SYNAPSES for each cell on average; 1 s in steps of 1 ms.
"""

import json
import sys
from pathlib import Path

import brian2 as b

STEP = """
I = thalamus*randn() + pulses
pulses = 0
v += 0.5*(0.04*v**2 + 5*v + 140 - u + I)
v += 0.5*(0.04*v**2 + 5*v + 140 - u + I)
u += a*(b*v - u)
"""


def main(count, synapses):
    """Seconds of the loop alone by Brian's own clock, the number of spikes."""
    b.set_device("cpp_standalone", directory="standalone")
    b.defaultclock.dt = 1 * b.ms
    names = "v : 1\nu : 1\npulses : 1\nI : 1\na : 1\nb : 1\nc : 1\nd : 1\nthalamus : 1"
    cells = b.NeuronGroup(count, names, threshold="v >= 30", reset="v = c; u += d")
    ne = 4 * count // 5
    excitatory, inhibitory = cells[:ne], cells[ne:]
    excitatory.d = "rand()"  # the cell's random number, until the last line has made use of it
    excitatory.c, excitatory.d = "-65 + 15*d**2", "8 - 6*d**2"
    excitatory.a, excitatory.b, excitatory.thalamus = 0.02, 0.2, 5
    inhibitory.d = "rand()"
    inhibitory.a, inhibitory.b = "0.02 + 0.08*d", "0.25 - 0.05*d"
    inhibitory.c, inhibitory.d, inhibitory.thalamus = -65, 2, 2
    cells.v = -65
    cells.u = "b*v"
    cells.run_regularly(STEP, dt=1 * b.ms, when="groups")
    scale = 1000 / synapses
    objects = [cells, b.SpikeMonitor(cells)]
    for source, low, high in ((excitatory, 0, 0.5), (inhibitory, -1, 0)):
        made = b.Synapses(source, cells, "w : 1", on_pre="pulses += w")
        made.connect(p=synapses / count)
        made.w = f"{scale}*({low} + {high - low}*rand())"
        objects.append(made)
    network = b.Network(objects)
    network.run(1 * b.second)
    seconds = float(Path("standalone", "results", "last_run_info.txt").read_text().split()[0])
    print(json.dumps({"seconds": seconds, "spikes": int(objects[1].num_spikes)}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
