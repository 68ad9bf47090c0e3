"""Component tree to instance tree: what jLEMS's builders do, in their order.

``Structure`` elements are rules of a table; a structure element without a rule is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from tvbo_lite.errors import Problem, UnsupportedError, nearest
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.flatten import flattened
from tvbo_lite.transforms.instances import Connection, Instance, java_hash_order, no_such_port
from tvbo_lite.transforms.resolve import ResolvedComponent

MAX_INSTANCES = 20_000_000
MAX_DEPTH = 100  # a deeper tree contains itself


def instantiate(target: ResolvedComponent) -> Instance:
    """The instance tree of a target component (a network, or any component), fully connected."""
    root = _new(target, consolidated=True)
    _build(root)
    return root


def _new(component: ResolvedComponent, *, consolidated: bool) -> Instance:
    """A copy of a component with its children; its structure is run when the tree around it is there."""
    if consolidated and component.type.dynamics.simultaneous:
        return Instance(flattened(component), flat=True)
    instance = Instance(component, consolidated=consolidated)
    for prop in component.type.properties:
        instance.values[prop.name] = float(prop.default or 0.0)
    for slot in java_hash_order(component.slots):
        _add_named(instance, slot, _new(component.slots[slot], consolidated=consolidated))
    for child in _document_order(component):
        name = next(name for name, members in component.lists.items() if child in members)
        _add_listed(instance, name, _new(child, consolidated=False))
    attachments = java_hash_order(item.name for item in component.type.attachments)
    for name in attachments:
        instance.lists.setdefault(name, [])
    instance.attachment_names = tuple(attachments)
    return instance


def _document_order(component: ResolvedComponent) -> list[ResolvedComponent]:
    members = [member for items in component.lists.values() for member in items]
    place = {id(child): n for n, child in enumerate(component.component.children)}
    return sorted(members, key=lambda member: place.get(id(member.component), 0))


def _add_named(parent: Instance, name: str, child: Instance) -> None:
    child.parent = parent
    parent.named.append((name, child))
    parent.names[name] = child


def _add_listed(parent: Instance, name: str, child: Instance) -> None:
    child.parent = parent
    parent.lists.setdefault(name, []).append(child)
    parent.list_children.append(child)
    if child.id is not None:
        parent.names[child.id] = child


def _build(instance: Instance) -> None:
    """Runs the instance's structure, then its children's."""
    if not instance.built:
        _check_depth(instance)
        instance.built = True
        structure = instance.component.type.structure
        for element in structure:
            if element.kind in _MAKERS:
                _MAKERS[element.kind](instance, element)
        scope: dict[str, Instance] = {}
        for element in structure:
            if element.kind in _CONNECTORS:
                _CONNECTORS[element.kind](instance, element, scope)
            elif element.kind not in _MAKERS:
                _refuse(instance, element)
    for _, child in instance.named:
        _build(child)
    for child in instance.list_children:
        _build(child)


def _check_depth(instance: Instance) -> None:
    depth, at = 0, instance.parent
    while at is not None:
        depth, at = depth + 1, at.parent
    if depth > MAX_DEPTH:
        raise instance.component.fail(f"is nested {depth} deep; does its structure contain itself?")


def _refuse(instance: Instance, element: m.Builder) -> None:
    what = f"<{element.kind}> in the structure of '{instance.component.type.name}' is not supported"
    hint = nearest(element.kind, [*_MAKERS, *_CONNECTORS])
    raise UnsupportedError(Problem(what, element.location, ", ".join([*_MAKERS, *_CONNECTORS]), hint))


# ---- structure elements that make instances ------------------------------------------------------


def _multi_instantiate(instance: Instance, element: m.Builder) -> None:
    component = _instantiated(instance, element)
    name = element.attributes.get("number", "")
    number = instance.component.parameters.get(name, float("nan"))
    if not -0.5 <= number <= MAX_INSTANCES:
        raise instance.component.fail(f"{name}: cannot make {number:g} instances (0 to {MAX_INSTANCES})")
    for index in range(math.floor(number + 0.5)):
        member = _new(component, consolidated=True)
        member.values["index"] = float(index)
        known = {**_known(instance), **_known(member)}
        _assign(element, known, member)
        _add_listed(instance, "", member)


def _instantiated(instance: Instance, element: m.Builder) -> ResolvedComponent:
    """The component to make copies of: a referenced one, or one without attributes of the named type."""
    kind = element.attributes.get("componentType")
    if kind is None:
        return _child_component(instance, element, "component")
    bare = m.Component(kind, location=instance.component.component.location)
    return instance.component.resolver.top(bare)


def _child_instance(instance: Instance, element: m.Builder) -> None:
    name = element.attributes.get("component", "")
    _add_named(instance, name, _new(_child_component(instance, element, "component"), consolidated=True))


def _child_component(instance: Instance, element: m.Builder, attribute: str) -> ResolvedComponent:
    path = element.attributes.get(attribute, "")
    found = relative_component(instance.component, path)
    if found is None:
        raise instance.component.fail(f"<{element.kind}> names '{path}', but it refers to no component")
    return found


def relative_component(component: ResolvedComponent, path: str) -> ResolvedComponent | None:
    """A child or referenced component by name; ``../name`` looks in the parent."""
    if path.startswith("../"):
        return relative_component(component.parent, path[3:]) if component.parent else None
    return component.slots.get(path) or component.references.get(path)


# ---- structure elements that connect -----------------------------------------------------------------


def _with(instance: Instance, element: m.Builder, scope: dict[str, Instance]) -> None:
    attributes = element.attributes
    name = attributes.get("as", "")
    if "instance" in attributes:
        scope[name] = _with_instance(instance, attributes["instance"])
    else:
        scope[name] = _with_list(instance, attributes.get("list", ""), attributes.get("index", ""))


def _with_instance(instance: Instance, attribute: str) -> Instance:
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
    return instance.descend(path[2:]) if path.startswith("./") else parent.descend(path)


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
    members = next(iter(base.descend(name).lists.values()), [])
    index = int(instance.component.parameters.get(index_attribute, -1))
    if not 0 <= index < len(members):
        raise instance.component.fail(f"{index_attribute}={index}, but '{name}' has {len(members)} instances")
    return members[index]


def _event_connection(instance: Instance, element: m.Builder, scope: dict[str, Instance]) -> None:
    attributes, component = element.attributes, instance.component
    source, target = _end(instance, attributes, "from", scope), _end(instance, attributes, "to", scope)
    source_port = component.text(attributes.get("sourcePort", "")) or _default_out_port(source)
    delay_name = attributes.get("delay", "")
    delay = component.parameters.get(delay_name, 0.0) if component.text(delay_name) else 0.0
    receiver = relative_component(component, attributes["receiver"]) if "receiver" in attributes else None
    if receiver is not None:
        attached = _new(receiver, consolidated=True)
        _assign(element, _known(instance), attached)
        _attach(target, attached, component.text(attributes.get("receiverContainer", "")))
        target = attached
    target_port = component.text(attributes.get("targetPort", "")) or _first_port(target, "in")
    if source_port is not None:
        source.connections.setdefault(source_port, []).append(Connection(target, target_port, delay))


def _end(instance: Instance, attributes: object, which: str, scope: dict[str, Instance]) -> Instance:
    name = attributes.get(which, "") if isinstance(attributes, dict) else ""
    found = scope.get(name) or instance.child(name)
    if found is None:
        raise instance.component.fail(f"the event connection's '{which}' end '{name}' is unknown")
    return found


def _first_port(instance: Instance, direction: str) -> str:
    declared = [
        port.name for port in instance.component.type.event_ports.values() if port.direction == direction
    ]
    if not declared:
        raise no_such_port(instance, direction)
    used = [item.port for item in instance.component.type.dynamics.on_event] if direction == "in" else []
    return java_hash_order(used)[0] if used else declared[0]


def _default_out_port(instance: Instance) -> str | None:
    """The port of a connection that names none: the first from which the dynamics sends.

    None where jLEMS connects to a port that never fires. It makes a port for each place outside regimes
    that sends an event, but only the last one of a name is sent from, and the first one connected.
    """
    dynamics = instance.component.type.dynamics
    starts = dynamics.on_start * (2 if instance.consolidated else 1)
    events = sorted(
        dynamics.on_event,
        key=lambda item: java_hash_order(e.port for e in dynamics.on_event).index(item.port),
    )
    made = [*starts, *(item.action for item in events), *(item.action for item in dynamics.on_condition)]
    ports = [port for action in made for port in action.events]
    if ports:
        return ports[0] if ports.count(ports[0]) == 1 else None
    in_regimes = [
        port for regime in dynamics.regimes for action in regime.actions() for port in action.events
    ]
    return in_regimes[0] if in_regimes else _first_port(instance, "out")


def _attach(target: Instance, attached: Instance, container: str | None) -> None:
    attached.parent = target
    lists = target.lists
    if container is None and len(lists) == 1:
        container = next(iter(lists))
    if container is None or container not in lists:
        found = ", ".join(lists) or "none"
        hint = nearest(container or "", lists)
        raise target.component.fail(
            f"no attachments '{container or ''}' for {attached.component.describe()} (lists: {found})", hint
        )
    lists[container].append(attached)
    _build(attached)


def _known(instance: Instance) -> dict[str, float]:
    return {**instance.component.parameters, **instance.values}


def _assign(element: m.Builder, known: Mapping[str, float], target: Instance) -> None:
    for item in element.children:
        if item.kind == "Assign":
            target.values[item.attributes["property"]] = evaluate(parse(item.attributes["value"]), known)


def _tunnel(instance: Instance, element: m.Builder, scope: dict[str, Instance]) -> None:
    ends = []
    for end, which in (("endA", "componentA"), ("endB", "componentB")):
        host = _end(instance, element.attributes, end, scope)
        made = _new(_child_component(instance, element, which), consolidated=False)
        _assign(element, _known(instance), made)
        _attach(host, made, None)
        ends.append(made)
    name = element.attributes.get("name", "")
    for one, other in (ends, ends[::-1]):
        one.names[name] = other
        one.peers[name] = other


def _for_each(instance: Instance, element: m.Builder, scope: dict[str, Instance]) -> None:
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
    _build(found)
    for member in next(iter(found.lists.values()), []):
        scope[element.attributes.get("as", "")] = member
        for inner in element.children:
            if inner.kind not in _CONNECTORS:
                _refuse(instance, inner)
            _CONNECTORS[inner.kind](instance, inner, scope)


_MAKERS: dict[str, Callable[[Instance, m.Builder], None]] = {
    "MultiInstantiate": _multi_instantiate,
    "ChildInstance": _child_instance,
}
_CONNECTORS: dict[str, Callable[[Instance, m.Builder, dict[str, Instance]], None]] = {
    "With": _with,
    "EventConnection": _event_connection,
    "Tunnel": _tunnel,
    "ForEach": _for_each,
}
