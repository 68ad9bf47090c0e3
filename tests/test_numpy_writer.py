"""Scripts for numpy: they give what the built-in engine gives, and they are what a person would read."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from scripts import OWN, RATES, differences, model, native_run, run, run_main
from test_couplings import ALL as COUPLED

from tvbo_lite.errors import ModelError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.formats.numpy.writer import write
from tvbo_lite.losses import Losses

AGREEMENT = 1e-9  # of a trace's range
RUNS = {
    "izhikevich": "60 ms",
    "LEMS_NML2_Ex2_Izh.xml": "40 ms",
    "LEMS_NML2_Ex0_IaF.xml": "50 ms",
    "LEMS_NML2_Ex3_Net.xml": "20 ms",
    "LEMS_NML2_Ex4_KS.xml": "20 ms",
    "LEMS_NML2_Ex5_DetCell.xml": "112 ms",
    "LEMS_NML2_Ex7_STP.xml": "60 ms",
    "LEMS_NML2_Ex8_AdEx.xml": "30 ms",
    "LEMS_NML2_Ex9_FN.xml": "40 s",
    "LEMS_NML2_Ex12_Net2.xml": "70 ms",
    "LEMS_NML2_Ex13_Instances.xml": "40 ms",
    "LEMS_NML2_Ex15_CaDynamics.xml": "3 ms",
    "LEMS_NML2_Ex18_GHK.xml": "2 ms",
    "LEMS_NML2_Ex19_GapJunctions.xml": "30 ms",
    "LEMS_NML2_Ex20_AnalogSynapses.xml": "30 ms",
    "LEMS_NML2_Ex22_PinskyRinzelCA3.xml": "10 ms",
    "Ex9_FN.yaml": "40 s",
    "Ex12_Net2.yaml": "70 ms",
    **dict.fromkeys(OWN),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_script_gives_what_the_engine_gives(name: str, tmp_path: Path) -> None:
    """Run by a Python that sees numpy alone, the script's traces are those of the native run."""
    found = model(name, RUNS[name])
    losses = Losses()
    traces = run_main(sys.executable, write(found, losses), tmp_path, "-W", "error")
    recording = native_run(found)
    worst = differences(recording, traces)
    assert {quantity: value for quantity, value in worst.items() if not value <= AGREEMENT} == {}
    np.testing.assert_array_equal(traces["t"], recording.time)
    assert len(losses) == 0


@pytest.mark.parametrize("name", ["rates", "units", "relay", "mixed"])
def test_couplings_by_equations_are_scripts(name: str, tmp_path: Path) -> None:
    """Nodes with values of their own, terms that read states and what is worked out: nothing is lost."""
    found, losses = link(SimulationExperiment.from_string(COUPLED[name]).model()), Losses()
    traces = run_main(sys.executable, write(found, losses), tmp_path, "-W", "error")
    assert max(differences(native_run(found), traces).values()) <= AGREEMENT
    assert len(losses) == 0


def test_coupled_nodes_stay_one_class(tmp_path: Path) -> None:
    """A network of many nodes with values of their own is as short a script as one of few."""
    nodes = ", ".join(f"{{id: {k}, dynamics: wc, parameters: {{a: {1 + k / 40}}}}}" for k in range(24))
    pairs = [(k, (5 * k + 3) % 24) for k in range(24)] + [(k, (7 * k + 1) % 24) for k in range(24)]
    edges = ", ".join(
        f"{{source: {i}, target: {j}, weight: {(i - j) / 60}, source_var: E}}" for i, j in pairs
    )
    data = yaml.safe_load(RATES)
    data["network"] = yaml.safe_load(f"{{nodes: [{nodes}], edges: [{edges}]}}")
    data["network"]["dynamics"] = {"wc": data.pop("dynamics")}
    found, losses = link(SimulationExperiment.from_string(yaml.safe_dump(data)).model()), Losses()
    text = write(found, losses)
    assert text.count("\nclass ") < 10
    traces = run_main(sys.executable, text, tmp_path, "-W", "error")
    assert max(differences(native_run(found), traces).values()) <= AGREEMENT
    assert len(losses) == 0


