"""Tables of traces with labels: how one is made of a recording, whose traces it holds, in which units.

A table has the dimensions ``(time, quantity)`` or ``(time, variable)`` and the coordinate ``units``, see
`tvbo_lite.results`. Importing this module imports xarray.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import xarray as xr

from tvbo_lite.errors import Problem, UnitError
from tvbo_lite.numerals import DIGITS
from tvbo_lite.saved import names_of
from tvbo_lite.units import convert, factor, symbol_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.lems.recording import Traces

__all__ = ["Placed", "in_units", "summary", "table_of", "to_si", "traces_of", "with_places"]

# of a quantity: ``pop[3]/v``, ``net/pop[3]/v`` or ``pop/3/cell/v``
_PLACE = re.compile(
    r"(?:.*/)?(?P<population>[^/\[\]]+)"
    rf"(?:\[(?P<index>\d{{1,{DIGITS}}})\]|/(?P<listed>\d{{1,{DIGITS}}})(?=/[^/]+/))/"
)


def table_of(
    part: Traces, units: Mapping[str, str], dim: str, attrs: Mapping[str, str | float], name: str
) -> xr.DataArray:
    """The labelled table of plain traces, in SI units; ``units`` says of each which, or its dimension."""
    symbols = [symbol_of(units.get(quantity, "")) for quantity in part.quantities]
    return xr.DataArray(
        _as_it_is(("time", dim), part.values),
        coords={
            "time": _as_it_is("time", part.time.view(_Itself), {"units": "s"}),
            dim: _as_it_is(dim, np.array(part.quantities, dtype=np.str_).view(_Itself)),
            "units": _as_it_is(dim, np.array(symbols, dtype=np.str_)),
        },
        name=name,
        attrs=attrs,
    )


def _as_it_is(
    dims: str | tuple[str, ...], values: NDArray[np.generic], attrs: Mapping[str, str] | None = None
) -> xr.Variable:
    """A variable of numpy's. xarray is not to look whether another library made the array: it would load all
    that are installed, and dask takes longer than a short run.
    """
    return xr.Variable(dims, values, attrs, fastpath=True)


class _Itself(np.ndarray[Any, Any]):
    """Values for an index. xarray asks first for `to_numpy`, and loads dask only where there is none."""

    def to_numpy(self) -> NDArray[np.generic]:
        return self.view(np.ndarray)


def with_places(data: xr.DataArray) -> xr.DataArray:
    """The data with the population and the index of the cell of each trace; "" and -1 for others."""
    dim = str(data.dims[1])
    if dim != "quantity":
        return data
    found = [_PLACE.match(name) for name in names_of(data)]
    if not any(found):
        return data
    populations = [match["population"] if match else "" for match in found]
    indices = [int(match["index"] or match["listed"]) if match else -1 for match in found]
    return data.assign_coords(
        population=_as_it_is(dim, np.array(populations, dtype=np.str_)),
        index=_as_it_is(dim, np.array(indices, dtype=np.int64)),
    )


class Placed(Sequence[xr.DataArray]):
    """Tables with the places of their traces, as they are asked for."""

    def __init__(self, tables: Sequence[xr.DataArray]) -> None:
        self.tables = tables

    @overload
    def __getitem__(self, place: int) -> xr.DataArray: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[xr.DataArray]: ...
    def __getitem__(self, place: int | slice) -> xr.DataArray | Sequence[xr.DataArray]:
        if isinstance(place, slice):
            return [with_places(data) for data in self.tables[place]]
        return with_places(self.tables[place])

    def __len__(self) -> int:
        return len(self.tables)


def traces_of(tables: Sequence[xr.DataArray], population: str, variable: str) -> xr.DataArray:
    """The traces of a variable of a population, with the dimensions ``(time, index)``, in its unit.

    Raises `KeyError` for one that is in no table; it lists those that are.
    """
    known: dict[str, None] = {}
    for data in tables:
        places = [_PLACE.match(name) for name in names_of(data)]
        found = [(m["population"], m.string.rpartition("/")[2]) if m else ("", "") for m in places]
        columns = [k for k, item in enumerate(found) if item == (population, variable)]
        if columns:
            return _by_index(data[:, columns], variable)
        known |= dict.fromkeys(f"{owner}: {name}" for owner, name in found if owner)
    raise KeyError(f"'{variable}' of '{population}' was not recorded; recorded are: {', '.join(known)}")


def _by_index(data: xr.DataArray, variable: str) -> xr.DataArray:
    """Traces of one variable of one population, by the index of the cell."""
    population, unit = str(data.population.values[0]), str(data.units.values[0])
    found = data.swap_dims(quantity="index").drop_vars(["quantity", "population", "units"])
    found = found.assign_coords(population=population).rename(variable)
    return found.assign_attrs({**data.attrs, "units": unit})


def summary(kind: str, data: xr.DataArray) -> str:
    """A line for `repr`."""
    names = names_of(data)
    shown = ", ".join(names[:4]) + (f", ... ({len(names)} in all)" if len(names) > 4 else "")
    time = data.time.values
    span = f"{time[0]:g} to {time[-1]:g} {data.time.attrs.get('units', '')}" if len(time) else "empty"
    return f"<{kind} '{data.name}': {len(time)} times, {span.strip()}; {data.dims[1]}: {shown}>"


def to_si(unit: str) -> float:
    """By what a number in ``unit`` is multiplied to be in SI units; 1 for an unknown unit ("")."""
    return factor(unit).scale if unit else 1.0


def in_units(tables: Sequence[xr.DataArray], units: Sequence[str]) -> list[xr.DataArray]:
    """Copies of the tables with all that a unit can measure, traces and times, expressed in it.

    Raises `UnitError` for an unknown unit, and for one that fits nothing.
    """
    found = [data.copy() for data in tables]
    for unit in units:
        fitting = [_fits(data, unit) for data in found]
        if not any(fitting):
            _refuse_unit(found, unit)
        found = [_converted(data, unit) if fit else data for data, fit in zip(found, fitting, strict=True)]
    return found


def _same_kind(unit: str, other: str) -> bool:
    """Whether two units measure the same; an unknown one ("") measures nothing."""
    try:
        convert(1.0, unit or "none", other)
    except UnitError:
        return False
    return bool(unit)


def _fits(data: xr.DataArray, unit: str) -> bool:
    """Whether a trace or the time can be expressed in a unit. Raises `UnitError` for an unknown one."""
    factor(unit)
    symbols = [*map(str, data.units.values), data.time.attrs.get("units", "s")]
    return any(_same_kind(symbol, unit) for symbol in symbols)


def _refuse_unit(tables: Sequence[xr.DataArray], unit: str) -> None:
    symbols = {str(symbol) for data in tables for symbol in data.units.values if symbol}
    symbols |= {data.time.attrs.get("units", "s") for data in tables}
    expected = f"a unit like {', '.join(sorted(symbols))}"
    raise UnitError(Problem(f"nothing here is measured in '{unit}'", expected=expected))


def _converted(data: xr.DataArray, unit: str) -> xr.DataArray:
    """``data`` (may be changed) with all that ``unit`` can measure expressed in it."""
    units = [str(symbol) for symbol in data.units.values]
    own = data.time.attrs.get("units", "s")
    for k, symbol in enumerate(units):
        if _same_kind(symbol, unit):
            data.values[:, k] = convert(data.values[:, k], symbol, unit)
            units[k] = unit
    data = data.assign_coords(units=(data.dims[1], np.array(units, dtype=np.str_)))
    if _same_kind(own, unit):
        data = data.assign_coords(time=("time", convert(data.time.values, own, unit), {"units": unit}))
    return data
