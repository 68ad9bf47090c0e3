"""What the argument FILE means: a YAML experiment, a LEMS file, or a canonical example by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import BackendError, Location, ModelError, Problem

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model
    from tvbo_lite.lems.plan import SimulationPlan
    from tvbo_lite.lems.recording import Recording

__all__ = ["Source", "backend_of", "is_experiment", "read_model", "read_source"]

EXPERIMENT = (".yaml", ".yml")


CORE_FILES = ("NeuroML2CoreTypes.xml", "PyNN.xml", "Simulation.xml")


@dataclass(frozen=True, slots=True)
class Source:
    """A file to run. ``model`` holds all it includes; ``written`` is an experiment's own LEMS document.

    ``folder`` is where its output files go unless ``--out`` is given.
    """

    name: str
    folder: Path
    model: Model
    plan: SimulationPlan
    search: tuple[Path, ...]
    written: Model | None = None

    def run(
        self,
        backend: str,
        *,
        fast: bool = False,
        timeout: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recording:
        """Simulate. ``progress`` and ``fast`` are for the native backend, ``timeout`` (s) for jLEMS."""
        if backend == "native":
            Thread(target=_preload, daemon=True).start()
            from tvbo_lite.backends import native

            return native.run_linked(self.model, plan=self.plan, fast=fast, progress=progress)
        from tvbo_lite import backends

        options: dict[str, Any] = {"timeout": timeout} if timeout else {}
        if self.written is not None:
            return backends.run_model(self.written, backend, plan=self.plan, **options)
        return backends.run_file(self.name, backend, search=self.search, plan=self.plan, **options)


def _preload() -> None:
    """Load what a run needs after its compilation, beside it: LLVM works without the interpreter's lock."""
    import_module("tvbo_lite.formats.dat")  # and numpy


def backend_of(name: str, *, fast: bool) -> str:
    """The backend that an option names. Raises `BackendError` if there is none, or no fast mode."""
    from tvbo_lite.backends import backend_name

    backend = backend_name(name)
    if fast and backend != "native":
        raise BackendError(f"--fast is an option of the native backend; {backend} has no such mode")
    return backend


def is_experiment(name: str) -> bool:
    """Whether a file of that name is read as YAML."""
    return Path(name).suffix.lower() in EXPERIMENT


def read_source(name: str, search: Sequence[Path] = ()) -> Source:
    """The model in a file, and what it asks to be done. Raises `InputError` with all its problems."""
    from tvbo_lite.transforms.plan import simulation_plan

    path = Path(name)
    folder = path.parent if path.is_file() else Path()
    model, written = read_model(name, search)
    if model.target is None:
        expected = '<Target component="..."/> that names a <Simulation>'
        hint = "to check such a file, use: tvbo-lite validate"
        message = "the document has no target, so there is nothing to run"
        raise ModelError(Problem(message, Location(name), expected, hint))
    return Source(name, folder, model, simulation_plan(model), tuple(search), written)


def read_model(name: str, search: Sequence[Path] = ()) -> tuple[Model, Model | None]:
    """The linked model of a file; and the document that an experiment is written as, None for LEMS.

    A NeuroML file is given the core types, which it never includes itself.
    """
    from tvbo_lite.formats.lems import reader
    from tvbo_lite.lems.model import Include

    if not is_experiment(name):
        model = reader.read_file(name, search)
        if name.lower().endswith(".nml"):
            model = reader.link(replace(model, includes=tuple(map(Include, CORE_FILES))), search)
        return model, None
    from tvbo_lite.experiment import SimulationExperiment

    written = SimulationExperiment.from_file(name).model()
    return reader.link(written, search), written
