"""Neurons as ANNarchy's scripts write them, as dynamics of the YAML dialect."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tvbo_lite.errors import ModelError, Problem, UnsupportedError

__all__ = ["Equations", "read_neuron"]

ARRIVED = "arrived_"  # what comes in by spikes in this step, where the neuron integrates its conductance
NOW = "_now"

_PARAMETER = re.compile(r"\s*(\w+)\s*=\s*([^:]+?)\s*(?::\s*(.*))?$")
_RATE = re.compile(r"\s*(?:(?P<factor>.+?)\s*\*\s*)?d(?P<name>\w+)\s*/\s*dt\s*=(?P<value>.*)$")
_VALUE = re.compile(r"\s*(?P<name>\w+)\s*=(?P<value>[^=].*)$")
_CHANGE = re.compile(r"\s*(?P<name>\w+)\s*(?P<sign>[-+*/]?)=(?P<value>[^=].*)$")
_NORMAL = re.compile(r"\bNormal\s*\(([^(),]*),([^(),]*)\)")
_DRAWN = re.compile(r"\b(Uniform|Normal|LogNormal|Exponential|Gamma|DiscreteUniform)\s*\(")
_TARGET = re.compile(r"\bg_(\w+)")
_TIME = re.compile(r"\bt\b")
_METHODS = ("implicit", "exponential", "midpoint", "event-driven", "rk4")


@dataclass(slots=True)
class Equations:
    """A neuron in the dialect's words.

    ``parameters`` and ``initial``: values by name; ``shared`` are parameters that the whole population has in
    common. ``rates`` and ``values``: right-hand sides; ``noise`` are variables of the standard normal
    distribution; ``targets`` are those of projections.
    """

    parameters: dict[str, float] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    initial: dict[str, float] = field(default_factory=dict)
    rates: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    noise: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    spike: str = ""
    reset: str = ""

    def inputs(self) -> dict[str, str]:
        """The coupling input of each target."""
        return {
            target: (ARRIVED if f"g_{target}" in self.rates else "") + f"g_{target}"
            for target in self.targets
        }

    def dynamics(self, values: dict[str, Any], starts: dict[str, Any], seed: int) -> dict[str, Any]:
        """The dynamics with the parameters and the initial values of a population, as plain data.

        What is a list has a value for each cell.
        """
        parameters: dict[str, Any] = {name: _listed(value) for name, value in values.items()}
        parameters |= {f"{name}_start": _listed(value) for name, value in starts.items()}
        rates: dict[str, Any] = {
            name: {"equation": self._with_arrived(name, text), "initial_value": f"{name}_start"}
            for name, text in self.rates.items()
        }
        drawn = {name: {"initial_value": 0, "noise": {"seed": seed}, "record": False} for name in self.noise}
        derived: dict[str, Any] = {name: {"equation": self._now(text)} for name, text in self.values.items()}
        for target, source in self.inputs().items():
            if source.startswith(ARRIVED):
                derived[f"g_{target}{NOW}"] = {"equation": f"g_{target} + {source}"}
        found = {
            "parameters": parameters,
            "coupling_inputs": {name: {} for name in self.inputs().values()},
            "derived_variables": derived,
            "state_variables": {**rates, **drawn},
        }
        if self.spike:
            found["events"] = {"spike": {"condition": self.spike, "affect": self.reset}}
        return found

    def _with_arrived(self, name: str, text: str) -> str:
        """Spikes raise a conductance before it is integrated."""
        source = self.inputs().get(name.removeprefix("g_")) if name.startswith("g_") else None
        return f"{source}/dt + ({self._now(text)})" if source else self._now(text)

    def _now(self, text: str) -> str:
        """The conductances that the neuron integrates, with the spikes of this step."""
        for target, source in self.inputs().items():
            if source.startswith(ARRIVED):
                text = re.sub(rf"\bg_{target}\b", f"g_{target}{NOW}", text)
        return text


def read_neuron(parameters: str, equations: str, spike: str, reset: str) -> Equations:
    """What a neuron's texts say. Raises `ModelError` for a line that is none, `UnsupportedError` for one
    that the engine cannot do; all lines at once.
    """
    made, wrong, refused = Equations(), list[Problem](), list[Problem]()
    for line in _lines(parameters):
        _parameter(made, line, wrong)
    for line in _lines(equations):
        _equation(made, line, wrong, refused)
    made.spike = _text(made, " ".join(_lines(spike)), refused)
    changes = [_change(made, line, wrong, refused) for line in _lines(reset)]
    made.reset = "; ".join(change for change in changes if change)
    if wrong:
        raise ModelError(wrong)
    if refused:
        raise UnsupportedError(refused)
    for line in (*made.values.values(), *made.rates.values()):
        for target in _TARGET.findall(line):
            if target not in made.targets:
                made.targets.append(target)
    return made


def _lines(text: str) -> list[str]:
    """The lines without comments; a trailing backslash goes on in the next line."""
    joined = text.replace("\\\n", " ").replace(";", "\n")
    return [line for line in (one.partition("#")[0].strip() for one in joined.splitlines()) if line]


def _parameter(made: Equations, line: str, wrong: list[Problem]) -> None:
    match = _PARAMETER.match(line)
    try:
        name, value, flags = match.groups() if match else ("", "", "")
        made.parameters[name] = float(value)
    except ValueError:
        wrong.append(Problem(f"the parameter line '{line}' cannot be read", expected="name = number"))
        return
    if flags and {"population", "projection"} & set(re.split(r"[\s,]+", flags)):
        made.shared.add(name)


def _equation(made: Equations, line: str, wrong: list[Problem], refused: list[Problem]) -> None:
    text, _, flags = line.partition(":")
    if method := next((one for one in _METHODS if one in flags), None):
        hint = "leave it out: Euler's method"
        refused.append(Problem(f"'{line}': the method '{method}' is not supported", hint=hint))
    if match := _RATE.match(text):
        value = _text(made, match["value"].strip(), refused)
        made.rates[match["name"]] = f"({value}) / ({match['factor']})" if match["factor"] else value
        start = re.search(r"init\s*=\s*([^,\s]+)", flags)
        try:
            made.initial[match["name"]] = float(start[1]) if start else 0.0
        except ValueError:
            wrong.append(Problem(f"'{line}': the initial value is no number"))
    elif match := _VALUE.match(text):
        made.values[match["name"]] = _text(made, match["value"].strip(), refused)
    else:
        wrong.append(Problem(f"the equation '{line}' cannot be read", expected="dv/dt = ..., or x = ..."))


def _change(made: Equations, line: str, wrong: list[Problem], refused: list[Problem]) -> str:
    match = _CHANGE.match(line.partition(":")[0])
    if match is None:
        wrong.append(Problem(f"the reset '{line}' cannot be read", expected="v = c, or u += d"))
        return ""
    name, sign, value = match["name"], match["sign"], _text(made, match["value"].strip(), refused)
    return f"{name} = {name} {sign} ({value})" if sign else f"{name} = {value}"


def _text(made: Equations, text: str, refused: list[Problem]) -> str:
    """An expression of the dialect: random numbers are variables, the time is in ms."""

    def variable(match: re.Match[str]) -> str:
        made.noise.append(f"normal_{len(made.noise)}")
        return f"(({match[1].strip()}) + ({match[2].strip()}) * {made.noise[-1]})"

    text = _NORMAL.sub(variable, text)
    if match := _DRAWN.search(text):
        what = f"'{text}': random numbers of {match[1]} in an equation are not supported"
        refused.append(Problem(what, expected="Normal(mean, deviation) of two plain values"))
    return _TIME.sub("(1000*t - dt)", text)


def _listed(value: Any) -> Any:
    return {"value": value, "heterogeneous": True} if isinstance(value, list) else value
