"""Methods that choose their steps: tolerance, dense output, stiffness, events, times that are foreseen, samples."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.backends._time import Forecast
from tvbo_lite.backends.session import Rows, Session, Stop, record
from tvbo_lite.compiler.switches import foreseen
from tvbo_lite.errors import InputError, ModelError, StepError, UnsupportedError
from tvbo_lite.expr.lems import parse, write
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems.beyond import Beyond, Samples, Solver

METHODS = ("bosh3", "dopri5", "rodas4")

ONE = """<ComponentType name="One" extends="baseCell"><Exposure name="x" dimension="none"/><Exposure name="y" dimension="none"/><Exposure name="z" dimension="none"/>
 <Exposure name="e" dimension="none"/><Constant name="w" dimension="per_time" value="1 per_s"/><Constant name="SEC" dimension="time" value="1 s"/>{ports}
 <Dynamics><StateVariable name="x" exposure="x" dimension="none"/><StateVariable name="y" exposure="y" dimension="none"/><StateVariable name="z" exposure="z" dimension="none"/>
 {dynamics}</Dynamics></ComponentType><One id="o"/>"""


def model(
    dynamics, columns=("x",), *, length=4.0, step=0.1, ports="", events="", more="", target="o", samples=()
):
    """A linked model of one component with states x, y, z."""
    listed = "".join(f'<OutputColumn id="c{n}" quantity="{q}"/>' for n, q in enumerate(columns))
    text = f"""<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Inputs.xml"/>
    <Include file="Simulation.xml"/>{ONE.format(dynamics=dynamics, ports=ports)}{more}<Simulation id="sim" length="{length}s" step="{step}s" target="{target}">
    <OutputFile id="f" fileName="o.dat">{listed}</OutputFile>{events}</Simulation></Lems>"""
    return replace(reader.link_string(text), beyond=Beyond(Solver(), samples=samples))


def rate(variable, value):
    return f'<TimeDerivative variable="{variable}" value="{value}"/>'


def start(**values):
    return (
        "<OnStart>"
        + "".join(f'<StateAssignment variable="{n}" value="{v}"/>' for n, v in values.items())
        + "</OnStart>"
    )


def on(test, **values):
    done = "".join(f'<StateAssignment variable="{n}" value="{v}"/>' for n, v in values.items())
    return f'<OnCondition test="{test}">{done}</OnCondition>'


OSCILLATOR = rate("x", "w*y") + rate("y", "0 - w*x") + start(y=1)


# ---- tolerance ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_the_error_follows_the_tolerance(method):
    """A tolerance ten thousand times smaller gives an error about as much smaller, between steps too."""
    found = []
    for tolerance in (1e-4, 1e-8):
        done = native.run_linked(
            model(OSCILLATOR, ("x", "y")), method=method, rel_tol=tolerance, abs_tol=tolerance
        )
        exact = np.stack((np.sin(done.time), np.cos(done.time)), axis=1)
        found.append(np.abs(done.values - exact).max())
        assert found[-1] < 20 * tolerance
    assert 1e3 < found[0] / found[1] < 1e5


def test_the_absolute_tolerance_is_in_the_units_of_the_dimension():
    """A potential in volts is known to 1e-6 mV, not to 1e-6 V: the same cell is followed as well."""
    cell = """<ComponentType name="Leak" extends="baseCell"><Exposure name="v" dimension="voltage"/><Constant name="w" dimension="per_time" value="1 per_s"/>
    <Dynamics><StateVariable name="v" exposure="v" dimension="voltage"/><TimeDerivative variable="v" value="0 - w*v"/>
    <OnStart><StateAssignment variable="v" value="u"/></OnStart></Dynamics><Constant name="u" dimension="voltage" value="1 mV"/></ComponentType><Leak id="c"/>"""
    done = native.run_linked(
        model(OSCILLATOR, ("v",), more=cell, target="c"), method="dopri5", rel_tol=1e-12, abs_tol=1e-6
    )
    plain = native.run_linked(
        model(rate("x", "0 - w*x") + start(x=1)), method="dopri5", rel_tol=1e-12, abs_tol=1e-6
    )
    np.testing.assert_allclose(done.values * 1e3, plain.values, rtol=1e-6)


def test_the_longest_step_is_kept():
    """With ``max_step`` the error falls far below the tolerance."""
    rough, fine = (
        native.run_linked(model(OSCILLATOR), method="dopri5", rel_tol=1e-3, abs_tol=1e-3, max_step=h)
        for h in (None, 0.01)
    )
    errors = [np.abs(done.trace("x") - np.sin(done.time)).max() for done in (rough, fine)]
    assert errors[1] < 1e-6 * errors[0] or errors[1] < 1e-11


def test_a_course_without_end_is_stopped():
    """x' = x^2 from 1 is infinite at t = 1: the step becomes too small, and the message says so."""
    with pytest.raises(StepError, match=r"no step from t = 1.* s on is small .*/x is ") as caught:
        native.run_linked(model(rate("x", "w*x*x") + start(x=1)), method="dopri5")
    assert caught.value.time == pytest.approx(1.0, abs=1e-6)
    assert caught.value.value > 1e6


