"""Runs a model in jLEMS, the reference interpreter of LEMS, in a process and a folder of its own.

What runs is a copy of the main document in which the simulation writes one table with every quantity
of the plan, display lines included (jLEMS shows those, but does not write them), and the events.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.backends._beyond import without_beyond
from tvbo_lite.backends._jlems_document import TABLE, event_name, instrumented
from tvbo_lite.backends._jneuroml import MEMORY, command, own_words
from tvbo_lite.backends._process import Output, run
from tvbo_lite.backends._time import require_time
from tvbo_lite.errors import BackendError
from tvbo_lite.formats.lems import sources
from tvbo_lite.formats.neuroml.jar import extract_examples
from tvbo_lite.lems.recording import Recording
from tvbo_lite.limits import TIMEOUT

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model
    from tvbo_lite.lems.plan import SimulationPlan

Units: TypeAlias = Mapping[str, str]

__all__ = ["run_file", "run_model", "run_text"]


_log = logging.getLogger("tvbo_lite.jlems")
_TABLES = re.compile(rb"""\.h(?:df)?5\s*["']""")  # an include in HDF5
_FINISHED = re.compile(r"Finished (\d+) steps in ([-+.\dE]+) seconds")


@dataclass(frozen=True, slots=True)
class _Job:
    """A document to run: its text, its name in messages, and the folder in which includes are found."""

    text: bytes
    name: str
    folder: Path | None = None
    search: tuple[Path, ...] = ()

    @property
    def file(self) -> str:
        return Path(self.name).name if self.folder else "model.xml"


def run_file(
    path: str | Path,
    *,
    plan: SimulationPlan | None = None,
    search: Sequence[Path] = (),
    timeout: float | None = None,
    memory: str = MEMORY,
) -> Recording:
    """Run a LEMS file; nothing is written to its folder.

    Args:
        path: the main LEMS file, or the bare name of a canonical example.
        search: folders in which includes are looked for after the file's own.
        plan: what to record; read from the file, with the units, if not given.
        timeout: s, after which the run is stopped; by default `tvbo_lite.limits.TIMEOUT`.
        memory: upper limit of the Java heap, such as ``"2G"``.

    Returns:
        Every quantity of the plan. The values are those that jLEMS prints, that is float32; ``timings``
        has ``jlems_simulate`` (jLEMS's own figure) and ``process`` (start of Java to its end), s.

    Raises:
        ReadError: the file cannot be read, or has a DOCTYPE.
        BackendError: no Java, jLEMS failed (the message has its words), or the time was over.
    """
    origin = sources.main(path)
    if _TABLES.search(origin.read()):
        return run_model(_spelt_out(path, search), plan=plan, timeout=timeout, memory=memory)
    units: Units = {}
    if plan is None:
        plan, units = _asked_of_file(path, search)
    with ExitStack() as stack:
        if isinstance(origin, sources.InJar):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tvbo_lite_examples_"))
            extract_examples(folder)
            file = Path(folder, origin.member)
        else:
            file = Path(path)
        job = _Job(origin.read(), str(path), file.resolve().parent, tuple(search))
        return replace(_run(job, plan, timeout, memory), units=units)


def run_text(
    xml: str,
    *,
    plan: SimulationPlan | None = None,
    folder: str | Path | None = None,
    timeout: float | None = None,
    memory: str = MEMORY,
) -> Recording:
    """Run a LEMS document given as text; its includes are found from ``folder``. Else as `run_file`."""
    where = Path(folder).resolve() if folder is not None else None
    job = _Job(xml.encode(), str(where / "model.xml") if where else "<string>", where)
    units: Units = {}
    if plan is None:
        plan, units = _asked_of_text(xml, where)
    return replace(_run(job, plan, timeout, memory), units=units)


