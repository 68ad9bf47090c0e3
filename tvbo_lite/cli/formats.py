"""``tvbo-lite formats``."""

from __future__ import annotations

import click

EXAMPLE = """\b
Example:
  tvbo-lite formats
"""
HEADER = ("format", "what", "read", "written", "what it cannot hold")


@click.command(name="formats", epilog=EXAMPLE)
def formats() -> None:
    """List the formats: what is read, what is written, and what each cannot hold."""
    from tvbo_lite.cli._console import table
    from tvbo_lite.formats import FORMATS

    rows = []
    for name, item in FORMATS.items():
        read, written = ("yes" if one else "" for one in (item.reader, item.writer))
        rows.append((name, item.description, read, written, item.lost))
    table(HEADER, rows, words=len(HEADER))