# ---- stiffness -----------------------------------------------------------------------------------------------


ROBERTSON = (
    rate("x", "w*(10000*y*z - 0.04*x)") + rate("y", "w*(0.04*x - 10000*y*z - 30000000*y*y)")
    + rate("z", "w*30000000*y*y") + start(x=1)
)  # fmt: skip


def test_a_stiff_problem():
    """Robertson's reactions at t = 40 (Hairer and Wanner II, IV.10)."""
    done = native.run_linked(
        model(ROBERTSON, ("x", "y", "z"), length=40, step=40), method="stiff", rel_tol=1e-7, abs_tol=1e-10
    )
    np.testing.assert_allclose(done.values[-1], [0.7158270688, 9.185534764e-6, 0.2841637457], rtol=2e-6)


@pytest.mark.parametrize(("stiffness", "longest"), [(100, None), (1000000, 0.05)])
def test_a_stiff_problem_that_moves_with_time(stiffness, longest):
    """x' = -k (x - cos t) - sin t: x = cos t. A very stiff variable allows steps too long for dense output."""
    dynamics = rate("x", f"w*(0 - {stiffness}*(x - cos(t/SEC)) - sin(t/SEC))") + start(x=1)
    done = native.run_linked(model(dynamics), method="rodas4", max_step=longest)
    np.testing.assert_allclose(done.trace("x"), np.cos(done.time), atol=2e-6)


def test_too_many_states_for_linear_systems():
    """The number is told, and what to use."""
    crowd = '<network id="net"><population id="p" component="o" size="300"/></network>'
    with pytest.raises(UnsupportedError, match=r"there are 600 states.*dopri5"):
        native.run_linked(model(OSCILLATOR, ("p[0]/x",), more=crowd, target="net"), method="rodas4")


# ---- events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_condition_is_found_to_the_tolerance(method):
    """A ball: falls from 1, and each bounce is half as fast; the times of its bounces are known."""
    ball = rate("x", "w*y") + rate("y", "0 - w") + start(x=1)
    ball += on("x .lt. 0 .and. y .lt. 0", y="0 - y/2", x="0", z="t/SEC")
    done = native.run_linked(model(ball, ("z",), length=4.2), method=method, rel_tol=1e-9, abs_tol=1e-11)
    fall = np.sqrt(2)
    bounces = fall + np.concatenate(([0], np.cumsum(fall * 0.5 ** np.arange(5))))
    seen = np.unique(done.trace("z"))[1:]
    np.testing.assert_allclose(seen[:3], bounces[:3], atol=1e-7)


def test_rows_before_an_event_do_not_know_of_it():
    """A variable that an event sets has its old value until the row at or after the event."""
    done = native.run_linked(
        model(rate("x", "w") + on("x .gt. 1.23 .and. y .lt. 1", y="5"), ("x", "y"), step=0.05),
        method="dopri5",
    )
    np.testing.assert_array_equal(done.trace("y"), np.where(done.trace("x") > 1.23, 5.0, 0.0))


