"""Traces against time: one panel for each unit of a result, one for each file of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tvbo_lite.plotting._figure import COLORS, legend, panels, short_path
from tvbo_lite.units import convert, factor, label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from xarray import DataArray

    from tvbo_lite.lems.recording import Recording

__all__ = ["plot_comparison", "plot_data", "plot_recording"]

PREFIXES = ((1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"))
SIMPLE = {"V", "A", "S", "F", "s", "C", "m", "ohm"}  # SI units that take a prefix in a figure


def plot_data(data: DataArray, names: Sequence[str] = (), *, title: str = "") -> Figure:
    """Draw the traces of a result's ``DataArray``; a panel for each unit, in order of appearance.

    A trace without a known unit has a panel for each name of its variable. Raises `KeyError` for a
    name that is not in the data.
    """
    groups = grouped(data, names)
    every = [str(name) for name in data[data.dims[1]].values]
    time, time_label = time_axis(data)
    figure, axes = panels(max(1, len(groups)), title=title or ("" if data.name is None else str(data.name)))
    for panel, group in zip(axes, groups, strict=False):
        for place, k in enumerate(group.columns):
            color = COLORS[place % len(COLORS)]
            panel.plot(time, data.values[:, k] / group.scale, label=short_path(every[k]), color=color)
        panel.set_ylabel(group.label)
        legend(panel)
    axes[-1].set_xlabel(time_label)
    return figure


class Group(NamedTuple):
    """Traces that stand in one panel: their columns, the divisor of their values, the label of the axis."""

    columns: list[int]
    scale: float
    label: str


def grouped(data: DataArray, names: Sequence[str] = ()) -> list[Group]:
    """The traces of a result by unit, those without a known one by variable; all of them, or those named.

    Raises `KeyError` for a name that is not in the data.
    """
    every = [str(name) for name in data[data.dims[1]].values]
    known, wanted = set(every), set(names)
    for name in names:
        if name not in known:
            raise KeyError(name)
    groups: dict[tuple[str, str], list[int]] = {}
    for k, name in enumerate(every):
        if not names or name in wanted:
            unit = str(data.units.values[k])
            variable = "" if unit else name.rsplit("/", 1)[-1]
            groups.setdefault((unit, variable), []).append(k)
    found = []
    for (unit, variable), columns in groups.items():
        scale, symbol = readable(data.values[:, columns], unit)
        found.append(Group(columns, scale, variable or _quantity(every, columns, symbol)))
    return found


def time_axis(data: DataArray, unit: str | None = None) -> tuple[NDArray[np.float64], str]:
    """The times of a result in a handy unit, or in ``unit``, and the label of their axis."""
    own = str(data.time.attrs.get("units", "s"))
    if unit is not None:
        return convert(data.time.values, own, unit), f"time [{label(unit)}]"
    return _time(data.time.values, own)


def plot_recording(recording: Recording, *, title: str = "") -> Figure:
    """Draw a recording: one panel for each output file of its plan, or one with all of its traces."""
    files = {file.path: [column.quantity for column in file.columns] for file in recording.plan.files}
    groups = files or {"": list(recording.quantities)}
    time, time_label = _time(recording.time, "s")
    figure, axes = panels(len(groups), title=title)
    for panel, (path, names) in zip(axes, groups.items(), strict=True):
        for place, name in enumerate(names):
            panel.plot(time, recording.trace(name), label=name, color=COLORS[place % len(COLORS)])
        panel.set_title(path, loc="left", fontsize=10)
        panel.set_ylabel("SI units")
        legend(panel)
    axes[-1].set_xlabel(time_label)
    return figure


def plot_comparison(  # noqa: PLR0917 -- the order of arguments that TVBO scripts use
    ref_data: NDArray[np.float64],
    our_data: NDArray[np.float64],
    ref_cols: Sequence[str],
    our_cols: Sequence[str],
    title: str = "",
    time_scale: float = 1.0,
    time_unit: str = "s",
) -> Figure:
    """Draw each column that both tables have: the reference solid, ours dashed.

    Column 0 of both tables is the time, multiplied by ``time_scale`` to be in ``time_unit``.
    Raises `ValueError` if no column is common.
    """
    names = [name for name in list(ref_cols)[1:] if name in list(our_cols)[1:]]
    if not names:
        raise ValueError(f"no common column: {', '.join(ref_cols)} and {', '.join(our_cols)}")
    figure, axes = panels(len(names), title=title)
    for panel, name in zip(axes, names, strict=True):
        for data, columns, style, color, side in (
            (ref_data, ref_cols, "-", COLORS[0], "reference"),
            (our_data, our_cols, "--", COLORS[1], "tvbo_lite"),
        ):
            values = data[:, list(columns).index(name)]
            panel.plot(data[:, 0] * time_scale, values, style, color=color, label=side)
        panel.set_ylabel(name)
        legend(panel)
    axes[-1].set_xlabel(f"time [{time_unit}]")
    return figure


def readable(values: NDArray[np.float64], unit: str) -> tuple[float, str]:
    """The divisor and the unit's name with which ``values`` in an SI unit read best: 0.001 and "mV"."""
    if unit not in SIMPLE:
        return 1.0, label(unit) if unit else ""
    finite = np.abs(values[np.isfinite(values)])
    top = float(finite.max(initial=0.0))
    scale, prefix = 1.0, ""
    if 0 < top < 1:
        scale, prefix = max((item for item in PREFIXES if item[0] <= top), default=PREFIXES[0])
    return scale, prefix + label(unit)


def _time(time: NDArray[np.float64], unit: str) -> tuple[NDArray[np.float64], str]:
    """Times and their axis label; less than ten seconds are shown in ms."""
    if unit == "s" and len(time) and float(np.abs(time).max()) < 10:
        return time / factor("ms").scale, "time [ms]"
    return time, f"time [{label(unit)}]"


def _quantity(names: Sequence[str], columns: Sequence[int], symbol: str) -> str:
    """The axis label: the variable, if all traces show the same, and the unit."""
    variables = {names[k].rsplit("/", 1)[-1] for k in columns}
    name = variables.pop() if len(variables) == 1 else ""
    return f"{name} [{symbol}]".strip() if symbol else name
