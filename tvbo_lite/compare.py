"""How far two runs agree: trace by trace, spike by spike, event by event.

Values are compared as float32, since that is what jLEMS writes to its files; the times of the
reference are used for both sides.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.comparison import Comparison, EventComparison, TraceComparison
from tvbo_lite.errors import ComparisonError
from tvbo_lite.lems.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tvbo_lite.lems.plan import SimulationPlan

    Array = NDArray[np.float64]
    Side = Recording | Mapping[str, Array]
    Events = Mapping[str, tuple[Array, tuple[str, ...]]]  # event file to times (s) and ids

__all__ = [
    "Comparison",
    "EventComparison",
    "TraceComparison",
    "compare",
    "compare_traces",
    "spike_threshold",
    "spike_times",
]

TOLERANCE = 1e-6  # of the range of the reference
SPIKE_RANGE = 0.03  # V, or dimensionless: a trace that moves less has no spikes
SPIKE_SHARE = 0.2  # a spiking trace is above its middle for less than this share of the time


def compare(
    reference: Side,
    ours: Side,
    *,
    tolerance: float = TOLERANCE,
    threshold: float | None = None,
    plan: SimulationPlan | None = None,
    reference_events: Events | None = None,
) -> Comparison:
    """Compare two runs, each a `Recording` or a mapping of file names to tables (time first).

    Two recordings are matched by quantity; with tables on either side, by file (whole name, or the
    name without folders) and column. ``plan`` names the columns where neither side is a recording.

    A trace passes if it is identical as float32, or if no value is off by more than ``tolerance``
    times the range (max - min) of the reference and the number of spikes is the same. Spikes are
    upward crossings of ``threshold``, in the trace's unit; without one see `spike_threshold`.

    Event files of two recordings (or of ``reference_events`` and a recording) must have the same ids in
    the same order; times may differ by ``tolerance`` times the latest time of the reference.

    Raises `ComparisonError` if no trace is common, or if the two have different times.
    """
    if isinstance(reference, Recording) and isinstance(ours, Recording):
        left, right = _quantities(reference), _quantities(ours)
    else:
        plan = plan or _plan(reference) or _plan(ours)
        left, right = _columns(reference, plan), _columns(ours, plan)
        right = _same_files(left, right)
    events = _compare_events(reference, ours, reference_events, tolerance)
    common = [key for key in left if key in right]
    if not common and (left or right or not events):
        raise ComparisonError(f"no common trace: the reference has {_some(left)}, ours has {_some(right)}")
    traces = tuple(_compare(_name(key), left[key], right[key], tolerance, threshold) for key in common)
    missing = tuple(_name(key) for key in left if key not in right)
    return Comparison(traces, missing, tuple(_name(key) for key in right if key not in left), events)


def spike_threshold(name: str, values: NDArray[np.floating[Any]]) -> float | None:
    """Where a trace is taken to spike: midway between its extremes, or None if it does not spike.

    A trace spikes if its variable is called ``v`` or ``V`` (whatever its unit), it moves by at least
    0.03 (30 mV in SI units; models without units move far more), and it is above its middle for
    less than a fifth of the time.
    """
    if name.rsplit("/", 1)[-1] not in {"v", "V"} or not len(values) or not np.isfinite(values).all():
        return None
    low, high = float(values.min()), float(values.max())
    middle = (low + high) / 2
    if high - low < SPIKE_RANGE or np.mean(values > middle) >= SPIKE_SHARE:
        return None
    return middle


def spike_times(time: Array, values: NDArray[np.floating[Any]], threshold: float) -> Array:
    """The times at which ``values`` crosses ``threshold`` upwards, between samples by a straight line."""
    above = values >= threshold
    before = np.flatnonzero(~above[:-1] & above[1:])
    low, high = values[before].astype(np.float64), values[before + 1].astype(np.float64)
    share = (threshold - low) / (high - low)
    return np.asarray(time[before] + share * (time[before + 1] - time[before]), dtype=np.float64)


Key = tuple[str, str]  # file ("" where runs are matched by quantity) and quantity
Trace = tuple["Array", "Array"]  # times and values


def _name(key: Key) -> str:
    return ": ".join(filter(None, key))


def _compare(
    name: str, reference: Trace, ours: Trace, tolerance: float, threshold: float | None
) -> TraceComparison:
    time = _common_time(name, reference[0], ours[0])
    with np.errstate(over="ignore", invalid="ignore"):
        expected, found = reference[1].astype(np.float32), ours[1].astype(np.float32)
        different = ~((expected == found) | (np.isnan(expected) & np.isnan(found)))
        error = np.abs(found.astype(np.float64) - expected)
    error[~different] = 0.0
    error[np.isnan(error)] = np.inf
    finite = expected[np.isfinite(expected)].astype(np.float64)
    extent = float(finite.max() - finite.min()) if finite.size else 0.0
    rmse = float(np.sqrt(np.mean(error**2)))
    if threshold is None:
        threshold = spike_threshold(name, expected)
    spikes = (
        [np.empty(0)] * 2
        if threshold is None
        else [spike_times(time, v, threshold) for v in (expected, found)]
    )
    return TraceComparison(
        name,
        n_values=len(expected),
        n_different=int(np.count_nonzero(different)),
        max_error=float(error.max(initial=0.0)),
        rmse=rmse,
        nrmse=rmse / extent if extent else (0.0 if rmse == 0 else float("inf")),
        correlation=_correlation(expected, found),
        extent=extent,
        tolerance=tolerance,
        threshold=threshold,
        reference_spikes=spikes[0],
        our_spikes=spikes[1],
    )


def _compare_events(
    reference: Side, ours: Side, given: Events | None, tolerance: float
) -> tuple[EventComparison, ...]:
    """Every event file that either side has; none where ours, or both references, know of no events."""
    if given is None and isinstance(reference, Recording):
        given = reference.events
    if given is None or not isinstance(ours, Recording):
        return ()
    nothing: tuple[Array, tuple[str, ...]] = (np.empty(0), ())
    return tuple(
        _same_events(name, given.get(name, nothing), ours.events.get(name, nothing), tolerance)
        for name in dict.fromkeys([*given, *ours.events])
    )


def _same_events(
    name: str,
    reference: tuple[Array, tuple[str, ...]],
    ours: tuple[Array, tuple[str, ...]],
    tolerance: float,
) -> EventComparison:
    expected, found = reference[0].astype(np.float32), ours[0].astype(np.float32)
    common = min(len(expected), len(found))
    same_id = np.array([a == b for a, b in zip(reference[1], ours[1], strict=False)], dtype=bool)
    different = (expected[:common] != found[:common]) | ~same_id
    count = int(np.count_nonzero(different)) + max(len(expected), len(found)) - common
    paired = len(expected) == len(found) and bool(same_id.all())
    shift = np.abs(found[:common].astype(np.float64) - expected[:common])
    first = int(np.argmax(different)) if different.any() else common
    lines = [_line(side, first) for side in ((expected, reference[1]), (found, ours[1]))]
    return EventComparison(
        name,
        n_reference=len(expected),
        n_ours=len(found),
        n_different=count,
        max_shift=float(shift.max(initial=0.0)) if paired else None,
        allowed=tolerance * float(expected.max(initial=0.0)),
        first=f"line {first + 1} is {lines[0]} in the reference, {lines[1]} in ours" if count else "",
    )


def _line(side: tuple[NDArray[np.float32], Sequence[str]], number: int) -> str:
    times, ids = side
    return f"'{ids[number]}' at {times[number]:.9g} s" if number < len(times) else "missing"


def _correlation(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> float:
    """Pearson's correlation; NaN where a trace is constant or not finite."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or not (np.ptp(a) and np.ptp(b)):
        return float("nan")
    if np.array_equal(a, b):
        return 1.0
    a, b = a - a.mean(), b - b.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def _common_time(name: str, reference: Array, ours: Array) -> Array:
    """The reference's times, if ours are the same but for float32 rounding."""
    if len(reference) != len(ours):
        raise ComparisonError(f"{name}: the reference has {len(reference)} times, ours {len(ours)}")
    if not len(reference):
        raise ComparisonError(f"{name}: both sides are empty")
    step = float(np.ptp(reference)) / max(1, len(reference) - 1)
    apart = np.abs(reference - ours)
    row = int(apart.argmax())
    if not apart[row] <= 1e-6 * float(np.abs(reference).max()) + 1e-3 * step:
        both = f"{reference[row]:.9g} s in the reference, {ours[row]:.9g} s in ours"
        raise ComparisonError(f"{name}: the times differ, most in row {row + 1}: {both}")
    return reference


