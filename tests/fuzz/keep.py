"""Chooses few and small inputs that together take all the branches that a corpus takes.

    cd tests && python -m fuzz.keep yaml /tmp/yaml

The smallest come first; one that adds no line of the package that ran is left out, and what is larger than
`LARGEST` or beyond `ALL` bytes too.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from fuzz import runner
from tvbo_lite.resources import __file__ as _a_module

CORPUS = Path(__file__).parent / "corpus"
PACKAGE = str(Path(_a_module).parent)
LARGEST = 1500  # bytes, of one input
ALL = 30_000  # bytes, of one reader


def lines_run(examine: runner.Examine, data: bytes, ending: str) -> set[tuple[str, int]]:
    """Which lines of the package run for an input."""
    found: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(PACKAGE):
            return None
        if event == "line":
            found.add((file, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        runner.check(examine, data, ending, 60.0)
    finally:
        sys.settrace(None)
    return found


def main() -> None:
    """Replaces the corpus of one reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=("yaml", "lems", "pyrates"))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    examine = import_module(f"fuzz.{given.reader}_reader").examine
    ending = ".xml" if given.reader == "lems" else ".yaml"
    known: set[tuple[str, int]] = set()
    kept: list[bytes] = []
    lines_run(examine, b"", ending)  # imports once what is loaded on first use
    for data in sorted(
        {path.read_bytes() for path in given.folder.iterdir()}, key=lambda one: (len(one), one)
    ):
        if len(data) > LARGEST or sum(map(len, kept)) + len(data) > ALL:
            continue
        new = lines_run(examine, data, ending) - known
        if new:
            known |= new
            kept.append(data)
    place = CORPUS / given.reader
    for old in place.glob("*"):
        old.unlink()
    for data in kept:
        (place / hashlib.sha256(data).hexdigest()[:12]).with_suffix(ending).write_bytes(data)
    sys.stdout.write(f"{len(kept)} inputs, {sum(map(len, kept))} bytes, {len(known)} lines\n")


if __name__ == "__main__":
    main()
