"""A circuit template as an experiment of the YAML dialect: one dynamics with all its equations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tvbo_lite.errors import Location, ModelError, Problem, nearest
from tvbo_lite.expr.python_text import write
from tvbo_lite.expr.tree import Expr, Name, substitute
from tvbo_lite.formats.pyrates.model import Circuit
from tvbo_lite.formats.pyrates.parts import IMAG, REAL, real_system
from tvbo_lite.formats.pyrates.system import EDGE, TIME, System, system_of
from tvbo_lite.schema.paths import DocumentPath, path_text
from tvbo_lite.transforms.lower.network import NETWORK_ID

__all__ = ["Translation", "translate"]


@dataclass(frozen=True, slots=True)
class Translation:
    """An experiment as plain data of the dialect, and how it calls what the templates name.

    ``names``: path of a variable in the circuit -> its name in the dynamics; two names, of the real and
    the imaginary part, for a complex one. ``external``: input -> the parameter that a stimulation of it
    adds to. ``lines``: where the things of ``data`` come from.
    """

    data: dict[str, Any]
    names: Mapping[str, tuple[str, ...]]
    external: Mapping[str, str]
    lines: Mapping[DocumentPath, Location] = field(default_factory=dict)

    def location(self, path: DocumentPath) -> Location:
        """The place in the template of a path in ``data``, or of its nearest parent that has one."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        found = self.lines.get(known, Location())
        return Location(found.file, found.line, path_text(path))


def translate(
    circuit: Circuit,
    *,
    external: Collection[str] = (),
    record: Collection[str] | None = None,
    delay_order: int = 0,
) -> Translation:
    """The circuit as an experiment without integration.

    Args:
        circuit: as `tvbo_lite.formats.pyrates.reader.read_circuit` gives it.
        external: inputs (``node/operator/variable``) that a stimulation will drive; their value is left out.
        record: the variables that a run records; by default those with a derivative, and all outputs.
        delay_order: with how many equations a delay without spread is approximated; 0 refuses it.

    Raises:
        ModelError: an edge, or one of ``external`` and ``record``, without its variable.
        ExpressionError: an equation that cannot be read.
        UnsupportedError: an array, a value of the past, a delay without spread, a function of complex
            numbers that is not known.
    """
    whole, opened = system_of(circuit, external, delay_order)
    system, complex_names = real_system(whole)
    short = short_names(system.variables)
    names = {
        name: (short[name + REAL], short[name + IMAG]) if name in complex_names else (short[name],)
        for name in whole.variables
        if name in complex_names or name in short
    }
    wanted = _recorded(whole, record, circuit, names)
    dynamics: dict[str, Any] = {"name": _identifier(circuit.name)}
    lines: dict[DocumentPath, Location] = {("dynamics",): circuit.location}
    for name, item in system.variables.items():
        group, entry = _entry(system, name, short, recorded=short[name] in wanted)
        dynamics.setdefault(group, {})[short[name]] = entry
        lines["dynamics", group, short[name]] = item.location
    data = {"label": circuit.name, "description": circuit.description, "dynamics": dynamics}
    data = {key: value for key, value in data.items() if value is not None}
    return Translation(data, names, {name: short[own] for name, own in opened.items()}, lines)


def _identifier(name: str) -> str:
    """A name for the dynamics, which is not that of the network around it."""
    plain = re.sub(r"\W", "_", name)
    return f"_{plain}" if plain[:1].isdigit() or plain == NETWORK_ID else plain


def _entry(
    system: System, name: str, short: Mapping[str, str], *, recorded: bool
) -> tuple[str, dict[str, Any]]:
    """A variable as the dialect writes it, and the group in which it stands."""
    value = system.variables[name].value
    if name in system.rates:
        entry = {"equation": _text(system.rates[name], short), "initial_value": value}
        return "state_variables", entry if recorded else {**entry, "record": False}
    if name in system.values:
        entry = {"equation": _text(system.values[name], short)}
        return "derived_variables", {**entry, "record": True} if recorded else entry
    return "parameters", {"value": value}


def _text(expr: Expr, short: Mapping[str, str]) -> str:
    return write(substitute(expr, {full: Name(name) for full, name in short.items()}))


def _recorded(
    system: System, record: Collection[str] | None, circuit: Circuit, names: Mapping[str, tuple[str, ...]]
) -> set[str]:
    """The names, in the dynamics, of what is to be recorded."""
    if record is None:
        outputs = {name for name in system.values if system.variables[name].kind == "output"}
        record = {*system.rates, *outputs}
    missing = [name for name in record if name not in system.rates and name not in system.values]
    if missing:
        changing = [*system.rates, *system.values]
        problems = [
            Problem(f"'{name}' is no variable that changes", circuit.location, hint=nearest(name, changing))
            for name in missing
        ]
        raise ModelError(problems)
    return {own for name in record for own in names[name]}


def short_names(names: Iterable[str]) -> dict[str, str]:
    """For each ``node/operator/variable`` a name: as short as tells it from all others, the variable first.

    Nodes choose before the operators on edges.
    """
    groups: dict[tuple[bool, str], list[tuple[str, str, str]]] = {}
    for name in names:
        *node, operator, variable = name.split("/")
        path = "/".join(node)
        groups.setdefault((_ON_EDGE.fullmatch(path) is not None, variable), []).append(
            (path, operator, variable)
        )
    found: dict[str, str] = {}
    taken = {TIME}
    for _, group in sorted(groups.items(), key=lambda item: (item[0][0], len(item[1]))):
        for spelling in _SPELLINGS:
            spelt = [re.sub(r"\W", "_", spelling.format(*parts)) for parts in group]
            if len(set(spelt)) == len(group) and taken.isdisjoint(spelt):
                break
        else:
            spelt = [_fresh(name, taken) for name in spelt]
        taken.update(spelt)
        found |= {"/".join(parts): name for parts, name in zip(group, spelt, strict=True)}
    return found


_ON_EDGE = re.compile(rf"{EDGE}\d+")
_SPELLINGS = ("{2}", "{0}_{2}", "{1}_{2}", "{0}_{1}_{2}")  # of node, operator, variable


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
