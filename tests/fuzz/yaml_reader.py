"""Fuzzes experiments in YAML: read, written, lowered to LEMS, checked, and made ready to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from fuzz import mutate
from fuzz.texts import in_tests
from tvbo_lite.resources import folder

PUBLISHED = Path(__file__).parents[3] / "shared" / "tvbo_examples"
DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
MANY = 20_000  # numbers in the tables of a model; more are slow to write


def examine(path: Path) -> None:
    """All that can be done with an experiment but to run it; what is written is read back as it was."""
    from tvbo_lite import SimulationExperiment
    from tvbo_lite.backends import native
    from tvbo_lite.backends._room import numbers_in
    from tvbo_lite.formats.lems import reader, writer
    from tvbo_lite.transforms.check import check

    experiment = SimulationExperiment.from_file(path)
    assert SimulationExperiment.from_string(experiment.to_yaml()) == experiment
    model = experiment.model()
    linked = reader.link(model)
    check(linked)
    if numbers_in(model.components) < MANY:
        reader.read_string(writer.write(model))
        native.prepare(linked)


def seeds(*, own: bool = False) -> Iterator[bytes]:
    """Experiments of this project, of its pages too, and others where they lie beside it."""
    for page in sorted(DOCS.rglob("*.md")):
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
            yield match[1].encode()
    yield from in_tests("dynamics:", "network:")
    others = [] if own else sorted(PUBLISHED.glob("*.yaml"))
    for path in (*sorted(folder("reference_examples").glob("*/*.yaml")), *others):
        if path.stat().st_size < 20_000:
            yield path.read_bytes()


@cache
def words() -> tuple[str, ...]:
    """The keys of the dialect."""
    import json

    text = next(folder("schemas").glob("*.json")).read_text(encoding="utf-8")
    found: set[str] = set()

    def gather(item: object) -> None:
        if isinstance(item, dict):
            found.update(item.get("properties", {}))
            found.update(value for value in item.get("enum", ()) if isinstance(value, str))
            for value in item.values():
                gather(value)
        elif isinstance(item, list):
            for value in item:
                gather(value)

    gather(json.loads(text))
    return tuple(sorted(found))


def changed(data: bytes, rng: Random) -> bytes:
    """One to four changes of an experiment."""
    return mutate.yaml(data.decode(errors="replace"), rng, words(), rng.choice((1, 1, 1, 2, 3))).encode()
