"""The coupling inputs of a dynamics: what synapses and current sources give, and couplings by equations."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.expr.tree import Binary, Expr, Name, Number, Select, names, substitute
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check.dimensions import MismatchError, of_expression, same
from tvbo_lite.transforms.lower.attributes import attributes, placed
from tvbo_lite.transforms.lower.coupling_types import (
    GX,
    OUTLET,
    SEEN,
    coupling_parameters,
    outlets,
    port_type,
    pre_expression,
)
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.scope import Scope
from tvbo_lite.transforms.lower.spike_pulses import receive
from tvbo_lite.transforms.quantity import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.schema import Coupling, CouplingInput, Dynamics
    from tvbo_lite.transforms.lower.bonds import Bond, Couplings, Port
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.equations import Equations
    from tvbo_lite.transforms.lower.scope import Exponents

__all__ = ["coupling_inputs", "coupling_parts", "coupling_slots"]

_ATTACHED = {"basePointCurrent": ("i", "current"), "basePointCurrentDL": ("I", "none")}
_SYNAPSES = "synapses"


def coupling_inputs(equations: Equations) -> tuple[lems.Attachments, ...]:
    """Make the variables of the inputs; the first that can be a current is where synapses are attached.

    An input that nothing enters is 0.
    """
    context, couplings = equations.context, equations.context.couplings
    name = couplings.name_at(equations.path) if couplings else None
    ports = couplings.ports(name) if couplings and name else []
    inputs = equations.dynamics.coupling_inputs
    attached = _attached(equations, inputs)
    lists: tuple[lems.Attachments, ...] = ()
    for key, item in inputs.items():
        path = (*equations.path, "coupling_inputs", key)
        refuse_rest(item, ("unit", "dimension"), path, f"{equations.owner}: {key}", context)
        if item.dimension not in (None, 1):
            message = f"{equations.owner}: {key}: inputs of several components are not supported"
            context.unsupported((*path, "dimension"), message, "an input for each component")
        mine = [port for port in ports if port.input == key]
        if (str(equations.path[-1]), key) in context.pulsed:
            lists = (*lists, receive(equations, key, item, path))
            continue
        wanted = key == attached and (not mine or bool(couplings and name in couplings.attached))
        if wanted:
            lists = (*lists, _attach(equations, key, item, alone=not mine))
        if mine and couplings:
            _coupled(equations, couplings, mine, item, with_current=wanted)
        elif not wanted:
            equations.hidden[key] = Number(0.0), path
    return lists


def _attached(equations: Equations, inputs: Mapping[str, CouplingInput]) -> str | None:
    """The input that synapses and current sources enter: the first whose unit is a current or not given."""
    scope = equations.scope
    current = equations.context.exponents(_ATTACHED[_kind(equations)][1])
    fitting = [key for key, item in inputs.items() if not item.unit or same(scope.known[key], current)]
    return next(iter(fitting), next(iter(inputs), None) if len(inputs) == 1 else None)


def _kind(equations: Equations) -> str:
    return "basePointCurrentDL" if equations.scope.plain_time else "basePointCurrent"


def _attach(equations: Equations, key: str, item: CouplingInput, *, alone: bool) -> lems.Attachments:
    """The sum of what synapses and current sources give; the type of those by its unit."""
    scope, kind = equations.scope, _kind(equations)
    variable, dimension = _ATTACHED[kind]
    wanted = equations.context.exponents(dimension)
    if item.unit and not same(scope.known[key], wanted):
        message = f"{equations.owner}: the coupling input '{key}' is no current"
        path = (*equations.path, "coupling_inputs", key)
        equations.context.report(path, message, f"a unit of {dimension}", kind=UnitError)
    name = key if alone else scope.fresh(f"{key}_attached")
    scope.known[name] = scope.known[key] = wanted
    select = f"{_SYNAPSES}[*]/{variable}"
    equations.derived.plain.append(lems.DerivedVariable(name, dimension, select=select, reduce="add"))
    return lems.Attachments(_SYNAPSES, kind)


def _coupled(
    equations: Equations, couplings: Couplings, ports: list[Port], item: CouplingInput, *, with_current: bool
) -> None:
    """An input as the sum over couplings of ``post(gx)``, and of what is attached."""
    key, scope = ports[0].input, equations.scope
    parts: list[Expr] = [Name(f"{key}_attached")] if with_current else []
    if not (item.unit or with_current or scope.plain_time):
        scope.known[key] = None  # what its couplings give
    for port in ports:
        powers = couplings.sums[port] = _sum(equations, couplings, port)
        port_type(equations.context, couplings, port, powers)
        rule, path = couplings.coupling(port.coupling) or (None, ())
        direct = len(ports) == 1 and not parts and (rule is None or rule.post_expression is None)
        name = key if direct else scope.fresh(f"{port.slot}_{GX}")
        if direct and scope.known[key] is not None and not same(scope.known[key], powers):
            message = f"{equations.owner}: what comes in at '{key}' is {scope.shown(powers)}"
            here = (*equations.path, "coupling_inputs", key)
            equations.context.report(here, message, scope.shown(scope.known[key]), kind=UnitError)
        scope.known[name] = powers
        dimension = equations.dimension_of(name)
        equations.derived.plain.append(lems.DerivedVariable(name, dimension, select=f"{port.slot}/{GX}"))
        if direct:
            return
        parts.append(_post(equations, port, rule, path, name) if rule else Name(name))
    place = (*equations.path, "coupling_inputs", key)
    equations.hidden[key] = reduce(lambda one, other: Binary("+", one, other), parts), place


def _post(equations: Equations, port: Port, rule: Coupling, path: Path, gx: str) -> Expr:
    """What a coupling makes of the sum, in the names of the target."""
    if rule.post_expression is None:
        return Name(gx)
    scope, here = equations.scope, (*path, "post_expression")
    constants = coupling_parameters(equations.context, rule, path)
    local = [*equations.dynamics.state_variables, *equations.dynamics.derived_variables]
    values: dict[str, Expr] = {f"{name}_i": Name(name) for name in local}
    first = next(iter(rule.local_states or rule.incoming_states or local), None)
    values |= {"x_i": Name(first)} if first in local else {}
    values[GX] = Name(gx)
    known = {**scope.known, **dict.fromkeys(values), **constants}
    outer = replace(scope, owner=f"coupling {port.coupling}", known=known)
    tree = outer.parse(rule.post_expression.rhs, here, "post_expression") or Name(GX)
    for name in sorted(constants.keys() & set(names(tree))):
        values[name] = Name(_parameter(equations, port, name, constants[name]))
    return substitute(tree, values)


def _parameter(equations: Equations, port: Port, name: str, powers: Exponents) -> str:
    """A variable with the value of a constant of the coupling."""
    own = equations.scope.fresh(f"{port.slot}_{name}")
    equations.scope.known[own] = powers
    variable = lems.DerivedVariable(own, equations.dimension_of(own), select=f"{port.slot}/{name}")
    equations.derived.plain.append(variable)
    return own


# ---- the dimension of the sum -------------------------------------------------------------------


def _sum(equations: Equations, couplings: Couplings, port: Port) -> Exponents:
    """The dimension of what a port adds up, from the units that are declared at both ends."""
    context = replace(equations.context, found=[])  # what is wrong is reported where the terms are made
    bond = couplings.into(port)[0]
    source, target = (couplings.named[name][0] for name in (bond.source, port.target))
    known = {**_declared(context, target, "_i"), **_declared(context, source, "_j")}
    known |= {name.removesuffix("_j"): known[f"{name}_j"] for name in bond.variables}
    rule, path = couplings.coupling(port.coupling) or (None, ())
    known |= {"x_j": known[f"{bond.variables[0]}_j"], **coupling_parameters(context, rule, path)}
    scope = Scope(context, "", known, functions=equations.scope.functions)
    tree = pre_expression(scope, rule, bond, target, path)
    here = _first_local(rule, bond, target)
    values: dict[str, Expr] = {"x_i": Name(f"{here}_i")} if here else {}
    factor = context.exponents(bond.weight)
    try:
        powers = of_expression(_without_choice(substitute(tree, values)), known, scope.shown)
    except MismatchError:
        powers = None
    return tuple(a + b for a, b in zip(powers or NONE, factor, strict=True))


def _first_local(rule: Coupling | None, bond: Bond, target: Dynamics) -> str | None:
    known = {*target.state_variables, *target.derived_variables}
    wanted = [*(rule.local_states if rule else []), *bond.variables]
    return next((name for name in wanted if name in known), None)


def _declared(context: Context, dynamics: Dynamics, ending: str) -> dict[str, Exponents | None]:
    found: dict[str, Exponents | None] = {}
    for name, state in dynamics.state_variables.items():
        found[name + ending] = context.unit(state.unit, (), name)[1]
    for name, item in dynamics.derived_variables.items():
        found[name + ending] = context.unit(item.unit, (), name)[1] if item.unit else None
    return found


def _without_choice(expr: Expr) -> Expr:
    """The first case of a choice stands for all."""
    return expr.cases[0][1] if isinstance(expr, Select) else expr


# ---- the parts of a component --------------------------------------------------------------------


def coupling_slots(equations: Equations) -> tuple[lems.ChildSlot, ...]:
    """The parts of a dynamics that its couplings need: where terms meet, and where others read it."""
    couplings = equations.context.couplings
    name = couplings.name_at(equations.path) if couplings else None
    if couplings is None or name is None:
        return ()
    ports = tuple(lems.ChildSlot(port.slot, f"{name}_{port.slot}") for port in couplings.ports(name))
    if not couplings.is_source(name):
        return ports
    return (*ports, *outlets(equations.context, name, couplings.seen(name), equations))


def coupling_parts(context: Context, path: Path) -> tuple[lems.Component, ...]:
    """The components in those slots, with the constants of the couplings."""
    couplings = context.couplings
    name = couplings.name_at(path) if couplings else None
    if couplings is None or name is None:
        return ()
    found = []
    for port in couplings.ports(name):
        rule, place = couplings.coupling(port.coupling) or (None, path)
        kind, given = context.types.get(f"{name}_{port.slot}"), placed(rule.parameters, place) if rule else {}
        texts = attributes(context, kind, given, place, f"coupling {port.coupling}")
        found.append(lems.Component(port.slot, attributes=texts))
    if couplings.is_source(name):
        found += [lems.Component(OUTLET), lems.Component(SEEN)]
    return tuple(found)
