"""Components with their types, parameter values in SI units, and references followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import InputError, Location, ModelError, Problem, nearest
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Expr, names
from tvbo_lite.lems import model as m
from tvbo_lite.lems.rows import Rows, parts_of
from tvbo_lite.transforms.quantity import ANY, UnitTable, si_value
from tvbo_lite.transforms.types import ResolvedType, TypeTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OF_TYPE = re.compile(r"//(?P<type>\w+)\[(?P<key>\w+)\s*=\s*(?P<path>[\w/.]+)\]")
NOTED = ("Meta", "About", "notes", "annotation")  # elements that jLEMS lets stand in any component
_LANGUAGE = ("Include", "Target", "ComponentType", "Dimension", "Unit", "Constant")  # beside components
GENERIC_TAG = "Component"  # <Component type="..."> names its type by the attribute alone


@dataclass(eq=False, slots=True)
class ResolvedComponent:
    """A component as the engine sees it: all parameters (derived ones and constants too) as SI numbers.

    ``slots`` maps the name of a ``Child`` to the component that fills it, in document order;
    ``lists`` the name of a ``Children`` to its members, by first appearance. ``members`` are those of all
    lists in document order, each with its list; only there are rows of tables, with the name of theirs.
    """

    component: m.Component
    type: ResolvedType
    parent: ResolvedComponent | None
    resolver: Resolver
    parameters: dict[str, float] = field(default_factory=dict)
    slots: dict[str, ResolvedComponent] = field(default_factory=dict)
    lists: dict[str, list[ResolvedComponent]] = field(default_factory=dict)
    members: list[tuple[str, ResolvedComponent | ResolvedRows]] = field(default_factory=list)
    references: dict[str, ResolvedComponent] = field(default_factory=dict)

    @property
    def id(self) -> str | None:
        return self.component.id

    @property
    def attributes(self) -> dict[str, str]:
        return dict(self.component.attributes)

    def text(self, name: str) -> str | None:
        """The text of an attribute (``Text``, ``Path``, ``Link`` or reference), None where it has none."""
        return self.component.attributes.get(name)

    def texts(self) -> dict[str, str]:
        """The ``Text`` attributes by which a path may select: ``populations[ion='ca']/i``."""
        given = self.component.attributes
        return {name: given[name] for name in self.type.texts if name in given}

    def children(self) -> Iterator[ResolvedComponent]:
        yield from self.slots.values()
        for members in self.lists.values():
            yield from members

    def describe(self) -> str:
        """A few words that tell the component from others: ``population 'pop1'``."""
        name = self.component.tag if self.component.tag != GENERIC_TAG else self.type.name
        return f"{name} '{self.id}'" if self.id else f"<{name}>"

    def fail(self, message: str, hint: str | None = None) -> ModelError:
        return ModelError(Problem(f"{self.describe()}: {message}", self.component.location, None, hint))


@dataclass(eq=False, slots=True)
class ResolvedRows:
    """Rows of a table: ``first`` is the first one, ``columns`` the parameters that differ, SI numbers.

    ``columns`` have shape ``(len(rows),)`` and hold derived parameters too.
    """

    rows: Rows
    first: ResolvedComponent
    columns: dict[str, NDArray[np.float64]]


class Resolver:
    """Resolves components of one linked model on demand; ``problems`` gathers all that is wrong."""

    def __init__(self, model: m.Model) -> None:
        self.model = model
        self.types = TypeTable(model.component_types)
        self.units = UnitTable(model.dimensions, model.units)
        self.problems: list[Problem] = []
        self.by_id: dict[str, m.Component] = {}
        for component in model.components:
            if component.id is not None:
                self.by_id.setdefault(component.id, component)
        self._top: dict[str, ResolvedComponent] = {}

    def check_everything(self) -> None:
        """Resolves all top-level components. Raises `ModelError` with all that is wrong with them."""
        for component in self.model.components:
            with _Collect(self.problems, component.location):
                self.top(component)
        self.constants()
        if self.problems:
            found = dict.fromkeys(self.problems)
            raise ModelError(
                sorted(found, key=lambda problem: (problem.location.file or "", problem.location.line or 0))
            )

    def constants(self) -> dict[str, float]:
        """The model's global constants, SI. A constant may be an expression of earlier ones."""
        values: dict[str, float] = {}
        for constant in self.model.constants:
            if constant.symbol is not None:
                with _Collect(self.problems, constant.location):
                    values[constant.symbol] = self._constant(constant.value, values)
        return values

    def _constant(self, text: str, earlier: dict[str, float]) -> float:
        try:
            return self.units.parse(text)[0]
        except InputError:
            return evaluate(parse(text), earlier)

    def component(self, name: str, wanted_by: Location, what: str = "component") -> ResolvedComponent:
        """The top-level component of that id. Raises `ModelError` with the nearest id if there is none."""
        if name not in self._top:
            found = self.by_id.get(name)
            if found is None:
                message = f"{what} '{name}' does not exist"
                raise ModelError(Problem(message, wanted_by, None, nearest(name, self.by_id)))
            self.top(found)
        return self._top[name]

    def top(self, component: m.Component) -> ResolvedComponent:
        """A top-level component, resolved once however often it is referred to."""
        if component.id is not None and component.id in self._top:
            return self._top[component.id]
        return self._resolve(component, None, None)

    def _resolve(
        self, component: m.Component, parent: ResolvedComponent | None, slot: m.ChildSlot | None
    ) -> ResolvedComponent:
        prototype = self._prototype(component)
        kind = self._type(component, slot, prototype)
        if prototype is not None:
            merged = {**prototype.component.attributes, **component.attributes}
            component = replace(component, attributes=merged)
        resolved = ResolvedComponent(component, kind, parent, self)
        if parent is None and component.id is not None:
            self._top.setdefault(component.id, resolved)
        self._parameters(resolved)
        self._children(resolved)
        self._references(resolved)
        self._derive(resolved)
        return resolved

    def _prototype(self, component: m.Component) -> ResolvedComponent | None:
        if component.extends is None:
            return None
        self._check_lineage(component)
        return self.component(component.extends, component.location, "the extended component")

    def _check_lineage(self, component: m.Component) -> None:
        """Raises `ModelError` where components extend one another in a circle."""
        seen, at = [component.id], self.by_id.get(component.extends or "")
        while at is not None:
            if at.id in seen:
                cycle = " extends ".join(str(name) for name in (*seen[seen.index(at.id) :], at.id))
                raise ModelError(Problem(f"components extend one another: {cycle}", component.location))
            seen.append(at.id)
            at = self.by_id.get(at.extends) if at.extends else None

    def _type(
        self, component: m.Component, slot: m.ChildSlot | None, prototype: ResolvedComponent | None
    ) -> ResolvedType:
        if component.type is None and prototype is not None:
            return prototype.type
        name = component.type or (slot.type if slot else component.tag)
        if name not in self.types:
            label = f" '{component.id}'" if component.id else ""
            what = f"unknown component type '{name}' of <{component.tag}>{label}"
            known = self.types.names() if component.type or slot else (*self.types.names(), *_LANGUAGE)
            raise ModelError(Problem(what, component.location, None, nearest(name, known)))
        return self.types.get(name)

    def _parameters(self, resolved: ResolvedComponent) -> None:
        kind, given = resolved.type, resolved.component.attributes
        values = resolved.parameters
        for name, parameter in kind.parameters.items():
            text = given.get(name, kind.fixed.get(name))
            values[name] = self._quantity(resolved, name, text, parameter.dimension)
        for name, constant in kind.constants.items():
            if name not in values:
                values[name] = self._quantity(
                    resolved, name, given.get(name, constant.value), constant.dimension
                )
        for name in kind.declared_indices():
            values[name] = self._quantity(resolved, name, given.get(name), "none")
        for name in kind.derived_parameters:
            values.setdefault(name, 0.0)

    def _derive(self, resolved: ResolvedComponent) -> None:
        for name, derived in resolved.type.derived_parameters.items():
            with _Collect(self.problems, derived.location):
                if derived.select is not None:
                    resolved.parameters[name] = self._selected(resolved, derived.select)
                elif derived.value is not None:
                    resolved.parameters[name] = evaluate(parse(derived.value), resolved.parameters)

    def _selected(self, resolved: ResolvedComponent, path: str) -> float:
        """``child/name``, or ``//Type[attribute=path]/name``: a parameter of the one that matches."""
        head, _, name = path.rpartition("/")
        match = _OF_TYPE.fullmatch(head)
        found = self._matching(resolved, match) if match else _relative(resolved, head)
        if found is None or name not in found.parameters:
            raise resolved.fail(f"select='{path}' finds no parameter")
        return found.parameters[name]

    def _matching(self, resolved: ResolvedComponent, match: re.Match[str]) -> ResolvedComponent | None:
        wanted = _relative(resolved, match["path"])
        matching = [
            one
            for top in self.model.components
            for one in _everything(self.top(top))
            if one.type.name == match["type"] and one.references.get(match["key"]) is wanted
        ]
        return matching[-1] if matching and wanted is not None else None

    def _quantity(self, resolved: ResolvedComponent, name: str, text: str | None, dimension: str) -> float:
        if text is None:
            self._missing(resolved, name, dimension)
            return float("nan")
        with _Collect(self.problems, resolved.component.location, f"{resolved.describe()}: {name}: "):
            return self.units.value(text, dimension)
        return float("nan")

    def _missing(self, resolved: ResolvedComponent, name: str, dimension: str) -> None:
        known = resolved.type.attribute_names()
        stray = [key for key in resolved.component.attributes if key not in known]
        hint = nearest(name, stray)
        hint = hint and hint.replace("did you mean", "found instead:").rstrip("?")
        example = "<unit>" if dimension == ANY else next(iter(self.units.symbols(dimension)), "")
        expected = f'{name}="<number>{" " + example if example else ""}"'
        message = f"{resolved.describe()} has no attribute '{name}'"
        self.problems.append(Problem(message, resolved.component.location, expected, hint))

    def _children(self, resolved: ResolvedComponent) -> None:
        for child in parts_of(resolved.component.children):
            with _Collect(self.problems, child.location):
                if isinstance(child, Rows) and child.count:
                    self._rows(resolved, child)
                elif isinstance(child, m.Component):
                    self._child(resolved, child)

    def _rows(self, resolved: ResolvedComponent, rows: Rows) -> None:
        """Rows stay rows where all that is done with each can be done with all; else they are components."""
        if not self._child(resolved, rows.component(0)):
            return
        name, first = resolved.members[-1]
        assert isinstance(first, ResolvedComponent)  # noqa: S101  a component has just been added
        does = first.type.structure or first.type.dynamics != m.Dynamics()
        records = not does and any(item.kind == "EventRecord" for item in first.type.simulation)
        if records or (does and is_simple(first.type) and rows.ids is None):
            resolved.lists[name].pop()
            resolved.members[-1] = (name, ResolvedRows(rows, first, self._columns(first, rows)))
            return
        for row in range(1, rows.count):
            self._child(resolved, rows.component(row))

    def _columns(self, first: ResolvedComponent, rows: Rows) -> dict[str, NDArray[np.float64]]:
        import numpy as np

        columns = {}
        for name, column in rows.columns.items():
            if name in first.parameters:
                unit = self.units.units.get(column.after.strip())
                values = np.asarray(column.values, dtype=np.float64)
                columns[name] = si_value(values, unit) if unit is not None else values
        for name, derived in first.type.derived_parameters.items():
            if derived.value is not None and columns:
                each = _each(parse(derived.value), first.parameters, columns)
                if each is not None:
                    columns[name] = each
        return columns

    def _child(self, resolved: ResolvedComponent, child: m.Component) -> bool:
        """Adds a child; whether it has become the member of a list."""
        kind = resolved.type
        slot = kind.child_slots.get(child.tag)
        if slot is not None and not slot.many:
            resolved.slots[slot.name] = self._resolve(child, resolved, slot)
            return False
        if child.tag in NOTED and child.tag not in kind.child_slots and not self._fits(kind, child.tag):
            return False
        if child.type is None and child.extends is None and child.tag not in self.types:
            hint = nearest(child.tag, self._tags(kind))
            what = f"<{child.tag}> is not known inside {resolved.describe()}"
            raise ModelError(Problem(what, child.location, None, hint))
        member = self._resolve(child, resolved, None)
        fitting = [
            s
            for s in kind.child_slots.values()
            if s.many and (member.type.is_a(s.type) or s.type == GENERIC_TAG)
        ]
        if not fitting:
            allowed = ", ".join(s.type for s in kind.child_slots.values()) or "no children"
            what = f"<{child.tag}> (type {member.type.name}) has no place in {resolved.describe()}"
            raise ModelError(Problem(what, child.location, allowed))
        resolved.lists.setdefault(fitting[-1].name, []).append(member)
        resolved.members.append((fitting[-1].name, member))
        return True

    def _fits(self, kind: ResolvedType, tag: str) -> bool:
        """Whether a list of the type takes components of the type that the tag names."""
        known = tag in self.types
        return known and any(s.many and self.types.get(tag).is_a(s.type) for s in kind.child_slots.values())

    def _tags(self, kind: ResolvedType) -> list[str]:
        """The elements that may stand in a component of the type."""
        found = [name for name, slot in kind.child_slots.items() if not slot.many]
        for name in self.types.names():
            with suppress(InputError):  # of a type that is wrong itself, which is told elsewhere
                found += [name] if self._fits(kind, name) else []
        return found

    def _references(self, resolved: ResolvedComponent) -> None:
        for name, reference in resolved.type.references.items():
            wanted = resolved.text(name)
            if wanted is None:
                continue
            with _Collect(self.problems, resolved.component.location):
                resolved.references[name] = self._referred(resolved, reference, wanted)

    def _referred(
        self, resolved: ResolvedComponent, reference: m.Reference, wanted: str
    ) -> ResolvedComponent:
        if reference.local and resolved.parent is not None:
            siblings = {child.id: child for child in resolved.parent.children() if child.id}
            if wanted in siblings:
                return siblings[wanted]
        what = f"{reference.name} of {resolved.describe()}: component"
        return self.component(wanted, resolved.component.location, what)


