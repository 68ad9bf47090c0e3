"""Files with a mistake in them, 200 of them: each ends in a result or in an error that names a place.

The mistakes are those of `fuzz.mutate`, drawn with fixed seeds: elements and attributes that are gone, stand
twice or elsewhere or under another name; other numbers, units and references; files that are cut off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fuzz import lems_reader, mutate, runner, yaml_reader

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends.native import run_linked
from tvbo_lite.cli._source import Wanted, read_source
from tvbo_lite.errors import InputError, TvboLiteError
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.resources import folder

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = 20  # of a run at most; a changed file may ask for any number
SECONDS = 30.0  # of processor time, within which each ends
LARGE = ("cobahh", "izhikevich_network", "ex13_instances")
NETWORKS = (
    "AnalogSynapses", "GapJunctions", "GapJunctionInstances", "InstanceBasedNetwork", "PyNNCells",
    "SegmentConnections", "SingleCompHHCell",
)  # fmt: skip
INTERNAL = re.compile(
    r"Traceback|object at 0x|<class|tvbo_lite\.|Problem\(|Location\(|Component\(|NoneType|pydantic|Error\b"
)


@dataclass(frozen=True)
class Case:
    """The file ``source``, changed in the way ``kind``."""

    source: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.number}-{Path(self.source).stem}-{self.kind}".replace(" ", "_")

    @property
    def name(self) -> str:
        """The name of the changed file."""
        return f"changed{Path(self.source).suffix}"

    def text(self) -> bytes:
        """The changed file."""
        rng = Random(str(self))
        if self.name.endswith(".yaml"):
            text = (folder("reference_examples") / self.source).read_text(encoding="utf-8")
            return mutate.yaml(text, rng, yaml_reader.words(), kind=self.kind).encode()
        return mutate.xml(jar.example_file(self.source), rng, lems_reader.words(), kind=self.kind)


def sources() -> Iterator[tuple[list[str], list[str], int]]:
    """Files, the kinds of changes made to them, and how many changed files there are."""
    of_xml = [*mutate.XML_CHANGES, "cut"]
    yield [f"LEMSexamples/{name}" for name in jar.example_names() if "Ex25" not in name], of_xml, 100
    yield [f"examples/NML2_{name}.nml" for name in NETWORKS], of_xml, 30
    home = folder("reference_examples")
    own = [path.relative_to(home).as_posix() for path in sorted(home.glob("*/*.yaml"))]
    small = [path for path in own if Path(path).parent.name not in LARGE]
    yield small, [*mutate.YAML_CHANGES, "lines changed"], 70


def cases() -> list[Case]:
    return [
        Case(files[k % len(files)], kinds[(k + k // len(files)) % len(kinds)], k)
        for files, kinds, count in sources()
        for k in range(count)
    ]


def run_lems(path: Path) -> tuple[set[str], np.ndarray]:
    """What a LEMS or NeuroML file declares to be recorded, and all values of a short run."""
    wanted = Wanted("1 ms", "0.05 ms") if path.suffix == ".nml" else None
    examples = lems_reader.examples()
    source = read_source(str(path), (examples, examples.parent / "examples"), wanted)
    plan = source.plan
    short = replace(plan, length=min(plan.length, STEPS * plan.step))
    recording = run_linked(source.model, plan=short, resolver=source.resolver)
    assert set(recording.quantities) == set(plan.quantities())
    return set(recording.quantities), recording.values


def run_experiment(path: Path) -> tuple[set[str], np.ndarray]:
    """The same of an experiment."""
    experiment = SimulationExperiment.from_file(path)
    integration = experiment.integration
    options = {}
    if integration is not None and isinstance(integration.step_size, float | int):
        options["duration"] = f"{STEPS * integration.step_size!r} {integration.time_scale}"
    data = experiment.run(**options).data
    return set(map(str, data[data.dims[1]].values)), data.values


def check_told(error: TvboLiteError) -> None:
    """The message names a place and speaks of the file, not of this program's inside."""
    text = str(error)
    assert not INTERNAL.search(text), text
    if isinstance(error, InputError):
        for problem in error.problems:
            assert problem.message
            assert problem.location.file, text
            assert problem.location.line or problem.message.startswith("the document has no"), text
    else:
        assert re.search(r"\w+(\[\d+\])?/\w+ became|'[^']+'", text), text


@pytest.mark.parametrize("case", cases(), ids=str)
@pytest.mark.filterwarnings("ignore::tvbo_lite.losses.LossWarning")
def test_a_changed_file_ends_in_a_result_or_an_error_with_its_place(case: Case, tmp_path: Path) -> None:
    """A result has all declared traces and finite values; an error names file and line."""
    path = tmp_path / case.name
    path.write_bytes(case.text())
    try:
        with runner.limits(SECONDS):
            quantities, values = (run_experiment if path.suffix == ".yaml" else run_lems)(path)
    except TvboLiteError as error:
        check_told(error)
        return
    assert values.shape[1] == len(quantities)
    assert np.isfinite(values).all()


def test_the_changes_are_of_all_kinds() -> None:
    """200 files, each kind of change many times; nearly all differ from one another."""
    every = cases()
    assert len({case.text() for case in every}) > 190
    assert len(every) == 200
    assert min(sum(case.kind == kind for case in every) for kind in mutate.XML_CHANGES) >= 10
    assert min(sum(case.kind == kind for case in every) for kind in mutate.YAML_CHANGES) >= 10
