"""Template syntax in any text of an experiment stays text in every format."""

from __future__ import annotations

import ast
import copy
import json
import re
from functools import cache
from typing import Any

import pytest
from test_dialect_complete import documents, first_places, models, value_at

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import TvboLiteError
from tvbo_lite.formats import FORMATS, Files
from tvbo_lite.formats._xml import parse_bytes
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.losses import Losses

HOSTILE = "{{ 12345679*9 }}{% for k in [1] %}leak{{ k }}{% endfor %}{# gone #}"
EVALUATED = ("111111111", "leak1", "leak{")  # what a template engine would make of it
QUOTES = "\"\"\" ''' \\ --> ]]> <x> & \n#"
WRITERS = [name for name, item in FORMATS.items() if item.writer]
NAMED = """
dynamics: {name: NAME, parameters: {tau: 2}, state_variables: {x: {equation: -x/tau, initial_value: 1}}}
integration: {step_size: 0.1, duration: 1}
"""
PROSE = ("label", "description", "references", "symbol")

Path = tuple[str | int, ...]


def squeezed(text: str) -> str:
    """Without what writers break lines with."""
    return re.sub(r"[\s#]", "", text)


@cache
def places() -> list[tuple[str, Path]]:
    """A document and a path for each field of the dialect that may hold a text; of the small documents."""
    kinds = {
        f"{model.__name__}.{key}": field for model in models() for key, field in model.model_fields.items()
    }
    small = {name: place for name, place in first_places().items() if place[0].startswith("text")}
    chosen = {name: place for name, place in small.items() if "str" in repr(kinds[name].annotation)}
    for name, (document, path) in small.items():  # prose that no document has, beside what stands there
        for key in PROSE:
            beside = f"{name.partition('.')[0]}.{key}"
            if beside in kinds:
                chosen.setdefault(beside, (document, (*path[:-1], key)))
    return list(chosen.values())


def with_text(data: Any, path: Path, text: str) -> Any:
    changed = copy.deepcopy(data)
    at = value_at(changed, path[:-1])
    at[path[-1]] = [text] if isinstance(at.get(path[-1]), list) else text
    return changed


def is_accepted(data: Any) -> bool:
    """Whether the dialect takes it; what is wrong with it must be told as such, by an error of ours."""
    try:
        SimulationExperiment.from_data(data).model()
    except TvboLiteError:
        return False
    return True


@cache
def experiments(text: str) -> list[SimulationExperiment]:
    """Each document with the text in all fields that take it, and a mark with its number before it."""
    found = []
    for name, data in documents().items():
        changed = data
        for number, (document, path) in enumerate(places()):
            if document == name:
                tried = with_text(changed, path, f"tok{number}z {text}")
                changed = tried if is_accepted(tried) else changed
        if changed is not data:
            found.append(SimulationExperiment.from_data(changed))
    return [*found, SimulationExperiment.from_data(read_text(NAMED.replace("NAME", json.dumps(text))).data)]


def texts(experiment: SimulationExperiment, name: str) -> list[str]:
    """What a format makes of it; nothing where it refuses it."""
    try:
        rendered = experiment.render(name, losses=Losses())
    except TvboLiteError:
        return []
    several = rendered.values() if isinstance(rendered, Files) else [rendered]
    return [text for text in several if isinstance(text, str)]


def test_every_kind_of_text_is_tried() -> None:
    """Many fields take any text, and keep it."""
    assert len(places()) > 100
    kept = " ".join(experiment.to_yaml() for experiment in experiments(HOSTILE))
    assert len(set(re.findall(r"tok\d+z", kept))) > 60


@pytest.mark.parametrize("name", WRITERS)
def test_template_syntax_stays_text(name: str) -> None:
    """Where a field's text appears it is whole; nothing is evaluated, also where a name becomes an id."""
    seen = 0
    for experiment in experiments(HOSTILE):
        for text in texts(experiment, name):
            assert not any(one in text.replace(HOSTILE, "") for one in EVALUATED[:2])
            flat, literal = squeezed(text), squeezed(HOSTILE)
            for match in re.finditer(r"tok\d+z(?=\{)", flat):
                assert flat.startswith(literal, match.end()), flat[match.start() : match.end() + 120]
                seen += 1
    assert seen > 10 or name not in ("yaml", "lems", "neuroml")  # the others hold no prose


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "hdf5"])
def test_quotes_and_marks_in_a_text_leave_a_file_what_it_is(name: str) -> None:
    """A text cannot end a comment, a string or an element: XML, Python and YAML can be read."""
    for experiment in experiments(QUOTES):
        for text in texts(experiment, name):
            if FORMATS[name].suffix == ".py":
                ast.parse(text)
            elif FORMATS[name].suffix == ".yaml":
                read_text(text)
            else:
                parse_bytes(text.encode(), name)
