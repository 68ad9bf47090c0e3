"""The table of dimensions and units."""

import contextlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.errors import UnitError
from tvbo_lite.formats.neuroml.jar import core_file
from tvbo_lite.units import DIMENSIONS, convert, dimension_of, factor, label, si_symbol

CORE = core_file("NeuroMLCoreDimensions.xml").decode()


def core(tag):
    for found in re.findall(rf"<{tag}\s(.*?)/>", CORE):
        yield dict(re.findall(r'(\w+)="([^"]*)"', found))


CORE_UNITS = {unit["symbol"]: unit for unit in core("Unit")}


@pytest.mark.parametrize("item", list(core("Dimension")), ids=lambda item: item["name"])
def test_each_dimension_of_the_core_file_is_known(item):
    """Names and exponents are those of NeuroML's core types."""
    assert DIMENSIONS[item["name"]] == tuple(int(item.get(base, 0)) for base in "mltiknj")


@pytest.mark.parametrize("symbol", CORE_UNITS)
def test_each_unit_of_the_core_file_has_its_factor(symbol):
    """Dimension, scale and offset are those of the core file to the last bit."""
    unit = CORE_UNITS[symbol]
    scale = float(unit.get("scale", 1)) * float(f"1e{unit.get('power', 0)}")
    assert factor(symbol) == (unit["dimension"], scale, float(unit.get("offset", 0)))


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_si_symbol_of_a_dimension_measures_it_in_si(dimension):
    """A symbol from `si_symbol` has the factor one and belongs to its dimension."""
    assert factor(si_symbol(dimension)) == (dimension, 1.0, 0.0)


@pytest.mark.parametrize(
    ("unit", "same"),
    [
        ("mS/cm^2", "mS_per_cm2"), ("mS cm-2", "mS_per_cm2"), ("mS/cm²", "mS_per_cm2"), ("1/ms", "per_ms"),
        ("ms^-1", "per_ms"), ("µm", "um"), ("μm", "um"), ("kΩ", "kohm"), ("MOhm", "Mohm"), ("°C", "degC"),
        ("J/(K*mol)", "J_per_K_per_mol"), ("L", "litre"), ("h", "hour"), ("S/m**2", "S_per_m2"),
        (" mV ", "mV"), ("mol/l", "M"),
    ],
)  # fmt: skip
def test_other_spellings_mean_the_same(unit, same):
    """What modellers write in YAML is understood as well as LEMS's spelling."""
    assert factor(unit) == factor(same)


@pytest.mark.parametrize("unit", ["", "1", "none", "dimensionless"])
def test_no_unit_is_a_unit(unit):
    """A plain number has the dimension none and the factor one."""
    assert factor(unit) == ("none", 1.0, 0.0)


def test_a_unit_without_a_named_dimension_is_measured_all_the_same():
    """mV/ms has no name in NeuroML, but a scale."""
    assert factor("mV_per_ms") == ("", 1.0, 0.0)


@pytest.mark.parametrize(
    ("unit", "hint"),
    [("mv", "mV"), ("mSper_cm2", "mS_per_cm2"), ("per_sm", "per_s"), ("degc", "degC"), ("10mV", "mV")],
)
def test_an_unknown_unit_names_the_nearest(unit, hint):
    """A misspelt unit is refused with a hint."""
    with pytest.raises(UnitError, match=f"unknown unit '{unit}'; did you mean '{hint}'"):
        factor(unit)


@given(st.text(max_size=8))
def test_any_text_is_a_unit_or_a_unit_error(text):
    """No text makes the parser fail in another way, and labels never fail."""
    with contextlib.suppress(UnitError):
        assert factor(text).scale > 0
    assert isinstance(label(text), str)


def test_an_unknown_dimension_names_the_nearest():
    """So does a misspelt dimension."""
    with pytest.raises(UnitError, match="did you mean 'voltage'"):
        si_symbol("voltege")


def test_exponents_have_a_name():
    """The way back from exponents; ohm m is a resistivity although the core file counts mass twice."""
    assert dimension_of(DIMENSIONS["voltage"]) == "voltage"
    assert dimension_of((1, 3, -3, -2, 0, 0, 0)) == "resistivity"
    assert dimension_of((9, 0, 0, 0, 0, 0, 0)) is None


def test_numbers_and_arrays_are_converted():
    """mV to V, and degrees to kelvin and back with their offset."""
    assert convert(-70.0, "mV", "V") == -0.07
    assert convert(6.3, "degC", "K") == pytest.approx(279.45)
    assert convert(279.45, "K", "degC") == pytest.approx(6.3)
    np.testing.assert_allclose(convert(np.array([0.0, 1.0]), "S_per_cm2", "mS_per_cm2"), [0, 1000])


def test_unlike_units_are_not_converted():
    """A voltage is no current."""
    with pytest.raises(UnitError, match="'mV' cannot be converted to 'nA'; expected a unit of voltage"):
        convert(1.0, "mV", "nA")


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("mS_per_cm2", "mS/cm²"),
        ("per_ms", "1/ms"),
        ("1", ""),
        ("um", "µm"),
        ("kohm_cm", "kΩ cm"),
        ("degC", "°C"),
    ],
)
def test_labels_for_figures(unit, shown):
    """Units are shown as they are printed in a paper."""
    assert label(unit) == shown
