"""What a float32 stands for: the shortest decimal that is read as that float32.

Files of float32 hold numbers that people wrote in decimals: ``0.05`` becomes 0.05000000074505806 as a
double, and a delay of ``5.1 ms`` would arrive a step later.
Source: Steele and White (1990), "How to print floating-point numbers accurately", PLDI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["are_short", "decimals"]

_EXACT = 22  # powers of ten up to this one are doubles
_WHOLE = 2**24  # whole numbers below are float32
_DIGITS = range(6, 10)  # six digits survive any float32, nine tell any two apart


def decimals(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """The doubles nearest to the shortest decimals of finite float32 numbers; same shape."""
    narrow = numbers.ravel()
    wide = narrow.astype(np.float64)
    found = wide.copy()
    large = np.abs(wide) >= _WHOLE
    rest = np.flatnonzero((wide != np.rint(wide)) & ~large)
    for digits in _DIGITS:
        if not len(rest):
            break
        power = digits - 1 - np.floor(np.log10(np.abs(wide[rest]))).astype(int)
        scale = 10.0 ** np.minimum(power, _EXACT)
        tried = np.rint(wide[rest] * scale) / scale
        good = (power <= _EXACT) & (tried.astype(np.float32) == narrow[rest])
        found[rest[good]] = tried[good]
        rest = rest[~good]
    for place in (*rest, *np.flatnonzero(large)):  # very small and very large numbers, which are rare
        found[place] = float(str(narrow[place]))
    return found.reshape(numbers.shape)


def are_short(numbers: NDArray[np.float64]) -> bool:
    """Whether all numbers survive as float32: `decimals` gives them again."""
    with np.errstate(over="ignore"):
        narrow = numbers.astype(np.float32)
    return bool(np.isfinite(narrow).all() and (decimals(narrow) == numbers).all())
