"""The built-in engine against jNeuroML: whole processes, the simulation loop alone, and memory."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Done, FailedError, Median, Pair, child, geometric_mean, process, seconds_text
from tvbo_lite.backends.java import find_java
from tvbo_lite.formats.neuroml.jar import example_names, extract_examples, find_example, jar_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Example", "Failure", "examples", "kernel", "summary", "table"]

LONG = 3.0  # s; what takes jNeuroML longer is run once only
NOT_SLOWER, HALF, FIFTIETH = 1.0, 0.5, 1 / 50
FIRST = {"LEMS_NML2_Ex9_FN.xml": 0.6, "LEMS_NML2_Ex2_Izh.xml": 0.6}  # limits of single examples
LARGE = "LEMS_NML2_Ex15_CaDynamics.xml"
MEMORY = 1e9  # bytes
FINISHED = re.compile(r"Finished \d+ steps in ([-+.\dE]+) seconds")
STEPS = re.compile(r"the steps alone took ([.\d]+) (s|ms|us)")
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

KERNEL = """
import numpy
begin = now()
import llvmlite.binding
imported = now() - begin
from tvbo_lite import backends
timings = backends.run_file("LEMS_NML2_Ex2_Izh.xml").timings
print(json.dumps(timings | {"import": imported}))
"""

Failure = tuple[str, str, str]  # the example; what happened to ours and to jNeuroML


@dataclass(frozen=True, slots=True)
class Example:
    """Medians over the runs of one example, ours and jNeuroML's: processes and loops (s), memory (bytes)."""

    name: str
    whole: Pair
    loop: Pair
    memory: Pair


def kernel(rounds: int) -> list[Pair]:
    """The compiler against loading LLVM."""
    runs = [child(KERNEL) for _ in range(rounds + 1)][1:]
    lower, build, loaded = (Median(run[key] for run in runs) for key in ("lower", "compile", "import"))
    return [
        Pair("the kernel of Ex2: lower and compile / `import llvmlite.binding`", lower + build, loaded, 2.0)
    ]


def examples(rounds: int, tell: Callable[[str], None], only: str = "") -> tuple[list[Example], list[Failure]]:
    """Every canonical example whose name holds ``only``; and those that one of the two cannot run."""
    found, failures = [], []
    with (
        tempfile.TemporaryDirectory(prefix="tvbo_lite_ours_") as ours,
        tempfile.TemporaryDirectory(prefix="tvbo_lite_peer_") as peer,
    ):
        extract_examples(ours)
        extract_examples(peer)
        for example in (name for name in example_names() if only in name):
            tell(example)
            measured = _measure(example, Path(ours), Path(peer), rounds)
            if isinstance(measured, Example):
                found.append(measured)
            else:
                failures.append(measured)
    return found, failures


def native(example: str, folder: Path) -> Done:
    """Ours on a file, its output written beside it."""
    done = process([Path(sys.executable).with_name("tvbo-lite"), "run", folder / find_example(example)])
    _steps(done)
    return done


def jneuroml(example: str, folder: Path) -> Done:
    """The same with jNeuroML, as its manual starts it but without windows.

    It ends with status 0 even if it failed, for example because a folder for its output is missing.
    """
    file = folder / find_example(example)
    options = ("-Djava.awt.headless=true", "-jar")
    done = process([find_java(), *options, jar_path(), file.name, "-nogui"], file.parent)
    _finished(done)
    return done


def _measure(example: str, ours: Path, peer: Path, rounds: int) -> Example | Failure:
    """In turn; the first run of each warms the machine up, and counts only where jNeuroML's was long."""
    first = [_try(run, example, folder) for run, folder in ((native, ours), (jneuroml, peer))]
    for made in ours.rglob("*/"):  # jNeuroML makes no folders: give it those that ours has made
        (peer / made.relative_to(ours)).mkdir(parents=True, exist_ok=True)
    if isinstance(first[1], str):
        first[1] = _try(jneuroml, example, peer)
    mine, theirs = first
    if isinstance(mine, str) or isinstance(theirs, str):
        words = [item if isinstance(item, str) else "runs" for item in first]
        return (example, words[0], words[1])
    long = theirs.seconds > LONG
    runs, peers = [], [theirs] if long else []
    for _ in range(rounds):
        runs.append(native(example, ours))
        if not long:
            peers.append(jneuroml(example, peer))
    return _example(example, runs, peers)


def _example(name: str, ours: Sequence[Done], peer: Sequence[Done]) -> Example:
    def pair(
        value: Callable[[Done], float], other: Callable[[Done], float], limit: float | None = None
    ) -> Pair:
        return Pair(name, Median(map(value, ours)), Median(map(other, peer)), limit)

    return Example(
        name,
        pair(lambda done: done.seconds, lambda done: done.seconds, FIRST.get(name, NOT_SLOWER)),
        pair(_steps, _finished),
        pair(lambda done: done.memory, lambda done: done.memory),
    )


def _try(run: Callable[[str, Path], Done], example: str, folder: Path) -> Done | str:
    """The run, or what went wrong."""
    try:
        return run(example, folder)
    except FailedError as error:
        return str(error)


def _steps(done: Done) -> float:
    """Seconds of our loop, by our own words."""
    found = STEPS.search(done.output)
    if found is None:
        raise FailedError("tvbo-lite did not say how long its steps took")
    return float(found[1]) * UNITS[found[2]]


def _finished(done: Done) -> float:
    """Seconds of jLEMS's loop, by its own words."""
    found = FINISHED.search(done.output)
    if found is None:
        raise FailedError("does not finish")
    return float(found[1])


def summary(found: Sequence[Example]) -> list[Pair]:
    """What the examples have to show together: geometric means, Ex2's loop, Ex15's memory."""
    pairs = [_mean("whole processes, geometric mean", [one.whole for one in found], HALF)]
    pairs += [_mean("loops alone, geometric mean", [one.loop for one in found], FIFTIETH)]
    for one in found:
        if "Ex2_" in one.name:
            pairs.append(Pair("the loop of Ex2", one.loop.ours, one.loop.peer, FIFTIETH))
        if one.name == LARGE:
            limit = MEMORY / one.memory.peer
            pairs.append(Pair("memory of Ex15", one.memory.ours, one.memory.peer, limit, _megabytes))
    return pairs


def _mean(name: str, pairs: Sequence[Pair], limit: float) -> Pair:
    ours, peer = (geometric_mean(values) for values in zip(*((p.ours, p.peer) for p in pairs), strict=True))
    return Pair(name, ours, peer, limit)


def _megabytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB"


def table(found: Sequence[Example]) -> list[str]:
    """The examples in Markdown; the ratio is the processes', the last column is about the loops."""
    head = ("example", "tvbo-lite", "jNeuroML", "ratio", "target", "our loop", "jLEMS's loop", "times faster")
    rows = [head, ("---", *["---:"] * 3, "---", *["---:"] * 3)]
    for one in found:
        whole, loop = one.whole, one.loop
        times = [seconds_text(value) for value in (whole.ours, whole.peer, loop.ours, loop.peer)]
        target = f"≤ {whole.limit:.3g}, {'met' if whole.met else '**missed**'}"
        faster = f"{1 / loop.ratio:.0f}"
        rows.append((one.name, *times[:2], f"{whole.ratio:.3f}", target, *times[2:], faster))
    return [f"| {' | '.join(row)} |" for row in rows]
