"""The components of a model as an indented tree: what is made of what, and what refers to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tvbo_lite.plotting._figure import COLORS, canvas, text_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tvbo_lite.transforms.component_tree import Row

__all__ = ["plot_component_tree"]

HIGH, INDENT = 15.0, 16.0  # of a row, of a level; points
NAME, SMALL = 9.0, 7.5  # sizes of letters, points
LONG = 90  # letters of all quantities of a row
GREY = "0.5"


def plot_component_tree(rows: Sequence[Row], *, title: str = "") -> Figure:
    """Draw the rows of `tvbo_lite.transforms.component_tree.component_tree`, one below the other.

    A name is followed by the component type and by what is written of its quantities; an arrow stands before
    a component that the one above refers to. Raises `ValueError` where there are none.
    """
    if not rows:
        raise ValueError("there are no components to draw")
    right = max(sum(width for _, width in _texts(row)) + row.depth * INDENT for row in rows)
    figure, axes = canvas((0.0, right, -HIGH * (len(rows) - 0.5), HIGH * 0.5), title)
    last: dict[int, int] = {}  # the latest row of each depth
    for number, row in enumerate(rows):
        y = -HIGH * number
        if row.depth:
            _branch(axes, row, last[row.depth - 1], number)
        last[row.depth] = number
        x = row.depth * INDENT
        for (text, style), width in _texts(row):
            axes.text(x, y, text, ha="left", va="center", parse_math=False, **style)
            x += width
    return figure


def _texts(row: Row) -> list[tuple[tuple[str, dict[str, Any]], float]]:
    """The texts of a row with their styles, each with its width."""
    name: dict[str, Any] = {"size": NAME} if row.type else {"size": SMALL, "color": GREY}
    parts: list[tuple[str, dict[str, Any]]] = [(row.name, name)]
    if row.type:
        parts.append((row.type, {"size": SMALL, "color": COLORS[0]}))
    values = ", ".join(f"{key} {value}" for key, value in row.quantities)
    if row.repeated:
        values = "see above"
    if values:
        shown = values if len(values) <= LONG else values[: LONG - 1] + "…"
        parts.append((shown, {"size": SMALL, "color": GREY}))
    return [
        ((text, style), text_size(text, float(str(style["size"])))[0] * 1.03 + 8.0) for text, style in parts
    ]


def _branch(axes: Axes, row: Row, parent: int, number: int) -> None:
    """The line from the parent's row to this one; with a tip where it is a reference."""
    x = (row.depth - 1) * INDENT + 5.0
    y = -HIGH * number
    axes.plot([x, x, x + 7.0], [-HIGH * (parent + 0.5), y, y], color=GREY, linewidth=0.7)
    if row.referred:
        axes.plot([x + 7.0], [y], ">", color=GREY, markersize=3.5, markeredgewidth=0)
