"""The parameters of a dynamics as the attributes of a LEMS component, checked against its type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.transforms.lower.context import Context, Path, listing
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tvbo_lite.schema import Parameter
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Given", "attributes", "placed"]

Given: TypeAlias = "Mapping[str, tuple[Parameter, Path]]"
"""Parameters by attribute name, each with its place in the document."""


def placed(parameters: Mapping[str, Parameter], owner: Path) -> dict[str, tuple[Parameter, Path]]:
    """The parameters of the thing at ``owner``, with their places."""
    return {name: (item, (*owner, "parameters", name)) for name, item in parameters.items()}


def attributes(
    context: Context, kind: ResolvedType, given: Given, path: Path, owner: str, *, complete: bool = True
) -> dict[str, str]:
    """Attribute texts (``-70 mV``, ``0.02``) in alphabetical order, as NeuroML's tools write them.

    ``path`` is the place of the component, where a missing parameter is reported, unless another component
    gives what is missing (not ``complete``).
    """
    known = kind.attribute_names()
    found: dict[str, str] = {}
    strays: list[str] = []
    for name, (parameter, place) in sorted(given.items(), key=lambda item: item[0]):
        if name in known:
            text = _text(context, kind, name, parameter, place, what=f"{owner}: {name}")
            if text is not None:
                found[name] = text
            continue
        strays.append(name)
        message = f"{owner}: {kind.name} has no attribute '{name}'"
        usual = sorted(set(known).difference(kind.constants))
        context.report(place, message, listing(usual) or "no attributes", nearest(name, known))
    if complete:
        _check_complete(context, kind, given, strays, path, owner=owner)
    return found


def _text(
    context: Context, kind: ResolvedType, name: str, parameter: Parameter, path: Path, *, what: str
) -> str | None:
    numeric = kind.parameters.get(name) or kind.constants.get(name)
    used = ("value", "unit") if numeric else ("value", "unit", "shape")
    refuse_rest(parameter, used, path, what, context)
    text = _quantity(parameter) if numeric else parameter.text
    if not numeric and text is None and isinstance(parameter.value, int | float):
        text = _number(parameter.value)
    if text is None:
        context.report(path, f"{what} has no value", "a finite number" if numeric else "a text")
    elif numeric:
        context.quantity(text, numeric.dimension, path, what)
    elif parameter.unit:
        message = f"{what} is a text and cannot have the unit '{parameter.unit}'"
        context.report(path, message, kind=UnitError)
    elif name in kind.references and not kind.references[name].local:
        context.among(text, context.names, path, f"{what} names '{text}', which does not exist")
    return text


def _quantity(parameter: Parameter) -> str | None:
    value = parameter.value
    if isinstance(value, str):
        text: str | None = value.strip()
    else:
        text = _number(value)
    return f"{text} {parameter.unit.strip()}" if text and parameter.unit else text


def _number(value: object) -> str | None:
    """A number as it was written, ``-50`` or ``0.02``; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and math.isfinite(value):
        return repr(value)
    return None


def _check_complete(
    context: Context, kind: ResolvedType, given: Given, strays: Iterable[str], path: Path, *, owner: str
) -> None:
    """Report what the type needs and nobody gave; a misspelt parameter was reported already."""
    needed = {name: item.dimension for name, item in kind.parameters.items() if name not in kind.fixed}
    needed.update(dict.fromkeys([*kind.references, *kind.links], ""))
    for name, dimension in needed.items():
        if name in given or any(nearest(stray, [name]) for stray in strays):
            continue
        unit = next(iter(context.units.symbols(dimension)), "") if dimension not in ("", "none") else ""
        example = f"{name}: {{value: ...{f', unit: {unit}' if unit else ''}}}"
        context.report((*path, "parameters"), f"{owner}: {kind.name} needs '{name}'", example)
