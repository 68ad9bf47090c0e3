"""jNeuroML's code for NEURON: what it can hold, how it is written, and how its mechanisms are compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite.backends._jneuroml import cause, command, last_words
from tvbo_lite.backends._python import need_programs, path_with
from tvbo_lite.errors import Problem, UnsupportedError

if TYPE_CHECKING:
    from tvbo_lite.backends._exported import Job, Workspace
    from tvbo_lite.backends._process import Output
    from tvbo_lite.transforms.resolve import ResolvedComponent

__all__ = ["check_code_limits", "compile_mechanisms", "export", "without_windows"]

_COMPILER = "nrnivmodl"
_NEEDED = ("make", "gcc" if sys.platform != "darwin" else "clang")
_REASON = "jNeuroML's code for {} cannot record what belongs to an input or a synapse"


# ---- what it cannot hold -----------------------------------------------------------------------


def check_code_limits(job: Job, simulator: str) -> None:
    """Raises `UnsupportedError` for what jNeuroML leaves out in silence, so that results would be wrong."""
    target = job.resolver.component(job.plan.target, job.model.location, "the simulation's target")
    used = {id(item): item for item in _everything(target, set())}
    problems = [problem for rule in _LIMITS for item in used.values() for problem in rule(item, simulator)]
    if problems:
        raise UnsupportedError(list(dict.fromkeys(problems)))


def _dimensionless_input(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if item.type.is_a("basePointCurrentDL"):
        message = f"{item.describe()} gives a current without unit, which jNeuroML leaves out for {simulator}"
        hint = "a cell with a capacitance (izhikevich2007Cell) and an input in ampere can be run"
        yield Problem(message, item.component.location, None, hint)


def _kinetic_point_cell(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if not item.type.is_a("baseCell") or item.type.is_a("cell"):
        return
    if any(below.type.dynamics.kinetic_schemes for below in _everything(item, set())):
        what = f"{item.describe()} has kinetic channels"
        message = f"{what}, which jNeuroML does not advance in a point cell for {simulator}"
        yield Problem(message, item.component.location, "a <cell> with a morphology")


def _no_refractory_time(item: ResolvedComponent, simulator: str) -> Iterator[Problem]:
    if item.type.is_a("baseCell") and item.parameters.get("refract") == 0:
        message = (
            f"{item.describe()} has a refractory time of 0, with which jNeuroML's code fails in {simulator}"
        )
        yield Problem(message, item.component.location, "refract > 0, such as one step")


_LIMITS: tuple[Callable[[ResolvedComponent, str], Iterator[Problem]], ...] = (
    _dimensionless_input,
    _kinetic_point_cell,
    _no_refractory_time,
)


def _everything(item: ResolvedComponent, seen: set[int]) -> Iterator[ResolvedComponent]:
    """A component with all that is in it or that it refers to, each once."""
    if id(item) in seen:
        return
    seen.add(id(item))
    yield item
    for below in (*item.children(), *item.references.values()):
        yield from _everything(below, seen)


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
