"""The experiments that TVBO published load unchanged, render, and run alike in both engines."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tvbo_lite.backends import native
from tvbo_lite.errors import BackendError, ModelError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import read_string

FOLDER = Path(os.environ.get("TVBO_EXAMPLES", Path(__file__).parents[2] / "shared" / "tvbo_examples"))
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
NOT_RUN = ("Ex25_MultiComp", "LEMS_Export")
SLOW = ("Ex15_CaDynamics", "Ex27_MultiSynapses", "Ex21_CurrentBasedSynapses", "Ex22_PinskyRinzel")

pytestmark = pytest.mark.skipif(not FILES, reason="the published experiments are not here")

RUN = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in FILES
    if name not in NOT_RUN
]

# experiment -> the canonical example that it models as a whole; pairs of quantities
CANONICAL = {
    "Ex0_IaF": ("Ex0_IaF", {"IntegrateAndFire_pop[0]/v": ("iafTauPop[0]/v", 1e-3)}),
    "Ex9_FN": ("Ex9_FN", {f"FitzHughNagumo_pop[0]/{v}": (f"fnPop1[0]/{v}", 1.0) for v in "VW"}),
    "Ex2_Izh": ("Ex2_Izh", {f"iz{n}_pop[0]/v": (f"izpop{n}[0]/v", 1.0) for n in ("Burst", "Tonic", "Mixed")}),
    "Ex13_Instances": (
        "Ex13_Instances",
        {f"iaf_pop[{n}]/v": (f"iafCells/{n}/iaf/v", 1.0) for n in range(3)},
    ),
    "Ex14_PyNN": (
        "Ex14_PyNN",
        {
            **{
                f"{n}_pop[0]/v": (f"pop_{n}[0]/v", 1.0)
                for n in ("IF_curr_exp", "IF_cond_alpha", "EIF_cond_exp_isfa_ista", "HH_cond_exp")
            },
            **{f"silent_cell_pop[{n}]/v": (f"pop_target[{n}]/v", 1.0) for n in range(4)},
        },
    ),
    "Ex15_CaDynamics": ("Ex15_CaDynamics", {"Granule_98_pop[0]/v": ("hhpop[0]/v", 1.0)}),
    "Ex17_Tissue": ("Ex17_Tissue", {"net1/HH_Tissue_Q10_pop[0]/v": ("net1/hhpop[0]/v", 1.0)}),
    "Ex20_AnalogSynapses": (
        "Ex20_AnalogSynapses",
        {f"iaf_pop[{n}]/v": (f"iafPop{n + 1}[0]/v", 1.0) for n in range(3)},
    ),
    "Ex21_CurrentBasedSynapses": ("Ex21_CurrentBasedSynapses", {"iaf_pop[0]/v": ("iafPop[0]/v", 1.0)}),
    "Ex22_PinskyRinzel": (
        "Ex22_PinskyRinzelCA3",
        {
            f"PinskyRinzelCA3_pop[0]/{v}": (f"prApop[0]/{v}", scale)
            for v, scale in {"Vs": 1e-3, "Vd": 1e-3, "qd": 1.0}.items()
        },
    ),
    "Ex24_FractionalConductance": ("Ex24_FractionalConductance", {"hhtest_pop[0]/v": ("pop[0]/v", 1.0)}),
    "Ex27_MultiSynapses": (
        "Ex27_MultiSynapses",
        {f"iaf_pop[{n}]/v": (f"iafPop[{n}]/v", 1.0) for n in range(4)},
    ),
}


@pytest.mark.parametrize("name", [name for name in FILES if name != "LEMS_Export"])
def test_it_loads_unchanged_and_renders(name: str) -> None:
    """The rendered LEMS, read again, is the model that runs."""
    experiment = SimulationExperiment.from_file(FILES[name])
    assert read_string(experiment.render("lems")) == experiment.model()


@pytest.mark.parametrize("name", RUN)
def test_both_engines_give_the_same_numbers(name: str) -> None:
    """No value that jLEMS prints differs."""
    experiment = SimulationExperiment.from_file(FILES[name])
    ours, theirs = experiment.run().recording, experiment.run("neuroml").recording
    assert ours.quantities == theirs.quantities
    assert np.array_equal(ours.values.astype(np.float32), theirs.values.astype(np.float32))
    assert np.all(np.isfinite(ours.values))


@pytest.mark.parametrize("name", [name for name in CANONICAL if name in FILES])
def test_it_agrees_with_the_canonical_example(name: str) -> None:
    """Those that model the whole of one differ by at most 1e-6 of the range."""
    example, pairs = CANONICAL[name]
    ours = SimulationExperiment.from_file(FILES[name]).run().recording
    theirs = native.run_file(f"LEMS_NML2_{example}.xml")
    for mine, (its, scale) in pairs.items():
        wanted = theirs.trace(its)
        difference = np.abs(ours.trace(mine)[: len(wanted)] * scale - wanted)
        assert np.max(difference) <= 1e-6 * np.ptp(wanted), mine


@pytest.mark.skipif("Ex12_Net2" not in FILES, reason="the published experiments are not here")
def test_delayed_spikes_arrive_as_in_the_canonical_example() -> None:
    """In Ex12 spikes without delay arrive a step later: there the sources stand before the cells."""
    ours = SimulationExperiment.from_file(FILES["Ex12_Net2"]).run().recording
    theirs = native.run_file("LEMS_NML2_Ex12_Net2.xml")
    for cell in range(9):
        mine, wanted = ours.trace(f"iaf1_pop[{cell}]/v"), theirs.trace(f"iafPop[{cell}]/v")
        bar = 1e-6 if cell % 3 else 5e-3
        assert np.max(np.abs(mine - wanted)) <= bar * np.ptp(wanted), cell


@pytest.mark.skipif("Ex25_MultiComp" not in FILES, reason="the published experiments are not here")
def test_multi_compartment_cells_are_refused_when_they_run() -> None:
    """By the built-in engine with the cell's line, by jLEMS in its own words."""
    experiment = SimulationExperiment.from_file(FILES["Ex25_MultiComp"])
    with pytest.raises(UnsupportedError, match="'MultiCompCell' has 4 segments; multi-compartment"):
        experiment.run()
    with pytest.raises(BackendError, match="multicompartmental cell"):
        experiment.run("neuroml")


@pytest.mark.skipif("LEMS_Export" not in FILES, reason="the published experiments are not here")
def test_a_name_alone_is_no_model() -> None:
    """It says neither what happens nor for how long; both are reported."""
    experiment = SimulationExperiment.from_file(FILES["LEMS_Export"])
    with pytest.raises(ModelError) as caught:
        experiment.render("lems")
    assert "nothing says how long to simulate" in str(caught.value)
    assert "JansenRit: neither a type nor equations are given" in str(caught.value)
