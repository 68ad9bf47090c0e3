"""Reads which edges of a network go through which couplings by equations, and which variables they carry."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.transforms.lower.bonds import Bond, Couplings, Port
from tvbo_lite.transforms.lower.context import listing
from tvbo_lite.transforms.lower.edges import CONNECTION, DELAY, edge_parameters
from tvbo_lite.transforms.lower.equations import has_equations
from tvbo_lite.transforms.lower.own_types import is_own
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tvbo_lite.schema import Coupling, Dynamics, Edge, Experiment, Network, Parameter
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["has_delays", "read_couplings"]

EXTENDS = "extends:"
_INPUT_TYPES = ("basePointCurrent", "basePointCurrentDL")
_USED = (
    "parameters", "pre_expression", "post_expression", "incoming_states", "local_states", "delayed", "sparse",
)  # fmt: skip
_EDGE = (*CONNECTION, "source", "target", "coupling", "parameters", "source_var", "target_var")
_OUT = "_out"  # ends the name by which others may know a variable: x_out for x
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(slots=True)
class _Reading:
    """Reads the edges into ``found``; what is wrong is reported."""

    context: Context
    found: Couplings

    def add(self, edge: Edge, source: str, target: str, path: Path) -> None:
        """Note what an edge between nodes of two dynamics is: bonds, or something attached."""
        names = self._couplings(edge, source, target)
        if names is None:
            self.found.attached.add(target)
            return
        what = f"edge {edge.source} to {edge.target}"
        refuse_rest(edge, _EDGE, path, what, self.context)
        self.found.of_edge[path] = []
        for end, name in (("source", source), ("target", target)):
            if not self.has_equations(name):
                message = f"{what}: '{name}' is not given by equations, which this coupling needs"
                self.context.unsupported((*path, end), message, "'coupling: <synapse>'")
                return
        self._check_parameters(edge, path, what)
        for name in names:
            port = self._port(edge, name, target, path, what=what)
            variables = self._variables(edge, name, source, path, what=what)
            if port and variables:
                late = self._is_late(edge, name, path)
                bond = Bond(port, source, variables, self._weight(edge, path, what), late)
                self.found.bonds.setdefault(bond, path)
                self.found.of_edge[path].append(bond)

    def _couplings(self, edge: Edge, source: str, target: str) -> list[str] | None:
        """The names of the couplings that an edge goes through; None for a synapse or a current input."""
        if edge.coupling is not None:
            return [edge.coupling] if edge.coupling in self.found.given else None
        ours = self.has_equations(source) and self.has_equations(target)
        if not (edge.source_var or edge.target_var or ours):
            return None
        inputs = self.found.named[target][0].coupling_inputs if target in self.found.named else {}
        everywhere = {name for dynamics, _ in self.found.named.values() for name in dynamics.coupling_inputs}
        return _fitting(edge, self.found.given, inputs, everywhere) or [""]

    def has_equations(self, name: str) -> bool:
        """Whether a node of the dynamics has equations of its own, and is no current input."""
        if name not in self.found.named:
            return False
        dynamics, types = self.found.named[name][0], self.context.types
        if not (is_own(self.context, dynamics) and has_equations(dynamics)):
            return False
        parent = (dynamics.iri or "").removeprefix(EXTENDS)
        return parent not in types or not any(map(types.get(parent).is_a, _INPUT_TYPES))

    def _port(self, edge: Edge, coupling: str, target: str, path: Path, *, what: str) -> Port | None:
        inputs = self.found.named[target][0].coupling_inputs
        if edge.target_var:
            message = f"{what}: '{target}' has no coupling input '{edge.target_var}'"
            known = self.context.among(edge.target_var, inputs, (*path, "target_var"), message)
            return Port(target, edge.target_var, coupling) if known else None
        if coupling in inputs or len(inputs) == 1:
            return Port(target, coupling if coupling in inputs else next(iter(inputs)), coupling)
        message = f"{what}: '{target}' has " + ("several coupling inputs" if inputs else "no coupling input")
        expected = f"'target_var', one of {listing(inputs)}" if inputs else "'coupling_inputs: [...]'"
        self.context.report((*path, "target"), message, expected)
        return None

    def _variables(
        self, edge: Edge, coupling: str, source: str, path: Path, *, what: str
    ) -> tuple[str, ...] | None:
        """What is read of the source: what the edge says, else the coupling, else the dynamics."""
        dynamics = self.found.named[source][0]
        known = [*dynamics.state_variables, *dynamics.derived_variables]
        given = self.found.given.get(coupling)
        rule = given[0] if given else None
        states = list(dynamics.state_variables)
        marked = [name for name, item in dynamics.state_variables.items() if item.coupling_variable]
        named = _mentioned(rule, known) if rule else []
        candidates = (
            ([edge.source_var] if edge.source_var else [], (*path, "source_var")),
            (rule.incoming_states if rule else [], (*(given[1] if given else path), "incoming_states")),
            (named, path),
            (marked, path),
            (dynamics.output, path),
            (states if len(states) == 1 else [], path),
        )
        chosen, place = next((found for found in candidates if found[0]), ([], path))
        if not chosen or (rule is None and len(chosen) > 1):
            message = f"{what}: nothing says which variable of '{source}' is read"
            self.context.report(path, message, f"'source_var', one of {listing(known)}")
            return None
        chosen = [_own_name(name, known) for name in chosen]
        for name in chosen:
            if name not in known:
                message = f"{what}: '{source}' has no variable '{name}'"
                self.context.report(place, message, listing(known) or None, nearest(name, known))
                return None
        return tuple(dict.fromkeys([*chosen, *named]))

    def _weight(self, edge: Edge, path: Path, what: str) -> str:
        """The dimension of the weight."""
        weight, place = edge_parameters(edge, path).get("weight", (None, path))
        return self.context.unit(weight.unit, place, what)[0] if weight else "none"

    def _check_parameters(self, edge: Edge, path: Path, what: str) -> None:
        given = edge_parameters(edge, path)
        for name, (_, place) in given.items():
            if name not in CONNECTION:
                hint = nearest(name, CONNECTION)
                self.context.report(place, f"{what}: a coupling has no '{name}'", "weight, delay", hint)
        delay, place = given.get(DELAY, (None, path))
        if delay is None:
            return
        if _number(self.context, delay) < 0:
            shown = f"{delay.value} {delay.unit}" if delay.unit else f"{delay.value}"
            self.context.report(place, f"{what}: the delay is {shown}", "a time, 0 or more")

    def _is_late(self, edge: Edge, coupling: str, path: Path) -> bool:
        """Whether a coupling carries values with the delay of the edge."""
        delay, _ = edge_parameters(edge, path).get(DELAY, (None, path))
        counts = coupling not in self.found.given or self.found.given[coupling][0].delayed
        return counts and delay is not None and _number(self.context, delay) != 0


def _number(context: Context, delay: Parameter) -> float:
    """A number that is below 0, or 0, where the delay is; NaN for what is none."""
    value = delay.value
    if isinstance(value, str):
        try:
            return context.units.value(value, "time")
        except UnitError:
            return math.nan
    return float(value) if isinstance(value, int | float) else math.nan


def _fitting(
    edge: Edge, given: Iterable[str], inputs: Iterable[str], everywhere: Collection[str]
) -> list[str]:
    """The couplings that an edge without one goes through: those of its inputs, and those of no input."""
    wanted = [edge.target_var] if edge.target_var else list(inputs)
    return [name for name in given if name in wanted or name not in everywhere]


def has_delays(context: Context, experiment: Experiment) -> bool:
    """Whether edges carry values with delays, which LEMS's own step cannot do."""
    network = experiment.network
    if network is None:
        return False
    kinds = {node.id: node.dynamics for node in network.nodes}
    everywhere = {name for one in network.dynamics.values() for name in one.coupling_inputs}
    for index, edge in enumerate(network.edges):
        delay, _ = edge_parameters(edge, ("network", "edges", index)).get(DELAY, (None, ()))
        if delay is None or _number(context, delay) == 0:
            continue
        kind = network.dynamics.get(str(kinds.get(edge.target)))
        inputs = kind.coupling_inputs if kind is not None else ()
        names = [edge.coupling] if edge.coupling else _fitting(edge, network.coupling, inputs, everywhere)
        rules = [network.coupling[name] for name in names if name in network.coupling]
        if any(rule.delayed for rule in rules) or not names:
            return True
    return False


