"""What a copy of a component will consist of, known before any copy is made: its children, in jLEMS's order.

The children come from the component itself (``Child``, ``Children``) and from the elements of its type's
structure that make instances (``MultiInstantiate``, ``ChildInstance``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tvbo_lite import limits
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.flatten import flattened
from tvbo_lite.transforms.java_hash import java_hash_order
from tvbo_lite.transforms.resolve import ResolvedComponent, ResolvedRows
from tvbo_lite.transforms.types import ResolvedType

Values: TypeAlias = NDArray[np.float64]  # one number for each copy

_KEY = re.compile(r"\[([^=\]*]+)=")


@dataclass(frozen=True, slots=True)
class Slot:
    """Children that stand side by side and are of one shape: a single child, or a run of a list's members."""

    name: str
    shape: Shape
    given: tuple[str, ...] = ()  # the names of the values that each of them is given
    listed: bool = False
    rowed: bool = False  # whether they are the rows of a table


@dataclass(eq=False, slots=True)
class Shape:
    """What instances that share code have in common. Only the lengths of lists may differ.

    ``keys`` are texts by which a path selects among a list's members; ``consolidated`` marks instances
    whose OnStart jLEMS runs twice a pass, ``flat`` those of simultaneous dynamics. ``connects`` tells
    whether anything in the tree has connections to make.
    """

    kind: ResolvedType
    keys: tuple[tuple[str, str], ...]
    slots: tuple[Slot, ...] = ()
    lists: tuple[str, ...] = ()  # in order of advance, those that are empty or filled later included
    attachments: tuple[str, ...] = ()
    consolidated: bool = False
    flat: bool = False
    connects: bool = False


@dataclass(eq=False, slots=True)
class Member:
    """``count`` copies of one component; ``values`` hold a number for each of them."""

    spec: Spec
    count: int = 1
    values: dict[str, Values] = field(default_factory=dict)
    rows: ResolvedRows | None = None


@dataclass(eq=False, slots=True)
class Spec:
    """A component, its shape, and for each of the shape's slots what stands there.

    ``order`` holds (slot, place in the slot, count) in the order in which structures are run.
    """

    component: ResolvedComponent
    shape: Shape
    members: tuple[tuple[Member, ...], ...] = ()
    order: tuple[tuple[int, int, int], ...] = ()


@dataclass(slots=True)
class _Draft:
    """The children of a component, given some values, while they are gathered."""

    specs: Specs
    component: ResolvedComponent
    values: Mapping[str, float]
    depth: int
    named: list[tuple[str, Member]] = field(default_factory=list)
    listed: list[tuple[str, Member]] = field(default_factory=list)
    lists: dict[str, list[Member]] = field(default_factory=dict)

    def add_listed(self, name: str, member: Member) -> None:
        self.lists.setdefault(name, []).append(member)
        self.listed.append((name, member))


