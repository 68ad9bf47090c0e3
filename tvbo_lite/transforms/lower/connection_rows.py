"""Connections, once it is known who is connected, as rows of a table: their weights and delays.

A quantity is one value for all, drawn for each, an expression of the distance, or a column of a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import UnitError
from tvbo_lite.lems.rows import Column, Rows
from tvbo_lite.lems.runs import Runs
from tvbo_lite.memory import LIMIT, lacking
from tvbo_lite.schema import Equation
from tvbo_lite.transforms.expand.distributions import draw
from tvbo_lite.transforms.expand.parts import words
from tvbo_lite.transforms.lower.context import listing
from tvbo_lite.transforms.lower.distances import between
from tvbo_lite.transforms.lower.formulas import formula
from tvbo_lite.transforms.lower.refuse import refuse_rest
from tvbo_lite.transforms.lower.rule_distance import places_of
from tvbo_lite.transforms.lower.rule_pairs import Ends, ImpossibleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.runs import Indices
    from tvbo_lite.schema import Parameter
    from tvbo_lite.schema.rules import Strengths
    from tvbo_lite.transforms.lower.context import Context, Path
    from tvbo_lite.transforms.lower.formulas import Constants, Formula
    from tvbo_lite.transforms.lower.groups import Group
    from tvbo_lite.transforms.lower.rule_pairs import Numbers

    Values = NDArray[np.float64]

__all__ = [
    "BYTES",
    "DIMENSIONS",
    "DRAWN",
    "ENDS",
    "Links",
    "Tags",
    "has_room",
    "is_countable",
    "rows_of",
    "words_of",
]

BYTES = 25
"""Memory, while it is read, of each number of a connection: its ends, and a weight or delay of its own."""

ENDS = 12
"""The same of both ends where these are drawn."""

DRAWN = 10
"""The same of a weight or delay that is drawn or worked out."""

DIMENSIONS = {"weight": "none", "delay": "time"}
_USUAL = {"weight": "1", "delay": "0ms"}
_ROUNDING = 1e-9  # a delay of one step may be off by that part of it
_MS = 1e3  # in a s


@dataclass(frozen=True, slots=True)
class Tags:
    """The element of a connection, and the one with weight and delay."""

    plain: str
    weighted: str


@dataclass(frozen=True, slots=True)
class Links:
    """Who is connected; ``given`` are weights and delays by connection, where a file has them, and ``where``
    names a row of it.
    """

    pre: Indices
    post: Numbers
    given: Mapping[str, Values] = field(default_factory=dict)
    where: Callable[[int], str] | None = None


def has_room(
    context: Context,
    given: Strengths,
    count: float,
    path: Path,
    what: str,
    *,
    ends: int = 2 * BYTES,
    own: int = BYTES,
) -> bool:
    """Whether there is memory for so many connections, that of their ``ends`` and of each number of their
    ``own`` in bytes; a problem where there is not.
    """
    strengths = (getattr(given, name) for name in DIMENSIONS)
    numbers = sum(item is not None and item.value is None for item in strengths)
    lack = lacking(count * (ends + numbers * own))
    if lack is None:
        return True
    hint = f"connect fewer, or set the environment variable {LIMIT}"
    context.unsupported(path, f"{what}: about {count:.3g} connections need {lack}", hint)
    return False


def words_of(given: Strengths, *more: object) -> set[str]:
    """The names in the expressions of weight and delay, and in further ones."""
    texts = [text for text in more if isinstance(text, str)]
    return words([given.weight, given.delay, *(Equation(rhs=text) for text in texts)])


def is_countable(context: Context, ends: Ends, path: Path) -> bool:
    """Whether the instances of both ends count from 0; problems where they do not."""
    both = (ends.source,) if ends.recurrent else (ends.source, ends.target)
    wrong = [group for group in both if not group.is_counted]
    for group in wrong:
        message = f"{ends.name}: the instances of '{group.id}' are {listing(group.instances or (), 5)}"
        context.report(path, message, f"0 to {group.size - 1}, in this order, for a rule or a table")
    return not wrong


def rows_of(
    context: Context,
    given: Strengths,
    ends: Ends,
    tags: Tags,
    path: Path,
    *,
    links: Links,
    constants: Constants,
) -> Rows | None:
    """The rows of a projection; None, and problems, where a weight or delay is wrong."""
    columns = {"preCellId": _cells(ends.source, links.pre), "postCellId": _cells(ends.target, links.post)}
    attributes: dict[str, str] = {}
    before = len(context.found)
    for name in DIMENSIONS:
        made = _Quantity(context, given, ends, links, constants, name, (*path, name)).made()
        if isinstance(made, Column):
            columns[name] = made
        elif made is not None:
            attributes[name] = made
    if len(context.found) > before:
        return None
    tag = tags.weighted if (columns.keys() | attributes.keys()) & DIMENSIONS.keys() else tags.plain
    if tag == tags.weighted:
        attributes |= {name: text for name, text in _USUAL.items() if name not in {*columns, *attributes}}
    return Rows(tag, len(links.pre), columns, attributes, location=context.locate(path))


def _cells(group: Group, cells: Indices) -> Column:
    from tvbo_lite.transforms.arrays import compact

    index = cells if isinstance(cells, Runs) else compact([cells])
    if group.instances is None:
        return Column(index, f"../{group.id}[", "]")
    return Column(index, f"../{group.id}/", f"/{group.component}")


@dataclass(frozen=True, slots=True)
class _Quantity:
    """The weights or the delays of the connections of a projection."""

    context: Context
    given: Strengths
    ends: Ends
    links: Links
    constants: Constants
    name: str
    path: Path

    @property
    def what(self) -> str:
        return f"{self.ends.name}.{self.name}"

    @property
    def dimension(self) -> str:
        return DIMENSIONS[self.name]

    def made(self) -> Column | str | None:
        """A number for each connection, or one text for all; None where nothing is said, or it is wrong."""
        item: Parameter | None = getattr(self.given, self.name)
        if self.name in self.links.given:
            return self._column(item, self.links.given[self.name])
        if item is None:
            return None
        refuse_rest(item, ("value", "unit", "distribution", "equation"), self.path, self.what, self.context)
        ways = [key for key in ("value", "equation", "distribution") if getattr(item, key) is not None]
        if len(ways) != 1:
            found = " and ".join(f"'{key}'" for key in ways) or "neither a value nor a column of a file"
            self.context.report(
                self.path, f"{self.what} has {found}", "one of 'value', 'equation', 'distribution'"
            )
            return None
        if item.equation is not None:
            return self._computed(item)
        return self._text(item) if item.distribution is None else self._drawn(item)

    def _text(self, item: Parameter) -> str | None:
        import numpy as np

        text = f"{item.value}{_suffix(item)}"
        value = self._value(text)
        return None if value is None or not self._are_possible(np.array([value]), 1.0) else text

    def _value(self, text: str) -> float | None:
        try:
            return self.context.units.value(text, self.dimension)
        except UnitError as error:
            self.context.report(self.path, f"{self.what}: {error}", kind=UnitError)
            return None

    def _drawn(self, item: Parameter) -> Column | None:
        chosen = item.distribution
        assert chosen is not None  # noqa: S101  the caller has looked
        scale = self._value(f"1{_suffix(item)}")
        if chosen.seed is None:
            chosen = chosen.model_copy(update={"seed": self.given.seed})
        count = len(self.links.pre)
        values = draw(chosen, self.what, count, (*self.path, "distribution"), self.context)
        if values is None or scale is None:
            return None
        if not self._are_possible(values, scale, " that was drawn"):
            return None
        return Column(values, after=_suffix(item))

    def _computed(self, item: Parameter) -> Column | str | None:
        """By an expression of the distance, in SI units; delays are written in ms."""
        assert item.equation is not None  # noqa: S101  the caller has looked
        place = (*self.path, "equation")
        if item.unit is not None:
            self.context.report((*self.path, "unit"), f"{self.what}: the equation has its unit", "no unit")
        made = formula(
            self.context, item.equation.rhs, self.dimension, place, constants=self.constants, what=self.what
        )
        if made is None:
            return None
        try:
            values = self._of_distances(made)
        except ImpossibleError as error:
            self.context.report(place, f"{self.what}: {error}")
            return None
        if not self._are_possible(values, 1.0, " that follows from the distance"):
            return None
        if self.dimension != "time":
            return Column(values)
        values *= _MS
        return Column(values, after=" ms")

    def _of_distances(self, made: Formula) -> Values:
        """The formula's value for each connection."""
        import numpy as np

        from tvbo_lite.transforms.arrays import pieces

        pre, post = self.links.pre, self.links.post
        if not made.uses_distance:
            return made.of(np.zeros(len(pre))).copy()
        sources, targets = places_of(self.ends.source), places_of(self.ends.target)
        values = np.empty(len(pre))
        for some in pieces(len(pre)):
            begins = pre.part(some) if isinstance(pre, Runs) else pre[some]
            values[some] = made.of(between(sources[begins], targets[post[some]]))
        return values

    def _column(self, item: Parameter | None, values: Values) -> Column | None:
        """A column of a file, of which only the unit is said here."""
        if item is not None and not {"unit", "name"}.issuperset(item.model_fields_set):
            message = f"{self.what}: the file has a column '{self.name}', and it is given here too"
            self.context.report(self.path, message, f"{self.name}: {{unit: ...}} alone")
            return None
        if item is None and self.dimension != "none":
            message = f"{self.what}: nothing says the unit of the column '{self.name}'"
            self.context.report(self.path, message, f"{self.name}: {{unit: ms}}")
            return None
        scale = self._value(f"1{_suffix(item)}")
        if scale is None or not self._are_possible(values, scale):
            return None
        return Column(values, after=_suffix(item))

    def _are_possible(self, values: Values, scale: float, how: str = "") -> bool:
        """Whether the numbers, which times ``scale`` are SI, are finite, and delays neither negative nor
        within a step; one problem where they are not, for the first such number.
        """
        import numpy as np

        from tvbo_lite.transforms.arrays import pieces

        step = self.context.step
        tests: list[tuple[Callable[[Values], NDArray[np.bool_]], str, str]] = [
            (lambda some: ~np.isfinite(some), "", "a finite number")
        ]
        if self.dimension == "time":
            tests.append((lambda some: some < 0, "", "0 or more"))
        if self.dimension == "time" and step is not None:
            least, shown = step * (1 - _ROUNDING), _ms(step)
            within = (f" is within a step of {shown}", f"0, or {shown} and more")
            tests.append((lambda some: (some > 0) & (some < least), *within))
        for is_wrong, what, expected in tests:
            rows = [
                np.flatnonzero(is_wrong(values[some] if scale == 1 else values[some] * scale)) + some.start
                for some in pieces(len(values))
            ]
            if any(map(len, rows)):
                self._report_first(values * scale, np.concatenate(rows), how + what, expected)
                return False
        return True

    def _report_first(self, values: Values, wrong: Numbers, how: str, expected: str) -> None:
        row = int(wrong[0])
        value = _ms(float(values[row])) if self.dimension == "time" else f"{values[row]:g}"
        of_file = self.links.where if self.name in self.links.given else None
        where = f"{of_file(row)}: " if of_file is not None else ""
        head = f"{self.what}: {where}a {self.name} of {value}{how}"
        more = len(wrong) - 1
        self.context.report(self.path, head + (f" (and {more} more)" if more else ""), expected)


def _ms(seconds: float) -> str:
    return f"{seconds * _MS:g} ms"


def _suffix(item: Parameter | None) -> str:
    return f" {item.unit}" if item is not None and item.unit else ""
