"""What every step of lowering needs: the known types and units, and a place to report problems."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tvbo_lite.errors import (
    ExpressionError,
    InputError,
    ModelError,
    Problem,
    UnitError,
    UnsupportedError,
    nearest,
)
from tvbo_lite.lems import model as lems
from tvbo_lite.lems.renamed import can_be_id
from tvbo_lite.schema.integration import seconds
from tvbo_lite.transforms.check.dimensions import same
from tvbo_lite.transforms.quantity import NONE
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from tvbo_lite.errors import Location
    from tvbo_lite.lems.beyond import Delay, Interval
    from tvbo_lite.schema import Dynamics
    from tvbo_lite.transforms.lower.bonds import Couplings
    from tvbo_lite.transforms.lower.course import Course
    from tvbo_lite.transforms.quantity import UnitTable
    from tvbo_lite.transforms.types import ResolvedType

__all__ = ["CORE", "Context", "OwnTypes", "Path", "listing"]

Path = tuple[str | int, ...]
Lag = tuple[float, Path]  # a delay (s), and where it stands
CORE = "neuroml:"
"""What ``iri`` puts before a type of the core files."""

_WHOLE = 1e-6  # how far an interval may be from a whole number of rows
# When problems of several kinds were found, the first kind here that occurs names the error.
_KINDS: tuple[type[InputError], ...] = (ModelError, ExpressionError, UnitError, UnsupportedError)


class OwnTypes(TypeTable):
    """The core types together with the types that an experiment defines."""

    def __init__(self, core: TypeTable) -> None:
        super().__init__(core.get(name).declared for name in core.names())
        self.core = core
        self.own: dict[str, lems.ComponentType] = {}

    def add(self, declared: lems.ComponentType) -> bool:
        """Add a type of the experiment's own; False where another one has its name."""
        if declared.name in self.core:
            return False
        self._declared.setdefault(declared.name, declared)
        return self.own.setdefault(declared.name, declared) == declared

    def get(self, name: str) -> ResolvedType:
        """The type with what it inherits. Raises `ModelError` for an unknown type."""
        return self.core.get(name) if name in self.core else super().get(name)


