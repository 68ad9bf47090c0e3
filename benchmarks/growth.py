"""How the time of a synaptic event grows with the network, and a picture of it.

``python -m benchmarks.growth`` measures and writes ``docs/images/growth.png``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Missing, Pair, script
from benchmarks.measure import table as pairs_table
from benchmarks.peers import scripts

__all__ = ["SIZES", "Point", "measure", "picture", "table"]

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SYNAPSES = 100  # of each cell
GROWTH = 3.0
ROOM = 60  # bytes of free memory for each synapse; a size that needs more than there is, is left out
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"


@dataclass(frozen=True, slots=True)
class Point:
    """One size: seconds of the loop, the number of synaptic events, bytes at most; medians."""

    cells: int
    seconds: float
    events: float
    memory: float

    @property
    def each(self) -> float:
        """The time of an event (s): the whole loop's, cells and noise included."""
        return self.seconds / self.events


def measure(rounds: int, tell: Callable[[str], None]) -> tuple[list[Point], list[Pair | Missing]]:
    """A point for each size, and the growth; sizes for which there is not enough memory are missing."""
    points: list[Point] = []
    found: list[Pair | Missing] = []
    for cells in SIZES:
        needed = ROOM * SYNAPSES * cells
        if needed > _free():
            found.append(Missing(f"{cells} neurons", f"less than {needed / 1e9:.0f} GB of memory are free"))
            continue
        tell(f"  {cells} neurons")
        points.append(_point(cells, rounds if cells < SIZES[-1] else 1))
    if len(points) > 1:
        name = f"time of a synaptic event: {points[-1].cells} neurons / {points[0].cells}"
        found.append(Pair(name, points[-1].each, points[0].each, GROWTH, _nanoseconds))
    return points, found


def _point(cells: int, rounds: int) -> Point:
    runs = [script(scripts / "ours_izhikevich.py", cells, SYNAPSES) for _ in range(rounds)]
    seconds, spikes, peak = (
        statistics.median(run[key] for run in runs) for key in ("seconds", "spikes", "peak")
    )
    return Point(cells, seconds, spikes * SYNAPSES, peak)


def _free() -> int:
    """Bytes of memory that can be had."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable"):
            return 1024 * int(line.split()[1])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _lines(name: str) -> list[str]:
    file = Path(name)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _nanoseconds(value: float) -> str:
    return f"{value * 1e9:.2f} ns"


def table(points: Sequence[Point]) -> list[str]:
    """The points in Markdown."""
    rows = [
        "| neurons | synapses | the loop of 1 s | an event | memory |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for point in points:
        memory = f"{point.memory / 1e9:.2f} GB"
        row = (
            f"{point.cells}",
            f"{SYNAPSES * point.cells}",
            f"{point.seconds:.3g} s",
            _nanoseconds(point.each),
        )
        rows.append(f"| {' | '.join((*row, memory))} |")
    return rows


def picture(points: Sequence[Point], file: Path = PICTURE) -> None:
    """The time of an event against the number of neurons."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    times = [point.each * 1e9 for point in points]
    axes.semilogx([point.cells for point in points], times, "o-", color="C0")
    axes.set(xlabel="neurons, 100 synapses each", ylabel="time of a synaptic event (ns)")
    axes.set_ylim(0, 1.15 * max(times))
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.savefig(file, dpi=120)


def main() -> int:
    """Measure, draw, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each size but the largest")
    points, found = measure(parser.parse_args().rounds, lambda text: print(text, file=sys.stderr))
    picture(points)
    print("\n".join([*table(points), "", *pairs_table(found, "largest", "smallest")]))
    return int(any(isinstance(one, Pair) and not one.met for one in found))


if __name__ == "__main__":
    sys.exit(main())
