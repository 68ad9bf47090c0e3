"""Ion channels against the membrane potential: steady states, time constants and rates of their parts.

No kind of gate is known here. A channel is put, once for each potential, into a component that has the
potential as a parameter, and the built-in engine runs that for two steps. Whatever below it exposes ``inf``,
``tau``, ``rf`` or ``rr`` gives a curve.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tvbo_lite.analysis.system import Described
from tvbo_lite.errors import ModelError, Problem, SimulationError, TvboLiteError, UnitError, nearest
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.lems import model as m
from tvbo_lite.lems.beyond import Beyond
from tvbo_lite.lems.plan import OutputColumn, OutputFile, SimulationPlan
from tvbo_lite.numerals import whole
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.instantiate import instantiate
from tvbo_lite.transforms.resolve import ResolvedComponent, Resolver

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Requirements: TypeAlias = dict[str, m.Requirement]

__all__ = ["DEFAULTS", "Curve", "Kinetics", "kinetics"]

POTENTIALS = ("v", "V")  # with and without dimension
EXPOSURES = ("inf", "tau", "rf", "rr")  # steady state, time constant, rates of a transition
RANGE = ("-100 mV", "100 mV")
COUNT = 200  # so that few lie on round numbers, where rates like x / (1 - exp(-x)) lose their digits
# What a channel may require besides the potential: 6.3 degC is the temperature of Hodgkin and Huxley (1952,
# J. Physiol. 117:500), 50 nM a usual concentration of calcium in a resting cell.
DEFAULTS = {"temperature": "6.3 degC", "caConc": "50e-6 mM"}
STEP = 1e-9  # s
_ROOT = "potential_sweep"


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """``name`` (such as ``inf``) of one part of a channel for each potential; values in ``unit``, an SI unit.

    ``part`` is the path below the channel: ``m``, or ``n/fast``; empty for the channel itself.
    """

    part: str
    name: str
    unit: str
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Kinetics:
    """A channel at the potentials ``v``, shape ``(n,)``, in V (or without unit); each curve has that shape.

    ``conditions`` are the other values that the channel required, as texts with units.
    """

    channel: str
    type: str
    v: NDArray[np.float64]
    unit: str
    curves: tuple[Curve, ...]
    conditions: Mapping[str, str] = field(default_factory=dict)

    def curve(self, part: str, name: str) -> NDArray[np.float64]:
        """The values of one curve. Raises `KeyError` naming those that there are."""
        for item in self.curves:
            if (item.part, item.name) == (part, name):
                return item.values
        known = ", ".join(f"{item.part}/{item.name}" for item in self.curves)
        raise KeyError(f"{self.channel} has no '{part}/{name}'; there are {known or 'none'}")

    def plot(self, title: str = "") -> Figure:
        """Steady states, time constants and rates side by side."""
        from tvbo_lite.plotting.kinetics import plot_kinetics

        return plot_kinetics([self], title=title)


def kinetics(
    source: m.Model | Described,
    channels: Sequence[str] = (),
    *,
    voltages: tuple[str, str] = RANGE,
    count: int = COUNT,
    conditions: Mapping[str, str] | None = None,
) -> tuple[Kinetics, ...]:
    """How the channels of a model depend on the membrane potential.

    Args:
        source: a model, or an experiment.
        channels: ids; by default every component that requires a potential and has something to show.
        voltages: the lowest and the highest potential; plain numbers where it has no dimension.
        count: how many potentials there are between them, both included.
        conditions: what a channel requires besides the potential, such as ``{"caConc": "1e-3 mM"}``; else
            the temperature of the model's network, and `DEFAULTS`.

    Raises:
        ModelError: there is no such channel, a value that it requires is not known, or something is NaN or
            infinite at one of the potentials.
        UnitError: a quantity with a wrong unit.
    """
    model = source if isinstance(source, m.Model) else source.model()
    model = link(model) if model.includes else model
    resolver = Resolver(model)
    resolver.check_everything()
    given = {**DEFAULTS, **_of_networks(resolver), **(conditions or {})}
    clamps = [
        _Clamp(number, component, _outer(component))
        for number, component in enumerate(_chosen(resolver, channels))
    ]
    _check_conditions(resolver, clamps, given, conditions or {})
    return _run(resolver, clamps, given, voltages, count) if clamps else ()


# ---- which components, and what they require -------------------------------------------------------


def _chosen(resolver: Resolver, names: Sequence[str]) -> list[ResolvedComponent]:
    """The channels of those ids; without any, all that have a potential as their only open end."""
    tops = (resolver.top(one) for one in resolver.model.components)
    found = {one.id: one for one in tops if one.id and _is_channel(one)}
    for name in names:
        if name not in found:
            what = f"the model has no channel '{name}'"
            known = ", ".join(found) or None
            raise ModelError(Problem(what, resolver.model.location, known, nearest(name, found)))
    return [found[name] for name in names] if names else list(found.values())


def _is_channel(component: ResolvedComponent) -> bool:
    below = list(_below(component))
    if any(map(_needs_a_peer, below)) or not _potential(_outer(component)):
        return False
    return component.type.is_a("baseIonChannel") or any(
        name in one.type.exposures for one in below for name in EXPOSURES
    )


def _needs_a_peer(component: ResolvedComponent) -> bool:
    """Whether it works only with an instance at the other end, as a graded synapse does."""
    types = component.resolver.types
    return any(types.get(name).declared.instance_requirements for name in component.type.lineage)


def _below(component: ResolvedComponent) -> Iterator[ResolvedComponent]:
    yield component
    for child in component.children():
        yield from _below(child)


def _outer(component: ResolvedComponent, offered: frozenset[str] = frozenset()) -> Requirements:
    """What a component and all below it require of what is around it."""
    kind = component.type
    found = {name: one for name, one in kind.requirements.items() if name not in offered}
    mine = offered | set(kind.exposures) | set(component.parameters)
    for child in component.children():
        found |= {name: one for name, one in _outer(child, mine).items() if name not in found}
    return found


def _potential(required: Requirements) -> str | None:
    return next((name for name in POTENTIALS if name in required), None)


def _of_networks(resolver: Resolver) -> dict[str, str]:
    """The temperature that the first network which has one gives."""
    for component in resolver.model.components:
        one = resolver.top(component)
        if one.type.is_a("network") and "temperature" in one.parameters:
            return {"temperature": one.text("temperature") or f"{one.parameters['temperature']!r} K"}
    return {}


def _check_conditions(
    resolver: Resolver, clamps: Sequence[_Clamp], known: Mapping[str, str], given: Mapping[str, str]
) -> None:
    """Raises what is missing, unknown or in a wrong unit; all problems at once."""
    required = {name: (one, clamp) for clamp in clamps for name, one in clamp.required.items()}
    missing = [name for name in required if name not in known and name not in POTENTIALS]
    problems = [
        Problem(
            f"{required[name][1].component.describe()} requires '{name}' ({required[name][0].dimension})",
            required[name][1].component.component.location,
            "a value for it among the conditions",
        )
        for name in missing
    ]
    problems += [
        Problem(
            f"no channel requires '{name}'",
            expected=", ".join(one for one in required if one not in POTENTIALS) or None,
            hint=nearest(name, required),
        )
        for name in given
        if name not in required and clamps
    ]
    if problems:
        raise ModelError(problems)
    for name, (one, _) in required.items():
        if name in known and name not in POTENTIALS:
            _value(resolver, name, known[name], one.dimension)


def _value(resolver: Resolver, name: str, text: str, dimension: str) -> float:
    try:
        return resolver.units.value(text, dimension)
    except UnitError as error:
        raise UnitError(Problem(f"{name}: {error}")) from error


# ---- the run ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Clamp:
    """A component type whose components hold a channel at a potential, which is one of their parameters."""

    number: int
    component: ResolvedComponent
    required: Requirements

    @property
    def potential(self) -> str:
        return _potential(self.required) or POTENTIALS[0]

    @property
    def name(self) -> str:
        return f"{_ROOT}_{self.number}"

    def type(self) -> m.ComponentType:
        parameters = tuple(m.Parameter(name, one.dimension) for name, one in self.required.items())
        return m.ComponentType(
            self.name,
            _ROOT + "_base",
            parameters=parameters,
            references=(m.Reference("channel", self.component.type.name),),
            structure=(m.Builder("ChildInstance", {"component": "channel"}),),
        )

    def at(self, place: int, values: Mapping[str, str]) -> m.Component:
        attributes = {"channel": self.component.id or "", **values}
        return m.Component(self.name, f"{self.name}_{place}", attributes=attributes)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A clamp at all potentials ``v``; ``shown`` are the paths below the clamp of what is to be drawn."""

    clamp: _Clamp
    v: NDArray[np.float64]
    unit: str
    conditions: Mapping[str, str]
    shown: list[tuple[str, str]] = field(default_factory=list)

    def cells(self) -> Iterator[m.Component]:
        for place, value in enumerate(self.v.tolist()):
            text = f"{value!r} {self.unit}".strip()
            yield self.clamp.at(place, {**self.conditions, self.clamp.potential: text})

    def quantities(self, path: str, name: str) -> list[str]:
        """One exposure of one part at all potentials."""
        return [f"{self.clamp.name}_{place}/{path}/{name}" for place in range(len(self.v))]

    def labelled(self, last: Mapping[str, float], units: Mapping[str, str]) -> Kinetics:
        """With what each quantity was in the end, and its SI unit."""
        curves = []
        for path, name in self.shown:
            names = self.quantities(path, name)
            values = np.array([last[one] for one in names])
            curves.append(Curve(path.partition("/")[2], name, units.get(names[0], ""), values))
        one = self.clamp.component
        return Kinetics(one.id or "", one.type.name, self.v, self.unit, tuple(curves), self.conditions)


