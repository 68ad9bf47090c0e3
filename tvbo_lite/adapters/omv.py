"""Tests of the OSB Model Validation framework: ``.omt`` files, and the ``.mep`` files that they refer to.

An ``.omt`` file (OSB model test) names a simulation and, for each experiment, what is observed in its output;
the ``.mep`` file (model emergent properties) says what is expected of it. Both are YAML; what they mean is
described at https://github.com/OpenSourceBrain/osb-model-validation. The command ``tvbo-lite omv`` runs them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite.errors import Location, ModelError, Problem, ReadError, UnsupportedError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tvbo_lite.formats.yaml.reader import Document

__all__ = ["Check", "Finding", "Test", "judge", "read_test"]

TOLERANCE = 0.1  # where a test says none
ABSOLUTE = 1e-8  # what a difference may be beside the tolerance, which is relative

Numbers = Mapping[Path, "NDArray[np.float64]"]
"""Output files: rows of numbers by path; of event files rows of the id and the time."""


@dataclass(frozen=True, slots=True)
class Check:
    """An observable of an experiment: what the test says of it (``given``), and what is ``expected``."""

    experiment: str
    observable: str
    given: Mapping[str, Any]
    expected: Any
    folder: Path  # of the test; paths of observed files start here
    expected_folder: Path
    where: Location

    @property
    def tolerance(self) -> float:
        """The largest relative difference that passes."""
        return float(self.given.get("tolerance", TOLERANCE))


@dataclass(frozen=True, slots=True)
class Test:
    """What an ``.omt`` file says. Without checks a run that does not fail passes."""

    __test__ = False  # pytest: no test itself

    file: Path
    targets: tuple[Path, ...]
    engine: str
    checks: tuple[Check, ...] = ()

    @property
    def validates(self) -> bool:
        """Whether the targets are validated only, not run."""
        return "validate" in self.engine.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a check passed, the largest relative difference (NaN where sizes differ), and why not."""

    check: Check
    passed: bool
    difference: float = np.nan
    reason: str = ""


def read_test(path: str | Path) -> Test:
    """The test in an ``.omt`` file.

    Raises:
        ReadError: a file cannot be read, or is not YAML.
        ModelError: the target, the ``.mep`` file or an experiment is missing, with the nearest name.
        UnsupportedError: an observable that there is none of here.
    """
    file = Path(path)
    document = _read(file)
    data, folder = document.data, file.parent
    targets = tuple(_targets(document, folder))
    engine = str(data.get("engine", ""))
    if "mep" not in data:
        return Test(file, targets, engine)
    expected_file = folder / str(data["mep"])
    properties = _read(expected_file, document.location(("mep",)))
    checks, problems = [], []
    for name, experiment in _mapping(document, "experiments").items():
        wanted = _mapping(properties, "experiments")
        if name not in wanted:
            what = f"experiment '{name}' is not in {expected_file}"
            problems.append(
                Problem(what, document.location(("experiments", name)), None, nearest(name, wanted))
            )
            continue
        for observable, given in dict(experiment.get("observables") or {}).items():
            where = document.location(("experiments", name, "observables", observable))
            expected = dict(wanted[name].get("expected") or {}).get(observable)
            if observable not in OBSERVABLES:
                what = f"the observable '{observable}' is not supported"
                hint = nearest(observable, OBSERVABLES)
                raise UnsupportedError(Problem(what, where, ", ".join(OBSERVABLES), hint))
            if expected is None and observable != DRY:
                problems.append(Problem(f"{expected_file} expects no '{observable}' of '{name}'", where))
            checks.append(Check(name, observable, given or {}, expected, folder, expected_file.parent, where))
    if problems:
        raise ModelError(problems)
    return Test(file, targets, engine, tuple(checks))


