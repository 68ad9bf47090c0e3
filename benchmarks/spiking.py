"""Spiking networks against other simulators, each on one core: the document's, a larger one, COBAHH."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import FailedError, Pair, script
from benchmarks.peers import PEERS, find, scripts

__all__ = ["ROWS", "Row", "measure"]

CELLS, SYNAPSES = 10_000, 1_000
BEYOND = 10.0  # bytes a synapse that may be used beyond the weights
WEIGHT = 8  # bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: both programs with their arguments, which of the figures that they print counts."""

    name: str
    ours: tuple[object, ...]
    peer: str
    theirs: tuple[object, ...]
    limit: float | None
    key: str = "seconds"
    rounds: int = 5


EULER = ("ours_izhikevich.py", "euler.yaml")
PAPER = ("ours_izhikevich.py", "experiment.yaml")
LARGE = (CELLS, SYNAPSES)
DOCUMENT = "1000 pulse-coupled neurons, 1 s, all recorded"
SPARSE = "10 000 neurons, 10 million synapses, 1 s"
ROWS = (
    Row(f"{DOCUMENT}: the loop", EULER, "annarchy", ("annarchy_izhikevich.py",), 1 / 4, rounds=3),
    Row(f"{DOCUMENT}: the loop", PAPER, "nest", ("nest_izhikevich.py",), 1 / 7),
    Row(
        f"{DOCUMENT}: from the start of the process to its end",
        EULER, "annarchy", ("annarchy_izhikevich.py",), 1 / 12, "process", 3,
    ),
    Row(
        f"{SPARSE}: the loop",
        ("ours_izhikevich.py", *LARGE), "brian2", ("brian2_izhikevich.py", *LARGE), 1.0, rounds=3,
    ),
    Row(
        f"{SPARSE}: the loop",
        ("ours_izhikevich.py", *LARGE), "nest", ("nest_izhikevich.py", *LARGE), 1.0, rounds=3,
    ),
)  # fmt: skip


def measure(rounds: int, tell: Callable[[str], None]) -> tuple[list[Pair], list[tuple[str, str]]]:
    """The pairs, and what was left out with the reason. At most ``rounds`` runs of each, in turn."""
    pairs, left = [], []
    for row in ROWS:
        tell(f"  {row.name}, {PEERS[row.peer]}")
        try:
            pairs.append(_pair(row, min(rounds, row.rounds)))
        except FailedError as error:
            left.append((f"{row.name}, {PEERS[row.peer]}", str(error)))
    tell("  memory")
    return [*pairs, *_memory()], left


def _pair(row: Row, rounds: int) -> Pair:
    python = find(row.peer)
    if python is None:
        raise FailedError(f"there is no {PEERS[row.peer]} here (`python -m benchmarks.peers FOLDER`)")
    samples = []
    for _ in range(rounds):
        mine = _run(row.ours)
        theirs = _run(row.theirs, python=python)
        samples.append((mine[row.key], theirs[row.key]))
    ours, peer = map(statistics.median, zip(*samples, strict=True))
    return Pair(f"{row.name} / {PEERS[row.peer]}", ours, peer, row.limit)


def _run(program: Sequence[object], **options: Any) -> dict[str, Any]:
    name, *arguments = program
    return script(scripts / str(name), *arguments, **options)


def _memory() -> list[Pair]:
    """Bytes a synapse beyond its weight: what the large network takes more than a tiny one."""
    tiny, large = (_run(("ours_izhikevich.py", *size)) for size in ((10, 10), LARGE))
    count = CELLS * SYNAPSES
    return [
        Pair(
            f"{SPARSE}: memory of a synapse beyond its weight, {name} / allowed",
            (large[key] - tiny[key]) / count - WEIGHT, BEYOND, 1.0, _bytes,
        )
        for name, key in (("at most", "peak"), ("while it runs", "steady"))
    ]  # fmt: skip


def _bytes(value: float) -> str:
    return f"{value:.1f} bytes"
