"""Inputs from outside: equations, pulses and samples that add to variables of the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tvbo_lite.errors import ModelError, SchemaError, TvboLiteError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.schema.load import load
from tvbo_lite.transforms.lower.course import MAX_PIECES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEAK = """\
dynamics:
  name: leak
  parameters: {{tau: 5.0, u: {u}}}
  state_variables:
    x: {{equation: (u - x)/tau, initial_value: 1.0}}
{more}
integration: {{step_size: 0.1, duration: 10, time_scale: {scale}}}
"""


def text(more: str = "", *, u: str = "0", scale: str = "ms") -> str:
    return LEAK.format(more=more, u=u, scale=scale)


def x(document: str) -> np.ndarray:
    result = SimulationExperiment.from_string(document, "e.yaml").run()
    found: np.ndarray = result.integration.data.sel(variable="x").values
    return found


def by_hand(u: Callable[[int], float]) -> np.ndarray:
    """Forward Euler; ``u(n)`` is the input of step ``n``."""
    values = [1.0]
    for n in range(100):
        values.append(values[-1] + 0.1 * (u(n) - values[-1]) / 5.0)
    return np.array(values)


PULSE = by_hand(lambda n: 2.0 if 20 <= n < 60 else 0.0)


@pytest.mark.parametrize("scale", ["ms", "s", "us"])
@pytest.mark.parametrize(
    "stimulus",
    [
        "{target_var: u, equation: 2.0, onset: 2, duration: 4}",
        "{target_var: u, samples: {values: [0, 2, 0], times: [0, 2, 6]}}",
        "{target_var: u, samples: {values: [2, 0], times: [2, 6]}}",
        "{target_var: u, samples: {values: [0, 2, 2, 0, 0], step_size: 2}}",
        "{up: {target_var: u, equation: 2.0, onset: 2}, down: {target_var: u, equation: -2, onset: 6}}",
        "[{name: up, target_var: u, equation: a, parameters: {a: 2}, onset: 2, duration: 4}]",
    ],
)
def test_a_pulse_acts_in_the_steps_that_begin_in_it(stimulus: str, scale: str) -> None:
    """Six ways to write it; steps 20 to 59 have it, in every scale of time."""
    assert x(text(f"stimulation: {stimulus}", scale=scale)) == pytest.approx(PULSE, rel=1e-12)


@pytest.mark.parametrize("scale", ["ms", "s"])
def test_samples_may_change_in_each_step(scale: str) -> None:
    """More values than equations can hold stand in a table beside them; pulses beside it act as ever."""
    noise = np.random.default_rng(1).normal(size=2 * MAX_PIECES)
    values = ", ".join(repr(float(value)) for value in noise)
    more = f"{{noise: {{target_var: u, samples: {{values: [{values}], step_size: 0.1}}}}"
    document = text(
        f"stimulation: {more}, pulse: {{target_var: u, equation: 2, onset: 2, duration: 4}}}}", scale=scale
    )
    expected = by_hand(lambda n: noise[n] + (2.0 if 20 <= n < 60 else 0.0))
    assert x(document) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("count", [3, 2 * MAX_PIECES])
def test_samples_may_lie_on_lines(count: int) -> None:
    """A triangle by a few corners, and by many points of it; a step takes the value at its beginning."""
    times = np.linspace(2, 8, count)
    values = 3 - np.abs(times - 5)
    samples = f"{{times: {times.tolist()}, values: {values.tolist()}, linear: true}}"
    document = text(f"stimulation: {{target_var: u, samples: {samples}}}")
    expected = by_hand(lambda n: float(np.interp(n * 0.1, times, values)))
    assert x(document) == pytest.approx(expected, rel=1e-9)


def test_a_stimulus_adds_to_the_value_of_the_parameter() -> None:
    """The parameter's own value stays where no pulse is."""
    expected = by_hand(lambda n: 3.5 if 20 <= n < 60 else 1.5)
    document = text("stimulation: {target_var: u, equation: 2.0, onset: 2, duration: 4}", u="1.5")
    assert x(document) == pytest.approx(expected, rel=1e-12)


