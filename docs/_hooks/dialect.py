"""The reference of the dialect: every key of an experiment, read off its JSON Schema."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tvbo_lite.schema.json_schema import experiment_json_schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

PAGE = "reference/keys.md"
ABOUT = """\
# All keys of an experiment

What stands where in an [experiment in YAML](../dialect.md), with types, defaults and units: read off the
schema by which experiments are checked when they are loaded. `tvbo-lite schema` gives the same as JSON
Schema, by which an editor completes and checks keys while one types ([how](../cli.md#schema)).

A map of things by name may also be a list of things with `name`. The unit is that of a bare number:
`time_scale` is the one that `integration` names, `unit` that of the same thing.
"""
ROOT = "experiment"  # the module whose model is the document
MODULES = (
    ROOT, "dynamics", "values", "network", "populations", "rules", "recorded", "recordings", "integration",
    "stimulation", "exploration", "component_types",
)  # fmt: skip
WORDS = {
    "string": "text", "number": "number", "integer": "whole number", "boolean": "true or false",
    "array": "list", "object": "map",
}  # fmt: skip
HEADER = "| key | type | default | unit | what it is |\n| --- | --- | --- | --- | --- |"
TITLED = {"Experiment": "SimulationExperiment"}  # a model whose title is another name


def page() -> str:
    """The page in Markdown."""
    schema = experiment_json_schema()
    known = {"SimulationExperiment": schema, **schema["$defs"]}
    parts = [ABOUT]
    for name in MODULES:
        module = import_module(f"tvbo_lite.schema.{name}")
        here = [key for key in declared(module) if key in known]
        title = (inspect.getdoc(module) or "").partition("\n\n")[0]
        parts.append(f"## {title.strip().rstrip('.')}\n")
        parts += [section(key, known.pop(key)) for key in here]
    if known:
        msg = f"modules of {', '.join(known)} are not among those of the page"
        raise LookupError(msg)
    return "\n".join(parts)


def declared(module: ModuleType) -> list[str]:
    """The names of a module's models in the schema, in the order in which they are declared."""
    mine = [
        item for item in vars(module).values() if inspect.isclass(item) and item.__module__ == module.__name__
    ]
    return [TITLED.get(item.__name__, item.__name__) for item in mine]


def section(name: str, schema: dict[str, Any]) -> str:
    """A model: what it is, how short it may be written, and its keys."""
    options = schema.get("anyOf", [schema])
    full = next(option for option in options if "properties" in option)
    required = full.get("required", ())
    lines = [f"### {name}\n", prose(schema.get("description", "")), ""]
    if short := [kind(option) for option in options if option is not full]:
        lines += [f"Short: {' or '.join(short)}.", ""]
    lines.append(HEADER)
    for key, about in full["properties"].items():
        cells = (f"`{key}`", kind(about), default(key, about, required), unit(about))
        lines.append(f"| {' | '.join((*cells, prose(about['description'])))} |")
    return "\n".join(lines) + "\n"


def unit(about: dict[str, Any]) -> str:
    """The unit of a bare number; some are given by another key."""
    found = about.get("unit", "")
    return f"`{found}`" if found in {"time_scale", "unit"} else found


def default(key: str, about: dict[str, Any], required: Iterable[str]) -> str:
    """What stands for a key that is left out."""
    if key in required:
        return "*required*"
    value = about.get("default")
    return "" if value is None or value == "" else f"`{json.dumps(value, ensure_ascii=False)}`"


def kind(schema: dict[str, Any]) -> str:
    """The type of a value in words, with links to models."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(filter(None, map(kind, listed(schema["anyOf"])))))
    if "additionalProperties" in schema:
        return f"map of {kind(schema['additionalProperties'])}"
    if schema.get("items"):
        return f"list of {kind(schema['items'])}"
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    return " or ".join(WORDS[name] for name in names if name != "null")


def listed(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The options; without lists of named things where a map of them is one too, and without patterns."""
    mapped = any("additionalProperties" in option for option in options)
    return [
        option
        for option in options
        if "pattern" not in option and not (mapped and option.get("type") == "array")
    ]


def prose(text: str) -> str:
    """A description as a line of Markdown: names in quotes are code."""
    line = " ".join(text.split()).replace("|", "\\|")
    typed = re.sub(r"\b(neuroml|extends):(<\w+>)", r"'\1:\2'", line) if "`" not in line else line
    return re.sub(r"``(.+?)``", r"`\1`", re.sub(r"(?<!\w)'([^' ][^']*)'", r"`\1`", typed))
