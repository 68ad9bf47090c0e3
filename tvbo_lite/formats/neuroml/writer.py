"""Write a LEMS model as NeuroML 2 documents, with a LEMS file that runs them.

What the NeuroML schema cannot hold (component types of the model's own, components of types that the
schema does not know) stands in a LEMS file of its own, which the running file includes: nothing is
missing in a run. Components of NeuroML's own types that end there are losses: who reads the
NeuroML documents alone does not see them.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tvbo_lite.errors import NOWHERE, Problem, RenderError
from tvbo_lite.formats._jinja import render
from tvbo_lite.formats.files import Files
from tvbo_lite.formats.lems.core import core_includes, without_core
from tvbo_lite.formats.lems.markup import component as element
from tvbo_lite.formats.lems.sources import is_core
from tvbo_lite.formats.lems.writer import document as lems_document
from tvbo_lite.formats.neuroml.documents import Document, documents
from tvbo_lite.formats.neuroml.form import formed, rank
from tvbo_lite.formats.neuroml.xsd import NAMESPACE, schema_file, schema_problems
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond
from tvbo_lite.losses import Losses

__all__ = ["write"]

_SCHEMAS = "https://raw.githubusercontent.com/NeuroML/NeuroML2/development/Schemas/NeuroML2/"
_SIMULATION = "Simulation.xml"  # the core file whose types belong to LEMS, not to NeuroML


def write(model: m.Model, losses: Losses, *, name: str | None = None) -> Files:
    """The model's NeuroML documents, a LEMS file for what they cannot hold, and ``LEMS_<name>.xml``.

    Args:
        model: with all that it includes.
        losses: gets each component of a NeuroML type that no NeuroML document can hold, and what is
            beyond LEMS.
        name: of the main file and of the file of types; by default the id of the simulated network.

    Without a simulation the last network is the main file.

    Raises:
        RenderError: there is nothing to write, or a text that XML cannot hold.
        ModelError: a component of an unknown type, or one that refers to nothing.
    """
    for what, reason, where in model.beyond.items():
        losses.add(what, reason, where)
    parts = _sorted(model)
    name = name or _target(parts) or "model"
    types = f"{name}_types.xml"
    valid = _valid(parts, types, losses)
    parts.others += [item for item in parts.candidates if item.id not in valid]
    found = documents(model, valid)
    texts: dict[str, str] = {}
    rest = _rest(model, parts)
    if rest != m.Model(includes=rest.includes):
        texts[types] = lems_document(rest)
        for document in found if not parts.simulation else ():  # there is no other file to include it
            document.includes.insert(0, types)
    texts |= {document.name: _text(document) for document in found}
    main = _main(model, parts, found, texts, types)
    if main is not None:
        texts[f"LEMS_{name}.xml"] = lems_document(main)
    if not texts:
        raise RenderError("the model has no component and no component type, so there is nothing to write")
    return Files(list(texts)[-1], texts)


@dataclass(slots=True)
class _Parts:
    """A model's own components: what NeuroML may hold, what runs it, and what else there is."""

    candidates: list[m.Component] = field(default_factory=list)
    simulation: list[m.Component] = field(default_factory=list)
    others: list[m.Component] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        """All names in the paths of the simulations."""
        return frozenset(_words(self.simulation))


def _words(items: Iterable[m.Component]) -> Iterable[str]:
    for item in items:
        for text in item.attributes.values():
            yield from re.findall(r"\w+", text)
        yield from _words(item.children)


def _sorted(model: m.Model) -> _Parts:
    kinds = {kind.name: kind.location for kind in reversed(model.component_types)}
    parts, taken = _Parts(), set[str | None]({None})
    for item in model.components:
        place = kinds.get(item.type or item.tag, NOWHERE)
        if is_core(item.location):
            continue
        if item.id == model.target or (is_core(place) and (place.file or "").endswith(_SIMULATION)):
            parts.simulation.append(item)
        elif item.id in taken or (place is not NOWHERE and not is_core(place)):
            parts.others.append(item)
        else:
            parts.candidates.append(item)
            taken.add(item.id)
    return parts


def _target(parts: _Parts) -> str | None:
    found = (item.attributes.get("target") for item in parts.simulation)
    return next((name for name in found if name and re.fullmatch(r"\w+", name)), None)


# ---- what is valid ----------------------------------------------------------------------------


def _valid(parts: _Parts, types: str, losses: Losses) -> dict[str, m.Component]:
    """The NeuroML form of all components that have a valid one, by id, in the order of a document."""
    kept = parts.names()
    forms: list[m.Component] = []
    dropped: dict[str | None, Losses] = {}
    for item in parts.candidates:
        dropped[item.id] = Losses()
        forms.append(formed(item, kept, dropped[item.id]))
    known = sorted((item for item in forms if rank(item) is not None), key=lambda item: rank(item) or 0)
    wrong = _problems(known)
    for original, form in zip(parts.candidates, forms, strict=True):
        reason = "there is no such element" if rank(form) is None else wrong.get(original.id)
        if reason is not None:
            why = f"it stands in {types} and in no NeuroML document, whose schema says: {reason}"
            losses.add(f"<{original.tag}> '{original.id}'", why, original.location)
        else:
            for loss in dropped[original.id]:
                losses.add(loss.what, loss.reason, loss.where)
    return {item.id or "": item for item in known if item.id not in wrong}


def _problems(items: list[m.Component]) -> dict[str | None, str]:
    """What the schema has against each component, by id; all are looked at in one document."""
    text = _text(Document("", "document", items))
    lines = enumerate(text.split("\n"), 1)
    starts = [number for number, line in lines if line.startswith("    <") and line[5] != "/"]
    found: dict[str | None, str] = {}
    for problem in schema_problems(text.encode(), ""):
        index = max(bisect(starts, problem.location.line or 0) - 1, 0)
        found.setdefault(items[index].id, str(Problem(problem.message, expected=problem.expected)))
    return found


# ---- files ------------------------------------------------------------------------------------


def _text(document: Document) -> str:
    components = sorted(document.components, key=lambda item: rank(item) or 0)
    return render(
        "neuroml.xml.j2",
        {
            "namespace": NAMESPACE,
            "schema": _SCHEMAS + schema_file().name,
            "id": document.id,
            "includes": document.includes,
            "components": [element(item) for item in components],
        },
    )


def _rest(model: m.Model, parts: _Parts) -> m.Model:
    """What stands in the file of types: all of the model's own that is neither NeuroML nor simulation."""
    others = tuple(parts.others)
    return replace(without_core(model), target=None, report_file=None, components=others, beyond=Beyond())


def _main(
    model: m.Model, parts: _Parts, found: list[Document], texts: Mapping[str, str], types: str
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