def _run(
    resolver: Resolver,
    clamps: Sequence[_Clamp],
    given: Mapping[str, str],
    voltages: tuple[str, str],
    count: int,
) -> tuple[Kinetics, ...]:
    from tvbo_lite.backends import native

    sweeps = []
    for clamp in clamps:
        conditions = {name: given[name] for name in clamp.required if name != clamp.potential}
        sweeps.append(_Sweep(clamp, *_potentials(resolver, clamp, voltages, count), conditions))
    model = _model(resolver.model, clamps, [cell for sweep in sweeps for cell in sweep.cells()])
    root = instantiate(Resolver(model).component(_ROOT, model.location))
    for sweep in sweeps:
        sweep.shown.extend(_exposed(root, f"{sweep.clamp.name}_0"))
    names = [one for sweep in sweeps for path in sweep.shown for one in sweep.quantities(*path)]
    columns = tuple(OutputColumn(name, name) for name in names)
    plan = SimulationPlan(_ROOT, _ROOT, 2 * STEP, STEP, files=(OutputFile(_ROOT, _ROOT, columns),))
    if not columns:
        return tuple(sweep.labelled({}, {}) for sweep in sweeps)
    try:
        recording = native.run_linked(model, plan=plan)
    except SimulationError as error:
        raise _at_potential(error, sweeps) from error
    last = dict(zip(recording.quantities, recording.values[-1].tolist(), strict=True))
    return tuple(sweep.labelled(last, recording.units) for sweep in sweeps)


