"""A component type by equations that is being made: its names, their dimensions, what is derived so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tvbo_lite.expr.tree import Expr
from tvbo_lite.schema import Parameter
from tvbo_lite.transforms.lower.context import Context, Path
from tvbo_lite.transforms.lower.derived import Derived
from tvbo_lite.transforms.lower.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tvbo_lite.schema import Dynamics
    from tvbo_lite.transforms.lower.attributes import Given
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["INITIAL", "Equations", "Lowering", "WithUnit", "has_equations", "initial_name", "initial_values"]

INITIAL = "_initial"  # ends the name of the parameter that holds the initial value of a state variable
_IMPLIED = {"TIME_SCALE": ("time", "1 ms"), "VOLT_SCALE": ("voltage", "1 mV")}


def has_equations(dynamics: Dynamics) -> bool:
    """Whether the dynamics says how something changes, beyond values for a type's parameters."""
    return bool(dynamics.state_variables or dynamics.derived_variables or dynamics.derived_parameters)


def initial_name(variable: str) -> str:
    """The parameter that holds the initial value of a state variable."""
    return variable + INITIAL


def initial_values(dynamics: Dynamics, path: Path) -> Given:
    """The initial values of the state variables as parameters, with their places."""
    return {
        name + INITIAL: (
            Parameter(value=item.initial_value, unit=item.unit),
            (*path, "state_variables", name, "initial_value"),
        )
        for name, item in dynamics.state_variables.items()
        if not isinstance(item.initial_value, str)
    }


class WithUnit(Protocol):
    """What may have a unit."""

    @property
    def unit(self) -> str | None: ...


class Equations:
    """One component type. ``around`` are the types of the components that it will stand in."""

    def __init__(
        self,
        context: Context,
        dynamics: Dynamics,
        path: Path,
        *,
        base: ResolvedType,
        around: Iterable[ResolvedType] = (),
    ) -> None:
        self.context, self.dynamics, self.path, self.base = context, dynamics, path, base
        self.owner = dynamics.name or str(path[-1])
        self.name = self.owner  # of the type
        self.outer = _visible(base, around)
        self.scope = Scope(context, self.owner, {}, outer=self.outer)
        self.derived = Derived(self.scope, path)
        self.trees: dict[str, Expr] = {}  # the derived variables
        self.hidden: dict[str, tuple[Expr, Path]] = {}  # variables that nobody outside sees
        self.scope.plain_time = not self.outer and not any(item.unit for item in self._with_units())
        if self.outer:
            self.scope.implied = {k: v for k, v in _IMPLIED.items() if k not in base.constants}

    def _with_units(self) -> Iterable[WithUnit]:
        d = self.dynamics
        groups = (
            d.parameters,
            d.derived_parameters,
            d.state_variables,
            d.derived_variables,
            d.coupling_inputs,
        )
        return [item for group in groups for item in group.values()]

    def dimension_of(self, name: str) -> str:
        """The name of the dimension of a variable or parameter."""
        return self.context.dimension(self.scope.known.get(name), self.path, f"{self.owner}: {name}")


def _visible(base: ResolvedType, around: Iterable[ResolvedType]) -> dict[str, str]:
    """What a component sees of those around it, by name with its dimension: the nearest counts."""
    found = {name: item.dimension for name, item in base.requirements.items()}
    for kind in around:
        for group in (kind.exposures, kind.requirements):
            for name, item in group.items():
                found.setdefault(name, item.dimension)
    return found


@dataclass(slots=True)
class Lowering(Context):
    """What lowering needs, and the types by equations that it has made so far, by place."""

    equations: dict[Path, Equations] = field(default_factory=dict)
