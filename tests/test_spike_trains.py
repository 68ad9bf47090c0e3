"""The spikes of populations as arrays, in results that are made, saved and loaded."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import xarray as xr

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import UnsupportedError
from tvbo_lite.lems.spikes import SpikeTrains
from tvbo_lite.results import ExperimentResult


@pytest.fixture(scope="module")
def result():
    """Two populations of regular spike sources, 5 ms and 2 ms apart, and a cell without spikes."""
    return SimulationExperiment.from_string("""
network:
  dynamics:
    slow: {iri: neuroml:spikeGenerator, parameters: {period: 5 ms}}
    cell:
      parameters: {tau: 10}
      state_variables: {v: {equation: 1/tau, initial_value: 0}}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations:
    S: {dynamics: slow, size: 3, record: [spikes]}
    C: {dynamics: cell, size: 2, record: [v, spikes]}
integration: {step_size: 0.5, duration: 23, time_scale: ms}
""").run()


def trains(times, index, size=3, duration=1.0):
    return SpikeTrains("P", np.array(times, dtype=float), np.array(index, dtype=int), size, duration)


def test_each_population_has_its_spikes(result):
    """Times in s, indices of cells, the number of cells and the duration."""
    slow, cells = result.spike_trains("S"), result.spike_trains("C")
    assert len(slow) == 12
    assert slow.size == 3
    assert slow.duration == pytest.approx(0.023)
    assert np.allclose(slow.trains[2], [0.005, 0.01, 0.015, 0.02])
    assert set(slow.index) == {0, 1, 2}
    assert cells.counts.tolist() == [2, 2]
    assert repr(cells) == "<SpikeTrains 'C': 4 spikes of 2 cells in 0.023 s>"


def test_trains_are_a_list_with_an_array_for_each_cell():
    """Cells without a spike have an empty one."""
    found = trains([0.1, 0.2, 0.2, 0.4], [2, 0, 2, 2])
    assert [one.tolist() for one in found.trains] == [[0.2], [], [0.1, 0.2, 0.4]]
    assert found.counts.tolist() == [1, 0, 3]
    assert found.rates.tolist() == [1.0, 0.0, 3.0]
    assert trains([], [], 0).trains == []


def test_the_rate_of_a_population_counts_each_spike_once():
    """A spike at the end of a bin belongs to it; the mean over bins is the mean rate of a cell."""
    found = trains([0.001, 0.002, 0.002, 1.0], [0, 1, 2, 0])
    time, rate = found.rate(1e-3)
    assert len(time) == 1000
    assert time[0] == 0.0005
    assert np.allclose(rate[[0, 1, 999]] * 3 * 1e-3, [1, 2, 1])
    assert rate.mean() == pytest.approx(found.rates.mean())
    with pytest.raises(ValueError, match="width of a bin is 0 s"):
        found.rate(0)


def test_an_unknown_population_is_named(result):
    """With those that are known."""
    with pytest.raises(KeyError, match="no spikes of 'E'; recorded are those of: S, C"):
        result.spike_trains("E")
    with pytest.raises(KeyError, match="whose spikes"):
        result.spike_trains()


def test_traces_know_their_population_and_index(result):
    """So that they are chosen by it; networks whose instances are listed have them too."""
    data = result.data
    assert data.population.values.tolist() == ["C", "C"]
    assert data.index.values.tolist() == [0, 1]
    assert data[:, data.index == 1].quantity.values.tolist() == ["C[1]/v"]


@pytest.mark.parametrize("ending", [".npz", ".nc"])
def test_spikes_are_saved_and_loaded(tmp_path, result, ending):
    """Exactly, with the number of cells and the duration; coordinates too."""
    if ending == ".nc" and not {"netcdf4", "h5netcdf", "scipy"} & set(xr.backends.list_engines()):
        pytest.skip("no library for NetCDF")
    again = ExperimentResult.load(result.save(tmp_path / f"r{ending}"))
    assert again.events.keys() == result.events.keys()
    for name, item in result.events.items():
        other = again.spike_trains(name)
        assert np.array_equal(item.times, other.times)
        assert np.array_equal(item.index, other.index)
        assert (item.name, item.size, item.duration) == (other.name, other.size, other.duration)
    xr.testing.assert_identical(again.data, result.data)


def test_trains_are_neo_s(result):
    """One for each cell, also silent ones, in s, from the beginning of the run to its end."""
    pytest.importorskip("neo")
    spikes = result.spike_trains("S")
    found = spikes.to_neo()
    assert [train.annotations for train in found] == [{"population": "S", "index": k} for k in range(3)]
    for train, times in zip(found, spikes.trains, strict=True):
        assert np.array_equal(train.rescale("s").magnitude, times)
        assert (float(train.t_start), float(train.t_stop)) == (0.0, spikes.duration)
        assert str(train.units.dimensionality) == "s"
    silent = trains([0.5, 1.0], [7, 7], 2)
    silent = SpikeTrains("P", silent.times, silent.index, 2, 1.0, 0.25, np.array([3, 7]))
    empty, full = silent.to_neo()
    assert (len(empty), len(full), empty.annotations["index"], full.name) == (0, 2, 3, "P[7]")
    assert (float(full.t_start), float(full.t_stop)) == (0.25, 1.25)


def test_neo_is_asked_for_where_it_is_missing(monkeypatch):
    """The message says how to get it."""
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(
        UnsupportedError, match=r"neo, which is not installed; pip install 'tvbo-lite\[neo\]'"
    ):
        trains([], []).to_neo()
