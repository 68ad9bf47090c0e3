"""What counts as a finding, and the limits of time and memory for one input."""

from __future__ import annotations

import resource
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from tvbo_lite.errors import TvboLiteError

SECONDS = 5.0  # of processor time that one input may take; atheris' counters make it about three times slower
BYTES = 1 << 30  # by which one input may raise the memory of the process

Examine = Callable[[Path], object]


class TooLongError(BaseException):
    """An input took more than its time. No `except Exception` of anybody can hide it."""


class TooLargeError(BaseException):
    """An input took more than its memory."""


@contextmanager
def limits(seconds: float) -> Iterator[None]:
    """Raises `TooLongError` and `TooLargeError` where what stands inside goes beyond its limits."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"more than {seconds} s of processor time")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    old = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if grown > BYTES:
        raise TooLargeError(f"{grown >> 20} MiB more memory")


def check(examine: Examine, data: bytes, ending: str, seconds: float = SECONDS) -> TvboLiteError | None:
    """What the program says of a file of such bytes: nothing, or one of its own errors.

    All else that it raises, a warning that is not its own, and to go beyond the limits is let through: it is
    a finding.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), limits(seconds):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=UserWarning, module="tvbo_lite")
        path = Path(folder, f"fuzzed{ending}")
        path.write_bytes(data)
        try:
            examine(path)
        except TvboLiteError as error:
            if not str(error).strip():
                raise AssertionError("an error without a message") from error
            return error
    return None


def note(folder: Path, error: BaseException, data: bytes, ending: str) -> None:
    """The first input of each kind of finding: of the error and the place where it was raised."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{type(error).__name__}_{_place(error.__traceback__)}"
    if not (folder / name).exists():
        lines = "".join(traceback.format_exception(error, limit=-12))
        (folder / name).write_text(lines, encoding="utf-8")
        (folder / f"{name}{ending}").write_bytes(data)


def _place(trace: TracebackType | None) -> str:
    frames = [item for item in traceback.extract_tb(trace) if "tvbo_lite" in item.filename]
    return f"{Path(frames[-1].filename).stem}_{frames[-1].lineno}" if frames else "outside"
