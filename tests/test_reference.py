"""The stored traces of jLEMS: the built-in engine gives them again, and so does jLEMS."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from java import has_java

from tvbo_lite import SimulationExperiment, backends
from tvbo_lite.formats.dat import dat_bytes, read_dat
from tvbo_lite.formats.lems.reader import read_file
from tvbo_lite.lems.plan import OutputColumn, OutputFile
from tvbo_lite.resources import folder
from tvbo_lite.transforms.plan import simulation_plan

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tvbo_lite.lems.recording import Recording

EXAMPLES = sorted({path.parent for path in folder("reference_examples").glob("*/*.dat")})
IZHIKEVICH = folder("reference_examples") / "izhikevich"

CANONICAL = "LEMS_NML2_Ex2_Izh.xml"
CELLS = ("Burst", "Tonic", "Mixed", "Class1")


needs_java = pytest.mark.skipif(not has_java(), reason="no Java runtime")


def provenance(example: Path) -> dict[str, Any]:
    return tomllib.loads((example / "provenance.toml").read_text(encoding="utf-8"))


@cache
def experiment(example: Path) -> SimulationExperiment:
    return SimulationExperiment.from_file(example / provenance(example)["experiment"])


@cache
def run(example: Path, backend: str) -> Recording:
    recording = experiment(example).run(backend).recording
    assert recording is not None
    return recording


def n_different(a: NDArray[np.float64], b: NDArray[np.float64]) -> int:
    """How many values differ as float32."""
    return int((a.astype(np.float32) != b.astype(np.float32)).sum())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_stored_traces_are_those_that_provenance_names(example: Path) -> None:
    """Every stored trace has its line in ``provenance.toml``, and every line its trace."""
    about = provenance(example)
    assert {path.name for path in example.glob("*.dat")} == set(about["traces"])
    assert about["reference"]["tool"]
    assert about["reference"]["command"]
    assert about["date"]


@pytest.mark.parametrize("backend", ["native", pytest.param("neuroml", marks=[needs_java, pytest.mark.slow])])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_run_gives_the_stored_traces(example: Path, backend: str) -> None:
    """No value that jLEMS printed differs, time included; of long runs, only some rows are stored."""
    about = provenance(example)
    recording = run(example, backend)
    every = about.get("rows", {}).get("every", 1)
    for name, given in about["traces"].items():
        stored = read_dat(example / name)
        quantities = [given] if isinstance(given, str) else given
        ours = np.column_stack([recording.time, *map(recording.trace, quantities)])[::every]
        assert stored.shape == ours.shape
        assert n_different(stored, ours) <= about["tolerance"]["differing_float32_values"]


def test_the_written_files_are_the_stored_files_to_the_byte() -> None:
    """Our numbers, written by our writer, are the text that jLEMS wrote."""
    recording = run(IZHIKEVICH, "native")
    for file in recording.plan.tables():
        stored = (IZHIKEVICH / file.path.rpartition("/")[2]).read_bytes()
        assert dat_bytes(recording.table(file)) == stored


@pytest.mark.parametrize("backend", ["native", pytest.param("jlems", marks=[needs_java, pytest.mark.slow])])
def test_the_experiment_is_the_canonical_example(backend: str) -> None:
    """The experiment written in YAML gives the traces of NeuroML's own file, whichever engine runs that."""
    plan = simulation_plan(read_file(CANONICAL))  # its displays leave one of the four cells out
    columns = tuple(OutputColumn(cell, f"izpop{cell}[0]/v") for cell in CELLS)
    plan = replace(plan, displays=(), files=(OutputFile("of", "v.dat", columns),))
    canonical = backends.run_file(CANONICAL, backend, plan=plan)
    ours = run(IZHIKEVICH, "native")
    assert n_different(canonical.time, ours.time) == 0
    for cell in CELLS:
        theirs, own = canonical.trace(f"izpop{cell}[0]/v"), ours.trace(f"iz{cell}_pop[0]/v")
        assert n_different(theirs, own) == 0
