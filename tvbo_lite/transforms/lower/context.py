"""What every step of lowering needs: the known types and units, and a place to report problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tvbo_lite.errors import (
    InputError,
    ModelError,
    Problem,
    UnitError,
    UnsupportedError,
    nearest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from tvbo_lite.errors import Location
    from tvbo_lite.transforms.quantity import UnitTable
    from tvbo_lite.transforms.types import ResolvedType, TypeTable

__all__ = ["Context", "Path", "listing"]

Path = tuple[str | int, ...]

# When problems of several kinds were found, the first kind here that occurs names the error.
_KINDS: tuple[type[InputError], ...] = (ModelError, UnitError, UnsupportedError)


@dataclass(slots=True)
class Context:
    """Types, units and problems of one lowering; ``names`` are the ids that references may use."""

    types: TypeTable
    units: UnitTable
    locate: Callable[[Path], Location]
    names: set[str] = field(default_factory=set)
    found: list[tuple[type[InputError], Problem]] = field(default_factory=list)

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

    def type(self, name: str, path: Path, what: str) -> ResolvedType | None:
        """The component type of that name; None, and a problem, where there is none."""
        if name in self.types:
            return self.types.get(name)
        hint = nearest(name, self.types.names())
        self.report(path, f"{what}: there is no NeuroML type '{name}'", hint=hint)
        return None

    def quantity(self, text: str, dimension: str, path: Path, what: str) -> None:
        """Report a quantity that is not of its dimension."""
        try:
            self.units.value(text, dimension)
        except UnitError as error:
            self.report(path, f"{what}: {error}", kind=UnitError)

    def name(self, name: str, path: Path, what: str) -> str:
        """A name that becomes an id in the model: letters, digits and underscores, no digit first."""
        if not (name.isidentifier() and name.isascii()):
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
