"""Options that several subcommands have."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["fast", "include", "plot", "threads", "timeout"]

include = click.option(
    "-I",
    "--include",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder in which includes are looked for; may be given several times.",
)
plot = click.option(
    "--plot", metavar="FILE", type=Path, help="Draw the displays into a .png, .pdf, .svg, .jpg or .webp file."
)
fast = click.option("--fast", is_flag=True, help="Trade the last bits for speed (native backend).")
threads = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Threads that share the work of a large network (native backend); they change no result.",
)
timeout = click.option(
    "--timeout",
    metavar="S",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop a run after S seconds (by default 600 for other backends than native).",
)
