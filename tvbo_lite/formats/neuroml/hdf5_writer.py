"""Write a LEMS model as one NeuroML file in HDF5: a network as tables, all that it uses as XML inside.

Source of the form: `tvbo_lite.formats.neuroml.layout`.
"""

from __future__ import annotations

from tvbo_lite.errors import RenderError, nearest
from tvbo_lite.formats.files import Stored
from tvbo_lite.formats.neuroml.documents import Document
from tvbo_lite.formats.neuroml.hdf5_network import network_file
from tvbo_lite.formats.neuroml.layout import LEMS, TOP_LEVEL
from tvbo_lite.formats.neuroml.parts import (
    Parts,
    document_text,
    networks_out,
    rest_text,
    sorted_parts,
    target_of,
    valid_forms,
)
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses

__all__ = ["write"]


def write(model: m.Model, losses: Losses, *, network: str | None = None, double: bool = False) -> Stored:
    """The file with one network and all that it needs.

    What NeuroML's schema does not know stands in the file too, as LEMS, for this package.

    Args:
        model: with all that it includes.
        losses: gets the simulation, which the form cannot hold, and each component that other programs do
            not find in the file.
        network: the id of the network; by default the one that is simulated, or the last.
        double: numbers that float32 would round are float64.

    Raises:
        RenderError: there is no such network, or it has something that the form has no place for.
    """
    for what, reason, where in model.beyond.items():
        losses.add(what, reason, where)
    parts = sorted_parts(model)
    chosen = _chosen(parts, network, losses)
    place = f"the attribute {LEMS} of the file"
    document = Document("", chosen.id or "network", list(valid_forms(parts, place, losses).values()))
    texts = {TOP_LEVEL: document_text(document)}
    rest = rest_text(model, parts)
    if rest is not None:
        texts[LEMS] = rest
    for item in parts.simulation:
        reason = "NeuroML has no simulations: run the file with a duration and a step"
        losses.add(f"<{item.tag}> '{item.id}'", reason, item.location)
    return network_file(model, chosen, texts, losses, document.id, double=double)


def _chosen(parts: Parts, name: str | None, losses: Losses) -> m.Component:
    """The network to write; the others are losses."""
    networks = {item.id or "": item for item in networks_out(parts)}
    if not networks:
        raise RenderError("the model has no network, and NeuroML in HDF5 holds a network")
    wanted = name or target_of(parts)
    if name is not None and name not in networks:
        hint = nearest(name, networks) or f"there is {', '.join(networks)}"
        raise RenderError(f"the model has no network '{name}'; {hint}")
    chosen = networks.pop(wanted if wanted in networks else list(networks)[-1])
    for item in networks.values():
        losses.add(f"<{item.tag}> '{item.id}'", "the form holds one network", item.location)
    return chosen
