"""Dimensions and units: the package's only table of them.

A unit is a base unit with a prefix (``mV``), or a quotient of such (``mS_per_cm2``, ``mS/cm^2``,
``1/ms``). Names and factors are those of NeuroML's core dimensions (`NeuroMLCoreDimensions.xml`,
NeuroML 2.3); everything is relative to SI: ``si = (number + offset) * scale``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tvbo_lite.errors import Problem, UnitError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "Unit", "convert", "dimension_of", "factor", "label", "si_symbol", "symbol_of"]

Exponents = tuple[int, int, int, int, int, int, int]
"""Powers of mass, length, time, current, temperature, amount of substance, luminous intensity."""

Value = TypeVar("Value", float, "NDArray[np.float64]")


class Unit(NamedTuple):
    """``si = (number + offset) * scale``; ``dimension`` is a key of `DIMENSIONS`, or "" if it has no name."""

    dimension: str
    scale: float
    offset: float


def _powers(**powers: int) -> Exponents:
    m, l, t, i, k, n, j = (powers.get(base, 0) for base in "mltiknj")  # noqa: E741
    return (m, l, t, i, k, n, j)


# name: (exponents, SI symbol as LEMS spells it)
_DIMENSIONS: dict[str, tuple[Exponents, str]] = {
    "none": (_powers(), "1"),
    "time": (_powers(t=1), "s"),
    "per_time": (_powers(t=-1), "per_s"),
    "voltage": (_powers(m=1, l=2, t=-3, i=-1), "V"),
    "per_voltage": (_powers(m=-1, l=-2, t=3, i=1), "per_V"),
    "conductance": (_powers(m=-1, l=-2, t=3, i=2), "S"),
    "conductanceDensity": (_powers(m=-1, l=-4, t=3, i=2), "S_per_m2"),
    "conductance_per_voltage": (_powers(m=-2, l=-4, t=6, i=3), "S_per_V"),
    "capacitance": (_powers(m=-1, l=-2, t=4, i=2), "F"),
    "specificCapacitance": (_powers(m=-1, l=-4, t=4, i=2), "F_per_m2"),
    "resistance": (_powers(m=1, l=2, t=-3, i=-2), "ohm"),
    "resistivity": (_powers(m=2, l=2, t=-3, i=-2), "ohm_m"),
    "charge": (_powers(t=1, i=1), "C"),
    "charge_per_mole": (_powers(t=1, i=1, n=-1), "C_per_mol"),
    "current": (_powers(i=1), "A"),
    "currentDensity": (_powers(l=-2, i=1), "A_per_m2"),
    "length": (_powers(l=1), "m"),
    "area": (_powers(l=2), "m2"),
    "volume": (_powers(l=3), "m3"),
    "concentration": (_powers(l=-3, n=1), "mol_per_m3"),
    "substance": (_powers(n=1), "mol"),
    "permeability": (_powers(l=1, t=-1), "m_per_s"),
    "temperature": (_powers(k=1), "K"),
    "idealGasConstantDims": (_powers(m=1, l=2, t=-2, k=-1, n=-1), "J_per_K_per_mol"),
    "rho_factor": (_powers(l=-1, t=-1, i=-1, n=1), "mol_per_m_per_A_per_s"),
    "mass": (_powers(m=1), "kg"),
    "luminosity": (_powers(j=1), "cd"),
}

DIMENSIONS: dict[str, Exponents] = {name: powers for name, (powers, _) in _DIMENSIONS.items()}
"""The exponents of each dimension, as NeuroML's core declares them."""

_BY_EXPONENTS = {powers: name for name, powers in DIMENSIONS.items()} | {
    _powers(m=1, l=3, t=-3, i=-2): "resistivity",  # what ohm m is; the core file counts mass twice
}

_PREFIXES = {
    "a": -18,
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "m": -3,
    "c": -2,
    "d": -1,
    "k": 3,
    "M": 6,
    "G": 9,
}