def judge(check: Check, numbers: Numbers) -> Finding:
    """Compare what is observed in the output files of a run with what is expected.

    As the framework does it: both have equally many numbers, and each differs from the expected one by at
    most ``1e-8 + tolerance * |expected|``.

    Raises:
        ModelError: a file that the simulation does not write, columns that it does not have, a word
            that means nothing.
    """
    observe = OBSERVABLES[check.observable]
    observed = np.atleast_1d(observe(_Source(check, check.given, check.folder, numbers)))
    expected = np.atleast_1d(_expected(check, observe))
    if observed.shape != expected.shape:
        reason = f"{_shown(observed)} observed, {_shown(expected)} expected"
        return Finding(check, passed=False, reason=reason)
    distance = np.abs(observed - expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(distance == 0, 0.0, distance / np.abs(expected))
    difference = float(relative.max(initial=0.0))
    if bool(np.all(distance <= ABSOLUTE + check.tolerance * np.abs(expected))):
        return Finding(check, passed=True, difference=difference)
    reason = f"{_shown(observed)} observed, {_shown(expected)} expected, within {check.tolerance:g}"
    return Finding(check, passed=False, difference=difference, reason=reason)


# ---- observables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Source:
    """Where numbers come from: what is said of them, and the output of the run (None: files on disk)."""

    check: Check
    given: Mapping[str, Any]
    folder: Path
    numbers: Numbers | None

    def fail(self, message: str, expected: str | None = None, hint: str | None = None) -> ModelError:
        what = f"{self.check.experiment}: {self.check.observable}: {message}"
        return ModelError(Problem(what, self.check.where, expected, hint))

    def mapping(self, *keys: str) -> Mapping[str, Any]:
        for key in keys:
            found = self.given.get(key)
            if isinstance(found, Mapping) and "path" in found:
                return found
        raise self.fail(
            "nothing says which file holds it", " or ".join(f"'{key}: {{path: ...}}'" for key in keys)
        )

    def table(self, file: Mapping[str, Any]) -> NDArray[np.float64]:
        """The columns of a file that are asked for, scaled. Shape ``(n_rows, n_columns)``."""
        columns = [int(column) for column in file.get("columns", (0, 1))]
        whole = self.content(file)
        if max(columns) >= whole.shape[1]:
            message = f"'{file['path']}' has {whole.shape[1]} columns, not a column {max(columns)}"
            raise self.fail(message)
        scaling = np.broadcast_to(np.asarray(file.get("scaling", 1.0), dtype=np.float64), (len(columns),))
        return whole[:, columns] * scaling

    def content(self, file: Mapping[str, Any]) -> NDArray[np.float64]:
        path = (self.folder / str(file["path"])).resolve()
        if self.numbers is None:
            return np.atleast_2d(_load(path, int(file.get("header", 0)), self.check.where))
        if path not in self.numbers:
            written = [os.path.relpath(known, self.folder) for known in self.numbers]
            message = f"the simulation does not write '{file['path']}'"
            raise self.fail(message, ", ".join(written) or "an output file", nearest(file["path"], written))
        return self.numbers[path]

    def trains(self) -> list[NDArray[np.float64]]:
        """Spike times, of one trace, or of each cell of a file of spikes."""
        if "spiketimes file" in self.given:
            return self.listed(self.mapping("spiketimes file"))
        table = self.table(self.mapping("file", "spiketimes file"))
        detection = self.given.get("spike detection")
        if detection is None:
            return [table[:, 0] if table.shape[1] == 1 else table.ravel()]
        name = str(detection.get("method", "threshold"))
        if name not in DETECTION:
            raise self.fail(
                f"there is no spike detection '{name}'", " or ".join(DETECTION), nearest(name, DETECTION)
            )
        time, trace = table.T
        return [time[DETECTION[name](trace, float(detection.get("threshold", 0)))]]

    def listed(self, file: Mapping[str, Any]) -> list[NDArray[np.float64]]:
        content, wanted = self.content(file), file.get("ids", 0)
        if self.numbers is None and str(file.get("format", "ID_TIME")).startswith("TIME"):
            content = content[:, ::-1]
        times = content[:, 1] * float(file.get("scaling", 1.0))
        ids = np.unique(content[:, 0]) if wanted == "*" else np.array([float(wanted)])
        return [times[content[:, 0] == one] for one in ids]


def _above(trace: NDArray[np.float64], threshold: float) -> NDArray[np.intp]:
    return 1 + np.flatnonzero((trace[:-1] <= threshold) & (trace[1:] > threshold))


def _peaks(trace: NDArray[np.float64], _: float) -> NDArray[np.intp]:
    slope = np.diff(trace)
    return 1 + np.flatnonzero((slope[:-1] >= 0) & (slope[1:] < 0))


DETECTION: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.intp]]] = {
    "threshold": _above,
    "derivative": _peaks,
}


def _spike_times(source: _Source) -> NDArray[np.float64]:
    trains = source.trains()
    if len(trains) != 1:
        raise source.fail(f"the file holds the spikes of {len(trains)} cells", "one of them, by 'ids'")
    return trains[0]


def _spike_rate(source: _Source) -> float:
    """The mean over cells of the rate by intervals, or by the number of spikes in a time."""
    first, last = float(source.given.get("start_time", 0)), float(source.given.get("end_time", np.inf))
    trains = [train[(train >= first) & (train <= last)] for train in source.trains()]
    name = str(source.given.get("method", "isi based"))
    if name not in RATES:
        raise source.fail(f"there is no method '{name}'", " or ".join(RATES), nearest(name, RATES))
    if name != "isi based" and not np.isfinite(last):
        raise source.fail("the method 'duration based' needs an 'end_time'")
    return float(np.mean([RATES[name](train, last - first) for train in trains])) if trains else 0.0


