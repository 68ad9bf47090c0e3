"""``tvbo-lite validate``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    from tvbo_lite.errors import Problem
    from tvbo_lite.lems.model import Model

EXAMPLE = """\b
Example:
  tvbo-lite validate experiment.yaml LEMS_network.xml
"""


@click.command(epilog=EXAMPLE)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.include
@click.pass_context
def validate(context: click.Context, files: tuple[str, ...], *, include: tuple[Path, ...]) -> None:
    """Check experiments and LEMS files, and list all their problems.

    Each problem stands on a line of its own, with file and line. A file with a simulation is
    checked up to, but without, its compilation. Exit status: 2 if there are problems.
    """
    faulty = 0
    count = 0
    for file in files:
        found = problems(file, include)
        for problem in found:
            click.echo(problem)
        faulty += bool(found)
        count += len(found)
    many = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    if not count:
        click.echo(f"{many}, no problems")
        return
    click.echo(f"{count} problem{'' if count == 1 else 's'} in {faulty} of {many}", err=True)
    context.exit(2)


def problems(file: str, search: tuple[Path, ...] = ()) -> list[str]:
    """Every problem of a file once, each a line, in the order of their lines."""
    from tvbo_lite.errors import InputError, Location, Problem, TvboLiteError

    try:
        found = list(_model_problems(file, search))
    except InputError as error:
        found = list(error.problems)
    except TvboLiteError as error:
        found = [Problem(str(error), Location(file))]
    placed = [
        problem if problem.location.file else replace(problem, location=replace(problem.location, file=file))
        for problem in found
    ]
    placed.sort(key=lambda problem: (problem.location.file or "", problem.location.line or 0))
    return list(dict.fromkeys(map(str, placed)))


def _model_problems(file: str, search: tuple[Path, ...]) -> Iterator[Problem]:
    from tvbo_lite.cli._source import read_model
    from tvbo_lite.errors import InputError

    model, _ = read_model(file, search)
    yield from _component_problems(model)
    if model.target is None:
        return
    from tvbo_lite.backends.native import prepare

    try:
        prepare(model)
    except InputError as error:
        yield from error.problems


def _component_problems(model: Model) -> Iterator[Problem]:
    from tvbo_lite.errors import InputError
    from tvbo_lite.transforms.resolve import Resolver

    resolver = Resolver(model)
    resolver.constants()
    for component in model.components:
        try:
            resolver.top(component)
        except InputError as error:
            yield from error.problems
    yield from resolver.problems
