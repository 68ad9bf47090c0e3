"""Where the steps of an expansion say what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tvbo_lite.errors import ModelError

if TYPE_CHECKING:
    from tvbo_lite.errors import InputError

__all__ = ["Path", "Report"]

Path = tuple[str | int, ...]


class Report(Protocol):
    """Collects problems, each with its place in the document."""

    def report(
        self,
        path: Path,
        message: str,
        expected: str | None = None,
        hint: str | None = None,
        kind: type[InputError] = ModelError,
    ) -> None:
        """Remember a problem."""

    def unsupported(self, path: Path, message: str, hint: str | None = None) -> None:
        """Remember something that is right but cannot be expressed."""
