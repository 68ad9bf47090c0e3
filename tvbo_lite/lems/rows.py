"""Many sibling components that differ in numbers only, such as a million connections, kept as arrays.

To everyone who looks at a component's children they are ordinary components, made when asked for. The
engine takes the arrays as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

from tvbo_lite.errors import NOWHERE, Location

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tvbo_lite.lems.model import Component
    from tvbo_lite.lems.runs import Runs

__all__ = ["Children", "Column", "Rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """An attribute of many components: the text of row ``i`` is ``before``, number ``i``, ``after``.

    ``Column(array, after=" mV")`` are quantities, ``Column(array, "../pop[", "]")`` are paths.
    """

    numbers: NDArray[np.generic] | Runs
    before: str = ""
    after: str = ""

    @property
    def values(self) -> NDArray[np.generic]:
        """The numbers as an array; `Runs` become one each time."""
        import numpy as np

        return np.asarray(self.numbers)

    def text(self, row: int) -> str:
        return f"{self.before}{self.numbers[row].item()!r}{self.after}"

    def same(self, other: Column) -> bool:
        """Whether all rows have the same texts, without making them."""
        mine, theirs = self.values, other.values
        around = (self.before, self.after) == (other.before, other.after)
        return around and mine.dtype == theirs.dtype and mine.tobytes() == theirs.tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """``count`` components: ``attributes`` are the same for all, ``columns`` are not.

    Their ids are the numbers in ``ids``, shape ``(count,)``; without it 0, 1, ...
    """

    tag: str
    count: int
    columns: Mapping[str, Column]
    attributes: Mapping[str, str] = field(default_factory=dict)
    type: str | None = None
    location: Location = NOWHERE
    ids: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.count

    def component(self, row: int) -> Component:
        """One of them."""
        from tvbo_lite.lems.model import Component

        own = {name: column.text(row) for name, column in self.columns.items()}
        attributes = {**self.attributes, **own}
        name = str(row if self.ids is None else self.ids[row])
        return Component(self.tag, name, self.type, None, attributes, location=self.location)

    def __iter__(self) -> Iterator[Component]:
        columns = {name: replace(column, numbers=column.values) for name, column in self.columns.items()}
        return map(replace(self, columns=columns).component, range(self.count))

    def same(self, other: Rows) -> bool:
        """Whether the components are written alike, table by table; their places do not count."""
        mine = (self.tag, self.count, self.type, dict(self.attributes), set(self.columns))
        if mine != (other.tag, other.count, other.type, dict(other.attributes), set(other.columns)):
            return False
        ids = [None if rows.ids is None else rows.ids.tobytes() for rows in (self, other)]
        return ids[0] == ids[1] and all(
            column.same(other.columns[name]) for name, column in self.columns.items()
        )


class Children(Sequence["Component"]):
    """The children of a component, some of which are rows of a table.

    Equal to any sequence of equal components. ``parts`` are the components and `Rows` in their order.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: Component | Rows) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(len(part) if isinstance(part, Rows) else 1 for part in self.parts)

    def __iter__(self) -> Iterator[Component]:
        for part in self.parts:
            if isinstance(part, Rows):
                yield from part
            else:
                yield part

    @overload
    def __getitem__(self, index: int) -> Component: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Component, ...]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Children) and _same_parts(self.parts, other.parts):
            return True
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Children(<{len(self)} components>)"


def _same_parts(some: Sequence[Component | Rows], others: Sequence[Component | Rows]) -> bool:
    """Whether the parts are equal one by one; tables are compared as arrays."""
    if len(some) != len(others):
        return False
    for one, two in zip(some, others, strict=True):
        if isinstance(one, Rows) != isinstance(two, Rows):
            return False
        same = one.same(two) if isinstance(one, Rows) and isinstance(two, Rows) else one == two
        if not same:
            return False
    return True


def parts_of(children: Sequence[Component]) -> Sequence[Component | Rows]:
    """The children with rows as they are kept."""
    return children.parts if isinstance(children, Children) else children
