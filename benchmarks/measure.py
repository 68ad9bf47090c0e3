"""Two things measured side by side: in one run, in turn, medians and the ratio."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FailedError", "Pair", "child", "in_turn", "machine", "process", "table"]

TIMEOUT = 600.0  # s
LIBRARIES = ("tvbo-lite", "numpy", "xarray", "pydantic", "llvmlite", "pyneuroml")


class FailedError(Exception):
    """A measured command did not succeed."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours against a peer: medians in s, and what their ratio has to be."""

    name: str
    ours: float
    peer: float
    limit: float | None = None  # of ours / peer

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


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
    return Pair(name, statistics.median(mine), statistics.median(theirs), limit)


def process(command: Iterable[str | Path], folder: Path | None = None) -> tuple[float, str]:
    """Seconds from the start of a process to its end, and what it printed. Raises `FailedError`."""
    words = [str(word) for word in command]
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_benchmark_") as empty:
        begin = perf_counter()
        done = subprocess.run(
            words, cwd=folder or empty, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        seconds = perf_counter() - begin
    if done.returncode:
        raise FailedError(f"fails with status {done.returncode}")
    return seconds, done.stdout


def child(code: str) -> dict[str, Any]:
    """What a fresh Python process prints as JSON in its last line, with ``process`` (s) added.

    The code finds a clock ``now()`` that was made before anything was imported.
    """
    clock = "from time import perf_counter as now; import json\n"
    seconds, output = process([sys.executable, "-c", clock + code])
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found | {"process": seconds}


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


def table(pairs: Iterable[Pair], ours: str, peer: str) -> list[str]:
    """A table in Markdown."""
    lines = [f"| what | {ours} | {peer} | ratio | target |", "| --- | ---: | ---: | ---: | --- |"]
    for pair in pairs:
        target = "" if pair.limit is None else f"≤ {pair.limit:.3g}, {'met' if pair.met else '**missed**'}"
        row = (pair.name, _seconds(pair.ours), _seconds(pair.peer), f"{pair.ratio:.3g}", target)
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"
