"""``python -m benchmarks``: measure everything and write ``benchmarks/RESULTS.md``."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import engine, startup
from benchmarks.measure import Pair, machine, table

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Measure, write, and say which targets were missed (exit status 1)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, of which the median counts")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the file to write")
    options = parser.parse_args()
    pairs, lines = report(options.rounds)
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    missed = [pair.name for pair in pairs if not pair.met]
    tell(f"wrote {options.output}; {len(missed)} of the targets missed" + "".join(f"\n  {x}" for x in missed))
    return int(bool(missed))


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(rounds: int) -> tuple[list[Pair], list[str]]:
    """All pairs, and the page."""
    tell("start-up")
    start = startup.measure(rounds)
    tell("engine")
    kernel = engine.kernel(rounds)
    processes = engine.processes(rounds)
    tell("all canonical examples")
    every, failures = engine.examples(rounds, lambda name: tell(f"  {name}"))
    lines = [
        "# Results",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `python -m benchmarks --rounds {rounds}`: medians of",
        f"{rounds}, ours and the peer in turn. A ratio below 1 means that ours takes less time.",
        "",
        *machine(),
        *_section("Start", table(start, "ours", "libraries")),
        *_section("Engine", table(kernel, "ours", "peer")),
        *_section("Whole processes", table(processes, "tvbo-lite", "jNeuroML")),
        *_section("Every canonical example, whole processes", table(every, "tvbo-lite", "jNeuroML")),
    ]
    if failures:
        rows = [f"| {' | '.join(row)} |" for row in failures]
        header = ["| example | tvbo-lite | jNeuroML |", "| --- | --- | --- |"]
        lines += _section("Not measured", [*header, *rows])
    return [*start, *kernel, *processes, *every], lines


def _section(title: str, rows: list[str]) -> list[str]:
    return ["", f"## {title}", "", *rows]


if __name__ == "__main__":
    sys.exit(main())
