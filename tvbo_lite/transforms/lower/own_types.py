"""The component type of a dynamics: a core type that ``iri`` names, or one that its equations define."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, placed
from tvbo_lite.transforms.lower.context import CORE, Context, Path
from tvbo_lite.transforms.lower.equation_types import EquationType
from tvbo_lite.transforms.lower.equations import Lowering, has_equations, initial_name, initial_values
from tvbo_lite.transforms.lower.events import is_synapse
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Node, Parameter
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["given_parameters", "is_own", "node_parameters", "type_of"]

EXTENDS = "extends:"
_CELL, _SPIKING = "baseCell", "baseSpikingCell"
_SYNAPSE, _SYNAPSE_DL = "baseVoltageDepSynapse", "baseSynapseDL"


def is_own(context: Context, dynamics: Dynamics) -> bool:
    """Whether the dynamics defines a type of its own."""
    iri = dynamics.iri or ""
    if iri.startswith(EXTENDS):
        return True
    return has_equations(dynamics) and not (
        iri.startswith(CORE) and iri.removeprefix(CORE) in context.types.core
    )


def given_parameters(context: Context, dynamics: Dynamics, path: Path) -> Given:
    """What the component gets as attributes: its parameters, with own equations also initial values."""
    given = placed(dynamics.parameters, path)
    if not is_own(context, dynamics):
        return given
    fixed = {name: item for name, item in given.items() if item[0].equation is None}
    return {**fixed, **initial_values(dynamics, path)}


def node_parameters(dynamics: Dynamics, node: Node, path: Path) -> Given:
    """A node's own parameters in place of the dynamics': a state variable's name stands for its initial
    value, and a number without unit is in that of the dynamics.
    """
    units = {name: item.unit for name, item in dynamics.parameters.items()}
    units |= {name: item.unit for name, item in dynamics.state_variables.items()}
    found: dict[str, tuple[Parameter, Path]] = {}
    for name, (item, place) in placed(node.parameters, path).items():
        plain = item.unit is None and not isinstance(item.value, str | bool)
        known = item.model_copy(update={"unit": units.get(name)}) if plain else item
        found[initial_name(name) if name in dynamics.state_variables else name] = known, place
    return found


def type_of(
    context: Lowering,
    dynamics: Dynamics,
    path: Path,
    what: str,
    *,
    around: tuple[ResolvedType, ...] = (),
    base: str | None = None,
    default: str | None = None,
) -> ResolvedType | None:
    """The type; None, and a problem, where there is none.

    ``around`` are the types of the components that it stands in, from the inside; ``base`` is the type
    that their slot asks for, ``default`` the one that counts where neither ``iri`` nor equations do.
    """
    iri, here = dynamics.iri or "", (*path, "iri")
    if is_own(context, dynamics):
        return _own(context, dynamics, path, around=around, base=base)
    if not iri and default is not None:
        return context.types.get(default)
    if not iri:
        message = f"{what}: neither a type nor equations are given"
        expected = f"'iri: {CORE}<Type>', or 'state_variables: ...'"
        context.report(path, message, expected)
        return None
    return context.type_named(iri, here, what)


def _own(
    context: Lowering, dynamics: Dynamics, path: Path, *, around: tuple[ResolvedType, ...], base: str | None
) -> ResolvedType | None:
    iri = dynamics.iri or ""
    if iri.startswith(EXTENDS):
        parent = context.type(iri.removeprefix(EXTENDS), (*path, "iri"), dynamics.name)
        if parent is None:
            return None
    else:
        parent = context.types.get(_nested_base(context, dynamics, base) if base else _cell_base(dynamics))
    name = _name(context, dynamics, path)
    if has_equations(dynamics):
        equations = EquationType(context, dynamics, path, base=parent, around=around)
        declared = equations.component_type(name)
        context.equations[path] = equations
    else:
        declared = _extended(context, dynamics, path, parent, name=name)
    if iri.startswith(EXTENDS):
        declared = _with_uninherited(declared, parent)
    if not context.types.add(declared):
        message = f"two different component types would be named '{name}'"
        context.report(path, message, "a name of its own for each")
    return context.types.get(name)


def _name(context: Context, dynamics: Dynamics, path: Path) -> str:
    """The name that ``iri`` gives, else that of the dynamics, after those of the components around it."""
    iri = dynamics.iri or ""
    if iri.startswith(CORE):
        name = iri.removeprefix(CORE)
    else:
        inside = [str(key) for before, key in pairwise(path) if before == "components"]
        name = "_".join([*inside[:-1], dynamics.name or str(path[-1])])
    context.name(name, path, "a component type")
    return f"{name}_type" if name in context.types.core else name


def _cell_base(dynamics: Dynamics) -> str:
    """The type that shows the membrane potential, with or without unit, where there is one."""
    groups = (dynamics.derived_variables, dynamics.state_variables)
    if is_synapse(dynamics.events):
        return _synapse_base(dynamics)
    units = {name: item.unit for group in groups for name, item in group.items()}
    if units.get("v"):
        return "baseCellMembPot"
    if "V" in units and not units["V"]:
        return "baseCellMembPotDL"
    return _SPIKING if dynamics.events or dynamics.coupling_inputs else _CELL


def _synapse_base(dynamics: Dynamics) -> str:
    """A synapse with a current ``i``, or with ``I`` without unit; both see the membrane potential."""
    if "I" in {**dynamics.derived_variables, **dynamics.state_variables}:
        return _SYNAPSE_DL
    return _SYNAPSE


def _nested_base(context: Context, dynamics: Dynamics, base: str) -> str:
    """The slot's type, or the one that adds a concentration to what it sees, where equations use that."""
    text = " ".join(item.equation.rhs for item in dynamics.derived_variables.values() if item.equation)
    words = set(re.findall(r"\w+", text))
    for name in context.types.core.names():
        kind = context.types.get(name)
        if kind.lineage[1:2] == (base,) and not (
            kind.parameters or kind.declared.dynamics or kind.child_slots
        ):
            more = {item.name for item in kind.declared.requirements}
            if more and more <= words:
                return name
    return base


def _extended(
    context: Context, dynamics: Dynamics, path: Path, parent: ResolvedType, *, name: str
) -> lems.ComponentType:
    """A type that behaves like its parent, and may have more parameters."""
    refuse_rest(dynamics, ("iri", "parameters", "components", "events"), path, name, context)
    known = parent.attribute_names()
    parameters = []
    for key, item in dynamics.parameters.items():
        if key in known:
            continue
        here = (*path, "parameters", key)
        close = nearest(key, known)
        if close:
            context.report(here, f"{name}: {parent.name} has no parameter '{key}'", hint=close)
        parameters.append(lems.Parameter(key, context.unit(item.unit, here, key)[0], item.description))
    where = context.locate(path)
    return lems.ComponentType(name, parent.name, dynamics.description, tuple(parameters), location=where)


def _with_uninherited(declared: lems.ComponentType, parent: ResolvedType) -> lems.ComponentType:
    """LEMS does not pass on attachments, properties, texts, paths and structure: they are repeated."""
    return replace(
        declared,
        attachments=declared.attachments or parent.attachments,
        properties=declared.properties or parent.properties,
        texts=parent.texts,
        paths=parent.paths,
        structure=parent.structure,
    )
