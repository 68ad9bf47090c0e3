"""Izhikevich's network by ANNarchy and by ours: do 20 networks of each fire alike?

``python -m benchmarks.spike_statistics`` prints means, Welch's t and what differences would be found. The
statistics and the test are those of ``tests/test_izhikevich_statistics.py``, which compares with the paper's
program; here both sides integrate by Euler's method (``euler.yaml``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.measure import process
from benchmarks.peers import find, scripts

NETWORKS = 20
POWER = 5.1  # noncentrality at which Welch's test at the limit finds a difference nine times out of ten
TEST = Path(__file__).parents[1] / "tests" / "test_izhikevich_statistics.py"


def common() -> ModuleType:
    """The module of the test, whose functions are used here too."""
    spec = importlib.util.spec_from_file_location("izhikevich_statistics", TEST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def annarchy(python: Path, seeds: range) -> list[tuple[np.ndarray, np.ndarray]]:
    """Steps and cells of the spikes of a network for each seed."""
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_annarchy_") as folder:
        done = process([python, scripts / "annarchy_izhikevich.py", *map(str, seeds)], Path(folder))
    runs: list[dict[str, Any]] = json.loads(done.output.strip().splitlines()[-1])
    return [(np.array(run["steps"]), np.array(run["cells"])) for run in runs]


def table(ours: np.ndarray, theirs: np.ndarray, found: dict[str, float]) -> list[str]:
    """A row for each statistic; differences as part of the mean, of logarithms as they are."""
    lines = [
        "| statistic | ours | ANNarchy | t | found nine times out of ten |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    spread = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / 2)
    visible = POWER * spread * np.sqrt(2 / len(ours))
    for (name, t), mine, peer, least in zip(
        found.items(), ours.mean(axis=0), theirs.mean(axis=0), visible, strict=True
    ):
        lines.append(f"| {name} | {mine:.3f} | {peer:.3f} | {t:.2f} | {least:.3f} |")
    return lines


def main() -> int:
    """Run both, print the table; 1 where a statistic differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spike_statistics", description=__doc__)
    parser.add_argument("--networks", type=int, default=NETWORKS)
    count = parser.parse_args().networks
    python = find("annarchy")
    if python is None:
        print("there is no ANNarchy here (`python -m benchmarks.peers FOLDER`)", file=sys.stderr)
        return 0
    test = common()
    theirs = np.array([test.statistics(*run) for run in annarchy(python, range(1, count + 1))])
    ours = np.array([test.statistics(*test.ours(seed, "euler.yaml")) for seed in range(count)])
    found = test.welch(ours, theirs)
    print("\n".join(table(ours, theirs, found)))
    return int(any(abs(t) >= test.LIMIT for t in found.values()))


if __name__ == "__main__":
    sys.exit(main())
