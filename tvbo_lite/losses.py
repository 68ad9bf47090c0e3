"""What a format could not hold: a text, the place it stands at, and why. The caller decides what follows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from tvbo_lite.errors import NOWHERE, Location, Problem, RenderError

__all__ = ["Loss", "LossWarning", "Losses"]


class LossWarning(UserWarning):
    """A loss that the caller did not ask to be given."""


@dataclass(frozen=True, slots=True)
class Loss:
    """``what`` was left out (as the model says it), ``where`` it stands, and the ``reason``."""

    what: str
    reason: str
    where: Location = NOWHERE

    def __str__(self) -> str:
        return str(Problem(f"{self.what}: {self.reason}", self.where))


@dataclass(slots=True)
class Losses:
    """The losses of one translation, in the order in which they were met, each once."""

    found: list[Loss] = field(default_factory=list)

    def add(self, what: str, reason: str, where: Location = NOWHERE) -> None:
        """Notes that ``what`` is not in the output."""
        loss = Loss(what, reason, where)
        if loss not in self.found:
            self.found.append(loss)

    def __iter__(self) -> Iterator[Loss]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def require_none(self, target: str) -> None:
        """Raises `RenderError` with all losses, where there is any."""
        if self.found:
            lines = "\n".join(f"  {loss}" for loss in self.found)
            msg = f"{target} cannot hold all of this model:\n{lines}"
            raise RenderError(msg)

    def tell(self, target: str, given: Losses | None, stacklevel: int = 3) -> None:
        """Adds all to the ``given`` losses of a caller; one who gave none gets a `LossWarning` for each."""
        for loss in self.found:
            if given is None:
                warnings.warn(f"{target}: {loss}", LossWarning, stacklevel=stacklevel)
            else:
                given.add(loss.what, loss.reason, loss.where)