def is_simple(kind: ResolvedType) -> bool:
    """Whether copies have nothing below them, and connect only what their own attributes name."""
    return not (
        any(element.kind not in ("With", "EventConnection") for element in kind.structure)
        or any(element.kind == "With" and "instance" not in element.attributes for element in kind.structure)
        or any(item.select is not None for item in kind.derived_parameters.values())
    )


def _each(
    expr: Expr, fixed: Mapping[str, float], columns: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """An expression's value for each row; None where it is the same for all."""
    import numpy as np

    from tvbo_lite.expr import arrays

    used = {name: columns[name] for name in names(expr) if name in columns}
    if not used:
        return None
    if arrays.is_exact(expr):
        return arrays.evaluate(expr, {name: np.asarray(value) for name, value in fixed.items()} | used)
    rows = zip(*(column.tolist() for column in used.values()), strict=True)
    return np.array([evaluate(expr, {**fixed, **dict(zip(used, row, strict=True))}) for row in rows])


def _relative(component: ResolvedComponent, path: str) -> ResolvedComponent | None:
    """A child or referenced component by its path, such as ``channel/species`` or ``../environment``."""
    at: ResolvedComponent | None = component
    for step in filter(None, path.split("/")):
        if at is not None:
            at = at.parent if step == ".." else at.slots.get(step) or at.references.get(step)
    return at


def _everything(component: ResolvedComponent) -> Iterator[ResolvedComponent]:
    yield component
    for child in component.children():
        yield from _everything(child)


class _Collect:
    """A ``with`` block whose input errors are kept in ``problems``, with a place if they have none."""

    def __init__(self, problems: list[Problem], location: Location, prefix: str = "") -> None:
        self.problems = problems
        self.location = location
        self.prefix = prefix

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, InputError):
            return False
        for problem in error.problems:
            placed = problem if problem.location.file else replace(problem, location=self.location)
            self.problems.append(
                replace(placed, message=self.prefix + placed.message) if self.prefix else placed
            )
        return True
