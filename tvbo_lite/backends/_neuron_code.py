"""jNeuroML's code for NEURON: how it is written, and how its mechanisms are compiled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite.backends._jneuroml import cause, command, last_words
from tvbo_lite.backends._python import need_programs, path_with

if TYPE_CHECKING:
    from tvbo_lite.backends._exported import Workspace
    from tvbo_lite.backends._job import Job
    from tvbo_lite.backends._process import Output

__all__ = ["compile_mechanisms", "export", "without_windows"]

_COMPILER = "nrnivmodl"
_NEEDED = ("make", "gcc" if sys.platform != "darwin" else "clang")
_REASON = "jNeuroML's code for {} cannot record what belongs to an input or a synapse"


# ---- writing and compiling it ------------------------------------------------------------------


def export(space: Workspace, flag: str, quantities: tuple[str, ...], more_steps: int = 0) -> tuple[str, ...]:
    """Write the code beside the document; the quantities that it records.

    jNeuroML refuses most quantities of inputs and synapses, without saying which: where it fails it is
    asked once more without them.
    """

    def write(quantities: tuple[str, ...]) -> Output:
        main = space.write(quantities, more_steps=more_steps)
        return space.run("export", command(main, flag, "-nogui"))

    output = write(quantities)
    if output.code == 0:
        return quantities
    attached = _attachable(space.job)
    kept = tuple(item for item in quantities if not _belongs(item, attached))
    if kept != quantities and kept:
        output = write(kept)
        if output.code == 0:
            for item in quantities:
                if item not in kept:
                    space.lose(item, _REASON.format(space.simulator))
            return kept
    raise space.fail("jNeuroML could not write the code for", cause(output))


def _attachable(job: Job) -> frozenset[str]:
    """The ids of components that are attached to others: inputs and synapses."""
    kinds = {item.type for kind in job.model.component_types for item in kind.attachments}
    tops = (job.resolver.top(component) for component in job.model.components)
    return frozenset(top.id for top in tops if top.id and any(top.type.is_a(kind) for kind in kinds))


def _belongs(quantity: str, attached: frozenset[str]) -> bool:
    return any(":" in step or step in attached for step in quantity.split("/")[1:-1])


def compile_mechanisms(space: Workspace, python: Path) -> None:
    """Compile the mechanisms that were written. Raises `BackendError` with the compiler's words."""
    if not any(space.folder.glob("*.mod")):
        return
    need_programs(_NEEDED, f"{space.simulator} ({_COMPILER})")
    program = python.parent / _COMPILER
    done = space.run("compile", [str(program)], {"PATH": path_with(python)})
    if done.code != 0:
        words = [line for line in (*done.stdout, *done.stderr) if _is_error(line)][:3]
        raise space.fail(f"{_COMPILER} could not compile the mechanisms of", words or last_words(done))


def without_windows(python: Path) -> dict[str, str]:
    """The environment variables for a run of NEURON in that Python, also where there is a screen."""
    return {"PATH": path_with(python), "NEURON_MODULE_OPTIONS": "-nogui"}


def _is_error(line: str) -> bool:
    return "error:" in line or "Error" in line or " at line " in line
