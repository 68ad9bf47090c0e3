"""Write a LEMS model as LEMS XML.

A model's own content is written and its includes are named, not followed; reading the text again
gives an equal model. The layout stands in the templates ``lems.xml.j2`` and its parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import RenderError
from tvbo_lite.formats._jinja import render
from tvbo_lite.formats.files import Files
from tvbo_lite.formats.lems.core import without_core
from tvbo_lite.formats.lems.markup import (
    Element,
    action_elements,
    attributes_of,
    component,
    declared,
    make,
    section,
)
from tvbo_lite.lems import model as lems
from tvbo_lite.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["document", "write"]

# At the top of a document these elements are not components, so no component can be written as one.
_RESERVED = frozenset({
    "Assertion", "ComponentType", "Constant", "Description", "Dimension", "Include", "Lems", "Target", "Unit",
    "annotation", "include", "notes",
})  # fmt: skip

# What a component type declares: field of the model's class, element. Child slots, texts and paths
# are spelt below.
_DECLARATIONS = (
    ("parameters", "Parameter"),
    ("index_parameters", "IndexParameter"),
    ("properties", "Property"),
    ("constants", "Constant"),
    ("fixed", "Fixed"),
    ("texts", "Text"),
    ("paths", "Path"),
    ("links", "Link"),
    ("references", "ComponentReference"),
    ("component_requirements", "ComponentRequirement"),
    ("instance_requirements", "InstanceRequirement"),
    ("children", "Child"),
    ("attachments", "Attachments"),
    ("requirements", "Requirement"),
    ("exposures", "Exposure"),
    ("event_ports", "EventPort"),
    ("derived_parameters", "DerivedParameter"),
)

_IN_DYNAMICS = (
    ("state_variables", "StateVariable"),
    ("derived", "DerivedVariable"),
    ("conditional", "ConditionalDerivedVariable"),
    ("derivatives", "TimeDerivative"),
    ("kinetic_schemes", "KineticScheme"),
    ("on_start", "OnStart"),
    ("on_condition", "OnCondition"),
    ("on_event", "OnEvent"),
    ("regimes", "Regime"),
)
_IN_REGIME = (
    ("state_variables", "StateVariable"),
    ("derived", "DerivedVariable"),
    ("derivatives", "TimeDerivative"),
    ("on_entry", "OnEntry"),
    ("on_condition", "OnCondition"),
    ("on_event", "OnEvent"),
)


@dataclass(frozen=True, slots=True)
class _Type:
    """The variables of ``component_type.xml.j2``."""

    attributes: tuple[tuple[str, str], ...]
    declarations: tuple[Element, ...]
    sections: tuple[Element, ...]


def write(
    model: lems.Model, losses: Losses | None = None, *, split: bool = False, name: str | None = None
) -> str | Files:
    """The LEMS document for ``model``, ending in a line break; with ``split``, three that include each other.

    LEMS holds all but what is beyond it (`lems.beyond`: noise, samples, methods), which ``losses`` gets. The
    three hold the types, the components, and the simulation (the main one); each includes the one before.
    Their names begin with ``name``, by default the id of the simulated component. Core types that a linked
    model has are included.

    Raises:
        RenderError: a text holds a character that XML cannot hold, a name is no XML name, or nothing is
            to be run in a model to split.
    """
    losses = Losses() if losses is None else losses
    for what, reason, where in model.beyond.items():
        losses.add(what, reason, where)
    return _split(without_core(model), name) if split else document(model)


def _split(model: lems.Model, name: str | None) -> Files:
    runs = [item for item in model.components if item.id == model.target or item.tag == "Simulation"]
    if model.target is None or not runs:
        raise RenderError("only a model with a target and its simulation is split into three files")
    target = next((item.attributes["target"] for item in runs if "target" in item.attributes), None)
    base = name or target or model.target
    types, network = f"{base}_types.xml", f"{base}_network.xml"
    parts = {
        types: replace(model, target=None, report_file=None, components=()),
        network: lems.Model(
            includes=(lems.Include(types),),
            components=tuple(item for item in model.components if item not in runs),
        ),
        f"LEMS_{base}.xml": lems.Model(
            model.target, model.report_file, (lems.Include(network),), components=tuple(runs)
        ),
    }
    return Files(f"LEMS_{base}.xml", {file: document(part) for file, part in parts.items()})


def document(model: lems.Model) -> str:
    """One LEMS document that holds all of ``model``. Raises as `write` does."""
    return render(
        "lems.xml.j2",
        {
            "target": _target(model),
            "blocks": [block for block in _blocks(model) if block],
            "component_types": [_component_type(item) for item in model.component_types],
            "components": [_top_component(item) for item in model.components],
        },
    )


def _target(model: lems.Model) -> Element | None:
    if model.target is None:
        if model.report_file is not None:
            raise RenderError("a report file needs a target to belong to; the model names none")
        return None
    pairs = {"component": model.target, "reportFile": model.report_file}
    return attributes_of(pairs, "Target", model.location)


def _blocks(model: lems.Model) -> Iterable[list[Element]]:
    yield [declared("Include", item) for item in model.includes]
    yield [declared("Dimension", item) for item in model.dimensions]
    yield [declared("Unit", item) for item in model.units]
    yield [declared("Assertion", item) for item in model.assertions]
    yield [declared("Constant", item) for item in model.constants]


def _top_component(item: lems.Component) -> Element:
    if item.tag in _RESERVED:
        msg = f"a component cannot be written as <{item.tag}>: that word belongs to LEMS itself"
        raise RenderError(msg)
    return component(item)


def _component_type(item: lems.ComponentType) -> _Type:
    declarations = [
        _declaration(tag, entry, item) for field, tag in _DECLARATIONS for entry in getattr(item, field)
    ]
    sections = []
    if item.dynamics is not None:
        sections.append(_dynamics(item.dynamics))
    for tag, builders in (("Structure", item.structure), ("Simulation", item.simulation)):
        if builders:
            sections.append(section(tag, builders, item.location))
    head = declared("ComponentType", item)
    return _Type(head.attributes, tuple(declarations), tuple(sections))


def _declaration(tag: str, entry: object, owner: lems.ComponentType) -> Element:
    if isinstance(entry, str):  # Text and Path have a name only
        return make(tag, [("name", entry)], where=owner.location)
    if isinstance(entry, lems.ChildSlot) and entry.many:
        return declared("Children", entry)
    return declared(tag, entry)


def _dynamics(item: lems.Dynamics) -> Element:
    return declared("Dynamics", item, _members(item, _IN_DYNAMICS))


def _members(owner: lems.Dynamics | lems.Regime, table: Iterable[tuple[str, str]]) -> list[Element]:
    return [_member(tag, entry) for field, tag in table for entry in getattr(owner, field)]


def _member(tag: str, entry: object) -> Element:
    match entry:
        case lems.Action():  # OnStart, OnEntry
            return declared(tag, entry, action_elements(entry))
        case lems.OnCondition() | lems.OnEvent():
            return declared(tag, entry, action_elements(entry.action))
        case lems.ConditionalDerivedVariable():
            return declared(tag, entry, [declared("Case", case) for case in entry.cases])
        case lems.Regime():
            return declared(tag, entry, _members(entry, _IN_REGIME))
        case _:
            return declared(tag, entry)
