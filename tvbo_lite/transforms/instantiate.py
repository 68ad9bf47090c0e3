"""Component tree to blocks of instances: what jLEMS's builders do, in their order.

First all copies are made, block by block (`tvbo_lite.transforms.shapes` tells what each consists of);
then the structures connect them, instance by instance (``Structure`` elements are rules of a table; one
without a rule is refused by name). What connections attach is gathered, and becomes blocks in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tvbo_lite.errors import Problem, UnsupportedError, nearest
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.attach import Attachments
from tvbo_lite.transforms.blocks import Forest, forest
from tvbo_lite.transforms.buckets import End
from tvbo_lite.transforms.connect_rows import connect_rows
from tvbo_lite.transforms.copies import make_block
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.ports import in_port, out_port
from tvbo_lite.transforms.resolve import ResolvedComponent
from tvbo_lite.transforms.shapes import (
    MAKERS,
    Slot,
    Specs,
    assigned,
    named_component,
    properties,
    relative_component,
)

Scope = dict[str, Instance]


def instantiate(target: ResolvedComponent) -> Instance:
    """The instance of a target component (a network, or any component), with all below it, connected."""
    return Instance(populate(target).root, 0)


def populate(target: ResolvedComponent) -> Forest:
    """The blocks of all instances of a target component, fully connected."""
    specs = Specs(target.resolver.model.component_types)
    spec = specs.spec(target, properties(target), consolidated=True)
    start = {name: np.array([value]) for name, value in properties(spec.component).items()}
    root = make_block(Slot("", spec.shape), None, (spec,), None, start, sizes=1)
    builder = _Connector(specs)
    builder.connect(Instance(root, 0))
    while builder.attachments:  # what is attached may have connections of its own to make
        for block in builder.attachments.place():
            for k in range(block.size if block.shape.connects else 0):
                builder.connect(Instance(block, k))
    builder.attachments.wire()
    return forest(root)


# ---- connections ------------------------------------------------------------------------------------


class _Connector:
    """Runs the connecting elements of structures, one instance after the other."""

    def __init__(self, specs: Specs) -> None:
        self.specs = specs
        self.attachments = Attachments(specs)
        self._reached: dict[tuple[Instance, str], Instance] = {}

    def connect(self, instance: Instance) -> None:
        """Runs the instance's structure, then its children's."""
        block, k = instance.block, instance.k
        spec = block.specs[0 if block.which is None else int(block.which[k])]
        scope: Scope = {}
        for element in spec.component.type.structure:
            if element.kind in CONNECTORS:
                CONNECTORS[element.kind](self, instance, element, scope)
            elif element.kind not in MAKERS:
                _refuse(instance, element)
        for slot, place, count in spec.order:
            child = block.static[slot]
            rows = spec.members[slot][0].rows
            if rows is not None:
                connect_rows(self.attachments, child, k, rows)
                continue
            first = child.members(k)[place]
            for j in range(first, first + count):
                self.connect(Instance(child, j))

    def descend(self, base: Instance, path: str) -> Instance:
        """The instance at a path; many connections name the same."""
        found = self._reached.get((base, path))
        if found is None:
            found = self._reached[base, path] = base.descend(path)
        return found


def _refuse(instance: Instance, element: m.Builder) -> None:
    what = f"<{element.kind}> in the structure of '{instance.component.type.name}' is not supported"
    hint = nearest(element.kind, [*MAKERS, *CONNECTORS])
    raise UnsupportedError(Problem(what, element.location, ", ".join([*MAKERS, *CONNECTORS]), hint))


def _with(connector: _Connector, instance: Instance, element: m.Builder, scope: Scope) -> None:
    attributes = element.attributes
    name = attributes.get("as", "")
    if "instance" in attributes:
        scope[name] = _with_instance(connector, instance, attributes["instance"])
    else:
        scope[name] = _with_list(instance, attributes.get("list", ""), attributes.get("index", ""))


def _with_instance(connector: _Connector, instance: Instance, attribute: str) -> Instance:
    path = attribute if attribute in ("this", "parent") else instance.component.text(attribute)
    if path is None:
        raise instance.component.fail(f"has no attribute '{attribute}'")
    if path == "this":
        return instance
    parent = instance.parent
    if parent is None:
        raise instance.component.fail("has no parent to start the path from")
    if path == "parent":
        return parent
    if path.startswith("./"):
        return instance.descend(path[2:])
    return connector.descend(parent, path)


def _with_list(instance: Instance, list_attribute: str, index_attribute: str) -> Instance:
    at: ResolvedComponent | None = instance.component
    while at is not None and at.text(list_attribute) is None:
        at = at.parent
    name = at.text(list_attribute) if at else None
    base = instance.parent
    while base is not None and name is not None and base.child(name) is None:
        base = base.parent
    if base is None or name is None:
        raise instance.component.fail(f"'{list_attribute}' names no list of instances")
    members = base.descend(name).first_list()
    index = int(instance.component.parameters.get(index_attribute, -1))
    if not 0 <= index < len(members):
        raise instance.component.fail(f"{index_attribute}={index}, but '{name}' has {len(members)} instances")
    return members[index]


def _event_connection(connector: _Connector, instance: Instance, element: m.Builder, scope: Scope) -> None:
    attributes, component = element.attributes, instance.component
    source = _end(instance, attributes, "from", scope)
    target: End = _end(instance, attributes, "to", scope)
    source_port = component.text(attributes.get("sourcePort", "")) or out_port(
        source.block.shape, source.component
    )
    delay_name = attributes.get("delay", "")
    delay = component.parameters.get(delay_name, 0.0) if component.text(delay_name) else 0.0
    receiver = relative_component(component, attributes["receiver"]) if "receiver" in attributes else None
    if receiver is not None:
        container = component.text(attributes.get("receiverContainer", ""))
        given = assigned(element, _known(instance)) if element.children else {}
        target = connector.attachments.add(target, container, receiver, given, consolidated=True)
    target_port = component.text(attributes.get("targetPort", "")) or in_port(target.component)
    if source_port is not None:
        connector.attachments.connect(source, source_port, target, target_port, delay)


def _end(instance: Instance, attributes: Mapping[str, str], which: str, scope: Scope) -> Instance:
    name = attributes.get(which, "")
    found = scope.get(name) or instance.child(name)
    if found is None:
        raise instance.component.fail(f"the event connection's '{which}' end '{name}' is unknown")
    return found


def _known(instance: Instance) -> dict[str, float]:
    return {**instance.component.parameters, **instance.values}


def _tunnel(connector: _Connector, instance: Instance, element: m.Builder, scope: Scope) -> None:
    ends = []
    for end, which in (("endA", "componentA"), ("endB", "componentB")):
        host = _end(instance, element.attributes, end, scope)
        component = named_component(instance.component, element, which)
        given = assigned(element, _known(instance)) if element.children else {}
        ends.append(connector.attachments.add(host, None, component, given, consolidated=False))
    name = element.attributes.get("name", "")
    for one, other in (ends, ends[::-1]):
        one.peers[name] = other


def _for_each(connector: _Connector, instance: Instance, element: m.Builder, scope: Scope) -> None:
    """Repeats the inner elements for each instance of a population, found by id here or further up."""
    path = element.attributes.get("instances", "")
    component, name = instance.component, path
    while name.startswith("../") and component.parent is not None:
        component, name = component.parent, name[3:]
    population = component.text(name)
    at: Instance | None = instance
    while at is not None and population is not None and at.child(population) is None:
        at = at.parent
    found = at.child(population) if at is not None and population is not None else None
    if found is None:
        raise instance.component.fail(f"<ForEach instances='{path}'> names no population")
    for member in found.first_list():
        scope[element.attributes.get("as", "")] = member
        for inner in element.children:
            if inner.kind not in CONNECTORS:
                _refuse(instance, inner)
            CONNECTORS[inner.kind](connector, instance, inner, scope)


CONNECTORS: dict[str, Callable[[_Connector, Instance, m.Builder, Scope], None]] = {
    "With": _with,
    "EventConnection": _event_connection,
    "Tunnel": _tunnel,
    "ForEach": _for_each,
}
