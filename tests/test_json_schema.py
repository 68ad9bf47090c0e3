"""The JSON Schema: it is the one in the repository, and agrees with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.schema.json_schema import experiment_json_schema, experiment_json_schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT.parent / "shared" / "tvbo_examples"
VALIDATOR = Draft202012Validator(experiment_json_schema())


def problems_of(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(read_text(text).data)]


def test_it_is_a_valid_json_schema() -> None:
    """The schema follows its own meta schema, draft 2020-12, and has an identifier."""
    schema = experiment_json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"]


def test_the_file_in_the_repository_is_up_to_date() -> None:
    """``schemas/experiment.schema.json`` is what the models say."""
    written = (ROOT / "schemas" / "experiment.schema.json").read_text(encoding="utf-8")
    assert written == experiment_json_schema_text(), "write experiment_json_schema_text() to the file"


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """All parts of a schema that describe a mapping with known keys."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_every_key_is_described_and_no_other_is_allowed() -> None:
    """Each key has a description for editors, and unknown keys are refused everywhere."""
    found = list(objects(experiment_json_schema()))
    assert len(found) > 20
    for part in found:
        assert part["additionalProperties"] is False
        for key, about in part["properties"].items():
            assert about.get("description"), key


def test_every_definition_has_a_title_and_a_description() -> None:
    """Each kind of thing has a title and a description."""
    for name, definition in experiment_json_schema()["$defs"].items():
        assert definition["title"], name
        assert definition["description"], name


@pytest.mark.parametrize(
    "text",
    [
        "dynamics: {parameters: {a: 0.02, ion: na, flag: true, w: [1, 2], d: {value: 1, unit: mV}}}",
        "dynamics: {parameters: [{name: a, value: 1}]}",
        "dynamics: {components: {c: {modes: {d: {iri: 'neuroml:x'}}}}}",
        "dynamics: {coupling_inputs: [I_syn]}",
        "dynamics: {coupling_inputs: {I_syn: }}",
        "dynamics: {parameters: }",
        "dynamics: someCell",
        "dynamics: {derived_variables: {x: {equation: 'a + 1'}}}",
        "integration: {method: Heun, step_size: 1, duration: 10, time_scale: s}",
        "network:",
    ],
)
def test_shorthand_forms_are_accepted(text: str) -> None:
    """The short ways to write something are valid for an editor too."""
    assert problems_of(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "lable: x",
        "dynamics: {parameters: {a: {vlaue: 1}}}",
        "dynamics: {parameters: [{value: 1}]}",
        "dynamics: {modes: {c: {componets: {}}}}",
        "network: {nodes: [{id: 0, dynamic: x}]}",
        "network: {nodes: [{dynamics: x}]}",
        "network: {number_of_nodes: 0}",
        "integration: {step_size: 0, duration: 1}",
        "integration: {step_size: 1}",
        "integration: {step_size: 1, duration: 1, method: magic}",
        "integration: {step_size: 1, duration: 1, time_scale: h}",
    ],
)
def test_mistakes_are_seen(text: str) -> None:
    """Misspelt keys, missing keys and impossible values are invalid for an editor too."""
    assert problems_of(text)


def test_the_published_examples_are_valid() -> None:
    """All experiments of TVBO's NeuroML documentation are valid."""
    if not EXAMPLES.is_dir():
        pytest.skip(f"no folder {EXAMPLES}")
    for path in sorted(EXAMPLES.glob("*.yaml")):
        assert problems_of(path.read_text(encoding="utf-8")) == [], path.name


def test_the_reference_examples_are_valid() -> None:
    """All experiments of this repository are valid, so that editors mark nothing in them."""
    found = sorted((ROOT / "reference_examples").glob("*/*.yaml"))
    assert len(found) > 30
    for path in found:
        assert problems_of(path.read_text(encoding="utf-8")) == [], path.parent.name


def test_the_text_is_json() -> None:
    """The text of the schema is the schema."""
    assert json.loads(experiment_json_schema_text()) == experiment_json_schema()
