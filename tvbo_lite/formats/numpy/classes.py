"""The Python class of a group: its parameters, the values at the start, a step, what events do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tvbo_lite.expr.tree import Binary, Call, Expr, Name, children
from tvbo_lite.formats._script import unit_comment, wrapped
from tvbo_lite.formats._spelling import Spelling, number
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Assignment,
    Deed,
    Definition,
    Group,
    Missing,
    Outer,
    Part,
    Regime,
    Rule,
    Scheme,
    System,
    Total,
    leaves,
    names_read,
)

__all__ = ["class_text", "ends_of"]

FUNCTIONS = {
    "sin": "np.sin", "cos": "np.cos", "tan": "np.tan", "sinh": "np.sinh", "cosh": "np.cosh",
    "tanh": "np.tanh", "exp": "np.exp", "sqrt": "np.sqrt", "ln": "np.log", "log": "np.log", "ceil": "np.ceil",
    "abs": "np.abs",
    "H": "np.heaviside({}, 0.5)",
}  # fmt: skip
CHOICE = "np.where({}, {}, {})".format
INDENT = 8
Lines = list[str]


def class_text(system: System, group: Group, name: str) -> str:
    """The class; groups of the same equations and numbers have the same text but for the name."""
    return "\n".join(_Class(system, group).lines(name))


def ends_of(group: Group) -> dict[str, Across]:
    """For each array of copies at the other ends of tunnels, and their delays, what reads there first."""
    found: dict[str, Across] = {}
    for leaf in _all_leaves(group):
        if isinstance(leaf, Across) and not any(_meet(leaf, one) for one in found.values()):
            found[f"peer{len(found) or ''}"] = leaf
    return found


def pasts_of(group: Group) -> dict[str, tuple[str, Across]]:
    """What is read with a delay: the name of its past, and that of its copies."""
    found = {}
    ends = ends_of(group)
    for leaf in _all_leaves(group):
        if isinstance(leaf, Across) and leaf.late:
            peer = next(name for name, one in ends.items() if _meet(leaf, one))
            found[f"{peer}_{leaf.name}_past"] = (peer, leaf)
    return found


def _meet(one: Across, other: Across) -> bool:
    """Whether both end at the same copies with the same delays."""
    return (one.at, one.late, one.before) == (other.at, other.late, other.before)


def _all_leaves(group: Group) -> Iterator[Expr]:
    for part in group.parts:
        for item in part.definitions:
            yield from leaves(item.value)
        for _, expr in part.read_in_step():
            yield from leaves(expr)


@dataclass(slots=True)
class _Scope:
    """How names are spelled in one place: whether ``self.`` is needed, and the index that arrays get."""

    index: str = ""
    inside: bool = True  # in a step, where variables have local names


@dataclass(slots=True)
class _Class:
    system: System
    group: Group
    arrays: set[str] = field(default_factory=set)
    scope: _Scope = field(default_factory=_Scope)

    def __post_init__(self) -> None:
        several = (name for name, item in self.group.parameters.items() if not item.single)
        self.arrays = {*self.group.states, *self.group.stored, *several}
        for item in self.group.definitions():
            if self._is_array(item.value):
                self.arrays.add(item.name)

    def _is_array(self, expr: Expr) -> bool:
        return any(not isinstance(leaf, Name) or leaf.name in self.arrays for leaf in leaves(expr)) or _draws(
            expr
        )

    # ---- expressions ---------------------------------------------------------------------------------

    def text(self, expr: Expr) -> str:
        """The expression, in the scope as it is now."""
        return Spelling(self._leaf, self._words(), CHOICE, "&", "|", "~", tight=True).text(expr)

    def _words(self) -> dict[str, str]:
        return {**FUNCTIONS, "random": f"(({{}}) * RANDOM.random(self.size){self.scope.index})"}

    def _leaf(self, expr: Expr) -> str:
        group, index = self.group, self.scope.index
        if isinstance(expr, Name):
            if expr.name == CLOCK:
                return "t" if self.scope.inside else "self.t"
            if expr.name == group.weight and not self.scope.inside:
                return "weight"
            own = expr.name in group.parameters or not self.scope.inside
            name = f"self.{expr.name}" if own else expr.name
            return name + (index if expr.name in self.arrays else "")
        if isinstance(expr, Outer):
            host, at = "self.host", "self.at"
            for _ in range(expr.depth - 1):
                host, at = f"{host}.host", f"{host}.at[{at}]"
            return f"{host}.{expr.name}[{at}]{index}"
        if isinstance(expr, Total):
            return self._total(expr)
        if isinstance(expr, Missing):
            return "0"
        assert isinstance(expr, Across)  # noqa: S101  there is no other leaf
        return self._across(expr) + index

    def _total(self, expr: Total) -> str:
        """Sums over stretches of the attached groups that call the variable by one name."""
        attached = [name for part in self.group.parts for name in part.attached]
        texts: Lines = []
        for name, first, last in _stretches(expr, attached):
            whole = (first, last) == (0, len(attached))
            groups = "self.attached" if whole else f"self.attached[{first}:{last}]"
            texts.append(f'self.{"product" if expr.multiply else "total"}("{name}", {groups})')
        joined = (" * " if expr.multiply else " + ").join(texts)
        return joined if len(texts) == 1 else f"({joined})"

    def _across(self, expr: Across) -> str:
        ends = ends_of(self.group)
        peer = next(name for name, leaf in ends.items() if _meet(leaf, expr))
        if expr.late:
            return f"self.{peer}_{expr.name}_past.at(self.{peer}, self.{peer}_late)"
        if expr.group != self.group.name:
            return f"self.{peer}_group.{expr.name}[self.{peer}]"
        old = f"{expr.name}_before"
        at = f"self.{peer}"
        return f"np.where({at} < np.arange(self.size), {expr.name}[{at}], {old}[{at}])"

    # ---- the class -------------------------------------------------------------------------------------

    def lines(self, name: str) -> Lines:
        """The lines of the class."""
        group = self.group
        what = f"{group.component} ({group.title})" if group.component else group.title
        found = [f"class {name}(Group):", f'    """{what}"""']
        found += self._parameters()
        found += self._start()
        found += ["", "    def step(self, t):", *_indented(self._step(), INDENT)]
        weight = ", weight" if group.weight else ""
        for part in group.parts:
            for port in _ports(part):
                found += [
                    "",
                    f"    def on_{port}(self, k{weight}):",
                    *_indented(self._handler(part, port), INDENT),
                ]
        return found

    def _parameters(self) -> Lines:
        found = [""]
        for item in self.group.parameters.values():
            if item.single:
                unit = unit_comment(item.dimension, self.system.symbols)
                made = f"{',' if unit else '  #'} {item.formula}" if " " in item.formula else ""
                found.append(f"    {item.name} = {number(item.values[0])}{unit}{made}")
        return found if len(found) > 1 else []

    def _start(self) -> Lines:
        group = self.group
        rows = []
        for name in (*group.states, *(one for one in group.initial if one in group.stored)):
            values = set(group.initial[name].tolist())
            if len(values) == 1:
                unit = unit_comment(group.dimension(name), self.system.symbols)
                rows.append(f'        "{name}": {number(values.pop())},{unit}')
        rows += [f'        "{p.regime_name}": "{p.initial_regime}",' for p in group.parts if p.regimes]
        return ["", "    start = {", *rows, "    }"] if rows else []

    def _step(self) -> Lines:
        body: Lines = []
        for part in self.group.parts:
            if part.acts():
                lines = self._part(part)
                body += ["", f"# {part.title}", *lines] if len(self.group.parts) > 1 else lines
        local = [name for name in (*self.group.states, *self._stored()) if _mentions(body, name)]
        local += [p.regime_name for p in self.group.parts if p.regimes]
        rows = [local[first : first + 4] for first in range(0, len(local), 4)]
        head = [f"{', '.join(row)} = {', '.join(f'self.{name}' for name in row)}" for row in rows]
        head += ["self.t = t"] if self._clocked() else []
        return [*head, *body] if head else body[1:] if body[:1] == [""] else body or ["pass"]

    def _stored(self) -> list[str]:
        return [item.name for item in self.group.definitions() if item.name in self.group.stored]

    def _clocked(self) -> bool:
        read = (expr for part in self.group.parts for expr in part.read_by_events())
        return any(CLOCK in names_read(expr) for expr in read)

    # ---- one part of a step -------------------------------------------------------------------------------

    def _part(self, part: Part) -> Lines:
        found = [*self._advance(part), *(line for scheme in part.schemes for line in self._scheme(scheme))]
        for item in part.definitions:
            found += self._define(item)
        found += self._integrate(part.rates)
        for rule in part.rules:
            found += self._rule(rule, part, "")
        found += [f"{item.name}[:] = {item.variable}" for item in part.shown]
        return found + self._regimes(part)

    def _advance(self, part: Part) -> Lines:
        """The step of what is attached to the part."""
        if not part.attached:
            return []
        attached = [name for one in self.group.parts for name in one.attached]
        first, count = attached.index(part.attached[0]), len(part.attached)
        groups = "self.attached" if count == len(attached) else f"self.attached[{first}:{first + count}]"
        return [f"for group in {groups}:", "    group.step(t)"]

    def _scheme(self, scheme: Scheme) -> Lines:
        """A step of a Markov scheme."""
        states = ", ".join(scheme.states)
        rows = [
            f"    ({edge.source}, {edge.target}, {self.text(edge.forward)}, {self.text(edge.reverse)}),"
            for edge in scheme.edges
        ]
        found = ["transitions = [  # from, to, rates forward and back", *rows, "]"]
        places = ", ".join(f"{name}[:]" for name in scheme.states)
        return [*found, f"{places} = occupancies([{states}], transitions)"]

    def _define(self, item: Definition) -> Lines:
        text = self.text(item.value)
        if item.name not in self.group.stored:
            copied = isinstance(item.value, Name) and item.value.name in self.group.states
            return [f"{item.name} = {text}{'.copy()' if copied else ''}"]
        mine = (leaf for leaf in _all_leaves(self.group) if isinstance(leaf, Across))
        before = any(leaf.group == self.group.name and leaf.name == item.name for leaf in mine)
        return [*([f"{item.name}_before = {item.name}.copy()"] if before else []), f"{item.name}[:] = {text}"]

    def _integrate(self, rates: list[Assignment]) -> Lines:
        """Euler's step: all rates with the old states, then the states."""
        if len(rates) < 2:
            return [f"{item.name} += DT * ({self.text(item.value)})" for item in rates]
        names = [self._rate_name(item.name) for item in rates]
        found = [f"{name} = {self.text(item.value)}" for name, item in zip(names, rates, strict=True)]
        return found + [f"{item.name} += DT * {name}" for name, item in zip(names, rates, strict=True)]

    def _rate_name(self, name: str) -> str:
        """``dv`` for ``v``, unless the model has a variable of that name."""
        known = {*self.group.states, *(item.name for item in self.group.definitions())}
        return f"d{name}" if f"d{name}" not in known else f"rate_of_{name}"

    def _rule(self, rule: Rule, part: Part, inside: str) -> Lines:
        """What is done where a condition holds; ``inside`` is the mask of the active regime."""
        if not inside and not self._is_array(rule.test):
            plain = Spelling(self._leaf, FUNCTIONS, CHOICE)
            done = self._deed(rule.deed, part, "[:]", "True") or ["pass"]
            return [f"if {plain.text(rule.test)}:", *(f"    {line}" for line in done)]
        test = self.text(rule.test)
        mask = "fired" if rule.deed.ports else "holds"
        given = f"{inside} & ({test})" if inside else test
        return [f"{mask} = {given}", *self._deed(rule.deed, part, f"[{mask}]", mask)]

    def _deed(self, deed: Deed, part: Part, index: str, mask: str) -> Lines:
        found = [self._assign(item, index) for item in deed.assignments]
        found += [f'self.send("{port}", {mask})' for port in deed.ports if self._heard(port)]
        if deed.regime is not None:
            own = part.regime_name if self.scope.inside else f"self.{part.regime_name}"
            found.append(f'{own}{index} = "{deed.regime}"')
            entered = next(regime for regime in part.regimes if regime.name == deed.regime)
            found += [self._assign(item, index) for item in entered.entry]
        return found

    def _assign(self, item: Assignment, index: str) -> str:
        own = item.name if self.scope.inside else f"self.{item.name}"
        self.scope.index = "" if index == "[:]" else index
        match item.value:
            case Binary(op, Name(name), change) if name == item.name and op in ("+", "-"):
                text = f"{own}{index} {op}= {self.text(change)}"
            case value:
                text = f"{own}{index} = {self.text(value)}"
        self.scope.index = ""
        return text

    def _heard(self, port: str) -> bool:
        return any(route.port == port for route in self.group.routes) or any(
            (spike[2], spike[3]) == (self.group.name, port) for spike in self.system.spikes
        )

    # ---- regimes and events ------------------------------------------------------------------------------

    def _regimes(self, part: Part) -> Lines:
        if not part.regimes:
            return []
        found = [f"active = {part.regime_name}.copy()"]
        for regime in part.regimes:
            lines = self._regime(regime, part)
            if lines:
                found += [f'inside = active == "{regime.name}"', *lines]
        return found

    def _regime(self, regime: Regime, part: Part) -> Lines:
        """The step of a regime: each variable is changed at once, the next sees it."""
        inside = [Assignment(item.name, item.value) for item in regime.definitions]
        found = [self._assign(item, "[inside]") for item in inside]
        for rate in regime.rates:
            self.scope.index = "[inside]"
            found.append(f"{rate.name}[inside] += DT * ({self.text(rate.value)})")
            self.scope.index = ""
        for rule in regime.rules:
            found += self._rule(rule, part, "inside")
        return found

    def _handler(self, part: Part, port: str) -> Lines:
        self.scope.inside = False
        found: Lines = []
        if port in part.handlers:
            found += self._deed(part.handlers[port], part, "[k]", "np.arange(self.size) == k")
        word = "if"
        for regime in part.regimes:
            if port in regime.handlers:
                found.append(f'{word} self.{part.regime_name}[k] == "{regime.name}":')
                deed = self._deed(regime.handlers[port], part, "[k]", "np.arange(self.size) == k")
                found += [f"    {line}" for line in deed or ["pass"]]
                word = "elif"
        self.scope.inside = True
        return found