# symbol: (exponents, power of ten); these take a prefix
_PREFIXABLE: dict[str, tuple[Exponents, int]] = {
    **{symbol: (powers, 0) for powers, symbol in _DIMENSIONS.values() if symbol.isalpha()},
    "g": (_powers(m=1), -3),
    "Hz": (_powers(t=-1), 0),
    "J": (_powers(m=1, l=2, t=-2), 0),
    "N": (_powers(m=1, l=1, t=-2), 0),
    "W": (_powers(m=1, l=2, t=-3), 0),
    "M": (_powers(l=-3, n=1), 3),
    "l": (_powers(l=3), -3),
}
# symbol: (exponents, scale, offset); these do not
_PLAIN: dict[str, tuple[Exponents, float, float]] = {
    "1": (_powers(), 1.0, 0.0),
    "min": (_powers(t=1), 60.0, 0.0),
    "hour": (_powers(t=1), 3600.0, 0.0),
    "litre": (_powers(l=3), 1e-3, 0.0),
    "e": (_powers(t=1, i=1), 1.602176634e-19, 0.0),
    "degC": (_powers(k=1), 1.0, 273.15),
    "kg": (_powers(m=1), 1.0, 0.0),
    # rounded in the core file; a model that uses them means these numbers
    "per_min": (_powers(t=-1), 0.01666666667, 0.0),
    "per_hour": (_powers(t=-1), 0.00027777777778, 0.0),
}
_SIGNS = {"µ": "u", "μ": "u", "Ω": "ohm", "²": "2", "³": "3", "⁻¹": "-1", "⁻²": "-2", "**": "^"}
_SPELLINGS = {
    "": "1", "none": "1", "dimensionless": "1", "Ohm": "ohm", "°C": "degC", "celsius": "degC", "kelvin": "K",
    "sec": "s", "second": "s", "seconds": "s", "volt": "V", "h": "hour", "L": "l", "liter": "l", "molar": "M",
}  # fmt: skip
_COMMON = """
    s ms us min hour per_s per_ms Hz kHz V mV uV per_V per_mV S mS uS nS pS S_per_m2 mS_per_cm2 S_per_cm2
    uS_per_cm2 F uF nF pF F_per_m2 uF_per_cm2 ohm kohm Mohm ohm_m ohm_cm kohm_cm C e C_per_mol pC_per_umol
    A uA nA pA A_per_m2 uA_per_cm2 mA_per_cm2 m cm mm um m2 cm2 um2 m3 cm3 um3 litre mol_per_m3 mol_per_cm3
    M mM mol m_per_s cm_per_s um_per_ms cm_per_ms K degC J_per_K_per_mol S_per_V nS_per_mV
"""  # what a misspelt unit is compared with


def si_symbol(dimension: str) -> str:
    """The SI unit of a dimension as LEMS spells it: ``"V"``, ``"S_per_m2"``; ``"1"`` for ``"none"``.

    Raises `UnitError` for an unknown dimension.
    """
    try:
        return _DIMENSIONS[dimension][1]
    except KeyError:
        hint = nearest(dimension, _DIMENSIONS)
        raise UnitError(Problem(f"unknown dimension '{dimension}'", hint=hint)) from None


@lru_cache(maxsize=512)
def factor(unit: str) -> Unit:
    """The dimension, scale and offset of a unit: ``factor("mV") == ("voltage", 0.001, 0.0)``.

    Besides the LEMS spelling (``mS_per_cm2``) it takes ``mS/cm^2``, ``mS cm-2``, ``1/ms``, ``µm``, ``kΩ``.
    Raises `UnitError` for an unknown unit, with the nearest known one.
    """
    powers, scale, offset = _measure(unit)
    return Unit(_BY_EXPONENTS.get(powers, ""), scale, offset)


@lru_cache(maxsize=512)
def symbol_of(unit: str) -> str:
    """The SI symbol meant by a unit or by the name of a dimension; "" stays. Raises as `factor`."""
    if not unit:
        return ""
    try:
        return si_symbol(unit)
    except UnitError:
        factor(unit)
        return unit


