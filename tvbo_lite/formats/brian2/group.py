"""A group as a Brian 2 ``NeuronGroup``: its equations, and what happens in a step, in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tvbo_lite.expr.tree import Binary, Expr, Name
from tvbo_lite.formats.brian2.order import set_in_turn
from tvbo_lite.formats.brian2.words import Words
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations.system import Assignment, Deed, Group, Part, Regime, Rule

__all__ = ["Event", "Runner", "Turns", "turns", "with_relays"]

ACTIVE = "active"  # ends the name of the copy of a regime with which a step begins


@dataclass(frozen=True, slots=True)
class Event:
    """A threshold: ``test`` sets off the event ``name``, which sends from ``ports`` and runs ``code``."""

    name: str
    test: str
    code: tuple[str, ...]
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runner:
    """Code that is run in every step."""

    code: tuple[str, ...]


@dataclass(slots=True)
class Turns:
    """What a group does in a step: ``before`` its equations advance, as their ``stages``, and ``after``."""

    equations: list[str] = field(default_factory=list)
    before: list[Event | Runner] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    after: list[Event | Runner] = field(default_factory=list)
    differential: bool = False
    regimes: dict[str, list[str]] = field(default_factory=dict)  # variable to the regimes' names, by number

    def events(self) -> Iterator[Event]:
        yield from (item for item in (*self.before, *self.after) if isinstance(item, Event))


def turns(words: Words, losses: Losses) -> Turns:
    """The equations and the steps of a group."""
    return _Turning(words, losses).all()


class _Turning:
    def __init__(self, words: Words, losses: Losses) -> None:
        self.words, self.group, self.losses = words, words.group, losses
        self.kept = set_in_turn(self.group)
        self.made = Turns()
        self.rates: dict[str, str] = {}

    def all(self) -> Turns:
        """Everything, part by part."""
        parts = [part for part in self.group.parts if part.acts()]
        for part in parts:
            self._part(part, last=part is parts[-1])
        self.made.differential = bool(self.rates)
        if not self.made.differential and self.made.stages:
            self.made.after.insert(0, Runner(tuple(self.made.stages)))
            self.made.stages = []
        self.made.equations = list(self._equations())
        return self.made

    # ---- equations --------------------------------------------------------------------------------------

    def _equations(self) -> Iterator[str]:
        words, group = self.words, self.group
        for name, rate in self.rates.items():
            yield f"d{words.name(name)}/dt = {rate} : {words.unit(name)}"
        for item in group.definitions():
            if item.name not in self.kept:
                text = words.text(item.value, item.name)
                yield f"{words.name(item.name)} = {text} : {words.unit(item.name)}"
        for name in group.states:
            if name not in self.rates:
                yield f"{words.name(name)} : {words.unit(name)}"
        for item in group.definitions():
            if item.name in self.kept:
                yield f"{words.name(item.name)} : {words.unit(item.name)}"
        for name, parameter in group.parameters.items():
            if not parameter.single:
                yield f"{words.name(name)} : {words.unit(name)} (constant)"
        yield from self._regime_variables()
        yield from self._places()

    def _regime_variables(self) -> Iterator[str]:
        for variable, names in self.made.regimes.items():
            listed = ", ".join(f"{number} {name}" for number, name in enumerate(names))
            yield f"{variable} : 1  # {listed}"
            yield f"{variable}_{ACTIVE} : 1"

    def _places(self) -> Iterator[str]:
        """Variables that show others' ones: sums over what is attached, and links."""
        words = self.words
        for (group, variable, _), name in words.totals.items():
            unit = Words(words.system, words.system.groups[group], words.units).unit(variable)
            yield f"{name} : {unit}"
        for leaf, name in words.linked.items():
            group_read, variable = words.place(leaf)
            unit = Words(words.system, group_read, words.units).unit(variable)
            yield f"{name} : {unit} (linked)"

    # ---- one part ---------------------------------------------------------------------------------------

    def _part(self, part: Part, *, last: bool) -> None:
        words = self.words
        for item in part.definitions:
            if item.name in self.kept:
                text = words.text(item.value, item.name)
                self.made.stages.append(f"{words.name(item.name)} = {text}")
        for rate in part.rates:
            self.rates[rate.name] = words.text(rate.value, rate.name, rate=True)
        if part.rates:
            self.made.stages.append(" ".join(words.name(rate.name) for rate in part.rates))
        for rule in part.rules:
            self._rule(rule, part, last=last and not part.regimes)
        shown = [f"{words.name(item.name)} = {words.name(item.variable)}" for item in part.shown]
        if part.regimes:
            self._regimes(part, shown)
        elif shown and any(rule.deed.ports for rule in part.rules):
            self.made.after.append(Runner(tuple(shown)))
        else:
            self.made.stages += shown

    def _rule(self, rule: Rule, part: Part, *, last: bool) -> None:
        deed = with_relays(self.group, rule.deed)
        where = self.made.after if last else self.made.before
        if deed.ports:
            if not last:
                self._flush()
            where.append(self._event(rule.test, deed, part))
        elif last:
            code = self._held(rule.test, deed, part)
            previous = where[-1] if where else None
            if isinstance(previous, Runner):
                where[-1] = Runner((*previous.code, *code))
            else:
                where.append(Runner(tuple(code)))
        else:
            self.made.stages += self._held(rule.test, deed, part)

    def _flush(self) -> None:
        """What has been gathered for the equations' step is done before an event that comes first."""
        code: list[str] = []
        for stage in self.made.stages:
            names = [] if " = " in stage else stage.split()
            code += [] if names else [stage]
            rates = {self.words.name(name): rate for name, rate in self.rates.items()}
            code += [f"next_{name} = {name} + dt * ({rates[name]})" for name in names]
            code += [f"{name} = next_{name}" for name in names]
            self.rates = {k: v for k, v in self.rates.items() if self.words.name(k) not in names}
        self.made.stages = []
        if code:
            self.made.before.append(Runner(tuple(code)))

    def _event(self, test: Expr, deed: Deed, part: Part) -> Event:
        count = sum(1 for _ in self.made.events())
        name = f"event{count + 1}" if count else "spike"
        return Event(name, self.words.text(test), tuple(self._code(deed, part)), deed.ports)

    def _code(self, deed: Deed, part: Part) -> Iterator[str]:
        """The deed where it is done for sure."""
        for item in deed.assignments:
            yield self._assigned(item)
        if deed.regime is not None:
            yield f"{self._regime_name(part)} = {self._number(part, deed.regime)}"
            entered = next(regime for regime in part.regimes if regime.name == deed.regime)
            for item in entered.entry:
                yield self._assigned(item)

    def _assigned(self, item: Assignment) -> str:
        own = self.words.name(item.name)
        match item.value:
            case Binary("+", Name(name), change) if name == item.name:
                return f"{own} += {self.words.text(change, item.name)}"
            case value:
                return f"{own} = {self.words.text(value, item.name)}"

    def _held(self, test: Expr, deed: Deed, part: Part) -> list[str]:
        """The deed where the condition may hold or not: each variable chooses its value."""
        return self._chosen(self.words.text(test), deed, part)

    def _chosen(self, test: str, deed: Deed, part: Part) -> list[str]:
        done = list(self._code(deed, part))
        code = [] if len(done) < 2 else [f"holds = {test}"]
        condition = test if len(done) < 2 else "holds"
        for line in done:
            sign = " += " if " += " in line else " = "
            name, _, value = line.partition(sign)
            value = f"{name} + {value}" if sign == " += " else value
            code.append(f"{name} = choose({condition}, {value}, {name})")
        return code

    # ---- regimes ----------------------------------------------------------------------------------------

    def _regime_name(self, part: Part) -> str:
        return self.words.name(part.regime_name)

    def _number(self, part: Part, regime: str) -> int:
        return [item.name for item in part.regimes].index(regime)

    def _regimes(self, part: Part, shown: list[str]) -> None:
        variable = self._regime_name(part)
        active = f"{variable}_{ACTIVE}"
        self.made.regimes[variable] = [regime.name for regime in part.regimes]
        self.made.stages += [*shown, f"{active} = {variable}"]
        for number_, regime in enumerate(part.regimes):
            for item in regime.definitions:
                name = self.words.name(item.name)
                text = self.words.text(item.value, item.name)
                self.made.stages.append(f"{name} = choose({active} == {number_}, {text}, {name})")
        self._regime_rates(part, active)
        for number_, regime in enumerate(part.regimes):
            self._regime_rules(regime, part, f"{active} == {number_}")

    def _regime_rates(self, part: Part, active: str) -> None:
        longest = sorted(part.regimes, key=lambda regime: -len(regime.rates))
        names = list(dict.fromkeys(rate.name for regime in longest for rate in regime.rates))
        for name in names:
            if name in self.rates:
                where = self.group.title
                self.losses.add(
                    f"the rate of '{name}' in a regime of {where}", "it has one outside regimes too"
                )
                continue
            text = self.words.no_rate(name)
            for number_, regime in reversed(list(enumerate(part.regimes))):
                for rate in regime.rates:
                    if rate.name == name:
                        value = self.words.text(rate.value, name, rate=True)
                        text = f"choose({active} == {number_}, {value}, {text})"
            self.rates[name] = text
            self.made.stages.append(self.words.name(name))

    def _regime_rules(self, regime: Regime, part: Part, inside: str) -> None:
        for rule in regime.rules:
            deed = with_relays(self.group, rule.deed)
            test = f"{inside} and ({self.words.text(rule.test)})"
            if deed.ports:
                count = sum(1 for _ in self.made.events())
                name = f"event{count + 1}" if count else "spike"
                self.made.after.append(Event(name, test, tuple(self._code(deed, part)), deed.ports))
            else:
                self.made.after.append(Runner(tuple(self._chosen(test, deed, part))))


def with_relays(group: Group, deed: Deed) -> Deed:
    """The deed with what its events do at once in the copy itself, and what these pass on."""
    for route in group.routes:
        inside = route.target == group.name and route.sources == route.targets
        if not inside or route.port not in deed.ports or any(delay > 0 for delay in route.delays):
            continue
        for part in group.parts:
            if route.handler in part.handlers:
                further = with_relays(group, part.handlers[route.handler])
                ports = tuple(dict.fromkeys((*deed.ports, *further.ports)))
                deed = Deed((*deed.assignments, *further.assignments), ports, deed.regime)
    return deed
