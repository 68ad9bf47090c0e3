"""jNeuroML's command line, and the words with which it says what is wrong."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite.backends.java import find_java
from tvbo_lite.formats.neuroml.jar import jar_path

if TYPE_CHECKING:
    from tvbo_lite.backends._process import Output

__all__ = ["MEMORY", "cause", "command", "last_words", "own_words"]

MEMORY = "2G"  # upper limit of the Java heap

_EXCEPTION = re.compile(
    r"(?:Exception in thread \"[^\"]*\" |Caused by: |\S+:\s+\(ERROR\) )?"
    r"(?:[\w$]+\.)+[\w$]*(?:Error|Exception)\b(?:: *(?P<message>.*))?"
)
_CAUSE = re.compile(r"Caused by: (?:[\w$]+\.)+[\w$]+: (?P<message>.+)")
_BANNER = re.compile(r" \* +(\S.*)")
_REFUSED = re.compile(r".*\(INFO\) (?P<message>Error! .*)")
_END_OF_MESSAGE = (
    "\tat ",
    "Caused by: ",
    "Current StateInstance",
    "Info on supported features",
    "Search directories are",  # names the copy's folder
)
_WORDS = 5  # lines of a message that are quoted


def command(
    main: Path, *flags: str, memory: str = MEMORY, folder: Path | None = None, search: Sequence[Path] = ()
) -> list[str]:
    """Java's command line for one of jNeuroML's jobs, without windows.

    It looks for includes beside the main file, and then in Java's ``user.dir``: that is ``folder``. Files
    are written relative to the process's own folder.
    """
    return [
        str(find_java()),
        f"-Xmx{memory}",
        "-XX:+UseSerialGC",  # starts faster than the default; there is little garbage
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        *([f"-Duser.dir={folder}"] if folder else []),
        "-cp",
        str(jar_path()),
        "org.neuroml.JNeuroML",
        *(["-I", ":".join(str(place.resolve()) for place in search)] if search else []),
        str(main),
        *flags,
    ]


def own_words(output: Output) -> list[str]:
    """The lines with which jNeuroML says what is wrong, without stack traces and the rest of the log."""
    words = _message(output.stderr, _EXCEPTION) or _message(output.stdout, _REFUSED)
    words += [match[1] for line in output.stderr if (match := _BANNER.fullmatch(line))]
    if any("OutOfMemoryError" in line for line in output.stderr):
        words.append("The run needs more memory than it was given (the option memory)")
    return words or last_words(output)


def cause(output: Output) -> list[str]:
    """The first line of the exception that caused the others, which an exporter's error hides."""
    causes = [match for line in output.stderr if (match := _CAUSE.fullmatch(line))]
    return [causes[-1]["message"]] if causes else own_words(output)


def last_words(output: Output) -> list[str]:
    """The last lines that a program printed; a remark where it printed none."""
    last = [line for line in (*output.stdout, *output.stderr) if line.strip()][-_WORDS:]
    return [*last, *_killed(output)] or [f"it printed nothing and ended with status {output.code}"]


def _killed(output: Output) -> list[str]:
    """What there is to say of a program that somebody else has ended."""
    code = output.code or 0
    number = -code if code < 0 else code - 128  # Java ends with 128 more than the signal that it has heard
    if number not in set(signal.Signals):
        return []
    name = signal.Signals(number).name
    memory = "; the system does that where memory is short" if name == "SIGKILL" else ""
    return [f"It was killed ({name}){memory}"]


def _message(lines: tuple[str, ...], pattern: re.Pattern[str]) -> list[str]:
    """The message of the first exception; one over many lines is cut."""
    starts = ((number, match) for number, line in enumerate(lines) if (match := pattern.fullmatch(line)))
    number, first = next(starts, (0, None))
    if first is None:
        return []
    words = [first["message"] or ""]
    for line in lines[number + 1 :]:
        if line.startswith(_END_OF_MESSAGE):
            break
        words.append(line)
    words = [line.rstrip() for line in words if line.strip()]
    return words if len(words) <= _WORDS else [*words[: _WORDS - 1], "..."]
