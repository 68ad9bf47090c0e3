"""Figures of LEMS displays."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite.lems.plan import Display, Line, OutputColumn, OutputFile, SimulationPlan
from tvbo_lite.lems.recording import Recording
from tvbo_lite.plotting.lems import match_lines, plot_comparison, plot_displays, plot_lems_comparison
from tvbo_lite.plotting.traces import plot_recording, readable
from tvbo_lite.results import ExperimentResult

TIME = np.linspace(0, 0.2, 401)
EX2 = "LEMS_NML2_Ex2_Izh.xml"
EX2_OURS = tuple(f"iz{kind}_pop[0]/v" for kind in ("Burst", "Tonic", "Mixed", "Class1"))


def display(*quantities, **options):
    return Display("d", lines=tuple(Line(q.rsplit("/", 1)[-1], q) for q in quantities), **options)


def ours_of_ex2():
    values = np.column_stack([np.full(401, -0.01 * (k + 1)) for k in range(4)])
    plan = SimulationPlan("sim", "net1", 0.2, 5e-4)
    return Recording(plan, TIME, values, EX2_OURS)


def reference_of_ex2():
    return {"auto.dat": np.column_stack([TIME, *[np.full(401, 0.001 * (k + 1)) for k in range(9)]])}


def styles(axes):
    return [line.get_linestyle() for line in axes.lines]


@pytest.fixture
def ex2():
    data = ExperimentResult.from_recording(ours_of_ex2(), units=dict.fromkeys(EX2_OURS, "V")).integration.data
    return plot_lems_comparison(EX2, reference_of_ex2(), data, title_prefix="Ex2")


def test_a_panel_for_each_display_with_its_title_and_limits(ex2):
    """Titles, limits and units are those of the LEMS file; a prefix is not repeated."""
    assert [axes.get_title(loc="left") for axes in ex2.axes] == [
        "Ex2: Bursting Izhikevich cell in LEMS",
        "Ex2: Tonic spiking Izhikevich cell in LEMS",
        "Ex2: Mixed mode Izhikevich cell in LEMS",
    ]
    for axes in ex2.axes:
        assert axes.get_xlim() == (-20, 220)
        assert axes.get_ylim() == (-80, 40)
        assert axes.get_xlabel() == "time [ms]"


def test_reference_solid_ours_dashed_in_the_colour_of_the_file(ex2):
    """Each v is drawn twice in the file's colour; U and i, which we did not record, once."""
    for axes in ex2.axes:
        assert styles(axes) == ["-", "--", "-", "-"]
        assert [line.get_color() for line in axes.lines] == ["#ee40FF", "#ee40FF", "#BBA0AA", "#222222"]


def test_values_are_scaled_as_the_lines_say(ex2):
    """Volts are shown in mV, seconds in ms; columns of auto.dat are taken in display order."""
    for k, axes in enumerate(ex2.axes):
        reference, ours, recovery, current = axes.lines
        np.testing.assert_allclose(reference.get_ydata(), 3 * k + 1)
        np.testing.assert_allclose(ours.get_ydata(), -10 * (k + 1))
        np.testing.assert_allclose(recovery.get_ydata(), 0.001 * (3 * k + 2))
        np.testing.assert_allclose(current.get_ydata(), 0.001 * (3 * k + 3))
        np.testing.assert_allclose(ours.get_xdata(), TIME * 1e3)


def test_the_legend_says_what_is_shown(ex2):
    """Which population of ours stands for the one in the file, and which lines have no trace of ours."""
    texts = [text.get_text() for text in ex2.axes[1].get_legend().get_texts()]
    assert texts == [
        "v [mV]: reference",
        "v [mV]: tvbo_lite, izTonic_pop[0]/v",
        "U [V]: reference only",
        "i [1]: reference only",
    ]


def test_converted_data_and_recordings_draw_the_same():
    """Data in mV and ms, or a plain recording, give the same lines."""
    data = ExperimentResult.from_recording(ours_of_ex2(), units=dict.fromkeys(EX2_OURS, "V"))
    for ours in (data.to_units("mV", "ms").integration.data, ours_of_ex2()):
        dashed = plot_lems_comparison(EX2, {}, ours).axes[1].lines[0]
        np.testing.assert_allclose(dashed.get_ydata(), -20)
        np.testing.assert_allclose(dashed.get_xdata(), TIME * 1e3)


def test_without_ours_the_reference_is_drawn_alone():
    """Nothing is dashed, and nothing claims to be missing."""
    figure = plot_lems_comparison(EX2, reference_of_ex2(), title_prefix="Fig. 1")
    assert [styles(axes) for axes in figure.axes] == [["-"] * 3] * 3
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == "v [mV]: reference"
    assert figure.axes[0].get_title(loc="left").startswith("Fig. 1: Ex2")


