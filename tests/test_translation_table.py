"""The table "What they lose" of the page on scripts: each row is tried on a model that has the thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.losses import Losses
from tvbo_lite.resources import folder

PAGE = Path(__file__).parents[1] / "docs" / "translation.md"
FORMATS = ("numpy", "brian2", "pyrates")

DELAYED = """
dynamics: {name: node, state_variables: {x: {equation: -c, initial_value: 1}}, coupling_inputs: [c]}
network: {number_of_nodes: 2, edges: [{source: 0, target: 1, delay: 1}, {source: 1, target: 0, delay: 1}]}
integration: {step_size: 0.1, duration: 4}
"""
COUPLED = DELAYED.replace(", delay: 1", "")
SIMULTANEOUS = """
component_types:
  decay:
    extends: baseCell
    simultaneous: true
    parameters: {tau: time}
    exposures: {x: none}
    state_variables: {x: {dimension: none, exposure: x, equation: (1 - x)/tau}}
network:
  name: net
  dynamics: {cell: {iri: decay, parameters: {tau: 5 ms}}}
  populations: {p: {dynamics: cell, size: 1}}
integration: {step_size: 0.1 ms, duration: 5 ms}
recordings: {files: {f: {file: x.dat, columns: {x: "p[0]/x"}}}}
"""
RANDOM = SIMULTANEOUS.replace("simultaneous: true", "simultaneous: false").replace(
    "(1 - x)", "(random(1) - x)"
)
DERIVED = """
dynamics:
  name: node
  state_variables: {x: {equation: -x, initial_value: 1}}
  derived_variables: {y: {equation: 2*x, record: true}}
integration: {step_size: 0.1, duration: 4}
"""
NOISY = """
dynamics:
  name: node
  state_variables: {x: {equation: -x, initial_value: 1, noise: {parameters: {sigma: 0.1}}}}
integration: {step_size: 0.1, duration: 4}
"""

# row of the table: a model, or a reference example; words of the loss; the formats that tell it
ROWS = {
    "events, thresholds, resets, spikes": ("ex2_izh", "PyRates has no events", {"pyrates"}),
    "regimes": ("ex8_adex", "PyRates has no regimes", {"pyrates"}),
    "delays of couplings": (DELAYED, "delays", {"brian2", "pyrates"}),
    "random numbers": (RANDOM, "random numbers", {"numpy", "brian2", "pyrates"}),
    "kinetic schemes (Markov channels)": ("ex4_ks", "occupancies", {"brian2", "pyrates"}),
    "simultaneous dynamics (Runge-Kutta)": (SIMULTANEOUS, "simultaneous dynamics", set(FORMATS)),
    "gap junctions, graded synapses, couplings": (COUPLED, "", set()),
    "recording of derived variables": (DERIVED, "records states only", {"pyrates"}),
    "noise, adaptive methods, sampled input of the built-in engine": (NOISY, "white noise", set(FORMATS)),
}
ELSEWHERE = {"delays of events"}  # with a loss of the last step in Brian 2, which the page tells apart


def table() -> dict[str, dict[str, str]]:
    """The cells of each row by format."""
    text = PAGE.read_text(encoding="utf-8").partition("## What they lose")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*$", text, re.M)
    ]
    return {row[0]: dict(zip(FORMATS, row[1:], strict=True)) for row in rows[2:]}


def reasons(what: str, to: str) -> str:
    path = folder("reference_examples") / what / "experiment.yaml"
    text = what if "\n" in what else path.read_text(encoding="utf-8")
    losses = Losses()
    SimulationExperiment.from_string(text).render(to, losses=losses)
    return "\n".join(loss.reason for loss in losses)


def test_every_row_is_tried() -> None:
    """A row that is added to the page needs a model here."""
    assert {*ROWS, *ELSEWHERE} == table().keys()


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_the_writer_tells(row: str, to: str) -> None:
    """Where the page says yes, nothing is lost; elsewhere the loss is told."""
    what, words, told_by = ROWS[row]
    found = reasons(what, to)
    if to in told_by:
        assert words in found
        assert table()[row][to] != "yes"
    elif words:
        assert words not in found
    else:
        assert found == ""
        assert table()[row][to] == "yes"