def _quantities(recording: Recording) -> dict[Key, Trace]:
    return {
        ("", name): (recording.time, recording.values[:, k]) for k, name in enumerate(recording.quantities)
    }


def _plan(side: Side) -> SimulationPlan | None:
    return side.plan if isinstance(side, Recording) else None


def _columns(side: Side, plan: SimulationPlan | None) -> dict[Key, Trace]:
    """Traces by file and quantity, or file and "column 2" where the plan does not name it."""
    if isinstance(side, Recording):
        side = {file.path: side.table(file) for file in side.plan.tables()}
    known = {
        file.path: [column.quantity for column in file.columns] for file in (plan.tables() if plan else ())
    }
    known = {posixpath.basename(path): names for path, names in known.items()} | known
    found: dict[Key, Trace] = {}
    for path, table in side.items():
        if np.ndim(table) != 2:
            raise ComparisonError(f"{path}: a table has two dimensions, found {np.ndim(table)}")
        names = known.get(path) or known.get(posixpath.basename(path)) or []
        for k in range(1, table.shape[1]):
            quantity = names[k - 1] if k <= len(names) else f"column {k + 1}"
            found[_free((path, quantity), found)] = (table[:, 0], table[:, k])
    return found


def _free(key: Key, taken: Mapping[Key, object]) -> Key:
    """``key``, with a number behind it where a file shows a quantity twice."""
    number, free = 2, key
    while free in taken:
        free, number = (key[0], f"{key[1]} ({number})"), number + 1
    return free


