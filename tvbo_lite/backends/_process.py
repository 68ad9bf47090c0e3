"""A program in its own folder and process group, with a time limit, its lines sent to a logger."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from tvbo_lite.errors import BackendError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Output", "run"]


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed; ``code`` is its exit status, None where its time was over."""

    code: int | None
    stdout: tuple[str, ...]
    stderr: tuple[str, ...]
    seconds: float


def run(
    command: Sequence[str],
    folder: Path,
    timeout: float,
    log: logging.Logger,
    variables: Mapping[str, str] | None = None,
) -> Output:
    """Run ``command`` in ``folder`` for at most ``timeout`` seconds; its children end with it.

    ``variables`` are added to the environment, or take the place of what is there.

    Raises:
        BackendError: the program cannot be started.
    """
    start = time.perf_counter()
    lines: tuple[list[str], list[str]] = ([], [])
    code: int | None = None
    with contextlib.ExitStack() as stack:
        with _signals_held_back():
            process = stack.enter_context(_started(command, folder, variables or {}))
            for stream, kept in zip((process.stdout, process.stderr), lines, strict=True):
                reader = threading.Thread(target=_read, args=(stream, kept, log), daemon=True)
                reader.start()
                stack.callback(reader.join)
            stack.callback(_kill, process)  # first of all, also after Ctrl-C
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            log.info("stopped after %g s", timeout)
    return Output(code, tuple(lines[0]), tuple(lines[1]), time.perf_counter() - start)


def _started(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603  a list without a shell; the caller built it from found paths
            list(command),
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        msg = f"{command[0]} cannot be started: {error.strerror}"
        raise BackendError(msg) from error


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until it is over: from the start of a program on, somebody has to end it."""
    seen: list[int] = []
    usual: dict[int, Callable[..., object]] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                usual[number] = handler
                signal.signal(number, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        for one, handler in usual.items():
            signal.signal(one, handler)
        for one in seen:
            usual[one](one, None)


def _read(stream: IO[str], kept: list[str], log: logging.Logger) -> None:
    for line in stream:
        text = line.rstrip("\r\n")
        kept.append(text)
        log.info("%s", text)


def _kill(process: subprocess.Popen[str]) -> None:
    """End the process and what it started; also what it has left behind, which would hold its output open."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left but what is dead
            os.killpg(process.pid, signal.SIGKILL)  # it leads its own group
    elif process.poll() is None:
        process.kill()
    process.wait()
