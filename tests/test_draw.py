"""Pictures of models: graphs of networks, trees of components, and the command that draws them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.cli import cli
from tvbo_lite.cli._source import read_model
from tvbo_lite.draw import draw
from tvbo_lite.errors import ModelError, UnsupportedError
from tvbo_lite.formats.lems.reader import link_string, read_file
from tvbo_lite.plotting._figure import encoded, text_size
from tvbo_lite.plotting.component_tree import plot_component_tree
from tvbo_lite.plotting.graph_layout import Box, curve, ring
from tvbo_lite.plotting.network_graph import plot_network_graph
from tvbo_lite.resources import folder
from tvbo_lite.transforms.component_tree import component_tree
from tvbo_lite.transforms.summary import Connected, Network, Population, summary

EX5, EX12, EX9 = "LEMS_NML2_Ex5_DetCell.xml", "LEMS_NML2_Ex12_Net2.xml", "LEMS_NML2_Ex9_FN.xml"
IZHIKEVICH = folder("reference_examples") / "izhikevich_network" / "experiment.yaml"


def call(*arguments: object):
    return CliRunner().invoke(cli, ["draw", *map(str, arguments)])


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def connected(kind, source, target, count, uses="syn", name="p"):
    return Connected(name, kind, uses, source, target, count)


# ---- the network -----------------------------------------------------------------------------------


def test_a_network_shows_sizes_synapses_numbers_and_inputs():
    """Ex3: one arrow for the three synapses between two populations, and one of the input."""
    figure = draw(read_file("LEMS_NML2_Ex3_Net.xml"), "network")
    shown = texts(figure)
    assert {"hh1pop", "1 × hhcell_1", "hh2pop", "3 × hhcell_2", "pulseGen1"} <= set(shown)
    assert "syn1exp × 1\nsyn2exp × 1\nsynalpha × 1" in shown


def test_a_large_network_is_drawn_from_its_numbers():
    """840 000 connections are two loops and two arrows."""
    figure = draw(read_model(str(IZHIKEVICH))[0])
    assert {"800 × excitatory", "spikePulse × 640,000", "spikePulse × 160,000"} <= set(texts(figure))
    assert len(encoded(figure, "svg")) < 60_000


def test_many_populations_are_a_matrix():
    """More than twelve: the number of connections from each (column) to each (row)."""
    many = tuple(Population(f"p{k}", "iaf", 2) for k in range(13))
    links = (connected("projection", "p2", "p7", 5), connected("projection", "../p2[0]", "p7", 3))
    figure = plot_network_graph(Network("net", many, links, ()))
    (image,) = figure.axes[0].images
    assert image.get_array()[7, 2] == 8
    dense = [connected("projection", a.id, b.id, 1) for a in many[:6] for b in many[:6]]
    assert plot_network_graph(Network("net", many[:6], tuple(dense), ())).axes[0].images
    assert image.get_array().count() == 1
    with pytest.raises(ValueError, match="no populations"):
        plot_network_graph(Network("net", (), (), ()))


def measured(figure):
    """The extents of all texts as they are drawn, in pixels."""
    figure.canvas.draw()
    return {text: text.get_window_extent() for text in figure.axes[0].texts}


@pytest.mark.parametrize("count", range(1, 13))
def test_no_text_covers_another(count):
    """All populations connected in a ring, to themselves, and to the first; each with an input."""
    names = [f"population{k}" for k in range(count)]
    populations = tuple(Population(name, "someCell", 10 ** (k % 4)) for k, name in enumerate(names))
    links = [connected("projection", a, b, 12) for a, b in zip(names, names[1:] + names[:1], strict=True)]
    links += [connected("projection", name, name, 3, "gaba") for name in names[:2]]
    inputs = tuple(connected("inputList", "", name, 4, "pulse") for name in names)
    extents = measured(plot_network_graph(Network("net", populations, tuple(links), inputs), title="A title"))
    for (one, here), (other, there) in itertools.combinations(extents.items(), 2):
        assert not here.shrunk(0.9, 0.8).overlaps(there.shrunk(0.9, 0.8)), (one.get_text(), other.get_text())


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_no_text_covers_another_where_all_project_to_all(count):
    """To and fro, and to themselves."""
    names = [f"pop{k}" for k in range(count)]
    links = [connected("projection", a, b, 1000, "ampa") for a in names for b in names]
    populations = tuple(Population(name, "iaf", 100) for name in names)
    extents = measured(plot_network_graph(Network("net", populations, tuple(links), ())))
    for (one, here), (other, there) in itertools.combinations(extents.items(), 2):
        assert not here.shrunk(0.9, 0.8).overlaps(there.shrunk(0.9, 0.8)), (one.get_text(), other.get_text())


@given(st.lists(st.tuples(st.floats(20, 300), st.floats(15, 60)), min_size=1, max_size=12))
def test_boxes_of_a_ring_are_apart(sizes):
    """Whatever their sizes."""
    boxes = ring(sizes, 90.0)
    assert [(box.width, box.height) for box in boxes] == sizes
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))


@given(st.floats(-400, 400), st.floats(-400, 400), st.floats(-0.3, 0.3))
def test_an_arrow_runs_outside_its_boxes(x, y, bend):
    """From near one to near the other."""
    one, other = Box(0, 0, 80, 30), Box(x, y, 80, 30)
    if abs(x) < 120 and abs(y) < 60:
        return
    points = curve(one, other, bend)
    assert one.distance(points).min() > 0
    assert other.distance(points).min() > 0
    assert one.distance(points[:1])[0] < one.distance(points[-1:])[0]


def test_widths_of_texts_are_those_drawn():
    """Layout may trust them to a few per cent."""
    figure = plot_network_graph(Network("n", (Population("some_long_population", "cell", 3),), (), ()))
    for text, extent in measured(figure).items():
        drawn = extent.width * 72 / figure.dpi
        assert text_size(text.get_text(), text.get_size())[0] == pytest.approx(drawn, rel=0.08, abs=1.5)


# ---- the components --------------------------------------------------------------------------------


def test_the_tree_follows_children_and_references():
    """Simulation, network, population, cell, channel, gate, rate; with what is written of each."""
    rows = {row.name: row for row in reversed(component_tree(read_file(EX5)))}  # the first of a name counts
    order = ["sim1", "net1", "hhpop", "hhcell", "bioPhys1", "membraneProperties", "naChans", "naChan", "m"]
    assert [rows[name].depth for name in order] == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert rows["naChan"].referred
    assert not rows["naChans"].referred
    assert ("erev", "50.0 mV") in rows["naChans"].quantities
    assert "notes" not in rows


def test_what_is_referred_to_twice_is_spread_out_once():
    """The second time it points above."""
    rows = component_tree(read_file("LEMS_NML2_Ex26_Weights.xml"))
    cells = [row for row in rows if row.name == "hhcell"]
    assert [row.repeated for row in cells] == [False] + [True] * (len(cells) - 1)


def test_a_tree_stays_small():
    """Rows of tables and many alike siblings are counted; beyond a limit all rows are."""
    model = read_model(str(IZHIKEVICH))[0]
    rows = component_tree(model)
    assert "640,000 spikePulseConnection" in {row.name for row in rows}
    assert "and 792 more OutputColumn" in {row.name for row in rows}
    short = component_tree(model, limit=5)
    assert len(short) == 6
    assert short[-1].name == f"and {len(rows) - 5} more rows"
    with pytest.raises(ValueError, match="no components"):
        plot_component_tree([])


def test_no_row_of_the_tree_covers_another():
    """Texts of a row stand side by side."""
    extents = measured(plot_component_tree(component_tree(read_file(EX5)), title="T")).values()
    assert not any(a.shrunk(0.97, 0.9).overlaps(b) for a, b in itertools.combinations(extents, 2))


# ---- which picture ---------------------------------------------------------------------------------


def test_without_a_wish_the_first_picture_that_can_be():
    """A network; else channels; else the components."""
    channel = '<ionChannelHH id="k" conductance="1pS"><gateHHrates id="n" instances="4">{}</gateHHrates>'
    rates = "".join(
        f'<{tag} type="HHExpRate" rate="1per_ms" midpoint="0mV" scale="{s}mV"/>'
        for tag, s in (("forwardRate", 20), ("reverseRate", -20))
    )
    alone = f'<Lems><Include file="Cells.xml"/>{channel.format(rates)}</ionChannelHH></Lems>'
    assert draw(link_string(alone)).axes[0].get_title(loc="left") == "k: steady state"
    cell = '<Lems><Include file="Cells.xml"/><fitzHughNagumoCell id="fn" I="0.8"/></Lems>'
    assert "fn" in texts(draw(link_string(cell)))
    assert "fn1_pop" not in texts(draw(read_file(EX9), "components"))
    for what in ("network", "channels"):
        with pytest.raises(ModelError, match=r"the model has no network|no channel of the model"):
            draw(link_string(cell), what)
    with pytest.raises(ModelError, match="has no components"):
        draw(link_string("<Lems/>"))


def test_a_picture_or_option_that_is_none_is_told():
    """With those that there are."""
    with pytest.raises(UnsupportedError, match=r"no picture 'chanels'.*did you mean 'channels'"):
        draw(read_file(EX5), "chanels")
    with pytest.raises(UnsupportedError, match="network has no option 'count'; expected network"):
        draw(read_file(EX5), "network", count=3)
    with pytest.raises(ModelError, match=r"no network 'net9'.*did you mean 'net2'"):
        draw(read_file("LEMS_NML2_Ex7_STP.xml"), "network", network="net9")


def test_the_simulation_s_network_is_drawn():
    """Of several networks in a file; another is drawn by its id."""
    model = read_file("LEMS_NML2_Ex7_STP.xml")
    (target,) = (item.target for item in summary(model).simulations)
    first, other = draw(model), draw(model, network={"net1": "net2", "net2": "net1"}[target])
    assert ("srcPop" in texts(first)) == (target == "net2")
    assert ("srcPop" in texts(other)) == (target != "net2")


# ---- the command -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("suffix", "head"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_ending_says_the_format(suffix, head):
    """And the same picture is the same file."""
    contents = []
    for _ in range(2):
        result = call(EX12, "-o", f"net.{suffix}")
        assert (result.exit_code, result.stderr) == (0, f"wrote net.{suffix}\n")
        contents.append(Path(f"net.{suffix}").read_bytes())
    assert contents[0].startswith(head)
    assert contents[0] == contents[1]


def test_without_a_file_svg_goes_to_stdout():
    """As 'render' does it; ``-`` means the same."""
    result = call(EX12)
    assert result.exit_code == 0
    assert call(EX12, "-o", "-").stdout == result.stdout
    assert result.stdout.startswith("<?xml")
    assert "</svg>" in result.stdout
    assert list(Path().iterdir()) == []


def test_channels_under_conditions():
    """Options of channels ask for channels; negative voltages are values, not options."""
    result = call(
        "LEMS_NML2_Ex15_CaDynamics.xml", "--channel", "Gran_KCa_98", "--at", "caConc=1e-3mM",
        "--voltages", "-80mV:40mV", "-o", "kca.svg",
    )  # fmt: skip
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((EX5, "-o", "x.txt"), "expected one of .png"),
        ((EX5, "--what", "chanels"), "did you mean 'channels'"),
        ((EX5, "--what", "channels", "--at", "x=3"), "no channel requires 'x'"),
        ((EX5, "--at", "x"), "expected NAME=VALUE"),
        ((EX5, "--voltages", "3mV"), "expected LOW:HIGH"),
        ((EX9, "--what", "channels"), "no channel of the model has"),
        (("nothing.xml",), "no such file"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(arguments, words):
    """Exit status 2, one message."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(Path().iterdir()) == []


def test_the_model_is_not_overwritten():
    """Not even where it has the name of a picture."""
    Path("model.svg").write_text('<Lems><Include file="Cells.xml"/></Lems>')
    result = call("model.svg", "-o", "./model.svg")
    assert result.exit_code == 2
    assert "that is FILE itself" in result.stderr
    assert Path("model.svg").read_text().startswith("<Lems>")


def test_a_name_is_a_text_not_a_formula():
    """A dollar sign in a name neither fails nor starts a formula."""
    odd = Network("n", (Population("a$b$", r"$\frac$", 1),), (), ())
    figure = plot_network_graph(odd)
    assert np.isfinite(figure.get_size_inches()).all()
    assert len(encoded(figure, "png")) > 1000
