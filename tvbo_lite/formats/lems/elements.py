"""How each element of the LEMS language becomes a part of the model: one table row an element."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import Location, Problem, nearest
from tvbo_lite.formats._xml import line_of, local_name, namespace
from tvbo_lite.formats.lems.vocabulary import ATTRIBUTES, LEAVES
from tvbo_lite.lems import model as m

if TYPE_CHECKING:
    from lxml.etree import _Element


_LARGEST = 1000  # power of ten or exponent; a double ends at 308


class Source:
    """One file being read: makes locations, and collects all problems found in it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def at(self, element: _Element) -> Location:
        return Location(self.file, line_of(element))

    def report(self, element: _Element, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(message, self.at(element), None, hint))

    def need(self, element: _Element, attribute: str) -> str:
        value = element.get(attribute)
        if value is None:
            if f"did you mean '{attribute}'?" in self._unknown(element).values():
                return ""  # `understand` tells
            present = ", ".join(map(str, element.keys())) or "none"
            name = local_name(element.tag)
            self.report(element, f"<{name}> has no attribute '{attribute}' (found: {present})")
            return ""
        return value

    def understand(self, element: _Element) -> None:
        """Reports attributes and children that an element of the language does not have."""
        name = local_name(element.tag)
        for attribute, hint in self._unknown(element).items():
            self.report(element, f"<{name}> knows no attribute '{attribute}'", hint)
        for child in element if name in LEAVES else ():
            if local_name(child.tag) not in _PROSE:
                self.report(child, f"<{local_name(child.tag)}> is not known inside <{name}>")

    def _unknown(self, element: _Element) -> dict[str, str | None]:
        """The attributes that an element of the language does not have, with what may be meant."""
        known = ATTRIBUTES.get(local_name(element.tag))
        if known is None:
            return {}
        present = {str(name) for name in element.keys() if not namespace(str(name))}  # noqa: SIM118  of XML
        if present <= known:
            return {}
        free = sorted(known - present)
        return {name: nearest(name, free) for name in sorted(present - known)}

    def number(self, element: _Element, attribute: str, default: float) -> float:
        text = element.get(attribute)
        if text is None:
            return default
        try:
            return float(text)
        except ValueError:
            self.report(element, f"{attribute}='{text}' is not a number")
            return default

    def whole(self, element: _Element, attribute: str) -> int:
        """A whole number, such as an exponent; 0 where none is given."""
        value = self.number(element, attribute, 0)
        if not abs(value) < _LARGEST or value != int(value):
            found, name = element.get(attribute), local_name(element.tag)
            self.report(element, f"<{name}> has {attribute}='{found}'; expected a whole number")
            return 0
        return int(value)


Make = Callable[["Source", "_Element"], Any]


def dimension(source: Source, element: _Element) -> m.Dimension:
    exponents = {key: source.whole(element, key) for key in "mltiknj" if key in element.attrib}
    return m.Dimension(source.need(element, "name"), **exponents, location=source.at(element))


def unit(source: Source, element: _Element) -> m.Unit:
    return m.Unit(
        source.need(element, "symbol"),
        element.get("dimension", "none"),
        source.whole(element, "power"),
        source.number(element, "scale", 1.0),
        source.number(element, "offset", 0.0),
        location=source.at(element),
    )


def assertion(source: Source, element: _Element) -> m.Assertion:
    dimension, matches = source.need(element, "dimension"), source.need(element, "matches")
    return m.Assertion(dimension, matches, source.at(element))


def constant(source: Source, element: _Element) -> m.Constant:
    symbol = element.get("symbol")
    name = element.get("name", "") if symbol else source.need(element, "name")
    value, dim = source.need(element, "value"), element.get("dimension", "none")
    return m.Constant(name, value, dim, symbol, source.at(element))


def _dimensioned(kind: type[Any]) -> Make:
    """Elements of the form ``<X name= dimension=/>``."""
    described = "description" in kind.__slots__

    def make(source: Source, element: _Element) -> Any:
        name, dim = source.need(element, "name"), element.get("dimension", "none")
        more = {"description": element.get("description")} if described else {}
        return kind(name, dim, location=source.at(element), **more)

    return make


def _derived_parameter(source: Source, element: _Element) -> m.DerivedParameter:
    name, dim = source.need(element, "name"), element.get("dimension", "none")
    value, select = element.get("value"), element.get("select")
    if (value is None) == (select is None):
        source.report(element, f"derived parameter '{name}' needs either 'value' or 'select'")
    return m.DerivedParameter(name, value, dim, select, source.at(element))


def _fixed(source: Source, element: _Element) -> m.Fixed:
    return m.Fixed(source.need(element, "parameter"), source.need(element, "value"), source.at(element))


def _property(source: Source, element: _Element) -> m.Property:
    name, dim = source.need(element, "name"), element.get("dimension", "none")
    return m.Property(name, dim, element.get("defaultValue"), source.at(element))


