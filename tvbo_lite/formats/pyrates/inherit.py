"""How a template is derived from another one: the changes of its equations and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tvbo_lite.errors import Location, Problem, ReadError, nearest
from tvbo_lite.expr.pyrates import replaced
from tvbo_lite.formats.pyrates.model import Operator, Text, Variable
from tvbo_lite.schema.base import describe

__all__ = ["CHANGES", "changed_equations", "texts", "without_unused"]

CHANGES = ("replace", "remove", "append", "prepend", "add")
"""The keys of ``equations`` in a derived operator, in the order in which they act."""

_WORD = re.compile(r"[^\W\d]\w*")


def texts(given: Any, location: Location) -> tuple[Text, ...]:
    """One text or a list of texts. Raises `ReadError`."""
    items = given if isinstance(given, list) else [given]
    if not items or not all(isinstance(item, str) for item in items):
        raise ReadError(Problem(f"found {describe(given)}", location, "an equation, or a list of equations"))
    return tuple(Text(item, location) for item in items)


def changed_equations(
    base: tuple[Text, ...], changes: Mapping[str, Any], location: Location
) -> tuple[Text, ...]:
    """The equations of a derived operator. Raises `ReadError` for an unknown change."""
    unknown = [key for key in changes if key not in CHANGES]
    if unknown:
        hint = nearest(unknown[0], CHANGES)
        raise ReadError(
            Problem(f"'{unknown[0]}' is no change of equations", location, ", ".join(CHANGES), hint)
        )
    found = [item.text for item in base]
    for old, new in _pairs(changes.get("replace") or {}, location):
        found = [replaced(text, old, new) for text in found]
    for term in texts(changes["remove"], location) if changes.get("remove") else ():
        found = [replaced(text, term.text, "") for text in found]
    after, before = changes.get("append") or "", changes.get("prepend") or ""
    if after or before:
        found = [f"{before} {text} {after}".strip() for text in found]
    added = texts(changes["add"], location) if changes.get("add") else ()
    kept = (
        item if item.text == text else Text(text, location) for item, text in zip(base, found, strict=True)
    )
    return (*kept, *added)


def _pairs(given: Any, location: Location) -> list[tuple[str, str]]:
    if not isinstance(given, dict):
        raise ReadError(Problem(f"found {describe(given)}", location, "'old: new' for each replacement"))
    return [(str(old), str(new)) for old, new in given.items()]


def without_unused(operator: Operator) -> Operator:
    """The operator without variables that no equation names, such as those that were replaced."""
    used = {word for item in operator.equations for word in _WORD.findall(item.text)}
    kept: dict[str, Variable] = {k: v for k, v in operator.variables.items() if k in used}
    return replace(operator, variables=kept)
