"""The pages that the documentation's build makes: what is on them, and that they leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dialect
import example_page
import pytest
import references
from examples import TOPICS, Example

from tvbo_lite.errors import BackendError
from tvbo_lite.resources import folder
from tvbo_lite.schema.json_schema import experiment_json_schema

if TYPE_CHECKING:
    from collections.abc import Callable

PNG = b"\x89PNG"


@pytest.fixture
def without_jlems(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without Java."""

    def refuse(*_: Any, **__: Any) -> None:
        raise BackendError("no Java runtime was found")

    monkeypatch.setattr("tvbo_lite.backends.jlems.run_model", refuse)
    monkeypatch.setattr(references, "has_java", lambda: False)


def page(name: str) -> tuple[str, example_page.Made]:
    example = Example.read(name)
    made = example_page.made(example, references.reference(example))
    return "\n\n".join(made.parts), made


def test_every_reference_example_has_its_place_in_the_gallery() -> None:
    """Each folder stands under one topic."""
    shown = [name for names in TOPICS.values() for name in names]
    assert sorted(shown) == sorted(path.name for path in folder("reference_examples").iterdir())


@pytest.mark.parametrize("page", ["index.md", "start.md"])
def test_pages_tell_how_many_examples_there_are(page: str) -> None:
    """The number is that of the gallery."""
    text = (Path(__file__).parents[1] / "docs" / page).read_text(encoding="utf-8")
    assert f" {sum(map(len, TOPICS.values()))} experiments " in text


@pytest.mark.usefixtures("without_jlems")
def test_without_java_an_example_is_compared_with_its_kept_traces() -> None:
    """The page says so, and has its picture, the errors of each trace, the text and what it means in LEMS."""
    text, made = page("izhikevich")
    assert "since this page was made without jLEMS" in text
    assert "160\u202f004 values, all identical" in text
    for name in ("izBurst", "izTonic", "izMixed", "izClass1"):
        assert f"| <code>{name}.dat: {name}_pop[0]/<wbr>v</code> | 40\u202f001 | 0 | 0 | 0 | " in text
    assert Example.read("izhikevich").text.rstrip() in text
    assert '    <izhikevichCell id="izBurst"' in text
    assert {name: content[:4] for name, content in made.files.items()} == {
        "izhikevich.png": PNG,
        "izhikevich.small.png": PNG,
    }


@pytest.mark.usefixtures("without_jlems")
def test_kept_traces_may_have_fewer_rows_than_the_run() -> None:
    """Of the mean fields each hundredth row is stored."""
    text, _ = page("qif")
    assert "4\u202f002 values, all identical" in text


@pytest.mark.usefixtures("without_jlems")
def test_without_java_and_traces_an_example_runs_alone() -> None:
    """The page says that nothing was compared, and is not kept for a machine that has Java."""
    text, made = page("ex9_fn")
    assert "the run is shown alone" in text
    assert made.verdict == "runs alone"
    assert not references.reference(Example.read("ex9_fn")).settled


def test_a_refused_example_shows_the_message() -> None:
    """What cannot be run is told as the program tells it, with the drawing of its network."""
    text, made = page("ex25_multicomp")
    assert "has 4 segments; multi-compartment cells are not supported yet" in text
    assert "ex25_multicomp.png" in made.files


def test_a_network_with_noise_runs_alone_and_says_why() -> None:
    """LEMS has no noise; its text is shown of a few cells, with what it cannot hold."""
    text, _ = page("izhikevich_network")
    assert "the noise on 'xi' of 'excitatory'" in text
    assert "Here the populations have 8 cells each, in place of 800 (E) and 200 (I)" in text.replace(
        "\u202f", ""
    )
    assert "What LEMS cannot hold:" in text


def models() -> dict[str, Any]:
    schema = experiment_json_schema()
    return {"SimulationExperiment": schema, **schema["$defs"]}


def test_the_reference_has_every_key_of_the_dialect() -> None:
    """Each model is a section, each of its keys a row with its description."""
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", dialect.page(), re.MULTILINE | re.DOTALL))
    assert sections.keys() == models().keys()
    for name, schema in models().items():
        full = next(option for option in schema.get("anyOf", [schema]) if "properties" in option)
        rows = re.findall(r"^\| `(\w+)` \|.*\| [^|]+ \|$", sections[name], re.MULTILINE)
        assert rows == list(full["properties"]), name


def test_links_of_the_reference_lead_to_its_sections() -> None:
    """Types that are models are linked."""
    text = dialect.page()
    anchors = {name.lower() for name in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    linked = set(re.findall(r"\]\(#(\w+)\)", text))
    assert linked
    assert linked <= anchors


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": ["string", "number"]}, "text or number"),
        ({"anyOf": [{"$ref": "#/$defs/Noise"}, {"type": "null"}]}, "[Noise](#noise)"),
        ({"type": "array", "items": {"type": "integer"}}, "list of whole number"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map of text"),
        ({"enum": ["s", "ms"]}, "one of `s`, `ms`"),
    ],
)
def test_types_are_told_in_words(schema: dict[str, Any], words: str) -> None:
    """Null, which stands for a key that is left out, is not told."""
    kind: Callable[[dict[str, Any]], str] = dialect.kind
    assert kind(schema) == words
