"""Networks: the pulse-coupled one against a loop written by hand in C, and how times grow with sizes."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import Median, Pair, child, in_turn

__all__ = ["measure"]

SOURCE = Path(__file__).with_name("izhikevich.c")
FLAGS = ("-O3", "-march=native")
HAND = 1.3  # how much longer than C's loop ours may take
GROWTH = 3.0  # of the time of a cell, from few to many
DRAW = 2.0  # of numpy's time to draw as many indices and weights

# The best of some runs in one process, as the C program does it.
LOOP = """
from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.formats.lems import reader
from tvbo_lite.resources import folder
exp = SimulationExperiment.from_file(folder("reference_examples") / "izhikevich_network" / "experiment.yaml")
plan, program = native.prepare(reader.link(exp.model()))
kernel = native.compile_program(program)
best = 1e9
for _ in range(9):
    begin = now()
    native.simulate(program, kernel, plan.n_steps)
    best = min(best, now() - begin)
print(json.dumps({"ours": best}))
"""

COMPILE = """
from tvbo_lite.backends import native
from tvbo_lite.formats.lems import reader
TEXT = '''<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/>
<Include file="Simulation.xml"/><iafCell id="c" leakReversal="-50mV" thresh="-55mV" reset="-70mV" C="0.2nF"
leakConductance="0.01uS"/><network id="net"><population id="p" component="c" size="%d"/></network>
<Simulation id="sim" length="1ms" step="0.01ms" target="net"><OutputFile id="o" fileName="o.dat">
<OutputColumn id="v" quantity="p[0]/v"/></OutputFile></Simulation></Lems>'''
native.run_linked(reader.link_string(TEXT % 1))
times = []
for size in (1, 10_000):
    model = reader.link_string(TEXT % size)
    begin = now()
    _, program = native.prepare(model)
    native.compile_program(program)
    times.append(now() - begin)
print(json.dumps({"peer": times[0], "ours": times[1]}))
"""

# Both sides find their libraries loaded, and memory that no one has touched.
BUILD = """
from tvbo_lite import SimulationExperiment
TEXT = '''
network:
  dynamics:
    cell:
      coupling_inputs: {I: {}}
      state_variables: {v: {equation: I - v, initial_value: 0}}
      events: {spike: {condition: v > 1, affect: v = 0}}
  populations: {P: {dynamics: cell, size: %d}}
  projections:
    PP:
      source: P
      target: P
      rule: {type: fixed_probability, probability: 0.1, self_connections: true, seed: 1, delay: 1 ms,
             weight: {distribution: {name: Uniform, domain: {lo: 0, hi: 1}}}}
integration: {step_size: 1, duration: 2, time_scale: ms}
'''
SimulationExperiment.from_string(TEXT % 100).model()
exp = SimulationExperiment.from_string(TEXT % 10_000)
begin = now()
model = exp.model()
print(json.dumps({"seconds": now() - begin}))
"""

DRAWS = """
import numpy as np
rng = np.random.default_rng(1)
begin = now()
rng.integers(0, 10_000, 10_000_000), rng.integers(0, 10_000, 10_000_000), rng.random(10_000_000)
print(json.dumps({"seconds": now() - begin}))
"""


def measure(rounds: int) -> list[Pair]:
    """The pairs; without a C compiler the first is left out."""
    pairs = []
    peer = _by_hand(rounds)
    if peer is not None:
        ours = Median(child(LOOP)["ours"] for _ in range(rounds))
        pairs.append(
            Pair("1000 pulse-coupled neurons, 1 s, all recorded: the loop / by hand in C", ours, peer, HAND)
        )
    pairs.append(_pair("lowering and compilation: 10 000 `iafCell` / 1", COMPILE, rounds, GROWTH))
    name = "10 million random connections with weights / numpy's draws of as many numbers"
    ours, peer = (lambda code=code: float(child(code)["seconds"]) for code in (BUILD, DRAWS))
    pairs.append(in_turn(name, ours, peer, rounds=rounds, limit=DRAW))  # in fresh memory, both
    return pairs


def _pair(name: str, code: str, rounds: int, limit: float) -> Pair:
    """Both sides from one process each time."""
    runs = [child(code) for _ in range(rounds)]
    ours, peer = (Median(run[key] for run in runs) for key in ("ours", "peer"))
    return Pair(name, ours, peer, limit)


def _by_hand(rounds: int) -> float | None:
    """Seconds of the loop in C; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_c_") as folder:
        program = Path(folder) / "izhikevich"
        subprocess.run([compiler, *FLAGS, "-o", program, SOURCE, "-lm"], check=True, timeout=60)
        found = []
        for _ in range(rounds):
            done = subprocess.run([program, "9"], check=True, timeout=60, capture_output=True, text=True)
            found.append(float(json.loads(done.stdout)["seconds"]))
    return Median(found)
