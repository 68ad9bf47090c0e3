"""The YAML writer: what it writes reads back as it was, and looks as a person would write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import RenderError
from tvbo_lite.formats.yaml.emit import Block, emit
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.losses import Losses
from tvbo_lite.resources import folder

SHARED = Path(__file__).parents[2] / "shared" / "tvbo_examples"
PUBLISHED = sorted(SHARED.glob("*.yaml"))
OWN = sorted(folder("reference_examples").glob("*/*.yaml"))

WORDS = [
    "yes", "1e5", "1:30", "-40mV", "null", "~", "0x1F", ".5", "-.", "2001-01-01", "<<", "=", "-", "--", "?",
    "?a", ":a", "a:", "a:b", "a#b", "010", "1_000", "pop[0]/v", "n",
]  # fmt: skip
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text("ab :#-\n\t'\"[]{},.1e_x?|>&*!%@\\", max_size=20)
    | st.from_regex(r"(\w{1,9} ){20,40}\w+", fullmatch=True)
    | st.sampled_from(WORDS)
)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    """Equal, with the types of all scalars and the order of all keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXTS, DATA, max_size=4))
def test_plain_data_survives(data: dict[str, Any]) -> None:
    """Every text, number and nesting reads back as it was."""
    assert same(read_text(emit(data)).data, data)


@pytest.mark.parametrize(
    "text", [*WORDS, "a b", "1.0E-5", "v .gt. thresh", "#ff0000", "x: y", "a\nb", "it's"]
)
def test_other_readers_see_the_same_text(text: str) -> None:
    """A text stays a text for readers of YAML 1.1 too, such as PyYAML."""
    assert yaml.safe_load(emit({"key": text, "list": [text]})) == {"key": text, "list": [text]}


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"a": {"value": -70, "unit": "mV"}}, ["a: {value: -70, unit: mV}"]),
        ({"a": ["pop[0]", 1.5, True, None]}, ['a: ["pop[0]", 1.5, true, null]']),
        ({"a": "pop[0]/v"}, ["a: pop[0]/v"]),
        ({"a": "one\ntwo"}, ["a: |-", "  one", "  two"]),
        ({"a": Block(b={"c": 1})}, ["a:", "  b: {c: 1}"]),
        ({"a": [{"b": {"c": {"d": 1}}}]}, ["a:", "  - b: {c: {d: 1}}"]),
        ({"a": 1e-5, "b": 1e22, "c": float("inf")}, ["a: 1.0e-05", "b: 1.0e+22", "c: .inf"]),
        ({"a": "10", "0": ""}, ['a: "10"', '0: ""']),
        ({"a": 'say "so"'}, ['a: say "so"']),
        ({"a": {}, "b": []}, ["a: {}", "b: []"]),
        ({}, ["{}"]),
    ],
)
def test_the_style(data: dict[str, Any], lines: list[str]) -> None:
    """Short maps stand on one line, longer ones below their key; only what must be is in quotes."""
    assert [line for line in emit(data).splitlines() if line] == lines


def test_long_things_are_broken() -> None:
    """No line is longer than it has to be: texts are folded, long lists wrapped."""
    text = emit({"prose": "a sentence " * 40 + "ends", "numbers": list(range(200))})
    assert max(map(len, text.splitlines())) <= 110
    assert read_text(text).data == {"prose": "a sentence " * 40 + "ends", "numbers": list(range(200))}


def test_half_of_a_character_is_refused() -> None:
    """A text that no file can hold is an error, not a broken file."""
    with pytest.raises(RenderError, match="half of a character"):
        emit({"a": "\ud800"})


