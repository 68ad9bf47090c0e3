"""Labelled results."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import tvbo_lite
from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import ReadError, UnitError, UnsupportedError
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.lems.recording import Recording
from tvbo_lite.results import ExperimentResult

NAMES = ("z_pop[0]/v", "a_pop[0]/v", "z_pop[0]/i", "z_pop[0]/w")
UNITS = {"z_pop[0]/v": "V", "a_pop[0]/v": "voltage", "z_pop[0]/i": "A"}
TIME = np.arange(101) * 1e-3


def recording():
    spiking = np.where(np.arange(101) % 50 == 25, 0.03, -0.07)
    values = np.column_stack(
        [spiking, np.full(101, -0.065), np.linspace(0, 2e-9, 101), np.linspace(0, 1, 101)]
    )
    return Recording(
        SimulationPlan("sim1", "net1", 0.1, 1e-3), TIME, values, NAMES, timings={"simulate": 0.5}
    )


@pytest.fixture
def result():
    return ExperimentResult.from_recording(recording(), units=UNITS, name="Ex", backend="jlems")


def test_data_has_time_and_quantity_in_the_declared_order(result):
    """Dimensions, coordinates and order are those of the YAML dialect."""
    data = result.integration.data
    assert isinstance(data, xr.DataArray)
    assert data.dims == ("time", "quantity")
    assert data.quantity.values.tolist() == list(NAMES)
    assert data.time.attrs == {"units": "s"}
    np.testing.assert_array_equal(data.time.values, TIME)
    assert data.sel(quantity="z_pop[0]/i").values[-1] == 2e-9
    assert result.data is data


def test_each_quantity_has_its_si_unit(result):
    """A unit or the name of a dimension may be given; what is not known is empty; it is no index."""
    data = result.integration.data
    assert data.units.values.tolist() == ["V", "V", "A", ""]
    assert "units" not in data.indexes


def test_a_result_says_where_it_comes_from(result):
    """Name, backend, step and version; the recording and its timings are kept."""
    data = result.integration.data
    assert data.name == "Ex"
    assert data.attrs == {"backend": "jlems", "step": 1e-3, "software": f"tvbo_lite {tvbo_lite.__version__}"}
    assert result.timings == {"simulate": 0.5}
    assert result.recording.quantities == NAMES


def test_one_node_has_variables():
    """Without a network the second dimension is called variable."""
    data = ExperimentResult.from_recording(recording(), dim="variable").integration.data
    assert data.dims == ("time", "variable")
    assert data.name == "sim1"


def test_a_wrong_unit_is_refused():
    """A unit that does not exist is a UnitError."""
    with pytest.raises(UnitError, match="unknown unit 'volts'"):
        ExperimentResult.from_recording(recording(), units={"z_pop[0]/v": "volts"})


def test_units_are_converted_where_they_fit(result):
    """Voltages become mV and times ms; all else stays, and so does the result itself."""
    data = result.to_units("mV", "ms").integration.data
    assert data.units.values.tolist() == ["mV", "mV", "A", ""]
    np.testing.assert_allclose(data.values[:, 1], -65)
    np.testing.assert_array_equal(data.values[:, 2], result.data.values[:, 2])
    np.testing.assert_allclose(data.time.values, TIME * 1e3)
    assert data.time.attrs == {"units": "ms"}
    assert result.data.units.values[0] == "V"
    assert result.data.values[0, 0] == -0.07
    np.testing.assert_allclose(result.to_units("mV").to_units("V").data.values, result.data.values)


def test_a_unit_that_fits_nothing_is_refused(result):
    """The message lists the units that are there."""
    with pytest.raises(UnitError, match="nothing here is measured in 'mM'; expected a unit like A, V, s"):
        result.to_units("mM")


@pytest.mark.parametrize("units", [(), ("mV", "ms")])
def test_spikes_are_found_in_any_unit(result, units):
    """Only the spiking v spikes; times stay in seconds."""
    found = (result.to_units(*units) if units else result).spikes()
    assert list(found) == ["z_pop[0]/v"]
    np.testing.assert_allclose(found["z_pop[0]/v"], [0.0245, 0.0745])


def test_a_given_threshold_is_in_the_present_unit(result):
    """It applies to every v, which may turn out not to spike."""
    found = result.to_units("mV").spikes(0.0)
    assert {name: len(times) for name, times in found.items()} == {"z_pop[0]/v": 2, "a_pop[0]/v": 0}


@pytest.mark.parametrize("ending", [".npz", ".nc"])
@pytest.mark.parametrize("dim", ["quantity", "variable"])
def test_a_saved_result_is_loaded_unchanged(tmp_path, ending, dim):
    """Values, coordinates, units and attributes survive."""
    if ending == ".nc" and not {"netcdf4", "h5netcdf", "scipy"} & set(xr.backends.list_engines()):
        pytest.skip("no NetCDF library")
    result = ExperimentResult.from_recording(recording(), units=UNITS, dim=dim)
    loaded = ExperimentResult.load(result.save(tmp_path / "folder" / f"r{ending}"))
    xr.testing.assert_identical(loaded.integration.data, result.integration.data)
    assert loaded.recording is None


def test_netcdf_without_a_library_is_explained(tmp_path, result, monkeypatch):
    """The message says what to install and what to use instead."""
    monkeypatch.setattr(xr.backends, "list_engines", lambda: {"store": None})
    with pytest.raises(UnsupportedError, match=r"tvbo-lite\[netcdf\]', or use the ending \.npz"):
        result.save(tmp_path / "r.nc")
    assert not (tmp_path / "r.nc").exists()


def test_csv_has_names_and_units_in_its_header(tmp_path, result):
    """A row for each time; the numbers are exact."""
    lines = result.save(tmp_path / "r.csv").read_text().splitlines()
    assert lines[0] == "time [s],z_pop[0]/v [V],a_pop[0]/v [V],z_pop[0]/i [A],z_pop[0]/w"
    np.testing.assert_array_equal(
        [float(x) for x in lines[-1].split(",")], [TIME[-1], *result.data.values[-1]]
    )
    assert len(lines) == 102


def test_other_endings_are_refused(tmp_path, result):
    """Saving and loading name the endings there are; csv is not loaded."""
    with pytest.raises(UnsupportedError, match=r"'r.xls'; expected .npz or .nc or .zarr or .csv"):
        result.save(tmp_path / "r.xls")
    with pytest.raises(UnsupportedError, match=r"'r.csv'; expected .npz or .nc"):
        ExperimentResult.load(tmp_path / "r.csv")


def test_a_file_that_is_no_result_is_a_read_error(tmp_path):
    """Missing, garbled, and a foreign npz."""
    with pytest.raises(ReadError, match="no such file"):
        ExperimentResult.load(tmp_path / "absent.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ReadError, match="holds no saved result"):
        ExperimentResult.load(tmp_path / "bad.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ReadError, match="holds no saved result"):
        ExperimentResult.load(tmp_path / "other.npz")


def test_repr_is_short(result):
    """One line with the name, the span and the first quantities; in a notebook a table with all."""
    assert repr(result) == (
        "<ExperimentResult 'Ex': 101 times, 0 to 0.1 s; "
        "quantity: z_pop[0]/v, a_pop[0]/v, z_pop[0]/i, z_pop[0]/w>"
    )
    assert repr(result.integration).startswith("<Integration 'Ex': 101 times")
    assert "z_pop[0]/w" in result._repr_html_()


def test_importing_results_loads_no_matplotlib():
    """Figures are only loaded when one is drawn."""
    code = "import sys, tvbo_lite.results; print('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_labels_are_plain_arrays_and_load_no_other_library():
    """A result that is made where dask is installed leaves it alone; its labels are numpy's own."""
    code = """
import sys
import numpy as np
from tvbo_lite.labelled import table_of
from tvbo_lite.lems.recording import Traces
traces = Traces(None, np.arange(3.0), np.zeros((3, 2)), ("a", "bc"))
data = table_of(traces, {}, "quantity", {}, "n")
assert type(data.time.values) is type(data.quantity.values) is np.ndarray
assert data.quantity.dtype == np.dtype("U2")
print("dask" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_plot_has_a_panel_for_each_unit(result):
    """Voltages in mV, the current in nA, the trace of unknown unit by its name."""
    figure = result.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["v [mV]", "i [nA]", "w"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 1, 1]
    np.testing.assert_allclose(figure.axes[0].lines[1].get_ydata(), -65)
    assert figure.axes[-1].get_xlabel() == "time [ms]"
    assert [len(axes.lines) for axes in result.plot("z_pop[0]/i").axes] == [1]
    with pytest.raises(KeyError, match="nothing"):
        result.plot("nothing")


@pytest.mark.parametrize(("label", "name"), [("Two, 50 % more", "Two, 50 % more"), (None, "sim_decay")])
def test_a_result_is_called_as_the_experiment_is(tmp_path, label, name):
    """Figures and files show the label as it was written; without one, the id of the simulation."""
    text = "dynamics: {name: decay, state_variables: {x: {equation: -x, initial_value: 1}}}\n"
    text += "integration: {step_size: 0.1, duration: 1}\n"
    experiment = SimulationExperiment.from_string(text if label is None else f"label: {label}\n{text}")
    assert experiment.run().data.name == name
    assert experiment.run(output=tmp_path / "run.zarr").data.name == name
