"""What a user sees of an error: one message on stderr, and an exit status."""

from __future__ import annotations

from typing import IO, Any

import click

from tvbo_lite.errors import TvboLiteError

__all__ = ["Failure", "OurFault", "Stopped", "failure"]


class Failure(click.ClickException):
    """An error that the user can do something about."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to stderr."""
        click.echo(self.message, file=file, err=file is None)


class OurFault(Failure):
    """An error that should not have come so far."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h


class Stopped(Failure):
    """Ctrl-C, or SIGTERM."""

    exit_code = 130  # 128 + SIGINT


def failure(error: BaseException) -> Failure:
    """The message and exit status for what a subcommand raised."""
    match error:
        case KeyboardInterrupt():
            return Stopped("\nstopped")
        case TvboLiteError():
            return Failure("\n".join([_marked(str(error)), *getattr(error, "__notes__", ())]))
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return Failure(f"error: {where}{error.strerror or error}")
        case MemoryError():
            return Failure("error: this needs more memory than there is")
        case _ if _interrupted(error):
            return failure(KeyboardInterrupt())
    report = "this is a fault of tvbo-lite; please report it with what 'tvbo-lite --debug ...' shows"
    return OurFault(f"error: {type(error).__name__}: {error}\n{report}")


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind an error, as where Python 3.11 wraps what a class being made meets."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _marked(text: str) -> str:
    """Each problem of an error stands on a line of its own; indented lines belong to the one above."""
    return "\n".join(line if line.startswith(" ") else f"error: {line}" for line in text.split("\n"))
