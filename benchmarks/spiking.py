"""Spiking networks against other simulators, each on one core: the document's, a larger one, COBAHH."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import FailedError, Median, Missing, Pair, script
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
    limit: float | None = None
    key: str = "seconds"


DOCUMENT = "1000 pulse-coupled neurons, 1 s, all recorded"
SPARSE = "10 000 neurons, 10 million synapses, 1 s"
COBAHH = "COBAHH, 4000 Hodgkin-Huxley neurons, 1 s"
LARGE = (CELLS, SYNAPSES)
OURS_EULER = ("ours_izhikevich.py", "euler.yaml")
OURS_PAPER = ("ours_izhikevich.py", "experiment.yaml")
OURS_LARGE = ("ours_izhikevich.py", *LARGE)
ANNARCHY = ("annarchy_izhikevich.py",)
BRIAN = ("brian2_cobahh.py",)
ROWS = (
    Row(f"{DOCUMENT}: the loop", OURS_EULER, "annarchy", ANNARCHY, 1 / 4),
    Row(f"{DOCUMENT}: the loop", OURS_PAPER, "nest", ("nest_izhikevich.py",), 1 / 7),
    Row(f"{DOCUMENT}: whole processes", OURS_EULER, "annarchy", ANNARCHY, 1 / 12, "process"),
    Row(f"{SPARSE}: the loop", OURS_LARGE, "brian2", ("brian2_izhikevich.py", *LARGE), 1.0),
    Row(f"{SPARSE}: the loop", OURS_LARGE, "nest", ("nest_izhikevich.py", *LARGE), 1.0),
    Row(f"{COBAHH}: the loop, `fast=True`", ("ours_cobahh.py", "fast"), "brian2", BRIAN, 1 / 2),
    Row(f"{COBAHH}: the loop", ("ours_cobahh.py",), "brian2", BRIAN),
)


def measure(rounds: int, tell: Callable[[str], None]) -> list[Pair | Missing]:
    """The pairs, ``rounds`` runs of each, in turn; what has no peer here is missing."""
    found: list[Pair | Missing] = []
    for row in ROWS:
        python = find(row.peer)
        name = f"{row.name} / {PEERS[row.peer]}"
        tell(f"  {name}")
        if python is None:
            found.append(Missing(name, f"no {PEERS[row.peer]} here"))
            continue
        try:
            found.append(_pair(name, row, python, rounds))
        except FailedError as error:
            found.append(Missing(name, str(error)))
    tell("  memory")
    return [*found, *_memory()]


def _pair(name: str, row: Row, python: Path, rounds: int) -> Pair:
    samples = []
    for _ in range(rounds):
        mine, theirs = _run(row.ours), _run(row.theirs, python)
        samples.append((mine[row.key], theirs[row.key]))
    ours, peer = map(Median, zip(*samples, strict=True))
    return Pair(name, ours, peer, row.limit)


def _run(program: tuple[object, ...], python: Path | None = None) -> dict[str, Any]:
    name, *arguments = program
    return script(scripts / str(name), *arguments, python=python)


def _memory() -> list[Pair]:
    """Bytes a synapse beyond its weight: what the large network takes more than a tiny one."""
    tiny, large = _run(("ours_izhikevich.py", 10, 10)), _run(OURS_LARGE)
    found = []
    for when, key in (("at most", "peak"), ("while it runs", "steady")):
        bytes_each = (large[key] - tiny[key]) / (CELLS * SYNAPSES) - WEIGHT
        name = f"{SPARSE}: memory of a synapse beyond its weight, {when} / allowed"
        found.append(Pair(name, bytes_each, BEYOND, 1.0, _bytes))
    return found


def _bytes(value: float) -> str:
    return f"{value:.1f} bytes"
