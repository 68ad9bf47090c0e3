"""Names and expressions as Brian 2 spells them."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from dataclasses import dataclass, field

from tvbo_lite.expr.tree import Expr, Name
from tvbo_lite.formats._spelling import Spelling
from tvbo_lite.formats.brian2.dimensions import TIME, Mismatch, Zero, in_units, product_text, unit_text
from tvbo_lite.formats.brian2.order import everything
from tvbo_lite.transforms.equations.system import (
    CLOCK,
    Across,
    Group,
    Missing,
    Outer,
    System,
    Total,
)

__all__ = ["Words", "consistent"]

FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "exp": "exp",
    "sqrt": "sqrt", "ln": "log", "log": "log", "ceil": "ceil", "abs": "abs", "random": "(rand()*({}))",
    "H": "(0.5*(sign({}) + 1))",
}  # fmt: skip
_WORDS = """
    i j N t dt t_in_timesteps xi e inf pi abs arccos arcsin arctan ceil clip cos cosh exp expm1
    exprel floor int log log10 log1p poisson rand randn sign sin sinh sqrt tan tanh timestep choose
    spike lastspike not_refractory delay Hz MHz amp cm cm2 cm3 kHz lux mA mM mV mm mm2 mm3 mol ms nA
    nF nM nS ohm pA pF uA uF uM uS um um2 um3 us volt siemens farad second meter kelvin mole metre
    joule watt gram kilogram liter molar katal gray tesla weber henry newton pascal hertz coulomb
    becquerel sievert candle lumen active holds where elapsed
"""
# Names with a meaning of their own in Brian 2: its functions, constants, variables and short units.
TAKEN = frozenset(_WORDS.split())


@dataclass(slots=True)
class Words:
    """How the names of one group are spelled. ``units`` tells whether quantities carry their units."""

    system: System
    group: Group
    units: bool
    totals: dict[tuple[str, str, bool], str] = field(default_factory=dict)  # what is added up: its variable
    linked: dict[Outer | Across, str] = field(default_factory=dict)
    clock: str = "elapsed(t)"

    # ---- names --------------------------------------------------------------------------------------

    def name(self, name: str) -> str:
        """A name of the group as Brian 2 allows it."""
        return f"{name}_{self.group.name}" if name in TAKEN or keyword.iskeyword(name) else name

    def powers(self, name: str) -> tuple[float, ...]:
        """The dimension of a name of the group, as exponents. Raises `Mismatch` where it has none."""
        dimension = self.group.dimension(name)
        found = self.system.exponents.get(dimension)
        if found is None:
            raise Mismatch
        return found

    def unit(self, name: str) -> str:
        """The unit of a name of the group: ``volt``, ``1``."""
        return unit_text(self.powers(name)) if self.units else "1"

    def quantity(self, name: str, value: str) -> str:
        """A number, or an array of numbers, with the unit of a name."""
        return product_text(value, self.powers(name)) if self.units else value

    def no_rate(self, name: str) -> str:
        """0 as the rate of a variable."""
        if not self.units:
            return "0/second"
        unit = self.unit(name)
        return "0/second" if unit == "1" else f"0*{unit}/second"

    # ---- expressions ----------------------------------------------------------------------------------

    def text(
        self, expr: Expr, of: str | None = None, *, ending: Iterable[str] = (), rate: bool = False
    ) -> str:
        """An expression for the variable ``of`` (its rate where ``rate``), or a condition.

        The names in ``ending`` get ``_post``, as in the code of a synapse.
        """
        if self.units:
            wanted = None if of is None else self.powers(of)
            if wanted is not None and rate:
                wanted = tuple(p - q for p, q in zip(wanted, TIME, strict=True))
            expr = in_units(expr, wanted, self._known)
        text = Spelling(lambda leaf: self._leaf(leaf, set(ending)), FUNCTIONS, _choice).text(expr)
        return f"({text})/second" if rate and not self.units else text

    def _known(self, leaf: Expr) -> tuple[float, ...]:
        if isinstance(leaf, Name):
            return self.powers(leaf.name)
        if isinstance(leaf, Zero):
            return leaf.powers
        group, name = self.place(leaf)
        found = self.system.exponents.get(group.dimension(name))
        if found is None:
            raise Mismatch
        return found

    def place(self, leaf: Expr) -> tuple[Group, str]:
        """The group and name that a leaf reads; of a sum, the first."""
        if isinstance(leaf, Outer):
            at = self.group
            for _ in range(leaf.depth):
                assert at.host is not None  # noqa: S101  `depth` counts hosts
                at = at.host
            return at, leaf.name
        if isinstance(leaf, Across):
            return self.system.groups[leaf.group], leaf.name
        if isinstance(leaf, Total) and leaf.groups:
            read = [
                (self.system.groups[g], name) for g, name in zip(leaf.groups, leaf.variables, strict=True)
            ]
            if len({self.system.exponents.get(group.dimension(name)) for group, name in read}) == 1:
                return read[0]
        raise Mismatch

    def _leaf(self, leaf: Expr, ending: set[str]) -> str:
        if isinstance(leaf, Name):
            if leaf.name == CLOCK:
                return self.clock if self.units else f"({self.clock}/second)"
            if leaf.name == self.group.weight and ending:
                return "event_weight"
            own = self.name(leaf.name)
            return f"{own}_post" if leaf.name in ending else own
        if isinstance(leaf, Zero):
            return product_text("0", leaf.powers)
        if isinstance(leaf, Missing):
            return "0"
        if isinstance(leaf, Total):
            return self._total(leaf)
        assert isinstance(leaf, Outer | Across)  # noqa: S101  there is no other leaf
        if leaf not in self.linked:
            prefix = f"host{leaf.depth if leaf.depth > 1 else ''}" if isinstance(leaf, Outer) else "far"
            self.linked[leaf] = f"{prefix}_{leaf.name}"
        return self.linked[leaf]

    def _total(self, leaf: Total) -> str:
        terms = []
        for group, variable in zip(leaf.groups, leaf.variables, strict=True):
            key = (group, variable, leaf.multiply)
            terms.append(self.totals.setdefault(key, f"{variable}_of_{group}"))
        joined = (" * " if leaf.multiply else " + ").join(terms)
        return joined if len(terms) == 1 else f"({joined})"


def _choice(test: str, yes: str, no: str) -> str:
    return f"choose({test}, {yes}, {no})"


def consistent(words: Words) -> bool:
    """Whether all expressions of the group have dimensions that fit, so that units can be written."""
    try:
        for of, rate, expr in everything(words.group):
            words.text(expr, of, rate=rate)
    except Mismatch:
        return False
    finally:
        words.totals.clear()
        words.linked.clear()
    return True
