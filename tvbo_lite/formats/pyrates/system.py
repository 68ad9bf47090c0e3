"""A circuit as one system of equations: operators, edges and delays taken apart, every name a full path.

A variable is called ``circuit/node/operator/variable``. Operators of a node are joined by name: an input
receives the outputs of the same name, their sum where there are several. Edges add to that. An operator
on an edge stands in a node of its own, ``edge_<number>``. A delay with a spread becomes the chain of
linear equations whose impulse response is the gamma distribution with that mean and spread
(MacDonald 1978, *Time Lags in Biological Models*). A delay without spread stands for the value itself as
it was then (`Late`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from tvbo_lite import limits
from tvbo_lite.errors import (
    ExpressionError,
    InputError,
    Location,
    ModelError,
    Problem,
    UnsupportedError,
    nearest,
)
from tvbo_lite.expr.pyrates import parse_equation
from tvbo_lite.expr.tree import Binary, Expr, Name, Number, substitute
from tvbo_lite.formats.pyrates.edges import SOURCE
from tvbo_lite.formats.pyrates.model import Circuit, EdgeUse, Group, OperatorUse, Text, Variable

__all__ = ["EDGE", "EXTERNAL", "NO_DELAYS", "OUT", "TIME", "Delays", "Late", "System", "system_of"]

EXTERNAL = "_ext"
"""Ends the name of what comes from outside into an input that edges feed too."""

EDGE = "edge_"
"""Starts the name of the node of an edge with operators; its number among all edges follows."""

OUT = "_out"
"""Ends the name of a variable that shows others what is none itself."""

TIME = "t"

_KINDS: tuple[type[InputError], ...] = (ExpressionError, ModelError, UnsupportedError)


@dataclass(frozen=True, slots=True)
class Delays:
    """What delays become: with ``order`` a chain of at least so many equations; with ``step`` whole steps of
    a method with fixed steps, as PyRates counts them.
    """

    order: int = 0
    step: float | None = None


NO_DELAYS = Delays()


@dataclass(frozen=True, slots=True)
class Late:
    """The variable ``signal`` as it was ``delay`` ago."""

    signal: str
    delay: float
    location: Location


@dataclass(slots=True)
class System:
    """``variables`` with their initial values; ``rates`` of change of some, ``values`` of others.

    What has neither is constant. ``feeds`` are the terms that sum up to an input, ``chains`` the last stage
    of each delay by signal, order and rate, ``late`` the names of values of the past, which are no variables.
    ``problems`` is what is wrong, with the kind of error. ``furthest`` is the most steps that any edge from a
    variable is late. ``templates`` are the names of the nodes' templates, by path.
    """

    variables: dict[str, Variable] = field(default_factory=dict)
    rates: dict[str, Expr] = field(default_factory=dict)
    values: dict[str, Expr] = field(default_factory=dict)
    feeds: dict[str, list[Expr]] = field(default_factory=dict)
    chains: dict[tuple[str, int, float], str] = field(default_factory=dict)
    problems: list[tuple[type[InputError], Problem]] = field(default_factory=list)
    templates: dict[str, str] = field(default_factory=dict)
    late: dict[str, Late] = field(default_factory=dict)
    furthest: dict[str, int] = field(default_factory=dict)
    delays: Delays = NO_DELAYS

    def report(
        self,
        kind: type[InputError],
        message: str,
        location: Location,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append((kind, Problem(message, location, expected, hint)))

    def raise_problems(self) -> None:
        """Raises all that was reported, as the first of the kinds that occurs."""
        for kind in _KINDS:
            if any(found is kind for found, _ in self.problems):
                raise kind(dict.fromkeys(problem for _, problem in self.problems))

    def add_group(self, path: str, group: Group) -> None:
        """The operators of a node, joined by the names of their outputs."""
        outputs: dict[str, list[str]] = {}
        self.templates[path] = group.name
        for use in group.operators:
            name = use.operator.output
            if name is not None:
                outputs.setdefault(name, []).append(f"{path}/{use.operator.name}/{name}")
        for use in group.operators:
            self._add_operator(f"{path}/{use.operator.name}", use)
            for name, item in use.operator.variables.items():
                sources = outputs.get(name, ()) if item.kind == "input" else ()
                for source in sources:
                    self.feeds.setdefault(f"{path}/{use.operator.name}/{name}", []).append(Name(source))

    def _add_operator(self, path: str, use: OperatorUse) -> None:
        variables = use.variables()
        for name, item in variables.items():
            self.variables[f"{path}/{name}"] = item
            if isinstance(item.value, tuple):
                self.report(
                    UnsupportedError, f"{path}/{name} is an array, which is not supported yet", item.location
                )
        full: dict[str, Expr] = {name: Name(f"{path}/{name}") for name in variables}
        for text in use.operator.equations:
            self._add_equation(path, text, full)

    def _add_equation(self, path: str, text: Text, full: dict[str, Expr]) -> None:
        try:
            equation = parse_equation(text.text, {*full, TIME})
        except InputError as error:
            kind = UnsupportedError if isinstance(error, UnsupportedError) else ExpressionError
            for problem in error.problems:
                self.report(kind, f"{path}: {problem.message}", text.location, problem.expected, problem.hint)
            return
        name = f"{path}/{equation.variable}"
        if name not in self.variables:
            hint = nearest(equation.variable, full)
            self.report(
                ModelError, f"{path}: '{equation.variable}' is not declared", text.location, hint=hint
            )
        elif name in self.rates or name in self.values:
            message = f"{name} has two equations"
            self.report(ModelError, message, text.location, "one equation for each variable")
        else:
            group = self.rates if equation.derivative else self.values
            group[name] = substitute(equation.value, full)

    # ---- edges -------------------------------------------------------------------------------------------

    def add_edge(self, edge: EdgeUse, number: int) -> None:
        """What the edge brings to its target, through its operators, its delay and its weight."""
        known = [
            self._known(name, edge, end) for name, end in ((edge.source, "source"), (edge.target, "target"))
        ]
        if not all(known):
            return
        signal = edge.source
        if edge.template is not None and edge.template.operators:
            direct = replace(edge, source=self._late(edge.source, replace(edge, delay=0.0)))
            found = self._through(direct, edge.template, f"{EDGE}{number}")
            if found is None:
                return
            signal = found
        elif edge.values or edge.sources:
            key = next(iter((*edge.values, *edge.sources)))
            self.report(ModelError, f"the edge has no operators, and so no '{key}'", edge.location)
        signal = self._chained(self._late(signal, edge), edge)
        term: Expr = Name(signal) if edge.weight == 1 else Binary("*", Number(edge.weight), Name(signal))
        self.feeds.setdefault(edge.target, []).append(term)

    def _known(self, name: str, edge: EdgeUse, end: str) -> bool:
        if name in self.variables or name in self.late:
            return True
        self.report(
            ModelError,
            f"the edge's {end} '{name}' does not exist",
            edge.location,
            hint=nearest(name, self.variables),
        )
        return False

    def _through(self, edge: EdgeUse, group: Group, path: str) -> str | None:
        """The output of the edge's operators, which are added; None where it has none."""
        for key, value in edge.values.items():
            operator, _, variable = key.rpartition("/")
            try:
                group = group.with_value(operator, variable, value)
            except KeyError:
                known = [
                    f"{use.operator.name}/{name}"
                    for use in group.operators
                    for name in use.operator.variables
                ]
                self.report(
                    ModelError, f"the edge has no variable '{key}'", edge.location, hint=nearest(key, known)
                )
        self.add_group(path, group)
        sources = edge.sources or self._only_input(edge, group, path)
        for key, given in sources.items():
            target, source = f"{path}/{key}", edge.source if given == SOURCE else given
            if self._known(target, edge, "input") and self._known(source, edge, "source"):
                self.feeds.setdefault(target, []).append(Name(source))
        return self._only_output(edge, group, path)

    def _only_input(self, edge: EdgeUse, group: Group, path: str) -> dict[str, str]:
        """The last input that no operator of the edge feeds."""
        free = [
            f"{use.operator.name}/{name}"
            for use in group.operators
            for name, item in use.operator.variables.items()
            if item.kind == "input" and f"{path}/{use.operator.name}/{name}" not in self.feeds
        ]
        if not free:
            self.report(ModelError, f"the edge template '{group.name}' has no input", edge.location)
        return dict.fromkeys(free[-1:], SOURCE)

    def _only_output(self, edge: EdgeUse, group: Group, path: str) -> str | None:
        """The output of the only operator whose output no other operator of the edge receives."""
        inputs = {
            k for use in group.operators for k, v in use.operator.variables.items() if v.kind == "input"
        }
        last = [
            use.operator
            for use in group.operators
            if use.operator.output and use.operator.output not in inputs
        ]
        if len(last) == 1:
            return f"{path}/{last[0].name}/{last[0].output}"
        message = f"the edge template '{group.name}' has {len(last) or 'no'} outputs"
        self.report(ModelError, message, edge.location, "one")
        return None

    def starts_empty(self, name: str) -> bool:
        """Whether a variable was 0 before the start for those that read its past, as in PyRates."""
        late = {item.signal for item in self.late.values()} if self.delays.step is not None else ()
        return name in late or name.removesuffix(OUT) in late

    def look_ahead(self, edges: Collection[EdgeUse]) -> None:
        """How many steps late the latest edge of each variable is; behind operators, edges have their own."""
        for edge in edges:
            if not edge.spread and not (edge.template and edge.template.operators):
                self.furthest[edge.source] = max(self._steps(edge), self.furthest.get(edge.source, 0))

    def _steps(self, edge: EdgeUse) -> int:
        """The delay in steps; PyRates counts none as one, and leaves it out where none is longer."""
        step = self.delays.step
        return round(edge.delay / step) if edge.delay and step else 1

    def _late(self, signal: str, edge: EdgeUse) -> str:
        """The name of the past of a signal that the edge brings, or of the signal itself."""
        delay, step = edge.delay, self.delays.step
        if edge.spread or self.delays.order:
            return signal
        if step is not None:
            steps = self._steps(edge)
            delay = steps * step if self.furthest.get(signal, steps) > 1 else 0.0
        if not delay:
            return signal
        name = f"{signal}_late_{delay!r}"
        self.late[name] = Late(signal, delay, edge.location)
        return name

    def _chained(self, signal: str, edge: EdgeUse) -> str:
        """The signal after the chain of equations that stands for a delay with a spread."""
        if not edge.delay or not (edge.spread or self.delays.order):
            return signal
        own = round((edge.delay / edge.spread) ** 2) if edge.spread else 0
        order = max(own, self.delays.order)
        if order > limits.CHAIN.value():
            message = f"the delay of {edge.delay:g} with a spread of {edge.spread:g} needs {order} equations"
            self.report(UnsupportedError, message, edge.location, f"at most {limits.CHAIN}")
            return signal
        return self._chain(signal, order, order / edge.delay, edge) if order else signal

    def _chain(self, signal: str, order: int, rate: float, edge: EdgeUse) -> str:
        """The last stage of a chain; edges of one source with the same delay and spread share it."""
        key = (signal, order, rate)
        if key not in self.chains:
            number = 1 + sum(other == signal for other, _, _ in self.chains)
            stem, constant = f"{signal}_delay{number}", f"{signal}_delay{number}_rate"
            self.variables[constant] = Variable("constant", rate, edge.location)
            for stage in range(1, order + 1):
                name = f"{stem}_{stage}"
                self.variables[name] = Variable("variable", 0.0, edge.location)
                self.rates[name] = Binary("*", Name(constant), Binary("-", Name(signal), Name(name)))
                signal = name
            self.chains[key] = signal
        return self.chains[key]

    # ---- inputs ------------------------------------------------------------------------------------------

    def add_external(self, name: str) -> str:
        """Opens an input for what comes from outside; the name of the constant, 0, that this adds to."""
        if name not in self.feeds:
            self.variables[name] = replace(self.variables[name], value=0.0)
            return name
        own = name + EXTERNAL
        self.variables[own] = Variable("constant", 0.0, self.variables[name].location)
        self.feeds[name].append(Name(own))
        return own

    def close(self) -> None:
        """Gives each input that is fed the sum of its terms."""
        for name, terms in self.feeds.items():
            if name in self.rates or name in self.values:
                message = f"{name} has an equation and is the target of an edge"
                self.report(ModelError, message, self.variables[name].location, "an input")
                continue
            self.values[name] = _sum(terms)
        self.feeds = {}


