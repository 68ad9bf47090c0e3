"""Comparison of two runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.adapters.agreement import agreement, chosen_examples, versions
from tvbo_lite.compare import compare, compare_traces, spike_threshold, spike_times
from tvbo_lite.errors import BackendError, ComparisonError, ModelError, ReadError, UnsupportedError
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


def with_events(*events):
    run = recording(pop__v=SMOOTH)
    times, ids = zip(*events, strict=True) if events else ((), ())
    return replace(run, events={"spikes": (np.array(times, dtype=float), tuple(ids))})


EVENTS = ((0.01, "a"), (0.02, "b"), (0.02, "a"))


def test_equal_events_are_equal_line_by_line():
    """Times are compared as float32, which is what jLEMS writes."""
    rounded = tuple((float(np.float32(time)), name) for time, name in EVENTS)
    comparison = compare(with_events(*rounded), with_events(*EVENTS))
    assert comparison.ok
    assert comparison.identical
    (events,) = comparison.events
    assert (events.name, events.n_reference, events.n_ours, events.n_different) == ("spikes", 3, 3, 0)
    assert events.max_shift == 0
    assert "ok   spikes: identical (3 events)" in str(comparison)


@pytest.mark.parametrize(
    ("ours", "different", "first"),
    [
        (
            ((0.01, "a"), (0.02, "a"), (0.02, "b")),
            2,
            "line 2 is 'b' at 0.0199999996 s in the reference, 'a' at",
        ),
        (EVENTS[:2], 1, "line 3 is 'a' at 0.0199999996 s in the reference, missing in ours"),
        ((*EVENTS, (0.03, "b")), 1, "line 4 is missing in the reference, 'b' at 0.0299999993 s in ours"),
        ((), 3, "line 1 is 'a' at 0.00999999978 s in the reference, missing in ours"),
    ],
)
def test_another_order_or_number_of_events_fails_whatever_the_tolerance(ours, different, first):
    """The order of events of the same time counts too; the first line that differs is shown."""
    comparison = compare(with_events(*EVENTS), with_events(*ours), tolerance=10)
    (events,) = comparison.events
    assert events.n_different == different
    assert first in events.first
    assert events.max_shift is None
    assert not comparison.ok
    assert "FAIL spikes" in str(comparison)


@pytest.mark.parametrize(("shift", "ok"), [(1e-5, True), (3e-5, False)])
def test_event_times_may_shift_within_the_tolerance(shift, ok):
    """A tolerance of 0.1 % of the latest time, 20 ms, allows 20 us."""
    late = tuple((time + shift, name) for time, name in EVENTS)
    comparison = compare(with_events(*EVENTS), with_events(*late), tolerance=1e-3)
    assert comparison.ok is ok
    assert not comparison.identical
    assert comparison.events[0].max_shift == pytest.approx(shift, rel=1e-3)


def test_events_of_tables_are_given_beside_them():
    """A folder of earlier results has its event files too; tables alone say nothing about events."""
    run = with_events(*EVENTS)
    table = {"a.dat": np.column_stack([TIME, SMOOTH])}
    assert compare(table, run).events == ()
    assert compare(table, run, reference_events=run.events).identical
    other = {"spikes": (np.array([0.01]), ("a",))}
    assert not compare(table, run, reference_events=other).ok


def test_events_alone_can_be_compared():
    """A model that records no trace may still write spikes."""
    bare = replace(with_events(*EVENTS), values=np.empty((1001, 0)), quantities=())
    assert compare(bare, bare).identical
    with pytest.raises(ComparisonError, match="no common trace"):
        compare(replace(bare, events={}), replace(bare, events={}))


# ---- many models -----------------------------------------------------------------------------


def raising(error):
    def run():
        raise error

    return run


def test_a_row_tells_how_far_two_runs_agree():
    """Counts over all traces and event files, and the seconds of both."""
    values = SMOOTH.copy()
    values[500] += 0.5
    ours = replace(with_events(*EVENTS), values=np.column_stack([values]))
    reference = replace(with_events(*EVENTS[:2]), timings={"process": 100.0})
    row = agreement("m.xml", lambda: ours, lambda: reference, tolerance=1e-6)
    assert (row.traces, row.values, row.differing, row.events) == (1, 1001, 1, (3, 1))
    assert row.worst == pytest.approx(0.25, rel=1e-2)
    assert row.spikes == (0, 0)
    assert row.reference_seconds == 100
    assert 0 < row.ratio < 0.01
    assert not row.ok


def test_a_row_for_a_model_that_neither_can_run_is_no_failure():
    """Only if ours says that it is not supported, and the reference fails too; the words of both are kept."""
    unsupported, failed = raising(UnsupportedError("no cables")), raising(BackendError("no cables either"))
    run = with_events(*EVENTS)
    row = agreement("m.xml", unsupported, failed, tolerance=0)
    assert row.ok
    assert row.reasons == ("ours: no cables", "the reference: no cables either")
    assert row.ratio is None
    assert not agreement("m.xml", unsupported, lambda: run, tolerance=0).ok
    assert not agreement("m.xml", lambda: run, failed, tolerance=0).ok
    assert not agreement("m.xml", raising(ModelError("wrong")), failed, tolerance=0).ok


def test_a_row_for_runs_that_cannot_be_compared_fails():
    """Other times are the row's reason, not an error of the whole table."""
    short = Recording(recording(pop__v=SMOOTH).plan, TIME[:9], SMOOTH[:9, None], ("pop[0]/v",))
    row = agreement("m.xml", lambda: recording(pop__v=SMOOTH), lambda: short, tolerance=0)
    assert not row.ok
    assert "the reference has 9 times, ours 1001" in row.reasons[0]


def test_examples_are_chosen_by_pattern():
    """With or without what all names have in common; a pattern that fits nothing names the nearest."""
    assert chosen_examples("Ex1_*") == ("LEMS_NML2_Ex1_HH.xml",)
    assert chosen_examples("LEMS_NML2_Ex1_HH.xml") == ("LEMS_NML2_Ex1_HH.xml",)
    assert len(chosen_examples()) == 31
    with pytest.raises(ReadError, match="did you mean 'Ex1_HH'"):
        chosen_examples("Ex1_H")


def test_versions_name_all_that_a_comparison_depends_on():
    """The page of the agreement shows them."""
    assert list(versions())[:6] == ["tvbo_lite", "pyneuroml", "jNeuroML", "Java", "Python", "llvmlite"]
    assert all(text[0].isdigit() for name, text in list(versions().items())[:3])


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
