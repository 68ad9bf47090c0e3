"""Fuzzes PyRates templates: read, translated to experiments, lowered to LEMS and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzz import mutate
from fuzz.texts import in_tests
from tvbo_lite.formats.yaml.emit import emit
from tvbo_lite.formats.yaml.reader import read_text

OWN = Path(__file__).parents[1] / "pyrates"
WORDS = (
    "base", "description", "equations", "variables", "operators", "nodes", "edges", "circuits",
    "OperatorTemplate", "NodeTemplate", "EdgeTemplate", "CircuitTemplate", "input", "output", "variable",
    "constant", "delay", "spread", "weight", "replace", "remove", "append", "prepend", "add", "null",
    "output(0.5)", "variable(1.0)", "input(nan)", "d/dt * r = -r", "r' = u - r", "x = past(r, 1)",
    "sigmoid(r)", "absv(z)", "real(z)", "conj(z)", "1.0j", "0.5+0.1j",
)  # fmt: skip
TEMPLATES = 3  # of a document that are read, from its end


def examine(path: Path) -> None:
    """The last templates of a document, circuits up to a model that is checked."""
    from tvbo_lite import SimulationExperiment
    from tvbo_lite.errors import TvboLiteError
    from tvbo_lite.formats.lems import reader
    from tvbo_lite.formats.pyrates.model import Circuit
    from tvbo_lite.formats.pyrates.reader import read_template
    from tvbo_lite.transforms.check import check

    data = read_text(path.read_text(encoding="utf-8", errors="replace")).data
    names = list(data)[-TEMPLATES:] or ["none"]
    for name in names:
        try:
            full = f"{path.with_suffix('')}/{name}"
            if isinstance(read_template(full), Circuit):
                experiment = SimulationExperiment.from_pyrates(full, step_size=0.1, duration=1.0)
                assert SimulationExperiment.from_string(experiment.to_yaml()) == experiment
                check(reader.link(experiment.model()))
        except TvboLiteError as error:
            told = error
            if name == names[-1]:
                raise told from None


def seeds(*, own: bool = False) -> Iterator[bytes]:
    """Each circuit of the tests with the templates that it needs, which stand before it."""
    del own  # there are no others
    data = read_text((OWN / "models.yaml").read_text(encoding="utf-8")).data
    data.pop("aliases")
    for name, item in data.items():
        if "nodes" in item or "circuits" in item or "edges" in item:
            needed = _needed(name, data)
            yield emit({key: data[key] for key in data if key in needed}).encode()
    yield from in_tests("base: ")


def _needed(name: str, data: dict[str, Any]) -> set[str]:
    """The names of a template, and of all that are named in it."""
    found, open_ = {name}, [name]
    while open_:
        text = emit({"": data[open_.pop()]})
        new = {other for other in data if other not in found and re.search(rf"\b{other}\b", text)}
        found |= new
        open_ += new
    return found


def changed(data: bytes, rng: Random) -> bytes:
    """One to three changes of a document."""
    return mutate.yaml(data.decode(errors="replace"), rng, WORDS, rng.choice((1, 1, 1, 2, 3))).encode()