def test_files_with_folders_are_found_by_their_name():
    """Ex1 writes results/hh_v.dat; the panel of the gates, which no file holds, says so."""
    table = np.column_stack([TIME, np.full(401, -0.065)])
    voltage, gates = plot_lems_comparison("LEMS_NML2_Ex1_HH.xml", {"hh_v.dat": table}).axes
    np.testing.assert_allclose(voltage.lines[0].get_ydata(), -65)
    assert voltage.get_ylabel() == "v [mV]"
    assert [text.get_text() for text in gates.texts] == ["not recorded"]


def test_exact_names_match_first():
    """A trace with the line's own name is never given to another line."""
    displays = [display("a[0]/v", "b[0]/v")]
    assert match_lines(displays, ["b[0]/v", "a[0]/v"]) == {"a[0]/v": "a[0]/v", "b[0]/v": "b[0]/v"}


def test_populations_match_by_their_component():
    """X_pop stands for the only population of component X, in whatever order and with the same index."""
    displays = [display("p1[0]/v", "p2[3]/v")]
    names = ["B_pop[0]/v", "B_pop[3]/v", "A_pop[0]/v"]
    assert match_lines(displays, names, {"p1": "A", "p2": "B"}) == {
        "p1[0]/v": "A_pop[0]/v",
        "p2[3]/v": "B_pop[3]/v",
    }


def test_equally_many_traces_match_in_order():
    """Where names tell nothing, the k-th v is shown by the k-th line of v; other variables stay apart."""
    displays = [display("p1[0]/v", "p1[0]/u"), display("p2[0]/v")]
    assert match_lines(displays, ["x[0]/v", "x[1]/v"]) == {"p1[0]/v": "x[0]/v", "p2[0]/v": "x[1]/v"}


def test_an_ambiguous_trace_is_not_guessed():
    """Three traces for two lines: none is shown rather than a wrong one."""
    assert match_lines([display("p1[0]/v", "p2[0]/v")], ["x[0]/v", "x[1]/v", "x[2]/v"]) == {}


def test_two_populations_of_one_component_match_in_order():
    """The component's name does not tell them apart, their order does."""
    found = match_lines([display("p1[0]/v", "p2[0]/v")], ["A_pop[0]/v", "A_pop[1]/v"], {"p1": "A", "p2": "A"})
    assert found == {"p1[0]/v": "A_pop[0]/v", "p2[0]/v": "A_pop[1]/v"}


def test_population_lists_and_single_nodes_match():
    """A path of a populationList (pop/0/cell/v) and a bare variable have the same variable v."""
    assert match_lines([display("pop/0/cell/v")], ["v"]) == {"pop/0/cell/v": "v"}


def test_a_quantity_shown_twice_uses_one_trace():
    """Two displays of the same quantity need one trace only."""
    displays = [display("p[0]/v"), display("p[0]/v")]
    assert match_lines(displays, ["x[0]/v"]) == {"p[0]/v": "x[0]/v"}


def run(**options):
    plan = SimulationPlan("sim", "net", 0.2, 5e-4, **options)
    return Recording(plan, TIME, np.column_stack([TIME, TIME * 2]), ("p[0]/v", "p[0]/u"))


def test_displays_of_a_recording():
    """Alone our traces are solid; wrong or missing colours get one that all can tell apart."""
    lines = (Line("v", "p[0]/v", color="red"), Line("u", "p[0]/u", color="nonsense"))
    (axes,) = plot_displays(run(displays=(Display("d", "Title", lines=lines, xmin=0, xmax=5),))).axes
    assert styles(axes) == ["-", "-"]
    assert [line.get_color() for line in axes.lines] == ["red", "#D55E00"]
    assert axes.get_title(loc="left") == "Title"
    assert axes.get_xlim() == (0, 5)
    assert axes.get_xlabel() == "time [s]"


def test_a_recording_with_a_reference():
    """A recording or tables may stand behind."""
    ours = run(displays=(display("p[0]/v"),))
    tables = {"auto.dat": np.column_stack([TIME, TIME])}
    for reference in (ours, tables):
        (axes,) = plot_displays(ours, reference).axes
        assert styles(axes) == ["-", "--"]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["v: reference", "v: tvbo_lite"]


def test_without_displays_a_panel_for_each_file():
    """In SI units against ms, titled by the file."""
    files = (
        OutputFile("a", "a.dat", (OutputColumn("v", "p[0]/v"),)),
        OutputFile("b", "b.dat", (OutputColumn("u", "p[0]/u"),)),
    )
    for draw in (plot_displays, plot_recording):
        figure = draw(run(files=files))
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["a.dat", "b.dat"]
        np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), TIME * 2)
        np.testing.assert_allclose(figure.axes[1].lines[0].get_xdata(), TIME * 1e3)