def test_regimes_move_by_their_own_equations():
    """Integrate to 1, rest for 0.5, and so on: the period is -log(1 - 1/2) + 0.5."""
    regimes = (
        '<Regime name="run" initial="true"><TimeDerivative variable="x" value="w*(2 - x)"/>'
        '<OnCondition test="x .gt. 1"><EventOut port="spike"/><Transition regime="rest"/></OnCondition></Regime>'
        '<Regime name="rest"><OnEntry><StateAssignment variable="x" value="0"/><StateAssignment variable="y" value="t/SEC"/></OnEntry>'
        '<OnCondition test="t/SEC .gt. y + 0.5"><Transition regime="run"/></OnCondition></Regime>'
    )
    events = '<EventOutputFile id="s" fileName="s" format="ID_TIME"><EventSelection id="0" select="p[0]" eventPort="spike"/></EventOutputFile>'
    net = '<network id="net"><population id="p" component="o" size="1"/></network>'
    linked = model(
        regimes,
        ("p[0]/x",),
        ports='<EventPort name="spike" direction="out"/>',
        events=events,
        more=net,
        target="net",
        length=6,
    )
    times = native.run_linked(linked, method="dopri5", rel_tol=1e-9, abs_tol=1e-11).events["s"][0]
    period = np.log(2) + 0.5
    np.testing.assert_allclose(times, np.log(2) + period * np.arange(len(times)), atol=1e-7)
    assert len(times) == 5


def test_delayed_events_end_a_step():
    """A synapse that is reached after 7.3 ms jumps just then: its decay is exact from there on."""
    text = """<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Inputs.xml"/><Include file="Simulation.xml"/>
    <spikeArray id="s"><spike id="0" time="10.05ms"/></spikeArray><expOneSynapse id="e" gbase="1nS" erev="0mV" tauDecay="3ms"/>
    <iafCell id="c" leakReversal="-60mV" thresh="0mV" reset="-70mV" C="0.2nF" leakConductance="0.01uS"/>
    <network id="net"><population id="a" component="s" size="1"/><population id="b" component="c" size="1"/>
    <synapticConnectionWD from="a[0]" to="b[0]" synapse="e" weight="1" delay="7.3ms" destination="synapses"/></network>
    <Simulation id="sim" length="40ms" step="0.5ms" target="net"><OutputFile id="o" fileName="o.dat"><OutputColumn id="g" quantity="b[0]/synapses:e:0/g"/></OutputFile></Simulation></Lems>"""
    done = native.run_linked(reader.link_string(text), method="dopri5", rel_tol=1e-9, abs_tol=1e-9)
    gone = done.time - 17.35e-3
    np.testing.assert_allclose(
        done.values[:, 0], np.where(gone > 0, 1e-9 * np.exp(-gone / 3e-3), 0), atol=1e-14
    )


def test_an_action_makes_other_conditions_true():
    """A kick over the threshold is answered at once, not at the end of a later step."""
    dynamics = rate("x", "w") + on("y .gt. 2", z="t/SEC", y="0") + on("x .gt. 0.777 .and. z .lt. 0.1", y="3")
    done = native.run_linked(model(dynamics, ("y", "z"), step=4), method="dopri5")
    np.testing.assert_allclose(done.values[-1], [0, 0.777], atol=1e-6)


@pytest.mark.parametrize("method", ["rk4", *METHODS])
def test_a_model_without_rates(method):
    """Only conditions move it."""
    done = native.run_linked(model(on("t/SEC .gt. y + 1", y="y + 1"), ("y",), step=0.05), method=method)
    assert done.trace("y")[-1] == pytest.approx(3, abs=0.2 if method == "rk4" else 1e-9)


@pytest.mark.parametrize("method", ["rk4", *METHODS])
def test_fast_code_does_the_same(method):
    """But for the last bits."""
    slow, fast = (native.run_linked(model(OSCILLATOR), method=method, fast=f).values for f in (False, True))
    np.testing.assert_allclose(fast, slow, atol=1e-9)


