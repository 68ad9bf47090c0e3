"""Every rule about models has one that keeps it and some that break it, in ``tests/rules/``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tvbo_lite.cli.validate import findings

RULES = Path(__file__).parent / "rules"
MODELS = sorted((*RULES.glob("*/*.xml"), *RULES.glob("*/*.nml")))
BROKEN = [path for path in MODELS if path.stem != "valid"]
_LINE = re.compile(r"(?:warning: )?(?P<file>[\w.]+\.(?:xml|nml)):\d+: ")


def expected(folder: Path) -> dict[str, list[str]]:
    """For each file, the messages about it; a line that names no file goes on with the one before."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (folder / "expected.txt").read_text(encoding="utf-8").splitlines():
        match = _LINE.match(line)
        if match:
            name = match["file"]
            found.setdefault(name, []).append(line)
        else:
            found[name][-1] += f"\n{line}"
    return found


def told(path: Path) -> list[str]:
    lines = findings(path.name)
    return [*lines.errors, *(f"warning: {line}" for line in lines.warnings)]


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", BROKEN, ids=label)
def test_a_broken_model_is_told_with_file_line_and_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages about it are those in ``expected.txt``, no more and no fewer."""
    monkeypatch.chdir(path.parent)
    assert told(path) == expected(path.parent)[path.name]


@pytest.mark.parametrize("path", [path for path in MODELS if path.stem == "valid"], ids=label)
def test_a_model_that_keeps_all_rules_has_no_problems(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor warnings."""
    monkeypatch.chdir(path.parent)
    assert told(path) == []


def test_the_corpus_is_whole() -> None:
    """At least sixty broken models; each folder has a valid one; no message is about a file that is gone."""
    assert len(BROKEN) >= 60
    for folder in sorted(path for path in RULES.iterdir() if path.is_dir()):
        names = {path.name for path in folder.iterdir()}
        assert {"valid.xml", "valid.nml"} & names, folder.name
        assert set(expected(folder)) == {path.name for path in BROKEN if path.parent == folder}
