"""How long it takes until something happens: importing, compiling, a whole short script."""

from __future__ import annotations

from benchmarks.measure import Pair, child, in_turn
from tvbo_lite.resources import folder

__all__ = ["measure"]

IMPORT = "begin = now()\nimport {modules}\nprint(json.dumps({{'seconds': now() - begin}}))"
LIBRARIES = "numpy, xarray, pydantic, llvmlite.binding"

# What the document on the Izhikevich example does, without its two runs of jLEMS; three readings of that.
SCRIPT = """
begin = now()
from tvbo_lite import SimulationExperiment
exp = SimulationExperiment.from_string({yaml!r})
names = list(exp.network.dynamics.keys())
xml = exp.render("lems")
{more}
print(json.dumps({{"seconds": now() - begin}}))
"""
RUN = """
result = exp.run()
data = result.integration.data
"""
PLOT = """
from tvbo_lite.adapters.neuroml import plot_lems_comparison
figure = plot_lems_comparison("LEMS_NML2_Ex2_Izh.xml", {}, data, title_prefix="Ex2")
figure.savefig("izhikevich.png")
"""


def measure(rounds: int) -> list[Pair]:
    """The rows of the table, each against the import of libraries that the job cannot do without."""
    yaml = (folder("reference_examples") / "izhikevich" / "experiment.yaml").read_text(encoding="utf-8")
    literal, running, drawing = (SCRIPT.format(yaml=yaml, more=more) for more in ("", RUN, RUN + PLOT))
    package, numpy, needed, figures = (
        IMPORT.format(modules=modules)
        for modules in ("tvbo_lite", "numpy", LIBRARIES, f"{LIBRARIES}, matplotlib.figure")
    )
    peer = f"`import {LIBRARIES}`"
    return [
        _pair("`import tvbo_lite` / `import numpy`", package, numpy, rounds, 2.0),
        _pair(f"(i) the script: read, list, render / {peer}", literal, needed, rounds, 1.5),
        _pair(f"(ii) the same, and `exp.run()` for jLEMS / {peer}", running, needed, rounds, 1.5),
        _pair(f"(iii) the same, and its figure / {peer}", drawing, needed, rounds, None),
        _pair(f"(iii) / `import {LIBRARIES}, matplotlib.figure`", drawing, figures, rounds, None),
        in_turn(
            f"(ii), whole processes / {peer}",
            lambda: float(child(running)["process"]),
            lambda: float(child(needed)["process"]),
            rounds=rounds,
        ),
    ]


def _pair(name: str, ours: str, peer: str, rounds: int, limit: float | None) -> Pair:
    return in_turn(
        name,
        lambda: float(child(ours)["seconds"]),
        lambda: float(child(peer)["seconds"]),
        rounds=rounds,
        limit=limit,
    )
