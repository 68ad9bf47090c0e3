"""How things show themselves in a notebook."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from tvbo_lite import SimulationExperiment
from tvbo_lite.compare import compare
from tvbo_lite.formats.lems.reader import read_file
from tvbo_lite.lems.model import Component, Model
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.lems.recording import Recording
from tvbo_lite.lems.spikes import SpikeTrains
from tvbo_lite.plotting.thin import envelope, one_a_pixel
from tvbo_lite.resources import folder
from tvbo_lite.results import ExperimentResult

EXAMPLES = folder("reference_examples")
EVIL = "<script>alert('x')</script> \"&amp;' $\\frac"
LIGHT = 200_000  # bytes
TIME = np.linspace(0, 1, 1001)


def experiment(name="ex5_detcell"):
    return SimulationExperiment.from_file(EXAMPLES / name / "experiment.yaml")


def result_of(*names, n=1001):
    values = np.sin(np.arange(n)[:, None] * 0.01 + np.arange(len(names)))
    recording = Recording(SimulationPlan("sim", "net", 1.0, 1e-3), np.linspace(0, 1, n), values, names)
    return ExperimentResult.from_recording(recording, units=dict.fromkeys(names, "V"))


def spiking(count=200_000, size=10_000):
    rng = np.random.default_rng(1)
    times, index = np.sort(rng.random(count)), rng.integers(0, size, count)
    return replace(result_of("P[0]/v"), events={"P": SpikeTrains("P", times, index, size, 1.0)})


def comparison_of(name="a[0]/v"):
    recording = result_of(name).recording
    return compare(recording, replace(recording, values=recording.values + 1e-3))


THINGS = {
    "experiment": experiment,
    "model": lambda: experiment().model(),
    "linked model": lambda: read_file("LEMS_NML2_Ex15_CaDynamics.xml"),
    "result": lambda: result_of("a[0]/v", "a[0]/u"),
    "traces": lambda: result_of("a[0]/v").integration,
    "spikes": spiking,
    "comparison": comparison_of,
}


def parsed(thing):
    text = thing._repr_html_()
    for picture in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        etree.fromstring(picture)  # is well-formed
    return html.fromstring(text)


def rows_of(page, title):
    (section,) = [one for one in page.iter("details") if one.find("summary").text == title]
    return [[cell.text_content() for cell in row] for row in section.findall(".//tbody/tr")]


@pytest.mark.parametrize("name", THINGS)
def test_everything_is_small_and_has_the_colours_of_the_page(name):
    """Below 200 kB; no background, and no black or white of its own, so that it reads on light and dark."""
    text = THINGS[name]()._repr_html_()
    assert len(text.encode()) < LIGHT
    assert not re.search(r"background(-color)?:(?!none)", text)
    assert not re.search(r"(fill|stroke|color): ?(#000|#fff|black|white)", text, re.IGNORECASE)
    parsed(THINGS[name]())


def test_an_experiment_shows_parameters_with_units_and_its_network():
    """Values and units in columns of their own, the graph as a picture, how it is integrated."""
    page = parsed(experiment())
    rows = rows_of(page, "Parameters")
    assert ["hhcell (neuroml:cell)", "diameter", "17.841242", "um", ""] in rows
    assert page.find(".//svg") is not None
    assert "duration300 ms" in page.text_content()
    assert "explicitInput" in page.text_content()


def test_equations_are_shown():
    """Of a neural mass: rates, initial values."""
    rows = rows_of(parsed(experiment("qif")), "Equations")
    assert any(row[1] == "dr/dt" and row[2].startswith("= ") for row in rows)


def test_what_is_wrong_stands_in_place_of_the_picture():
    """A notebook shows the experiment all the same."""
    text = "dynamics: {name: x, iri: 'neuroml:izhikevichCel', parameters: {a: 1}}"
    page = parsed(SimulationExperiment.from_string(text))
    assert "did you mean 'izhikevichCell'" in page.text_content()
    assert rows_of(page, "Parameters") == [["x (neuroml:izhikevichCel)", "a", "1", "", ""]]
    wrong = Model(components=(Component("noSuchType", "c", attributes={"g": "1nS"}),))
    assert "unknown component type 'noSuchType'" in parsed(wrong).text_content()


def test_a_model_shows_its_components_as_written():
    """What is below a component is indented below it."""
    rows = rows_of(parsed(read_file("LEMS_NML2_Ex1_HH.xml")), "Components and their quantities")
    names = [row[0].strip("\N{NO-BREAK SPACE}") for row in rows]
    assert names.index("na") < names.index("m") < names.index("forwardRate")
    assert ["ionChannelHH" in row and "conductance = 10pS" in row[2] for row in rows if row[0] == "na"]


def test_a_network_of_a_million_connections_is_summed_up():
    """In less time than its run would take, and without rows for connections."""
    network = experiment("izhikevich_network")
    assert "1,000 cells, 1,000,000 connections" in parsed(network).text_content()
    model = network.model()
    text = model._repr_html_()
    assert "640,000 rows" in text
    assert text.count("<tr>") < 100


def test_tables_are_cut():
    """Forty rows and the number of the others; pictures have the first traces."""
    page = parsed(result_of(*(f"pop[{k}]/v" for k in range(1000)), n=101))
    assert len(rows_of(page, "Quantities")) == 40
    assert "and 960 more" in page.text_content()
    assert "The first 6 of 1,000 traces" in page.text_content()


def test_quantities_have_units_and_extremes():
    """Lowest, highest, last."""
    rows = rows_of(parsed(result_of("a[0]/v")), "Quantities")
    values = np.sin(np.arange(1001) * 0.01)
    assert rows == [["a[0]/v", "V", *(f"{x:.6g}" for x in (values.min(), values.max(), values[-1]))]]
    rows = rows_of(parsed(spiking(2000, 100)), "Spikes")
    assert rows == [["P", "100", "2,000", "20"]]
    empty = Recording(SimulationPlan("s", "n", 1.0, 1.0), np.zeros(0), np.zeros((0, 1)), ("v",))
    assert "v" in parsed(ExperimentResult.from_recording(empty)).text_content()


def test_a_comparison_is_a_table_of_errors():
    """With the verdict, and those that only one side has."""
    page = parsed(comparison_of())
    (row,) = rows_of(page, "Traces")
    assert row[0] == "a[0]/v"
    assert row[1] == "0.001"
    assert row[-1] == "FAIL"
    assert "0 of 1 traces pass" in page.text_content()
    left, right = result_of("a[0]/v", "b[0]/v").recording, result_of("a[0]/v").recording
    page = parsed(compare(left, right))
    assert rows_of(page, "Only in the reference") == [["b[0]/v"]]
    assert repr(compare(left, right)) == "<Comparison: 1 of 2 pass>"


def evil_things():
    quantity = f"pop[0]/{EVIL}"
    parameters = {"a": {"value": 1, "description": EVIL}}
    dynamics = {"name": "x", "parameters": parameters}
    yield SimulationExperiment.from_data({"label": EVIL, "description": EVIL, "dynamics": dynamics})
    yield Model(components=(Component("izhikevichCell", EVIL, attributes={EVIL: EVIL}),), target=EVIL)
    yield result_of(quantity)
    yield replace(result_of(quantity), events={EVIL: SpikeTrains(EVIL, TIME, TIME.astype(int), 2, 1.0)})
    yield comparison_of(quantity)


@pytest.mark.parametrize("number", range(5))
def test_labels_that_look_like_markup_stay_text(number):
    """Neither an element nor a formula is made of a name, in tables and in pictures."""
    thing = list(evil_things())[number]
    text = thing._repr_html_()
    assert "<script" not in text
    assert "alert(" in html.fromstring(text).text_content()
    parsed(thing)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn", "Cs")), min_size=1, max_size=30))
def test_any_label_is_shown_as_it_is(label):
    """Of an experiment; what HTML reads is what was written."""
    thing = SimulationExperiment.from_data({"label": label})
    (heading,) = parsed(thing).iter("h4")
    assert heading.text_content() == label


def test_a_notebook_shows_no_second_figure(monkeypatch):
    """Where pyplot is in use, it does not know the pictures inside."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.close("all")
    try:
        result_of("a[0]/v")._repr_html_()
        assert plt.get_fignums() == []
    finally:
        sys.modules.pop("matplotlib.pyplot")


