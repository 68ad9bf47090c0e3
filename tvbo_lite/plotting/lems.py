"""The displays of a LEMS simulation as a figure, alone or with a reference behind them.

Traces of ours find their display line in three steps; a line that finds none shows the reference only:

1. the same quantity, letter by letter;
2. population ``X_pop`` for a displayed population of component ``X`` (if only one has it), with the
   same index and the same path below it: ``izBurst_pop[0]/v`` for ``izpopBurst[0]/v``;
3. where as many traces as lines of one variable are left, the k-th trace for the k-th line.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.lems.plan import Display, Line
from tvbo_lite.lems.recording import Recording
from tvbo_lite.plotting._figure import COLORS, legend, panels, short_path
from tvbo_lite.plotting.traces import plot_comparison, readable
from tvbo_lite.units import factor, label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from xarray import DataArray

    from tvbo_lite.lems.model import Component, Model
    from tvbo_lite.lems.plan import OutputColumn, SimulationPlan

    Trace = tuple[NDArray[np.float64], NDArray[np.float64]]  # times (s) and values (SI)
    Traces = Mapping[str, Trace]
    Tables = Mapping[str, NDArray[np.float64]]

__all__ = ["match_lines", "plot_comparison", "plot_displays", "plot_lems_comparison"]

OURS = "tvbo_lite"
NEARLY_WHITE = 0.9  # of the darkest part of a colour
REFERENCE: dict[str, Any] = {"linestyle": "-", "linewidth": 2.8, "alpha": 0.5}  # so that ours shows on it
BESIDE: dict[str, Any] = {"linestyle": "--", "linewidth": 1.2}
ALONE: dict[str, Any] = {"linestyle": "-", "linewidth": 1.2}


def plot_lems_comparison(
    lems_name: str | Path,
    ref_outputs: Tables,
    data: DataArray | Recording | None = None,
    title_prefix: str = "",
) -> Figure:
    """Draw each display of a LEMS file: the reference solid, ours dashed, in the file's colours.

    Args:
        lems_name: a canonical example such as ``"LEMS_NML2_Ex2_Izh.xml"``, or the path of a file.
        ref_outputs: file name to table, shape ``(n_time, 1 + n_columns)``, in SI units, as from
            `tvbo_lite.adapters.neuroml.run_lems_example`.
        data: ours, ``result.integration.data`` or a `Recording`; None draws the reference only.
        title_prefix: put before each title that does not start with it.

    Raises:
        ReadError: if there is no such file or example.
    """
    from tvbo_lite.formats.lems.reader import read_file
    from tvbo_lite.formats.neuroml.jar import find_example
    from tvbo_lite.transforms.plan import simulation_plan
    from tvbo_lite.transforms.recorded import units_of_model

    path = Path(lems_name)
    model = read_file(path if path.is_file() else Path(find_example(str(lems_name))).name)
    plan = simulation_plan(model)
    behind, ours, units = _tables(plan, ref_outputs), _traces(data), units_of_model(model, plan)
    plan = _with_displays(plan, units, {**behind, **ours})
    found = match_lines(plan.displays, list(ours), _populations(model))
    return _View(plan, behind, ours, found, units, title_prefix).draw()


def plot_displays(
    recording: Recording, reference: Recording | Tables | None = None, *, title_prefix: str = ""
) -> Figure:
    """Draw each display of the recording's plan; without displays each output file, a panel for each unit.

    With a ``reference`` (a recording, or tables by file name) that is drawn solid and ours dashed.
    """
    ours = _traces(recording)
    behind = _tables(recording.plan, reference) if reference is not None else {}
    plan = _with_displays(recording.plan, recording.units, {**behind, **ours})
    return _View(plan, behind, ours, {name: name for name in ours}, recording.units, title_prefix).draw()


def match_lines(
    displays: Sequence[Display], names: Sequence[str], components: Mapping[str, str] | None = None
) -> dict[str, str]:
    """For each displayed quantity the trace of ours that shows it; the module's page has the rule.

    ``components`` gives for each population of the LEMS file the id of its component.
    """
    quantities = list(dict.fromkeys(line.quantity for display in displays for line in display.lines))
    found = {quantity: quantity for quantity in quantities if quantity in names}
    left = [name for name in names if name not in found]
    shared = Counter((components or {}).values())
    for quantity in [quantity for quantity in quantities if quantity not in found]:
        population, index, path = _parts(quantity)
        component = (components or {}).get(population, "")
        name = f"{component}_pop[{index}]/{path}"
        if name in left and shared[component] == 1:
            found[quantity] = name
            left.remove(name)
    return found | _in_order([quantity for quantity in quantities if quantity not in found], left)


def _in_order(quantities: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The k-th name for the k-th quantity of each variable of which there are equally many."""
    found: dict[str, str] = {}
    for variable in dict.fromkeys(_parts(quantity)[2] for quantity in quantities):
        shown = [quantity for quantity in quantities if _parts(quantity)[2] == variable]
        ours = [name for name in names if _parts(name)[2] == variable]
        if len(shown) == len(ours):
            found |= dict(zip(shown, ours, strict=True))
    return found


