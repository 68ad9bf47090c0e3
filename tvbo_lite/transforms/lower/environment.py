"""What surrounds the cells: the temperature of the network, or tissue that changes its temperature.

Both are given among the parameters of a cell, as ``network_temperature`` and ``tissue_...``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.lems import model as lems
from tvbo_lite.transforms.lower.attributes import Given, attributes

if TYPE_CHECKING:
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["Environment"]

_NETWORK, _TISSUE = "network_temperature", "tissue_"
_WARM_NETWORK = "networkWithTemperature"

TISSUE = lems.ComponentType(
    "tissueOfChangingTemperature",
    description="Tissue around a network, whose temperature changes once.",
    parameters=(
        lems.Parameter("startTemperature", "temperature"),
        lems.Parameter("endTemperature", "temperature"),
        lems.Parameter("changeTime", "time"),
    ),
    children=(lems.ChildSlot("network", "network"),),
    exposures=(lems.Exposure("temperature", "temperature"),),
    dynamics=lems.Dynamics(
        state_variables=(lems.StateVariable("temperature", "temperature", "temperature"),),
        on_start=(lems.Action((lems.StateAssignment("temperature", "startTemperature"),)),),
        on_condition=(
            lems.OnCondition(
                "t .gt. changeTime", lems.Action((lems.StateAssignment("temperature", "endTemperature"),))
            ),
        ),
    ),
)


@dataclass(slots=True)
class Environment:
    """What the cells said so far about their surroundings: attributes by the type that has them."""

    found: dict[str, dict[str, str]] = field(default_factory=dict)

    def taken_from(self, context: Context, kind: ResolvedType, given: Given, path: Path, owner: str) -> Given:
        """The parameters of a cell that are not about its surroundings."""
        known = kind.attribute_names()
        network = {"temperature": given[_NETWORK]} if _NETWORK in given and _NETWORK not in known else {}
        tissue = {
            name.removeprefix(_TISSUE): item
            for name, item in given.items()
            if name.startswith(_TISSUE) and name not in known
        }
        if network:
            self._keep(context, _WARM_NETWORK, network, (*path, "parameters", _NETWORK), owner)
        if tissue:
            context.types.add(TISSUE)
            self._keep(context, TISSUE.name, tissue, path, owner)
        used = {*([_NETWORK] if network else []), *(_TISSUE + name for name in tissue)}
        return {name: item for name, item in given.items() if name not in used}

    def _keep(self, context: Context, kind: str, given: Given, path: Path, owner: str) -> None:
        texts = attributes(context, context.types.get(kind), given, path, owner)
        if self.found.setdefault(kind, texts) != texts:
            message = f"{owner}: another cell is in surroundings of another temperature"
            context.report(path, message, "the same for all cells of the network")

    def around(self, network: lems.Component) -> lems.Component:
        """The network in its surroundings: what the simulation is about."""
        if _WARM_NETWORK in self.found:
            network = replace(network, type=_WARM_NETWORK, attributes=self.found[_WARM_NETWORK])
        if TISSUE.name not in self.found:
            return network
        return lems.Component(TISSUE.name, "tissue", attributes=self.found[TISSUE.name], children=(network,))
