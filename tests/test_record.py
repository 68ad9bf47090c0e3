"""What a population's `record` keeps: which variables, of which cells, how often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.errors import InputError, ModelError, UnsupportedError
from tvbo_lite.formats.lems import reader
from tvbo_lite.losses import LossWarning
from tvbo_lite.results import ExperimentResult

TEXT = """
network:
  dynamics:
    cell:
      parameters: {tau: {distribution: {name: Uniform, domain: {lo: 8, hi: 12}, seed: 1}}}
      state_variables:
        v: {equation: 1/tau, initial_value: 0}
        w: {equation: -v/tau, initial_value: 0}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations:
    C: {dynamics: cell, size: 20, record: RECORD}
integration: {step_size: 0.5, duration: 50, time_scale: ms}
"""


def experiment(record: str) -> SimulationExperiment:
    return SimulationExperiment.from_string(TEXT.replace("RECORD", record))


@pytest.fixture(scope="module")
def whole():
    return experiment("[v, w, spikes]").run()


@pytest.mark.parametrize("of", ["{of: ':20'}", "{of: [3, 1, 17]}"])
def test_chosen_spikes_are_rows_of_a_table(of):
    """To the engine; one by one, as in a file, they give the same events."""
    model = reader.link(experiment(f"{{spikes: {of}}}").model())
    [simulation] = [item for item in model.components if item.tag == "Simulation"]
    [file] = simulation.children
    [rows] = file.children.parts
    assert (rows.count, file.children[1].attributes["select"]) == (len(rows), f"C[{rows.ids[1]}]")
    apart = replace(simulation, children=(replace(file, children=tuple(file.children)),))
    components = [apart if item is simulation else item for item in model.components]
    (times, ids), (expected, names) = (
        native.run_linked(each).events["C"] for each in (model, replace(model, components=tuple(components)))
    )
    assert len(times) > 5
    assert (times.tolist(), ids) == (expected.tolist(), names)


@pytest.mark.parametrize(
    ("of", "indices"),
    [
        ("[0, 5, 10]", [0, 5, 10]),
        ("7", [7]),
        ("'0:20:5'", [0, 5, 10, 15]),
        ("':3'", [0, 1, 2]),
        ("'17:'", [17, 18, 19]),
        ("[]", []),
    ],
)
def test_cells_are_chosen_by_index_and_range(whole, of, indices):
    """Their traces are those of the whole run, by time and index."""
    result = experiment(f"{{w: true, v: {{of: {of}}}}}").run()
    assert result.traces("C", "w").index.values.tolist() == list(range(20))
    if not indices:
        with pytest.raises(KeyError, match="'v' of 'C' was not recorded; recorded are: C: w"):
            result.traces("C", "v")
        return
    found = result.traces("C", "v")
    assert found.dims == ("time", "index")
    assert found.index.values.tolist() == indices
    assert (found.population, found.attrs["units"], found.name) == ("C", "1", "v")
    assert np.array_equal(found, whole.traces("C", "v").sel(index=indices))


def test_a_sample_is_drawn_once_for_a_seed():
    """Different cells of those that are meant, the same in each run; another seed draws others."""
    found = [
        experiment(f"{{v: {{of: '0:15', sample: 6, seed: {seed}}}}}")
        .run()
        .traces("C", "v")
        .index.values.tolist()
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]
    assert found[0] == sorted(set(found[0]))
    assert len(found[0]) == 6
    assert max(found[0] + found[2]) < 15


def test_each_variable_has_its_interval(whole):
    """Rows are those of the whole run, from time 0; the table of the shortest interval comes first."""
    result = experiment("{v: {every: 2}, w: {every: 3 ms, of: [4]}, spikes: true}").run()
    v, w = result.traces("C", "v"), result.traces("C", "w")
    assert np.array_equal(v, whole.traces("C", "v")[::4])
    assert np.array_equal(v.time, whole.data.time[::4])
    assert np.array_equal(w, whole.traces("C", "w")[::6, [4]])
    assert [len(table.time) for table in result.integration.tables] == [26, 17]
    assert result.data.sizes == {"time": 26, "quantity": 20}
    assert np.array_equal(result.spike_trains("C").times, whole.spike_trains("C").times)
    assert result.spike_trains("C").duration == 0.05


def test_spikes_of_some_cells_count_for_these_alone(whole):
    """Rates and trains are those of the recorded cells, by their own indices."""
    some, every = experiment("{spikes: {of: [3, 17]}}").run().spike_trains("C"), whole.spike_trains("C")
    assert (some.size, some.cells.tolist(), set(some.index)) == (2, [3, 17], {3, 17})
    assert np.array_equal(some.trains[1], every.trains[17])
    assert np.array_equal(some.counts, every.counts[[3, 17]])
    assert np.array_equal(some.rates, every.rates[[3, 17]])


@pytest.mark.parametrize("ending", ["npz", "nc", "zarr"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tables_are_saved_and_written_meanwhile(tmp_path, ending, streamed):
    """Each with its own times, and the indices of recorded cells."""
    exp = experiment("{v: {every: 2}, w: {every: 3, of: [4]}, spikes: {of: [3, 17]}}")
    result, path = exp.run(), tmp_path / f"r.{ending}"
    if not streamed:
        result.save(path)
    elif ending == "npz":
        with pytest.raises(UnsupportedError, match=r"cannot write 'r\.npz' while"):
            exp.run(output=path)
        return
    else:
        exp.run(output=path)
    loaded = ExperimentResult.load(path)
    for one, other in zip(loaded.integration.tables, result.integration.tables, strict=True):
        xr.testing.assert_identical(one, other)
    assert loaded.spike_trains("C").cells.tolist() == [3, 17]
    with pytest.raises(UnsupportedError, match=r"\.csv file has one table"):
        result.save(tmp_path / "r.csv")
    converted = loaded.to_units("ms")
    assert [table.time.values[-1] for table in converted.integration.tables] == pytest.approx([50, 48])


def test_rows_go_on_where_a_state_was_taken(whole):
    """Intervals count from time 0, wherever a run was cut."""
    exp = experiment("{v: {every: 2}, w: {every: 3}}")
    one = exp.run(duration="9 ms")
    two = exp.run(duration="41 ms", initial_state=one.state)
    for name, step in (("v", 4), ("w", 6)):
        joined = xr.concat([one.traces("C", name), two.traces("C", name)], "time")
        assert np.array_equal(joined, whole.traces("C", name)[::step])


def test_output_files_have_intervals_too():
    """In the section `recordings`; a quantity may be in files of different intervals."""
    text = (
        TEXT.replace(", record: RECORD", "")
        + """\
