"""Rules about names and expressions: they can be read, and use what is declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tvbo_lite.errors import ExpressionError, Problem, nearest
from tvbo_lite.expr import tree
from tvbo_lite.expr.lems import parse
from tvbo_lite.transforms.check.sites import Site, changes, declared_dynamics, derived, variables_of
from tvbo_lite.transforms.check.subject import Subject


def renamed(subject: Subject) -> Iterator[Problem]:
    """A name of the experiment that LEMS cannot hold has another one in the model."""
    for item in subject.model.renamed:
        what, reason, where = item.told()
        yield Problem(f"{what}: {reason}", where)


def readable_expressions(subject: Subject) -> Iterator[Problem]:
    """Every expression parses: a number where a number is wanted, a condition where one is tested."""
    for kind in subject.types:
        for site in (*derived(kind), *changes(kind)):
            head = f"component type '{kind.name}', {site.what}: "
            try:
                is_condition = tree.is_boolean(parse(site.text))
            except ExpressionError as error:
                for problem in error.problems:
                    yield replace(problem, message=head + problem.message, location=site.location)
                continue
            if is_condition != site.condition:
                found, wanted = ("a number", "a condition") if site.condition else ("a condition", "a number")
                yield Problem(f"{head}'{site.text}' is {found}", site.location, wanted)


def declared_names(subject: Subject) -> Iterator[Problem]:
    """Every name in an expression is a parameter, constant, requirement or variable of its type."""
    for kind in subject.types:
        known = set(subject.scope(kind))
        known |= {item.name for item in variables_of(declared_dynamics(kind))}
        for site in (*derived(kind), *changes(kind)):
            mine = known | {item.name for item in site.names}
            for name in dict.fromkeys(_names(site)):
                if name not in mine:
                    what = f"component type '{kind.name}', {site.what}: '{name}' is not declared"
                    yield Problem(what, site.location, None, nearest(name, mine))


def _names(site: Site) -> Iterator[str]:
    try:
        yield from tree.names(parse(site.text))
    except ExpressionError:
        return  # a rule of its own tells
