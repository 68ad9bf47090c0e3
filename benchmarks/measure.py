"""Two things measured side by side: in one run, in turn; medians, the least and the most, and the ratio."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Timer
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "Done", "FailedError", "Median", "Missing", "Pair", "child", "geometric_mean", "in_turn", "machine",
    "process", "script", "seconds_text", "table",
]  # fmt: skip

TIMEOUT = 600.0  # s
# Python keeps its bytecode, as for an installed package, even where the environment forbids it
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; what ru_maxrss counts
LIBRARIES = ("tvbo-lite", "numpy", "xarray", "pydantic", "llvmlite", "pyneuroml")


class FailedError(Exception):
    """A measured command did not succeed."""


class Median(float):
    """The median of some runs, which knows the least and the most of them."""

    def __new__(cls, values: Iterable[float]) -> Self:
        found = sorted(values)
        self = super().__new__(cls, statistics.median(found))
        self.low, self.high = found[0], found[-1]
        return self

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours against a peer, each in s (or both in another unit), and what their ratio has to be."""

    name: str
    ours: float
    peer: float
    limit: float | None = None  # of ours / peer
    text: Callable[[float], str] | None = None  # how a value is written, if not as seconds

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


@dataclass(frozen=True, slots=True)
class Missing:
    """What was left out, and why."""

    name: str
    reason: str


def in_turn(
    name: str,
    ours: Callable[[], float],
    peer: Callable[[], float],
    *,
    rounds: int,
    limit: float | None = None,
) -> Pair:
    """Runs both alternately ``rounds`` times, after one run of each that does not count."""
    ours(), peer()
    samples = [(ours(), peer()) for _ in range(rounds)]
    mine, theirs = zip(*samples, strict=True)
    return Pair(name, Median(mine), Median(theirs), limit)


class Done(NamedTuple):
    """A process that ended well: seconds from its start to its end, what it printed, its largest memory."""

    seconds: float
    output: str
    memory: int  # bytes, resident


def process(command: Iterable[str | Path], folder: Path | None = None) -> Done:
    """Run a program, by default in an empty folder. Raises `FailedError` for any status but 0.

    What stands beside the program is found first: a peer's compiler tools are in its own environment.
    """
    words = [str(word) for word in command]
    beside = os.pathsep.join((str(Path(words[0]).parent), os.environ.get("PATH", os.defpath)))
    with (
        tempfile.TemporaryDirectory(prefix="tvbo_lite_benchmark_") as empty,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output,
    ):
        begin = perf_counter()
        child = subprocess.Popen(
            words,
            cwd=folder or empty,
            env=ENVIRONMENT | {"PATH": beside},
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        timer = Timer(TIMEOUT, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - begin
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise FailedError(f"fails with status {child.returncode}")
    return Done(seconds, text, usage.ru_maxrss * RSS_UNIT)


def child(code: str) -> dict[str, Any]:
    """What a fresh Python process prints as JSON in its last line, with ``process`` (s) added.

    The code finds a clock ``now()`` that was made before anything was imported.
    """
    clock = "from time import perf_counter as now; import json\n"
    return _told(process([sys.executable, "-c", clock + code]))


def script(file: Path, *arguments: object, python: Path | None = None) -> dict[str, Any]:
    """What a Python program, run by ours or a peer's ``python``, prints as JSON in its last line."""
    return _told(process([python or sys.executable, file, *map(str, arguments)]))


def _told(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.output.strip().splitlines()[-1])
    return found | {"process": done.seconds}


def geometric_mean(values: Iterable[float]) -> float:
    """NaN for no values."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def machine() -> list[str]:
    """Lines that say where the figures come from."""
    installed = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        f"* {os.cpu_count()} cores, {_cpu()}, {platform.system()} {platform.machine()}",
        f"* Python {platform.python_version()}; {installed}",
    ]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def table(pairs: Iterable[Pair | Missing], ours: str, peer: str) -> list[str]:
    """A table in Markdown."""
    lines = [f"| what | {ours} | {peer} | ratio | target |", "| --- | ---: | ---: | ---: | --- |"]
    for pair in pairs:
        if isinstance(pair, Missing):
            lines.append(f"| {pair.name} | | | | not measured: {pair.reason} |")
            continue
        target = "" if pair.limit is None else f"≤ {pair.limit:.3g}, {'met' if pair.met else '**missed**'}"
        text = pair.text or seconds_text
        row = (pair.name, _spread(pair.ours, text), _spread(pair.peer, text), f"{pair.ratio:.3g}", target)
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _spread(value: float, text: Callable[[float], str]) -> str:
    """A value, and of a median the least and the most."""
    if not isinstance(value, Median) or value.low == value.high:
        return text(value)
    return f"{text(value)} ({text(value.low)} to {text(value.high)})"


def seconds_text(value: float) -> str:
    """A time with three digits in s or ms."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"
