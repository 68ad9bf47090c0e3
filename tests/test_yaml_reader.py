"""The YAML reader: core-schema scalars, lines, refusals."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite.errors import ReadError
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.limits import YAML_ALIASES, YAML_DEPTH

DEEPEST, MOST_ALIASED = int(YAML_DEPTH.default), int(YAML_ALIASES.default)


def refused(text: str) -> list[str]:
    with pytest.raises(ReadError) as caught:
        read_text(text, "model.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-6", 3e-6),
        ("1e5", 1e5),
        ("1E+5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-5", -5),
        ("+3", 3),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        (".", "."),
        ("-.", "-."),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("!!int 5", 5),
        ("! 5", "5"),
        ("v .gt. thresh", "v .gt. thresh"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    """A plain scalar has the value, and the type, that the YAML 1.2 core schema gives it."""
    found = read_text(f"key: {text}").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number() -> None:
    """``.nan`` is a float that is not a number."""
    assert math.isnan(read_text("a: .nan").data["a"])


def test_keys_are_texts_as_written() -> None:
    """A key is never taken for a number, a truth value or nothing."""
    text = "1: a\ntrue: b\nnull: c\nn: d\n0x10: e\n"
    assert list(read_text(text).data) == ["1", "true", "null", "n", "0x10"]


def test_every_key_and_item_has_its_line() -> None:
    """The line of a key is where the key stands, the line of a list item where its value begins."""
    document = read_text("# head\na:\n  b: 1\n  c:\n    - 10\n    - d: 2\n      e: [3,\n        4]\n")
    assert dict(document.lines) == {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 6,
        ("a", "c", 1, "d"): 6,
        ("a", "c", 1, "e"): 7,
        ("a", "c", 1, "e", 0): 7,
        ("a", "c", 1, "e", 1): 8,
    }


def test_a_location_shows_file_line_and_path() -> None:
    """A path inside the document becomes file, line and a readable path."""
    document = read_text("network:\n  edges:\n    - {source: 1}\n", "net.yaml")
    assert str(document.location(("network", "edges", 0, "source"))) == "net.yaml:3: network.edges[0].source"
    assert str(document.location(())) == "net.yaml:1"


def test_a_location_falls_back_to_the_nearest_parent() -> None:
    """What is not in the document has the line of the nearest parent that is."""
    document = read_text("a:\n  b:\n    c: 1\n")
    assert document.location(("a", "b", "missing", 3)).line == 2
    assert document.location(("nothing",)).line == 1


def test_odd_keys_are_quoted_in_paths() -> None:
    """A key that is no plain name is shown in brackets."""
    path = read_text("space:\n  Cell.I: 1\n").location(("space", "Cell.I")).path
    assert path == 'space["Cell.I"]'


def test_an_alias_repeats_its_value() -> None:
    """An alias stands for a copy of the value that it names; a change of one leaves the other alone."""
    data = read_text("a: &x {k: 1}\nb: *x\n").data
    assert data == {"a": {"k": 1}, "b": {"k": 1}}
    data["a"]["k"] = 2
    assert data["b"] == {"k": 1}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "is empty"),
        ("# only a comment\n", 1, "is empty"),
        ("- 1\n", 1, "holds a list"),
        ("\njust text\n", 2, "holds a scalar"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
        ("a: 1\n b: 2\n", 2, "not valid YAML"),
        ("a:\n\tb: 1\n", 2, "with spaces"),
        ("a: \x01\n", 1, "not valid YAML"),
        ("a: 1\nb: \ud800\n", 2, "half of a character"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice, first in line 1"),
        ("b:\n  a: 1\n  a: 3\n", 3, "b.a: 'a' is given twice"),
        ("a: 1\nb: !mine 3\n", 2, "the tag !mine is not supported"),
        ("a: !!python/name:os.system x\n", 1, "not supported"),
        ("a: !mine [1]\n", 1, "the tag !mine is not supported"),
        ("a: !!int x\n", 1, "'x' is tagged !!int but is none"),
        ("a: 1\n? [b]\n: 2\n", 2, "a list cannot be a key"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge keys"),
        ("abc: &abc 1\nb: *abd\n", 2, "did you mean 'abc'?"),
        ("a: &x\n  - *x\n", 2, "inside the value that it names"),
        ("a: " + "9" * 5000, 1, "5000 digits"),
    ],
)
def test_what_is_refused_says_where_and_why(text: str, line: int, words: str) -> None:
    """Each refusal names the file, the line and the reason."""
    (problem,) = refused(text)
    assert problem.startswith(f"model.yaml:{line}:")
    assert words in problem
    assert "\n" not in problem


def test_all_problems_are_reported_in_file_order() -> None:
    """Duplicate keys, tags and merge keys of one file are reported together, sorted by line."""
    problems = refused("a: !x 1\nb: 1\nb: 2\nc: {<<: 3}\n")
    assert [problem.split(":")[1] for problem in problems] == ["1", "3", "4"]


@pytest.mark.parametrize("depth", [DEEPEST, 100_000])
def test_deep_nesting_is_refused_without_exhausting_the_stack(depth: int) -> None:
    """More than DEEPEST collections inside each other are an ordinary problem."""
    assert "nested too deep" in refused("a: " + "[" * depth + "]" * depth)[0]


def test_nesting_up_to_the_limit_is_read() -> None:
    """DEEPEST collections inside each other are read."""
    depth = DEEPEST - 1
    assert read_text("a: " + "[" * depth + "]" * depth).data["a"]


def test_aliases_cannot_nest_deeper_than_values() -> None:
    """A chain of aliases counts as the nesting that it stands for."""
    chain = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, DEEPEST + 5))
    assert "nested too deep" in refused(chain)[0]


def test_aliases_cannot_blow_up_a_document() -> None:
    """Nested aliases (a "billion laughs") stop at MOST_ALIASED values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (problem,) = refused("\n".join(lines))
    assert f"at most {MOST_ALIASED}" in problem


def test_a_large_document_without_aliases_has_no_limit() -> None:
    """The limit on repeated values does not count values that are written out."""
    text = "a: [" + "1, " * (MOST_ALIASED + 1) + "]"
    assert len(read_text(text).data["a"]) == MOST_ALIASED + 1


YAML_LIKE = st.text(alphabet="ab01:-?,[]{}&*!|>'\"%@`#~.\n \t<é\x85\u2028\ufeff", max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), YAML_LIKE))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, the reader gives a document or raises ReadError, and nothing else."""
    try:
        found: object = read_text(text).data
    except ReadError as error:
        found = error.problems
    assert isinstance(found, dict) or found


TEXT = st.text(st.characters(max_codepoint=0xD7FF), max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(TEXT, PLAIN, max_size=4))
def test_json_is_read_as_the_data_it_holds(data: dict[str, object]) -> None:
    """Every JSON object is YAML, and is read as the same data; every part of it has a line."""
    text = json.dumps(data, indent=1).replace("\x7f", "\\u007f")
    document = read_text(text)
    assert document.data == data
    assert all(1 <= line <= text.count("\n") + 1 for line in document.lines.values())
