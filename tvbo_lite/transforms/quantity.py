"""Quantities as LEMS writes them (``"-70mV"``, ``"0.08 nA"``) to SI numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.lems import model as m

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Number = TypeVar("_Number", "float", "NDArray[np.float64]")

NONE = (0, 0, 0, 0, 0, 0, 0)
ANY = "*"
_LONG = 40  # characters, of a number that is shown
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


def number_and_unit(text: str) -> tuple[str, str] | None:
    """``" 80 pA"`` as "80" and "pA"; a number alone has the unit "". None for any other text."""
    match = _QUANTITY.fullmatch(text)
    return (match[1], match[2]) if match else None


class UnitTable:
    """The dimensions and units that a model declares."""

    def __init__(self, dimensions: Iterable[m.Dimension], units: Iterable[m.Unit]) -> None:
        self.dimensions = {dimension.name: dimension.exponents for dimension in dimensions}
        self.dimensions.setdefault("none", NONE)
        self.units = {unit.symbol: unit for unit in units}

    def exponents(self, dimension: str) -> tuple[int, ...] | None:
        """The dimension's exponents; None for ``*``, which anything matches. `UnitError` if unknown."""
        if dimension == ANY:
            return None
        if dimension not in self.dimensions:
            hint = nearest(dimension, self.dimensions)
            msg = f"unknown dimension '{dimension}'" + (f"; {hint}" if hint else "")
            raise UnitError(msg)
        return self.dimensions[dimension]

    def parse(self, text: str, wanted: str = "a number with a unit") -> tuple[float, tuple[int, ...]]:
        """The SI value of a quantity and its dimension's exponents. Raises `UnitError`, which says what is
        ``wanted`` where it is no number.
        """
        found = number_and_unit(text)
        if found is None:
            msg = f"'{text}' is not {wanted}"
            raise UnitError(msg)
        number, symbol = float(found[0]), found[1]
        if not symbol:
            return _finite(number, text), NONE
        if symbol not in self.units:
            hint = nearest(symbol, self.units)
            msg = f"unknown unit '{symbol}' in '{text}'" + (f"; {hint}" if hint else "")
            raise UnitError(msg)
        unit = self.units[symbol]
        return _finite(si_value(number, unit), text), self.exponents(unit.dimension) or NONE

    def value(self, text: str, dimension: str) -> float:
        """The SI value of a quantity that must have ``dimension``. Raises `UnitError` where it has not."""
        wanted = self.exponents(dimension)
        value, found = self.parse(text, "a number" if wanted == NONE else "a number with a unit")
        if wanted is None or found == wanted:
            return value
        fitting = ", ".join(self.symbols(dimension)[:6]) or "no unit"
        msg = f"'{text}' is {self.name(found)}, not {dimension} (units of {dimension}: {fitting})"
        raise UnitError(msg)

    def symbols(self, dimension: str) -> list[str]:
        """The symbols of all units of a dimension."""
        wanted = self.exponents(dimension)
        return [
            u.symbol for u in self.units.values() if wanted and self.dimensions.get(u.dimension) == wanted
        ]

    def name(self, exponents: tuple[int, ...]) -> str:
        """What a dimension is called; "a number without unit" for none."""
        if exponents == NONE:
            return "a number without unit"
        return next((name for name, known in self.dimensions.items() if known == exponents), str(exponents))


def _finite(value: float, text: str) -> float:
    if math.isfinite(value):
        return value
    msg = f"'{text if len(text) <= _LONG else f'{text[:_LONG]}...'}' is larger than any number"
    raise UnitError(msg)


def si_value(number: _Number, unit: m.Unit) -> _Number:
    """(number + offset) * scale * 10**power, multiplied in jLEMS's order; of an array, for each number."""
    power = float(f"1e{unit.power}")
    return (number + unit.offset) * unit.scale * power if unit.offset else number * unit.scale * power
