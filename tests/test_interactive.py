"""Figures with zoom, and the page that holds one."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from lxml import html

from tvbo_lite import SimulationExperiment
from tvbo_lite.cli import cli
from tvbo_lite.errors import UnsupportedError
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.lems.recording import Recording
from tvbo_lite.lems.spikes import SpikeTrains
from tvbo_lite.results import ExperimentResult

pytest.importorskip("plotly")

NETWORK = """
label: small network
network:
  dynamics:
    cell:
      parameters: {tau: {distribution: {name: Uniform, domain: {lo: 5, hi: 15}}}}
      state_variables: {v: {equation: 1/tau, initial_value: 0}}
      events: {spike: {condition: v >= 1, affect: v = 0}}
  populations:
    A: {dynamics: cell, size: 7, record: [v, spikes]}
    B: {dynamics: cell, size: 3, record: [spikes]}
integration: {step_size: 0.5, duration: 100, time_scale: ms}
"""
EVIL = "</script><script>alert(1)</script><b>bold</b>"


@pytest.fixture(scope="module")
def result():
    return SimulationExperiment.from_string(NETWORK).run()


def traces(*names, n=1001, unit="V"):
    values = np.sin(np.arange(n)[:, None] * 0.01 + np.arange(len(names))) * 0.05
    recording = Recording(SimulationPlan("sim", "net", 1.0, 1e-3), np.linspace(0, 1, n), values, names)
    return ExperimentResult.from_recording(recording, units=dict.fromkeys(names, unit))


def test_a_network_shows_what_the_still_figure_shows(result):
    """Every spike, the trace of a cell with its spikes, the rates; times in ms, one axis for all."""
    figure = result.interactive(cell="A[2]/v", width=5e-3)
    by_name = {trace.name: trace for trace in figure.data}
    events = result.events["A"]
    np.testing.assert_allclose(by_name["A (7)"].x, events.times * 1e3)
    np.testing.assert_array_equal(by_name["A (7)"].y, events.index)
    assert set(by_name["B (3)"].y) == {7, 8, 9}
    np.testing.assert_allclose(by_name["B"].y, result.events["B"].rate(5e-3)[1])
    column = list(result.data.quantity.values).index("A[2]/v")
    np.testing.assert_allclose(by_name["A[2]/v"].y, result.data.values[:, column])
    assert len(by_name["its spikes"].x) == events.counts[2]
    assert figure.layout.xaxis3.title.text == "time [ms]"
    assert figure.layout.xaxis.matches == "x3"
    assert figure.layout.yaxis3.title.text == "rate [Hz]"


def test_traces_have_a_panel_for_each_unit():
    """In handy units, as in the still figure; some, or all."""
    figure = traces("a[0]/v", "a[1]/v").interactive()
    assert [trace.name for trace in figure.data] == ["a[0]/v", "a[1]/v"]
    assert figure.layout.yaxis.title.text == "v [mV]"
    assert max(figure.data[0].y) == pytest.approx(50, rel=1e-3)
    (one,) = traces("a[0]/v", "a[1]/v").interactive("a[1]/v").data
    assert one.name == "a[1]/v"
    with pytest.raises(KeyError, match="b"):
        traces("a[0]/v").interactive("b")


def test_a_long_trace_keeps_its_extremes():
    """A single spike in a million values is drawn; there are fewer points than values."""
    long = traces("a[0]/v", n=1_000_001)
    long.data.values[123_457, 0] = 7.0
    (trace,) = long.interactive().data
    assert len(trace.x) <= 8002
    assert max(trace.y) == 7.0
    assert trace.x[int(np.argmax(trace.y))] == pytest.approx(123.457)


def test_very_many_spikes_are_thinned_and_the_figure_says_so():
    """One for each pixel, none where there was none."""
    rng = np.random.default_rng(3)
    times, index = np.sort(rng.random(300_000)) * 0.5, rng.integers(0, 100, 300_000)
    many = replace(traces("P[0]/v"), events={"P": SpikeTrains("P", times, index, 100, 1.0)})
    figure = many.interactive()
    points = figure.data[0]
    assert len(points.x) < 300_000
    assert max(points.x) <= 500
    assert f"{len(points.x):,} of 300,000 spikes are drawn" in figure.layout.annotations[-1].text


def test_of_very_many_traces_the_first_are_drawn_and_the_figure_says_so():
    """Forty; others can be named."""
    many = traces(*(f"p[{k}]/v" for k in range(50)), n=11)
    figure = many.interactive()
    assert len(figure.data) == 40
    assert "10 further traces are not drawn" in figure.layout.annotations[-1].text
    assert len(many.interactive("p[49]/v").data) == 1


def test_a_page_holds_all_it_needs(result, tmp_path):
    """plotly.js is inside and nothing is loaded from elsewhere; folders are made."""
    path = result.to_html(tmp_path / "new" / "run.html", title="my run")
    page = html.fromstring(path.read_text(encoding="utf-8"))
    assert page.find(".//title").text == "my run"
    scripts = list(page.iter("script"))
    assert not any("src" in script.attrib for script in scripts)
    assert any("plotly.js v" in (script.text or "") for script in scripts)
    assert not list(page.iter("link", "img", "iframe"))
    assert [file.name for file in path.parent.iterdir()] == ["run.html"]


def test_names_that_look_like_markup_stay_text(tmp_path):
    """In the page, and in the tags that plotly itself knows."""
    odd = traces(EVIL)
    assert odd.interactive().data[0].name == EVIL.replace("<", "&lt;").replace(">", "&gt;")
    text = odd.to_html(tmp_path / "x.html", title=EVIL).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    spiking = replace(odd, events={EVIL: SpikeTrains(EVIL, np.zeros(1), np.zeros(1, int), 1, 1.0)})
    assert "<script>alert" not in spiking.to_html(tmp_path / "y.html").read_text(encoding="utf-8")


def test_nothing_is_left_where_a_page_fails(tmp_path):
    """A wrong name is told before anything is written."""
    with pytest.raises(KeyError):
        traces("a[0]/v").to_html(tmp_path / "x.html", "b[0]/v")
    assert list(tmp_path.iterdir()) == []


def test_without_plotly_it_is_told_how_to_get_it(monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'tvbo-lite\[html\]'"):
        traces("a[0]/v").interactive()


def test_run_writes_a_page(tmp_path, monkeypatch):
    """Beside the output files; a name that is no page's is refused before the run."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["run", "LEMS_NML2_Ex9_FN.xml", "--out", "o", "--html", "fn.html"])
    assert result.exit_code == 0, result.output
    assert "wrote fn.html" in result.stdout
    assert re.search(r"plotly\.js v", Path("fn.html").read_text(encoding="utf-8"))
    Path("fn.html").unlink()
    result = CliRunner().invoke(cli, ["run", "LEMS_NML2_Ex9_FN.xml", "--out", "p", "--html", "fn.png"])
    assert result.exit_code == 2
    assert "has to end in .html" in result.stderr
    assert not Path("p").exists()
