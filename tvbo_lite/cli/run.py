"""``tvbo-lite run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from tvbo_lite.cli import _options as options
from tvbo_lite.cli._failure import Stopped
from tvbo_lite.errors import BackendError

if TYPE_CHECKING:
    from tvbo_lite.cli._files import Output
    from tvbo_lite.cli._source import Wanted
    from tvbo_lite.lems.recording import Recording

EXAMPLE = """\b
Examples:
  tvbo-lite run LEMS_NML2_Ex2_Izh.xml --out results --plot izhikevich.png
  tvbo-lite run experiment.yaml --backend jlems
  tvbo-lite run network.nml --duration 300ms --step 0.01ms
  tvbo-lite run experiment.yaml --output run.zarr --save-state end.state
  tvbo-lite run experiment.yaml --output more.zarr --from-state end.state
  tvbo-lite run network.net.nml.h5 --duration 300ms --step 0.01ms
"""


@click.command(epilog=EXAMPLE)
@click.argument("file")
@click.option(
    "--backend",
    metavar="NAME",
    default="native",
    show_default=True,
    help="native, jlems, neuron, netpyne or eden.",
)
@click.option(
    "--out", metavar="DIR", type=Path, help="Folder for the output files; by default the folder of FILE."
)
@click.option("--duration", metavar="TIME", help="Run a network of a NeuroML file that long, such as 300ms.")
@click.option("--step", metavar="TIME", help="The step of such a run, such as 0.01ms.")
@click.option("--network", metavar="ID", help="Which network, if the file has several.")
@click.option(
    "--output",
    metavar="FILE",
    type=Path,
    help="Write all to a .zarr or .nc file while it runs, instead of the files that FILE names.",
)
@click.option("--save-state", metavar="FILE", type=Path, help="Keep the state at the end, to go on from it.")
@click.option("--from-state", metavar="FILE", type=Path, help="Go on from a state, for as long again.")
@click.option(
    "--force", is_flag=True, help="Run for longer than a day if need be; such a run is refused otherwise."
)
@click.option(
    "--allow-outside", is_flag=True, help="Write files that FILE names outside of the output folder too."
)
@options.plot
@click.option(
    "--html", metavar="FILE", type=Path, help="Write a page with zoomable spikes and traces (needs plotly)."
)
@options.fast
@options.threads
@options.include
@options.timeout
def run(
    file: str,
    *,
    duration: str | None,
    step: str | None,
    network: str | None,
    output: Path | None,
    save_state: Path | None,
    from_state: Path | None,
    force: bool,
    allow_outside: bool,
    backend: str,
    out: Path | None,
    plot: Path | None,
    html: Path | None,
    fast: bool,
    threads: int,
    include: tuple[Path, ...],
    timeout: float | None,
) -> None:
    """Simulate FILE and write the output files that it names.

    FILE is a YAML experiment, a LEMS file, or the name of a canonical example (see: tvbo-lite
    examples), whose files go to the current folder. Without output files in FILE, all displayed
    traces are written to auto.dat. A NeuroML file with a network is run with --duration and --step;
    the membrane potentials of all its cells go to a file with the network's name.
    """
    begin = perf_counter()
    from tvbo_lite.cli._console import Watch
    from tvbo_lite.cli._files import check_figure, outputs
    from tvbo_lite.cli._source import backend_of, read_source
    from tvbo_lite.losses import Losses

    backend = backend_of(backend, fast=fast, threads=threads)
    check_figure(plot)
    if output is not None and (plot is not None or html is not None):
        raise click.UsageError("--plot draws what is in memory, and with --output nothing is")
    native = _native_options(backend, output, save_state, from_state, force=force)
    _check_page(html, file)
    source = read_source(file, include, _wanted(duration, step, network))
    for warning in source.warnings:
        click.echo(f"warning: {warning}", err=True)
    folder = out if out is not None else source.folder
    planned = outputs(source, folder, outside=allow_outside) if output is None else ()
    losses = Losses()
    with Watch(timeout) as watch:
        native |= {"fast": fast, "threads": threads, "timeout": timeout, "progress": watch}
        recording = source.run(backend, losses=losses, **native)
    for loss in losses:
        click.echo(f"warning: {loss}", err=True)
    if recording.stopped is not None:
        click.echo(_stopped(recording), err=True)
    _write(planned, recording, backend, plot)
    if html is not None:
        _write_page(html, recording, backend)
    if save_state is not None and recording.state is not None:
        click.echo(f"wrote {recording.state.save(save_state)}: the state at {recording.state.time:g} s")
    if recording.stored is not None:
        click.echo(f"wrote {recording.stored}")
    elif not planned:
        click.echo(f"note: {file} names no output, so no file was written", err=True)
    if recording.stopped is not None:
        click.get_current_context().exit(Stopped.exit_code)
    click.echo(_summary(recording, perf_counter() - begin))


def _native_options(
    backend: str, output: Path | None, save_state: Path | None, from_state: Path | None, *, force: bool
) -> dict[str, Any]:
    """The options that only the native backend has; all that can be wrong with them is told now."""
    if backend != "native":
        given = {"output": output, "save-state": save_state, "from-state": from_state, "force": force or None}
        for name, value in given.items():
            if value is not None:
                raise BackendError(f"--{name} is an option of the native backend; {backend} has none")
        return {}
    options: dict[str, Any] = {"keep_state": save_state is not None, "force": force}
    if from_state is not None:
        from tvbo_lite.lems.state import State

        options["initial_state"] = State.load(from_state)
    if output is not None:
        from tvbo_lite.streams import Output

        options["output"] = Output(output)
        options["output"].check()
    return options


def _write(planned: Sequence[Output], recording: Recording, backend: str, plot: Path | None) -> None:
    """The output files and the figure; those of a run that was stopped have names that say so."""
    from tvbo_lite.atomic import partial_name
    from tvbo_lite.cli._files import is_there, write_figure, write_outputs

    if recording.stopped is not None:
        planned = [replace(output, target=partial_name(output.target)) for output in planned]
    for output in planned:
        if not is_there(output, recording):
            what = f"{output.target} is not written: {backend} gave no events for it"
            click.echo(f"note: {what}", err=True)
    for output, content in write_outputs(planned, recording):
        click.echo(f"wrote {output.target}: {content}")
    if plot is not None:
        write_figure(plot, recording)
        click.echo(f"wrote {plot}")


def _write_page(html: Path, recording: Recording, backend: str) -> None:
    from tvbo_lite.results import ExperimentResult

    ExperimentResult.from_recording(recording, backend=backend).to_html(html, title=recording.plan.id)
    click.echo(f"wrote {html}")


def _stopped(recording: Recording) -> str:
    end = recording.start + recording.plan.length
    what = f"stopped at {recording.stopped:g} s of {end:g} s; what was recorded until then is kept"
    return what if recording.stored is not None else f"{what} (Ctrl-C once more: it is not)"


def _check_page(page: Path | None, file: str) -> None:
    """Before the run: a page has the ending of one, and is not FILE."""
    if page is None:
        return
    if page.suffix.lower() not in {".html", ".htm"}:
        raise click.UsageError(f"--html {page}: the name of the page has to end in .html")
    if page.exists() and Path(file).is_file() and page.samefile(file):
        raise click.UsageError(f"--html {page}: that is FILE itself")
    from tvbo_lite.plotting.interactive import require_plotly

    require_plotly()


def _wanted(duration: str | None, step: str | None, network: str | None) -> Wanted | None:
    """What the options ask of a file without simulation; None where none of them is given."""
    if duration is None and step is None and network is None:
        return None
    if duration is None or step is None:
        raise click.UsageError("a network is run with both, --duration TIME and --step TIME")
    from tvbo_lite.cli._source import Wanted

    return Wanted(duration, step, network)


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