# ---- what is foreseen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "when"),
    [
        ("t .gt. a", "a"), ("a .leq. t", "a"), ("t/s .lt. 3", "3*s"), ("s*t .geq. a", "a/s"),
        ("t - a .gt. 0", "0+a"), ("a - t .gt. 0", "a-0"), ("(t + a)*s .lt. b", "b/s-a"), ("a/t .gt. b", "a/b"),
        ("v .gt. a", None), ("t .gt. v", None), ("t*t .gt. a", None), ("sin(t) .gt. a", None),
    ],
)  # fmt: skip
def test_times_of_tests_are_worked_out(test, when):
    """Where the time stands once, below simple operations, and all else is fixed."""
    found = foreseen(parse(test), frozenset("abs"))
    assert (found and write(found)) == (when and write(parse(when)))


@pytest.mark.parametrize("method", ["rk4", *METHODS])
def test_a_pulse_is_not_stepped_over(method):
    """1 ms of input after 3 s of nothing, far shorter than the steps of an adaptive method."""
    dynamics = rate("x", "w*e") + (
        '<ConditionalDerivedVariable name="e" exposure="e" dimension="none"><Case condition="t/SEC .geq. 3 .and. t/SEC .lt. 3.001" value="1000"/>'
        '<Case value="0"/></ConditionalDerivedVariable>'
    )
    step = 0.001 if method == "rk4" else 1
    done = native.run_linked(model(dynamics, step=step), method=method)
    assert done.trace("x")[-1] == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("method", ["rk4", "dopri5"])
def test_a_current_of_neuroml_is_an_equation_in_time(method):
    """A sine of current into a capacitor: the charge is known, though NeuroML sets the current by a condition."""
    text = """<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Inputs.xml"/><Include file="Simulation.xml"/>
    <sineGenerator id="s" phase="0" delay="3ms" duration="20ms" amplitude="1nA" period="10ms"/>
    <iafCell id="c" leakReversal="0mV" thresh="1000mV" reset="0mV" C="1nF" leakConductance="0nS"/>
    <network id="net"><population id="b" component="c" size="1"/><explicitInput target="b[0]" input="s"/></network>
    <Simulation id="sim" length="40ms" step="0.1ms" target="net"><OutputFile id="o" fileName="o.dat"><OutputColumn id="v" quantity="b[0]/v"/></OutputFile></Simulation></Lems>"""
    done = native.run_linked(reader.link_string(text), method=method, rel_tol=1e-9, abs_tol=1e-9)
    phase = 2 * 3.14159265 * (np.clip(done.time, 3e-3, 23e-3) - 3e-3) / 10e-3
    exact = 10e-3 / (2 * 3.14159265) * (1 - np.cos(phase))
    np.testing.assert_allclose(done.values[:, 0], exact, atol=1e-9)


# ---- samples ----------------------------------------------------------------------------------------------------


INPUT = rate("x", "w*e") + '<DerivedVariable name="e" exposure="e" dimension="none" value="7"/>'
HOLD = Samples("One", "e", (0.0, 0.5, 1.7), ((1.0,), (-2.0,), (4.0,)))
LINE = Samples("One", "e", (1.0, 2.0, 3.0), ((1.0,), (3.0,), (0.0,)), linear=True)


@pytest.mark.parametrize("method", ["euler", "rk4", *METHODS])
def test_samples_hold_until_the_next(method):
    """The integral of steps is exact where these begin and end with a step of the method."""
    done = native.run_linked(model(INPUT, ("x", "e"), samples=(HOLD,)), method=method)
    t = done.time
    exact = np.where(t < 0.5, t, np.where(t < 1.7, 0.5 - 2 * (t - 0.5), -1.9 + 4 * (t - 1.7)))
    np.testing.assert_allclose(done.trace("x"), exact, atol=1e-9)
    assert done.trace("e")[[0, 4, 5, 16, 17, 40]].tolist() == [1, 1, -2, -2, 4, 4]


@pytest.mark.parametrize("method", ["heun", *METHODS])
def test_samples_on_lines(method):
    """Straight lines between, the nearest value outside."""
    done = native.run_linked(model(INPUT, ("x", "e"), samples=(LINE,)), method=method)
    np.testing.assert_allclose(
        done.trace("e"), np.interp(done.time, *(1 + np.arange(3.0), [1, 3, 0])), atol=1e-12
    )
    assert done.trace("x")[-1] == pytest.approx(1 + 2 + 1.5, rel=1e-9)


