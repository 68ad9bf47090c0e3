"""``tvbo-lite schema``."""

from __future__ import annotations

from pathlib import Path

import click

EXAMPLE = """\b
Example: let an editor complete and check experiments
  tvbo-lite schema --write experiment.schema.json
  # then, as the first line of experiment.yaml:
  # yaml-language-server: $schema=experiment.schema.json
"""


@click.command(epilog=EXAMPLE)
@click.option("--write", metavar="FILE", type=Path, help="Write to this file instead of stdout.")
def schema(*, write: Path | None) -> None:
    """Show the JSON Schema of YAML experiments, for editors and other programs."""
    from tvbo_lite.resources import folder

    text = (folder("schemas") / "experiment.schema.json").read_text(encoding="utf-8")
    if write is None:
        click.echo(text, nl=False)
        return
    from tvbo_lite.atomic import write_beside

    write_beside(write, text.encode())
    click.echo(f"wrote {write}", err=True)
