"""``python -m benchmarks``: measure everything and write ``benchmarks/RESULTS.md``."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from benchmarks import engine, hdf5, mean_field, networks, startup
from benchmarks.measure import Pair, machine, table

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Measure, write, and say which targets were missed (exit status 1)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--only", default="", help="a part of the names of the examples to run")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the file to write")
    options = parser.parse_args()
    pairs, lines = report(options.rounds, options.only)
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    missed = [pair.name for pair in pairs if not pair.met]
    tell(f"wrote {options.output}; {len(missed)} of the targets missed" + "".join(f"\n  {x}" for x in missed))
    return int(bool(missed))


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(rounds: int, only: str) -> tuple[list[Pair], list[str]]:
    """All pairs, and the page."""
    begin = perf_counter()
    tell("start-up")
    start = startup.measure(rounds)
    tell("compiler")
    kernel = engine.kernel(rounds)
    tell("networks")
    net = networks.measure(rounds)
    tell("mean fields")
    mean = mean_field.measure(rounds)
    tell("HDF5")
    files = hdf5.measure(rounds)
    tell("canonical examples")
    every, failures = engine.examples(rounds, lambda name: tell(f"  {name}"), only)
    together = engine.summary(every) if every else []
    lines = [
        "# Results",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `python -m benchmarks --rounds {rounds}` in",
        f"{perf_counter() - begin:.0f} s: medians of {rounds} runs of each, ours and the peer in turn; of",
        f"jNeuroML one run where that takes over {engine.LONG:g} s. Below a ratio of 1 ours takes less.",
        "",
        *machine(),
        *_section("Start", table(start, "ours", "libraries")),
        *_section("Compiler", table(kernel, "ours", "peer")),
        *_section("Networks", table(net, "ours", "peer")),
        *_section("Mean fields against PyRates", table(mean, "ours", "peer")),
        *_section("NeuroML in HDF5", table(files, "ours", "libNeuroML")),
        *_section("Against jNeuroML", table(together, "tvbo-lite", "jNeuroML")),
        *_section("Every canonical example, whole processes and loops alone", engine.table(every)),
    ]
    if failures:
        rows = [f"| {' | '.join(row)} |" for row in failures]
        header = ["| example | tvbo-lite | jNeuroML |", "| --- | --- | --- |"]
        lines += _section("Not measured", [*header, *rows])
    return [*start, *kernel, *net, *mean, *files, *together, *(one.whole for one in every)], lines


def _section(title: str, rows: list[str]) -> list[str]:
    return ["", f"## {title}", "", *rows]


if __name__ == "__main__":
    sys.exit(main())
