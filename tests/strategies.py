"""Hypothesis strategies made from what is written down anyway: dataclasses, and the JSON Schema."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True)
# what XML can hold in an attribute: line ends and tabs become spaces there
TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    max_size=12,
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LEFT_OUT = ("location", "description", "beyond", "renamed")


# ---- dataclasses -----------------------------------------------------------------------------------------


@cache
def of_class(kind: type[Any], changed: tuple[tuple[type[Any], Any], ...] = ()) -> st.SearchStrategy[Any]:
    """Objects of a dataclass, of any depth. Its annotations say what its fields hold; ``changed`` has other
    strategies for some classes.
    """
    known = dict(changed)
    if kind in known:
        return known[kind]
    hints = get_type_hints(kind)
    made = {item.name: hints[item.name] for item in fields(kind) if item.name not in LEFT_OUT}
    needed = {item.name for item in fields(kind) if item.default is item.default_factory is MISSING}
    parts = {name: st.deferred(lambda hint=hint: _of_hint(hint, changed)) for name, hint in made.items()}
    some = st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in needed},
        optional={name: part for name, part in parts.items() if name not in needed},
    )
    return some.map(lambda given: kind(**given))


def _of_hint(hint: Any, changed: tuple[tuple[type[Any], Any], ...]) -> st.SearchStrategy[Any]:
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXTS, bool: st.booleans(), int: st.integers(-20, 20), float: FINITE, type(None): st.none(),
    }  # fmt: skip
    if hint in plain:
        return plain[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*(_of_hint(item, changed) for item in inner))
    if origin in (tuple, Sequence):
        return st.lists(_of_hint(inner[0], changed), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(NAMES, TEXTS, max_size=3)
    return of_class(hint, changed)


# ---- JSON Schema -----------------------------------------------------------------------------------------


def of_schema(schema: Mapping[str, Any], depth: int = 6) -> st.SearchStrategy[Any]:
    """Data that follows a JSON Schema, as far as its types, keys and limits say it."""
    definitions = schema.get("$defs", {})

    def part(item: Mapping[str, Any], left: int) -> st.SearchStrategy[Any]:
        if "$ref" in item:
            return part(definitions[item["$ref"].rpartition("/")[2]], left)
        if "enum" in item:
            return st.sampled_from(item["enum"])
        if "anyOf" in item:
            kinds = [kind for kind in item["anyOf"] if left > 0 or _is_flat(kind)] or item["anyOf"]
            return st.one_of(*(st.deferred(lambda kind=kind: part(kind, left)) for kind in kinds))
        kind = item.get("type", "string")
        if isinstance(kind, list):
            return st.one_of(*(part({**item, "type": one}, left) for one in kind))
        return _OF_TYPE.get(kind, _text)(item) if kind not in ("object", "array") else held(item, kind, left)

    def held(item: Mapping[str, Any], kind: str, left: int) -> st.SearchStrategy[Any]:
        if kind == "array":
            most = 0 if left <= 0 else min(item.get("maxItems", 2), 2)
            return st.lists(st.deferred(lambda: part(item.get("items", {}), left - 1)), max_size=most)
        keys = item.get("properties", {})
        needed = [name for name in keys if name in item.get("required", ())]
        values = {
            name: st.deferred(lambda value=value: part(value, left - 1)) for name, value in keys.items()
        }
        more = item.get("additionalProperties")
        if not keys:
            inner = st.deferred(lambda: part(more if isinstance(more, dict) else {}, left - 1))
            return st.dictionaries(NAMES, inner, max_size=0 if left <= 0 else 2)
        free = st.lists(st.sampled_from(sorted(keys)), max_size=4 if left > 0 else 0, unique=True)
        return free.flatmap(
            lambda names: st.fixed_dictionaries(
                {name: values[name] for name in dict.fromkeys([*needed, *names])}
            )
        )

    return part(schema, depth)


def _is_flat(item: Mapping[str, Any]) -> bool:
    return item.get("type") not in ("object", "array") and "$ref" not in item and "anyOf" not in item


def _integer(item: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least = item.get("minimum", item.get("exclusiveMinimum", -10))
    return st.integers(int(least), int(least) + 20)


def _number(item: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least = item.get("minimum", item.get("exclusiveMinimum", -1e6))
    return st.floats(least, 1e6, exclude_min="exclusiveMinimum" in item) | _integer(item)


def _text(item: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "pattern" in item:
        return st.from_regex(item["pattern"], fullmatch=True)
    return NAMES | st.sampled_from(["-x / tau", "1 mV", "a.b", "0.5", "x > 1", "[0]"]) | TEXTS


_OF_TYPE = {
    "integer": _integer,
    "number": _number,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}
