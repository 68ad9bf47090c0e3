"""``tvbo-lite run``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    from tvbo_lite.lems.recording import Recording

EXAMPLE = """\b
Examples:
  tvbo-lite run LEMS_NML2_Ex2_Izh.xml --out results --plot izhikevich.png
  tvbo-lite run experiment.yaml --backend jlems
"""


@click.command(epilog=EXAMPLE)
@click.argument("file")
@click.option("--backend", metavar="NAME", default="native", show_default=True, help="native or jlems.")
@click.option(
    "--out", metavar="DIR", type=Path, help="Folder for the output files; by default the folder of FILE."
)
@options.plot
@options.fast
@options.include
@options.timeout
def run(
    file: str,
    *,
    backend: str,
    out: Path | None,
    plot: Path | None,
    fast: bool,
    include: tuple[Path, ...],
    timeout: float | None,
) -> None:
    """Simulate FILE and write the output files that it names.

    FILE is a YAML experiment, a LEMS file, or the name of a canonical example (see: tvbo-lite
    examples), whose files go to the current folder. Without output files in FILE, all displayed
    traces are written to auto.dat.
    """
    begin = perf_counter()
    from tvbo_lite.cli._console import Watch
    from tvbo_lite.cli._files import check_figure, outputs, write_figure, write_output
    from tvbo_lite.cli._source import backend_of, read_source

    backend = backend_of(backend, fast=fast)
    check_figure(plot)
    source = read_source(file, include)
    planned = outputs(source, out if out is not None else source.folder)
    with Watch(timeout) as watch:
        recording = source.run(backend, fast=fast, timeout=timeout, progress=watch)
    for output in planned:
        content = write_output(output, recording)
        if content is None:
            click.echo(f"note: {output.target} is not written: {backend} records no events yet", err=True)
        else:
            click.echo(f"wrote {output.target}: {content}")
    if plot is not None:
        write_figure(plot, recording)
        click.echo(f"wrote {plot}")
    if not planned:
        click.echo(f"note: {file} names no output, so no file was written", err=True)
    click.echo(_summary(recording, perf_counter() - begin))


def _summary(recording: Recording, spent: float) -> str:
    from tvbo_lite.cli._console import duration

    plan, timings = recording.plan, recording.timings
    steps = timings.get("simulate") or timings.get("jlems_simulate") or spent
    speed = plan.length / steps
    times = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
    return (
        f"simulated {duration(plan.length)} ({plan.n_steps} steps) in {duration(spent)}; "
        f"the steps alone took {duration(steps)}, {times} times real time"
    )
