"""What the tests of written scripts share: models, short runs of them, and the comparison of traces."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tvbo_lite.backends import native
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import link, read_file

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model
    from tvbo_lite.lems.recording import Recording

EXAMPLES = Path(__file__).parents[1] / "reference_examples"
SHARED = Path(__file__).parents[2] / "shared"

RATES = """\
label: two coupled rate nodes
dynamics:
  name: wc
  parameters: {a: 1.2, tau: {value: 10, unit: ms}}
  coupling_inputs: {c: {}}
  derived_variables:
    drive: {equation: "Piecewise((0.5, a*E > 0.3), (c, True))"}
  state_variables:
    E: {equation: "(-E + tanh(a*E + c + drive - A))/tau", initial_value: 0.1}
    A: {equation: "(E - A)/(5*tau)", initial_value: 0.2}
network:
  nodes: [{id: 0, dynamics: wc}, {id: 1, dynamics: wc}]
  edges:
    - {source: 0, target: 1, source_var: E, target_var: c, weight: 0.8}
    - {source: 1, target: 0, source_var: E, target_var: c, weight: -0.3}
integration: {method: euler, step_size: 0.1, duration: 60, time_scale: ms}
"""

SPIKING = """\
label: a network with delays
network:
  dynamics:
    drive: {iri: neuroml:spikeGenerator, parameters: {period: 4.3 ms}}
    fast: {iri: neuroml:iafCell, parameters: {leakReversal: -60 mV, thresh: -58 mV, reset: -65 mV, C: 10 pF, leakConductance: 0.5 nS}}
    syn: {iri: neuroml:expTwoSynapse, parameters: {gbase: 1 nS, erev: 0 mV, tauRise: 0.3 ms, tauDecay: 2 ms}}
  nodes: [{id: 0, dynamics: drive}, {id: 1, dynamics: fast}, {id: 2, dynamics: fast}]
  edges:
    - {source: 0, target: 1, coupling: syn}
    - {source: 1, target: 2, coupling: syn, parameters: {weight: 0.7, delay: 1.012 ms}}
    - {source: 2, target: 1, coupling: syn, parameters: {weight: 0.2, delay: 0.507 ms}}
integration: {step_size: 0.005, duration: 30, time_scale: ms}
"""  # noqa: E501  a cell on a line

OWN = {"two coupled rates": RATES, "delays": SPIKING}


def model(name: str, length: str | None = None) -> Model:
    """A linked model: one of `OWN`, a reference example, a canonical LEMS file, or a file of ../shared."""
    if name in OWN:
        found = link(SimulationExperiment.from_string(OWN[name], f"{name}.yaml").model())
    elif name.endswith(".xml"):
        found = read_file(name, ())
    else:
        path = (
            SHARED / "tvbo_examples" / name if name.endswith(".yaml") else EXAMPLES / name / "experiment.yaml"
        )
        if not path.exists():
            pytest.skip(f"{path.name} is not here")
        found = link(SimulationExperiment.from_file(path).model())
    return shorter(found, length)


def shorter(found: Model, length: str | None) -> Model:
    """The model with a simulation of another length, such as ``20 ms``."""
    if length is None:
        return found
    components = tuple(
        replace(one, attributes={**one.attributes, "length": length}) if one.id == found.target else one
        for one in found.components
    )
    return replace(found, components=components)


def native_run(found: Model) -> Recording:
    """What the built-in engine makes of it."""
    return native.run_linked(found)


def run_main(python: str, script: str, folder: Path, *flags: str) -> dict[str, np.ndarray]:
    """The traces that ``main()`` of a script returns, run by an interpreter of its own."""
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    code = "import runpy, numpy as np; np.savez('traces.npz', **runpy.run_path('script.py')['main']())"
    run([python, *flags, "-c", code], folder)
    with np.load(folder / "traces.npz") as traces:
        return dict(traces)


def run(command: list[str], folder: Path) -> str:
    """What a program prints; the test fails with its errors where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def differences(recording: Recording, traces: dict[str, np.ndarray]) -> dict[str, float]:
    """For each recorded quantity, the largest difference as a part of its range; rows that both have."""
    found = {}
    for quantity in recording.quantities:
        ours = recording.trace(quantity)
        theirs = traces[quantity].ravel()
        count = min(len(ours), len(theirs))
        assert count >= len(ours) - 1
        found[quantity] = float(np.abs(ours[:count] - theirs[:count]).max() / (np.ptp(ours) or 1.0))
    return found


def interpreter(variable: str, module: str) -> str:
    """The Python of an environment that has ``module``, named by an environment variable; else skips."""
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} does not name a Python that has {module}")
    return python
