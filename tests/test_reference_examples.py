"""Every canonical NeuroML example, written as a YAML experiment, gives the traces of the original."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from java import has_java

from tvbo_lite import SimulationExperiment, backends
from tvbo_lite.errors import UnsupportedError
from tvbo_lite.formats.lems.reader import link, read_file, read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.losses import Losses
from tvbo_lite.resources import folder
from tvbo_lite.transforms.check import require
from tvbo_lite.transforms.plan import simulation_plan

if TYPE_CHECKING:
    from tvbo_lite.lems.plan import SimulationPlan
    from tvbo_lite.lems.recording import Recording

MOST = 100_000  # bytes of all files of an example
CLOSEST = 1e-6  # of the range of a trace: no example may differ more


def about(example: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((example / "provenance.toml").read_text(encoding="utf-8"))
    return found


ALL = sorted(path.parent for path in folder("reference_examples").glob("*/provenance.toml"))
EXAMPLES = [path for path in ALL if "original" in about(path)]
RUNNING = [path for path in EXAMPLES if "does_not_run" not in about(path)]
REFUSED = [path for path in EXAMPLES if "does_not_run" in about(path)]


@cache
def experiment(example: Path) -> SimulationExperiment:
    return SimulationExperiment.from_file(example / about(example)["experiment"])


@cache
def plan_of(example: Path) -> SimulationPlan:
    return simulation_plan(read_file(about(example)["original"]))


@cache
def ours(example: Path) -> Recording:
    recording = experiment(example).run().recording
    assert recording is not None
    return recording


def pairs(plan: SimulationPlan, other: SimulationPlan) -> list[tuple[str, str]]:
    """Quantities of two plans that stand at the same place of the same file or display."""
    found = []
    for one, two in zip((*plan.files,), (*other.files,), strict=True):
        found += [(a.quantity, b.quantity) for a, b in zip(one.columns, two.columns, strict=True)]
    for one, two in zip(plan.displays, other.displays, strict=True):
        found += [(a.quantity, b.quantity) for a, b in zip(one.lines, two.lines, strict=True)]
    return found


def largest_difference(theirs: Recording, mine: Recording) -> float:
    """The largest difference of all recorded values as float32, as a part of the range of the trace."""
    assert np.array_equal(theirs.time.astype(np.float32), mine.time.astype(np.float32))
    largest = 0.0
    for one, two in pairs(theirs.plan, mine.plan):
        a, b = theirs.trace(one).astype(np.float32), mine.trace(two).astype(np.float32)
        if not np.array_equal(a, b):
            largest = max(largest, float(np.abs(a - b).max()) / float(np.ptp(a)))
    return largest


def check_agreement(example: Path, backend: str) -> None:
    theirs, mine = backends.run_file(about(example)["original"], backend), ours(example)
    assert about(example)["tolerance"]["of_range"] <= CLOSEST
    assert largest_difference(theirs, mine) <= about(example)["tolerance"]["of_range"]
    assert theirs.events.keys() == mine.events.keys()
    for name, (times, ids) in theirs.events.items():
        assert np.array_equal(times.astype(np.float32), mine.events[name][0].astype(np.float32))
        assert ids == mine.events[name][1]


def test_every_canonical_example_is_there() -> None:
    """Each of NeuroML's LEMS examples has its experiment."""
    canonical = {name for name in jar.example_names() if name.startswith("LEMS_NML2_Ex")}
    assert len(canonical) == 31
    assert {about(example)["original"] for example in EXAMPLES} == canonical


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_small_and_explained(example: Path) -> None:
    """No trace that a test can make is stored; the text says what the model is, and what to look at."""
    assert sum(path.stat().st_size for path in example.iterdir()) < MOST
    assert experiment(example).label
    assert len(experiment(example).description or "") > 60
    assert "\n# What to look at: " in (example / "experiment.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_records_what_the_original_does(example: Path) -> None:
    """Length, step, seed, files, columns, events and displays are those of the original, by their ids."""
    theirs, mine = plan_of(example), simulation_plan(_linked(example))
    assert (theirs.length, theirs.step, theirs.seed) == pytest.approx((mine.length, mine.step, mine.seed))
    assert [(file.id, file.path) for file in theirs.files] == [(file.id, file.path) for file in mine.files]
    assert [[item.id for item in file.columns] for file in theirs.files] == [
        [item.id for item in file.columns] for file in mine.files
    ]
    assert [shown(display) for display in theirs.displays] == [shown(display) for display in mine.displays]
    assert [(file.id, file.path, file.format) for file in theirs.event_files] == [
        (file.id, file.path, file.format) for file in mine.event_files
    ]
    assert pairs(theirs, mine)


def shown(display: Any) -> tuple[Any, ...]:
    """What a display looks like, but for where its lines come from."""
    limits = (display.title, display.time_scale, display.xmin, display.xmax, display.ymin, display.ymax)
    return (*limits, *((line.id, line.scale, line.time_scale, line.color) for line in display.lines))


def _linked(example: Path) -> Any:
    return link(experiment(example).model())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_survives_lems(example: Path) -> None:
    """The LEMS text of an example is read as the model that it was made of."""
    model = experiment(example).model()
    text = write(model, Losses())
    assert isinstance(text, str)
    assert read_string(text) == model


@pytest.mark.parametrize("example", RUNNING, ids=lambda path: path.name)
def test_an_example_gives_the_traces_of_the_original(example: Path) -> None:
    """Every recorded value and every spike is that of the canonical LEMS file, run by the same engine."""
    check_agreement(example, "native")


@pytest.mark.slow
@pytest.mark.skipif(not has_java(), reason="no Java runtime")
@pytest.mark.parametrize("example", RUNNING, ids=lambda path: path.name)
def test_an_example_gives_the_traces_of_jlems(example: Path) -> None:
    """jLEMS gets the same numbers from the canonical LEMS file."""
    check_agreement(example, "jlems")


@pytest.mark.slow
@pytest.mark.skipif(not has_java(), reason="no Java runtime")
@pytest.mark.parametrize("example", RUNNING, ids=lambda path: path.name)
def test_jlems_runs_the_rendered_example(example: Path) -> None:
    """What is rendered is what runs: jLEMS gives our traces from our LEMS text."""
    theirs, mine = experiment(example).run("neuroml").recording, ours(example)
    assert theirs is not None
    assert largest_difference(theirs, mine) == 0
    for name, (times, ids) in theirs.events.items():
        assert np.array_equal(times.astype(np.float32), mine.events[name][0].astype(np.float32))
        assert ids == mine.events[name][1]


@pytest.mark.parametrize("example", REFUSED, ids=lambda path: path.name)
def test_an_example_that_no_engine_here_runs_is_read_and_rendered(example: Path) -> None:
    """It is valid without a warning; running it is refused with the reason that ``provenance.toml`` gives."""
    assert require(_linked(example)) == ()
    assert "</Lems>" in str(write(experiment(example).model(), Losses()))
    with pytest.raises(UnsupportedError) as caught:
        experiment(example).run()
    assert about(example)["does_not_run"] in str(caught.value)
