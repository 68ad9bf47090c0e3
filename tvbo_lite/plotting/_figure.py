"""What all figures share: their making, colours and sizes.

A figure is made without pyplot, which takes long to import and wants a display, unless pyplot is
loaded already or IPython runs: then it is registered there, and a notebook shows it by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# colour-blind safe: Okabe and Ito, https://jfly.uni-koeln.de/color/, without yellow; black last
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
PANEL = (7.2, 2.6)  # inches
_TICK = "$\\mathdefault{"  # how matplotlib writes powers of ten beside an axis
LONG = 34  # characters of a quantity in a legend
MAX_LEGEND = 12  # traces named in a legend
STYLE: Any = {
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "font.size": 9,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def panels(
    count: int, *, columns: int = 1, title: str = "", size: tuple[float, float] = PANEL
) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` panels of ``size`` (inches) in ``columns`` columns, filled row by row."""
    import matplotlib as mpl

    rows = -(-count // columns)
    size = (size[0] * columns, size[1] * rows + (0.3 if title else 0.0))
    with mpl.rc_context(STYLE):
        figure = _figure(figsize=size, layout="constrained", dpi=110)
        axes = [figure.add_subplot(rows, columns, k + 1) for k in range(count)]
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    return figure, axes


def canvas(edges: tuple[float, float, float, float], title: str = "") -> tuple[Figure, Axes]:
    """A figure for a drawing between left, right, bottom and top, in points; it has no axes to see."""
    import matplotlib as mpl

    left, right, bottom, top = (edge + margin for edge, margin in zip(edges, (-12, 12, -12, 12), strict=True))
    if title:
        right = max(right, left + text_size(title, 11)[0] + 24)
        top += 24
    size = ((right - left) / 72, (top - bottom) / 72)
    with mpl.rc_context(STYLE):
        figure = _figure(figsize=size, dpi=110)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    if title:
        axes.text(left + 8, top - 8, title, size=11, ha="left", va="top", parse_math=False)
    return figure, axes


def text_size(text: str, size: float) -> tuple[float, float]:
    """Width and height of a text in points, lines of it one below the other."""
    lines = text.split("\n")
    return max(map(_width, lines)) * size, 1.2 * size * len(lines)


@lru_cache(maxsize=1024)
def _width(line: str) -> float:
    """In units of the letters' size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=100)
    width, _, _ = text_to_path.get_text_width_height_descent(line, font, ismath=False)
    return float(width) / 100


def _figure(**options: Any) -> Figure:
    from matplotlib.figure import Figure

    if not _interactive():
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure = Figure(**options)
        FigureCanvasAgg(figure)
        return figure
    import matplotlib.pyplot as plt

    class ShownOnce(Figure):
        """A notebook shows open figures at the end of a cell; as the cell's value it is not shown again."""

        def _ipython_display_(self) -> None:
            if not plt.fignum_exists(self.number):
                plt.figure(self)  # closed since: opened again, so that it is shown

    return plt.figure(FigureClass=ShownOnce, **options)


@contextmanager
def unseen() -> Iterator[None]:
    """Figures made inside are parts of something else, so that neither pyplot nor a notebook knows them."""
    token = _UNSEEN.set(True)
    try:
        yield
    finally:
        _UNSEEN.reset(token)


_UNSEEN: ContextVar[bool] = ContextVar("unseen", default=False)


def _interactive() -> bool:
    """Whether pyplot is in use already, or IPython (a notebook, its shell) runs."""
    if _UNSEEN.get():
        return False
    if "matplotlib.pyplot" in sys.modules:
        return True
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython, "get_ipython", lambda: None)() is not None


def encoded(figure: Figure, form: str, *, texts: bool = False) -> bytes:
    """The figure as the content of a file: ``png``, ``pdf``, ``svg``, ``jpg`` or ``webp``.

    Without the time at which it was made, so that the same figure is the same file. With ``texts``, an SVG
    holds texts, which are drawn in the reader's font, rather than the shapes of letters.
    """
    from io import BytesIO

    import matplotlib as mpl
    from matplotlib.text import Text

    for text in figure.findobj(Text):  # a name is no formula, though it may have dollar signs
        text.set_parse_math(text.get_text().startswith(_TICK))
    content = BytesIO()
    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context({"svg.hashsalt": "tvbo_lite", "svg.fonttype": "none" if texts else "path"}):
        figure.savefig(content, format=form, metadata=dated.get(form))
    return content.getvalue()


def short_path(name: str) -> str:
    """A long path without its middle: ``pop[0]/…/naChan/m/q``."""
    if len(name) <= LONG:
        return name
    head, *rest = name.split("/")
    while len(rest) > 1 and len(head) + len("/".join(rest)) + 3 > LONG:
        rest = rest[1:]
    return "/".join([head, "…", *rest])


def legend(axes: Axes) -> None:
    """A small legend beside the panel, if anything in it has a name."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    if len(handles) > MAX_LEGEND:
        left = len(handles) - MAX_LEGEND
        handles, labels = handles[:MAX_LEGEND], labels[:MAX_LEGEND]
        labels[-1] += f"\n(and {left} more)"
    # sizes are given here since the style no longer applies
    axes.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0,
        fontsize=8, frameon=False, handlelength=2.2,
    )  # fmt: skip
