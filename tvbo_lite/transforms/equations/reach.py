"""What names and paths mean in a group's equations: its own variables, or places in another group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tvbo_lite.errors import ExpressionError, Location, Problem, nearest
from tvbo_lite.expr.lems import parse
from tvbo_lite.expr.tree import Expr, Name, Number, rebuild
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.equations.grow import Names, Plot, Site, Survey
from tvbo_lite.transforms.equations.system import CLOCK, Group, Outer, Parameter
from tvbo_lite.transforms.variables import Derived, Variables, analyse

if TYPE_CHECKING:
    from tvbo_lite.transforms.resolve import Resolver
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Reach", "dimension_of", "schemes_of"]


class Reach:
    """Finds what is behind a name, and gives it a name in its group."""

    def __init__(self, found: Survey, resolver: Resolver) -> None:
        self.found = found
        self.constants = resolver.constants()
        self.groups: dict[Plot, Group] = {}
        self._names: dict[Plot, Names] = {}
        self._named: dict[tuple[Site, str], str] = {}
        self._variables: dict[Site, Variables] = {}

    # ---- names ------------------------------------------------------------------------------------

    def variables(self, site: Site) -> Variables:
        """What the dynamics of a site's type says about each name."""
        if site not in self._variables:
            block = site.block
            given = tuple(sorted(block.values))
            kept = tuple(scheme.state_variable for scheme in schemes_of(site))
            consolidated = block.shape.consolidated
            self._variables[site] = analyse(block.kind, given, kept, consolidated=consolidated)
        return self._variables[site]

    def named(self, site: Site, name: str) -> str:
        """What a variable or parameter of a site is called in its group."""
        if name == CLOCK and not self._declares(site, name):
            return CLOCK
        key = (site, name)
        if key not in self._named:
            self._named[key] = self._names[site.plot].new(site.prefix + name)
        return self._named[key]

    def _declares(self, site: Site, name: str) -> bool:
        variables = self.variables(site)
        own = name in variables.stateful or name in variables.derived_names()
        return own or name in variables.requirements or name in site.block.component.parameters

    def _parameter(self, site: Site, name: str) -> Expr:
        called = self.named(site, name)
        group, kind = self.groups[site.plot], site.block.kind
        if called not in group.parameters:
            values = site.block.parameter(name)
            each = (values,) if isinstance(values, float) else tuple(values[site.rows].tolist())
            if len(set(each)) == 1:
                each = each[:1]
            declared = (
                kind.parameters.get(name) or kind.derived_parameters.get(name) or kind.constants.get(name)
            )
            dimension = declared.dimension if declared else "none"
            formula = kind.derived_parameters[name].value if name in kind.derived_parameters else None
            group.parameters[called] = Parameter(called, each, dimension, formula or "")
        return Name(called)

    def _constant(self, site: Site, name: str) -> Expr:
        group = self.groups[site.plot]
        key = (site.plot.top, f"constant {name}")
        if key not in self._named:
            self._named[key] = called = self._names[site.plot].new(name)
            known = {item.symbol: item.dimension for item in site.block.component.resolver.model.constants}
            dimension = known.get(name, "none")
            group.parameters[called] = Parameter(called, (self.constants[name],), dimension)
        return Name(self._named[key])

    def own(self, site: Site, name: str) -> Expr:
        """A variable of a site, seen from its own group."""
        called = self.named(site, name)
        variables, group = self.variables(site), self.groups[site.plot]
        if name in variables.stateful and called not in group.states:
            group.states[called] = dimension_of(site.block.kind, name)
            if name in site.block.values:
                group.values[called] = tuple(site.block.values[name][site.rows].tolist())
        return Name(called)

    def get(self, site: Site | None, name: str) -> tuple[Site, Expr] | None:
        """jLEMS's ``get``: an exposure, else a variable or parameter, else what the parent gets."""
        while site is not None:
            variables, parameters = self.variables(site), site.block.component.parameters
            if name in variables.exposed:
                variable = variables.exposed[name]
                if variable is None and name not in parameters:
                    return site, Number(0.0)
                if variable is not None:
                    return site, self._seen(site, variable)
            if name in parameters:
                return site, self._parameter(site, name)
            if variables.knows(name):
                return site, self.own(site, name)
            site = site.parent or site.plot.host
        return None

    def _seen(self, site: Site, variable: str) -> Expr:
        if variable not in self.variables(site).outside:
            return self.own(site, variable)
        self.own(site, variable)
        called = self.named(site, f"{variable}_shown")
        group = self.groups[site.plot]
        group.states.setdefault(called, dimension_of(site.block.kind, variable))
        return Name(called)

    def reach(self, plot: Plot, site: Site, expr: Expr) -> Expr:
        """An expression of ``site``'s group as code of ``plot``, which stands in it."""
        if not isinstance(expr, Name):
            return expr
        depth, at = 0, plot
        while at is not site.plot:
            assert at.host is not None  # noqa: S101  the site is around the plot
            depth, at = depth + 1, at.host.plot
        if not depth:
            return expr
        given = self.groups[site.plot].parameters.get(expr.name)
        if given is not None and given.single:
            return self._copied(plot, given)
        return Outer(expr.name, depth)

    def _copied(self, plot: Plot, given: Parameter) -> Expr:
        """A number of a group around, as a parameter of the own one."""
        key = (plot.top, f"outer {given.name}")
        if key not in self._named:
            self._named[key] = called = self._names[plot].new(given.name)
            self.groups[plot].parameters[called] = Parameter(called, given.values, given.dimension)
        return Name(self._named[key])

    # ---- expressions --------------------------------------------------------------------------------

    def bind(self, site: Site, text: str, location: Location) -> Expr:
        """A LEMS expression or condition in the names of the site's group."""
        try:
            return self._bind(site, parse(text))
        except ExpressionError as error:
            raise ExpressionError(
                [
                    p if p.location.file else Problem(p.message, location, p.expected, p.hint)
                    for p in error.problems
                ]
            ) from None

    def _bind(self, site: Site, expr: Expr) -> Expr:
        if isinstance(expr, Name):
            return self._name(site, expr.name)
        return rebuild(expr, lambda child: self._bind(site, child))

    def _name(self, site: Site, name: str) -> Expr:
        if name in self.constants:
            return self._constant(site, name)
        if name in site.block.component.parameters:
            return self._parameter(site, name)
        variables = self.variables(site)
        if variables.knows(name):
            return self.own(site, name)
        known = [*variables.stateful, *variables.derived_names(), *site.block.component.parameters]
        what = f"'{name}' is not declared in component type '{site.block.kind.name}'"
        raise ExpressionError(Problem(what, hint=nearest(name, known)))


def dimension_of(kind: ResolvedType, name: str) -> str:
    """The dimension that a type declares for a variable."""
    dynamics = kind.dynamics
    groups: tuple[Iterable[m.StateVariable | Derived | m.Property | m.Requirement | m.Exposure], ...] = (
        dynamics.state_variables,
        dynamics.derived,
        dynamics.conditional,
        *(regime.state_variables for regime in dynamics.regimes),
        *(regime.derived for regime in dynamics.regimes),
        kind.properties,
        kind.requirements.values(),
        kind.exposures.values(),
    )
    return next((item.dimension for group in groups for item in group if item.name == name), "none")


def schemes_of(site: Site) -> list[m.KineticScheme]:
    """The kinetic schemes of the parent that keep their occupancies in this site."""
    if site.parent is None:
        return []
    schemes = site.parent.block.kind.dynamics.kinetic_schemes
    return [scheme for scheme in schemes if site.block.listed and site.block.name == scheme.nodes]