def test_two_pictures_in_a_page_do_not_share_ids():
    """Clip paths are found by id; a second output of a notebook must not take those of the first."""
    ids = [
        set(re.findall(r' id="([^"]+)"', thing._repr_html_()))
        for thing in (result_of("a[0]/v"), result_of("a[0]/w"))
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(1, 30))
def test_a_thinned_trace_keeps_all_extremes(values, columns):
    """Of every column of pixels, and the ends; never more than two for each, and these."""
    trace = np.array(values)
    kept = envelope(trace, columns)
    assert list(kept) == sorted(set(kept))
    assert {0, len(trace) - 1} <= set(kept)
    assert len(kept) <= 2 * columns + 2
    length = -(-len(trace) // columns)
    for start in range(0, len(trace), length):
        part = trace[start : start + length]
        mine = trace[kept[(kept >= start) & (kept < start + length)]]
        assert (mine.min(), mine.max()) == (part.min(), part.max())


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=200), st.integers(1, 9))
def test_thinned_points_fill_the_same_pixels(points, size):
    """One of each pixel that has any."""
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    kept = one_a_pixel(x, y, size, size)

    def pixel(values):
        span = np.ptp(values) or 1.0
        return np.minimum((values - values.min()) / span * size, size - 1).astype(int)

    if len(x):
        every = list(zip(pixel(x), pixel(y), strict=True))
        assert {every[k] for k in kept} == set(every)
        assert len(kept) == len(set(every))
    else:
        assert len(kept) == 0
