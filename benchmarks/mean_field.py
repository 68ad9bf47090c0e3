"""Mean fields against PyRates: its introductions' scripts, the loops alone, and sweeps."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import Median, Pair, process
from benchmarks.peers import find

__all__ = ["measure"]

LOOP = 1 / 200  # of PyRates' time that the loop of QIF may take
SCRIPT = 1 / 3  # the same of the whole script
ADAPTIVE = 1 / 100  # the same of the loop of Izhikevich's mean field, where both choose their steps
SWEEP = 1 / 1000  # the same of a set in a sweep
THREADS = 1 / 1.8  # of one thread's time that two may take
FEW, MANY = 100, 10_000  # sets of PyRates' sweep and of ours

QIF = """
T, step_size = 100.0, 5e-4
I_ext = np.zeros(round(T / step_size))
I_ext[int(20 / step_size) : int(80 / step_size)] = 3.0
frame = integrate("model_templates.neural_mass_models.qif.qif", step_size=step_size, simulation_time=T,
                  outputs={"r": "p/qif_op/r"}, inputs={"p/qif_op/I_ext": I_ext}, clear=True)
"""
IZHIKEVICH = """
T, step_size = 1000.0, 5e-4
I_ext = np.full(round(T / step_size), 0.15)
I_ext[int(400 / step_size) : int(600 / step_size)] = 0.0
frame = integrate("model_templates.neural_mass_models.ik.ik_nodim", step_size=step_size, simulation_time=T,
                  outputs={"r": "p/ik_nodim_op/r"}, inputs={"p/ik_nodim_op/I_ext": I_ext}, clear=True,
                  solver="scipy", method="RK45", rtol=1e-3, atol=1e-6, sampling_step_size=1e-2)
"""
GRID = """
frame, _ = grid_search("model_templates.neural_mass_models.qif.qif_sfa", {"eta": np.linspace(-8, 0, %d)},
                       {"eta": {"vars": ["qif_sfa_op/eta"], "nodes": ["p"]}}, step_size=5e-4,
                       simulation_time=100.0, outputs={"r": "p/qif_sfa_op/r"}, sampling_step_size=1.0,
                       clear=True)
"""

# PyRates tells itself how long the simulation took.
THEIRS = """
import contextlib, io, re, sys
told = io.StringIO()
with contextlib.redirect_stdout(told):
    import numpy as np
    from pyrates import grid_search, integrate
    begin = now()
    {script}
    spent = now() - begin
loop = re.findall(r"finished after ([0-9.e+-]+)s", told.getvalue())[-1]
print(json.dumps({{"loop": float(loop), "call": spent}}))
"""
OURS = """
import numpy as np
from tvbo_lite.adapters.pyrates import integrate
{script}
print(json.dumps({{}}))
"""
RUN = """
from tvbo_lite import SimulationExperiment
from tvbo_lite.resources import folder
exp = SimulationExperiment.from_file(folder("reference_examples") / "{name}" / "experiment.yaml")
print(json.dumps({{"loop": exp.run({options}).timings["simulate"]}}))
"""
SETS = """
import numpy as np
from tvbo_lite import SimulationExperiment
from tvbo_lite.resources import folder
exp = SimulationExperiment.from_file(folder("reference_examples") / "qif_sfa" / "experiment.yaml")
exp = exp.model_copy(update={"stimulation": {}})
found = {}
for threads in (1, 2):
    begin = now()
    exp.explore({"eta": np.linspace(-8, 0, %d)}, threads=threads, sampling_step_size=1e-3)
    found[str(threads)] = now() - begin
print(json.dumps(found))
"""


def measure(rounds: int) -> list[Pair]:
    """The pairs; those with PyRates only where there is a Python that has it (`benchmarks.peers`)."""
    python = find("pyrates")
    pairs = _alone(python, rounds) if python else []
    sets = [_told(SETS % MANY) for _ in range(rounds)]
    one, two = (Median(run[threads] for run in sets) for threads in "12")
    if python:
        theirs = _of(THEIRS.format(script=_inside(GRID % FEW)), "call", rounds, python) / FEW
        name = f"a set of QIF with adaptation: ours of {MANY} at a time / `grid_search`, of {FEW}"
        pairs.append(Pair(name, min(one, two) / MANY, theirs, SWEEP))
    if (os.cpu_count() or 1) > 1:
        pairs.append(Pair(f"{MANY} sets: two threads / one", two, one, THREADS))
    return pairs


def _alone(python: Path, rounds: int) -> list[Pair]:
    """Single runs: the loops, and the scripts from the start of the process to the data frame."""
    pairs = []
    adaptive = 'method="dopri5", rel_tol=1e-3, abs_tol=1e-6, sampling_step_size=1e-5'
    for title, script, name, options, limit in (
        ("QIF, 200 000 Euler steps", QIF, "qif", "", LOOP),
        (
            "Izhikevich's mean field, T = 1000, adaptive",
            IZHIKEVICH,
            "izhikevich_mean_field",
            adaptive,
            ADAPTIVE,
        ),
    ):
        runs = [
            (
                _told(RUN.format(name=name, options=options))["loop"],
                _told(OURS.format(script=script))["process"],
                _told(THEIRS.format(script=_inside(script)), python),
            )
            for _ in range(rounds)
        ]
        ours, whole, theirs = zip(*runs, strict=True)
        loop = Median(run["loop"] for run in theirs)
        process_ = Median(run["process"] for run in theirs)
        pairs.append(Pair(f"{title}: the loop", Median(ours), loop, limit))
        pairs.append(Pair(f"{title}: the script, whole processes", Median(whole), process_, SCRIPT))
    return pairs


def _inside(script: str) -> str:
    """The script as the body of a block."""
    return script.strip().replace("\n", "\n    ")


def _of(code: str, key: str, rounds: int, python: Path) -> float:
    return Median(float(_told(code, python)[key]) for _ in range(rounds))


def _told(code: str, python: Path | None = None) -> dict[str, Any]:
    """What a fresh Python process prints as JSON in its last line, with ``process`` (s) added."""
    clock = "from time import perf_counter as now; import json\n"
    done = process([python or sys.executable, "-c", clock + code])
    found: dict[str, Any] = json.loads(done.output.strip().splitlines()[-1])
    return found | {"process": done.seconds}