def _ports(part: Part) -> list[str]:
    return list(dict.fromkeys([*part.handlers, *(port for r in part.regimes for port in r.handlers)]))


def _stretches(expr: Total, attached: list[str]) -> Iterator[tuple[str, int, int]]:
    """Runs of attached groups that stand side by side and have one name for the variable."""
    runs: list[list[int]] = []
    names: list[str] = []
    for group, variable in zip(expr.groups, expr.variables, strict=True):
        place = attached.index(group)
        if runs and names[-1] == variable and runs[-1][1] == place:
            runs[-1][1] = place + 1
        else:
            runs.append([place, place + 1])
            names.append(variable)
    for name, (first, last) in zip(names, runs, strict=True):
        yield name, first, last


def _mentions(lines: Lines, name: str) -> bool:
    import re

    pattern = re.compile(rf"(?<![\w.\"]){re.escape(name)}(?![\w\"])")
    return any(pattern.search(line) for line in lines if not line.startswith("#"))


def _indented(lines: Lines, count: int) -> Lines:
    found: Lines = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        for part in wrapped(line.lstrip(), count + indent):
            found.append(" " * (count + indent) + part if line else "")
    return found


def _draws(expr: Expr) -> bool:
    return (isinstance(expr, Call) and expr.function == "random") or any(map(_draws, children(expr)))
