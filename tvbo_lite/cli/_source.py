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
    from tvbo_lite.losses import Losses
    from tvbo_lite.transforms.resolve import Resolver

__all__ = [
    "Source",
    "Wanted",
    "backend_of",
    "is_experiment",
    "is_lems",
    "is_neuroml_file",
    "read_model",
    "read_source",
]

_HEAD = 65536  # bytes, within which a root element begins


@dataclass(frozen=True, slots=True)
class Source:
    """A file to run, which has been checked; ``warnings`` is what was found odd.

    ``model`` holds all it includes; ``written`` is an experiment's own LEMS document. ``folder`` is where
    its output files go unless ``--out`` is given.
    """

    name: str
    folder: Path
    model: Model
    resolver: Resolver
    plan: SimulationPlan
    warnings: tuple[Problem, ...]
    search: tuple[Path, ...]
    written: Model | None = None

    def run(
        self,
        backend: str,
        *,
        fast: bool = False,
        threads: int = 1,
        timeout: float | None = None,
        progress: Callable[[int, int], None] | None = None,
        losses: Losses | None = None,
        **native: Any,
    ) -> Recording:
        """Simulate. ``timeout`` (s) is for other backends than the native one, all else for that.

        ``losses`` gets what a backend cannot record; ``native`` are more options of the native backend.
        """
        if backend == "native":
            Thread(target=_preload, daemon=True).start()
            from tvbo_lite.backends.native import run_linked

            options: dict[str, Any] = {"fast": fast, "threads": threads, "progress": progress, **native}
            return run_linked(self.model, plan=self.plan, resolver=self.resolver, **options)
        from tvbo_lite import backends
        from tvbo_lite.transforms.recorded import units_of_model

        options = {"timeout": timeout} if timeout else {}
        if losses is not None and "losses" in backends.options_of(backend):
            options["losses"] = losses
        if self.written is not None:
            if is_lems(self.name):
                options["folder"] = self.folder  # where its includes are
            recording = backends.run_model(self.written, backend, plan=self.plan, **options)
        else:
            recording = backends.run_file(self.name, backend, search=self.search, plan=self.plan, **options)
        return replace(recording, units=recording.units or units_of_model(self.model, self.plan))


def _preload() -> None:
    """Load what a run needs after its compilation, beside it: LLVM works without the interpreter's lock."""
    import_module("tvbo_lite.formats.dat")  # and numpy


def backend_of(name: str, *, fast: bool, threads: int = 1) -> str:
    """The backend that an option names. Raises `BackendError` if there is none, or it lacks an option."""
    from tvbo_lite.backends import backend_name

    backend = backend_name(name)
    if fast and backend != "native":
        raise BackendError(f"--fast is an option of the native backend; {backend} has no such mode")
    if threads > 1 and backend != "native":
        raise BackendError(f"--threads is an option of the native backend; {backend} has no such option")
    return backend


def is_experiment(name: str) -> bool:
    """Whether a file of that name is read as YAML."""
    from tvbo_lite.formats import read_as

    return read_as(name) == "yaml"


def is_lems(name: str) -> bool:
    """Whether a file of that name is read as LEMS or NeuroML, in XML or HDF5, as jLEMS can read it too."""
    from tvbo_lite.formats import read_as

    return read_as(name) in {"lems", "neuroml", "hdf5"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a network is to be run that has no simulation of its own: times with units, the network's id."""

    duration: str
    step: str
    network: str | None = None


def is_neuroml_file(name: str) -> bool:
    """Whether a file's root element is ``<neuroml>``: by its name, or its text."""
    from tvbo_lite.formats.files import is_file
    from tvbo_lite.formats.neuroml.layout import is_hdf5
    from tvbo_lite.formats.neuroml.xsd import is_neuroml

    path = Path(name)
    if is_hdf5(name):
        return True
    if name.lower().endswith(".nml") or not is_file(path):
        return name.lower().endswith(".nml")
    with path.open("rb") as file:
        return is_neuroml(file.read(_HEAD))


def read_source(name: str, search: Sequence[Path] = (), wanted: Wanted | None = None) -> Source:
    """The model in a file, and what it asks to be done, or is ``wanted`` of it.

    Raises `InputError` with all its problems.
    """
    from tvbo_lite.transforms.check import require
    from tvbo_lite.transforms.plan import simulation_plan
    from tvbo_lite.transforms.resolve import Resolver

    path = Path(name)
    folder = path.parent if path.is_file() else Path()
    model, written = read_model(name, search)
    if wanted is not None:
        model, written = _with_simulation(name, model, wanted)
    elif model.target is None:
        expected = '<Target component="..."/> that names a <Simulation>'
        hint = "to run a network of such a file, give --duration and --step; to check it: tvbo-lite validate"
        message = "the document has no target, so there is nothing to run"
        raise ModelError(Problem(message, Location(name), expected, hint))
    resolver = Resolver(model)
    warnings = require(model, resolver)
    plan = simulation_plan(model, resolver)
    return Source(name, folder, model, resolver, plan, warnings, tuple(search), written)


def _with_simulation(name: str, model: Model, wanted: Wanted) -> tuple[Model, Model]:
    """The model with a simulation of its network; and a document that includes the file and has it too."""
    from tvbo_lite.formats.lems.core import CORE_FILES, without_core
    from tvbo_lite.formats.neuroml.layout import is_hdf5
    from tvbo_lite.lems.model import Include
    from tvbo_lite.lems.model import Model as Document
    from tvbo_lite.transforms.resolve import Resolver
    from tvbo_lite.transforms.simulate import network_of, simulation_of

    if model.target is not None:
        message = "the file has a simulation of its own"
        hint = "--duration, --step and --network are for files without one"
        raise ModelError(Problem(message, Location(name), None, hint))
    resolver = Resolver(model)
    resolver.check_everything()
    simulation = simulation_of(resolver, network_of(resolver, wanted.network), wanted.duration, wanted.step)
    whole = replace(model, target=simulation.id, components=(*model.components, simulation))
    if is_hdf5(name):  # jNeuroML reads few of these
        return whole, without_core(whole)
    includes = tuple(map(Include, (*CORE_FILES, Path(name).name)))
    return whole, Document(target=simulation.id, includes=includes, components=(simulation,))


def read_model(name: str, search: Sequence[Path] = ()) -> tuple[Model, Model | None]:
    """The linked model of a file; and the model as it is in the file, None for LEMS and NeuroML.

    A NeuroML file is given the core types, which it never includes itself.
    """
    from tvbo_lite import formats
    from tvbo_lite.formats.lems import reader
    from tvbo_lite.formats.lems.core import CORE_FILES
    from tvbo_lite.lems.model import Include

    model = formats.read(name, search=search)
    if not is_lems(name):
        return reader.link(model, search), model
    if is_neuroml_file(name):
        model = reader.link(replace(model, includes=tuple(map(Include, CORE_FILES))), search)
    return model, None
