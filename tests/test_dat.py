"""Text tables as jLEMS writes them."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tvbo_lite.errors import ReadError
from tvbo_lite.formats.dat import (
    EVENT_FORMATS,
    dat_bytes,
    event_bytes,
    read_dat,
    read_events,
    write_dat,
)


def java(value):
    """Float.toString of Java 19 and later, slowly: its documentation in code."""
    value = np.float32(value)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if np.signbit(value) else "0.0"
    if 1e-3 <= abs(value) < 1e7:
        return np.format_float_positional(value, unique=True, trim="0")
    mantissa, exponent = np.format_float_scientific(value, unique=True, trim="0").split("e")
    if abs(value) < 1e-42:  # a decimal of one digit gives way to the nearest one of two
        two, power = f"{float(value):.1e}".split("e")
        if len(mantissa.strip("-").replace(".0", "")) == 1:
            mantissa, exponent = two, power
    return f"{mantissa}E{int(exponent)}"


def text(table):
    return "".join("".join(f"{java(value)}\t" for value in row) + "\n" for row in table).encode()


floats = st.floats(width=32) | st.integers(0, 2**32 - 1).map(
    lambda bits: np.uint32(bits).view(np.float32).item()
)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=floats))
@settings(max_examples=300)
def test_any_float32_is_written_as_java_does(table):
    """Whatever the bit pattern, and however forms are mixed in a table, the text is Java's."""
    assert dat_bytes(table) == text(table)


@pytest.mark.parametrize("seed", range(3))
def test_many_bit_patterns_are_written_as_java_does(seed):
    """Twenty thousand random bit patterns, and as many of ordinary size, agree with the slow rule."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    usual = (rng.standard_normal(20_000) * 10.0 ** rng.integers(-9, 9, 20_000)).astype(np.float32)
    table = np.concatenate([bits, usual]).reshape(-1, 8)
    assert dat_bytes(table) == text(table)


def test_every_power_of_ten_and_its_neighbours_are_written_as_java_does():
    """The forms change at 1e-3 and 1e7; powers of ten and the floats beside them fall on either side."""
    with np.errstate(under="ignore"):
        powers = np.array([float(f"1e{k}") for k in range(-45, 39)]).astype(np.float32)
    table = np.column_stack(
        [np.nextafter(powers, np.float32(0)), powers, np.nextafter(powers, np.float32(np.inf))]
    )
    assert dat_bytes(np.hstack([table, -table])) == text(np.hstack([table, -table]))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (5e-4, "5.0E-4"), (1e-3, "0.001"), (9.999e-4, "9.999E-4"),
        (1e7, "1.0E7"), (9999999.0, "9999999.0"), (1.2345678e7, "1.2345678E7"), (-5e-6, "-5.0E-6"),
        (1e16, "1.0E16"), (1.4e-45, "1.4E-45"), (9.9e-44, "9.9E-44"), (3.4028235e38, "3.4028235E38"),
        (np.nan, "NaN"), (np.inf, "Infinity"), (-np.inf, "-Infinity"), (-0.07, "-0.07"), (1e300, "Infinity"),
    ],
)  # fmt: skip
def test_single_values(value, written):
    """Texts that Java 25 gave for these numbers."""
    assert dat_bytes([[value]]) == f"{written}\t\n".encode()


@pytest.mark.parametrize("columns", [1, 2, 7])
@pytest.mark.parametrize("low", [-7, 6])
def test_neighbours_of_unusual_size_do_not_touch(columns, low):
    """Values that grow by an exponent, or lose zeros, stand side by side in every order and sign."""
    rng = np.random.default_rng(columns)
    digits = rng.integers(-9, 10, 14_000) * 10.0 ** rng.integers(0, 5, 14_000)
    table = (digits * 10.0 ** rng.integers(low, low + 6, 14_000)).reshape(-1, columns).astype(np.float32)
    assert dat_bytes(table) == text(table)


def test_values_without_digits_stand_between_unusual_ones():
    """NaN and the smallest numbers are filled in where they belong."""
    row = [np.nan, 1e-5, np.inf, -1e-5, 1.4e-45, 1e9, -np.inf, 0.0]
    assert dat_bytes([row, row[::-1]]) == text([row, row[::-1]])


def test_every_value_is_followed_by_a_tab_and_rows_by_a_newline():
    """jLEMS ends a row with a tab too, and writes no header."""
    assert dat_bytes([[0, 1], [2, 3]]) == b"0.0\t1.0\t\n2.0\t3.0\t\n"


def test_an_empty_table_is_an_empty_text():
    """No rows, no lines."""
    assert dat_bytes(np.empty((0, 3))) == b""


def test_a_table_has_two_dimensions():
    """A bare row is refused in words."""
    with pytest.raises(ValueError, match="two dimensions, found 1"):
        dat_bytes([1.0, 2.0])


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=floats))
def test_what_is_written_is_read_again(tmp_path_factory, table):
    """Writing and reading keeps every float32, also infinite ones and NaN."""
    path = write_dat(tmp_path_factory.mktemp("dat") / "t.dat", table)
    read = read_dat(path)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read.astype(np.float32), table)


def test_decimals_are_read_as_doubles(tmp_path):
    """0.1 in a file is the double 0.1, not a widened float32."""
    (tmp_path / "t.dat").write_text("0.1\t5.0E-6\t\n")
    assert read_dat(tmp_path / "t.dat").tolist() == [[0.1, 5e-6]]


@pytest.mark.parametrize("layout", ["1 2\n3 4\n", "1\t2\n3\t4", " 1  2 \n\n3 4\n", "1\t2\t\r\n3\t4\t\r\n"])
def test_other_layouts_of_blanks_are_read(tmp_path, layout):
    """Spaces, no tab at the end of a row, empty lines, Windows line ends."""
    (tmp_path / "t.dat").write_bytes(layout.encode())
    assert read_dat(tmp_path / "t.dat").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\t2\t\n3\t\n", r"t\.dat:2: 1 values in this row; expected 2 as in the rows above"),
        ("1\t2\t\n3\t4\t5\t\n", r"t\.dat:2: 3 values"),
        ("1\t2\t\n3\tfour\t\n", r"t\.dat:2: 'four' is not a number"),
        ("# head\n1 2\n", r"t\.dat:1: '#' is not a number"),
        ("[1]\t2\t\n", r"'\[1\]' is not a number"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, message):
    """Ragged rows and words are refused with the line's number."""
    (tmp_path / "t.dat").write_text(content)
    with pytest.raises(ReadError, match=message):
        read_dat(tmp_path / "t.dat")


