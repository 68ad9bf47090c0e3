"""Fixed points, stability, nullclines and hysteresis against closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment
from tvbo_lite.analysis import fixed_points, nullclines, phase_plane, scan, system
from tvbo_lite.errors import ExpressionError, ModelError, UnsupportedError
from tvbo_lite.expr import arrays
from tvbo_lite.expr.derivative import derivative
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse

ROOT = Path(__file__).parents[1]
PI = math.pi
PLANE = {"r": (0.0, 2.0), "v": (-4.0, 2.0)}


def qif(eta: float = -5.0, j: float = 15.0, delta: float = 1.0, tail: str = "") -> SimulationExperiment:
    return SimulationExperiment.from_string(f"""
dynamics:
  name: qif
  parameters: {{tau: 1.0, Delta: {delta}, eta: {eta}, J: {j}}}
  state_variables:
    r: {{equation: (Delta/(pi*tau) + 2*r*v)/tau, initial_value: 0.01}}
    v: {{equation: (v**2 + eta + J*r*tau - (pi*r*tau)**2)/tau, initial_value: -2.0}}
{tail}
integration: {{step_size: 0.005, duration: 60, time_scale: ms}}
""")


def fitzhugh_nagumo(current: float) -> SimulationExperiment:
    return SimulationExperiment.from_string(f"""
network:
  dynamics: {{fn: {{iri: neuroml:fitzHughNagumoCell, parameters: {{I: {current}}}}}}}
  nodes: [{{id: 0, dynamics: fn}}]
