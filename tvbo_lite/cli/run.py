"""``tvbo-lite run``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tvbo_lite.cli._source import Source
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
@click.option("--plot", metavar="FILE", type=Path, help="Draw the displays into a .png, .pdf or .svg file.")
@click.option("--fast", is_flag=True, help="Trade the last bits for speed (native backend).")
@click.option(
    "-I", "--include", metavar="DIR", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder in which includes are looked for; may be given several times.",
)  # fmt: skip
@click.option("--timeout", metavar="S", type=click.FloatRange(min=0, min_open=True), help="Stop after S seconds.")
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
    from tvbo_lite.backends import backend_name
    from tvbo_lite.cli._console import Watch
    from tvbo_lite.cli._files import check_figure, outputs, write_figure, write_output
    from tvbo_lite.cli._source import read_source

    backend = backend_name(backend)
    if fast and backend != "native":
        raise click.UsageError(f"--fast is an option of the native backend; {backend} has no such mode")
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
    _summary(source, recording, perf_counter() - begin)


def _summary(source: Source, recording: Recording, spent: float) -> None:
    from tvbo_lite.cli._console import duration

    plan, timings = source.plan, recording.timings
    if not plan.tables() and not plan.event_files:
        click.echo(f"note: {source.name} names no output, so no file was written", err=True)
    steps = timings.get("simulate") or timings.get("jlems_simulate") or spent
    speed = plan.length / steps
    click.echo(
        f"simulated {duration(plan.length)} ({plan.n_steps} steps) in {duration(spent)}; "
        f"the steps alone took {duration(steps)}, {speed:.3g} times real time"
    )
