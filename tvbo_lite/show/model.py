"""A LEMS model: its network, its components with their quantities, its simulations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from tvbo_lite.errors import TvboLiteError
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.lems.rows import Rows, parts_of
from tvbo_lite.show.page import MOST_ROWS, Section, page, picture, table
from tvbo_lite.transforms.summary import Network, Summary, summary

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Component, Model

__all__ = ["about_network", "model_html", "network_sections", "problem"]


def model_html(model: Model) -> str:
    """A model as HTML. One that cannot be linked or resolved shows what is wrong, and what it holds."""
    facts = [
        ("component types", f"{len(model.component_types):,}"),
        ("components", f"{len(model.components):,}"),
    ]
    if model.includes:
        facts.append(("includes", ", ".join(item.file for item in model.includes[:6])))
    if model.target:
        facts.append(("target", model.target))
    sections: list[Section] = []
    own = model
    try:
        model = link(model) if model.includes else model
        found = summary(model)
        sections += network_sections(found)
        sections += _types(found)
        sections += _simulations(found)
    except TvboLiteError as error:
        sections.append(problem(error))
    sections.append(_components(own))
    return page("LEMS model", sections, facts=facts)


def problem(error: TvboLiteError) -> Section:
    """What an error says, in place of what could not be worked out."""
    return Section("Problems", text=str(error))


def network_sections(found: Summary) -> Iterator[Section]:
    """The graph of each network that has more than a single cell, or inputs, and its parts as a table."""
    from tvbo_lite.plotting.network_graph import plot_network_graph

    for network in found.networks:
        if network.populations:
            title = f"Network {network.id}: {about_network(network)}"
            yield picture(title, partial(plot_network_graph, network))
        rows = [("population", item.id, item.component, "", f"{item.size:,}") for item in network.populations]
        for item in (*network.connections, *network.inputs):
            way = f"{item.source} → {item.target}" if item.source else f"→ {item.target}"
            rows.append((item.type, item.id, item.uses, way, f"{item.count:,}"))
        if rows:
            header = ("type", "id", "of", "where", "number")
            yield table(f"Parts of {network.id}", header, rows, words=4, shown=False)


def about_network(network: Network) -> str:
    """Its size in words."""
    numbers = (network.n_cells, "cell"), (network.n_connections, "connection"), (network.n_inputs, "input")
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in numbers)


def _types(found: Summary) -> Iterator[Section]:
    if found.component_types:
        rows = [(name,) for name in found.component_types]
        yield table("Component types of its own", ("name",), rows, shown=False)


def _simulations(found: Summary) -> Iterator[Section]:
    rows = [(one.id, one.target, one.length, one.step) for one in found.simulations]
    if rows:
        yield table("Simulations", ("id", "target", "length", "step"), rows, words=2)


def _components(model: Model) -> Section:
    """The components of the document with what is written of each, those below them indented."""
    rows = []
    for row in _rows(model.components, 0):
        rows.append(row)
        if len(rows) > MOST_ROWS:
            break
    every = sum(map(_size, model.components))
    title = "Components and their quantities"
    return table(title, ("id", "type", "as written"), rows, count=every, words=3, shown=False)


def _rows(components: tuple[Component, ...], depth: int) -> Iterator[tuple[str, str, str]]:
    indent = "\N{NO-BREAK SPACE}" * 4 * depth
    for part in components:
        values = ", ".join(f"{name} = {value}" for name, value in part.attributes.items())
        yield f"{indent}{part.id or part.tag}", part.type or part.tag, values
        for child in parts_of(part.children):
            if isinstance(child, Rows):
                yield f"{indent}    {len(child):,} rows", child.type or child.tag, ""
            else:
                yield from _rows((child,), depth + 1)


def _size(component: Component) -> int:
    parts = parts_of(component.children)
    return 1 + sum(1 if isinstance(part, Rows) else _size(part) for part in parts)
