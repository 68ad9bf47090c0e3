"""The picture of a run for the page of an example, and a small one for the overview."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from tvbo_lite.plotting.lems import plot_displays

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from references import Reference

    from tvbo_lite.results import ExperimentResult

DPI = 110
BINS = 5e-3  # s, of rates
SMALL = (2.6, 1.5)  # inches
SMALL_DPI = 200


def picture(result: ExperimentResult, reference: Reference, title: str) -> Figure:
    """The activity of a network whose spikes were recorded; else the displays, the reference behind ours."""
    recording = result.recording
    if not recording.plan.displays and result.events:
        return result.plot_network(title=title, width=BINS)
    return plot_displays(recording, reference.recording if reference.recording else reference.tables)


def small(figure: Figure) -> Figure:
    """The same figure with its first panel alone, without words: of a network its spikes."""
    first, *others = figure.axes
    for axes in others:
        axes.remove()
    if first.get_legend():
        first.get_legend().remove()
    first.set_title("", loc="left")
    first.set_axis_off()
    figure.suptitle("")
    figure.set_layout_engine("none")
    first.set_position((0.02, 0.04, 0.96, 0.92))
    figure.set_size_inches(SMALL)
    return figure


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as a file."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=dpi)
    return content.getvalue()
