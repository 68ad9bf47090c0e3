"""Threads share the work of a run, and not a bit of its results changes."""

import threading
import time

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native, session
from tvbo_lite.cli import cli
from tvbo_lite.compiler import delivery, divided_code, ir, llvm, split
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.compiler.team import Team
from tvbo_lite.errors import BackendError, ModelError, SimulationError
from tvbo_lite.formats.lems import reader

NETWORK = """
network:
  dynamics:
    cell:
      parameters:
        k: {{distribution: {{name: Uniform, domain: {{lo: 0.9, hi: 1.1}}, seed: 3}}}}
      coupling_inputs: {{pulses: {{}}}}
      state_variables:
        v: {{equation: k*(0.3 - v) + pulses + xi, initial_value: 0.1}}
        g: {{equation: (tanh(v) - g)/5, initial_value: 0.2}}
        xi: {{initial_value: 0, noise: {{seed: 2}}, record: false}}
      events: {{spike: {{condition: v > 1.5, affect: v = 0; g = g + 0.1}}}}
  populations:
    A: {{dynamics: cell, size: {first}, record: [v, g, spikes]}}
    B: {{dynamics: cell, size: {second}, record: [g, spikes]}}
  projections:
    AA: {{source: A, target: A, rule: {{type: fixed_probability, probability: 0.3, seed: 4, delay: {delay},
      weight: {{distribution: {{name: Uniform, domain: {{lo: 0, hi: 0.1}}}}}}}}}}
    AB: {{source: A, target: B, rule: {{type: all_to_all, delay: 1 ms, weight: 0.01}}}}
    BA: {{source: B, target: A, rule: {{type: fixed_in_degree, degree: {degree}, seed: 5, delay: {delay},
      weight: {{distribution: {{name: Uniform, domain: {{lo: -0.1, hi: 0}}}}}}}}}}
integration: {{step_size: 0.5, duration: 30, time_scale: ms{method}}}
"""
DRAWN = "{distribution: {name: Uniform, domain: {lo: 0.5, hi: 3}}, unit: ms}"


def network(first=150, second=37, delay="1 ms", degree=20, method=""):
    return NETWORK.format(first=first, second=second, delay=delay, degree=degree, method=method)


def divide_all(monkeypatch):
    """Whatever can be divided is, however short it is."""
    monkeypatch.setattr(split, "WORTH", 0)
    monkeypatch.setattr(divided_code, "WORTH", 0)
    monkeypatch.setattr(delivery, "EVENTS", 0)


@pytest.fixture
def eager(monkeypatch):
    """The same for a whole test."""
    divide_all(monkeypatch)


def compiled(text, *, fast=False, threads=2):
    model = SimulationExperiment.from_string(text).model()
    plan, program = native.prepare(reader.link(model))
    return plan, program, native.compile_program(program, fast=fast, threads=threads)


def same_for_all(text, *, fast=False, numbers=(1, 2, 3, 4)):
    """The run with code for one thread, after it has been compared with those of code for several."""
    plan, program, alone = compiled(text, fast=fast, threads=1)
    kernel = native.compile_program(program, fast=fast, threads=2)
    runs = [native.simulate(program, alone, plan.n_steps)]
    runs += [native.simulate(program, kernel, plan.n_steps, threads=number) for number in numbers]
    for run in runs[1:]:
        assert run.rows.tobytes() == runs[0].rows.tobytes()
        assert run.events.tobytes() == runs[0].events.tobytes()
    return runs[0]


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("delay", ["1 ms", DRAWN])
def test_no_bit_depends_on_the_number_of_threads(eager, delay, fast):
    """Noise, several populations, delays of one or of many lengths, strict and fast code."""
    run = same_for_all(network(delay=delay), fast=fast)
    assert len(run.events) > 100


@pytest.mark.parametrize("method", [", method: rk4", ", method: heun", ", method: dopri5"])
def test_methods_are_divided_too(eager, method):
    """Loops over all states of an integration method, and its rates, can be shared."""
    text = network(method=method).replace("noise: {seed: 2}, ", "").replace("+ xi", "+ 0.9 + xi")
    same_for_all(text.replace("xi: {initial_value: 0,", "xi: {equation: -xi, initial_value: 0.1,"))


