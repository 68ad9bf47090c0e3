"""Plain data to YAML text: block style, short maps and lists on one line, quotes only where they are needed.

What `tvbo_lite.formats.yaml.reader.read_text` reads from the text is equal to the data, types included. Texts
that YAML 1.1 would take for something else (``yes``, ``1:30``, ``1e5``) are quoted too, for other programs.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Block", "emit"]

WIDTH = 110
"""Columns that a line of the text may take, as far as breaks are possible."""

_STEP = "  "
_DEEPEST = 2  # maps and lists within each other on one line
_LONGEST_KEY = 1000  # characters; libyaml wants longer ones marked

# Texts that need no quotes in block style: no indicator first, no ': ' and no ' #' inside.
_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<~](?:[^\x00-\x1f:#]|:(?=\S)|(?<=\S)#)*(?<![\s:])")
_NEGATIVE = re.compile(r"-[^\s\-](?:[^\x00-\x1f:#]|:(?=\S)|(?<=\S)#)*(?<![\s:])")  # -40mV
_IN_FLOW = re.compile(r"[,\[\]{}?]|:(?!\w)")
# What some YAML reader takes for a number, a truth value, a time, nothing, or a merge key.
_TYPED = re.compile(
    r"[-+]?[.\d][\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?|[-+]?0[xob][\da-fA-F_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?"
    r"|[-+]?\.(?:inf|nan)|yes|no|on|off|true|false|null|\d{4}-\d\d?-\d\d?.*",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\x85\xa0\xad\u2028\u2029\ufeff\ufffe\uffff]")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BREAK = re.compile(r"(?<=\S) (?=\S)")


class Block(dict[str, Any]):
    """A map that is always written over several lines, an item each."""


def emit(data: Mapping[str, Any]) -> str:
    """The YAML text of a map of plain data, ending in a line break; an empty line between its long parts.

    Raises:
        RenderError: a text holds half of a character, which no file can hold.
    """
    if not data:
        return "{}\n"
    parts = ["\n".join(_entry(key, value, "")) for key, value in data.items()]
    text = parts[0]
    for before, part in pairwise(parts):
        text += ("\n\n" if "\n" in before or "\n" in part else "\n") + part
    return text + "\n"


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    """The lines of ``key: value``."""
    head = indent + _scalar(key, flow=False, key=True)
    if len(key) > _LONGEST_KEY:
        yield f"{indent}? {head.lstrip()}"
        head = indent
    yield from _attached(f"{head}:", value, indent, indent + _STEP)


def _attached(head: str, value: Any, indent: str, inner: str) -> Iterator[str]:
    """The lines of a value behind ``head`` (``key:`` or ``-``): on its line, or below it."""
    if isinstance(value, str):
        yield from _text(head, value, inner)
        return
    short = _flow(value, WIDTH - len(head) - 1)
    if short is not None:
        yield f"{head} {short}"
    elif isinstance(value, dict):
        yield head
        for key, item in value.items():
            yield from _entry(key, item, inner)
    elif all(_is_scalar(item) for item in value):
        yield from _wrapped(head, value, inner)
    else:
        yield head
        for item in value:
            yield from _item(item, inner)


def _item(value: Any, indent: str) -> Iterator[str]:
    """The lines of a list's item; a map starts on the line of its dash."""
    inner = indent + _STEP
    if isinstance(value, dict) and value and _flow(value, WIDTH - len(inner)) is None:
        lines = [line for key, item in value.items() for line in _entry(key, item, inner)]
        lines[0] = f"{indent}- {lines[0][len(inner) :]}"
        yield from lines
        return
    yield from _attached(f"{indent}-", value, indent, inner)


def _wrapped(head: str, values: Sequence[Any], inner: str) -> Iterator[str]:
    """A long list of scalars: as many on a line as fit."""
    yield f"{head} ["
    line = inner
    for value in values:
        text = _scalar(value, flow=True)
        if len(line) + len(text) + 1 > WIDTH and line != inner:
            yield line.rstrip()
            line = inner
        line += text + ", "
    yield line.rstrip()[:-1] + "]"


def _flow(value: Any, room: int, depth: int = 0) -> str | None:
    """The value on one line; None where it does not fit, or would be hard to read."""
    if _is_scalar(value):
        return _scalar(value, flow=depth > 0)
    if depth >= _DEEPEST and value:
        return None
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    if not value:
        return opening + closing
    if isinstance(value, Block):
        return None
    parts: list[str] = []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        text = _flow(item, room - 2, depth + 1)
        if text is None or "\n" in str(item):
            return None
        if isinstance(value, dict):
            text = f"{_scalar(key, flow=True, key=True)}: {text}"
        room -= len(text) + 2
        if room < 0:
            return None
        parts.append(text)
    return opening + ", ".join(parts) + closing


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _scalar(value: Any, *, flow: bool, key: bool = False) -> str:
    if isinstance(value, str):
        return _quoted(value, flow=flow, key=key)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _quoted(text: str, *, flow: bool, key: bool = False) -> str:
    """A text on one line, in quotes where it would be read as anything else."""
    plain = (_PLAIN.fullmatch(text) or _NEGATIVE.fullmatch(text)) and not _UNSEEN.search(text)
    number_key = key and text.isdecimal() and text.isascii()
    if plain and not (flow and _IN_FLOW.search(text)) and (number_key or not _TYPED.fullmatch(text)):
        _check(text)
        return text
    if _UNSEEN.search(text) or "'" in text or "\n" in text or "\t" in text or not _has_escapes(text):
        return '"' + _escaped(text) + '"'
    _check(text)
    return f"'{text}'"


def _has_escapes(text: str) -> bool:
    return '"' in text or "\\" in text


def _check(text: str) -> None:
    if _HALF.search(text):
        msg = f"the text {text!r} holds half of a character, which no file can hold"
        raise RenderError(msg)


def _escaped(text: str) -> str:
    _check(text)
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _text(head: str, text: str, inner: str) -> Iterator[str]:
    """A text behind ``head``: several lines as they are, a long one folded, else on the line."""
    if _is_literal(text):
        yield f"{head} |" if text.endswith("\n") else f"{head} |-"
        yield from (inner + line if line else "" for line in text.splitlines())
        return
    short = _quoted(text, flow=False)
    if len(head) + 1 + len(short) <= WIDTH or not _is_foldable(text):
        yield f"{head} {short}"
        return
    yield f"{head} >-"
    line = inner
    for word in _BREAK.split(text):
        if len(line) + len(word) > WIDTH and line != inner:
            yield line.rstrip()
            line = inner
        line += word + " "
    yield line.rstrip()


def _is_literal(text: str) -> bool:
    """Whether a text of several lines can stand as it is below its key."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and not _UNSEEN.search(text)
        and not _HALF.search(text)
        and bool(lines[0].strip() and lines[-1].strip())
        and not lines[0][0].isspace()
        and all(line == line.rstrip() and line[:1] != "\t" for line in lines)
    )


def _is_foldable(text: str) -> bool:
    return bool(
        text.strip() == text
        and len(_BREAK.findall(text)) > 1
        and not _UNSEEN.search(text)
        and not _HALF.search(text)
        and not re.search(r"[\n\t]|\s\s", text)
    )