class Specs:
    """The specs of one model, each worked out once."""

    def __init__(self, types: Iterable[m.ComponentType] = ()) -> None:
        self._selecting = _selecting(types)
        self._made: dict[object, Spec] = {}
        self._shapes: dict[object, Shape] = {}

    def spec(
        self, component: ResolvedComponent, values: Mapping[str, float], *, consolidated: bool, depth: int = 0
    ) -> Spec:
        """What a copy of a component, given some values, consists of."""
        if depth > limits.TREE_DEPTH.value():
            raise component.fail(f"is nested {depth} deep; does its structure contain itself?")
        matters = values if values and any(map(_assigns, component.type.structure)) else {}
        key = (id(component), consolidated, tuple(sorted(matters.items())))
        if key not in self._made:
            self._made[key] = self._new(component, values, consolidated=consolidated, depth=depth)
        return self._made[key]

    def _new(
        self, component: ResolvedComponent, values: Mapping[str, float], *, consolidated: bool, depth: int
    ) -> Spec:
        if consolidated and component.type.dynamics.simultaneous:
            flat = flattened(component)
            return Spec(flat, Shape(flat.type, self._keys(flat, consolidated=False), flat=True))
        kind = component.type
        if not (component.slots or component.members or kind.attachments or _makes(kind)):
            return Spec(component, self._shape(component, (), (), (), consolidated=consolidated))
        draft = _Draft(self, component, values, depth)
        for slot in java_hash_order(component.slots):
            child = self.spec(component.slots[slot], {}, consolidated=consolidated, depth=depth + 1)
            draft.named.append((slot, Member(child)))
        for name, listed in component.members:
            draft.add_listed(name, self._listed(listed, depth + 1))
        attachments = tuple(java_hash_order(item.name for item in component.type.attachments))
        for name in attachments:
            draft.lists.setdefault(name, [])
        for element in component.type.structure:
            if element.kind in MAKERS:
                MAKERS[element.kind](draft, element)
        return self._finished(component, draft, attachments, consolidated=consolidated)

    def _listed(self, listed: ResolvedComponent | ResolvedRows, depth: int) -> Member:
        if isinstance(listed, ResolvedRows):
            spec = self.spec(listed.first, {}, consolidated=False, depth=depth)
            return Member(spec, len(listed.rows), rows=listed)
        return Member(self.spec(listed, {}, consolidated=False, depth=depth))

    def _finished(
        self, component: ResolvedComponent, draft: _Draft, attachments: tuple[str, ...], *, consolidated: bool
    ) -> Spec:
        slots = [Slot(name, member.spec.shape, _given(member)) for name, member in draft.named]
        members: list[list[Member]] = [[member] for _, member in draft.named]
        place: dict[int, tuple[int, int]] = {id(run[0]): (n, 0) for n, run in enumerate(members)}
        for name, every in draft.lists.items():
            for run in _runs(every):
                at = 0
                for member in run:
                    place[id(member)] = (len(slots), at)
                    at += member.count
                rowed = run[0].rows is not None
                slots.append(Slot(name, run[0].spec.shape, _given(run[0]), listed=True, rowed=rowed))
                members.append(run)
        built = [member for _, member in (*draft.named, *draft.listed)]
        order = tuple((*place[id(member)], member.count) for member in built if member.spec.shape.connects)
        shape = self._shape(
            component, tuple(slots), tuple(draft.lists), attachments, consolidated=consolidated
        )
        return Spec(component, shape, tuple(map(tuple, members)), order)

    def _keys(self, component: ResolvedComponent, *, consolidated: bool) -> tuple[tuple[str, str], ...]:
        """The texts and ids of references by which some path of the model selects."""
        if not self._selecting:
            return ()
        ids = {name: target.id or "" for name, target in component.references.items()}
        keys = ids if consolidated else {**component.texts(), **ids}
        return tuple(sorted((name, text) for name, text in keys.items() if name in self._selecting))

    def _shape(
        self,
        component: ResolvedComponent,
        slots: tuple[Slot, ...],
        lists: tuple[str, ...],
        attachments: tuple[str, ...],
        *,
        consolidated: bool,
    ) -> Shape:
        kind = component.type
        # The code of a kinetic scheme is that of its very nodes and edges.
        own = id(component) if kind.dynamics.kinetic_schemes else 0
        keys = self._keys(component, consolidated=consolidated)
        key = (id(kind), consolidated, keys, slots, lists, own)
        if key not in self._shapes:
            connects = bool(kind.structure) or any(slot.shape.connects for slot in slots)
            self._shapes[key] = Shape(
                kind, keys, slots, lists, attachments, consolidated=consolidated, connects=connects
            )
        return self._shapes[key]


def _alike(one: Member, other: Member) -> bool:
    """Whether two members may share a run; rows are a run of their own."""
    return (
        one.spec.shape is other.spec.shape
        and _given(one) == _given(other)
        and one.rows is None
        and other.rows is None
    )


def _selecting(types: Iterable[m.ComponentType]) -> frozenset[str]:
    """The names by which paths select members of lists: ``ion`` of ``populations[ion='ca']/i``."""
    selects = [
        item.select
        for kind in types
        if kind.dynamics is not None
        for item in kind.dynamics.derived
        if item.select is not None and "=" in item.select
    ]
    return frozenset(name.strip() for path in selects for name in _KEY.findall(path))


def _makes(kind: ResolvedType) -> bool:
    return any(element.kind in MAKERS for element in kind.structure)


def _given(member: Member) -> tuple[str, ...]:
    return tuple(sorted(member.values))


