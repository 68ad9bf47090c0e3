"""An experiment: its network, parameters with units, equations, and how it is integrated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tvbo_lite.errors import TvboLiteError
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.show.model import network_sections, problem
from tvbo_lite.show.page import Section, page, table
from tvbo_lite.transforms.summary import summary

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model
    from tvbo_lite.schema import Dynamics, Experiment, Parameter
    from tvbo_lite.schema.values import ParameterMap

__all__ = ["experiment_html"]

_WITH_UNIT = re.compile(r"([-+.\d]+(?:[eE][-+]?\d+)?) ?([A-Za-z]\w*)")


def experiment_html(experiment: Experiment, model: Callable[[], Model]) -> str:
    """An experiment as HTML; ``model`` gives its LEMS model, whose network is drawn.

    Where the model cannot be made, what is wrong stands in place of the picture.
    """
    sections: list[Section] = []
    try:
        sections += network_sections(summary(link(model())))
    except TvboLiteError as error:
        sections.append(problem(error))
    sections += _tables(experiment)
    name = experiment.label or str(experiment.id or "Experiment")
    return page(name, sections, text=(experiment.description or "").strip(), facts=list(_facts(experiment)))


def _facts(experiment: Experiment) -> Iterator[tuple[str, str]]:
    integration = experiment.integration
    if integration is not None:
        scale = integration.time_scale
        yield "method", integration.method
        yield "step", _with_unit(integration.step_size, scale)
        yield "duration", _with_unit(integration.duration, scale)
    for name in ("stimulation", "observations", "explorations"):
        given = getattr(experiment, name)
        if given:
            yield name, ", ".join(given)


def _with_unit(value: float | str, unit: str) -> str:
    return value if isinstance(value, str) else f"{value:g} {unit}"


def _dynamics(experiment: Experiment) -> Iterator[tuple[str, Dynamics]]:
    """All dynamics by name, those inside another by their path."""
    network = experiment.network
    if experiment.dynamics is not None:
        yield from _below(experiment.dynamics.name or "dynamics", experiment.dynamics)
    for name, one in (network.dynamics if network is not None else {}).items():
        yield from _below(name, one)


def _below(path: str, dynamics: Dynamics) -> Iterator[tuple[str, Dynamics]]:
    yield path, dynamics
    for name, one in dynamics.components.items():
        yield from _below(f"{path}/{name}", one)


def _tables(experiment: Experiment) -> Iterator[Section]:
    parameters = [
        (place, name, *_quantity(item), item.description or item.label or "")
        for place, given in _parameters(experiment)
        for name, item in given.items()
    ]
    if parameters:
        header: tuple[str, ...] = ("of", "parameter", "value", "unit", "")
        yield table("Parameters", header, list(_once(parameters)), words=2)
    equations = [row for path, one in _dynamics(experiment) for row in _equations(path, one)]
    if equations:
        header = ("of", "variable", "equation", "initial value", "unit")
        yield table("Equations", header, list(_once(equations)), words=3)


def _parameters(experiment: Experiment) -> Iterator[tuple[str, ParameterMap]]:
    """Whose they are, and the parameters: of dynamics, couplings, the network."""
    for path, one in _dynamics(experiment):
        yield f"{path} ({one.iri})" if one.iri else path, one.parameters
    network = experiment.network
    couplings = dict(network.coupling) if network is not None else {}
    if experiment.coupling is not None:
        couplings[experiment.coupling.name] = experiment.coupling
    for name, coupling in couplings.items():
        yield f"coupling {name}".strip(), coupling.parameters
    if network is not None:
        yield "network", network.parameters


def _once(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The first cell only where it changes."""
    last = None
    for first, *others in rows:
        yield (first if first != last else "", *others)
        last = first


def _quantity(item: Parameter) -> tuple[str, str]:
    """Value and unit, which an element of NeuroML may have in one text."""
    value = _value(item)
    found = _WITH_UNIT.fullmatch(value)
    return (found[1], found[2]) if found and item.unit is None else (value, item.unit or "")


def _value(item: Parameter) -> str:
    if item.value is not None:
        many = isinstance(item.value, list)
        return f"{len(item.value):,} values" if many else str(item.value)
    if item.equation is not None:
        return item.equation.rhs
    if item.distribution is not None:
        return f"{item.distribution.name or 'random'}"
    return item.text or ""


def _equations(path: str, dynamics: Dynamics) -> Iterator[tuple[str, ...]]:
    for name, state in dynamics.state_variables.items():
        rate = state.equation.rhs if state.equation else "0"
        yield path, f"d{name}/dt", f"= {rate}", str(state.initial_value), state.unit or ""
    for name, derived in dynamics.derived_variables.items():
        text = derived.equation.rhs if derived.equation else f"{len(derived.cases)} cases"
        yield path, name, f"= {text}", "", derived.unit or ""
    for name, event in dynamics.events.items():
        if event.condition is not None:
            affect = event.affect.rhs if event.affect else ""
            yield path, name, f"{affect} when {event.condition.rhs}", "", ""
