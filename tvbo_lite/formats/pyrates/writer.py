"""A model as PyRates templates: an operator for each population, a node for each cell, one circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tvbo_lite.expr.tree import Binary, Call, Expr, Name, Not, Number, Select, rebuild
from tvbo_lite.formats._jinja import render
from tvbo_lite.formats._schemes import without_schemes
from tvbo_lite.formats._script import note_beyond, unit_comment
from tvbo_lite.formats._spelling import Spelling, number
from tvbo_lite.formats.pyrates.inputs import Input, input_of, own_clock
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.transforms.equations import System, population_equations
from tvbo_lite.transforms.equations.grow import Names
from tvbo_lite.transforms.equations.sequence import changed_names, outer_places
from tvbo_lite.transforms.equations.simplify import has_random
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Definition,
    Group,
    Missing,
    Part,
    Record,
    Rule,
    Total,
    leaves,
    names_read,
)

__all__ = ["write"]

SPEED = "time_speed"
NO_EVENTS = "PyRates has no events: what happens when a condition becomes true is left out"
NO_REGIMES = "PyRates has no regimes: the equations are those of '{}', the one at the start"
NOT_RECORDED = "PyRates records states only"
NO_PRODUCT = "PyRates adds up what edges bring, it does not multiply"
RANDOM = "PyRates draws no random numbers in equations; the mean stands in their place"
OTHER_DELAYS = (
    "PyRates counts delays in whole steps, begins with 0, and where one edge from a variable is late all"
    " others are a step late"
)
_WORDS = """
    y dy t source_idx target_idx pi I E S Q O N oo zoo nan beta gamma Beta Gamma exp log sin cos tan
    cot sec csc sinh cosh tanh sqrt abs maxi mini round vsum mean matmul matvec roll randn arctan
    arcsin arccos interp sigmoid wsum index real imag conj absv sign past concatenate identity
    lambda
