"""What the writers of scripts share: numbers and lists as Python text, and a header."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

from tvbo_lite.formats._spelling import number
from tvbo_lite.lems.model import Model
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations import System

__all__ = ["WIDTH", "class_name", "listed", "note_beyond", "opening", "unit_comment", "wrapped"]

WIDTH = 100
_UNBROKEN = "\u00a0"  # a blank at which no line is broken
_UNITLESS = ("none", "*", "")


def listed(values: Sequence[float]) -> str:
    """Numbers as Python text: one where all are equal, ``range(n)`` where they count, else a list."""
    if len(set(values)) == 1 and len(values) > 1:
        return number(values[0])
    if len(values) > 3 and list(values) == list(range(int(values[0]), int(values[0]) + len(values))):
        first, end = int(values[0]), int(values[0]) + len(values)
        return f"range({first}, {end})" if first else f"range({end})"
    return f"[{', '.join(number(float(value)) for value in values)}]"


def note_beyond(model: Model, losses: Losses, *, delays: bool = False) -> None:
    """What only the built-in engine does is lost: scripts integrate by Euler's method, without noise.

    With ``delays`` they have those of couplings.
    """
    beyond = replace(model.beyond, delays=()) if delays else model.beyond
    for what, reason, where in beyond.items():
        losses.add(what, reason, where)


def wrapped(text: str, indent: int) -> list[str]:
    """A long statement or comment on several lines; what stands behind ``=`` gets brackets where needed."""
    if len(text) <= WIDTH - indent:
        return [text]
    if text.startswith("#"):
        return _filled(text, indent, "# ")
    left, sign, right = text.partition(" = ") if " += " not in text else text.partition(" += ")
    if not sign or _closed(right) or _opens_late(left):
        kept = text.replace(sign, _UNBROKEN.join(("", sign.strip(), "")), 1) if sign else text
        return [line.replace(_UNBROKEN, " ") for line in _filled(kept, indent, "    ")]
    return [f"{left}{sign}(", *(f"    {line}" for line in _filled(right, indent + 4, "")), ")"]


def _filled(text: str, indent: int, next_indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH - indent, subsequent_indent=next_indent, break_long_words=False, break_on_hyphens=False
    )


def _closed(text: str) -> bool:
    """Whether a text is one call, closed by its end, so that it may be broken anywhere."""
    depth = 0
    if " " in text.partition("(")[0] and " " in text.partition("[")[0]:
        return False
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if not depth and sign in ")]}":
            return place == len(text) - 1
    return False


def _opens_late(left: str) -> bool:
    """Whether the sign found is that of an argument inside a call."""
    return left.count("(") != left.count(")")


def class_name(component: str) -> str:
    """``izTonic`` as ``IzTonic``, ``hh_cell`` as ``HhCell``."""
    words = [word for word in component.replace("-", "_").split("_") if word]
    name = "".join(word[:1].upper() + word[1:] for word in words) or "Part"
    return name if name[0].isalpha() else f"N{name}"


def unit_comment(dimension: str, symbols: dict[str, str]) -> str:
    """``  # V``: a comment with the SI unit of a dimension; empty for numbers without unit."""
    symbol = "" if dimension in _UNITLESS else symbols.get(dimension, "")
    return f"  # {symbol}" if symbol and symbol != "1" else ""


def opening(system: System, source: str, target: str, note: str) -> str:
    """The docstring of a script: the model's name, how the script came about, and how to read it."""
    name = source or system.plan.id
    lines = [f"{name}", "", f"Written by tvbo-lite: tvbo-lite render {source or 'FILE'} --to {target}", ""]
    lines += textwrap.wrap(note, WIDTH)
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n"""'