@pytest.mark.parametrize("path", [*OWN, *PUBLISHED], ids=lambda path: path.stem)
def test_an_experiment_survives(path: Path) -> None:
    """Reading what was written of an experiment gives an equal experiment."""
    experiment = SimulationExperiment.from_file(path)
    again = SimulationExperiment.from_string(experiment.to_yaml())
    assert again == experiment
    assert again.to_yaml() == experiment.to_yaml()


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
NUMBERS = st.integers(-1000, 1000) | st.floats(-1e6, 1e6)
EXPRESSIONS = st.sampled_from(
    ["-v / tau", "a * (b - v)", "v .gt. 3", "0", "1e-3", "Piecewise((1, t > 1), (0, True))"]
)
UNITS = st.sampled_from(["mV", "per_ms", "nA"])
PARAMETERS = st.dictionaries(
    NAMES,
    NUMBERS | TEXTS | st.fixed_dictionaries({"value": NUMBERS}, optional={"unit": UNITS, "label": TEXTS}),
    max_size=4,
)
VARIABLES = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {"equation": EXPRESSIONS | st.fixed_dictionaries({"rhs": EXPRESSIONS, "lhs": TEXTS})},
        optional={"initial_value": NUMBERS, "unit": UNITS, "record": st.booleans(), "description": TEXTS},
    ),
    max_size=3,
)
DYNAMICS = st.fixed_dictionaries(
    {},
    optional={
        "iri": TEXTS, "description": TEXTS, "parameters": PARAMETERS, "state_variables": VARIABLES,
        "references": st.lists(TEXTS, max_size=2), "output": st.lists(NAMES, max_size=2),
        "events": st.dictionaries(NAMES, st.fixed_dictionaries({"condition": EXPRESSIONS, "affect": TEXTS})),
        "components": st.dictionaries(NAMES, st.fixed_dictionaries({"parameters": PARAMETERS}), max_size=2),
        "anonymous": st.booleans(),
    },
)  # fmt: skip
WRITTEN = st.sampled_from(["0.5", ".5", "1e-3", "2 ms", "007", "3"])
CONNECTIONS = st.fixed_dictionaries(
    {"pre": WRITTEN, "post": WRITTEN},
    optional={"weight": WRITTEN, "delay": WRITTEN, "synapse": NAMES, "id": WRITTEN},
)
ASSIGN = st.dictionaries(NAMES, EXPRESSIONS, max_size=2) | st.lists(st.fixed_dictionaries({"v": EXPRESSIONS}))
EXPERIMENTS = st.fixed_dictionaries(
    {},
    optional={
        "label": TEXTS, "id": st.integers(0, 9) | TEXTS, "description": TEXTS, "dynamics": DYNAMICS | NAMES,
        "network": st.fixed_dictionaries({}, optional={
            "name": NAMES, "dynamics": st.dictionaries(NAMES, DYNAMICS, max_size=2), "parameters": PARAMETERS,
            "populations": st.dictionaries(NAMES, st.fixed_dictionaries({"dynamics": NAMES}, optional={
                "size": st.integers(0, 9),
                "positions": st.dictionaries(
                    st.sampled_from("012"), st.none() | st.tuples(WRITTEN, WRITTEN, WRITTEN).map(list)
                ),
            }), max_size=2),
            "projections": st.dictionaries(NAMES, st.fixed_dictionaries({
                "source": NAMES, "target": NAMES, "connections": st.lists(CONNECTIONS, max_size=3),
            }), max_size=2),
            "inputs": st.dictionaries(NAMES, st.fixed_dictionaries({"source": NAMES}, optional={
                "target": TEXTS, "destination": TEXTS,
                "to": st.lists(WRITTEN | st.fixed_dictionaries({"cell": WRITTEN, "weight": WRITTEN})),
            }), max_size=2),
        }),
        "component_types": st.dictionaries(NAMES, st.fixed_dictionaries({}, optional={
            "extends": NAMES, "parameters": st.dictionaries(NAMES, NAMES | st.none(), max_size=2),
            "fixed": st.dictionaries(NAMES, WRITTEN, max_size=2),
            "on_start": st.fixed_dictionaries({"assign": ASSIGN}),
        }), max_size=2),
        "recordings": st.fixed_dictionaries({}, optional={
            "files": st.dictionaries(TEXTS, st.fixed_dictionaries({
                "file": TEXTS, "columns": st.dictionaries(TEXTS, TEXTS, max_size=3),
            }), max_size=2),
        }),
        "integration": st.just({"step_size": 0.1, "duration": "10 ms", "parameters": {"seed": 3}}),
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(EXPERIMENTS)
def test_any_experiment_survives(data: dict[str, Any]) -> None:
    """``from_string(to_yaml(experiment))`` is the experiment, whatever was set in it."""
    experiment = SimulationExperiment.model_validate(data)
    assert SimulationExperiment.from_string(experiment.to_yaml()) == experiment


def test_only_what_was_set_is_written() -> None:
    """Defaults do not appear, and short forms stay short."""
    text = "dynamics:\n  name: leaky\n  parameters:\n    E: -50\n    tau: {value: 30, unit: ms}\n"
    experiment = SimulationExperiment.from_string(text)
    assert experiment.to_yaml() == text
    assert experiment.render("yaml") == text


def test_an_experiment_saved_as_yaml(tmp_path: Path) -> None:
    """``save`` with the ending of YAML writes a file that loads as the same experiment."""
    experiment = SimulationExperiment.from_file(OWN[0])
    (path,) = experiment.save(tmp_path / "copy.yaml", losses=Losses())
    assert SimulationExperiment.from_file(path) == experiment