integration: {{step_size: 0.01, duration: 200, time_scale: s}}
""")


@pytest.mark.parametrize(("eta", "count"), [(-8.0, 1), (-5.0, 3), (0.0, 1)])
def test_fixed_points_of_the_mean_field(eta: float, count: int) -> None:
    """Montbrió, Pazó & Roxin (2015), Eqs. 12: v = -1/(2 pi r), and r is a root of a polynomial of degree 4;
    the Jacobian's eigenvalues are 2 v +- sqrt(2 r (J - 2 pi^2 r)), per ms.
    """
    roots = np.roots([-(PI**2), 15.0, eta, 0.0, 1 / (4 * PI**2)])
    rates = sorted(root.real for root in roots if abs(root.imag) < 1e-12 and root.real > 0)
    found = fixed_points(qif(eta), PLANE)
    assert len(found) == len(rates) == count
    for point, r in zip(found, rates, strict=True):
        v = -1 / (2 * PI * r)
        assert point.values == pytest.approx({"r": r, "v": v}, rel=1e-12)
        spread = np.emath.sqrt(2 * r * (15.0 - 2 * PI**2 * r))
        expected = np.sort_complex(1e3 * np.array([2 * v - spread, 2 * v + spread], dtype=complex))
        assert np.sort_complex(point.eigenvalues) == pytest.approx(expected, rel=1e-11)


def test_kinds_of_the_mean_fields_fixed_points() -> None:
    """The same paper, Sec. IV: a stable node, a saddle, a stable focus side by side."""
    found = fixed_points(qif(), PLANE)
    assert [point.kind for point in found] == ["stable node", "saddle", "stable focus"]
    assert [point.stable for point in found] == [True, False, True]


def test_fixed_points_of_fitzhugh_nagumo() -> None:
    """The cubic V - V^3/3 - (V + 0.7)/0.8 + I = 0 (FitzHugh 1961, with NeuroML's sign of I) has one root."""
    (point,) = fixed_points(fitzhugh_nagumo(0.8), {"V": (-3, 3), "W": (-3, 3)})
    roots = np.roots([-1 / 3, 0.0, 1 - 1 / 0.8, 0.8 - 0.7 / 0.8])
    v = next(root.real for root in roots if abs(root.imag) < 1e-12)
    assert point.values == pytest.approx({"V": v, "W": (v + 0.7) / 0.8}, rel=1e-12)
    assert point.kind == "unstable node"


def test_fitzhugh_nagumo_begins_to_oscillate_where_the_trace_changes_sign() -> None:
    """The trace 1 - V^2 - 0.08 * 0.8 is 0 at V = -sqrt(0.936): stable below that current, unstable above."""
    v = -math.sqrt(1 - 0.064)
    threshold = (v + 0.7) / 0.8 - v + v**3 / 3
    assert threshold == pytest.approx(0.3313, abs=1e-4)
    kinds = [
        fixed_points(fitzhugh_nagumo(threshold + shift), {"V": (-3, 3), "W": (-3, 3)})[0].kind
        for shift in (-1e-3, 1e-3)
    ]
    assert kinds == ["stable focus", "unstable focus"]


def test_a_centre_is_neutral() -> None:
    """Where the eigenvalues are imaginary, the linear part does not tell stability."""
    oscillator = SimulationExperiment.from_string("""
dynamics: {name: o, state_variables: {x: {equation: y}, y: {equation: -x}}}
integration: {step_size: 0.1, duration: 1}
""")
    (point,) = fixed_points(oscillator, {"x": (-1, 1), "y": (-1, 2)})
    assert (point.kind, point.stable) == ("neutral", False)


def test_inputs_count_as_they_are_at_a_time() -> None:
    """While the current step lasts, the active state alone is left."""
    experiment = SimulationExperiment.from_file(ROOT / "reference_examples/qif/experiment.yaml")
    assert len(fixed_points(experiment, PLANE)) == 3
    (point,) = fixed_points(experiment, PLANE, time=0.05)
    assert point.values == pytest.approx(fixed_points(qif(-2.0), PLANE)[0].values, rel=1e-12)


def test_units_and_derived_variables_are_followed() -> None:
    """A leaky membrane rests at its reversal potential plus current over conductance; it decays at -g/C."""
    cell = SimulationExperiment.from_string("""
dynamics:
  name: cell
  parameters:
    g: {value: 10, unit: nS}
    C: {value: 200, unit: pF}
    E: {value: -70, unit: mV}
    I: {value: 0.1, unit: nA}
  derived_parameters: {rate: {equation: g / C, unit: per_ms}}
  derived_variables: {leak: {equation: g * (E - v), unit: nA}}
  state_variables: {v: {equation: (leak + I) / C, unit: mV, initial_value: -50}}
integration: {step_size: 0.1, duration: 20, time_scale: ms}
""")
    (point,) = fixed_points(cell, {"v": (-0.1, 0.1)})
    assert point.values == pytest.approx({"v": -0.06}, rel=1e-12)
    assert point.eigenvalues == pytest.approx([-50.0], rel=1e-12)
    assert point.kind == "stable node"


def test_the_flow_is_what_the_engine_integrates() -> None:
    """A step of Euler's method goes along the rates."""
    experiment = qif()
    data = experiment.run().data
    rates = system(experiment).f(data.values[:-1].T)
    step = data.time.values[1]
    assert np.allclose(data.values[1:], data.values[:-1] + step * rates.T, rtol=1e-12, atol=1e-14)


def test_nullclines_of_the_mean_field() -> None:
    """v = -1/(2 pi r), and v^2 = pi^2 r^2 - J r - eta, at every point to the last digits."""
    found = nullclines(qif(), PLANE)
    r, v = found["r"].T
    assert len(r) > 500
    assert np.allclose(2 * r * v, -1 / PI, rtol=1e-9)
    r, v = found["v"].T
    assert np.allclose(v**2 - 5 + 15 * r, (PI * r) ** 2, rtol=1e-9, atol=1e-9)


def test_hysteresis_lies_between_the_folds() -> None:
    """eta(r) = pi^2 r^2 - J r - 1/(4 pi^2 r^2) turns back where 2 pi^2 r^4 - J r^3 + 1/(2 pi^2) = 0: between
    these two values of eta, and nowhere else, up and down differ.
    """
    turns = [r.real for r in np.roots([2 * PI**2, -15.0, 0, 0, 1 / (2 * PI**2)]) if abs(r.imag) < 1e-9]
    folds = sorted((PI * r) ** 2 - 15 * r - 1 / (2 * PI * r) ** 2 for r in turns if r > 0)
    values = np.linspace(-7, -2, 26)
    assert np.abs(values[:, None] - folds).min() > 0.02
    found = scan(qif(), "eta", values, tail=0.1)
    inside = values[(values > folds[0]) & (values < folds[1])]
    assert found.bistable("r", 0.1) == pytest.approx(inside)
    assert found.unit == ""
    assert len(inside) > 5
    rest = fixed_points(qif(float(values[0])), PLANE)[0].values["r"]
    assert found.up.lowest[0, 0] == pytest.approx(rest, rel=1e-6)
    assert found.up.highest[0, 0] == pytest.approx(rest, rel=1e-6)


def test_a_scan_in_units_starts_where_the_last_run_ended() -> None:
    """Of a slow membrane: the first run's end is the second one's start, to rounding."""
    cell = SimulationExperiment.from_string("""
dynamics:
  name: cell
  parameters: {tau: {value: 100, unit: ms}, E: {value: -70, unit: mV}}
  state_variables: {v: {equation: (E - v) / tau, unit: mV, initial_value: -50}}
integration: {step_size: 0.1, duration: 50, time_scale: ms}
""")
    found = scan(cell, "E", [-70.0, -40.0], tail=1.0)
    assert found.unit == "mV"
    assert found.up.lowest[1, 0] == pytest.approx(found.up.lowest[0, 0], rel=1e-12)


def test_what_cannot_be_analysed_is_refused() -> None:
    """More than one node, more than two variables, ranges that do not fit: each by name."""
    two = SimulationExperiment.from_string("""
network: {number_of_nodes: 2}
dynamics: {name: o, state_variables: {x: {equation: -x}}}
integration: {step_size: 0.1, duration: 1}
""")
    with pytest.raises(UnsupportedError, match="one node"):
        system(two)
    with pytest.raises(ModelError, match=r"(?s)no state variable 'q'.*'r' has no range.*'v' has no range"):
        fixed_points(qif(), {"q": (0, 1), "v": (1, 0)})
    with pytest.raises(UnsupportedError, match="no parameter of an experiment of one node"):
        scan(qif(), "integration.step_size", [0.01, 0.02])


@pytest.mark.parametrize(
    "text",
    [
        "x^3 - 2*x", "x^2.5 / (1 + x)", "2^x", "x^x", "exp(0 - x) * sin(x)", "cos(x) + tan(x)",
        "sinh(x) / cosh(x)", "tanh(2*x)", "sqrt(x + 1)", "ln(x) * log(2 + x)", "abs(x - 5)", "3",
        "ceil(x) + H(x - 9) + x",
    ],
)  # fmt: skip
def test_derivatives(text: str) -> None:
    """Each agrees with a central difference."""
    expr, step = parse(text), 1e-6
    for x in (0.3, 1.7, 2.9):
        near = [evaluate(expr, {"x": x + shift}) for shift in (-step, step)]
        difference = (near[1] - near[0]) / (2 * step)
        assert evaluate(derivative(expr, "x"), {"x": x}) == pytest.approx(difference, rel=1e-6, abs=1e-8)


def test_what_has_no_derivative_is_refused() -> None:
    """Random numbers have none."""
    with pytest.raises(ExpressionError, match="no derivative"):
        derivative(parse("random(x)"), "x")


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5))
def test_arrays_give_what_single_numbers_give(values: list[float]) -> None:
    """Element by element, to rounding of the functions."""
    expr = parse("exp(x / 10) * H(x) + abs(x) ^ 2 - tanh(x) + factorial(3)")
    found = arrays.evaluate(expr, {"x": np.array(values)})
    assert found == pytest.approx([evaluate(expr, {"x": x}) for x in values], rel=1e-12)


