"""``tvbo-lite render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    from tvbo_lite.formats import Rendered
    from tvbo_lite.lems.model import Model

EXAMPLE = """\b
Examples:
  tvbo-lite render experiment.yaml --to lems -o LEMS_experiment.xml
  tvbo-lite render LEMS_NML2_Ex2_Izh.xml --to neuroml --folder izhikevich
  tvbo-lite render LEMS_NML2_Ex5_DetCell.xml --to yaml -o hh.yaml
"""


@click.command(epilog=EXAMPLE)
@click.argument("file")
@click.option(
    "--to",
    "to",
    metavar="FORMAT",
    default="lems",
    show_default=True,
    help="lems, yaml, neuroml, brian2, numpy or pyrates.",
)
@click.option("-o", "--output", metavar="OUT", type=Path, help="Write to this file instead of stdout.")
@click.option("--folder", metavar="DIR", type=Path, help="Write all files into this folder.")
@click.option("--split", is_flag=True, help="LEMS: types, network and simulation in a file each.")
@click.option("--strict", is_flag=True, help="Write nothing where the format cannot hold all.")
@options.include
def render(
    file: str,
    *,
    to: str,
    output: Path | None,
    folder: Path | None,
    split: bool,
    strict: bool,
    include: tuple[Path, ...],
) -> None:
    """Show the experiment in FILE (YAML, LEMS or NeuroML) in another format.

    What is shown is what 'tvbo-lite run' simulates. What the format cannot hold is told on stderr:
    what, where it stands, and why. Of a LEMS file that is shown as LEMS, the includes are named and not
    followed. A format of several files needs --folder.
    """
    if output is not None and folder is not None:
        raise click.UsageError("give -o OUT for one file, or --folder DIR for all files")
    chosen = {"split": True} if split else {}
    result = translated(file, to, search=include, strict=strict, **chosen)
    write(result, file, to, output=output, folder=folder)


def translated(file: str, to: str, *, search: tuple[Path, ...], strict: bool, **chosen: Any) -> Rendered:
    """FILE in another format; what is lost is told on stderr."""
    from tvbo_lite import formats
    from tvbo_lite.cli._source import is_experiment
    from tvbo_lite.losses import Losses

    formats.writer(to)  # a misspelt format is told before the file is read
    losses = Losses()
    if to == "yaml" and is_experiment(file) and not chosen:
        from tvbo_lite.experiment import SimulationExperiment

        return SimulationExperiment.from_file(file).to_yaml()
    model = _model(file, search, linked=bool(chosen.get("split")) or formats.FORMATS[to].linked)
    result = formats.render(model, to, losses=losses, strict=strict, search=search, **chosen)
    for loss in losses:
        click.echo(f"lost: {loss}", err=True)
    return result


def write(result: Rendered, file: str, to: str, *, output: Path | None, folder: Path | None) -> None:
    """To stdout, to the file, or into the folder, where a single text is named after FILE."""
    from tvbo_lite.atomic import write_beside
    from tvbo_lite.formats import FORMATS
    from tvbo_lite.formats.files import Files, write_files

    name = Path(file).stem + FORMATS[to].suffix

    if folder is not None:
        files = Files(name, {name: result}) if isinstance(result, str) else result
        for path in write_files(folder, files):
            click.echo(f"wrote {path}", err=True)
    elif not isinstance(result, str):
        raise click.UsageError(f"these are {len(result)} files, so give --folder DIR: {', '.join(result)}")
    elif output is None or str(output) == "-":
        click.echo(result, nl=False)
    else:
        write_beside(output, result.encode())
        click.echo(f"wrote {output}", err=True)


def _model(file: str, search: tuple[Path, ...], *, linked: bool) -> Model:
    """The model in FILE; ``linked`` with all that it includes."""
    from tvbo_lite.cli._source import is_experiment, read_model

    if linked:
        return read_model(file, search)[0]
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
