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
    help="lems, yaml, neuroml, hdf5, brian2, numpy or pyrates.",
)
@click.option("-o", "--output", metavar="OUT", type=Path, help="Write to this file instead of stdout.")
@click.option("--folder", metavar="DIR", type=Path, help="Write all files into this folder.")
@click.option("--split", is_flag=True, help="LEMS: types, network and simulation in a file each.")
@click.option("--hdf5", is_flag=True, help="NeuroML: networks in HDF5.")
@click.option("--double", is_flag=True, help="HDF5: numbers of 16 digits, not 7.")
@click.option("--strict", is_flag=True, help="Write nothing where the format cannot hold all.")
@options.include
def render(
    file: str,
    *,
    to: str,
    output: Path | None,
    folder: Path | None,
    split: bool,
    hdf5: bool,
    double: bool,
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
    flags = {"split": split, "hdf5": hdf5, "double": double}
    chosen = {name: True for name, given in flags.items() if given}
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
    from tvbo_lite.formats import FORMATS
    from tvbo_lite.formats.files import Files, write_beside, write_files

    name = Path(file).stem + FORMATS[to].suffix

    if folder is not None:
        files = result if isinstance(result, Files) else Files(name, {name: result})
        for path in write_files(folder, files):
            click.echo(f"wrote {path}", err=True)
    elif isinstance(result, Files):
        raise click.UsageError(f"these are {len(result)} files, so give --folder DIR: {', '.join(result)}")
    elif output is not None and str(output) != "-":
        write_beside(output, result)
        click.echo(f"wrote {output}", err=True)
    elif isinstance(result, str):
        click.echo(result, nl=False)
    else:
        raise click.UsageError(f"{FORMATS[to].description} is no text, so give -o OUT or --folder DIR")


def _model(file: str, search: tuple[Path, ...], *, linked: bool) -> Model:
    """The model in FILE; ``linked`` with all that it includes."""
    from tvbo_lite import formats
    from tvbo_lite.cli._source import is_lems, read_model

    if linked:
        return read_model(file, search)[0]
    if not is_lems(file):
        return formats.read(file, search=search)
    from tvbo_lite.formats.neuroml.layout import is_hdf5

    if is_hdf5(file):  # its includes are not LEMS
        from tvbo_lite.formats.lems.core import without_core

        return without_core(read_model(file, search)[0])
    from tvbo_lite.errors import Location, Problem, ReadError
    from tvbo_lite.formats.lems import sources
    from tvbo_lite.formats.lems.reader import read_string

    origin = sources.main(file)
    try:
        return read_string(origin.read().decode("utf-8-sig"), origin.name)
    except UnicodeDecodeError as error:
        raise ReadError(Problem("the file is not UTF-8 text", Location(origin.name))) from error
