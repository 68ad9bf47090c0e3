"""Fuzzes LEMS and NeuroML files: read, checked, raised to an experiment, written, and made ready to run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from fuzz import mutate
from fuzz.texts import in_tests

RULES = Path(__file__).parents[1] / "rules"


@cache
def examples() -> Path:
    """A folder with the canonical examples, which include each other."""
    from tvbo_lite.formats.neuroml import jar

    folder = Path(tempfile.mkdtemp(prefix="examples_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    jar.extract_examples(folder)
    return folder / "LEMSexamples"


def examine(path: Path) -> None:
    """All that can be done with a LEMS file but to run it; what is written is read back as it was."""
    from tvbo_lite.backends import native
    from tvbo_lite.experiment import SimulationExperiment
    from tvbo_lite.formats import render
    from tvbo_lite.formats.lems import reader, writer
    from tvbo_lite.formats.lems.core import CORE_FILES, without_core
    from tvbo_lite.lems.model import Include
    from tvbo_lite.losses import Losses
    from tvbo_lite.transforms.check import require

    model = reader.read_file(path, (examples(),))
    own = without_core(model)
    assert reader.read_string(writer.write(own)) == own
    if not model.component_types:
        model = reader.link(replace(model, includes=tuple(map(Include, CORE_FILES))))
    require(model)
    experiment = SimulationExperiment.from_lems(model, losses=Losses())
    SimulationExperiment.from_string(experiment.to_yaml())
    render(model, "neuroml", losses=Losses())
    if model.target is not None:
        native.prepare(model)


def seeds(*, own: bool = False) -> Iterator[bytes]:
    """The models that keep and break each rule, and the canonical examples of the installed jar."""
    from tvbo_lite.formats.neuroml import jar

    for path in sorted((*RULES.glob("*/*.xml"), *RULES.glob("*/*.nml"))):
        yield path.read_bytes()
    yield from in_tests("<Lems", "<neuroml")
    for member in () if own else jar._directory():
        if member.startswith(("LEMSexamples/", "examples/")) and member.endswith((".xml", ".nml")):
            text = jar.example_file(member)
            if len(text) < 20_000:
                yield text


@cache
def words() -> tuple[str, ...]:
    """Elements and attributes of the language, and the names of the core component types."""
    from tvbo_lite.formats.lems import reader
    from tvbo_lite.formats.lems.elements import _TYPE
    from tvbo_lite.formats.lems.vocabulary import ATTRIBUTES
    from tvbo_lite.lems.model import Include, Model

    core = reader.link(Model(includes=(Include("NeuroML2CoreTypes.xml"), Include("Simulation.xml"))))
    kinds = {item.name for item in core.component_types}
    values = {name.name for item in core.component_types for name in item.parameters}
    attributes = {str(name) for names in ATTRIBUTES.values() for name in names}
    return tuple(sorted({*kinds, *values, *attributes, *ATTRIBUTES, *_TYPE}))


def changed(data: bytes, rng: Random) -> bytes:
    """One to four changes of a document."""
    return mutate.xml(data, rng, words(), rng.choice((1, 1, 1, 2, 3)))
