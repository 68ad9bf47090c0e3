"""Changes to files as people make them by mistake: a function for each format, each change by a seeded draw.

`yaml` and `xml` take a text and give another one that is still nearly a file of its format: a part is gone,
stands twice, at another place or under another name, a number or a unit is another, a reference names
nothing, the end is cut off.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeAlias

from lxml import etree

from tvbo_lite.errors import ReadError
from tvbo_lite.formats.yaml.emit import emit
from tvbo_lite.formats.yaml.reader import read_text

NUMBERS = (
    "0", "-1", "1", "2", "3", "0.5", "-0.0", "1e-300", "1e300", "-1e308", "1e400", "nan", "NaN", "inf",
    "-inf", "²", "--1", "9" * 5000, ".nan", ".inf", "1e", "1e+", "0x10", "1_000", "999999999999999999999",
    "1e9", "1.5", "2147483648", "٣",
)  # fmt: skip
UNITS = ("mV", "V", "ms", "s", "nA", "pS", "S_per_cm2", "degC", "per_ms", "um", "", " ", "furlong", "mv", "%")
TEXTS = (
    "", " ", "nowhere", "../nowhere", "a[0]/b", "[", "]", "pop[*]", "pop[-1]", "pop[1e9]", "(", "x", "v", "t",
    "true", "null", "~", "[]", "{}", "a: b", "#", "é", "\u2028", "v/", "/", "//", "..", "random(1)", "1/0",
    "x .gt. y", "\0",
    "Piecewise((1, x > 0), (0, True))", "-" * 300, "(" * 300, "x" * 300, "{other}", "%s", "$x",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[^\W\d]\w*")

Change: TypeAlias = Callable[[Any, Random, Sequence[str]], None]


def number(text: str, rng: Random) -> str:
    """The text with one of its numbers replaced."""
    return _replaced(_NUMBER, text, rng, NUMBERS)


def word(text: str, rng: Random, words: Sequence[str]) -> str:
    """The text with one of its words replaced by another one."""
    return _replaced(_WORD, text, rng, words or TEXTS)


def cut(text: str, rng: Random) -> str:
    """The text without its end."""
    return text[: rng.randrange(len(text) + 1)]


def scalar(text: str, rng: Random, words: Sequence[str]) -> str:
    """Another value in place of one."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return f"{rng.choice(NUMBERS)} {rng.choice(UNITS)}"
    if kind == 2:
        return rng.choice(TEXTS)
    if kind == 3:
        return rng.choice(words or TEXTS)
    return number(text, rng) if kind == 4 and _NUMBER.search(text) else word(text, rng, words)


def _replaced(pattern: re.Pattern[str], text: str, rng: Random, others: Sequence[str]) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = rng.choice(found)
    return text[: match.start()] + rng.choice(others) + text[match.end() :]


# ---- YAML ------------------------------------------------------------------------------------------------


def yaml(text: str, rng: Random, words: Sequence[str] = (), changes: int = 1, kind: str | None = None) -> str:
    """A changed YAML document: a part of its tree is changed (in the way ``kind`` of `YAML_CHANGES`, or any),
    or else lines of its text.
    """
    data = _loaded(text) if kind != "lines changed" and (kind is not None or rng.random() < 0.6) else None
    if not isinstance(data, dict) or not data:
        for _ in range(changes):
            text = _changed_lines(text, rng, words)
        return text
    for _ in range(changes):
        places = list(_places(data))
        if places:
            holder, key = rng.choice(places)
            YAML_CHANGES[kind or rng.choice(sorted(YAML_CHANGES))]((data, holder, key), rng, words)
    return emit(data)


def _loaded(text: str) -> Any:
    try:
        return read_text(text).data
    except ReadError:
        return None


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping and list with each of its keys and indices."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])


def _delete(place: Any, rng: Random, words: Sequence[str]) -> None:
    _, holder, key = place
    del holder[key]


def _change_value(place: Any, rng: Random, words: Sequence[str]) -> None:
    _, holder, key = place
    text = "" if isinstance(holder[key], dict | list) else str(holder[key])
    found = scalar(text, rng, words)
    holder[key] = _value(found)


def _value(text: str) -> int | float | str:
    """What a YAML text would mean."""
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if len(text) < 1000 and text.lstrip("+-").isdecimal() else float(text)


def _change_number_of(place: Any, rng: Random, words: Sequence[str]) -> None:
    """A number at the place, or the first one near it."""
    top, holder, key = place
    found = [
        (one, at)
        for one, at in _places(top)
        if _NUMBER.search(str(one[at])) and not isinstance(one[at], dict | list)
    ]
    if found:
        holder, key = rng.choice(found)
        holder[key] = _value(number(str(holder[key]), rng))


def _change_kind(place: Any, rng: Random, words: Sequence[str]) -> None:
    """A list where a value was, a mapping where a list was, nothing at all."""
    _, holder, key = place
    old = holder[key]
    holder[key] = rng.choice(
        [None, [], {}, [old], {"value": old}, {rng.choice(words or TEXTS): old}, True, 0]
    )


def _rename(place: Any, rng: Random, words: Sequence[str]) -> None:
    _, holder, key = place
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
        return
    name = rng.choice([rng.choice(words or TEXTS), str(key)[:-1], str(key) + "s", str(key).upper()])
    items = [(name if other == key else other, value) for other, value in holder.items()]
    holder.clear()
    holder.update(items)