def test_all_bad_lines_are_named_at_once(tmp_path):
    """Two bad lines give two findings."""
    (tmp_path / "t.dat").write_text("1 2\nx 2\n1 y\n")
    with pytest.raises(ReadError) as caught:
        read_dat(tmp_path / "t.dat")
    assert [problem.location.line for problem in caught.value.problems] == [2, 3]


def test_a_missing_file_is_a_read_error(tmp_path):
    """The message names the file."""
    with pytest.raises(ReadError, match=re.escape("absent.dat")):
        read_dat(tmp_path / "absent.dat")


def test_an_empty_file_is_an_empty_table(tmp_path):
    """Nothing written, nothing read."""
    (tmp_path / "t.dat").write_text("")
    assert read_dat(tmp_path / "t.dat").size == 0


def test_folders_are_made_and_nothing_is_left_beside(tmp_path):
    """A table goes into folders that do not exist yet; the temporary file is gone afterwards."""
    path = write_dat(tmp_path / "a" / "b" / "t.dat", [[1.0, 2.0]])
    assert path.read_bytes() == b"1.0\t2.0\t\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """A table that cannot be formatted does not touch what was there."""
    path = write_dat(tmp_path / "t.dat", [[1.0]])
    with pytest.raises(ValueError, match="two dimensions"):
        write_dat(path, np.zeros((2, 2, 2)))
    assert path.read_bytes() == b"1.0\t\n"
    assert list(tmp_path.iterdir()) == [path]


def test_chunks_do_not_show(tmp_path, monkeypatch):
    """A table written in several parts has the text of the whole."""
    monkeypatch.setattr("tvbo_lite.formats.dat.CHUNK", 7)
    table = np.arange(60.0).reshape(20, 3) * 1e-5
    assert write_dat(tmp_path / "t.dat", table).read_bytes() == dat_bytes(table)


TIMES = np.array([1e-5, 0.0123, 0.5])


@pytest.mark.parametrize("form", EVENT_FORMATS)
def test_events_are_written_and_read_again(tmp_path, form):
    """Both orders; an id may hold a blank."""
    ids = ("0", "a b", "pop[1]")
    path = tmp_path / "s.spikes"
    path.write_bytes(event_bytes(TIMES, ids, form))
    times, names = read_events(path, form)
    assert names == ids
    np.testing.assert_array_equal(times, [1e-5, 0.0123, 0.5])


def test_an_event_file_has_an_id_and_a_time_in_a_line(tmp_path):
    """As jLEMS writes it, with its numbers; blanks may stand for the tab, and lines may be empty."""
    assert event_bytes(TIMES[:2], ("k", "n"), "ID_TIME") == b"k\t1.0E-5\nn\t0.0123\n"
    assert event_bytes(TIMES[:1], ("k",), "TIME_ID") == b"1.0E-5\tk\n"
    (tmp_path / "s").write_text("\nk 0.5\n")
    assert read_events(tmp_path / "s", "ID_TIME")[1] == ("k",)
    (tmp_path / "s").write_text("")
    assert len(read_events(tmp_path / "s", "ID_TIME")[0]) == 0


@pytest.mark.parametrize("line", ["0.5\tk", "k", "k\t"])
def test_a_line_that_is_no_event_is_named(tmp_path, line):
    """The order of the columns is part of the format."""
    (tmp_path / "s").write_text(f"k\t0.1\n{line}\n")
    with pytest.raises(ReadError, match=r"s:2: '.*' is no event; expected id and time"):
        read_events(tmp_path / "s", "ID_TIME")
