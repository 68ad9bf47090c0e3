"""All pages of the gallery."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cache
import example_page
import examples
import pictures
import references

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from examples import Example
    from references import Reference

log = logging.getLogger("mkdocs.plugins.gallery")

AT_ONCE = 2  # runs of jLEMS
CARD = "card"  # the entry of the overview, among the files of an example
OVERVIEW = """\
---
hide: [toc]
---

# Gallery

Every example of the folder `reference_examples`: the 31 canonical examples of NeuroML, written as
[experiments in YAML](../dialect.md), and networks and mean fields of papers. Each page was made by running
its example, here and, where LEMS can hold it, in the reference interpreter jLEMS; pictures and errors are of
these runs.
"""


def navigation() -> list[dict[str, Any]]:
    """A section for each topic, with the pages of its examples."""
    return [{topic: [f"gallery/{name}.md" for name in names]} for topic, names in examples.TOPICS.items()]


def pages(kept: Path) -> dict[str, str | bytes]:
    """The overview, and page and pictures of each example, by path in the site; ``kept``: the cache."""
    places = {example.name: _place(kept, example) for example in examples.examples()}
    entries: dict[str, str] = {}
    files: dict[str, str | bytes] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            example.name: pool.submit(references.reference, example)
            for example in examples.examples()
            if not places[example.name].is_dir()
        }
        for example in examples.examples():
            name = example.name
            contents = cache.read(places[name]) or _made(example, runs.pop(name), places[name])
            entries[name] = contents.pop(CARD).decode()
            files |= {f"gallery/{file}": content for file, content in contents.items()}
    files["gallery/index.md"] = overview(entries)
    return files


def overview(entries: dict[str, str]) -> str:
    """The entries of all examples, topic by topic."""
    parts = [OVERVIEW]
    for topic, names in examples.TOPICS.items():
        cards = "\n\n".join(entries[name] for name in names)
        parts.append(f'## {topic}\n\n<div class="gallery" markdown>\n\n{cards}\n\n</div>\n')
    return "\n".join(parts)


def _place(kept: Path, example: Example) -> Path:
    modules = (example_page, examples, pictures, references)
    return cache.place(kept, example.name, *modules, *sorted(example.folder.iterdir()))


def _made(example: Example, run: Future[Reference], place: Path) -> cache.Contents:
    """The files of an example, made; kept unless another machine would make more of them."""
    log.info("Gallery: %s", example.name)
    behind = run.result()
    page = example_page.made(example, behind)
    name = example.name
    small = f"![]({name}.small.png){{ loading=lazy }}"
    card = f"[{small} **{example.title}** <small>{page.verdict}</small>]({name}.md)"
    text = "\n\n".join(page.parts) + "\n"
    contents = {f"{name}.md": text.encode(), CARD: card.encode(), **page.files}
    if behind.settled:
        cache.write(place, contents)
    return contents
