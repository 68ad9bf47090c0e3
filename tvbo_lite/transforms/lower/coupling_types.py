"""The component types of couplings by equations.

A dynamics that others read has two outlets, one of which copies its state variables as they are at the start
of a step; each of its inputs has a part that adds up terms. An edge is a tunnel between an outlet and a term:
the term reads the copy where the source advances before the target, else the source itself, so that every
term sees the state at the start of the step, whatever the order of the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.expr.tree import Binary, Expr, Name, names, substitute
from tvbo_lite.lems import model as lems
from tvbo_lite.lems.beyond import Delay
from tvbo_lite.transforms.check.dimensions import same
from tvbo_lite.transforms.lower.derived import Derived
from tvbo_lite.transforms.lower.edges import DELAY
from tvbo_lite.transforms.lower.scope import Scope
from tvbo_lite.transforms.quantity import NONE
from tvbo_lite.transforms.variables import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tvbo_lite.schema import Coupling, Dynamics
    from tvbo_lite.transforms.lower.bonds import Bond, Couplings, Port
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.equations import Equations
    from tvbo_lite.transforms.lower.scope import Exponents

__all__ = [
    "END",
    "GX",
    "OUTLET",
    "SEEN",
    "WEIGHT",
    "coupling_parameters",
    "inside",
    "outlets",
    "pair_type",
    "port_type",
    "pre_expression",
    "term_type",
]

END = lems.ComponentType("coupledEnd", description="One end of a coupling between two nodes.")
_ENDS = lems.Attachments("ends", END.name)
_OUTLET = lems.ComponentType("outlet", description="Where others read a node.", attachments=(_ENDS,))
OUTLET, SEEN = "outlet", "outlet_seen"  # names of the parts of a source
GX, VALUE, WEIGHT, PEER = "gx", "value", "weight", "peer"


def outlets(
    context: Context, name: str, states: list[str], equations: Equations
) -> tuple[lems.ChildSlot, ...]:
    """The slots of the two outlets of a dynamics; ``states`` are what the second one copies."""
    context.types.add(END)
    context.types.add(_OUTLET)
    requirements = tuple(lems.Requirement(state, equations.dimension_of(state)) for state in states)
    seen = lems.ComponentType(
        f"{name}_seen",
        description=f"The state of {name} at the start of a step.",
        attachments=(_ENDS,),
        requirements=requirements,
        dynamics=lems.Dynamics(),  # without it jLEMS copies nothing
    )
    context.types.add(seen)
    return lems.ChildSlot(OUTLET, _OUTLET.name), lems.ChildSlot(SEEN, seen.name)


def coupling_parameters(context: Context, rule: Coupling | None, path: Path) -> dict[str, Exponents]:
    """The dimensions of the constants of a coupling."""
    if rule is None:
        return {}
    here = (*path, "parameters")
    return {
        name: context.unit(item.unit, (*here, name, "unit"), f"coupling {rule.name}: {name}")[1]
        for name, item in rule.parameters.items()
    }


def port_type(
    context: Context, couplings: Couplings, port: Port, powers: Exponents | None
) -> lems.ComponentType:
    """The part of a target that adds up the terms of a coupling; ``powers`` is the dimension of the sum."""
    context.types.add(END)
    given = couplings.coupling(port.coupling)
    rule, path = given or (None, ())
    parameters = tuple(
        lems.Parameter(name, context.dimension(found, path, name))
        for name, found in coupling_parameters(context, rule, path).items()
    )
    dimension = context.dimension(powers or NONE, path, GX)
    total = lems.DerivedVariable(GX, dimension, GX, select="terms[*]/value", reduce="add")
    made = lems.ComponentType(
        f"{port.target}_{port.slot}",
        description=f"The sum that enters '{port.input}' of {port.target}.",
        parameters=parameters,
        attachments=(lems.Attachments("terms", END.name),),
        exposures=(lems.Exposure(GX, dimension),),
        dynamics=lems.Dynamics(derived=(total,)),
    )
    context.types.add(made)
    return made


def pair_type(context: Context, weight: str, *, late: bool = False) -> lems.ComponentType:
    """The connection of an outlet and a term, with a weight of the dimension ``weight``, perhaps a delay."""
    given = {WEIGHT: weight, **({DELAY: "time"} if late else {})}
    words = ["coupledPair", *([] if weight == "none" else [weight]), *(["late"] if late else [])]
    tunnel = {"name": PEER, "endA": "a", "endB": "b", "componentA": "sourceEnd", "componentB": "targetEnd"}
    made = lems.ComponentType(
        "_".join(words),
        "explicitConnection",
        description="A coupling from one node to another.",
        parameters=tuple(lems.Parameter(name, dimension) for name, dimension in given.items()),
        references=(lems.Reference("sourceEnd", END.name), lems.Reference("targetEnd", END.name)),
        paths=("from", "to"),
        structure=(
            lems.Builder("With", {"instance": "from", "as": "a"}),
            lems.Builder("With", {"instance": "to", "as": "b"}),
            lems.Builder(
                "Tunnel",
                tunnel,
                tuple(lems.Builder("Assign", {"property": name, "value": name}) for name in given),
            ),
        ),
    )
    context.types.add(made)
    return made


# ---- expressions at both ends -----------------------------------------------------------------


def inside(equations: Equations, name: str) -> Expr | None:
    """A variable of a dynamics by its state and parameters alone; None where it depends on an input."""
    inputs = equations.dynamics.coupling_inputs
    if name in inputs:
        return None
    trees = {**equations.trees, **{one: tree for one, (tree, _) in equations.hidden.items()}}
    tree = trees.get(name)
    if tree is None:
        return Name(name)
    moving = {*trees, *inputs}
    parts = {one: inside(equations, one) for one in sorted(moving.intersection(names(tree)))}
    known = {one: part for one, part in parts.items() if part is not None}
    return substitute(tree, known) if len(known) == len(parts) else None


@dataclass(slots=True)
class _Term:
    """One term type under construction."""

    context: Context
    bond: Bond
    scope: Scope
    source: Equations
    target: Equations
    before: bool  # whether the source advances before the target
    reads: dict[str, str]  # variable of the source -> name here
    needs: dict[str, str]  # what is required of the target, with its dimension
    path: Path

    def of_source(self, name: str) -> Expr:
        """A variable of the source at the start of the step."""
        states, late = self.source.dynamics.state_variables, self.bond.late
        if name in states or self.before:
            return self._read(name)
        found = inside(self.source, name)
        if late and (found is None or CLOCK in names(found) or self.history(name) is not None):
            return self._read(name)
        if found is None:
            what = f"'{name}' of {self.bond.source} depends at the same moment on what the node receives"
            hint = "read a state variable, or let no circle of nodes pass on what they receive"
            self.context.unsupported(self.path, what, hint)
            return self._read(name)
        return substitute(found, {one: self._read(one) for one in sorted(set(names(found)) - {"t"})})

    def _read(self, name: str) -> Expr:
        if name not in self.reads:
            here = self.reads[name] = self.scope.fresh(f"{name}_j")
            self.scope.known[here] = self.source.scope.known.get(name)
        return Name(self.reads[name])

    def history(self, name: str) -> float | None:
        """The value of a variable of the source before the start (SI), where it is given."""
        dynamics, units = self.source.dynamics, self.context.units
        item = dynamics.state_variables.get(name) or dynamics.derived_variables.get(name)
        if item is None or item.history is None:
            return None
        text = f"{item.history!r} {item.unit or ''}".strip()
        return units.value(text, self.context.unit(item.unit, self.path, name)[0])

    def delays(self, kind: str) -> Iterator[Delay]:
        """The delays with which the type ``kind`` reads what changes."""
        dynamics = self.source.dynamics
        for name, own in self.reads.items():
            if name in dynamics.state_variables or name in dynamics.derived_variables:
                yield Delay(kind, own, DELAY, self.history(name))

    def of_target(self, name: str, taken: Mapping[str, object]) -> Expr:
        """A variable of the target at the start of the step."""
        found = inside(self.target, name)
        if found is None:
            what = f"coupling: '{name}' of {self.bond.port.target} depends on what the node receives"
            self.context.unsupported(self.path, what, "use a state variable")
            return Name(name)
        for one in sorted(set(names(found)) - {"t"}):
            if one in taken:
                what = f"'{one}' is a parameter of the coupling, and a name in {self.bond.port.target}"
                self.context.report(self.path, what, "another name for the parameter")
            self.scope.known[one] = self.target.scope.known.get(one)
            self.needs[one] = self.target.dimension_of(one)
        return found


def term_type(
    context: Context,
    couplings: Couplings,
    bond: Bond,
    source: Equations,
    target: Equations,
    *,
    before: bool,
    path: Path,
) -> lems.ComponentType:
    """The type of the terms of a bond, each ``weight * pre(x_j, x_i)``; ``path`` is that of an edge.

    ``before`` tells whether the source advances before the target.
    """
    port, weight = bond.port, bond.weight
    given = couplings.coupling(port.coupling)
    rule, place = given or (None, path)
    here = (*place, "pre_expression") if rule and rule.pre_expression else place
    constants = coupling_parameters(context, rule, place)
    owner = f"coupling {port.coupling}" if rule else "edge"
    scope = Scope(context, owner, dict(constants), functions=target.scope.functions)
    scope.plain_time = source.scope.plain_time and target.scope.plain_time
    scope.known |= {WEIGHT: context.exponents(weight), VALUE: None, PEER: NONE}
    scope.known |= {DELAY: context.exponents("time")} if bond.late else {}
    tree = pre_expression(scope, rule, bond, target.dynamics, here)
    term = _Term(context, bond, scope, source, target, before, {}, {}, here)
    expr = _at_ends(term, tree, rule, constants)
    derived = Derived(scope, here)
    value = scope.bound(Binary("*", Name(WEIGHT), expr))
    derived.plain += [
        lems.DerivedVariable(own, context.dimension(scope.known[own], here, own), select=f"{PEER}/{name}")
        for name, own in term.reads.items()
    ]
    derived.add(VALUE, value, here, VALUE)
    _check(context, couplings, port, scope, path)
    used = constants.keys() & set(names(expr))
    needs = {name: context.dimension(constants[name], place, name) for name in constants if name in used}
    made = _assembled(bond, scope, derived, {**term.needs, **needs}, later=_differs(bond, source, before))
    context.types.add(made)
    if bond.late:
        context.delays |= dict.fromkeys(term.delays(made.name))
    return made


def _assembled(
    bond: Bond, scope: Scope, derived: Derived, needs: dict[str, str], *, later: bool
) -> lems.ComponentType:
    port = bond.port
    unit = [] if bond.weight == "none" else [bond.weight]
    words = [port.target, port.slot, bond.source, *bond.variables, *unit]
    words += ["late"] if bond.late else ["later"] if later else []
    name = "_".join(words)
    given = [lems.Property(WEIGHT, bond.weight, "1")]
    given += [lems.Property(DELAY, "time", "0")] if bond.late else []
    dimension = scope.context.dimension(scope.known[VALUE], derived.path, VALUE)
    return lems.ComponentType(
        name,
        END.name,
        description=f"What a node of {port.target} receives from one of {bond.source}.",
        properties=tuple(given),
        constants=tuple(scope.constants.values()),
        requirements=tuple(lems.Requirement(one, found) for one, found in needs.items()),
        instance_requirements=(lems.Reference(PEER, END.name),),
        exposures=(lems.Exposure(VALUE, dimension),),
        dynamics=lems.Dynamics(derived=tuple(derived.plain), conditional=tuple(derived.conditional)),
    )


def _differs(bond: Bond, source: Equations, before: bool) -> bool:
    """Whether this is the type for sources that advance later, where there are two types."""
    return not before and any(name not in source.dynamics.state_variables for name in bond.variables)


def _check(context: Context, couplings: Couplings, port: Port, scope: Scope, path: Path) -> None:
    wanted, found = couplings.sums.get(port), scope.known[VALUE]
    if not same(wanted, found):
        message = f"what comes in at '{port.input}' of {port.target} is {scope.shown(found)}"
        context.report(path, message, scope.shown(wanted), kind=UnitError)


def pre_expression(scope: Scope, rule: Coupling | None, bond: Bond, target: Dynamics, path: Path) -> Expr:
    """The tree of the expression for one source, in the coupling's own names."""
    if rule is None or rule.pre_expression is None:
        return Name("x_j")
    known = {**scope.known, **dict.fromkeys([*_source_names(bond), *_target_names(rule, bond, target)])}
    outer = replace(scope, known=known)
    return outer.parse(rule.pre_expression.rhs, path, "pre_expression") or Name("x_j")


def _source_names(bond: Bond) -> dict[str, str]:
    """The names by which a coupling knows variables of the source."""
    return {
        **{name: name for name in bond.variables},
        **{f"{name}_j": name for name in bond.variables},
        "x_j": bond.variables[0],
    }


def _target_names(rule: Coupling, bond: Bond, target: Dynamics) -> dict[str, str]:
    """The names by which a coupling knows variables of the target."""
    known = [*target.state_variables, *target.derived_variables]
    local = rule.local_states or [name for name in bond.variables if name in known]
    found = {f"{name}_i": name for name in known}
    found |= {name: name for name in rule.local_states if name not in bond.variables}
    return {**found, "x_i": local[0]} if local else found


def _at_ends(term: _Term, tree: Expr, rule: Coupling | None, constants: Mapping[str, object]) -> Expr:
    """The tree with each name of a variable replaced by what is read at its end."""
    used = set(names(tree)) - set(constants)
    here = {} if rule is None else _target_names(rule, term.bond, term.target.dynamics)
    there = _source_names(term.bond)
    values = {one: term.of_target(here[one], constants) for one in sorted(used & here.keys() - there.keys())}
    values |= {one: term.of_source(there[one]) for one in sorted(used & there.keys())}
    return substitute(tree, values)
