"""Quantities: numbers with units become SI numbers, exactly as jLEMS works them out."""

import pytest

from tvbo_lite.errors import UnitError
from tvbo_lite.formats.lems.reader import link_string
from tvbo_lite.lems.model import Dimension, Unit
from tvbo_lite.transforms.quantity import UnitTable, si_value

CORE = link_string('<Lems><Include file="NeuroMLCoreDimensions.xml"/></Lems>')


@pytest.fixture(scope="module")
def core():
    """The dimensions and units of NeuroML."""
    return UnitTable(CORE.dimensions, CORE.units)


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("-70mV", "voltage", -0.07),
        ("-18mV", "voltage", -0.018000000000000002),
        (" 0.08 nA ", "current", 0.08 * 1e-9),
        ("+3ms", "time", 0.003),
        (".5ms", "time", 0.0005),
        ("5.ms", "time", 0.005),
        ("1e3 ms", "time", 1.0),
        ("1E-3s", "time", 0.001),
        ("37degC", "temperature", 310.15),
        ("310.15K", "temperature", 310.15),
        ("12", "none", 12.0),
        ("1hour", "time", 3600.0),
        ("2min", "time", 120.0),
        ("3 ohm_cm", "resistivity", 0.03),
        ("0 mV", "voltage", 0.0),
    ],
)
def test_a_quantity_becomes_an_si_number(core, text, dimension, expected):
    """(number + offset) * scale * 10^power, multiplied in that order."""
    assert core.value(text, dimension) == expected


def test_any_dimension_fits_a_star(core):
    assert core.value("5mV", "*") == 0.005
    assert core.value("5", "*") == 5.0
    assert core.exponents("*") is None


def test_dimensions_are_compared_by_their_exponents():
    """Two names of one dimension are the same."""
    table = UnitTable(
        [Dimension("voltage", 1, 2, -3, -1), Dimension("potential", 1, 2, -3, -1)], [Unit("V", "voltage")]
    )
    assert table.value("2V", "potential") == 2.0


@pytest.mark.parametrize(
    ("text", "dimension", "message"),
    [
        ("5 nA", "voltage", "'5 nA' is current, not voltage (units of voltage: "),
        ("5", "voltage", "'5' is a number without unit, not voltage"),
        ("5mV", "none", "'5mV' is voltage, not none (units of none: no unit)"),
        ("5 mv", "voltage", "unknown unit 'mv' in '5 mv'; did you mean 'mV'?"),
        ("5 furlong", "length", "unknown unit 'furlong'"),
        ("five mV", "voltage", "'five mV' is not a number with a unit"),
        ("", "voltage", "is not a number with a unit"),
        ("5 m V", "voltage", "is not a number with a unit"),
        ("nan", "none", "is not a number"),
        ("inf", "none", "is not a number"),
        ("1e400 mV", "voltage", "'1e400 mV' is larger than any number"),
        ("9" * 500, "none", f"'{'9' * 40}...' is larger than any number"),
        ("0x10", "none", "unknown unit 'x10'"),
        ("1_000", "none", "unknown unit '_000'"),
        ("5mV", "volttage", "unknown dimension 'volttage'; did you mean 'voltage'?"),
    ],
)
def test_what_is_no_such_quantity_is_refused(core, text, dimension, message):
    """The message names what was found, what was expected, and what was probably meant."""
    with pytest.raises(UnitError) as error:
        core.value(text, dimension)
    assert message in str(error.value)


def test_numbers_without_unit_have_no_dimension(core):
    assert core.parse("3.5") == (3.5, (0, 0, 0, 0, 0, 0, 0))
    assert core.name((0, 0, 0, 0, 0, 0, 0)) == "a number without unit"
    assert core.name((9, 0, 0, 0, 0, 0, 0)) == "(9, 0, 0, 0, 0, 0, 0)"


def test_the_dimension_none_need_not_be_declared():
    assert UnitTable([], []).value("3", "none") == 3.0


@pytest.mark.parametrize("power", range(-30, 31))
def test_powers_of_ten_are_the_literals(power):
    """10^power is the double next to it, as in Java's literals, not a product."""
    assert si_value(1.0, Unit("u", "none", power)) == float(f"1e{power}")


def test_scale_comes_before_the_power():
    assert si_value(3.0, Unit("u", "none", -3, 0.1)) == (3.0 * 0.1) * 1e-3


def test_the_symbols_of_a_dimension(core):
    assert {"V", "mV"} <= set(core.symbols("voltage"))
    assert "ms" not in core.symbols("voltage")