@given(st.lists(st.floats(), min_size=1, max_size=5), st.floats())
def test_what_is_exact_gives_the_same_bits(values: list[float], k: float) -> None:
    """Infinities, zeros of either sign and what is not a number included."""
    expr = parse("sqrt(x) / (k - x) + -x ^ 2 * k - abs(x / 3)")
    assert arrays.is_exact(expr)
    found = arrays.evaluate(expr, {"x": np.array(values), "k": np.float64(k)})
    expected = np.array([evaluate(expr, {"x": x, "k": k}) for x in values])
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.array_equal(np.signbit(found[found == 0]), np.signbit(expected[expected == 0]))
    assert not any(map(arrays.is_exact, map(parse, ("exp(x)", "x ^ 3", "x ^ k", "x .lt. k", "2 * sin(x)"))))


def test_a_phase_plane_is_drawn() -> None:
    """Both nullclines, the kinds of fixed points and the trajectory are named in the legend."""
    experiment = qif()
    plane = phase_plane(experiment, PLANE)
    assert (plane.x, plane.y) == ("r", "v")
    figure = plane.plot(experiment.run(), title="QIF")
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["dr/dt = 0", "dv/dt = 0", "trajectory", "stable node", "saddle", "stable focus"]


def test_the_first_range_is_the_x_axis() -> None:
    """Whatever the order of the equations."""
    turned = phase_plane(qif(), {"v": PLANE["v"], "r": PLANE["r"]}, count=11)
    plain = phase_plane(qif(), PLANE, count=11)
    assert (turned.x, turned.y) == ("v", "r")
    assert np.array_equal(turned.rates[0], plain.rates[1].T)
    assert np.array_equal(turned.rates[1], plain.rates[0].T)
