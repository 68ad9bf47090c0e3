"""The parameters of a dynamics as the attributes of a LEMS component, checked against its type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.transforms.lower.context import Context, Path, listing
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from tvbo_lite.schema import Parameter
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["attributes"]


def attributes(
    context: Context, kind: ResolvedType, parameters: Mapping[str, Parameter], path: Path, owner: str
) -> dict[str, str]:
    """Attribute texts in alphabetical order, as the documents of NeuroML's tools have them.

    ``path`` is the place of the owner; its parameters stand below ``parameters``.
    """
    known = kind.attribute_names()
    found: dict[str, str] = {}
    strays: list[str] = []
    for name in sorted(parameters):
        here = (*path, "parameters", name)
        if name not in known:
            strays.append(name)
            message = f"{owner}: {kind.name} has no attribute '{name}'"
            context.report(here, message, listing(sorted(known)) or "no attributes", nearest(name, known))
            continue
        text = _text(context, kind, name, parameters[name], here, f"{owner}: {name}")
        if text is not None:
            found[name] = text
    _check_complete(context, kind, set(parameters), strays, path, owner)
    return found


def _text(
    context: Context, kind: ResolvedType, name: str, parameter: Parameter, path: Path, what: str
) -> str | None:
    refuse_rest(parameter, ("value", "unit"), path, what, context)
    numeric = kind.parameters.get(name) or kind.constants.get(name)
    text = _written(parameter, prose=numeric is None)
    if text is None:
        context.report(path, f"{what} has no value", "a number" if numeric else "a text")
    elif numeric is not None:
        context.quantity(text, numeric.dimension, path, what)
    elif parameter.unit:
        context.report(path, f"{what} is a text and has no unit", f"no unit '{parameter.unit}'", kind=UnitError)
    elif name in kind.references:
        context.among(text, context.names, path, f"{what} names '{text}', which does not exist")
    return text


def _written(parameter: Parameter, *, prose: bool) -> str | None:
    """``-70 mV``, ``0.02``; for a text also what stands in ``description`` or ``label``."""
    value: object = parameter.value
    if value is None and prose:
        value = parameter.description or parameter.label
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (int, float)):
        text = repr(value)
    elif isinstance(value, str):
        text = value.strip()
    else:
        return None
    unit = (parameter.unit or "").strip()
    return f"{text} {unit}" if unit else text


def _check_complete(
    context: Context, kind: ResolvedType, given: set[str], strays: Iterable[str], path: Path, owner: str
) -> None:
    """Report parameters and references that the type needs and nobody gave; a misspelt one was reported."""
    needed = {name: item.dimension for name, item in kind.parameters.items() if name not in kind.fixed}
    needed.update(dict.fromkeys([*kind.references, *kind.links], ""))
    for name, dimension in needed.items():
        if name in given or any(nearest(stray, [name]) for stray in strays):
            continue
        unit = next(iter(context.units.symbols(dimension)), "") if dimension else ""
        example = f"{name}: {{value: ...{f', unit: {unit}' if unit else ''}}}"
        context.report((*path, "parameters"), f"{owner}: {kind.name} needs '{name}'", example)