def run_model(
    model: Model,
    *,
    plan: SimulationPlan | None = None,
    folder: str | Path | None = None,
    timeout: float | None = None,
    memory: str = MEMORY,
) -> Recording:
    """Write a model as LEMS and run that; its includes are found from ``folder``. Else as `run_file`.

    Raises `UnsupportedError` for noise and samples, which jLEMS does not have; another method than Euler's
    is a `LossWarning`.
    """
    from tvbo_lite.formats.lems.writer import document

    without_beyond(model, "jLEMS")
    return run_text(document(model), plan=plan, folder=folder, timeout=timeout, memory=memory)


def _spelt_out(path: str | Path, search: Sequence[Path]) -> Model:
    """The model with all that it includes: jNeuroML reads few files in HDF5, and writes beside them."""
    from tvbo_lite.formats.lems.core import without_core
    from tvbo_lite.formats.lems.reader import read_file

    return without_core(read_file(path, search))


def _asked_of_file(path: str | Path, search: Sequence[Path]) -> tuple[SimulationPlan, Units]:
    from tvbo_lite.formats.lems.reader import read_file

    return _asked(read_file(path, search))


def _asked_of_text(xml: str, folder: Path | None) -> tuple[SimulationPlan, Units]:
    from tvbo_lite.formats.lems.reader import link_string

    return _asked(link_string(xml, search=(folder,) if folder else ()))


def _asked(model: Model) -> tuple[SimulationPlan, Units]:
    """What a linked model asks to be done, and the units of what it records."""
    from tvbo_lite.transforms.plan import simulation_plan
    from tvbo_lite.transforms.recorded import units_of_model

    plan = simulation_plan(model)
    return plan, units_of_model(model, plan)


# ---- a run -----------------------------------------------------------------------------------


def _run(job: _Job, plan: SimulationPlan, timeout: float | None, memory: str) -> Recording:
    timeout = TIMEOUT.value() if timeout is None else timeout
    require_time("jLEMS", plan, timeout)
    document = instrumented(job.text, job.name, plan)
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_jlems_", ignore_cleanup_errors=True) as name:
        workspace = Path(name)
        main = workspace / job.file
        main.write_bytes(document)
        # the folder is the original's, for its includes
        java = command(main, "-nogui", memory=memory, folder=job.folder, search=job.search)
        output = run(java, workspace, timeout, _log)
        if output.code is None:
            msg = (
                f"jLEMS did not finish {job.name} within {timeout:g} s and was stopped; "
                f"give it a longer timeout, or simulate less than {plan.length:g} s ({plan.n_steps} steps)"
            )
            raise BackendError(msg)
        _check(output, workspace, main, job.name)
        return _collect(output, workspace, plan)


def _collect(output: Output, workspace: Path, plan: SimulationPlan) -> Recording:
    from tvbo_lite.formats.dat import read_dat, read_events

    table = read_dat(workspace / TABLE)
    steps, seconds = _finished(output) or (plan.n_steps, 0.0)
    quantities = plan.quantities()
    expected = (steps + 1, 1 + len(quantities))
    if table.shape != expected:
        msg = f"jLEMS wrote a table of shape {table.shape} where {expected} was expected"
        raise BackendError(msg)
    events = {
        file.id: read_events(workspace / event_name(number), "TIME_ID")
        for number, file in enumerate(plan.event_files)
    }
    timings = {"jlems_simulate": seconds, "process": output.seconds}
    return Recording(plan, table[:, 0].copy(), table[:, 1:].copy(), quantities, events, timings)


def _finished(output: Output) -> tuple[int, float] | None:
    """Steps done and the seconds they took, in jLEMS's own words."""
    found = [match for line in output.stdout if (match := _FINISHED.search(line))]
    return (int(found[-1][1]), float(found[-1][2])) if found else None


# ---- what went wrong -------------------------------------------------------------------------


def _check(output: Output, workspace: Path, main: Path, name: str) -> None:
    """Raise `BackendError` unless jLEMS ended well, and with a table."""
    if output.code == 0 and _finished(output) and (workspace / TABLE).is_file():
        return
    text = "\n  ".join(own_words(output)).replace(str(main), name)
    msg = f"jLEMS could not run {name}:\n  {text}"
    raise BackendError(msg)
