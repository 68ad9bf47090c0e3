"""Spike trains as objects of neo, the one door to that package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.extras import needed

if TYPE_CHECKING:
    import neo

    from tvbo_lite.lems.spikes import SpikeTrains

__all__ = ["neo_trains"]


def neo_trains(spikes: SpikeTrains) -> list[neo.SpikeTrain]:
    """See `SpikeTrains.to_neo`."""
    import numpy as np

    with needed("neo", "spike trains of neo"):
        import neo

    times = spikes.trains
    cells = np.arange(spikes.size) if spikes.cells is None else spikes.cells
    start = spikes.start
    stop = max([start + spikes.duration, *(float(train[-1]) for train in times if len(train))])
    return [
        neo.SpikeTrain(
            train, units="s", t_start=start, t_stop=stop, name=f"{spikes.name}[{cell}]",
            population=spikes.name, index=cell,
        )
        for cell, train in zip(cells.tolist(), times, strict=True)
    ]  # fmt: skip
