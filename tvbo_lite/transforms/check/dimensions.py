"""Rules about the dimensions of equations. Where a dimension cannot be worked out, nothing is said.

jLEMS refuses equations and conditions outside regimes whose dimensions differ, and prints a message
for derived variables; so the former are errors, the latter warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from tvbo_lite.errors import ExpressionError, Problem
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import ARITHMETIC, LOGICAL, Binary, Call, Expr, Name, Negate, Number
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.check.sites import Derived, Site, Variable, changes, declared_dynamics, variables_of
from tvbo_lite.transforms.check.subject import TIME, Dimensions, Exponents, Subject
from tvbo_lite.transforms.quantity import NONE
from tvbo_lite.transforms.types import ResolvedType

Naming: TypeAlias = Callable[["Exponents | None"], str]

_ROUNDED = 9  # decimals of an exponent that are compared
_ANY_ARGUMENT = ("abs", "ceil", "random", "H")  # of one dimension or another


class MismatchError(Exception):
    """Two sides that do not fit; the text says which."""


def equations(subject: Subject) -> Iterator[Problem]:
    """A rate has the dimension of its variable per time, an assignment that of its variable."""
    for kind in subject.types:
        known = _variables(subject, kind)
        for site in changes(kind):
            if not site.in_regime:
                yield from _wrong(subject, kind, site, known)


def regimes(subject: Subject) -> Iterator[Problem]:
    """The same inside regimes."""
    for kind in subject.types:
        known = _variables(subject, kind)
        for site in changes(kind):
            if site.in_regime:
                inside = {item.name: _declared(subject, item) for item in site.names}
                yield from _wrong(subject, kind, site, {**known, **inside})


def _wrong(subject: Subject, kind: ResolvedType, site: Site, known: Dimensions) -> Iterator[Problem]:
    head = f"component type '{kind.name}', {site.what}: "
    own = None if site.variable is None else known.get(site.variable)
    wanted = _product(own, TIME, -1) if own is not None and site.rate else own
    try:
        found = _of(site.text, known, subject)
    except MismatchError as error:
        yield Problem(f"{head}{error}", site.location)
        return
    if not site.condition and not same(found, wanted):
        expected = f"{_name(subject, own)} per time" if site.rate else _name(subject, wanted)
        what = f"{head}'{site.text}' has the dimension {_name(subject, found)}"
        yield Problem(what, site.location, expected)


def derived_variables(subject: Subject) -> Iterator[Problem]:
    """A derived variable has the dimension that it declares, and its expression one at all."""
    for kind in subject.types:
        known = _variables(subject, kind)
        dynamics = declared_dynamics(kind)
        for item in dynamics.derived:
            if item.value is not None:
                yield from _differs(subject, kind, item, item.value, known)
        for conditional in dynamics.conditional:
            for case in conditional.cases:
                yield from _differs(subject, kind, conditional, case.value, known)


def _differs(
    subject: Subject,
    kind: ResolvedType,
    item: Derived,
    text: str,
    known: Dimensions,
) -> Iterator[Problem]:
    head = f"component type '{kind.name}', derived variable '{item.name}': "
    wanted = subject.known(item.dimension)
    try:
        found = _of(text, known, subject)
    except MismatchError as error:
        yield Problem(f"{head}{error}", item.location)
        return
    if wanted is None:
        known[item.name] = found
    elif not same(found, wanted):
        what = f"{head}'{text}' has the dimension {_name(subject, found)}"
        yield Problem(what, item.location, f"{item.dimension}, as it is declared")


def exposures(subject: Subject) -> Iterator[Problem]:
    """A variable has the dimension of the exposure that it is exposed as."""
    for kind in subject.types:
        for item in variables_of(declared_dynamics(kind)):
            exposure = kind.exposures.get(item.exposure or "")
            mine = subject.known(item.dimension)
            if exposure is None or same(mine, subject.exponents(exposure.dimension)):
                continue
            what = f"component type '{kind.name}': '{item.name}' has the dimension {item.dimension}"
            yield Problem(what, item.location, f"{exposure.dimension}, that of exposure '{exposure.name}'")


def _variables(subject: Subject, kind: ResolvedType) -> Dimensions:
    """The dimensions of all names of a type's dynamics; None where one is neither given nor to be told."""
    known = subject.scope(kind)
    dynamics = declared_dynamics(kind)
    for item in variables_of(dynamics):
        known[item.name] = _declared(subject, item)
    for name, text in _computed(dynamics):
        if known[name] is None:
            try:
                known[name] = _of(text, known, subject)
            except MismatchError:
                continue  # told where the derived variables are looked at
    return known