def test_stochastic_methods_are_divided_too(eager):
    """The increments of a Wiener process are drawn by several threads."""
    text = network(method=", method: heun").replace(
        "xi: {initial_value: 0, noise: {seed: 2}", "xi: {equation: -xi, noise: {seed: 2, intensity: 0.1}"
    )
    same_for_all(text)


@settings(max_examples=12, deadline=None)
@given(first=st.integers(1, 300), second=st.integers(2, 140), degree=st.integers(0, 2), delays=st.booleans())
def test_any_sizes(first, second, degree, delays):
    """Odd sizes, sizes below the number of threads, empty rows."""
    with pytest.MonkeyPatch.context() as patch:
        divide_all(patch)
        same_for_all(network(first, second, DRAWN if delays else "1 ms", degree), numbers=(1, 2, 3, 7))


def test_the_judge_agrees(eager):
    """Divided code does what the interpreter does, to the last bit."""
    text = network(first=40, second=9, delay=DRAWN, degree=5)
    plan, program, kernel = compiled(text.replace("duration: 30", "duration: 8"))
    run = native.simulate(program, kernel, plan.n_steps, threads=3)
    judged = interpret(program, plan.n_steps)
    assert np.array_equal(run.rows, judged.rows)
    assert [tuple(event) for event in run.events.tolist()] == judged.events


def shared_in(program):
    return llvm.module(program, threads=2).text.count("call void @threads.share(")


def test_what_is_divided(eager):
    """Noise, cells, what follows their spikes, and deliveries; the spikes themselves stay in order."""
    assert shared_in(compiled(network())[1]) == 4


def test_code_for_one_thread_has_nothing_of_others(eager):
    """Nobody who asks for one thread waits for the compilation of what several need."""
    program = compiled(network())[1]
    assert "threads." not in llvm.module(program).text


def test_little_is_not_divided():
    """Loops over a few cells are left as they are."""
    assert shared_in(compiled(network(first=20, second=9, degree=3))[1]) == 1  # the delivery, should it pay


RING = """<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/>
<Include file="Inputs.xml"/><Include file="Simulation.xml"/>
<izhikevich2007Cell id="iz" v0="-60mV" C="100 pF" k="0.7 nS_per_mV" vr="-60 mV" vt="-40 mV" vpeak="35 mV"
 a="0.03 per_ms" b="-2 nS" c="-50 mV" d="100 pA"/><gapJunction id="gap" conductance="2nS"/>
<pulseGenerator id="pg" delay="2ms" duration="60ms" amplitude="0.3 nA"/>
<expTwoSynapse id="s" gbase="3nS" erev="0mV" tauDecay="5ms" tauRise="1ms"/>
<network id="net"><population id="p" component="iz" size="20"/>%s</network>
<Simulation id="sim" length="60ms" step="0.05ms" target="net"><OutputFile id="o" fileName="o.dat">%s
</OutputFile></Simulation></Lems>"""


def test_what_cannot_be_divided_stays_whole(eager):
    """Gap junctions, lists of unequal length and events at once leave all loops that they concern whole."""
    wires = "".join(
        f'<connection id="{k}" preCellId="../p[{k}]" postCellId="../p[{7 * k % 20}]"/>' for k in range(20)
    )
    gaps = "".join(
        f'<electricalConnection id="{k}" preCell="{k}" postCell="{k + 1}" synapse="gap"/>' for k in range(9)
    )
    content = (
        f'<projection id="r" presynapticPopulation="p" postsynapticPopulation="p" synapse="s">{wires}'
        f'</projection><electricalProjection id="e" presynapticPopulation="p" postsynapticPopulation="p">'
        f'{gaps}</electricalProjection><explicitInput target="p[0]" input="pg"/>'
    )
    columns = "".join(f'<OutputColumn id="c{k}" quantity="p[{k}]/v"/>' for k in range(20))
    plan, program = native.prepare(reader.link_string(RING % (content, columns)))
    kernel = native.compile_program(program, threads=3)
    runs = [native.simulate(program, kernel, plan.n_steps, threads=number) for number in (1, 3)]
    assert np.ptp(runs[0].rows[:, 1:]) > 0.05
    assert runs[0].rows.tobytes() == runs[1].rows.tobytes()


