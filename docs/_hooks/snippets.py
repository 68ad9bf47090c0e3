"""The fenced blocks of a page, as a script that runs them in order.

A block of Python is run; so are, on pages that are walked through, the commands of a block of ``bash``, and a
block with a title is a file of that name. Blocks of other languages, such as ``console``, ``sh`` and ``py``,
are shown only. A line ``<!-- java -->`` before a block says that it needs Java.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "\x1e"  # before what a block prints
JAVA = "<!-- java -->"
FENCE = re.compile(r'```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?')
FIRST = "import pathlib, subprocess"  # in the line of the page's title


def is_walked(page: Path) -> bool:
    """Whether a page is one to walk through: the start, and the how-to pages."""
    return page.name == "start.md" or page.parent.name == "howto"


class Block(NamedTuple):
    """A fenced block: language, title, lines, the 0-based line of its fence, and whether it needs Java."""

    language: str
    title: str
    lines: list[str]
    fence: int
    java: bool

    @property
    def text(self) -> str:
        """What stands in it."""
        return "\n".join(self.lines) + "\n"


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page in Markdown."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        if lines[number].startswith("```"):
            end = lines.index("```", number + 1)
            found = FENCE.match(lines[number])
            language, title = (found["language"], found["title"] or "") if found else ("", "")
            java = number > 0 and lines[number - 1] == JAVA
            yield Block(language, title, lines[number + 1 : end], number, java)
            number = end
        number += 1


def script(text: str, *, walked: bool = False, java: bool = True) -> str:
    """The page as Python, each block at its own line of the page, so that tracebacks show the right one."""
    found: dict[int, str] = {0: FIRST} if walked else {}
    for block in blocks(text):
        lines = _lines(block, walked) if java or not block.java else []
        if lines:
            found[block.fence] = f"print('{MARK}{block.fence}', flush=True)"
            found |= dict(enumerate(lines, block.fence + 1))
    return "\n".join(found.get(number, "") for number in range(max(found, default=0) + 1)) + "\n"


def _lines(block: Block, walked: bool) -> list[str]:
    """A block as lines of Python; none for one that is shown only."""
    if walked and block.title:
        make = f"pathlib.Path({block.title!r}).parent.mkdir(parents=True, exist_ok=True)"
        return [f"{make}; pathlib.Path({block.title!r}).write_text({block.text!r}, encoding='utf-8')"]
    if walked and block.language == "bash":
        return [f"subprocess.run({['bash', '-euo', 'pipefail', '-c', block.text]!r}, check=True)"]
    return block.lines if block.language == "python" else []


def run(command: list[str], where: Path) -> str:
    """What a command prints, run in a folder, with the commands of this Python's environment.

    Raises `RuntimeError` with all it printed where it fails.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603 -- the pages are ours
        command, cwd=where, capture_output=True, text=True, encoding="utf-8", check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "120", "PATH": path},
    )  # fmt: skip
    if done.returncode:
        msg = f"{shlex.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(msg)
    return done.stdout


def run_page(text: str, where: Path, *, walked: bool = False, java: bool = True) -> dict[int, str]:
    """What each block of a page prints, by the line of its fence; its files are left in the folder ``where``.

    Raises as `run`.
    """
    file = where / "page.py"
    file.write_text(script(text, walked=walked, java=java), encoding="utf-8")
    printed = run([sys.executable, "-W", "error", str(file)], where)
    return {int(number): said for number, said in re.findall(f"{MARK}(\\d+)\n([^{MARK}]*)", printed)}
