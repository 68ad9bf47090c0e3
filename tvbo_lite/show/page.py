"""Tables and pictures as one piece of HTML; every text is escaped by the template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from tvbo_lite.formats._jinja import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST_ROWS", "Section", "cut", "page", "picture", "table"]

MOST_ROWS = 40  # of a table
MOST_LETTERS = 200  # of a cell
TOO_LARGE = 150_000  # bytes of a picture, of which a notebook keeps each


@dataclass(frozen=True, slots=True)
class Section:
    """A table, a picture (``svg`` is markup and is not escaped) or a text, which can be folded."""

    title: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    words: int = 1  # columns that are aligned to the left
    more: str = ""
    svg: str = ""
    text: str = ""
    open: bool = True


def page(
    title: str, sections: Iterable[Section], *, text: str = "", facts: Sequence[tuple[str, str]] = ()
) -> str:
    """The HTML of a thing; ``facts`` are short ones that stand in a line below its title."""
    values = {"title": cut(title), "text": cut(text, 2000), "facts": facts, "sections": list(sections)}
    return render("show.html.j2", values)


def table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    count: int | None = None,
    words: int = 1,
    shown: bool = True,
) -> Section:
    """A table with at most `MOST_ROWS` rows; ``count`` is how many there are, where not all are given."""
    if count is None:
        rows = list(rows)
        count = len(rows)
    cells = tuple(tuple(cut(str(cell)) for cell in row) for row in islice(rows, MOST_ROWS))
    more = f"and {count - len(cells):,} more" if count > len(cells) else ""
    return Section(title, tuple(header), cells, words, more, open=shown)


def picture(title: str, draw: Callable[[], Figure], *, shown: bool = True) -> Section:
    """What ``draw`` draws, as SVG; a picture that would be too large says so instead."""
    from tvbo_lite.plotting._figure import unseen
    from tvbo_lite.plotting.inline import inline_svg

    with unseen():
        svg = inline_svg(draw(), title)
    if len(svg) > TOO_LARGE:
        return Section(title, text="too large to be shown here; a file holds it", open=shown)
    return Section(title, svg=svg, open=shown)


def cut(text: str, most: int = MOST_LETTERS) -> str:
    """A text without its end where it is very long."""
    return text if len(text) <= most else f"{text[:most]}…"