"""
# Names that PyRates keeps for itself, or that mean something to the library that reads its equations.
TAKEN = frozenset(_WORDS.split())
TAKEN_PARTS = ("_buffer", "_delays", "_maxdelay", "_idx", "_hist")
FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "exp": "exp",
    "sqrt": "sqrt", "ln": "log", "log": "log", "abs": "absv", "H": "(0.5*(1.0 + sign({})))",
}  # fmt: skip


def write(model: m.Model, losses: Losses) -> str:
    """The templates of a linked model, with its simulation as a comment. What they cannot hold is noted.

    Raises:
        ModelError: the model contradicts itself, or has no simulation to run.
        RenderError: an expression has no counterpart in PyRates.
    """
    note_beyond(model, losses, delays=True)
    for delay in model.beyond.delays[:1]:
        losses.add("the past before the start, and edges without delay", OTHER_DELAYS, delay.location)
    system = population_equations(model, losses, ordered=False)
    without_schemes(system, losses)
    return _Circuit(system, losses).text()


@dataclass(slots=True)
class _Operator:
    """The equations of a group; ``inputs`` maps what it reads of others to what that is, ``spelled`` to
    the text for it, and ``fed`` to the name of what edges bring.
    """

    group: Group
    name: str
    equations: list[str] = field(default_factory=list)
    variables: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, comment
    inputs: dict[Expr, Input] = field(default_factory=dict)
    spelled: dict[Expr, str] = field(default_factory=dict)
    fed: dict[Expr, str] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)  # in an order to work them out in
    rates: dict[str, Expr] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    several: dict[str, tuple[float, ...]] = field(default_factory=dict)  # parameters that differ among copies

    def node(self, k: int) -> str:
        return self.group.name if self.group.size == 1 else f"{self.group.name}_{k}"


class _Circuit:
    def __init__(self, system: System, losses: Losses) -> None:
        self.system, self.losses = system, losses
        self.operators: dict[str, _Operator] = {}
        names = Names(["circuit"])
        for group in system.groups.values():
            if any(part.acts() for part in group.parts) and (group.states or list(group.definitions())):
                self.operators[group.name] = _Operator(group, names.new(f"{group.name}_op"))
        for operator in self.operators.values():
            operator.definitions, operator.rates = self._equations(operator)
        self.changing = {
            name: {*operator.rates, *(item.name for item in operator.definitions)}
            for name, operator in self.operators.items()
        }
        for operator in self.operators.values():
            self._fill(operator)

    def text(self) -> str:
        """The templates as YAML."""
        plan = self.system.plan
        outputs = [
            (repr(record.quantity), repr(self._place(record.group, record.name, record.k)))
            for record in self.system.records
            if self._is_output(record)
        ]
        variables = {
            "source": (self.system.source or plan.id).replace("\n", " "),
            "length": number(plan.length),
            "step": number(plan.step),
            "outputs": outputs,
            "operators": list(self.operators.values()),
            "nodes": list(self._nodes()),
            "edges": list(self._edges()),
        }
        return render("pyrates.yaml.j2", variables).rstrip() + "\n"

    def _is_output(self, record: Record) -> bool:
        operator = self.operators.get(record.group)
        if operator is not None and record.name in operator.rates:
            return True
        self.losses.add(f"the recording of '{record.quantity}'", NOT_RECORDED)
        return False

    def _place(self, group: str, name: str, k: int) -> str:
        operator = self.operators[group]
        return f"{operator.node(k)}/{operator.name}/{operator.names[name]}"

    # ---- operators ------------------------------------------------------------

    def _fill(self, operator: _Operator) -> None:
        group = operator.group
        definitions, rates = operator.definitions, operator.rates
        taken = Names(TAKEN)
        names = [*group.states, *(item.name for item in definitions), *group.parameters]
        for name in dict.fromkeys(names):
            plain = name
            for part in TAKEN_PARTS:
                plain = plain.replace(part, part.replace("_", "_of_"))
            operator.names[name] = taken.new(f"{plain}_var" if plain in TAKEN else plain)
        operator.names[CLOCK] = taken.new("time")
        spelling = Spelling(
            lambda leaf: self._leaf(operator, leaf, taken), FUNCTIONS, _choice, number=_decimal
        )
        for item in definitions:
            operator.equations.append(f"{operator.names[item.name]} = {spelling.text(_numeric(item.value))}")
        for name, rate in rates.items():
            operator.equations.append(f"{operator.names[name]}' = {spelling.text(_numeric(rate))}")
        read = [*(item.value for item in definitions), *rates.values()]
        if any(CLOCK in names_read(expr) for expr in read):
            # A bare 1.0 has no shape, which PyRates needs where it takes several nodes together.
            operator.names[SPEED] = taken.new(SPEED)
            operator.equations.insert(0, f"{operator.names[CLOCK]}' = {operator.names[SPEED]}")
        self._variables(operator, read)

    def _equations(self, operator: _Operator) -> tuple[list[Definition], dict[str, Expr]]:
        """Definitions and rates; in a step all hold at once, also the time."""
        group = operator.group
        definitions: list[Definition] = []
        rates: dict[str, Expr] = {}
        for part in group.parts:
            definitions += part.definitions
            rates |= {rate.name: rate.value for rate in part.rates}
            definitions += self._ruled(group, part, {*rates})
            for regime in part.regimes:
                if regime.name == part.initial_regime:
                    what, reason = f"the regimes of {part.title}", NO_REGIMES.format(regime.name)
                    self.losses.add(what, reason, regime.where)
                    definitions += regime.definitions
                    rates |= {rate.name: rate.value for rate in regime.rates}
            if any(part.handlers.values()):
                self.losses.add(f"what events do in {part.title}", NO_EVENTS)
        if any(has_random(expr) for expr in (*(d.value for d in definitions), *rates.values())):
            self.losses.add(f"random() in {group.title} '{group.name}'", RANDOM)
        timed = [replace(item, value=own_clock(group, item.value)) for item in definitions]
        return timed, {name: own_clock(group, rate) for name, rate in rates.items()}

    def _ruled(self, group: Group, part: Part, rates: set[str]) -> list[Definition]:
        """Variables that conditions on time alone set, as definitions; other rules are lost."""
        cases: dict[str, list[tuple[Expr, Expr]]] = {}
        for rule in part.rules:
            if _of_time(group, part, rule) and not any(a.name in rates for a in rule.deed.assignments):
                for item in rule.deed.assignments:
                    cases.setdefault(item.name, []).insert(0, (rule.test, item.value))
            elif rule.deed.assignments or rule.deed.regime or self._heard(group, rule):
                self.losses.add(f"condition '{rule.text}' of {part.title}", NO_EVENTS, rule.where)
        found = []
        for name, given in cases.items():
            start = Number(float(group.initial[name][0]))
            value = (
                Select((*given[:-1], (None, given[-1][1])))
                if _whole(given)
                else Select((*given, (None, start)))
            )
            found.append(Definition(name, value, group.dimension(name)))
        return found

    def _heard(self, group: Group, rule: Rule) -> bool:
        return any(route.port in rule.deed.ports for route in group.routes)

    def _variables(self, operator: _Operator, read: list[Expr]) -> None:
        group, made, rates = operator.group, operator.variables, operator.rates
        defined = [item.name for item in operator.definitions]
        kind = "output"
        for name in (*rates, *defined):
            start = float(group.initial[name][0]) if name in group.initial else 0.0
            made.append((operator.names[name], f"{kind}({_decimal(start)})", self._unit(group, name)))
            kind = "variable"
            if name in rates and len(set(group.initial[name].tolist())) > 1:
                operator.several[name] = tuple(group.initial[name].tolist())
        used = {name for expr in read for name in names_read(expr)}
        for name in group.states:
            if name not in rates and name not in defined and name in used:  # keeps its value
                made.append(
                    (operator.names[name], _decimal(float(group.initial[name][0])), self._unit(group, name))
                )
        if CLOCK in used:
            first = f"variable({_decimal(self.system.plan.step)})"
            made.append((operator.names[CLOCK], first, "s, at the end of a step"))
            made.append((operator.names[SPEED], "1.0", ""))
        made += [(own, "input(0.0)", "") for own in operator.fed.values()]
        self._given(operator)
        for name, item in group.parameters.items():
            if name in used:
                made.append((operator.names[name], _decimal(item.values[0]), self._unit(group, name)))
                if not item.single:
                    operator.several[name] = item.values

    def _given(self, operator: _Operator) -> None:
        """Numbers of others that the operator reads, as values of its own."""
        for leaf, found in operator.inputs.items():
            if found.offset:
                other, name = next(outer_places(operator.group, leaf))
                unit = self._unit(self.system.groups[other], name)
                operator.variables.append((operator.names[_key(leaf)], _decimal(found.constant[0]), unit))
                if len(set(found.constant)) > 1:
                    operator.several[_key(leaf)] = found.constant

    def _unit(self, group: Group, name: str) -> str:
        return unit_comment(group.dimension(name), self.system.symbols).removeprefix("  # ")

    def _leaf(self, operator: _Operator, leaf: Expr, taken: Names) -> str:
        if isinstance(leaf, Name):
            return operator.names[leaf.name]
        if isinstance(leaf, Missing):
            return "0.0"
        if leaf not in operator.spelled:
            operator.spelled[leaf] = self._input(operator, leaf, taken)
        return operator.spelled[leaf]

    def _input(self, operator: _Operator, leaf: Expr, taken: Names) -> str:
        """The text for what is read of others: what edges bring, a number, or the sum of both."""
        found = input_of(leaf, operator.group, self.system.groups, self.changing)
        if isinstance(leaf, Total) and leaf.multiply and found.fed:
            self.losses.add(f"a product in {operator.group.title} '{operator.group.name}'", NO_PRODUCT)
        self._told(operator.group, leaf)
        operator.inputs[leaf] = found
        name = leaf.variables[0] if isinstance(leaf, Total) else getattr(leaf, "name", "x")
        if found.fed:
            operator.fed[leaf] = taken.new(f"{name}_in")
        if found.offset:
            operator.names[_key(leaf)] = taken.new(f"{name}_given")
        texts = [operator.fed.get(leaf), operator.names.get(_key(leaf))]
        known = [text for text in texts if text]
        return known[0] if len(known) == 1 else f"({' + '.join(known)})"

    def _told(self, group: Group, leaf: Expr) -> None:
        """What only events change, in a group that has no operator, keeps its value: that is a loss."""
        for other, name in outer_places(group, leaf):
            source = self.system.groups[other]
            if other not in self.operators and name in changed_names(source):
                self.losses.add(f"what changes '{name}' of {source.title} '{other}'", NO_EVENTS)

    # ---- nodes and edges ------------------------------------------------------------

    def _nodes(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Name, operator, and the values that a node has of its own."""
        for operator in self.operators.values():
            for k in range(operator.group.size):
                own = {}
                for name, values in operator.several.items():
                    own[operator.names[name]] = _decimal(values[k])
                yield operator.node(k), operator.name, own

    def _edges(self) -> Iterator[tuple[str, str, str | None]]:
        """Source, target and delay."""
        for operator in self.operators.values():
            for leaf, own in operator.fed.items():
                for k, places in enumerate(operator.inputs[leaf].wired):
                    target = f"{operator.node(k)}/{operator.name}/{own}"
                    late = leaf.late[k] if isinstance(leaf, Across) and leaf.late else 0.0
                    for place in places:
                        yield self._place(*place), target, _decimal(late) if late else None