def _copy_elsewhere(place: Any, rng: Random, words: Sequence[str]) -> None:
    top, holder, key = place
    other, there = rng.choice(list(_places(top)))
    moved = copy.deepcopy(holder[key])
    if isinstance(other, dict) and isinstance(holder, dict) and rng.random() < 0.5:
        other[key] = moved
    else:
        other[there] = moved


YAML_CHANGES: dict[str, Change] = {
    "dropped": _delete,
    "value changed": _change_value,
    "number changed": _change_number_of,
    "kind of value changed": _change_kind,
    "renamed": _rename,
    "copied elsewhere": _copy_elsewhere,
}


def _changed_lines(text: str, rng: Random, words: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(8)
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(other, lines[place])
    elif kind == 2:
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == 3:
        lines[place] = lines[place].lstrip() if rng.random() < 0.5 else "  " + lines[place]
    elif kind == 4:
        return cut(text, rng)
    elif kind == 5:
        lines[place] = number(lines[place], rng)
    elif kind == 6:
        lines[place] = word(lines[place], rng, words)
    else:
        head, colon, _ = lines[place].partition(":")
        lines[place] = f"{head}{colon} {scalar('', rng, words)}\n"
    return "".join(lines)


# ---- XML -------------------------------------------------------------------------------------------------


def xml(
    text: bytes, rng: Random, words: Sequence[str] = (), changes: int = 1, kind: str | None = None
) -> bytes:
    """A changed XML document: an element or an attribute is changed (in the way ``kind`` of `XML_CHANGES`, or
    any), or its text is cut.
    """
    try:
        root = etree.fromstring(
            text, etree.XMLParser(resolve_entities=False, remove_pis=True, no_network=True)
        )
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or kind == "cut" or (kind is None and rng.random() < 0.05):
        return cut(text.decode(errors="replace"), rng).encode()
    for _ in range(changes):
        elements = [item for item in root.iter() if isinstance(item.tag, str)]
        attributed = [item for item in elements if item.attrib]
        change = XML_CHANGES[kind or rng.choice(sorted(XML_CHANGES))]
        places = attributed if change in _OF_ATTRIBUTES.values() else elements[1:]
        if places:
            change(rng.choice(places), rng, words)
    return bytes(etree.tostring(root))


def _set(element: Any, key: str, value: str) -> None:
    """What XML cannot hold is not set."""
    try:
        element.set(key, value)
    except ValueError:
        element.set("x", "y")


def _drop_attribute(element: Any, rng: Random, words: Sequence[str]) -> None:
    del element.attrib[rng.choice(sorted(element.attrib))]


def _change_attribute(element: Any, rng: Random, words: Sequence[str]) -> None:
    key = rng.choice(sorted(element.attrib))
    _set(element, key, scalar(element.get(key), rng, words))


def _change_number(element: Any, rng: Random, words: Sequence[str]) -> None:
    key = rng.choice([key for key in sorted(element.attrib) if _NUMBER.search(element.get(key))] or ["x"])
    _set(element, key, number(element.get(key, "1"), rng))


def _change_unit(element: Any, rng: Random, words: Sequence[str]) -> None:
    key = rng.choice(sorted(element.attrib))
    match = _NUMBER.match(element.get(key))
    if match:
        _set(element, key, match.group() + rng.choice(UNITS))


def _rename_attribute(element: Any, rng: Random, words: Sequence[str]) -> None:
    key = rng.choice(sorted(element.attrib))
    name = rng.choice([rng.choice(words or TEXTS), key[:-1], key + "s"])
    value = element.attrib.pop(key)
    _set(element, name, value)


def _add_attribute(element: Any, rng: Random, words: Sequence[str]) -> None:
    other = rng.choice([item for item in element.getroottree().iter() if isinstance(item.tag, str)])
    for key, value in other.attrib.items():
        _set(element, key, value)


def _drop(element: Any, rng: Random, words: Sequence[str]) -> None:
    element.getparent().remove(element)


def _double(element: Any, rng: Random, words: Sequence[str]) -> None:
    element.addnext(copy.deepcopy(element))


def _rename_element(element: Any, rng: Random, words: Sequence[str]) -> None:
    others = [item.tag for item in element.getroottree().iter() if isinstance(item.tag, str)]
    name = rng.choice([rng.choice(others), rng.choice(words or others), element.tag + "s"])
    try:
        element.tag = name
    except ValueError:
        element.tag = "unknown"


def _move(element: Any, rng: Random, words: Sequence[str]) -> None:
    copied = copy.deepcopy(element)
    others = [item for item in element.getroottree().iter() if isinstance(item.tag, str)]
    rng.choice(others).append(copied)
    if rng.random() < 0.5:
        element.getparent().remove(element)


_OF_ATTRIBUTES: dict[str, Change] = {
    "attribute dropped": _drop_attribute,
    "attribute changed": _change_attribute,
    "attribute renamed": _rename_attribute,
    "attributes of another element": _add_attribute,
    "number changed": _change_number,
    "unit changed": _change_unit,
}
XML_CHANGES: dict[str, Change] = {
    **_OF_ATTRIBUTES,
    "element dropped": _drop,
    "element doubled": _double,
    "element renamed": _rename_element,
    "element moved": _move,
}
