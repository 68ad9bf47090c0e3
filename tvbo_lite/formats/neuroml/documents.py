"""Which component goes to which NeuroML document, and which document includes which.

The names are those of the ecosystem: a cell, channel or synapse has a file of its own
(``pyr.cell.nml``, ``na.channel.nml``, ``ampa.synapse.nml``), a network one with its inputs
(``net1.net.nml``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tvbo_lite.lems import model as m
from tvbo_lite.transforms.resolve import ResolvedComponent, Resolver

__all__ = ["NETWORK", "Document", "documents"]

NETWORK = ".net.nml"
# The first type that a component is of decides on the ending of its file.
_ENDINGS = (
    ("network", NETWORK),
    ("baseCell", ".cell.nml"),
    ("baseIonChannel", ".channel.nml"),
    ("baseSynapse", ".synapse.nml"),
)
_OTHER = ".nml"


@dataclass(slots=True)
class Document:
    """A NeuroML document: the file's name, its id, its components, the names of files it includes."""

    name: str
    id: str
    components: list[m.Component] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)


def documents(model: m.Model, formed: Mapping[str, m.Component], network: str = NETWORK) -> list[Document]:
    """The documents for the components of ``model`` whose NeuroML form is given, by id.

    A document stands after those that it includes, the last network at the end. ``network`` ends the names
    of those with networks.
    """
    resolver = Resolver(model)
    needs = {name: _needed(resolver.top(resolver.by_id[name]), formed) for name in formed}
    homes = _homes({name: _ending(resolver, name) for name in formed}, needs, network)
    found: dict[str, Document] = {}
    for name, component in formed.items():
        file = homes[name]
        document = found.setdefault(file, Document(file, file.partition(".")[0]))
        document.components.append(component)
        wanted = (homes[need] for need in needs[name])
        document.includes += [other for other in wanted if other not in (file, *document.includes)]
    return list(_in_order(found, network))


def _ending(resolver: Resolver, name: str) -> str:
    kind = resolver.top(resolver.by_id[name]).type
    return next((ending for base, ending in _ENDINGS if kind.is_a(base)), _OTHER)


def _needed(component: ResolvedComponent, known: Collection[str]) -> list[str]:
    """The ids of all components that one refers to, directly or from what is nested in it."""
    names = (other.id for other in component.references.values() if other.parent is None)
    found = dict.fromkeys(name for name in names if name and name in known and name != component.id)
    for child in component.children():
        found |= dict.fromkeys(_needed(child, known))
    return list(found)


def _homes(endings: Mapping[str, str], needs: Mapping[str, list[str]], network: str) -> dict[str, str]:
    """The file of each component; what one network alone uses, or nothing if there is one, stands with it."""
    users: dict[str, list[str]] = {name: [] for name in endings}
    for name, others in needs.items():
        for other in others:
            users[other].append(name)
    networks = [name for name, ending in endings.items() if ending == NETWORK]
    taken: set[str] = set()
    homes: dict[str, str] = {}
    guests: dict[str, str] = {}
    for name, ending in endings.items():
        hosts = users[name] or networks
        if ending == _OTHER and len(hosts) == 1 and hosts[0] in networks:
            guests[name] = hosts[0]
        else:
            homes[name] = _free(name, network if ending == NETWORK else ending, taken)
    return homes | {name: homes[host] for name, host in guests.items()}


def _free(name: str, ending: str, taken: set[str]) -> str:
    """A file name that differs from the others in more than the case of its letters."""
    stem = name
    while (stem + ending).lower() in taken:
        stem += "_"
    taken.add((stem + ending).lower())
    return stem + ending


def _in_order(found: dict[str, Document], network: str) -> Iterator[Document]:
    """Each document after those that it includes; networks as late as can be."""
    done: set[str] = set()

    def visit(document: Document) -> Iterator[Document]:
        if document.name not in done:
            done.add(document.name)
            for name in document.includes:
                yield from visit(found[name])
            yield document

    for document in sorted(found.values(), key=lambda document: document.name.endswith(network)):
        yield from visit(document)
