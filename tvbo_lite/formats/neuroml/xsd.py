"""Is a NeuroML document valid by the NeuroML 2 schema that the installed libNeuroML carries?"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tvbo_lite.errors import BackendError, Location, Problem, ReadError, nearest
from tvbo_lite.formats._xml import invalid, line_of, local_name, namespace, parse_bytes

__all__ = ["NAMESPACE", "is_neuroml", "schema_file", "schema_problems"]

NAMESPACE = "http://www.neuroml.org/schema/neuroml2"

_RELEASE = re.compile(r"NeuroML_v(\d+(?:\.\d+)*)\.xsd")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_ROOT = re.compile(rb"<(?:\w+:)?(neuroml|Lems)\b")


def is_neuroml(data: bytes) -> bool:
    """Whether a document's root element is ``<neuroml>``, as far as its text shows."""
    found = _ROOT.search(_COMMENT.sub(b"", data))
    return found is not None and found[1] == b"neuroml"


@lru_cache(maxsize=1)
def schema_file() -> Path:
    """The newest released schema of the installed libNeuroML, which is not imported for that.

    Raises:
        BackendError: libNeuroML is not installed, or carries no schema.
    """
    spec = find_spec("neuroml")
    folders = (spec.submodule_search_locations if spec else None) or ()
    files = [file for folder in folders for file in Path(folder, "nml").glob("*.xsd")]
    releases = [(match[1], file) for file in files if (match := _RELEASE.fullmatch(file.name))]
    if not releases:
        msg = "the schema of NeuroML 2 is not found: it comes with libNeuroML; do: pip install libneuroml"
        raise BackendError(msg)
    return max(releases, key=lambda item: tuple(map(int, item[0].split("."))))[1]


def schema_problems(data: bytes, file: str) -> list[Problem]:
    """What the schema has to say against a document, in a modeller's words, in the order of lines.

    Raises:
        ReadError: the text is not well-formed XML.
        BackendError: there is no schema.
    """
    root = parse_bytes(data, file)
    if namespace(root.tag) != NAMESPACE:
        place = Location(file, line_of(root))
        what = f"<{local_name(root.tag)}> is in the namespace '{namespace(root.tag)}'"
        raise ReadError(Problem(what, place, f"xmlns='{NAMESPACE}'"))
    found = (_in_words(message, Location(file, line)) for line, message in invalid(root, _schema()))
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def _schema() -> bytes:
    return schema_file().read_bytes()


@lru_cache
def _names(kind: str) -> tuple[str, ...]:
    """Every name of an ``element`` or ``attribute`` in the schema."""
    return tuple(dict.fromkeys(re.findall(rf'<xs:{kind} name="(\w+)"', _schema().decode())))


_ELEMENT = re.compile(
    r"Element '(?P<tag>\w+)'(?:, attribute '(?P<attribute>[\w:]+)')?: (?P<rest>.*)", re.DOTALL
)
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*) \)")


def _in_words(message: str, place: Location) -> Problem:
    """A message of libxml2 without namespaces and grammar."""
    text = message.replace(f"{{{NAMESPACE}}}", "").strip()
    match = _ELEMENT.fullmatch(text)
    if match is None:
        return Problem(text, place)
    tag, attribute, rest = match["tag"], match["attribute"], match["rest"]
    for start, words in _WORDS.items():
        if start in rest:
            return words(tag, attribute, rest, place)
    return Problem(f"<{tag}>: {rest}", place)


def _not_expected(tag: str, _: str | None, rest: str, place: Location) -> Problem:
    found = _EXPECTED.search(rest)
    allowed = [name.strip() for name in found[1].split(",")] if found else []
    hint = nearest(tag, allowed) or nearest(tag, _names("element"))  # libxml2 names ten at most
    hint = None if hint == f"did you mean '{tag}'?" else hint
    listed = ", ".join(f"<{name}>" for name in allowed[:8]) + (", ..." if len(allowed) > 8 else "")
    return Problem(f"<{tag}> is not allowed here", place, None if hint else listed or "no element", hint)


def _missing_children(tag: str, _: str | None, rest: str, place: Location) -> Problem:
    found = _EXPECTED.search(rest)
    allowed = found[1].split(",") if found else []
    listed = ", ".join(f"<{name.strip()}>" for name in allowed[:8])
    return Problem(f"<{tag}> lacks an element inside it", place, listed or None)


def _no_attribute(tag: str, attribute: str | None, _: str, place: Location) -> Problem:
    hint = nearest(attribute or "", _names("attribute"))
    hint = None if hint == f"did you mean '{attribute}'?" else hint
    return Problem(f"<{tag}> knows no attribute '{attribute}'", place, None, hint)


def _required(tag: str, _: str | None, rest: str, place: Location) -> Problem:
    name = rest.split("'")[1]
    return Problem(f"<{tag}> has no attribute '{name}'", place)


def _bad_value(tag: str, attribute: str | None, rest: str, place: Location) -> Problem:
    value = re.search(r"'([^']*)' is not|value '([^']*)'", rest)
    shown = (value[1] or value[2] or "") if value else ""
    name = f"{attribute}='{shown}' of <{tag}>" if attribute else f"'{shown}' in <{tag}>"
    pattern = re.search(r"pattern '(.*)'\.?$", rest)
    listed = re.search(r"element of the set \{(.*)\}", rest)
    kind = re.search(r"type '(?:xs:)?(\w+)'", rest)
    expected = _example(pattern[1]) if pattern else None
    if listed:
        expected = "one of " + listed[1].replace("'", "")
    elif kind:
        expected = _KINDS.get(kind[1].lower(), kind[1])
    return Problem(f"{name} is not valid", place, expected)


def _text(tag: str, _: str | None, __: str, place: Location) -> Problem:
    return Problem(f"<{tag}> holds text", place, "elements only")


_KINDS = {
    "nonnegativeinteger": "a whole number, 0 or more",
    "positiveinteger": "a whole number above 0",
    "integer": "a whole number",
    "float": "a number",
    "double": "a number",
    "boolean": "true or false",
}
_UNITS = re.compile(r"\[\\s\]\*\(?([\w|]+)\)?$")


def _example(pattern: str) -> str:
    """What a pattern of the schema asks for: a quantity of one of its units, or a name."""
    units = _UNITS.search(pattern.replace(r"\s", r"[\s]").replace("[[", "[").replace("]]", "]"))
    if units and "0-9" in pattern:
        return "a number with a unit: " + ", ".join(units[1].split("|"))
    return f"the form {pattern}"


_WORDS = {
    "This element is not expected": _not_expected,
    "Missing child element": _missing_children,
    "is not allowed.": _no_attribute,
    "is required but missing": _required,
    "[facet ": _bad_value,
    "is not a valid value": _bad_value,
    "Character content": _text,
    "No matching global": _not_expected,
}
