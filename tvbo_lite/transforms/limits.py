"""What the engine cannot run yet, found before anything is compiled; each limit is a rule of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.transforms.instances import Instance, walk


def check_limits(root: Instance) -> None:
    """Raises `UnsupportedError` with every limit that the instance tree is beyond, each component once."""
    components = {id(one.component): one for one in walk(root)}
    problems = [problem for one in components.values() for rule in _RULES for problem in rule(one)]
    if problems:
        raise UnsupportedError(problems)


def _one_compartment(instance: Instance) -> Iterator[Problem]:
    """LEMS alone takes a cell of many segments for one of the same area; jNeuroML refuses it too."""
    if not instance.component.type.is_a("morphology"):
        return
    segments = instance.lists.get("segments", [])
    if len(segments) > 1:
        cell = instance.parent.component if instance.parent else instance.component
        what = (
            f"{cell.describe()} has {len(segments)} segments; multi-compartment cells are not supported yet"
        )
        yield Problem(what, cell.component.location, "a morphology of one segment")


_RULES: tuple[Callable[[Instance], Iterator[Problem]], ...] = (_one_compartment,)