def _computed(dynamics: m.Dynamics) -> Iterator[tuple[str, str]]:
    for item in dynamics.derived:
        if item.value is not None:
            yield item.name, item.value
    for conditional in dynamics.conditional:
        for case in conditional.cases[:1]:
            yield conditional.name, case.value


def _declared(subject: Subject, item: Variable) -> Exponents | None:
    if isinstance(item, m.StateVariable):
        return subject.exponents(item.dimension)
    return subject.known(item.dimension)


# ---- the dimension of an expression -------------------------------------------------------------


def of_expression(expr: Expr, known: Mapping[str, Exponents | None], name: Naming) -> Exponents | None:
    """The dimension of an expression; None where it cannot be told. Raises `MismatchError`."""
    match expr:
        case Number(value):
            return None if value == 0 else NONE
        case Name(text):
            return known.get(text)
        case Negate(operand):
            return of_expression(operand, known, name)
        case Binary(op, left, right):
            sides = of_expression(left, known, name), of_expression(right, known, name)
            return _power(*sides, right, name) if op == "^" else _binary(op, left, *sides, name)
        case Call(function, argument):
            return _call(function, of_expression(argument, known, name), name)
        case _:
            return None


def _of(text: str, known: Dimensions, subject: Subject) -> Exponents | None:
    try:
        expr = parse(text)
    except ExpressionError:
        return None  # a rule of its own tells
    return of_expression(expr, known, lambda exponents: _name(subject, exponents))


def _binary(
    op: str, first: Expr, left: Exponents | None, right: Exponents | None, name: Naming
) -> Exponents | None:
    if op in ("*", "/"):
        return None if left is None or right is None else _product(left, right, 1 if op == "*" else -1)
    if op in LOGICAL:
        return None
    if op == "-" and first == Number(0.0) and right == NONE:
        return None  # jLEMS takes 0 - x for 0, and 0 may have any dimension
    if not same(left, right):
        word = f"'{op}'" if op in ARITHMETIC else f"'.{op}.'"
        raise MismatchError(f"{word} joins {name(left)} and {name(right)}")
    return left or right


def _power(left: Exponents | None, right: Exponents | None, exponent: Expr, name: Naming) -> Exponents | None:
    if not same(right, NONE):
        raise MismatchError(f"an exponent has the dimension {name(right)}")
    if left is None or same(left, NONE):
        return left
    return tuple(part * exponent.value for part in left) if isinstance(exponent, Number) else None


def _call(function: str, argument: Exponents | None, name: Naming) -> Exponents | None:
    if function in _ANY_ARGUMENT:
        return NONE if function == "H" else argument
    if function == "sqrt":
        return None if argument is None else tuple(part / 2 for part in argument)
    if not same(argument, NONE):
        raise MismatchError(f"{function}() is given {name(argument)}; it takes a number without unit")
    return NONE


def _product(left: Exponents, right: Exponents, count: int) -> Exponents:
    return tuple(a + count * b for a, b in zip(left, right, strict=True))


def same(one: Exponents | None, other: Exponents | None) -> bool:
    """Whether two dimensions are equal; one that is not known is equal to all."""
    if one is None or other is None:
        return True
    return all(round(a - b, _ROUNDED) == 0 for a, b in zip(one, other, strict=True))


def _name(subject: Subject, exponents: Exponents | None) -> str:
    if exponents is None:
        return "unknown"
    for name, known in subject.resolver.units.dimensions.items():
        if same(exponents, known):
            return name
    letters = zip("mltiknj", exponents, strict=True)
    return " ".join(f"{letter}={power:g}" for letter, power in letters if power)