def dimension_of(powers: Exponents) -> str | None:
    """The name of the dimension with these exponents, or None if NeuroML has no name for it."""
    return _BY_EXPONENTS.get(powers)


def convert(value: Value, unit: str, to: str) -> Value:
    """``value`` in ``unit``, a number or an array, expressed in the unit ``to``.

    Raises `UnitError` if a unit is unknown or the two measure different things.
    """
    source, scale, offset = _measure(unit)
    target, target_scale, target_offset = _measure(to)
    if source != target:
        expected = f"a unit of {_BY_EXPONENTS.get(source) or 'the same dimension'}"
        raise UnitError(Problem(f"'{unit}' cannot be converted to '{to}'", expected=expected))
    if (scale, offset) == (target_scale, target_offset):
        return value
    return (value + offset) * scale / target_scale - target_offset


def label(unit: str) -> str:
    """A unit as it stands in a figure: ``mS_per_cm2`` gives "mS/cm²", ``per_ms`` "1/ms", ``1`` nothing."""
    above, *below = re.split(r"_per_|^per_", unit)
    above = "" if above == "1" and not below else above or "1"
    text = "/".join([above, *below]).replace("_", " ")
    text = re.sub(r"(?<=[A-Za-z])([23])\b", lambda found: "²³"[int(found[1]) - 2], text)
    return re.sub(r"\bu(?=[A-Za-z])", "µ", text).replace("ohm", "Ω").replace("degC", "°C")


@lru_cache(maxsize=512)
def _measure(unit: str) -> tuple[Exponents, float, float]:
    """Exponents, scale and offset of a unit."""
    text = unit.strip()
    text = _SPELLINGS.get(text, text)
    if text in _PLAIN:
        return _PLAIN[text]
    for sign, letter in _SIGNS.items():
        text = text.replace(sign, letter)
    above, *below = re.split(r"_per_|^per_|/", text)
    powers, scale, ten = _product(above, unit) if above not in {"", "1"} else (_powers(), 1.0, 0)
    for part in below:
        lower, divisor, less = _product(part, unit)
        powers = _combine(powers, lower, -1)
        scale, ten = scale / divisor, ten - less
    return powers, scale * float(f"1e{ten}"), 0.0


def _product(text: str, unit: str) -> tuple[Exponents, float, int]:
    """Exponents, scale and power of ten of a product such as ``kohm_cm`` or ``cm^2``."""
    powers, scale, ten = _powers(), 1.0, 0
    for part in re.split(r"[_*·. ]+", text.strip("() ")):
        found = re.fullmatch(r"([^\W\d_]+)\^?(-?\d)?", part)
        base = _base(found[1]) if found else None
        if found is None or base is None:
            hint = nearest(unit, _COMMON.split())
            raise UnitError(Problem(f"unknown unit '{unit}'", hint=hint))
        count = int(found[2] or 1)
        powers = _combine(powers, base[0], count)
        scale, ten = scale * base[1] ** count, ten + base[2] * count
    return powers, scale, ten


def _base(symbol: str) -> tuple[Exponents, float, int] | None:
    """Exponents, scale and power of ten of one symbol with or without prefix; None if unknown."""
    symbol = _SPELLINGS.get(symbol, symbol)
    if symbol in _PREFIXABLE:
        powers, ten = _PREFIXABLE[symbol]
        return powers, 1.0, ten
    if symbol in _PLAIN and not _PLAIN[symbol][2]:
        powers, scale, _ = _PLAIN[symbol]
        return powers, scale, 0
    prefix, rest = symbol[0], _SPELLINGS.get(symbol[1:], symbol[1:])
    if prefix in _PREFIXES and rest in _PREFIXABLE:
        powers, ten = _PREFIXABLE[rest]
        return powers, 1.0, ten + _PREFIXES[prefix]
    return None


def _combine(first: Exponents, second: Exponents, count: int) -> Exponents:
    m, l, t, i, k, n, j = (a + count * b for a, b in zip(first, second, strict=True))  # noqa: E741
    return (m, l, t, i, k, n, j)
