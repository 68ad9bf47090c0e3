"""``tvbo-lite render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    from tvbo_lite.formats import Rendered
    from tvbo_lite.lems.model import Model
    from tvbo_lite.losses import Losses

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
    from tvbo_lite import formats
    from tvbo_lite.cli._source import is_experiment
    from tvbo_lite.losses import Losses

    if output is not None and folder is not None:
        raise click.UsageError("give -o OUT for one file, or --folder DIR for all files")
    formats.writer(to)  # a misspelt format is told before the file is read
    chosen: dict[str, Any] = {"split": True} if split else {}
    losses = Losses()
    if to == "yaml" and is_experiment(file) and not chosen:
        from tvbo_lite.experiment import SimulationExperiment

        result: Rendered = SimulationExperiment.from_file(file).to_yaml()
    else:
        model = _model(file, include, linked=split or formats.FORMATS[to].linked)
        result = formats.render(model, to, losses=losses, strict=strict, search=include, **chosen)
    _tell(losses)
    _write(result, Path(file).stem + formats.FORMATS[to].suffix, output, folder)


def _tell(losses: Losses) -> None:
    for loss in losses:
        click.echo(f"lost: {loss}", err=True)


def _write(result: Rendered, name: str, output: Path | None, folder: Path | None) -> None:
    """To stdout, to the file, or into the folder; ``name`` is that of a single text there."""
    from tvbo_lite.formats.files import Files, write_beside, write_files

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