def _parts(quantity: str) -> tuple[str, str, str]:
    """Population, index and the path below: ``("pop", "0", "na/m/q")``; a bare ``v`` has no population."""
    found = re.fullmatch(r"([^/\[]+)(?:\[(\d+)\]|/(\d+)(?:/[^/\[]+)?(?=/))/(.+)", quantity)
    return (found[1], found[2] or found[3], found[4]) if found else ("", "", quantity)


def _populations(model: Model) -> dict[str, str]:
    """Population id to component id, of all populations in the model."""
    found: dict[str, str] = {}
    todo: list[Component] = list(model.components)
    while todo:
        item = todo.pop()
        todo += item.children
        population, component = item.attributes.get("id", item.id), item.attributes.get("component")
        if population and component:
            found[population] = component
    return found


def _with_displays(plan: SimulationPlan, units: Mapping[str, str], traces: Traces) -> SimulationPlan:
    """The plan; where it has no displays, with one for each unit in each output file.

    ``units`` are the SI units of the quantities; ``traces`` decide their prefixes.
    """
    if plan.displays:
        return plan
    time, text = (1e-3, "1ms") if plan.length < 10 else (1.0, "1s")
    displays = []
    for file in plan.files:
        groups: dict[str, list[OutputColumn]] = {}
        for column in file.columns:
            groups.setdefault(units.get(column.quantity, ""), []).append(column)
        for unit, columns in groups.items():
            scale, symbol = _scale(unit, [traces[c.quantity][1] for c in columns if c.quantity in traces])
            lines = (Line(c.id, c.quantity, scale, time, scale_text=symbol) for c in columns)
            displays.append(Display(file.id, file.path, time, text, lines=tuple(lines)))
    return replace(plan, displays=tuple(displays))


def _scale(unit: str, traces: Sequence[NDArray[np.float64]]) -> tuple[float, str]:
    """The divisor that gives traces in an SI unit handy numbers, and the scale as LEMS writes it: ``1mV``."""
    if unit in {"", "1"}:
        return 1.0, unit
    tops = [float(np.abs(trace).max(initial=0.0)) for trace in traces]
    scale, symbol = readable(np.array(tops), unit)
    return scale, f"1{unit if scale == 1 else symbol}"


def _traces(data: DataArray | Recording | None) -> dict[str, Trace]:
    """Ours by name, in SI units."""
    if data is None:
        return {}
    if isinstance(data, Recording):
        return {name: (data.time, data.values[:, k]) for k, name in enumerate(data.quantities)}
    time = data.time.values * factor(str(data.time.attrs.get("units", "s"))).scale
    names = [str(name) for name in data[data.dims[1]].values]
    units = [str(unit) for unit in data.units.values] if "units" in data.coords else [""] * len(names)
    found: dict[str, Trace] = {}
    for k, (name, symbol) in enumerate(zip(names, units, strict=True)):
        unit = factor(symbol)
        found[name] = (time, (data.values[:, k] + unit.offset) * unit.scale)
    return found


def _tables(plan: SimulationPlan, reference: Recording | Tables) -> dict[str, Trace]:
    """The reference by quantity; tables are found by their file's name, with or without folders."""
    if isinstance(reference, Recording):
        return _traces(reference)
    by_base = {posixpath.basename(path): table for path, table in reference.items()}
    found: dict[str, Trace] = {}
    for file in plan.tables():
        table = reference.get(file.path, by_base.get(posixpath.basename(file.path)))
        for k, column in enumerate(file.columns, start=1):
            if table is not None and k < table.shape[1]:
                found.setdefault(column.quantity, (table[:, 0], table[:, k]))
    return found


