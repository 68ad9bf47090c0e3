"""Derived variables of a component type that is being made: plain ones, and those that choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.expr.tree import Expr, Select, names
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check.dimensions import same
from tvbo_lite.transforms.quantity import NONE

if TYPE_CHECKING:
    from tvbo_lite.transforms.lower.context import Path
    from tvbo_lite.transforms.lower.scope import Exponents, Scope

__all__ = ["Derived"]


@dataclass(slots=True)
class Derived:
    """The derived variables of one type, in the order of their computation.

    ``late`` are those that jLEMS computes after all unconditional ones; ``choices`` gives the variable
    that holds the value of a choice inside an expression.
    """

    scope: Scope
    path: Path
    plain: list[lems.DerivedVariable] = field(default_factory=list)
    conditional: list[lems.ConditionalDerivedVariable] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    choices: dict[Select, str] = field(default_factory=dict)

    def add(self, name: str, expr: Expr, path: Path, exposure: str | None) -> None:
        """A variable with the value of an expression whose names are bound; its choices are named."""
        self._place(name, self.scope.choices_out(expr, self.choice), path, exposure)

    def choice(self, select: Select) -> str:
        """The name of a conditional variable for a choice; equal choices are one variable."""
        if select not in self.choices:
            name = self.scope.fresh(f"choice_{len(self.choices) + 1}")
            self.choices[select] = name
            self.scope.known[name] = None
            self._place(name, select, self.path, exposure=None)
        return self.choices[select]

    def _place(self, name: str, expr: Expr, path: Path, exposure: str | None) -> None:
        """Add a derived variable; one that needs a conditional one is computed after it, as a case."""
        context, scope = self.scope.context, self.scope
        cases = expr.cases if isinstance(expr, Select) else ((None, expr),)
        found: Exponents | None = None
        for test, value in cases:
            powers = scope.dimension(value, path, name)
            if test is not None:
                scope.dimension(test, path, name)
            if not same(found, powers):
                shown = f"{scope.shown(found)} and {scope.shown(powers)}"
                context.report(path, f"{scope.owner}: the cases of {name} are {shown}", kind=UnitError)
            found = found or powers
        self.settle(name, found, path)
        dimension = context.dimension(scope.known[name], path, name)
        where = context.locate(path)
        if not isinstance(expr, Select) and not self.late.intersection(names(expr)):
            self.plain.append(
                lems.DerivedVariable(name, dimension, exposure, scope.text(expr), location=where)
            )
            return
        self.late.add(name)
        written = tuple(
            lems.Case(scope.text(value), None if test is None else scope.text(test)) for test, value in cases
        )
        variable = lems.ConditionalDerivedVariable(name, dimension, exposure, written, location=where)
        self.conditional.append(variable)

    def settle(self, name: str, found: Exponents | None, path: Path) -> None:
        """Keep the dimension that was found, or compare it with that of the unit."""
        scope = self.scope
        declared = scope.known.get(name)
        if declared is None:
            scope.known[name] = NONE if found is None else found
        elif not same(declared, found):
            message = f"{scope.owner}: {name} is {scope.shown(found)}"
            scope.context.report(path, message, scope.shown(declared), kind=UnitError)
