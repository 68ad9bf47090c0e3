"""What a terminal shows beyond plain lines: progress and tables. Rich is loaded only where it is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Self

import click

from tvbo_lite.errors import BackendError
from tvbo_lite.progress import Bar
from tvbo_lite.show.words import duration

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Stage", "Watch", "duration", "table"]

PATIENCE = 1.0  # s, after which a terminal shows progress
WIDE = 1000  # characters


class Watch:
    """Called with (steps done, steps in all): draws a bar on a terminal, and keeps the time limit."""

    def __init__(self, timeout: float | None = None) -> None:
        self.begin = perf_counter()
        self.timeout = timeout  # s
        self.visible = sys.stderr.isatty()
        self.bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Raises `BackendError` where the time is over."""
        spent = perf_counter() - self.begin
        if self.timeout is not None and spent > self.timeout and done < total:
            where = f"{100 * done / total:.0f} % of it done"
            msg = f"the run was stopped after {self.timeout:g} s, {where}; give it a longer --timeout"
            raise BackendError(msg)
        if self.visible and (self.bar is not None or spent > PATIENCE):
            self.bar = self.bar or Bar("simulating")
            self.bar(done, total)


class Stage:
    """Called with the name of what comes next: shows it on a terminal, with how many are done."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.visible = sys.stderr.isatty()
        self.bar: Progress | None = None
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, name: str) -> None:
        """The one before is done."""
        if self.visible:
            self._draw(name)
        self.done += 1

    def _draw(self, name: str) -> None:
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            shown = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
            self.bar = Progress(*shown, console=Console(stderr=True), transient=True)
            self.bar.add_task(name, total=self.total)
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], description=name, completed=self.done)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> None:
    """Print a table: with rich on a terminal, else as aligned columns. The first columns are ``words``."""
    if sys.stdout.isatty():
        _rich_table(header, rows, words)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:words], widths, strict=False)]
        cells += [cell.rjust(width) for cell, width in zip(row[words:], widths[words:], strict=True)]
        click.echo("  ".join(cells).rstrip())


def _rich_table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD)
    for k, name in enumerate(header):
        shown.add_column(name, justify="left" if k < words else "right", no_wrap=True)
    for row in rows:
        style = "red" if row[-1] == "FAIL" else ""
        shown.add_row(*(Text(cell) for cell in row), style=style)
    console = Console()
    needed = console.measure(shown, options=console.options.update(max_width=WIDE)).maximum
    Console(width=max(console.width, needed)).print(shown)  # a narrow terminal breaks lines, not words
