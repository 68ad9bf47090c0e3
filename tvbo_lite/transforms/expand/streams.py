"""Random numbers by seed and name: a stream for each thing that is drawn, whatever else is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np

__all__ = ["SEED", "stream"]

SEED = 42  # where none is given


def stream(seed: int | None, name: str) -> np.random.Generator:
    """The generator of the thing ``name``: counter-based (Philox), so that streams never overlap.

    Source: Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11.
    """
    import numpy as np  # only where something is drawn

    entropy = (SEED if seed is None else seed) & 0xFFFF_FFFF_FFFF_FFFF
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([entropy, crc32(name.encode())])))
