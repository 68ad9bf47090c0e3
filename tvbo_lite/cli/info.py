"""``tvbo-lite info``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tvbo_lite.cli import _options as options

if TYPE_CHECKING:
    from tvbo_lite.transforms.summary import Connected, Network, Simulation, Summary

EXAMPLE = """\b
Example:
  tvbo-lite info LEMS_NML2_Ex3_Net.xml
"""


@click.command(epilog=EXAMPLE)
@click.argument("file")
@options.include
def info(file: str, *, include: tuple[Path, ...]) -> None:
    """Show what FILE holds: cells, channels, synapses, inputs, networks, simulations.

    FILE is a YAML experiment, a LEMS or NeuroML file, or the name of a canonical example. What it
    includes counts, but for NeuroML's own component types.
    """
    from tvbo_lite.cli._source import read_model
    from tvbo_lite.transforms.summary import summary

    model, _ = read_model(file, include)
    lines = list(_lines(summary(model)))
    click.echo("\n".join(lines or [f"{file} holds no components"]))


def _lines(found: Summary) -> Iterator[str]:
    if found.component_types:
        yield "component types"
        yield from _table([(name,) for name in found.component_types])
    for heading, parts in found.parts.items():
        yield heading
        yield from _table([(part.id, part.type) for part in parts])
    for network in found.networks:
        yield from _network(network)
    for simulation in found.simulations:
        yield from _simulation(simulation)


def _network(network: Network) -> Iterator[str]:
    size = (
        _count(network.n_cells, "cell"),
        _count(network.n_connections, "connection"),
        _count(network.n_inputs, "input"),
    )
    yield f"network {network.id}: {', '.join(size)}"
    rows = [
        ("population", item.id, item.component, "", _count(item.size, "cell")) for item in network.populations
    ]
    rows += [_connected(item, "connection") for item in network.connections]
    rows += [_connected(item, "input") for item in network.inputs]
    yield from _table(rows)


def _connected(item: Connected, noun: str) -> tuple[str, str, str, str, str]:
    way = f"{item.source} -> {item.target}" if item.source else (f"-> {item.target}" if item.target else "")
    return item.type, item.id, item.uses, way, _count(item.count, noun)


def _simulation(simulation: Simulation) -> Iterator[str]:
    steps = f"{simulation.length} in steps of {simulation.step}"
    shown = f", {_count(simulation.displays, 'display')}" if simulation.displays else ""
    yield f"simulation {simulation.id}: {simulation.target}, {steps}{shown}"
    yield from _table([("file", name, _count(count, "column")) for name, count in simulation.files])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows indented, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        yield f"  {'  '.join(cells)}".rstrip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
