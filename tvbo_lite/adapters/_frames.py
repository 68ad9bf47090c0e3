"""Results as pandas data frames, for the scripts of programs that give such; the only place with pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["frame"]


def frame(
    time: NDArray[np.float64], columns: Mapping[str | tuple[str, ...], NDArray[np.generic]]
) -> pd.DataFrame:
    """A frame with a row for each time and a column for each entry; tuples are names of several levels."""
    import pandas as pd

    names = list(columns)
    index: pd.Index | pd.MultiIndex = pd.Index(names, dtype=object)
    if any(isinstance(name, tuple) for name in names):
        index = pd.MultiIndex.from_tuples([name if isinstance(name, tuple) else (name,) for name in names])
    data = np.column_stack(list(columns.values())) if columns else np.empty((len(time), 0))
    return pd.DataFrame(data, index=time, columns=index)
