"""A LEMS document, read, written and read again, is the same model: for all that the jar holds."""

import pytest

from tvbo_lite.formats.lems.reader import read_string
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.formats.neuroml import jar

DOCUMENTS = [f"LEMSexamples/{name}" for name in jar.example_names()]


@pytest.mark.parametrize("member", DOCUMENTS, ids=lambda member: member[26:-4])
def test_a_canonical_example_survives_writing(member):
    """Includes, components, simulation and displays are all there again."""
    model = read_string(jar.example_file(member).decode())
    assert model.components
    assert read_string(write(model)) == model


@pytest.mark.parametrize("name", jar.core_names())
def test_a_core_type_file_survives_writing(name):
    """Dimensions, units and component types with their dynamics and structure are all there again."""
    model = read_string((jar.core_file(name) or b"").decode())
    assert model.component_types or model.includes or model.units
    assert read_string(write(model)) == model