def test_spikes_are_those_of_the_engine(tmp_path: Path) -> None:
    """Recorded events come by file and selection, at the same times."""
    found = model("LEMS_NML2_Ex12_Net2.xml", "70 ms")
    traces = run_main(sys.executable, write(found, Losses()), tmp_path)
    for file, (times, names) in native_run(found).events.items():
        for name in set(names):
            theirs = times[[one == name for one in names]]
            np.testing.assert_allclose(traces[f"{file}/{name}"], theirs, rtol=0, atol=1e-12)


def test_the_script_needs_numpy_alone() -> None:
    """It imports nothing but numpy and the standard library."""
    tree = ast.parse(write(model("LEMS_NML2_Ex12_Net2.xml"), Losses()))
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"numpy", "sys", "pathlib", "matplotlib.pyplot", "matplotlib"}


def test_as_a_program_it_writes_the_models_files(tmp_path: Path) -> None:
    """Each output file has the time and its columns, in SI units, and a row for each step."""
    found = model("Ex9_FN.yaml", "2 s")
    (tmp_path / "script.py").write_text(write(found, Losses()))
    run([sys.executable, "script.py"], tmp_path)
    recording = native_run(found)
    for file in recording.plan.files:
        table = np.loadtxt(tmp_path / file.path)
        np.testing.assert_allclose(table, recording.table(file), rtol=1e-12, atol=1e-15)


def test_it_reads_like_the_model() -> None:
    """Parameters stand with their units, equations with readable names, and nothing unread is there."""
    text = write(model("izhikevich"), Losses())
    assert "    thresh = 0.03  # V\n" in text
    assert "class IzBurst(Group):" in text
    assert '        "v": -0.07,  # V\n' in text
    assert "        U[fired] += self.d\n" in text
    assert "iSyn" not in text
    assert max(map(len, text.splitlines())) <= 110


def test_equal_groups_share_a_class() -> None:
    """Populations of the same component have one class."""
    text = write(model("LEMS_NML2_Ex1_HH.xml"), Losses())
    assert text.count("(Group):") == 2  # the cell, the input


def test_random_numbers_are_a_loss() -> None:
    """The script draws numbers of its own and says so."""
    losses = Losses()
    text = write(model("LEMS_NML2_Ex16_Inputs.xml"), losses)
    assert "RANDOM = np.random.default_rng(" in text
    assert [loss.what for loss in losses] == ["random()"]


def test_nothing_to_run_is_an_error() -> None:
    """A model without simulation has no script."""
    from tvbo_lite.formats.lems.reader import read_string

    with pytest.raises(ModelError, match="no target"):
        write(read_string("<Lems></Lems>", "empty.xml"), Losses())


def test_an_experiment_renders_as_numpy(tmp_path: Path) -> None:
    """``exp.render("numpy")`` is the script of what ``exp.run()`` runs."""
    exp = SimulationExperiment.from_string(OWN["two coupled rates"], "rates.yaml")
    script = exp.render("numpy", losses=Losses())
    assert isinstance(script, str)
    traces = run_main(sys.executable, script, tmp_path)
    recording = exp.run().recording
    assert recording is not None
    assert max(differences(recording, traces).values()) <= AGREEMENT


def test_names_of_the_model_win() -> None:
    """A gate called ``n`` and a variable called ``dv`` keep their names, and nothing takes their place."""
    text = SimulationExperiment.from_string(
        """
dynamics:
  name: cell
  state_variables:
    v: {equation: dv - n, initial_value: 1}
    n: {equation: v - n, initial_value: 0}
  derived_variables: {dv: {equation: 2*v + n, record: true}}
integration: {step_size: 0.1, duration: 1}
""",
        "names.yaml",
    ).render("numpy", losses=Losses())
    assert isinstance(text, str)
    assert "rate_of_v = (dv - n)" in text
    assert '"n": 0,' in text
