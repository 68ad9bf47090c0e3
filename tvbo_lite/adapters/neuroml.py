"""The canonical NeuroML2 LEMS examples: run them, ask what they record, and compare with them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite.backends import run_file
from tvbo_lite.formats.neuroml.jar import find_example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.compare import compare_traces
    from tvbo_lite.lems.plan import Display, OutputColumn, SimulationPlan
    from tvbo_lite.plotting.lems import plot_lems_comparison
    from tvbo_lite.plotting.traces import plot_comparison

__all__ = [
    "compare_traces",
    "parse_lems_displays",
    "parse_lems_output_columns",
    "plot_comparison",
    "plot_lems_comparison",
    "run_lems_example",
]

_ELSEWHERE = {  # loaded on first use: matplotlib and xarray are slow to import
    "compare_traces": "tvbo_lite.compare",
    "plot_comparison": "tvbo_lite.plotting.traces",
    "plot_lems_comparison": "tvbo_lite.plotting.lems",
}


def run_lems_example(name: str, *, backend: str = "jlems") -> dict[str, NDArray[np.float64]]:
    """The output files of a canonical example, such as ``LEMS_NML2_Ex2_Izh.xml``.

    Returns:
        For each file, by its name without folders, an array of shape ``(n_time, 1 + n_columns)``:
        time in s, then the columns in SI units. An example without output files gives ``auto.dat`` with
        a column for each display line.

    Raises:
        ReadError: there is no such example.
        BackendError: the backend is unknown, missing, or failed.
    """
    recording = run_file(Path(find_example(name)).name, backend)
    return {Path(file.path).name: recording.table(file) for file in recording.plan.tables()}


def parse_lems_displays(name_or_path: str | Path) -> tuple[Display, ...]:
    """The displays, with their lines, of a LEMS file or of a canonical example."""
    return _plan(name_or_path).displays


def parse_lems_output_columns(name_or_path: str | Path) -> dict[str, tuple[OutputColumn, ...]]:
    """The columns after time of each file that `run_lems_example` gives, by the file's name."""
    return {Path(file.path).name: file.columns for file in _plan(name_or_path).tables()}


def _plan(name_or_path: str | Path) -> SimulationPlan:
    from tvbo_lite.formats.lems.reader import read_file
    from tvbo_lite.transforms.plan import simulation_plan

    path = Path(name_or_path)
    return simulation_plan(read_file(path if path.is_file() else Path(find_example(str(name_or_path))).name))


def __getattr__(name: str) -> object:
    """Load a function of the plotting or comparison modules on first use (PEP 562)."""
    if name not in _ELSEWHERE:
        msg = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(msg)
    value = getattr(import_module(_ELSEWHERE[name]), name)
    globals()[name] = value
    return value
