"""Tests of OSB Model Validation: what is observed is compared with what is expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tvbo_lite.adapters.omv import judge, read_test
from tvbo_lite.cli import cli
from tvbo_lite.errors import InputError, ModelError, ReadError, UnsupportedError
from tvbo_lite.formats.neuroml.jar import extract_examples

IAF = """\
<Lems>
    <Target component="sim"/>
    <Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
    <spikeGenerator id="regular" period="20 ms"/>
    <iafCell id="iaf" leakReversal="-50mV" thresh="-55mV" reset="-70mV" C="0.2nF" leakConductance="0.01uS"/>
    <network id="net">
        <population id="cells" component="iaf" size="2"/>
        <population id="clocks" component="regular" size="1"/>
    </network>
    <Simulation id="sim" length="200ms" step="0.01ms" target="net">
        <OutputFile id="traces" fileName="results/iaf.dat">
            <OutputColumn id="v0" quantity="cells[0]/v"/><OutputColumn id="v1" quantity="cells[1]/v"/>
        </OutputFile>
        <EventOutputFile id="spikes" fileName="iaf.spikes" format="TIME_ID">
            <EventSelection id="0" select="cells[0]" eventPort="spike"/>
            <EventSelection id="1" select="clocks[0]" eventPort="spike"/>
        </EventOutputFile>
    </Simulation>
</Lems>
"""
# From the reset at -70 mV to -55 mV with the resting potential -50 mV and a time constant of 20 ms.
INTERVAL = 20 * np.log(20 / 5)
MEP = f"""\
system: a cell that fires by itself
experiments:
  firing:
    expected:
      spike times: {[round(float(0.5 + k * INTERVAL), 6) for k in range(8)]}
      spike rate: {1 / INTERVAL:.9f}
      resting: -60
  clock: {{expected: {{spike rate: 0.05, spike times: [20, 40, 60, 80, 100, 120, 140, 160, 180, 200]}}}}
"""
OMT = """\
target: LEMS_iaf.xml
engine: jNeuroML
mep: ../.test.mep
experiments:
  firing:
    observables:
      spike rate:
        file: {path: results/iaf.dat, columns: [0, 2], scaling: [1000, 1000]}
        spike detection: {method: derivative}
        tolerance: 1e-3
  clock:
    observables:
      spike rate:
        spiketimes file: {path: iaf.spikes, format: TIME_ID, ids: 1, scaling: 1000}
        tolerance: 1e-6
      spike times:
        spiketimes file: {path: iaf.spikes, format: TIME_ID, ids: 1, scaling: 1000}
        tolerance: 1e-3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "NeuroML2"
    inside.mkdir()
    (inside / "LEMS_iaf.xml").write_text(IAF)
    (inside / ".test.jnml.omt").write_text(OMT)
    (tmp_path / ".test.mep").write_text(MEP)
    return inside


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["omv", *map(str, arguments)])
    return done.exit_code, done.output


def changed(folder: Path, old: str, new: str) -> Path:
    assert old in OMT
    file = folder / ".test.jnml.omt"
    file.write_text(OMT.replace(old, new))
    return file


def test_a_model_that_does_as_expected_passes(folder: Path) -> None:
    """Spikes from traces and from files of spikes; times, and rates by intervals; nothing is left on disk."""
    status, told = run(folder)
    assert status == 0, told
    assert told.count("passed  ") == 3
    assert "1 passed, 0 failed" in told
    assert sorted(item.name for item in folder.iterdir()) == [".test.jnml.omt", "LEMS_iaf.xml"]


def test_a_model_that_does_not_fails(folder: Path) -> None:
    """The line says what was observed and what was expected; the exit status is 1."""
    file = changed(folder, "tolerance: 1e-6", "tolerance: 0")
    (folder.parent / ".test.mep").write_text(MEP.replace("spike rate: 0.05", "spike rate: 0.06"))
    status, told = run(file)
    assert status == 1
    assert "FAILED" in told
    assert "clock: spike rate: 0.05 observed, 0.06 expected, within 0" in told


def test_another_number_of_spikes_fails(folder: Path) -> None:
    """Lists of different lengths never agree."""
    (folder.parent / ".test.mep").write_text(MEP.replace("180, 200]", "180]"))
    status, told = run(folder / ".test.jnml.omt")
    assert status == 1
    assert "(10 in all)] observed" in told
    assert "(9 in all)] expected" in told


def test_rates_in_a_time_count_spikes(folder: Path) -> None:
    """The method 'duration based': spikes from 50 to 130 ms, both ends included, per ms."""
    file = changed(
        folder, "tolerance: 1e-6",
        "tolerance: 1e-9\n        method: duration based\n        start_time: 50\n        end_time: 130",
    )  # fmt: skip
    assert run(file)[0] == 0  # 60, 80, 100 and 120 ms in 80 ms