def _at_potential(error: SimulationError, sweeps: Sequence[_Sweep]) -> TvboLiteError:
    """An error of the run in words of the channel: which part, at which potential."""
    cell, _, path = error.instance.partition("/")
    for sweep in sweeps:
        head, _, place = cell.rpartition("_")
        number = whole(place)
        if head == sweep.clamp.name and number is not None:
            v = f"{sweep.v[number]:g} {sweep.unit}".strip()
            component = sweep.clamp.component
            part = "/".join([component.id or "", *path.split("/")[1:], error.variable])
            what = f"{part} is {error.value} at {sweep.clamp.potential} = {v}"
            hint = "other potentials, or another number of them, may leave it out"
            return ModelError(Problem(what, component.component.location, None, hint))
    return error


def _model(model: m.Model, clamps: Sequence[_Clamp], cells: Sequence[m.Component]) -> m.Model:
    """The model with a component that holds all channels at all potentials, and without simulations."""
    base = m.ComponentType(_ROOT + "_base")
    root = m.ComponentType(_ROOT + "_type", children=(m.ChildSlot("cells", base.name, many=True),))
    types = (*model.component_types, base, root, *(clamp.type() for clamp in clamps))
    top = m.Component(root.name, _ROOT, children=tuple(cells))
    used = {clamp.component.id for clamp in clamps}
    components = (_addressable(one) if one.id in used else one for one in model.components)
    return replace(model, target=None, component_types=types, components=(*components, top), beyond=Beyond())


def _addressable(component: m.Component) -> m.Component:
    """The component with an id for each part below it that has none, so that paths lead there."""
    counts: Counter[str] = Counter()
    children = []
    for child in component.children:
        counts[child.tag] += 1
        named = child if child.id else replace(child, id=f"{child.tag}{counts[child.tag]}")
        children.append(_addressable(named))
    return replace(component, children=tuple(children))


def _exposed(root: Instance, cell: str) -> Iterator[tuple[str, str]]:
    """Path below the cell and name of everything there is to show, parents first."""

    def visit(instance: Instance) -> Iterator[tuple[str, str]]:
        for name in EXPOSURES:
            if name in instance.component.type.exposures:
                yield instance.path().removeprefix(f"{cell}/"), name
        for _, child in instance.children():
            yield from visit(child)

    for _, channel in root.descend(cell).children():
        yield from visit(channel)


def _potentials(
    resolver: Resolver, clamp: _Clamp, voltages: tuple[str, str], count: int
) -> tuple[NDArray[np.float64], str]:
    """The potentials and their SI unit; those without dimension are counted in mV."""
    dimension = clamp.required[clamp.potential].dimension
    low, high = (_value(resolver, "voltage", text, "voltage") for text in voltages)
    if not low < high or count < 2:
        what = f"there are no {count} potentials from {voltages[0]} to {voltages[1]}"
        raise ModelError(Problem(what, expected="the lower one first, and at least two"))
    if dimension == "voltage":
        return np.linspace(low, high, count), "V"
    return np.linspace(low, high, count) / 1e-3, ""
