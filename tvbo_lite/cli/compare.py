"""``tvbo-lite compare``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.cli._source import Source
    from tvbo_lite.compare import TraceComparison
    from tvbo_lite.lems.recording import Recording

    Tables = dict[str, NDArray[np.float64]]

EXAMPLE = """\b
Examples:
  tvbo-lite compare LEMS_NML2_Ex9_FN.xml --plot ex9.png
  tvbo-lite compare experiment.yaml --reference earlier_results --tolerance 1e-9
"""
STAGES = (("compile", "compiling"), ("simulate", "simulating"), ("jlems_simulate", "simulating"))
HEADER = (
    "trace",
    "max error",
    "RMSE",
    "RMSE/range",
    "correlation",
    "differing",
    "spikes",
    "shift",
    "verdict",
)


@click.command(epilog=EXAMPLE)
@click.argument("file")
@click.option(
    "--reference", metavar="jlems|DIR", default="jlems", show_default=True,
    help="What to compare with: a backend, or a folder with the .dat files of an earlier run.",
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
    file: str,
    *,
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
    within the tolerance and it has as many spikes as the reference. Exit status: 1 if one fails.
    """
    from tvbo_lite.cli._files import check_figure, write_figure
    from tvbo_lite.cli._source import backend_of, read_source

    backend = backend_of(backend, fast=fast)
    other = _reference_backend(reference)
    check_figure(plot)
    source = read_source(file, include)
    tables = None if other else _tables(source, Path(reference))
    ours, timing = _run(source, backend, fast=fast, timeout=timeout)
    behind: Recording | Tables
    if other:
        behind, more = _run(source, other, timeout=timeout)
        timing += f"\n{more}"
    else:
        behind = tables or {}
    passed = _report(behind, ours, tolerance)
    click.echo(timing)
    if plot is not None:
        write_figure(plot, ours, behind)
        click.echo(f"wrote {plot}")
    if not passed:
        context.exit(1)


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

    begin = perf_counter()
    with Watch(timeout) as watch:
        recording = source.run(backend, fast=fast, timeout=timeout, progress=watch)
    took = perf_counter() - begin
    parts = [f"{duration(recording.timings[key])} {what}" for key, what in STAGES if key in recording.timings]
    return recording, f"{backend}: {duration(took)}" + (f" ({', '.join(parts)})" if parts else "")


def _tables(source: Source, folder: Path) -> Tables:
    """The output files of an earlier run, with or without their folders.

    Raises `ReadError` where one is missing or is no table; all problems at once.
    """
    from tvbo_lite.errors import InputError, Location, Problem, ReadError
    from tvbo_lite.formats.dat import read_dat

    files = {file.path: Path(file.path) for file in source.plan.tables()}
    bases = Counter(file.name for file in files.values())
    found: Tables = {}
    problems: list[Problem] = []
    for name, file in files.items():
        place = folder / file
        if bases[file.name] == 1 and not place.is_file():
            place = folder / file.name
        if not place.is_file():
            problems.append(Problem(f"there is no {name}", Location(str(folder))))
            continue
        try:
            found[name] = read_dat(place)
        except InputError as error:
            problems += error.problems
    if problems:
        raise ReadError(problems)
    return found


def _report(behind: Recording | Tables, ours: Recording, tolerance: float) -> bool:
    """Print the comparison; whether every trace passes."""
    from tvbo_lite.cli._console import table
    from tvbo_lite.compare import compare as compare_runs

    result = compare_runs(behind, ours, tolerance=tolerance)
    table(HEADER, [_row(trace) for trace in result])
    for name in result.missing:
        click.echo(f"{name}: only in the reference")
    for name in result.extra:
        click.echo(f"{name}: not in the reference")
    failed = len(result.missing) + sum(not trace.ok for trace in result)
    total = len(result) + len(result.missing)
    same = sum(trace.identical for trace in result)
    click.echo(f"{total - failed} of {total} traces pass, {same} of them identical as float32")
    return result.ok


def _row(trace: TraceComparison) -> tuple[str, ...]:
    from tvbo_lite.cli._console import duration

    spikes = shift = "-"
    if trace.threshold is not None:
        spikes = f"{len(trace.reference_spikes)} / {len(trace.our_spikes)}"
        shift = "-" if trace.max_spike_shift is None else duration(trace.max_spike_shift)
    return (
        trace.name,
        f"{trace.max_error:.3g}",
        f"{trace.rmse:.3g}",
        f"{trace.nrmse:.3g}",
        f"{trace.correlation:.9g}",
        f"{trace.n_different} / {trace.n_values}",
        spikes,
        shift,
        "identical" if trace.identical else ("ok" if trace.ok else "FAIL"),
    )
