"""What the `record` of a population means: which variables, of which cells, how often."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tvbo_lite.schema.recorded import RecordedVariable, chosen
from tvbo_lite.transforms.lower.population import SPIKE, SPIKES, Kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["kept_of"]


def kept_of(
    context: Context,
    name: str,
    record: list[str] | Mapping[str, RecordedVariable],
    cell: ResolvedType,
    indices: list[int],
    *,
    path: Path,
) -> tuple[list[Kept], list[int]]:
    """The variables that are kept, and the cells whose spikes are; problems are reported.

    ``indices`` are those of all cells.
    """
    listed = isinstance(record, list)
    items = {key: RecordedVariable() for key in record} if isinstance(record, list) else dict(record)
    known = [*cell.exposures, *((SPIKES,) if SPIKE in cell.event_ports else ())]
    traces, spiking = [], []
    for number, (variable, item) in enumerate(items.items()):
        here = (*path, number if listed else variable)
        if not context.among(variable, known, here, f"{name}: there is no '{variable}' to record"):
            continue
        of = _cells(context, name, item, indices, here)
        every = context.interval(item.every, (*here, "every"), f"{name}: recording '{variable}'")
        if variable != SPIKES:
            traces.append(Kept(variable, of, every))
            continue
        spiking = of
        if item.every is not None:
            message = f"{name}: spikes are kept whenever they are"
            context.report((*here, "every"), message, "no 'every'")
    return traces, spiking


def _cells(context: Context, name: str, item: RecordedVariable, indices: list[int], path: Path) -> list[int]:
    """The cells that are meant; some of them, drawn without replacement, where a sample is wanted."""
    found = indices if item.of is None else chosen(item.of, indices)
    there = set(indices)
    wrong = [index for index in found if index not in there]
    if wrong:
        message = f"{name}: there is no cell {wrong[0]} to record"
        expected = f"indices from {min(there)} to {max(there)}" if there else "a population with cells"
        context.report((*path, "of"), message, expected)
    if item.sample is None:
        return found
    if item.sample > len(found):
        message = f"{name}: a sample of {item.sample} of {len(found)} cells"
        context.report((*path, "sample"), message, f"at most {len(found)}")
        return found
    return sorted(Random(item.seed).sample(found, item.sample))  # noqa: S311  no secret
