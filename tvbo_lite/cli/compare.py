"""``tvbo-lite compare``."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.cli._source import Source
    from tvbo_lite.lems.plan import EventOutputFile
    from tvbo_lite.lems.recording import Recording

    Tables = dict[str, NDArray[np.float64]]
    Events = dict[str, tuple[NDArray[np.float64], tuple[str, ...]]]

EXAMPLE = """\b
Examples:
  tvbo-lite compare LEMS_NML2_Ex9_FN.xml --plot ex9.png
  tvbo-lite compare experiment.yaml --reference earlier_results --tolerance 1e-9
  tvbo-lite compare --all --markdown agreement.md
"""
STAGES = (("compile", "compiling"), ("simulate", "simulating"), ("jlems_simulate", "simulating"))


@click.command(epilog=EXAMPLE)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--all", "every", is_flag=True, help="Compare all canonical NeuroML2 examples.")
@click.option("--only", metavar="PATTERN", help='With --all: those whose name fits, such as "Ex2*".')
@click.option(
    "--markdown", metavar="PAGE", type=Path, help="With --all or several files: write the table there too."
)
@click.option(
    "--reference", metavar="jlems|DIR", default="jlems", show_default=True,
    help="What to compare with: a backend, or a folder with the files of an earlier run.",
)  # fmt: skip
@click.option("--backend", metavar="NAME", default="native", show_default=True, help="What is compared.")
@click.option(
    "--tolerance", metavar="SHARE", type=click.FloatRange(min=0), default=1e-6, show_default=True,
    help="The largest error that passes, as a share of a trace's range.",
)  # fmt: skip
@options.plot
@options.fast
@options.include
@options.timeout
@click.pass_context
def compare(
    context: click.Context,
    files: tuple[str, ...],
    *,
    every: bool,
    only: str | None,
    markdown: Path | None,
    reference: str,
    backend: str,
    tolerance: float,
    plot: Path | None,
    fast: bool,
    include: tuple[Path, ...],
    timeout: float | None,
) -> None:
    """Run FILE and compare every trace with jLEMS, or with the results of an earlier run.

    Values are compared as float32, as jLEMS prints them. A trace passes if its largest error is
    within the tolerance and it has as many spikes as the reference; an event file if its lines are
    the same. Several files, or --all, give a row for each file. Exit status: 1 if anything fails.
    """
    from tvbo_lite.cli._source import backend_of

    many = every or len(files) > 1
    _check_use(files, every=every, only=only, one=plot, several=markdown)
    backend = backend_of(backend, fast=fast)
    other = _reference_backend(reference)
    if many:
        from tvbo_lite.adapters.agreement import chosen_examples
        from tvbo_lite.cli._agreement import Request, compare_many

        if other is None:
            raise click.UsageError("a folder as --reference is for one FILE")
        names = chosen_examples(only or "*") if every else files
        words = [*(["--all"] if every else files), *(["--only", only] if only else [])]
        request = Request(names, shlex.join(words), backend, other, tolerance, fast, include, timeout)
        passed = compare_many(request, markdown)
    else:
        passed = _compare_one(
            files[0], backend, other or Path(reference), tolerance,
            plot=plot, fast=fast, include=include, timeout=timeout,
        )  # fmt: skip
    if not passed:
        context.exit(1)


def _check_use(
    files: tuple[str, ...], *, every: bool, only: str | None, one: Path | None, several: Path | None
) -> None:
    """Raises click's error of wrong use where options and files do not go together."""
    if every == bool(files):
        raise click.UsageError("give a FILE, or --all" if not files else "--all takes no FILE")
    if only is not None and not every:
        raise click.UsageError("--only goes with --all")
    many = every or len(files) > 1
    if many and one is not None:
        raise click.UsageError("--plot is for one FILE")
    if not many and several is not None:
        raise click.UsageError("--markdown is for several files, or --all")


