"""The picture of a spiking network."""

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.lems.spikes import SpikeTrains
from tvbo_lite.plotting.network import plot_network_activity

NETWORK = """
network:
  dynamics:
    cell:
      parameters: {tau: {distribution: {name: Uniform, domain: {lo: 5, hi: 15}}}}
      state_variables: {v: {equation: 1/tau, initial_value: 0}}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations:
    A: {dynamics: cell, size: 7, record: [v, spikes]}
    B: {dynamics: cell, size: 3, record: [spikes]}
integration: {step_size: 0.5, duration: 100, time_scale: ms}
"""


@pytest.fixture(scope="module")
def result():
    return SimulationExperiment.from_string(NETWORK).run()


def test_three_panels_show_spikes_a_trace_and_rates(result):
    """Every spike is a point, populations stand above each other, times are in ms."""
    figure = result.plot_network()
    raster, trace, rate = figure.axes
    points = [line for line in raster.lines if len(line.get_xdata())]
    assert [len(line.get_xdata()) for line in points] == [len(result.events["A"]), len(result.events["B"])]
    assert set(points[0].get_ydata()) == set(range(7))
    assert set(points[1].get_ydata()) == {7, 8, 9}
    assert max(points[0].get_xdata()) == pytest.approx(result.events["A"].times.max() * 1000)
    assert trace.lines[0].get_label().startswith("A[")
    assert len(rate.lines) == 2
    assert raster.get_xlim() == trace.get_xlim() == rate.get_xlim() == pytest.approx((0, 100))


def test_a_cell_may_be_named_and_shows_its_own_spikes(result):
    """One mark for each spike of it."""
    panel = result.plot_network(cell="A[2]/v").axes[1]
    (marks,) = panel.collections
    assert len(marks.get_segments()) == result.events["A"].counts[2] > 3
    with pytest.raises(KeyError, match="A"):
        result.plot_network(cell="A[9]/v")


def test_the_cell_is_a_typical_one_by_default(result):
    """Its number of spikes is the median of its population."""
    label = result.plot_network().axes[1].lines[0].get_label()
    number = int(label[2:-3])
    counts = result.events["A"].counts
    assert counts[number] == np.median(counts)


def test_without_traces_two_panels_are_left():
    """And without spikes there is nothing to draw."""
    spikes = SpikeTrains("P", np.array([0.5]), np.array([0]), 2, 1.0)
    assert len(plot_network_activity({"P": spikes}).axes) == 2
    empty = SpikeTrains("P", np.zeros(0), np.zeros(0, dtype=int), 2, 1.0)
    assert len(plot_network_activity({"P": empty}).axes) == 2
    with pytest.raises(ValueError, match=r"record: \[spikes\]"):
        plot_network_activity({})


def test_each_panel_is_a_figure_of_its_own(result):
    """Raster, trace and rate in one call each, drawn as in the figure of all three."""
    whole = result.plot_network(cell="A[2]/v", width=5e-3).axes
    alone = (result.plot_raster(), result.plot_cell("A[2]/v"), result.plot_rate(width=5e-3))
    for panel, figure in zip(whole, alone, strict=True):
        (axes,) = figure.axes
        assert axes.get_ylabel() == panel.get_ylabel()
        assert axes.get_xlabel() == "time [ms]"
        for mine, other in zip(axes.lines, panel.lines, strict=True):
            np.testing.assert_array_equal(mine.get_xydata(), other.get_xydata())


def test_a_panel_without_data_says_so(result):
    """No spikes, no traces, a cell that was not recorded."""
    bare = SimulationExperiment.from_string(
        NETWORK.replace(", spikes]", "]").replace("[spikes]", "false")
    ).run()
    for draw in (bare.plot_raster, bare.plot_rate):
        with pytest.raises(ValueError, match=r"record: \[spikes\]"):
            draw()
    assert bare.plot_cell().axes[0].get_title(loc="left") == "One cell"
    with pytest.raises(KeyError, match="A"):
        result.plot_cell("A[9]/v")
