"""How long it takes until something happens: importing, compiling, a whole short script."""

from __future__ import annotations

from benchmarks.measure import Pair, child, in_turn
from tvbo_lite.resources import folder

__all__ = ["measure"]

IMPORT = "begin = now()\nimport {modules}\nprint(json.dumps({{'seconds': now() - begin}}))"
LIBRARIES = "numpy, xarray, pydantic, llvmlite.binding"

# What the page on the Izhikevich example does, without its runs of jLEMS.
SCRIPT = """
begin = now()
from tvbo_lite import SimulationExperiment
exp = SimulationExperiment.from_string({yaml!r})
names = list(exp.network.dynamics.keys())
xml = exp.render("lems")
result = exp.run()
data = result.integration.data
{more}
print(json.dumps({{"seconds": now() - begin, "shape": data.shape}}))
"""
PLOT = 'result.plot().savefig("izhikevich.png")'


def measure(rounds: int) -> list[Pair]:
    """The rows of the table, each against the import of libraries that the job cannot do without."""
    yaml = (folder("reference_examples") / "izhikevich" / "experiment.yaml").read_text(encoding="utf-8")
    script = SCRIPT.format(yaml=yaml, more="")
    drawing = SCRIPT.format(yaml=yaml, more=PLOT)
    package, numpy, needed = (IMPORT.format(modules=modules) for modules in ("tvbo_lite", "numpy", LIBRARIES))
    return [
        _pair("`import tvbo_lite` / `import numpy`", package, numpy, rounds, 2.0),
        _pair(f"the script without a figure / `import {LIBRARIES}`", script, needed, rounds, 1.5),
        _pair(f"the script with a figure / `import {LIBRARIES}, matplotlib.figure`", drawing,
              IMPORT.format(modules=f"{LIBRARIES}, matplotlib.figure"), rounds, None),
        in_turn(
            f"the same without a figure, whole processes / `import {LIBRARIES}`",
            lambda: float(child(script)["process"]),
            lambda: float(child(needed)["process"]),
            rounds=rounds,
        ),
    ]  # fmt: skip


def _pair(name: str, ours: str, peer: str, rounds: int, limit: float | None) -> Pair:
    return in_turn(
        name,
        lambda: float(child(ours)["seconds"]),
        lambda: float(child(peer)["seconds"]),
        rounds=rounds,
        limit=limit,
    )
