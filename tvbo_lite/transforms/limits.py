"""What the engine cannot run yet, found before anything is compiled; each limit is a rule of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.transforms.blocks import Forest
from tvbo_lite.transforms.resolve import ResolvedComponent


def check_limits(forest: Forest) -> None:
    """Raises `UnsupportedError` with every limit that the instances are beyond, each component once."""
    components = {id(spec.component): spec.component for block in forest.blocks for spec in block.specs}
    problems = [problem for one in components.values() for rule in _RULES for problem in rule(one)]
    if problems:
        raise UnsupportedError(problems)


def _one_compartment(component: ResolvedComponent) -> Iterator[Problem]:
    """LEMS alone takes a cell of many segments for one of the same area; jNeuroML refuses it too."""
    if not component.type.is_a("morphology"):
        return
    segments = component.lists.get("segments", [])
    if len(segments) > 1:
        cell = component.parent or component
        what = (
            f"{cell.describe()} has {len(segments)} segments; multi-compartment cells are not supported yet"
        )
        yield Problem(what, cell.component.location, "a morphology of one segment")


_RULES: tuple[Callable[[ResolvedComponent], Iterator[Problem]], ...] = (_one_compartment,)