def _runs(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Stretches of neighbours with one shape; where there are no copies there is nothing to share."""
    run: list[Member] = []
    for member in members:
        if not member.count:
            continue
        if run and not _alike(member, run[0]):
            yield run
            run = []
        run.append(member)
    if run:
        yield run


def relative_component(component: ResolvedComponent, path: str) -> ResolvedComponent | None:
    """A child or referenced component by name; ``../name`` looks in the parent."""
    if path.startswith("../"):
        return relative_component(component.parent, path[3:]) if component.parent else None
    return component.slots.get(path) or component.references.get(path)


def named_component(component: ResolvedComponent, element: m.Builder, attribute: str) -> ResolvedComponent:
    """The component that a structure element's attribute names. Raises `ModelError` if there is none."""
    path = element.attributes.get(attribute, "")
    found = relative_component(component, path)
    if found is None:
        raise component.fail(f"<{element.kind}> names '{path}', but it refers to no component")
    return found


def properties(component: ResolvedComponent) -> dict[str, float]:
    """The properties of a component's copies, before anything is assigned to them."""
    return {prop.name: float(prop.default or 0.0) for prop in component.type.properties}


def assigned(element: m.Builder, known: Mapping[str, float]) -> dict[str, float]:
    """What the ``Assign`` elements inside a structure element give."""
    return {
        item.attributes["property"]: evaluate(parse(item.attributes["value"]), known)
        for item in element.children
        if item.kind == "Assign"
    }


def _assigns(element: m.Builder) -> bool:
    return element.kind == "Assign" or any(map(_assigns, element.children))


# ---- structure elements that make instances ------------------------------------------------------


def _multi_instantiate(draft: _Draft, element: m.Builder) -> None:
    component, specs, depth = draft.component, draft.specs, draft.depth
    copied = _instantiated(component, element)
    name = element.attributes.get("number", "")
    number = component.parameters.get(name, float("nan"))
    most = limits.INSTANCES
    if not -0.5 <= number <= most.value():
        raise component.fail(f"{name}: cannot make {number:g} instances (0 to {most}); {most.more}")
    count = math.floor(number + 0.5)
    given: dict[str, Values] = {"index": np.arange(count, dtype=np.float64)}
    if any(map(_assigns, element.children)) and count:
        given |= _each_assigned({**component.parameters, **draft.values}, element, copied, count)
    if any(map(_assigns, copied.type.structure)):  # each may make something else of its values
        for k in range(count):
            own = {name: array[k : k + 1] for name, array in given.items()}
            known = {**properties(copied), **{name: float(one[0]) for name, one in own.items()}}
            spec = specs.spec(copied, known, consolidated=True, depth=depth + 1)
            draft.add_listed("", Member(spec, 1, own))
        return
    spec = specs.spec(copied, {}, consolidated=True, depth=depth + 1)
    draft.add_listed("", Member(spec, count, given))


def _each_assigned(
    around: Mapping[str, float], element: m.Builder, copied: ResolvedComponent, count: int
) -> dict[str, Values]:
    """What is assigned to each copy, which knows its index; ``around`` is what its maker knows."""
    known = {**around, **copied.parameters, **properties(copied)}
    each = [assigned(element, {**known, "index": float(index)}) for index in range(count)]
    return {name: np.array([one[name] for one in each]) for name in each[0]}


def _instantiated(component: ResolvedComponent, element: m.Builder) -> ResolvedComponent:
    """The component to make copies of: a referenced one, or one without attributes of the named type."""
    kind = element.attributes.get("componentType")
    if kind is None:
        return named_component(component, element, "component")
    return component.resolver.top(m.Component(kind, location=component.component.location))


def _child_instance(draft: _Draft, element: m.Builder) -> None:
    name = element.attributes.get("component", "")
    copied = named_component(draft.component, element, "component")
    spec = draft.specs.spec(copied, properties(copied), consolidated=True, depth=draft.depth + 1)
    draft.named.append((name, Member(spec)))


MAKERS: dict[str, Callable[[_Draft, m.Builder], None]] = {
    "MultiInstantiate": _multi_instantiate,
    "ChildInstance": _child_instance,
}
