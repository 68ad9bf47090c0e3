"""What an edge says beside its ends, and edges that are inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.errors import nearest
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes, placed
from tvbo_lite.transforms.lower.context import Context, Path, listing
from tvbo_lite.transforms.lower.slots import NOT_PARTS

if TYPE_CHECKING:
    from tvbo_lite.schema import Edge, Parameter
    from tvbo_lite.transforms.lower.population import Place
    from tvbo_lite.transforms.types import ResolvedType

__all__ = [
    "CONNECTION",
    "DELAY",
    "PLACES",
    "connect_input",
    "destination",
    "edge_parameters",
    "has_several_lists",
    "on_cell",
]

DELAY = "delay"
CONNECTION = ("weight", DELAY)
PLACES = ("preSegmentId", "postSegmentId", "preFractionAlong", "postFractionAlong")
_ON_INPUT = ("segmentId", "fractionAlong")


def edge_parameters(edge: Edge, path: Path) -> dict[str, tuple[Parameter, Path]]:
    """All parameters of an edge with their places; weight and delay may stand beside the others."""
    given = placed(edge.parameters, path)
    for name in CONNECTION:
        value = getattr(edge, name)
        if value is not None:
            given[name] = (value, (*path, name))
    return given


def destination(context: Context, target: Place, kind: str, path: Path, what: str) -> str | None:
    """The list of the target in which components of the type ``kind`` are attached; None, and a problem."""
    lists = target.kind.attachments
    source = context.types.get(kind)
    found = next((item.name for item in lists if source.is_a(item.type)), None)
    if found is None:
        message = f"{what}: the cell {target.path} ({target.kind.name}) takes no {kind}"
        context.report(path, message, listing(item.type for item in lists) or "a cell that takes inputs")
    return found


def has_several_lists(kind: ResolvedType) -> bool:
    """Whether a connection has to say which list of a cell takes the synapse; jLEMS finds an only one."""
    own = [slot for slot in kind.child_slots.values() if slot.many and slot.name not in NOT_PARTS]
    return len(kind.attachments) + len(own) > 1


def on_cell(
    context: Context, cells: tuple[Place, ...], given: Given, names: tuple[str, ...], what: str
) -> dict[str, str]:
    """Places on cells, such as ``segmentId``, as texts; only cells with a morphology have them."""
    texts: dict[str, str] = {}
    for name in names:
        if name not in given:
            continue
        parameter, place = given[name]
        if not any(cell.kind.is_a("cell") for cell in cells):
            message = f"{what}: '{name}' is a place on a cell with a morphology"
            context.report(place, message, "an edge between such cells")
        texts[name] = str(parameter.value)
    return texts


def connect_input(
    context: Context, source: Place, target: Place, given: Given, *, path: Path, what: str
) -> list[lems.Component]:
    """An explicit input; with a weight, or a place on the cell, an input list of one."""
    if source.input is None:
        message = f"{what}: without coupling it must start at an input, and {source}"
        context.report((*path, "source"), message, "'coupling: <synapse>', or an input as source")
        return []
    if target.population is None:
        message = f"{what}: node {target.node} is an input itself"
        context.report((*path, "target"), message, "a cell")
        return []
    for name in set(given).difference(_ON_INPUT, ("weight",)):
        message = f"{what}: an input has no '{name}'"
        context.report(given[name][1], message, listing(("weight", *_ON_INPUT)), nearest(name, _ON_INPUT))
    container = destination(context, target, source.kind.name, path, what)
    if container is None:
        return []
    where = context.locate(path)
    if not given:
        texts = {"target": target.path, "input": source.input, "destination": container}
        return [lems.Component("explicitInput", attributes=texts, location=where)]
    texts = {"target": f"../{target.path}", "destination": container}
    texts |= on_cell(context, (target,), given, _ON_INPUT, what)
    tag = "input"
    if "weight" in given:
        tag = "inputW"
        if not any(item.name == "weight" for item in source.kind.properties):
            context.report(given["weight"][1], f"{what}: a {source.kind.name} takes no weight")
        texts |= attributes(context, context.types.get(tag), {"weight": given["weight"]}, path, what)
    member = lems.Component(tag, "0", attributes=texts, location=where)
    name = f"{source.input}_to_{target.population.id}_{target.first}"
    about = {"component": source.input, "population": target.population.id}
    return [lems.Component("inputList", name, attributes=about, children=(member,), location=where)]
