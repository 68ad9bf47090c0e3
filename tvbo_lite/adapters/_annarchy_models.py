"""The neurons of ANNarchy's scripts: by equations, and those that ANNarchy has ready."""

from __future__ import annotations

from tvbo_lite.adapters._annarchy_neuron import read_neuron
from tvbo_lite.errors import Problem, UnsupportedError

__all__ = ["Izhikevich", "Neuron"]


class Neuron:
    """A spiking neuron: parameters, equations, when it spikes, what a spike resets; a line for each.

    Raises:
        ModelError: a line that cannot be read.
        UnsupportedError: a refractory time, another method than Euler's, random numbers other than normal.
    """

    def __init__(  # noqa: PLR0917  ANNarchy's order
        self,
        parameters: str = "",
        equations: str = "",
        spike: str = "",
        reset: str = "",
        refractory: float | None = None,
        name: str = "",
        description: str = "",
    ) -> None:
        if refractory:
            raise UnsupportedError(Problem("a refractory time is not supported", hint="leave it out"))
        self.name, self.description = name, description
        self.equations = read_neuron(parameters, equations, spike, reset)


class Izhikevich(Neuron):
    """Izhikevich's neuron (2003), as ANNarchy has it: pulses, normal noise, Euler's method."""

    def __init__(  # noqa: PLR0917
        self,
        a: float = 0.2,
        b: float = 0.2,
        c: float = -65.0,
        d: float = 2.0,
        v_thresh: float = 30.0,
        i_offset: float = 0.0,
        noise: float = 0.0,
        tau_refrac: float = 0.0,
        conductance: str = "g_exc - g_inh",
    ) -> None:
        given = {
            "a": a, "b": b, "c": c, "d": d, "v_thresh": v_thresh, "i_offset": i_offset, "noise": noise,
        }  # fmt: skip
        super().__init__(
            parameters="\n".join(f"{name} = {value!r}" for name, value in given.items()),
            equations=f"""
                I = {conductance} + noise * Normal(0.0, 1.0) + i_offset
                dv/dt = 0.04 * v^2 + 5.0 * v + 140.0 - u + I : init = {c!r}
                du/dt = a * (b*v - u) : init = {b * c!r}
            """,
            spike="v > v_thresh",
            reset="v = c; u += d",
            refractory=tau_refrac,
            name="Izhikevich",
            description="Quadratic integrate-and-fire neuron with adaptation.",
        )
