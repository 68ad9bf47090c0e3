"""The built-in engine against jNeuroML: whole processes, and the simulation loop alone."""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import FailedError, Pair, child, in_turn, process
from tvbo_lite.backends.java import find_java
from tvbo_lite.formats.neuroml.jar import example_names, extract_examples, find_example, jar_path

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Failure", "examples", "kernel", "processes"]

FIRST = ("LEMS_NML2_Ex9_FN.xml", "LEMS_NML2_Ex2_Izh.xml")
IZHIKEVICH = "LEMS_NML2_Ex2_Izh.xml"
FINISHED = re.compile(r"Finished \d+ steps in ([-+.\dE]+) seconds")

KERNEL = f"""
import numpy
begin = now()
import llvmlite.binding
imported = now() - begin
from tvbo_lite import backends
timings = backends.run_file("{IZHIKEVICH}").timings
print(json.dumps(timings | {{"import": imported}}))
"""

Failure = tuple[str, str, str]  # the example; what happened to ours and to jNeuroML


def processes(rounds: int) -> list[Pair]:
    """Two small examples, each from the start of the process to its end."""
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_examples_") as name:
        extract_examples(name)
        return [_whole(example, Path(name), rounds, 0.6) for example in FIRST]


def kernel(rounds: int) -> list[Pair]:
    """The loop of Ex2 against jLEMS's own figure for it, and the compiler against loading LLVM."""
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_examples_") as name:
        extract_examples(name)
        both = [(child(KERNEL), jneuroml(IZHIKEVICH, Path(name))[1]) for _ in range(rounds)]
    ours, theirs = [own for own, _ in both], [_own_figure(output) for _, output in both]
    simulate, lower, build, loaded = (
        statistics.median(run[key] for run in ours) for key in ("simulate", "lower", "compile", "import")
    )
    return [
        Pair(f"{IZHIKEVICH}, the loop alone / jLEMS's loop", simulate, statistics.median(theirs), 1 / 50),
        Pair("its kernel: lower and compile / `import llvmlite.binding`", lower + build, loaded, 2.0),
    ]


def examples(rounds: int, tell: Callable[[str], None]) -> tuple[list[Pair], list[Failure]]:
    """Every canonical example from the start of the process to its end; and those that failed."""
    pairs, failures = [], []
    with tempfile.TemporaryDirectory(prefix="tvbo_lite_examples_") as name:
        extract_examples(name)
        for example in example_names():
            tell(example)
            words = [_try(run, example, Path(name)) for run in (native, jneuroml)]
            if any(words):
                failures.append((example, words[0] or "runs", words[1] or "runs"))
            else:
                pairs.append(_whole(example, Path(name), rounds, 1.0))
    return pairs, failures


def native(example: str, folder: Path) -> tuple[float, str]:
    """Ours on a file: seconds of the process, and its output."""
    return process([Path(sys.executable).with_name("tvbo-lite"), "run", folder / find_example(example)])


def jneuroml(example: str, folder: Path) -> tuple[float, str]:
    """The same with jNeuroML, as its manual starts it but without windows."""
    file = folder / find_example(example)
    options = ("-Djava.awt.headless=true", "-jar")
    return process([find_java(), *options, jar_path(), file.name, "-nogui"], file.parent)


def _whole(example: str, folder: Path, rounds: int, limit: float) -> Pair:
    return in_turn(
        example,
        lambda: native(example, folder)[0],
        lambda: jneuroml(example, folder)[0],
        rounds=rounds,
        limit=limit,
    )


def _own_figure(output: str) -> float:
    found = FINISHED.search(output)
    if found is None:
        raise FailedError("jLEMS did not say how long it took")
    return float(found[1])


def _try(run: Callable[[str, Path], object], example: str, folder: Path) -> str | None:
    """None where it works, else what went wrong."""
    try:
        run(example, folder)
    except FailedError as error:
        return str(error)
    return None
