"""The table of ``tvbo-lite compare`` for several models, on the terminal and as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli._console import Stage, table

if TYPE_CHECKING:
    from tvbo_lite.adapters.agreement import Agreement
    from tvbo_lite.lems.recording import Recording

__all__ = ["Request", "compare_many"]

HEADER = (
    "model", "traces", "values", "differing", "worst/range", "spikes", "events", "ours", "reference", "ratio",
    "verdict",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What to run, and how: ``backend`` against ``reference``, both names of backends.

    ``words`` are those of the command line that chose the models.
    """

    names: tuple[str, ...]
    words: str
    backend: str
    reference: str
    tolerance: float
    fast: bool = False
    include: tuple[Path, ...] = ()
    timeout: float | None = None  # s

    def rows(self) -> Iterable[Agreement]:
        """A row for each model as soon as it is done."""
        from tvbo_lite.adapters.agreement import agreement

        with Stage(len(self.names)) as stage:
            for name in self.names:
                stage(name)
                ours = partial(self._run, name, self.backend, fast=self.fast)
                reference = partial(self._run, name, self.reference)
                yield agreement(name, ours, reference, tolerance=self.tolerance)

    def _run(self, name: str, backend: str, *, fast: bool = False) -> Recording:
        from tvbo_lite.cli._source import read_source

        return read_source(name, self.include).run(backend, fast=fast, timeout=self.timeout)


def compare_many(request: Request, markdown: Path | None) -> bool:
    """Run all, print the table, write the page if asked to; whether nothing failed."""
    from tvbo_lite.atomic import write_beside

    if "jlems" in {request.backend, request.reference}:
        from tvbo_lite.backends.java import find_java

        find_java()  # its absence is told once, and before the first run
    rows = list(request.rows())
    table(HEADER, [_cells(row) for row in rows])
    for note in _notes(rows):
        click.echo(note)
    for line in _summary(rows):
        click.echo(line)
    if markdown is not None:
        write_beside(markdown, _page(request, rows, markdown).encode())
        click.echo(f"wrote {markdown}")
    return all(row.ok for row in rows)


def _cells(row: Agreement) -> tuple[str, ...]:
    """The row of the table."""
    times = (_seconds(row.our_seconds), _seconds(row.reference_seconds))
    if row.comparison is None:
        return (row.name, *["-"] * 6, *times, "-", "not run" if row.ok else "FAIL")
    verdict = "identical" if row.comparison.identical else "ok"
    return (
        row.name,
        str(row.traces),
        str(row.values),
        str(row.differing),
        f"{row.worst:.3g}",
        _spikes(*row.spikes),
        _events(*row.events),
        *times,
        "-" if row.ratio is None else f"{row.ratio:.3f}",
        verdict if row.ok else "FAIL",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _spikes(reference: int, ours: int) -> str:
    if reference == ours:
        return f"{ours} equal" if ours else "-"
    return f"{reference} / {ours}"


def _events(number: int, differing: int) -> str:
    if differing:
        return f"{differing} of {number} differ"
    return f"{number} equal" if number else "-"


def _notes(rows: Sequence[Agreement]) -> list[str]:
    """A line for each reason, each missing trace and each event file that differs."""
    notes = []
    for row in rows:
        notes += [f"{row.name}: {' '.join(reason.split())}" for reason in row.reasons]
        if row.comparison is not None:
            notes += [f"{row.name}: {name} is only in the reference" for name in row.comparison.missing]
            notes += [f"{row.name}: {item}" for item in row.comparison.events if not item.identical]
    return notes


def _summary(rows: Sequence[Agreement]) -> list[str]:
    """How many agree, on how much; and the seconds of both."""
    compared = [row for row in rows if row.comparison is not None]
    identical = sum(1 for row in compared if row.comparison and row.comparison.identical)
    passed = sum(row.ok for row in compared)
    parts = [f"{passed} of {len(rows)} models agree, {identical} of them identical as float32"]
    if refused := sum(row.refused for row in rows):
        parts.append(f"{refused} can be run by neither")
    if failed := sum(not row.ok for row in rows):
        parts.append(f"{failed} fail")
    lines = ["; ".join(parts)]
    if compared:
        traces, values = sum(row.traces for row in compared), sum(row.values for row in compared)
        differing, events = sum(row.differing for row in compared), sum(row.events[0] for row in compared)
        lines.append(f"{differing} of {values} values differ, in {traces} traces; {events} events")
        ours = sum(row.our_seconds or 0.0 for row in compared)
        theirs = sum(row.reference_seconds or 0.0 for row in compared)
        mean = exp(sum(log(row.ratio) for row in compared if row.ratio) / len(compared))
        lines.append(f"ours {ours:.1f} s, the reference {theirs:.1f} s; ratio {mean:.3f} (geometric mean)")
    return lines


PAGE = """\
# Agreement with jLEMS

Every quantity that a model displays or writes was recorded at every step by both backends, {backend} and
{reference}, and compared as float32. *Differing* counts the values that are not equal, *worst/range* is
the largest error as a share of its trace's range, *events* are the lines of event files.

{table}

{notes}{summary}

Written on {date} by

```console
$ tvbo-lite compare {words} --markdown {page}
```

with {versions}.

*Ours* are the seconds for reading, compiling and running in a process that has begun already; *reference*
those of jLEMS's process, which writes all these values to a file. Whole processes that do the same are
compared by `python -m benchmarks`.
"""


def _page(request: Request, rows: Sequence[Agreement], page: Path) -> str:
    from tvbo_lite.adapters.agreement import versions

    lines = [HEADER, ["---", *["---:"] * (len(HEADER) - 2), "---"], *(_cells(row) for row in rows)]
    notes = "".join(f"* {_escaped(note)}\n" for note in _notes(rows))
    return PAGE.format(
        backend=request.backend + (" in its fast mode" if request.fast else ""),
        reference=request.reference,
        table="\n".join(f"| {' | '.join(line)} |" for line in lines),
        notes=f"{notes}\n" if notes else "",
        summary="\n".join(f"{line[0].upper()}{line[1:]}." for line in _summary(rows)),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        words=request.words,
        page=page,
        versions=", ".join(f"{name} {text}" for name, text in versions().items()),
    )


def _escaped(text: str) -> str:
    """Text without what Markdown would take for marks."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
