"""``python -m benchmarks``: measure everything and write ``benchmarks/RESULTS.md``."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import engine, growth, hdf5, mean_field, networks, spiking, startup, translation
from benchmarks.measure import Missing, Pair, machine, table
from benchmarks.peers import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS = Path(__file__).with_name("RESULTS.md")


class Section(NamedTuple):
    """A table of the page, and what measures it from the number of rounds and who is told of progress."""

    title: str
    peer: str
    measure: Callable[[int, Callable[[str], None]], Sequence[Pair | Missing]]
    mark: str = ""  # by which a page of the documentation quotes the table


SECTIONS = (
    Section("Start", "libraries", lambda rounds, _: startup.measure(rounds)),
    Section("Compiler", "peer", lambda rounds, _: engine.kernel(rounds)),
    Section("Translation", "peer", translation.measure),
    Section("Networks", "peer", lambda rounds, _: networks.measure(rounds)),
    Section("Mean fields against PyRates", "peer", lambda rounds, _: mean_field.measure(rounds)),
    Section("NeuroML in HDF5", "libNeuroML", lambda rounds, _: hdf5.measure(rounds)),
    Section("Spiking networks against other simulators", "peer", spiking.measure, "spiking"),
)


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
    found: list[Pair | Missing] = []
    lines: list[str] = []
    for section in SECTIONS:
        tell(section.title)
        measured = section.measure(rounds, tell)
        found += measured
        lines += _section(section.title, table(measured, "ours", section.peer), section.mark)
    tell("growth")
    points, growing = growth.measure(rounds, tell)
    growths = [*growth.table(points), "", *table(growing, "largest", "smallest")]
    lines += _section("Growth", growths, "growth")
    if len(points) == len(growth.SIZES):
        growth.picture(points)
    tell("canonical examples")
    every, failures = engine.examples(rounds, lambda name: tell(f"  {name}"), only)
    together = engine.summary(every) if every else []
    lines += _section("Against jNeuroML", table(together, "tvbo-lite", "jNeuroML"))
    lines += _section("Every canonical example, whole processes and loops alone", engine.table(every))
    if failures:
        rows = [f"| {' | '.join(row)} |" for row in failures]
        header = ["| example | tvbo-lite | jNeuroML |", "| --- | --- | --- |"]
        lines += _section("Not measured", [*header, *rows])
    top = [
        "# Results",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `python -m benchmarks --rounds {rounds}` in",
        f"{perf_counter() - begin:.0f} s: medians of {rounds} runs of each (the least to the most),",
        f"ours and the peer in turn; of jNeuroML one run where that takes over {engine.LONG:g} s.",
        "Below a ratio of 1 ours takes less.",
        "",
        *machine(),
        *(f"* {line}" for line in versions()),
    ]
    pairs = [one for one in (*found, *growing) if isinstance(one, Pair)]
    return [*pairs, *together, *(one.whole for one in every)], [*top, *lines]


def _section(title: str, rows: list[str], mark: str = "") -> list[str]:
    if mark:
        rows = [f"<!-- --8<-- [start:{mark}] -->", "", *rows, "", f"<!-- --8<-- [end:{mark}] -->"]
    return ["", f"## {title}", "", *rows]


if __name__ == "__main__":
    sys.exit(main())
