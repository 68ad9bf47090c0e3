"""A comparison of two runs: a row for each trace and event file, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tvbo_lite.show.words import duration

if TYPE_CHECKING:
    from tvbo_lite.comparison import Comparison, EventComparison, TraceComparison

__all__ = ["HEADER", "comparison_html", "rows", "verdict"]

HEADER = (
    "trace",
    "max error",
    "RMSE",
    "RMSE/range",
    "correlation",
    "differing",
    "spikes",
    "shift",
    "verdict",
)


def comparison_html(comparison: Comparison) -> str:
    """A comparison as HTML; of very many traces those that fail first."""
    from tvbo_lite.show.page import MOST_ROWS, Section, page, table

    found = list(rows(comparison))
    if len(found) > MOST_ROWS:
        found.sort(key=lambda row: ("FAIL", "ok", "identical").index(row[-1]))
    sections = [table("Traces", HEADER, found)]
    for title, names in (("Only in the reference", comparison.missing), ("Not in it", comparison.extra)):
        if names:
            sections.append(table(title, ("trace",), [(name,) for name in names]))
    different = [(item.name, item.first) for item in comparison.events if not item.identical]
    if different:
        sections.append(table("Events that differ", ("file", "first"), different, words=2))
    if not found:
        sections = [Section("Traces", text="there is nothing that both sides have"), *sections[1:]]
    return page(
        "Comparison: " + ("passed" if comparison.ok else "failed"), sections, text=verdict(comparison)
    )


def rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """The cells of `HEADER` for each trace, then for each event file."""
    yield from map(_row, comparison)
    yield from map(_event_row, comparison.events)


def verdict(comparison: Comparison) -> str:
    """How many traces and event files pass, in a sentence."""
    failed = len(comparison.missing) + sum(not trace.ok for trace in comparison)
    total = len(comparison) + len(comparison.missing)
    same = sum(trace.identical for trace in comparison)
    text = f"{total - failed} of {total} traces pass, {same} of them identical as float32"
    if comparison.events:
        passed = sum(item.ok for item in comparison.events)
        text += f"; {passed} of {len(comparison.events)} event files pass"
    return text


def _event_row(item: EventComparison) -> tuple[str, ...]:
    """An event file in the table of traces: its lines are its spikes."""
    total = max(item.n_reference, item.n_ours)
    return (
        f"events {item.name}",
        *["-"] * 4,
        f"{item.n_different} / {total}",
        f"{item.n_reference} / {item.n_ours}",
        "-" if item.max_shift is None else duration(item.max_shift),
        "identical" if item.identical else ("ok" if item.ok else "FAIL"),
    )


def _row(trace: TraceComparison) -> tuple[str, ...]:
    spikes = shift = "-"
    if trace.threshold is not None:
        spikes = f"{len(trace.reference_spikes)} / {len(trace.our_spikes)}"
        shift = "-" if trace.max_spike_shift is None else duration(trace.max_spike_shift)
    return (
        trace.name,
        f"{trace.max_error:.3g}",
        f"{trace.rmse:.3g}",
        f"{trace.nrmse:.3g}",
        f"{trace.correlation:.9g}",
        f"{trace.n_different} / {trace.n_values}",
        spikes,
        shift,
        "identical" if trace.identical else ("ok" if trace.ok else "FAIL"),
    )