recordings:
  files:
    fast: {file: fast.dat, columns: {v: "C[0]/v", w: "C[0]/w"}}
    slow: {file: slow.dat, every: 5 ms, columns: {v: "C[0]/v"}}
"""
    )
    exp = SimulationExperiment.from_string(text)
    recording = exp.run().recording
    fast, slow = (recording.table(file) for file in recording.plan.files)
    assert fast.shape == (101, 3)
    assert np.array_equal(slow, fast[::10, :2])
    with pytest.warns(LossWarning, match="the interval of 0.005 s between rows of 'slow': files have a row"):
        exp.render("lems")


def test_an_interval_counts_samples_of_results():
    """With `sampling_step_size` it is a whole number of these."""
    text = TEXT.replace("duration: 50", "duration: 50, method: heun, parameters: {sampling_step_size: 2}")
    exp = SimulationExperiment.from_string(text.replace("RECORD", "{v: {every: 4}}"))
    assert len(exp.run().data.time) == 13
    with pytest.raises(ModelError, match="recording 'v' every 3, in a run with a row every 2 ms"):
        SimulationExperiment.from_string(text.replace("RECORD", "{v: {every: 3}}")).model()
    with pytest.raises(ModelError, match=r"recording every 0\.004 s, in a run with a row every 0\.003 s"):
        exp.run(sampling_step_size=0.003)


def test_other_backends_give_the_same_rows():
    """They are chosen from all rows of their run."""
    exp = experiment("{v: {every: 2}, w: {every: 3, of: [4]}}")
    recording = native.run_model(exp.model())
    every = native.run_model(experiment("[v, w]").model())
    thinned = type(every)(recording.plan, every.time, every.values, every.quantities).thinned()
    for one, other in zip(thinned.traces(), recording.traces(), strict=True):
        assert one.quantities == other.quantities
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.time, other.time)
    assert recording.thinned() is recording


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{v: {evry: 1}}", "'evry' is not a key of a recorded variable; did you mean 'every'"),
        ("{v: {every: 0.3 ms}}", "recording 'v' every 0.3 ms, in a run with a row every 0.5 ms"),
        ("{v: {every: soon}}", "found 'soon'; expected a number above 0, or a time"),
        ("{v: {of: [25]}}", "there is no cell 25 to record; expected indices from 0 to 19"),
        ("{v: {of: [-1]}}", "found a list; expected indices such as"),
        ("{v: {of: '::0'}}", "found '::0'; expected indices such as"),
        ("{v: {sample: 30}}", "a sample of 30 of 20 cells; expected at most 20"),
        ("{v: {sample: 0}}", "found 0; expected a whole number from 1 on"),
        ("{x: true}", "there is no 'x' to record; expected v, w, spikes"),
        ("{spikes: {every: 1}}", "spikes are kept whenever they are; expected no 'every'"),
        ("[1]", "found a list; expected true, false, names of variables, or a map by their names"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(record, message):
    """In the modeller's words."""
    with pytest.raises(InputError) as caught:
        experiment(record).model()
    assert message in str(caught.value)
    assert caught.value.problems[0].location.line == 11


@pytest.mark.parametrize(
    "record", ["true", "false", "v", "[v, spikes]", "{v: {every: 2 ms, of: '0:9:2'}, spikes: true}"]
)
def test_every_form_survives_as_yaml(record):
    """Text, experiment, text, experiment; a variable that is false is not kept."""
    exp = experiment(record)
    assert SimulationExperiment.from_string(exp.to_yaml()) == exp
    assert experiment("{v: null, w: false}").run().data.quantity.values[0] == "C[0]/v"


def test_a_sweep_has_the_rows_of_its_interval():
    """Those of a run of its own; of several intervals all rows that any of them has."""
    exp = experiment("{v: {every: 2}}")
    swept = exp.explore({"cell.v": [0.0, 0.5]})
    assert np.array_equal(swept.time, exp.run().data.time)
    both = experiment("{v: {every: 2}, w: {every: 3}}").explore({"cell.v": [0.0]})
    assert len(both.time) == 51
