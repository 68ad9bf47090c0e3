"""Runs that stop and go on: to the last bit, and from a state that fits."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.backends.session import Rows, Session, Stop, record
from tvbo_lite.compiler import ir
from tvbo_lite.compiler.memorable import WRITES
from tvbo_lite.errors import ReadError, UnsupportedError
from tvbo_lite.formats.lems.reader import link, read_file
from tvbo_lite.lems.state import State

NETWORK = """
network:
  dynamics:
    cell:
      parameters:
        a: 0.02
        d: {distribution: {name: Uniform, domain: {lo: 6, hi: 8}, seed: 1}}
        drive: 8
      coupling_inputs: {pulses: {}}
      derived_variables: {I: {equation: drive + 3*xi + pulses}}
      state_variables:
        v: {equation: 0.04*v**2 + 5*v + 140 - u + I, initial_value: -65}
        u: {equation: a*(0.2*v - u), initial_value: -13}
        xi: {initial_value: 0, noise: {seed: 2}}
      events:
        spike: {condition: v >= 30, affect: v = -65; u = u + d}
  populations:
    E: {dynamics: cell, size: 12, record: [v, xi, spikes]}
  projections:
    EE:
      source: E
      target: E
      rule:
        type: fixed_probability
        probability: 0.5
        seed: 7
        delay: {distribution: {name: Uniform, domain: {lo: 1, hi: 8}, seed: 3}, unit: ms}
        weight: 2
integration: {step_size: 0.25, duration: 100, time_scale: ms}
"""
NOISE = """
dynamics:
  name: walk
  parameters: {tau: 5}
  state_variables: {x: {equation: -x/tau, initial_value: 1, noise: {seed: 4, parameters: {sigma: 0.3}}}}
integration: {step_size: 0.1, duration: 20, method: METHOD}
"""


def cut(model, method="euler", parts=(60, 1, 139)):
    """Rows and events of one run, and of one that goes on from saved states, with new code each time."""
    model = native.with_solver(model, {"method": method} if method != "euler" else {})
    program = native.prepare(model)[1]
    whole = Session(program, native.compile_program(program), method=method)
    expected = whole.advance(sum(parts))
    whole.close()
    state, runs, waiting = None, [], 0
    for count in parts:
        program = native.prepare(model)[1]
        session = Session(program, native.compile_program(program), state, method=method)
        runs.append(session.advance(count))
        state = session.state()
        waiting += len(state.due)
        session.close()
    rows = np.concatenate([run.rows for run in runs])
    events = np.concatenate([run.events for run in runs])
    assert rows.tobytes() == expected.rows.tobytes()
    assert events.tobytes() == expected.events.tobytes()
    return expected, state, waiting


@pytest.mark.parametrize("method", ["euler", "euler_maruyama"])
def test_a_network_goes_on_to_the_bit(method):
    """Spikes on their way, resets, drawn numbers and recorded events included."""
    model = link(SimulationExperiment.from_string(NETWORK).model())
    run, _, waiting = cut(model, method, (40, 1, *[20] * 13))
    assert len(run.events) > 20
    assert waiting > 10


@pytest.mark.parametrize("method", ["euler_maruyama", "stochastic_heun"])
def test_noise_goes_on_to_the_bit(method):
    """The numbers drawn are those of the step, wherever the run was cut."""
    cut(link(SimulationExperiment.from_string(NOISE.replace("METHOD", method)).model()), method)


@pytest.mark.parametrize("method", ["euler", "heun", "midpoint", "rk4"])
@pytest.mark.parametrize("name", ["Ex2_Izh", "Ex3_Net"])
def test_methods_go_on_to_the_bit(name, method):
    """Whatever a method keeps from step to step."""
    cut(read_file(f"LEMS_NML2_{name}.xml"), method)


@pytest.mark.parametrize("name", ["Ex7_STP", "Ex11_STDP", "Ex15_CaDynamics", "Ex18_GHK", "Ex23_Spiketimes"])
def test_examples_go_on_to_the_bit(name):
    """Synapses with memory, kinetics, and the generator of random numbers."""
    cut(read_file(f"LEMS_NML2_{name}.xml"))


def test_random_spike_sources_go_on_to_the_bit():
    """The generator of LEMS's random numbers goes on where it was."""
    text = """
network:
  dynamics:
    input: {iri: neuroml:spikeGeneratorPoisson, parameters: {averageRate: 800 Hz}}
  populations: {E: {dynamics: input, size: 5, record: [spikes]}}
integration: {step_size: 0.1, duration: 20}
"""
    run, *_ = cut(link(SimulationExperiment.from_string(text).model()))
    assert len(run.events) > 20