# ---- a run that ends early, and threads that come late -----------------------------------------------------


def helpers():
    """The threads of this library that are alive."""
    return [one for one in threading.enumerate() if one.name.startswith("tvbo_lite")]


def test_ctrl_c_ends_all_threads(eager):
    """What is raised between two parts of a run leaves no thread behind."""

    def stop(*_):
        raise KeyboardInterrupt

    plan, program, kernel = compiled(network())
    with pytest.raises(KeyboardInterrupt):
        native.simulate(program, kernel, plan.n_steps, stop, threads=3)
    assert not helpers()


def test_an_error_ends_all_threads(eager):
    """A value that is not finite stops the run, and its threads, as it does with one thread."""
    text = network().replace("g: {equation: (tanh(v) - g)/5", "g: {equation: exp(g*g)")
    plan, program, kernel = compiled(text)
    errors = []
    for number in (1, 4):
        with pytest.raises(SimulationError) as caught:
            native.simulate(program, kernel, plan.n_steps, threads=number)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    assert not helpers()


def test_a_failing_call_lets_helpers_go(eager, monkeypatch):
    """Helpers are dismissed, whatever is raised while they wait for work."""
    _, program, kernel = compiled(network())
    memory = session.start_memory(program, kernel.size)
    monkeypatch.setattr(kernel, "run", lambda *_: 1 // 0)
    team = Team(kernel, 3)
    begin = time.perf_counter()
    with pytest.raises(ZeroDivisionError):
        team.run(memory, np.empty((1, 1 + len(program.records))))
    team.close()
    assert not helpers()
    assert memory.view(np.int64)[ir.TEAM] == 0
    assert time.perf_counter() - begin < 60


def test_a_forgotten_helper_goes_home(eager):
    """Nobody waits for ever: a helper that gets no work and no dismissal returns by itself."""
    _, program, kernel = compiled(network())
    memory = session.start_memory(program, kernel.size)
    team = Team(kernel, 2)
    helper = threading.Thread(target=kernel.help, args=(memory, team._words), daemon=True)
    helper.start()
    helper.join(60)
    assert not helper.is_alive()
    team.close()


def test_more_threads_than_cores(eager):
    """Threads that do not get a core delay nobody for long."""
    same_for_all(network(), numbers=(1, 33))


# ---- how it is asked for -------------------------------------------------------------------------


def test_run_takes_threads():
    """``run(threads=)`` gives the same spikes; other values than whole numbers from 1 on are refused."""
    experiment = SimulationExperiment.from_string(network())
    spikes = [experiment.run(threads=number).spike_trains("A") for number in (1, 2)]
    assert np.array_equal(spikes[0].times, spikes[1].times)
    for wrong in (0, -1, 2.0, True, "2"):
        with pytest.raises(ModelError, match="whole number from 1"):
            experiment.run(threads=wrong)


def test_a_state_fits_any_number_of_threads(eager):
    """A run with two threads goes on with one, events on their way included, as with two all along."""
    experiment = SimulationExperiment.from_string(network(delay=DRAWN))
    state = experiment.run(threads=2).state
    ends = [experiment.run(threads=number, initial_state=state).spike_trains("A") for number in (1, 2)]
    assert len(ends[0].times) > 20
    assert np.array_equal(ends[0].times, ends[1].times)
    assert np.array_equal(ends[0].index, ends[1].index)


def test_command_line(tmp_path):
    """``--threads`` changes no file; other backends have no such option."""
    path = tmp_path / "experiment.yaml"
    path.write_text(network())
    for number in ("1", "2"):
        done = CliRunner().invoke(
            cli, ["run", str(path), "--threads", number, "--out", str(tmp_path / number)]
        )
        assert done.exit_code == 0, done.output
    files = [item.relative_to(tmp_path / "1") for item in (tmp_path / "1").rglob("*") if item.is_file()]
    assert files
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    refused = CliRunner().invoke(cli, ["run", str(path), "--threads", "2", "--backend", "jlems"])
    assert isinstance(refused.exception, BackendError) or "--threads" in refused.output
