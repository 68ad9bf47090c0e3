"""Rules about the attributes of components: LEMS itself reads those that it knows, and skips the rest."""

from __future__ import annotations

from collections.abc import Iterator

from tvbo_lite.errors import Problem, nearest
from tvbo_lite.transforms.check.subject import Subject
from tvbo_lite.transforms.resolve import ResolvedComponent

# Words about a component, not of its model; any may have them.
METADATA = frozenset(
    {"id", "name", "type", "notes", "description", "metaid", "neuroLexId", "schemaLocation",
     "noNamespaceSchemaLocation", "lang", "space", "base"}
)  # fmt: skip
# What NeuroML's schema allows on an element beyond what its LEMS type reads (a test compares).
SCHEMA_ONLY: dict[str, frozenset[str]] = {
    tag: frozenset(names.split())
    for tag, names in {
        "ionChannel": "species",
        "ionChannelHH": "species",
        "network": "temperature",
        "cell": "biophysicalProperties morphology",
        "cell2CaPools": "biophysicalProperties morphology",
        "proximal": "translationStart",
        "distal": "normalizationEnd",
        "channelPopulation": "segment segmentGroup",
        "channelDensity": "segment",
        "channelDensityVShift": "segment",
        "channelDensityNernst": "segment",
        "channelDensityNernstCa2": "segment",
        "channelDensityGHK": "segment",
        "channelDensityGHK2": "segment",
        "spikeThresh": "segmentGroup",
        "initMembPotential": "segmentGroup",
        "region": "space",
        "population": "extracellularProperties",
        "instance": "i j k",
        "electricalConnection": "preSegment postSegment preFractionAlong postFractionAlong",
        "continuousConnection": "preSegment postSegment preFractionAlong postFractionAlong",
        "inputW": "segmentId fractionAlong",
    }.items()
}


def misspelt(subject: Subject) -> Iterator[Problem]:
    """No attribute is nearly one that the component lacks; jLEMS would skip it in silence.

    Where a parameter is lacking, that is told instead.
    """
    for component, name, many in _unknown(subject):
        hint = _meant(component, name)
        needed = (f"did you mean '{parameter}'?" for parameter in component.type.parameters)
        if hint and hint not in needed:
            what = f"{component.describe()}: unknown attribute '{name}'{_more(many)}"
            yield Problem(what, component.component.location, None, hint)


def unread(subject: Subject) -> Iterator[Problem]:
    """No attribute is there that nothing reads."""
    for component, name, many in _unknown(subject):
        if not _meant(component, name):
            what = f"{component.describe()}: attribute '{name}' is read by nothing{_more(many)}"
            known = ", ".join(component.type.attribute_names())
            yield Problem(what, component.component.location, known or "no attributes")


def _unknown(subject: Subject) -> Iterator[tuple[ResolvedComponent, str, int]]:
    """The first component with each unknown attribute, and how many like it follow."""
    allowed: dict[tuple[str, str], frozenset[str]] = {}
    found: dict[tuple[str, str, str, str | None], list[ResolvedComponent]] = {}
    for component in subject.components:
        tag, kind = component.component.tag, component.type
        key = (tag, kind.name)
        if key not in allowed:
            more = SCHEMA_ONLY.get(tag, frozenset())
            declared = frozenset(item.name for item in kind.properties)
            allowed[key] = METADATA | more | declared | frozenset(kind.attribute_names())
        for name in component.component.attributes:
            if name not in allowed[key]:
                found.setdefault((*key, name, _meant(component, name)), []).append(component)
    for (_, _, name, _), components in found.items():
        yield components[0], name, len(components) - 1


def _more(many: int) -> str:
    return f" (and {many} more like it)" if many else ""


def _meant(component: ResolvedComponent, name: str) -> str | None:
    """Which attribute that is not given the unknown one may stand for."""
    given = component.component.attributes
    free = [known for known in component.type.attribute_names() if known not in given]
    return nearest(name, free)
