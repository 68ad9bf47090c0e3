"""How an experiment is integrated, and its noise: what `tvbo_lite.lems.beyond` holds beside a LEMS model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tvbo_lite.lems import beyond
from tvbo_lite.schema import Parameter
from tvbo_lite.schema.integration import seconds
from tvbo_lite.transforms.lower.refuse import refuse_rest

if TYPE_CHECKING:
    from tvbo_lite.schema import Experiment, Integrator, Noise
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.equations import Equations, Lowering

__all__ = ["SETTINGS", "beyond_lems", "is_noisy", "check_settings", "row_step"]

_PATH = ("integration",)
SETTINGS = {"sampling_step_size": "sampling", "max_step": "max_step"}
"""Settings of a method that are times, by their names among the integration's parameters."""

_NOISE = ("noise_type", "intensity", "parameters", "seed", "additive")
_KINDS = ("gaussian", "white")
SIGMA = "sigma"


def is_noisy(experiment: Experiment) -> bool:
    """Whether any variable with an equation has noise, so that LEMS's own step will not do."""
    integration, network = experiment.integration, experiment.network
    if integration is not None and integration.noise is not None:
        return True
    dynamics = [experiment.dynamics] if experiment.dynamics is not None else []
    dynamics += network.dynamics.values() if network is not None else ()
    states = [item for one in dynamics for item in one.state_variables.values()]
    return any(item.noise is not None and item.equation is not None for item in states)


def beyond_lems(context: Lowering, experiment: Experiment) -> beyond.Beyond:
    """The method with its settings, and the noise on the variables of all types by equations.

    A variable without an equation that has noise is drawn anew in each step, with standard deviation 1 where
    none is given. What is wrong is reported.
    """
    integration = experiment.integration
    common = integration.noise if integration is not None else None
    noise = [item for one in context.equations.values() for item in _of_type(context, one, common)]
    if common is not None and not noise:
        context.report((*_PATH, "noise"), "integration: there is no variable by an equation for the noise")
    solver = beyond.Solver() if integration is None else _solver(context, integration)
    return beyond.Beyond(solver, tuple(noise))


def _solver(context: Context, integration: Integrator) -> beyond.Solver:
    usual = beyond.Solver()
    times = {field: _setting(integration, name) for name, field in SETTINGS.items()}
    return beyond.Solver(
        integration.method,
        usual.rel_tol if integration.rel_tol is None else float(integration.rel_tol),
        usual.abs_tol if integration.abs_tol is None else float(integration.abs_tol),
        **times,
        location=context.locate((*_PATH, "method")),
    )


def row_step(integration: Integrator) -> float | None:
    """The time between rows of results (s); None where it is no time, which is told elsewhere."""
    step = seconds(integration.step_size, integration.time_scale)
    if "sampling_step_size" not in integration.parameters:
        return step
    return _setting(integration, "sampling_step_size")


def _setting(integration: Integrator, name: str) -> float | None:
    """A time among the parameters, in s; None where it is not given, or no time."""
    parameter = integration.parameters.get(name)
    if parameter is None:
        return None
    return seconds(parameter.value, parameter.unit or integration.time_scale)


def check_settings(context: Context, integration: Integrator) -> None:
    """Report a setting that is no time."""
    for name in SETTINGS:
        parameter = integration.parameters.get(name)
        if parameter is None:
            continue
        here = (*_PATH, "parameters", name)
        refuse_rest(parameter, ("value", "unit"), here, f"integration: {name}", context)
        unit = parameter.unit or integration.time_scale
        time = _setting(integration, name) if unit in ("s", "ms", "us") else None
        if time is None or not 0 < time < math.inf:
            context.report(here, f"integration: {name} is {parameter.value!r}", "a time above 0")


# ---- noise ------------------------------------------------------------------------------------------------


def _of_type(context: Context, equations: Equations, common: Noise | None) -> Iterator[beyond.Noise]:
    """The noise on the variables of one type: their own, else what the integration says of all."""
    for name, item in equations.dynamics.state_variables.items():
        path: Path = (*equations.path, "state_variables", name, "noise")
        noise, held = item.noise, item.equation is None
        if noise is None and not held:
            noise, path = common, (*_PATH, "noise")
        if noise is None:
            continue
        what = f"{equations.owner}: {name}"
        amplitude = _amplitude(context, noise, item.unit, path, what, held=held)
        if amplitude is not None:
            place = context.locate(path)
            yield beyond.Noise(equations.name, name, repr(amplitude), noise.seed, held, place)


def _amplitude(
    context: Context, noise: Noise, unit: str | None, path: Path, what: str, *, held: bool
) -> float | None:
    """The strength in SI units, per root of a second unless ``held``; None, and a problem, if wrong."""
    refuse_rest(noise, _NOISE, path, f"{what}: noise", context)
    if noise.noise_type not in _KINDS:
        kinds = " or ".join(_KINDS)
        context.unsupported((*path, "noise_type"), f"{what}: '{noise.noise_type}' noise", f"use {kinds}")
        return None
    if not noise.additive:
        message = f"{what}: noise that depends on the state is not supported yet"
        context.unsupported((*path, "additive"), message)
        return None
    for name in noise.parameters:
        if name != SIGMA:
            context.unsupported((*path, "parameters", name), f"{what}: noise: '{name}' is not supported yet")
    sigma = noise.parameters.get(SIGMA)
    if held and sigma is None and noise.intensity is None:
        sigma = Parameter(value=1)
    if (sigma is None) == (noise.intensity is None):
        found = "both an intensity and a sigma" if sigma is not None else "no strength"
        context.report(
            path, f"{what}: the noise has {found}", "'intensity: ...', or 'parameters: {sigma: ...}'"
        )
        return None
    strength = _number(context, sigma or noise.intensity, unit if sigma else None, path, what)
    if strength is None:
        return None
    if sigma is None:  # the variance per time
        strength = math.sqrt(strength)
    scale = context.units.value(f"1 {unit}", context.unit(unit, path, what)[0]) if unit else 1.0
    return strength * scale / (1.0 if held else math.sqrt(seconds(1, context.time_scale) or 1.0))


def _number(
    context: Context, parameter: Parameter | None, unit: str | None, path: Path, what: str
) -> float | None:
    """A strength as a number; its unit may be that of the variable."""
    value = parameter.value if parameter is not None else None
    if parameter is None or isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        context.report(path, f"{what}: the strength of the noise is {value!r}", "a number, 0 or more")
        return None
    if parameter.unit is not None and parameter.unit != unit:
        message = f"{what}: the strength of the noise is in {parameter.unit}"
        context.report(path, message, f"{unit or 'no unit'}, per square root of {context.time_scale}")
        return None
    return float(value)
