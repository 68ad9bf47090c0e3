"""``tvbo-lite render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model

EXAMPLE = """\b
Example:
  tvbo-lite render experiment.yaml --to lems -o LEMS_experiment.xml
"""


@click.command(epilog=EXAMPLE)
@click.argument("file")
@click.option(
    "--to", "to", metavar="FORMAT", default="lems", show_default=True, help="The format, such as lems."
)
@click.option("-o", "--output", metavar="OUT", type=Path, help="Write to this file instead of stdout.")
def render(file: str, *, to: str, output: Path | None) -> None:
    """Show the experiment in FILE (YAML, or LEMS) in another format.

    What is shown is what 'tvbo-lite run' simulates. A LEMS file is shown as it is read, its includes
    named and not followed.
    """
    from tvbo_lite.formats import writer

    write = writer(to)  # a misspelt format is told before the file is read
    text = write(_document(file))
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
        return
    from tvbo_lite.cli._files import write_beside

    write_beside(output, text.encode())
    click.echo(f"wrote {output}", err=True)


def _document(file: str) -> Model:
    from tvbo_lite.cli._source import is_experiment

    if is_experiment(file):
        from tvbo_lite.experiment import SimulationExperiment

        return SimulationExperiment.from_file(file).model()
    from tvbo_lite.errors import Location, Problem, ReadError
    from tvbo_lite.formats.lems import sources
    from tvbo_lite.formats.lems.reader import read_string

    origin = sources.main(file)
    try:
        return read_string(origin.read().decode("utf-8-sig"), origin.name)
    except UnicodeDecodeError as error:
        raise ReadError(Problem("the file is not UTF-8 text", Location(origin.name))) from error
