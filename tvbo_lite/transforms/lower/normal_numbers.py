"""``randn`` in an equation: a number of the standard normal distribution, anew in each step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tvbo_lite.schema import Noise, StateVariable

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Equation, Experiment

__all__ = ["with_normal_numbers"]

RANDN = "randn"
_CALL = re.compile(rf"\b{RANDN}\b(\s*\(\s*\))?")


def with_normal_numbers(experiment: Experiment) -> Experiment:
    """The experiment with a variable for each ``randn`` in an equation: it has noise, but no equation.

    Each place where it stands is a number of its own, the same at all stages of a step. Where a dynamics
    declares the name itself it means what that says.
    """
    update: dict[str, Any] = {}
    noise = _noise(experiment)
    if experiment.dynamics is not None:
        update["dynamics"] = _numbered(experiment.dynamics, noise)
    network = experiment.network
    if network is not None:
        named = {name: _numbered(item, noise) for name, item in network.dynamics.items()}
        if any(named[name] is not item for name, item in network.dynamics.items()):
            update["network"] = network.model_copy(update={"dynamics": named})
    if not update or (len(update) == 1 and update.get("dynamics") is experiment.dynamics):
        return experiment
    return experiment.model_copy(update=update)


def _noise(experiment: Experiment) -> Noise:
    """A number's noise, with the seed of the experiment if it has one."""
    integration = experiment.integration
    seed = integration.parameters.get("seed") if integration is not None else None
    given = seed.value if seed is not None else None
    return Noise(seed=given) if isinstance(given, int) and not isinstance(given, bool) else Noise()


def _numbered(dynamics: Dynamics, noise: Noise) -> Dynamics:
    declared = {
        *dynamics.parameters, *dynamics.derived_parameters, *dynamics.state_variables,
        *dynamics.derived_variables, *dynamics.coupling_inputs, *dynamics.functions,
    }  # fmt: skip
    drawn: list[str] = []

    def name(_: re.Match[str]) -> str:
        number = len(drawn) + 1
        while f"{RANDN}_{number}" in declared:
            number += 1
        declared.add(f"{RANDN}_{number}")
        drawn.append(f"{RANDN}_{number}")
        return drawn[-1]

    def change(equation: Equation | None) -> Equation | None:
        if equation is None or not _CALL.search(equation.rhs):
            return equation
        return equation.model_copy(update={"rhs": _CALL.sub(name, equation.rhs)})

    if RANDN in declared:
        return dynamics
    states = {
        key: item.model_copy(update={"equation": change(item.equation)})
        for key, item in dynamics.state_variables.items()
    }
    derived = {
        key: item.model_copy(
            update={
                "equation": change(item.equation),
                "cases": [one.model_copy(update={"equation": change(one.equation)}) for one in item.cases],
            }
        )
        for key, item in dynamics.derived_variables.items()
    }
    if not drawn:
        return dynamics
    own = {key: StateVariable(name=key, initial_value=0, record=False, noise=noise) for key in drawn}
    update = {"state_variables": {**states, **own}, "derived_variables": derived}
    return dynamics.model_copy(update=update)
