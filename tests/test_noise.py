"""Noise: a generator that is looked up by its place, methods whose paths converge, and the dialect's words for it."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.compiler.solver_rules import normal_numbers, philox
from tvbo_lite.errors import InputError, ModelError, UnsupportedError
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems.beyond import Beyond, Noise, Solver
from tvbo_lite.losses import Losses

TYPES = """<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Simulation.xml"/>
<ComponentType name="Walk" extends="baseCell"><Parameter name="sigma" dimension="none"/>
 <Exposure name="x" dimension="none"/><Exposure name="h" dimension="none"/><Constant name="w" dimension="per_time" value="1 per_s"/>
 <Dynamics><StateVariable name="x" exposure="x" dimension="none"/><StateVariable name="h" exposure="h" dimension="none"/>
 <TimeDerivative variable="x" value="{rate}"/><OnStart><StateAssignment variable="x" value="1"/></OnStart></Dynamics></ComponentType>
<Walk id="o" sigma="0.5"/><network id="net"><population id="p" component="o" size="{size}"/></network>
<Simulation id="sim" length="{length}s" step="{step}s" target="net"><OutputFile id="f" fileName="o.dat">{columns}</OutputFile></Simulation></Lems>"""


def model(noise, size=1, rate="0 - w*x", step=0.1, length=1.0, names=("x",), **solver):
    """A population of walkers with noise."""
    columns = "".join(
        f'<OutputColumn id="{n}{k}" quantity="p[{k}]/{n}"/>' for k in range(size) for n in names
    )
    text = TYPES.format(rate=rate, size=size, length=length, step=step, columns=columns)
    return replace(reader.link_string(text), beyond=Beyond(Solver(**solver), noise))


ADDITIVE = (Noise("Walk", "x", "sigma", 7),)
MULTIPLICATIVE = (Noise("Walk", "x", "sigma*x", 7),)


# ---- the generator ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    """The known answers that come with Philox4x32-10 (Salmon et al. 2011)."""
    assert philox(counter, key) == words


def test_the_numbers_are_standard_normal():
    """Mean, variance, skewness and kurtosis of 40 000 numbers, within four standard errors."""
    x = np.array([number for step in range(200) for number in normal_numbers(1, 0, step, 200)])
    moments = [x.mean(), x.var() - 1, (x**3).mean(), (x**4).mean() - 3]
    assert np.all(np.abs(moments) < 4 * np.sqrt(np.array([1, 2, 15, 96]) / len(x)))
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 4 / np.sqrt(len(x))


def test_seed_step_stream_and_place_make_the_number():
    """Each of them gives another number; none depends on how many are asked for."""
    first = normal_numbers(1, 0, 0, 4)
    assert normal_numbers(1, 0, 0, 9)[:4] == first
    others = [
        normal_numbers(*key, 4) for key in ((2, 0, 0), (1, 1, 0), (1, 0, 1), (1 + 2**32, 0, 0), (1, 0, 2**32))
    ]
    assert len({*first, *(number for some in others for number in some)}) == 24


# ---- runs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["euler", "heun"])
def test_noise_is_as_interpreted(method):
    """Bit for bit, with noise that depends on the state, and a variable that is drawn each step."""
    noise = (*MULTIPLICATIVE, Noise("Walk", "h", "2*sigma", 9, held=True))
    linked = model(noise, 3, names=("x", "h"), method=method)
    program = native.prepare(linked)[1]
    rows = native.simulate(program, native.compile_program(program), 10).rows
    np.testing.assert_array_equal(rows.view(np.int64), interpret(program, 10).rows.view(np.int64))


def test_paths_do_not_depend_on_how_many_there_are():
    """A larger population has the same first members, one run in parts the same rows as in one."""
    few, many = (native.run_linked(model(ADDITIVE, n)).values for n in (2, 5))
    np.testing.assert_array_equal(few, many[:, :2])
    program = native.prepare(model(ADDITIVE, 3, length=300.0))[1]
    kernel = native.compile_program(program)
    whole = native.simulate(program, kernel, 3000).rows
    parts = native.simulate(program, kernel, 1500).rows
    np.testing.assert_array_equal(whole[:1501], parts)


def test_another_seed_is_another_path():
    """The same seed is the same one."""
    one, two, again = (native.run_linked(model((Noise("Walk", "x", "sigma", s),))).values for s in (1, 2, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.any(one[1:] == two[1:])


def increments(steps, size, step):
    """The Wiener increments that the engine takes, shape ``(steps, size)``."""
    return np.array([normal_numbers(7, 0, k, size) for k in range(steps)]) * np.sqrt(step)


def strong_errors(method, noise, exact):
    """The mean distance from the true path at the end, for halved steps."""
    found = []
    for steps in (16, 32, 64, 128):
        step = 1 / steps
        done = native.run_linked(model(noise, 600, step=step, method=method)).values[-1]
        found.append(np.abs(done - exact(increments(steps, 600, step), step)).mean())
    return np.array(found)


def geometric(correction):
    """x(1) of dx = -x dt + x dW / 2; ``correction`` is that of Itô's calculus."""
    return lambda dw, step: np.exp(-1 + 0.5 * dw.sum(0) - correction)


