"""The variables of a system as the dialect writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tvbo_lite.expr.python_text import write
from tvbo_lite.expr.tree import Expr, Name, substitute

if TYPE_CHECKING:
    from tvbo_lite.errors import Location
    from tvbo_lite.formats.pyrates.system import System
    from tvbo_lite.schema.paths import DocumentPath

__all__ = ["Entries", "entries"]


@dataclass(frozen=True, slots=True)
class Entries:
    """Sections of a document, the quantity of each variable in a run, and the nodes of variables."""

    data: dict[str, Any]
    quantities: Mapping[str, str]
    lines: Mapping[DocumentPath, Location] = field(default_factory=dict)
    nodes: Mapping[str, int] = field(default_factory=dict)

    def stimulus(self, name: str) -> dict[str, Any]:
        """The keys of a stimulus that drives a parameter: its name, and the node where there are several."""
        target = {"target_var": self.quantities[name].rpartition("/")[2]}
        return {**target, "regions": [self.nodes[name]]} if name in self.nodes else target


def entries(
    system: System, names: Iterable[str], short: Mapping[str, str], wanted: set[str]
) -> tuple[dict[str, dict[str, Any]], dict[DocumentPath, Location]]:
    """A dynamics of the variables ``names``, and where each comes from; those in ``wanted`` are recorded."""
    data: dict[str, dict[str, Any]] = {}
    lines: dict[DocumentPath, Location] = {}
    for name in names:
        group, entry = _entry(system, name, short, recorded=name in wanted)
        data.setdefault(group, {})[short[name]] = entry
        lines[group, short[name]] = system.variables[name].location
    return data, lines


def _entry(
    system: System, name: str, short: Mapping[str, str], *, recorded: bool
) -> tuple[str, dict[str, Any]]:
    """A variable, and the group in which it stands."""
    value = system.variables[name].value
    past = {"history": 0} if system.starts_empty(name) else {}
    if name in system.rates:
        entry = {"equation": _text(system.rates[name], short), "initial_value": value, **past}
        return "state_variables", entry if recorded else {**entry, "record": False}
    if name in system.values:
        entry = {"equation": _text(system.values[name], short), **past}
        return "derived_variables", {**entry, "record": True} if recorded else entry
    if system.variables[name].kind == "coupled":
        return "coupling_inputs", {}
    return "parameters", {"value": value}


def _text(expr: Expr, short: Mapping[str, str]) -> str:
    return write(substitute(expr, {full: Name(name) for full, name in short.items()}))