def test_a_dynamics_has_a_stimulus_of_its_own() -> None:
    """The key ``stimulus`` of a dynamics is the same."""
    more = "  stimulus: {target_var: u, equation: 2.0, onset: 2, duration: 4}"
    assert x(text(more)) == pytest.approx(PULSE, rel=1e-12)


def test_an_equation_in_time_is_computed_for_the_end_of_each_step() -> None:
    """As LEMS does with ``t``; in seconds where nothing has a unit."""
    document = text("stimulation: {target_var: u, equation: 'k*t', parameters: {k: 1000}}")
    assert x(document) == pytest.approx(by_hand(lambda n: (n + 1) * 0.1), rel=1e-9)


def test_units_make_the_time_a_time() -> None:
    """A cell in mV and nA, driven by a pulse of 0.1 nA."""
    document = """\
dynamics:
  name: cell
  parameters:
    C: {value: 100, unit: pF}
    g: {value: 10, unit: nS}
    I: {value: 0, unit: nA}
  state_variables:
    v: {equation: (I - g*v)/C, initial_value: 0, unit: mV}
stimulation: {target_var: I, equation: 0.1, unit: nA, onset: 2, duration: 4}
integration: {step_size: 0.1, duration: 10}
"""
    v = SimulationExperiment.from_string(document).run().integration.data.sel(variable="v").values
    expected = [0.0]
    for n in range(100):
        current = 0.1e-9 if 20 <= n < 60 else 0.0
        expected.append(expected[-1] + 1e-4 * (current - 1e-8 * expected[-1]) / 1e-10)
    assert v == pytest.approx(expected, rel=1e-9)


def test_a_derived_variable_and_a_coupling_input_can_be_driven() -> None:
    """What they are otherwise is added to."""
    derived = text("  derived_variables: {w: {equation: '0.0*x'}}\nstimulation: {STIMULUS}").replace(
        "(u - x)/tau", "(w - x)/tau"
    )
    stimulus = "target_var: w, equation: 2.0, onset: 2, duration: 4"
    assert x(derived.replace("STIMULUS", stimulus)) == pytest.approx(PULSE, rel=1e-12)
    coupled = text("  coupling_inputs: [c]\nstimulation: {STIMULUS}").replace("(u - x)/tau", "(c - x)/tau")
    stimulus = "equation: 2.0, onset: 2, duration: 4"  # the only coupling input needs no name
    assert x(coupled.replace("STIMULUS", stimulus)) == pytest.approx(PULSE, rel=1e-12)


def test_samples_come_from_a_file_beside_the_document(tmp_path: Path) -> None:
    """Times and values, or values alone."""
    (tmp_path / "u.csv").write_text("0, 0\n2, 2.0\n6, 0\n")
    (tmp_path / "v.txt").write_text("0\n2.0\n2.0\n0\n")
    for samples in ("{file: u.csv}", "{file: v.txt, step_size: 2}"):
        path = tmp_path / "e.yaml"
        path.write_text(text(f"stimulation: {{target_var: u, samples: {samples}}}"))
        ours = SimulationExperiment.from_file(path).run().integration.data.sel(variable="x").values
        assert ours == pytest.approx(PULSE, rel=1e-12)


NETWORK = """\
network:
  dynamics:
    a: {parameters: {u: 0}, state_variables: {x: {equation: u - x, initial_value: 0}}}
    b: {parameters: {u: 0}, state_variables: {x: {equation: u - x, initial_value: 0}}}
  nodes: [{id: 0, dynamics: a}, {id: 1, dynamics: b}, {id: 2, dynamics: a}]
stimulation: {target_var: u, equation: 1.0, regions: REGIONS}
integration: {step_size: 0.1, duration: 1}
"""


