"""Comparison of two runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.compare import compare, compare_traces, spike_threshold, spike_times
from tvbo_lite.errors import ComparisonError
from tvbo_lite.lems.plan import Display, Line, OutputColumn, OutputFile, SimulationPlan
from tvbo_lite.lems.recording import Recording

TIME = np.arange(1001) * 1e-4  # s
SPIKING = np.where(np.arange(1001) % 200 == 100, 0.03, -0.07)
SMOOTH = np.sin(TIME * 100)


def recording(**traces):
    names = [name.replace("__", "[0]/") for name in traces]
    file = OutputFile("of", "results/a.dat", tuple(OutputColumn(name, name) for name in names))
    plan = SimulationPlan("sim", "net", 0.1, 1e-4, files=(file,))
    return Recording(plan, TIME, np.column_stack(list(traces.values())), tuple(names))


def test_a_run_is_identical_to_itself():
    """No value differs, no error, correlation one, no spike moves."""
    run = recording(pop__v=SPIKING, pop__u=SMOOTH)
    comparison = compare(run, run)
    assert comparison.ok
    assert comparison.identical
    assert [trace.name for trace in comparison] == ["pop[0]/v", "pop[0]/u"]
    for trace in comparison:
        assert (trace.n_different, trace.max_error, trace.rmse, trace.correlation) == (0, 0, 0, 1)
        assert trace.max_spike_shift == 0
    assert len(comparison.traces[0].reference_spikes) == 5


def test_rounding_to_float32_is_no_difference():
    """jLEMS writes float32; our double of the same number is identical."""
    run = recording(pop__v=SMOOTH / 3)
    rounded = recording(pop__v=(SMOOTH / 3).astype(np.float32).astype(float))
    assert compare(rounded, run).identical


def test_measures_of_a_known_error():
    """One value in 1001 is off by 0.5 in a trace of range 2."""
    values = SMOOTH.copy()
    values[500] += 0.5
    extent = float(np.ptp(SMOOTH.astype(np.float32)))
    (trace,) = compare(recording(pop__u=SMOOTH), recording(pop__u=values))
    assert trace.n_different == 1
    assert trace.max_error == pytest.approx(0.5, rel=1e-6)
    assert trace.rmse == pytest.approx(0.5 / np.sqrt(1001), rel=1e-6)
    assert trace.nrmse == pytest.approx(trace.rmse / extent)
    assert 0.99 < trace.correlation < 1
    assert not trace.ok
    assert "FAIL pop[0]/u: 1 of 1001 values differ" in str(trace)


@pytest.mark.parametrize(("error", "ok"), [(0.9e-3, True), (1.1e-3, False)])
def test_the_tolerance_is_a_share_of_the_reference_range(error, ok):
    """A range of two and a tolerance of 5e-4 allow an error of 1e-3."""
    values = SMOOTH.copy()
    values[10] += error
    assert compare(recording(pop__u=SMOOTH), recording(pop__u=values), tolerance=5e-4).ok is ok


def test_a_missing_spike_fails_whatever_the_tolerance():
    """Spike numbers must agree even if the error is allowed."""
    fewer = np.where(TIME > 0.08, -0.07, SPIKING)
    (trace,) = compare(recording(pop__v=SPIKING), recording(pop__v=fewer), tolerance=10)
    assert (len(trace.reference_spikes), len(trace.our_spikes)) == (5, 4)
    assert trace.max_spike_shift is None
    assert not trace.ok


def test_shifted_spikes_are_measured():
    """Spikes that come two steps late are 0.2 ms late."""
    (trace,) = compare(recording(pop__v=SPIKING), recording(pop__v=np.roll(SPIKING, 2)))
    assert trace.max_spike_shift == pytest.approx(2e-4)


@pytest.mark.parametrize("scale", [1, 1000])
def test_spikes_are_found_with_and_without_units(scale):
    """A v in volts and a dimensionless v in millivolts are both searched midway."""
    assert spike_threshold("pop[0]/v", SPIKING * scale) == pytest.approx(-0.02 * scale)


@pytest.mark.parametrize(
    ("name", "values"),
    [("pop[0]/u", SPIKING), ("pop[0]/v", SMOOTH), ("pop[0]/v", SPIKING / 10), ("v", np.full(3, np.nan))],
)
def test_other_traces_do_not_spike(name, values):
    """Another variable, a slow oscillation, a small ripple, and NaN have no threshold."""
    assert spike_threshold(name, values) is None


def test_a_given_threshold_is_used_for_every_trace():
    """A crossing lies on the straight line between two samples."""
    (trace,) = compare(recording(pop__u=SMOOTH), recording(pop__u=SMOOTH), threshold=0.5)
    assert trace.threshold == 0.5
    np.testing.assert_allclose(trace.reference_spikes[0], np.arcsin(0.5) / 100, rtol=1e-4)


@given(st.lists(st.integers(1, 98), unique=True, max_size=20))
def test_as_many_spikes_as_isolated_peaks(peaks):
    """Each group of neighbouring high samples is one spike."""
    values = np.zeros(100)
    values[peaks] = 1
    groups = sum(1 for peak in peaks if peak - 1 not in peaks)
    assert len(spike_times(np.arange(100.0), values, 0.5)) == groups


def test_nan_equals_nan_and_nothing_else():
    """A trace that became NaN on one side only is infinitely wrong."""
    broken = SMOOTH.copy()
    broken[5] = np.nan
    assert compare(recording(pop__u=broken), recording(pop__u=broken)).identical
    (trace,) = compare(recording(pop__u=SMOOTH), recording(pop__u=broken))
    assert trace.max_error == np.inf
    assert not trace.ok


def test_a_constant_trace_must_be_identical():
    """It has no range of which an error could be a share."""
    flat = np.full(1001, 0.5)
    (trace,) = compare(recording(pop__u=flat), recording(pop__u=flat + 1e-3))
    assert not trace.ok
    assert trace.nrmse == np.inf
    assert np.isnan(trace.correlation)


def test_a_missing_trace_fails_and_an_extra_one_does_not():
    """What the reference has must be there."""
    one, two = recording(pop__v=SPIKING), recording(pop__v=SPIKING, pop__u=SMOOTH)
    assert compare(two, one).missing == ("pop[0]/u",)
    assert not compare(two, one).ok
    assert compare(one, two).extra == ("pop[0]/u",)
    assert compare(one, two).ok


def test_the_worst_trace_is_the_one_that_fails():
    """Failing comes before a large but allowed error."""
    run = recording(pop__a=SMOOTH, pop__b=SMOOTH, pop__c=SMOOTH)
    other = recording(pop__a=SMOOTH, pop__b=SMOOTH + 0.1, pop__c=SMOOTH + 1e-7)
    assert compare(run, other).worst.name == "pop[0]/b"


@pytest.mark.parametrize("name", ["results/a.dat", "a.dat", "./a.dat"])
def test_a_recording_is_compared_with_tables_by_file_and_column(name):
    """Folders of file names do not matter; the plan gives the quantity."""
    run = recording(pop__v=SPIKING, pop__u=SMOOTH)
    table = np.column_stack([TIME, SPIKING, SMOOTH]).astype(np.float32).astype(float)
    comparison = compare({name: table}, run)
    assert comparison.identical
    assert [trace.name for trace in comparison] == [f"{name}: pop[0]/v", f"{name}: pop[0]/u"]
    assert compare(run, {name: table}).identical


def test_tables_without_a_plan_are_compared_by_column():
    """Column 2 is the first after the time."""
    table = np.column_stack([TIME, SMOOTH])
    assert [trace.name for trace in compare({"a.dat": table}, {"a.dat": table})] == ["a.dat: column 2"]


def test_a_quantity_shown_twice_is_compared_twice():
    """auto.dat has a column for each display line, also where two lines show the same."""
    lines = (Line("a", "p[0]/v"), Line("b", "p[0]/v"))
    plan = SimulationPlan("sim", "net", 0.1, 1e-4, displays=(Display("d", lines=lines),))
    run = Recording(plan, TIME, SMOOTH[:, None], ("p[0]/v",))
    table = np.column_stack([TIME, SMOOTH, SMOOTH])
    assert [trace.name for trace in compare({"auto.dat": table}, run)] == [
        "auto.dat: p[0]/v",
        "auto.dat: p[0]/v (2)",
    ]


def test_nothing_in_common_is_an_error():
    """The message lists what there is."""
    with pytest.raises(
        ComparisonError, match=r"no common trace: the reference has 'pop\[0\]/v', ours has 'pop"
    ):
        compare(recording(pop__v=SMOOTH), recording(pop__u=SMOOTH))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t * 2, "the times differ, most in row 1001: 0.1 s"),
        (lambda t: t[:-1], "has 1001 times, ours 1000"),
    ],
)
def test_different_times_are_an_error(change, message):
    """Another step or another length cannot be compared value by value."""
    time = change(TIME)
    ours = np.column_stack([time, SMOOTH[: len(time)]])
    with pytest.raises(ComparisonError, match=message):
        compare({"a.dat": np.column_stack([TIME, SMOOTH])}, {"a.dat": ours})


def test_compare_traces_interpolates_and_measures():
    """Twice as fine a run agrees with a coarse one on the coarse times."""
    fine = np.arange(2001) * 5e-5
    ours = np.column_stack([fine, np.sin(fine * 100)])
    found = compare_traces(np.column_stack([TIME, SMOOTH]), ours, ["time", "u"], ["time", "u"])
    assert found["u"]["close"] is True
    assert found["u"]["max_err"] < 1e-12
    assert found["u"]["corr"] == pytest.approx(1)


def test_compare_traces_needs_a_common_column():
    """Otherwise it says what there is."""
    table = np.column_stack([TIME, SMOOTH])
    with pytest.raises(ComparisonError, match="no common column: t, a and t, b"):
        compare_traces(table, table, ["t", "a"], ["t", "b"])