RATES: dict[str, Callable[[NDArray[np.float64], float], float]] = {
    "isi based": lambda train, _: (len(train) - 1) / (train[-1] - train[0]) if len(train) > 1 else 0.0,
    "duration based": lambda train, duration: len(train) / duration,
}


def _resting(source: _Source) -> float:
    table = source.table(source.mapping("file"))
    return float(table[-int(source.given.get("average last", 1)) :, 1].mean())


def _input_resistance(source: _Source) -> float:
    """The change of the potential per change of the current, between two windows of time."""
    tables = [source.table(source.mapping(key)) for key in ("file_Vm", "file_VC_i")]
    levels = []
    for key in ("holding window", "command window"):
        first, last = (float(time) for time in source.given.get(key, (0.0, 0.0)))
        inside = (tables[1][:, 0] >= first) & (tables[1][:, 0] <= last)
        levels.append([table[inside, 1].mean() for table in tables])
    (held, current), (commanded, changed) = levels
    return float((commanded - held) / (changed - current))


def _timeseries(source: _Source) -> NDArray[np.float64]:
    return source.table(source.mapping("file"))


def _dry(_: _Source) -> float:
    return 0.0


DRY = "dry"
OBSERVABLES: dict[str, Callable[[_Source], Any]] = {
    "spike times": _spike_times,
    "spike rate": _spike_rate,
    "resting": _resting,
    "input resistance": _input_resistance,
    "timeseries": _timeseries,
    DRY: _dry,
}


def _expected(check: Check, observe: Callable[[_Source], Any]) -> Any:
    """The numbers in the ``.mep`` file, or those that it says how to find in other files."""
    if check.observable == DRY:
        return 0.0
    if isinstance(check.expected, Mapping):
        return observe(_Source(check, check.expected, check.expected_folder, None))
    try:
        return np.asarray(check.expected, dtype=np.float64)
    except (TypeError, ValueError) as error:
        what = f"{check.experiment}: {check.observable}: expected is {check.expected!r}"
        raise ModelError(Problem(what, check.where, "numbers")) from error


def _shown(values: NDArray[np.float64]) -> str:
    if values.ndim > 1:
        return f"a table of {values.shape[0]} x {values.shape[1]}"
    head = ", ".join(f"{value:.6g}" for value in values[:6])
    many = f", ... ({len(values)} in all)" if len(values) > 6 else ""
    return f"[{head}{many}]" if len(values) != 1 else head


# ---- files ---------------------------------------------------------------------------------------------


def _read(file: Path, where: Location | None = None) -> Document:
    from tvbo_lite.formats.yaml.reader import read_text
    from tvbo_lite.limits import read_bytes

    try:
        return read_text(read_bytes(file).decode("utf-8-sig"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ReadError(Problem(f"{file} cannot be read: {reason}", where or Location(str(file)))) from error


def _targets(document: Document, folder: Path) -> list[Path]:
    """The files that are run or validated; names with ``*`` stand for those that fit."""
    given = document.data.get("target")
    if not isinstance(given, str) or not given.strip():
        raise ModelError(Problem("the test has no target", document.location(()), "'target: LEMS_model.xml'"))
    words = [given] if (folder / given).is_file() else given.split()
    found: list[Path] = []
    for word in words:
        names = sorted(folder.glob(word)) if "*" in word else [folder / word]
        found += (name for name in names if name.is_file())
        if (len(words) == 1 and not found) or ("*" not in word and not names[0].is_file()):
            around = (folder / word).parent
            there = [item.name for item in around.glob("*")] if around.is_dir() else []
            hint = nearest(Path(word).name, there)
            raise ModelError(
                Problem(f"there is no {folder / word}", document.location(("target",)), None, hint)
            )
    return found


def _mapping(document: Document, key: str) -> Mapping[str, Any]:
    found = document.data.get(key)
    if not isinstance(found, Mapping) or not all(isinstance(item, Mapping) for item in found.values()):
        raise ModelError(
            Problem(f"'{key}' is no mapping of names", document.location((key,)), "experiments by name")
        )
    return found


def _load(path: Path, header: int, where: Location) -> NDArray[np.float64]:
    try:
        return np.loadtxt(path, skiprows=header)
    except (OSError, ValueError) as error:
        raise ModelError(Problem(f"{path} cannot be read: {error}", where, "rows of numbers")) from error
