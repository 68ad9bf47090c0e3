"""All that the program does, again and again in one process: does anything grow?

``python -m benchmarks.soak`` works for ten minutes, ``--minutes 1440`` for a day. Each turn reads, checks,
renders, runs, compares, sweeps, streams, draws and fails, with another canonical example each time. Memory,
open files, threads, child processes and temporary files are looked at after each turn; the exit status is 1
if one of them grew after the warm-up. Linux only, since the figures come from ``/proc``.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from time import perf_counter

__all__ = ["Sample", "grown", "soak", "table"]

WARM_UP = 1 / 3  # of the turns: caches fill, libraries load, the heap takes its shape
SLOPE = 5.0  # MB for each hundred turns, of which each compiles some 15 models
STEADY = ("files", "threads", "children", "temporary")  # what may not grow at all
ROWS = 12  # of the table
ROOT = Path(__file__).parents[1]

NODE = """
dynamics: {name: decay, parameters: {tau: 2}, state_variables: {x: {equation: -x/tau, initial_value: 1}}}
integration: {step_size: 0.1, duration: 100}
"""
NETWORK = """
network:
  dynamics:
    cell:
      parameters: {tau: {distribution: {name: Uniform, domain: {lo: 8, hi: 12}, seed: 1}}}
      state_variables:
        v: {equation: (2 + xi)/tau, initial_value: 0}
        xi: {initial_value: 0, noise: {seed: 2}}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations: {C: {dynamics: cell, size: 40, record: [v, spikes]}}
integration: {step_size: 0.5, duration: 500, time_scale: ms}
"""
GROWS = """
dynamics: {name: grows, state_variables: {x: {equation: x**2, initial_value: 1}}}
integration: {step_size: 0.1, duration: 10}
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds after so many turns."""

    seconds: float
    turns: int
    memory: float  # MB, resident
    files: int
    threads: int
    children: int
    temporary: int


# ---- the work: each function gets a folder of its own and the number of the turn ---------------------------


def examples(folder: Path, turn: int) -> None:
    """A canonical example, in the first turn all of them: read, check, run, write, compare with itself."""
    from tvbo_lite.backends import run_file
    from tvbo_lite.compare import compare
    from tvbo_lite.errors import TvboLiteError
    from tvbo_lite.formats.dat import write_dat
    from tvbo_lite.formats.neuroml.jar import example_names

    names = example_names()
    for name in names if turn == 0 else [names[turn % len(names)]]:
        with suppress(TvboLiteError):  # some of them no engine runs
            recording = run_file(name)
            for file in recording.plan.tables():
                write_dat(folder / Path(file.path).name, recording.table(file))
            assert compare(recording, recording).ok


def formats(folder: Path, turn: int) -> None:
    """The document's experiment in every format, and a canonical example as an experiment."""
    from tvbo_lite import SimulationExperiment
    from tvbo_lite.errors import TvboLiteError
    from tvbo_lite.formats import FORMATS
    from tvbo_lite.formats.neuroml.jar import example_names

    names = example_names()
    izhikevich = SimulationExperiment.from_file(
        ROOT / "reference_examples" / "izhikevich" / "experiment.yaml"
    )
    for name in FORMATS:
        with suppress(TvboLiteError):
            izhikevich.save(folder / name, name)
    with suppress(TvboLiteError):
        SimulationExperiment.from_lems(names[turn % len(names)]).to_yaml()


def network(folder: Path, turn: int) -> None:
    """A network with noise: run in one thread or two, saved; every third time drawn."""
    from tvbo_lite import SimulationExperiment
    from tvbo_lite.results import ExperimentResult

    experiment = SimulationExperiment.from_string(NETWORK)
    result = experiment.run(threads=1 + turn % 2)
    result.save(folder / "run.npz")
    ExperimentResult.load(folder / "run.npz")
    if turn % 3 == 0:
        result.plot().savefig(folder / "run.png")
        experiment.draw().savefig(folder / "network.svg")


def streams(folder: Path, turn: int) -> None:
    """The same to disk while it runs; one is stopped early, and another goes on from its state."""
    from tvbo_lite import SimulationExperiment

    del turn
    experiment = SimulationExperiment.from_string(NETWORK)
    for ending in ("zarr", "nc"):
        result = experiment.run(output=folder / f"run.{ending}")
        assert float(result.data.isel(time=-1).sum()) == float(result.data.isel(time=-1).sum())
        experiment.run(output=folder / f"more.{ending}", initial_state=result.state)
    with suppress(KeyboardInterrupt):
        experiment.run(output=folder / "stopped.zarr", progress=_stop)


def _stop(done: int, total: int) -> None:
    if done > total / 2:
        raise KeyboardInterrupt


def sweeps(folder: Path, turn: int) -> None:
    """Sets of parameters in threads, in memory and in a store."""
    from tvbo_lite import SimulationExperiment

    node = SimulationExperiment.from_string(NODE)
    space = {"tau": [1.0 + turn % 7, 2.5, 3.5, 4.5, 5.5]}
    node.explore(space)
    node.explore(space, output=folder / "sweep.zarr")


