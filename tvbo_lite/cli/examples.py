"""``tvbo-lite examples``."""

from __future__ import annotations

import re
from pathlib import Path

import click

EXAMPLE = """\b
Examples:
  tvbo-lite examples
  tvbo-lite examples --extract neuroml2
"""
_TITLE = re.compile(r'<Display\b[^>]*?\btitle="([^"]*)"')


@click.command(epilog=EXAMPLE)
@click.option("--extract", metavar="DIR", type=Path, help="Write them, with what they include, below DIR.")
def examples(*, extract: Path | None) -> None:
    """List the canonical NeuroML2 examples; each can be run by its name.

    They come from the installed pyneuroml package.
    """
    from tvbo_lite.formats.neuroml import jar

    if extract is not None:
        written = jar.extract_examples(extract)
        folders = {path.relative_to(extract).parts[0] for path in written}
        places = " and ".join(str(extract / name) for name in sorted(folders))
        click.echo(f"wrote {len(written)} files below {places}")
        return
    names = jar.example_names()
    width = max(map(len, names))
    for name in names:
        click.echo(f"{name:{width}}  {_title(jar.example_file(jar.find_example(name)))}".rstrip())


def _title(document: bytes) -> str:
    """The title of the first display, which names the example."""
    import html

    found = _TITLE.search(document.decode("utf-8", "replace"))
    return html.unescape(found[1]).strip() if found else ""
