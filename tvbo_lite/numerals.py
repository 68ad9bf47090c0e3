"""Whole numbers that stand in texts, such as the index of a cell or an id that counts."""

from __future__ import annotations

__all__ = ["DIGITS", "whole"]

DIGITS = 18
"""So many digits a computer word holds; more no index, size or seed has."""


def whole(text: str) -> int | None:
    """The number from 0 on that a text of up to `DIGITS` digits (0 to 9) is, else None."""
    return int(text) if len(text) <= DIGITS and text.isascii() and text.isdecimal() else None