def test_the_end_of_a_trace_is_its_rest() -> None:
    """The mean of the last rows, and a resistance from two windows, by hand."""
    time = np.arange(10.0)
    trace = np.column_stack([time, np.where(time < 5, -70.0, -74.0)])
    current = np.column_stack([time, np.where(time < 5, 0.0, -2.0)])
    at = Path("x.omt").resolve().parent
    numbers = {at / "v.dat": trace, at / "i.dat": current}
    given = {
        "resting": {"file": {"path": "v.dat"}, "average last": 10},
        "input resistance": {
            "file_Vm": {"path": "v.dat"}, "file_VC_i": {"path": "i.dat"},
            "holding window": [0, 4], "command window": [5, 9],
        },
        "timeseries": {"file": {"path": "i.dat", "scaling": [1, 2]}},
    }  # fmt: skip
    wanted = {"resting": -72.0, "input resistance": 2.0, "timeseries": (current * [1, 2]).tolist()}
    from tvbo_lite.adapters.omv import Check
    from tvbo_lite.errors import NOWHERE

    for name, what in given.items():
        check = Check("e", name, {**what, "tolerance": 1e-12}, wanted[name], at, at, NOWHERE)
        assert judge(check, numbers).passed, name


def test_expected_numbers_may_lie_in_a_file(folder: Path) -> None:
    """A time series is compared with a file that the .mep file names."""
    times = 20.0 * np.arange(1, 11)
    np.savetxt(folder.parent / "clock.txt", np.column_stack([times, times]), header="t t")
    text = MEP.replace(
        "[20, 40, 60, 80, 100, 120, 140, 160, 180, 200]", "{file: {path: clock.txt, columns: [0]}}"
    )
    (folder.parent / ".test.mep").write_text(text)
    assert run(folder)[0] == 0


def test_canonical_models_are_validated(tmp_path: Path) -> None:
    """An engine that validates checks all files that a pattern names, and runs none."""
    extract_examples(tmp_path)
    found = next(tmp_path.rglob("NML2_SingleCompHHCell.nml"))
    test = found.parent / "all.omt"
    test.write_text("target: 'NML2_Sim*.nml NML2_SingleCompHHCell.nml'\nengine: jNeuroML_validate\n")
    assert len(read_test(test).targets) > 2
    status, told = run(test)
    assert status == 0, told
    assert "NML2_SingleCompHHCell.nml is valid" in told


def test_tests_of_other_programs_are_left_out(folder: Path) -> None:
    """In a folder they are counted; one that is asked for by name is told what it is for."""
    other = folder / "nrn.omt"
    other.write_text("target: run.hoc\nengine: NEURON\n")
    (folder / "run.hoc").write_text("")
    status, told = run(folder)
    assert (status, "1 for other programs" in told) == (0, True)
    status, told = run(other)
    assert status == 2
    assert "run.hoc is for 'NEURON'; expected a LEMS, NeuroML or YAML file" in told


WRONG = [
    (
        "target: LEMS_iaf.xml",
        "target: LEMS_iaff.xml",
        ModelError,
        ":1: target: there is no ",
        "'LEMS_iaf.xml'?",
    ),
    ("mep: ../.test.mep", "mep: .test.mep", ReadError, ":3: mep: ", "cannot be read"),
    ("  firing:", "  fireing:", ModelError, ":5: experiments.fireing: ", "did you mean 'firing'?"),
    (
        "rate:\n        spiket",
        "rates:\n        spiket",
        UnsupportedError,
        ":13: ",
        "did you mean 'spike rate'?",
    ),
    (
        "spike rate:\n        spiket",
        "resting:\n        spiket",
        ModelError,
        "expects no 'resting' of 'clock'",
        "",
    ),
]


@pytest.mark.parametrize(("old", "new", "kind", "place", "hint"), WRONG)
def test_wrong_tests_are_told(
    folder: Path, old: str, new: str, kind: type[InputError], place: str, hint: str
) -> None:
    """A message has the line and the nearest name."""
    with pytest.raises(kind) as caught:
        read_test(changed(folder, old, new))
    assert place in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "path: results/iaf.dat",
            "path: iaf.dat",
            "does not write 'iaf.dat'; expected results/iaf.dat, iaf.spikes",
        ),
        ("columns: [0, 2]", "columns: [0, 3]", "'results/iaf.dat' has 3 columns, not a column 3"),
        ("method: derivative", "method: derivativ", "did you mean 'derivative'?"),
        ("file: {path: results", "data: {path: results", "nothing says which file holds it"),
    ],
)
def test_what_cannot_be_observed_is_told(folder: Path, old: str, new: str, message: str) -> None:
    """The run is made, and the observable that has no numbers is an error with its line."""
    status, told = run(changed(folder, old, new))
    assert status == 2
    assert message in told
    assert ".test.jnml.omt:7:" in told
