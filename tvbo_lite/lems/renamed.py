"""Names that an experiment gives and LEMS cannot hold, and the names that its model has in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import NOWHERE, Location

if TYPE_CHECKING:
    from tvbo_lite.lems.plan import SimulationPlan
    from tvbo_lite.lems.recording import Recording

__all__ = ["Renamed", "can_be_id", "names_of", "replaced", "restored"]

_SEGMENT = re.compile(r"[^/\[\]]+")
_POPULATION = "_pop"  # ends the name of the population of a dynamics


def can_be_id(name: str) -> bool:
    """Whether LEMS can hold the name as it is."""
    return name.isascii() and name.isidentifier()


@dataclass(frozen=True, slots=True)
class Renamed:
    """The name ``old`` of the experiment is ``new`` in the model; ``location`` is where it was given."""

    old: str
    new: str
    location: Location = field(default=NOWHERE, compare=False, repr=False)

    def told(self) -> tuple[str, str, Location]:
        """What is lost, why, and where."""
        reason = f"names in LEMS are of ASCII letters, digits and underscores; here it is '{self.new}'"
        return f"the name '{self.old}'", reason, self.location


def names_of(renamed: Iterable[Renamed]) -> dict[str, str]:
    """The names of the experiment by those of the model."""
    return {item.new: item.old for item in renamed}


def replaced(path: str, names: Mapping[str, str]) -> str:
    """A name, or a path such as ``cell_1_pop[0]/v``, with other names in place of some."""

    def name(match: re.Match[str]) -> str:
        whole = match[0]
        stem = whole.removesuffix(_POPULATION)
        return names.get(whole) or (names[stem] + whole[len(stem) :] if stem in names else whole)

    return names.get(path) or _SEGMENT.sub(name, path)


def restored(recording: Recording, renamed: Iterable[Renamed]) -> Recording:
    """The recording of a model's run under the names that the experiment gave."""
    names = names_of(renamed)
    if not names:
        return recording
    return replace(
        recording,
        plan=_plan(recording.plan, names),
        quantities=tuple(replaced(one, names) for one in recording.quantities),
        events={replaced(one, names): item for one, item in recording.events.items()},
        slower=tuple(
            replace(part, quantities=tuple(replaced(one, names) for one in part.quantities))
            for part in recording.slower
        ),
        units={replaced(one, names): unit for one, unit in recording.units.items()},
    )


def _plan(plan: SimulationPlan, names: Mapping[str, str]) -> SimulationPlan:
    displays = (
        replace(item, lines=tuple(replace(x, quantity=replaced(x.quantity, names)) for x in item.lines))
        for item in plan.displays
    )
    files = (
        replace(item, columns=tuple(replace(x, quantity=replaced(x.quantity, names)) for x in item.columns))
        for item in plan.files
    )
    events = (
        replace(
            item,
            id=replaced(item.id, names),
            selections=tuple(replace(x, select=replaced(x.select, names)) for x in item.selections),
        )
        for item in plan.event_files
    )
    return replace(plan, displays=tuple(displays), files=tuple(files), event_files=tuple(events))
