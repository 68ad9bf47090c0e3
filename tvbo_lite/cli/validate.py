"""``tvbo-lite validate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    from tvbo_lite.errors import Problem
    from tvbo_lite.lems.model import Model

EXAMPLE = """\b
Example:
  tvbo-lite validate experiment.yaml LEMS_network.xml network.nml
"""


@click.command(epilog=EXAMPLE)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.include
@click.pass_context
def validate(context: click.Context, files: tuple[str, ...], *, include: tuple[Path, ...]) -> None:
    """Check experiments, LEMS and NeuroML files, and list all their problems.

    Each problem stands on a line of its own, with file and line. A NeuroML file must also be valid by
    the NeuroML schema. A file with a simulation is checked up to, but without, its compilation. Exit
    status: 2 if there are problems; warnings, which are about what is odd but runs, or right but more
    than the built-in engine can run, do not count.
    """
    faulty = count = doubts = 0
    for file in files:
        found = findings(file, include)
        for problem in found.errors:
            click.echo(problem)
        for warning in found.warnings:
            click.echo(f"warning: {warning}")
        faulty += bool(found.errors)
        count += len(found.errors)
        doubts += len(found.warnings)
    many = _count(len(files), "file")
    more = f", {_count(doubts, 'warning')}" if doubts else ""
    if not count:
        click.echo(f"{many}, no problems{more}")
        return
    click.echo(f"{_count(count, 'problem')} in {faulty} of {many}{more}", err=True)
    context.exit(2)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Lines(NamedTuple):
    """Problems and warnings of a file, each a line of text, in the order of files and lines."""

    errors: list[str]
    warnings: list[str]


def findings(file: str, search: tuple[Path, ...] = ()) -> Lines:
    """Every problem of a file once, and every warning."""
    from tvbo_lite.errors import InputError, Location, Problem, TvboLiteError

    errors: list[Problem] = []
    warnings: list[Problem] = []
    try:
        _examine(file, search, errors, warnings)
    except InputError as error:
        errors += error.problems
    except TvboLiteError as error:
        errors.append(Problem(str(error), Location(file)))
    return Lines(_lines(errors, file), _lines(warnings, file))


def _lines(problems: Iterable[Problem], file: str) -> list[str]:
    placed = [
        problem if problem.location.file else replace(problem, location=replace(problem.location, file=file))
        for problem in problems
    ]
    placed.sort(key=lambda problem: (problem.location.file or "", problem.location.line or 0))
    return list(dict.fromkeys(map(str, placed)))


def _examine(file: str, search: tuple[Path, ...], errors: list[Problem], warnings: list[Problem]) -> None:
    """Adds what is found. A line that the schema complains about is left to it."""
    from tvbo_lite.cli._source import is_neuroml_file, read_model
    from tvbo_lite.errors import InputError
    from tvbo_lite.transforms.check import check

    if is_neuroml_file(file):
        errors += _against_schema(file)
    told = {(item.location.file, item.location.line) for item in errors}
    try:
        model, _ = read_model(file, search)
        found = check(model)
        warnings += [item for item in found.warnings if (item.location.file, item.location.line) not in told]
        others = list(found.errors) or list(_when_built(model, warnings))
    except InputError as error:
        others = list(error.problems)
    errors += [item for item in others if (item.location.file, item.location.line) not in told]


def _against_schema(file: str) -> list[Problem]:
    """What the NeuroML schema says of a document; of one in HDF5, of the XML inside."""
    from tvbo_lite.formats.lems import sources
    from tvbo_lite.formats.neuroml.layout import TOP_LEVEL, is_hdf5
    from tvbo_lite.formats.neuroml.xsd import schema_problems

    if not is_hdf5(file):
        return schema_problems(sources.main(file).read(), file)
    from tvbo_lite.formats.neuroml.hdf5_reader import top_level

    text = top_level(Path(file))
    return schema_problems(text.encode(), f"{file}: {TOP_LEVEL}") if text else []


def _when_built(model: Model, warnings: list[Problem]) -> Iterator[Problem]:
    """What shows only when the simulation, or each network without one, is made of its parts. What is
    right but cannot be run goes to ``warnings``.
    """
    from tvbo_lite.errors import InputError, UnsupportedError

    try:
        if model.target is not None:
            from tvbo_lite.backends.native import prepare

            prepare(model)
            return
        from tvbo_lite.transforms.instantiate import instantiate
        from tvbo_lite.transforms.resolve import Resolver
        from tvbo_lite.transforms.simulate import networks

        resolver = Resolver(model)
        for network in networks(resolver):
            instantiate(resolver.top(network))
    except UnsupportedError as error:
        warnings += error.problems
    except InputError as error:
        yield from error.problems
