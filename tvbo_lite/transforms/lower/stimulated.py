"""A dynamics that receives stimuli: its equations with what comes from outside in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tvbo_lite.errors import nearest
from tvbo_lite.schema import Case, DerivedVariable, Equation, Parameter
from tvbo_lite.schema.integration import seconds
from tvbo_lite.transforms.lower.couplings import has_delays
from tvbo_lite.transforms.lower.course import Course
from tvbo_lite.transforms.lower.noise import is_noisy
from tvbo_lite.transforms.lower.samples import course
from tvbo_lite.transforms.lower.scope import CLOCK

if TYPE_CHECKING:
    from tvbo_lite.schema import Dynamics, Experiment, Stimulus
    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["Clock", "Given", "Stimulated", "target_of", "targets"]

REST = "_rest"  # ends the name of what a stimulus adds to
EARLY = 1e-6  # of a step
TOTAL = "_total"  # ends the name of a coupling input with its stimuli

_Case: TypeAlias = tuple[str, Equation | None]  # a value, and when it holds


@dataclass(frozen=True, slots=True)
class Given:
    """A stimulus of one dynamics, where it stands, and its factor."""

    stimulus: Stimulus
    path: Path
    factor: float = 1.0


def targets(dynamics: Dynamics) -> list[str]:
    """The variables to which a stimulus can add."""
    return [*dynamics.coupling_inputs, *dynamics.parameters, *dynamics.derived_variables]


def target_of(dynamics: Dynamics, stimulus: Stimulus) -> str | None:
    if stimulus.target_var is not None:
        return stimulus.target_var
    return next(iter(dynamics.coupling_inputs)) if len(dynamics.coupling_inputs) == 1 else None


@dataclass(frozen=True, slots=True)
class Clock:
    """Times of the experiment in s. ``late`` is how much later than in the text limits stand."""

    scale: str
    step: float
    late: float

    @classmethod
    def of(cls, context: Context, experiment: Experiment) -> Clock:
        integration = experiment.integration
        step = seconds(integration.step_size, context.time_scale) if integration is not None else None
        by_euler = integration is not None and integration.method == "euler"
        by_euler = by_euler and not is_noisy(experiment) and not has_delays(context, experiment)
        return cls(context.time_scale, step or 0.0, (step or 0.0) / 2 if by_euler else 0.0)

    def limit(self, time: float) -> float:
        """When what is to begin at ``time``, in the experiment's scale, begins in the equations; in s."""
        return (seconds(time, self.scale) or 0.0) + self.late

    def course(self, context: Context, item: Given) -> Course:
        """The samples of a stimulus as values that follow one another."""
        path, samples = (*item.path, "samples"), item.stimulus.samples
        if samples is None:
            return Course([], [], path)
        if item.stimulus.onset is not None or item.stimulus.duration is not None:
            name = item.stimulus.name or item.path[-1]
            context.unsupported(item.path, f"{name}: samples have no onset or duration", "use 'times'")
        return course(context, samples, path, self.step, self.scale)


