"""``tvbo-lite omv``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.adapters.omv import Test

EXAMPLE = """\b
Examples:
  tvbo-lite omv NeuroML2/.test.hh.jnml.omt
  tvbo-lite omv .                            all tests below the current folder
  tvbo-lite omv . --backend neuroml          by jLEMS
"""
# The framework's engines that simulate or validate LEMS and NeuroML, and ours.
ENGINES = (
    "jneuroml",
    "jneuroml_validate",
    "jlems",
    "pylems",
    "pylems_neuroml2",
    "pyneuroml",
    "tvbo_lite",
    "tvbo_lite_validate",
)


@click.command(epilog=EXAMPLE)
@click.argument("paths", metavar="FILE|FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--backend", metavar="NAME", default="native", help="What runs the models; native by default.")
@options.timeout
@click.pass_context
def omv(context: click.Context, paths: tuple[Path, ...], *, backend: str, timeout: float | None) -> None:
    """Run tests of the OSB Model Validation framework (.omt files, with their .mep files).

    The built-in engine, or --backend, runs the model in place of the engine that a test names; what is to be
    validated is validated. Nothing is written. In a folder only those tests count that name an engine of
    LEMS; others, whose results are those of other simulators, are left out unless they are named. Exit
    status: 1 if a test fails, 2 if one cannot be read or run.
    """
    from tvbo_lite.cli._source import backend_of
    from tvbo_lite.errors import TvboLiteError

    backend = backend_of(backend, fast=False)
    passed = failed = faulty = left = 0
    for file, asked in _tests(paths):
        try:
            found = _run(file, backend, timeout, asked=asked)
        except TvboLiteError as error:
            click.echo(f"ERROR   {file}: {error}")
            faulty += 1
            continue
        left += found is None
        failed += found is False
        passed += found is True
    more = "".join(
        f", {count} {what}"
        for count, what in ((faulty, "with errors"), (left, "for other programs"))
        if count
    )
    click.echo(f"{passed} passed, {failed} failed{more}")
    if faulty or failed:
        context.exit(2 if faulty else 1)


def _tests(paths: tuple[Path, ...]) -> Iterator[tuple[Path, bool]]:
    """The test files, and whether they were named, not found in a folder."""
    for path in paths:
        if path.is_dir():
            yield from ((file, False) for file in sorted(path.rglob("*.omt")))
        else:
            yield path, True


def _run(file: Path, backend: str, timeout: float | None, *, asked: bool) -> bool | None:
    """Whether a test passes; None where it is for another program and was not asked for by name."""
    from tvbo_lite.adapters.omv import judge, read_test
    from tvbo_lite.errors import Location, Problem, UnsupportedError

    test = read_test(file)
    if not asked and test.engine.lower() not in ENGINES:
        return None
    foreign = [target for target in test.targets if target.suffix.lower() not in _readable()]
    if foreign:
        what = f"the target {foreign[0]} is for '{test.engine}'"
        raise UnsupportedError(Problem(what, Location(str(file)), "a LEMS, NeuroML or YAML file"))
    if test.validates:
        return _validate(test)
    numbers = _numbers(test, backend, timeout)
    if not test.checks:
        click.echo(f"passed  {file}: runs")
    good = True
    for check in test.checks:
        found = judge(check, numbers)
        good &= found.passed
        told = f"differs by {found.difference:.3g}" if found.passed else found.reason
        word = "passed" if found.passed else "FAILED"
        click.echo(f"{word}  {file}: {check.experiment}: {check.observable}: {told}")
    return good


def _readable() -> set[str]:
    """The endings of files with models."""
    from tvbo_lite.formats import FORMATS

    return {".nml"}.union(*(item.endings for item in FORMATS.values() if item.reader))


def _validate(test: Test) -> bool:
    from tvbo_lite.cli.validate import findings

    good = True
    for target in test.targets:
        errors = findings(str(target)).errors
        good &= not errors
        click.echo(
            f"{'FAILED' if errors else 'passed'}  {test.file}: {target} is {'not ' if errors else ''}valid"
        )
        for error in errors:
            click.echo(f"        {error}")
    return good


def _numbers(test: Test, backend: str, timeout: float | None) -> dict[Path, NDArray[np.float64]]:
    """What the output files of the simulation hold, by the paths where its engine would write them."""
    import numpy as np

    from tvbo_lite.cli._source import read_source
    from tvbo_lite.formats.dat import read_dat, write_dat

    found: dict[Path, NDArray[np.float64]] = {}
    for target in test.targets:
        source = read_source(str(target))
        recording = source.run(backend, timeout=timeout)
        folder = target.resolve().parent
        with TemporaryDirectory(prefix="tvbo_lite_omv_") as empty:  # numbers have the digits of the file
            for file in source.plan.tables():
                written = write_dat(Path(empty) / "table.dat", recording.table(file))
                found[(folder / file.path).resolve()] = read_dat(written)
        for events in source.plan.event_files:
            times, ids = recording.events.get(events.id, (np.empty(0), ()))
            columns = np.column_stack([np.array(ids, dtype=np.float64), times])
            found[(folder / events.path).resolve()] = columns
    return found
