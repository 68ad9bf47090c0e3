"""``tvbo-lite info``: what a file holds, in numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tvbo_lite.cli import cli
from tvbo_lite.formats.lems.reader import link_string, read_file
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.resources import folder
from tvbo_lite.transforms.summary import Part, Population, summary


def info(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["info", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_network_is_told_with_its_numbers() -> None:
    """Cells, connections and inputs; single connections between the same populations count together."""
    found = summary(read_file("LEMS_NML2_Ex3_Net.xml"))
    (network,) = found.networks
    assert (network.n_cells, network.n_connections, network.n_inputs) == (4, 3, 1)
    assert network.populations == (Population("hh1pop", "hhcell_1", 1), Population("hh2pop", "hhcell_2", 3))
    assert [item.uses for item in network.connections] == ["syn1exp", "syn2exp", "synalpha"]
    assert {(item.source, item.target) for item in network.connections} == {("hh1pop", "hh2pop")}


def test_parts_stand_under_what_they_are() -> None:
    """Cells, channels, synapses and inputs; the types are those that they are made of."""
    parts = summary(read_file("LEMS_NML2_Ex3_Net.xml")).parts
    assert list(parts) == ["cells", "channels", "synapses", "inputs"]
    assert Part("syn2exp", "expTwoSynapse") in parts["synapses"]
    assert parts["inputs"] == (Part("pulseGen1", "pulseGenerator"),)


def test_projections_and_instances_are_counted() -> None:
    """Weighted, electrical and continuous ones; a population of instances has as many as it lists."""
    networks = {network.id: network for network in summary(read_file("LEMS_NML2_Ex26_Weights.xml")).networks}
    net = networks["net2"]
    assert [(item.type, item.uses, item.count) for item in net.connections] == [
        ("projection", "syn1", 1), ("projection", "syn1", 2),
        ("electricalProjection", "gj1", 3), ("continuousProjection", "gs1", 3),
    ]  # fmt: skip
    assert net.n_cells == 12
    assert [(item.id, item.uses, item.target, item.count) for item in net.inputs] == [
        ("i1", "pulseGen2", "prePop", 3)
    ]


def test_a_simulation_is_told_with_its_files() -> None:
    """As written, with the number of columns."""
    (simulation,) = summary(read_file("LEMS_NML2_Ex3_Net.xml")).simulations
    assert (simulation.target, simulation.length, simulation.step) == ("net1", "100ms", "0.005ms")
    assert simulation.files == (("results/ex3_v.dat", 3),)
    assert simulation.displays == 2


def test_types_of_ones_own_are_named() -> None:
    """Not those of the library."""
    found = summary(
        link_string('<Lems><Include file="Cells.xml"/><ComponentType name="Mine"/><Mine id="m"/></Lems>')
    )
    assert found.component_types == ("Mine",)
    assert found.parts == {"other components": (Part("m", "Mine"),)}


def test_the_page_is_aligned_text() -> None:
    """Headings, and below them columns."""
    lines = info("LEMS_NML2_Ex3_Net.xml").splitlines()
    assert lines[:3] == ["cells", "  hhcell_1  pointCellCondBased", "  hhcell_2  pointCellCondBased"]
    assert "network net1: 4 cells, 3 connections, 1 input" in lines
    start = lines.index("network net1: 4 cells, 3 connections, 1 input")
    rows = lines[start + 1 : start + 7]
    assert (
        len(
            {
                row.index(word)
                for row in rows
                for word in ("1 cell", "3 cells", "1 con", "1 inp")
                if word in row
            }
        )
        == 1
    )
    assert "simulation sim1: net1, 100ms in steps of 0.005ms, 2 displays" in lines
    assert lines[-1] == "  file  results/ex3_v.dat  3 columns"


@pytest.mark.parametrize("name", jar.example_names())
def test_every_canonical_example_has_a_page(name: str) -> None:
    """With its network and its simulation."""
    page = info(name)
    assert "\nsimulation " in page
    assert "network " in page


def test_yaml_and_neuroml_files_have_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All readers end in the same model."""
    assert "izhikevichCell" in info(str(folder("reference_examples") / "izhikevich" / "experiment.yaml"))
    monkeypatch.chdir(tmp_path)
    jar.extract_examples(".")
    for file in sorted(Path("examples").glob("*.nml")):
        assert info(str(file))
    assert "projection  internal1  syn1       iafCells -> iafCells  1 connection" in info(
        "examples/NML2_InstanceBasedNetwork.nml"
    )
    Path("empty.xml").write_text("<Lems/>")
    assert info("empty.xml") == "empty.xml holds no components\n"


def test_cells_and_connections_of_tables_are_counted() -> None:
    """A network by rule has no component for each, but as many."""
    text = info(str(folder("reference_examples") / "izhikevich_network" / "experiment.yaml"))
    assert "network net1: 1000 cells, 1000000 connections, 0 inputs" in text
    assert "E   excitatory          800 cells" in text
