"""``tvbo-lite convert``."""

from __future__ import annotations

from pathlib import Path

import click

from tvbo_lite.cli import _options as options

EXAMPLE = """\b
Examples:
  tvbo-lite convert experiment.yaml LEMS_experiment.xml
  tvbo-lite convert LEMS_NML2_Ex5_DetCell.xml hh.yaml
  tvbo-lite convert experiment.yaml izhikevich/ --to neuroml
  tvbo-lite convert experiment.yaml hh.py --to brian2
  tvbo-lite convert network.yaml network.net.nml.h5
"""


@click.command(epilog=EXAMPLE)
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=Path)
@click.option("--to", "to", metavar="FORMAT", help="The format; by default the one OUT's ending names.")
@click.option("--strict", is_flag=True, help="Write nothing where the format cannot hold all.")
@options.include
def convert(source: str, target: Path, *, to: str | None, strict: bool, include: tuple[Path, ...]) -> None:
    """Write the experiment in IN (YAML, LEMS or NeuroML) to OUT in another format.

    OUT is a file, or a folder where the format has several files. What the format cannot hold is told on
    stderr. 'tvbo-lite formats' lists the formats.
    """
    from tvbo_lite.cli.render import translated, write
    from tvbo_lite.formats import Files, format_of

    name = to or format_of(target)
    result = translated(source, name, search=include, strict=strict)
    if isinstance(result, Files) or target.is_dir():
        write(result, source, name, output=None, folder=target)
    else:
        write(result, source, name, output=target, folder=None)