def _reference(source: Source, element: _Element) -> m.Reference:
    local = element.get("local") == "true"
    return m.Reference(source.need(element, "name"), element.get("type"), local, source.at(element))


def _slot(*, many: bool) -> Make:
    def make(source: Source, element: _Element) -> m.ChildSlot:
        name, kind = source.need(element, "name"), element.get("type", "Component")
        return m.ChildSlot(name, kind, many, source.at(element))

    return make


def _attachments(source: Source, element: _Element) -> m.Attachments:
    return m.Attachments(source.need(element, "name"), source.need(element, "type"), source.at(element))


def _port(source: Source, element: _Element) -> m.EventPort:
    return m.EventPort(source.need(element, "name"), source.need(element, "direction"), source.at(element))


def _state(source: Source, element: _Element) -> m.StateVariable:
    name, dim = source.need(element, "name"), element.get("dimension", "none")
    return m.StateVariable(name, dim, element.get("exposure"), source.at(element))


def _derivative(source: Source, element: _Element) -> m.TimeDerivative:
    variable, value = source.need(element, "variable"), source.need(element, "value")
    return m.TimeDerivative(variable, value, source.at(element))


def _derived(source: Source, element: _Element) -> m.DerivedVariable:
    value, select = element.get("value"), element.get("select")
    if (value is None) == (select is None):
        name = element.get("name")
        source.report(element, f"derived variable '{name}' needs either 'value' or 'select'")
    return m.DerivedVariable(
        source.need(element, "name"),
        element.get("dimension", "none"),
        element.get("exposure"),
        value,
        select,
        element.get("reduce"),
        element.get("required", "true") != "false",
        source.at(element),
    )


def _case(source: Source, element: _Element) -> m.Case:
    return m.Case(source.need(element, "value"), element.get("condition"), source.at(element))


def _conditional(source: Source, element: _Element) -> m.ConditionalDerivedVariable:
    return m.ConditionalDerivedVariable(
        source.need(element, "name"),
        element.get("dimension", "none"),
        element.get("exposure"),
        tuple(members(source, element, {"Case": _case})["Case"]),
        source.at(element),
    )


def _assignment(source: Source, element: _Element) -> m.StateAssignment:
    variable, value = source.need(element, "variable"), source.need(element, "value")
    return m.StateAssignment(variable, value, source.at(element))


def _action(source: Source, element: _Element) -> m.Action:
    found = members(source, element, _ACTION)
    transitions = found["Transition"]
    if len(transitions) > 1:
        source.report(element, "an action may hold one <Transition> at most")
    return m.Action(
        tuple(found["StateAssignment"]),
        tuple(found["EventOut"]),
        transitions[0] if transitions else None,
        source.at(element),
    )


def _on_condition(source: Source, element: _Element) -> m.OnCondition:
    return m.OnCondition(source.need(element, "test"), _action(source, element), source.at(element))


def _on_event(source: Source, element: _Element) -> m.OnEvent:
    return m.OnEvent(source.need(element, "port"), _action(source, element), source.at(element))


def _regime(source: Source, element: _Element) -> m.Regime:
    found = members(source, element, _REGIME)
    return m.Regime(
        source.need(element, "name"),
        element.get("initial") == "true",
        tuple(found["TimeDerivative"]),
        tuple(found["DerivedVariable"]),
        tuple(found["OnEntry"]),
        tuple(found["OnCondition"]),
        tuple(found["OnEvent"]),
        tuple(found["StateVariable"]),
        source.at(element),
    )


_SCHEME = {
    "name": "name",
    "nodes": "nodes",
    "state_variable": "stateVariable",
    "edges": "edges",
    "edge_source": "edgeSource",
    "edge_target": "edgeTarget",
    "forward_rate": "forwardRate",
    "reverse_rate": "reverseRate",
}


def _kinetic_scheme(source: Source, element: _Element) -> m.KineticScheme:
    values = {field: source.need(element, attribute) for field, attribute in _SCHEME.items()}
    extra = element.get("dependency"), element.get("step")
    return m.KineticScheme(**values, dependency=extra[0], step=extra[1], location=source.at(element))


def _dynamics(source: Source, element: _Element) -> m.Dynamics:
    found = members(source, element, _DYNAMICS)
    return m.Dynamics(
        element.get("simultaneous") == "true",
        tuple(found["StateVariable"]),
        tuple(found["TimeDerivative"]),
        tuple(found["DerivedVariable"]),
        tuple(found["ConditionalDerivedVariable"]),
        tuple(found["OnStart"]),
        tuple(found["OnCondition"]),
        tuple(found["OnEvent"]),
        tuple(found["Regime"]),
        tuple(found["KineticScheme"]),
        source.at(element),
    )