def _same_files(left: Mapping[Key, Trace], right: Mapping[Key, Trace]) -> dict[Key, Trace]:
    """``right`` under the file names of ``left`` where these differ by their folders only."""
    files = {posixpath.basename(file): file for file, _ in left}
    known = set(files.values())
    return {
        (file if file in known else files.get(posixpath.basename(file), file), quantity): trace
        for (file, quantity), trace in right.items()
    }


def _some(keys: Mapping[Key, object]) -> str:
    listed = [f"'{_name(key)}'" for key in list(keys)[:3]]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(listed) + more if listed else "none"


def compare_traces(  # noqa: PLR0917 -- the order of arguments that TVBO scripts use
    ref_data: Array,
    our_data: Array,
    ref_cols: Sequence[str],
    our_cols: Sequence[str],
    time_col: int = 0,
    rtol: float = 0.05,
    atol: float = 1e-4,
) -> dict[str, dict[str, float | bool]]:
    """Measures of agreement for each column name that both tables have, by name.

    Each entry holds ``rmse``, ``max_err``, ``corr`` and ``close`` (`numpy.allclose` with ``rtol`` and
    ``atol``). Our values are taken at the reference's times by linear interpolation. For the stricter
    comparison of two runs on the same times use `compare`.

    Raises `ComparisonError` if the tables have no column name in common besides the time.
    """
    time, our_time = ref_data[:, time_col], our_data[:, time_col]
    time_names = {ref_cols[time_col], our_cols[time_col]}
    found: dict[str, dict[str, float | bool]] = {}
    for k, name in enumerate(ref_cols):
        if name in time_names or name not in our_cols:
            continue
        expected = ref_data[:, k]
        values = np.interp(time, our_time, our_data[:, list(our_cols).index(name)])
        error = values - expected
        correlation = _correlation(expected, values)
        found[name] = {
            "rmse": float(np.sqrt(np.mean(error**2))),
            "max_err": float(np.abs(error).max()),
            "corr": 1.0 if np.ptp(expected) == 0 else correlation,
            "close": bool(np.allclose(expected, values, rtol=rtol, atol=atol)),
        }
    if not found:
        raise ComparisonError(f"no common column: {', '.join(ref_cols)} and {', '.join(our_cols)}")
    return found