def test_values_without_displays_have_handy_units():
    """A panel for each unit of a file; volts below one in mV, whatever has no unit as it is."""
    names = ("p[0]/v", "p[1]/v", "p[0]/u", "p[0]/w")
    columns = tuple(OutputColumn(name[:1] + name[-1], name) for name in names)
    plan = SimulationPlan("sim", "net", 0.2, 5e-4, files=(OutputFile("a", "a.dat", columns),))
    values = np.column_stack([TIME - 0.07, TIME, TIME * 5, TIME])
    units = {"p[0]/v": "V", "p[1]/v": "V", "p[0]/u": "1"}
    both, plain, unknown = plot_displays(Recording(plan, TIME, values, names, units=units)).axes
    assert [axes.get_ylabel() for axes in (both, plain, unknown)] == ["v [mV]", "u", "w"]
    np.testing.assert_allclose(both.lines[0].get_ydata(), (TIME - 0.07) * 1e3)
    np.testing.assert_allclose(both.lines[1].get_ydata(), TIME * 1e3)
    np.testing.assert_allclose(plain.lines[0].get_ydata(), TIME * 5)


def test_a_reference_alone_decides_the_scale():
    """A file that was not recorded by ours is drawn from the reference, in the same unit."""
    plan = SimulationPlan("s", "n", 0.2, 5e-4, files=(OutputFile("a", "a.dat", (OutputColumn("v", "v"),)),))
    none = Recording(plan, TIME, np.empty((401, 0)), (), units={"v": "A"})
    (axes,) = plot_displays(none, {"a.dat": np.column_stack([TIME, TIME * 1e-9])}).axes
    assert axes.get_ylabel() == "v [pA]"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), TIME * 1e3)


def test_a_scale_without_unit_is_one_of_si():
    """A display line with scale 1 shows amperes; one with 0.1 says so."""
    lines = (Line("a", "p[0]/v"), Line("b", "p[0]/u", scale=0.1, scale_text="0.1"))
    units = {"p[0]/v": "A_per_m2", "p[0]/u": "V"}
    (axes,) = plot_displays(replace(run(displays=(Display("d", lines=lines),)), units=units)).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a [A/m²]", "b [0.1 V]"]


def test_a_white_line_is_drawn_in_another_colour():
    """Ex15 draws its membrane potential white on black; here the paper is white."""
    lines = (Line("a", "p[0]/v", color="#ffffff"), Line("b", "p[0]/u", color="#ffff00"))
    (axes,) = plot_displays(run(displays=(Display("d", lines=lines),))).axes
    assert [line.get_color() for line in axes.lines] == ["#0072B2", "#ffff00"]


def test_many_displays_stand_in_two_columns():
    """More than four panels would make too long a page."""
    figure = plot_displays(run(displays=(display("p[0]/v"),) * 5))
    assert len(figure.axes) == 5
    assert figure.axes[0].get_subplotspec().get_gridspec().ncols == 2


def test_a_long_legend_is_cut():
    """Twelve traces are named, the others are counted."""
    names = tuple(f"p[{k}]/v" for k in range(15))
    recording = Recording(SimulationPlan("s", "n", 0.2, 5e-4), TIME, np.zeros((401, 15)), names)
    (axes,) = plot_recording(recording).axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(texts) == 12
    assert texts[-1].endswith("(and 3 more)")


def test_plot_comparison_draws_common_columns():
    """The reference solid, ours dashed, the time scaled as asked."""
    table = np.column_stack([TIME, TIME, TIME])
    figure = plot_comparison(table, table, ["time", "v", "w"], ["time", "w", "x"], "T", 1e3, "ms")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "w"
    assert axes.get_xlabel() == "time [ms]"
    assert styles(axes) == ["-", "--"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), TIME * 1e3)
    with pytest.raises(ValueError, match="no common column"):
        plot_comparison(table, table, ["t", "a", "b"], ["t", "c", "d"])


@pytest.mark.parametrize(
    ("top", "unit", "scale", "symbol"),
    [
        (-0.07, "V", 1e-3, "mV"),
        (2e-9, "A", 1e-9, "nA"),
        (2.0, "V", 1, "V"),
        (5e-3, "S_per_m2", 1, "S/m²"),
        (0, "V", 1, "V"),
    ],
)
def test_traces_have_readable_units(top, unit, scale, symbol):
    """The largest value decides the prefix; composed units keep none."""
    assert readable(np.array([0, top]), unit) == (scale, symbol)


def test_a_figure_needs_neither_pyplot_nor_a_display(tmp_path):
    """A script without a screen saves a picture, and pyplot is never imported."""
    code = f"""
import sys, numpy as np
from tvbo_lite.lems.plan import SimulationPlan
from tvbo_lite.lems.recording import Recording
from tvbo_lite.plotting.traces import plot_recording
time = np.arange(3.0)
recording = Recording(SimulationPlan("s", "n", 2, 1), time, time[:, None], ("v",))
plot_recording(recording).savefig({str(tmp_path / "p.png")!r})
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout.strip() == "False"
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_where_pyplot_is_in_use_the_figure_is_registered_there(monkeypatch):
    """So a notebook or an interactive window shows it by itself."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    figure = plot_recording(run())
    try:
        assert plt.fignum_exists(figure.number)
        assert figure._ipython_display_() is None
    finally:
        plt.close("all")
        sys.modules.pop("matplotlib.pyplot")
