"""One model for many parameter sets: a single node becomes a population, with an instance for each set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.lems.rows import Children, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tvbo_lite.lems.rows import Column

__all__ = ["Single", "draws", "lone", "single", "with_columns"]

MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Single:
    """The one instance of a model: its population, its component, and the variables that a run keeps."""

    population: str
    component: lems.Component
    variables: tuple[str, ...]


def lone(model: lems.Model) -> Single | None:
    """The instance of a model that has no other: one population of one component without parts.

    None where anything else acts. What is recorded does not count: ``variables`` is empty.
    """
    networks = [item for item in model.components if item.tag == "network"]
    if len(networks) != 1 or len(networks[0].children) != 1:
        return None
    population = networks[0].children[0]
    named = {item.id: item for item in model.components}
    component = named.get(population.attributes.get("component", ""))
    if population.tag != "population" or population.type or population.attributes.get("size") != "1":
        return None
    if component is None or component.children or component.extends or population.id is None:
        return None
    return Single(population.id, component, ())


def single(model: lems.Model) -> Single | None:
    """The same with the variables that a run keeps; None where anything else is recorded too.

    Such a model is run once for each parameter set.
    """
    found = lone(model)
    variables = _recorded(model, f"{found.population}[0]/") if found is not None else ()
    return replace(found, variables=variables) if found is not None and variables else None


def _recorded(model: lems.Model, start: str) -> tuple[str, ...]:
    """The recorded variables of the instance; none where something else is recorded too."""
    below = [child for item in model.components if item.id == model.target for child in item.children]
    if any(child.tag != "OutputFile" for child in below):
        return ()
    quantities = [column.attributes.get("quantity", "") for file in below for column in file.children]
    found = tuple(name.removeprefix(start) for name in quantities if name.startswith(start))
    return found if len(found) == len(quantities) and len(set(found)) == len(found) else ()


def draws(model: lems.Model) -> bool:
    """Whether equations of the model call LEMS's ``random``: one stream for all instances."""
    return "random(" in repr(model.component_types)


def with_columns(
    model: lems.Model, alone: Single, columns: Mapping[str, Column], recorded: int | None = None
) -> lems.Model:
    """The model with an instance for each row of ``columns``, the attributes that differ.

    ``alone`` is what `single` finds in the model. The instances do not act on one another; the variables of
    each, or of the first ``recorded``, are recorded, instance by instance.
    """
    count = len(next(iter(columns.values())).values)
    component = alone.component
    kind = component.type or component.tag
    own = lems.ComponentType(
        f"{kind}Sets", "basePopulation", children=(lems.ChildSlot(MEMBERS, kind, many=True),)
    )
    same = {name: text for name, text in component.attributes.items() if name not in columns}
    rows = Rows(kind, count, columns, same, location=component.location)
    population = lems.Component(own.name, alone.population, children=Children(rows))
    return replace(
        model,
        component_types=(*model.component_types, own),
        components=tuple(_placed(model, alone, population, recorded or count)),
    )


def _placed(
    model: lems.Model, alone: Single, population: lems.Component, count: int
) -> Iterator[lems.Component]:
    for item in model.components:
        if item.tag == "network":
            yield replace(item, children=(population,))
        elif item.id == model.target:
            columns = tuple(
                lems.Component(
                    "OutputColumn", f"{name}_{row}", attributes={"quantity": f"{population.id}[{row}]/{name}"}
                )
                for row in range(count)
                for name in alone.variables
            )
            yield replace(item, children=(replace(item.children[0], children=columns),))
        elif item is not alone.component:
            yield item
