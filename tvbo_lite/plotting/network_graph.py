"""A network as a graph: populations as boxes, projections and inputs as arrows; a large one as a matrix."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tvbo_lite.plotting._figure import COLORS, canvas, panels, text_size
from tvbo_lite.plotting.graph_layout import Box, around, bounds, crossing, curve, label_place, loop, ring

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from tvbo_lite.transforms.summary import Connected, Network, Population

__all__ = ["plot_network_graph"]

MOST_BOXES = 12  # populations in a graph; more are drawn as a matrix
MOST_ARROWS = 25  # in a graph
MOST_NAMES = 60  # populations that a matrix names
MOST_LINES = 4  # of a label
LONG = 28  # letters of a name
CROWD = 12.0  # points by which a graph grows for each arrow beyond one a population
ROOM = 46.0  # between a population and its inputs, points
NAME, SMALL = 10.0, 8.0  # sizes of letters, points
BENDS = (0.0, 0.14, -0.14, 0.3, -0.3)  # tried one after the other until no box is in the way
GREY = "0.5"


@dataclass(slots=True)
class _Arrow:
    """All connections from one place to another: ``lines`` say what they use, and how many there are."""

    source: str
    target: str
    lines: list[str]
    color: str = GREY
    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))


def plot_network_graph(network: Network, *, title: str = "") -> Figure:
    """Draw populations with their sizes, projections with synapse and number, and inputs.

    Of more than twelve populations or 25 arrows, a matrix is drawn: how many connections there are from each
    to each.
    ``network`` is one of those of `tvbo_lite.transforms.summary.summary`. Raises `ValueError` for a network
    without populations.
    """
    if not network.populations:
        raise ValueError(f"network '{network.id}' has no populations to draw")
    colors = {item.id: COLORS[k % len(COLORS)] for k, item in enumerate(network.populations)}
    arrows = _together(network, network.connections, colors)
    if len(network.populations) > MOST_BOXES or len(arrows) > MOST_ARROWS:
        return _matrix(network, title)
    boxes = _populations(network.populations, arrows)
    inputs = _inputs(network, boxes)
    _route(arrows, boxes)
    for arrow in inputs:
        arrow.points = curve(boxes[arrow.source], boxes[arrow.target], 0.0)
    labels = _labels(arrows, [*arrows, *inputs], boxes)
    every = [*boxes.values(), *labels]
    figure, axes = canvas(bounds(every, [arrow.points for arrow in (*arrows, *inputs)]), title)
    for arrow in (*arrows, *inputs):
        _draw_arrow(axes, arrow)
    for arrow, place in zip(arrows, labels, strict=True):
        text = "\n".join(arrow.lines)
        axes.text(
            place.x, place.y, text, size=SMALL, color=arrow.color, ha="center", va="center", parse_math=False
        )
    for item in network.populations:
        _draw_population(axes, item, boxes[item.id], colors[item.id])
    for arrow in inputs:
        _draw_input(axes, arrow, boxes[arrow.source])
    return figure


# ---- what is drawn ---------------------------------------------------------------------------------


def _place(name: str, network: Network) -> str:
    """The population that a path leads to; empty where it leads to none."""
    known = {item.id for item in network.populations}
    return next((part for part in re.split(r"[/\[\]]", name) if part in known), "")


def _together(network: Network, items: Iterable[Connected], colors: dict[str, str]) -> list[_Arrow]:
    """One arrow for all that runs between the same populations."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for item in items:
        ends = _place(item.source, network), _place(item.target, network)
        if all(ends):
            mine = counts.setdefault(ends, {})
            uses = item.uses or item.type
            mine[uses] = mine.get(uses, 0) + item.count
    return [
        _Arrow(*ends, _lines(f"{_short(uses)} × {count:,}" for uses, count in mine.items()), colors[ends[0]])
        for ends, mine in counts.items()
    ]


def _lines(texts: Iterable[str]) -> list[str]:
    found = list(texts)
    more = len(found) - MOST_LINES
    return found if more <= 0 else [*found[: MOST_LINES - 1], f"and {more + 1} more"]


