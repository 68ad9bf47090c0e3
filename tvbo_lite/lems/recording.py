"""The plain result of a run, the same from every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.plan import OutputFile, SimulationPlan


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded traces in SI units.

    ``time``: shape ``(n_rows,)``, s. ``values``: shape ``(n_rows, n_quantities)``, its columns named by
    ``quantities``. ``events`` maps an event file's id to ``(times in s, selection ids)``.
    ``timings`` holds seconds spent, by stage (``"compile"``, ``"simulate"``, ...). ``units`` has the SI
    unit of each quantity as LEMS spells it (``"V"``, ``"1"``); one that is not in it, or empty, is unknown.
    """

    plan: SimulationPlan
    time: NDArray[np.float64]
    values: NDArray[np.float64]
    quantities: tuple[str, ...]
    events: dict[str, tuple[NDArray[np.float64], tuple[str, ...]]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def trace(self, quantity: str) -> NDArray[np.float64]:
        """One trace, shape ``(n_rows,)``. Raises `KeyError` for a quantity that was not recorded."""
        try:
            return self.values[:, self.quantities.index(quantity)]
        except ValueError:
            raise KeyError(quantity) from None

    def table(self, file: OutputFile) -> NDArray[np.float64]:
        """The content of an output file: time, then its columns; shape ``(n_rows, 1 + n_columns)``."""
        import numpy as np

        columns = [self.time, *(self.trace(column.quantity) for column in file.columns)]
        return np.column_stack(columns)