@dataclass(slots=True)
class Context:
    """Types, units and problems of one lowering; ``names`` are the ids that references may use.

    ``step`` is that of the integration in s, None where it adapts.

    ``dimensions`` are those that the core files have no name for; ``time_scale`` is the experiment's;
    ``couplings`` are those by equations;
    ``pulsed`` are the dynamics and coupling inputs that take pulses; ``differing`` are the dynamics of
    populations as the document has them, with what each cell draws.
    """

    types: OwnTypes
    units: UnitTable
    locate: Callable[[Path], Location]
    time_scale: str = "ms"
    step: float | None = None
    dimensions: dict[str, lems.Dimension] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    couplings: Couplings | None = None
    pulsed: frozenset[tuple[str, str]] = frozenset()
    differing: Mapping[str, Dynamics] = field(default_factory=dict)
    delays: dict[Delay, None] = field(default_factory=dict)  # with which couplings read
    lags: dict[str, tuple[Lag, Lag]] = field(default_factory=dict)  # of a type: the shortest and the longest
    courses: list[Course] = field(default_factory=list)  # samples too many for equations
    row_step: float | None = None  # s, between rows of results where nothing else is said
    intervals: list[Interval] = field(default_factory=list)  # of files with fewer rows
    found: list[tuple[type[InputError], Problem]] = field(default_factory=list)

    def lag(self, kind: str, time: float, path: Path) -> None:
        """Note how late (s) a term of the type ``kind`` reads."""
        one = (time, path)
        low, high = self.lags.get(kind, (one, one))
        self.lags[kind] = (one if time < low[0] else low, one if time > high[0] else high)

    def all_delays(self) -> Iterator[Delay]:
        """The delays of couplings, with the places of the shortest and the longest."""
        for delay in self.delays:
            (_, low), (_, high) = self.lags[delay.type]
            yield replace(delay, location=self.locate(low), longest=self.locate(high))

    def report(
        self,
        path: Path,
        message: str,
        expected: str | None = None,
        hint: str | None = None,
        kind: type[InputError] = ModelError,
    ) -> None:
        """Remember a problem; lowering goes on to find the others."""
        self.found.append((kind, Problem(message, self.locate(path), expected, hint)))

    def unsupported(self, path: Path, message: str, hint: str | None = None) -> None:
        """Remember something that is right but cannot be lowered yet."""
        self.report(path, message, hint=hint, kind=UnsupportedError)

    def raise_problems(self) -> None:
        """Raise all that was reported, in the order of the file."""
        for kind in _KINDS:
            if any(found is kind for found, _ in self.found):
                problems = [problem for _, problem in self.found]
                raise kind(sorted(problems, key=lambda problem: problem.location.line or 0))

    def interval(self, value: float | str | None, path: Path, what: str) -> float | None:
        """The time between rows (s) that is wanted; None, and a problem where it is not a number of rows."""
        time = seconds(value, self.time_scale) if value is not None else None
        if time is None or self.row_step is None:
            return time
        count = round(time / self.row_step)
        if count < 1 or abs(time / self.row_step - count) > _WHOLE * count:
            message = f"{what} every {value}, in a run with a row every {self.row_step * 1e3:g} ms"
            self.report(path, message, "a whole number of rows")
        return time

    def type(self, name: str, path: Path, what: str) -> ResolvedType | None:
        """The component type of that name; None, and a problem, where there is none."""
        if name in self.types:
            return self.types.get(name)
        hint = nearest(name, self.types.names())
        self.report(path, f"{what}: there is no NeuroML type '{name}'", hint=hint)
        return None

    def type_named(self, iri: str, path: Path, what: str) -> ResolvedType | None:
        """The type that ``neuroml:<Type>``, or the name of one of the document's own, stands for."""
        if iri.startswith(CORE):
            return self.type(iri.removeprefix(CORE), path, what)
        if iri in self.types.own:
            return self.types.get(iri)
        core = (CORE + name for name in self.types.core.names())
        hint = nearest(iri, self.types.own) or nearest(CORE + iri, core)
        self.report(path, f"{what}: 'iri: {iri}' names no component type", f"{CORE}<Type>", hint)
        return None

    def quantity(self, text: str, dimension: str, path: Path, what: str) -> None:
        """Report a quantity that is not of its dimension."""
        try:
            self.units.value(text, dimension)
        except UnitError as error:
            self.report(path, f"{what}: {error}", kind=UnitError)

    def exponents(self, dimension: str) -> tuple[float, ...]:
        """The exponents of a dimension, one made here included."""
        own = self.dimensions.get(dimension)
        return own.exponents if own else tuple(self.units.exponents(dimension) or NONE)

    def dimension(self, exponents: tuple[float, ...] | None, path: Path, what: str) -> str:
        """The name of a dimension; one that no core file names gets a name of its own."""
        if exponents is None:
            return "none"
        for name, known in self.units.dimensions.items():
            if same(exponents, known):
                return name
        if any(round(power, 9) % 1 for power in exponents):
            self.report(path, f"{what} has a dimension with broken exponents", kind=UnitError)
            return "none"
        m, l, t, i, k, n, j = (round(power) for power in exponents)  # noqa: E741
        shown = "".join(
            f"_{letter}{power}" for letter, power in zip("mltiknj", exponents, strict=True) if power
        )
        name = f"dimension{shown}".replace("-", "_minus_").replace(".0", "")
        self.dimensions[name] = lems.Dimension(name, m, l, t, i, k, n, j)
        return name

    def unit(self, symbol: str | None, path: Path, what: str) -> tuple[str, tuple[float, ...]]:
        """The dimension that a unit measures, and its exponents; "none" without a unit."""
        text = (symbol or "").strip()
        if not text:
            return "none", NONE
        if text not in self.units.units:
            message = f"{what}: unknown unit '{text}'"
            self.report(path, message, hint=nearest(text, self.units.units), kind=UnitError)
            return "none", NONE
        dimension = self.units.units[text].dimension
        return dimension, self.exponents(dimension)

    def name(self, name: str, path: Path, what: str) -> str:
        """A name that becomes an id in the model: letters, digits and underscores, no digit first."""
        if not can_be_id(name):
            expected = "letters, digits and underscores, not starting with a digit"
            self.report(path, f"'{name}' cannot be the name of {what}", expected)
        return name

    def among(self, name: str, known: Collection[str], path: Path, message: str) -> bool:
        """Whether ``name`` is known; a problem with the nearest name where it is not."""
        if name in known:
            return True
        self.report(path, message, listing(known) or None, nearest(name, known))
        return False


def listing(names: Iterable[str], most: int = 12) -> str:
    """``a, b, c``; long lists are cut."""
    names = list(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