def ornstein(dw, step):
    """x(1) of dx = -x dt + dW / 2; the integral of each step by its middle, which is of second order."""
    left = 1 - (np.arange(len(dw)) + 0.5) * step
    return np.exp(-1) + 0.5 * (np.exp(-left)[:, None] * dw).sum(0)


@pytest.mark.parametrize(
    ("method", "noise", "exact", "order"),
    [
        ("euler", MULTIPLICATIVE, geometric(0.125), 0.5),
        ("heun", MULTIPLICATIVE, geometric(0.0), 1.0),
        ("euler", ADDITIVE, ornstein, 1.0),
        ("heun", ADDITIVE, ornstein, 2.0),  # from a problem whose integral has the same middle
    ],
)
def test_strong_order(method, noise, exact, order):
    """Euler and Maruyama: 1/2, and 1 with additive noise (Itô); Heun: 1 (Stratonovich)."""
    found = strong_errors(method, noise, exact)
    slope = np.polyfit(np.log(1 / np.array([16, 32, 64, 128])), np.log(found), 1)[0]
    assert abs(slope - order) < 0.2


def test_the_variance_of_a_process_with_noise():
    """That of Ornstein and Uhlenbeck is sigma^2 / 2 in the long run."""
    x = native.run_linked(model(ADDITIVE, 300, step=0.01, length=12.0, method="heun")).values[-400::40]
    assert abs(x.var() - 0.125) < 4 * 0.125 * np.sqrt(2 / 1500)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_held_variable_is_drawn_once_a_step(method):
    """Its numbers are independent, with the standard deviation given; all stages see the same."""
    noise = (Noise("Walk", "h", "2*sigma", 9, held=True),)
    linked = model(noise, 200, rate="w*h", step=0.1, length=10.0, names=("x", "h"), method=method)
    rows = native.run_linked(linked).values.reshape(101, 200, 2)
    x, h = rows[1:, :, 0], rows[1:, :, 1]
    assert abs(h.std() - 1) < 4 / np.sqrt(2 * h.size)
    assert abs(np.corrcoef(h[:-1].ravel(), h[1:].ravel())[0, 1]) < 4 / np.sqrt(h.size)
    moved = np.diff(x, axis=0) / 0.1
    np.testing.assert_allclose(moved, h[1:] if method == "euler" else h[:-1], atol=1e-12)


# ---- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise", "method", "message"),
    [
        (ADDITIVE, "rk4", "'rk4' cannot integrate noise.*euler_maruyama"),
        (ADDITIVE, "dopri5", "'dopri5' cannot integrate noise"),
        ((Noise("Wlk", "x"),), "heun", "no instance has the type 'Wlk'.*did you mean 'Walk'"),
        ((Noise("Walk", "h"),), "heun", "'h' of 'Walk' cannot have any.*one of x"),
        (
            (Noise("Walk", "h", held=True),),
            "dopri5",
            "'dopri5' chooses its steps, and 'h' is drawn each step",
        ),
    ],
)
def test_noise_that_cannot_be_is_refused(noise, method, message):
    """Each by name, with what could be."""
    with pytest.raises((ModelError, UnsupportedError), match=message):
        native.run_linked(model(noise, method=method))


# ---- in the dialect ----------------------------------------------------------------------------------------


EXPERIMENT = """\
dynamics:
  name: ou
  state_variables:
    x: {equation: -x/tau, initial_value: 0, NOISE}
    xi: {initial_value: 0}
  parameters: {tau: 2}
network: {number_of_nodes: 300}
integration: {step_size: 0.1, duration: 10, time_scale: ms, method: heun}
"""


def experiment(noise, **changes):
    text = EXPERIMENT.replace("NOISE", noise)
    for old, new in changes.items():
        text = text.replace(old, new)
    return SimulationExperiment.from_string(text, "e.yaml")


