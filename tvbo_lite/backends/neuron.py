"""Runs a model in NEURON, by the code that jNeuroML writes for it: mechanisms (NMODL) and a script.

NEURON integrates implicitly, so its results are near those of the forward Euler method, never the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    from tvbo_lite.backends._job import Job
    from tvbo_lite.backends._process import Output

__all__ = ["run_file", "run_model"]

VARIABLE = "TVBO_LITE_NEURON_PYTHON"

_SCRIPT = "model_nrn.py"
_TIME = re.compile(r"Finished NEURON simulation in ([\d.]+) seconds")
_EXCEPTION = re.compile(r"Exception (?:running|saving results of) NEURON.*")
_COMPLAINT = re.compile(r"NEURON: (.*)")
_COLUMN = re.compile(r"v_q(\d+)_\w+\.record\(")
_RANGE_V = re.compile(r"RANGE v\b")
_NEAR = 4  # lines within which NEURON shows the statement it complains of


def _record(space: Workspace, quantities: tuple[str, ...]) -> dict[str, int]:
    python = find_python("neuron", VARIABLE, "neuron")
    written = export(space, "-neuron", quantities)
    compile_mechanisms(space, python)
    _mend(space)
    output = space.run("process", [str(python), _SCRIPT], without_windows(python))
    refused = _refused(space, output, written)
    _check(space, output)
    for number, reason in refused.items():
        space.lose(written[number], f"NEURON says: {reason}")
    return {item: 1 + number for number, item in enumerate(written) if number not in refused}


def _mend(space: Workspace) -> None:
    """Record the section's potential where a mechanism's own ``v`` is that, and so cannot be recorded."""
    script = space.folder / _SCRIPT
    text = script.read_text(encoding="utf-8")
    for population, component in _populations(space.job):
        mechanism = space.folder / f"{component}.mod"
        if mechanism.is_file() and not _RANGE_V.search(mechanism.read_text(encoding="utf-8")):
            own = rf"&m_{re.escape(component)}_{re.escape(population)}\[(\d+)\]\.v\)"
            text = re.sub(own, rf"&{population}[\1].v(0.5))", text)
    script.write_text(text, encoding="utf-8")


def _populations(job: Job) -> Iterator[tuple[str, str]]:
    """The ids of populations and of their components."""
    target = job.resolver.component(job.plan.target, job.model.location)
    for item in target.children():
        component = item.references.get("component")
        if item.type.is_a("basePopulation") and item.id and component is not None and component.id:
            yield item.id, component.id


def _refused(space: Workspace, output: Output, written: tuple[str, ...]) -> dict[int, str]:
    """The columns that NEURON did not record, and its words; it fills them with zeros and goes on.

    Raises `BackendError` for a complaint of anything else.
    """
    found: dict[int, str] = {}
    for at, line in enumerate(output.stderr):
        if complaint := _COMPLAINT.fullmatch(line):
            near = output.stderr[at + 1 : at + _NEAR]
            column = next((int(match[1]) for text in near if (match := _COLUMN.search(text))), None)
            if column is None or column >= len(written):
                raise space.fail("could not build", [line, *near])
            found[column] = complaint[1]
    return found


def _check(space: Workspace, output: Output) -> None:
    """Raise `BackendError` unless the script came to its end. After an exception its status is 0 too."""
    time = [match for line in output.stdout if (match := _TIME.match(line))]
    failed = [line for line in output.stdout if _EXCEPTION.match(line)]
    if output.code != 0 or failed or not time or not (space.folder / TABLE).is_file():
        raise space.fail("could not run", failed or last_words(output))
    space.timings["simulate"] = float(time[-1][1])


_NEURON = Simulator("NEURON", _record, BY_NEURON)
run_file, run_model = _NEURON.run_file, _NEURON.run_model
