"""Component types as a document writes them, part for part: nothing is added, left out or rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tvbo_lite.lems import model as lems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tvbo_lite.errors import Location
    from tvbo_lite.schema.component_types import (
        ComponentTypeSpec,
        DerivedSpec,
        Handler,
        Measured,
        ReferenceSpec,
        RegimeSpec,
        StateSpec,
        StructurePart,
        TypeAction,
    )
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["component_type"]

_M = TypeVar("_M")

_KINETIC = (
    "nodes", "state_variable", "edges", "edge_source", "edge_target", "forward_rate", "reverse_rate",
    "dependency", "step",
)  # fmt: skip


def component_type(context: Context, name: str, spec: ComponentTypeSpec, path: Path) -> lems.ComponentType:
    """The type ``name``; what a reader of LEMS would refuse in it is reported."""
    make = _Maker(context, path)
    return lems.ComponentType(
        context.name(name, path, "a component type"),
        spec.extends,
        spec.description,
        parameters=make.measured("parameters", spec.parameters, lems.Parameter),
        index_parameters=make.measured("index_parameters", spec.index_parameters, lems.Parameter),
        derived_parameters=make.derived_parameters(spec),
        fixed=tuple(lems.Fixed(key, value, make.at("fixed", key)) for key, value in spec.fixed.items()),
        properties=tuple(
            lems.Property(key, item.dimension, item.default, make.at("properties", key))
            for key, item in spec.properties.items()
        ),
        constants=tuple(
            lems.Constant(key, item.value, item.dimension, item.symbol, make.at("constants", key))
            for key, item in spec.constants.items()
        ),
        texts=tuple(spec.texts),
        paths=tuple(spec.paths),
        links=make.references("links", spec.links),
        references=make.references("references", spec.references),
        component_requirements=make.references("component_requirements", spec.component_requirements),
        instance_requirements=make.references("instance_requirements", spec.instance_requirements),
        children=make.slots(spec),
        attachments=tuple(
            lems.Attachments(key, item.type, make.at("attachments", key))
            for key, item in spec.attachments.items()
        ),
        requirements=tuple(
            lems.Requirement(key, item.dimension, make.at("requirements", key))
            for key, item in spec.requirements.items()
        ),
        exposures=make.measured("exposures", spec.exposures, lems.Exposure),
        event_ports=make.ports(spec),
        dynamics=make.dynamics(spec),
        structure=make.builders("structure", spec.structure),
        simulation=make.builders("simulation", spec.simulation),
        location=make.at(),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the parts of the type at ``path``."""

    context: Context
    path: Path

    def at(self, *place: str | int) -> Location:
        return self.context.locate((*self.path, *place))

    def report(self, message: str, expected: str, *place: str | int) -> None:
        self.context.report((*self.path, *place), message, expected)

    def measured(
        self,
        group: str,
        items: Mapping[str, Measured],
        kind: Callable[[str, str, str | None, Location], _M],
    ) -> tuple[_M, ...]:
        return tuple(
            kind(name, item.dimension, item.description, self.at(group, name)) for name, item in items.items()
        )

    def derived_parameters(self, spec: ComponentTypeSpec) -> tuple[lems.DerivedParameter, ...]:
        found = []
        for name, item in spec.derived_parameters.items():
            if (item.equation is None) == (item.select is None):
                message = f"derived parameter '{name}' needs one value"
                self.report(message, "either 'equation' or 'select'", "derived_parameters", name)
            where = self.at("derived_parameters", name)
            found.append(lems.DerivedParameter(name, item.equation, item.dimension, item.select, where))
        return tuple(found)

    def references(self, group: str, items: Mapping[str, ReferenceSpec]) -> tuple[lems.Reference, ...]:
        return tuple(
            lems.Reference(name, item.type, item.local, self.at(group, name)) for name, item in items.items()
        )

    def slots(self, spec: ComponentTypeSpec) -> tuple[lems.ChildSlot, ...]:
        groups = (("child", spec.child, False), ("children", spec.children, True))
        return tuple(
            lems.ChildSlot(name, item.type, many, self.at(group, name))
            for group, items, many in groups
            for name, item in items.items()
        )

    def ports(self, spec: ComponentTypeSpec) -> tuple[lems.EventPort, ...]:
        for name, direction in spec.event_ports.items():
            if direction not in ("in", "out"):
                self.report(f"event port '{name}' is '{direction}'", "in or out", "event_ports", name)
        return tuple(
            lems.EventPort(name, direction, self.at("event_ports", name))
            for name, direction in spec.event_ports.items()
        )

    # ---- dynamics ----------------------------------------------------------------------------------

    def dynamics(self, spec: ComponentTypeSpec) -> lems.Dynamics | None:
        """The dynamics; None where nothing is said, so that the type behaves as the one it extends."""
        derived = self.derived(spec.derived_variables, ())
        found = lems.Dynamics(
            spec.simultaneous,
            self.states(spec.state_variables, ()),
            self.derivatives(spec, ()),
            derived,
            self.conditional(spec.derived_variables),
            tuple(self.action(item, "on_start", i) for i, item in enumerate(spec.on_start)),
            self.on_condition(spec.on_conditions, ()),
            self.on_event(spec.on_events, ()),
            tuple(self.regime(name, item) for name, item in spec.regimes.items()),
            tuple(
                lems.KineticScheme(
                    name,
                    **{key: getattr(item, key) for key in _KINETIC},
                    location=self.at("kinetic_schemes", name),
                )
                for name, item in spec.kinetic_schemes.items()
            ),
            self.at(),
        )
        if found == lems.Dynamics():
            return found if spec.without_dynamics else None
        if spec.without_dynamics:
            self.report("'without_dynamics' beside dynamics", "one of the two", "without_dynamics")
        return found

    def states(self, items: Mapping[str, StateSpec], inside: Path) -> tuple[lems.StateVariable, ...]:
        return tuple(
            lems.StateVariable(name, item.dimension, item.exposure, self.at(*inside, "state_variables", name))
            for name, item in items.items()
        )

    def derivatives(
        self, spec: ComponentTypeSpec | RegimeSpec, inside: Path
    ) -> tuple[lems.TimeDerivative, ...]:
        """Those beside the variables, then those of ``derivatives``."""
        found = []
        for name, item in spec.state_variables.items():
            if item.equation is None:
                continue
            if name in spec.derivatives:
                message = f"the derivative of '{name}' is given twice"
                self.report(message, "'equation' or 'derivatives'", *inside, "derivatives", name)
            place = (*inside, "state_variables", name, "equation")
            found.append(lems.TimeDerivative(name, item.equation, self.at(*place)))
        for name, text in spec.derivatives.items():
            found.append(lems.TimeDerivative(name, text, self.at(*inside, "derivatives", name)))
        return tuple(found)

    def derived(self, items: Mapping[str, DerivedSpec], inside: Path) -> tuple[lems.DerivedVariable, ...]:
        """Those without cases."""
        found = []
        for name, item in items.items():
            place = (*inside, "derived_variables", name)
            given = (item.equation, item.cases, item.select)
            if sum(value is not None for value in given) != 1:
                message = f"derived variable '{name}' needs one value"
                self.report(message, "one of 'equation', 'cases' and 'select'", *place)
            if item.cases is None:
                about = (item.equation, item.select, item.reduce, item.required)
                found.append(
                    lems.DerivedVariable(name, item.dimension, item.exposure, *about, self.at(*place))
                )
        return tuple(found)

    def conditional(self, items: Mapping[str, DerivedSpec]) -> tuple[lems.ConditionalDerivedVariable, ...]:
        """Those with cases."""
        return tuple(
            lems.ConditionalDerivedVariable(
                name,
                item.dimension,
                item.exposure,
                tuple(
                    lems.Case(case.equation, case.condition, self.at("derived_variables", name, "cases", i))
                    for i, case in enumerate(item.cases)
                ),
                self.at("derived_variables", name),
            )
            for name, item in items.items()
            if item.cases is not None
        )

    def action(self, item: TypeAction, *place: str | int) -> lems.Action:
        where = self.at(*place)
        assignments = tuple(lems.StateAssignment(name, text, where) for name, text in item.assign)
        return lems.Action(assignments, tuple(item.events), item.transition, where)

    def on_condition(self, items: Iterable[Handler], inside: Path) -> tuple[lems.OnCondition, ...]:
        found = []
        for index, item in enumerate(items):
            place = (*inside, "on_conditions", index)
            self.need(item.test, item.port, "test", *place)
            found.append(lems.OnCondition(item.test or "", self.action(item, *place), self.at(*place)))
        return tuple(found)

    def on_event(self, items: Iterable[Handler], inside: Path) -> tuple[lems.OnEvent, ...]:
        found = []
        for index, item in enumerate(items):
            place = (*inside, "on_events", index)
            self.need(item.port, item.test, "port", *place)
            found.append(lems.OnEvent(item.port or "", self.action(item, *place), self.at(*place)))
        return tuple(found)

    def need(self, wanted: str | None, other: str | None, key: str, *place: str | int) -> None:
        """Whether something says when an action happens, and nothing else does."""
        if wanted is None or other is not None:
            self.report("nothing, or two things, say when this happens", f"'{key}'", *place)

    def regime(self, name: str, spec: RegimeSpec) -> lems.Regime:
        inside = ("regimes", name)
        for variable, item in spec.derived_variables.items():
            if item.cases is not None:
                place = (*inside, "derived_variables", variable)
                self.report("cases inside a regime", "'equation' or 'select'", *place)
        entries = (self.action(item, *inside, "on_entry", i) for i, item in enumerate(spec.on_entry))
        return lems.Regime(
            name,
            spec.initial,
            self.derivatives(spec, inside),
            self.derived(spec.derived_variables, inside),
            tuple(entries),
            self.on_condition(spec.on_conditions, inside),
            self.on_event(spec.on_events, inside),
            self.states(spec.state_variables, inside),
            self.at(*inside),
        )

    def builders(self, group: str, items: Iterable[StructurePart]) -> tuple[lems.Builder, ...]:
        return tuple(self._builder(item, group, index) for index, item in enumerate(items))

    def _builder(self, item: StructurePart, *place: str | int) -> lems.Builder:
        parts = (self._builder(part, *place, "parts", index) for index, part in enumerate(item.parts))
        return lems.Builder(item.kind, item.attributes, tuple(parts), self.at(*place))
