"""What a user sees of an error: one message on stderr, and an exit status."""

from __future__ import annotations

from typing import IO, Any

import click

from tvbo_lite.errors import TvboLiteError

USER, OURS, STOPPED = 2, 70, 130


class Failure(click.ClickException):
    """An error as text; ``exit_code`` is its own."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to stderr."""
        click.echo(self.message, file=file, err=file is None)


def failure(error: BaseException) -> Failure:
    """The message and exit status for what a subcommand raised."""
    if isinstance(error, KeyboardInterrupt):
        return Failure("\nstopped", STOPPED)
    if isinstance(error, TvboLiteError):
        return Failure(_lines(str(error)), USER)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return Failure(f"error: {where}{error.strerror or error}", USER)
    if isinstance(error, MemoryError):
        return Failure("error: there is not enough memory for this run", USER)
    again = "this is a fault of tvbo-lite; please report it with what 'tvbo-lite --debug ...' shows"
    return Failure(f"error: {type(error).__name__}: {error}\n{again}", OURS)


def _lines(text: str) -> str:
    """``error: `` before a message; where there are several, each stands on a line of its own."""
    return "\n".join(f"error: {line}" if not line.startswith(" ") else line for line in text.split("\n"))
