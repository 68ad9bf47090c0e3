"""COBAHH (Brette and others 2007, J Comput Neurosci 23:349) for Brian 2, C++ standalone, on one core.

The same equations, numbers and initial values as in ``reference_examples/cobahh``; 1 s in steps of 0.1 ms.
"""

import json
import sys
from pathlib import Path

import brian2 as b

CONSTANTS = {
    "C": 0.2 * b.nF, "g_leak": 10 * b.nS, "g_Na": 20 * b.uS, "g_K": 6 * b.uS, "E_leak": -60 * b.mV,
    "E_Na": 50 * b.mV, "E_K": -90 * b.mV, "V_T": -63 * b.mV, "E_e": 0 * b.mV, "E_i": -80 * b.mV,
    "tau_e": 5 * b.ms, "tau_i": 10 * b.ms, "w_e": 6 * b.nS, "w_i": 67 * b.nS,
}  # fmt: skip
EQUATIONS = """
dv/dt = (g_leak*(E_leak - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + I_syn)/C : volt
I_syn = g_e*(E_e - v) + g_i*(E_i - v) : amp
u = (v - V_T)/mV : 1
dm/dt = 1.28/exprel((13 - u)/4)/ms*(1 - m) - 1.4/exprel((u - 40)/5)/ms*m : 1
dh/dt = 0.128*exp((17 - u)/18)/ms*(1 - h) - 4/(1 + exp((40 - u)/5))/ms*h : 1
dn/dt = 0.16/exprel((15 - u)/5)/ms*(1 - n) - 0.5*exp((10 - u)/40)/ms*n : 1
dg_e/dt = -g_e/tau_e : siemens
dg_i/dt = -g_i/tau_i : siemens
"""
EXCITATORY, CELLS, PROBABILITY = 3200, 4000, 0.02


def main(seconds):
    """Seconds of the loop alone by Brian's own clock, the number of spikes."""
    b.set_device("cpp_standalone", directory="standalone")
    b.defaultclock.dt = 0.1 * b.ms
    cells = b.NeuronGroup(
        CELLS, EQUATIONS, threshold="v > -20*mV", refractory=3 * b.ms, method="exponential_euler",
        namespace=CONSTANTS,
    )  # fmt: skip
    cells.v = "(-65 + 5*randn())*mV"
    cells.g_e = "(40 + 15*randn())*nS"
    cells.g_i = "(200 + 120*randn())*nS"
    objects = [cells, b.SpikeMonitor(cells)]
    for source, action in ((cells[:EXCITATORY], "g_e += w_e"), (cells[EXCITATORY:], "g_i += w_i")):
        made = b.Synapses(source, cells, on_pre=action, namespace=CONSTANTS)
        made.connect(p=PROBABILITY)
        objects.append(made)
    b.Network(objects).run(seconds * b.second)
    took = float(Path("standalone", "results", "last_run_info.txt").read_text().split()[0])
    print(json.dumps({"seconds": took, "spikes": int(objects[1].num_spikes)}))


if __name__ == "__main__":
    main(float((sys.argv[1:] or ["1"])[0]))
