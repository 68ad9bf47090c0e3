"""Translation: YAML to LEMS against TVBO, LEMS to YAML against jNeuroML, and a network by rule as XML."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Done, Median, Pair, child, geometric_mean, process, script
from benchmarks.peers import find, scripts
from tvbo_lite.backends.java import find_java
from tvbo_lite.formats.neuroml.jar import example_names, extract_examples, find_example, jar_path

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["measure"]

EXPERIMENT = Path(__file__).with_name("ex12.yaml")
TIMES = 9
FASTER = 1 / 20  # than TVBO, after the import
EDGES = 100_000
RATE, MEMORY = 30_000.0, 500e6  # edges per second, bytes

RENDER = """
import resource, sys
from tvbo_lite import SimulationExperiment
exp = SimulationExperiment.from_string('''
network:
  dynamics:
    cell:
      iri: neuroml:iafCell
      parameters: {leakReversal: -60mV, thresh: -55mV, reset: -62mV, C: 1.0nF, leakConductance: 0.05uS}
    ampa: {iri: neuroml:expOneSynapse, parameters: {gbase: 5nS, erev: 0mV, tauDecay: 3ms}}
  populations: {P: {dynamics: cell, size: 1000}}
  projections:
    PP:
      source: P
      target: P
      synapse: ampa
      rule: {type: fixed_in_degree, degree: 100, seed: 1, delay: 1 ms,
             weight: {distribution: {domain: {lo: 0, hi: 1}}}}
integration: {step_size: 0.1, duration: 10}
''')
begin = now()
exp.render("lems")
spent, unit = now() - begin, 1 if sys.platform == "darwin" else 1024
print(json.dumps({"seconds": spent, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}))
"""


def measure(rounds: int, tell: Callable[[str], None]) -> list[Pair]:
    """The pairs; without TVBO the first two are left out."""
    pairs = []
    tvbo = find("tvbo")
    if tvbo is not None:
        runs = [(_render("tvbo_lite"), _render("tvbo", tvbo)) for _ in range(rounds)]
        for key, name, limit in (("seconds", "again and again", FASTER), ("first", "the first time", None)):
            ours, peer = (Median(run[side][key] for run in runs) for side in (0, 1))
            pairs.append(Pair(f"Ex12 from YAML to LEMS, after the import, {name} / TVBO", ours, peer, limit))
    return [*pairs, *_raised(rounds, tell), *_edges(rounds)]


def _render(package: str, python: Path | None = None) -> dict[str, float]:
    return script(scripts / "render_yaml.py", package, EXPERIMENT, TIMES, python=python)


def _raised(rounds: int, tell: Callable[[str], None]) -> list[Pair]:
    """Canonical examples to YAML: `tvbo-lite convert` against jNeuroML, which reads and does not run them."""
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_raised_") as folder:
        extract_examples(folder)
        pairs = [
            _one_raised(name, Path(folder) / find_example(name), rounds, tell) for name in example_names()
        ]
    worst = max(pairs, key=lambda pair: pair.ratio)
    ours, peers = (geometric_mean(getattr(pair, side) for pair in pairs) for side in ("ours", "peer"))
    return [
        Pair("each canonical example to YAML / `jNeuroML -norun`, geometric mean", ours, peers, 1.0),
        Pair(f"the slowest of them, {worst.name}", worst.ours, worst.peer, 1.0),
    ]


def _one_raised(name: str, file: Path, rounds: int, tell: Callable[[str], None]) -> Pair:
    tell(f"  {name}")
    program = Path(sys.executable).with_name("tvbo-lite")

    def ours() -> Done:
        return process([program, "convert", file, file.with_suffix(".yaml")])

    def peer() -> Done:
        options = ("-Djava.awt.headless=true", "-jar")
        return process([find_java(), *options, jar_path(), file.name, "-norun"], file.parent)

    runs = [(ours(), peer()) for _ in range(rounds)]
    mine, theirs = (Median(run[side].seconds for run in runs) for side in (0, 1))
    return Pair(name, mine, theirs, 1.0)


def _edges(rounds: int) -> list[Pair]:
    runs = [child(RENDER) for _ in range(rounds)]
    seconds, memory = (Median(run[key] for run in runs) for key in ("seconds", "memory"))
    name = f"{EDGES} connections by rule as LEMS XML"
    return [
        Pair(f"{name} / the time at {RATE:.0f} a second", seconds, EDGES / RATE, 1.0),
        Pair(f"{name}: memory / 500 MB", memory, MEMORY, 1.0, lambda value: f"{value * 1e-6:.0f} MB"),
    ]
