"""``tvbo-lite`` and ``python -m tvbo_lite``."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys

OBJECTS = 200_000  # made between two searches for cyclic garbage; Python's 700 costs 20 ms of a short run

STOPPED = 130  # exit status


def main() -> None:
    """Run the command line; ends the process with its exit status.

    The process ends without taking the interpreter and its libraries apart, which takes longer than
    a small simulation; what was registered to be done at the end is done, and all output is written.
    SIGTERM, which batch systems send before they kill, does what Ctrl-C does.
    """
    gc.set_threshold(OBJECTS, 10, 10)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from tvbo_lite.cli import cli

        cli(prog_name="tvbo-lite")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        atexit._run_exitfuncs()  # noqa: SLF001  the only way to run them now
        os._exit(_flushed(status))
    except KeyboardInterrupt:  # before there is a command
        os._exit(_flushed(STOPPED))


def _flushed(status: int) -> int:
    """``status``, once all output is written; 1 if its reader has gone."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # a closed pipe, a closed stream
        return status or 1
    return status


if __name__ == "__main__":
    main()