def _builder(source: Source, element: _Element) -> m.Builder:
    source.understand(element)
    kind = local_name(element.tag)
    inner = tuple(_builders(source, element)) if kind not in LEAVES else ()
    return m.Builder(kind, _texts(element), inner, source.at(element))


def _texts(element: _Element) -> dict[str, str]:
    return {str(key): str(value) for key, value in element.attrib.items()}


def _builders(source: Source, element: _Element) -> list[m.Builder]:
    return [_builder(source, child) for child in element if local_name(child.tag) not in _PROSE]


def component_type(source: Source, element: _Element) -> m.ComponentType:
    """A ``<ComponentType>`` with all that it declares."""
    found = members(source, element, _TYPE)
    if len(found["Dynamics"]) > 1:
        source.report(element, f"component type '{element.get('name')}' has more than one <Dynamics>")
    many = {field: tuple(item for tag in tags for item in found[tag]) for field, tags in _FIELDS.items()}
    return m.ComponentType(
        source.need(element, "name"),
        element.get("extends"),
        element.get("description"),
        **many,
        dynamics=found["Dynamics"][0] if found["Dynamics"] else None,
        structure=tuple(item for items in found["Structure"] for item in items),
        simulation=tuple(item for items in found["Simulation"] for item in items),
        location=source.at(element),
    )


def component(source: Source, element: _Element) -> m.Component:
    """Any element that is not part of the language itself: a component."""
    attributes = {local_name(key): value for key, value in _texts(element).items() if key != _SCHEMA_LOCATION}
    text = (element.text or "").strip() or None
    own = namespace(element.tag)
    children = (child for child in element if namespace(child.tag) == own)  # others are annotations
    return m.Component(
        local_name(element.tag),
        attributes.pop("id", None),
        attributes.pop("type", None),
        attributes.pop("extends", None),
        attributes,
        tuple(component(source, child) for child in children),
        text,
        source.at(element),
    )


def members(source: Source, element: _Element, table: dict[str, Make]) -> dict[str, list[Any]]:
    """The element's children by name, each made by its row of the table; unknown ones are reported."""
    found: dict[str, list[Any]] = {name: [] for name in table}
    for child in element:
        name = local_name(child.tag)
        make = table.get(name)
        if make is not None:
            found[name].append(make(source, child))
            source.understand(child)
        elif name not in _PROSE:
            inside = local_name(element.tag)
            source.report(child, f"<{name}> is not known inside <{inside}>", nearest(name, table))
    return found


_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_PROSE = ("About", "Meta", "notes", "Notes", "annotation")

_ACTION: dict[str, Make] = {
    "StateAssignment": _assignment,
    "EventOut": lambda source, element: source.need(element, "port"),
    "Transition": lambda source, element: source.need(element, "regime"),
}
_REGIME: dict[str, Make] = {
    "StateVariable": _state,
    "TimeDerivative": _derivative,
    "DerivedVariable": _derived,
    "OnEntry": _action,
    "OnCondition": _on_condition,
    "OnEvent": _on_event,
}
_DYNAMICS: dict[str, Make] = {
    "StateVariable": _state,
    "TimeDerivative": _derivative,
    "DerivedVariable": _derived,
    "ConditionalDerivedVariable": _conditional,
    "OnStart": _action,
    "OnCondition": _on_condition,
    "OnEvent": _on_event,
    "Regime": _regime,
    "KineticScheme": _kinetic_scheme,
}
_NAME: Make = lambda source, element: source.need(element, "name")  # noqa: E731  a table row
_TYPE: dict[str, Make] = {
    "Parameter": _dimensioned(m.Parameter),
    "IndexParameter": _dimensioned(m.Parameter),
    "DerivedParameter": _derived_parameter,
    "Fixed": _fixed,
    "Property": _property,
    "Constant": constant,
    "Text": _NAME,
    "Path": _NAME,
    "Link": _reference,
    "ComponentReference": _reference,
    "ComponentRequirement": _reference,
    "InstanceRequirement": _reference,
    "Child": _slot(many=False),
    "Children": _slot(many=True),
    "Attachments": _attachments,
    "Requirement": _dimensioned(m.Requirement),
    "Exposure": _dimensioned(m.Exposure),
    "EventPort": _port,
    "Dynamics": _dynamics,
    "Structure": _builders,
    "Simulation": _builders,
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "parameters": ("Parameter",),
    "index_parameters": ("IndexParameter",),
    "derived_parameters": ("DerivedParameter",),
    "fixed": ("Fixed",),
    "properties": ("Property",),
    "constants": ("Constant",),
    "texts": ("Text",),
    "paths": ("Path",),
    "links": ("Link",),
    "references": ("ComponentReference",),
    "component_requirements": ("ComponentRequirement",),
    "instance_requirements": ("InstanceRequirement",),
    "children": ("Child", "Children"),
    "attachments": ("Attachments",),
    "requirements": ("Requirement",),
    "exposures": ("Exposure",),
    "event_ports": ("EventPort",),
}
