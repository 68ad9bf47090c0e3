"""A system of several nodes as a network: a dynamics for each kind of node, an edge for each connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from tvbo_lite.expr.tree import Binary, Expr, Name, Negate, Number, names
from tvbo_lite.formats.pyrates.entries import Entries, entries
from tvbo_lite.formats.pyrates.model import Variable
from tvbo_lite.formats.pyrates.spelling import identifier, node_of, short_names
from tvbo_lite.formats.pyrates.system import OUT

if TYPE_CHECKING:
    from tvbo_lite.errors import Location
    from tvbo_lite.formats.pyrates.system import System
    from tvbo_lite.schema.paths import DocumentPath

__all__ = ["COUPLED", "Separated", "network_of", "separated"]

COUPLED = "coupled"
"""The kind of a variable that is the input of edges."""

EDGES = "_edges"  # ends the name of what edges bring where a variable has other terms too


@dataclass(frozen=True, slots=True)
class Link:
    """An edge: ``weight`` times ``source``, as it was ``delay`` ago, adds to ``target``."""

    source: str
    target: str
    weight: float
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Separated:
    """A system whose equations name variables of their own node only; the links bring the others."""

    system: System
    links: tuple[Link, ...]


def separated(system: System, wanted: set[str]) -> Separated:
    """Take what comes from other nodes out of the equations.

    Only sums of weighted variables come from other nodes or from the past, for only edges bring them. What is
    ``wanted`` as a variable stays one.
    """
    result = replace(system, variables=dict(system.variables), values=dict(system.values))
    links: list[Link] = []
    for target, expr in system.values.items():
        here = {name for name in names(expr) if node_of(name) == node_of(target) and name not in system.late}
        if here == set(names(expr)):
            continue
        terms = _terms(expr)
        inner = [(weight, name) for weight, name in terms if name in here]
        coupled = target + EDGES if inner or target in wanted else target
        result.variables[coupled] = Variable(COUPLED, 0.0, system.variables[target].location)
        if coupled == target:
            del result.values[target]
        else:
            result.values[target] = _sum([*inner, (1.0, coupled)])
        links += [_link(result, name, coupled, weight) for weight, name in terms if name not in here]
    return Separated(result, tuple(links))


def _link(system: System, name: str, target: str, weight: float) -> Link:
    late = system.late.get(name)
    if late is None:
        return Link(_shown(system, name), target, weight)
    return Link(_shown(system, late.signal), target, weight, late.delay)


def _terms(expr: Expr) -> list[tuple[float, str]]:
    """The weighted variables of a sum."""
    match expr:
        case Name(name):
            return [(1.0, name)]
        case Binary("*", Number(weight), operand):
            return [(weight * factor, name) for factor, name in _terms(operand)]
        case Negate(operand):
            return [(-factor, name) for factor, name in _terms(operand)]
        case Binary("+", left, right):
            return [*_terms(left), *_terms(right)]
        case Binary("-", left, right):
            return [*_terms(left), *((-factor, name) for factor, name in _terms(right))]
        case _:
            return []


def _sum(terms: list[tuple[float, str]]) -> Expr:
    found: Expr | None = None
    for weight, name in terms:
        term: Expr = Name(name) if weight == 1 else Binary("*", Number(weight), Name(name))
        found = term if found is None else Binary("+", found, term)
    return found or Number(0.0)


def _shown(system: System, name: str) -> str:
    """A variable that others can read: the name itself, or a copy of a constant or of an input."""
    if name in system.rates or name in system.values:
        return name
    own = name + OUT
    if own not in system.values:
        system.variables[own] = replace(system.variables[name], kind="variable")
        system.values[own] = Name(name)
    return own


def network_of(given: Separated, wanted: set[str], external: set[str]) -> Entries | None:
    """The network of a system; None where no order of its nodes is right.

    Nodes that say the same have one dynamics. A node that passes on at once what it receives stands before
    those it passes it to. ``external`` are parameters that will be driven: they tell a node from its likes.
    """
    system = given.system
    short, members = _members(system)
    kinds: list[tuple[Any, list[str]]] = []
    made: dict[str, dict[str, Any]] = {}
    lines: dict[DocumentPath, Location] = {}
    for path, variables in members.items():
        made[path], places = entries(system, variables, short, wanted)
        what = (made[path], {short[name] for name in variables if name in external})
        likes = next((nodes for known, nodes in kinds if known == what), None)
        if likes is None:
            kinds.append((what, [path]))
        else:
            likes.append(path)
        lines |= {("network", "dynamics", path, *place): where for place, where in places.items()}
    groups = _ordered(given, [nodes for _, nodes in kinds])
    if groups is None:
        return None
    called = _called(groups, system.templates)
    number = {path: index for index, path in enumerate(path for nodes in groups for path in nodes)}
    network = {
        "dynamics": {called[nodes[0]]: made[nodes[0]] for nodes in groups},
        "nodes": [{"id": index, "dynamics": called[path], "label": path} for path, index in number.items()],
        "edges": [_edge(link, number, short) for link in given.links],
    }
    quantities = {
        name: f"{called[path]}_pop[{index}]/{short[name]}"
        for nodes in groups
        for index, path in enumerate(nodes)
        for name in members[path]
    }
    places = {(*path[:2], called[str(path[2])], *path[3:]): where for path, where in reversed(lines.items())}
    nodes_of = {name: number[node_of(name)] for name in system.variables}
    return Entries({"network": network}, quantities, places, nodes_of)


def _edge(link: Link, number: dict[str, int], short: dict[str, str]) -> dict[str, Any]:
    return {
        "source": number[node_of(link.source)],
        "target": number[node_of(link.target)],
        "source_var": short[link.source],
        "target_var": short[link.target],
        "weight": link.weight,
        **({"delay": link.delay} if link.delay else {}),
    }


def _ordered(given: Separated, groups: list[list[str]]) -> list[list[str]] | None:
    """The groups of nodes, each after those that pass something on to it at once; None for a circle."""
    group = {path: index for index, nodes in enumerate(groups) for path in nodes}
    before: dict[int, set[int]] = {index: set() for index in range(len(groups))}
    for link in given.links:
        if not link.delay and _is_passed_on(given.system, link.source, set()):
            before[group[node_of(link.target)]].add(group[node_of(link.source)])
    sorter = TopologicalSorter(before)
    try:
        return [groups[index] for index in sorter.static_order()]
    except CycleError:
        return None


def _is_passed_on(system: System, name: str, seen: set[str]) -> bool:
    """Whether a variable depends at the same moment on what its node receives."""
    if name in seen:
        return False
    seen.add(name)
    if system.variables[name].kind == COUPLED:
        return True
    return name in system.values and any(
        _is_passed_on(system, one, seen) for one in names(system.values[name])
    )


def _members(system: System) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The short name of each variable in its node, and the variables of each node."""
    members: dict[str, list[str]] = {}
    for name in system.variables:
        members.setdefault(node_of(name), []).append(name)
    short = {full: own for variables in members.values() for full, own in short_names(variables).items()}
    return short, members


def _called(kinds: list[list[str]], templates: dict[str, str]) -> dict[str, str]:
    """The name of the dynamics of each node: its template's, or its first node's where these differ."""
    firsts = [templates.get(nodes[0], nodes[0]) for nodes in kinds]
    found: dict[str, str] = {}
    taken: set[str] = set()
    for first, nodes in zip(firsts, kinds, strict=True):
        name = identifier(first if firsts.count(first) == 1 else nodes[0])
        while name in taken:
            name += "_"
        taken.add(name)
        found |= dict.fromkeys(nodes, name)
    return found
