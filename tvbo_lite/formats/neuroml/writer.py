"""Write a LEMS model as NeuroML 2 documents, with a LEMS file that runs them.

What the NeuroML schema cannot hold (component types of the model's own, components of types that the
schema does not know) stands in a LEMS file of its own, which the running file includes: nothing is
missing in a run. Components of NeuroML's own types that end there are losses: who reads the
NeuroML documents alone does not see them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tvbo_lite.errors import RenderError
from tvbo_lite.formats.files import Files, Stored
from tvbo_lite.formats.lems.core import core_includes
from tvbo_lite.formats.lems.writer import document as lems_document
from tvbo_lite.formats.neuroml.documents import NETWORK, Document, documents
from tvbo_lite.formats.neuroml.layout import ENDING, TOP_LEVEL
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


def write(
    model: m.Model, losses: Losses, *, name: str | None = None, hdf5: bool = False, double: bool = False
) -> Files:
    """The model's NeuroML documents, a LEMS file for what they cannot hold, and ``LEMS_<name>.xml``.

    Args:
        model: with all that it includes.
        losses: gets each component of a NeuroML type that no NeuroML document can hold, and what is
            beyond LEMS.
        name: of the main file and of the file of types; by default the id of the simulated network.
        hdf5: networks are in HDF5 (``.net.nml.h5``), the form for large ones.
        double: in HDF5, numbers that float32 would round are float64.

    Without a simulation the last network is the main file.

    Raises:
        RenderError: there is nothing to write, a text that XML cannot hold, or a network that HDF5 cannot.
        ModelError: a component of an unknown type, or one that refers to nothing.
    """
    for what, reason, where in model.beyond.items():
        losses.add(what, reason, where)
    parts = sorted_parts(model)
    name = name or target_of(parts) or "model"
    types = f"{name}_types.xml"
    networks = {item.id or "": item for item in networks_out(parts)} if hdf5 else {}
    valid = valid_forms(parts, types, losses)
    found = documents(model, {**valid, **networks}, ENDING if hdf5 else NETWORK)
    texts: dict[str, str | Stored] = {}
    rest = rest_text(model, parts)
    if rest is not None:
        texts[types] = rest
        for document in found if not parts.simulation else ():  # there is no other file to include it
            document.includes.insert(0, types)
    for document in found:
        texts[document.name] = _content(model, document, networks, losses, double=double)
    main = _main(model, parts, found, texts, types)
    if main is not None:
        texts[f"LEMS_{name}.xml"] = lems_document(main)
    if not texts:
        raise RenderError("the model has no component and no component type, so there is nothing to write")
    return Files(list(texts)[-1], texts)


def _content(
    model: m.Model, document: Document, networks: Collection[str], losses: Losses, *, double: bool
) -> str | Stored:
    """A document's file; one with a network that is to be in HDF5 has all else as a text inside."""
    inside = [item for item in document.components if item.id in networks]
    if not inside:
        return document_text(document)
    from tvbo_lite.formats.neuroml.hdf5_network import network_file

    others = [item for item in document.components if item.id not in networks]
    top = document_text(replace(document, components=others))
    return network_file(model, inside[0], {TOP_LEVEL: top}, losses, document.id, double=double)


def _main(
    model: m.Model, parts: Parts, found: list[Document], texts: Collection[str], types: str
) -> m.Model | None:
    """The file that runs the others; None where the model has no simulation."""
    if not parts.simulation:
        return None
    included = {name for document in found for name in document.includes}
    files = [types] if types in texts else []
    files += [document.name for document in found if document.name not in included]
    return m.Model(
        target=model.target,
        report_file=model.report_file,
        includes=(*core_includes(model), *map(m.Include, files)),
        components=tuple(parts.simulation),
    )