def _own_name(name: str, known: list[str]) -> str:
    short = name.removesuffix(_OUT)
    return short if name not in known and short in known else name


def _mentioned(rule: Coupling, known: list[str]) -> list[str]:
    """The variables of the source that the coupling's expression names, as ``y1`` or ``y1_j``."""
    words = _WORD.findall(rule.pre_expression.rhs) if rule.pre_expression else []
    taken = {*rule.parameters, *rule.local_states}
    return [name for name in known if f"{name}_j" in words or (name in words and name not in taken)]


def read_couplings(
    context: Context,
    network: Network,
    named: Mapping[str, tuple[Dynamics, Path]],
    nodes: Mapping[int, str],
) -> Couplings:
    """The couplings of a network; ``nodes`` gives the name of each node's dynamics."""
    path: Path = ("network", "coupling")
    given = {name: (item, (*path, name)) for name, item in network.coupling.items()}
    found = Couplings(named, given)
    reading = _Reading(context, found)
    for name, (item, place) in given.items():
        refuse_rest(item, _USED, place, f"coupling {name}", context)
        if name in named:
            message = f"'{name}' is the name of a coupling and of a dynamics"
            context.report(place, message, "a name of its own for each")
    for index, edge in enumerate(network.edges):
        if edge.source in nodes and edge.target in nodes:
            reading.add(edge, nodes[edge.source], nodes[edge.target], ("network", "edges", index))
    used = {bond.port.coupling for bond in found.bonds}
    for name in given if not context.found else ():
        if name in used:
            continue
        message = f"no edge goes through the coupling '{name}'"
        context.report((*path, name), message, "an edge, or no coupling")
    return found
