"""Izhikevich's network as tvbo_lite runs it: the example (1000 cells, all to all, v kept), or a sparse one.

``python ours_izhikevich.py FILE``, of the example's folder, or ``python ours_izhikevich.py CELLS SYNAPSES``,
with SYNAPSES for each cell, recording spikes only; 1 s in steps of 1 ms.
"""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter

import yaml

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.formats.lems import reader
from tvbo_lite.resources import folder

EXAMPLE = folder("reference_examples") / "izhikevich_network"
SYNAPSES_OF_PAPER = 1000
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; what ru_maxrss counts
EXCITATORY_SHARE, SHARES = 4, 5


def example(name):
    """A run as anybody makes it: seconds of the loop alone, the number of spikes."""
    result = SimulationExperiment.from_file(EXAMPLE / name).run()
    assert result.data.shape == (1001, 1000)
    return {"seconds": result.timings["simulate"], "spikes": sum(map(len, result.events.values()))}


def sparse(cells, synapses):
    """The example with other sizes, random connections, and weights of the same sum for each cell."""
    data = yaml.safe_load((EXAMPLE / "experiment.yaml").read_text(encoding="utf-8"))
    network = data["network"]
    shares = {"E": EXCITATORY_SHARE, "I": SHARES - EXCITATORY_SHARE}
    for name, share in shares.items():
        network["populations"][name] |= {"size": share * cells // SHARES, "record": ["spikes"]}
    scale = SYNAPSES_OF_PAPER / synapses
    for number, item in enumerate(network["projections"].values()):
        domain = item["rule"]["weight"]["distribution"]["domain"]
        item["rule"] = {
            "type": "fixed_in_degree",
            "degree": shares[item["source"]] * synapses // SHARES,
            "self_connections": True,
            "delay": "1 ms",
            "seed": number,
            "weight": {
                "distribution": {
                    "name": "Uniform",
                    "domain": {end: scale * value for end, value in domain.items()},
                }
            },
        }
    return SimulationExperiment.from_data(data)


def main(cells, synapses):
    """Seconds of building, compiling and running; bytes at most and while it runs; the number of spikes."""
    before = resident()
    begin = perf_counter()
    plan, program = native.prepare(reader.link(sparse(cells, synapses).model()))
    built = perf_counter()
    kernel = native.compile_program(program)
    compiled = perf_counter()
    done = native.simulate(program, kernel, plan.n_steps)
    ended = perf_counter()
    return {
        "build": built - begin,
        "compile": compiled - built,
        "seconds": ended - compiled,
        "spikes": len(done.events),
        "before": before,
        "steady": resident(),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT,
    }


def resident():
    """Bytes of this process in memory at this moment, where the system tells them; else 0."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(example(*given) if len(given) == 1 else main(*map(int, given))))
