"""Scripts for Brian 2: they give what the built-in engine gives, and they are what a Brian user writes.

The program runs in an environment of its own (Brian 2.9 needs numpy < 2), whose Python the environment
variable ``TVBO_LITE_BRIAN2_PYTHON`` names: ``python -m venv brian2 && brian2/bin/pip install "brian2>=2.9"
"numpy<2"``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from scripts import OWN, SPIKING, differences, interpreter, model, native_run, run_main
from test_couplings import ALL as COUPLED

from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.brian2.writer import write
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.losses import Losses

AGREEMENT = 1e-9  # of a trace's range
RUNS = {
    "izhikevich": "26 ms",
    "LEMS_NML2_Ex0_IaF.xml": "25 ms",
    "LEMS_NML2_Ex1_HH.xml": "20 ms",
    "LEMS_NML2_Ex3_Net.xml": "15 ms",
    "LEMS_NML2_Ex5_DetCell.xml": "20 ms",
    "LEMS_NML2_Ex7_STP.xml": "60 ms",
    "LEMS_NML2_Ex8_AdEx.xml": "25 ms",
    "LEMS_NML2_Ex19_GapJunctions.xml": "20 ms",
    "LEMS_NML2_Ex20_AnalogSynapses.xml": "20 ms",
    "LEMS_NML2_Ex22_PinskyRinzelCA3.xml": "10 ms",
    "Ex9_FN.yaml": "20 s",
    **dict.fromkeys(OWN),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_script_gives_what_the_engine_gives(name: str, tmp_path: Path) -> None:
    """Brian 2 runs the script, and its traces are those of the native run."""
    python = interpreter("TVBO_LITE_BRIAN2_PYTHON", "brian2")
    found = model(name, RUNS[name])
    losses = Losses()
    traces = run_main(python, write(found, losses), tmp_path)
    worst = differences(native_run(found), traces)
    assert {quantity: value for quantity, value in worst.items() if not value <= AGREEMENT} == {}
    assert len(losses) == 0


@pytest.mark.parametrize("name", ["rates", "units", "relay"])
def test_couplings_by_equations_are_scripts(name: str, tmp_path: Path) -> None:
    """Nodes with values of their own, terms that read states and what is worked out: nothing is lost."""
    python = interpreter("TVBO_LITE_BRIAN2_PYTHON", "brian2")
    found, losses = link(SimulationExperiment.from_string(COUPLED[name]).model()), Losses()
    traces = run_main(python, write(found, losses), tmp_path)
    assert max(differences(native_run(found), traces).values()) <= AGREEMENT
    assert len(losses) == 0


def test_rounding_of_whole_step_delays_is_all_that_is_lost(tmp_path: Path) -> None:
    """Where a step and a delay have no rounding (2^-13 s, 2^-10 s), spikes, delays and gaps agree too."""
    python = interpreter("TVBO_LITE_BRIAN2_PYTHON", "brian2")
    exact = {"step_size: 0.1": "step_size: 0.1220703125", "duration: 50": "duration: 48.828125"}
    exact["delay: {value: 1,"] = "delay: {value: 0.9765625,"
    text = COUPLED["mixed"]
    for old, new in exact.items():
        assert old in text
        text = text.replace(old, new)
    found, losses = link(SimulationExperiment.from_string(text).model()), Losses()
    traces = run_main(python, write(found, losses), tmp_path)
    assert max(differences(native_run(found), traces).values()) <= AGREEMENT
    assert ["to the last step" in str(loss) for loss in losses] == [True]


def test_quantities_carry_units() -> None:
    """Parameters and equations have the units of their dimensions."""
    text = write(model("LEMS_NML2_Ex5_DetCell.xml"), Losses())
    assert '"thresh": -0.02*volt,' in text
    assert '"naChans_condDensity": 1200*siemens/meter**2,' in text
    assert "dv/dt = (membraneProperties_totChanCurrent + iSyn) / totCap : volt" in text
    assert "hhpop.v = -0.065*volt" in text


def test_where_dimensions_do_not_fit_there_are_no_units() -> None:
    """A model that LEMS takes and Brian 2 would refuse for its dimensions is written in plain numbers."""
    text = write(model("LEMS_NML2_Ex19_GapJunctions.xml"), Losses())
    assert "no units in the equations" in text.replace("\n", " ")
    assert "/second : 1" in text


def test_conditions_become_thresholds_and_events_synapses() -> None:
    """A condition with an event is a threshold with its reset, a connection a synapse with its delay."""
    text = write(link(SimulationExperiment.from_string(SPIKING, "delays.yaml").model()), Losses())
    assert "threshold='v > thresh'" in text
    assert "reset='v = reset'" in text
    assert "on_pre='A_post += weight_post * waveformFactor" in text
    assert ".delay = " in text
    ast.parse(text)


def test_regimes_are_a_variable() -> None:
    """The active regime is a variable, by number, and what it does depends on it."""
    text = write(model("LEMS_NML2_Ex0_IaF.xml"), Losses())
    assert "regime : 1  # 0 refractory, 1 integrating" in text
    assert "threshold='regime_active == 1 and (v > thresh)'" in text


def test_a_kinetic_scheme_is_told() -> None:
    """A Markov scheme becomes rates of its occupancies, which is told by name and place."""
    losses = Losses()
    text = write(model("LEMS_NML2_Ex4_KS.xml"), losses)
    assert "_occupancy/dt = " in text
    assert any("kinetic scheme" in loss.what and loss.where.line for loss in losses)


def test_random_numbers_are_a_loss() -> None:
    """Brian 2 draws numbers of its own."""
    losses = Losses()
    text = write(model("LEMS_NML2_Ex16_Inputs.xml"), losses)
    assert "rand()" in text
    assert "random()" in [loss.what for loss in losses]
