"""Couplings by equations: which edges carry which variables into which inputs.

The value that a coupling input gets is ``post(gx)`` with ``gx`` the sum of ``weight * pre(x_j, x_i)`` over
the edges that end at the node. All edges that carry the same variables of one dynamics through one coupling
into one input of another are a `Bond`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.transforms.lower.context import listing
from tvbo_lite.transforms.lower.edges import CONNECTION, DELAY, edge_parameters
from tvbo_lite.transforms.lower.equations import has_equations
from tvbo_lite.transforms.lower.own_types import is_own
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from tvbo_lite.schema import Coupling, Dynamics, Edge, Experiment, Network, Parameter
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.scope import Exponents

__all__ = ["Bond", "Couplings", "Port", "has_delays", "read_couplings"]

EXTENDS = "extends:"
_INPUT_TYPES = ("basePointCurrent", "basePointCurrentDL")
_USED = (
    "parameters", "pre_expression", "post_expression", "incoming_states", "local_states", "delayed", "sparse",
)  # fmt: skip
_EDGE = (*CONNECTION, "source", "target", "coupling", "parameters", "source_var", "target_var")
_OUT = "_out"  # ends the name by which others may know a variable: x_out for x
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Port:
    """Where the terms of a coupling (its name; empty: linear) meet: at an input of a dynamics."""

    target: str
    input: str
    coupling: str

    @property
    def slot(self) -> str:
        """The name of the part of the target that adds up the terms."""
        how = "sum" if self.coupling == self.input else self.coupling or "linear"
        return f"{self.input}_{how}"


@dataclass(frozen=True, slots=True)
class Bond:
    """The edges that carry ``variables`` of the dynamics ``source`` to a port; the first is ``x_j``.

    ``weight`` is the dimension of their weights; ``late`` ones have a delay.
    """

    port: Port
    source: str
    variables: tuple[str, ...]
    weight: str = "none"
    late: bool = False


@dataclass(slots=True)
class Couplings:
    """What the edges and couplings of a network say about its dynamics, which are known by name.

    ``attached`` are the dynamics at whose nodes synapses and current inputs end; ``sums`` gives the dimension
    of what a port adds up.
    """

    context: Context
    named: Mapping[str, tuple[Dynamics, Path]]
    given: Mapping[str, tuple[Coupling, Path]]
    bonds: dict[Bond, Path] = field(default_factory=dict)
    of_edge: dict[Path, list[Bond]] = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)
    sums: dict[Port, Exponents] = field(default_factory=dict)

    def name_at(self, path: Path) -> str | None:
        """The name of the dynamics at a place; None for one inside another."""
        return next((name for name, (_, place) in self.named.items() if place == path), None)

    def ports(self, dynamics: str) -> list[Port]:
        """The ports of a dynamics, in the order of its inputs."""
        found = dict.fromkeys(bond.port for bond in self.bonds if bond.port.target == dynamics)
        inputs = list(self.named[dynamics][0].coupling_inputs)
        return sorted(found, key=lambda port: inputs.index(port.input))

    def into(self, port: Port) -> list[Bond]:
        """The bonds that end at a port."""
        return [bond for bond in self.bonds if bond.port == port]

    def seen(self, dynamics: str) -> list[str]:
        """The state variables of a dynamics that others read."""
        states = self.named[dynamics][0].state_variables
        read = (name for bond in self.bonds if bond.source == dynamics for name in bond.variables)
        return list(dict.fromkeys(name for name in read if name in states))

    def is_source(self, dynamics: str) -> bool:
        """Whether others read variables of the dynamics."""
        return any(bond.source == dynamics for bond in self.bonds)

    def coupling(self, name: str) -> tuple[Coupling, Path] | None:
        """A coupling with its place; None for the linear one."""
        return self.given.get(name)

    # ---- reading the edges -----------------------------------------------------------------------

    def add(self, edge: Edge, source: str, target: str, path: Path) -> None:
        """Note what an edge between nodes of two dynamics is: bonds, or something attached."""
        names = self._couplings(edge, source, target)
        if names is None:
            self.attached.add(target)
            return
        what = f"edge {edge.source} to {edge.target}"
        refuse_rest(edge, _EDGE, path, what, self.context)
        self.of_edge[path] = []
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
                self.bonds.setdefault(bond, path)
                self.of_edge[path].append(bond)

    def _couplings(self, edge: Edge, source: str, target: str) -> list[str] | None:
        """The names of the couplings that an edge goes through; None for a synapse or a current input."""
        if edge.coupling is not None:
            return [edge.coupling] if edge.coupling in self.given else None
        ours = self.has_equations(source) and self.has_equations(target)
        if not (edge.source_var or edge.target_var or ours):
            return None
        inputs = self.named[target][0].coupling_inputs if target in self.named else {}
        everywhere = {name for dynamics, _ in self.named.values() for name in dynamics.coupling_inputs}
        return _fitting(edge, self.given, inputs, everywhere) or [""]

    def has_equations(self, name: str) -> bool:
        """Whether a node of the dynamics has equations of its own, and is no current input."""
        if name not in self.named:
            return False
        dynamics, types = self.named[name][0], self.context.types
        if not (is_own(self.context, dynamics) and has_equations(dynamics)):
            return False
        parent = (dynamics.iri or "").removeprefix(EXTENDS)
        return parent not in types or not any(map(types.get(parent).is_a, _INPUT_TYPES))

    def _port(self, edge: Edge, coupling: str, target: str, path: Path, *, what: str) -> Port | None:
        inputs = self.named[target][0].coupling_inputs
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
        dynamics = self.named[source][0]
        known = [*dynamics.state_variables, *dynamics.derived_variables]
        given = self.given.get(coupling)
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
        counts = coupling not in self.given or self.given[coupling][0].delayed
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
    found = Couplings(context, named, given)
    for name, (item, place) in given.items():
        refuse_rest(item, _USED, place, f"coupling {name}", context)
        if name in named:
            message = f"'{name}' is the name of a coupling and of a dynamics"
            context.report(place, message, "a name of its own for each")
    for index, edge in enumerate(network.edges):
        if edge.source in nodes and edge.target in nodes:
            found.add(edge, nodes[edge.source], nodes[edge.target], ("network", "edges", index))
    for name in _unused(found):
        message = f"no edge goes through the coupling '{name}'"
        context.report((*path, name), message, "an edge, or no coupling")
    return found


def _unused(couplings: Couplings) -> Iterator[str]:
    used = {bond.port.coupling for bond in couplings.bonds}
    if not couplings.context.found:
        yield from (name for name in couplings.given if name not in used)