def faults(folder: Path, turn: int) -> None:
    """What is refused, and a run that does not stay finite."""
    from tvbo_lite import SimulationExperiment
    from tvbo_lite.backends import run_file
    from tvbo_lite.errors import ReadError, SimulationError

    del turn
    bomb = folder / "bomb.xml"
    bomb.write_text('<!DOCTYPE Lems [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Lems>&b;</Lems>')
    with suppress(ReadError):
        run_file(bomb)
    with suppress(SimulationError):
        SimulationExperiment.from_string(GROWS).run()


def reference(folder: Path, turn: int) -> None:
    """jLEMS every third time, where there is a Java runtime; half of these its time limit ends it."""
    from tvbo_lite.backends import run_file
    from tvbo_lite.errors import BackendError

    del folder
    if turn % 3 == 0:  # most of its time is Java's
        with suppress(BackendError):
            run_file("LEMS_NML2_Ex9_FN.xml", "jlems", timeout=0.2 if turn % 2 else 60.0)


WORK: tuple[Callable[[Path, int], None], ...] = (
    examples, formats, network, streams, sweeps, faults, reference,
)  # fmt: skip


# ---- the loop ----------------------------------------------------------------------------------------------


def soak(seconds: float, work: Sequence[Callable[[Path, int], None]] = WORK) -> Iterator[Sample]:
    """A sample after each turn, until so many seconds have passed; temporary files have their own folder."""
    begin = perf_counter()
    with tempfile.TemporaryDirectory(prefix="soak_") as name:
        temporary, before = Path(name), (tempfile.tempdir, os.environ.get("TMPDIR"))
        tempfile.tempdir = os.environ["TMPDIR"] = name
        try:
            for turn in count():
                for job in work:
                    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                        warnings.simplefilter("ignore")  # losses of formats
                        job(Path(folder), turn)
                yield _sample(begin, turn + 1, temporary)
                if perf_counter() - begin >= seconds:
                    return
        finally:
            tempfile.tempdir = before[0]
            os.environ.pop("TMPDIR")
            if before[1] is not None:
                os.environ["TMPDIR"] = before[1]


def _sample(begin: float, turns: int, temporary: Path) -> Sample:
    gc.collect()
    process = Path("/proc/self")
    pages = int((process / "statm").read_text().split()[1])
    tasks = list((process / "task").iterdir())
    children = sum(len((task / "children").read_text().split()) for task in tasks)
    return Sample(
        seconds=perf_counter() - begin,
        turns=turns,
        memory=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        files=len(list((process / "fd").iterdir())),
        threads=len(tasks),
        children=children,
        temporary=sum(1 for _ in temporary.rglob("*")),
    )


def grown(samples: Sequence[Sample]) -> list[str]:
    """What grew after the warm-up, in words; empty where nothing did.

    Memory by its slope over the turns (the median of the slopes between all pairs, which a single peak does
    not move; Sen 1968), all else where the least of the last third is above the most of the one before.
    """
    warm = samples[int(len(samples) * WARM_UP) :]
    found = []
    if len(warm) >= 4 and (rise := slope(warm)) > SLOPE:
        found.append(f"memory grows by {rise:.2f} MB in 100 turns; at most {SLOPE:g} MB")
    middle = len(warm) // 2
    for name in STEADY:
        early, late = ([getattr(one, name) for one in part] for part in (warm[:middle], warm[middle:]))
        if early and min(late) > max(early):
            found.append(f"{name}: at most {max(early)} at first, at least {min(late)} later")
    return found


def slope(samples: Sequence[Sample]) -> float:
    """MB for each hundred turns."""
    pairs = [
        (later.memory - one.memory) / (later.turns - one.turns)
        for place, one in enumerate(samples)
        for later in samples[place + 1 :]
    ]
    return 100 * statistics.median(pairs)


def table(samples: Sequence[Sample]) -> list[str]:
    """Some of the samples in Markdown, evenly apart; memory as a curve too."""
    chosen = (
        [samples[len(samples) * k // ROWS] for k in range(ROWS)] if len(samples) > ROWS else list(samples)
    )
    chosen = [*chosen, *samples[-1:]] if chosen[-1] is not samples[-1] else chosen
    names = [field.name for field in fields(Sample)]
    most = max(one.memory for one in samples)
    lines = [f"| {' | '.join(names)} | |", f"| {'---: | ' * len(names)}--- |"]
    for one in chosen:
        values = " | ".join(f"{getattr(one, name):.0f}" for name in names)
        lines.append(f"| {values} | {'#' * round(40 * one.memory / most)} |")
    return lines


def main() -> int:
    """Work, print the table, and say what grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", default="", help="a part of the names of the jobs to do")
    options = parser.parse_args()
    if not Path("/proc/self/statm").exists():
        print("the soak needs Linux's /proc", file=sys.stderr)
        return 2
    work = [job for job in WORK if options.only in job.__name__]
    samples = []
    for sample in soak(60 * options.minutes, work):
        samples.append(sample)
        print(f"\r  {sample.seconds:.0f} s, {sample.memory:.0f} MB", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    found = grown(samples)
    print("\n".join(table(samples)))
    print(f"\nmemory after the warm-up: {slope(samples[int(len(samples) * WARM_UP) :]):+.2f} MB in 100 turns")
    print("\n".join(found) or "nothing grew")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
