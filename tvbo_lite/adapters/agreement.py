"""How far two backends agree on many models: a row of plain data for each, no printing.

A row's seconds are, for the built-in engine, those of reading, compiling and running in this process;
for jLEMS those of its whole process, which writes every recorded quantity. Whole processes of both,
measured in turn, are the matter of ``benchmarks/``.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING

from tvbo_lite import __version__
from tvbo_lite.backends.java import find_java, java_version
from tvbo_lite.errors import BackendError, ReadError, TvboLiteError, UnsupportedError, nearest
from tvbo_lite.formats.neuroml.jar import example_names, jar_path

if TYPE_CHECKING:
    from tvbo_lite.comparison import Comparison
    from tvbo_lite.lems.recording import Recording

    Run = Callable[[], Recording]

__all__ = ["Agreement", "agreement", "chosen_examples", "versions"]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """A model that both ran, or why it could not be compared.

    ``reasons`` are the words of those that did not run it, or of the comparison; ``refused`` tells that
    the model asks for what neither of the two can do.
    """

    name: str
    comparison: Comparison | None = None
    our_seconds: float | None = None
    reference_seconds: float | None = None
    reasons: tuple[str, ...] = ()
    refused: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: the comparison passes, or neither can run the model."""
        return self.comparison.ok if self.comparison else self.refused

    @property
    def traces(self) -> int:
        """How many traces of the reference were looked for."""
        return len(self.comparison.traces) + len(self.comparison.missing) if self.comparison else 0

    @property
    def values(self) -> int:
        """How many values were compared."""
        return sum(trace.n_values for trace in self.comparison) if self.comparison else 0

    @property
    def differing(self) -> int:
        """How many of them are another float32 number."""
        return sum(trace.n_different for trace in self.comparison) if self.comparison else 0

    @property
    def worst(self) -> float:
        """The largest error of a value as a share of its trace's range."""
        errors = (_share(trace.max_error, trace.extent) for trace in self.comparison or ())
        return max(errors, default=0.0)

    @property
    def spikes(self) -> tuple[int, int]:
        """The number of spikes in the traces of the reference, and in ours."""
        traces = self.comparison.traces if self.comparison else ()
        return sum(len(one.reference_spikes) for one in traces), sum(len(one.our_spikes) for one in traces)

    @property
    def events(self) -> tuple[int, int]:
        """The number of lines in the event files, and of those that differ."""
        files = self.comparison.events if self.comparison else ()
        return sum(max(one.n_reference, one.n_ours) for one in files), sum(one.n_different for one in files)

    @property
    def ratio(self) -> float | None:
        """Our seconds over the reference's."""
        if self.our_seconds is None or not self.reference_seconds:
            return None
        return self.our_seconds / self.reference_seconds


def _share(error: float, extent: float) -> float:
    return error / extent if extent else (float("inf") if error else 0.0)


def agreement(name: str, ours: Run, reference: Run, *, tolerance: float) -> Agreement:
    """Run a model both ways and compare. What either raises becomes the row's reason."""
    from tvbo_lite.compare import compare

    mine, our_seconds, our_error = _attempt(ours)
    theirs, their_seconds, their_error = _attempt(reference)
    reasons = tuple(
        f"{side}: {error}" for side, error in (("ours", our_error), ("the reference", their_error)) if error
    )
    if mine is None or theirs is None:
        refused = isinstance(our_error, UnsupportedError) and isinstance(their_error, BackendError)
        return Agreement(name, None, our_seconds, their_seconds, reasons, refused)
    try:
        comparison = compare(theirs, mine, tolerance=tolerance)
    except TvboLiteError as error:
        return Agreement(name, None, our_seconds, their_seconds, (str(error),))
    return Agreement(name, comparison, our_seconds, their_seconds)


def _attempt(run: Run) -> tuple[Recording | None, float | None, TvboLiteError | None]:
    """The recording and the seconds it took, or the error."""
    begin = perf_counter()
    try:
        recording = run()
    except TvboLiteError as error:
        return None, None, error
    return recording, recording.timings.get("process", perf_counter() - begin), None


def chosen_examples(pattern: str = "*") -> tuple[str, ...]:
    """The canonical examples whose name fits a shell pattern, with or without ``LEMS_NML2_`` and ``.xml``.

    Raises `ReadError` where none does.
    """
    names = example_names()
    found = tuple(name for name in names if fnmatchcase(name, pattern) or fnmatchcase(_short(name), pattern))
    if not found:
        hint = nearest(pattern.strip("*"), map(_short, names)) or f"there are {', '.join(map(_short, names))}"
        raise ReadError(f"no canonical example fits '{pattern}'; {hint}")
    return found


def _short(name: str) -> str:
    return name.removeprefix("LEMS_NML2_").removesuffix(".xml")


def versions() -> dict[str, str]:
    """What a comparison with jLEMS depends on, by name; empty for Java where there is none."""
    try:
        java = java_version(find_java())
    except BackendError:
        java = ""
    jar = jar_path().name.removeprefix("jNeuroML-").removesuffix("-jar-with-dependencies.jar")
    return {
        "tvbo_lite": __version__,
        "pyneuroml": version("pyneuroml"),
        "jNeuroML": jar,
        "Java": java,
        "Python": platform.python_version(),
        "llvmlite": version("llvmlite"),
        platform.system(): f"{platform.machine()}, {os.cpu_count()} cores",
    }
