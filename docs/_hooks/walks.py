"""The pictures of pages that are walked through: a page shows what its commands and its code draw."""

from __future__ import annotations

import logging
import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import cache
import snippets
from matplotlib.figure import Figure
from pictures import png

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger("mkdocs.plugins.gallery")

PICTURE = re.compile(r"!\[[^\]]*\]\(([\w.-]+\.(?:png|svg))\)")


def drawn(text: str) -> list[str]:
    """The pictures beside a page in Markdown."""
    return list(dict.fromkeys(PICTURE.findall(text)))


def pictures(pages: Iterable[Path], docs: Path, kept: Path, *, java: bool) -> cache.Contents:
    """The pictures that walked pages show, by their paths in the site; ``kept``: the cache."""
    found: cache.Contents = {}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        if drawn(text):
            place = cache.place(kept, page.stem, text, "with Java" if java else "without", snippets)
            below = PurePosixPath(page.relative_to(docs).parent.as_posix())
            contents = cache.read(place) or _made(page.stem, text, place, java=java)
            found |= {str(below / name): content for name, content in contents.items()}
    return found


def _made(name: str, text: str, place: Path, *, java: bool) -> cache.Contents:
    """Run the page, and keep its pictures."""
    log.info("Running the page %s", name)
    with tempfile.TemporaryDirectory() as work:
        snippets.run_page(text, Path(work), walked=True, java=java)
        files = [Path(work, name) for name in drawn(text)]
        contents = {file.name: file.read_bytes() if file.is_file() else missing() for file in files}
    cache.write(place, contents)
    return contents


def missing() -> bytes:
    """What stands in the place of a picture that only a machine with Java can draw."""
    figure = Figure(figsize=(6.4, 0.6))
    figure.text(0.01, 0.4, "This picture was not drawn: there was no Java when this page was made.")
    return png(figure)
