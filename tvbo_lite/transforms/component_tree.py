"""The components of a model as the rows of an indented tree; what another refers to stands below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tvbo_lite.lems import model as m
from tvbo_lite.transforms.resolve import NOTED, ResolvedComponent, ResolvedRows, Resolver

__all__ = ["Row", "component_tree"]

MOST_ALIKE = 8  # siblings of one type that are listed


@dataclass(frozen=True, slots=True)
class Row:
    """A component, or (``type`` empty) a remark about those that are left out.

    ``referred`` tells whether it stands elsewhere in the document and the row above refers to it;
    ``quantities`` are its attributes as written; ``repeated``, that what is below it is listed already.
    """

    depth: int
    name: str
    type: str = ""
    quantities: tuple[tuple[str, str], ...] = ()
    referred: bool = False
    repeated: bool = False


def component_tree(model: m.Model, limit: int = 200) -> tuple[Row, ...]:
    """The rows of a linked model, the simulation first; beyond ``limit`` rows a last one counts the others.

    Raises `ModelError` where a component cannot be resolved.
    """
    resolver = Resolver(model)
    resolver.check_everything()
    tops = [resolver.top(component) for component in model.components]
    below = {id(one) for top in tops for one in _referred_below(top)}
    roots = [top for top in tops if id(top) not in below]
    roots.sort(key=lambda top: top.id != model.target)
    rows: list[Row] = []
    left = 0
    seen: set[int] = set()
    for root in roots:
        for row in _rows(root, 0, seen, referred=False):
            if len(rows) < limit:
                rows.append(row)
            else:
                left += 1
    if left:
        rows.append(Row(0, f"and {left} more rows"))
    return tuple(rows)


def _referred_below(component: ResolvedComponent) -> Iterator[ResolvedComponent]:
    yield from component.references.values()
    for child in component.children():
        yield from _referred_below(child)


def _rows(component: ResolvedComponent, depth: int, seen: set[int], *, referred: bool) -> Iterator[Row]:
    known = id(component) in seen
    has_more = bool(component.slots or component.members or component.references)
    name = component.id or component.component.tag
    yield Row(depth, name, component.type.name, _quantities(component), referred, known and has_more)
    if known:
        return
    seen.add(id(component))
    for one in component.references.values():
        yield from _rows(one, depth + 1, seen, referred=True)
    for one in component.slots.values():
        if not _is_note(one):
            yield from _rows(one, depth + 1, seen, referred=False)
    yield from _members(component, depth + 1, seen)


def _members(component: ResolvedComponent, depth: int, seen: set[int]) -> Iterator[Row]:
    """The members of its lists; of many of one type the first, and how many more."""
    sizes: Counter[str] = Counter()
    single: list[ResolvedComponent] = []
    for _, one in component.members:
        if isinstance(one, ResolvedRows):
            sizes[one.first.type.name] += len(one.rows)
        elif not _is_note(one):
            sizes[one.type.name] += 1
            single.append(one)
    listed: Counter[str] = Counter()
    for one in single:
        kind = one.type.name
        if listed[kind] < MOST_ALIKE or sizes[kind] == MOST_ALIKE + 1:
            listed[kind] += 1
            yield from _rows(one, depth, seen, referred=False)
    for kind, size in sizes.items():
        if size > listed[kind]:
            left = f"{size - listed[kind]:,}"
            yield Row(depth, f"and {left} more {kind}" if listed[kind] else f"{left} {kind}")


def _is_note(one: ResolvedComponent) -> bool:
    return one.component.tag in NOTED


def _quantities(component: ResolvedComponent) -> tuple[tuple[str, str], ...]:
    """Attributes that are no references, as written."""
    references = component.type.references
    return tuple((k, v) for k, v in component.component.attributes.items() if k not in references)