def test_sigma_is_per_root_of_the_time_scale():
    """sigma^2 tau / 2 is the variance in the long run, whatever the unit of time."""
    exp = experiment("noise: {parameters: {sigma: 0.4}, seed: 5}")
    (noise,) = exp.model().beyond.noise
    assert (noise.type, noise.variable, noise.seed, noise.held) == ("ou", "x", 5, False)
    assert float(noise.amplitude) == pytest.approx(0.4 / np.sqrt(1e-3))
    x = exp.run(sampling_step_size=0.002).integration.data.sel(
        quantity=[f"ou_pop[{k}]/x" for k in range(300)]
    )
    wanted = 0.16 * (1 - np.exp(-10))
    assert abs(float(x[-1].var()) - wanted) < 4 * wanted * np.sqrt(2 / 300)


def test_intensity_is_the_variance_per_time():
    """It is the square of sigma."""
    one, two = (
        experiment(f"noise: {{{n}}}").model().beyond for n in ("intensity: 0.16", "parameters: {sigma: 0.4}")
    )
    assert float(one.noise[0].amplitude) == pytest.approx(float(two.noise[0].amplitude))


def test_noise_of_the_integration_is_on_every_variable_with_an_equation():
    """One of its own counts first; a variable without equation has only its own."""
    exp = experiment("noise: {intensity: 1}", **{"method: heun": "method: heun, noise: {intensity: 4}"})
    assert [n.variable for n in exp.model().beyond.noise] == ["x"]
    plain = experiment("record: true", **{"method: heun": "method: heun, noise: {intensity: 4}"})
    assert [(n.variable, float(n.amplitude)) for n in plain.model().beyond.noise] == [
        ("x", pytest.approx(2 / np.sqrt(1e-3)))
    ]


def test_a_variable_without_an_equation_is_drawn_each_step():
    """Its sigma is the standard deviation, 1 where none is given."""
    exp = experiment("record: true", **{"xi: {initial_value: 0}": "xi: {noise: {seed: 4}}"})
    (noise,) = exp.model().beyond.noise
    assert (noise.variable, noise.amplitude, noise.held) == ("xi", "1.0", True)


def test_randn_is_a_new_number_in_each_step():
    """Each place has its own numbers; x = (randn - randn) dt has the variance 2 dt^2 a step."""
    text = """\
dynamics: {name: w, state_variables: {x: {equation: "randn - randn()", initial_value: 0}}}
network: {number_of_nodes: 200}
integration: {step_size: 0.1, duration: 10, time_scale: s}
"""
    exp = SimulationExperiment.from_string(text)
    assert [(n.variable, n.held) for n in exp.model().beyond.noise] == [("randn_1", True), ("randn_2", True)]
    for method in ("euler", "rk4"):
        moves = np.diff(exp.run(method=method).integration.data.values, axis=0) / 0.1
        assert abs(moves.var() - 2) < 4 * 2 * np.sqrt(2 / moves.size)
    declared = text.replace("{name: w,", "{name: w, parameters: {randn: 1},").replace(
        "randn - randn()", "randn"
    )
    assert SimulationExperiment.from_string(declared).model().beyond.noise == ()


def test_a_run_by_another_simulator_is_refused():
    """A run without the noise would mean something else."""
    with pytest.raises(UnsupportedError, match="the noise on 'x' of 'ou'"):
        experiment("noise: {intensity: 1}").run("jlems")


def test_rendering_tells_that_lems_has_no_noise():
    """A loss with its place; strict rendering refuses."""
    losses = Losses()
    experiment("noise: {intensity: 1}").render("lems", losses=losses)
    assert any("the noise on 'x' of 'ou'" in str(loss) for loss in losses)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("noise: {noise_type: pink, intensity: 1}", "'pink' noise"),
        ("noise: {}", "the noise has no strength"),
        ("noise: {intensity: 1, parameters: {sigma: 1}}", "both an intensity and a sigma"),
        ("noise: {intensity: -1}", "the strength of the noise is -1"),
        ("noise: {intensity: 1, additive: false}", "depends on the state"),
        ("noise: {parameters: {sigma: {value: 1, unit: mV}}}", "in mV"),
        ("noise: {intensity: 1, parameters: {tau: 1}}", "'tau' is not supported yet"),
    ],
)
def test_noise_that_cannot_be_lowered_is_refused_with_its_place(noise, message):
    """File and line are told."""
    with pytest.raises(InputError, match=message) as caught:
        experiment(noise).model()
    assert all(problem.location.line == 4 for problem in caught.value.problems)