@dataclass(frozen=True, slots=True)
class _View:
    """All that a figure shows: displays, reference and ours by quantity, and which belongs to which."""

    plan: SimulationPlan
    reference: Traces
    ours: Traces
    found: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""

    def draw(self) -> Figure:
        displays = self.plan.displays
        figure, axes = panels(max(1, len(displays)), columns=1 if len(displays) <= 4 else 2)
        for panel, display in zip(axes, displays, strict=False):
            self._panel(panel, display)
        return figure

    def _panel(self, axes: Axes, display: Display) -> None:
        units = {self._unit(line) for line in display.lines}
        for place, line in enumerate(display.lines):
            self._line(axes, line, _color(line.color, place), several=len(units) > 1)
        if not axes.lines:
            axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", color="0.5")
        axes.set_title(_title(self.prefix, display.title), loc="left", fontsize=10)
        axes.set_xlabel(f"time [{_unit(display.time_scale_text)}]")
        axes.set_ylabel(_axis(display, units))
        if display.xmin is not None and display.xmax is not None and display.xmin < display.xmax:
            axes.set_xlim(display.xmin, display.xmax)
        if display.ymin is not None and display.ymax is not None and display.ymin < display.ymax:
            axes.set_ylim(display.ymin, display.ymax)
        legend(axes)

    def _unit(self, line: Line) -> str:
        """The unit of a line's axis; a scale that is a bare number is one of SI units."""
        unit = self.units.get(line.quantity, "")
        bare = re.fullmatch(r"[-+.\deE]+", line.scale_text.strip())
        return _unit(f"{line.scale_text}{unit}" if bare and unit != "1" else line.scale_text)

    def _line(self, axes: Axes, line: Line, color: str, *, several: bool) -> None:
        unit = self._unit(line)
        text = line.id + (f" [{unit or '1'}]" if several and f"({unit})" not in line.id else "")
        name = self.found.get(line.quantity, "")
        behind, ours = self.reference.get(line.quantity), self.ours.get(name)
        if behind is not None:
            side = "reference" if ours is not None or not self.ours else "reference only"
            _plot(axes, line, behind, label=f"{text}: {side}", color=color, **REFERENCE)
        if ours is not None:
            shown = f"{OURS}, {short_path(name)}" if name != line.quantity else OURS
            if behind is None:
                _plot(axes, line, ours, label=text, color=color, **ALONE)
            else:
                _plot(axes, line, ours, label=f"{text}: {shown}", color=color, **BESIDE)


def _plot(axes: Axes, line: Line, trace: Trace, **style: Any) -> None:
    time, values = trace
    axes.plot(time / line.time_scale, values / line.scale, **style)


def _color(color: str | None, place: int) -> str:
    """The file's colour, if it is one that shows on white, else the place's."""
    from matplotlib.colors import is_color_like, to_rgb

    for candidate in (color, f"#{color}"):
        if color and is_color_like(candidate) and min(to_rgb(str(candidate))) < NEARLY_WHITE:
            return str(candidate)
    return COLORS[place % len(COLORS)]


def _unit(scale: str) -> str:
    """A scale as an axis shows it: ``1mV`` is "mV", ``0.1V`` "0.1 V", ``1`` nothing."""
    found = re.fullmatch(r"\s*([-+.\d]+(?:[eE][-+]?\d+)?)?\s*(\S*)\s*", scale)
    if found is None:
        return scale
    number, symbol = found[1] or "1", label(found[2]) if found[2] else ""
    return symbol if float(number) == 1 else f"{number} {symbol}".strip()


def _axis(display: Display, units: set[str]) -> str:
    """The label of a value axis: the variable and the unit that all lines have, ``v [mV]``."""
    variables = {_parts(line.quantity)[2].rpartition("/")[2] for line in display.lines}
    name = variables.pop() if len(variables) == 1 else ""
    unit = next(iter(units)) if len(units) == 1 else ""
    return f"{name} [{unit}]".strip() if unit else name


def _title(prefix: str, title: str) -> str:
    return title if not prefix or title.startswith(prefix) else f"{prefix}: {title}"