def _sum(terms: list[Expr]) -> Expr:
    total = terms[0]
    for term in terms[1:]:
        match term:
            case Binary("*", Number(weight), signal) if weight < 0:
                total = Binary("-", total, Binary("*", Number(-weight), signal))
            case _:
                total = Binary("+", total, term)
    return total


def system_of(
    circuit: Circuit, external: Collection[str] = (), delays: Delays = NO_DELAYS
) -> tuple[System, dict[str, str]]:
    """The equations of a circuit, and for each of the ``external`` inputs the constant that stands for it.

    Raises:
        ModelError: an edge, or an external input, without its variable; a variable with two equations.
        ExpressionError: an equation that cannot be read.
        UnsupportedError: an array, a value of the past in an equation.
    """
    system = System(delays=delays)
    for path, node in circuit.all_nodes().items():
        system.add_group(path, node)
    edges = list(circuit.all_edges())
    system.look_ahead(edges)
    for number, edge in enumerate(edges):
        system.add_edge(edge, number)
    opened = {}
    for name in external:
        if name in system.variables:
            opened[name] = system.add_external(name)
        else:
            hint = nearest(name, system.variables)
            system.report(ModelError, f"there is no input '{name}'", circuit.location, hint=hint)
    system.close()
    system.raise_problems()
    return system, opened
