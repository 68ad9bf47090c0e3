"""The small models that stand as texts in the tests: what the fuzzers start from, beside files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]


@cache
def _texts() -> tuple[str, ...]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.glob("*.py")))
    found = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return tuple(dict.fromkeys(text for text in found if isinstance(text, str) and "\n" in text))


def in_tests(*marks: str) -> Iterator[bytes]:
    """Each text of the tests that has one of the marks, such as ``"<Lems"``."""
    for text in _texts():
        if any(mark in text for mark in marks):
            yield text.encode(errors="replace")
