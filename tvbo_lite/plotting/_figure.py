"""What all figures share: their making, colours and sizes.

A figure is made without pyplot, which takes long to import and wants a display, unless pyplot is
loaded already or IPython runs: then it is registered there, and a notebook shows it by itself.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# colour-blind safe: Okabe and Ito, https://jfly.uni-koeln.de/color/, without yellow; black last
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
PANEL = (7.2, 2.6)  # inches
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


def panels(count: int, *, columns: int = 1, title: str = "") -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` panels in ``columns`` columns, filled row by row."""
    import matplotlib as mpl

    rows = -(-count // columns)
    size = (PANEL[0] * columns, PANEL[1] * rows + (0.3 if title else 0.0))
    with mpl.rc_context(STYLE):
        figure = _figure(figsize=size, layout="constrained", dpi=110)
        axes = [figure.add_subplot(rows, columns, k + 1) for k in range(count)]
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    return figure, axes


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


def _interactive() -> bool:
    """Whether pyplot is in use already, or IPython (a notebook, its shell) runs."""
    if "matplotlib.pyplot" in sys.modules:
        return True
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython, "get_ipython", lambda: None)() is not None


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
