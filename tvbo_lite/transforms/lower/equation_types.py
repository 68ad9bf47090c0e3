"""Dynamics given by equations as a LEMS component type of their own."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError, nearest
from tvbo_lite.expr.plain import has_choice, without_choices
from tvbo_lite.expr.tree import Expr, Name, Select, names, substitute
from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.check.dimensions import same
from tvbo_lite.transforms.lower.context import Path
from tvbo_lite.transforms.lower.equations import INITIAL, Equations
from tvbo_lite.transforms.lower.events import IN, conditions, is_synapse
from tvbo_lite.transforms.lower.inputs import coupling_inputs, coupling_slots
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.scope import TIME, is_zero
from tvbo_lite.transforms.quantity import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tvbo_lite.schema.base import Described
    from tvbo_lite.schema.dynamics import DerivedVariable, StateVariable
    from tvbo_lite.transforms.lower.equations import WithUnit
    from tvbo_lite.transforms.lower.events import Events

__all__ = ["EquationType"]

WEIGHT = "weight"

_EQUATIONS = (
    "state_variables", "derived_variables", "derived_parameters", "functions", "events", "coupling_inputs",
)  # fmt: skip
_USED = ("iri", "parameters", "output", *_EQUATIONS)
_STATE = (
    "equation", "noise", "initial_value", "unit", "record", "variable_of_interest", "coupling_variable",
    "history",
)  # fmt: skip
_DERIVED = ("equation", "unit", "record", "conditional", "cases", "history")
_INPUT_TYPES = ("basePointCurrent", "basePointCurrentDL")


class EquationType(Equations):
    """Makes the type of its equations."""

    def component_type(self, name: str) -> lems.ComponentType:
        """The type ``name``; what is wrong with the equations is reported."""
        self.name = name
        refuse_rest(self.dynamics, _USED, self.path, self.owner, self.context)
        self._declare()
        self._check_output()
        self.scope.add_functions(self.dynamics.functions, (*self.path, "functions"))
        derived_parameters = self._derived_parameters()
        attachments = coupling_inputs(self)
        self._derived_variables()
        derivatives = self._derivatives()
        events = conditions(self, self.dynamics.events)
        states = self._states()
        dynamics = lems.Dynamics(
            state_variables=(*states, *events.states),
            derivatives=derivatives,
            derived=tuple(self.derived.plain),
            conditional=tuple(self.derived.conditional),
            on_start=self._on_start(events.states),
            on_condition=tuple(events.conditions),
            on_event=self._on_event(events),
        )
        ports = {**dict.fromkeys(events.ports, "out"), **{item.port: "in" for item in dynamics.on_event}}
        required = {k: v for k, v in self.scope.required.items() if k not in self.base.requirements}
        self._check_exposures()
        return lems.ComponentType(
            name,
            extends=self.base.name,
            description=self.dynamics.description,
            parameters=self._parameters(),
            derived_parameters=derived_parameters,
            properties=self._properties(),
            constants=tuple(self.scope.constants.values()),
            children=coupling_slots(self),
            attachments=attachments,
            requirements=tuple(lems.Requirement(name, dimension) for name, dimension in required.items()),
            exposures=self._exposures(),
            event_ports=tuple(
                lems.EventPort(port, way) for port, way in ports.items() if port not in self.base.event_ports
            ),
            dynamics=dynamics,
            location=self.context.locate(self.path),
        )

    def _on_event(self, events: Events) -> tuple[lems.OnEvent, ...]:
        """What happens when a spike arrives; an input is connected through a port all the same."""
        idle = (lems.OnEvent(IN, lems.Action()),) if self._is_input() else ()
        return tuple(events.arrivals) or idle

    def _properties(self) -> tuple[lems.Property, ...]:
        """A synapse has a weight, which its connection sets."""
        return (lems.Property(WEIGHT, "none", "1"),) if is_synapse(self.dynamics.events) else ()

    def _is_input(self) -> bool:
        """Whether this is a current input: it is connected through a port, which nothing is sent to."""
        return any(map(self.base.is_a, _INPUT_TYPES)) and IN not in self.base.event_ports

    # ---- names and dimensions --------------------------------------------------------------------

    def _declare(self) -> None:
        """Every name of the dynamics, once, with the dimension of its unit."""
        d, known = self.dynamics, self.scope.known
        known.update(
            {name: self.context.exponents(item.dimension) for name, item in self._inherited().items()}
        )
        groups: Mapping[str, Mapping[str, WithUnit]] = {
            "parameters": d.parameters,
            "derived_parameters": d.derived_parameters,
            "state_variables": d.state_variables,
            "derived_variables": d.derived_variables,
            "coupling_inputs": d.coupling_inputs,
        }
        own: dict[str, str] = {}
        for group, items in groups.items():
            for name, item in items.items():
                here = (*self.path, group, name)
                self.context.name(name, here, "a variable")
                if name in own:
                    message = f"{self.owner}: '{name}' is given twice, also in {own[name]}"
                    self.context.report(here, message, "a name of its own for each")
                if name == "t" and group != "derived_variables":
                    message = f"{self.owner}: 't' is the time and cannot be the name of anything else"
                    self.context.report(here, message, "another name")
                own[name] = group
                unit = item.unit
                powers = self.context.unit(unit, (*here, "unit"), f"{self.owner}: {name}")[1]
                loose = group in ("derived_variables", "derived_parameters") and unit is None
                known[name] = None if loose else powers
        for name in d.state_variables:
            known[name + INITIAL] = known[name]
        if is_synapse(d.events):
            known.setdefault(WEIGHT, NONE)

    def _inherited(self) -> dict[str, lems.Parameter | lems.Constant]:
        return {**self.base.constants, **self.base.parameters}

    def _check_output(self) -> None:
        """What others see are variables."""
        known = [*self.dynamics.state_variables, *self.dynamics.derived_variables]
        for index, name in enumerate(self.dynamics.output):
            message = f"{self.owner}: there is no variable '{name}'"
            self.context.among(name, known, (*self.path, "output", index), message)

    def _parameters(self) -> tuple[lems.Parameter, ...]:
        own = [
            lems.Parameter(name, self._dimension(name, ("parameters", name)), item.description)
            for name, item in self.dynamics.parameters.items()
            if item.equation is None and name not in self._inherited()
        ]
        initial = [
            lems.Parameter(name + INITIAL, self._dimension(name, ("state_variables", name)))
            for name, item in self.dynamics.state_variables.items()
            if not isinstance(item.initial_value, str)
        ]
        return (*own, *initial)

    def _dimension(self, name: str, place: Path) -> str:
        return self.context.dimension(
            self.scope.known.get(name), (*self.path, *place), f"{self.owner}: {name}"
        )

    def _states(self) -> tuple[lems.StateVariable, ...]:
        return tuple(
            lems.StateVariable(name, self._dimension(name, ("state_variables", name)), exposure=name)
            for name in self.dynamics.state_variables
        )

    def _exposures(self) -> tuple[lems.Exposure, ...]:
        groups: Mapping[str, Mapping[str, Described]] = {
            "state_variables": self.dynamics.state_variables,
            "derived_variables": self.dynamics.derived_variables,
        }
        return tuple(
            lems.Exposure(name, self._dimension(name, (group, name)), item.description)
            for group, items in groups.items()
            for name, item in items.items()
            if name not in self.base.exposures
        )

    def _check_exposures(self) -> None:
        """What the type that is extended shows has to be there, in its dimension."""
        shown = {*self.dynamics.state_variables, *self.dynamics.derived_variables}
        for name, exposure in self.base.exposures.items():
            wanted = self.context.exponents(exposure.dimension)
            if name not in shown:
                message = f"{self.owner}: a {self.base.name} has a variable '{name}'"
                hint = nearest(name, shown)
                self.context.report(self.path, message, f"{name}: {{equation: ...}}", hint)
            elif not same(self.scope.known.get(name), wanted):
                found = self._dimension(name, ("derived_variables", name))
                message = f"{self.owner}: '{name}' has the dimension {found}"
                self.context.report(
                    (*self.path, "derived_variables", name), message, exposure.dimension, kind=UnitError
                )

    # ---- equations ---------------------------------------------------------------------------------

    def _derived_parameters(self) -> tuple[lems.DerivedParameter, ...]:
        """Constants computed from others, each after those that it needs."""
        items: dict[str, tuple[str, Path]] = {
            **{
                n: (p.equation.rhs, ("parameters", n))
                for n, p in self.dynamics.parameters.items()
                if p.equation
            },
            **{
                n: (p.equation.rhs, ("derived_parameters", n))
                for n, p in self.dynamics.derived_parameters.items()
            },
        }
        initial = self._initial_values()
        items |= {name: (text, place) for name, (text, place, _) in initial.items()}
        variables = {
            *self.dynamics.state_variables,
            *self.dynamics.derived_variables,
            *self.dynamics.coupling_inputs,
        }
        trees: dict[str, Expr] = {}
        for name, (text, place) in items.items():
            path = (*self.path, *place, "equation")
            expr = self.scope.parse(text, path, name)
            if expr is None:
                continue
            if name in initial:
                expr = substitute(expr, initial[name][2])
            trees[name] = expr
            moving = sorted(variables.union({"t"}).intersection(names(expr)))
            if moving:
                message = f"{self.owner}: {name} is computed once and cannot use '{moving[0]}', which changes"
                self.context.report(path, message, "parameters only")
        found = []
        for name in self._ordered(trees, "derived_parameters"):
            path = (*self.path, *items[name][1])
            if has_choice(trees[name]) or self.hidden.keys() & set(names(trees[name])):
                self.hidden[name] = trees[name], path  # LEMS cannot choose here: a variable, always the same
                continue
            expr = self.scope.bound(trees[name])
            self.derived.settle(name, self.scope.dimension(expr, path, name), path)
            text = self.scope.text(expr)
            found.append(lems.DerivedParameter(name, text, self._dimension(name, items[name][1])))
        return tuple(found)

    def _initial_values(self) -> dict[str, tuple[str, Path, dict[str, Expr]]]:
        """Initial values that are expressions, in which variables stand for their initial values."""
        states = self.dynamics.state_variables
        first: dict[str, Expr] = {name: Name(name + INITIAL) for name in states}
        found: dict[str, tuple[str, Path, dict[str, Expr]]] = {}
        for name, item in states.items():
            self.scope.known.setdefault(name + INITIAL, self.scope.known.get(name))
            if isinstance(item.initial_value, str):
                place = ("state_variables", name, "initial_value")
                found[name + INITIAL] = (item.initial_value, place, first)
        return found

    def _derived_variables(self) -> None:
        for name, item in self.dynamics.derived_variables.items():
            expr = self._value(name, item)
            if expr is not None:
                self.trees[name] = expr
        hidden = {name: tree for name, (tree, _) in self.hidden.items()}
        trees = {**self.trees, **hidden}
        for name in self._ordered(trees, "derived_variables"):
            place = self.hidden[name][1] if name in hidden else (*self.path, "derived_variables", name)
            exposure = None if name in hidden else name
            self.derived.add(name, self.scope.bound(trees[name]), place, exposure=exposure)

    def _value(self, name: str, item: DerivedVariable) -> Expr | None:
        """The expression of a derived variable, its ``cases`` as a choice."""
        path = (*self.path, "derived_variables", name)
        refuse_rest(item, _DERIVED, path, f"{self.owner}: {name}", self.context)
        if bool(item.cases) == bool(item.equation):
            message = f"{self.owner}: {name} has " + ("both equation and cases" if item.cases else "no value")
            self.context.report(path, message, "'equation' or 'cases'")
            return None
        if item.equation:
            return self.scope.parse(item.equation.rhs, (*path, "equation"), name)
        cases: list[tuple[Expr | None, Expr]] = []
        for index, case in enumerate(item.cases):
            here = (*path, "cases", index)
            value = self.scope.parse(case.equation.rhs, here, name)
            test = self.scope.parse(case.condition.rhs, here, name) if case.condition else None
            if value is None or (case.condition and test is None):
                return None
            cases.append((test, value))
        return Select(tuple(cases))

    def _ordered(self, trees: Mapping[str, Expr], group: str) -> list[str]:
        """The names so that each comes after those that it needs."""
        sorter = TopologicalSorter(
            {name: sorted(trees.keys() & set(names(tree))) for name, tree in trees.items()}
        )
        try:
            return list(sorter.static_order())
        except CycleError as error:
            circle = " needs ".join(f"'{name}'" for name in error.args[1][::-1])
            self.context.report((*self.path, group), f"{self.owner}: variables in a circle: {circle}")
            return []

    def _derivatives(self) -> tuple[lems.TimeDerivative, ...]:
        found = []
        for name, item in self.dynamics.state_variables.items():
            path = (*self.path, "state_variables", name)
            refuse_rest(item, _STATE, path, f"{self.owner}: {name}", self.context)
            expr = self._rate(name, item, (*path, "equation"))
            if expr is not None:
                text = self.scope.text(expr)
                found.append(lems.TimeDerivative(name, text, self.context.locate(path)))
        return tuple(found)

    def _rate(self, name: str, item: StateVariable, path: Path) -> Expr | None:
        """The right-hand side per time: as it is, or a number per unit of ``time_scale``."""
        tree = self.scope.parse(item.equation.rhs, path, name) if item.equation else None
        if tree is None:
            return None
        expr = without_choices(self.scope.bound(tree), self.derived.choice)
        found, state = self.scope.dimension(expr, path, name), self.scope.known[name] or NONE
        wanted = tuple(a - b for a, b in zip(state, TIME, strict=True))
        if is_zero(expr) or (found is None and not self.scope.plain_time) or (found and same(found, wanted)):
            return expr
        if same(found, state):
            return self.scope.per_time_scale(expr)
        message = f"{self.owner}: the rate of {name} is {self.scope.shown(found)}"
        expected = f"{self.scope.shown(wanted)}, that of {name} per time"
        self.context.report(path, message, expected, kind=UnitError)
        return None

    def _on_start(self, helpers: Iterable[lems.StateVariable]) -> tuple[lems.Action, ...]:
        assignments = [
            *(lems.StateAssignment(name, name + INITIAL) for name in self.dynamics.state_variables),
            *(lems.StateAssignment(item.name, "0") for item in helpers),
        ]
        return (lems.Action(tuple(assignments)),) if assignments else ()
