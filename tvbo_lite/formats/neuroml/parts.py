"""A model's own components, sorted: what NeuroML's schema knows, what it does not, and what runs it."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tvbo_lite.errors import NOWHERE, Problem
from tvbo_lite.formats._jinja import render
from tvbo_lite.formats.lems.core import without_core
from tvbo_lite.formats.lems.markup import component as element
from tvbo_lite.formats.lems.sources import is_core
from tvbo_lite.formats.lems.writer import document as lems_document
from tvbo_lite.formats.neuroml.documents import Document
from tvbo_lite.formats.neuroml.form import formed, rank
from tvbo_lite.formats.neuroml.xsd import NAMESPACE, schema_file, schema_problems
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond
from tvbo_lite.losses import Losses

__all__ = ["Parts", "document_text", "networks_out", "rest_text", "sorted_parts", "target_of", "valid_forms"]

_SCHEMAS = "https://raw.githubusercontent.com/NeuroML/NeuroML2/development/Schemas/NeuroML2/"
_SIMULATION = "Simulation.xml"  # the core file whose types belong to LEMS, not to NeuroML
_NETWORKS = ("network", "networkWithTemperature")


@dataclass(slots=True)
class Parts:
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


def sorted_parts(model: m.Model) -> Parts:
    """The components of a model with all that it includes, without those of the core types."""
    kinds = {kind.name: kind.location for kind in reversed(model.component_types)}
    parts, taken = Parts(), set[str | None]({None})
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


def networks_out(parts: Parts) -> list[m.Component]:
    """The networks among the candidates, which no longer has them: their rows are not looked at as XML."""
    found = [item for item in parts.candidates if item.tag in _NETWORKS]
    parts.candidates = [item for item in parts.candidates if item.tag not in _NETWORKS]
    return found


def target_of(parts: Parts) -> str | None:
    """The id of the network that the model simulates."""
    found = (item.attributes.get("target") for item in parts.simulation)
    return next((name for name in found if name and re.fullmatch(r"\w+", name)), None)


# ---- what is valid ----------------------------------------------------------------------------


def valid_forms(parts: Parts, types: str, losses: Losses) -> dict[str, m.Component]:
    """The NeuroML form of all components that have a valid one, by id, in the order of a document.

    The ``others`` get those that have none, which are losses: they stand in ``types``.
    """
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
    valid = {item.id or "": item for item in known if item.id not in wrong}
    parts.others += [item for item in parts.candidates if item.id not in valid]
    return valid


def _problems(items: list[m.Component]) -> dict[str | None, str]:
    """What the schema has against each component, by id; all are looked at in one document."""
    text = document_text(Document("", "document", items))
    lines = enumerate(text.split("\n"), 1)
    starts = [number for number, line in lines if line.startswith("    <") and line[5] != "/"]
    found: dict[str | None, str] = {}
    for problem in schema_problems(text.encode(), ""):
        index = max(bisect(starts, problem.location.line or 0) - 1, 0)
        found.setdefault(items[index].id, str(Problem(problem.message, expected=problem.expected)))
    return found


# ---- texts ----------------------------------------------------------------------------------------


def document_text(document: Document) -> str:
    """The XML of a document."""
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


def rest_text(model: m.Model, parts: Parts) -> str | None:
    """The LEMS document with all of the model's own that is neither NeuroML nor simulation; None without."""
    others = tuple(parts.others)
    rest = replace(without_core(model), target=None, report_file=None, components=others, beyond=Beyond())
    return None if rest == m.Model(includes=rest.includes) else lems_document(rest)