def _key(leaf: Expr) -> str:
    """A name for the number that stands for a leaf, which no variable can have."""
    return f"number: {leaf}"


def _of_time(group: Group, part: Part, rule: Rule) -> bool:
    """Whether a rule sets variables by the time alone, so that they can be had without it."""
    if rule.deed.ports or rule.deed.regime or not rule.deed.assignments:
        return False
    found = list(leaves(rule.test))
    known = {CLOCK, *group.parameters}
    return bool(found) and all(isinstance(leaf, Name) and leaf.name in known for leaf in found)


def _whole(cases: list[tuple[Expr, Expr]]) -> bool:
    """Whether the first condition and the last are ``t >= x`` and ``t < y``: nothing is left out.

    Core generators say what holds before, during and after; so the last one is what holds otherwise.
    """
    match cases[0][0], cases[-1][0]:
        case Binary("geq" | "gt", Name("t"), _), Binary("lt" | "leq", Name("t"), _):
            return True
        case _:
            return False


_ONE = Number(1.0)


def _positive(a: Expr, b: Expr) -> Expr:
    """1 where a > b, else 0."""
    return Call("positive", Binary("-", a, b))


def _not(a: Expr) -> Expr:
    return Binary("-", _ONE, a)


_AS_NUMBERS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "gt": _positive,
    "lt": lambda a, b: _positive(b, a),
    "leq": lambda a, b: _not(_positive(a, b)),
    "geq": lambda a, b: _not(_positive(b, a)),
    "neq": lambda a, b: Call("differs", Binary("-", a, b)),
    "eq": lambda a, b: _not(Call("differs", Binary("-", a, b))),
    "and": lambda a, b: Binary("*", a, b),
    "or": lambda a, b: Binary("-", Binary("+", a, b), Binary("*", a, b)),
}


def _numeric(expr: Expr) -> Expr:
    """Conditions as numbers, 1 and 0, and random numbers as their mean."""
    match rebuild(expr, _numeric):
        case Binary(op, a, b) if op in _AS_NUMBERS:
            return _AS_NUMBERS[op](a, b)
        case Not(a):
            return _not(a)
        case Call("random", a):
            return Binary("*", Number(0.5), a)
        case inner:
            return inner


FUNCTIONS |= {"positive": "maxi(sign({}), 0.0)", "differs": "absv(sign({}))"}


def _choice(test: str, yes: str, no: str) -> str:
    if no in ("0", "0.0"):
        return f"(({test})*({yes}))"
    if yes in ("0", "0.0"):
        return f"((1.0 - ({test}))*({no}))"
    return f"(({test})*({yes}) + (1.0 - ({test}))*({no}))"


def _decimal(value: float) -> str:
    """A number with a point, which YAML and PyRates take for a real one."""
    text = repr(float(value))
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text