def _short(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG // 2]}…{name[-LONG // 2 + 1 :]}"


def _populations(items: Sequence[Population], arrows: Sequence[_Arrow]) -> dict[str, Box]:
    sizes = []
    for item in items:
        (wide, high), (below, low) = text_size(_short(item.id), NAME), text_size(_kind(item), SMALL)
        sizes.append((max(wide, below) + 22.0, high + low + 18.0))
    between = [text_size("\n".join(arrow.lines), SMALL) for arrow in arrows if arrow.source != arrow.target]
    wide, high = (max(lengths) for lengths in zip(*between, strict=True)) if between else (0.0, 0.0)
    crowd = CROWD * max(0, len(between) - len(items))
    boxes = ring(sizes, max(wide + 40.0, 90.0) + crowd, max(high + 50.0, 70.0) + crowd)
    return dict(zip([item.id for item in items], boxes, strict=True))


def _kind(item: Population) -> str:
    return f"{item.size:,} × {_short(item.component)}" if item.component else f"{item.size:,}"


def _inputs(network: Network, boxes: dict[str, Box]) -> list[_Arrow]:
    """An arrow for each input component of each population; its box is added at the outer side."""
    found: list[_Arrow] = []
    for target, box in list(boxes.items()):
        counts: dict[str, int] = {}
        for item in network.inputs:
            if _place(item.target, network) == target:
                counts[item.uses or item.type] = counts.get(item.uses or item.type, 0) + item.count
        texts = _lines(f"{_short(uses)} × {n:,}" if n > 1 else _short(uses) for uses, n in counts.items())
        sizes = [(wide + 12.0, high + 8.0) for wide, high in (text_size(text, SMALL) for text in texts)]
        places = around(box, sizes, 1.0 if box.x > 0 else -1.0, ROOM)
        for number, (text, place) in enumerate(zip(texts, places, strict=True)):
            name = f"{target} input {number}"
            boxes[name] = place
            found.append(_Arrow(name, target, [text]))
    return found


def _route(arrows: Sequence[_Arrow], boxes: dict[str, Box]) -> None:
    """Give each arrow its curve; two that go to and fro are bent apart, others only around a box."""
    pairs = {(arrow.source, arrow.target) for arrow in arrows}
    for arrow in arrows:
        source, target = boxes[arrow.source], boxes[arrow.target]
        if arrow.source == arrow.target:
            arrow.points = loop(source, 1.0 if source.y >= 0 else -1.0)
            continue
        others = [box for name, box in boxes.items() if name not in {arrow.source, arrow.target}]
        bends = [0.14, 0.3, 0.05] if (arrow.target, arrow.source) in pairs else list(BENDS)
        curves = [curve(source, target, bend) for bend in bends]
        arrow.points = next((one for one in curves if not crossing(one, others)), curves[0])


def _labels(arrows: Sequence[_Arrow], every: Sequence[_Arrow], boxes: dict[str, Box]) -> list[Box]:
    taken = list(boxes.values())
    found = []
    for arrow in arrows:
        curves = [other.points for other in every]
        found.append(label_place(arrow.points, text_size("\n".join(arrow.lines), SMALL), taken, curves))
        taken.append(found[-1])
    return found


# ---- drawing ---------------------------------------------------------------------------------------


def _draw_arrow(axes: Axes, arrow: _Arrow) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    axes.add_patch(
        FancyArrowPatch(
            path=Path(arrow.points), arrowstyle="-|>,head_length=5,head_width=2.6", color=arrow.color,
            linewidth=1.3, mutation_scale=1.0, capstyle="butt", joinstyle="miter",
        )
    )  # fmt: skip


def _draw_population(axes: Axes, item: Population, box: Box, color: str) -> None:
    _draw_box(axes, box, color, radius=7.0)
    low = text_size(_kind(item), SMALL)[1]
    axes.text(
        box.x, box.y + low / 2 + 1.0, _short(item.id), size=NAME, ha="center", va="center", parse_math=False
    )
    axes.text(
        box.x, box.y - 8.0, _kind(item), size=SMALL, color=GREY, ha="center", va="center", parse_math=False
    )


def _draw_input(axes: Axes, arrow: _Arrow, box: Box) -> None:
    _draw_box(axes, box, GREY, radius=2.0)
    axes.text(
        box.x, box.y, arrow.lines[0], size=SMALL, color=GREY, ha="center", va="center", parse_math=False
    )


def _draw_box(axes: Axes, box: Box, color: str, radius: float) -> None:
    """A rounded box with a light tint, which shows on white and on black."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    corner = (box.x - box.width / 2, box.y - box.height / 2)
    axes.add_patch(
        FancyBboxPatch(
            corner, box.width, box.height, boxstyle=f"round,pad=0,rounding_size={radius}",
            facecolor=to_rgba(color, 0.12), edgecolor=color, linewidth=1.2,
        )
    )  # fmt: skip


def _matrix(network: Network, title: str) -> Figure:
    """The number of connections from each population (column) to each (row)."""
    from matplotlib.colors import LogNorm

    names = [item.id for item in network.populations]
    places = {name: k for k, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    for item in network.connections:
        ends = _place(item.source, network), _place(item.target, network)
        if all(ends):
            counts[places[ends[1]], places[ends[0]]] += item.count
    side = float(np.clip(0.16 * len(names), 4.0, 9.0))
    figure, (axes,) = panels(1, title=title, size=(side + 2.0, side + 0.6))
    axes.grid(visible=False)
    shown = np.ma.masked_equal(counts, 0)
    norm = LogNorm(1, max(float(counts.max()), 10.0))
    image = axes.imshow(shown, cmap="viridis", norm=norm, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="connections", shrink=0.8)
    if len(names) <= MOST_NAMES:
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("from population")
    axes.set_ylabel("to population")
    return figure
