"""The canonical NeuroML2 examples: the built-in engine gives what jLEMS prints, to the last bit."""

import numpy as np
import pytest

from tvbo_lite.backends import jlems, native
from tvbo_lite.errors import UnsupportedError
from tvbo_lite.formats.neuroml import jar

SLOW = (
    "Ex4a",
    "Ex5",
    "Ex6",
    "Ex7",
    "Ex12",
    "Ex14",
    "Ex15",
    "Ex16",
    "Ex26",
    "Ex27",
)  # over 3 s in jLEMS, or many rows
MULTI_COMPARTMENT = "LEMS_NML2_Ex25_MultiComp.xml"
EXAMPLES = [
    pytest.param(name, id=name.split("_")[2], marks=[pytest.mark.slow] if name.split("_")[2] in SLOW else [])
    for name in jar.example_names()
    if name != MULTI_COMPARTMENT
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The examples with all that they include, as files."""
    place = tmp_path_factory.mktemp("examples")
    jar.extract_examples(place)
    return place / "LEMSexamples"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_printed_value_and_every_event_is_that_of_jlems(name, folder):
    """All rows of all quantities, displayed ones included, as float32; events in order, id and time."""
    ours, theirs = native.run_file(name), jlems.run_file(folder / name)
    assert ours.quantities == theirs.quantities
    assert ours.values.shape == theirs.values.shape
    different = {
        quantity: int(np.sum(mine.astype(np.float32) != its.astype(np.float32)))
        for quantity, mine, its in (
            ("t", ours.time, theirs.time),
            *((q, ours.trace(q), theirs.trace(q)) for q in ours.quantities),
        )
    }
    assert not any(different.values()), different
    assert ours.events.keys() == theirs.events.keys()
    for file, (times, ids) in theirs.events.items():
        assert ours.events[file][1] == ids
        assert np.array_equal(ours.events[file][0].astype(np.float32), times.astype(np.float32))


def test_the_multi_compartment_example_is_refused_with_its_reason():
    """Ex25, which jNeuroML refuses too: the message names the cell and what is missing."""
    with pytest.raises(UnsupportedError, match=r"'MultiCompCell'.*multi-compartment"):
        native.run_file(MULTI_COMPARTMENT)


def test_fast_mode_keeps_to_the_strict_one_where_it_may():
    """With reordered arithmetic the Izhikevich cells still spike in the same steps."""
    strict = native.run_file("LEMS_NML2_Ex2_Izh.xml")
    fast = native.run_file("LEMS_NML2_Ex2_Izh.xml", fast=True)
    for quantity in strict.quantities:
        if quantity.endswith("/v"):
            assert np.array_equal(strict.trace(quantity) > 0, fast.trace(quantity) > 0)
