"""Runs a model in NetPyNE, by the script that jNeuroML writes for it; NetPyNE runs it in NEURON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tvbo_lite.backends._exported import TABLE, Simulator, Workspace
from tvbo_lite.backends._jneuroml import last_words
from tvbo_lite.backends._neuron_code import (
    compile_mechanisms,
    export,
    without_windows,
)
from tvbo_lite.backends._python import find_python
from tvbo_lite.backends._refused import BY_NEURON

if TYPE_CHECKING:
    from pathlib import Path

    from tvbo_lite.backends._process import Output

__all__ = ["run_file", "run_model"]

VARIABLE = "TVBO_LITE_NETPYNE_PYTHON"

_SCRIPT = "model_netpyne.py"
_TIME = re.compile(r" *Done; run time = ([\d.]+) s")
_EXCEPTION = re.compile(r"Exception (?:running|saving results of) NetPyNE.*")

# What the script does with a trace that NetPyNE does not record ends it; a column of NaN does not.
_TRACE = re.compile(r"(sim\.allSimData\['[^']*'\])\[('cell_%s'%self\.gids\['[^']*'\]\[\d+\])\]")
_COLUMN = r"(\1.get(\2) or [float('nan')] * round(self.simConfig.duration / self.simConfig.dt))"
# NetPyNE records no row at the end, so it runs one step more; rounding a quotient down may cost another row.
_MORE_STEPS = 1
_WRONG_UNIT = "S_per_m2"
_ROWS = re.compile(r"range\(int\((self\.simConfig\.duration ?/ ?self\.simConfig\.dt)\)\)")
_ALL_ROWS = r"range(round(\1))"


def _record(space: Workspace, quantities: tuple[str, ...]) -> dict[str, int]:
    python = find_python("netpyne", VARIABLE, "netpyne")
    written = export(space, "-netpyne", _in_right_units(space, quantities), _MORE_STEPS)
    compile_mechanisms(space, python)
    _mend(space.folder / _SCRIPT)
    variables = {**without_windows(python), "MPLBACKEND": "Agg"}
    output = space.run("process", [str(python), _SCRIPT, "-nogui"], variables)
    _check(space, output)
    return _filled(space, written)


def _in_right_units(space: Workspace, quantities: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that jNeuroML converts wrongly: the script's conductance densities are 1e6 too small."""
    units = space.job.units
    for quantity in quantities:
        if units.get(quantity) == _WRONG_UNIT:
            space.lose(quantity, "jNeuroML writes conductance densities for NetPyNE in a wrong unit")
    return tuple(quantity for quantity in quantities if units.get(quantity) != _WRONG_UNIT)


def _mend(script: Path) -> None:
    """Make the script write what it has where one trace is missing, and every row."""
    text = script.read_text(encoding="utf-8")
    text = _ROWS.sub(_ALL_ROWS, _TRACE.sub(_COLUMN, text))
    script.write_text(text, encoding="utf-8")


def _check(space: Workspace, output: Output) -> None:
    """Raise `BackendError` unless the script came to its end. After an exception its status is 0 too."""
    time = [match for line in output.stdout if (match := _TIME.match(line))]
    failed = [line for line in output.stdout if _EXCEPTION.match(line)]
    if output.code != 0 or failed or not time or not (space.folder / TABLE).is_file():
        raise space.fail("could not run", failed or last_words(output))
    space.timings["simulate"] = float(time[-1][1])


def _filled(space: Workspace, written: tuple[str, ...]) -> dict[str, int]:
    """The columns that were recorded, which begin with a number."""
    with (space.folder / TABLE).open(encoding="utf-8") as table:
        first = table.readline().split()
    found = {}
    for number, quantity in enumerate(written, start=1):
        if first[number : number + 1] == ["nan"]:
            space.lose(quantity, "NetPyNE does not record it")
        else:
            found[quantity] = number
    return found


_NETPYNE = Simulator("NetPyNE", _record, BY_NEURON)
run_file, run_model = _NETPYNE.run_file, _NETPYNE.run_model
