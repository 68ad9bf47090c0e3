"""The pictures of pages that are walked through: a page shows what its commands and its code draw."""

from __future__ import annotations

import logging
import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import cache
import snippets

from tvbo_lite.resources import folder

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
    """Run the page, and keep its pictures; without Java some may be missing."""
    log.info("Running the page %s", name)
    with tempfile.TemporaryDirectory() as work:
        snippets.run_page(text, prepared(Path(work)), walked=True, java=java)
        files = [Path(work, name) for name in drawn(text)]
        contents = {file.name: file.read_bytes() for file in files if file.is_file()}
    cache.write(place, contents)
    return contents


def prepared(work: Path) -> Path:
    """A folder in which a page is run: the root of a checkout, as far as pages see it."""
    (work / "reference_examples").symlink_to(folder("reference_examples"))
    return work