def test_each_instance_can_have_its_own_samples():
    """A column for each member of a population."""
    own = replace(HOLD, values=((1.0, 2.0), (-2.0, 0.0), (4.0, 1.0)))
    crowd = '<network id="net"><population id="p" component="o" size="2"/></network>'
    linked = model(INPUT, ("p[0]/e", "p[1]/e"), samples=(own,), more=crowd, target="net")
    done = native.run_linked(linked, method="dopri5")
    assert done.values[[0, 10, 40]].tolist() == [[1, 2], [-2, 0], [4, 1]]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (replace(HOLD, times=(0.0, 0.5)), "2 times and 3 rows"),
        (replace(HOLD, times=(0.0, 0.5, 0.5)), "do not rise"),
        (replace(HOLD, values=((1.0, 2.0),) * 3), "2 values in a row; expected 1"),
        (replace(HOLD, values=((np.nan,),) * 3), "not finite"),
        (replace(HOLD, variable="f"), "'f' of 'One' cannot have any.*one of e"),
        (replace(HOLD, type="On"), "no instance has the type 'On'"),
    ],
)
def test_samples_that_do_not_fit_are_refused(samples, message):
    """Each by name."""
    with pytest.raises(ModelError, match=message):
        native.run_linked(model(INPUT, ("e",), samples=(samples,)), method="rk4")


# ---- in the dialect ----------------------------------------------------------------------------------------------


EXPERIMENT = """\
dynamics: {name: decay, parameters: {tau: 2}, state_variables: {x: {equation: -x/tau, initial_value: 1}}}
integration: {step_size: 0.5, duration: 10, time_scale: ms, METHOD}
"""


def test_an_experiment_chooses_its_method():
    """Method, tolerances, the time between rows and the longest step, in the experiment's time."""
    text = EXPERIMENT.replace(
        "METHOD",
        "method: dopri5, rel_tol: 1e-9, abs_tol: 1e-12, parameters: {sampling_step_size: 2, max_step: 1 ms}",
    )
    exp = SimulationExperiment.from_string(text)
    assert exp.model().beyond.solver == Solver("dopri5", 1e-9, 1e-12, 2e-3, 1e-3)
    data = exp.run().integration.data
    np.testing.assert_allclose(data.time, np.arange(6) * 2e-3, rtol=1e-12)
    np.testing.assert_allclose(data.values[:, 0], np.exp(-np.arange(6)), rtol=1e-8)


def test_a_run_can_replace_the_method():
    """``exp.run(method=...)``; the experiment itself stays as it is."""
    exp = SimulationExperiment.from_string(EXPERIMENT.replace("METHOD", "method: euler"))
    by = {
        m: exp.run(method=m).integration.data.values[-1, 0] - np.exp(-5)
        for m in ("euler", "heun", "rk4", "dopri5")
    }
    assert abs(by["euler"]) > 5 * abs(by["heun"]) > 50 * abs(by["rk4"])
    assert abs(by["dopri5"]) < 1e-7
    assert exp.integration.method == "euler"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("method: dop853", r"e\.yaml:2: .*no method 'dop853'"),
        ("method: tsit5", "no method 'tsit5'"),
        ("parameters: {sampling_step_size: 0}", "sampling_step_size is 0"),
        ("parameters: {max_step: 1 mV}", "max_step"),
    ],
)
def test_what_the_engine_does_not_have_is_named(method, message):
    """With its place in the text."""
    with pytest.raises(InputError, match=message):
        SimulationExperiment.from_string(EXPERIMENT.replace("METHOD", method), "e.yaml").run()


