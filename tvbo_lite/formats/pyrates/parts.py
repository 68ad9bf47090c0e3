"""The complex variables of a system as pairs of real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import InputError, Location, Problem, UnsupportedError
from tvbo_lite.expr.complex import Parts, parts
from tvbo_lite.expr.tree import Expr, Name, Number

if TYPE_CHECKING:
    from tvbo_lite.formats.pyrates.system import System

__all__ = ["IMAG", "REAL", "real_system"]

REAL, IMAG = "_re", "_im"


def real_system(system: System) -> tuple[System, set[str]]:
    """The system with ``x_re`` and ``x_im`` for each complex ``x``, and the names of these ``x``.

    A variable is complex where its initial value is, or where its equation may give such a number.
    Constants that are complex become numbers in the equations. Raises `UnsupportedError` for what
    `tvbo_lite.expr.complex` does not know.
    """
    found = {name for name, item in system.variables.items() if isinstance(item.value, complex)}
    while True:
        names = {name: _pair(system, name) for name in found}
        rates, values = (
            {name: _parts(expr, names, system, name) for name, expr in group.items()}
            for group in (system.rates, system.values)
        )
        more = {k for k, v in (*rates.items(), *values.items()) if not v.is_real} - found
        if not more:
            break
        found |= more
    _check_past(system, found)
    changing = {name for name in found if name in rates or name in values}
    result = replace(system, variables={}, rates={}, values={})
    for name, item in system.variables.items():
        if name in changing:
            value = complex(item.value)  # type: ignore[arg-type]  # no array: refused before
            result.variables[name + REAL] = replace(item, value=value.real)
            result.variables[name + IMAG] = replace(item, value=value.imag)
        elif name not in found:
            result.variables[name] = item
    _split(rates, changing, result.rates)
    _split(values, changing, result.values)
    return result, changing


def _check_past(system: System, found: set[str]) -> None:
    late = [item for item in system.late.values() if item.signal in found]
    if late:
        what = "is complex and is read with a delay, which is not supported yet"
        raise UnsupportedError([Problem(f"{item.signal} {what}", item.location) for item in late])


def _pair(system: System, name: str) -> Parts:
    """How a complex name stands in equations."""
    if name in system.rates or name in system.values:
        return Parts(Name(name + REAL), Name(name + IMAG))
    value = complex(system.variables[name].value)  # type: ignore[arg-type]
    return Parts(Number(value.real), Number(value.imag))


def _parts(expr: Expr, names: dict[str, Parts], system: System, name: str) -> Parts:
    try:
        return parts(expr, names)
    except InputError as error:
        where: Location = system.variables[name].location
        raise UnsupportedError(
            [
                Problem(f"{name}: {problem.message}", where, problem.expected, problem.hint)
                for problem in error.problems
            ]
        ) from None


def _split(found: dict[str, Parts], changing: set[str], target: dict[str, Expr]) -> None:
    for name, pair in found.items():
        if name in changing:
            target[name + REAL], target[name + IMAG] = pair
        else:
            target[name] = pair.real