def test_a_state_is_the_same_from_a_file(tmp_path):
    """Every field, bit by bit."""
    _, state, _ = cut(link(SimulationExperiment.from_string(NETWORK).model()))
    loaded = State.load(state.save(tmp_path / "folder" / "a.state"))
    for item in fields(State):
        mine, theirs = getattr(state, item.name), getattr(loaded, item.name)
        assert mine.tobytes() == theirs.tobytes() if isinstance(mine, np.ndarray) else mine == theirs
    assert repr(loaded) == repr(state)


def start(text, state=None, **solver):
    model = native.with_solver(link(SimulationExperiment.from_string(text).model()), solver)
    program = native.prepare(model)[1]
    kernel = native.compile_program(program)
    return Session(program, kernel, state, method=model.beyond.solver.method)


def test_parameters_may_be_others():
    """What is remembered goes on; values that only the model gives, and what follows from them, are new."""
    session = start(NETWORK)
    session.advance(50)
    other = start(NETWORK.replace("drive: 8", "drive: 0").replace("hi: 8}, seed: 1", "hi: 9}, seed: 1"))
    gone_on = start(NETWORK.replace("drive: 8", "drive: 0").replace("hi: 8}, seed: 1", "hi: 9}, seed: 1"),
                    session.state())  # fmt: skip
    assert np.array_equal(gone_on.row(), session.row())
    assert not np.array_equal(gone_on.advance(20).rows, session.advance(20).rows)
    cells = [cell for cell in gone_on.program.cells if cell.name == "d"]
    assert cells
    for cell in cells:
        here = slice(cell.offset, cell.offset + cell.size)
        assert np.array_equal(gone_on.memory[here], other.memory[here])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size: 12", "size: 13", r"the state has 12 variables like '.*E/0/v', the model has 13"),
        ("xi", "zeta", r"the state has 12 variables like '.*/xi', the model has none"),
        ("step_size: 0.25", "step_size: 0.5", "results every 0.00025 s, the run every 0.0005 s"),
        ("seed: 7", "seed: 8", "the connections with delays are others than those of the state"),
    ],
)
def test_a_state_of_another_model_is_refused(old, new, message):
    """The message says what differs."""
    session = start(NETWORK)
    session.advance(10)
    with pytest.raises(UnsupportedError, match=f"(?s)cannot go on from this state.*{message}"):
        start(NETWORK.replace(old, new), session.state())


def test_another_method_is_refused():
    """By its name."""
    text = NOISE.replace(", noise: {seed: 4, parameters: {sigma: 0.3}}", "").replace("METHOD", "heun")
    session = start(text)
    with pytest.raises(UnsupportedError, match="the state is of the method 'heun', the run of 'rk4'"):
        start(text.replace("heun", "rk4"), session.state())


def test_methods_that_choose_their_steps_have_no_state():
    """Their last step ends with the run, so that a longer run would not be the same."""
    text = NOISE.replace(", noise: {seed: 4, parameters: {sigma: 0.3}}", "").replace("METHOD", "dopri5")
    with pytest.raises(UnsupportedError, match="the method 'dopri5' chooses its steps"):
        start(text).state()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file", b"some text"])
def test_a_file_that_is_no_state_is_refused(tmp_path, content):
    """With its name."""
    path = tmp_path / "a.state"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReadError, match=r"a\.state: (there is no such file|the file holds no state)"):
        State.load(path)


def test_a_state_of_another_version_is_refused(tmp_path, monkeypatch):
    """Rather than be misread."""
    _, state, _ = cut(read_file("LEMS_NML2_Ex2_Izh.xml"), parts=(3,))
    path = state.save(tmp_path / "a.state")
    monkeypatch.setattr("tvbo_lite.lems.state.VERSION", 99)
    with pytest.raises(ReadError, match=r"another version of tvbo_lite \(1\)"):
        State.load(path)


def test_it_is_known_what_every_statement_writes():
    """A new kind of statement needs a row in the table, or its memory would be forgotten."""
    assert set(WRITES) == set(get_args(ir.Statement))


def test_a_run_stops_after_the_part_in_which_that_is_asked_for():
    """Its rows are whole, and it can go on."""
    session, stop = start(NETWORK), Stop()
    sink = Rows(400, session.width)
    record(session, 400, sink, lambda done, _: setattr(stop, "wanted", done > 10), stop)
    first = sink.run()
    assert 10 < len(first.rows) == session.done < 400
    rest = session.advance(400 - len(first.rows))
    whole = start(NETWORK).advance(400)
    assert np.concatenate([first.rows, rest.rows]).tobytes() == whole.rows.tobytes()
    assert len(first.events) + len(rest.events) == len(whole.events)


def test_a_state_does_not_change_with_the_run_that_gave_it():
    """It is a copy."""
    session = start(NETWORK)
    session.advance(50)
    state = session.state()
    before = replace(state, values=state.values.copy(), due=state.due.copy())
    session.advance(50)
    assert np.array_equal(state.values, before.values)
    assert np.array_equal(state.due, before.due)