def test_regions_choose_the_nodes_and_weighting_their_share() -> None:
    """The nodes of one dynamics receive it alike."""
    document = NETWORK.replace("REGIONS", "[0, 2, 1], weighting: [2.0, 2.0, 1.0]")
    data = SimulationExperiment.from_string(document).run().integration.data
    a, b = data.sel(quantity="a_pop[1]/x").values, data.sel(quantity="b_pop[0]/x").values
    assert a == pytest.approx(2 * b, rel=1e-12)
    document = NETWORK.replace("REGIONS", "[1]")
    data = SimulationExperiment.from_string(document).run().integration.data
    assert (data.sel(quantity="a_pop[0]/x").values == 0).all()
    assert data.sel(quantity="b_pop[0]/x").values[-1] > 0.5


def test_what_is_rendered_holds_the_stimulus() -> None:
    """The LEMS text has it as a variable, and reads back as the same model."""
    exp = SimulationExperiment.from_string(text("stimulation: {target_var: u, equation: 2, onset: 2}"))
    rendered = exp.render("lems")
    assert isinstance(rendered, str)
    assert 'ConditionalDerivedVariable name="u_stimulus"' in rendered
    assert read_string(rendered) == exp.model()


def test_names_of_the_model_are_not_taken() -> None:
    """A parameter of the stimulus that is called like one of the dynamics keeps its own value."""
    more = "stimulation: {target_var: u, equation: tau, parameters: {tau: 2.0}, onset: 2, duration: 4}"
    assert x(text(more)) == pytest.approx(PULSE, rel=1e-12)


WRONG: dict[str, tuple[str, type[TvboLiteError], str]] = {
    "unknown target": ("{target_var: uu, equation: 1}", ModelError, "e.yaml:6: .*has 'uu'; did you mean 'u'"),
    "no target": ("{equation: 1}", ModelError, "no dynamics by equations has one coupling input alone"),
    "no value": ("{target_var: u}", ModelError, "has no value; expected 'equation' or 'samples'"),
    "two values": (
        "{target_var: u, equation: 1, samples: {values: [1]}}", ModelError, "has both equation and samples",
    ),
    "states": ("{target_var: x, equation: 1}", ModelError, "no dynamics by equations has 'x'"),
    "missing file": ("{target_var: u, samples: {file: no.txt}}", ModelError, "file no.txt cannot be read"),
    "weights": (
        "{target_var: u, equation: 1, regions: [0], weighting: [1, 2]}", ModelError, "2 weights for 1 region",
    ),
    "windowed samples": (
        "{target_var: u, onset: 1, samples: {values: [1, 2]}}", UnsupportedError, "samples have no onset",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_told_with_its_line(case: str) -> None:
    """File, line, what was found, what would be right."""
    stimulus, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        SimulationExperiment.from_string(text(f"stimulation: {stimulus}"), "e.yaml").model()


def test_nodes_of_one_dynamics_cannot_receive_it_differently() -> None:
    """They are one population with the same equations."""
    with pytest.raises(UnsupportedError, match="the nodes with the dynamics 'a' receive it differently"):
        SimulationExperiment.from_string(NETWORK.replace("REGIONS", "[0]")).model()


@pytest.mark.parametrize(
    ("stimulus", "message"),
    [
        ({"equation": 1, "onest": 2}, "'onest' is not a key of a stimulus; did you mean 'onset'"),
        ({"samples": {}}, "the samples have neither 'values' nor 'file'"),
        ({"samples": {"values": [1], "file": "a"}}, "the samples have both 'values' and 'file'"),
        ({"samples": {"values": [1, 2], "times": [0]}}, "there are 1 times and 2 values"),
        ({"samples": {"values": [1, 2], "times": [0, 0]}}, "the times do not rise"),
        ({"samples": {"values": [1], "times": [0], "step_size": 1}}, "both 'times' and 'step_size'"),
        ({"a": 3}, "found 3; expected a stimulus, written as a mapping"),
    ],
)
def test_the_schema_knows_a_stimulus(stimulus: dict[str, object], message: str) -> None:
    """One alone or several by name; unknown keys with the nearest known one."""
    with pytest.raises(SchemaError, match=message):
        load({"dynamics": "a", "stimulation": stimulus})