COUPLED = """\
network:
  dynamics:
    osc:
      parameters: {k: 0.5}
      state_variables:
        x: {equation: "c - k*x", initial_value: 1}
        y: {equation: "x - y + d*0.1 + t", initial_value: 0.5}
      derived_variables: {r: {equation: tanh(2*y + k), record: true}}
      coupling_inputs: [c, d]
  nodes: [{id: 0, dynamics: osc}, {id: 1, dynamics: osc, parameters: {k: 0.25, x: 3}}, {id: 2, dynamics: osc}]
  coupling: {c: {pre_expression: "2*x_j - x_i", post_expression: "0.5*gx + 0.1*tanh(y_i)", incoming_states: [x]}}
  edges:
    - {source: 0, target: 1, weight: 0.1, target_var: c}
    - {source: 1, target: 0, weight: 0.2, coupling: c}
    - {source: 2, target: 2, weight: -0.3, coupling: c}
    - {source: 0, target: 2, weight: 0.7, source_var: r, target_var: d}
    - {source: 2, target: 0, weight: 0.4, source_var: r, target_var: d}
integration: {step_size: STEP, duration: 3}
"""


def test_coupled_nodes_keep_the_order():
    """Each reads states and derived variables of the others as they are at the same stage."""
    exact = SimulationExperiment.from_string(COUPLED.replace("STEP", "0.5")).run(
        method="dopri5", rel_tol=1e-12, abs_tol=1e-13
    )
    for method, order in (("heun", 2), ("rk4", 4)):
        found = []
        for step in ("0.1", "0.05", "0.025"):
            exp = SimulationExperiment.from_string(COUPLED.replace("STEP", step))
            rows = exp.run(method=method, sampling_step_size=0.0005).integration.data
            found.append(np.abs(rows.values - exact.integration.data.values).max())
        np.testing.assert_allclose(np.log2(np.divide(found[:-1], found[1:])), order, atol=0.15)


# ---- pauses ------------------------------------------------------------------------------------------------


PULSED = OSCILLATOR + on("y .lt. 0", z="z + 1") + rate("z", "0 - w*z")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [1, 3, 17])
def test_pauses_within_a_row_change_no_bit(method, steps):
    """However few steps are made between them, and with actions in between."""
    program = native.prepare(
        native.with_solver(model(PULSED, ("x", "z"), length=80.0, step=20.0), {"method": method})
    )[1]
    kernel = native.compile_program(program)
    whole = Session(program, kernel, method=method)
    expected = np.empty((4, whole.width))
    assert kernel.run(whole.memory, expected) == len(expected)
    rows, session, calls = np.empty((4, whole.width)), Session(program, kernel, method=method), 0
    while session.done < len(rows):
        session.memory[program.own_steps.left] = steps
        session.done += kernel.run(session.memory, rows[session.done :])
        calls += 1
    assert calls > len(rows)
    assert rows.tobytes() == expected.tobytes()
    whole.close()
    session.close()


def test_a_row_of_many_steps_can_be_stopped():
    """Far from its end: the run is asked for a sign now and then, though no row is complete."""
    stiff = rate("x", "w*1000000*(1 - x)") + start(x=0)
    linked = native.with_solver(model(stiff, length=1000.0, step=1000.0), {"method": "bosh3"})
    _, session = native.open_session(linked)
    rows, stop, calls = Rows(1, session.width), Stop(), []

    def progress(*numbers):
        calls.append(numbers)
        stop.wanted = len(calls) > 3

    assert record(session, 1, rows, progress, stop)
    assert (calls, session.done, rows.filled) == ([(0, 1)] * 4, 0, 0)
    session.close()


def test_an_estimate_counts_all_parts_of_a_row(monkeypatch):
    """The seconds between two rows, however many calls they took."""
    forecast = Forecast(10)
    told = []
    monkeypatch.setattr(forecast, "is_made", lambda *numbers: told.append(numbers))
    fast = rate("x", "w*30000*(1 - x)") + start(x=0)
    linked = native.with_solver(model(fast, length=4.0, step=1.0), {"method": "bosh3"})
    _, session = native.open_session(linked)
    record(session, 4, Rows(4, session.width), forecast=forecast)
    assert sum(rows for rows, _, _ in told) == 4
    assert sum(seconds for _, seconds, _ in told) == pytest.approx(session.seconds, rel=0.5)
    session.close()
