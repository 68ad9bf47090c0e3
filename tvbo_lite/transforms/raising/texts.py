"""Texts of a LEMS document as YAML values, and names for things that have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["Labels", "bare_number", "numbers", "said"]

_LONGEST = 24  # characters of a float's digits
_STARTS = tuple("-0123456789")


def bare_number(text: str) -> str | int | float:
    """The number that Python writes exactly as ``text``, so that it may stand bare; else the text."""
    if len(text) > _LONGEST or text[:1] not in _STARTS:
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if repr(number) == text and abs(number) != float("inf"):
            return number
    return text


def numbers(texts: Mapping[str, str]) -> dict[str, str | int | float]:
    """Attributes with their values, bare where a number says the same."""
    return {name: bare_number(text) for name, text in texts.items()}


def said(**items: object) -> dict[str, object]:
    """The items that say something: neither None nor empty."""
    return {name: item for name, item in items.items() if item is not None and item not in ({}, [], "", ())}


class Labels:
    """Names that are free: for members of a map whose LEMS elements have no id."""

    def __init__(self, taken: Iterable[str | None] = ()) -> None:
        self._taken = {name for name in taken if name is not None}
        self._last: dict[str, int] = {}

    def take(self, name: str) -> None:
        """``name`` is not free any more."""
        self._taken.add(name)

    def new(self, base: str) -> str:
        """``base``, or where that is taken ``base_2``, ``base_3``, ..."""
        name, number = base, self._last.get(base, 1)
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._last[base] = number
        self._taken.add(name)
        return name