def _compare_one(
    file: str,
    backend: str,
    reference: str | Path,
    tolerance: float,
    *,
    plot: Path | None,
    fast: bool,
    include: tuple[Path, ...],
    timeout: float | None,
) -> bool:
    """Run one model, print a row for each trace; whether all pass. ``reference``: a backend or a folder."""
    from tvbo_lite.cli._files import check_figure, write_figure
    from tvbo_lite.cli._source import read_source

    check_figure(plot)
    source = read_source(file, include)
    earlier = _earlier(source, reference) if isinstance(reference, Path) else None
    ours, timing = _run(source, backend, fast=fast, timeout=timeout)
    behind: Recording | Tables
    if isinstance(reference, Path):
        behind, events = earlier or ({}, {})
    else:
        behind, more = _run(source, reference, timeout=timeout)
        events = behind.events
        timing += f"\n{more}"
    passed = _report(behind, events, ours, tolerance)
    click.echo(timing)
    if plot is not None:
        write_figure(plot, ours, behind)
        click.echo(f"wrote {plot}")
    return passed


def _reference_backend(reference: str) -> str | None:
    """The backend of that name; None for a folder. A name that is neither raises `BackendError`."""
    from tvbo_lite.backends import ALIASES, BACKENDS, backend_name
    from tvbo_lite.errors import ReadError, nearest

    if Path(reference).is_dir():
        return None
    if reference in BACKENDS or reference in ALIASES:
        return backend_name(reference)
    hint = nearest(reference, BACKENDS) or f"expected a folder, or one of {', '.join(BACKENDS)}"
    raise ReadError(f"there is no folder and no backend '{reference}' to compare with; {hint}")


def _run(source: Source, backend: str, *, fast: bool = False, timeout: float | None) -> tuple[Recording, str]:
    """The recording, and what it took."""
    from tvbo_lite.cli._console import Watch, duration
    from tvbo_lite.losses import Losses

    begin, losses = perf_counter(), Losses()
    with Watch(timeout) as watch:
        recording = source.run(backend, fast=fast, timeout=timeout, progress=watch, losses=losses)
    for loss in losses:
        click.echo(f"warning: {loss}", err=True)
    took = perf_counter() - begin
    parts = [f"{duration(recording.timings[key])} {what}" for key, what in STAGES if key in recording.timings]
    return recording, f"{backend}: {duration(took)}" + (f" ({', '.join(parts)})" if parts else "")


def _earlier(source: Source, folder: Path) -> tuple[Tables, Events]:
    """The output and event files of an earlier run, with or without their folders.

    Raises `ReadError` where one is missing or not readable as such; all problems at once.
    """
    from tvbo_lite.errors import InputError, Location, Problem, ReadError
    from tvbo_lite.formats.dat import read_dat, read_events
    from tvbo_lite.lems.plan import OutputFile

    files: tuple[OutputFile | EventOutputFile, ...] = (*source.plan.tables(), *source.plan.event_files)
    bases = Counter(Path(file.path).name for file in files)
    traces: Tables = {}
    events: Events = {}
    problems: list[Problem] = []
    for file in files:
        place = _place(folder, Path(file.path), bases)
        if place is None:
            problems.append(Problem(f"there is no {file.path}", Location(str(folder))))
            continue
        try:
            if isinstance(file, OutputFile):
                traces[file.path] = read_dat(place)
            else:
                events[file.id] = read_events(place, file.format)
        except InputError as error:
            problems += error.problems
    if problems:
        raise ReadError(problems)
    return traces, events


def _place(folder: Path, file: Path, bases: Mapping[str, int]) -> Path | None:
    """Where a file lies, with its folders or, if no other has its name, without; None if nowhere."""
    places = (folder / file, folder / file.name) if bases[file.name] == 1 else (folder / file,)
    return next((place for place in places if place.is_file()), None)


def _report(behind: Recording | Tables, events: Events, ours: Recording, tolerance: float) -> bool:
    """Print the comparison; whether everything passes."""
    from tvbo_lite.cli._console import table
    from tvbo_lite.compare import compare as compare_runs
    from tvbo_lite.show.comparison import HEADER, rows, verdict

    result = compare_runs(behind, ours, tolerance=tolerance, reference_events=events)
    table(HEADER, list(rows(result)))
    for name in result.missing:
        click.echo(f"{name}: only in the reference")
    for name in result.extra:
        click.echo(f"{name}: not in the reference")
    for item in result.events:
        if not item.identical:
            click.echo(f"{item.name}: {item.first}")
    click.echo(verdict(result))
    return result.ok
