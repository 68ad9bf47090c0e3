"""What is lost on the way from each reference example to each format, found by translating all of them."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from pathlib import Path

import cache
import example_page
import examples

from tvbo_lite.errors import TvboLiteError
from tvbo_lite.formats import FORMATS
from tvbo_lite.losses import Losses

log = logging.getLogger("mkdocs.plugins.gallery")

PAGE = "reference/losses.md"
ABOUT = """\
---
hide: [toc]
---

# What is lost on the way

What a format cannot hold is told when it is written ([how](../formats.md#what-is-lost-is-told)). When this
page was made, every [reference example](../gallery/index.md) was translated into every format, and what was
told was counted. A check mark is a translation without loss; a number is that of the things lost, for the
reasons below; a cross is a refusal. Of the two large networks a version of a few cells was taken.
"""
FREE, REFUSED = "✓", "✗"


def page(kept: Path) -> str:
    """The page in Markdown; ``kept``: the cache."""
    texts = [example.text for example in examples.examples()]
    place = cache.place(kept, "losses", Path(__file__), examples, example_page, *texts)
    contents = cache.read(place)
    if contents is None:
        log.info("Translating all examples into all formats")
        contents = {"page": _made().encode()}
        cache.write(place, contents)
    return contents["page"].decode()


def _made() -> str:
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    rows = []
    for example in examples.examples():
        experiment, _ = example_page.few_cells(example)
        cells = [f"[{example.title}](../gallery/{example.name}.md)"]
        for name in FORMATS:
            losses = Losses()
            try:
                experiment.render(name, losses=losses)
            except TvboLiteError as error:
                cells.append(REFUSED)
                reasons[name]["refused: " + str(error).splitlines()[0].partition(": ")[2]] += 1
            else:
                cells.append(str(len(losses)) if losses else FREE)
            reasons[name].update(loss.reason for loss in losses)
        rows.append(cells)
    return "\n".join([ABOUT, _table(rows), "", *_reasons(reasons)]) + "\n"


def _table(rows: list[list[str]]) -> str:
    header = ["", *(f"`{name}`" for name in FORMATS)]
    lines = [header, ["---", *[":---:"] * len(FORMATS)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _reasons(reasons: dict[str, Counter[str]]) -> list[str]:
    parts = ["## The reasons", "", "As the programs tell them, and how often."]
    for name, item in FORMATS.items():
        parts += ["", f"**{item.description}** (`{name}`; cannot hold: {item.lost})", ""]
        parts += [f"* {count} ×: {_plain(reason)}" for reason, count in reasons[name].most_common()]
        if not reasons[name]:
            parts.append("* nothing was lost")
    return parts


def _plain(text: str) -> str:
    """Text without what Markdown would take for marks."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
