"""Values of variables as PyRates writes them: ``0.5``, ``input``, ``output(0.01)``, ``variable(1-2j)``."""

from __future__ import annotations

import cmath
import re
from typing import Any

from tvbo_lite import limits
from tvbo_lite.errors import Location, Problem, ReadError
from tvbo_lite.formats.pyrates.model import Value, Variable
from tvbo_lite.numerals import whole
from tvbo_lite.schema.base import describe

__all__ = ["KINDS", "number", "variable"]

KINDS = ("input", "output", "variable")
_KIND_NAMES = {"state_var": "variable", "constant": "constant", **{kind: kind for kind in KINDS}}
_DEFINED = re.compile(r"(?P<kind>input|output|variable)\s*(?:\((?P<value>[^()]*)\))?")
_TYPES: dict[str, float | complex] = {"": 0.0, "float": 0.0, "int": 0.0, "complex": 0j}
_EXPECTED = "a number, input, output or variable, the last three also with a value: input(0.0)"


def variable(given: Any, location: Location) -> Variable:
    """The variable that a definition means. Raises `ReadError`."""
    if isinstance(given, dict):
        return _from_mapping(given, location)
    if isinstance(given, str):
        match = _DEFINED.fullmatch(given.strip())
        if match:
            return Variable(match["kind"], _initial(match["value"] or "", given, location), location)
    return Variable("constant", number(given, location), location)


def number(given: Any, location: Location) -> Value:
    """A number, a complex number (``0.0+1.0j``) or an array of such. Raises `ReadError`."""
    if isinstance(given, list) and given:
        return tuple(_scalar(item, given, location) for item in given)
    return _scalar(given, given, location)


def _from_mapping(given: dict[str, Any], location: Location) -> Variable:
    """``{default: input}``, which older files have, or ``{vtype: ..., value: ...}``."""
    if set(given) == {"default"}:
        return variable(given["default"], location)
    kind = _KIND_NAMES.get(str(given.get("vtype")))
    if kind is None or not set(given) <= {"vtype", "value", "dtype", "shape"}:
        raise ReadError(Problem(f"found {describe(given)}", location, _EXPECTED))
    value = number(given.get("value", 0.0), location)
    return Variable(
        kind,
        complex(value) if given.get("dtype") == "complex" and not isinstance(value, tuple) else value,
        location,
    )


def _initial(text: str, shown: str, location: Location) -> Value:
    """What stands in the brackets: a value, a type, or a value and a length."""
    first, comma, length = (part.strip() for part in text.partition(","))
    value: float | complex = _TYPES[first] if first in _TYPES else _scalar(first, shown, location)
    if not comma:
        return value
    count = whole(length)
    if count is None or not 0 < count <= limits.ARRAY.value():
        expected = f"a number of elements from 1 to {limits.ARRAY} after the comma"
        raise ReadError(Problem(f"found {describe(shown)}", location, expected))
    return (value,) * count


def _scalar(given: Any, shown: Any, location: Location) -> float | complex:
    value: float | complex | None = None
    if isinstance(given, int | float | complex) and not isinstance(given, bool):
        value = given if isinstance(given, complex) else float(given)
    elif isinstance(given, str):
        value = _parsed(given.replace(" ", ""))
    if value is None:
        raise ReadError(Problem(f"found {describe(shown)}", location, _EXPECTED))
    if not cmath.isfinite(value):
        raise ReadError(Problem(f"found {describe(shown)}", location, "a finite number"))
    return value


def _parsed(text: str) -> float | complex | None:
    for read in (float, complex):
        try:
            return read(text)
        except ValueError:
            continue
    return None
