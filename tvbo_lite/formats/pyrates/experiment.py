"""A circuit template as an experiment of the YAML dialect: a dynamics, or a network of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Location, ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.formats.pyrates.entries import Entries, entries
from tvbo_lite.formats.pyrates.model import Circuit
from tvbo_lite.formats.pyrates.network import network_of, separated
from tvbo_lite.formats.pyrates.parts import IMAG, REAL, real_system
from tvbo_lite.formats.pyrates.reader import read_circuit
from tvbo_lite.formats.pyrates.spelling import identifier, node_of, short_names
from tvbo_lite.formats.pyrates.system import NO_DELAYS, Delays, System, system_of
from tvbo_lite.formats.yaml.to_model import model_of
from tvbo_lite.schema.load import load
from tvbo_lite.schema.paths import DocumentPath, path_text

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model

__all__ = ["Translation", "read", "translate"]


@dataclass(frozen=True, slots=True)
class Translation:
    """An experiment as plain data of the dialect, and how it calls what the templates name.

    ``names``: path of a variable in the circuit -> the quantity of a run that has it (``qif_pop[0]/r``);
    two, of the real and the imaginary part, for a complex one. ``states`` are the quantities with a
    derivative. ``external``: input -> the keys of a stimulus that drives it. ``lines``: where the things of
    ``data`` come from.
    """

    data: dict[str, Any]
    names: Mapping[str, tuple[str, ...]]
    states: frozenset[str]
    external: Mapping[str, dict[str, Any]]
    lines: Mapping[DocumentPath, Location] = field(default_factory=dict)

    def location(self, path: DocumentPath) -> Location:
        """The place in the template of a path in ``data``, or of its nearest parent that has one."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        found = self.lines.get(known, Location())
        return Location(found.file, found.line, path_text(path))


def read(path: str | Path, search: Sequence[Path] = ()) -> Model:
    """The model that a circuit template means; raises as `SimulationExperiment.from_pyrates`."""
    found = translate(read_circuit(str(path)))
    return model_of(load(found.data, found.location))


def translate(
    circuit: Circuit,
    *,
    external: Collection[str] = (),
    record: Collection[str] | None = None,
    delays: Delays = NO_DELAYS,
    network: bool | None = None,
) -> Translation:
    """The circuit as an experiment without integration.

    Args:
        circuit: as `tvbo_lite.formats.pyrates.reader.read_circuit` gives it.
        external: inputs (``node/operator/variable``) that a stimulation will drive; their value is left out.
        record: the variables that a run records; by default those with a derivative, and all outputs.
        delays: what delays become.
        network: whether nodes become nodes of a network, or all equations one dynamics; by default the
            former where there are several.

    Raises:
        ModelError: an edge, or one of ``external`` and ``record``, without its variable.
        ExpressionError: an equation that cannot be read.
        UnsupportedError: an array, a value of the past in an equation, a delay of a complex variable, or of
            nodes that pass on in a circle, a function of complex numbers that is not known.
    """
    whole, opened = system_of(circuit, external, delays)
    system, complex_names = real_system(whole)
    parts = {
        name: (name + REAL, name + IMAG) if name in complex_names else (name,) for name in whole.variables
    }
    wanted = {part for name in _recorded(whole, record, circuit) for part in parts[name]}
    several = len({node_of(name) for name in system.variables}) > 1
    found = None
    if (several or system.late) and network is not False:
        found = network_of(separated(system, wanted), wanted, set(opened.values()))
    if found is None:
        _check_one(system)
        found = _whole(system, circuit, wanted)
    about = {"label": circuit.name, "description": circuit.description}
    return Translation(
        {**{key: value for key, value in about.items() if value is not None}, **found.data},
        {
            name: tuple(found.quantities[part] for part in known)
            for name, known in parts.items()
            if known[0] in found.quantities
        },
        frozenset(found.quantities[name] for name in system.rates),
        {name: found.stimulus(own) for name, own in opened.items()},
        {(): circuit.location, **found.lines},
    )


def _check_one(system: System) -> None:
    """Raises `UnsupportedError` where one dynamics with all equations would need values of the past."""
    if system.late:
        what = "is read with a delay, which needs a network, whose nodes pass nothing on at once in a circle"
        problems = [Problem(f"{one.signal} {what}", one.location) for one in system.late.values()]
        raise UnsupportedError(dict.fromkeys(problems))


def _whole(system: System, circuit: Circuit, wanted: set[str]) -> Entries:
    """All equations as one dynamics."""
    short, name = short_names(system.variables), identifier(circuit.name)
    data, lines = entries(system, system.variables, short, wanted)
    return Entries(
        {"dynamics": {"name": name, **data}},
        {full: f"{name}_pop[0]/{own}" for full, own in short.items()},
        {("dynamics", *path): place for path, place in lines.items()},
    )


def _recorded(system: System, record: Collection[str] | None, circuit: Circuit) -> Collection[str]:
    """What is to be recorded. Raises `ModelError` for what does not change."""
    if record is None:
        return {*system.rates, *(name for name in system.values if system.variables[name].kind == "output")}
    missing = [name for name in record if name not in system.rates and name not in system.values]
    if missing:
        changing = [*system.rates, *system.values]
        problems = [
            Problem(f"'{name}' is no variable that changes", circuit.location, hint=nearest(name, changing))
            for name in missing
        ]
        raise ModelError(problems)
    return record
