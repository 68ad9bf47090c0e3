"""Component types as the dialect writes them, part for part; the inverse of `lower.type_specs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.raising.texts import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tvbo_lite.transforms.raising.context import Context

__all__ = ["component_types", "constant", "dimension", "unit"]

_NONE = "none"


def component_types(context: Context, items: Iterable[lems.ComponentType]) -> dict[str, Any]:
    """The types by name."""
    return {item.name: _type(item, context.about(item.location)) for item in items}


def dimension(item: lems.Dimension) -> dict[str, int]:
    """The exponents that are not 0."""
    return {power: getattr(item, power) for power in "mltiknj" if getattr(item, power)}


def unit(item: lems.Unit) -> dict[str, Any]:
    """What a unit measures, and how large it is."""
    usual = {"power": 0, "scale": 1.0, "offset": 0.0}
    given = {name: getattr(item, name) for name, value in usual.items() if getattr(item, name) != value}
    return {"dimension": item.dimension, **given}


def constant(item: lems.Constant) -> dict[str, Any]:
    """A quantity with its dimension."""
    return said(value=item.value, dimension=_dimension(item), symbol=item.symbol)


def _type(item: lems.ComponentType, comment: str | None) -> dict[str, Any]:
    found: dict[str, Any] = said(extends=item.extends, description=item.description or comment)
    for key, field, raised in _DECLARED:
        found |= said(**{key: raised(getattr(item, field))})
    if item.dynamics is not None:
        found |= _dynamics(item.dynamics) or {"without_dynamics": True}
    return found | said(structure=_builders(item.structure), simulation=_builders(item.simulation))


def _dimension(item: Any) -> str | None:
    return None if item.dimension == _NONE else item.dimension


def _measured(items: Iterable[Any]) -> dict[str, Any]:
    """``v: voltage``; with more to say a map."""
    found: dict[str, Any] = {}
    for item in items:
        more = said(
            description=getattr(item, "description", None),
            default=getattr(item, "default", None),
            equation=getattr(item, "value", None),
            select=getattr(item, "select", None),
        )
        found[item.name] = {**said(dimension=_dimension(item)), **more} if more else item.dimension
    return found


def _references(items: Iterable[lems.Reference]) -> dict[str, Any]:
    return {
        item.name: {**said(type=item.type), "local": True} if item.local else item.type or {}
        for item in items
    }


def _slots(*, many: bool) -> Callable[[Iterable[lems.ChildSlot]], dict[str, str]]:
    return lambda items: {item.name: item.type for item in items if item.many is many}


_DECLARED: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("parameters", "parameters", _measured),
    ("index_parameters", "index_parameters", _measured),
    ("derived_parameters", "derived_parameters", _measured),
    ("fixed", "fixed", lambda items: {item.parameter: item.value for item in items}),
    ("properties", "properties", _measured),
    ("constants", "constants", lambda items: {item.name: constant(item) for item in items}),
    ("texts", "texts", list),
    ("paths", "paths", list),
    ("links", "links", _references),
    ("references", "references", _references),
    ("component_requirements", "component_requirements", _references),
    ("instance_requirements", "instance_requirements", _references),
    ("child", "children", _slots(many=False)),
    ("children", "children", _slots(many=True)),
    ("attachments", "attachments", lambda items: {item.name: item.type for item in items}),
    ("requirements", "requirements", _measured),
    ("exposures", "exposures", _measured),
    ("event_ports", "event_ports", lambda items: {item.name: item.direction for item in items}),
)


# ---- dynamics ------------------------------------------------------------------------------------


def _dynamics(item: lems.Dynamics) -> dict[str, Any]:
    states, derivatives = _states(item.state_variables, item.derivatives)
    return said(
        simultaneous=item.simultaneous or None,
        state_variables=states,
        derivatives=derivatives,
        derived_variables={**_derived(item.derived), **_conditional(item.conditional)},
        on_start=_one_or_more([_action(action) for action in item.on_start]),
        on_conditions=[_on_condition(handler) for handler in item.on_condition],
        on_events=[_on_event(handler) for handler in item.on_event],
        regimes={regime.name: _regime(regime) for regime in item.regimes},
        kinetic_schemes={scheme.name: _scheme(scheme) for scheme in item.kinetic_schemes},
    )


def _regime(item: lems.Regime) -> dict[str, Any]:
    states, derivatives = _states(item.state_variables, item.derivatives)
    return said(
        initial=item.initial or None,
        state_variables=states,
        derivatives=derivatives,
        derived_variables=_derived(item.derived),
        on_entry=_one_or_more([_action(action) for action in item.on_entry]),
        on_conditions=[_on_condition(handler) for handler in item.on_condition],
        on_events=[_on_event(handler) for handler in item.on_event],
    )


def _states(
    variables: Iterable[lems.StateVariable], derivatives: tuple[lems.TimeDerivative, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variables with their derivatives; and these alone where their order is another one."""
    states = {item.name: said(dimension=_dimension(item), exposure=item.exposure) for item in variables}
    rates = {item.variable: item.value for item in derivatives}
    if [name for name in states if name in rates] != [item.variable for item in derivatives]:
        return states, rates
    for name, rate in rates.items():
        states[name]["equation"] = rate
    return states, {}


def _derived(items: Iterable[lems.DerivedVariable]) -> dict[str, Any]:
    return {
        item.name: {
            **said(dimension=_dimension(item), exposure=item.exposure),
            **({} if item.value is None else {"equation": item.value}),
            **said(select=item.select, reduce=item.reduce),
            **({} if item.required else {"required": False}),
        }
        for item in items
    }


def _conditional(items: Iterable[lems.ConditionalDerivedVariable]) -> dict[str, Any]:
    return {
        item.name: {
            **said(dimension=_dimension(item), exposure=item.exposure),
            "cases": [{**said(condition=case.condition), "equation": case.value} for case in item.cases],
        }
        for item in items
    }


def _action(item: lems.Action) -> dict[str, Any]:
    pairs = [(step.variable, step.value) for step in item.assignments]
    once = len(dict(pairs)) == len(pairs)
    assign = dict(pairs) if once else [{name: value} for name, value in pairs]
    return said(assign=assign, events=list(item.events), transition=item.transition)


def _one_or_more(actions: list[dict[str, Any]]) -> Any:
    return actions[0] if len(actions) == 1 else actions


def _on_condition(item: lems.OnCondition) -> dict[str, Any]:
    return {"test": item.test, **_action(item.action)}


def _on_event(item: lems.OnEvent) -> dict[str, Any]:
    return {"port": item.port, **_action(item.action)}


def _scheme(item: lems.KineticScheme) -> dict[str, Any]:
    names = (
        "nodes", "state_variable", "edges", "edge_source", "edge_target", "forward_rate", "reverse_rate",
        "dependency", "step",
    )  # fmt: skip
    return said(**{name: getattr(item, name) for name in names})


def _builders(items: Iterable[lems.Builder]) -> list[dict[str, Any]]:
    return [
        {"kind": item.kind, **said(attributes=dict(item.attributes), parts=_builders(item.children))}
        for item in items
    ]
