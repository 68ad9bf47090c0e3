"""The inputs that the fuzzers of `fuzz` kept: each ends in a model or in an error of ours."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from fuzz import runner

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
FILES = sorted(CORPUS.glob("*/*"))
ALL = 100_000  # bytes


@pytest.mark.parametrize("reader", ["yaml", "lems", "pyrates"])
def test_every_input_ends_in_a_model_or_an_error_of_ours(reader: str) -> None:
    """In time, within memory, and what is written is read back as it was (`fuzz.runner.check`)."""
    examine = import_module(f"fuzz.{reader}_reader").examine
    outcomes = [
        runner.check(examine, path.read_bytes(), path.suffix, 30.0)
        for path in FILES
        if path.parent.name == reader
    ]
    assert any(error is None for error in outcomes)
    assert any(error is not None for error in outcomes)


def test_the_corpus_is_small() -> None:
    """And nothing stands in it beside inputs."""
    assert sum(path.stat().st_size for path in FILES) < ALL
    assert {path.suffix for path in FILES} == {".yaml", ".xml"}
