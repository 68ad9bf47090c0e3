"""Numbers drawn anew in each step of LEMS's own Euler method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.errors import ModelError
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.lems.beyond import Beyond, Noise

NETWORK = """
network:
  dynamics:
    source:
      state_variables: {{x: {{equation: 1, initial_value: 0}}}}
      events: {{spike: {{condition: x >= 3, affect: x = 0}}}}
    target:
      coupling_inputs: {{pulses: {{}}}}
      state_variables:
        y: {{equation: pulses, initial_value: 0}}
        {xi}
  populations:
    S: {{dynamics: source, size: 2, record: [spikes]}}
    T: {{dynamics: target, size: 3, record: [{record}]}}
  projections:
    p: {{source: S, target: T, rule: {{type: all_to_all, weight: 2, delay: 1 ms}}}}
integration: {{step_size: 1, duration: 20, time_scale: ms}}
"""


def experiment(noise="{seed: 4}", record="y, xi"):
    xi = f"xi: {{initial_value: 0, noise: {noise}}}" if noise else ""
    return SimulationExperiment.from_string(NETWORK.format(xi=xi, record=record))


def test_pulses_arrive_in_the_same_step_with_noise_and_without():
    """A spike at 3 ms with a delay of a step moves its targets in the step to 4 ms."""
    with_noise = experiment(record="y").run().data.values
    without = experiment(noise="", record="y").run().data.values
    assert np.array_equal(with_noise, without)
    assert with_noise[:6, 0].tolist() == [0, 0, 0, 0, 4, 4]


def test_other_methods_lose_no_pulse():
    """There a spike at 3 ms has arrived at 4 ms, and moves its targets in the step from there."""
    found = experiment(noise="", record="y").run(method="heun").data.values[:, 0]
    assert found[:10].tolist() == [0, 0, 0, 0, 0, 4, 4, 4, 8, 8]


def test_the_strength_is_the_deviation_of_the_numbers():
    """Those of the same seed, times sigma; 1 where nothing is said."""
    plain = experiment(record="xi").run().data.values
    strong = experiment("{seed: 4, parameters: {sigma: 3}}", record="xi").run().data.values
    assert np.allclose(strong, 3 * plain, rtol=1e-15)
    assert (plain[0] == 0).all()  # nothing is drawn before the first step
    assert len(np.unique(plain[1:])) == 60


def test_the_interpreter_gives_the_same_bits():
    """Of all rows, noise and pulses included."""
    model = link(experiment("{seed: 4, parameters: {sigma: 3}}").model())
    _, program = native.prepare(model)
    run = native.simulate(program, native.compile_program(program), 20)
    assert np.array_equal(interpret(program, 20).rows, run.rows)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (Noise("target", "y", held=True), "'y' of 'target' cannot be drawn in each step; expected one of xi"),
        (Noise("target", "pulses", held=True), "expected one of xi"),
        (Noise("targets", "xi", held=True), "no instance has the type 'targets'; did you mean 'target'"),
    ],
)
def test_noise_belongs_to_a_variable_without_derivative(noise, message):
    """Anything else is told with the nearest name."""
    model = link(experiment().model())
    with pytest.raises(ModelError, match=message):
        native.run_linked(replace(model, beyond=Beyond(noise=(noise,))))


def test_a_session_goes_on_where_it_stopped():
    """Rows, events, noise and delayed spikes are those of one run, whatever the parts."""
    model = experiment().model()
    (_, whole), (_, parts) = native.open_session(model), native.open_session(model)
    one = whole.advance(20)
    runs = [parts.advance(count) for count in (3, 1, 16)]
    assert np.array_equal(np.concatenate([run.rows for run in runs]), one.rows)
    assert np.array_equal(np.concatenate([run.events for run in runs]), one.events)
    assert len(one.events) == 12
    assert np.array_equal(whole.values("target", "y"), one.rows[-1, 1::2])
    assert whole.values("target", "z") is None
    whole.close()
    parts.close()
