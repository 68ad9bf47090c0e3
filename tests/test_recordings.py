"""Recordings and times in YAML: output files, event files, displays, the simulation and its report."""

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import InputError, SchemaError
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.lems.model import Component, Model

NETWORK = """\
network:
  dynamics:
    cell:
      iri: neuroml:iafCell
      parameters: {leakReversal: -50mV, thresh: -55mV, reset: -70mV, C: 3.2pF, leakConductance: 0.2nS}
  populations: {pop: {dynamics: cell, size: 2}}
"""
RUN = """\
integration:
  {name: sim1, step_size: 0.05ms, duration: 100 ms, report: report.txt, parameters: {seed: 7}}
"""
RECORDINGS = """\
recordings:
  files:
    of0: {file: v.dat, folder: results, columns: {v0: "pop[0]/v", "cell 1: v": {quantity: "pop[1]/v"}}}
  events:
    spikes:
      file: results/a.spikes
      format: TIME_ID
      events: {0: "pop[0]", 7: {select: "pop[1]", port: spike}}
  displays:
    d0:
      title: Two cells
      time_scale: 1ms
      xmin: 0
      xmax: 100
      ymin: -75.5
      ymax: "-50.0"
      lines:
        first: {quantity: "pop[0]/v", scale: 1mV, color: "#ff0000", time_scale: 1s}
        second: {quantity: "pop[1]/v", scale: 1 mV, anonymous: true}
        third: "pop[1]/v"
  components:
    Meta: {parameters: {for: neuron, method: cvode}}
"""
XML = """\
<Simulation id="sim1" length="100 ms" step="0.05ms" target="net1" seed="7">
<Display id="d0" title="Two cells" timeScale="1ms" xmin="0" xmax="100" ymin="-75.5" ymax="-50.0">
<Line id="first" quantity="pop[0]/v" scale="1mV" color="#ff0000" timeScale="1s"/>
<Line quantity="pop[1]/v" scale="1 mV" timeScale="1ms"/>
<Line id="third" quantity="pop[1]/v" scale="1" timeScale="1ms"/></Display>
<OutputFile id="of0" path="results" fileName="v.dat"><OutputColumn id="v0" quantity="pop[0]/v"/>
<OutputColumn id="cell 1: v" quantity="pop[1]/v"/></OutputFile>
<EventOutputFile id="spikes" fileName="results/a.spikes" format="TIME_ID">
<EventSelection id="0" select="pop[0]" eventPort="spike"/>
<EventSelection id="7" select="pop[1]" eventPort="spike"/></EventOutputFile>
<Meta for="neuron" method="cvode"/></Simulation>"""


def model(text: str = RECORDINGS, run: str = RUN) -> Model:
    return SimulationExperiment.from_string(NETWORK + text + run, "e.yaml").model()


def simulation(found: Model) -> Component:
    return next(item for item in found.components if item.tag == "Simulation")


def test_recordings_are_their_elements() -> None:
    """Ids, paths, scales and limits stand in the document as they are written, so do times."""
    found = model()
    assert simulation(found) == read_string(f"<Lems>{XML}</Lems>").components[0]
    assert (found.target, found.report_file) == ("sim1", "report.txt")


def test_a_run_has_what_the_recordings_ask_for() -> None:
    """Quantities and events are recorded under the ids of the document; the two cells agree."""
    recording = SimulationExperiment.from_string(NETWORK + RECORDINGS + RUN).run().recording
    assert recording is not None
    assert recording.quantities == ("pop[0]/v", "pop[1]/v")
    times, ids = recording.events["spikes"]
    assert set(ids) == {"0", "7"}
    assert len(times) > 4
    assert np.array_equal(recording.trace("pop[0]/v"), recording.trace("pop[1]/v"))


def test_empty_recordings_record_nothing() -> None:
    """``recordings`` takes the place of the traces that are kept without it."""
    assert simulation(model("recordings: {}\n")).children == ()
    assert [item.tag for item in simulation(model("")).children] == ["OutputFile"]


def test_a_quantity_without_a_network_is_not_needed() -> None:
    """Nodes and edges take recordings too."""
    text = NETWORK.replace(
        "populations: {pop: {dynamics: cell, size: 2}}", "nodes: [{id: 0, dynamics: cell}]"
    )
    text += 'recordings: {files: {of: {file: v.dat, columns: {v: "cell_pop[0]/v"}}}}\n'
    data = SimulationExperiment.from_string(text + RUN).run().integration.data
    assert list(data.quantity.values) == ["cell_pop[0]/v"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("columns:", "colums:", "did you mean 'columns'?"),
        ("file: v.dat, ", "", "'file' is missing"),
        ("duration: 100 ms", "duration: 100 mV", "a number above 0, or a time such as"),
        ("duration: 100 ms", "duration: 100.01 ms", "100.01 ms is 2000.2 times the step size 0.05ms"),
        ("duration: 100 ms", "duration: -1 ms", "a number above 0"),
        ("duration: 100 ms", "duration: 1e999 ms", "a number above 0"),
    ],
)
def test_wrong_keys_and_times_are_refused_by_the_schema(old: str, new: str, message: str) -> None:
    """The mistake is told with its line before anything is lowered."""
    with pytest.raises(SchemaError) as caught:
        SimulationExperiment.from_string((NETWORK + RECORDINGS + RUN).replace(old, new, 1))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ymin: -75.5", "ymin: -75 mV", "recordings.displays.d0.ymin: d0: ymin: '-75 mV' is voltage"),
        ("      ymin: -75.5\n", "", "d0: Display needs 'ymin'"),
        ("time_scale: 1s", "time_scale: 1 sec", "unknown unit 'sec'"),
        ("method: cvode", "methode: cvode", "did you mean 'method'?"),
    ],
)
def test_wrong_recordings_are_told_with_their_place(old: str, new: str, message: str) -> None:
    """What LEMS would refuse is told with the line of the YAML text."""
    with pytest.raises(InputError) as caught:
        model(RECORDINGS.replace(old, new, 1))
    assert message in str(caught.value)
    assert all(problem.location.line for problem in caught.value.problems)


def test_times_may_be_in_any_unit() -> None:
    """A number is in ``time_scale``; a text has its unit; the two may stand side by side."""
    run = "integration: {step_size: 50 us, duration: 0.1, time_scale: s}\n"
    found = simulation(model("", run)).attributes
    assert (found["step"], found["length"]) == ("50 us", "0.1s")
    recording = SimulationExperiment.from_string(NETWORK + run).run().recording
    assert recording is not None
    assert len(recording.time) == 2001