class Stimulated:
    """A dynamics that receives stimuli."""

    def __init__(
        self, context: Context, dynamics: Dynamics, clock: Clock, courses: Mapping[Path, Course]
    ) -> None:
        self.context, self.dynamics, self.clock, self.courses = context, dynamics, clock, courses
        self.parameters = dict(dynamics.parameters)
        self.variables = dict(dynamics.derived_variables)
        groups = (
            dynamics.parameters, dynamics.derived_parameters, dynamics.state_variables,
            dynamics.derived_variables, dynamics.coupling_inputs,
        )  # fmt: skip
        self.has_units = bool(dynamics.iri) or any(item.unit for group in groups for item in group.values())

    def with_all(self, given: list[Given]) -> Dynamics:
        """The dynamics with all its stimuli added."""
        if not given:
            return self.dynamics
        stimuli = [item.stimulus for item in given]
        self.has_units |= any(one.unit or any(p.unit for p in one.parameters.values()) for one in stimuli)
        added: dict[str, list[str]] = {}
        for item in given:
            target = self._checked_target(item)
            if target is not None:
                added.setdefault(target, []).append(self._variable(item, target))
        dynamics = self.dynamics
        for target, terms in added.items():
            dynamics = self._add(dynamics, target, terms)
        update = {"parameters": self.parameters, "derived_variables": self.variables, "stimulus": None}
        return dynamics.model_copy(update=update)

    def _checked_target(self, item: Given) -> str | None:
        target = target_of(self.dynamics, item.stimulus)
        if target in targets(self.dynamics):
            return target
        message = f"{item.path[-1]}: {self.dynamics.name} has no parameter or input '{target}'"
        expected = None if target else "'target_var: ...'"
        hint = nearest(target, targets(self.dynamics)) if target else None
        self.context.report((*item.path, "target_var"), message, expected, hint)
        return None

    # ---- the value of a stimulus ---------------------------------------------------------------------------

    def _variable(self, item: Given, target: str) -> str:
        """A derived variable with the value of the stimulus; its name."""
        stimulus, stem = item.stimulus, self._fresh(f"{target}_{item.stimulus.name or 'stimulus'}")
        if bool(stimulus.samples) == bool(stimulus.equation):
            found = "both equation and samples" if stimulus.samples else "no value"
            self.context.report(item.path, f"{stem} has {found}", "'equation' or 'samples'")
            self.variables[stem] = DerivedVariable(name=stem, equation=Equation(rhs="0"))
            return stem
        scale = self._scale(item, stem)
        cases = self._sampled(item, stem) if stimulus.samples else self._in_time(item, stem)
        scaled = [Case(equation=Equation(rhs=scale.format(text)), condition=test) for text, test in cases]
        value: dict[str, Any] = {"cases": scaled or [Case(equation=Equation(rhs="0"))]}
        if len(scaled) == 1 and scaled[0].condition is None:
            value = {"equation": scaled[0].equation}
        self.variables[stem] = DerivedVariable(name=stem, description=stimulus.description, **value)
        return stem

    def _scale(self, item: Given, stem: str) -> str:
        """What is done to each value, as a pattern."""
        unit = item.stimulus.unit
        if unit:
            self._parameter(f"{stem}_unit", 1.0, unit)
        factors = [f"{stem}_unit"] if unit else []
        factors += [repr(item.factor)] if item.factor != 1 else []
        return "*".join(["({})", *factors]) if factors else "{}"

    def _in_time(self, item: Given, stem: str) -> list[_Case]:
        """The equation between onset and end."""
        stimulus = item.stimulus
        text = self._own_parameters(item, stem)
        onset = stimulus.onset or 0
        tests = []
        if stimulus.onset is not None:
            tests.append(f"{CLOCK} >= {self._time(f'{stem}_onset', self.clock.limit(onset))}")
        if stimulus.duration is not None:
            end = self.clock.limit(onset + stimulus.duration)
            tests.append(f"{CLOCK} < {self._time(f'{stem}_end', end)}")
        return [(text, Equation(rhs=" & ".join(f"({one})" for one in tests)) if tests else None)]

    def _own_parameters(self, item: Given, stem: str) -> str:
        """The equation, with its parameters among those of the dynamics."""
        text = item.stimulus.equation.rhs if item.stimulus.equation else "0"
        for name, parameter in item.stimulus.parameters.items():
            own = name
            if name in self._names():
                own = self._fresh(f"{stem}_{name}")
                text = _renamed(text, name, own)
            self.parameters[own] = parameter.model_copy(update={"name": own})
        return text

    def _sampled(self, item: Given, stem: str) -> list[_Case]:
        """A case for each value of the samples, the first whose end is still to come; or a table."""
        found = self.courses[item.path]
        if found.is_long:
            name = self._fresh(f"{stem}_samples")
            self.variables[name] = DerivedVariable(name=name, equation=Equation(rhs="0"))
            begin = found.begin
            if not found.linear:  # slightly early, so that rounding does not matter
                begin = [begin[0], *(time - EARLY * self.clock.step for time in begin[1:])]
            self.context.courses.append(replace(found, begin=begin, variable=name))
            return [(name, None)]
        if found.linear:
            return self._lines(found, stem)
        cases: list[_Case] = []
        for number, value in enumerate(found.values):
            test = None
            if number + 1 < len(found.values):
                end = self._time(f"{stem}_{number + 1}", found.begin[number + 1] + self.clock.late)
                test = Equation(rhs=f"{CLOCK} < {end}")
            cases.append((repr(value), test))
        return cases

    def _lines(self, found: Course, stem: str) -> list[_Case]:
        """A case for each line between two values; before the first and after the last the nearest holds.

        Nothing jumps, so that no limit needs half a step: a step takes the value at its beginning.
        """
        late = 2 * self.clock.late
        at = [self._time(f"{stem}_{number}", time + late) for number, time in enumerate(found.begin)]
        cases: list[_Case] = [(repr(found.values[0]), Equation(rhs=f"{CLOCK} < {at[0]}"))]
        for number, (low, high) in enumerate(zip(found.values, found.values[1:], strict=False)):
            share = f"({CLOCK} - {at[number]})/({at[number + 1]} - {at[number]})"
            cases.append((f"{low!r} + {high - low!r}*{share}", Equation(rhs=f"{CLOCK} < {at[number + 1]}")))
        return [*cases, (repr(found.values[-1]), None)]

    def _time(self, name: str, time: float) -> str:
        """A time in s as it stands in an equation: a number, or a parameter where the clock has a unit."""
        if not self.has_units:
            return repr(time)
        self._parameter(name, time, "s")
        return name

    def _parameter(self, name: str, value: float, unit: str) -> None:
        self.parameters[name] = Parameter(name=name, value=value, unit=unit)

    # ---- adding it --------------------------------------------------------------------------------------

    def _add(self, dynamics: Dynamics, target: str, terms: list[str]) -> Dynamics:
        if target in dynamics.coupling_inputs:
            total = self._fresh(target + TOTAL)
            entry = dynamics.coupling_inputs[target]
            now = dynamics.model_copy(update={"derived_variables": self.variables})
            found: Dynamics = _everywhere(now, target, total)
            self.variables = dict(found.derived_variables)
            self._sum(total, [target, *terms], entry.unit)
            return found
        rest = self._fresh(target + REST)
        parameter = self.parameters.pop(target, None)
        if parameter is None:
            item = self.variables.pop(target)
            self.variables[rest] = item.model_copy(update={"name": rest, "record": False})
            self._sum(target, [rest, *terms], item.unit, record=item.record)
        elif parameter.value == 0 and parameter.equation is None:
            self._sum(target, terms, parameter.unit)
        else:
            self.parameters[rest] = parameter.model_copy(update={"name": rest})
            self._sum(target, [rest, *terms], parameter.unit)
        return dynamics

    def _sum(self, name: str, terms: list[str], unit: str | None, *, record: bool = False) -> None:
        equation = Equation(rhs=" + ".join(terms))
        self.variables[name] = DerivedVariable(name=name, equation=equation, unit=unit, record=record)

    def _names(self) -> set[str]:
        d = self.dynamics
        others = (*d.state_variables, *d.derived_parameters, *d.coupling_inputs)
        return {CLOCK, *self.parameters, *self.variables, *others}

    def _fresh(self, name: str) -> str:
        name = re.sub(r"\W", "_", name)
        while name in self._names():
            name += "_"
        return name


def _renamed(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, text)


def _everywhere(item: Any, old: str, new: str) -> Any:
    """The dynamics with a name replaced in all its equations."""
    if isinstance(item, Equation):
        return item.model_copy(update={"rhs": _renamed(item.rhs, old, new)})
    if isinstance(item, dict):
        return {key: _everywhere(value, old, new) for key, value in item.items()}
    if isinstance(item, list):
        return [_everywhere(value, old, new) for value in item]
    if hasattr(item, "model_fields_set"):
        fields = {name: getattr(item, name) for name in item.model_fields_set}
        return item.model_copy(update={key: _everywhere(value, old, new) for key, value in fields.items()})
    return item
